//! `segment`: sentences that can be found again in the file.

use std::fs;

use serde_json::Value;

use crate::place::{Place, examples, tree};

/// The spans of `file`, which must lie in order and not overlap.
fn spans(place: &Place, file: &str) -> Vec<(usize, usize, String)> {
    let ran = place.tarjuman(&format!("segment {file} --json"));
    ran.expect(0);
    assert_eq!(ran.stderr, "");
    let mut spans: Vec<(usize, usize, String)> = Vec::new();
    for (index, line) in ran.stdout.lines().enumerate() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&object["index"], &object["document"]), (&index.into(), &file.into()), "{object}");
        assert_eq!(object.as_object().unwrap().len(), 5, "document, index, start, end, text: {object}");
        let place = |key: &str| object[key].as_u64().unwrap() as usize;
        let (start, end) = (place("start"), place("end"));
        assert!(start < end && spans.last().is_none_or(|before| before.1 <= start), "{object}");
        spans.push((start, end, object["text"].as_str().unwrap().into()));
    }
    spans
}

fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => encoding_rs::WINDOWS_1256.decode_without_bom_handling(bytes).0.into(),
    }
}

fn is_letter(c: char) -> bool {
    ('\u{621}'..='\u{64a}').contains(&c)
}

#[test]
fn gaps_and_segments_are_the_text_and_no_arabic_stands_in_a_gap() {
    let place = Place::with_examples();
    let mut in_windows_1256 = 0;
    for (name, bytes) in tree(&examples()) {
        in_windows_1256 += usize::from(std::str::from_utf8(&bytes).is_err());
        let text = decode(&bytes);
        let (mut rebuilt, mut end) = (String::new(), 0);
        let spans = spans(&place, &format!("reports/{name}"));
        if name.ends_with(".md") {
            // Its marks are not of the text, so that spans are no places of the file; its letters are all there.
            let letters = |text: &str| -> String { text.chars().filter(|c| is_letter(*c)).collect() };
            let all: String = spans.iter().map(|(.., segment)| letters(segment)).collect();
            assert_eq!(all, letters(&text), "{name}");
            continue;
        }
        for (start, stop, segment) in spans {
            let gap = &text[end..start];
            assert!(!gap.contains(is_letter), "{name}: {gap:?} is lost");
            assert_eq!(segment.trim(), segment, "{name}");
            rebuilt.push_str(gap);
            rebuilt.push_str(&segment);
            end = stop;
        }
        rebuilt.push_str(&text[end..]);
        assert!(!text[end..].contains(is_letter), "{name}: the end is lost");
        assert_eq!(rebuilt, text, "{name}");
    }
    assert_eq!(in_windows_1256, 1, "one of the samples is in a legacy encoding");
}

#[test]
fn plain_output_is_one_sentence_a_line() {
    let place = Place::with_examples();
    let mut all = String::new();
    for name in tree(&examples()).keys() {
        let file = format!("reports/{name}");
        let ran = place.tarjuman(&format!("segment {file}"));
        let spans = spans(&place, &file);
        let expected: Vec<String> =
            spans.iter().map(|s| s.2.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(ran.expect(0).stdout.lines().collect::<Vec<_>>(), expected, "{name}");
        all.push_str(&ran.stdout);
    }
    let names: Vec<_> = tree(&examples()).keys().map(|name| format!("reports/{name}")).collect();
    let together = place.tarjuman(&format!("segment {}", names.join(" ")));
    assert_eq!(together.expect(0).stdout, all, "several files come one after the other");
}

#[test]
fn one_bad_file_does_not_keep_the_others_from_being_shown() {
    let place = Place::new();
    place.write("a.txt", "أولى. ثانية.");
    place.write("b.txt", b"\x89PNG\r\n");
    place.write("empty.txt", "");
    let ran = place.tarjuman("segment a.txt nowhere.txt b.txt empty.txt a.txt");
    ran.expect(1).says(&["error: nowhere.txt: ", "error: b.txt: this is a PNG image", "hint: "]);
    assert_eq!(ran.stdout, "أولى.\nثانية.\nأولى.\nثانية.\n");
    place.tarjuman("segment b.txt").expect(2);
    assert_eq!(place.tarjuman("segment empty.txt").expect(0).stdout, "");
}

#[test]
fn an_archive_is_told_where_it_would_be_looked_into() {
    let place = Place::new();
    let archive = crate::containers::zip(&[("a.txt", "أولى.".as_bytes())]);
    place.write("files.zip", &archive);
    let told = ["this is a ZIP archive, not a text file", "hint: give it to `tarjuman run`", "or unpack it"];
    place.tarjuman("segment files.zip").expect(2).says(&told);
    let ran = place.tarjuman_reading("run - --out out --model echo", archive);
    ran.expect(1).says(&[told[0], told[1], told[2]]);
    // A spreadsheet is an archive too, and unpacking it is no help.
    place.write("a.zip", crate::containers::zip(&[("[Content_Types].xml", b"<Types/>")]));
    let ran = place.tarjuman("segment a.zip");
    assert!(ran.expect(2).stderr.contains("XLSX") && !ran.stderr.contains("unpack"), "{}", ran.stderr);
}

#[test]
fn standard_input_and_a_given_encoding_are_read() {
    let place = Place::new();
    let ran = place.tarjuman_reading("segment -", "أولى. ثانية.\n");
    assert_eq!(ran.expect(0).stdout, "أولى.\nثانية.\n");
    // Too short to tell its encoding from.
    let (bytes, ..) = encoding_rs::ISO_8859_6.encode("abc سلام");
    place.write("short.txt", bytes);
    place.tarjuman("segment short.txt").expect(2).says(&["hint: ", "--encoding"]);
    let ran = place.tarjuman("segment short.txt --encoding iso-8859-6");
    assert_eq!(ran.expect(0).stdout, "abc سلام\n");
    // A mark at the beginning is no text: spans count from after it.
    place.write("mark.txt", "\u{feff}أولى.");
    assert_eq!(spans(&place, "mark.txt"), [(0, "أولى.".len(), "أولى.".to_string())]);
    assert!(fs::read(place.path("mark.txt")).unwrap().starts_with(&[0xef, 0xbb, 0xbf]));
}
