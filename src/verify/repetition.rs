//! Loops: a phrase written again and again, as models do when they lose their place.
//!
//! Two shapes are looked for: a phrase that follows itself (a period), and a phrase that comes back too often anywhere.
//! What the source itself repeats may be repeated.

use std::collections::HashMap;

/// How often a phrase of so many words may follow itself: `no, no` and `again and again` are English.
fn allowed_in_a_row(period: usize) -> usize {
    match period {
        1 | 2 => 2,
        3 | 4 => 2,
        _ => 1,
    }
}

/// A phrase of this many words …
const PHRASE: usize = 4;
/// … may stand this often in a sentence, more often only if the source repeats as well.
const PHRASE_TIMES: usize = 3;

/// The same character this often in a row, letters only: `aaaaaa`.
const LETTERS_IN_A_ROW: usize = 6;

/// What is repeated, if it is repeated as models do.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let words = words(target);
    let source_words = self::words(source);
    if let Some((period, times, start)) = longest_run(&words)
        && times > most_in_a_row(&source_words)
    {
        return Some(format!(
            "“{}” is written {times} times in a row",
            words[start..start + period].join(" ")
        ));
    }
    if let Some((phrase, times)) = most_frequent(&words, PHRASE)
        && times > PHRASE_TIMES
        // Arabic packs a phrase of four English words into two.
        && most_frequent(&source_words, PHRASE / 2).is_none_or(|(_, source_times)| times > source_times + 1)
    {
        return Some(format!("“{phrase}” is written {times} times"));
    }
    let letter = letter_run(target)?;
    letter_run(source).is_none().then(|| format!("“{letter}” is written again and again"))
}

/// `South-South cooperation` repeats nothing.
fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}' | '\u{2011}')
}

/// Words in lower case, without punctuation.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_alphanumeric() || is_hyphen(c) || crate::lang::is_arabic_diacritic(c)))
        .map(|w| w.trim_matches(is_hyphen))
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The phrase that follows itself most often beyond what is allowed: its length in words, times, first word.
fn longest_run(words: &[String]) -> Option<(usize, usize, usize)> {
    let mut best: Option<(usize, usize, usize)> = None;
    for period in 1..=words.len() / 2 {
        let mut same = 0;
        for at in period..words.len() {
            same = if words[at] == words[at - period] { same + 1 } else { 0 };
            let times = same / period + 1;
            let start = at + 1 - same - period.min(at + 1 - same);
            // Numbers stand side by side in tables and lists.
            let is_text = words[start..start + period].iter().any(|w| w.chars().any(char::is_alphabetic));
            if times > allowed_in_a_row(period)
                && is_text
                && best.is_none_or(|(p, t, _)| times * period > t * p)
            {
                best = Some((period, times, start));
            }
        }
    }
    best
}

/// How often any phrase follows itself, 1 if none does.
fn most_in_a_row(words: &[String]) -> usize {
    let mut most = 1;
    for period in 1..=words.len() / 2 {
        let mut same = 0;
        for at in period..words.len() {
            same = if words[at] == words[at - period] { same + 1 } else { 0 };
            most = most.max(same / period + 1);
        }
    }
    most
}

/// The phrase of `length` words that occurs most often, and how often; the first of equals.
fn most_frequent(words: &[String], length: usize) -> Option<(String, usize)> {
    let mut counts: HashMap<&[String], usize> = HashMap::new();
    let mut best: Option<(&[String], usize)> = None;
    for phrase in words.windows(length) {
        let count = counts.entry(phrase).or_default();
        *count += 1;
        if best.is_none_or(|(_, most)| *count > most) {
            best = Some((phrase, *count));
        }
    }
    best.map(|(phrase, count)| (phrase.join(" "), count))
}

/// A letter (or pair of letters) that runs on: `aaaaaaaa`, `hahahahahaha`.
fn letter_run(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    for period in 1..=3 {
        let mut same = 0;
        for at in period..chars.len() {
            same = if chars[at] == chars[at - period] && chars[at].is_alphabetic() { same + 1 } else { 0 };
            if same / period + 1 >= LETTERS_IN_A_ROW {
                return Some(chars[at + 1 - period..=at].iter().collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "قال المتحدث إن القوات تقدمت في المنطقة الشرقية من المدينة صباح اليوم";

    #[test]
    fn loops_of_every_period_are_found() {
        for target in [
            "The spokesman said the the the forces advanced",
            "the forces and the forces and the forces and the forces advanced",
            "He said that the forces advanced in the area that the forces advanced in the area today",
            "said so. He said so. He said so. He said so.",
            "in the city of the city of the city of the city",
            "the forcesssssssss advanced",
            "hahahahahahahaha",
        ] {
            assert!(check(SOURCE, target).is_some(), "{target}");
        }
        let tail = format!("The spokesman said {}", "that the army entered the eastern part ".repeat(4));
        assert!(check(SOURCE, &tail).is_some());
    }

    #[test]
    fn a_phrase_that_keeps_coming_back_is_found() {
        let target = "Members of the group met. Members of the group left. Members of the group ate. Members of the group slept.";
        assert!(check(SOURCE, target).is_some());
    }

    #[test]
    fn repetition_of_the_source_is_allowed() {
        for (source, target) in [
            ("لا لا لا لا", "No, no, no, no"),
            ("جدا جدا جدا", "very very very"),
            (SOURCE, "The spokesman said, again and again, that what had had to be done was done"),
            (SOURCE, "Table 1 1 1 1 2 2 2 2"),
            (SOURCE, "North-South, South-South and triangular cooperation"),
            (SOURCE, "1,000,000,000 and .......... "),
        ] {
            assert_eq!(check(source, target), None, "{target}");
        }
    }

    #[test]
    fn the_detail_names_the_phrase() {
        assert_eq!(
            check(SOURCE, "the camp the camp the camp.").as_deref(),
            Some("“the camp” is written 3 times in a row")
        );
    }
}
