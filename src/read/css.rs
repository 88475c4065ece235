//! What in style sheets turns text to the right.

use crate::document::Span;
use crate::xml::place;

/// What of a style sheet, or of an element's `style`, reads otherwise in English: `direction: rtl`, and `text-align: right`
/// beside it.
pub(super) fn turned(css: &str) -> Vec<(Span, &'static str)> {
    let mut found = Vec::new();
    for rule in css.split(['{', '}']) {
        let values = |wanted: &'static str, value: &'static str| {
            let declarations = rule.split(';').filter_map(|declaration| declaration.split_once(':'));
            let of_it = declarations
                .filter(move |(name, _)| {
                    name.split_whitespace().last().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                })
                .filter_map(|(_, written)| written.split(['!', '/']).next());
            of_it.map(str::trim).filter(move |written| written.eq_ignore_ascii_case(value))
        };
        let directions: Vec<_> = values("direction", "rtl").filter_map(|value| place(value, css)).collect();
        if !directions.is_empty() {
            found.extend(
                values("text-align", "right").filter_map(|value| place(value, css)).map(|at| (at, "left")),
            );
        }
        found.extend(directions.into_iter().map(|at| (at, "ltr")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_to_left_is_found_in_rules_and_attributes() {
        for (css, expected) in [
            ("direction:rtl", "direction:ltr"),
            ("color: red; DIRECTION : RTL !important", "color: red; DIRECTION : ltr !important"),
            (
                "/* متن */ p { text-align: right; /* x */ direction: rtl }\na:hover { text-align: right }",
                "/* متن */ p { text-align: left; /* x */ direction: ltr }\na:hover { text-align: right }",
            ),
            ("@media print { .a{direction:rtl/**/} }", "@media print { .a{direction:ltr/**/} }"),
            (
                "flex-direction: rtl; direction: ltr; text-align: right; x",
                "flex-direction: rtl; direction: ltr; text-align: right; x",
            ),
        ] {
            let mut written = css.to_owned();
            let mut turned = turned(css);
            turned.sort_by_key(|(at, _)| at.start);
            for (at, with) in turned.into_iter().rev() {
                written.replace_range(at.range(), with);
            }
            assert_eq!(written, expected);
        }
    }
}
