//! Finished documents → files: one file of this room a format, one trait for them all, and one place that saves.
//!
//! Every output is rendered whole from plain data and then put in place in one step, so that a reader never sees
//! half a file. Only `run.json` may tell when and how a run went: all other outputs depend on the documents, the
//! translations and the model alone, so an interrupted and resumed run gives the same bytes as an uninterrupted one.

mod brief;
mod digest;
mod docx;
mod english;
mod escape;
#[cfg(test)]
mod fixture;
mod html;
mod index;
mod jsonl;
mod layout;
mod links;
mod markdown;
mod marks;
mod names;
mod original;
mod page;
mod review;
mod save;
mod subtitle;
mod tmx;
mod words;
mod xliff;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::run::RunRecord;
use crate::unit::TranslatedDocument;

pub use jsonl::UnitLine;
pub use names::{NAMES, names_table};
pub use review::{REVIEW, ReviewRow, review_rows, review_table};
pub use save::{OutputDir, Saved};

/// Why an output could not be made or saved.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A path that would leave the output folder.
    #[error("{path:?} would be written outside the output folder\nhint: {hint}")]
    Outside {
        /// As it was asked for.
        path: PathBuf,
        /// What to do about it.
        hint: &'static str,
    },
    /// The file system said no.
    #[error("cannot write {path}: {source}{}", save::hint_line(.source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Another run holds the folder.
    #[error("{} is in use by another run\nhint: wait for it, or choose another --out", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A document that cannot be brought into its format; never seen with the templates and types of this version.
    #[error("cannot render {what}: {message}")]
    Render {
        /// Name of the format.
        what: &'static str,
        /// One line.
        message: String,
    },
}

/// A format that `--formats` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `NAME.bilingual.md`
    Md,
    /// `NAME.bilingual.html`
    Html,
    /// `NAME.units.jsonl`
    Jsonl,
    /// `NAME.en.EXT`: the file itself in English
    Original,
    /// `NAME.en.txt`
    Txt,
    /// `NAME.bilingual.docx`, `NAME.en.docx` and, for documents with a brief, `NAME.brief.docx`
    Docx,
    /// `NAME.tmx`
    Tmx,
    /// `NAME.xliff`
    Xliff,
}

impl Format {
    /// All formats, in the order in which they are listed for people.
    pub const ALL: [Format; 8] = [
        Format::Md,
        Format::Html,
        Format::Jsonl,
        Format::Original,
        Format::Txt,
        Format::Docx,
        Format::Tmx,
        Format::Xliff,
    ];

    /// The name as given to `--formats`.
    pub fn name(self) -> &'static str {
        match self {
            Format::Md => "md",
            Format::Html => "html",
            Format::Jsonl => "jsonl",
            Format::Original => "original",
            Format::Txt => "txt",
            Format::Docx => "docx",
            Format::Tmx => "tmx",
            Format::Xliff => "xliff",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not one of [`Format::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown format {name:?}\nhint: the formats are md, html, jsonl, txt, docx, tmx, xliff and original, with commas between them"
)]
pub struct UnknownFormat {
    /// What was given.
    pub name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let wanted = name.trim();
        let found = Format::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(wanted));
        found.ok_or_else(|| UnknownFormat { name: wanted.to_owned() })
    }
}

/// One output format of a document.
pub trait DocumentWriter: Send + Sync {
    /// Short name of the format, for messages.
    fn name(&self) -> &'static str;

    /// Where the output for `doc` goes, relative to the output folder.
    fn path(&self, doc: &TranslatedDocument) -> PathBuf;

    /// Whether there is such an output of `doc`.
    fn is_for(&self, doc: &TranslatedDocument) -> bool {
        let _ = doc;
        true
    }

    /// The whole file.
    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError>;
}

/// The writers for `formats`, and that of the brief, which is always written.
pub fn writers(formats: &[Format]) -> Vec<Box<dyn DocumentWriter>> {
    let mut writers: Vec<Box<dyn DocumentWriter>> = Vec::new();
    let mut add = |writer: Box<dyn DocumentWriter>| writers.push(writer);
    for format in Format::ALL.into_iter().filter(|f| formats.contains(f)) {
        match format {
            Format::Md => add(Box::new(markdown::BilingualMarkdown)),
            Format::Html => add(Box::new(html::BilingualHtml)),
            Format::Jsonl => add(Box::new(jsonl::Units)),
            Format::Original => add(Box::new(original::Translated)),
            Format::Txt => add(Box::new(english::EnglishText)),
            Format::Docx => {
                add(Box::new(docx::BilingualDocx));
                add(Box::new(docx::EnglishDocx));
                add(Box::new(docx::BriefDocx));
            }
            Format::Tmx => add(Box::new(tmx::Memory)),
            Format::Xliff => add(Box::new(xliff::Xliff)),
        }
    }
    add(Box::new(brief::BriefMarkdown::linking_to(formats)));
    writers
}

/// The files that a document will have, relative to the output folder.
#[cfg(test)]
fn output_paths(doc: &TranslatedDocument, formats: &[Format]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        writers(formats).iter().filter(|w| w.is_for(doc)).map(|w| w.path(doc)).collect();
    paths.dedup();
    paths
}

/// Two documents that would be written to the same file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second} would both be written to {}\nhint: rename one of them, or run them into two folders", .output.display())]
pub struct Collision {
    /// The document that comes first.
    pub first: String,
    /// The document that would overwrite it.
    pub second: String,
    /// The files they share: `a/b.*`.
    pub output: PathBuf,
}

/// What the outputs of each document are called, up to their endings, by its id: its path without the extension, or, where
/// several documents have the same, with it. Names that differ only in case are the same: the output folder may lie on, or be
/// copied to, a disk that does not tell them apart.
///
/// # Errors
/// When two would have one name even so.
pub fn output_names<'a>(
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeMap<String, String>, Collision> {
    let ids: Vec<&str> = ids.into_iter().collect();
    let mut of_stem: HashMap<String, usize> = HashMap::new();
    for id in &ids {
        *of_stem.entry(links::stem(id).to_lowercase()).or_default() += 1;
    }
    let mut names = BTreeMap::new();
    let mut taken: HashMap<String, &str> = HashMap::new();
    for id in ids {
        let stem = links::stem(id);
        let name = if of_stem[&stem.to_lowercase()] > 1 { id } else { stem };
        // All outputs of a document are its name with a suffix, and no suffix ends in another with a dot before it: so
        // documents share all files or none.
        if let Some(first) = taken.insert(name.to_lowercase(), id) {
            let output = PathBuf::from(format!("{name}.*"));
            return Err(Collision { first: first.into(), second: id.into(), output });
        }
        names.insert(id.to_owned(), name.to_owned());
    }
    Ok(names)
}

/// Renders a document in all formats and saves it: the paths written, relative to the output folder, with `/`.
pub fn save_document(
    out: &OutputDir,
    writers: &[Box<dyn DocumentWriter>],
    doc: &TranslatedDocument,
) -> Result<Vec<String>, WriteError> {
    let mut saved: Vec<String> = Vec::new();
    for writer in writers.iter().filter(|w| w.is_for(doc)) {
        let path = writer.path(doc);
        let name = links::slashed(&path);
        // The file itself in English may be what another format would be as well.
        if !saved.contains(&name) {
            out.save(&path, &writer.render(doc)?)?;
            saved.push(name);
        }
    }
    Ok(saved)
}

/// Name of the record of a run.
pub const RECORD: &str = "run.json";

/// A table of an earlier run in the output folder, in which somebody may have written, or its record, if it is there.
pub fn earlier_table(out: &OutputDir, name: &str) -> Result<Option<Vec<u8>>, WriteError> {
    out.read(Path::new(name))
}

/// Puts a table aside that cannot be read or not be used whole: `review.kept.csv`, or, where another one is kept already,
/// `review.kept2.csv` and so on. Its new name.
pub fn keep_table(out: &OutputDir, name: &str, bytes: &[u8]) -> Result<String, WriteError> {
    let (mut number, mut kept) = (1, Path::new(name).with_extension("kept.csv"));
    while out.read(&kept)?.is_some_and(|other| other != bytes) {
        number += 1;
        kept = Path::new(name).with_extension(format!("kept{number}.csv"));
    }
    out.save_durably(&kept, bytes)?;
    Ok(kept.to_string_lossy().into_owned())
}

/// The tables of a run, each unless the one that is there is to stay.
#[derive(Debug, Default)]
pub struct Tables {
    /// `review.csv`
    pub review: Option<Vec<u8>>,
    /// `names.csv`
    pub names: Option<Vec<u8>>,
}

/// Saves what stands at the top of the output folder: `index.html`, `digest.md`, the tables and `run.json`.
pub fn save_run(out: &OutputDir, run: &RunRecord, tables: Tables) -> Result<(), WriteError> {
    for (name, table) in [(REVIEW, tables.review), (NAMES, tables.names)] {
        if let Some(bytes) = table {
            out.save_durably(Path::new(name), &bytes)?;
        }
    }
    out.save(Path::new("index.html"), index::render(run)?.as_bytes())?;
    out.save(Path::new("digest.md"), digest::render(run).as_bytes())?;
    out.save(Path::new(RECORD), jsonl::run_record(run)?.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests;
