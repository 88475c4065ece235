//! Days of the week of the source that are others in the target.

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

/// Which days are missing in the target, and which are not in the source.
pub(super) fn check(source: &str, target: &str) -> (Vec<String>, Vec<String>) {
    let words = words::words(source);
    let english: Vec<&str> = target.split(|c: char| !c.is_alphabetic()).collect();
    let is_named = |day: &str| {
        // `Mondays`, and `Mon.` of a table.
        english
            .iter()
            .any(|w| w.starts_with(day) && w.len() <= day.len() + 1 || (w.len() >= 3 && day.starts_with(*w)))
    };
    let (mut missing, mut added) = (Vec::new(), Vec::new());
    for (arabic, day) in DAYS {
        let places: Vec<usize> =
            (0..words.len()).filter(|&i| words::stems(&words[i]).any(|stem| stem == arabic)).collect();
        let is_day = |&place: &usize| {
            let before = place.checked_sub(1).map(|i| words[i].as_str());
            before.is_some_and(|w| words::stems(w).any(|stem| BEFORE.contains(&stem)))
        };
        if places.is_empty() {
            if english.iter().any(|w| w.strip_suffix('s').unwrap_or(w) == day) {
                added.push(day.to_string());
            }
        } else if !is_named(day) {
            missing.extend(places.iter().find(|place| is_day(place)).map(|_| day.to_string()));
        }
    }
    (missing, added)
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
            ("لمدة يوم واحد", "for a day", "", ""),
            ("أحد السكان", "one of the residents, on Sunday", "", "Sunday"),
            ("صلاة الجمعة", "Friday prayers", "", ""),
            ("أيام الجمعة والسبت", "on Fridays and Saturdays", "", ""),
            ("وصل الوفد", "The delegation arrived on Monday", "", "Monday"),
            ("يوم الأحد", "on Sun., 3 May", "", ""),
        ] {
            let (found_missing, found_added) = check(source, target);
            assert_eq!(
                (found_missing.join(" ").as_str(), found_added.join(" ").as_str()),
                (missing, added),
                "{source}"
            );
        }
    }
}
