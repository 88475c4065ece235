//! Whether a sentence that a model wrote is borne out by sentences of the report, and by which.
//!
//! A small model mixes up and invents. So a sentence is kept only if the report's sentences it cites hold its numbers (in
//! the English and in the Arabic), its names, a negation if it has one, and most of its content words; and if it does not say
//! as a fact what they deny, doubt or ask for.

use std::collections::HashSet;

use super::words::{EnglishWord, english_words};
use crate::numbers::{Form, Offered, mentions};
use crate::unit::TranslationUnit;

/// Share of a sentence's content words that must stand in the cited sentences.
const MIN_COVERAGE: f32 = 0.75;
/// Share of them that a single sentence must hold: what joins halves of two sentences usually joins what the report
/// does not.
const MIN_SINGLE: f32 = 0.5;
/// A sentence with fewer content words says nothing that could be borne out.
const MIN_CONTENT: usize = 2;
/// Sentences cited at most: a small model that draws on three has usually mixed up people and events.
const MAX_CITED: usize = 2;

/// Words behind which something is not said to be so; of `not` and its like see [`is_negated`].
const TURNING: [&str; 40] = [
    "unable",
    "refuses",
    "rejects",
    "reject",
    "doubt",
    "doubts",
    "doubted",
    "alleged",
    "alleges",
    "accused",
    "accuses",
    "threatened",
    "threatens",
    "demanded",
    "demands",
    "demand",
    "urged",
    "urges",
    "please",
    "would",
    "could",
    "might",
    "may",
    "should",
    "if",
    "unless",
    "whether",
    "hoped",
    "hopes",
    "planned",
    "plans",
    "prevented",
    "prevents",
    "prevent",
    "avoided",
    "avoid",
    "almost",
    "nearly",
    "add",
    "claimed",
];
/// So many content words behind such a word are meant by it.
const SCOPE: usize = 5;

/// The indices of the units that bear `sentence` out, in the report's order, or none if they do not.
pub(super) fn supporting(sentence: &str, units: &[&TranslationUnit]) -> Option<Vec<usize>> {
    let words = english_words(sentence);
    let content: HashSet<&str> =
        words.iter().filter(|w| !w.is_function_word()).map(|w| w.stem.as_str()).collect();
    if content.len() < MIN_CONTENT {
        return None;
    }
    let cited = cite(sentence, &content, units);
    is_borne_out(sentence, &words, &content, &cited).then(|| {
        let mut indices: Vec<usize> = cited.iter().map(|u| u.index).collect();
        indices.sort_unstable();
        indices
    })
}

/// The fewest units that cover what can be covered: each adds more new words and numbers than any other would.
fn cite<'u>(
    sentence: &str,
    content: &HashSet<&str>,
    units: &[&'u TranslationUnit],
) -> Vec<&'u TranslationUnit> {
    let numbers = mentions(sentence);
    let covers: Vec<HashSet<String>> = units
        .iter()
        .map(|unit| {
            let stems = english_words(&unit.target)
                .into_iter()
                .map(|w| w.stem)
                .filter(|s| content.contains(s.as_str()));
            let offered = Offered::by(&mentions(&unit.target));
            let told =
                numbers.iter().enumerate().filter(|(_, n)| n.form != Form::Loose && offered.answers(n));
            stems.chain(told.map(|(i, _)| format!("#{i}"))).collect()
        })
        .collect();
    let mut covered: HashSet<&String> = HashSet::new();
    let mut cited: Vec<&TranslationUnit> = Vec::new();
    while cited.len() < MAX_CITED {
        let gain = |i: &usize| covers[*i].iter().filter(|c| !covered.contains(c)).count();
        // The earlier of equals.
        let Some(best) = (0..units.len()).rev().max_by_key(gain) else { break };
        let least = if cited.is_empty() { 1 } else { 2 };
        let has_number = covers[best].iter().any(|c| c.starts_with('#') && !covered.contains(c));
        if gain(&best) < least && !has_number {
            break;
        }
        covered.extend(&covers[best]);
        cited.push(units[best]);
    }
    cited
}

fn is_borne_out(
    sentence: &str,
    words: &[EnglishWord],
    content: &HashSet<&str>,
    cited: &[&TranslationUnit],
) -> bool {
    let held: Vec<EnglishWord> = cited.iter().flat_map(|u| english_words(&u.target)).collect();
    let stems: HashSet<&str> = held.iter().map(|w| w.stem.as_str()).collect();
    let covered = content.iter().filter(|c| stems.contains(*c)).count();
    let in_one = |unit: &&TranslationUnit| {
        let words = english_words(&unit.target);
        content.iter().filter(|c| words.iter().any(|w| w.stem == **c)).count()
    };
    let in_best = cited.iter().map(in_one).max().unwrap_or(0);
    covered as f32 >= MIN_COVERAGE * content.len() as f32
        && in_best as f32 >= MIN_SINGLE * content.len() as f32
        && words.iter().filter(|w| is_name(w)).all(|w| stems.contains(w.stem.as_str()))
        && numbers_held(sentence, cited)
        && (!is_negated(words) || is_negated(&held))
        && (is_turned(words) || !cited.iter().any(|unit| turns(&english_words(&unit.target), content)))
}

/// Whether a word among `words` says that something is not, or not surely, so.
fn is_turned(words: &[EnglishWord]) -> bool {
    words.iter().any(is_turning)
}

fn is_turning(word: &EnglishWord) -> bool {
    // May is a month.
    let lower = if word.opens { word.written.to_lowercase() } else { word.written.clone() };
    TURNING.contains(&lower.as_str()) || is_negated(std::slice::from_ref(word))
}

/// Whether most of what `unit` denies, doubts or asks for is among `content`.
fn turns(unit: &[EnglishWord], content: &HashSet<&str>) -> bool {
    let turning = unit.iter().enumerate().filter(|(_, word)| is_turning(word));
    turning.into_iter().any(|(at, _)| {
        let is_other_clause =
            |word: &EnglishWord| matches!(word.written.as_str(), "but" | "although" | "though" | "while");
        let meant = unit[at + 1..].iter().take_while(|word| !word.opens && !is_other_clause(word));
        let meant: Vec<&str> = meant
            .filter(|word| !word.is_function_word() && !is_turning(word))
            .map(|word| word.stem.as_str())
            .take(SCOPE)
            .collect();
        let said = meant.iter().filter(|stem| content.contains(*stem)).count();
        said >= 2 && 5 * said >= 3 * meant.len()
    })
}

/// A capitalised word; at the start of a sentence also any content word, since it may be a name.
fn is_name(word: &EnglishWord) -> bool {
    word.is_capitalised() && !(word.opens && word.is_function_word()) && word.written != "I"
}

/// Every number stands in the cited English, and in the Arabic behind it.
fn numbers_held(sentence: &str, cited: &[&TranslationUnit]) -> bool {
    let offered = |text: fn(&TranslationUnit) -> &str| {
        let mut offered = Offered::default();
        cited.iter().for_each(|unit| offered.extend(&mentions(text(unit))));
        offered
    };
    let (english, arabic) = (offered(|u| &u.target), offered(|u| &u.source_normalized));
    mentions(sentence)
        .iter()
        .filter(|m| match m.form {
            Form::Loose => false,
            Form::Digits | Form::Decade | Form::Month => true,
            // "one of them", "the second": said without being a figure.
            Form::Words | Form::Ordinal => m.at_least(3),
        })
        .all(|m| english.answers(m) && arabic.answers(m))
}

fn is_negated(words: &[EnglishWord]) -> bool {
    words.iter().any(|w| {
        let lower = w.written.to_lowercase();
        matches!(lower.as_str(), "not" | "no" | "never" | "none" | "without" | "nor" | "neither" | "cannot")
            || lower.ends_with("n't")
            || lower.ends_with("n’t")
            || ["denied", "denies", "deny", "refused", "refuse", "failed", "rejected"]
                .contains(&lower.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::document;
    use super::*;

    fn cited(sentence: &str) -> Option<Vec<usize>> {
        let units = document();
        supporting(sentence, &units.iter().collect::<Vec<_>>())
    }

    #[test]
    fn sentences_from_the_report_cite_their_units() {
        assert_eq!(cited("The river flooded Al-Nour camp and displaced 340 families."), Some(vec![1]));
        assert_eq!(cited("Water swept away 120 tents."), Some(vec![2]));
        assert_eq!(
            cited(
                "The flood swept away 120 tents, damaged the school and the clinic, and 15 children were in hospital."
            ),
            Some(vec![2, 6])
        );
        assert_eq!(cited("The river may rise by twenty per cent."), Some(vec![8]));
    }

    #[test]
    fn invention_is_not_borne_out() {
        for sentence in [
            "The river flooded Al-Nour camp and displaced 430 families.",
            "The river flooded Al-Hol camp and displaced 340 families.",
            "Aid lorries delivered medicine and bread to the airport.",
            "Civil Defence teams did not move the displaced families to schools in the city.",
            "In 2016 the river flooded Al-Nour camp.",
            "The school was damaged, 15 children were taken to hospital and 340 families to three schools.",
            "It was so.",
            "",
        ] {
            assert_eq!(cited(sentence), None, "{sentence}");
        }
    }

    #[test]
    fn what_is_denied_or_asked_for_is_not_told_as_a_fact() {
        for (sentence, told, is_borne_out) in [
            (
                "Rescue teams could not reach the villages until noon.",
                "Rescue teams reached the villages.",
                false,
            ),
            (
                "Rescue teams could not reach the villages until noon.",
                "Rescue teams were unable to reach the villages.",
                true,
            ),
            (
                "The army denied that it shelled the market in Aleppo.",
                "The army shelled the market in Aleppo.",
                false,
            ),
            (
                "The army denied that it shelled the market in Aleppo.",
                "The army denied it shelled the market.",
                true,
            ),
            ("Please add that the minister has resigned.", "The minister has resigned.", false),
            (
                "The repair of two dams would cost a million dollars.",
                "The repair of dams cost a million dollars.",
                false,
            ),
            (
                "In May the minister visited the hospital in Aleppo.",
                "The minister visited the hospital in Aleppo.",
                true,
            ),
            (
                "He did not say when, but the minister visited the hospital.",
                "The minister visited the hospital.",
                true,
            ),
        ] {
            let unit = super::super::fixtures::unit(0, "نص", sentence);
            assert_eq!(supporting(told, &[&unit]).is_some(), is_borne_out, "{sentence} / {told}");
        }
    }

    #[test]
    fn a_number_must_stand_in_the_arabic_too() {
        let mut units = document();
        units[2].target = units[2].target.replace("120", "210");
        let units: Vec<_> = units.iter().collect();
        assert_eq!(supporting("Water swept away 210 tents.", &units), None);
    }
}
