//! A sentence as the model should see it. The document keeps its own spelling; only the model's copy is changed,
//! and only in what carries no meaning: display controls, tatweel, short vowels, presentation forms, the Persian
//! keyboard's yeh and kaf, the form of digits, and white space. Punctuation and hamzas stay as they are written.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::lang::{digit_value, is_arabic_diacritic, is_arabic_letter, is_bidi_control, western_digits};

/// The sentence for the model: one line, trimmed. Idempotent.
pub fn normalize(source: &str) -> String {
    // Emphasis as Markdown (and many a plain text) writes it: models repeat the marks in the wrong places.
    let source = source.replace("**", "");
    let unfolded: String = without_presentation_forms(&source);
    // Hamza and madda written as marks of their own belong to their letters.
    let composed: String = if unfolded.contains(['\u{653}', '\u{654}', '\u{655}']) {
        unfolded.nfc().collect()
    } else {
        unfolded
    };
    let cleaned = words_of(&composed, without_marks);
    // What no longer parts words or hides in them decides, so that the answer is the same when asked again.
    let folded = if is_persian(&cleaned) { cleaned } else { words_of(&cleaned, on_an_arabic_keyboard) };
    western(&folded)
}

/// Digits and their signs in Western form, but for a decimal mark in whose place a dot could part thousands (`١٫٢٥٠`).
fn western(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let is_digit = |c: &&char| digit_value(**c).is_some();
    let parts_thousands = |at: usize| {
        let whole: Vec<&char> = chars[..at].iter().rev().take_while(is_digit).collect();
        let is_zero = whole.last().is_some_and(|first| digit_value(**first) == Some(0));
        (1..=3).contains(&whole.len()) && !is_zero && chars[at + 1..].iter().take_while(is_digit).count() == 3
    };
    let signs = western_digits(text);
    let kept = |(at, sign)| if chars[at] == '٫' && parts_thousands(at) { '٫' } else { sign };
    signs.chars().enumerate().map(kept).collect()
}

/// The words of all lines with one space between them, each as `change` has it; emphasis marks that come together by it
/// go as well, and words of which nothing is left.
fn words_of(text: &str, change: fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\n', '\r', '\u{2028}', '\u{2029}']) {
        // A continued line of a quotation (Markdown, mail) begins with its marker.
        let line = if out.is_empty() { line } else { line.trim_start().trim_start_matches("> ") };
        for word in line.split(char::is_whitespace) {
            let word = change(word).replace("**", "");
            if !word.is_empty() {
                if !out.is_empty() {
                    out.push(' ');
                }
                out.push_str(&word);
            }
        }
    }
    out
}

/// A word without what shows nothing or only how it sounds.
fn without_marks(word: &str) -> String {
    if word.contains('\u{670}') {
        return without_marks(&without_dagger_alef(word));
    }
    let mut out = String::with_capacity(word.len());
    let mut previous = None;
    for c in word.chars() {
        match c {
            'ـ' | '\u{200B}' | '\u{2060}' | '\u{AD}' => continue,
            c if is_bidi_control(c) || is_arabic_diacritic(c) || c.is_control() => continue,
            // A joiner shapes letters; emoji are built with joiners.
            '\u{200D}' if previous.is_none_or(is_arabic_letter) => continue,
            'ٱ' => out.push('ا'),
            c => out.push(c),
        }
        if c != '\u{200C}' {
            previous = Some(c);
        }
    }
    out
}

/// A word with the letters that a Persian keyboard has others for, and without the non-joiner, which divides words in
/// Persian.
fn on_an_arabic_keyboard(word: &str) -> String {
    let ends_in_alef_maqsura = is_alef_maqsura_word(word);
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().filter(|&c| c != '\u{200C}').peekable();
    while let Some(c) = chars.next() {
        let is_last = chars.peek().is_none_or(|&next| !is_arabic_letter(next));
        out.push(match c {
            'ی' if ends_in_alef_maqsura && is_last => 'ى',
            'ی' => 'ي',
            'ک' | 'ڪ' => 'ك',
            'ہ' | 'ھ' | 'ە' => 'ه',
            'ۃ' => 'ة',
            c => c,
        });
    }
    out
}

/// Words whose last letter is ى, where a Persian keyboard leaves open which letter is meant.
fn is_alef_maqsura_word(word: &str) -> bool {
    let bare: String = word.chars().filter(|c| is_arabic_letter(*c)).collect();
    let bare = bare.strip_prefix(['و', 'ف']).unwrap_or(&bare);
    matches!(
        bare,
        "علی"
            | "الی"
            | "إلی"
            | "حتی"
            | "متی"
            | "لدی"
            | "مدی"
            | "سوی"
            | "أخری"
            | "اخری"
            | "إحدی"
            | "احدی"
    )
}

/// Persian keeps its own yeh, kaf and non-joiner; Arabic typed on a Persian keyboard does not. Persian has no ة
/// and no article.
fn is_persian(text: &str) -> bool {
    if !text.contains(['ی', 'ک', '\u{200C}', 'پ', 'چ', 'ژ', 'گ']) {
        return false;
    }
    let (mut persian, mut arabic) = (0, 0);
    for word in text.split_whitespace() {
        persian += word.matches(['پ', 'چ', 'ژ', 'گ', '\u{200C}']).count();
        persian += usize::from(matches!(
            word,
            "است" | "این" | "که" | "را" | "از" | "های" | "می" | "برای" | "شد" | "با" | "در"
        ));
        arabic += word.matches(['ة', 'ي', 'ك', 'ى', 'إ']).count();
        let bare = word.strip_prefix(['و', 'ب', 'ف', 'ك']).unwrap_or(word);
        arabic += usize::from(bare.starts_with("ال") || bare.starts_with("لل"));
    }
    persian > arabic
}

/// The dagger alef is a long ā. Modern spelling leaves it out in a few words (هذا، ذلك، لكن، الرحمن) and after ى and
/// ا; elsewhere (Quranic spelling: ٱلۡكِتَٰبُ، ٱلصَّلَوٰةَ) a letter would be lost with it.
fn without_dagger_alef(word: &str) -> String {
    let skeleton: String = word.chars().filter(|c| !is_arabic_diacritic(*c) && *c != 'ـ').collect();
    let unwritten =
        ["هذ", "هؤل", "ذلك", "لكن", "رحمن", "اله", "إله", "لله", "أولئك", "اولئك", "هكذا", "سمو", "طه"];
    let is_unwritten = unwritten.iter().any(|part| skeleton.contains(part));
    let chars: Vec<char> =
        word.chars().filter(|c| *c == '\u{670}' || !is_arabic_diacritic(*c)).filter(|c| *c != 'ـ').collect();
    let mut out = String::with_capacity(word.len());
    for (at, &c) in chars.iter().enumerate() {
        if c != '\u{670}' {
            out.push(c);
            continue;
        }
        match (out.chars().next_back(), chars.get(at + 1)) {
            (None | Some('ا' | 'آ' | 'ى' | 'ٱ'), _) => {}
            (Some('و'), Some('ة' | 'ت')) => {
                out.pop();
                out.push('ا');
            }
            _ if is_unwritten => {}
            _ => out.push('ا'),
        }
    }
    out
}

/// Presentation forms, as PDF files yield them, as the letters they are forms of.
fn without_presentation_forms(source: &str) -> String {
    if !source.contains(is_presentation_form) {
        return source.to_owned();
    }
    let mut out = String::with_capacity(source.len());
    for c in source.chars() {
        if !is_presentation_form(c) {
            out.push(c);
            continue;
        }
        // Isolated vowel signs decompose to a space or tatweel with the sign, which would cut the word.
        let letters = std::iter::once(c).nfkc().filter(|c| !is_combining_mark(*c));
        let before = out.len();
        out.extend(letters);
        if matches!(&out[before..], " " | "ـ") {
            out.truncate(before);
        }
    }
    out
}

/// Arabic presentation forms that stand for Arabic letters and words. U+FBD3 to U+FBE7 and U+FBEA to U+FBFB (Uyghur, Kazakh and
/// Kirghiz letters) are left alone: in Arabic text they are a font's misuse of those codes, and folding them would
/// put foreign letters into words. Ornate brackets and ﷽ have no letters to become.
fn is_presentation_form(c: char) -> bool {
    matches!(c,
        '\u{FB50}'..='\u{FBB1}'
        | '\u{FBE8}'..='\u{FBE9}'
        | '\u{FBFC}'..='\u{FBFF}'
        | '\u{FC00}'..='\u{FD3D}'
        | '\u{FD50}'..='\u{FDC7}'
        | '\u{FDF0}'..='\u{FDFC}'
        | '\u{FE70}'..='\u{FEFC}')
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        what: &'static str,
        source: &'static str,
        expected: &'static str,
    }

    #[test]
    fn what_carries_no_meaning_goes() {
        let cases = [
            Case {
                what: "bidirectional controls",
                source: "\u{202B}\"الأرشيف\"\u{202C}\u{200F} السوري",
                expected: "\"الأرشيف\" السوري",
            },
            Case {
                what: "tatweel", source: "الشـــراكة العالميـة", expected: "الشراكة العالمية"
            },
            Case {
                what: "short vowels",
                source: "مُحَمَّدٌ رَسُولُهُ إلى الناسِ جميعاً",
                expected: "محمد رسوله إلى الناس جميعا",
            },
            Case {
                what: "dagger alef, unwritten today",
                source: "هٰذا ذٰلك لٰكن الرحمٰن اللّٰه موسىٰ",
                expected: "هذا ذلك لكن الرحمن الله موسى",
            },
            Case {
                what: "dagger alef, written today",
                source: "ٱلۡكِتَٰبُ مَٰلِكِ ٱلصَّلَوٰةَ",
                expected: "الكتاب مالك الصلاة",
            },
            Case {
                what: "hamza as a mark", source: "ا\u{654}حمد ا\u{653}خر", expected: "أحمد آخر"
            },
            Case {
                what: "presentation forms", source: "ﻣﺮﺣﺒﺎ ﻻ ﷲ ﺍﻷﻭﻝ", expected: "مرحبا لا الله الأول"
            },
            Case {
                what: "isolated vowel signs", source: "ﻣ\u{FE76}ﻦ ﷺ", expected: "من صلى الله عليه وسلم"
            },
            Case { what: "Persian yeh form", source: "ﻓ\u{FBFD}", expected: "في" },
            Case { what: "Uyghur forms", source: "\u{FBD3}\u{FBDB}", expected: "\u{FBD3}\u{FBDB}" },
            Case {
                what: "white space",
                source: " سطر\u{A0}أول \r\n  ثانٍ\t\u{2003}ثالث ",
                expected: "سطر أول ثان ثالث",
            },
            Case {
                what: "quotation markers of continued lines",
                source: "سطر أول\n> ثان",
                expected: "سطر أول ثان",
            },
            Case {
                what: "joiners", source: "هـ\u{200D} مي\u{200C}لان \u{200B}نص", expected: "ه ميلان نص"
            },
            Case { what: "emphasis", source: "**إعداد:** هيئة", expected: "إعداد: هيئة" },
            Case {
                what: "a mark that is no comma",
                source: "١٫٢٥٠ و٠٫٢٥٠ و١٫٥",
                expected: "1٫250 و0.250 و1.5",
            },
            Case { what: "digits", source: "١٢٫٥ و۱۲٬۰۰۰ و٣٪", expected: "12.5 و12,000 و3%" },
            Case {
                what: "Persian keyboard",
                source: "فی المدینة علی الطریق الکبیر",
                expected: "في المدينة على الطريق الكبير",
            },
        ];
        for Case { what, source, expected } in cases {
            assert_eq!(normalize(source), expected, "{what}");
            assert_eq!(normalize(expected), expected, "{what}, again");
        }
    }

    #[test]
    fn what_was_normalised_stays_as_it_is() {
        for (source, expected) in [
            ("*\u{200B}*نص *\u{200C}* إلى", "نص إلى"),
            ("ـالکتاب پ", "الكتاب پ"),
            ("این کتاب را ا\u{200C}\u{200D}ب", "این کتاب را ا\u{200C}ب"),
            ("ا\u{200C}\u{200D}ب", "ا\u{200C}ب"),
            ("ا\u{200B}\u{654}", "ا"),
        ] {
            assert_eq!(normalize(source), expected, "{source:?}");
            assert_eq!(normalize(expected), expected, "{source:?}, again");
        }
    }

    #[test]
    fn what_carries_meaning_stays() {
        for text in [
            "قال: «لا؛ نعم، ربما؟»",
            "إلى أحمد آل سؤال ئ ة ى",
            "این کتاب برای شما است که می\u{200C}خوانید",
            "U.S. 👩\u{200D}🚒",
        ] {
            assert_eq!(normalize(text), text);
        }
        assert_eq!(normalize(""), "");
        assert_eq!(normalize("\u{200F} ـ"), "");
    }
}
