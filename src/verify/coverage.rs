//! Words of the source for which nothing stands in the target, where the model tells which of its tokens stand for what.
//!
//! Recall of the source as in the coverage penalty of Wu et al. 2016 (Google's Neural Machine Translation System), asked
//! of a few neighbouring words instead of all: a model that leaves out a clause looks at none of its words.

use crate::inference::Hypothesis;
use crate::unit::{Check, Finding};

/// So many words in a row that are left out are no matter of style.
const WINDOW: usize = 5;
/// On average they must have this share of the tokens that a word of this sentence has: of that many as two words of five
/// have or more, so that what is left out may be half of it (docs/checks.md).
const LEAST: f32 = 0.33;

/// What is left out, of the source as the model was `asked` it: a repair may have put English words into it.
pub fn coverage(asked: &str, hypothesis: &Hypothesis) -> Option<Finding> {
    // What is empty leaves out everything, and says so itself.
    let is_empty = hypothesis.text.trim().is_empty();
    let detail = if is_empty { None } else { check(asked, &hypothesis.coverage) };
    detail.map(|detail| Finding { check: Check::Coverage, detail })
}

/// Quotes the longest run of words that is left out, if there is one. `coverage` has a number for each word of `source`
/// ([`Hypothesis::coverage`](crate::inference::Hypothesis::coverage)), or none.
fn check(source: &str, coverage: &[f32]) -> Option<String> {
    let words: Vec<&str> = source.split_whitespace().collect();
    if words.len() != coverage.len() || words.len() < WINDOW {
        return None;
    }
    let mut sorted = coverage.to_vec();
    sorted.sort_by(f32::total_cmp);
    let least = LEAST * sorted[sorted.len() * 3 / 5];
    let is_empty: Vec<bool> =
        coverage.windows(WINDOW).map(|part| part.iter().sum::<f32>() < least * WINDOW as f32).collect();
    let mut longest = 0..0;
    let mut at = 0;
    for run in is_empty.chunk_by(|a, b| a == b) {
        if run[0] && run.len() > longest.len() {
            longest = at..at + run.len();
        }
        at += run.len();
    }
    if longest.is_empty() {
        return None;
    }
    // Windows reach over the ends of what is left out.
    let range = longest.start..longest.end + WINDOW - 1;
    let is_left_out = |&at: &usize| coverage[at] < least;
    let (first, last) = (range.clone().find(is_left_out)?, range.rev().find(is_left_out)?);
    Some(format!("nothing stands for “{}”", words[first..=last].join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "وقال الوزير الذي زار المدينة أمس مع وفد كبير إن العمل يبدأ غدا";

    /// What the check says where the words `from..to` of 13 have `low` tokens and the others `high`.
    fn left_out(from: usize, to: usize, low: f32, high: f32) -> Option<String> {
        let coverage: Vec<f32> =
            (0..13).map(|i| if (from..to).contains(&i) { low } else { high + i as f32 * 0.01 }).collect();
        check(SOURCE, &coverage)
    }

    #[test]
    fn a_clause_that_nothing_stands_for_is_quoted() {
        let clause = Some("nothing stands for “الذي زار المدينة أمس مع وفد كبير”".to_string());
        assert_eq!(left_out(2, 9, 0.05, 1.2), clause);
        assert_eq!(left_out(2, 9, 0.1, 2.5), clause, "whatever a word is worth in tokens");
        assert!(left_out(8, 13, 0.1, 1.0).is_some_and(|it| it.contains("كبير إن العمل يبدأ غدا")));
    }

    #[test]
    fn what_languages_do_differently_is_no_omission() {
        for (from, to, low, high) in [(0, 0, 0.0, 1.0), (2, 4, 0.0, 1.0), (2, 9, 0.6, 1.2), (0, 13, 0.1, 0.1)]
        {
            assert_eq!(left_out(from, to, low, high), None, "{from}..{to} {low} {high}");
        }
        assert_eq!(check(SOURCE, &[]), None, "a model that does not tell");
        assert_eq!(check("نعم لا", &[0.0, 1.0]), None);
        assert_eq!(check(SOURCE, &[f32::NAN; 13]), None);
    }
}
