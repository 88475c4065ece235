//! `run`: what is written, what is counted, and that it depends on nothing else than the reports.

use std::fs;

use serde_json::json;

use crate::place::{CLEAN, Place, assert_same, document};

/// The files of one document.
const KINDS: [&str; 5] = ["bilingual.html", "bilingual.md", "brief.md", "en.txt", "units.jsonl"];

const EXAMPLES: [&str; 6] = [
    "distribution-guide.txt",
    "field/log.txt",
    "news.txt",
    "notes.txt",
    "situation-report.md",
    "testimony.txt",
];

#[test]
fn the_sample_folder_gives_the_promised_files_and_nothing_else() {
    let place = Place::with_examples();
    let ran = place.tarjuman("run reports --out out --model echo --offline");
    ran.expect(1).says(&["6 documents done", "flagged", "open out"]);
    assert_eq!(ran.stdout, "");

    let stem = |id: &str| id.rsplit_once('.').unwrap().0.to_string();
    let mut expected: Vec<String> =
        EXAMPLES.iter().flat_map(|id| KINDS.map(|kind| format!("{}.{kind}", stem(id)))).collect();
    let of_the_run = ["digest.md", "index.html", "memory.sqlite", "names.csv", "review.csv", "run.json"];
    expected.extend(of_the_run.map(String::from));
    expected.push(".tarjuman-output".into());
    expected.sort();
    assert_eq!(place.tree("out").into_keys().collect::<Vec<_>>(), expected);

    let record = place.record("out");
    let ids: Vec<_> =
        record["documents"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, EXAMPLES);
    assert_eq!(record["interrupted"], false);
    assert_eq!(document(&record, "testimony.txt")["encoding"]["name"], "windows-1256");
    let (index, digest) = (place.read("out/index.html").replace("&#x2f;", "/"), place.read("out/digest.md"));
    for id in EXAMPLES {
        assert!(index.contains(&format!("{}.bilingual.html", stem(id))), "{id} in the index");
        assert!(digest.contains(&format!("`{id}`")), "{id} in the digest");
        let outputs = document(&record, id)["outputs"].as_array().unwrap();
        assert_eq!(outputs.len(), KINDS.len(), "{id}");
        assert!(outputs.iter().all(|o| place.path("out").join(o.as_str().unwrap()).is_file()), "{id}");
    }
}

#[test]
fn the_units_on_disk_are_those_that_were_counted() {
    let place = Place::with_examples();
    let record = place.run("run reports --out out --model echo", 1, "out");
    for id in EXAMPLES {
        let units = place.read(&format!("out/{}.units.jsonl", id.rsplit_once('.').unwrap().0));
        let units: Vec<serde_json::Value> = units.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let ledger = &document(&record, id)["ledger"];
        assert_eq!(ledger["units"], units.len(), "{id}");
        for state in ["translated", "repaired", "flagged", "copied", "skipped"] {
            assert_eq!(ledger[state], units.iter().filter(|u| u["state"] == state).count(), "{id} {state}");
        }
        for (index, unit) in units.iter().enumerate() {
            assert_eq!((&unit["index"], &unit["document"]), (&index.into(), &id.into()));
            assert_eq!(
                unit["state"] == "flagged",
                unit.get("findings").is_some(),
                "flags have reasons: {unit}"
            );
            assert!(!unit["target"].as_str().unwrap().is_empty(), "{unit}");
        }
    }
}

#[test]
fn nothing_to_look_at_is_exit_code_zero() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    let ran = place.tarjuman("run a.txt --out out --model echo");
    ran.expect(0).says(&["1 document done", "2 sentences: 2 translated"]);
    assert_eq!(ran.stdout, "");
    assert_eq!(place.record("out")["ledger"]["translated"], 2);
}

#[test]
fn each_flag_is_counted_and_shown_wherever_a_person_looks() {
    let place = Place::new();
    // The words that make `echo` fall silent, and loop.
    place.write("bad/silent.txt", "هذه جملة فيها فراغ تام.\n");
    place.write("bad/loop.txt", "هذه جملة فيها حلقة مفرغة.\n");
    place.write("bad/fine.txt", CLEAN);
    let ran = place.tarjuman("run bad --out out --model echo");
    ran.expect(1).says(&["2 flagged", "look first at"]);
    let record = place.record("out");
    for (name, check) in [("silent", "empty"), ("loop", "loop")] {
        assert_eq!(document(&record, &format!("{name}.txt"))["ledger"]["flagged"], 1);
        let unit: serde_json::Value =
            serde_json::from_str(&place.read(&format!("out/{name}.units.jsonl"))).unwrap();
        let checks = unit["findings"].as_array().unwrap();
        assert!(checks.iter().any(|f| f["check"] == check), "{unit}");
        let detail = checks[0]["detail"].as_str().unwrap();
        for kind in ["bilingual.md", "bilingual.html"] {
            assert!(
                place.read(&format!("out/{name}.{kind}")).contains(detail),
                "{detail:?} in {name}.{kind}"
            );
        }
    }
    let risk = |level: &str, high: u8, low: u8| serde_json::json!({"level": level, "high": high, "medium": 0, "low": low});
    assert_eq!(document(&record, "silent.txt")["risk"], risk("high", 1, 0));
    assert_eq!(document(&record, "fine.txt")["risk"], risk("low", 0, 2));
    for page in ["digest.md", "index.html", "silent.brief.md", "silent.bilingual.html"] {
        let text = place.read(&format!("out/{page}"));
        assert!(
            text.contains("flagged") && text.contains("igh risk: 1 of 1 sentence flagged or guessed"),
            "{page}"
        );
    }
}

#[test]
fn only_the_formats_and_briefs_asked_for_are_written() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    for (options, kinds) in [
        ("--formats md --brief none", vec!["a.bilingual.md"]),
        ("--formats jsonl,html,jsonl --brief none", vec!["a.bilingual.html", "a.units.jsonl"]),
        ("--formats md,txt", vec!["a.bilingual.md", "a.brief.md", "a.en.txt"]),
        ("--formats tmx,xliff --brief none", vec!["a.tmx", "a.xliff"]),
        ("--formats docx", vec!["a.bilingual.docx", "a.brief.docx", "a.brief.md", "a.en.docx"]),
    ] {
        let out = format!("out-{}", kinds.len() + options.len());
        place.tarjuman(&format!("run a.txt --out {out} --model echo {options}")).expect(0);
        let mut tree = place.outputs(&out);
        tree.retain(|name, _| name.starts_with("a."));
        assert_eq!(tree.into_keys().collect::<Vec<_>>(), kinds, "{options}");
    }
}

#[test]
fn a_memory_among_the_reports_does_not_make_their_folder_an_output_folder() {
    let place = Place::new();
    place.write("in/2024/a.txt", CLEAN);
    for _ in 0..2 {
        let line = "run in --out out --model echo --memory in/2024/memory.sqlite --quiet";
        let record = place.run(line, 0, "out");
        assert_eq!(document(&record, "2024/a.txt")["outcome"], "done");
    }
}

#[test]
fn the_record_has_the_options_in_force() {
    let place = Place::new();
    place.write("in/a.txt", CLEAN);
    let line =
        "run in --out out --model echo --threads 3 --precision f32 --device cpu --brief none --formats txt";
    let record = place.run(&format!("{line} --memory none --beam 2 --fresh --no-repair"), 0, "out");
    let options = json!({
        "inputs": "in", "model": "echo", "device": "cpu", "threads": "3", "precision": "f32", "brief": "none",
        "formats": "txt", "memory": "none", "decoding": "beam=2 max=3x+16 ngram=0", "fresh": "true", "repair": "false",
    });
    assert_eq!(record["options"], options);
    let usual = place.run("run in --out usual --model echo", 0, "usual");
    let options = usual["options"].as_object().unwrap();
    assert_eq!(options["precision"], "auto");
    assert!(options["threads"].as_str().unwrap().parse::<usize>().unwrap() > 0);
}

#[test]
fn outputs_depend_on_the_reports_alone() {
    let place = Place::with_examples();
    let first = place.run("run reports --out one --model echo --threads 1", 1, "one");
    let outputs = place.outputs("one");
    for (out, options) in [
        ("one", "--threads 1"),
        ("two", "--threads 2"),
        ("none", "--memory none"),
        ("deep/er", "--threads 3 --fresh"),
    ] {
        let again = place.run(&format!("run reports --out {out} --model echo {options}"), 1, out);
        assert_same(&outputs, &place.outputs(out), options);
        assert_eq!(again["ledger"], first["ledger"], "{options}");
    }
}

#[test]
fn inputs_that_differ_in_their_extension_keep_it() {
    let place = Place::new();
    place.write("in/b.md", CLEAN);
    place.write("in/b.txt", CLEAN);
    place.write("in/c.txt", CLEAN);
    let record = place.run("run in --out out --model echo --formats html,txt", 0, "out");
    let outputs = place.outputs("out");
    for (id, name) in [("b.md", "b.md"), ("b.txt", "b.txt"), ("c.txt", "c")] {
        let listed = &document(&record, id)["outputs"];
        let expected = ["bilingual.html", "en.txt", "brief.md"].map(|end| format!("{name}.{end}"));
        assert_eq!(listed.as_array().unwrap(), &expected, "{id}");
        assert!(expected.iter().all(|file| outputs.contains_key(file)), "{id}");
        let brief = place.read(&format!("out/{name}.brief.md"));
        assert!(brief.contains(&format!("({name}.bilingual.html)")), "{brief}");
    }
}

#[test]
fn text_from_a_report_is_never_markup_in_a_page() {
    let place = Place::new();
    place.write("<i>.txt", "عنوان <script>alert(1)</script>\n\nوقال إن <eos> و&amp; \"نص\" في الصفحة.\n");
    place.tarjuman("run . --out out --model echo").expect(0);
    for page in ["out/<i>.bilingual.html", "out/index.html"] {
        let html = place.read(page);
        assert!(
            !html.contains("<script>alert") && !html.contains("<eos>") && !html.contains("<i>"),
            "{page}"
        );
        assert!(html.contains("&lt;script&gt;alert(1)"), "{page} shows it as it is written");
    }
    let bilingual = place.read("out/<i>.bilingual.html");
    assert!(bilingual.contains("&lt;eos&gt;") && bilingual.contains("&amp;amp;"));
    // What programs read is not escaped.
    assert!(place.read("out/<i>.units.jsonl").contains("<script>alert(1)</script>"));
    assert!(place.read("out/<i>.en.txt").contains("<script>alert(1)</script>"));
}

#[test]
fn names_of_any_kind_are_mirrored() {
    let place = Place::new();
    let ids = ["تقرير أول.txt", "a#b?%20.md", "دمشق/x.y.txt", "-dash.txt"];
    for id in ids {
        place.write(&format!("in/{id}"), CLEAN);
    }
    place.write("in/.hidden/a.txt", CLEAN);
    place.write("in/.hidden.txt", CLEAN);
    let record = place.run("run in --out out --model echo", 0, "out");
    assert_eq!(record["documents"].as_array().unwrap().len(), ids.len());
    for id in ids {
        let stem = id.rsplit_once('.').unwrap().0;
        assert!(place.path(&format!("out/{stem}.bilingual.html")).is_file(), "{id}");
    }
    let index = place.read("out/index.html");
    assert!(index.contains("a%23b%3F%2520.bilingual.html"), "links lead to the file, whatever its name");
}

#[test]
fn an_output_folder_inside_the_input_is_not_read() {
    let place = Place::new();
    place.write("in/a.txt", CLEAN);
    for _ in 0..2 {
        let record = place.run("run in --out in/out --model echo", 0, "in/out");
        assert_eq!(record["documents"].as_array().unwrap().len(), 1);
    }
    assert_eq!(fs::read_dir(place.path("in")).unwrap().count(), 2, "nothing is written beside the input");
}

#[test]
fn standard_input_is_a_document_too() {
    let place = Place::new();
    place.tarjuman_reading("run - --out out --model echo", CLEAN).expect(0);
    assert_eq!(document(&place.record("out"), "stdin")["outcome"], "done");
    assert!(place.path("out/stdin.en.txt").is_file());
}

#[test]
fn a_limit_leaves_the_rest_and_says_so() {
    let place = Place::with_examples();
    let ran = place.tarjuman("run reports --out out --model echo --limit 2");
    ran.expect(1).says(&["2 documents done, 4 not reached"]);
    let record = place.record("out");
    let outcomes: Vec<_> = record["documents"].as_array().unwrap().iter().map(|d| &d["outcome"]).collect();
    assert_eq!(outcomes, ["done", "done", "not_reached", "not_reached", "not_reached", "not_reached"]);
    assert_eq!(record["interrupted"], false);
}

#[test]
fn text_in_other_languages_is_copied_not_translated() {
    let place = Place::new();
    place.write("in/mixed.txt", format!("{CLEAN}\nNext call: Thursday 14:00.\n\n25 / 30\n"));
    let record = place.run("run in --out out --model echo", 0, "out");
    let ledger = &document(&record, "mixed.txt")["ledger"];
    assert_eq!((&ledger["translated"], &ledger["copied"]), (&2.into(), &2.into()));
    let english = place.read("out/mixed.en.txt");
    assert!(english.contains("Next call: Thursday 14:00.") && english.contains("25 / 30"), "{english}");
}

#[test]
fn a_model_may_write_the_briefs() {
    let place = Place::with_examples();
    let record = place.run("run reports --out out --model echo --brief echo", 1, "out");
    assert_eq!(record["brief_model"]["name"], "echo");
    let first = place.outputs("out");
    place.run("run reports --out out --model echo --brief echo", 1, "out");
    assert_same(&first, &place.outputs("out"), "the second time from the memory");
}

#[test]
fn near_duplicates_are_told_once_and_listed_all() {
    let place = Place::new();
    let mut draw = crate::place::Draw(5);
    let text: Vec<String> = (0..20).map(|_| draw.sentence()).collect();
    let text = text.join(" ");
    place.write("in/a.txt", format!("{text} قتل 5 مدنيين."));
    place.write(
        "in/sub/b.txt",
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
    );
    place.write("in/c.txt", format!("وكالات. {text} قتل 7 مدنيين."));
    place.write("in/d.txt", CLEAN);
    let ran = place.tarjuman("run in --out out --model echo");
    assert!(ran.code < 2, "{}", ran.stderr);
    let record = place.record("out");
    let like = |id: &str| document(&record, id)["near_duplicate"].clone();
    assert_eq!((like("c.txt"), like("d.txt")), (serde_json::Value::Null, serde_json::Value::Null));
    for (id, here, there) in [("a.txt", vec!["5"], vec!["7"]), ("sub/b.txt", vec![], vec!["7"])] {
        assert_eq!(like(id)["of"], "c.txt", "the one with most words");
        assert_eq!(like(id)["numbers_here"], serde_json::json!(here), "{id}");
        assert_eq!(like(id)["numbers_there"], serde_json::json!(there), "{id}");
    }
    let digest = place.read("out/digest.md");
    assert_eq!(digest.matches("\n## ").count(), 2, "two groups:\n{digest}");
    assert!(digest.contains("\nAlso: [`a.txt`](a.bilingual.html) ("), "{digest}");
    assert!(digest.contains("it has 5, it lacks 7), [`sub/b.txt`](sub/b.bilingual.html) (100 %"), "{digest}");
    let index = place.read("out/index.html");
    assert_eq!(index.matches("Near-duplicate of <a").count(), 2, "each stands in the index");
    assert_eq!(index.matches("bilingual</a>").count(), 4);
}
