//! With `--redact-logs` messages hold no names of files and no text of documents, whatever happens.

use std::fs;

use serde_json::Value;

use crate::place::{CLEAN, PLAIN, Place, document};

/// No word of them stands in any message of the program.
const NAMES: [&str; 3] = ["Zaynab-Qasim", "witness list", "شاهد"];
const TEXT: &str = "اختبأت زينب قاسم في القبو. phone zq-4471.\n";

/// Whatever could give a name or a text away.
fn secrets() -> Vec<String> {
    let words = NAMES.iter().flat_map(|name| name.split(['-', ' '])).map(str::to_lowercase);
    words.chain(["اختبأت", "زينب", "قاسم", "القبو", "zq", "4471", "zynb"].map(String::from)).collect()
}

#[track_caller]
fn says_nothing(place: &Place, line: &[&str], code: i32) -> String {
    let mut command = place.command("--redact-logs");
    command.args(line);
    let ran = crate::place::Ran::of(command.output().unwrap());
    // Whether a check flags something is not the matter here.
    ran.expect(if code < 2 && ran.code < 2 { ran.code } else { code });
    let found = ran.stderr.to_lowercase();
    for secret in secrets() {
        assert!(!found.contains(&secret), "{line:?}: {secret} in\n{}", ran.stderr);
    }
    assert!(!ran.stderr.is_empty(), "{line:?} says nothing at all");
    ran.stderr
}

#[test]
fn names_stand_as_tokens_that_the_record_lists() {
    let place = Place::new();
    place.write("in/Zaynab-Qasim.txt", TEXT);
    place.write("in/شاهد/witness list.md", CLEAN);
    place.write("in/witness list.txt", b"%PDF-1.7\n");
    place.write("in/Zaynab-Qasim 2.txt", "");
    place.write("in/Zaynab-Qasim.jpg", "x");
    let folder = "in";
    for format in ["text", "json"] {
        let line = ["run", folder, "--out", "out", "--model", "echo", "--log-format", format];
        let said = says_nothing(&place, &line, 1);
        let record = place.record("out");
        for id in ["Zaynab-Qasim.txt", "شاهد/witness list.md", "witness list.txt", "Zaynab-Qasim 2.txt"] {
            let token = document(&record, id)["token"].as_str().unwrap();
            assert!(token.starts_with("doc-") && said.contains(token), "{id}, {token}:\n{said}");
        }
        assert!(said.contains("the PDF is damaged"), "what is no secret is said:\n{said}");
        if format == "json" {
            said.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
        }
    }
}

#[test]
fn errors_give_nothing_away() {
    let place = Place::new();
    place.write("plain.toml", PLAIN);
    place.write("in/Zaynab-Qasim.txt", TEXT);
    place.write("two/Zaynab-Qasim.txt", CLEAN);
    place.write("both/witness list.txt", TEXT);
    place.write("both/witness list.md", TEXT);
    place.write("both/witness list.md.md", TEXT);
    place.write("empty/witness list.jpg", "x");
    place.write("witness list.csv", "no,columns\nزينب,Zaynab\n");
    place.write("Zaynab-Qasim.xml", "<tmx><seg>زينب");
    place.write("Zaynab-Qasim.toml", "[[model]]\nzaynab = 'قاسم'\n");
    fs::create_dir_all(place.path("Zaynab-Qasim.d")).unwrap();
    // A folder where the output of the document belongs.
    fs::create_dir_all(place.path("blocked/Zaynab-Qasim.en.txt")).unwrap();
    let run = |more: &[&'static str]| [&["run", "--model", "echo"], more].concat();
    for (line, code) in [
        (run(&["Zaynab-Qasim.txt", "--out", "out"]), 2),
        (run(&["in/Zaynab-Qasim.txt", "two/Zaynab-Qasim.txt", "--out", "out"]), 2),
        (run(&["both", "--out", "out"]), 2),
        (run(&["empty/witness list.jpg", "empty", "--out", "Zaynab-Qasim.d"]), 0),
        (run(&["empty", "--out", "out"]), 2),
        (run(&["in", "--out", "in"]), 2),
        (run(&["in", "--out", "Zaynab-Qasim.xml"]), 2),
        (run(&["in", "--out", "blocked"]), 1),
        (run(&["in", "--out", "out", "--memory", "Zaynab-Qasim.xml"]), 2),
        (run(&["in", "--out", "out", "--memory", "Zaynab-Qasim/no/x"]), 2),
        (run(&["in", "--out", "out", "--names", "witness list.csv"]), 2),
        (run(&["in", "--out", "out", "--names", "شاهد"]), 2),
        (run(&["in", "--out", "out", "--glossary", "witness list.csv"]), 2),
        (run(&["in", "--out", "out", "--glossary", "Zaynab-Qasim.xml"]), 2),
        (run(&["in", "--out", "out", "--encoding", "Zaynab-Qasim"]), 2),
        (run(&["in", "--out", "out", "--registry", "Zaynab-Qasim.toml"]), 2),
        (run(&["in", "--out", "out", "--second", "Zaynab-Qasim.gguf"]), 2),
        (run(&["in", "--out", "out", "--zaynab"]), 2),
        (vec!["run", "in", "--out", "out", "--model", "Zaynab-Qasim.gguf"], 2),
        (vec!["segment", "Zaynab-Qasim.txt"], 2),
        (vec!["segment", "Zaynab-Qasim.d", "witness list.jpg"], 1),
        (vec!["translate", "--model", "echo", "--memory", "Zaynab-Qasim.xml"], 2),
        (vec!["memory", "import", "out.sqlite", "Zaynab-Qasim.xml"], 2),
        (vec!["memory", "import", "Zaynab-Qasim.xml", "witness list.csv"], 2),
        (vec!["memory", "stats", "شاهد"], 2),
        (vec!["models", "import", "witness list.csv"], 2),
    ] {
        says_nothing(&place, &line, code);
    }
    // Tables of an earlier run that cannot be read.
    place.write("kept/review.csv", "زينب,Zaynab\n");
    place.write("kept/names.csv", b"\xff zaynab");
    place.write("kept/run.json", "{\"zaynab\": 1}");
    says_nothing(&place, &run(&["in", "--out", "kept"]), 0);
}
