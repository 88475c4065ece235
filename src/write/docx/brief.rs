//! `NAME.brief.docx`: what `NAME.brief.md` says, with links into the bilingual document beside it.

use std::path::PathBuf;

use super::text::{List, Look, english, paragraph, paragraph_of};
use super::{BilingualDocx, LINKED, Package, footer};
use crate::brief::Brief;
use crate::unit::{Risk, State, TranslatedDocument, TranslationUnit};
use crate::write::brief::LISTED;
use crate::write::{DocumentWriter, WriteError, links, words};
use crate::xml::escape;

pub(in crate::write) struct BriefDocx;

impl DocumentWriter for BriefDocx {
    fn name(&self) -> &'static str {
        "brief.docx"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "brief.docx")
    }

    fn is_for(&self, doc: &TranslatedDocument) -> bool {
        doc.brief.is_some()
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let Some(brief) = &doc.brief else { return Ok(Vec::new()) };
        let (ledger, space) = (doc.ledger(), english(" ", Look::PLAIN));
        let headline = english(&brief.headline.text, Look::PLAIN)
            + &space
            + &cite(&brief.headline.units, doc, Links::Beside);
        let mut body = paragraph("Title", &headline);
        let name =
            Links::Beside.link("", &english(&doc.document.id, Look { style: "Hyperlink", ..Look::PLAIN }));
        let states = english(&format!(" · {}", words::states(&ledger)), Look::PLAIN);
        body.push_str(&paragraph("About", &(name + &states)));
        let models = words::models(&doc.models);
        push_warnings(&models, &mut body);
        push_points(brief, doc, Links::Beside, &mut body);
        body.push_str(&paragraph("Heading1", &english("What to check", Look::PLAIN)));
        body.push_str(&paragraph("Normal", &english(&words::trust(&ledger), Look::PLAIN)));
        push_flagged(doc, &mut body);
        body.push_str(&paragraph("Rule", ""));
        let about = format!("{} {}.", words::method(brief), words::stamp(&models));
        body.push_str(&paragraph("About", &english(&about, Look::PLAIN)));
        let linked = Some(links::sibling(&BilingualDocx.path(doc)));
        Package { title: &brief.headline.text, footer: footer(&models), body, linked }.zip()
    }
}

/// Where the sentences stand that a brief points to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Links {
    /// In the same document.
    Here,
    /// In the bilingual document beside it.
    Beside,
}

impl Links {
    /// Runs as a link to the bookmark `anchor`, or to the document itself.
    fn link(self, anchor: &str, runs: &str) -> String {
        let file = if self == Links::Beside { format!(" r:id=\"{LINKED}\"") } else { String::new() };
        let anchor = match anchor {
            "" => String::new(),
            anchor => format!(" w:anchor=\"{}\"", escape(anchor)),
        };
        format!("<w:hyperlink{file}{anchor} w:history=\"1\">{runs}</w:hyperlink>")
    }
}

/// The models' warnings.
pub(super) fn push_warnings(parts: &[words::Part<'_>], body: &mut String) {
    for warning in words::warnings(parts) {
        body.push_str(&paragraph("Warning", &english(&format!("Warning: {warning}"), Look::PLAIN)));
    }
}

/// The points and the figures of a brief, and in the document itself its headline.
pub(super) fn push_points(brief: &Brief, doc: &TranslatedDocument, links: Links, body: &mut String) {
    let space = english(" ", Look::PLAIN);
    if links == Links::Here {
        let headline =
            english(&brief.headline.text, Look::BOLD) + &space + &cite(&brief.headline.units, doc, links);
        body.push_str(&paragraph("Normal", &headline));
    }
    for (name, points) in brief.facts() {
        let mut line = english(&format!("{name}: "), Look::BOLD);
        for (at, point) in points.iter().enumerate() {
            let part = if at > 0 { " · " } else { "" };
            line += &english(&format!("{part}{} ", point.text), Look::PLAIN);
            line += &cite(&point.units, doc, links);
        }
        body.push_str(&paragraph("Normal", &line));
    }
    let mut push_item =
        |runs: String| body.push_str(&paragraph_of("ListBullet", List::Bullet(0), false, &runs));
    for point in &brief.points {
        push_item(english(&point.text, Look::PLAIN) + &space + &cite(&point.units, doc, links));
    }
    if !brief.figures.is_empty() {
        body.push_str(&paragraph("Heading2", &english("Figures", Look::PLAIN)));
    }
    for figure in &brief.figures {
        let runs = english(&figure.value, Look::BOLD)
            + &english(&format!(": {}", figure.sentence), Look::PLAIN)
            + &space
            + &cite(&figure.units(), doc, links);
        body.push_str(&paragraph_of("ListBullet", List::Bullet(0), false, &runs));
    }
}

/// `[3] [5]⚠`: the mark stands where that sentence is itself of high risk.
fn cite(indices: &[usize], doc: &TranslatedDocument, links: Links) -> String {
    let cited = indices.iter().filter_map(|&index| doc.units.get(index)).map(|unit| {
        let number = english(&format!("[{}]", unit.index + 1), Look { style: "Hyperlink", ..Look::PLAIN });
        let mark = if unit.risk() == Risk::High { "⚠" } else { "" };
        links.link(&unit.anchor(), &number) + &english(mark, Look::PLAIN)
    });
    cited.collect::<Vec<_>>().join(&english(" ", Look::PLAIN))
}

fn push_flagged(doc: &TranslatedDocument, body: &mut String) {
    let look = |unit: &&TranslationUnit| matches!(unit.state, State::Flagged | State::Skipped);
    let flagged: Vec<&TranslationUnit> = doc.units.iter().filter(look).collect();
    for unit in flagged.iter().take(LISTED) {
        let why: Vec<_> =
            words::notes(unit).iter().map(|(label, detail)| format!("{label}: {detail}")).collect();
        let runs =
            cite(&[unit.index], doc, Links::Beside) + &english(&format!(" {}", why.join("; ")), Look::PLAIN);
        body.push_str(&paragraph_of("ListBullet", List::Bullet(0), false, &runs));
    }
    if flagged.len() > LISTED {
        let more = format!("and {} more in the bilingual file", flagged.len() - LISTED);
        body.push_str(&paragraph_of("ListBullet", List::Bullet(0), false, &english(&more, Look::PLAIN)));
    }
}
