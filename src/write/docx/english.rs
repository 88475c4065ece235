//! `NAME.en.docx`: the document in English alone, with headings, paragraphs, lists and tables as the original has them.
//!
//! Its sentences bear no marks; what made them, and how many are flagged, stands at the foot of each page.

use std::path::PathBuf;

use super::bilingual::{heading, item};
use super::text::{List, Look, TAB, english, lines, paragraph, paragraph_of};
use super::{Package, TEXT_WIDTH, footer};
use crate::document::BlockKind;
use crate::unit::{TranslatedDocument, TranslationUnit};
use crate::write::layout::{self, Part, Row};
use crate::write::{DocumentWriter, WriteError, links, words};

/// Word has no wider tables.
const MOST_COLUMNS: usize = 63;

pub(in crate::write) struct EnglishDocx;

impl DocumentWriter for EnglishDocx {
    fn name(&self) -> &'static str {
        "en.docx"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "en.docx")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let mut body = String::new();
        let mut table = Table::default();
        let mut parts = layout::parts(doc).into_iter().peekable();
        while let Some(part) = parts.next() {
            let row = match part {
                Part::Kept(text) => {
                    table.push_to(&mut body);
                    body.push_str(&paragraph("Code", &lines(text)));
                    continue;
                }
                Part::Row(row) => row,
            };
            let mut sentences = targets(row.units);
            while let Some(Part::Row(more)) =
                parts.next_if(|next| matches!(next, Part::Row(next) if next.continued))
            {
                sentences.push(' ');
                sentences.push_str(&targets(more.units));
            }
            if row.kind == BlockKind::TableCell && row.marker.is_empty() {
                table.add(doc, row.units, sentences);
            } else {
                table.push_to(&mut body);
                push_block(&row, &sentences, &mut body);
            }
        }
        table.push_to(&mut body);
        // A document may not end with a table.
        body.push_str(&paragraph("Normal", ""));
        let footer =
            format!("{} · {}", footer(&words::translators(&doc.models)), words::trust(&doc.ledger()));
        Package { title: &words::title(doc), footer, body, linked: None }.zip()
    }
}

fn targets(units: &[TranslationUnit]) -> String {
    let targets: Vec<_> = units.iter().map(words::english).collect();
    targets.join(" ")
}

fn push_block(row: &Row<'_>, sentences: &str, body: &mut String) {
    let runs = english(sentences, Look::PLAIN);
    if let Some(style) = heading(row.kind) {
        let style = if row.kind == BlockKind::Title { "Title" } else { style };
        body.push_str(&paragraph(style, &runs));
        return;
    }
    let (style, list, marker) = item(row);
    let lead = marker.map(|marker| english(&marker, Look::PLAIN) + TAB).unwrap_or_default();
    body.push_str(&paragraph_of(style, list, false, &(lead + &runs)));
}

/// Cells that follow one another. Their places are read from what stands between them: a line break begins a row, `|` or a
/// tab a column.
#[derive(Default)]
struct Table<'d> {
    rows: Vec<Vec<Vec<String>>>,
    last: Option<&'d TranslationUnit>,
}

impl<'d> Table<'d> {
    fn add(&mut self, doc: &'d TranslatedDocument, units: &'d [TranslationUnit], text: String) {
        let Some(first) = units.first() else { return };
        let gap = match self.last {
            Some(last) => layout::gap(doc, last, first),
            None => line_before(doc, first),
        };
        let column = match (gap.rsplit_once('\n'), self.rows.last()) {
            // The first mark of a line opens its first cell.
            (Some((_, line)), _) => separators(line).saturating_sub(usize::from(line.contains('|'))),
            (None, None) => separators(gap).saturating_sub(usize::from(gap.contains('|'))),
            // What follows without one is in the same cell.
            (None, Some(row)) => row.len() - 1 + separators(gap),
        };
        if gap.contains('\n') || self.rows.is_empty() {
            self.rows.push(Vec::new());
        }
        if let Some(row) = self.rows.last_mut() {
            let column = column.min(MOST_COLUMNS - 1);
            if row.len() <= column {
                row.resize(column + 1, Vec::new());
            }
            row[column].push(text);
        }
        self.last = units.last();
    }

    /// Writes the table, if there is one, and begins a new one.
    fn push_to(&mut self, body: &mut String) {
        let Table { rows, .. } = std::mem::take(self);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return;
        }
        let width = TEXT_WIDTH / columns;
        body.push_str(&format!(
            "<w:tbl><w:tblPr><w:tblStyle w:val=\"TableGrid\"/><w:tblW w:w=\"{}\" w:type=\"dxa\"/></w:tblPr><w:tblGrid>{}</w:tblGrid>",
            width * columns,
            format!("<w:gridCol w:w=\"{width}\"/>").repeat(columns)
        ));
        for mut row in rows {
            row.resize(columns, Vec::new());
            body.push_str("<w:tr>");
            for cell in row {
                body.push_str(&format!("<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr>"));
                for text in &cell {
                    body.push_str(&paragraph_of("Normal", List::No, false, &english(text, Look::PLAIN)));
                }
                if cell.is_empty() {
                    body.push_str(&paragraph("Normal", ""));
                }
                body.push_str("</w:tc>");
            }
            body.push_str("</w:tr>");
        }
        body.push_str("</w:tbl>");
        // Two tables without a paragraph between them would be one.
        body.push_str(&paragraph("Normal", ""));
    }
}

/// What stands before a unit on its line.
fn line_before<'d>(doc: &'d TranslatedDocument, unit: &TranslationUnit) -> &'d str {
    let before = layout::slice(&doc.document.text, 0, unit.span.start);
    before.rsplit_once('\n').map_or(before, |(_, line)| line)
}

fn separators(gap: &str) -> usize {
    gap.chars().filter(|c| matches!(c, '|' | '\t')).count()
}
