//! `digest.md`: the whole folder on a few pages.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape::{markdown, markdown_code};
use super::index::Like;
use super::markdown::{notes, stamp, warnings};
use super::{index, links, words};
use crate::brief::Brief;
use crate::run::{DocumentRecord, Outcome, RunRecord};

/// Points shown of each report; its brief has all.
const POINTS: usize = 3;

/// The digest of a run.
pub(super) fn render(run: &RunRecord) -> String {
    let models = words::models(&run.models);
    let mut out = format!("# Digest\n\n{} {}.\n\n", index::summary(run), stamp(&models));
    out.push_str(&warnings(&models));
    let likes = index::near_duplicates(run);
    let tells_all = run.since.is_none() || run.new_from.is_none();
    let is_told = |record: &DocumentRecord| tells_all || run.news(record).is_some();
    push_since(run, &mut out);
    push_failed(run, &mut out);
    let done = || run.documents.iter().filter(|record| record.outcome == Outcome::Done);
    for record in done().filter(|record| record.near_duplicate.is_none() && is_told(record)) {
        push_report(record, run, likes.get(record.id.as_str()).map_or(&[], Vec::as_slice), &mut out);
    }
    if !tells_all {
        push_new_likes(run, &likes, &mut out);
    }
    push_others(run, &mut out);
    out
}

/// What is left out where only news are told.
fn push_since(run: &RunRecord, out: &mut String) {
    let Some(since) = &run.since else { return };
    if run.new_from.is_none() {
        out.push_str("There is no earlier run to compare with, so all reports are here.\n\n");
        return;
    }
    let done = run.documents.iter().filter(|record| record.outcome == Outcome::Done);
    let (news, rest): (Vec<_>, Vec<_>) = done.partition(|record| run.news(record).is_some());
    let which = match since.as_str() {
        "last" => "came or changed last".to_owned(),
        time => format!("is new or changed since {}", markdown(time)),
    };
    let (news, rest) = (words::count(news.len(), "report"), words::count(rest.len(), "unchanged report"));
    let _ = write!(
        out,
        "Only what {which}: {news}. {rest} left out here; all stand in [index.html](index.html).\n\n"
    );
}

/// New reports that are nearly the same as one that is not told.
fn push_new_likes(run: &RunRecord, likes: &BTreeMap<&str, Vec<Like<'_>>>, out: &mut String) {
    let mut first = true;
    for record in run.documents.iter().filter(|record| run.news(record).is_none()) {
        for like in likes.get(record.id.as_str()).into_iter().flatten() {
            let Some(news) = run.news(like.0) else { continue };
            if first {
                out.push_str("## New, and nearly the same as earlier reports\n\n");
            }
            first = false;
            let _ = writeln!(out, "- **{news}**: {}, as {}", also(like), name(record));
        }
    }
    if !first {
        out.push('\n');
    }
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

fn push_report(record: &DocumentRecord, run: &RunRecord, likes: &[Like<'_>], out: &mut String) {
    let bilingual = index::bilingual(record);
    let title = markdown(&index::title(record));
    let _ = match bilingual {
        Some(file) => writeln!(out, "## [{title}]({})\n", links::href(file)),
        None => writeln!(out, "## {title}\n"),
    };
    let risk = record
        .risk
        .as_ref()
        .map(|risk| format!(" · **{}**", words::risk(risk, &run.models)))
        .unwrap_or_default();
    let news = run.news(record).map(|news| format!(" · **{news}**")).unwrap_or_default();
    let _ = writeln!(out, "{}{news}{risk} · {}\n", markdown_code(&record.id), words::states(&record.ledger));
    if !likes.is_empty() {
        let likes: Vec<String> = likes.iter().map(also).collect();
        let _ = writeln!(out, "Also: {}\n", likes.join(", "));
    }
    out.push_str(&notes(&record.notes));
    if let Some(brief) = &record.brief {
        push_brief(brief, bilingual, out);
    }
}

/// `[c.txt](c.bilingual.html) (same text)`
fn also((record, duplicate): &Like<'_>) -> String {
    format!("{} ({})", name(record), words::likeness(duplicate))
}

/// The name of a document, as a link where there is something to read.
fn name(record: &DocumentRecord) -> String {
    let name = markdown_code(&record.id);
    match index::bilingual(record) {
        Some(file) => format!("[{name}]({})", links::href(file)),
        None => name,
    }
}

fn push_brief(brief: &Brief, bilingual: Option<&str>, out: &mut String) {
    let cite = |units: &[usize]| {
        let link = |index: &usize| {
            let mark = if brief.doubted.contains(index) { "⚠" } else { "" };
            match bilingual {
                Some(file) => format!(" [\\[{n}\\]]({}#u{n}){mark}", links::href(file), n = index + 1),
                None => format!(" \\[{}\\]{mark}", index + 1),
            }
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
