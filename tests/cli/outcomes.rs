//! What becomes of files that are not what they seem: each gets its own clear outcome, and the run goes on.

use crate::place::{CLEAN, Place, document};

/// Bytes without any meaning, the same every time, with zeros among them.
fn noise(length: usize) -> Vec<u8> {
    let mut draw = crate::place::Draw(7);
    (0..length).map(|_| draw.below(256) as u8).chain([0, 0]).collect()
}

#[test]
fn every_kind_of_file_has_its_outcome_and_the_others_are_written() {
    let place = Place::new();
    let files: [(&str, Vec<u8>, &str, &str); 9] = [
        ("good.txt", CLEAN.into(), "done", ""),
        ("empty.txt", Vec::new(), "nothing_to_translate", "the file is empty"),
        ("blank.txt", " \n\t\r\n\u{200f}\u{a0}\n".into(), "nothing_to_translate", "nothing but white space"),
        (
            "english.txt",
            "Not a word of Arabic, and 25 of these.\n".into(),
            "nothing_to_translate",
            "no Arabic text",
        ),
        ("signs.txt", "--- *** ---\n".into(), "nothing_to_translate", "no Arabic text"),
        ("binary.txt", noise(3000), "failed", "a binary file"),
        ("report.md", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), "failed", "the PDF is damaged"),
        ("letter.text", b"PK\x03\x04\x14\0\x06\0".to_vec(), "failed", "a ZIP archive"),
        // Five letters are too few to tell an encoding from.
        ("short.txt", b"abc \xe3\xd1\xcd\xc8\xc7".to_vec(), "failed", "cannot tell the text's encoding"),
    ];
    for (name, bytes, ..) in &files {
        place.write(&format!("in/{name}"), bytes);
    }
    place.write("in/photo.jpg", noise(100));
    let ran = place.tarjuman("run in --out out --model echo");
    ran.expect(1).says(&["1 document done, 4 failed, 4 with nothing to translate", "photo.jpg"]);
    let record = place.record("out");
    assert_eq!(record["documents"].as_array().unwrap().len(), files.len());
    let (index, digest) = (place.read("out/index.html"), place.read("out/digest.md"));
    for (name, _, outcome, why) in &files {
        let document = document(&record, name);
        assert_eq!(document["outcome"], *outcome, "{document}");
        let told = [&document["reason"], &document["error"]].map(|v| v.as_str().unwrap_or_default()).concat();
        assert!(told.contains(why) && !told.contains('\n'), "{name}: {told:?}");
        assert_eq!(document["outputs"].as_array().unwrap().is_empty(), *outcome != "done", "{name}");
        assert!(index.contains(name) && digest.contains(name), "{name} is listed");
        if *outcome == "failed" {
            assert!(!document["hint"].as_str().unwrap().is_empty(), "{name}: what to do");
            ran.says(&[&format!("error: {name}: ")]);
        }
    }
    assert!(place.path("out/good.bilingual.html").is_file());
    let ignored = &record["ignored"];
    assert_eq!(ignored, &serde_json::json!([{ "id": "photo.jpg", "reason": "not a supported format" }]));
    assert!(index.contains("photo.jpg"));
}

#[test]
fn one_failed_document_alone_is_exit_code_one() {
    let place = Place::new();
    place.write("in/good.txt", CLEAN);
    place.write("in/bad.txt", noise(2000));
    place.tarjuman("run in --out out --model echo").expect(1).says(&["1 document done, 1 failed", "hint: "]);
    assert!(place.path("out/good.en.txt").is_file());
    // Nothing to translate is no failure.
    place.write("empty/empty.txt", "");
    place.tarjuman("run empty --out out2 --model echo").expect(0);
}

#[test]
fn a_wrong_encoding_is_found_and_the_right_one_is_recorded() {
    let place = Place::new();
    let text = CLEAN.repeat(8);
    let (windows, ..) = encoding_rs::WINDOWS_1256.encode(&text);
    let (iso, ..) = encoding_rs::ISO_8859_6.encode(&text);
    let utf16: Vec<u8> =
        "\u{feff}".chars().chain(text.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
    let cases: [(&str, &[u8], &str); 4] = [
        ("w.txt", &windows, "windows-1256"),
        ("i.txt", &iso, "ISO-8859-6"),
        ("u.txt", &utf16, "UTF-16LE"),
        ("b.txt", &["\u{feff}", &text].concat().into_bytes(), "UTF-8"),
    ];
    for (name, bytes, _) in cases {
        place.write(&format!("in/{name}"), bytes);
    }
    let record = place.run("run in --out out --model echo", 0, "out");
    for (name, _, encoding) in cases {
        assert_eq!(document(&record, name)["encoding"]["name"], encoding, "{name}");
    }
    let outputs = place.outputs("out");
    for (name, ..) in &cases[1..] {
        let english = format!("{}.en.txt", &name[..1]);
        assert_eq!(outputs[&english], outputs["w.en.txt"], "{name} says the same");
    }
    let ran = place.tarjuman("run in/w.txt --out given --model echo --encoding utf-8");
    ran.expect(1).says(&["cannot be decoded as UTF-8", "hint: try another --encoding"]);
    let record = place.run("run in/w.txt --out given --model echo --encoding cp1256", 0, "given");
    assert_eq!(document(&record, "w.txt")["encoding"]["source"], "given");
}

#[cfg(unix)]
#[test]
fn links_that_lead_nowhere_or_in_a_circle_do_not_stop_a_run() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write("in/deep/good.txt", CLEAN);
    symlink("nowhere", place.path("in/broken.txt")).unwrap();
    symlink("..", place.path("in/deep/circle")).unwrap();
    place
        .tarjuman("run in --out out --model echo")
        .expect(1)
        .says(&["a link that leads nowhere", "left aside: "]);
    let record = place.record("out");
    let broken = document(&record, "broken.txt");
    assert_eq!((&broken["outcome"], &broken["hint"]), (&"failed".into(), &"mend or remove it".into()));
    assert_eq!(document(&record, "deep/good.txt")["outcome"], "done");
    assert_eq!(record["documents"].as_array().unwrap().len(), 2, "a circle is walked once");
}
