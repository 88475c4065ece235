//! Arabic letters left in the English.

use crate::lang::is_arabic_letter;

/// At most this many left-over words are shown.
const SHOWN: usize = 3;

/// The Arabic words in the target, if there are any.
pub(super) fn check(target: &str) -> Option<String> {
    let mut words = target.split(|c: char| !c.is_alphanumeric()).filter(|w| w.chars().any(is_arabic_letter));
    let shown: Vec<&str> = words.by_ref().take(SHOWN).collect();
    if shown.is_empty() {
        return None;
    }
    let more = words.count();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!("Arabic left in the translation: {}{rest}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_letters_count() {
        assert!(check("He said: «25 ٪» of them، ٣").is_none());
        assert_eq!(
            check("in دير الزور yesterday").as_deref(),
            Some("Arabic left in the translation: دير, الزور")
        );
        assert_eq!(check("ا ب ت ث ج").as_deref(), Some("Arabic left in the translation: ا, ب, ت and 2 more"));
    }
}
