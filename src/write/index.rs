//! `index.html`: the way into an output folder.

use std::collections::BTreeMap;

use minijinja::Value;
use serde::Serialize;

use super::escape::path_html;
use super::page::Page;
use super::{WriteError, links, words};
use crate::document::EncodingSource;
use crate::run::{DocumentRecord, Outcome, RunRecord};
use crate::similar::NearDuplicate;
use crate::unit::{DocumentRisk, Models};

/// Said of documents that a stopped run did not come to.
pub(super) const NOT_REACHED: &str =
    "not reached: the run was stopped (run it again to go on), or --limit came first";

const PAGE: Page = Page {
    name: "index.html",
    template: include_str!("assets/index.html"),
    style: concat!(include_str!("assets/base.css"), include_str!("assets/index.css")),
    script: include_str!("assets/index.js"),
};

/// The page for a run.
pub(super) fn render(run: &RunRecord) -> Result<String, WriteError> {
    let (mut done, mut failed, mut other) = (Vec::new(), Vec::new(), Vec::new());
    let likes = near_duplicates(run);
    for record in &run.documents {
        match &record.outcome {
            Outcome::Done => done.push(Report::of(record, run, &likes)),
            Outcome::Failed { error, hint } => failed.push(Trouble::of(record, error, hint)),
            Outcome::NothingToTranslate { reason } => other.push(Trouble::of(record, reason, "")),
            Outcome::NotReached => other.push(Trouble::of(record, NOT_REACHED, "")),
        }
    }
    other.extend(run.ignored.iter().map(|i| Trouble::of_file(&i.id, &i.reason)));
    let has_news = run.documents.iter().any(|record| run.news(record).is_some());
    let collapses = !likes.is_empty();
    let parts = words::models(&run.models);
    let (summary, models, warnings) = (summary(run), Model::all(&parts), words::warnings(&parts));
    PAGE.render(Index { summary, models, warnings, collapses, has_news, done, failed, other })
}

/// A near-duplicate, with what it says of itself.
pub(super) type Like<'r> = (&'r DocumentRecord, &'r NearDuplicate);

/// The near-duplicates of each document that has some.
pub(super) fn near_duplicates(run: &RunRecord) -> BTreeMap<&str, Vec<Like<'_>>> {
    let mut of: BTreeMap<&str, Vec<Like<'_>>> = BTreeMap::new();
    for record in &run.documents {
        if let Some(duplicate) = &record.near_duplicate {
            of.entry(&duplicate.of).or_default().push((record, duplicate));
        }
    }
    of
}

/// `6 reports: 5 translated, 1 failed. 240 sentences: 236 translated, 4 flagged.`
pub(super) fn summary(run: &RunRecord) -> String {
    let count = |wanted: fn(&Outcome) -> bool| run.documents.iter().filter(|d| wanted(&d.outcome)).count();
    let outcomes = [
        (count(|o| matches!(o, Outcome::Done)), "translated"),
        (count(|o| matches!(o, Outcome::Failed { .. })), "failed"),
        (count(|o| matches!(o, Outcome::NothingToTranslate { .. })), "with nothing to translate"),
        (count(|o| matches!(o, Outcome::NotReached)), "not reached yet"),
    ];
    let outcomes: Vec<_> =
        outcomes.into_iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    match run.documents.len() {
        0 => "No reports.".into(),
        n => {
            format!("{}: {}. {}.", words::count(n, "report"), outcomes.join(", "), words::states(&run.ledger))
        }
    }
}

/// The output in which a document is best read, relative to the output folder.
pub(super) fn bilingual(record: &DocumentRecord) -> Option<&str> {
    output(record, ".bilingual.html")
        .or_else(|| output(record, ".bilingual.md"))
        .or_else(|| output(record, ".bilingual.docx"))
        .or_else(|| output(record, ".en.txt"))
        .or_else(|| in_english(record))
}

/// The file itself in English, where that is none of the formats that have a name here.
fn in_english(record: &DocumentRecord) -> Option<&str> {
    let is_it = |path: &&String| {
        path.rsplit_once(".en.").is_some_and(|(_, extension)| {
            !extension.contains(['.', '/']) && !matches!(extension, "txt" | "docx" | "html" | "md")
        })
    };
    record.outputs.iter().find(is_it).map(String::as_str)
}

/// The title of a document for lists.
pub(super) fn title(record: &DocumentRecord) -> String {
    match record.title.trim() {
        "" => words::file_name(&record.id).to_owned(),
        title => words::shorten(title),
    }
}

fn output<'r>(record: &'r DocumentRecord, suffix: &str) -> Option<&'r str> {
    record.outputs.iter().map(String::as_str).find(|path| path.ends_with(suffix))
}

#[derive(Serialize)]
struct Index<'r> {
    summary: String,
    models: Vec<Model<'r>>,
    warnings: Vec<String>,
    /// Whether there are near-duplicates.
    collapses: bool,
    /// Whether some are new or changed.
    has_news: bool,
    done: Vec<Report<'r>>,
    failed: Vec<Trouble<'r>>,
    other: Vec<Trouble<'r>>,
}

/// A model as pages show it.
#[derive(Serialize)]
pub(super) struct Model<'r> {
    role: &'static str,
    name: &'r str,
    digest: &'r str,
    licence: &'r str,
    quality: &'r str,
}

impl<'r> Model<'r> {
    pub(super) fn all(parts: &[words::Part<'r>]) -> Vec<Self> {
        let one = |&(role, model): &words::Part<'r>| Model {
            role,
            name: &model.name,
            digest: words::short_digest(model),
            licence: &model.licence,
            quality: &model.quality,
        };
        parts.iter().map(one).collect()
    }
}

#[derive(Serialize)]
struct Report<'r> {
    path: Value,
    title: String,
    headline: &'r str,
    /// Whether a sentence that the headline comes from is of high risk.
    doubted: bool,
    href: Option<String>,
    links: Vec<Link>,
    /// Name and words of its risk, and a number that sorts by it: the share of sentences of high risk, then of medium.
    risk: Option<RiskView>,
    states: String,
    /// A guessed or damaged encoding, in words; else empty.
    encoding: String,
    /// `new` or `changed`.
    news: Option<&'static str>,
    /// Of which it is a near-duplicate.
    like: Option<LikeView>,
    /// Its own near-duplicates.
    likes: Vec<LikeView>,
    /// What was not read of it, and what was left out.
    notes: &'r [String],
}

#[derive(Serialize)]
struct LikeView {
    path: Value,
    href: Option<String>,
    how: String,
}

impl LikeView {
    fn of(record: &DocumentRecord, duplicate: &NearDuplicate) -> Self {
        LikeView {
            path: path_html(&record.id),
            href: bilingual(record).map(links::href),
            how: words::likeness(duplicate),
        }
    }
}

#[derive(Serialize)]
struct Link {
    name: &'static str,
    href: String,
}

impl<'r> Report<'r> {
    fn of(record: &'r DocumentRecord, run: &RunRecord, likes: &BTreeMap<&str, Vec<Like<'_>>>) -> Self {
        let original = |duplicate: &NearDuplicate| {
            // Documents are sorted by id.
            let at = run.documents.binary_search_by(|other| other.id.cmp(&duplicate.of)).ok()?;
            Some(LikeView::of(&run.documents[at], duplicate))
        };
        let kinds = [
            (".brief.md", "brief"),
            (".bilingual.html", "bilingual"),
            (".bilingual.md", "Markdown"),
            (".bilingual.docx", "Word"),
            (".en.txt", "English text"),
            (".en.docx", "English in Word"),
            (".en.html", "page in English"),
            (".en.md", "Markdown in English"),
            (".brief.docx", "brief in Word"),
            (".xliff", "XLIFF"),
            (".tmx", "TMX"),
            (".units.jsonl", "data"),
        ];
        let link = |(suffix, name)| Some(Link { name, href: links::href(output(record, suffix)?) });
        let own = in_english(record).map(|file| Link { name: "file in English", href: links::href(file) });
        Report {
            path: path_html(&record.id),
            title: title(record),
            headline: record.brief.as_ref().map_or("", |brief| brief.headline.text.as_str()),
            doubted: record
                .brief
                .as_ref()
                .is_some_and(|brief| brief.headline.units.iter().any(|unit| brief.doubted.contains(unit))),
            href: bilingual(record).map(links::href),
            links: kinds.into_iter().filter_map(link).chain(own).collect(),
            risk: record.risk.as_ref().map(|risk| RiskView::of(risk, &run.models)),
            states: words::states(&record.ledger),
            encoding: encoding(record),
            news: run.news(record),
            like: record.near_duplicate.as_ref().and_then(original),
            likes: likes
                .get(record.id.as_str())
                .into_iter()
                .flatten()
                .map(|(record, duplicate)| LikeView::of(record, duplicate))
                .collect(),
            notes: &record.notes,
        }
    }
}

#[derive(Serialize)]
struct RiskView {
    level: &'static str,
    words: String,
    weight: usize,
}

impl RiskView {
    fn of(risk: &DocumentRisk, models: &Models) -> Self {
        // In thousandths; a level outranks all below it.
        let share = |n: usize| n * 1000 / risk.sentences().max(1);
        let weight = (risk.level as usize) * 10_000_000 + share(risk.high) * 2000 + share(risk.medium);
        RiskView { level: risk.level.name(), words: words::risk(risk, models), weight }
    }
}

/// What a reader must know of a document's encoding: that it was guessed, or that characters were lost.
fn encoding(record: &DocumentRecord) -> String {
    let Some(encoding) = &record.encoding else { return String::new() };
    let mut words = Vec::new();
    if encoding.source == EncodingSource::Detected {
        words.push(format!("read as {}, a guess", encoding.name));
    }
    if encoding.undecodable > 0 {
        words.push(format!("{} unreadable", words::count(encoding.undecodable, "character")));
    }
    words.join(", ")
}

#[derive(Serialize)]
struct Trouble<'r> {
    path: Value,
    what: &'r str,
    hint: &'r str,
}

impl<'r> Trouble<'r> {
    fn of(record: &'r DocumentRecord, what: &'r str, hint: &'r str) -> Self {
        Trouble { path: path_html(&record.id), what, hint }
    }

    fn of_file(id: &str, what: &'r str) -> Self {
        Trouble { path: path_html(id), what, hint: "" }
    }
}
