//! Words as the ranking and the grounding see them: folded, stemmed lightly, without function words.

use crate::lang::{is_arabic_diacritic, is_arabic_letter};

/// Content stems of an Arabic text, in order: [light10](https://doi.org/10.1007/978-1-4020-6046-5_12) of Larkey,
/// Ballesteros and Connell (2007), which takes off و, the article with its prepositions, and common suffixes.
pub(super) fn arabic_stems(text: &str) -> Vec<String> {
    text.split(|c: char| {
        !(is_arabic_letter(c) || is_arabic_diacritic(c) || c == '\u{0640}' || c.is_alphanumeric())
    })
    .map(fold)
    .filter(|w| w.chars().count() > 2 && !ARABIC_STOP.contains(&w.as_str()))
    .map(|w| stem(&w).to_owned())
    .filter(|w| !ARABIC_STOP.contains(&w.as_str()))
    .collect()
}

/// Lower-cased, without diacritics and tatweel, with one form of alef, ya and ta marbuta.
fn fold(word: &str) -> String {
    word.chars()
        .filter(|&c| !is_arabic_diacritic(c) && c != '\u{0640}')
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
            'ى' => 'ي',
            'ة' => 'ه',
            c => c,
        })
        .collect()
}

fn stem(word: &str) -> &str {
    let letters = |w: &str| w.chars().count();
    let mut rest = word;
    if let Some(bare) = rest.strip_prefix('و').filter(|w| letters(w) >= 3) {
        rest = bare;
    }
    let articles = ["بال", "كال", "فال", "ال", "لل"];
    if let Some(bare) = articles.iter().find_map(|a| rest.strip_prefix(a).filter(|w| letters(w) >= 2)) {
        rest = bare;
    }
    for suffix in ["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"] {
        if let Some(bare) = rest.strip_suffix(suffix).filter(|w| letters(w) >= 3) {
            rest = bare;
        }
    }
    rest
}

/// A word of an English text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnglishWord {
    /// As written.
    pub(super) written: String,
    /// Lower case, without the commonest endings.
    pub(super) stem: String,
    /// Whether it begins the text or a sentence.
    pub(super) opens: bool,
}

impl EnglishWord {
    pub(super) fn is_function_word(&self) -> bool {
        is_english_stop(&self.written.to_lowercase())
    }

    pub(super) fn is_capitalised(&self) -> bool {
        self.written.starts_with(char::is_uppercase)
    }
}

/// The words of an English text, digits left out.
pub(super) fn english_words(text: &str) -> Vec<EnglishWord> {
    let mut words = Vec::new();
    let mut opens = true;
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphabetic) {
        opens |= rest[..start].contains(['.', '!', '?', ':', '“', '"']);
        let tail = &rest[start..];
        let end = tail.find(|c: char| !(c.is_alphabetic() || c == '\'' || c == '’')).unwrap_or(tail.len());
        let written = tail[..end].trim_end_matches(['\'', '’']);
        words.push(EnglishWord { written: written.to_owned(), stem: english_stem(written), opens });
        opens = false;
        rest = &tail[end..];
    }
    words
}

fn english_stem(word: &str) -> String {
    let lower = word.to_lowercase().replace('’', "'");
    let bare = lower.strip_suffix("'s").unwrap_or(&lower);
    let stem = ["ies", "ied", "ing", "ed", "es", "ly", "s", "y", "e"]
        .iter()
        .find_map(|suffix| bare.strip_suffix(suffix).filter(|s| s.chars().count() >= 3))
        .unwrap_or(bare);
    stem.to_owned()
}

pub(super) fn is_english_stop(lower: &str) -> bool {
    ENGLISH_STOP.contains(&lower)
}

/// Function words of Arabic, folded; with the verbs of reporting, which say nothing of what is reported.
const ARABIC_STOP: &[&str] = &[
    "الا",
    "التي",
    "الذي",
    "الذين",
    "اللتان",
    "اللذان",
    "اللذين",
    "اللواتي",
    "الي",
    "ان",
    "انه",
    "انها",
    "انهم",
    "او",
    "اي",
    "ايضا",
    "بان",
    "بانه",
    "بانها",
    "بعد",
    "بعض",
    "بل",
    "بما",
    "بن",
    "به",
    "بها",
    "بين",
    "تم",
    "تكون",
    "تلك",
    "ثم",
    "جدا",
    "جميع",
    "حتي",
    "حول",
    "حيث",
    "حين",
    "خلال",
    "دون",
    "ذات",
    "ذلك",
    "سوف",
    "سوي",
    "ضد",
    "ضمن",
    "عبر",
    "عدد",
    "عدم",
    "عده",
    "علي",
    "عليه",
    "عليها",
    "عليهم",
    "عن",
    "عند",
    "عندما",
    "عنه",
    "عنها",
    "غير",
    "فان",
    "فقد",
    "فقط",
    "فوق",
    "في",
    "فيه",
    "فيها",
    "فيما",
    "قال",
    "قالت",
    "قبل",
    "قد",
    "كان",
    "كانت",
    "كانوا",
    "كذلك",
    "كل",
    "كلا",
    "كما",
    "كون",
    "كيف",
    "لان",
    "لدي",
    "لذلك",
    "لقد",
    "لكن",
    "لكنه",
    "لكنها",
    "لكي",
    "لم",
    "لما",
    "لن",
    "لها",
    "لهم",
    "له",
    "لو",
    "ليس",
    "ليست",
    "ما",
    "مثل",
    "مع",
    "مما",
    "من",
    "منذ",
    "منه",
    "منها",
    "منهم",
    "مهما",
    "نحن",
    "نحو",
    "نفس",
    "نفسه",
    "نفسها",
    "هذا",
    "هذه",
    "هكذا",
    "هل",
    "هم",
    "هن",
    "هنا",
    "هناك",
    "هو",
    "هولاء",
    "هؤلاء",
    "هي",
    "وان",
    "وقال",
    "وقالت",
    "وقد",
    "وكان",
    "وكانت",
    "ولا",
    "ولكن",
    "ولم",
    "وما",
    "ومن",
    "وهذا",
    "وهذه",
    "وهو",
    "وهي",
    "يتم",
    "يكون",
    "يمكن",
    "يوجد",
    "اكد",
    "اكدت",
    "اضاف",
    "اضافت",
    "ذكر",
    "ذكرت",
    "اشار",
    "اشارت",
    "اوضح",
    "اوضحت",
    "واكد",
    "واكدت",
    "واضاف",
    "واضافت",
    "وذكر",
    "وذكرت",
    "واشار",
    "واشارت",
    "واوضح",
    "واوضحت",
    "مشيرا",
    "موكدا",
    "مضيفا",
    "وفي",
    "وعلي",
    "والتي",
    "والذي",
    "الان",
    "امس",
    "اليوم",
    "حاليا",
    "اكثر",
    "اقل",
    "كلم",
    "وذلك",
    "وكذلك",
    "اما",
    "واما",
    "لدى",
];

/// Function words of English, with auxiliary and reporting verbs.
const ENGLISH_STOP: &[&str] = &[
    "a",
    "about",
    "above",
    "according",
    "added",
    "after",
    "again",
    "against",
    "all",
    "also",
    "although",
    "am",
    "among",
    "an",
    "and",
    "any",
    "are",
    "around",
    "as",
    "at",
    "be",
    "because",
    "been",
    "before",
    "being",
    "below",
    "between",
    "both",
    "but",
    "by",
    "can",
    "could",
    "did",
    "do",
    "does",
    "down",
    "during",
    "each",
    "either",
    "even",
    "few",
    "for",
    "from",
    "further",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "here",
    "him",
    "his",
    "how",
    "however",
    "i",
    "if",
    "in",
    "including",
    "into",
    "is",
    "it",
    "its",
    "itself",
    "just",
    "least",
    "less",
    "like",
    "many",
    "may",
    "me",
    "might",
    "more",
    "most",
    "much",
    "must",
    "my",
    "near",
    "nearly",
    "neither",
    "no",
    "nor",
    "not",
    "now",
    "of",
    "off",
    "on",
    "once",
    "one",
    "only",
    "onto",
    "or",
    "other",
    "others",
    "our",
    "out",
    "over",
    "own",
    "per",
    "said",
    "same",
    "say",
    "says",
    "several",
    "shall",
    "she",
    "should",
    "since",
    "so",
    "some",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "though",
    "through",
    "thus",
    "to",
    "too",
    "toward",
    "towards",
    "under",
    "until",
    "up",
    "upon",
    "us",
    "very",
    "via",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whom",
    "whose",
    "will",
    "with",
    "within",
    "without",
    "would",
    "yet",
    "you",
    "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clitics_do_not_tell_words_apart() {
        for (forms, stem) in [
            (&["المدينة", "والمدينة", "مدينة", "بالمدينة", "للمدينة"][..], "مدين"),
            (&["القوات", "وقوات", "قواتها"][..], "قوات"),
        ] {
            for form in forms {
                let found = arabic_stems(form);
                assert!(found[0].starts_with(&stem[..6]), "{form}: {found:?}");
            }
        }
        assert!(arabic_stems("وقال إن هذا في التي على").is_empty());
    }

    #[test]
    fn english_words_know_where_they_stand() {
        let words = english_words("The camps opened. Aleppo's mayor visited 12 of them.");
        let opening: Vec<_> = words.iter().filter(|w| w.opens).map(|w| w.written.as_str()).collect();
        assert_eq!(opening, ["The", "Aleppo's"]);
        assert_eq!(words[3].stem, "aleppo");
        assert_eq!(english_words("cities city")[0].stem, english_words("cities city")[1].stem);
    }
}
