//! One line for a report: its title, or its lead sentence cut at a clause.

use super::addressed::speaks_to_a_machine;
use crate::brief::Point;
use crate::document::BlockKind;
use crate::unit::{State, TranslationUnit};

/// Longest headline in characters that is left as it is.
const LONGEST: usize = 130;
/// A clause shorter than this says too little to stand alone.
const SHORTEST: usize = 40;

/// The title, or a heading that stands above the text, if its translation can be trusted.
pub(super) fn title(units: &[TranslationUnit]) -> Option<Point> {
    let trusted = |u: &&TranslationUnit| {
        matches!(u.state, State::Translated | State::Repaired | State::Copied)
            && !u.target.trim().is_empty()
            && !speaks_to_a_machine(u)
    };
    let title = units.iter().find(|u| u.kind == BlockKind::Title);
    let above = units.iter().take_while(|u| matches!(u.kind, BlockKind::Title | BlockKind::Heading(_)));
    let unit = title.filter(trusted).or_else(|| above.into_iter().find(trusted))?;
    Some(Point { text: shorten(&unit.target), units: vec![unit.index] })
}

/// The text, or its opening clauses when it is long; never cut inside a word. A cut is shown by `…`.
pub(super) fn shorten(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let limit = text.char_indices().nth(LONGEST).map_or(text.len(), |(at, _)| at);
    let head = &text[..limit];
    // A new clause is the best place, then any pause, then a word that opens a phrase. Rather a long line than half a
    // phrase; only endless sentences are cut at any space.
    let cut = last_of(head, &CLAUSES, SHORTEST)
        .or_else(|| last_of(head, &PAUSES, SHORTEST))
        .or_else(|| last_of(head, &PHRASES, 2 * SHORTEST));
    let cut = match cut {
        Some(cut) => cut,
        None if text.chars().count() <= 2 * LONGEST => return text,
        None => head.rfind(' ').unwrap_or(limit),
    };
    format!(
        "{}…",
        text[..cut]
            .trim_end_matches(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '-' | '–' | '—'))
    )
}

const CLAUSES: [&str; 14] = [
    ", and ",
    ", but ",
    ", while ",
    ", where ",
    ", which ",
    ", who ",
    ", as ",
    ", after ",
    ", although ",
    "; ",
    " while ",
    " because ",
    " – ",
    " — ",
];
const PAUSES: [&str; 2] = [", ", ": "];
const PHRASES: [&str; 7] = [" (", " which ", " who ", " where ", " that ", " and ", " after "];

/// The last place before one of `marks` where quotes and brackets are closed and at least `shortest` characters stand.
fn last_of(text: &str, marks: &[&str], shortest: usize) -> Option<usize> {
    let places = marks.iter().flat_map(|mark| text.match_indices(mark).map(|(at, _)| at));
    places.filter(|&at| text[..at].chars().count() >= shortest && is_balanced(&text[..at])).max()
}

fn is_balanced(text: &str) -> bool {
    let count = |c: char| text.matches(c).count();
    count('"') % 2 == 0 && count('“') == count('”') && count('«') == count('»') && count('(') == count(')')
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{document, unit};
    use super::*;

    #[test]
    fn long_leads_end_at_a_clause() {
        let text = "The Civil Defence said on Tuesday that its teams evacuated forty families from the flooded district, while the road to the east stayed closed to all traffic for a third day.";
        assert_eq!(
            shorten(text),
            "The Civil Defence said on Tuesday that its teams evacuated forty families from the flooded district…"
        );
        assert_eq!(shorten("Short  already."), "Short already.");
    }

    #[test]
    fn words_and_quotes_stay_whole() {
        let quoted = format!(
            "The minister said “{}, and so it was",
            "the bridge over the river will be repaired, then ".repeat(9)
        );
        let cut = shorten(&quoted);
        assert!(quoted.starts_with(cut.trim_end_matches('…')) && cut.ends_with('…'));
        let next = quoted[cut.len() - '…'.len_utf8()..].chars().next();
        assert!(next.is_some_and(|c| !c.is_alphanumeric()), "{cut}");
    }

    #[test]
    fn only_a_trusted_title_is_a_headline() {
        let mut units = document();
        assert_eq!(title(&units).map(|p| p.units), Some(vec![0]));
        units[0].state = State::Flagged;
        assert_eq!(title(&units), None);
        assert_eq!(title(&[unit(0, "نص", "Text of a paragraph")]), None);
    }
}
