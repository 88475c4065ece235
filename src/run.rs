//! The record of a run as plain data: what `run.json`, `index.html` and `digest.md` are made from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::brief::Brief;
use crate::document::TextEncoding;
use crate::similar::NearDuplicate;
use crate::unit::{DocumentRisk, Ledger, ModelStamp};

/// Who besides their owner may read all inputs of a run, and so its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readers {
    /// The group of a file.
    pub group: bool,
    /// Everybody.
    pub others: bool,
}

impl Readers {
    /// What the user's umask allows.
    pub const ANY: Readers = Readers { group: true, others: true };
}

impl Default for Readers {
    fn default() -> Self {
        Readers::ANY
    }
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// All its units are in a final state and its outputs are written.
    Done,
    /// It was read, but there is nothing to translate in it (empty, or no Arabic).
    NothingToTranslate {
        /// In words.
        reason: String,
    },
    /// It could not be read, translated or written; the run went on.
    Failed {
        /// One line.
        error: String,
        /// What to do about it, or empty.
        hint: String,
    },
    /// The run was stopped (or `--limit` reached) before it.
    NotReached,
}

/// One input of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// The document's id: its path relative to the folder given, with `/`.
    pub id: String,
    /// SHA-256 of the input's bytes; empty if it was not read as a document.
    pub digest: String,
    /// Size of the input in bytes.
    pub bytes: u64,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The encoding it was read in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<TextEncoding>,
    /// What a reader must know of how it was read: pages that are missing, what was left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Counts of its units' states.
    pub ledger: Ledger,
    /// How much its translation is to be doubted, if it was translated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<DocumentRisk>,
    /// That it is nearly the same as another document of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub near_duplicate: Option<NearDuplicate>,
    /// English title.
    pub title: String,
    /// Its brief, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<Brief>,
    /// Files written for it, relative to the output folder.
    pub outputs: Vec<String>,
}

/// Everything about a run that can be told apart from its translations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of tarjuman.
    pub version: String,
    /// Start, RFC 3339 in UTC.
    pub started: String,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Whether it was stopped by the user.
    pub interrupted: bool,
    /// Command-line options in force, by name.
    pub options: BTreeMap<String, String>,
    /// Device in words: `cpu (2 threads, avx512-vnni)`.
    pub device: String,
    /// The translator.
    pub model: ModelStamp,
    /// The model that wrote briefs, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief_model: Option<ModelStamp>,
    /// Inputs, sorted by id.
    pub documents: Vec<DocumentRecord>,
    /// Counts over all documents.
    pub ledger: Ledger,
    /// Units whose translation came from the memory (identical sentences and earlier runs).
    pub from_memory: usize,
    /// Target tokens made in this run.
    pub target_tokens: usize,
    /// Files in the folders that were left aside, each with its reason.
    #[serde(default)]
    pub ignored: Vec<IgnoredFile>,
}

/// A file that was found and not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredFile {
    /// Path relative to the folder given, with `/`.
    pub id: String,
    /// Why, in words.
    pub reason: String,
}

impl RunRecord {
    /// Documents with this kind of trouble.
    pub fn failed(&self) -> impl Iterator<Item = &DocumentRecord> {
        self.documents.iter().filter(|d| matches!(d.outcome, Outcome::Failed { .. }))
    }
}
