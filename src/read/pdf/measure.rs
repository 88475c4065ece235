//! Character error rates against poppler's `pdftotext`, over PDFs that are not in the repository; `TARJUMAN_DATA` names
//! their folder. What the figures mean for each file is in docs/formats.md.
#![allow(clippy::print_stdout)] // figures are what this test is run for

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use unicode_normalization::UnicodeNormalization;

use super::super::{ReadOptions, read};
use crate::lang::{is_arabic_letter, words};

fn without_marks(text: &str) -> String {
    text.chars().filter(|c| !words::is_mark(*c)).collect()
}

/// Text as both sides are compared: one form of each letter, single spaces, no controls.
fn normal(text: &str) -> String {
    let folded: String =
        text.nfkc().filter(|c| !crate::lang::is_bidi_control(*c) && *c != '\u{AD}').collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Edits that make `b` of `a`, by Myers' bit vectors in blocks of 64 characters.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let blocks = a.len().div_ceil(64);
    let mut masks: HashMap<char, Vec<u64>> = HashMap::new();
    for (at, c) in a.iter().enumerate() {
        masks.entry(*c).or_insert_with(|| vec![0; blocks])[at / 64] |= 1 << (at % 64);
    }
    let none = vec![0; blocks];
    let (mut plus, mut minus) = (vec![u64::MAX; blocks], vec![0u64; blocks]);
    let mut score = a.len();
    let last = 1u64 << ((a.len() + 63) % 64);
    for c in &b {
        let masks = masks.get(c).unwrap_or(&none);
        // The difference that comes in from the block before: +1 in the first row.
        let mut carry = 1i32;
        for block in 0..blocks {
            let (p, m) = (plus[block], minus[block]);
            let equal = masks[block] | u64::from(carry < 0);
            let x = masks[block] | m;
            let d = (((equal & p).wrapping_add(p)) ^ p) | equal;
            let (mut h, mut n) = (m | !(d | p), p & d);
            let top = if block + 1 == blocks { last } else { 1 << 63 };
            let out = i32::from(h & top != 0) - i32::from(n & top != 0);
            if block + 1 == blocks {
                score = score.wrapping_add_signed(out as isize);
            }
            h = h << 1 | u64::from(carry > 0);
            n = n << 1 | u64::from(carry < 0);
            plus[block] = n | !(x | h);
            minus[block] = h & x;
            carry = out;
        }
    }
    if a.is_empty() { b.len() } else { score }
}

#[test]
fn distances_are_those_of_the_definition() {
    for (a, b, edits) in [("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("abc", "abc", 0)] {
        assert_eq!(distance(a, b), edits, "{a} {b}");
    }
    let (long, other) = ("abcdefghij".repeat(20), "abcdefghij".repeat(20).replace("e", "x") + "zz");
    assert_eq!(distance(&long, &other), 22);
}

/// Share of words of `theirs` that are not in `ours`, and of `ours` that are not in `theirs`; order plays no part.
fn missing(theirs: &str, ours: &str) -> (f64, f64) {
    let count = |text: &str| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in text.split_whitespace().filter(|w| w.chars().any(char::is_alphanumeric)) {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric() && !words::is_mark(c));
            *counts.entry(word.to_string()).or_default() += 1;
        }
        counts
    };
    let (theirs, ours) = (count(theirs), count(ours));
    let share = |of: &HashMap<String, usize>, not_in: &HashMap<String, usize>| {
        let missing: usize = of.iter().map(|(w, n)| n.saturating_sub(*not_in.get(w).unwrap_or(&0))).sum();
        missing as f64 / of.values().sum::<usize>().max(1) as f64
    };
    (share(&theirs, &ours), share(&ours, &theirs))
}

#[test]
#[ignore = "needs TARJUMAN_DATA and pdftotext"]
fn against_poppler() {
    let data = PathBuf::from(std::env::var_os("TARJUMAN_DATA").expect("TARJUMAN_DATA names the data folder"));
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(data.join("rtl-docs/pdf")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    println!(
        "| file | Arabic letters, ours | poppler | CER | without marks | words of poppler's missing | of ours | s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap();
        let output = Command::new("pdftotext").arg(&file).arg("-").stderr(Stdio::null()).output().unwrap();
        let theirs = normal(&String::from_utf8_lossy(&output.stdout));
        let bytes = std::fs::read(&file).unwrap();
        let clock = Instant::now();
        let result = read(name, &bytes, ReadOptions::default());
        let seconds = clock.elapsed().as_secs_f64();
        let letters = |text: &str| text.chars().filter(|c| is_arabic_letter(*c)).count();
        match result {
            Ok(document) => {
                if let Some(folder) = std::env::var_os("TARJUMAN_SHOW") {
                    let out = PathBuf::from(folder).join(name);
                    let blocks: String = document
                        .blocks
                        .iter()
                        .map(|b| format!("{:?}: {}\n", b.kind, b.span.of(&document.text)))
                        .collect();
                    let notes = document.notes.join("\n");
                    std::fs::write(out.with_extension("ours"), format!("{notes}\n----\n{blocks}")).unwrap();
                }
                let ours = normal(&document.text);
                let rate = |a: &str, b: &str| distance(a, b) as f64 / a.chars().count().max(1) as f64;
                let (of_theirs, of_ours) = missing(&without_marks(&theirs), &without_marks(&ours));
                println!(
                    "| {name} | {} | {} | {:.3} | {:.3} | {:.1} % | {:.1} % | {seconds:.2} |",
                    letters(&ours),
                    letters(&theirs),
                    rate(&theirs, &ours),
                    rate(&without_marks(&theirs), &without_marks(&ours)),
                    100.0 * of_theirs,
                    100.0 * of_ours,
                );
            }
            Err(error) => println!("| {name} | {error} | {} | | | | | {seconds:.2} |", letters(&theirs)),
        }
    }
}
