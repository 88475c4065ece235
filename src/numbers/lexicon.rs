//! The words that write numbers and months, in Arabic and English.
//!
//! Arabic forms stand here folded (see [`fold_arabic`]): one spelling for the many that writers use.

use crate::lang::{is_arabic_diacritic, is_bidi_control};

/// What a word contributes to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// 0 to 19; the Arabic forms of 10 also close a teen (`ثلاثة عشر`).
    Small(u8),
    /// Arabic 1 to 9 in the accusative (`خمسا`): they count before `وثلاثين`; alone many are another word or form.
    Accusative(u8, &'static [i64]),
    /// 20, 30 … 90.
    Tens(u8),
    /// `hundred`, `مئة`: 100 alone, times 100 after a number.
    Hundred,
    /// 100, 200 … 900 in one word.
    Hundreds(u16),
    /// A power of ten from a thousand on; alone it is one of them.
    Scale(u8),
    /// The plural of a power of ten: a number only after another (`5 آلاف`, but not `آلاف السكان`).
    PluralScale(u8),
    /// Arabic dual of a power of ten: `ألفين`, `مليونا`.
    DualScale(u8),
    /// 1st to 19th.
    Ordinal(u8),
    /// 20th, 30th … 90th.
    OrdinalTens(u8),
    /// Words such as `half` or `twice`, that answer for a number but need none themselves.
    Loose(&'static [i64]),
    /// Twelve: a number only after another (`two dozen`), else it just answers for one.
    Dozen,
    /// A decade: `the sixties`, `الستينيات`.
    Decade(u8),
    /// A month, and whether the word means nothing else.
    Month(u8, bool),
}

use Word::*;

/// Readings of words for halves, quarters and thirds: as a share of one, of an hour and of a hundred, and as the
/// denominator; `درجة ونصف` is one and a half. In hundredths.
const HALF: &[i64] = &[50, 3000, 5000, 600, 150];
const QUARTER: &[i64] = &[25, 1500, 2500, 400, 300];
const THIRD: &[i64] = &[33, 2000, 3300, 300];
const TWICE: &[i64] = &[200];
const ONCE: &[i64] = &[100];
const DECADE: &[i64] = &[1000];
const TWO_DECADES: &[i64] = &[2000, 1000, 200];
const CENTURY: &[i64] = &[10000];

/// The meaning of a lower-case English word.
pub(super) fn english(word: &str) -> Option<Word> {
    Some(match word {
        "zero" => Small(0),
        "one" => Small(1),
        "two" => Small(2),
        "three" => Small(3),
        "four" => Small(4),
        "five" => Small(5),
        "six" => Small(6),
        "seven" => Small(7),
        "eight" => Small(8),
        "nine" => Small(9),
        "ten" => Small(10),
        "eleven" => Small(11),
        "twelve" => Small(12),
        "thirteen" => Small(13),
        "fourteen" => Small(14),
        "fifteen" => Small(15),
        "sixteen" => Small(16),
        "seventeen" => Small(17),
        "eighteen" => Small(18),
        "nineteen" => Small(19),
        "twenty" => Tens(20),
        "thirty" => Tens(30),
        "forty" | "fourty" => Tens(40),
        "fifty" => Tens(50),
        "sixty" => Tens(60),
        "seventy" => Tens(70),
        "eighty" => Tens(80),
        "ninety" => Tens(90),
        "hundred" => Hundred,
        "thousand" => Scale(3),
        "million" | "mn" => Scale(6),
        "billion" | "bn" => Scale(9),
        "trillion" => Scale(12),
        "first" => Ordinal(1),
        "second" | "secondly" => Ordinal(2),
        "third" | "thirdly" => Ordinal(3),
        "fourth" | "fourthly" => Ordinal(4),
        "fifth" | "fifthly" => Ordinal(5),
        "sixth" | "sixthly" => Ordinal(6),
        "seventh" | "seventhly" => Ordinal(7),
        "eighth" | "eighthly" => Ordinal(8),
        "ninth" | "ninthly" => Ordinal(9),
        "tenth" | "tenthly" => Ordinal(10),
        "eleventh" => Ordinal(11),
        "twelfth" => Ordinal(12),
        "thirteenth" => Ordinal(13),
        "fourteenth" => Ordinal(14),
        "fifteenth" => Ordinal(15),
        "sixteenth" => Ordinal(16),
        "seventeenth" => Ordinal(17),
        "eighteenth" => Ordinal(18),
        "nineteenth" => Ordinal(19),
        "twentieth" => OrdinalTens(20),
        "thirtieth" => OrdinalTens(30),
        "fortieth" => OrdinalTens(40),
        "fiftieth" => OrdinalTens(50),
        "sixtieth" => OrdinalTens(60),
        "seventieth" => OrdinalTens(70),
        "eightieth" => OrdinalTens(80),
        "ninetieth" => OrdinalTens(90),
        "half" | "midway" => Loose(HALF),
        "quarter" | "quarters" | "quarterly" | "quarterback" => Loose(QUARTER),
        "thirds" => Loose(THIRD),
        "twice" | "double" | "doubled" | "doubling" | "both" | "pair" | "couple" | "dual" | "twin"
        | "twins" | "half-life" => Loose(TWICE),
        "once" | "a" | "an" | "single" | "another" | "each" | "per" => Loose(ONCE),
        "thrice" | "triple" | "tripled" | "trilogy" | "trio" => Loose(&[300]),
        "quadruple" | "quadrupled" | "quartet" => Loose(&[400]),
        "dozen" => Dozen,
        "decade" | "decades" => Loose(DECADE),
        "century" | "centuries" | "centennial" => Loose(CENTURY),
        "noon" | "midday" | "midnight" => Loose(&[1200, 0, 2400]),
        "millennium" | "millennia" => Loose(&[100000]),
        "fortnight" => Loose(&[1400, 1500, 200]),
        "weekly" => Loose(&[700]),
        "twenties" => Decade(20),
        "thirties" => Decade(30),
        "forties" => Decade(40),
        "fifties" => Decade(50),
        "sixties" => Decade(60),
        "seventies" => Decade(70),
        "eighties" => Decade(80),
        "nineties" => Decade(90),
        "january" | "jan" => Month(1, true),
        "february" | "feb" => Month(2, true),
        "march" => Month(3, false),
        "april" | "apr" => Month(4, true),
        "may" => Month(5, false),
        "june" => Month(6, true),
        "july" => Month(7, true),
        "august" => Month(8, false),
        "mar" | "jun" | "jul" | "aug" | "dec" => Month(english_abbreviation(word), false),
        "september" | "sept" => Month(9, true),
        "october" | "oct" => Month(10, true),
        "november" | "nov" => Month(11, true),
        "december" => Month(12, true),
        _ => return None,
    })
}

fn english_abbreviation(word: &str) -> u8 {
    match word {
        "mar" => 3,
        "jun" => 6,
        "jul" => 7,
        "aug" => 8,
        _ => 12,
    }
}

/// One spelling for the common variants of Arabic words: no diacritics or tatweel, bare alef, ي for ى,
/// و for ؤ, ه for ة.
pub(super) fn fold_arabic(word: &str) -> String {
    word.chars()
        .filter(|&c| !is_arabic_diacritic(c) && !is_bidi_control(c) && c != '\u{0640}')
        .map(|c| match c {
            'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
            'ى' | 'ی' => 'ي',
            'ؤ' => 'و',
            'ة' => 'ه',
            'ک' => 'ك',
            c => c,
        })
        .collect()
}

/// Whether a word, as written, is `وأحد`, "and one": without its hamza it is `واحد`.
pub(super) fn is_and_ahad(word: &str) -> bool {
    word.chars().filter(|&c| !is_arabic_diacritic(c)).eq("وأحد".chars())
}

/// The one of eleven and twenty-one, folded; alone it is "someone", or a day.
pub(super) fn is_ahad(word: &str) -> bool {
    word.ends_with("احد") || word.ends_with("احدي")
}

/// The meaning of a folded Arabic word, and whether it carries the conjunction و that joins it to the number before.
pub(super) fn arabic(word: &str) -> Option<(Word, bool)> {
    if let Some(found) = arabic_bare(word) {
        return Some((found, false));
    }
    let (and, rest) = match word.strip_prefix('و') {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix('ف').unwrap_or(word)),
    };
    let bare = |word: &str| match arabic_bare(word) {
        // Their tanwin bears no article: الثلاثا and الأربعا are days of the week.
        Some(Accusative(..)) if rest != word => None,
        found => found,
    };
    strip_particles(rest).into_iter().flatten().find_map(bare).map(|found| (found, and))
}

/// The word itself and the word without its preposition and article.
fn strip_particles(word: &str) -> [Option<&str>; 4] {
    let article = |w| str::strip_prefix(w, "ال");
    let preposition = word.strip_prefix(['ب', 'ك', 'ل']);
    [
        Some(word),
        article(word).or_else(|| word.strip_prefix("لل")),
        preposition.and_then(article),
        // لست is far more often "I am not" than "for six".
        preposition.filter(|&rest| rest != "ست"),
    ]
}

/// The conjunction and preposition that are written onto the number or month at the beginning of `written`; its article
/// belongs to it.
pub(super) fn particles(written: &str) -> &str {
    let first = written.split_whitespace().next().unwrap_or_default();
    let folded = fold_arabic(first);
    let is_bare = |word: &str| {
        let word = word.strip_prefix("ال").unwrap_or(word);
        arabic_bare(word).is_some() || matches!(word, "كانون" | "تشرين")
    };
    // Folded it is `واحد`, one.
    if is_and_ahad(first) {
        return &first[..'و'.len_utf8()];
    }
    let mut rest = folded.as_str();
    for particles in [&['و', 'ف'][..], &['ب', 'ك', 'ل']] {
        if is_bare(rest) {
            break;
        }
        rest = rest.strip_prefix(particles).unwrap_or(rest);
    }
    // للثالث: the article of لل has lost its alef.
    let taken = folded.chars().count() - rest.chars().count();
    let end = first.char_indices().filter(|&(_, c)| !is_arabic_diacritic(c)).nth(taken);
    if is_bare(rest) || rest.strip_prefix('ل').is_some_and(is_bare) {
        end.map_or(first, |(at, _)| &first[..at])
    } else {
        ""
    }
}

/// Whether a folded word is the hundred of a percentage: في المئة, بالمئة.
pub(super) fn is_definite_hundred(word: &str) -> bool {
    matches!(word.strip_prefix('ب').unwrap_or(word), "المئه" | "المائه" | "الميه" | "المايه")
}

fn arabic_bare(word: &str) -> Option<Word> {
    arabic_cardinal(word)
        .or_else(|| arabic_ordinal(word))
        .or_else(|| arabic_loose(word))
        .or_else(|| arabic_month(word))
}

fn arabic_cardinal(word: &str) -> Option<Word> {
    Some(match word {
        "صفر" => Small(0),
        "واحد" | "واحده" => Small(1),
        "اثنان" | "اثنين" | "اثنتان" | "اثنتين" | "اثنا" | "اثني" | "اثنتا" | "اثنتي" | "إثنان" => {
            Small(2)
        }
        "ثلاث" | "ثلاثه" => Small(3),
        "اربع" | "اربعه" => Small(4),
        "خمس" | "خمسه" => Small(5),
        "ست" | "سته" => Small(6),
        "سبع" | "سبعه" => Small(7),
        "ثمان" | "ثماني" | "ثمانيه" => Small(8),
        "تسع" | "تسعه" => Small(9),
        "عشر" | "عشره" => Small(10),
        "واحدا" => Accusative(1, ONCE),
        "ثلاثا" => Accusative(3, &[300]),
        "اربعا" => Accusative(4, &[400]),
        "خمسا" => Accusative(5, &[500]),
        "ستا" => Accusative(6, &[600]),
        "سبعا" => Accusative(7, &[700]),
        "ثمانيا" => Accusative(8, &[800]),
        "تسعا" => Accusative(9, &[900]),
        "عشرون" | "عشرين" => Tens(20),
        "ثلاثون" | "ثلاثين" => Tens(30),
        "اربعون" | "اربعين" => Tens(40),
        "خمسون" | "خمسين" => Tens(50),
        "ستون" | "ستين" => Tens(60),
        "سبعون" | "سبعين" => Tens(70),
        "ثمانون" | "ثمانين" => Tens(80),
        "تسعون" | "تسعين" => Tens(90),
        "مئه" | "مائه" | "ميه" | "مايه" => Hundred,
        "مئتان" | "مئتين" | "مئتا" | "مئتي" | "مائتان" | "مائتين" | "مائتا" | "مائتي" => {
            Hundreds(200)
        }
        "الف" | "الفا" => Scale(3),
        "الاف" => PluralScale(3),
        "الفان" | "الفين" | "الفي" => DualScale(3),
        "مليون" | "مليونا" => Scale(6),
        "ملايين" => PluralScale(6),
        "مليونان" | "مليونين" | "مليوني" => DualScale(6),
        "مليار" | "مليارا" | "بليون" | "بليونا" => Scale(9),
        "مليارات" | "بلايين" => PluralScale(9),
        "ملياران" | "مليارين" | "ملياري" | "بليونين" | "بليوني" => {
            DualScale(9)
        }
        "تريليون" | "تريليونا" | "ترليون" => Scale(12),
        "تريليونات" => PluralScale(12),
        "تريليوني" | "تريليونين" => DualScale(12),
        _ => return fused_hundred(word),
    })
}

/// ثلاثمئة, أربعمائة …
fn fused_hundred(word: &str) -> Option<Word> {
    let stem = ["مئه", "مائه", "ميه", "مايه"].iter().find_map(|hundred| word.strip_suffix(hundred))?;
    let units = match stem {
        "ثلاث" => 3,
        "اربع" => 4,
        "خمس" => 5,
        "ست" => 6,
        "سبع" => 7,
        "ثمان" | "ثماني" => 8,
        "تسع" => 9,
        _ => return None,
    };
    Some(Hundreds(units * 100))
}

fn arabic_ordinal(word: &str) -> Option<Word> {
    Some(match word {
        "اول" | "اولي" | "حادي" | "حاديه" | "احدي" | "احد" => Ordinal(1),
        "ثان" | "ثاني" | "ثانيه" | "ثانيا" => Ordinal(2),
        "ثالث" | "ثالثه" | "ثالثا" => Ordinal(3),
        "رابع" | "رابعه" | "رابعا" => Ordinal(4),
        "خامس" | "خامسه" | "خامسا" => Ordinal(5),
        "سادس" | "سادسه" | "سادسا" => Ordinal(6),
        "سابع" | "سابعه" | "سابعا" => Ordinal(7),
        "ثامن" | "ثامنه" | "ثامنا" => Ordinal(8),
        "تاسع" | "تاسعه" | "تاسعا" => Ordinal(9),
        "عاشر" | "عاشره" | "عاشرا" => Ordinal(10),
        _ => return None,
    })
}

fn arabic_loose(word: &str) -> Option<Word> {
    if let Some(stem) = word.strip_suffix("يات").or_else(|| word.strip_suffix("ات")) {
        let stem = stem.strip_suffix("يني").map(|s| format!("{s}ين")).unwrap_or_else(|| stem.to_owned());
        if let Some(Tens(tens)) = arabic_cardinal(&stem) {
            return Some(Decade(tens));
        }
    }
    Some(match word {
        "نصف" | "نصفا" | "منتصف" => Loose(HALF),
        "ربع" | "ربعا" | "ارباع" | "ربعي" | "ربعيه" => Loose(QUARTER),
        "ثلث" | "ثلثا" | "ثلثي" | "ثلثين" | "اثلاث" => Loose(THIRD),
        "خمسي" | "اخماس" => Loose(&[20, 2000, 500]),
        "مره" => Loose(ONCE),
        "كلا" | "كلتا" | "ضعف" | "مضاعفه" | "ثنائي" | "ثنائيه" | "زوج" | "كلاهما" => {
            Loose(TWICE)
        }
        "ثلاثي" | "ثلاثيه" => Loose(&[300]),
        "رباعي" | "رباعيه" => Loose(&[400]),
        "خماسي" | "خماسيه" => Loose(&[500]),
        "سداسي" => Loose(&[600]),
        "سباعي" => Loose(&[700]),
        "اسبوعين" | "اسبوعان" => Loose(&[200, 1400, 1500]),
        "عقد" => Loose(DECADE),
        "عقدين" | "عقدان" | "عقدا" | "عقدي" => Loose(TWO_DECADES),
        "قرن" => Loose(CENTURY),
        "الفيه" => Loose(&[100000, 200000]),
        "دزينه" => Dozen,
        "قرنين" | "قرنان" => Loose(&[20000, 200]),
        _ => return None,
    })
}

/// Month names of Egypt and the Gulf, of the Levant and Iraq, and of the Maghreb (CLDR `ar-EG`, `ar-SY`, `ar-TN`,
/// `ar-DZ`, `ar-MA`). `كانون` and `تشرين` need the word after them: see [`arabic_two_word_month`].
fn arabic_month(word: &str) -> Option<Word> {
    Some(match word {
        "يناير" | "جانفي" => Month(1, true),
        "شباط" | "فبراير" | "فيفري" => Month(2, true),
        "اذار" => Month(3, true),
        "مارس" => Month(3, false),
        "ابريل" | "افريل" => Month(4, true),
        "نيسان" => Month(4, false),
        "ايار" | "مايو" => Month(5, true),
        "ماي" => Month(5, false),
        "حزيران" | "يونيو" | "يونيه" => Month(6, true),
        "جوان" => Month(6, false),
        "تموز" | "يوليو" | "يوليه" | "جويليه" | "يوليوز" => Month(7, true),
        "اغسطس" | "غشت" => Month(8, true),
        "اب" | "اوت" => Month(8, false),
        "ايلول" | "سبتمبر" | "شتنبر" => Month(9, true),
        "اكتوبر" => Month(10, true),
        "نوفمبر" | "نونبر" => Month(11, true),
        "ديسمبر" | "دجنبر" => Month(12, true),
        _ => return None,
    })
}

/// The Levantine months of two words.
pub(super) fn arabic_two_word_month(first: &str, second: &str) -> Option<u8> {
    let first = first.trim_start_matches(['و', 'ل', 'ب']);
    Some(match (first, second) {
        ("كانون", "الثاني") => 1,
        ("تشرين", "الاول") => 10,
        ("تشرين", "الثاني") => 11,
        ("كانون", "الاول") => 12,
        _ => return None,
    })
}

/// Whether a word, as written, may be the dual of a power of ten before what it counts: `مليونا دولار`. With its tanwin it is
/// the accusative, which otherwise looks the same.
pub(super) fn may_be_dual(word: &str) -> bool {
    let folded = fold_arabic(word);
    let bare = folded.strip_prefix(['و', 'ف']).unwrap_or(&folded);
    matches!(bare, "الفا" | "مليونا" | "مليارا" | "بليونا" | "تريليونا") && !word.contains('\u{64b}')
}

/// Whether a number, as written, is a cardinal of the form that counts what is masculine (`سبعة`): no name is.
pub(super) fn is_masculine_cardinal(word: &str) -> bool {
    let folded = fold_arabic(word);
    let bare = folded.strip_prefix(['و', 'ف']).unwrap_or(&folded);
    matches!(arabic_cardinal(bare), Some(Small(3..=10))) && bare.ends_with('ه')
}

/// Whether a number, without what [`particles`] finds, has the article: `السبعين`, but not `ألفين`.
pub(super) fn has_article(number: &str) -> bool {
    let folded = fold_arabic(number);
    let article = folded.strip_prefix("ال").or_else(|| folded.strip_prefix('ل'));
    article.is_some_and(|rest| arabic_bare(rest).is_some())
}

/// The first that opens no teen: أول عشر دقائق are ten minutes, not eleven.
pub(super) fn is_first(word: &str) -> bool {
    word.ends_with("اول") || word.ends_with("اولي")
}

/// Whether a folded Arabic word looks like a dual noun (`شخصان`, `يومين`), which may stand for the number 2.
pub(super) fn looks_dual(word: &str) -> bool {
    word.chars().count() >= 5
        && ["ان", "ين", "تا", "تي", "اهما", "هما", "يهما"].iter().any(|suffix| word.ends_with(suffix))
}

/// English name of a month, 1 to 12.
pub(super) fn month_name(month: u8) -> &'static str {
    const NAMES: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    NAMES.get(usize::from(month).wrapping_sub(1)).copied().unwrap_or("")
}

/// The value of an upper-case Roman numeral below 40.
pub(super) fn roman(word: &str) -> Option<i64> {
    if word.is_empty() || word.len() > 7 {
        return None;
    }
    let mut total = 0;
    let mut before = 10;
    for c in word.chars() {
        let value = match c {
            'I' => 1,
            'V' => 5,
            'X' => 10,
            _ => return None,
        };
        if value > before {
            total -= 2 * before;
        }
        total += value;
        before = value;
    }
    Some(total)
}
