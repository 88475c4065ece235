//! The Arabic words around a number: whether they are what it counts, make it a day or an hour, or make it part of a name.

use super::lexicon::{self, Word, fold_arabic};
use crate::lang::is_arabic_diacritic;

/// Names of two words of which one is a number, folded: it may be told with one (`the Seven Seas square`) and needs none. In
/// hundredths.
const NAMES: [(&str, &str, &[i64]); 12] = [
    ("رابعه", "العدويه", &[400]),
    ("ميدان", "رابعه", &[400]),
    ("اعتصام", "رابعه", &[400]),
    ("بئر", "السبع", &[700]),
    ("السبع", "بحرات", &[700]),
    ("سبع", "بحرات", &[700]),
    // Forty days after a death, as that of Husain; الذكرى الأربعون is an anniversary.
    ("زياره", "الاربعين", &[4000]),
    ("مسيره", "الاربعين", &[4000]),
    ("ذكري", "الاربعين", &[4000]),
    ("حي", "الستين", &[6000]),
    ("شارع", "الستين", &[6000]),
    ("ميدان", "السبعين", &[7000]),
];

/// What the number in a name of two words may be told as; see [`NAMES`].
pub(super) fn in_name(first: &str, second: &str) -> Option<Word> {
    let without_and = first.strip_prefix(['و', 'ف']).unwrap_or(first);
    let is_first = |name: &str| {
        [first, without_and].iter().any(|w| *w == name || w.strip_prefix(['ب', 'ك', 'ل']) == Some(name))
    };
    let found = NAMES.iter().find(|(name, then, _)| *then == second && is_first(name));
    found.map(|&(_, _, values)| Word::Loose(values))
}

/// What reports count in thousands and more, folded. Other words may follow `ألفا` that it does not count: it is `alpha` too.
const COUNTED: [&str; 60] = [
    "دولار",
    "يورو",
    "جنيه",
    "ليره",
    "ريال",
    "دينار",
    "درهم",
    "شيكل",
    "شيقل",
    "فرنك",
    "روبل",
    "شخص",
    "نسمه",
    "انسان",
    "نازح",
    "لاجئ",
    "مهجر",
    "مهاجر",
    "مدني",
    "مواطن",
    "قتيل",
    "جريح",
    "مصاب",
    "ضحيه",
    "عسكري",
    "جندي",
    "مقاتل",
    "عنصر",
    "مسلح",
    "شرطي",
    "موظف",
    "عامل",
    "معتقل",
    "سجين",
    "اسير",
    "طالب",
    "متظاهر",
    "محتج",
    "ناخب",
    "زائر",
    "طفل",
    "امراه",
    "رجل",
    "شاب",
    "اسره",
    "عائله",
    "منزل",
    "بيت",
    "مبني",
    "متر",
    "كيلومتر",
    "طن",
    "برميل",
    "لتر",
    "هكتار",
    "دونم",
    "حاله",
    "اصابه",
    "قذيفه",
    "صاروخ",
];

/// Whether a folded word is one of [`COUNTED`].
pub(super) fn is_counted(word: &str) -> bool {
    COUNTED.contains(&word)
}

/// Words that no number counts: what stands before one of them counts nothing, or is a name (`أحمد سبع من`).
const UNCOUNTED: [&str; 54] = [
    "في",
    "من",
    "علي",
    "عن",
    "مع",
    "ان",
    "او",
    "ام",
    "ثم",
    "حتي",
    "منذ",
    "امام",
    "خلال",
    "بين",
    "بينما",
    "قبل",
    "بعد",
    "عند",
    "عندما",
    "لدي",
    "ضد",
    "حول",
    "نحو",
    "وسط",
    "داخل",
    "خارج",
    "تحت",
    "فوق",
    "لكن",
    "بل",
    "قد",
    "لقد",
    "لم",
    "لن",
    "لا",
    "ليس",
    "ما",
    "كما",
    "حيث",
    "هذا",
    "هذه",
    "ذلك",
    "تلك",
    "هو",
    "هي",
    "هم",
    "كان",
    "كانت",
    "قال",
    "قالت",
    "امس",
    "مساء",
    "صباح",
    "فجر",
];

/// Words that reports count and that begin with و of themselves, folded.
const COUNTED_IN_WAW: [&str; 22] = [
    "وفاه",
    "وفيات",
    "وزير",
    "وزراء",
    "وزاره",
    "وزارات",
    "ولايه",
    "ولايات",
    "وحده",
    "وحدات",
    "وكاله",
    "وكالات",
    "وثيقه",
    "وثائق",
    "وجبه",
    "وجبات",
    "وفد",
    "وفود",
    "وظيفه",
    "وظائف",
    "ورشه",
    "وافد",
];

/// Whether a word, as written, may be what the number before it counts: `أشخاص`, `آليات` and not `الشخص`, `وشخص`, `في`.
pub(super) fn may_be_counted(word: &str) -> bool {
    let folded = fold_arabic(word);
    let has_and = folded.starts_with('و') && !COUNTED_IN_WAW.contains(&folded.as_str());
    !folded.is_empty() && !has_and && !word.starts_with("ال") && !UNCOUNTED.contains(&folded.as_str())
}

/// Words for a time of day, folded, behind the hour: `الثامنة صباحا`, `الثامنة من صباح اليوم`.
const DAYTIMES: [&str; 12] =
    ["صباحا", "صباح", "مساء", "ظهرا", "ظهر", "عصرا", "عصر", "فجرا", "فجر", "ليلا", "ليل", "بعد"];

/// Whether what stands behind an ordinal makes it a day or an hour: `الخامس من أيار`, `الثامنة صباحا`.
pub(super) fn is_of_time(after: &str) -> bool {
    let mut words = after.split_whitespace().map(fold_arabic);
    let first = words.next().unwrap_or_default();
    let word = if first == "من" { words.next().unwrap_or_default() } else { first };
    let is_month = || {
        matches!(lexicon::arabic(&word), Some((Word::Month(..), _)))
            || words.clone().next().is_some_and(|next| lexicon::arabic_two_word_month(&word, &next).is_some())
    };
    DAYTIMES.contains(&word.as_str()) || is_month()
}

/// Whether a word has the article, whatever else is written onto it: `والقرن`, `للشهر`.
pub(super) fn is_definite(word: &str) -> bool {
    let word: String = word.chars().filter(|&c| !is_arabic_diacritic(c)).collect();
    let word = word.strip_prefix(['و', 'ف']).unwrap_or(&word);
    let is_long =
        word.chars().count() >= 4 && !matches!(word, "التي" | "الذي" | "الذين" | "اللذين" | "الآن" | "الان");
    let noun = word.strip_prefix(['ب', 'ك']).unwrap_or(word);
    is_long && (noun.starts_with("ال") || word.starts_with("لل"))
}
