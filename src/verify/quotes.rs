//! Quotation marks that open and never close: words of one speaker become those of another.

/// Says so if the marks of the target do not pair although those of the source do.
pub(super) fn check(source: &str, target: &str) -> Option<String> {
    let marks = |text: &str| text.chars().filter(|c| matches!(c, '"' | '“' | '”' | '«' | '»' | '„')).count();
    let (from, to) = (marks(source), marks(target));
    (from.is_multiple_of(2) && !to.is_multiple_of(2)).then(|| match from {
        0 => "a quotation mark is not in the source".to_owned(),
        _ => "a quotation is not closed, or not opened".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_in_pairs() {
        for (source, target, found) in [
            ("قال: «نعم»", "He said, \"Yes.\"", false),
            ("قال: «نعم»", "He said, \"Yes.", true),
            ("قال: «نعم»", "He said yes.", false),
            ("قال: «نعم", "He said, \"Yes.", false),
            ("قال نعم", "He said \"yes.", true),
            ("قال: «نعم»", "He said, “Yes.”", false),
        ] {
            assert_eq!(check(source, target).is_some(), found, "{target}");
        }
    }
}
