//! The review loop: the run says what to look at, a person corrects it in a spreadsheet, and the next run has it.

use serde_json::{Value, json};

use crate::place::{Place, document};

const STUCK: &str = "=حلقة من حلقات السلسلة الطويلة.";
const FINE: &str = "وصل الوفد إلى المدينة.";
const MENDED: &str = "ضياع الأمتعة في 25 رحلة.";

fn place() -> Place {
    let place = Place::new();
    place.write("in/a.txt", [FINE, MENDED, STUCK].join("\n\n"));
    place.run("run in --out out --model echo", 1, "out");
    place
}

fn units(place: &Place) -> Vec<Value> {
    place.read("out/a.units.jsonl").lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn corrections_of_the_review_stand_in_the_next_run() {
    let place = place();
    let review = place.read("out/review.csv");
    let lines: Vec<&str> = review.lines().collect();
    assert_eq!(lines[0], "\u{feff}correction,english,arabic,risk,why,document,sentence");
    assert_eq!(lines.len(), 3, "the fine sentence is not there:\n{review}");
    assert!(
        lines[1].starts_with(",again and") && lines[1].contains(",high,repetition: "),
        "the worst first:\n{review}"
    );
    assert!(lines[1].contains(",'=حلقة"), "nothing that a spreadsheet would compute:\n{review}");
    assert!(lines[2].contains(",medium,mended: wider beam,a.txt,2"), "{review}");

    place.write("out/review.csv", review.replace("\n,again and", "\n\"A link, of a long chain.\",again and"));
    // The next run takes it in by itself; so does the command.
    let ran = place.tarjuman("memory import out/memory.sqlite out/review.csv");
    ran.expect(0).says(&["1 correction taken in"]);
    for options in ["", " --fresh"] {
        let ran = place.tarjuman(&format!("run in --out out --model echo{options}"));
        ran.expect(0).says(&["1 correction taken in"]);
        assert_eq!(document(&place.record("out"), "a.txt")["ledger"]["flagged"], 0);
        let unit = &units(&place)[2];
        assert_eq!(
            (&unit["target"], &unit["state"]),
            (&json!("A link, of a long chain."), &json!("translated"))
        );
        assert_eq!(unit["reviewed"], true);
        assert!(place.read("out/a.en.txt").contains("A link, of a long chain."));
        // What was written stays where it was written.
        let review = place.read("out/review.csv");
        assert!(
            review.contains("\n\"A link, of a long chain.\",\"A link, of a long chain.\",'=حلقة"),
            "{review}"
        );
    }
    let ran = place.tarjuman("memory stats out/memory.sqlite");
    assert!(ran.expect(0).stdout.contains("corrections  1"), "{}", ran.stdout);
    place.tarjuman("memory export out/memory.sqlite all.csv").expect(0).says(&["1 correction is in all.csv"]);
    assert_eq!(
        place.read("all.csv"),
        "\u{feff}arabic,correction\n'=حلقة من حلقات السلسلة الطويلة.,\"A link, of a long chain.\"\n"
    );
    // Through a translator's program and back.
    place.tarjuman("memory export out/memory.sqlite all.tmx").expect(0).says(&["1 correction is in all.tmx"]);
    assert!(place.read("all.tmx").contains("<seg>A link, of a long chain.</seg>"));
    place.tarjuman("memory import by-tmx.sqlite all.tmx").expect(0).says(&["1 correction taken in"]);
    place.tarjuman("memory export by-tmx.sqlite by-tmx.csv").expect(0);
    assert_eq!(place.read("by-tmx.csv"), place.read("all.csv"));
    // Into another memory, and from there into lines.
    place.tarjuman("memory import new.sqlite all.csv").expect(0);
    let lines = place.tarjuman_reading("translate --model echo --memory new.sqlite", format!("{STUCK}\n"));
    assert_eq!(lines.expect(0).stdout, "A link, of a long chain.\n");
    // An emptied cell takes the correction back.
    let review = place.read("out/review.csv");
    place.write("out/review.csv", review.replace("\n\"A link, of a long chain.\",", "\n,"));
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&["0 corrections taken in, 1 withdrawn"]);
    assert_eq!(units(&place)[2]["state"], "flagged");
}

#[test]
fn a_copied_sentence_has_western_digits_and_may_be_corrected() {
    let place = Place::new();
    place.write("in/a.txt", [FINE, "Le 5 mai", "١٢ - ٥ / ٢٠١٦"].join("\n\n"));
    place.run("run in --out out --model echo", 0, "out");
    let target = |at: usize| units(&place)[at]["target"].as_str().unwrap().to_owned();
    assert_eq!((target(1).as_str(), target(2).as_str()), ("Le 5 mai", "12 - 5 / 2016"));
    place.write("mine.csv", "arabic,correction\nLe 5 mai,On 5 May\n١٢ - ٥ / ٢٠١٦,12 May 2016\n");
    place.tarjuman("memory import out/memory.sqlite mine.csv").expect(0).says(&["2 corrections taken in"]);
    place.run("run in --out out --model echo", 0, "out");
    assert_eq!((target(1).as_str(), target(2).as_str()), ("On 5 May", "12 May 2016"));
    assert!(place.read("out/a.en.txt").contains("12 May 2016"));
}

#[test]
fn corrections_of_reports_that_are_not_in_a_run_stay_in_the_table() {
    let place = Place::new();
    let other = "حلقة أخرى من السلسلة.";
    place.write("in/a.txt", STUCK);
    place.write("in/b.txt", other);
    place.write("in/deep/c.txt", FINE);
    let line = "run in --out out --model echo --memory none";
    place.run(line, 1, "out");
    let review = place.read("out/review.csv");
    let mut lines: Vec<String> = review.lines().map(str::to_string).collect();
    assert_eq!(lines.len(), 3, "{review}");
    lines[1].insert_str(0, "One link.");
    lines[2].insert_str(0, "Another link.");
    place.write("out/review.csv", lines.join("\n") + "\n");

    let both = |case: &str| {
        let review = place.read("out/review.csv");
        for row in ["One link.,One link.,'=حلقة", "Another link.,Another link.,حلقة أخرى"] {
            assert!(review.contains(row), "{case}:\n{review}");
        }
        assert_eq!(review.lines().count(), 3, "{case}: each once\n{review}");
    };
    place.run(&format!("{line} --limit 1"), 0, "out");
    both("some of the reports");
    place.run("run in/deep --out out --model echo --memory none", 0, "out");
    both("another folder");
    place.write("in/b.txt", b"\0\0\0\x01\x02\0\0\0");
    place.run(line, 1, "out");
    both("a report that cannot be read");
    place.write("in/b.txt", other);
    place.run("run in --out out --model echo --memory new.sqlite", 0, "out");
    both("another memory");
    let unit: Value = serde_json::from_str(place.read("out/b.units.jsonl").trim()).unwrap();
    assert_eq!((&unit["target"], &unit["reviewed"]), (&json!("Another link."), &json!(true)));
    // And back to none; the table alone has them.
    place.run(line, 0, "out");
    both("no memory");

    // Emptied, it goes for good, in the run that does not see it.
    let review = place.read("out/review.csv");
    place.write("out/review.csv", review.replace("\nAnother link.,", "\n,"));
    place
        .tarjuman("run in --out out --model echo --memory new.sqlite --limit 1")
        .expect(0)
        .says(&["1 correction taken in, 1 withdrawn"]);
    assert!(!place.read("out/review.csv").contains("Another link."));
    place.run("run in --out out --model echo --memory new.sqlite", 1, "out");
}

#[test]
fn a_correction_that_is_imported_later_outranks_the_row_of_an_earlier_one() {
    let place = place();
    let review = place.read("out/review.csv");
    place.write("out/review.csv", review.replace("\n,again and", "\n\"A link.\",again and"));
    place.tarjuman("run in --out out --model echo").expect(0);
    place.write("newer.csv", format!("arabic,correction\n{STUCK},A link of a chain.\n"));
    place.tarjuman("memory import out/memory.sqlite newer.csv").expect(0).says(&["1 correction taken in"]);
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(0).says(&["other corrections than unchanged rows (1)", "kept as review.kept.csv"]);
    assert!(place.read("out/review.kept.csv").contains("\nA link.,A link.,"));
    assert_eq!(units(&place)[2]["target"], "A link of a chain.");
    let review = place.read("out/review.csv");
    assert!(review.contains("\nA link of a chain.,A link of a chain.,'=حلقة"), "{review}");
}

#[test]
fn a_correction_that_is_taken_back_by_an_import_does_not_come_back() {
    let place = place();
    let review = place.read("out/review.csv");
    place.write("out/review.csv", review.replace("\n,again and", "\n\"A link.\",again and"));
    place.tarjuman("run in --out out --model echo").expect(0);
    // As the bilingual page saves it.
    place.write("page.csv", format!("correction,english,arabic,risk,why\n,A link.,{STUCK},low,corrected\n"));
    place.tarjuman("memory import out/memory.sqlite page.csv").expect(0).says(&["1 withdrawn"]);
    // Neither where its report is not in the run nor where it is.
    place.write("other/b.txt", FINE);
    let ran = place.tarjuman("run other --out out --model echo --memory out/memory.sqlite");
    ran.expect(0).says(&["unchanged rows (1), or took theirs back", "kept as review.kept.csv"]);
    assert!(place.read("out/review.kept.csv").contains("\nA link.,A link.,"));
    assert!(!place.read("out/review.csv").contains("A link."), "{}", place.read("out/review.csv"));
    place.write("out/review.csv", place.read("out/review.kept.csv"));
    let ran = place.tarjuman("run in --out out --model echo");
    assert!(!ran.expect(1).stderr.contains("1 correction"), "{}", ran.stderr);
    assert_eq!(units(&place)[2]["state"], "flagged");
    assert!(!place.read("out/review.csv").contains("A link."), "{}", place.read("out/review.csv"));
    let ran = place.tarjuman("memory stats out/memory.sqlite");
    assert!(ran.expect(0).stdout.contains("corrections  0"), "{}", ran.stdout);
    // Written again, it stands again.
    let review = place.read("out/review.csv");
    place.write("out/review.csv", review.replace("\n,again and", "\n\"A link.\",again and"));
    for _ in 0..2 {
        place.tarjuman("run in --out out --model echo").expect(0).says(&["1 correction taken in"]);
        assert_eq!(units(&place)[2]["target"], "A link.");
    }
}

#[test]
fn a_review_that_cannot_be_read_is_kept() {
    let place = place();
    let broken = b"correction,arabic\n\xd5,\xd6\n".to_vec();
    place.write("out/review.csv", broken.clone());
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&["warning: review.csv: not UTF-8", "kept as review.kept.csv"]);
    assert_eq!(std::fs::read(place.path("out/review.kept.csv")).unwrap(), broken);
    assert!(place.read("out/review.csv").contains("حلقة"));
}

#[test]
fn an_export_takes_the_place_of_an_earlier_one_and_never_of_the_memory() {
    let place = place();
    place.write("mine.csv", format!("arabic,correction\n{FINE},They came.\n"));
    place.tarjuman("memory import out/memory.sqlite mine.csv").expect(0);
    let before = place.tarjuman("memory stats out/memory.sqlite").expect(0).stdout.clone();
    for name in
        ["out/memory.sqlite", "in/../out/memory.sqlite", "out/memory.sqlite-wal", "out/memory.sqlite-shm"]
    {
        place
            .tarjuman(&format!("memory export out/memory.sqlite {name}"))
            .expect(2)
            .says(&["the translation memory itself", "hint: name another file"]);
    }
    assert_eq!(place.tarjuman("memory stats out/memory.sqlite").expect(0).stdout, before);
    // An earlier one stays whole until the next one is there: whoever has it open reads on.
    place.write("all.csv", "of yesterday");
    std::fs::hard_link(place.path("all.csv"), place.path("open.csv")).unwrap();
    place.tarjuman("memory export out/memory.sqlite all.csv").expect(0);
    assert!(place.read("all.csv").contains("They came."));
    assert_eq!(place.read("open.csv"), "of yesterday");
    let left = std::fs::read_dir(place.path("")).unwrap().flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with('.')));
}

#[test]
fn tables_that_are_none_and_memories_that_are_not_there_are_errors() {
    let place = place();
    place.write("columns.csv", "source,note\nنعم,yes\n");
    place.write("page.html", "<html></html>");
    place.write("latin.csv", b"arabic,correction\n\xe4,\xe5\n");
    for (command, says) in [
        (
            "memory import out/memory.sqlite columns.csv",
            &["columns.csv: no column of corrections", "translation"],
        ),
        ("memory import out/memory.sqlite latin.csv", &["latin.csv: not UTF-8 at byte 18", "CSV UTF-8"]),
        ("memory import out/memory.sqlite nowhere.csv", &["nowhere.csv", "No such file"]),
        ("memory import out/memory.sqlite page.html", &["page.html", "XML, but no TMX"]),
        ("memory stats nowhere.sqlite", &["nowhere.sqlite: no such file", "hint: "]),
        ("memory export in/a.txt", &["not a translation memory", "hint: "]),
    ] {
        place.tarjuman(command).expect(2).says(says);
    }
    place.write("odd.csv", "arabic,correction\n,lost\n نعم ,\n");
    place
        .tarjuman("memory import out/memory.sqlite odd.csv")
        .expect(0)
        .says(&["0 corrections", "1 without Arabic"]);
}
