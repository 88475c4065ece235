//! Repair: what a check flags is tried again, what helps is kept and told, what does not is undone.

use serde_json::{Value, json};

use crate::place::{CLEAN, Place, document};

const LOST: &str = "ضياع الأمتعة في 25 رحلة."; // a beam has an answer with the number
const LOOPS: &str = "تكرار الأخطاء في المحطة."; // a ban on repetition helps
const WORDS: &str = "قتل خمسة وعشرون شخصا في أيلول."; // numbers in digits and months in English are copied
const STUCK: &str = "حلقة من حلقات السلسلة الطويلة في هذا البرنامج القديم."; // nothing helps
const FINE: &str = "وصل الوفد إلى المدينة.";

fn units(place: &Place, out: &str) -> Vec<Value> {
    place.read(&format!("{out}/a.units.jsonl")).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write("in/a.txt", [LOST, LOOPS, STUCK, FINE, WORDS].join("\n\n"));
    place
}

#[test]
fn what_a_step_mends_is_repaired_and_says_by_what() {
    let place = place();
    let record = place.run("run in --out out --model echo", 1, "out");
    let ledger = &document(&record, "a.txt")["ledger"];
    assert_eq!(
        (&ledger["repaired"], &ledger["flagged"], &ledger["translated"]),
        (&json!(3), &json!(1), &json!(1))
    );
    let units = units(&place, "out");
    let attempts = |i: usize| -> Vec<(&str, bool)> {
        let all = units[i]["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().map(|a| (a["step"].as_str().unwrap(), a["kept"].as_bool().unwrap())).collect()
    };
    assert_eq!(units[0]["state"], "repaired");
    assert!(units[0]["target"].as_str().unwrap().contains("25") && units[0].get("findings").is_none());
    assert_eq!(attempts(0), [("wider beam", true)]);
    assert_eq!(units[1]["state"], "repaired");
    assert_eq!(attempts(1), [("wider beam", false), ("repetition banned", true)]);
    assert_eq!((&units[2]["state"], &units[2]["findings"][0]["check"]), (&json!("flagged"), &json!("loop")));
    assert!(attempts(2).len() >= 2 && attempts(2).iter().all(|(_, kept)| !kept));
    assert_eq!(attempts(3), []);
    assert_eq!(units[4]["target"], "ktl 25 shkhsa fy September.");
    assert_eq!(attempts(4), [("wider beam", false), ("numbers in place", true)]);
    for page in ["out/a.bilingual.md", "out/a.bilingual.html", "out/digest.md"] {
        assert!(place.read(page).contains("3 repaired"), "{page}");
    }
}

#[test]
fn repairs_come_from_the_memory_the_second_time() {
    let place = place();
    place.run("run in --out out --model echo", 1, "out");
    let outputs = place.outputs("out");
    let again = place.run("run in --out out --model echo", 1, "out");
    assert_eq!(again["target_tokens"], 0, "nothing is asked again");
    crate::place::assert_same(&outputs, &place.outputs("out"), "again");
}

#[test]
fn without_repair_flags_stand() {
    let place = place();
    let record = place.run("run in --out out --model echo --no-repair", 1, "out");
    let ledger = &document(&record, "a.txt")["ledger"];
    assert_eq!((&ledger["repaired"], &ledger["flagged"]), (&json!(0), &json!(4)));
    assert!(units(&place, "out").iter().all(|unit| unit.get("attempts").is_none()));
    assert_eq!(record["options"]["repair"], "false");
}

#[test]
fn a_second_model_is_asked_last_and_lines_are_repaired_too() {
    let place = place();
    place.run("run in --out out --model echo --second echo", 1, "out");
    let attempts = units(&place, "out")[2]["attempts"].as_array().unwrap().clone();
    assert_eq!(attempts.last().unwrap()["step"], "second model");
    place
        .tarjuman("run in --out x --model echo --second smollm2-135m-instruct")
        .expect(2)
        .says(&["does not translate", "hint: "]);

    let lines = place.tarjuman_reading("translate --model echo --jsonl", format!("{LOST}\n{FINE}\n"));
    lines.expect(0);
    let first: Value = serde_json::from_str(lines.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["state"], &first["checks"]), (&json!("repaired"), &json!([])));
}

/// What a model comes with is of use only to whoever is told of it.
#[test]
fn the_warnings_of_all_models_are_told_and_written_down() {
    let place = place();
    place.write("in/b.txt", CLEAN);
    let entry = |name: &str, task: &str, more: &str| {
        format!(
            "[[model]]\nname = '{name}'\nabout = 'for tests'\ntasks = ['{task}']\nfamily = 'echo'\n\
             licence = 'of {name}'\n{more}\n"
        )
    };
    let entries = [
        entry("strong", "translate", ""),
        entry("weak", "translate", "warning = 'WEAK MODEL'"),
        entry("teller", "brief", "warning = 'POOR BRIEFS'"),
    ];
    place.write("models/some.toml", entries.concat());
    let line = "run in --out out --registry models/some.toml --model strong --second weak --brief teller \
                --formats md,html,docx,xliff,tmx";
    place.tarjuman(line).expect(1).says(&["warning: weak: WEAK MODEL\n", "warning: teller: POOR BRIEFS\n"]);
    let record = place.record("out");
    for (model, name, warning) in
        [("second_model", "weak", "WEAK MODEL"), ("brief_model", "teller", "POOR BRIEFS")]
    {
        let stamp = &record[model];
        assert_eq!((&stamp["name"], &stamp["warning"]), (&json!(name), &json!(warning)));
        assert_eq!(stamp["licence"], format!("of {name}"));
        assert_eq!(stamp["digest"].as_str().unwrap().len(), 64);
    }
    for file in
        ["a.bilingual.html", "a.bilingual.md", "a.brief.md", "a.xliff", "a.tmx", "digest.md", "index.html"]
    {
        assert!(place.read(&format!("out/{file}")).contains("WEAK MODEL"), "{file}");
    }
    for file in ["b.bilingual.html", "b.brief.md", "digest.md", "index.html"] {
        assert!(place.read(&format!("out/{file}")).contains("teller: POOR BRIEFS"), "{file}");
    }
    // Nothing that the model wrote of this one was kept.
    assert!(place.read("out/a.brief.md").contains("Sentences chosen from the translation"));
    assert!(!place.read("out/a.brief.md").contains("POOR BRIEFS"));
    let line = "translate --registry models/some.toml --model strong --second weak";
    place.tarjuman_reading(line, FINE).expect(0).says(&["warning: weak: WEAK MODEL\n"]);
    // One that is the first as well is named once.
    place.write("short/a.txt", FINE);
    let line = "run short --out one --registry models/some.toml --model strong --second strong";
    place.tarjuman(line).expect(0);
    assert!(!place.read("one/a.bilingual.md").contains("Second model"));
}

#[test]
fn a_dialect_is_flagged_and_not_asked_again() {
    let place = Place::new();
    place.write("in/a.txt", "احنا مش عارفين شو بدنا.");
    place.run("run in --out out --model echo", 1, "out");
    let unit = &units(&place, "out")[0];
    assert_eq!((&unit["state"], &unit["findings"][0]["check"]), (&json!("flagged"), &json!("dialect")));
    assert!(unit["attempts"].as_array().is_none_or(Vec::is_empty), "{unit}");
}
