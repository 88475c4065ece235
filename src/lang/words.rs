//! Arabic words as they are compared: folded, and without the particles that are written onto them.

use super::{is_arabic_diacritic, is_arabic_letter};

const TATWEEL: char = '\u{0640}';

/// The Arabic words of a text, in order; see [`folded`].
pub fn words(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !is_arabic_letter(c) && !is_mark(c));
    parts.map(folded).filter(|word| !word.is_empty()).collect()
}

/// What stands in a word and is no part of it.
pub fn is_mark(c: char) -> bool {
    is_arabic_diacritic(c) || c == TATWEEL
}

/// A word without diacritics and tatweel, the forms of alef as one, final ya dotted; empty if it has no Arabic letter.
pub fn folded(word: &str) -> String {
    let kept = word.chars().filter(|&c| is_arabic_letter(c));
    kept.map(|c| match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
        'ى' => 'ي',
        c => c,
    })
    .collect()
}

/// The word, and what is left of it without a conjunction, without a preposition and without the article, each time
/// at least two letters.
pub fn stems(word: &str) -> impl Iterator<Item = &str> {
    let and = [Some(word), word.strip_prefix(['و', 'ف'])];
    let to = and.into_iter().flatten().flat_map(|w| [Some(w), w.strip_prefix(['ب', 'ك', 'ل'])]);
    let the = to.flatten().flat_map(|w| {
        // The article loses its alef behind a `ل`.
        [Some(w), w.strip_prefix("ال"), w.strip_prefix("لل")]
    });
    the.flatten().filter(|w| w.chars().nth(1).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whatever_is_written_onto_them() {
        let found = |text: &str, wanted: &str| words(text).iter().any(|w| stems(w).any(|s| s == wanted));
        for text in ["دولار", "والدولار", "بالدولار،", "للدولار", "فبدولارٍ", "«الدولار»", "20دولار"]
        {
            assert!(found(text, "دولار"), "{text}");
        }
        assert!(!found("دولاب", "دولار") && !found("", "دولار"));
        assert_eq!(words("إلى الأربعاء، قالَ"), ["الي", "الاربعاء", "قال"]);
    }
}
