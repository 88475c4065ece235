//! What the splitter knows about words: folding of spellings, abbreviations, and words that begin or continue a
//! sentence. All lists are in folded spelling (see [`fold`]).
//!
//! Sources: the forms of pysbd's Arabic list (MIT), UD Arabic-PADT's `Abbr=Yes` tokens, and dotted forms found in
//! Arabic news and encyclopaedia text.

use crate::lang::{is_arabic_diacritic, is_bidi_control};

/// A word without diacritics, tatweel, invisible characters and hamza differences, for comparing with lists:
/// writers of news drop hamzas, and ى stands for ي.
pub(super) fn fold(word: &str) -> String {
    word.chars().filter_map(fold_char).collect()
}

fn fold_char(c: char) -> Option<char> {
    match c {
        'أ' | 'إ' | 'آ' | 'ٱ' => Some('ا'),
        'ى' | 'ی' => Some('ي'),
        'ة' => Some('ه'),
        'ک' => Some('ك'),
        'ـ' => None,
        c if is_arabic_diacritic(c) || is_bidi_control(c) => None,
        c => Some(c),
    }
}

/// Verbs of saying, third person singular masculine, perfect.
const REPORTING: [&str; 49] = [
    "قال",
    "اضاف",
    "اوضح",
    "اكد",
    "ذكر",
    "اشار",
    "تابع",
    "افاد",
    "اعلن",
    "صرح",
    "شدد",
    "كشف",
    "لفت",
    "نقل",
    "اعتبر",
    "راي",
    "حذر",
    "دعا",
    "دعت",
    "طالب",
    "بين",
    "نفي",
    "نفت",
    "ختم",
    "اردف",
    "استطرد",
    "كتب",
    "نشر",
    "جاء",
    "كان",
    "راح",
    "زاد",
    "اتهم",
    "اعرب",
    "عبر",
    "تساءل",
    "توقع",
    "اعترف",
    "اقر",
    "رفض",
    "ادان",
    "وصف",
    "ابلغ",
    "اعاد",
    "واصل",
    "خلص",
    "مضي",
    "قدم",
    "اجاب",
];

/// Words that begin a sentence and hardly continue one, besides verbs of saying after و.
const STARTERS: [&str; 46] = [
    "وقد",
    "ولم",
    "ولن",
    "وليس",
    "وليست",
    "وفي",
    "وعلي",
    "وعن",
    "وهو",
    "وهي",
    "وهم",
    "وهذا",
    "وهذه",
    "وهناك",
    "ويذكر",
    "وتجدر",
    "ويشار",
    "ويقول",
    "وتقول",
    "ويري",
    "ويعتبر",
    "ويضيف",
    "ويتوقع",
    "ويبدو",
    "وبحسب",
    "وحسب",
    "ووفق",
    "ووفقا",
    "وبعد",
    "ومنذ",
    "ومن",
    "ولكن",
    "وكما",
    "يذكر",
    "يشار",
    "انه",
    "انها",
    "لقد",
    "هذا",
    "هذه",
    "هناك",
    "كما",
    "اما",
    "لكن",
    "وردا",
    "وحول",
];

/// Words that continue a sentence after an abbreviation or unit.
const CONTINUATIONS: [&str; 34] = [
    "من",
    "عن",
    "في",
    "علي",
    "الي",
    "مع",
    "ثم",
    "او",
    "ام",
    "التي",
    "الذي",
    "بين",
    "منذ",
    "حتي",
    "ضد",
    "ان",
    "قرب",
    "بعد",
    "قبل",
    "فوق",
    "تحت",
    "خلال",
    "شمال",
    "جنوب",
    "شرق",
    "غرب",
    "شمالي",
    "جنوبي",
    "شرقي",
    "غربي",
    "تقريبا",
    "مربع",
    "مكعب",
    "فقط",
];

/// Abbreviations of units, eras and the like, which often but not always end a sentence when a stop follows.
const UNITS: [&str; 30] = [
    "كم", "كلم", "سم", "مم", "كغ", "كغم", "كج", "كجم", "جم", "غم", "غ", "مغ", "مل", "لت", "ه", "م", "ق.م",
    "ب.م", "ق.ه", "ص", "ت", "س.ت", "ت.ع", "ت.غ", "تغ", "ت.م", "مليم", "الخ", "ج.م", "د.ت",
];

/// Nouns that a letter names a kind of: `فيتامين د.` is no doctor.
const LETTERED: [&str; 12] = [
    "فيتامين",
    "الفئه",
    "فئه",
    "المجموعه",
    "القسم",
    "الملحق",
    "البند",
    "النوع",
    "حرف",
    "الحرف",
    "الصف",
    "النموذج",
];

const LATIN_ABBREVIATIONS: [&str; 22] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "no", "vs", "etc", "e.g", "i.e", "gen", "col", "lt",
    "sgt", "inc", "ltd", "co", "fig", "vol",
];

/// Whether `word` (as written) hardly stands but at the beginning of a sentence: a verb of saying after و, `وقد`,
/// `كما` …
pub(super) fn begins_sentence(word: &str) -> bool {
    let word = fold(word);
    STARTERS.contains(&word.as_str()) || word.strip_prefix('و').is_some_and(is_reporting)
}

/// Whether the folded word is a verb of saying, without و.
pub(super) fn is_reporting(folded: &str) -> bool {
    REPORTING.contains(&folded) || folded.strip_suffix('ت').is_some_and(|verb| REPORTING.contains(&verb))
}

/// Whether `word` goes on with what precedes it.
pub(super) fn continues_sentence(word: &str) -> bool {
    CONTINUATIONS.contains(&fold(word).as_str())
}

/// Whether a single letter after `word` is a label, not an abbreviated title.
pub(super) fn takes_letter(word: &str) -> bool {
    let word = fold(word);
    LETTERED.contains(&word.strip_prefix('و').unwrap_or(&word))
}

/// What kind of abbreviation a word before a full stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abbreviation {
    /// `د` `أ.د` `J` `Dr`: a name follows.
    Title,
    /// `سي.إن.إن` `ص.ب` `U.S`: letters of a name.
    Acronym,
    /// `كم` `ق.م` `إلخ`: may end a sentence.
    Unit,
}

/// The kind of abbreviation that `token`, without its last full stop, is.
pub(super) fn abbreviation(token: &str) -> Option<Abbreviation> {
    let token = fold(token.trim_start_matches('ـ'));
    if !token.chars().all(|c| c.is_alphabetic() || c == '.') {
        return None;
    }
    let mut letters = token.chars().filter(|c| c.is_alphabetic());
    let (first, second) = (letters.next()?, letters.next());
    if first.is_ascii() {
        let lower = token.to_ascii_lowercase();
        let is_initial = second.is_none() && first.is_ascii_uppercase();
        return if is_initial || LATIN_ABBREVIATIONS.contains(&lower.as_str()) {
            Some(Abbreviation::Title)
        } else {
            is_acronym(&token).then_some(Abbreviation::Acronym)
        };
    }
    if UNITS.contains(&token.as_str()) && second.is_some() {
        return Some(Abbreviation::Unit);
    }
    // "ود." is "and Dr".
    let with_and = token.strip_prefix('و').filter(|rest| matches!(*rest, "د" | "م"));
    let with_to = token.strip_prefix(['ل', 'ب']).filter(|rest| *rest == "د");
    let bare = with_and.or(with_to).unwrap_or(&token);
    let bare_letters = bare.chars().filter(|c| c.is_alphabetic()).count();
    if bare_letters == 1 || matches!(bare, "ا.د" | "ا.م.د" | "م.د" | "د.م") {
        return Some(Abbreviation::Title);
    }
    is_acronym(&token).then_some(Abbreviation::Acronym)
}

/// Short pieces joined by full stops.
fn is_acronym(token: &str) -> bool {
    let mut pieces = token.split('.').peekable();
    token.contains('.')
        && pieces.peek().is_some()
        && pieces.all(|p| (1..=3).contains(&p.chars().count()) && p.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_folded_spelling() {
        for word in REPORTING.iter().chain(&STARTERS).chain(&CONTINUATIONS).chain(&UNITS).chain(&LETTERED) {
            assert_eq!(fold(word), *word);
        }
    }

    #[test]
    fn abbreviations_are_told_apart() {
        use Abbreviation::*;
        for (token, kind) in [
            ("د", Some(Title)),
            ("ود", Some(Title)),
            ("أ.د", Some(Title)),
            ("م", Some(Title)),
            ("سي.إن.إن", Some(Acronym)),
            ("ص.ب", Some(Acronym)),
            ("كم", Some(Unit)),
            ("ق.م", Some(Unit)),
            ("هـ", Some(Title)),
            ("إلخ", Some(Unit)),
            ("U.S", Some(Acronym)),
            ("J", Some(Title)),
            ("Dr", Some(Title)),
            ("سوريا", None),
            ("به", None),
            ("فقرًا", None),
            ("2017", None),
            ("و50%", None),
            ("أم", None),
        ] {
            assert_eq!(abbreviation(token), kind, "{token}");
        }
    }
}
