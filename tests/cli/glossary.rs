//! `--glossary`: terms are found in the source, looked for in the target, and put in where they are missing.

use serde_json::{Value, json};

use crate::place::{Place, document};

fn units(place: &Place) -> Vec<Value> {
    place.read("out/a.units.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write(
        "in/a.txt",
        "وصل الوفد إلى خان شيخون وبدوما.\n\nعاد الوفد من حلب.\n\nضياع الأمتعة في دوما في 25 رحلة.",
    );
    place.write(
        "terms.csv",
        "arabic,english\nخان شيخون,Khan Shaykhun\nدوما,Douma\nحلب,Aleppo|hlb\n,nothing\n",
    );
    place
}

#[test]
fn missing_terms_are_put_in_and_accepted_ones_left() {
    let place = place();
    let record = place.run("run in --out out --model echo --glossary terms.csv", 0, "out");
    assert_eq!(record["options"]["glossary"], "terms.csv");
    assert_eq!(document(&record, "a.txt")["ledger"]["repaired"], 2);
    let units = units(&place);
    let kept = |i: usize| -> Vec<&str> {
        let all = units[i]["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|a| a["kept"] == true).map(|a| a["step"].as_str().unwrap()).collect()
    };
    let target = |i: usize| units[i]["target"].as_str().unwrap();
    assert!(target(0).contains("Khan Shaykhun") && target(0).contains("Douma"), "{}", target(0));
    assert_eq!(kept(0), ["terms in place"]);
    // The model's own word is one of the accepted ones.
    assert_eq!((target(1), kept(1)), ("ad alwfd mn hlb.", vec![]));
    // One step finds the number, the next keeps it and puts the term in: what a step mends no other may break.
    assert_eq!(units[2]["state"], "repaired");
    assert!(target(2).contains("25") && target(2).contains("Douma"), "{}", target(2));

    // With other terms nothing but the sentences that need it is asked anew.
    let tokens = record["target_tokens"].as_u64().unwrap();
    place.write("terms.csv", "arabic,english\nخان شيخون,Khan Shaykhun\nدوما,Duma\n");
    let again = place.run("run in --out out --model echo --glossary terms.csv", 0, "out");
    assert!(again["target_tokens"].as_u64().unwrap() < tokens);
    assert_eq!(again["from_memory"], 3);
    assert!(place.read("out/a.en.txt").contains("Duma") && !place.read("out/a.en.txt").contains("Douma"));
}

#[test]
fn what_later_steps_try_keeps_the_terms() {
    let place = place();
    // It loops until repetition is banned, and no answer to the Arabic alone has the term.
    place.write("in/a.txt", "تكرار الأخطاء في دوما.");
    place.run("run in --out out --model echo --glossary terms.csv", 0, "out");
    let unit = &units(&place)[0];
    assert_eq!(unit["state"], "repaired");
    assert!(unit["target"].as_str().unwrap().contains("Douma"), "{unit}");
    let steps: Vec<&str> =
        unit["attempts"].as_array().unwrap().iter().map(|a| a["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["wider beam", "terms in place", "repetition banned"]);
}

#[test]
fn what_cannot_be_put_in_is_flagged_with_the_term() {
    let place = place();
    place.run("run in --out out --model echo --glossary terms.csv --no-repair", 1, "out");
    let first = &units(&place)[0];
    assert_eq!(first["state"], "flagged");
    assert_eq!(
        first["findings"],
        json!([
            { "check": "glossary", "detail": "“خان شيخون” should be “Khan Shaykhun”" },
            { "check": "glossary", "detail": "“دوما” should be “Douma”" },
        ])
    );
    assert!(place.read("out/a.bilingual.html").contains("should be “Douma”"));
    assert!(place.read("out/review.csv").contains("“دوما” should be “Douma”"));
}

#[test]
fn a_glossary_that_cannot_be_used_stops_before_anything_is_made() {
    let place = place();
    place.write("bad.csv", "one,two\nthree,four\n");
    for (name, wanted) in [("bad.csv", "no column of Arabic"), ("missing.tbx", "missing.tbx: ")] {
        place
            .tarjuman(&format!("run in --out out --model echo --glossary {name}"))
            .expect(2)
            .says(&[wanted, "hint: "]);
        assert!(!place.path("out").exists());
    }
}
