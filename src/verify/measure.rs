//! False alarms on true translations and recall on damaged ones: the table of docs/checks.md.
//!
//! `TARJUMAN_DATA=/path/to/data cargo test --release checks_table -- --ignored --nocapture`, where the folder holds
//! `pud-ar-en/pud.{ar,en}`, `tico19-dev/tico19-dev.{ar,en}` and `flores-dev/{ar,en,SYSTEM.en}`. `TARJUMAN_SHOW=numbers` prints
//! each line on which that check fired, `TARJUMAN_SHOW="a digit changed"` the damaged lines on which none did.
#![allow(clippy::print_stdout)]

use std::path::Path;

use super::check;
use crate::numbers::{Form, mentions};
use crate::unit::Check;

const SETS: [(&str, &str, &str); 3] = [
    ("PUD", "pud-ar-en/pud.ar", "pud-ar-en/pud.en"),
    ("TICO-19 dev", "tico19-dev/tico19-dev.ar", "tico19-dev/tico19-dev.en"),
    ("FLORES dev", "flores-dev/ar", "flores-dev/en"),
];
const SYSTEMS: [&str; 5] = ["argos", "bergamot-base", "google", "nllb", "opusmt"];
const CHECKS: [Check; 8] = [
    Check::ArabicLeft,
    Check::Loop,
    Check::Length,
    Check::Numbers,
    Check::Negation,
    Check::Verbatim,
    Check::Quotes,
    Check::Echo,
];

type Pair = (String, String);

fn pairs(data: &Path, ar: &str, en: &str) -> Vec<Pair> {
    let lines = |file: &str| std::fs::read_to_string(data.join(file)).unwrap();
    lines(ar).lines().map(str::to_owned).zip(lines(en).lines().map(str::to_owned)).collect()
}

fn row(name: &str, pairs: &[Pair]) {
    let show = std::env::var("TARJUMAN_SHOW").unwrap_or_default();
    let mut counts = [0; CHECKS.len()];
    let mut any = 0;
    for (source, target) in pairs {
        let findings = check(source, target, None);
        any += usize::from(!findings.is_empty());
        if findings.is_empty() && show == name {
            println!("    nothing found\n      {source}\n      {target}");
        }
        for finding in findings {
            if show == finding.check.name() {
                println!("    {}\n      {source}\n      {target}", finding.detail);
            }
            if let Some(column) = CHECKS.iter().position(|&c| c == finding.check) {
                counts[column] += 1;
            }
        }
    }
    let share = |n: usize| format!("{:6.2}", 100.0 * n as f32 / pairs.len().max(1) as f32);
    let cells: Vec<String> = counts.into_iter().chain([any]).map(share).collect();
    println!("| {name:<28} | {:>5} | {} |", pairs.len(), cells.join(" | "));
}

/// The target with each damage that applies to it, by name.
fn damaged((source, target): &Pair) -> Vec<(&'static str, Pair)> {
    let mut out = Vec::new();
    let digits = mentions(target).into_iter().find(|m| m.form == Form::Digits);
    if let Some(number) = digits {
        let span = number.span;
        let dropped = format!("{}{}", &target[..span.start], &target[span.end..]);
        out.push(("a number in digits dropped", (source.clone(), dropped)));
        let at = span.start + target[span.clone()].find(|c: char| c.is_ascii_digit()).unwrap();
        let other = (target.as_bytes()[at] - b'0' + 4) % 9 + 1;
        let changed = format!("{}{other}{}", &target[..at], &target[at + 1..]);
        out.push(("a digit changed", (source.clone(), changed)));
    }
    // Each of the next is damage only where the source has what is damaged.
    let replaced = |from: &str, to: &str| {
        let changed = format!(" {target} ").replacen(&format!(" {from}"), &format!(" {to}"), 1);
        let changed = changed.trim().to_owned();
        (changed != *target).then_some((source.clone(), changed))
    };
    let negations =
        [("did not ", ""), ("do not ", ""), ("does not ", ""), ("is not ", "is "), ("was not ", "was ")];
    let negations =
        negations.into_iter().chain([("are not ", "are "), ("were not ", "were "), ("will not ", "will ")]);
    if let Some(pair) = negations.into_iter().find_map(|(from, to)| replaced(from, to)) {
        out.push(("a `not` dropped", pair));
    }
    let verbs = [("was ", "was not "), ("is ", "is not "), ("were ", "were not "), ("are ", "are not ")];
    let affirmed = !["not ", "no ", "n't ", "never "].iter().any(|w| target.contains(w));
    if let Some(pair) = verbs.iter().find_map(|(from, to)| replaced(from, to)).filter(|_| affirmed) {
        out.push(("a `not` put in", pair));
    }
    if target.contains('$') {
        out.push(("$ changed to €", (source.clone(), target.replace("US$", "€").replace('$', "€"))));
    }
    if let Some(pair) = digits_preceded_by_nothing(target).map(|changed| (source.clone(), changed)) {
        out.push(("$ put before a number", pair));
    }
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    if let Some(at) = days.iter().position(|day| target.contains(day)) {
        out.push(("another weekday", (source.clone(), target.replace(days[at], days[(at + 2) % 7]))));
    }
    let latin = source
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|w| w.len() >= 3 && w.chars().all(|c| c.is_ascii_alphabetic()) && target.contains(*w));
    if let Some(word) = latin {
        out.push(("a Latin word dropped", (source.clone(), target.replace(word, ""))));
    }
    if target.matches('"').count() == 2 {
        out.push(("a quotation mark dropped", (source.clone(), target.replacen('"', "", 1))));
    }
    let words: Vec<&str> = target.split_whitespace().collect();
    if words.len() >= 12 && words[5..words.len() - 3].iter().any(|w| w.ends_with(',')) {
        let at = 5 + words[5..words.len() - 3].iter().position(|w| w.ends_with(',')).unwrap();
        let end =
            words[at + 1..].iter().position(|w| w.ends_with([',', '.'])).map_or(words.len(), |n| at + 2 + n);
        if end - at > 4 {
            let kept: Vec<&str> = words[..at].iter().chain(&words[end - 1..]).copied().collect();
            out.push(("a clause left out", (source.clone(), kept.join(" "))));
        }
    }
    if words.len() >= 8 {
        out.push(("second half cut off", (source.clone(), words[..words.len() / 2].join(" "))));
        let looped = format!("{} {}", words[..6].join(" "), format!("{} ", words[3..6].join(" ")).repeat(4));
        out.push(("three words looped", (source.clone(), looped)));
        let twice = format!("{target} {}", words[words.len() - 8..].join(" "));
        out.push(("last eight words twice", (source.clone(), twice)));
        let arabic = source.split_whitespace().max_by_key(|w| w.chars().count()).unwrap_or_default();
        let mut left = words.clone();
        left[4] = arabic;
        if crate::lang::has_arabic(arabic) {
            out.push(("one Arabic word left", (source.clone(), left.join(" "))));
        }
    }
    out
}

/// A dollar sign before the first number in digits that is not part of a date, a code or an amount of money.
fn digits_preceded_by_nothing(target: &str) -> Option<String> {
    let money = ["$", "€", "£", "dollar", "euro", "pound", "per cent", "%"];
    let number = mentions(target)
        .into_iter()
        .find(|m| m.form == Form::Digits && !m.date && !m.percent && !m.looks_like_year(target))?;
    let before = &target[..number.span.start];
    let is_apart = before.ends_with(' ') && !money.iter().any(|mark| target.contains(mark));
    is_apart.then(|| format!("{before}${}", &target[number.span.start..]))
}

#[test]
#[ignore = "needs TARJUMAN_DATA"]
fn checks_table() {
    let data = std::env::var("TARJUMAN_DATA").expect("TARJUMAN_DATA is the folder of test data");
    let data = Path::new(&data);
    println!(
        "| {:<28} | lines | arabic | loop | length | numbers | negation | verbatim | quotes | echo | any |",
        "% of lines flagged"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut references = Vec::new();
    for (name, ar, en) in SETS {
        let set = pairs(data, ar, en);
        row(name, &set);
        references.extend(set);
    }
    row("all references", &references);
    let other = references.iter().filter(|(source, _)| super::language(source, &[]).is_some()).count();
    println!("{other} of {} sources taken for another language than Arabic", references.len());
    let dialect = references.iter().filter(|(source, _)| super::dialect::check(source).is_some());
    println!("{} of {} taken for dialect", dialect.clone().count(), references.len());
    dialect.for_each(|(source, _)| println!("    {source}"));
    for system in SYSTEMS {
        row(
            &format!("FLORES dev, {system}"),
            &pairs(data, "flores-dev/ar", &format!("flores-dev/{system}.en")),
        );
    }
    let mut kinds: Vec<(&str, Vec<Pair>)> = Vec::new();
    for (name, pair) in references.iter().flat_map(damaged) {
        match kinds.iter_mut().find(|(n, _)| *n == name) {
            Some((_, list)) => list.push(pair),
            None => kinds.push((name, vec![pair])),
        }
    }
    for (name, list) in &kinds {
        row(name, list);
    }
}
