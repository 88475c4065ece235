//! `names.csv` and `--names`: a name is spelt in one way in the whole folder, without a sentence translated again.

use crate::place::{Place, assert_same};

/// echo writes Arabic names in small letters and copies what is in Latin ones, so the spellings stand in the source.
fn place() -> Place {
    let place = Place::new();
    place.write("in/a.txt", "قال Mohamed اسم محمد في الحسكة.\n\nقال Muhammad اسم محمد.\n");
    place.write("in/b.txt", "قال Mohamed اسم محمد.\n\nفي الحسكة Hasakah.\n");
    place
}

#[test]
fn names_are_listed_and_spelt_as_chosen() {
    let place = place();
    place.run("run in --out out --model echo", 0, "out");
    let table = place.read("out/names.csv");
    assert_eq!(
        table.trim_start_matches('\u{feff}'),
        "english,arabic,times,spellings,documents\nMohamed,محمد,3,\"Mohamed (2), Muhammad (1)\",2\n"
    );
    let before = place.outputs("out");

    // Chosen in the table of the run itself, for another run of the same folder.
    place.write("out/names.csv", table.replace("Mohamed,محمد", "Muhammad,محمد"));
    let again = place.run("run in --out out --model echo --names out/names.csv", 0, "out");
    assert_eq!(again["target_tokens"], 0, "nothing is asked again");
    assert_eq!(again["options"]["names"], "out/names.csv");
    for name in ["a", "b"] {
        let english = place.read(&format!("out/{name}.en.txt"));
        assert!(english.contains("Muhammad") && !english.contains("Mohamed"), "{english}");
    }
    assert!(place.read("out/a.units.jsonl").contains(r#""respelled":[{"from":"Mohamed","to":"Muhammad"}]"#));
    assert!(place.read("out/a.bilingual.html").contains("spelt"));

    // Without the option the model's spellings are back, and what was chosen is still in the table.
    place.run("run in --out out --model echo", 0, "out");
    assert!(place.read("out/names.csv").contains("Muhammad,محمد,3"));
    let mut after = place.outputs("out");
    after.insert("names.csv".into(), before["names.csv"].clone());
    assert_same(&before, &after, "without the option");
}

#[test]
fn glossary_and_corrections_outrank_chosen_spellings() {
    let place = place();
    place.run("run in --out out --model echo", 0, "out");
    place.write("chosen.csv", "arabic,english\nمحمد,Mehmet\n");
    place.write("terms.csv", "arabic,english\nاسم محمد,Muhammad|Mohamed\n");
    place.write("own.csv", "arabic,correction\nقال Mohamed اسم محمد.,Mohamed himself.\n");
    place.tarjuman("memory import out/memory.sqlite own.csv").expect(0);
    place.run("run in --out out --model echo --names chosen.csv --glossary terms.csv", 0, "out");
    assert!(place.read("out/b.en.txt").contains("Mohamed himself."));
    let english = place.read("out/a.en.txt");
    assert!(english.contains("Mohamed") && english.contains("Muhammad"), "{english}");
    place.run("run in --out out --model echo --names chosen.csv", 0, "out");
    assert!(place.read("out/b.en.txt").contains("Mohamed himself."));
    assert_eq!(place.read("out/a.en.txt").matches("Mehmet").count(), 2);
}

#[test]
fn an_emptied_spelling_is_left_as_the_model_has_it_and_stays_empty() {
    let place = place();
    place.run("run in --out out --model echo", 0, "out");
    let before = place.outputs("out");
    place.write("out/names.csv", place.read("out/names.csv").replace("Mohamed,محمد", ",محمد"));
    let emptied = place.read("out/names.csv");
    place.run("run in --out out --model echo --names out/names.csv", 0, "out");
    assert_eq!(place.read("out/names.csv"), emptied);
    let mut after = place.outputs("out");
    after.insert("names.csv".into(), before["names.csv"].clone());
    assert_same(&before, &after, "emptied");
}

#[test]
fn a_table_that_cannot_be_read_is_told_of_and_kept() {
    let place = place();
    place.write("bad.csv", "one,two\n");
    for name in ["bad.csv", "missing.csv"] {
        place
            .tarjuman(&format!("run in --out out --model echo --names {name}"))
            .expect(2)
            .says(&[name, "hint: "]);
        assert!(!place.path("out").exists());
    }
    place.write("out/names.csv", "my own notes\n");
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(0).says(&["names.csv: no columns", "names.kept.csv"]);
    assert_eq!(place.read("out/names.kept.csv"), "my own notes\n");
}
