//! What the memory promises: nothing is lost, nothing is stale, nothing that is not ours is touched.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::*;

fn key(n: usize) -> Key {
    Key::new(&format!("الجملة {n}"), "model", "beam=1", "1")
}

fn entry(text: &str) -> Entry {
    Entry {
        pieces: vec![Hypothesis {
            text: text.into(),
            mean_log_prob: -0.25,
            min_log_prob: -1.5,
            tokens: 7,
            finished: true,
            coverage: vec![0.1, 1e-42, 3.0],
        }],
    }
}

fn numbered(range: std::ops::Range<usize>) -> Vec<(Key, Entry)> {
    range.map(|n| (key(n), entry(&format!("sentence {n}")))).collect()
}

/// How many of the first `n` keys are known.
fn known(memory: &Memory, n: usize) -> usize {
    let keys: Vec<_> = (0..n).map(key).collect();
    memory.get_many(&keys).unwrap().iter().flatten().count()
}

#[test]
fn each_part_of_a_key_matters_and_so_does_where_it_ends() {
    let parts = ["source", "model", "options", "1"];
    let whole = Key::new(parts[0], parts[1], parts[2], parts[3]);
    for i in 0..4 {
        let mut other = parts;
        other[i] = "other";
        assert_ne!(whole, Key::new(other[0], other[1], other[2], other[3]), "part {i}");
    }
    assert_ne!(Key::new("ab", "c", "", ""), Key::new("a", "bc", "", ""));
    assert_ne!(Key::new("a", "", "", ""), Key::new("", "a", "", ""));
}

/// Memories of users depend on it: a change of the key's recipe makes every entry unfindable.
#[test]
fn the_key_is_stable() {
    let key = Key::new("مرحبا", "0a1b", "beam=1", "1");
    let hex: String = key.0.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "8a431d40ee865985d20e9fef34f9e97a49b524b698d47c7871fe600b678d7805");
}

/// As `numbered`, from a model of that name.
fn of_model(model: &str, range: std::ops::Range<usize>) -> Vec<(Key, Entry)> {
    range.map(|n| (Key::new(&format!("{n}"), model, "beam=1", "1"), entry("x"))).collect()
}

fn found(memory: &Memory, entries: &[(Key, Entry)]) -> usize {
    let keys: Vec<Key> = entries.iter().map(|(key, _)| *key).collect();
    memory.get_many(&keys).unwrap().iter().flatten().count()
}

#[test]
fn what_was_of_no_use_for_long_is_pruned_and_corrections_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let mut memory = Memory::open(&path).unwrap();
    let all = of_model("m", 0..2000);
    memory.today = Day(100);
    memory.put_many(&all).unwrap();
    memory.correct(&[Correction { source: "نعم".into(), target: "yes".into() }]).unwrap();
    memory.today = Day(200);
    assert_eq!(found(&memory, &all[..30]), 30);
    memory.put_many(&all[30..40]).unwrap();
    // A clock that was set back makes nothing older.
    memory.today = Day(50);
    assert_eq!(found(&memory, &all[..40]), 40);
    drop(memory);

    let before = fs::metadata(&path).unwrap().len();
    let mut memory = Memory::open(&path).unwrap();
    let prune = |day| Prune { keep: Vec::new(), unused_since: Some(Day(day)) };
    for (day, expected) in [(100, 0), (101, 1960), (201, 2000)] {
        assert_eq!(memory.prunable(&prune(day)).unwrap(), expected, "{day}");
    }
    assert_eq!(memory.stats().unwrap().answers, 2000, "nothing was removed yet");
    assert_eq!(memory.prune(&prune(200)).unwrap(), 1960);
    assert_eq!(memory.stats().unwrap(), Stats { answers: 40, corrections: 1 });
    assert_eq!(found(&memory, &all), 40);
    let after = fs::metadata(&path).unwrap().len();
    assert!(after * 4 < before, "{before} bytes have become {after}");
    assert_eq!(memory.prune(&prune(200)).unwrap(), 0);
}

#[test]
fn answers_of_other_models_are_pruned() {
    let mut memory = Memory::none().unwrap();
    for (model, n) in [("a", 3), ("b", 5), ("c", 7)] {
        memory.put_many(&of_model(model, 0..n)).unwrap();
    }
    let keep = |models: &[&str]| Prune {
        keep: models.iter().map(|model| ModelTag::of(model)).collect(),
        unused_since: None,
    };
    assert_eq!(memory.prune(&Prune::default()).unwrap(), 0);
    assert_eq!(memory.prune(&keep(&["a", "c"])).unwrap(), 5);
    assert_eq!(memory.prune(&keep(&["d", "c"])).unwrap(), 3);
    assert_eq!(found(&memory, &of_model("c", 0..7)), 7);
}

/// A file of the version before, and one into which that version wrote after this one had it.
#[test]
fn answers_that_an_earlier_version_kept_count_from_the_day_they_are_met() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let all = of_model("m", 0..10);
    Memory::open(&path).unwrap().put_many(&all).unwrap();
    let forget = |what: &str| Connection::open(&path).unwrap().execute_batch(what).unwrap();
    forget("DROP TABLE used");
    let mut memory = Memory::open(&path).unwrap();
    let Day(today) = memory.today;
    let prune = Prune { keep: vec![ModelTag::of("other")], unused_since: Some(Day(today)) };
    assert_eq!(memory.prunable(&prune).unwrap(), 0, "of whom they are is not known");
    forget("DELETE FROM used");
    assert_eq!(memory.prunable(&prune).unwrap(), 0);
    assert_eq!(memory.prunable(&Prune { keep: vec![], unused_since: Some(Day(today + 1)) }).unwrap(), 10);
    assert_eq!(found(&memory, &all[..4]), 4);
    assert_eq!(memory.prune(&prune).unwrap(), 4, "now it is known");
}

#[test]
fn answers_come_in_the_order_asked_with_none_for_the_unknown() {
    let mut memory = Memory::none().unwrap();
    memory.put_many(&numbered(0..3)).unwrap();
    let found = memory.get_many(&[key(2), key(9), key(0), key(2)]).unwrap();
    let texts: Vec<_> = found.iter().map(|e| e.as_ref().map(|e| e.pieces[0].text.as_str())).collect();
    assert_eq!(texts, [Some("sentence 2"), None, Some("sentence 0"), Some("sentence 2")]);
    assert_eq!(memory.stats().unwrap().answers, 3);
    assert!(memory.get_many(&[]).unwrap().is_empty());
}

#[test]
fn pieces_keep_their_order_and_a_later_entry_replaces_all_of_them() {
    let mut memory = Memory::none().unwrap();
    let long = Entry { pieces: ["a", "b", "c"].iter().flat_map(|t| entry(t).pieces).collect() };
    memory.put_many(&[(key(0), long.clone())]).unwrap();
    assert_eq!(memory.get_many(&[key(0)]).unwrap(), [Some(long)]);
    memory.put_many(&[(key(0), entry("x")), (key(0), entry("y"))]).unwrap();
    assert_eq!(memory.get_many(&[key(0)]).unwrap(), [Some(entry("y"))]);
}

#[test]
fn what_comes_back_is_bit_for_bit_what_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let scores = [
        0.0,
        -0.0,
        -1.0,
        -0.1,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        -16_777_217.0,
        f32::MIN,
        f32::NEG_INFINITY,
        f32::NAN,
        -std::f32::consts::LN_2,
    ];
    let texts = ["", "two\nlines", "nul \0 inside", "“quotes”, 👩‍🚒, مختلط", " spaces "];
    let pieces: Vec<_> = scores
        .iter()
        .zip(texts.iter().cycle())
        .map(|(&score, text)| Hypothesis {
            text: text.to_string(),
            mean_log_prob: score,
            min_log_prob: -score,
            tokens: 0,
            finished: score < -1.0,
            coverage: Vec::new(),
        })
        .collect();
    Memory::open(&path).unwrap().put_many(&[(key(0), Entry { pieces: pieces.clone() })]).unwrap();
    let found = Memory::open(&path).unwrap().get_many(&[key(0)]).unwrap().remove(0).unwrap();
    assert_eq!(found.pieces.len(), pieces.len());
    for (found, put) in found.pieces.iter().zip(&pieces) {
        assert_eq!(found.mean_log_prob.to_bits(), put.mean_log_prob.to_bits(), "{}", put.mean_log_prob);
        assert_eq!(found.min_log_prob.to_bits(), put.min_log_prob.to_bits(), "{}", put.min_log_prob);
        assert_eq!((&found.text, found.tokens, found.finished), (&put.text, put.tokens, put.finished));
    }
}

#[test]
fn a_fresh_run_sees_only_what_it_made_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    Memory::open(&path).unwrap().put_many(&numbered(0..2)).unwrap();

    let mut fresh = Memory::open(&path).unwrap();
    assert!(!fresh.forget_earlier("run").unwrap());
    assert_eq!(fresh.get_many(&[key(0), key(1)]).unwrap(), [None, None]);
    // The last row is the one whose number a plain rowid would give out again.
    fresh.put_many(&[(key(1), entry("anew"))]).unwrap();
    assert_eq!(fresh.get_many(&[key(0), key(1)]).unwrap(), [None, Some(entry("anew"))]);

    let next = Memory::open(&path).unwrap();
    assert_eq!(next.get_many(&[key(0), key(1)]).unwrap(), [Some(entry("sentence 0")), Some(entry("anew"))]);
}

#[test]
fn a_fresh_run_goes_on_until_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    Memory::open(&path).unwrap().put_many(&numbered(0..2)).unwrap();
    let begin = |run: &str| {
        let mut memory = Memory::open(&path).unwrap();
        (memory.forget_earlier(run).unwrap(), memory)
    };
    let (goes_on, mut stopped) = begin("one");
    assert!(!goes_on);
    stopped.put_many(&[(key(1), entry("anew"))]).unwrap();
    drop(stopped);
    let (goes_on, mut again) = begin("one");
    assert!(goes_on);
    assert_eq!(again.get_many(&[key(0), key(1)]).unwrap(), [None, Some(entry("anew"))]);
    // Another run begins for itself, and ends for itself.
    let (goes_on, mut other) = begin("two");
    assert!(!goes_on && known(&other, 2) == 0);
    other.end("two").unwrap();
    assert!(begin("one").0);
    again.end("one").unwrap();
    let (goes_on, anew) = begin("one");
    assert!(!goes_on && known(&anew, 2) == 0);
}

#[test]
fn a_commit_survives_a_crash_before_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let mut memory = Memory::open(&path).unwrap();
    memory.put_many(&numbered(0..50)).unwrap();
    // What a crash leaves: the file and its log, and no shared-memory index.
    let copy = folder.path().join("copy.sqlite");
    fs::copy(&path, &copy).unwrap();
    let log = fs::read(folder.path().join("memory.sqlite-wal")).unwrap();
    assert!(log.len() > 4096, "the entries are still in the log alone");
    fs::write(folder.path().join("copy.sqlite-wal"), &log).unwrap();
    assert_eq!(known(&Memory::open(&copy).unwrap(), 50), 50);
}

#[test]
fn a_log_torn_anywhere_loses_whole_batches_from_its_end_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let mut memory = Memory::open(&path).unwrap();
    for batch in 0..10 {
        memory.put_many(&numbered(batch * 8..batch * 8 + 8)).unwrap();
    }
    let main = fs::read(&path).unwrap();
    let log = fs::read(folder.path().join("memory.sqlite-wal")).unwrap();
    let copy = folder.path().join("copy.sqlite");
    let mut last = 0;
    for cut in (0..=log.len()).step_by(1777).chain([log.len()]) {
        fs::write(&copy, &main).unwrap();
        fs::write(folder.path().join("copy.sqlite-wal"), &log[..cut]).unwrap();
        let memory = Memory::open(&copy).unwrap();
        let found = known(&memory, 80);
        assert!(found.is_multiple_of(8) && found >= last, "cut at {cut}: {found} after {last}");
        assert_eq!(known(&memory, found), found, "the earliest are kept");
        last = found;
        drop(memory);
        fs::remove_file(&copy).unwrap();
    }
    assert_eq!(last, 80);
}

/// Runs in a process of its own, started by the test below, until it is killed.
#[test]
#[ignore = "the victim of killing_the_process_loses_nothing_that_was_committed"]
fn write_until_killed() {
    let Some(folder) = std::env::var_os("TARJUMAN_TEST_VICTIM") else { return };
    let folder = PathBuf::from(folder);
    let mut memory = Memory::open(&folder.join("memory.sqlite")).unwrap();
    let mut committed = OpenOptions::new().create(true).append(true).open(folder.join("committed")).unwrap();
    for batch in 0..1_000_000 {
        memory.put_many(&numbered(batch * 16..batch * 16 + 16)).unwrap();
        committed.write_all(b".").unwrap();
    }
}

#[test]
fn killing_the_process_loses_nothing_that_was_committed() {
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let committed = || fs::metadata(folder.path().join("committed")).map_or(0, |m| m.len() as usize);
        let mut victim = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "memory::tests::write_until_killed"])
            .env("TARJUMAN_TEST_VICTIM", folder.path())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while committed() < 20 {
            assert!(victim.try_wait().unwrap().is_none(), "the victim ended by itself");
            std::thread::sleep(Duration::from_millis(1));
        }
        victim.kill().unwrap();
        victim.wait().unwrap();

        let memory = Memory::open(&folder.path().join("memory.sqlite")).unwrap();
        let batches = committed();
        assert_eq!(known(&memory, batches * 16), batches * 16);
        assert_eq!(memory.stats().unwrap().answers % 16, 0, "no batch is there by halves");
    }
}

#[test]
fn several_handles_may_open_read_and_write_one_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    std::thread::scope(|scope| {
        for worker in 0..6 {
            let path = &path;
            scope.spawn(move || {
                let mut memory = Memory::open(path).unwrap();
                for n in 0..20 {
                    let n = worker * 20 + n;
                    memory.put_many(&numbered(n..n + 1)).unwrap();
                    assert!(memory.get_many(&[key(n)]).unwrap()[0].is_some());
                }
            });
        }
    });
    assert_eq!(known(&Memory::open(&path).unwrap(), 120), 120);
}

#[test]
fn a_full_disk_fails_the_batch_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let mut memory = Memory::open(&path).unwrap();
    memory.put_many(&numbered(0..10)).unwrap();
    let pages: i64 = memory.connection.query_row("PRAGMA page_count", [], |r| r.get(0)).unwrap();
    memory.connection.pragma_update_and_check(None, "max_page_count", pages + 2, |_| Ok(())).unwrap();
    let error = memory.put_many(&numbered(10..1000)).unwrap_err();
    assert!(matches!(error, MemoryError::Full { .. }), "{error}");
    assert_eq!(known(&memory, 1000), 10);

    memory.connection.pragma_update_and_check(None, "max_page_count", 100_000, |_| Ok(())).unwrap();
    memory.put_many(&numbered(10..1000)).unwrap();
    assert_eq!(known(&Memory::open(&path).unwrap(), 1000), 1000);
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes");
    let other_database = {
        let other = folder.path().join("other.sqlite");
        let connection = Connection::open(&other).unwrap();
        connection.execute_batch("CREATE TABLE contacts (name TEXT)").unwrap();
        drop(connection);
        fs::read(other).unwrap()
    };
    for bytes in [b"note".to_vec(), "تقرير ".repeat(2000).into_bytes(), vec![0; 8192], other_database] {
        fs::write(&path, &bytes).unwrap();
        let error = Memory::open(&path).unwrap_err();
        assert!(matches!(error, MemoryError::NotAMemory { .. }), "{error}");
        assert!(error.to_string().contains("\nhint: "), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_damaged_file_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    Memory::open(&path).unwrap().put_many(&numbered(0..2000)).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    assert!(bytes.len() > 100_000);
    bytes[4096..].fill(0x5A);
    fs::write(&path, bytes).unwrap();
    let error = Memory::open(&path).and_then(|m| m.get_many(&[key(0)])).unwrap_err();
    assert!(matches!(error, MemoryError::Corrupt { .. }), "{error}");
}

#[test]
fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    let memory = Memory::open(&path).unwrap();
    memory.connection.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    drop(memory);
    let error = Memory::open(&path).unwrap_err();
    assert!(matches!(error, MemoryError::NewerSchema { found, .. } if found == SCHEMA_VERSION + 1));
}

#[test]
fn a_file_of_the_first_version_is_taken_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.sqlite");
    Memory::open(&path).unwrap().put_many(&[(key(0), entry("kept"))]).unwrap();
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("ALTER TABLE piece DROP COLUMN coverage; PRAGMA user_version = 1").unwrap();
    drop(connection);
    let mut memory = Memory::open(&path).unwrap();
    memory.put_many(&[(key(1), entry("new"))]).unwrap();
    let mut kept = entry("kept");
    kept.pieces[0].coverage.clear();
    assert_eq!(memory.get_many(&[key(0), key(1)]).unwrap(), [Some(kept), Some(entry("new"))]);
}

#[test]
fn a_place_where_no_file_can_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_path_buf(), folder.path().join("no/such/folder.sqlite"), PathBuf::new()] {
        let error = Memory::open(&path).unwrap_err();
        assert!(matches!(error, MemoryError::Open { .. }), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut memory = Memory::open(&folder.path().join("memory.sqlite")).unwrap();
    memory.put_many(&numbered(0..1)).unwrap();
    let mut files = 0;
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        files += 1;
    }
    assert_eq!(files, 3, "the file, its log and the log's index");
}
