//! Targets far too short or too long for their source.
//!
//! The bound is a line with slack rather than a ratio: a sentence of two words may well become five.

/// English letters an Arabic one: the least and the most that true pairs have, slack apart. Of 2,965 true pairs
/// (PUD, TICO-19 dev, FLORES dev; docs/checks.md) 0.2 % lie outside, and none of 240 XQuAD paragraphs.
const SHORTEST: f32 = 0.7;
const LONGEST: f32 = 1.9;

/// Characters that do not count against a short sentence.
const SLACK_SHORT: f32 = 12.0;
const SLACK_LONG: f32 = 30.0;

/// A target without its source's closing mark probably lost its end (0.5 % of true pairs lack it): then less shortness
/// is forgiven. This finds 92 % of sentences cut in half; the plain bound finds 10 % of those cut at two thirds.
const SHORTEST_UNCLOSED: f32 = 1.0;

/// Says which way the length is off, if it is.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let (from, to) = (letters(source), letters(target));
    let shortest = if ends_closed(source) && !ends_closed(target) { SHORTEST_UNCLOSED } else { SHORTEST };
    if to < from * shortest - SLACK_SHORT || (from > 4.0 && to < 1.0) {
        return Some(format!("far too short: {to} letters for {from} of Arabic"));
    }
    if to > from * LONGEST + SLACK_LONG {
        return Some(format!("far too long: {to} letters for {from} of Arabic"));
    }
    None
}

/// Letters and digits; diacritics, spaces and punctuation vary too much with style.
fn letters(text: &str) -> f32 {
    text.chars().filter(|c| c.is_alphanumeric() && !crate::lang::is_arabic_diacritic(*c)).count() as f32
}

/// Whether it ends in a mark that closes a sentence, quotes and brackets aside.
fn ends_closed(text: &str) -> bool {
    text.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '"' | '”' | '»' | '\'' | '’' | ')' | ']')
    })
    .ends_with(['.', '!', '?', '؟', '…', '۔'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str =
        "وقالت شبكات محلية إن القوات سيطرت على معظم البلدة وسط تحليق مكثف لطيران الاستطلاع فوق الريف الشرقي.";

    #[test]
    fn half_a_sentence_is_too_short() {
        assert!(check(SOURCE, "Local networks said the forces").is_some());
        assert!(check(SOURCE, "Local networks said that the forces took most of the town while reconnaissance aircraft flew over the eastern countryside.").is_none());
    }

    #[test]
    fn short_sources_have_slack() {
        for (source, target) in
            [("لا", "Not at all, and never again"), ("الاتحاد الأوروبي", "EU"), ("د.", "Dr.")]
        {
            assert_eq!(check(source, target), None, "{target}");
        }
    }

    #[test]
    fn rambling_is_too_long() {
        assert!(
            check("شكراً لكم جميعاً", &"Thank you for coming to this wonderful meeting of ours ".repeat(3))
                .is_some()
        );
    }
}
