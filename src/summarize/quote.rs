//! A sentence of the report in its own words, fit to stand by itself.

use crate::brief::Point;
use crate::document::BlockKind;
use crate::unit::TranslationUnit;

/// The units of a report, with what introduces each.
pub(super) struct Quotes<'u> {
    /// In the order of the report.
    pub(super) units: &'u [TranslationUnit],
    introductions: Vec<Introduction>,
}

/// What introduces an item of a list.
#[derive(Clone, Copy)]
enum Introduction {
    None,
    /// The unit at this position.
    Line(usize),
    Unclear,
}

impl<'u> Quotes<'u> {
    pub(super) fn of(units: &'u [TranslationUnit]) -> Self {
        // The heading right above the list, or the line with a colon before it; and the last item with a colon, under which a
        // list within the list begins.
        let (mut line, mut inner) = (None, None);
        let introductions = units.iter().enumerate().map(|(at, unit)| {
            let is_item = unit.kind == BlockKind::ListItem;
            let has_colon = unit.source_normalized.trim_end().ends_with(':');
            let is_told = !unit.target.trim().is_empty();
            let introduction = match (is_item, inner, line) {
                (false, ..) | (true, None, None) => Introduction::None,
                (true, None, Some(line)) => Introduction::Line(line),
                (true, Some((inner, true)), _) if inner + 1 == at => Introduction::Line(inner),
                // A later one, or the next item of the outer list.
                (true, Some(_), _) => Introduction::Unclear,
            };
            if !is_item {
                let introduces = has_colon || matches!(unit.kind, BlockKind::Heading(_));
                (line, inner) = ((introduces && is_told).then_some(at), None);
            } else if has_colon {
                inner = Some((at, is_told));
            }
            introduction
        });
        Quotes { units, introductions: introductions.collect() }
    }

    /// The unit at `at`. An item of a list comes with the line that introduces it: under "It is forbidden:" an item alone says
    /// the opposite. None where it is not clear which line that is.
    pub(super) fn quote(&self, at: usize) -> Option<Point> {
        let words = |unit: &TranslationUnit| unit.target.split_whitespace().collect::<Vec<_>>().join(" ");
        let (text, index) = (words(&self.units[at]), self.units[at].index);
        match self.introductions[at] {
            Introduction::None => Some(Point { text, units: vec![index] }),
            Introduction::Line(line) => {
                let introduced = words(&self.units[line]);
                let text = format!("{}: {text}", introduced.trim_end_matches([':', '.', ' ']));
                Some(Point { text, units: vec![self.units[line].index, index] })
            }
            Introduction::Unclear => None,
        }
    }
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
        let quoted = |units: &[TranslationUnit], at| {
            Quotes::of(units).quote(at).map(|point| (point.text, point.units))
        };
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
        let text = |at| Quotes::of(&units).quote(at).map(|point| point.text);
        assert_eq!(
            text(3).as_deref(),
            Some("They are allowed the following: To give water to beneficiaries.")
        );
        // Whether it is forbidden or allowed cannot be told.
        assert_eq!(text(4), None);
    }
}
