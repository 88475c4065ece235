//! Negations that got lost or came in: the fault that turns a report into its opposite.
//!
//! Languages deny in many ways, so only the plainest denials must be answered, and almost any negative word answers.

use crate::lang::words;

/// Particles that deny a verb or a clause, folded, a conjunction aside.
const FIRM: [&str; 9] = ["لم", "لن", "ليس", "ليست", "ليسوا", "لست", "لسنا", "ليسا", "لا"];

/// What makes `لا` no denial: `still`, `especially`, `no doubt`, `at least`, `at most`, `obviously`, `infinite`, `reflex`.
const AFTER_LA: [&str; 30] = [
    "يزال",
    "تزال",
    "يزالون",
    "تزالون",
    "نزال",
    "ازال",
    "زال",
    "زالت",
    "زالوا",
    "سيما",
    "بد",
    "شك",
    "يقل",
    "تقل",
    "محالة",
    "ريب",
    "سبيل",
    "يتجاوز",
    "تتجاوز",
    "يتعدي",
    "تتعدي",
    "يزيد",
    "تزيد",
    "جرم",
    "يخفي",
    "نهائي",
    "نهائية",
    "متناهي",
    "ارادي",
    "ارادية",
];

/// Words after which a denial says `only` or `but`, and needs no negative word in English.
const EXCEPTING: [&str; 7] = ["الا", "سوي", "فقط", "فحسب", "وحسب", "بل", "غير"];

/// Words that may become a negation in English without being one of [`FIRM`] …
const LOOSE: [&str; 18] = [
    "ما",
    "غير",
    "بدون",
    "بلا",
    "لولا",
    "كلا",
    "ابدا",
    "قط",
    "سوي",
    "الا",
    "ينفي",
    "تنفي",
    "نفت",
    "انعدام",
    "قلما",
    "بالكاد",
    "لئلا",
    "مستحيل",
];
/// … and beginnings of such.
const LOOSE_BEGINNINGS: [&str; 22] = [
    "دون",
    "عدم",
    "رفض",
    "ترفض",
    "يرفض",
    "رافض",
    "نفي",
    "فشل",
    "يفشل",
    "تفشل",
    "منع",
    "يمنع",
    "تمنع",
    "امتنع",
    "حظر",
    "يحظر",
    "تعذر",
    "يتعذر",
    "استحال",
    "عجز",
    "توقف",
    "تذكر",
];

/// English words that deny by themselves.
const DENIALS: [&str; 12] = [
    "not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without",
    "noone",
];
/// Those of them that do not come from nowhere: others are often a matter of style (`without charge`).
const PLAIN: [&str; 5] = ["not", "never", "nobody", "nothing", "cannot"];

/// Other words that answer a denial.
const NEGATIVE: [&str; 26] = [
    "rather",
    "too",
    "substandard",
    "only",
    "just",
    "unless",
    "until",
    "yet",
    "hardly",
    "barely",
    "rarely",
    "rare",
    "seldom",
    "scarcely",
    "few",
    "little",
    "less",
    "instead",
    "except",
    "impossible",
    "illegal",
    "zero",
    "longer",
    "ban",
    "bans",
    "disable",
];
/// Beginnings of such words. Few words in `dis`, `den` and `ban` deny anything (`displaced`, `district`, `Banias`), so those that do are
/// listed; of those in `un` most do.
const BEGINNINGS: &[&str] = &[
    "fail",
    "refus",
    "deny",
    "deni",
    "lack",
    "absen",
    "prevent",
    "avoid",
    "banned",
    "banning",
    "banish",
    "stop",
    "prohibit",
    "forbid",
    "forbad",
    "reject",
    "declin",
    "exclud",
    "miss",
    "depriv",
    "neglect",
    "ignor",
    "abstain",
    "abstent",
    "abstin",
    "withh",
    "un",
    "non",
    "asympt",
    "inadeq",
    "inabil",
    "inaccess",
    "incap",
    "incompl",
    "indisting",
    "ineff",
    "insuff",
    "irre",
    "disagre",
    "disallow",
    "disapprov",
    "disavow",
    "disbel",
    "disclaim",
    "disconnect",
    "discontent",
    "discontinu",
    "discourag",
    "disengag",
    "dishonest",
    "disinclin",
    "disinterest",
    "dislik",
    "disloyal",
    "dismiss",
    "disobe",
    "disown",
    "disprov",
    "disqualif",
    "disregard",
    "disrespect",
    "dissatisf",
    "dissent",
    "dissuad",
    "distrust",
];
/// What begins so and is not negative.
const NOT_NEGATIVE: &[&str] = &[
    "under", "unit", "unif", "unio", "uniq", "unanim", "univers", "unesco", "unicef", "unico", "unix",
    "unfortun", "unilater", "unveil", "uncover", "unearth", "unfold", "unleash", "unravel", "unrest",
    "missi", "missour", "stopover", "irrevoc",
];
/// Whole words that are not, whatever they begin or end with: the United Nations and their bodies before all.
const NEVER_NEGATIVE: &[&str] = &[
    "un",
    "unhcr",
    "unrwa",
    "undp",
    "unfpa",
    "unodc",
    "unops",
    "unaids",
    "unctad",
    "unmas",
    "unama",
    "unami",
    "unsmil",
    "undof",
    "unhrc",
    "unsc",
    "unga",
    "uncle",
    "uncles",
    "unto",
    "unborn",
    "nonetheless",
    "nevertheless",
    "regardless",
    "wireless",
    "bless",
];

/// Says which way a negation is off, if it is.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let words = words::words(source);
    let english: Vec<String> = target
        .split(|c: char| !c.is_alphabetic() && c != '\'' && c != '’')
        .map(|w| w.to_lowercase().replace('’', "'"))
        .collect();
    if let Some(particle) = firm_denial(&words)
        && !english.iter().any(|word| is_negative(word))
    {
        return Some(format!("the negation {particle} is missing in the translation"));
    }
    let is_plain = |(at, word): &(usize, &String)| {
        let is_choice = *at > 0 && english[*at - 1] == "or";
        !is_choice && (PLAIN.contains(&word.as_str()) || word.ends_with("n't"))
    };
    let (_, denial) = english.iter().enumerate().find(is_plain)?;
    let is_source_negative = |word: &String| {
        words::stems(word).any(|stem| {
            FIRM.contains(&stem)
                || LOOSE.contains(&stem)
                || LOOSE_BEGINNINGS.iter().any(|beginning| stem.starts_with(beginning))
        })
    };
    (!words.iter().any(is_source_negative)).then(|| format!("“{denial}” is not in the source"))
}

fn is_negative(word: &str) -> bool {
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
    if NEVER_NEGATIVE.contains(&word.strip_suffix("'s").unwrap_or(word)) {
        return false;
    }
    DENIALS.contains(&word)
        || word.ends_with("n't")
        || NEGATIVE.contains(&word)
        || word.ends_with("less")
        || (begins(BEGINNINGS) && !begins(NOT_NEGATIVE))
}

/// The first particle that must be answered.
fn firm_denial(words: &[String]) -> Option<&'static str> {
    let particle_of = |word: &String| {
        let bare = word.strip_prefix(['و', 'ف']).unwrap_or(word);
        FIRM.into_iter().find(|particle| *particle == word || *particle == bare)
    };
    words.iter().enumerate().find_map(|(at, word)| {
        let particle = particle_of(word)?;
        let rest = &words[at + 1..];
        let next = rest.first()?;
        // Yes or no.
        let is_answer = next == "نعم" || at > 0 && words[at - 1] == "نعم";
        if particle == "لا" && (is_answer || AFTER_LA.contains(&next.as_str())) {
            return None;
        }
        // `لم الشمل` is a family reunited.
        if particle == "لم" && next.trim_start_matches("ال").starts_with("شمل") {
            return None;
        }
        // `لم يكن إلا …` is `was only …`.
        let excepts = |w: &String| words::stems(w).any(|stem| EXCEPTING.contains(&stem));
        (!rest.iter().take(12).any(excepts)).then_some(particle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_answered_by_any_negative_word() {
        for (source, target, found) in [
            ("لم يصل الوفد", "The delegation did not arrive", false),
            ("لم يصل الوفد", "The delegation didn't arrive", false),
            ("لم يصل الوفد", "The delegation failed to arrive", false),
            ("لم يصل الوفد", "The delegation arrived", true),
            ("ولن يعود السكان", "The residents will return", true),
            ("ليس هناك ماء", "There is water", true),
            ("ليس هناك ماء", "There is a lack of water", false),
            ("لم يعد النازحون إلى منازلهم", "The displaced returned to their homes", true),
            ("لم تصل مساعدات الأمم المتحدة", "UN aid reached them", true),
            ("لم تصل مساعدات الأمم المتحدة", "the UN’s aid arrived", true),
            ("ولم تعلن اليونيسف عن خطة", "UNICEF announced a plan to combat the disease", true),
            ("لن تقصف الطائرات بانياس", "Planes will shell Banias", true),
            ("لم تفتح الجامعة أبوابها", "The university and its dental unit opened its doors", true),
            ("لم تصل المنظمة إلى المنطقة", "UNRWA reached the district", true),
            ("لم يصل الوفد", "The delegation arrived nonetheless", true),
            ("لم يعرف مصيره", "His fate is unknown", false),
            ("لم يعترف بذلك", "He denied it", false),
            ("لا يسمح بالتصوير", "Photography is banned", false),
            ("لم يوافق على ذلك", "He disagreed with that", false),
            ("لم يعثر عليه", "He is missing", true),
            ("لم يُعبث به", "It was untouched", false),
            ("في إطار لمّ الشمل", "as part of family reunification", false),
            ("حركة لا إرادية في اليد", "a reflex of the hand", false),
            ("لا يسمح بتشغيل الخدمة", "disable the service", false),
            ("لا تصل المساعدات", "Aid reaches disabled people", true),
            ("عدد لا نهائي من السبل", "an infinite number of ways", false),
            ("لا يزال الطريق مغلقاً", "The road is still closed", false),
            ("لا سيما الأطفال", "especially children", false),
            ("لم يصل إلا ثلاثة", "Three arrived", false),
            ("لا تقتربوا", "Keep away", true),
            ("وصل الوفد", "The delegation did not arrive", true),
            ("رفض الوفد الحضور", "The delegation did not attend", false),
            ("وصل الوفد", "The delegation arrived under guard", false),
            ("أشعر بألم في الصدر", "I have a pain in the chest", false),
            ("الحمى (نعم/لا)؛ هل قيست", "Fever (Y/N); measured", false),
            ("وصلوا من دونه", "They arrived without him, they didn't wait", false),
            ("سواء وصل أو تأخر", "whether he arrived or not", false),
        ] {
            assert_eq!(
                check(source, target).is_some(),
                found,
                "{source} / {target}: {:?}",
                check(source, target)
            );
        }
    }
}
