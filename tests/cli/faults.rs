//! What breaks around a run: disks that fill up, damaged and locked memories, inputs that vanish, too little room. Each
//! fault has its message with a hint, none costs what was done, and the next run gives what an undisturbed one gives.
//!
//! `resume.rs` has the runs that are killed or stopped. Faults that need rights which not every machine gives are left
//! out where they are refused.
#![cfg(target_os = "linux")]

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::Connection;

use crate::place::{CLEAN, Draw, Place, Ran, assert_same, document};
use crate::resume::{Running, Uninterrupted, remembered, run_into, tokens};

/// Nothing here works for longer than a second; whatever takes this long hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// The program with the arguments of `line`, started by a shell that does `first`. `$TOOLS` is a `PATH` with the
/// system's programs, which the program itself does not get.
fn after(place: &Place, first: &str, line: &str) -> Command {
    let program = place.command(line);
    let mut tools = std::env::var_os("PATH").unwrap_or_default();
    tools.push(":/usr/sbin:/usr/bin:/sbin:/bin");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", first, "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(place.path("")).env_clear().env("TOOLS", tools);
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

/// Runs it to its end, which must come.
#[track_caller]
fn ended(command: Command) -> Ran {
    let started = Instant::now();
    let mut command = assert_cmd::Command::from_std(command);
    let ran = Ran::of(command.timeout(LIMIT).output().unwrap());
    assert!(started.elapsed() < LIMIT, "it hangs\n{}", ran.stderr);
    ran
}

/// A fault that ends the run: no panic, a line with what it is about, and a hint.
#[track_caller]
fn told(ran: &Ran, case: &str, parts: &[&str]) {
    assert_eq!(ran.code, 2, "{case}\n{}", ran.stderr);
    ran.expect(2).says(parts);
    let error = ran.stderr.lines().rev().find(|line| line.starts_with("error: "));
    assert!(error.is_some_and(|line| line.len() < 300), "{case}\n{}", ran.stderr);
    let last = ran.stderr.lines().last().unwrap();
    assert!(last.starts_with("hint: ") && last.len() > 20, "{case}\n{}", ran.stderr);
}

/// What stands in `out` under an output's own name is whole. The pages of the folder tell of documents that failed.
#[track_caller]
fn no_half_files(whole: &Uninterrupted, case: &str) {
    if !whole.place.path("out").is_dir() {
        return;
    }
    for (name, bytes) in whole.place.outputs("out") {
        let is_page = ["index.html", "digest.md", "review.csv"].contains(&name.as_str());
        if let Some(expected) = whole.outputs.get(&name).filter(|_| !is_page) {
            assert!(bytes == *expected, "{case}: {name} is whole or not there");
        }
    }
}

fn clear(place: &Place, out: &str) {
    let _ = fs::remove_dir_all(place.path(out));
}

/// Whether a name space of its own is to be had, with `script` done in it.
fn may_unshare(flags: &str, script: &str) -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args([flags, "/bin/sh", "-c", script]).stdout(Stdio::null()).stderr(Stdio::null());
    unshare.status().is_ok_and(|status| status.success())
}

/// Whether a disk of its own can be laid over a folder.
fn may_mount() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let disk = format!("none {}", folder.path().display());
    let mount = format!("mount -t tmpfs -o size=1m {disk} && mount -t tmpfs -o remount,ro,size=2m {disk}");
    may_unshare("-rm", &mount)
}

#[test]
fn a_limit_on_the_size_of_files_loses_nothing() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    // Blocks of 512 bytes: from the first page of the memory to somewhere in its log.
    let mut kept = 0;
    for blocks in [1, 2, 20, 60, 90, 150, 220] {
        clear(place, "out");
        let case = format!("memory, {blocks} blocks");
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let ran = ended(after(place, &limit, &run_into("out")));
        told(&ran, &case, &["out/memory.sqlite: ", "ulimit -f"]);
        no_half_files(&whole, &case);
        kept += usize::from(whole.resume(&case) > 0);
    }
    assert!(kept > 0, "no limit came in the middle of the memory: they no longer fit the reports");

    // Without a memory the outputs meet the limit: all, then all but the marker, then only the longest and the record.
    for (blocks, file) in
        [(0, ".tarjuman-output"), (1, "review.csv"), (8, "index.html"), (40, "bilingual.html")]
    {
        clear(place, "out");
        let case = format!("outputs, {blocks} blocks");
        let line = format!("{} --memory none", run_into("out"));
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        // Standard error would be limited too, were it a file.
        let ran = ended(after(place, &limit, &line));
        assert!([1, 2].contains(&ran.code), "{case}\n{}", ran.stderr);
        ran.expect(ran.code).says(&[file, "File too large", "hint: the disk or a limit (ulimit -f)"]);
        no_half_files(&whole, &case);
        place.run(&line, 1, "out");
        assert_same(&whole.outputs, &place.outputs("out"), &case);
    }
}

#[test]
fn a_memory_that_cannot_be_written_is_told_after_a_stop_too() {
    let whole = Uninterrupted::new();
    // The first call to the model takes some seconds.
    let mut running = whole.start("", 200);
    let path = whole.place.path("out/memory.sqlite");
    let has_some = || Connection::open(&path)?.query_row("SELECT count(*) > 0 FROM piece", [], |r| r.get(0));
    running.wait_until(|| path.exists() && has_some().unwrap_or(false));
    let memory = Connection::open(&path).unwrap();
    memory.busy_timeout(LIMIT).unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON piece BEGIN SELECT RAISE(ABORT, 'no room'); END";
    memory.execute_batch(full).unwrap();
    running.signal("INT");
    running.finish().expect(2).says(&["stopping; what is translated is kept", "error: ", "no room"]);
    memory.execute_batch("DROP TRIGGER full").unwrap();
    drop(memory);
    whole.resume("after a stop without room");
}

#[test]
fn a_run_that_the_limit_kills_goes_on_where_it_was() {
    let whole = Uninterrupted::new();
    for blocks in [40, 120, 200] {
        clear(&whole.place, "out");
        let limit = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$@\"");
        let ran = ended(after(&whole.place, &limit, &run_into("out")));
        assert_eq!(ran.code, -1, "{blocks} blocks: a signal\n{}", ran.stderr);
        no_half_files(&whole, &format!("{blocks} blocks"));
        whole.resume(&format!("{blocks} blocks"));
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    if !may_mount() {
        return;
    }
    let whole = Uninterrupted::new();
    let place = &whole.place;
    for kib in [12, 84, 164, 404, 704] {
        for name in ["out", "first", "second"] {
            clear(place, name);
            fs::create_dir(place.path(name)).unwrap();
        }
        // The disk is gone with its name space, so all is done in one, and what is of interest is copied.
        let script = format!(
            "plain=$PATH; PATH=$TOOLS; mount -t tmpfs -o size={kib}k none out || exit 99; PATH=$plain
             \"$@\" 2>first.txt; echo $? >first.code
             PATH=$TOOLS; cp -a out/. first; mount -t tmpfs -o remount,size=64m none out || exit 99; PATH=$plain
             \"$@\"; code=$?
             PATH=$TOOLS; cp -a out/. second; exit $code"
        );
        let script = format!("PATH=$TOOLS unshare -rm /bin/sh -c '{script}' sh \"$@\"");
        let ran = ended(after(place, &script, &run_into("out")));
        let case = format!("{kib} KiB");
        let (code, stderr) = (place.read("first.code").trim().parse().unwrap(), place.read("first.txt"));
        let first = Ran { code, stdout: String::new(), stderr };
        told(&first, &case, &["hint: free some space and run"]);
        let known = remembered(place, "first");
        ran.expect(1);
        assert_same(&whole.outputs, &place.outputs("second"), &case);
        let record = place.record("second");
        assert_eq!(tokens(&record), tokens(&whole.record) - u64::from(known.tokens), "{case}: {known:?}");
    }
}

#[test]
fn a_full_standard_output_is_an_error_and_a_full_standard_error_is_none() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    place.write("line.txt", CLEAN);
    let export = "memory export whole/memory.sqlite";
    for line in ["translate --model echo", "segment line.txt", "segment line.txt --json", export] {
        let ran = ended(after(place, "exec \"$@\" <line.txt >/dev/full", line));
        told(&ran, line, &["error: cannot write to standard output: No space left on device", "hint: "]);
    }
    let ran = place.tarjuman(&format!("{export} /dev/full"));
    told(&ran, "export", &["cannot write /dev/full: No space left on device", "hint: "]);

    let ran = ended(after(place, "exec \"$@\" 2>/dev/full", &run_into("out")));
    ran.expect(1);
    assert_same(&whole.outputs, &place.outputs("out"), "messages that nobody gets");
}

#[test]
fn what_stands_in_the_way_of_an_output_is_named_and_the_rest_is_written() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    place.write("out", "a file");
    let ran = place.tarjuman(&run_into("out"));
    told(&ran, "out", &["cannot write out: ", "hint: a file stands where a folder is needed"]);
    assert_eq!(place.read("out"), "a file");
    fs::remove_file(place.path("out")).unwrap();

    // A file for a folder of reports, a folder for an output.
    place.write("out/1", "a file");
    fs::create_dir_all(place.path("out/2/2.en.txt")).unwrap();
    let ran = place.tarjuman(&run_into("out"));
    ran.expect(1).says(&[
        "error: 1/1.txt: cannot write ",
        "hint: a file stands where a folder is needed",
        "error: 2/2.txt: cannot write ",
        "hint: a folder stands where a file is needed",
        "8 documents done, 6 failed",
    ]);
    fs::remove_file(place.path("out/1")).unwrap();
    fs::remove_dir(place.path("out/2/2.en.txt")).unwrap();
    whole.resume("out of the way");

    // One for the record, at the end of all.
    clear(place, "out");
    fs::create_dir_all(place.path("out/run.json")).unwrap();
    let ran = place.tarjuman(&run_into("out"));
    told(&ran, "record", &["out/run.json", "hint: a folder stands where a file is needed"]);
    fs::remove_dir(place.path("out/run.json")).unwrap();
    whole.resume("record");
}

#[test]
fn an_output_folder_that_is_read_only_is_an_error_before_anything_is_done() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write all the same.
    if File::create(out.join("try")).is_err() {
        let ran = place.tarjuman(&run_into("out"));
        told(&ran, "permissions", &["cannot write out: ", "hint: choose a folder that you may write to"]);
    }
    fs::set_permissions(&out, fs::Permissions::from_mode(0o755)).unwrap();
    let _ = fs::remove_file(out.join("try"));
    if may_mount() {
        for (line, parts) in [
            (run_into("out"), ["cannot write out: Read-only", "hint: choose a folder that you may write to"]),
            (
                format!("{} --memory out/memory.sqlite", run_into("other")),
                [
                    "out/memory.sqlite: cannot open the translation memory: ",
                    "hint: its folder must exist and",
                ],
            ),
        ] {
            let script =
                "plain=$PATH; PATH=$TOOLS; mount -t tmpfs none out && mount -t tmpfs -o remount,ro none out || exit 99
                          PATH=$plain; exec \"$@\"";
            let script = format!("PATH=$TOOLS unshare -rm /bin/sh -c '{script}' sh \"$@\"");
            let ran = ended(after(place, &script, &line));
            told(&ran, &line, &parts);
            assert!(!ran.stderr.contains("model echo"), "no model was loaded yet\n{}", ran.stderr);
        }
    }
    whole.resume("writable again");
}

#[test]
fn a_memory_that_is_something_else_is_left_as_it_is() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let other = place.path("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
    place.write("notes.txt", "ملاحظات ".repeat(500));
    for name in ["other.sqlite", "notes.txt"] {
        let before = fs::read(place.path(name)).unwrap();
        let ran = place.tarjuman(&format!("{} --memory {name}", run_into("out")));
        told(&ran, name, &[name, "not a translation memory", "hint: it was left as it is"]);
        assert!(before == fs::read(place.path(name)).unwrap(), "{name} is as it was");
    }
    fs::create_dir(place.path("folder")).unwrap();
    let ran = place.tarjuman(&format!("{} --memory folder", run_into("out")));
    told(&ran, "folder", &["folder: cannot open the translation memory", "hint: "]);

    // An empty file is one that nobody has written to yet.
    clear(place, "out");
    place.write("out/memory.sqlite", "");
    whole.resume("empty");
}

#[test]
fn a_damaged_memory_is_named_or_does_no_harm() {
    const PAGE: usize = 4096;
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let sound = fs::read(place.path("whole/memory.sqlite")).unwrap();
    let mut draw = Draw(31);
    let mut cases: Vec<(String, Vec<u8>)> = Vec::new();
    for _ in 0..6 {
        let page = draw.below(sound.len() / PAGE);
        for (what, byte) in [("zeros", 0), ("noise", 0x5a)] {
            let mut bytes = sound.clone();
            bytes[page * PAGE..][..PAGE].fill(byte);
            cases.push((format!("{what} in page {page}"), bytes));
        }
    }
    for len in [1, 50, 512, PAGE, sound.len() / 2, sound.len() - 1] {
        cases.push((format!("cut to {len}"), sound[..len].to_vec()));
    }
    // Text that is none, where all else is in order. The sentence stands in every report.
    let text = b"thtaj alasr ala alma.";
    let at = sound.windows(text.len()).position(|w| w == text).unwrap();
    let mut bytes = sound.clone();
    bytes[at..][..text.len()].fill(0xff);
    cases.push(("text".into(), bytes));

    let mut named = 0;
    for (case, bytes) in cases {
        clear(place, "out");
        place.write("out/memory.sqlite", &bytes);
        let ran = place.tarjuman(&run_into("out"));
        if ran.code == 2 {
            let is_damaged = ran.stderr.contains("the translation memory is damaged\n\nhint: move it away");
            assert!(is_damaged || ran.stderr.contains("not a translation memory"), "{case}\n{}", ran.stderr);
            told(&ran, &case, &["out/memory.sqlite: "]);
            named += 1;
        } else {
            ran.expect(1);
            assert_same(&whole.outputs, &place.outputs("out"), &case);
        }
        assert!(case != "text" || ran.code == 2, "{}", ran.stderr);
    }
    assert!(named > 10, "{named}");
    // The last one was refused. As the hint says:
    for name in ["memory.sqlite", "memory.sqlite-wal", "memory.sqlite-shm"] {
        let _ = fs::rename(place.path("out").join(name), place.path(name));
    }
    whole.resume("moved away");
}

#[test]
fn a_memory_that_another_program_holds_is_waited_for() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let held_for = Duration::from_secs(1);
    let memory = place.path("whole/memory.sqlite");
    let holder = Connection::open(&memory).unwrap();
    for begin in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        holder.execute_batch(begin).unwrap();
        let mut running = whole.start("--memory whole/memory.sqlite", 0);
        sleep(held_for);
        assert!(running.child.try_wait().unwrap().is_none(), "{begin}: it cannot have ended");
        holder.execute_batch("ROLLBACK").unwrap();
        running.finish().expect(1);
        assert_same(&whole.outputs, &place.outputs("out"), begin);
    }
    drop(holder);

    // While the run goes on: it cannot end before it has kept what it made.
    let mut running = whole.start("", 1);
    let log = place.path("out/memory.sqlite-wal");
    running.wait_until(|| fs::metadata(&log).is_ok_and(|m| m.len() > 50_000));
    let holder = Connection::open(place.path("out/memory.sqlite")).unwrap();
    holder.busy_timeout(LIMIT).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let entries = remembered(place, "out").entries;
    assert!(entries < remembered(place, "whole").entries, "it was caught on the way");
    sleep(held_for);
    assert!(running.child.try_wait().unwrap().is_none(), "it cannot have ended");
    holder.execute_batch("ROLLBACK").unwrap();
    drop(holder);
    running.finish().expect(1);
    assert_same(&whole.outputs, &place.outputs("out"), "held on the way");
}

#[test]
fn of_runs_that_start_together_in_one_folder_one_works_and_the_others_are_told() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let start = |_| {
        let mut command = place.command(&run_into("out"));
        command.env("TARJUMAN_ECHO_DELAY_MS", "1");
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Running { child }
    };
    let runs: Vec<Running> = (0..4).map(start).collect();
    let mut worked = 0;
    for ran in runs.into_iter().map(Running::finish) {
        match ran.code {
            2 => told(&ran, "together", &["out is in use by another run", "hint: wait for it"]),
            _ => worked += usize::from(ran.expect(1).code == 1),
        }
    }
    assert!(worked > 0, "nobody worked");
    assert_same(&whole.outputs, &place.outputs("out"), "together");
    whole.resume("after all of them");
}

/// Makes a named pipe.
fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Opens a pipe for writing as soon as the program reads from it.
fn open_when_read(path: &Path, running: &mut Running) -> File {
    const O_NONBLOCK: i32 = 0o4000;
    let mut opened = None;
    // Without the flag it would wait for a reader that may never come.
    running.wait_until(|| {
        opened = OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(path).ok();
        opened.is_some()
    });
    opened.expect("the program reads it")
}

#[test]
fn inputs_that_change_under_the_run_are_failures_of_their_own() {
    let place = Place::new();
    let names = ["deleted", "emptied", "folder", "grown", "looped", "other", "piped", "spoilt", "still"];
    let text = |name: &str| format!("{CLEAN}{}", Draw(name.len() as u64).sentence());
    for name in names {
        place.write(&format!("in/{name}.txt"), text(name));
    }
    place.write("a.txt", CLEAN);
    place.run("run a.txt in --out whole --model echo", 0, "whole");
    let whole = place.outputs("whole");

    // A pipe that is given by name is read like a file. It comes first, and while the program waits for it, all inputs
    // are found and none is read.
    fs::remove_file(place.path("a.txt")).unwrap();
    pipe(&place.path("a.txt"));
    let mut command = place.command("run a.txt in --out out --model echo");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut running = Running { child };
    let mut gate = open_when_read(&place.path("a.txt"), &mut running);
    for name in ["deleted", "folder", "looped", "piped"] {
        fs::remove_file(place.path(&format!("in/{name}.txt"))).unwrap();
    }
    fs::create_dir(place.path("in/folder.txt")).unwrap();
    symlink("looped.txt", place.path("in/looped.txt")).unwrap();
    pipe(&place.path("in/piped.txt"));
    place.write("in/emptied.txt", "");
    place.write("in/grown.txt", text("grown") + &CLEAN.repeat(50));
    place.write("in/other.txt", "ثم عاد.\n");
    place.write("in/spoilt.txt", [0, 1, 2, 0, 0, 3].repeat(100));
    gate.write_all(CLEAN.as_bytes()).unwrap();
    drop(gate);
    let started = Instant::now();
    running.wait_until(|| started.elapsed() > LIMIT);
    assert!(running.child.try_wait().unwrap().is_some(), "it hangs");
    let ran = running.finish();
    ran.expect(1).says(&[
        "error: deleted.txt: No such file",
        "error: folder.txt: it was a file",
        "error: looped.txt: Too many levels of symbolic links",
        "error: piped.txt: it was a file",
        "error: spoilt.txt: this is a binary file",
        "4 documents done, 5 failed, 1 with nothing to translate",
    ]);
    let record = place.record("out");
    for name in ["deleted", "folder", "looped", "piped", "spoilt"] {
        let found = document(&record, &format!("{name}.txt"));
        assert!(!found["hint"].as_str().unwrap().is_empty(), "{found}");
    }
    // What is read is what was there when it was read, and the others are as ever.
    assert!(place.read("out/grown.en.txt").len() > 50 * 60);
    assert_eq!(place.read("out/other.en.txt").trim(), "thm ad.");
    for name in ["a.en.txt", "still.en.txt", "still.bilingual.html"] {
        assert_eq!(place.outputs("out")[name], whole[name], "{name}");
    }

    fs::remove_dir(place.path("in/folder.txt")).unwrap();
    for path in ["in/looped.txt", "in/piped.txt", "a.txt"] {
        fs::remove_file(place.path(path)).unwrap();
    }
    place.write("a.txt", CLEAN);
    for name in names {
        place.write(&format!("in/{name}.txt"), text(name));
    }
    place.run("run a.txt in --out out --model echo", 0, "out");
    let (mut whole, mut found) = (whole, place.outputs("out"));
    for page in ["index.html", "digest.md"] {
        // These tell that what could not be read before is new.
        assert_ne!(whole.remove(page), found.remove(page), "{page}");
    }
    assert_same(&whole, &found, "put back");
}

#[test]
fn a_file_that_nobody_may_read_is_a_failure_of_its_own() {
    let whole = Uninterrupted::new();
    let locked = whole.place.path("reports/1/4.txt");
    let permit = |mode| fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).unwrap();
    permit(0o000);
    // The superuser may read it all the same.
    if fs::read(&locked).is_err() {
        let ran = whole.place.tarjuman(&run_into("out"));
        ran.expect(1).says(&["error: 1/4.txt: Permission denied", "hint: check that the file exists and"]);
    }
    permit(0o644);
    whole.resume("readable again");
}

#[test]
fn pipes_sockets_and_circles_in_a_folder_are_left_aside() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    pipe(&place.path("reports/0/pipe.txt"));
    // The path of a socket must be short, whatever the folder for temporary files.
    let short = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
    let _socket = UnixListener::bind(short.path().join("s")).unwrap();
    symlink(short.path().join("s"), place.path("reports/0/socket.txt")).unwrap();
    symlink("/dev/zero", place.path("reports/0/zero.txt")).unwrap();
    symlink("../1", place.path("reports/0/one")).unwrap();
    symlink("../0", place.path("reports/1/nought")).unwrap();
    let ran = ended(place.command(&run_into("out")));
    // The reports of a folder are met again by the links, and are the same.
    ran.expect(1).says(&["left aside: "]);
    let record = place.record("out");
    let ignored = record["ignored"].to_string();
    for name in ["pipe.txt", "socket.txt", "zero.txt"] {
        assert!(ignored.contains(name), "{ignored}");
    }
    assert!(ignored.contains("a link to a folder that contains it"), "{ignored}");
    assert_eq!(record["ledger"], whole.record["ledger"], "each report once");
}

#[test]
fn with_too_little_memory_a_run_ends_and_the_next_one_completes() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    // From what the program does not start in to what it needs, which differs from machine to machine.
    let mut kib = 30_000;
    let mut codes = Vec::new();
    loop {
        assert!(kib < 8_000_000, "it never works: {codes:?}");
        clear(place, "out");
        let limit = format!("ulimit -c 0; ulimit -v {kib}; exec \"$@\"");
        let ran = ended(after(place, &limit, &run_into("out")));
        if ran.code == 1 {
            assert_same(&whole.outputs, &place.outputs("out"), "just enough");
            break;
        }
        if ran.code == 2 {
            told(&ran, &format!("{kib} KiB"), &[]);
        }
        no_half_files(&whole, &format!("{kib} KiB"));
        codes.push(ran.code);
        kib += kib / 16;
    }
    // The last failure came furthest.
    let limit = format!("ulimit -c 0; ulimit -v {}; exec \"$@\"", kib - kib / 17);
    clear(place, "out");
    ended(after(place, &limit, &run_into("out")));
    whole.resume("enough memory");
}

#[test]
fn the_clock_of_files_does_not_matter() {
    let whole = Uninterrupted::new();
    let place = &whole.place;
    let years = |n: u64| Duration::from_secs(n * 365 * 24 * 3600);
    let epoch = SystemTime::UNIX_EPOCH;
    for time in [epoch, epoch - years(30), epoch + years(200)] {
        for folder in ["reports", "whole"] {
            for name in place.tree(folder).keys() {
                let file = File::open(place.path(folder).join(name)).unwrap();
                file.set_modified(time).unwrap();
            }
        }
        // Once from nothing, and once over what is there already.
        clear(place, "out");
        whole.resume("other times");
        let again = place.run(&run_into("whole"), 1, "whole");
        assert_eq!(tokens(&again), 0, "the memory is as good as before");
        assert_same(&whole.outputs, &place.outputs("whole"), "other times");
    }
}

#[test]
fn without_any_network_an_offline_run_is_the_same() {
    if !may_unshare("-rn", "true") {
        return;
    }
    let whole = Uninterrupted::new();
    let line = format!("{} --offline", run_into("out"));
    let ran = ended(after(&whole.place, "PATH=$TOOLS exec unshare -rn \"$@\"", &line));
    ran.expect(1);
    assert_same(&whole.outputs, &whole.place.outputs("out"), "offline");
}
