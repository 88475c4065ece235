//! The dates that a sentence names, as its English writes them.

use crate::numbers::{Form, Mention, Offered, mentions};
use crate::unit::TranslationUnit;

/// Dates with a month, and years behind a preposition, that the source has too.
pub(super) fn dates(unit: &TranslationUnit) -> Vec<String> {
    let text = unit.target.as_str();
    let all = mentions(text);
    let source = Offered::by(&mentions(&unit.source_normalized));
    let mut dates = Vec::new();
    let mut used = 0;
    for (at, mention) in all.iter().enumerate().filter(|(_, mention)| source.answers(mention)) {
        if at < used {
            continue;
        }
        if mention.form == Form::Month {
            let joined = |a: &Mention, b: &Mention| {
                let gap = &text[a.span.end..b.span.start];
                gap.chars().all(|c| c.is_whitespace() || c == ',')
                    || matches!(gap, " of " | "th of " | "st of " | "th ")
            };
            let is_part = |mention: &Mention| {
                matches!(mention.form, Form::Digits | Form::Ordinal) && source.answers(mention)
            };
            let (mut first, mut last) = (at, at);
            if at > 0
                && is_part(&all[at - 1])
                && !all[at - 1].looks_like_year(text)
                && joined(&all[at - 1], mention)
            {
                first = at - 1;
            }
            while last + 1 < all.len()
                && last < at + 2
                && is_part(&all[last + 1])
                && joined(&all[last], &all[last + 1])
            {
                last += 1;
            }
            used = last + 1;
            dates.push(text[all[first].span.start..all[last].span.end].to_owned());
        } else if mention.looks_like_year(text) {
            let before =
                text[..mention.span.start].trim_end().rsplit(' ').next().unwrap_or_default().to_lowercase();
            let after = text[mention.span.end..]
                .trim_start_matches(|c: char| !c.is_whitespace() && !c.is_alphanumeric());
            let is_counted = after.trim_start().starts_with(|c: char| c.is_lowercase()) && before == "of";
            let is_year = matches!(
                before.as_str(),
                "in" | "since" | "until" | "year" | "during" | "by" | "from" | "late" | "early"
            );
            if is_year && !is_counted {
                dates.push(text[mention.span.clone()].to_owned());
            }
        }
    }
    dates
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::unit;
    use super::*;

    #[test]
    fn dates_are_told_whole_and_only_where_the_source_has_them() {
        for (source, target, expected) in [
            ("يوم 12 أيار 2016", "on 12 May 2016", vec!["12 May 2016"]),
            (
                "في 20 كانون الثاني 2001 وفي آذار",
                "on January 20, 2001 and in March",
                vec!["January 20, 2001", "March"],
            ),
            ("في 27 يناير 1820", "on the 27th of January 1820", vec!["27th of January 1820"]),
            ("منذ عام 2015", "since 2015", vec!["2015"]),
            // Of another year or day only what is the same.
            ("في 12 أيار 2016", "on 13 May 2016", vec!["May 2016"]),
            ("في 12 أيار 2016", "in June 2017", vec![]),
            ("2015 شخصا", "some 2015 people", vec![]),
            ("", "in 2015", vec![]),
        ] {
            assert_eq!(dates(&unit(0, source, target)), expected, "{target}");
        }
    }
}
