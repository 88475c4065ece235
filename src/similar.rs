//! Which reports of a folder say the same in nearly the same words: wire copies, re-saved files, other encodings.
//!
//! A report is a set of sequences of five words that follow each other (shingles; Broder 1997, "On the resemblance and
//! containment of documents"), and two are alike as far as their sets are: what both have, divided by what either has. Of a
//! set only the 1,024 least hashes are kept, which is the whole set of most reports and a fair sample of a longer one, so
//! that ten thousand reports need 80 MB at most and no text. Reports that may be alike are found by locality-sensitive
//! hashing (Indyk and Motwani 1998): those that share one of 32 combinations of minima. Nothing here is random.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::lang::words::is_mark;
use crate::numbers::{self, Form};

/// Words of a sequence. With fewer, reports made from one form and with other figures would count as alike.
const SEQUENCE: usize = 5;
/// Least hashes kept of a report.
const KEPT: usize = 1024;
/// From here on two reports are near-duplicates; docs/trust.md has what that finds.
const ALIKE: f64 = 0.8;
/// Combinations of minima, and minima of each: of pairs as alike as [`ALIKE`] 997 in 1,000 share one, of those half as alike
/// one in 50.
const BANDS: u64 = 32;
const ROWS: u64 = 8;
/// Different numbers that are kept of a report. Of one with more they are not compared.
const NUMBERS: usize = 512;

/// What is kept of a report to compare it with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// Digest of all its words.
    text: [u8; 32],
    words: usize,
    /// The least hashes of its sequences, in order.
    hashes: Vec<u64>,
    /// Whether it has more than those.
    is_sample: bool,
    /// Its numbers as people read them; none if there are too many.
    numbers: Option<BTreeSet<String>>,
}

/// That a report is nearly the same as another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearDuplicate {
    /// Id of the other: of those alike the one with most words, which itself is no near-duplicate.
    pub of: String,
    /// Whether all words are the same.
    pub same_text: bool,
    /// How many in a hundred of its word sequences the other has, rounded down.
    pub shared: usize,
    /// Numbers that it has and the other has not; none where they were not compared, since there are too many.
    pub numbers_here: Option<Vec<String>>,
    /// Numbers that the other has and it has not.
    pub numbers_there: Option<Vec<String>>,
}

impl Sketch {
    /// The sketch of a text of these normalised sentences.
    pub fn of<'t>(sentences: impl Iterator<Item = &'t str>) -> Self {
        let mut text = Sha256::new();
        let mut words = 0;
        let mut last: Vec<u64> = Vec::with_capacity(SEQUENCE + 1);
        let mut hashes = BTreeSet::new();
        let mut is_sample = false;
        let mut keep = |sequence: &[u64]| {
            let hash = sequence.iter().fold(0, |hash, word| mixed(hash ^ word));
            if hashes.len() == KEPT && hashes.last().is_some_and(|most| hash > *most) {
                is_sample = true;
            } else if hashes.insert(hash) && hashes.len() > KEPT {
                hashes.pop_last();
                is_sample = true;
            }
        };
        let mut numbers = Some(BTreeSet::new());
        for sentence in sentences {
            for word in words_of(sentence) {
                text.update(word.as_bytes());
                text.update(b" ");
                words += 1;
                last.push(fnv(&word));
                if last.len() > SEQUENCE {
                    last.remove(0);
                }
                if last.len() == SEQUENCE {
                    keep(&last);
                }
            }
            if let Some(all) = &mut numbers {
                all.extend(numbers_of(sentence));
            }
            numbers = numbers.filter(|all| all.len() <= NUMBERS);
        }
        if words < SEQUENCE && words > 0 {
            keep(&last);
        }
        let hashes = hashes.into_iter().collect();
        Sketch { text: text.finalize().into(), words, hashes, is_sample, numbers }
    }

    /// How alike the two are, and what part of this one's sequences the other has; both from 0 to 1.
    fn likeness(&self, other: &Sketch) -> (f64, f64) {
        // Beyond the greatest hash of a sample nothing is known of it.
        let end = |sketch: &Sketch| match sketch.hashes.last() {
            Some(&most) if sketch.is_sample => most,
            _ => u64::MAX,
        };
        let end = end(self).min(end(other));
        let known = |sketch: &Sketch| sketch.hashes.partition_point(|&hash| hash <= end);
        let (mine, theirs) = (&self.hashes[..known(self)], &other.hashes[..known(other)]);
        let mut rest = theirs.iter().peekable();
        let mut both = 0;
        for hash in mine {
            while rest.next_if(|other| *other < hash).is_some() {}
            both += usize::from(rest.next_if_eq(&hash).is_some());
        }
        let either = mine.len() + theirs.len() - both;
        (both as f64 / either.max(1) as f64, both as f64 / mine.len().max(1) as f64)
    }

    /// The combinations of minima by which those like it are found.
    fn bands(&self) -> impl Iterator<Item = (u64, u64)> {
        let minimum = |row: u64| self.hashes.iter().map(|hash| mixed(hash ^ mixed(row))).min().unwrap_or(0);
        (0..BANDS).map(move |band| {
            let rows = band * ROWS..(band + 1) * ROWS;
            (band, rows.map(minimum).fold(0, |hash, least| mixed(hash ^ least)))
        })
    }
}

/// For each of the reports, given by id, whether it is nearly the same as another, in their order.
pub fn near_duplicates(reports: &[(&str, &Sketch)]) -> Vec<Option<NearDuplicate>> {
    // The most complete first, so that what is collapsed says nothing that the one shown does not; else by their order.
    let mut order: Vec<usize> = (0..reports.len()).collect();
    order.sort_by_key(|&at| (std::cmp::Reverse(reports[at].1.words), at));
    let mut found = vec![None; reports.len()];
    let mut of_text: HashMap<[u8; 32], usize> = HashMap::new();
    let mut of_band: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for at in order {
        let (_, sketch) = reports[at];
        if sketch.words == 0 {
            continue;
        }
        if let Some(&first) = of_text.get(&sketch.text) {
            found[at] = Some(near_duplicate(sketch, reports[first]));
            continue;
        }
        let bands: Vec<(u64, u64)> = sketch.bands().collect();
        let candidates: BTreeSet<usize> =
            bands.iter().filter_map(|band| of_band.get(band)).flatten().copied().collect();
        let alike = candidates.into_iter().map(|other| (sketch.likeness(reports[other].1).0, other));
        let best = alike.filter(|(likeness, _)| *likeness >= ALIKE).reduce(|best, next| {
            // The earlier of equals.
            if next.0 > best.0 { next } else { best }
        });
        match best {
            Some((_, other)) => found[at] = Some(near_duplicate(sketch, reports[other])),
            None => {
                of_text.insert(sketch.text, at);
                bands.into_iter().for_each(|band| of_band.entry(band).or_default().push(at));
            }
        }
    }
    found
}

fn near_duplicate(sketch: &Sketch, (id, other): (&str, &Sketch)) -> NearDuplicate {
    let numbers = sketch.numbers.as_ref().zip(other.numbers.as_ref());
    let but = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
    NearDuplicate {
        of: id.to_owned(),
        same_text: sketch.text == other.text,
        shared: (sketch.likeness(other).1 * 100.0) as usize,
        numbers_here: numbers.map(|(here, there)| but(here, there)),
        numbers_there: numbers.map(|(here, there)| but(there, here)),
    }
}

/// The words of a sentence in letters that do not depend on who typed it.
fn words_of(sentence: &str) -> impl Iterator<Item = String> {
    let parts = sentence.split(|c: char| !c.is_alphanumeric() && !is_mark(c));
    let fold = |word: &str| {
        let letters = word.chars().filter(|&c| !is_mark(c)).flat_map(char::to_lowercase);
        letters
            .map(|c| match c {
                'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
                'ى' => 'ي',
                c => c,
            })
            .collect::<String>()
    };
    parts.map(fold).filter(|word| !word.is_empty())
}

fn numbers_of(sentence: &str) -> impl Iterator<Item = String> {
    // An article, or a word that is a number only at times, says nothing of a report.
    let mentions = numbers::mentions(sentence).into_iter().filter(|mention| mention.form != Form::Loose);
    mentions.flat_map(|mention| match mention.meaning() {
        Some(meaning) => vec![meaning],
        None => mention.parts.iter().map(ToString::to_string).collect(),
    })
}

/// FNV-1a of 64 bits: the same on every machine and in every version.
fn fnv(word: &str) -> u64 {
    word.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// The finaliser of splitmix64 (Steele, Lea and Flood 2014): every bit depends on every bit.
fn mixed(hash: u64) -> u64 {
    let hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` different sentences of ten words.
    fn sentences(from: usize, n: usize) -> Vec<String> {
        let sentence =
            |s: usize| (0..10).map(|w| format!("كلمة{}", mixed((s * 10 + w) as u64) % 90_000)).collect();
        (from..from + n).map(sentence).map(|words: Vec<String>| words.join(" ")).collect()
    }

    fn sketch(sentences: &[impl AsRef<str>]) -> Sketch {
        Sketch::of(sentences.iter().map(AsRef::as_ref))
    }

    fn found(texts: &[Vec<String>]) -> Vec<Option<NearDuplicate>> {
        let sketches: Vec<Sketch> = texts.iter().map(|text| sketch(text)).collect();
        let ids: Vec<String> = (0..texts.len()).map(|n| n.to_string()).collect();
        let reports: Vec<_> = ids.iter().map(String::as_str).zip(&sketches).collect();
        near_duplicates(&reports)
    }

    #[test]
    fn spelling_marks_and_line_breaks_make_no_other_text() {
        let plain = sketch(&["وصل الوفد إلى المدينة", "على الأقل 5 أسر"]);
        for other in [
            vec!["وصلَ الوفــد الى المدينة، على الاقل 5 أسر."],
            vec!["وصل", "الوفد إلى المدينة", "على الأقل (5) أسر"],
        ] {
            assert_eq!(sketch(&other), plain, "{other:?}");
        }
        assert_ne!(sketch(&["وصل الوفد إلى المدينة", "على الأقل 6 أسر"]).text, plain.text);
    }

    #[test]
    fn the_most_complete_is_kept_and_the_others_say_how_much_they_share() {
        let whole = sentences(0, 30);
        let mut shorter = whole.clone();
        shorter.remove(15);
        let mut changed = whole.clone();
        changed[3] = changed[3].replacen("كلمة", "لفظ", 1);
        let found = found(&[
            shorter,
            changed,
            whole.clone(),
            whole.clone(),
            sentences(500, 30),
            whole[..15].to_vec(),
        ]);
        // The first of those with most words, in their order.
        assert_eq!(found[1], None);
        let of = |at: usize| found[at].as_ref().map(|d| (d.of.as_str(), d.same_text, d.shared));
        // One word stands in up to five of 296 sequences; where a sentence is missing, four span the gap.
        assert_eq!(of(2), Some(("1", false, 98)));
        assert_eq!(of(3), of(2));
        assert!(matches!(of(0), Some(("1", false, 96..=98))), "{:?}", of(0));
        assert_eq!((of(4), of(5)), (None, None), "another text, and half of this one");
    }

    #[test]
    fn other_numbers_in_the_same_words_are_told() {
        let mut first = sentences(0, 30);
        first[7] = "قتل خمسة مدنيين وأصيب 12 آخرون في القصف على المدينة".into();
        let mut second = first.clone();
        second[7] = second[7].replace("12", "17").replace("خمسة", "سبعة");
        let found = found(&[first.clone(), second, first]);
        let numbers = |at: usize| {
            let duplicate = found[at].as_ref().unwrap();
            (duplicate.numbers_here.clone().unwrap(), duplicate.numbers_there.clone().unwrap())
        };
        let some = |numbers: [&str; 2]| numbers.map(String::from).to_vec();
        assert_eq!(numbers(1), (some(["17", "7"]), some(["12", "5"])));
        assert_eq!(numbers(2), (vec![], vec![]));
    }

    #[test]
    fn long_reports_are_compared_by_samples() {
        let long = sentences(0, 2000);
        for (kept, alike) in [(1900, true), (1000, false)] {
            let found = found(&[long.clone(), long[..kept].to_vec()]);
            assert_eq!(found[1].is_some(), alike, "{kept}");
            if let Some(duplicate) = &found[1] {
                assert!(duplicate.shared >= 98 && !duplicate.same_text, "{duplicate:?}");
            }
        }
        assert_eq!(sketch(&long).hashes.len(), KEPT);
        let (likeness, _) = sketch(&long).likeness(&sketch(&long[..1500]));
        assert!((likeness - 0.75).abs() < 0.05, "{likeness}");
    }

    #[test]
    fn no_words_are_like_nothing_and_few_only_like_themselves() {
        let found =
            found(&[vec![], vec![], vec!["لا يوجد".into()], vec!["لا يوجد".into()], vec!["لا يوجد شيء".into()]]);
        let of: Vec<_> = found.iter().map(|d| d.as_ref().map(|d| d.of.as_str())).collect();
        assert_eq!(of, [None, None, None, Some("2"), None]);
    }

    /// A tenth of them are copies with a word changed, and in each stand the same ten sentences.
    #[test]
    fn copies_are_found_among_many() {
        let common = sentences(9_000_000, 10);
        let sketches: Vec<Sketch> = (0..500usize)
            .map(|n| {
                let mut text =
                    [sentences(n / 10 * 10 * 20 + (n % 10).saturating_sub(1) * 20, 20), common.clone()]
                        .concat();
                if n % 10 == 0 {
                    text[5] = text[5].replacen("كلمة", "لفظ", 1);
                }
                sketch(&text)
            })
            .collect();
        let ids: Vec<String> = (0..sketches.len()).map(|n| n.to_string()).collect();
        let reports: Vec<_> = ids.iter().map(String::as_str).zip(&sketches).collect();
        let found = near_duplicates(&reports);
        for (n, duplicate) in found.iter().enumerate() {
            let expected = (n % 10 == 1).then(|| (n - 1).to_string());
            assert_eq!(duplicate.as_ref().map(|d| d.of.clone()), expected, "{n}");
        }
    }
}
