//! What a run shall do, and everything that can fail before a model is needed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::discover::{self, DiscoverError, Input};
use crate::glossary::Glossary;
use crate::inference::{DecodeOptions, Generator, Translator};
use crate::lang::Lang;
use crate::memory::{Memory, MemoryError};
use crate::names::Choices;
use crate::read;
use crate::run::{DocumentRecord, Outcome, Since};
use crate::unit::{ModelStamp, Models};
use crate::write::{self, Collision, Format, OutputDir, WriteError};

use super::answer::Configured;
use super::record;

/// Who writes the briefs.
pub enum BriefMaker<'a> {
    /// Nobody.
    None,
    /// The report's own sentences.
    Extractive,
    /// A model.
    Model {
        /// Its stamp; the name is the brief's method.
        stamp: ModelStamp,
        /// The model.
        generator: &'a dyn Generator,
    },
}

/// How the documents of a [`Plan`] are worked on.
pub struct RunOptions<'a> {
    /// Formats of bilingual files.
    pub formats: Vec<Format>,
    /// `--encoding`
    pub encoding: Option<String>,
    /// `--fields`
    pub fields: Vec<String>,
    /// The translator.
    pub translator: &'a dyn Translator,
    /// Its stamp.
    pub stamp: ModelStamp,
    /// Languages it reads; empty for any.
    pub source_langs: Vec<Lang>,
    /// The language it writes.
    pub target_lang: Lang,
    /// How it searches.
    pub decode: DecodeOptions,
    /// Rows it has under way at a time.
    pub rows: usize,
    /// How terms are to be translated.
    pub glossary: Glossary,
    /// How names are to be spelt.
    pub names: Choices,
    /// Whether flagged sentences are tried again.
    pub repair: bool,
    /// Another translator for those that the first cannot repair.
    pub second: Option<Configured<'a>>,
    /// Its stamp.
    pub second_stamp: Option<ModelStamp>,
    /// Who writes briefs.
    pub brief: BriefMaker<'a>,
    /// From when on documents are new.
    pub since: Since,
    /// `--since`, as it was given: the digest tells of what is new only.
    pub only_since: Option<String>,
    /// Device in words, for the record.
    pub device: String,
    /// Options in force, for the record.
    pub options: BTreeMap<String, String>,
}

impl RunOptions<'_> {
    /// All models that have a part in the run.
    pub fn models(&self) -> Models {
        let writer = match &self.brief {
            BriefMaker::Model { stamp, .. } => Some(stamp.clone()),
            BriefMaker::None | BriefMaker::Extractive => None,
        };
        Models { translator: self.stamp.clone(), second: self.second_stamp.clone(), writer }
    }
}

/// Why a run ended before its documents were through. What was translated is in the memory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Inputs.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Nothing to do.
    #[error("no readable files in {0}\nhint: files with these extensions are read: {1}")]
    NoInput(String, String),
    /// Two inputs, one output.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// An option that no file could satisfy.
    #[error("{message}{hint}")]
    Encoding {
        /// One line.
        message: String,
        /// `\nhint: …` or empty.
        hint: String,
    },
    /// The translation memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The output folder, or the files of the whole run.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system gives no thread.
    #[error(
        "cannot start a thread: {0}\nhint: look at the limits on memory and processes (ulimit -a), and run again"
    )]
    Thread(std::io::Error),
    /// The promise that every unit ends in exactly one state is broken: a fault of this program.
    #[error(
        "{document}: {counted} of {units} units are accounted for\nhint: this is a fault of tarjuman; please report it"
    )]
    Ledger {
        /// The document.
        document: String,
        /// Units in a final state.
        counted: usize,
        /// Units.
        units: usize,
    },
}

/// A run's options after everything that can fail early has been tried: inputs exist, outputs do not collide, the
/// output folder and the memory can be written. So a typing error costs seconds, not a model's loading time.
pub struct Plan {
    pub(super) inputs: Vec<Input>,
    /// What the outputs of each document are called, by its id.
    pub(super) output_names: BTreeMap<String, String>,
    pub(super) failed: Vec<DocumentRecord>,
    pub(super) ignored: Vec<(String, String)>,
    pub(super) parted: Vec<(String, usize)>,
    pub(super) output: OutputDir,
    pub(super) memory: Memory,
    pub(super) beyond_limit: Vec<Input>,
    pub(super) fresh: bool,
}

/// What [`plan`] needs of a run's options, before any model is loaded.
pub struct PlanOptions<'a> {
    /// Files and folders, or `-`.
    pub inputs: &'a [PathBuf],
    /// Output folder.
    pub out: &'a Path,
    /// `--encoding`
    pub encoding: Option<&'a str>,
    /// Only so many documents.
    pub limit: Option<usize>,
    /// Translation memory file; none keeps it in memory.
    pub memory: Option<&'a Path>,
    /// Translate anew what the memory has.
    pub fresh: bool,
}

/// Tries everything that can fail before a model is needed.
pub fn plan(options: &PlanOptions<'_>) -> Result<Plan, RunError> {
    if let Some(name) = options.encoding {
        read::encoding::canonical_name(name).map_err(|e| {
            let hint = e.hint();
            let hint = if hint.is_empty() { hint } else { format!("\nhint: {hint}") };
            RunError::Encoding { message: e.to_string(), hint }
        })?;
    }
    let is_readable = |path: &Path| read::is_readable(&path.to_string_lossy());
    let found = discover::discover(options.inputs, &is_readable, Some(options.out))?;
    if found.inputs.is_empty() && found.failed.is_empty() {
        let given: Vec<_> = options.inputs.iter().map(|p| p.display().to_string()).collect();
        let known = read::extensions().into_iter().chain(discover::CONTAINERS);
        let known: Vec<_> = known.map(|e| format!(".{e}")).collect();
        return Err(RunError::NoInput(given.join(", "), known.join(" ")));
    }
    let output_names = write::output_names(found.inputs.iter().map(|input| input.id.as_str()))?;
    let output = OutputDir::create(options.out, found.readers)?;
    let memory = match options.memory {
        Some(path) => Memory::open(path)?,
        None => Memory::none()?,
    };
    let mut inputs = found.inputs;
    let beyond_limit = inputs.split_off(options.limit.unwrap_or(usize::MAX).min(inputs.len()));
    let failed = found.failed.into_iter().map(|f| {
        let outcome = Outcome::Failed { error: f.error, hint: f.hint.to_string() };
        record(f.id, 0, outcome)
    });
    Ok(Plan {
        output_names,
        failed: failed.collect(),
        ignored: found.ignored.into_iter().map(|i| (i.id, i.reason.to_string())).collect(),
        parted: found.parted,
        inputs,
        output,
        memory,
        beyond_limit,
        fresh: options.fresh,
    })
}
