//! Measurements over data that is not in the repository; `TARJUMAN_DATA` names its folder. The protocol and the
//! figures are in docs/segmentation.md.
#![allow(clippy::print_stdout)] // figures are what these tests are run for

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use super::split::sentences;
use super::{normalize, wrap};

fn data() -> PathBuf {
    PathBuf::from(std::env::var_os("TARJUMAN_DATA").expect("TARJUMAN_DATA names the data folder"))
}

/// Counts of boundaries (the ends of sentences): found and right, found, and in the gold.
#[derive(Default)]
struct Tally {
    right: usize,
    found: usize,
    gold: usize,
}

impl Tally {
    fn add(&mut self, found: &BTreeSet<usize>, gold: &BTreeSet<usize>) {
        self.right += found.intersection(gold).count();
        self.found += found.len();
        self.gold += gold.len();
    }

    fn f1(&self) -> f64 {
        2.0 * self.right as f64 / (self.found + self.gold) as f64
    }

    fn line(&self) -> String {
        let share = |n: usize| self.right as f64 / n as f64;
        format!(
            "P {:.4}  R {:.4}  F1 {:.4}  ({} in the gold)",
            share(self.found),
            share(self.gold),
            self.f1(),
            self.gold
        )
    }
}

/// Ends of the sentences found in `text`, in bytes.
fn ends(text: &str) -> BTreeSet<usize> {
    sentences(text).into_iter().map(|range| range.end).collect()
}

/// Texts with the ends of their sentences, in bytes. Scores both ways: with the document's end, which is given
/// away, and without.
fn score(name: &str, documents: &[(String, BTreeSet<usize>)]) -> [Tally; 2] {
    let (mut with_end, mut inner) = (Tally::default(), Tally::default());
    for (text, gold) in documents {
        let found = ends(text);
        with_end.add(&found, gold);
        let without =
            |set: &BTreeSet<usize>| set.iter().copied().filter(|end| *end < text.trim_end().len()).collect();
        inner.add(&without(&found), &without(gold));
        if std::env::var_os("TARJUMAN_SHOW").is_some() {
            for end in found.symmetric_difference(gold) {
                let sign = if gold.contains(end) { "missed" } else { "wrong" };
                let around = |range: std::ops::Range<usize>| {
                    &text[text.floor_char_boundary(range.start)..text.floor_char_boundary(range.end)]
                };
                println!(
                    "{sign}: {}⟨|⟩{}",
                    around(end.saturating_sub(90)..*end),
                    around(*end..(*end + 60).min(text.len()))
                );
            }
        }
    }
    println!("{name}, document ends counted: {}", with_end.line());
    println!("{name}, document ends left out: {}", inner.line());
    [with_end, inner]
}

/// Joins sentences with one space and notes where each ends.
fn join<'t>(sentences: impl IntoIterator<Item = &'t str>) -> (String, BTreeSet<usize>) {
    let (mut text, mut ends) = (String::new(), BTreeSet::new());
    for sentence in sentences {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(sentence.trim());
        ends.insert(text.len());
    }
    (text, ends)
}

/// Documents of a file with one `{"text", "spans"}` a line, spans in Unicode code points.
fn gold(path: PathBuf) -> Vec<(String, BTreeSet<usize>)> {
    let lines = fs::read_to_string(path).unwrap();
    let document = |line: &str| {
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = document["text"].as_str().unwrap().to_owned();
        let mut offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        offsets.push(text.len());
        let spans = document["spans"].as_array().unwrap();
        let ends = spans.iter().map(|span| offsets[span[1].as_u64().unwrap() as usize]).collect();
        (text, ends)
    };
    lines.lines().map(document).collect()
}

fn samples() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/segment"))
}

#[test]
fn boundaries_on_the_sample_of_pud() {
    let [with_end, inner] = score("PUD sample", &gold(samples().join("pud.jsonl")));
    assert!(with_end.f1() > 0.995 && inner.f1() > 0.99);
}

#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn boundaries_on_pud() {
    let [with_end, inner] = score("PUD", &gold(data().join("sentseg-pud/docs.jsonl")));
    assert!(with_end.f1() > 0.998 && inner.f1() > 0.997);
}

/// Groups of sentences that are one a line in parallel corpora: they need not follow each other in a text, but
/// each ends where its line ends.
#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn boundaries_on_joined_lines() {
    for file in ["flores-dev/ar", "tico19-dev/tico19-dev.ar", "tico19-test/tico19-test.ar"] {
        let Some(lines) = fs::read_to_string(data().join(file)).ok() else { continue };
        let lines: Vec<_> = lines.lines().filter(|line| !line.trim().is_empty()).collect();
        let documents: Vec<_> = lines.chunks(5).map(|chunk| join(chunk.iter().copied())).collect();
        score(file, &documents);
    }
}

/// News articles whose line breaks are replaced by spaces, headline included. Only line ends are known to be
/// boundaries, so recall over them is what counts; the headline's own boundary is given apart.
#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn line_ends_of_newswire() {
    let (mut lines, mut lines_found, mut headlines, mut headlines_found) = (0, 0, 0, 0);
    let mut wrong = 0;
    for entry in fs::read_dir(data().join("ant-news")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        let article = fs::read_to_string(&path).unwrap();
        let (text, gold) = join(article.lines().filter(|line| !line.trim().is_empty()));
        let found = ends(&text);
        let headline = *gold.first().unwrap();
        headlines += 1;
        headlines_found += usize::from(found.contains(&headline));
        lines += gold.len();
        lines_found += gold.intersection(&found).count();
        let early = found
            .range(..gold.iter().nth(1).copied().unwrap_or(0))
            .find(|end| **end != headline && !text[..**end].ends_with(['.', '؟', '!', '"', ')']));
        if let Some(early) = early {
            wrong += 1;
            println!("wrong: {}⟨|⟩{}", &text[..*early], &text[*early..text.floor_char_boundary(*early + 90)]);
        }
        if !found.contains(&headline) && std::env::var_os("TARJUMAN_SHOW").is_some() {
            println!("missed: {}", &text[..text.floor_char_boundary(headline + 160)]);
        }
    }
    println!(
        "newswire: {lines_found} of {lines} line ends, {headlines_found} of {headlines} headlines, {wrong} wrong unmarked ends before the first line's end"
    );
}

/// Sentences and paragraphs of careful prose, where nothing unmarked should be cut.
#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn nothing_is_cut_without_a_mark_in_prose() {
    let (mut lines, mut cut) = (0, 0);
    for file in [
        "flores-dev/ar",
        "tico19-dev/tico19-dev.ar",
        "tico19-test/tico19-test.ar",
        "pud-ar-en/pud.ar",
        "sentseg-pud/sentences.txt",
        "xquad-ar-en/paragraphs.tsv",
        "train/un-sdg.tsv",
        "train/mt-geneval-dev.tsv",
        "train/debian-handbook.tsv",
    ] {
        let Ok(text) = fs::read_to_string(data().join(file)) else { continue };
        for line in text.lines() {
            let line = line.split('\t').next().unwrap_or(line);
            lines += 1;
            for end in ends(line) {
                if line[..end].ends_with(|c: char| c.is_alphanumeric()) && end < line.trim_end().len() {
                    cut += 1;
                    println!(
                        "{file}: {}⟨|⟩{}",
                        &line[..end],
                        &line[end..line.floor_char_boundary(end + 120)]
                    );
                }
            }
        }
    }
    println!("{cut} unmarked cuts in {lines} lines");
}

/// What must hold for any text: sentences are trimmed, in order, apart by white space or marks only, and each can
/// be normalised and wrapped without loss.
fn check_properties(text: &str) {
    let mut at = 0;
    for range in sentences(text) {
        let gap = &text[at..range.start];
        assert!(!gap.contains(char::is_alphanumeric), "lost: {gap:?}");
        let sentence = &text[range.clone()];
        assert!(!sentence.is_empty() && sentence.trim() == sentence, "{sentence:?}");
        let normal = normalize(sentence);
        assert_eq!(normalize(&normal), normal);
        let mut inner = 0;
        let count = |text: &str| text.chars().count().div_ceil(4);
        for piece in wrap(sentence, 24, &count) {
            assert!(sentence[inner..piece.start].trim().is_empty());
            assert!(count(&sentence[piece.clone()]) <= 24, "{:?}", &sentence[piece]);
            inner = piece.end;
        }
        assert!(sentence[inner..].trim().is_empty());
        at = range.end;
    }
    assert!(!text[at..].contains(char::is_alphanumeric), "lost: {:?}", &text[at..]);
}

/// Paragraphs, and the whole text as one paragraph.
fn check_text(text: &str) {
    text.lines().for_each(check_properties);
    check_properties(&text.replace(['\r', '\n'], " "));
}

fn text_files(folder: &std::path::Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            text_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn nothing_is_lost_in_the_samples() {
    let mut files = Vec::new();
    text_files(&samples(), &mut files);
    let texts: Vec<_> = files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    assert!(texts.len() >= 2);
    texts.iter().for_each(|text| check_text(text));
    for odd in [
        "\u{200F}.\u{200F}",
        "\"\"\".\"",
        "((((.",
        "»».«",
        "1.2.3.",
        "...؟!",
        "ا.ب.ج.",
        "[1][2].[3]",
        "\u{64E}.\u{64E}",
        "a.\u{A0}b",
    ] {
        check_text(odd);
    }
}

#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn nothing_is_lost_in_all_data() {
    let mut files = Vec::new();
    text_files(&data(), &mut files);
    let texts: Vec<_> = files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    texts.iter().for_each(|text| check_text(text));
    println!("{} texts, {} bytes", texts.len(), texts.iter().map(String::len).sum::<usize>());
}
