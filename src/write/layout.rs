//! How a document is laid out for reading: its blocks in order, and the text between them that is not translated
//! but still says something (code, tables' rules aside).

use crate::document::BlockKind;
use crate::unit::{TranslatedDocument, TranslationUnit};

/// Characters of source after which a block goes on in a new row, so that the two columns stay side by side where a
/// report has no line breaks.
const ROW_CHARS: usize = 700;

/// A stretch of a document.
#[derive(Debug, PartialEq)]
pub(super) enum Part<'d> {
    /// Text between blocks, shown as it stands.
    Kept(&'d str),
    /// A block, or a piece of a long one.
    Row(Row<'d>),
}

/// A block with its units.
#[derive(Debug, PartialEq)]
pub(super) struct Row<'d> {
    /// What it is.
    pub kind: BlockKind,
    /// What stands before the block on its line: the marker of a list item, the time of a cue, the name of a cell's
    /// column; empty for other blocks.
    pub marker: &'d str,
    /// How deep a list item is nested, from 0.
    pub depth: usize,
    /// Whether it goes on with the block of the row before.
    pub continued: bool,
    /// Never empty.
    pub units: &'d [TranslationUnit],
}

/// The parts of a document, in order.
pub(super) fn parts(doc: &TranslatedDocument) -> Vec<Part<'_>> {
    let text = doc.document.text.as_str();
    let mut parts = Vec::new();
    let mut end = 0;
    // The depth that the next list item may have at most: one more than the item before it.
    let mut deepest = 0;
    for units in doc.units.chunk_by(|a, b| a.block == b.block) {
        let Some((first, last)) = units.first().zip(units.last()) else { continue };
        let prefix = split_gap(slice(text, end, first.span.start), first.kind, &mut parts);
        end = last.span.end;
        let is_item = first.kind == BlockKind::ListItem;
        let (marker, depth) = match first.kind {
            _ if is_item => marker(prefix),
            kind if is_label(kind, prefix) => (prefix.trim(), 0),
            _ => ("", 0),
        };
        let depth = depth.min(deepest);
        deepest = if is_item { depth + 1 } else { 0 };
        for (n, units) in rows(units).into_iter().enumerate() {
            parts.push(Part::Row(Row { kind: first.kind, marker, depth, continued: n > 0, units }));
        }
    }
    keep(slice(text, end, text.len()), &mut parts);
    parts
}

/// The text between two neighbouring units.
pub(super) fn gap<'d>(
    doc: &'d TranslatedDocument,
    before: &TranslationUnit,
    after: &TranslationUnit,
) -> &'d str {
    slice(&doc.document.text, before.span.end, after.span.start)
}

/// `text[start..end]`, or nothing where that is no range of it: a writer never fails on odd data.
pub(super) fn slice(text: &str, start: usize, end: usize) -> &str {
    text.get(start..end).unwrap_or_default()
}

/// Keeps what the gap before a block says on lines of its own, and returns what stands before the block on its line.
fn split_gap<'d>(gap: &'d str, kind: BlockKind, parts: &mut Vec<Part<'d>>) -> &'d str {
    let line = gap.rfind('\n').map_or(0, |newline| newline + 1);
    let (above, prefix) = gap.split_at(line);
    keep(above, parts);
    if kind != BlockKind::ListItem && !is_label(kind, prefix) {
        keep(prefix, parts);
    }
    prefix
}

/// Whether what stands before a block on its line is its name. Cells of tables with columns have only signs there.
fn is_label(kind: BlockKind, prefix: &str) -> bool {
    let is_named = kind == BlockKind::TableCell && prefix.trim_end().ends_with(':');
    kind == BlockKind::Cue || is_named
}

fn keep<'d>(gap: &'d str, parts: &mut Vec<Part<'d>>) {
    if gap.contains(char::is_alphanumeric) {
        parts.push(Part::Kept(gap.trim_matches(['\n', '\r'])));
    }
}

/// The marker of a list item and how deep it is nested: two columns a level.
fn marker(prefix: &str) -> (&str, usize) {
    let quoted = prefix.trim_start_matches(['>', ' ']);
    let indent: usize = prefix
        .chars()
        .take_while(|c| c.is_whitespace() || *c == '>')
        .map(|c| if c == '\t' { 4 } else { 1 })
        .sum();
    (quoted.trim(), (indent / 2).min(4))
}

fn rows(units: &[TranslationUnit]) -> Vec<&[TranslationUnit]> {
    let mut rows = Vec::new();
    let (mut start, mut chars) = (0, 0);
    for (at, unit) in units.iter().enumerate() {
        if chars > ROW_CHARS {
            rows.push(&units[start..at]);
            (start, chars) = (at, 0);
        }
        chars += unit.source.chars().count();
    }
    rows.push(&units[start..]);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::fixture;

    fn shape(doc: &TranslatedDocument) -> Vec<String> {
        let show = |part: &Part<'_>| match part {
            Part::Kept(text) => format!("kept {text:?}"),
            Part::Row(row) => {
                let mark = if row.continued { "+" } else { "" };
                format!("{mark}{:?} {:?} {} {}", row.kind, row.marker, row.depth, row.units.len())
            }
        };
        parts(doc).iter().map(show).collect()
    }

    #[test]
    fn blocks_markers_and_code_are_told_apart() {
        use BlockKind::{Heading, ListItem, Paragraph};
        let doc = fixture::build(
            "x.md",
            &[
                ("# ", Heading(1), &["عنوان"]),
                ("\n\n```\nls -l\n```\n\n", Paragraph, &["جملة أولى.", "جملة ثانية."]),
                ("\n\n- ", ListItem, &["بند"]),
                ("\n  ١. ", ListItem, &["بند فرعي"]),
                ("\n\n", Paragraph, &["فقرة"]),
                ("\n\n        * ", ListItem, &["بند بلا أصل"]),
                ("\n\n```\nx=1\n```\n## ", Heading(2), &["نهاية"]),
                (" | ", Paragraph, &["أ"]),
                (" id 7: ", Paragraph, &["ب"]),
            ],
            "\n[1]: https://example.org\n",
        );
        assert_eq!(
            shape(&doc),
            [
                "Heading(1) \"\" 0 1",
                "kept \"```\\nls -l\\n```\"",
                "Paragraph \"\" 0 2",
                "ListItem \"-\" 0 1",
                "ListItem \"١.\" 1 1",
                "Paragraph \"\" 0 1",
                "ListItem \"*\" 0 1",
                "kept \"```\\nx=1\\n```\"",
                "Heading(2) \"\" 0 1",
                "Paragraph \"\" 0 1",
                "kept \" id 7: \"",
                "Paragraph \"\" 0 1",
                "kept \"[1]: https://example.org\"",
            ]
        );
    }

    #[test]
    fn long_blocks_go_on_in_new_rows_without_losing_a_unit() {
        let sentence = "كلمة ".repeat(30).trim().to_owned() + ".";
        let sentences = vec![sentence.as_str(); 40];
        let doc = fixture::build("x.txt", &[("", BlockKind::Paragraph, &sentences)], "");
        let shape = shape(&doc);
        assert!(shape.len() > 5 && shape[1].starts_with('+'), "{shape:?}");
        let units: usize =
            parts(&doc).iter().map(|p| if let Part::Row(row) = p { row.units.len() } else { 0 }).sum();
        assert_eq!(units, 40);
    }
}
