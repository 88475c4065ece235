//! `NAME.bilingual.html`: one page that opens anywhere without a network, English on the left, Arabic on the right,
//! sentence by sentence.
//!
//! The page works without its script; with it come layouts, filters, search and corrections (`assets/bilingual/*.js`,
//! which share one scope and are joined in the order given here).
//!
//! English sentences have the ids `u1`, `u2` …, by which briefs point to them; their sources have `s1`, `s2` ….

use std::path::PathBuf;

use minijinja::Value;
use serde::Serialize;

use super::escape::{english_html, path_html};
use super::index::Model;
use super::layout::{self, Part, Row};
use super::page::Page;
use super::{DocumentWriter, WriteError, links, words};
use crate::brief::{Brief, Point};
use crate::document::BlockKind;
use crate::lang::has_arabic;
use crate::unit::{DocumentRisk, Risk, TranslatedDocument, TranslationUnit};

const PAGE: Page = Page {
    name: "bilingual.html",
    template: include_str!("assets/bilingual.html"),
    style: concat!(include_str!("assets/base.css"), include_str!("assets/bilingual.css")),
    script: concat!(
        "'use strict';\n",
        include_str!("assets/bilingual/text.js"),
        include_str!("assets/bilingual/view.js"),
        include_str!("assets/bilingual/corrections.js"),
        include_str!("assets/bilingual/export.js"),
        include_str!("assets/bilingual/search.js"),
        include_str!("assets/bilingual/keys.js"),
    ),
};

pub(super) struct BilingualHtml;

impl DocumentWriter for BilingualHtml {
    fn name(&self) -> &'static str {
        "html"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "bilingual.html")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let ledger = doc.ledger();
        let title = words::title(doc);
        let models = words::models(&doc.models);
        let page = PAGE.render(Bilingual {
            version: env!("CARGO_PKG_VERSION"),
            id: &doc.document.id,
            digest: &doc.document.digest,
            path: (title != doc.document.id).then(|| path_html(&doc.document.id)),
            title,
            risk: words::risk(&DocumentRisk::of(&doc.units), &doc.models),
            states: words::states(&ledger),
            trust: words::trust(&ledger),
            notes: &doc.document.notes,
            models: Model::all(&models),
            warnings: words::warnings(&models),
            brief: doc.brief.as_ref().map(|brief| BriefView::of(brief, doc)),
            parts: layout::parts(doc).iter().map(|part| PartView::of(part, doc)).collect(),
        })?;
        Ok(page.into_bytes())
    }
}

#[derive(Serialize)]
struct Bilingual<'d> {
    version: &'static str,
    /// What corrections are exported and kept under.
    id: &'d str,
    digest: &'d str,
    /// The document's id as it is shown, unless it is the title.
    path: Option<Value>,
    title: String,
    risk: String,
    states: String,
    trust: String,
    /// What was not read of the document, and what was left out.
    notes: &'d [String],
    models: Vec<Model<'d>>,
    warnings: Vec<String>,
    brief: Option<BriefView>,
    parts: Vec<PartView<'d>>,
}

#[derive(Serialize)]
struct BriefView {
    headline: PointView,
    facts: Vec<FactsView>,
    points: Vec<PointView>,
    figures: Vec<FigureView>,
    method: String,
}

#[derive(Serialize)]
struct PointView {
    text: Value,
    cites: Vec<Cite>,
}

#[derive(Serialize)]
struct FactsView {
    name: &'static str,
    points: Vec<PointView>,
}

#[derive(Serialize)]
struct FigureView {
    value: Value,
    sentence: Value,
    cites: Vec<Cite>,
}

/// A link to a unit.
#[derive(Serialize)]
struct Cite {
    number: usize,
    /// The unit is of high risk itself.
    doubted: bool,
}

impl BriefView {
    fn of(brief: &Brief, doc: &TranslatedDocument) -> Self {
        let cite = |index: &usize| {
            let unit = doc.units.get(*index)?;
            Some(Cite { number: unit.index + 1, doubted: unit.risk() == Risk::High })
        };
        let point = |point: &Point| PointView {
            text: english_html(&point.text),
            cites: point.units.iter().filter_map(cite).collect(),
        };
        let figure = |figure: &crate::brief::Figure| FigureView {
            value: english_html(&figure.value),
            sentence: english_html(&figure.sentence),
            cites: figure.units().iter().filter_map(cite).collect(),
        };
        BriefView {
            headline: point(&brief.headline),
            facts: brief
                .facts()
                .map(|(name, points)| FactsView { name, points: points.iter().map(point).collect() })
                .collect(),
            points: brief.points.iter().map(point).collect(),
            figures: brief.figures.iter().map(figure).collect(),
            method: words::method(brief),
        }
    }
}

#[derive(Serialize)]
struct PartView<'d> {
    /// Untranslated text between blocks; then nothing else is set.
    kept: Option<&'d str>,
    /// Element that holds a column of the row.
    tag: &'static str,
    /// Name of the block's kind, for the style.
    kind: &'static str,
    /// What stands before a list item.
    marker: &'d str,
    depth: usize,
    continued: bool,
    units: Vec<UnitView<'d>>,
}

#[derive(Serialize)]
struct UnitView<'d> {
    number: usize,
    state: &'static str,
    english: Value,
    /// The Arabic; the page's columns give it its direction.
    source: &'d str,
    /// Direction of the source: a line without Arabic (a telephone number, an address) keeps its own.
    dir: &'static str,
    /// The target is missing and the source stands in its place.
    missing: bool,
    /// Whether white space stands before it in the source.
    spaced: bool,
    /// Whether the model doubted it.
    unsure: bool,
    /// Whether its risk is high.
    doubtful: bool,
    /// Whether a person wrote it.
    reviewed: bool,
    /// How it came to be, where that is not as usual.
    origin: Option<String>,
    notes: Vec<NoteView>,
}

#[derive(Serialize)]
struct NoteView {
    label: &'static str,
    detail: Value,
}

impl<'d> PartView<'d> {
    fn of(part: &Part<'d>, doc: &'d TranslatedDocument) -> Self {
        match part {
            Part::Kept(text) => PartView {
                kept: Some(text),
                tag: "",
                kind: "",
                marker: "",
                depth: 0,
                continued: false,
                units: Vec::new(),
            },
            Part::Row(row) => Self::row(row, doc),
        }
    }

    fn row(row: &Row<'d>, doc: &'d TranslatedDocument) -> Self {
        let (tag, kind) = match row.kind {
            BlockKind::Title => ("h2", "title"),
            BlockKind::Heading(..=1) => ("h2", "heading"),
            BlockKind::Heading(2) => ("h3", "heading"),
            BlockKind::Heading(3..) => ("h4", "heading"),
            BlockKind::Paragraph => ("p", "paragraph"),
            BlockKind::ListItem => ("p", "item"),
            BlockKind::TableCell => ("p", "cell"),
            BlockKind::Caption => ("p", "caption"),
            BlockKind::Cue => ("p", "cue"),
        };
        let marker = if matches!(row.marker, "-" | "*" | "+") { "•" } else { row.marker };
        let mut before: Option<&TranslationUnit> = None;
        let mut units = Vec::with_capacity(row.units.len());
        for unit in row.units {
            let spaced = before.is_some_and(|b| layout::gap(doc, b, unit).contains(char::is_whitespace));
            units.push(UnitView::of(unit, spaced));
            before = Some(unit);
        }
        PartView { kept: None, tag, kind, marker, depth: row.depth, continued: row.continued, units }
    }
}

impl<'d> UnitView<'d> {
    fn of(unit: &'d TranslationUnit, spaced: bool) -> Self {
        let missing = unit.target.trim().is_empty();
        let note = |(label, detail): (&'static str, &str)| NoteView { label, detail: english_html(detail) };
        UnitView {
            number: unit.index + 1,
            state: unit.state.name(),
            english: english_html(unit.target.trim()),
            source: &unit.source,
            dir: if has_arabic(&unit.source) { "rtl" } else { "ltr" },
            missing,
            spaced,
            unsure: words::is_unsure(unit),
            doubtful: unit.risk() == Risk::High,
            reviewed: unit.reviewed,
            origin: words::origin(unit),
            notes: words::notes(unit).into_iter().map(note).collect(),
        }
    }
}
