//! What is new since the run before: marked in the index and the digest, and, with `--since`, all that the digest tells.

use serde_json::Value;

use crate::place::{CLEAN, Place, assert_same, document};

/// A text of its own for each name.
fn text(name: &str) -> String {
    format!("{CLEAN}\n{}.\n", ["قال المدير", "الطريق مغلق", "ارتفع عدد الأسر", "وصل الماء"][name.len() % 4])
}

fn run(place: &Place, options: &str) -> (String, Value) {
    let record = place.run(&format!("run in --out out --model echo {options}"), 0, "out");
    (place.read("out/digest.md"), record)
}

#[test]
fn the_digest_of_what_came_last() {
    let place = Place::new();
    for name in ["a", "bb", "ccc"] {
        place.write(&format!("in/{name}.txt"), text(name));
    }
    let (digest, _) = run(&place, "--since last");
    assert!(
        digest.contains("no earlier run to compare with") && digest.matches("\n## ").count() == 3,
        "{digest}"
    );
    let (whole, _) = run(&place, "");
    assert!(!whole.contains("**new**") && !place.read("out/index.html").contains("class=\"mark news\""));

    place.write("in/dddd.txt", format!("{}الجسر مغلق.\n", text("dddd")));
    place.write("in/a.txt", format!("{}أمس.\n", text("a")));
    let ran = place.tarjuman("run in --out out --model echo --since last");
    ran.expect(0).says(&["1 new, 1 changed"]);
    let digest = place.read("out/digest.md");
    assert!(digest.contains("2 reports. 2 unchanged reports left out"), "{digest}");
    assert_eq!(digest.matches("\n## ").count(), 2, "{digest}");
    assert!(digest.contains("`dddd.txt` · **new**") && digest.contains("`a.txt` · **changed**"), "{digest}");
    let index = place.read("out/index.html");
    assert_eq!(index.matches("class=\"mark news\"").count(), 2);
    assert_eq!(index.matches("bilingual</a>").count(), 4, "all stand in the index");

    // Running again, as one does to take corrections in, changes nothing.
    let before = place.outputs("out");
    let ran = place.tarjuman("run in --out out --model echo --since last");
    ran.expect(0).says(&["nothing new or changed in this run"]);
    assert_same(&before, &place.outputs("out"), "again");
    let (digest, record) = run(&place, "");
    assert_eq!(digest.matches("\n## ").count(), 4, "{digest}");

    // By time: all of it, or nothing.
    let seen = document(&record, "dddd.txt")["first_seen"].as_str().unwrap();
    assert!(seen > document(&record, "bb.txt")["first_seen"].as_str().unwrap());
    let (digest, _) = run(&place, &format!("--since {seen}"));
    assert_eq!(digest.matches("\n## ").count(), 2, "{digest}");
    let (digest, _) = run(&place, "--since 2001-01-01");
    assert!(digest.contains("changed since 2001-01-01: 4 reports. 0 unchanged reports"), "{digest}");
    let (digest, _) = run(&place, "--since 9999-01-01");
    assert!(digest.contains("0 reports. 4 unchanged reports left out"), "{digest}");
    place.tarjuman("run in --out out --model echo --since yesterday").expect(2).says(&["2026-11-20"]);
}

#[test]
fn a_copy_of_an_earlier_report_is_new_and_says_so() {
    let place = Place::new();
    let long =
        "وصل الوفد إلى المدينة صباح اليوم والتقى سكان القرية في الجنوب وقال المدير إن الطريق مغلق منذ أمس. ";
    place.write("in/a.txt", long);
    run(&place, "");
    place.write("in/b.txt", format!("{long}\n"));
    let (digest, record) = run(&place, "--since last");
    assert_eq!(document(&record, "b.txt")["near_duplicate"]["of"], "a.txt");
    assert!(
        digest.contains("- **new**: [`b.txt`](b.bilingual.html) (same text), as [`a.txt`](a.bilingual.html)"),
        "{digest}"
    );
}

#[test]
fn a_record_that_cannot_be_read_stops_nothing() {
    let place = Place::new();
    place.write("in/a.txt", CLEAN);
    place.write("out/run.json", "{");
    place.tarjuman("run in --out out --model echo").expect(0).says(&["run.json", "No report is marked"]);
    place.record("out");
}
