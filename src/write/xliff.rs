//! `NAME.xliff`: the document for translators' workbenches, in XLIFF 2.1 (OASIS, 2018).
//!
//! A block is a `unit`, a sentence a `segment`, and what lies before and between them is `ignorable`. So all sources of a
//! file, one after the other, are the document's text, and all targets (where there is none, the source) the English.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{DocumentWriter, WriteError, english, layout, links, words};
use crate::document::BlockKind;
use crate::unit::{Risk, State, TranslatedDocument, TranslationUnit};
use crate::xml::{escape, is_allowed};

pub(super) struct Xliff;

impl DocumentWriter for Xliff {
    fn name(&self) -> &'static str {
        "xliff"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "xliff")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let mut out = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xliff xmlns=\"urn:oasis:names:tc:xliff:document:2.0\" \
             version=\"2.1\" srcLang=\"ar\" trgLang=\"en\">\n",
        );
        // Sentences keep their numbers, by which briefs and pages point to them: so none may be joined or cut.
        let _ = writeln!(
            out,
            " <file id=\"f1\" original=\"{}\" canResegment=\"no\" srcDir=\"rtl\" trgDir=\"ltr\" xml:space=\"preserve\">",
            escape(&doc.document.id)
        );
        push_notes(
            words::on_the_whole(doc).into_iter().map(|text| ("", "document".to_owned(), text)),
            &mut out,
        );
        push_units(doc, &mut out);
        out.push_str(" </file>\n</xliff>\n");
        Ok(out.into_bytes())
    }
}

fn push_units(doc: &TranslatedDocument, out: &mut String) {
    let text = doc.document.text.as_str();
    let mut end = 0;
    let mut blocks = doc.units.chunk_by(|a, b| a.block == b.block).peekable();
    if blocks.peek().is_none() {
        // A file must have a unit, and a unit a segment.
        let _ = writeln!(
            out,
            "  <unit id=\"b1\" translate=\"no\">\n   <segment><source>{}</source></segment>\n  </unit>",
            content(text)
        );
    }
    while let Some(units) = blocks.next() {
        let Some(first) = units.first() else { continue };
        let _ = writeln!(out, "  <unit id=\"b{}\" type=\"tarjuman:{}\">", first.block + 1, kind(first.kind));
        push_notes(units.iter().flat_map(notes), out);
        for (n, unit) in units.iter().enumerate() {
            let gap = layout::slice(text, end, unit.span.start);
            push_ignorable(
                gap,
                &if n == 0 { english::gap(gap) } else { english::gap_within_block(gap) },
                out,
            );
            push_segment(unit, out);
            end = unit.span.end;
        }
        if blocks.peek().is_none() {
            let tail = layout::slice(text, end, text.len());
            push_ignorable(tail, &english::gap(tail), out);
        }
        out.push_str("  </unit>\n");
    }
}

/// The target is left out where it is the source, which then counts.
fn push_ignorable(source: &str, target: &str, out: &mut String) {
    if source.is_empty() && target.is_empty() {
        return;
    }
    let _ = write!(out, "   <ignorable><source>{}</source>", content(source));
    if target != source {
        let _ = write!(out, "<target>{}</target>", content(target));
    }
    out.push_str("</ignorable>\n");
}

fn push_segment(unit: &TranslationUnit, out: &mut String) {
    let _ = writeln!(
        out,
        "   <segment id=\"{}\" state=\"{}\" subState=\"tarjuman:{}\">\n    <source>{}</source>",
        unit.anchor(),
        state(unit),
        unit.state.name(),
        content(&unit.source)
    );
    let target = unit.target.trim();
    if !target.is_empty() {
        let _ = writeln!(out, "    <target>{}</target>", content(target));
    }
    out.push_str("   </segment>\n");
}

/// How far a sentence has come in the eyes of other programs. What is flagged waits for somebody: it is `initial` with a
/// target, which programs show as a suggestion to be checked.
fn state(unit: &TranslationUnit) -> &'static str {
    match unit.state {
        State::Flagged | State::Skipped => "initial",
        _ if unit.reviewed => "reviewed",
        State::Translated | State::Repaired => "translated",
        State::Copied => "final",
    }
}

/// What is said of a sentence: what it applies to, of what sort, and the words.
fn notes(unit: &TranslationUnit) -> Vec<(&'static str, String, String)> {
    let anchor = unit.anchor();
    let note = |sort: &str, text: &str| ("target", sort.to_owned(), format!("{anchor}: {text}"));
    let mut notes: Vec<_> = words::notes(unit)
        .into_iter()
        .map(|(label, detail)| note(label, &format!("{label}: {detail}")))
        .collect();
    notes.extend(words::origin(unit).map(|origin| note("origin", &origin)));
    if unit.risk() > Risk::Low {
        notes.push(note("risk", &format!("{} risk", unit.risk().name())));
    }
    notes
}

fn push_notes(notes: impl IntoIterator<Item = (&'static str, String, String)>, out: &mut String) {
    let mut any = false;
    for (n, (applies_to, sort, text)) in notes.into_iter().enumerate() {
        if n == 0 {
            out.push_str("   <notes>\n");
        }
        any = true;
        let applies_to = match applies_to {
            "" => String::new(),
            applies_to => format!(" appliesTo=\"{applies_to}\""),
        };
        let (sort, text) = (escape(&sort), escape(&text));
        let _ = writeln!(out, "    <note id=\"n{}\"{applies_to} category=\"{sort}\">{text}</note>", n + 1);
    }
    if any {
        out.push_str("   </notes>\n");
    }
}

/// A prefix and a name, as the standard wants it of types of one's own.
fn kind(kind: BlockKind) -> String {
    match kind {
        BlockKind::Title => "title".into(),
        BlockKind::Heading(level) => format!("heading-{level}"),
        BlockKind::Paragraph => "paragraph".into(),
        BlockKind::ListItem => "list-item".into(),
        BlockKind::TableCell => "table-cell".into(),
        BlockKind::Caption => "caption".into(),
        BlockKind::Cue => "cue".into(),
    }
}

/// Text as the content of a source or target: the standard has an element for characters that XML cannot write.
fn content(text: &str) -> String {
    if text.chars().all(is_allowed) {
        return escape(text);
    }
    let mut out = String::with_capacity(text.len() + 32);
    for piece in text.split_inclusive(|c| !is_allowed(c)) {
        let forbidden = piece.chars().next_back().filter(|&c| !is_allowed(c));
        out.push_str(&escape(&piece[..piece.len() - forbidden.map_or(0, char::len_utf8)]));
        if let Some(c) = forbidden {
            let _ = write!(out, "<cp hex=\"{:04X}\"/>", u32::from(c));
        }
    }
    out
}
