//! Sentence ends that no mark shows, as newswire has them once its line breaks are lost: a headline runs into its
//! dateline (`… الالمانية برلين 15-7 (اف ب) - افادت`) or straight into the lead, and a stop is missing before
//! `وأضاف`. Each rule asks for two independent signs, so that ordinary prose is left alone.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::Range;

use super::split::enclosed;
use super::words::{fold, is_reporting};
use crate::lang::digit_value;

/// Positions within `range` of `text`, which holds no marked sentence end, where a new sentence begins, in order.
/// `is_first` says that `range` begins the block, where a headline may stand.
pub(super) fn unmarked_ends(
    text: &str,
    range: Range<usize>,
    is_first: bool,
    enclosures: &[Range<usize>],
) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut from = range.start;
    if let Some(at) = dateline(text, range.clone()) {
        ends.push(at);
        from = at;
    } else if is_first && let Some(at) = lead(text, range.clone(), enclosures) {
        ends.push(at);
        from = at;
    }
    missing_stops(text, from..range.end, enclosures, &mut ends);
    ends
}

// --- datelines

/// News agencies, folded and without stops and spaces.
const AGENCIES: [&str; 51] = [
    "افب",
    "رويترز",
    "رويتر",
    "دبا",
    "اب",
    "يوبي",
    "يوبياي",
    "شينخوا",
    "سانا",
    "وات",
    "واس",
    "وام",
    "كونا",
    "قنا",
    "بنا",
    "وفا",
    "اشا",
    "بترا",
    "واج",
    "واص",
    "وكالات",
    "الوكالات",
    "ايتارتاس",
    "تاس",
    "انترفاكس",
    "نوفوستي",
    "سبوتنيك",
    "الاناضول",
    "ارنا",
    "ايرنا",
    "تسنيم",
    "فارس",
    "معا",
    "صفا",
    "سما",
    "كيودو",
    "انسا",
    "اكي",
    "سونا",
    "سبا",
    "نينا",
    "واع",
    "وال",
    "وما",
    "الحياه",
    "النهار",
    "الشرقالاوسط",
    "الجزيره",
    "afp",
    "reuters",
    "dpa",
];

/// Months as news writes them: Gregorian, Levantine, Maghrebi and Hijri names, first words only.
const MONTHS: [&str; 43] = [
    "يناير",
    "فبراير",
    "مارس",
    "ابريل",
    "مايو",
    "يونيو",
    "يوليو",
    "اغسطس",
    "سبتمبر",
    "اكتوبر",
    "نوفمبر",
    "ديسمبر",
    "كانون",
    "شباط",
    "اذار",
    "نيسان",
    "ايار",
    "حزيران",
    "تموز",
    "اب",
    "ايلول",
    "تشرين",
    "جانفي",
    "فيفري",
    "افريل",
    "ماي",
    "جوان",
    "جويليه",
    "اوت",
    "يوليوز",
    "غشت",
    "شتنبر",
    "نونبر",
    "دجنبر",
    "محرم",
    "صفر",
    "ربيع",
    "جمادي",
    "رجب",
    "شعبان",
    "رمضان",
    "شوال",
    "ذو",
];

/// First words of places of two words.
const PLACE_HEADS: [&str; 41] = [
    "رام",
    "تل",
    "ابو",
    "دير",
    "بيت",
    "خان",
    "بني",
    "عين",
    "راس",
    "سان",
    "سانت",
    "سانتا",
    "ساو",
    "نيو",
    "لوس",
    "لاس",
    "ريو",
    "بور",
    "بورت",
    "بوينس",
    "بوينوس",
    "كوالا",
    "اديس",
    "بنوم",
    "هونغ",
    "هونج",
    "كيب",
    "شرم",
    "ام",
    "حفر",
    "جبل",
    "وادي",
    "نهر",
    "مزار",
    "جلال",
    "اسلام",
    "دار",
    "كامب",
    "كفر",
    "دي",
    "سيدي",
];

/// Second words of places of two words.
const PLACE_TAILS: [&str; 6] = ["المحتله", "المنوره", "المكرمه", "سيتي", "اباد", "لمبور"];

/// Where the dateline of an article begins, if a headline stands before it: `PLACE 15-7 (AGENCY) -`,
/// `PLACE (AGENCY) -`, `PLACE 15 يوليو / AGENCY /`, `PLACE - "AGENCY":`, `PLACE-AGENCY`.
fn dateline(text: &str, range: Range<usize>) -> Option<usize> {
    let sentence = &text[range.clone()];
    sentence.match_indices(['(', '/', '-', '–', '—']).find_map(|(at, opening)| {
        let head = sentence[..at].trim_end();
        let is_dateline = match opening {
            "(" => parenthesised_agency(&sentence[at..], ')', head),
            "/" => parenthesised_agency(&sentence[at..], '/', head),
            _ => dashed_agency(&sentence[at + opening.len()..]),
        };
        let place = is_dateline.then(|| place_start(head)).flatten()?;
        (sentence[..place].split_whitespace().nth(1).is_some()).then_some(range.start + place)
    })
}

/// `(اف ب) -` or, after a date, `(اف ب)`.
fn parenthesised_agency(rest: &str, close: char, head: &str) -> bool {
    let Some((name, after)) = bounded_until(&rest[1..], close) else { return false };
    let after = after.trim_start();
    is_agency(name) && (after.starts_with(['-', '–', '—', ':', '_', 'ـ']) || date_start(head).is_some())
}

/// `- سانا …`, `- "الحياة" …`, `– من هشام ملحم:` after the place.
fn dashed_agency(rest: &str) -> bool {
    let rest = rest.trim_start();
    let quoted = rest.strip_prefix(['"', '«', '“']);
    if let Some(inner) = quoted {
        let close = if rest.starts_with('«') {
            '»'
        } else if rest.starts_with('“') {
            '”'
        } else {
            '"'
        };
        return bounded_until(inner, close).is_some_and(|(name, _)| is_agency(name));
    }
    // Without a bound each dash of a long rule would be followed to its end.
    let mut words = rest[..rest.floor_char_boundary(96)].split_whitespace();
    let Some(first) = words.next() else { return false };
    if first == "من" {
        return words.take(4).any(|word| word.ends_with(':'));
    }
    matches!(
        fold(first.trim_end_matches([':', '-', '،'])).as_str(),
        "سانا" | "رويترز" | "الوكالات" | "وكالات" | "شينخوا" | "وام" | "واس" | "كونا"
    )
}

/// `text` up to `close` and after it, if that is near.
fn bounded_until(text: &str, close: char) -> Option<(&str, &str)> {
    let near = &text[..text.floor_char_boundary(48)];
    let end = near.find(close)?;
    Some((&text[..end], &text[end + close.len_utf8()..]))
}

fn is_agency(name: &str) -> bool {
    let is_known = |part: &str| {
        let bare: String = fold(part).chars().filter(|c| c.is_alphanumeric()).collect();
        AGENCIES.contains(&bare.to_lowercase().as_str())
    };
    is_known(name) || name.split(['،', ',', '-', '/']).all(is_known)
}

/// Where the place begins in `head`, the text up to the agency or dash: one word, or two where the first is known
/// to begin a name, before a date and a bracketed detail.
fn place_start(head: &str) -> Option<usize> {
    let mut head = date_start(head).map_or(head, |at| head[..at].trim_end());
    if head.ends_with(')') {
        let open = head.rfind('(').filter(|open| head.len() - open <= 64)?;
        head = head[..open].trim_end();
    }
    let mut start = word_start(head);
    head[start..].chars().next().filter(|c| c.is_alphabetic())?;
    for _ in 0..2 {
        let before = head[..start].trim_end();
        let previous = word_start(before);
        let word = fold(&before[previous..]);
        let bare = word.trim_start_matches(['"', '(']);
        let is_tail = PLACE_TAILS.contains(&fold(head[start..].trim_end()).as_str());
        if before.is_empty() || !(PLACE_HEADS.contains(&bare) || is_tail) {
            break;
        }
        start = previous;
    }
    Some(start)
}

/// Where a date at the end of `head` begins: `15-7`, `15/7/2000`, `15 يوليو`, `اول يناير 2001`.
fn date_start(head: &str) -> Option<usize> {
    let last = word_start(head);
    let word = &head[last..];
    let digits = |word: &str| !word.is_empty() && word.chars().all(|c| digit_value(c).is_some());
    let parts: Vec<_> = word.split(['-', '/']).collect();
    if (2..=3).contains(&parts.len()) && parts.iter().all(|p| digits(p) && p.chars().count() <= 4) {
        return Some(last);
    }
    let mut at = last;
    if digits(word) && word.chars().count() == 4 {
        at = word_start(head[..at].trim_end());
    }
    // Months of two words: تشرين الاول, كانون الثاني.
    for _ in 0..2 {
        let month = fold(head[at..].split_whitespace().next()?);
        if MONTHS.contains(&month.as_str()) {
            let before = head[..at].trim_end();
            let day = word_start(before);
            return (digits(&before[day..]) || fold(&before[day..]) == "اول").then_some(day);
        }
        at = word_start(head[..at].trim_end());
    }
    None
}

fn word_start(text: &str) -> usize {
    text.rfind(char::is_whitespace).map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8))
}

// --- headline and lead

/// Verbs with which leads begin, besides those of saying: perfect, third person singular masculine. Verbs that
/// also join what precedes them (كان) or read as nouns and prepositions (بين، عبر، ضبط) are left out.
const LEAD_VERBS: [&str; 98] = [
    "اصدر",
    "قرر",
    "وجه",
    "هدد",
    "هنا",
    "استنكر",
    "اعتقل",
    "اوقف",
    "القي",
    "قتل",
    "اصيب",
    "لقي",
    "تمكن",
    "شهد",
    "انطلق",
    "وصل",
    "غادر",
    "التقي",
    "استقبل",
    "اجتمع",
    "عقد",
    "بحث",
    "ناقش",
    "وقع",
    "وافق",
    "صادق",
    "اقام",
    "افتتح",
    "دشن",
    "شارك",
    "فاز",
    "خسر",
    "سجل",
    "حقق",
    "ارتفع",
    "انخفض",
    "تراجع",
    "هبط",
    "بلغ",
    "تجاوز",
    "ايد",
    "عارض",
    "انتقد",
    "هاجم",
    "استهدف",
    "قصف",
    "سيطر",
    "استعاد",
    "حرر",
    "دخل",
    "خرج",
    "عاد",
    "تعرض",
    "تسبب",
    "ادي",
    "اندلع",
    "شن",
    "نفذ",
    "اطلق",
    "احبط",
    "عثر",
    "فكك",
    "احتجز",
    "افرج",
    "حكم",
    "قضي",
    "احال",
    "استمع",
    "استعان",
    "اتخذ",
    "شرع",
    "تقدم",
    "تلقي",
    "تسلم",
    "اقال",
    "استقال",
    "انتخب",
    "رشح",
    "توفي",
    "مات",
    "اثار",
    "تفجر",
    "نجح",
    "فشل",
    "تم",
    "جد",
    "جدت",
    "اعترض",
    "برر",
    "انهي",
    "استيقظ",
    "اعلنت",
    "تفطن",
    "استانف",
    "الغي",
    "اجل",
    "علق",
    "انسحب",
];

/// Verbs of saying that are no sign of a lead, for the same reason.
const AMBIGUOUS_VERBS: [&str; 8] = ["كان", "كانت", "بين", "بينت", "عبر", "عبرت", "راح", "راحت"];

/// Words after which a verb does not begin a sentence.
const BINDERS: [&str; 34] = [
    "الذي",
    "التي",
    "الذين",
    "ان",
    "قد",
    "لم",
    "ما",
    "كان",
    "كانت",
    "حيث",
    "كما",
    "بعدما",
    "عندما",
    "فيما",
    "بينما",
    "لقد",
    "لا",
    "لن",
    "اذا",
    "لو",
    "من",
    "في",
    "علي",
    "الي",
    "عن",
    "منذ",
    "مما",
    "حين",
    "حتي",
    "هل",
    "وقد",
    "الا",
    "ثم",
    "او",
];

/// Shortest and longest headline, in words.
const HEADLINE_WORDS: Range<usize> = 3..21;

/// Where the lead begins in a sentence that starts with an unmarked headline. Two signs are needed: a verb that
/// leads begin with, standing where a headline of usual length would end, and after it the headline's own words
/// again, since a lead retells its headline.
fn lead(text: &str, range: Range<usize>, enclosures: &[Range<usize>]) -> Option<usize> {
    let sentence = &text[range.clone()];
    let words: Vec<(usize, &str)> = word_indices(sentence).take(HEADLINE_WORDS.end + LEAD_WINDOW).collect();
    if words.len() < HEADLINE_WORDS.start + MIN_LEAD_WORDS {
        return None;
    }
    let last = HEADLINE_WORDS.end.min(words.len() - MIN_LEAD_WORDS);
    let folded: Vec<String> = words[..last].iter().map(|(_, word)| fold(word)).collect();
    let stems = LazyCell::new(|| words.iter().map(|(_, word)| stem(&fold(word))).collect::<Vec<_>>());
    (HEADLINE_WORDS.start..last).find_map(|at| {
        let (offset, _) = words[at];
        let before = words[at - 1].1;
        let begins = is_lead_verb(&folded[at])
            && !words[at].1.contains(DAMMA)
            && !BINDERS.contains(&folded[at - 1].as_str())
            && !before.ends_with(['،', ',', ':', '؛', '-', '–', '(', '«'])
            && enclosed(enclosures, range.start + offset).is_none();
        if !begins {
            return None;
        }
        let headline: HashSet<&str> = stems[..at].iter().flatten().map(String::as_str).collect();
        let lead = stems[at..].iter().take(LEAD_WINDOW).flatten().map(String::as_str).collect();
        let retold = headline.intersection(&lead).count();
        // "فلان : …" names who speaks, and the lead then says that he did.
        let names_speaker = words[..at.min(SPEAKER_WORDS)].iter().any(|(_, word)| word.ends_with(':'));
        let share =
            if names_speaker && is_reporting(&folded[at]) { MIN_RETOLD_BY_SPEAKER } else { MIN_RETOLD };
        (retold >= 2 && retold * 100 >= headline.len() * share).then_some(range.start + offset)
    })
}

/// Where it is written, the verb is passive (أُطلق), and mostly belongs to what precedes it.
const DAMMA: char = '\u{64F}';

/// Words of the lead that are compared with the headline.
const LEAD_WINDOW: usize = 30;
const MIN_LEAD_WORDS: usize = 6;
/// Share of the headline's words, in per cent, that the lead must retell.
const MIN_RETOLD: usize = 25;
/// The same where the headline quotes somebody.
const MIN_RETOLD_BY_SPEAKER: usize = 12;
/// Words in which a quoting headline names its speaker.
const SPEAKER_WORDS: usize = 8;

fn is_lead_verb(folded: &str) -> bool {
    (is_reporting(folded) && !AMBIGUOUS_VERBS.contains(&folded))
        || LEAD_VERBS.contains(&folded)
        || folded.strip_suffix('ت').is_some_and(|verb| LEAD_VERBS.contains(&verb))
}

/// The word without common affixes, or none where it carries too little meaning to be compared.
fn stem(folded: &str) -> Option<String> {
    let word = folded.trim_matches(|c: char| !c.is_alphanumeric());
    let long = |rest: &&str| rest.chars().filter(|c| c.is_alphabetic()).count() >= 3;
    let mut stem = word;
    for prefix in ["وال", "بال", "كال", "فال", "لل", "ال", "و", "ب", "ل", "ف"] {
        if let Some(rest) = stem.strip_prefix(prefix).filter(long) {
            stem = rest;
            break;
        }
    }
    for suffix in ["ات", "ين", "ون", "ان", "ها", "يه", "ه", "ي", "ا"] {
        if let Some(rest) = stem.strip_suffix(suffix).filter(long) {
            stem = rest;
            break;
        }
    }
    let is_number = !word.is_empty() && word.chars().all(|c| digit_value(c).is_some());
    (is_number || (long(&stem) && !BINDERS.contains(&word))).then(|| stem.to_owned())
}

// --- missing stops

/// `وأضاف` after a full clause with no mark before it: the stop was forgotten.
fn missing_stops(text: &str, range: Range<usize>, enclosures: &[Range<usize>], ends: &mut Vec<usize>) {
    let mut from = range.start;
    let sentence = &text[range.clone()];
    for verb in ["اضاف", "أضاف"] {
        for (at, _) in sentence.match_indices(verb) {
            let Some(before) = sentence[..at].strip_suffix('و') else { continue };
            let rest = &sentence[at + verb.len()..];
            let is_word = rest.strip_prefix('ت').unwrap_or(rest).starts_with(char::is_whitespace);
            let is_unmarked = before
                .trim_end()
                .ends_with(|c: char| c.is_alphanumeric() || matches!(c, '"' | '»' | '”' | ')'));
            let start = range.start + before.len();
            let enough = |words: &str, n: usize| words.split_whitespace().nth(n).is_some();
            if is_word
                && before.ends_with(char::is_whitespace)
                && is_unmarked
                && start > from
                && enough(&text[from..start], MIN_CLAUSE_WORDS)
                && enough(rest, 2)
                && enclosed(enclosures, start).is_none()
            {
                ends.push(start);
                from = start;
            }
        }
    }
    ends.sort_unstable();
}

/// Fewer words before `وأضاف` are no full clause (`صرح وأضاف`).
const MIN_CLAUSE_WORDS: usize = 6;

fn word_indices(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

#[cfg(test)]
mod tests {
    use super::super::split::sentences;
    use super::dashed_agency;

    fn check(marked: &str) {
        let text = marked.replace('|', "");
        let expected: Vec<_> = marked.split('|').map(str::trim).collect();
        let found: Vec<_> = sentences(&text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_headline_ends_before_the_dateline() {
        for case in [
            "برلين ترفض بيع رخصة تصنيع الدبابة |برلين 15-7 (اف ب) - افادت صحيفة ان المستشار رفض ذلك.",
            "مقتل ثلاثة في غارة على المخيم |رام الله (الضفة الغربية) 3-10 (أ ف ب) - قتل ثلاثة اليوم.",
            "وصول قافلة مساعدات إلى المدينة |دمشق-سانا وصلت اليوم قافلة مساعدات.",
            "انعقاد المؤتمر السنوي للجمعية |بكين 15 يوليو (شينخوا) بدأت اليوم أعمال المؤتمر.",
            "خلاف جديد حول الميزانية |بيروت - \"الحياة\" - تجدد الخلاف أمس.",
            "انفجار في وسط العاصمة |بغداد (رويترز) - قال شهود إن انفجاراً وقع.",
        ] {
            check(case);
        }
    }

    #[test]
    fn a_dash_is_looked_behind_no_further_than_a_dateline_reaches() {
        assert!(dashed_agency("من مراسلنا: قال"));
        assert!(!dashed_agency(&format!("من {}: قال", "ا".repeat(100))));
    }

    #[test]
    fn a_dateline_stays_with_its_sentence() {
        for case in [
            "بيروت (اف ب) - قال شهود إن انفجاراً وقع.",
            "دمشق - سانا أعلنت الوزارة بدء الحملة.",
            "نقلت (سي.إن.إن) عن مصدر، وقالت (رويترز) إن الخبر صحيح.",
        ] {
            check(case);
        }
    }

    #[test]
    fn a_headline_ends_before_a_lead_that_retells_it() {
        for case in [
            "القضاء يبطل قرار ترامب حظر السفر |أيد القضاء الأمريكي تعليق قرار الرئيس دونالد ترامب، بشأن حظر سفر بعض الجنسيات.",
            "تفكيك شبكة مختصة في ترويج المواد المخدرة في أريانة |أعلنت وزارة الداخلية في بلاغ لها عن تفكيك شبكة مختصة في ترويج المخدرات.",
        ] {
            check(case);
        }
        check("الرئيس الذي زار المدينة قبل عام أعلن أمس أنه سيعود إليها مع وفد كبير من الخبراء.");
    }

    #[test]
    fn a_stop_is_missing_before_wa_adafa() {
        check("وتقدر قيمة المحجوز بنحو 24 ألف دينار |واضاف البلاغ ان البحث مستمر.");
        check("وقال الوزير في تصريحه أمس إن الأمر خطير، وأضاف أن الوقت ضيق.");
    }
}
