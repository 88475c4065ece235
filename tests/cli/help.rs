//! The command line is a contract: its help is compared, word by word, with tests/snapshots. After a change that was
//! meant, `TARJUMAN_BLESS=1 cargo test --test cli help` writes the snapshots anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::place::Place;

fn snapshots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

/// The help of a command and of all below it, by the name of the snapshot.
fn collect(place: &Place, command: &[&str], into: &mut BTreeMap<String, String>) {
    let ran = place.tarjuman(&format!("{} --help", command.join(" ")));
    let text = &ran.expect(0).stdout;
    assert_eq!(ran.stderr, "", "{command:?}");
    let mut names = vec!["help"];
    names.extend(command);
    into.insert(format!("{}.txt", names.join("-")), text.clone());
    let listed =
        text.split("\nCommands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or_default();
    // A name stands two columns in; the lines that go on with what it does, further.
    for line in listed.lines().filter(|line| !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        if name != "help" {
            collect(place, &[command, &[name]].concat(), into);
        }
    }
}

#[test]
fn help_is_as_it_was() {
    let mut found = BTreeMap::new();
    collect(&Place::new(), &[], &mut found);
    assert!(found.len() >= 14, "all commands are found: {:?}", found.keys());
    if std::env::var_os("TARJUMAN_BLESS").is_some() {
        let _ = fs::remove_dir_all(snapshots());
        fs::create_dir_all(snapshots()).unwrap();
        for (name, text) in &found {
            fs::write(snapshots().join(name), text).unwrap();
        }
    }
    let hint = "if the change is meant: TARJUMAN_BLESS=1 cargo test --test cli help";
    let known = crate::place::tree(&snapshots());
    assert_eq!(found.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>(), "{hint}");
    for (name, text) in found {
        // Git may have given the snapshots the line ends of Windows.
        let snapshot = String::from_utf8_lossy(&known[&name]).replace("\r\n", "\n");
        assert_eq!(text, snapshot, "{name}; {hint}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{name} is wider than 100 columns");
    }
}

#[test]
fn help_is_found_however_it_is_asked_for() {
    let place = Place::new();
    let long = place.tarjuman("run --help");
    assert_eq!(place.tarjuman("help run").expect(0).stdout, long.expect(0).stdout);
    let short = place.tarjuman("run -h");
    assert!(short.expect(0).stdout.lines().count() < long.stdout.lines().count());
}
