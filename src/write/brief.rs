//! `NAME.brief.md`: a page that someone reads instead of the report, each line with its receipts.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::escape::{markdown, markdown_code};
use super::markdown::{BilingualMarkdown, note, notes, stamp, warnings};
use super::{DocumentWriter, Format, WriteError, docx::BilingualDocx, html::BilingualHtml, links, words};
use crate::unit::{DocumentRisk, Risk, State, TranslatedDocument, TranslationUnit};

/// Flagged sentences that a brief lists; the bilingual file shows all.
pub(super) const LISTED: usize = 20;

pub(super) struct BriefMarkdown {
    bilingual: Option<Format>,
}

impl BriefMarkdown {
    /// Points are linked to the bilingual file that is written beside it: HTML rather than Markdown or Word.
    pub(super) fn linking_to(formats: &[Format]) -> Self {
        let bilingual = [Format::Html, Format::Md, Format::Docx].into_iter().find(|f| formats.contains(f));
        BriefMarkdown { bilingual }
    }
}

impl DocumentWriter for BriefMarkdown {
    fn name(&self) -> &'static str {
        "brief.md"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "brief.md")
    }

    fn is_for(&self, doc: &TranslatedDocument) -> bool {
        doc.brief.is_some()
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let Some(brief) = &doc.brief else { return Ok(Vec::new()) };
        let file = self.bilingual_file(doc);
        let mut cited = Citations { doc, numbers: BTreeSet::new() };
        let ledger = doc.ledger();
        let headline = markdown(&brief.headline.text);
        let mut out = format!("# {headline}{}\n\n", cited.units(&brief.headline.units));
        let name = markdown_code(&doc.document.id);
        let name = match &file {
            Some(file) => format!("[{name}]({file})"),
            None => name,
        };
        let risk = words::risk(&DocumentRisk::of(&doc.units), &doc.models);
        let models = words::models(&doc.models);
        let _ = writeln!(out, "{name} · **{risk}** · {}\n", words::states(&ledger));
        out.push_str(&warnings(&models));
        out.push_str(&notes(&doc.document.notes));
        for (name, points) in brief.facts() {
            let named = points.iter().map(|point| markdown(&point.text) + &cited.units(&point.units));
            let named: Vec<String> = named.collect();
            let _ = writeln!(out, "**{name}:** {}  ", named.join(" · "));
        }
        if brief.facts().next().is_some() {
            out.push('\n');
        }
        for point in &brief.points {
            let _ = writeln!(out, "- {}{}", markdown(&point.text), cited.units(&point.units));
        }
        if !brief.figures.is_empty() {
            out.push_str("\n## Figures\n\n");
            for figure in &brief.figures {
                let (value, sentence) = (markdown(&figure.value), markdown(&figure.sentence));
                let _ = writeln!(out, "- **{value}**: {sentence}{}", cited.units(&figure.units()));
            }
        }
        let _ = write!(out, "\n## What to check\n\n{}\n", words::trust(&ledger));
        push_flagged(doc, &mut cited, &mut out);
        let _ = write!(out, "\n---\n\n{} {}.\n", markdown(&words::method(brief)), stamp(&models));
        if let Some(file) = &file {
            cited.push_targets(file, &mut out);
        }
        Ok(out.into_bytes())
    }
}

impl BriefMarkdown {
    fn bilingual_file(&self, doc: &TranslatedDocument) -> Option<String> {
        let path = match self.bilingual? {
            Format::Html => BilingualHtml.path(doc),
            Format::Md => BilingualMarkdown.path(doc),
            Format::Docx => BilingualDocx.path(doc),
            _ => return None,
        };
        Some(links::sibling(&path))
    }
}

fn push_flagged(doc: &TranslatedDocument, cited: &mut Citations<'_>, out: &mut String) {
    let look = |unit: &&TranslationUnit| matches!(unit.state, State::Flagged | State::Skipped);
    let flagged: Vec<&TranslationUnit> = doc.units.iter().filter(look).collect();
    if !flagged.is_empty() {
        out.push('\n');
    }
    for unit in flagged.iter().take(LISTED) {
        let why: Vec<_> = words::notes(unit).iter().map(|(label, detail)| note(label, detail)).collect();
        let _ = writeln!(out, "-{} {}", cited.units(&[unit.index]), why.join("; "));
    }
    if flagged.len() > LISTED {
        let _ = writeln!(out, "- and {} more in the bilingual file", flagged.len() - LISTED);
    }
}

/// References from a line to the sentences it comes from: `[3]`, with the links gathered at the end of the file, so
/// that the text can be read and quoted where nothing renders it.
struct Citations<'d> {
    doc: &'d TranslatedDocument,
    numbers: BTreeSet<usize>,
}

impl Citations<'_> {
    /// ` [3] [5]⚠`: the mark stands where that sentence is itself of high risk.
    fn units(&mut self, indices: &[usize]) -> String {
        let mut out = String::new();
        for unit in indices.iter().filter_map(|&index| self.doc.units.get(index)) {
            let number = unit.index + 1;
            let flag = if unit.risk() == Risk::High { "⚠" } else { "" };
            let _ = write!(out, " [{number}]{flag}");
            self.numbers.insert(number);
        }
        out
    }

    fn push_targets(&self, file: &str, out: &mut String) {
        out.push('\n');
        for number in &self.numbers {
            let _ = writeln!(out, "[{number}]: {file}#u{number}");
        }
    }
}
