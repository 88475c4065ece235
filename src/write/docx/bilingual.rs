//! `NAME.bilingual.docx`: the brief, then English and Arabic side by side in a table, sentence by sentence.
//!
//! Headings stand outside of tables, in both languages, because programs leave those inside out of their outline. English
//! sentences have the bookmarks `u1`, `u2` …, by which briefs point to them.

use std::path::PathBuf;

use super::text::{List, Look, TAB, english, lines, paragraph, paragraph_of, source};
use super::{Package, TEXT_WIDTH, brief, footer};
use crate::document::BlockKind;
use crate::lang::has_arabic;
use crate::unit::{TranslatedDocument, TranslationUnit};
use crate::write::layout::{self, Part, Row};
use crate::write::markdown::ordered;
use crate::write::{DocumentWriter, WriteError, links, words};

pub(in crate::write) struct BilingualDocx;

impl DocumentWriter for BilingualDocx {
    fn name(&self) -> &'static str {
        "docx"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "bilingual.docx")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let title = words::title(doc);
        let ledger = doc.ledger();
        let mut body = paragraph("Title", &english(&title, Look::PLAIN));
        let about = format!("{} · {}", doc.document.id, words::states(&ledger));
        body.push_str(&paragraph("About", &english(&about, Look::PLAIN)));
        let models = words::models(&doc.models);
        body.push_str(&paragraph("About", &english(&words::stamp(&models), Look::PLAIN)));
        brief::push_warnings(&models, &mut body);
        body.push_str(&paragraph("Normal", &english(&words::trust(&ledger), Look::PLAIN)));
        if let Some(content) = &doc.brief {
            body.push_str(&paragraph("Heading1", &english("Brief", Look::PLAIN)));
            brief::push_points(content, doc, brief::Links::Here, &mut body);
            body.push_str(&paragraph("About", &english(&words::method(content), Look::PLAIN)));
        }
        body.push_str(&paragraph("Rule", ""));
        push_text(doc, &mut body);
        Package { title: &title, footer: footer(&models), body, linked: None }.zip()
    }
}

fn push_text(doc: &TranslatedDocument, body: &mut String) {
    let column = TEXT_WIDTH / 2;
    let table = format!(
        "<w:tbl><w:tblPr><w:tblStyle w:val=\"Bilingual\"/><w:tblW w:w=\"{TEXT_WIDTH}\" w:type=\"dxa\"/>\
         <w:tblLayout w:type=\"fixed\"/></w:tblPr><w:tblGrid><w:gridCol w:w=\"{column}\"/><w:gridCol w:w=\"{column}\"/></w:tblGrid>"
    );
    let mut in_table = false;
    for part in layout::parts(doc) {
        let is_row = matches!(&part, Part::Row(row) if heading(row.kind).is_none());
        if is_row != in_table {
            body.push_str(if is_row { &table } else { "</w:tbl>" });
            in_table = is_row;
        }
        match &part {
            Part::Kept(text) => body.push_str(&paragraph("Code", &lines(text))),
            Part::Row(row) => match heading(row.kind) {
                Some(style) => push_heading(doc, row, style, body),
                None => push_row(doc, row, column, body),
            },
        }
    }
    if in_table {
        body.push_str("</w:tbl>");
    }
    // A document may not end with a table.
    body.push_str(&paragraph("Normal", ""));
}

/// The style of a heading; none for other blocks.
pub(super) fn heading(kind: BlockKind) -> Option<&'static str> {
    match kind {
        BlockKind::Title | BlockKind::Heading(..=1) => Some("Heading1"),
        BlockKind::Heading(2) => Some("Heading2"),
        BlockKind::Heading(3) => Some("Heading3"),
        BlockKind::Heading(4..) => Some("Heading4"),
        _ => None,
    }
}

fn push_heading(doc: &TranslatedDocument, row: &Row<'_>, style: &str, body: &mut String) {
    body.push_str(&paragraph(style, &targets(row.units)));
    body.push_str(&paragraph_of("SourceHeading", List::No, is_rtl(row.units), &sources(doc, row.units)));
    push_notes(row.units, body);
}

fn push_row(doc: &TranslatedDocument, row: &Row<'_>, column: usize, body: &mut String) {
    let (style, list, marker) = item(row);
    let cell = format!("<w:tc><w:tcPr><w:tcW w:w=\"{column}\" w:type=\"dxa\"/></w:tcPr>");
    body.push_str("<w:tr>");
    body.push_str(&cell);
    let lead = marker.as_deref().map(|m| english(m, Look::PLAIN) + TAB).unwrap_or_default();
    body.push_str(&paragraph_of(style, list, false, &(lead + &targets(row.units))));
    push_notes(row.units, body);
    body.push_str("</w:tc>");
    body.push_str(&cell);
    let lead = marker.map(|_| source(row.marker, Look::PLAIN) + TAB).unwrap_or_default();
    body.push_str(&paragraph_of(style, list, is_rtl(row.units), &(lead + &sources(doc, row.units))));
    body.push_str("</w:tc></w:tr>");
}

/// The style of a block's paragraph, how it belongs to a list, and a marker that is no bullet.
pub(super) fn item(row: &Row<'_>) -> (&'static str, List, Option<String>) {
    match row.kind {
        BlockKind::ListItem if row.continued => ("ListParagraph", List::Continued(row.depth), None),
        BlockKind::ListItem if matches!(row.marker, "" | "-" | "*" | "+" | "•") => {
            ("ListBullet", List::Bullet(row.depth), None)
        }
        BlockKind::ListItem => {
            let marker = ordered(row.marker).unwrap_or_else(|| row.marker.to_owned());
            ("ListParagraph", List::Marked(row.depth), Some(marker))
        }
        BlockKind::Caption => ("Caption", List::No, None),
        BlockKind::Cue | BlockKind::TableCell if !row.marker.is_empty() && !row.continued => {
            ("Normal", List::No, Some(row.marker.to_owned()))
        }
        _ => ("Normal", List::No, None),
    }
}

/// Targets with their numbers, each with its bookmark.
fn targets(units: &[TranslationUnit]) -> String {
    let mut out = String::new();
    for (n, unit) in units.iter().enumerate() {
        if n > 0 {
            out.push_str(&english(" ", Look::PLAIN));
        }
        let (id, anchor) = (unit.index, unit.anchor());
        let flag = if words::notes(unit).is_empty() { "" } else { " ⚠" };
        let number = english(&format!("{}{flag} ", unit.index + 1), Look::NUMBER);
        out.push_str(&format!(
            "<w:bookmarkStart w:id=\"{id}\" w:name=\"{anchor}\"/>{number}<w:bookmarkEnd w:id=\"{id}\"/>"
        ));
        out.push_str(&english(&words::english(unit), look(unit)));
    }
    out
}

/// Sources with the same numbers; white space between them where the document has some.
fn sources(doc: &TranslatedDocument, units: &[TranslationUnit]) -> String {
    let mut out = String::new();
    let mut before: Option<&TranslationUnit> = None;
    for unit in units {
        if before.is_some_and(|before| layout::gap(doc, before, unit).contains(char::is_whitespace)) {
            out.push_str(&source(" ", Look::PLAIN));
        }
        out.push_str(&english(&format!("{} ", unit.index + 1), Look::NUMBER));
        out.push_str(&source(&unit.source, Look { dotted: false, ..look(unit) }));
        before = Some(unit);
    }
    out
}

fn look(unit: &TranslationUnit) -> Look {
    let marked = !words::notes(unit).is_empty();
    Look { marked, dotted: !marked && words::origin(unit).is_some(), ..Look::PLAIN }
}

/// A line without Arabic (a telephone number, an address) keeps its own direction.
fn is_rtl(units: &[TranslationUnit]) -> bool {
    units.iter().any(|unit| has_arabic(&unit.source))
}

/// A line a finding, under the sentences: `⚠ 2 numbers: 25 is missing`.
fn push_notes(units: &[TranslationUnit], body: &mut String) {
    for unit in units {
        for (label, detail) in words::notes(unit) {
            let number = english(&format!("⚠ {} ", unit.index + 1), Look::BOLD);
            let note = number + &english(&format!("{label}: {detail}"), Look::PLAIN);
            body.push_str(&paragraph("Finding", &note));
        }
        if let Some(origin) = words::origin(unit) {
            let note = english(&format!("{} {origin}", unit.index + 1), Look::PLAIN);
            body.push_str(&paragraph("Finding", &note));
        }
    }
}
