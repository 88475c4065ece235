//! Sources in a dialect: models are trained on the standard language, and what they make of the words of Cairo, Damascus or
//! Casablanca is often made up. The words here are written in one dialect or another and never in the standard language.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::lang::words;

/// Folded: of Egypt; of the Levant; of Iraq and the Gulf; of the Maghreb.
const WORDS: [&str; 4] = [
    "مش ازاي دلوقتي كده عشان علشان ليه فين اللي بتاع بتاعة بتاعت بتاعي عايز عاوز عايزة عاوزة عايزين النهارده انهارده امبارح مفيش مافيش \
     كمان لسه برضه احنا معرفش عارفين بيقول بتقول بيقولوا",
    "شو ليش وين هلق بدي بدنا بدك بدهم منيح هاد هدول كتير شوي لسا مشان منشان ياللي هون هونيك ماحدا",
    "شلون اشلون وش ايش هسه ماكو اكو شنو شكو وايد ابغي دحين",
    "واش بزاف ديال ديالي ديالنا كيفاش علاش فاش هاذ برشا شنية راني وقتاش",
];
static KNOWN: LazyLock<HashSet<&str>> =
    LazyLock::new(|| WORDS.iter().flat_map(|list| list.split_whitespace()).collect());

/// Words that are named.
const NAMED: usize = 3;

/// What of a dialect is in `source`.
pub(super) fn check(source: &str) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = String::new();
    for word in words::words(source) {
        // توك شو is a talk show.
        let is_show = word == "شو" && before.ends_with("توك");
        before.clone_from(&word);
        // Only `and` is written onto them: what looks like another particle is a part of another word.
        let bare = word.strip_prefix('و').unwrap_or(&word);
        let is_known = KNOWN.contains(word.as_str()) || KNOWN.contains(bare);
        if is_known && !is_show && !found.contains(&word) {
            found.push(word);
        }
    }
    found.truncate(NAMED);
    let list = found.join(", ");
    (!found.is_empty())
        .then(|| format!("words of a dialect in the source ({list}), which models know less well"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_told_from_the_standard_language() {
        for (source, words) in [
            ("احنا مش عارفين هنعمل كده دلوقتي.", "احنا, مش, عارفين"),
            ("شو بدك تعمل هلق؟", "شو, بدك, هلق"),
            ("شلونك، ماكو كهرباء وماكو ماء.", "ماكو, وماكو"),
            ("شو رأيك في برنامج توك شو؟", "شو"),
            ("علاش ما جيتيش البارح؟ بزاف ديال الناس كانوا.", "علاش, بزاف, ديال"),
        ] {
            let said = check(source).unwrap_or_default();
            assert!(said.contains(&format!("({words})")), "{source}: {said}");
        }
        for source in [
            "لا نعرف ماذا سنفعل الآن.",
            "كان الطقس باردا، ولم يكن هناك كهرباء.",
            "مشى إلى البيت.",
            "قال في برنامج التوك شو",
            "",
        ] {
            assert_eq!(check(source), None, "{source}");
        }
    }
}
