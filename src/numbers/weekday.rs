//! Days of the week: whether those of a source stand in its target, and where they do not, the source with them in English.

use crate::lang::words;

/// Arabic name, folded, and English one. Without their article two of them are numbers.
const DAYS: [(&str, &str); 7] = [
    ("الاحد", "Sunday"),
    ("الاثنين", "Monday"),
    ("ثلاثاء", "Tuesday"),
    ("اربعاء", "Wednesday"),
    ("خميس", "Thursday"),
    ("جمعة", "Friday"),
    ("سبت", "Saturday"),
];

/// Words after which the next is a day's name and nothing else: `الأحد` may be `the one`, `الاثنين` `the two`.
const BEFORE: [&str; 13] =
    ["يوم", "مساء", "صباح", "ليلة", "فجر", "ظهر", "عصر", "نهار", "امس", "غدا", "ايام", "يومي", "اليوم"];

/// Feasts that have a day in their name, without its article: Palm Sunday, Easter Sunday and Monday.
const FEASTS: [(&str, &str); 4] =
    [("احد", "الشعانين"), ("احد", "الفصح"), ("احد", "القيامة"), ("اثنين", "الفصح")];

/// Which days are missing in the target, and which are not in the source.
pub fn compare(source: &str, target: &str) -> (Vec<String>, Vec<String>) {
    let words = words::words(source);
    let (mut missing, mut added) = (Vec::new(), Vec::new());
    for (arabic, day) in DAYS {
        let mut places = places(&words, arabic).peekable();
        if places.peek().is_none() {
            let is_it = |word: &str| word.strip_suffix('s').unwrap_or(word) == day;
            let name = arabic.strip_prefix("ال");
            let is_feast = words.windows(2).any(|two| {
                let mut stems = words::stems(&two[0]);
                stems.any(|stem| name == Some(stem) && FEASTS.contains(&(stem, two[1].as_str())))
            });
            if !is_feast && target.split(|c: char| !c.is_alphabetic()).any(is_it) {
                added.push(day.to_string());
            }
        } else if !is_named(day, target) {
            missing.extend(places.find(|&place| is_day(&words, place)).map(|_| day.to_string()));
        }
    }
    (missing, added)
}

/// The source with the days that are missing in the target in English; none where there are no such.
pub fn in_place(source: &str, target: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || words::is_mark(c);
    let written: Vec<&str> = source.split(|c: char| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let folded: Vec<String> = written.iter().map(|word| words::folded(word)).collect();
    let mut text = String::new();
    let mut from = 0;
    for (at, word) in written.iter().enumerate() {
        let is_it = |(arabic, _): &&(&str, &str)| words::stems(&folded[at]).any(|stem| stem == *arabic);
        let Some((_, day)) = DAYS.iter().find(is_it).filter(|(_, day)| !is_named(day, target)) else {
            continue;
        };
        if is_day(&folded, at) {
            let start = word.as_ptr() as usize - source.as_ptr() as usize;
            text.push_str(&source[from..start]);
            text.push_str(day);
            from = start + word.len();
        }
    }
    (from > 0).then(|| text + &source[from..])
}

/// Where among the words this day may be meant.
fn places<'w>(words: &'w [String], arabic: &'w str) -> impl Iterator<Item = usize> + 'w {
    (0..words.len()).filter(move |&i| words::stems(&words[i]).any(|stem| stem == arabic))
}

/// Whether the word before says that it is a day.
fn is_day(words: &[String], place: usize) -> bool {
    let before = place.checked_sub(1).map(|i| words[i].as_str());
    before.is_some_and(|word| words::stems(word).any(|stem| BEFORE.contains(&stem)))
}

/// `Monday`, `Mondays`, and `Mon.` of a table.
fn is_named(day: &str, target: &str) -> bool {
    target.split(|c: char| !c.is_alphabetic()).any(|word| {
        word.starts_with(day) && word.len() <= day.len() + 1 || (word.len() >= 3 && day.starts_with(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_compared() {
        for (source, target, missing, added) in [
            ("يوم الثلاثاء", "on Tuesday", "", ""),
            ("فجر اليوم الأربعاء", "early on Wednesday", "", ""),
            ("يوم الثلاثاء الماضي", "last Wednesday", "Tuesday", "Wednesday"),
            ("مساء الاثنين", "in the evening", "Monday", ""),
            ("كلا الاثنين", "both of them", "", ""),
            ("لا أحد", "nobody", "", ""),
            ("في أحد الشعانين", "on Palm Sunday", "", ""),
            ("في أحد الشعانين", "on Palm Monday", "", "Monday"),
            ("بعد اثنين الفصح", "after Easter Monday", "", ""),
            ("لمدة يوم واحد", "for a day", "", ""),
            ("أحد السكان", "one of the residents, on Sunday", "", "Sunday"),
            ("صلاة الجمعة", "Friday prayers", "", ""),
            ("أيام الجمعة والسبت", "on Fridays and Saturdays", "", ""),
            ("وصل الوفد", "The delegation arrived on Monday", "", "Monday"),
            ("يوم الأحد", "on Sun., 3 May", "", ""),
        ] {
            let (found_missing, found_added) = compare(source, target);
            assert_eq!(
                (found_missing.join(" ").as_str(), found_added.join(" ").as_str()),
                (missing, added),
                "{source}"
            );
        }
    }
}
