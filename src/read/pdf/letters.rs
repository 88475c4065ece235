//! Letters as PDFs hold them and as they are written: presentation forms, ligatures, marks of their own, tatweel.

use unicode_normalization::UnicodeNormalization;

use crate::lang::{is_arabic_diacritic, is_arabic_letter, is_bidi_control};

const TATWEEL: char = '\u{0640}';

/// Whether what a font says a glyph stands for can be that: no control characters, nothing private.
pub(super) fn means_something(text: &str) -> bool {
    let is_nothing = |c: char| {
        (c.is_control() && !c.is_whitespace()) || c == '\u{FFFD}' || matches!(c, '\u{E000}'..='\u{EFFF}')
    };
    !text.is_empty() && !text.chars().any(is_nothing)
}

/// A glyph's text in the letters that people type: forms and ligatures of Arabic and Latin become their letters,
/// anything else stays (a ½ or ² is not "1/2" or "2").
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{FD3E}' | '\u{FD3F}' => out.push(c),
            // A mark's isolated form stands on a space, its medial one on a tatweel.
            '\u{FC5E}'..='\u{FC63}' | '\u{FCF2}'..='\u{FCF4}' | '\u{FE70}'..='\u{FE7F}' => {
                out.extend([c].into_iter().nfkc().filter(|c| is_mark(*c)));
            }
            '\u{FB00}'..='\u{FB06}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE80}'..='\u{FEFC}' => {
                out.extend([c].into_iter().nfkc());
            }
            c if is_bidi_control(c) || matches!(c, '\u{200B}' | '\u{2060}' | '\0') => {}
            c if c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    // No font has a glyph for alef and lam; programs that write ligatures in visual order say so of lam-alef.
    let mut letters = out.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some(alef @ ('ا' | 'أ' | 'إ' | 'آ')), Some('ل'), None) => ['ل', alef].into_iter().collect(),
        _ => out,
    }
}

/// What is written onto a letter and has no place of its own in the line.
pub(super) fn is_mark(c: char) -> bool {
    is_arabic_diacritic(c) || matches!(c, '\u{0300}'..='\u{036F}')
}

/// Whether a text is nothing but marks.
pub(super) fn is_all_marks(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_mark)
}

/// A line's text as it is stored: letters composed with their marks, without the tatweel that stretched them.
///
/// Tatweel goes where it joins two letters; that is where typesetting puts it, and a word keeps its meaning without
/// it. At the end of a word it stays, once: `هـ` is an abbreviation.
pub(super) fn settle(text: &str) -> String {
    let characters: Vec<char> = text.nfc().collect();
    let is_script = |c: &char| is_arabic_letter(*c) || is_arabic_diacritic(*c);
    let mut out = String::with_capacity(text.len());
    for (at, &c) in characters.iter().enumerate() {
        if c == TATWEEL {
            let after = characters[at..].iter().find(|c| **c != TATWEEL);
            let repeats = at > 0 && characters[at - 1] == TATWEEL;
            let follows =
                at > 0 && characters[..at].iter().rev().find(|c| **c != TATWEEL).is_some_and(is_script);
            if repeats || (follows && after.is_some_and(is_script)) {
                continue;
            }
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_become_letters_and_signs_stay() {
        for (glyph, letters) in [
            ("\u{FE8D}", "ا"),
            ("\u{FEFB}", "لا"),
            ("\u{FEF7}", "لأ"),
            ("\u{FDF2}", "الله"),
            ("\u{FC60}", "\u{064E}\u{0651}"),
            ("\u{FE76}", "\u{064E}"),
            ("\u{FE77}", "\u{064E}"),
            ("\u{FB01}", "fi"),
            ("\u{FD3E}", "\u{FD3E}"),
            ("½²", "½²"),
            ("\u{A0}", " "),
            ("\u{202B}ب", "ب"),
            ("ال", "لا"),
            ("الا", "الا"),
        ] {
            assert_eq!(fold(glyph), letters, "{glyph:?}");
        }
    }

    #[test]
    fn tatweel_goes_where_it_only_stretches() {
        for (before, after) in [
            ("الـــسلام", "السلام"),
            ("محمـــّد", "محمّد"),
            ("1445 هـ", "1445 هـ"),
            ("هــــ", "هـ"),
            ("ـ بند", "ـ بند"),
            ("ا\u{0654}", "أ"),
        ] {
            assert_eq!(settle(before), after);
        }
    }

    #[test]
    fn private_and_control_characters_mean_nothing() {
        for text in ["", "\0", "\u{FFFD}", "\u{E012}", "a\u{1}"] {
            assert!(!means_something(text), "{text:?}");
        }
        assert!(means_something(" ") && means_something("\u{F0B7}"));
    }
}
