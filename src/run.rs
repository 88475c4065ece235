//! The record of a run as plain data: what `run.json`, `index.html` and `digest.md` are made from.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::brief::Brief;
use crate::document::TextEncoding;
use crate::similar::NearDuplicate;
use crate::unit::{DocumentRisk, Ledger, Models};

/// By what a name is called in messages that may not name files (`--redact-logs`). It cannot be turned back into the name,
/// but whoever can guess the name can tell that they are right.
pub fn token(name: &str) -> String {
    let digest = Sha256::digest(name);
    format!("doc-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
}

/// The file by which an output folder is known from its first moment on, whatever becomes of the run; its name is hidden,
/// so that it is no input and in nobody's way.
pub const OUTPUT_MARKER: &str = ".tarjuman-output";

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
    /// What it is called in messages with `--redact-logs`; see [`token`].
    #[serde(default)]
    pub token: String,
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
    /// When a run into the same output folder first met these bytes, RFC 3339; none if they were not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<String>,
    /// Whether another version of it had been met before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
    /// English title; empty where it has none. Of a document that was not translated, its id.
    pub title: String,
    /// Its brief, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<Brief>,
    /// Files written for it, relative to the output folder.
    pub outputs: Vec<String>,
}

impl DocumentRecord {
    /// Whether it was first met at `new_from` or later.
    pub fn is_new(&self, new_from: Option<&str>) -> bool {
        // Times of one form and zone are in the order of their letters.
        self.first_seen.as_deref().zip(new_from).is_some_and(|(seen, from)| seen >= from)
    }
}

/// From when on documents are new.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Since {
    /// The last time that anything came.
    #[default]
    Last,
    /// A time, RFC 3339 in UTC, to the second.
    Time(String),
}

/// A time or word that `--since` does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("neither `last` nor a time in UTC such as 2026-11-20 or 2026-11-20T08:00:00Z")]
pub struct UnknownTime;

impl FromStr for Since {
    type Err = UnknownTime;

    fn from_str(text: &str) -> Result<Self, UnknownTime> {
        if text == "last" {
            return Ok(Since::Last);
        }
        let day = if text.contains(['T', ' ']) { text.to_owned() } else { format!("{text}T00:00:00Z") };
        let time = humantime::parse_rfc3339_weak(&day).map_err(|_| UnknownTime)?;
        Ok(Since::Time(humantime::format_rfc3339_seconds(time).to_string()))
    }
}

/// A version of a document that an earlier run met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSeen {
    /// The document's id.
    pub id: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// See [`DocumentRecord::first_seen`].
    pub first_seen: String,
    /// See [`DocumentRecord::changed`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub changed: bool,
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
    /// What translated and wrote the briefs.
    #[serde(flatten)]
    pub models: Models,
    /// Inputs, sorted by id.
    pub documents: Vec<DocumentRecord>,
    /// The time that documents have which this run met first: its start, or that of the stopped run that it goes on with.
    #[serde(default)]
    pub arrivals: String,
    /// Documents first seen at this time or later are new; none where there is nothing earlier to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_from: Option<String>,
    /// From when on the digest tells of documents, as it was asked for; none for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Documents of earlier runs that this one did not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<FirstSeen>,
    /// Counts over all documents.
    pub ledger: Ledger,
    /// Units whose translation came from the memory (identical sentences and earlier runs).
    pub from_memory: usize,
    /// Target tokens made in this run.
    pub target_tokens: usize,
    /// Files in the folders that were left aside, each with its reason.
    #[serde(default)]
    pub ignored: Vec<IgnoredFile>,
    /// SHA-256 over the tables of the output folder as they were written, without the column that people fill in, by name: so
    /// the next run can tell what else somebody wrote.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tables: BTreeMap<String, String>,
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
    /// What a document is compared with earlier runs: `new`, `changed`, or nothing.
    pub fn news(&self, document: &DocumentRecord) -> Option<&'static str> {
        let word = if document.changed { "changed" } else { "new" };
        document.is_new(self.new_from.as_deref()).then_some(word)
    }

    /// Documents with this kind of trouble.
    pub fn failed(&self) -> impl Iterator<Item = &DocumentRecord> {
        self.documents.iter().filter(|d| matches!(d.outcome, Outcome::Failed { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, time) in [
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20T08:30:00Z", "2026-11-20T08:30:00Z"),
            ("2026-11-20 08:30:00", "2026-11-20T08:30:00Z"),
        ] {
            assert_eq!(text.parse(), Ok(Since::Time(time.into())));
        }
        assert_eq!("last".parse(), Ok(Since::Last));
        for text in ["", "yesterday", "20.11.2026", "2026-11", "2026-13-01", "2026-11-20T08"] {
            assert_eq!(text.parse::<Since>(), Err(UnknownTime), "{text}");
        }
    }
}
