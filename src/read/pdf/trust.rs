//! Whether what a page's fonts say can be its text.
//!
//! Nothing in a PDF makes sure of that: maps from glyphs to letters are missing, wrong, or belong to an encoding in
//! which Arabic letters stand as Latin ones. What is on the page is then fine, and its text is not.

use super::super::encoding::{is_accented_latin, is_implausible};
use crate::lang::{is_arabic_letter, words};

/// Share of glyphs that may stand for nothing known. Formulas and ornaments have such glyphs.
const MAX_UNKNOWN: f64 = 0.2;
/// Arabic letters, and words, from which on their statistics say something.
const LEAST_LETTERS: usize = 60;
const LEAST_WORDS: usize = 12;

/// What is wrong with a page's text, in words that go on "… was not read: ", or none.
pub(super) fn doubt(text: &str) -> Option<&'static str> {
    let shown = text.chars().filter(|c| !c.is_whitespace());
    let (mut all, mut letters, mut unknown, mut arabic) = (0usize, 0usize, 0usize, 0usize);
    for c in shown {
        all += 1;
        letters += usize::from(c.is_alphabetic());
        unknown += usize::from(c == '\u{FFFD}' || matches!(c, '\u{E000}'..='\u{F8FF}'));
        arabic += usize::from(is_arabic_letter(c));
    }
    if unknown as f64 > MAX_UNKNOWN * all as f64 {
        return Some("its fonts do not say which letters their glyphs are");
    }
    // Beside other text Arabic letters may be single ones, as in tables of them.
    if arabic >= LEAST_LETTERS && arabic * 2 > letters && is_implausible(&only_arabic(text)) {
        return Some("its fonts say letters that do not make Arabic words");
    }
    if is_mixed(text) {
        return Some("its fonts say Latin letters in the middle of Arabic words");
    }
    if is_reversed(text) {
        return Some("its words come out back to front");
    }
    let accented = text.chars().filter(|c| matches!(c, '\u{A1}'..='\u{FF}')).count();
    if accented >= 20 && accented * 10 > all * 3 && !is_accented_latin(text) {
        return Some("its fonts say Latin letters in the place of others");
    }
    None
}

/// Arabic words without their marks, which are rare in the text whose letters were counted.
fn only_arabic(text: &str) -> String {
    let bare: String = text.chars().filter(|c| !words::is_mark(*c)).collect();
    let parts = bare.split(|c: char| !is_arabic_letter(c));
    parts.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether Latin letters stand right beside Arabic ones in many words. Particles are written onto Latin names, but not
/// in every fourth word; and nothing Arabic is written onto the end of Latin words, which is why one is enough of those where
/// there are no more than four.
fn is_mixed(text: &str) -> bool {
    let is_latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{C0}'..='\u{24F}');
    let (mut arabic, mut mixed, mut behind) = (0usize, 0usize, 0usize);
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().filter(|c| !words::is_mark(*c)).collect();
        arabic += usize::from(letters.iter().any(|c| is_arabic_letter(*c)));
        let is_behind = |pair: &[char]| is_latin(pair[0]) && is_arabic_letter(pair[1]);
        let is_before = |pair: &[char]| is_arabic_letter(pair[0]) && is_latin(pair[1]);
        let is_behind = letters.windows(2).any(is_behind);
        mixed += usize::from(is_behind || letters.windows(2).any(is_before));
        behind += usize::from(is_behind);
    }
    (mixed >= 2 || behind >= 1) && mixed * 4 >= arabic
}

/// Words end in `ة` and `ى` and never begin with them; they begin with `ال` more often than they end in `لا`.
fn is_reversed(text: &str) -> bool {
    let (mut right, mut wrong, mut count) = (0usize, 0usize, 0usize);
    let words = text.split(|c: char| !is_arabic_letter(c) && !words::is_mark(c));
    for word in words {
        let letters: Vec<char> = word.chars().filter(|c| is_arabic_letter(*c)).collect();
        let [first, .., last] = letters[..] else { continue };
        count += 1;
        right += usize::from(matches!(last, 'ة' | 'ى')) + usize::from(letters.starts_with(&['ا', 'ل']));
        wrong += usize::from(matches!(first, 'ة' | 'ى'));
        wrong += usize::from(letters.len() > 2 && letters.ends_with(&['ل', 'ا']));
    }
    count >= LEAST_WORDS && wrong > right && wrong >= 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "أعلنت وزارة الصحة يوم الثلاثاء أن عدد المصابين بلغ ألفا ومئتين وخمسين شخصا في مدينة حلب وأضافت \
        الوزارة في بيان أن المستشفيات الرئيسية تعاني نقصا في الأدوية والمستلزمات الطبية منذ بداية السنة الحالية";

    #[test]
    fn text_is_believed() {
        for text in [
            GOOD,
            "The report (2019) says so.",
            "¿Qué? ¡Sí! El niño comió piña mañana según él",
            "",
            "1 2 3 4",
            "شبكة الWiFi",
        ] {
            assert_eq!(doubt(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_the_text_is_named() {
        let unknown = GOOD.replace(['ا', 'ل', 'ة'], "\u{FFFD}");
        // Each letter is another one: a map that belongs to another font.
        let permuted: String = GOOD
            .chars()
            .map(|c| match c {
                'ا' | 'أ' => 'ظ',
                'ل' => 'غ',
                'ي' => 'ء',
                'م' => 'ؤ',
                'ن' => 'ث',
                'و' => 'ئ',
                c => c,
            })
            .collect();
        let reversed: String = GOOD.chars().rev().collect();
        let latin =
            encoding_rs::WINDOWS_1252.decode(&encoding_rs::WINDOWS_1256.encode(GOOD).0).0.into_owned();
        for (text, what) in [
            ("حَبيبي abibiحَبيبي h".to_owned(), "Latin letters in the middle"),
            (unknown, "do not say which"),
            (permuted, "do not make Arabic words"),
            (reversed, "back to front"),
            (GOOD.replace('ا', "A").replace('ة', "T"), "in the middle of"),
            (latin, "in the place of"),
        ] {
            assert!(doubt(&text).is_some_and(|doubt| doubt.contains(what)), "{what}: {:?}", doubt(&text));
        }
    }
}
