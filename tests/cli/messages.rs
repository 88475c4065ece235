//! What is said while a command works: to people or to programs, on standard error, and no more than was asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::place::{CLEAN, PLAIN, Place};

#[test]
fn quiet_leaves_warnings_and_errors_only() {
    let place = Place::new();
    place.write("in/a.txt", CLEAN);
    let ran = place.tarjuman("run in --out out --model echo --quiet");
    ran.expect(0);
    // `echo` itself carries a warning, as every model does that is not to be relied upon.
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("warning: echo is no model"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");

    place.write("in/b.txt", b"\x89PNG\r\n");
    let ran = place.tarjuman("run in --out out --model echo -q");
    ran.expect(1).says(&["error: b.txt: this is a PNG image"]);
    assert!(!ran.stderr.contains("a.txt") && !ran.stderr.contains("done"), "{}", ran.stderr);

    place.write("plain.toml", PLAIN);
    place.write("in/b.txt", CLEAN);
    let ran = place.tarjuman("run in --out out2 --model plain --registry plain.toml --quiet");
    assert_eq!((ran.expect(0).stdout.as_str(), ran.stderr.as_str()), ("", ""), "all is well: nothing to say");
}

#[test]
fn json_messages_are_one_object_a_line_whatever_happens() {
    let place = Place::with_examples();
    place.write("reports/bad.txt", b"\x89PNG\r\n");
    place.write("reports/empty.txt", "");
    place.write("reports/photo.jpg", "x");
    for (line, code) in [
        ("run reports --out out --model echo", 1),
        ("run reports --out out --model ecko", 2),
        ("run reports --out reports --model echo", 2),
        ("run reports --out new --model auto --offline", 2),
        ("segment reports/bad.txt nowhere.txt", 1),
        ("models verify gemma-3-270m", 1),
    ] {
        let ran = place.tarjuman(&format!("{line} --log-format json"));
        ran.expect(code);
        let objects: Vec<Value> = ran
            .stderr
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{line}: {l:?}: {e}")))
            .collect();
        for object in &objects {
            assert!(["info", "warning", "error"].contains(&object["level"].as_str().unwrap()), "{object}");
            assert!(!object["message"].as_str().unwrap().is_empty(), "{object}");
        }
        match code {
            2 => assert_eq!(objects.last().unwrap()["level"], "error", "{line}"),
            _ if line.starts_with("run") => {
                let bad = objects.iter().find(|o| o["document"] == "bad.txt").unwrap();
                assert_eq!(bad["outcome"]["outcome"], "failed");
                assert_eq!(bad["hint"], bad["outcome"]["hint"]);
                assert!(!bad["hint"].as_str().unwrap().is_empty(), "{bad}");
                assert!(!bad["message"].as_str().unwrap().contains("hint"), "{bad}");
                let news = objects.iter().find(|o| o["document"] == "news.txt").unwrap();
                assert!(news["ledger"]["units"].as_u64().unwrap() > 0);
            }
            _ => {}
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = Place::with_examples();
    let long: String = (0..20_000).map(|n| format!("الجملة رقم {n} هنا.\n")).collect();
    place.write("long.txt", &long);
    for line in [
        "translate --model echo",
        "translate --model echo --jsonl",
        "segment long.txt",
        "segment long.txt --json",
    ] {
        let mut command = place.command(line);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stdin, long) = (child.stdin.take().unwrap(), long.clone());
        // It may stop reading before all is written.
        let feeding = std::thread::spawn(move || stdin.write_all(long.as_bytes()).is_ok());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        assert!(!first.is_empty(), "{line}");
        drop(stdout);
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{line}\n{stderr}");
        assert!(!stderr.contains("panicked") && !stderr.contains("error"), "{line}\n{stderr}");
        let _ = feeding.join();
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = place.tarjuman(&format!("completions {shell}"));
        assert!(ran.expect(0).stdout.contains("no-progress"), "{shell}");
        assert_eq!(ran.stderr, "");
    }
}
