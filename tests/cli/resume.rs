//! A run that was stopped at any moment is run again: nothing is translated twice, and a reader cannot tell.
//!
//! How far a run had come is read from what it left, never from a clock, so these tests hold on machines of any speed.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::place::{CLEAN, Draw, Place, Ran, Tree, assert_same, document};

/// The command that all of them run, into `out`.
pub fn run_into(out: &str) -> String {
    format!("run reports --out {out} --model echo --threads 1 --formats md,html,jsonl,txt,docx,tmx,xliff")
}

/// Reports of some hundred sentences, several windows of them, a few said in every report, with a run that nobody
/// stopped.
pub struct Uninterrupted {
    pub place: Place,
    pub outputs: Tree,
    pub record: Value,
}

impl Uninterrupted {
    pub fn new() -> Self {
        let place = Place::new();
        let mut draw = Draw(11);
        for n in 0..12 {
            let mut text = format!("التقرير رقم {n}.\n\n");
            for _ in 0..5 {
                let sentences: Vec<String> = (0..8).map(|_| draw.sentence()).collect();
                text.push_str(&format!("{}\n\nتحتاج الأسر إلى الماء.\n\n", sentences.join(" ")));
            }
            place.write(&format!("reports/{}/{n}.txt", n % 3), text);
        }
        // Flags must survive too.
        place.write("reports/flagged.txt", "هذه جملة فيها حلقة مفرغة.\n");
        place.write("reports/broken.txt", b"\0\0\0\x01\x02\0\0\0");
        let record = place.run(&run_into("whole"), 1, "whole");
        let outputs = place.outputs("whole");
        assert_eq!(
            tokens(&record),
            u64::from(remembered(&place, "whole").tokens),
            "the memory has all that was made"
        );
        Uninterrupted { place, outputs, record }
    }

    /// Starts the run, slowly.
    pub fn start(&self, options: &str, delay_ms: u32) -> Running {
        let _ = fs::remove_dir_all(self.place.path("out"));
        let mut command = self.place.command(&format!("{} {options}", run_into("out")));
        command.env("TARJUMAN_ECHO_DELAY_MS", delay_ms.to_string());
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child }
    }

    /// Runs again after a stop, and compares with the run that was not stopped. Returns how many sentences the stopped
    /// run had in its memory.
    pub fn resume(&self, case: &str) -> u32 {
        let known = remembered(&self.place, "out");
        let record = self.place.run(&run_into("out"), 1, "out");
        assert_same(&self.outputs, &self.place.outputs("out"), case);
        let all = tokens(&self.record);
        assert_eq!(
            tokens(&record),
            all - u64::from(known.tokens),
            "{case}: of {all} tokens {} were there",
            known.tokens
        );
        assert_eq!(record["ledger"], self.record["ledger"], "{case}");
        assert_eq!(record["interrupted"], false);
        if known.entries > 0 {
            let found = record["from_memory"].as_u64().unwrap();
            assert!(found >= u64::from(known.entries), "{case}: {found} of {}", known.entries);
        }
        known.entries
    }
}

pub fn tokens(record: &Value) -> u64 {
    record["target_tokens"].as_u64().unwrap()
}

#[derive(Debug, Default)]
pub struct Remembered {
    pub entries: u32,
    pub tokens: u32,
}

/// What the memory in `out` holds. Read from a copy: opening it would mend what a kill left, before the program has
/// had to.
pub fn remembered(place: &Place, out: &str) -> Remembered {
    let copy = tempfile::tempdir().unwrap();
    for name in ["memory.sqlite", "memory.sqlite-journal", "memory.sqlite-wal"] {
        let from = place.path(out).join(name);
        if from.exists() {
            fs::copy(from, copy.path().join(name)).unwrap();
        }
    }
    let path = copy.path().join("memory.sqlite");
    if !path.exists() {
        return Remembered::default();
    }
    let memory = Connection::open(path).unwrap();
    let made = memory
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'piece'", [], |r| r.get::<_, u32>(0));
    if made.unwrap() == 0 {
        return Remembered::default();
    }
    let sums = "SELECT count(DISTINCT key), coalesce(sum(tokens), 0) FROM piece";
    memory.query_row(sums, [], |r| Ok(Remembered { entries: r.get(0)?, tokens: r.get(1)? })).unwrap()
}

/// A run under way; killed when dropped, so that a failed test leaves nothing behind.
pub struct Running {
    pub child: Child,
}

impl Running {
    /// Waits until `is_far_enough`, or until the run has ended by itself.
    pub fn wait_until(&mut self, mut is_far_enough: impl FnMut() -> bool) {
        while !is_far_enough() && self.child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.child.id();
        assert!(Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status().unwrap().success());
    }

    /// What it said, and how it ended.
    pub fn finish(mut self) -> Ran {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ran { code: self.child.wait().unwrap().code().unwrap_or(-1), stdout: String::new(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(path: &Path) -> usize {
    fs::metadata(path).map_or(0, |m| m.len() as usize)
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let whole = Uninterrupted::new();
    let log = whole.place.path("out/memory.sqlite-wal");
    let all = remembered(&whole.place, "whole").entries;
    let mut draw = Draw(2024);
    let mut on_the_way = 0;
    for round in 0..8 {
        let mut running = whole.start("", 1);
        // By the bytes of the memory's log, from none to all; then a moment more, to hit the middle of something.
        let enough = draw.below(600_000) * usize::from(round > 0);
        running.wait_until(|| log.exists() && size(&log) >= enough);
        std::thread::sleep(Duration::from_micros(draw.below(9000) as u64));
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let known = whole.resume(&format!("round {round}: killed at {enough} bytes of log"));
        on_the_way += usize::from(0 < known && known < all);
    }
    assert!(on_the_way > 0, "no kill came in the middle: the limits on the log no longer fit the reports");
}

#[test]
fn a_run_killed_while_it_writes_leaves_no_half_file() {
    let whole = Uninterrupted::new();
    let mut draw = Draw(77);
    for round in 0..6 {
        let mut running = whole.start("", 0);
        // The first outputs appear as soon as the first window is through.
        let enough = 1 + draw.below(whole.outputs.len() - 3);
        let out = whole.place.path("out");
        running.wait_until(|| out.exists() && finished_outputs(&whole.place) >= enough);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        for (name, bytes) in finished(&whole.place) {
            // The pages of the whole run tell of documents that were not reached.
            if whole.outputs.contains_key(&name) && !["index.html", "digest.md"].contains(&name.as_str()) {
                assert!(bytes == whole.outputs[&name], "round {round}: {name} is whole or not there");
            }
        }
        whole.resume(&format!("round {round}: killed after {enough} files"));
    }
}

/// What stands in `out` under the name of an output; the folder may be changing.
fn finished(place: &Place) -> Tree {
    let mut tree = place.outputs("out");
    tree.retain(|name, _| !name.rsplit('/').next().unwrap().starts_with('.'));
    tree
}

fn finished_outputs(place: &Place) -> usize {
    fn count(folder: &Path) -> usize {
        let Ok(entries) = fs::read_dir(folder) else { return 0 };
        entries.flatten().map(|e| if e.path().is_dir() { count(&e.path()) } else { 1 }).sum()
    }
    // The marker, the memory and its two companions.
    count(&place.path("out")).saturating_sub(4)
}

#[test]
fn what_a_killed_run_left_is_no_input_of_another() {
    let whole = Uninterrupted::new();
    for memory in ["m.sqlite", "none"] {
        let mut running = whole.start(&format!("--memory {memory}"), 1);
        running.wait_until(|| finished_outputs(&whole.place) > 0);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        assert!(!whole.place.path("out/run.json").exists(), "it was caught on the way");
        let old = whole.place.path("reports/old");
        fs::rename(whole.place.path("out"), &old).unwrap();
        let record = whole.place.run(&run_into("next"), 1, "next");
        let ids = |record: &Value| -> Vec<String> {
            record["documents"].as_array().unwrap().iter().map(|d| d["id"].to_string()).collect()
        };
        assert_eq!(ids(&record), ids(&whole.record), "{memory}");
        assert_eq!(record["ignored"][0]["id"], "old/", "{memory}");
        fs::remove_dir_all(old).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_signal_stops_gently_and_the_next_run_completes() {
    let whole = Uninterrupted::new();
    let log = whole.place.path("out/memory.sqlite-wal");
    for signal in ["INT", "TERM"] {
        let mut running = whole.start("", 2);
        running.wait_until(|| size(&log) >= 100_000);
        running.signal(signal);
        let ran = running.finish();
        ran.expect(130).says(&["stopping; what is translated is kept", "run the same command again"]);
        let record = whole.place.record("out");
        assert_eq!(record["interrupted"], true, "{signal}");
        let documents = record["documents"].as_array().unwrap();
        assert_eq!(
            documents.len(),
            whole.record["documents"].as_array().unwrap().len(),
            "all are accounted for"
        );
        assert!(
            documents.iter().any(|d| d["outcome"] == "not_reached"),
            "{signal}: it was stopped before the end"
        );
        for done in documents.iter().filter(|d| d["outcome"] == "done") {
            for output in done["outputs"].as_array().unwrap() {
                assert!(whole.place.path("out").join(output.as_str().unwrap()).is_file(), "{output}");
            }
        }
        assert!(remembered(&whole.place, "out").entries > 0, "{signal}: what was done is kept");
        whole.resume(signal);
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_at_once_and_messages_keep_their_format() {
    let whole = Uninterrupted::new();
    // No sentence would ever be finished.
    let mut running = whole.start("--log-format json", 3_600_000);
    let mut lines = BufReader::new(running.child.stderr.take().unwrap()).lines();
    let mut wait_for = |text: &str| {
        let line = lines.by_ref().map(Result::unwrap).find(|line| line.contains(text));
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert!(line["message"].as_str().unwrap().contains(text));
    };
    wait_for("model echo");
    running.signal("INT");
    wait_for("stopping");
    running.signal("INT");
    assert_eq!(running.child.wait().unwrap().code(), Some(130));
    whole.resume("stopped at once");
}

#[test]
fn a_finished_run_is_answered_from_the_memory_and_fresh_makes_it_anew() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let repeated = &whole.record["from_memory"];
    let asked = whole.record["ledger"]["units"].as_u64().unwrap()
        - whole.record["ledger"]["copied"].as_u64().unwrap();
    let again = place.run(&run_into("whole"), 1, "whole");
    assert_eq!((tokens(&again), &again["from_memory"]), (0, &asked.into()), "nothing is made twice");
    assert_same(&whole.outputs, &place.outputs("whole"), "again");

    let fresh = place.run(&format!("{} --fresh", run_into("whole")), 1, "whole");
    assert_eq!(
        (tokens(&fresh), &fresh["from_memory"]),
        (tokens(&whole.record), repeated),
        "all is made anew"
    );
    assert_same(&whole.outputs, &place.outputs("whole"), "fresh");

    // Another search is another question.
    let wider = place.run(&format!("{} --beam 2", run_into("whole")), 1, "whole");
    assert!(tokens(&wider) > tokens(&whole.record), "two hypotheses each");
    let balanced = place.run(&format!("{} --quality balanced", run_into("whole")), 1, "whole");
    assert_eq!(tokens(&balanced), 0, "the same search by another name");
    let best = place.run(&format!("{} --quality best", run_into("whole")), 1, "whole");
    assert!(tokens(&best) > 0);
}

#[cfg(unix)]
#[test]
fn a_fresh_run_that_was_stopped_goes_on_and_one_that_ended_begins_anew() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let fresh = |options: &str| {
        let ran = place.tarjuman(&format!("{} --fresh {options}", run_into("whole")));
        (ran.expect(1).stderr.contains("--fresh goes on"), tokens(&place.record("whole")))
    };
    let all = tokens(&whole.record);
    let mut command = place.command(&format!("{} --fresh", run_into("whole")));
    command.env("TARJUMAN_ECHO_DELAY_MS", "2");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running { child };
    let log = place.path("whole/memory.sqlite-wal");
    running.wait_until(|| size(&log) >= 100_000);
    running.signal("INT");
    running.finish().expect(130).says(&["run the same command again to go on where it stopped"]);
    let stopped = tokens(&place.record("whole"));
    assert!(0 < stopped && stopped < all, "{stopped} of {all}");
    // Another command is not the same one.
    let other = place.tarjuman(&format!("{} --fresh --limit 1", run_into("whole")));
    assert!(!other.stderr.contains("--fresh goes on"), "{}", other.stderr);
    let other = tokens(&place.record("whole"));
    let (goes_on, made) = fresh("");
    assert!(goes_on && made < all, "{made} of {all}");
    assert!(stopped + other + made >= all, "nothing older is taken: {stopped}, {other} and {made} of {all}");
    assert_same(&whole.outputs, &place.outputs("whole"), "fresh, in two");
    assert_eq!(fresh(""), (false, all), "it had come to its end");
}

#[cfg(unix)]
#[test]
fn a_run_without_a_memory_does_not_say_that_it_keeps_anything() {
    let whole = Uninterrupted::new();
    let mut running = whole.start("--memory none", 20);
    running.wait_until(|| finished_outputs(&whole.place) > 0);
    running.signal("INT");
    let ran = running.finish();
    ran.expect(130).says(&["stopping. Press", "without a memory the same command begins anew"]);
    assert!(!ran.stderr.contains("kept"), "{}", ran.stderr);
}

#[test]
fn without_a_memory_nothing_is_kept_and_with_a_shared_one_nothing_is_asked_again() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    for _ in 0..2 {
        let record = place.run(&format!("{} --memory none", run_into("out")), 1, "out");
        assert_eq!(tokens(&record), tokens(&whole.record));
        assert_same(&whole.outputs, &place.outputs("out"), "none");
        assert!(!place.path("out/memory.sqlite").exists());
    }
    let first = place.run(&format!("{} --memory shared", run_into("one")), 1, "one");
    let second = place.run(&format!("{} --memory shared", run_into("two")), 1, "two");
    assert_eq!((tokens(&first), tokens(&second)), (tokens(&whole.record), 0));
    assert_same(&whole.outputs, &place.outputs("two"), "shared");
    assert!(!place.path("two/memory.sqlite").exists());

    // `translate` asks the same memory.
    let slow = place.command("translate --model echo --memory shared");
    let mut slow = assert_cmd::Command::from_std(slow);
    slow.env("TARJUMAN_ECHO_DELAY_MS", "3600000").timeout(Duration::from_secs(60));
    let ran = Ran::of(slow.write_stdin("تحتاج الأسر إلى الماء.\n").output().unwrap());
    assert_eq!(ran.expect(0).stdout, "thtaj alasr ala alma.\n");
}

#[cfg(unix)]
#[test]
fn a_second_run_into_the_same_folder_is_refused() {
    let whole = Uninterrupted::new();
    let mut running = whole.start("", 3_600_000);
    let mut lines = BufReader::new(running.child.stderr.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("model echo"));
    whole.place.tarjuman(&run_into("out")).expect(2).says(&["out", "hint: "]);
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    whole.resume("after the first has gone");
}

#[test]
fn two_runs_at_once_may_share_a_memory() {
    let whole = Uninterrupted::new();
    let start = |out: &str| {
        let mut command = whole.place.command(&format!("{} --memory shared", run_into(out)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let runs = ["one", "two"].map(|out| (out, Running { child: start(out) }));
    for (out, running) in runs {
        running.finish().expect(1);
        assert_same(&whole.outputs, &whole.place.outputs(out), out);
    }
}

#[test]
fn an_edited_report_costs_only_its_new_sentences() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    let first = place.run("run a.txt --out out --model echo", 0, "out");
    place.write("a.txt", format!("{CLEAN}ثم عاد.\n"));
    let second = place.run("run a.txt --out out --model echo", 0, "out");
    // Two words and the end token.
    assert_eq!((tokens(&second), &second["from_memory"]), (3, &2.into()));
    let digest = |record: &Value| document(record, "a.txt")["digest"].clone();
    assert_ne!(digest(&first), digest(&second));
}
