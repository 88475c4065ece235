//! What stands in Latin letters in the source and must stand in the target as well: names, codes, addresses.

/// At most this many are named.
const SHOWN: usize = 3;

/// The words in Latin letters that the target has lost, if any.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let target = letters(target);
    let mut lost: Vec<&str> = Vec::new();
    for word in latin_words(source) {
        let plain = letters(word);
        if !target.contains(&plain) && !lost.contains(&word) {
            lost.push(word);
        }
    }
    let (shown, rest) = lost.split_at(lost.len().min(SHOWN));
    let list = shown.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", ");
    match (shown.len(), rest.len()) {
        (0, _) => None,
        (1, _) => Some(format!("{list} is missing in the translation")),
        (_, 0) => Some(format!("{list} are missing in the translation")),
        (_, more) => Some(format!("{list} and {more} more are missing in the translation")),
    }
}

/// Words with two Latin letters or more, with the digits and signs of addresses and codes between them.
fn latin_words(text: &str) -> impl Iterator<Item = &str> {
    let is_part =
        |c: char| c.is_ascii_graphic() && !matches!(c, '(' | ')' | '[' | ']' | '"' | '<' | '>' | ',' | ';');
    text.split(move |c| !is_part(c))
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|word| word.chars().filter(char::is_ascii_alphabetic).count() >= 2)
}

/// Letters and digits in lower case: `COVID-19`, `Covid 19` and `(COVID19)` are the same.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_words_must_be_there() {
        for (source, target, lost) in [
            ("عبر تطبيق WhatsApp", "via WhatsApp", None),
            ("عبر تطبيق WhatsApp", "via Telegram", Some("“WhatsApp” is missing in the translation")),
            ("مرض (COVID-19)", "Covid 19 disease", None),
            ("الوثيقة A/HRC/34/CRP.3.", "Document A/HRC/34/CRP.3.", None),
            (
                "الوثيقة A/HRC/34/CRP.3.",
                "Document A/HRC/34.",
                Some("“A/HRC/34/CRP.3” is missing in the translation"),
            ),
            (
                "راسلونا: help@example.org أو https://example.org/a?b=1",
                "Write to us: help@example.org or https://example.org/a?b=1",
                None,
            ),
            ("سيارة BMW وسيارة Kia", "two cars", Some("“BMW”, “Kia” are missing in the translation")),
            ("الفيتامين C", "vitamins", None),
        ] {
            assert_eq!(check(source, target).as_deref(), lost, "{target}");
        }
    }
}
