//! Languages and scripts: the few facts about Arabic text that several stages share.
//!
//! Everything here is a pure function of a character or a string, so that "is this Arabic?" has one answer
//! in the whole program.

mod identify;
pub mod words;

use std::fmt;

pub use identify::other_than_arabic;

use serde::{Deserialize, Serialize};

/// A language as a lower-case ISO 639-1 (or -3) code: `ar`, `en`, `fa`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lang(pub String);

impl Lang {
    /// Arabic, the default source.
    pub fn arabic() -> Self {
        Lang("ar".into())
    }

    /// English, the default target.
    pub fn english() -> Self {
        Lang("en".into())
    }

    /// The HTML `dir` of text in this language: `rtl` or `ltr`.
    pub fn direction(&self) -> &'static str {
        match self.0.as_str() {
            "ar" | "fa" | "ur" | "he" | "ps" | "ckb" | "ug" | "sd" | "yi" | "dv" => "rtl",
            _ => "ltr",
        }
    }

    /// Whether it is written in the Arabic script.
    pub fn is_arabic_script(&self) -> bool {
        matches!(self.0.as_str(), "ar" | "fa" | "ur" | "ps" | "ckb" | "ug" | "sd")
    }

    /// The English name, for prompts and headings; the code itself when it is not one of the common ones.
    pub fn name(&self) -> &str {
        match self.0.as_str() {
            "ar" => "Arabic",
            "en" => "English",
            "fa" => "Persian",
            "ur" => "Urdu",
            "ckb" => "Sorani Kurdish",
            "ps" => "Pashto",
            "he" => "Hebrew",
            "fr" => "French",
            "es" => "Spanish",
            "de" => "German",
            "pt" => "Portuguese",
            "ru" => "Russian",
            "tr" => "Turkish",
            "zh" => "Chinese",
            code => code,
        }
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A letter of the Arabic script (Arabic, Persian, Urdu …, presentation forms included); digits, diacritics,
/// tatweel and punctuation are not letters.
pub fn is_arabic_letter(c: char) -> bool {
    matches!(c,
        '\u{0620}'..='\u{063F}'
        | '\u{0641}'..='\u{064A}'
        | '\u{066E}'..='\u{066F}'
        | '\u{0671}'..='\u{06D3}'
        | '\u{06D5}'
        | '\u{06EE}'..='\u{06EF}'
        | '\u{06FA}'..='\u{06FC}'
        | '\u{06FF}'
        | '\u{0750}'..='\u{077F}'
        | '\u{08A0}'..='\u{08C9}'
        | '\u{FB50}'..='\u{FBB1}'
        | '\u{FBD3}'..='\u{FD3D}'
        | '\u{FD50}'..='\u{FDFB}'
        | '\u{FE70}'..='\u{FEFC}')
}

/// Short vowels, tanwin, shadda, sukun, dagger alef and Quranic annotation marks.
pub fn is_arabic_diacritic(c: char) -> bool {
    matches!(c,
        '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}'
        | '\u{06DF}'..='\u{06E4}'
        | '\u{06E7}'..='\u{06E8}'
        | '\u{06EA}'..='\u{06ED}'
        | '\u{08D3}'..='\u{08FF}')
}

/// Characters that only steer display: bidirectional marks, embeddings, isolates, and the byte-order mark.
pub fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// What a stranger's file says, for a message: control characters, which could break its line or command a terminal,
/// are U+FFFD.
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether there is at least one Arabic letter to translate.
pub fn has_arabic(text: &str) -> bool {
    text.chars().any(is_arabic_letter)
}

/// Share of Arabic letters among all letters, 0 when there is no letter at all.
pub fn arabic_share(text: &str) -> f32 {
    let (mut arabic, mut letters) = (0u32, 0u32);
    for c in text.chars() {
        if is_arabic_letter(c) {
            arabic += 1;
            letters += 1;
        } else if c.is_alphabetic() && !is_arabic_diacritic(c) && c != '\u{0640}' {
            letters += 1;
        }
    }
    if letters == 0 { 0.0 } else { arabic as f32 / letters as f32 }
}

/// The value of a decimal digit in Western, Arabic-Indic or Persian form.
pub fn digit_value(c: char) -> Option<u8> {
    match c {
        '0'..='9' => Some(c as u8 - b'0'),
        '\u{0660}'..='\u{0669}' => Some((c as u32 - 0x0660) as u8),
        '\u{06F0}'..='\u{06F9}' => Some((c as u32 - 0x06F0) as u8),
        _ => None,
    }
}

/// The text with digits in Western form, and the decimal (٫), thousands (٬) and percent (٪) signs that go with them.
/// The values stay what they are; models know these forms best, and readers of English only these.
pub fn western_digits(text: &str) -> String {
    let western = |c: char| match c {
        '٫' => '.',
        '٬' => ',',
        '٪' => '%',
        c => digit_value(c).map_or(c, |value| (b'0' + value) as char),
    };
    text.chars().map(western).collect()
}

/// English text without the digits, punctuation and quotation marks of Arabic that models carry over.
pub fn western_signs(text: &str) -> String {
    let western = |c: char| match c {
        '،' => ',',
        '؛' => ';',
        '؟' => '?',
        '«' | '»' => '"',
        c => c,
    };
    western_digits(text).chars().map(western).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arabic_is_told_from_digits_and_punctuation() {
        assert!(has_arabic("تقرير"));
        assert!(has_arabic("ﻣﺮﺣﺒﺎ"));
        for text in ["٢٠٢٤", "، ؛ ؟", "Report 12", "\u{0640}\u{064B}", ""] {
            assert!(!has_arabic(text), "{text:?}");
        }
    }

    #[test]
    fn messages_command_no_terminal() {
        assert_eq!(shown("«ا»\n\u{1b}[2J\u{9b}m\tb"), "«ا»\u{FFFD}\u{FFFD}[2J\u{FFFD}m\u{FFFD}b");
    }

    #[test]
    fn share_counts_letters_only() {
        assert_eq!(arabic_share("12.5 %"), 0.0);
        assert_eq!(arabic_share("مرحبا 123"), 1.0);
        assert!((arabic_share("ab اب") - 0.5).abs() < 1e-6);
    }

    #[test]
    fn arabic_signs_become_western_ones() {
        assert_eq!(western_digits("٣/٣/٢٠٢٥: ۱٬۲۰۰٫۵ (٢٥٪)، نعم"), "3/3/2025: 1,200.5 (25%)، نعم");
        assert_eq!(western_signs("He said: «٥؟»، then left؛"), "He said: \"5?\", then left;");
    }

    #[test]
    fn digits_of_three_scripts_have_values() {
        assert_eq!(digit_value('7'), Some(7));
        assert_eq!(digit_value('٧'), Some(7));
        assert_eq!(digit_value('۷'), Some(7));
        assert_eq!(digit_value('x'), None);
    }
}
