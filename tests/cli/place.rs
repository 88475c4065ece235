//! A folder, a home and an environment of its own for every test, so that all of them can run side by side and none
//! sees the user's models, settings or network.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The whole program must be done by then, on the slowest machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An Arabic text that no check flags.
pub const CLEAN: &str = "وصل الوفد إلى المدينة صباح اليوم. التقى الوفد سكان القرية.\n";

/// A registry with a model that is `echo` without its warning.
pub const PLAIN: &str = "[[model]]\nname = 'plain'\nabout = 'for tests'\ntasks = ['translate']\n\
                         family = 'echo'\nlicence = 'CC0-1.0'\n";

/// See the module.
pub struct Place {
    folder: TempDir,
}

/// What a run of the program left.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Files by path relative to their folder, with `/`.
pub type Tree = BTreeMap<String, Vec<u8>>;

impl Place {
    pub fn new() -> Self {
        let place = Place { folder: tempfile::tempdir().unwrap() };
        for name in ["home", "work", "no-programs"] {
            fs::create_dir(place.folder.path().join(name)).unwrap();
        }
        place
    }

    /// A place with the reports of examples/reports in `reports`.
    pub fn with_examples() -> Self {
        let place = Place::new();
        for (name, bytes) in tree(&examples()) {
            place.write(&format!("reports/{name}"), bytes);
        }
        place
    }

    /// `name` in the folder that the program is run in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Where the program keeps its models.
    pub fn model_home(&self) -> PathBuf {
        self.folder.path().join("home/tarjuman")
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The files below `name`.
    pub fn tree(&self, name: &str) -> Tree {
        tree(&self.path(name))
    }

    /// What a reader gets: the outputs in `out`, without `run.json`, which alone may tell when and how a run went, and
    /// without the memory.
    pub fn outputs(&self, out: &str) -> Tree {
        let mut tree = self.tree(out);
        tree.retain(|name, _| name != "run.json" && !name.starts_with("memory.sqlite"));
        tree
    }

    /// The program with the arguments of `line`, which are parted by spaces.
    pub fn command(&self, line: &str) -> Command {
        let home = self.folder.path().join("home");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tarjuman"));
        command
            .args(line.split_whitespace())
            .current_dir(self.path(""))
            .env_clear()
            // pip would reach the network behind the program's back.
            .env("PATH", self.folder.path().join("no-programs"))
            .env("HOME", &home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("TARJUMAN_HOME", home.join("tarjuman"))
            .env("HF_HOME", home.join("huggingface"))
            // Nobody listens there.
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .env("COLUMNS", "100")
            .env("TERM", "xterm-256color");
        command
    }

    pub fn tarjuman(&self, line: &str) -> Ran {
        self.tarjuman_reading(line, "")
    }

    /// With `input` on standard input.
    pub fn tarjuman_reading(&self, line: &str, input: impl Into<Vec<u8>>) -> Ran {
        let mut command = assert_cmd::Command::from_std(self.command(line));
        Ran::of(command.write_stdin(input).timeout(TIMEOUT).output().unwrap())
    }

    /// Runs `line` and reads the record it leaves in `out`.
    pub fn run(&self, line: &str, code: i32, out: &str) -> Value {
        self.tarjuman(line).expect(code);
        self.record(out)
    }

    /// `run.json`, after a look at whether its counts add up.
    pub fn record(&self, out: &str) -> Value {
        let record = self.json(&format!("{out}/run.json"));
        assert_adds_up(&record);
        record
    }
}

impl Ran {
    pub fn of(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all that is printed is UTF-8");
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Whatever else happens, nothing panics and no escape codes go where no terminal is.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &Self {
        let all = format!("--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "exit code\n{all}");
        assert!(!self.stderr.contains("panicked"), "{all}");
        assert!(!all.contains('\u{1b}'), "escape codes\n{all}");
        self
    }

    /// That `parts` stand in standard error.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in\n{}", self.stderr);
        }
        self
    }
}

/// The sample reports of the repository.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/reports")
}

pub fn tree(folder: &Path) -> Tree {
    fn walk(folder: &Path, prefix: &str, into: &mut Tree) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &format!("{name}/"), into);
            } else {
                into.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    let mut into = Tree::new();
    walk(folder, "", &mut into);
    into
}

/// The same files with the same bytes; says which differ, not how.
#[track_caller]
pub fn assert_same(expected: &Tree, found: &Tree, case: &str) {
    assert_eq!(expected.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{case}: names");
    let differing: Vec<_> = expected.keys().filter(|name| expected[*name] != found[*name]).collect();
    assert!(differing.is_empty(), "{case}: other bytes in {differing:?}");
}

/// Every unit in exactly one state, in each document and over all.
#[track_caller]
pub fn assert_adds_up(record: &Value) {
    const STATES: [&str; 5] = ["translated", "repaired", "flagged", "copied", "skipped"];
    let count =
        |ledger: &Value, key: &str| ledger[key].as_u64().unwrap_or_else(|| panic!("no {key} in {ledger}"));
    let documents = record["documents"].as_array().unwrap();
    for ledger in documents.iter().chain([record]).map(|d| &d["ledger"]) {
        assert_eq!(STATES.iter().map(|s| count(ledger, s)).sum::<u64>(), count(ledger, "units"), "{ledger}");
    }
    for key in STATES.iter().chain(["units"].iter()) {
        let sum: u64 = documents.iter().map(|d| count(&d["ledger"], key)).sum();
        assert_eq!(sum, count(&record["ledger"], key), "{key} over all documents");
    }
}

/// The record of document `id`.
#[track_caller]
pub fn document<'r>(record: &'r Value, id: &str) -> &'r Value {
    let documents = record["documents"].as_array().unwrap();
    documents.iter().find(|d| d["id"] == id).unwrap_or_else(|| panic!("no document {id} in {record}"))
}

/// A multiplicative generator (Lehmer 1951, as MINSTD): different every time, and the same in every run.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0 * 48271 % 0x7fff_ffff;
        self.0 as usize % bound
    }

    pub fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    /// An Arabic sentence of plain words, ended by a full stop.
    pub fn sentence(&mut self) -> String {
        const WORDS: &[&str] = &[
            "وصل",
            "الوفد",
            "إلى",
            "المدينة",
            "صباح",
            "اليوم",
            "سكان",
            "القرية",
            "الماء",
            "مخيم",
            "طريق",
            "قال",
            "المدير",
            "عدد",
            "الأسر",
            "ارتفع",
            "خلال",
            "الشهر",
            "مدرسة",
            "جديدة",
            "فريق",
            "من",
            "الجنوب",
            "أمس",
        ];
        let words: Vec<&str> = (0..5 + self.below(9)).map(|_| self.pick(WORDS)).collect();
        words.join(" ") + "."
    }
}
