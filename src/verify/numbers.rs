//! Numbers, currencies and days of the week of the source that are missing in the target, and the other way round.

use super::money;
use crate::lang::has_arabic;
use crate::numbers::{Mention, Offered, mentions, weekday};

/// At most this many numbers of each side are named.
const SHOWN: usize = 4;

/// Says which numbers do not match, if any.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let (wanted, written) = (mentions(source), mentions(target));
    let mut missing = unanswered(source, &wanted, &Offered::by(&written));
    let mut added = unanswered(target, &written, &Offered::by(&wanted));
    if has_arabic(source) {
        for (lost, new) in [money::check(source, target), weekday::compare(source, target)] {
            missing.extend(lost);
            added.extend(new);
        }
    }
    let mut parts = Vec::new();
    if let Some(list) = listed(&missing) {
        parts.push(format!("{list} missing in the translation"));
    }
    if let Some(list) = listed(&added) {
        parts.push(format!("{list} not in the source"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The mentions that must be answered by the other side and are not, as they are shown, each once.
fn unanswered(text: &str, mentions: &[Mention], offered: &Offered) -> Vec<String> {
    let mut shown = Vec::new();
    for mention in mentions.iter().filter(|m| m.is_firm() && !offered.answers(m)) {
        let name = name(text, mention);
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    shown
}

/// The number as the reader finds it in the text; Arabic words and digits with their meaning.
fn name(text: &str, mention: &Mention) -> String {
    let written = &text[mention.span.clone()];
    match mention.meaning() {
        Some(meaning) if !written.is_ascii() => format!("{meaning} ({written})"),
        _ => written.to_owned(),
    }
}

fn listed(names: &[String]) -> Option<String> {
    let shown = &names[..names.len().min(SHOWN)];
    let rest = names.len() - shown.len();
    match (shown, rest) {
        ([], _) => None,
        ([one], _) => Some(format!("{one} is")),
        (many, 0) => Some(format!("{} are", many.join(", "))),
        (many, rest) => Some(format!("{} and {rest} more are", many.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_as_sentences() {
        for (source, target, detail) in [
            ("قُتل 25 شخصاً", "People were killed", "25 is missing in the translation"),
            ("قُتل ٢٥ شخصاً", "People were killed", "25 (٢٥) is missing in the translation"),
            (
                "قُتل 25 شخصاً",
                "52 people were killed",
                "25 is missing in the translation; 52 is not in the source",
            ),
            ("في الذكرى الأربعين", "on the anniversary", "40 (الأربعين) is missing in the translation"),
            ("وصل الناس", "People arrived in 2019 and 2020", "2019, 2020 are not in the source"),
            ("نحو 340 منزلاً", "about $340 in houses", "$ is not in the source"),
            (
                "يوم الثلاثاء 3 آب",
                "Wednesday, 3 August",
                "Tuesday is missing in the translation; Wednesday is not in the source",
            ),
            ("يوم 3 آب", "On 3 July", "August (آب) is missing in the translation; July is not in the source"),
        ] {
            assert_eq!(check(source, target).as_deref(), Some(detail), "{source} / {target}");
        }
    }

    #[test]
    fn style_is_not_a_fault() {
        for (source, target) in [
            ("في اليوم الثاني وصل شخصان", "On the second day two people arrived"),
            ("شخص واحد فقط", "only 1 person"),
            ("قبل يومين", "2 days ago"),
            ("الساعة 15:00", "3 p.m."),
            ("بنسبة 20% إلى 25%", "by 20-25 per cent"),
            ("في العشرين من كانون الأول 2016", "on 20 December 2016"),
            ("20/12/2016", "December 20, 2016"),
            ("فض اعتصام رابعة العدوية", "dispersed the Rabaa al-Adawiya sit-in"),
            ("في ميدان رابعة", "in Rabaa Square"),
            ("نقلوا إلى سجن بئر السبع", "moved to Beersheba prison"),
            ("في ساحة السبع بحرات بدمشق", "in Sabaa Bahrat Square in Damascus"),
            ("في ساحة السبع بحرات بدمشق", "in the Seven Seas Square in Damascus"),
            ("لزيارة الأربعين بكربلاء", "for the Arbaeen pilgrimage in Karbala"),
            ("في حي الستين", "in the Sitteen neighbourhood"),
            ("خرج حشد مليوني في الشوارع", "A crowd of a million took to the streets"),
            ("عشرات الآلاف من النازحين", "tens of thousands of displaced people"),
        ] {
            assert_eq!(check(source, target), None, "{source} / {target}");
        }
    }
}
