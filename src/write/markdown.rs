//! `NAME.bilingual.md`: each paragraph in English with the Arabic below it.
//!
//! Not a table: paragraphs wrap, can be quoted and edited, and the file still reads well where nothing renders it.
//! A `<div dir="rtl">` gives the Arabic its direction on GitHub and in editors' previews; the small numbers are the
//! sentences' ids, the same in both languages.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::escape::{fence, markdown, markdown_code};
use super::layout::{self, Part, Row};
use super::{DocumentWriter, WriteError, links, words};
use crate::document::BlockKind;
use crate::lang::{digit_value, has_arabic};
use crate::unit::{TranslatedDocument, TranslationUnit};

pub(super) struct BilingualMarkdown;

impl DocumentWriter for BilingualMarkdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "bilingual.md")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let mut out = format!("# {}\n\n", markdown(&words::title(doc)));
        let ledger = doc.ledger();
        let _ = writeln!(out, "{} · {}\n", markdown_code(&doc.document.id), words::states(&ledger));
        let models = words::translators(&doc.models);
        let _ = writeln!(out, "{}\n", stamp(&models));
        out.push_str(&warnings(&models));
        out.push_str(&notes(&doc.document.notes));
        let _ = writeln!(out, "{}\n\n---", words::trust(&ledger));
        for part in layout::parts(doc) {
            match part {
                Part::Kept(text) => {
                    let fence = fence(text, 3);
                    let _ = write!(out, "\n{fence}text\n{text}\n{fence}\n");
                }
                Part::Row(row) => push_row(doc, &row, &mut out),
            }
        }
        Ok(out.into_bytes())
    }
}

/// `Translated by NAME (DIGEST), LICENCE; QUALITY`, and the same of other models.
pub(super) fn stamp(parts: &[words::Part<'_>]) -> String {
    let one = |(role, model): &words::Part<'_>| {
        let mut line = format!("{role} {}", markdown_code(&model.name));
        for (before, part, after) in
            [(" (", words::short_digest(model), ")"), (", ", &model.licence, ""), ("; ", &model.quality, "")]
        {
            if !part.is_empty() {
                let _ = write!(line, "{before}{}{after}", markdown(part));
            }
        }
        line
    };
    parts.iter().map(one).collect::<Vec<_>>().join(". ")
}

/// The models' warnings as a quotation each, or nothing.
pub(super) fn warnings(parts: &[words::Part<'_>]) -> String {
    words::warnings(parts).iter().map(|text| format!("> **Warning:** {}\n\n", markdown(text))).collect()
}

/// What is to be known of how a document was read, as a quotation each, or nothing.
pub(super) fn notes(notes: &[String]) -> String {
    notes.iter().map(|note| format!("> **Reading:** {}\n\n", markdown(note))).collect()
}

/// A line a finding: `25 is missing` under the number of its sentence.
pub(super) fn note(label: &str, detail: &str) -> String {
    format!("*{}:* {}", markdown(label), markdown(detail))
}

fn push_row(doc: &TranslatedDocument, row: &Row<'_>, out: &mut String) {
    let (lead, indent) = lead(row);
    let english: Vec<_> = row.units.iter().map(english).collect();
    let _ = write!(out, "\n{lead}{}\n", english.join(" "));
    let _ = write!(
        out,
        "\n{indent}<div dir=\"rtl\" lang=\"ar\">\n\n{indent}{}\n\n{indent}</div>\n",
        arabic(doc, row.units)
    );
    push_notes(row.units, &indent, out);
}

/// A sentence with its number, by which briefs link to it.
fn english(unit: &TranslationUnit) -> String {
    let flag = if words::notes(unit).is_empty() { "" } else { " ⚠" };
    let (anchor, number) = (unit.anchor(), unit.index + 1);
    format!("<sup id=\"{anchor}\">{number}{flag}</sup> {}", markdown(&words::english(unit)))
}

/// The sources with their numbers; white space between them where the document has some.
fn arabic(doc: &TranslatedDocument, units: &[TranslationUnit]) -> String {
    let mut out = String::new();
    let mut before: Option<&TranslationUnit> = None;
    for unit in units {
        if before.is_some_and(|before| layout::gap(doc, before, unit).contains(char::is_whitespace)) {
            out.push(' ');
        }
        let _ = write!(out, "<sup>{}</sup> {}", unit.index + 1, source(unit));
        before = Some(unit);
    }
    out
}

/// A line without Arabic (a telephone number, an address) keeps its own direction.
fn source(unit: &TranslationUnit) -> String {
    let text = markdown(&unit.source);
    if has_arabic(&unit.source) { text } else { format!("<span dir=\"ltr\">{text}</span>") }
}

fn push_notes(units: &[TranslationUnit], indent: &str, out: &mut String) {
    let notes: Vec<_> = units
        .iter()
        .flat_map(|unit| {
            words::notes(unit).into_iter().map(|(label, detail)| (unit.index + 1, note(label, detail)))
        })
        .map(|(number, note)| format!("{indent}> ⚠ **{number}** {note}"))
        .collect();
    if !notes.is_empty() {
        // Two spaces are a hard line break: one finding a line.
        let _ = write!(out, "\n{}\n", notes.join("  \n"));
    }
}

/// What opens the row's English, and the indentation of all that follows under it.
fn lead(row: &Row<'_>) -> (String, String) {
    match row.kind {
        BlockKind::Title => ("## ".into(), String::new()),
        BlockKind::Heading(level) => {
            let level = usize::from(level.clamp(1, 4)) + 2;
            ("#".repeat(level) + " ", String::new())
        }
        BlockKind::ListItem => {
            let marker = ordered(row.marker).unwrap_or_else(|| "-".into());
            let nesting = "  ".repeat(row.depth);
            let indent = nesting.clone() + &" ".repeat(marker.len() + 1);
            if row.continued { (indent.clone(), indent) } else { (format!("{nesting}{marker} "), indent) }
        }
        BlockKind::Cue | BlockKind::TableCell if !row.marker.is_empty() && !row.continued => {
            (format!("**{}** ", markdown(row.marker)), String::new())
        }
        BlockKind::Paragraph | BlockKind::TableCell | BlockKind::Caption | BlockKind::Cue => {
            (String::new(), String::new())
        }
    }
}

/// `3.` for `3.`, `(3)`, `٣-` …: CommonMark allows at most nine digits.
pub(super) fn ordered(marker: &str) -> Option<String> {
    let digits: String = marker.chars().filter_map(digit_value).map(|d| char::from(b'0' + d)).collect();
    (1..=9).contains(&digits.len()).then(|| format!("{digits}."))
}
