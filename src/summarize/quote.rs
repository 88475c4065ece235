//! A sentence of the report in its own words, fit to stand by itself.

use crate::brief::Point;
use crate::document::BlockKind;
use crate::unit::TranslationUnit;

/// The unit at `at`. An item of a list comes with the line that introduces it: under "It is forbidden:" an item alone says the
/// opposite. None where it is not clear which line that is.
pub(super) fn quote(units: &[TranslationUnit], at: usize) -> Option<Point> {
    let words = |unit: &TranslationUnit| unit.target.split_whitespace().collect::<Vec<_>>().join(" ");
    let (text, index) = (words(&units[at]), units[at].index);
    match introduction(units, at) {
        Introduction::None => Some(Point { text, units: vec![index] }),
        Introduction::Line(line) => {
            let introduced = words(line);
            let text = format!("{}: {text}", introduced.trim_end_matches([':', '.', ' ']));
            Some(Point { text, units: vec![line.index, index] })
        }
        Introduction::Unclear => None,
    }
}

/// What introduces an item of a list.
enum Introduction<'u> {
    None,
    Line(&'u TranslationUnit),
    Unclear,
}

/// The heading right above a list, or the line with a colon before it.
fn introduction(units: &[TranslationUnit], at: usize) -> Introduction<'_> {
    let is_item = |unit: &TranslationUnit| unit.kind == BlockKind::ListItem;
    let has_colon = |unit: &TranslationUnit| unit.source_normalized.trim_end().ends_with(':');
    let told = |line: &TranslationUnit| !line.target.trim().is_empty();
    if !is_item(&units[at]) {
        return Introduction::None;
    }
    for (back, line) in units[..at].iter().rev().enumerate() {
        match (is_item(line), has_colon(line)) {
            (true, false) => {}
            // The first item of a list within the list.
            (true, true) if back == 0 && told(line) => return Introduction::Line(line),
            // A later one, or the next item of the outer list.
            (true, true) => return Introduction::Unclear,
            (false, colon) if (colon || matches!(line.kind, BlockKind::Heading(_))) && told(line) => {
                return Introduction::Line(line);
            }
            (false, _) => return Introduction::None,
        }
    }
    Introduction::None
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::unit;
    use super::*;

    fn item(index: usize, source: &str, target: &str) -> TranslationUnit {
        TranslationUnit { kind: BlockKind::ListItem, ..unit(index, source, target) }
    }

    #[test]
    fn an_item_comes_with_what_introduces_it() {
        let mut units = vec![
            unit(0, "يُمنع منعاً باتاً:", "It is strictly forbidden:"),
            item(1, "تصوير المستفيدين.", "To photograph beneficiaries."),
            item(2, "تسليم سلتين لشخص واحد.", "To hand two baskets to one person."),
        ];
        let quoted = |units: &[TranslationUnit], at| quote(units, at).map(|point| (point.text, point.units));
        let forbidden = "It is strictly forbidden: To hand two baskets to one person.".to_owned();
        assert_eq!(quoted(&units, 2), Some((forbidden.clone(), vec![0, 2])));
        units[0].kind = BlockKind::Heading(2);
        assert_eq!(quoted(&units, 2), Some((forbidden, vec![0, 2])), "a heading introduces as well");
        units[0] = unit(0, "وصلت الشاحنة أمس.", "The truck came yesterday.");
        let alone = "To hand two baskets to one person.".to_owned();
        assert_eq!(quoted(&units, 2), Some((alone, vec![2])), "a sentence before a list does not");
    }

    #[test]
    fn a_list_within_a_list_says_nothing_under_the_outer_line() {
        let units = vec![
            unit(0, "يُمنع على المتطوعين:", "Volunteers are forbidden:"),
            item(1, "تصوير المستفيدين.", "To photograph beneficiaries."),
            item(2, "ويسمح لهم بما يلي:", "They are allowed the following:"),
            item(3, "إعطاء الماء للمستفيدين.", "To give water to beneficiaries."),
            item(4, "تسليم سلتين لشخص واحد.", "To hand two baskets to one person."),
        ];
        let text = |at| quote(&units, at).map(|point| point.text);
        assert_eq!(
            text(3).as_deref(),
            Some("They are allowed the following: To give water to beneficiaries.")
        );
        // Whether it is forbidden or allowed cannot be told.
        assert_eq!(text(4), None);
    }
}
