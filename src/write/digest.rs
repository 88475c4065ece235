//! `digest.md`: the whole folder on a few pages.

use std::fmt::Write as _;

use super::escape::{markdown, markdown_code};
use super::index::Like;
use super::markdown::{notes, stamp, warning};
use super::{index, links, words};
use crate::brief::Brief;
use crate::run::{DocumentRecord, Outcome, RunRecord};

/// Points shown of each report; its brief has all.
const POINTS: usize = 3;

/// The digest of a run.
pub(super) fn render(run: &RunRecord) -> String {
    let mut out = format!("# Digest\n\n{} {}.\n\n", index::summary(run), stamp(&run.model));
    out.push_str(&warning(&run.model));
    push_failed(run, &mut out);
    let likes = index::near_duplicates(run);
    for record in run.documents.iter().filter(|r| r.outcome == Outcome::Done && r.near_duplicate.is_none()) {
        push_report(record, likes.get(record.id.as_str()).map_or(&[], Vec::as_slice), &mut out);
    }
    push_others(run, &mut out);
    out
}

fn push_failed(run: &RunRecord, out: &mut String) {
    for (n, record) in run.failed().enumerate() {
        if n == 0 {
            out.push_str("## Failed\n\n");
        }
        let Outcome::Failed { error, hint } = &record.outcome else { continue };
        let _ = write!(out, "- {}: {}", markdown_code(&record.id), markdown(error));
        let _ = match hint.as_str() {
            "" => writeln!(out),
            hint => writeln!(out, " (hint: {})", markdown(hint)),
        };
    }
    if run.failed().next().is_some() {
        out.push('\n');
    }
}

fn push_report(record: &DocumentRecord, likes: &[Like<'_>], out: &mut String) {
    let bilingual = index::bilingual(record);
    let title = markdown(&index::title(record));
    let _ = match bilingual {
        Some(file) => writeln!(out, "## [{title}]({})\n", links::href(file)),
        None => writeln!(out, "## {title}\n"),
    };
    let risk = record.risk.as_ref().map(|risk| format!(" · **{}**", words::risk(risk))).unwrap_or_default();
    let _ = writeln!(out, "{}{risk} · {}\n", markdown_code(&record.id), words::states(&record.ledger));
    if !likes.is_empty() {
        let likes: Vec<String> = likes.iter().map(|like| also(like)).collect();
        let _ = writeln!(out, "Also: {}\n", likes.join(", "));
    }
    out.push_str(&notes(&record.notes));
    if let Some(brief) = &record.brief {
        push_brief(brief, bilingual, out);
    }
}

/// `[c.txt](c.bilingual.html) (same text)`
fn also((record, duplicate): &Like<'_>) -> String {
    let name = markdown_code(&record.id);
    let name = match index::bilingual(record) {
        Some(file) => format!("[{name}]({})", links::href(file)),
        None => name,
    };
    format!("{name} ({})", words::likeness(duplicate))
}

fn push_brief(brief: &Brief, bilingual: Option<&str>, out: &mut String) {
    let cite = |units: &[usize]| {
        let link = |index: &usize| match bilingual {
            Some(file) => format!(" [\\[{n}\\]]({}#u{n})", links::href(file), n = index + 1),
            None => format!(" \\[{}\\]", index + 1),
        };
        units.iter().map(link).collect::<String>()
    };
    let _ = writeln!(out, "**{}**{}\n", markdown(&brief.headline.text), cite(&brief.headline.units));
    for point in brief.points.iter().take(POINTS) {
        let _ = writeln!(out, "- {}{}", markdown(&point.text), cite(&point.units));
    }
    if !brief.points.is_empty() {
        out.push('\n');
    }
}

fn push_others(run: &RunRecord, out: &mut String) {
    let mut first = true;
    for record in &run.documents {
        let why = match &record.outcome {
            Outcome::NothingToTranslate { reason } => reason.as_str(),
            Outcome::NotReached => index::NOT_REACHED,
            Outcome::Done | Outcome::Failed { .. } => continue,
        };
        if first {
            out.push_str("## Not translated\n\n");
        }
        first = false;
        let _ = writeln!(out, "- {}: {}", markdown_code(&record.id), markdown(why));
    }
}
