//! `NAME.units.jsonl`, one translation unit a line, and `run.json`: for programs.

use std::path::PathBuf;

use super::{DocumentWriter, WriteError, links};
use crate::run::RunRecord;
use crate::unit::TranslatedDocument;

pub(super) struct Units;

impl DocumentWriter for Units {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn path(&self, id: &str) -> PathBuf {
        links::output(id, "units.jsonl")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<String, WriteError> {
        let mut out = String::new();
        for unit in &doc.units {
            out.push_str(&serde_json::to_string(unit).map_err(|e| failed("units.jsonl", e))?);
            out.push('\n');
        }
        Ok(out)
    }
}

/// `run.json`.
pub(super) fn run_record(run: &RunRecord) -> Result<String, WriteError> {
    let mut json = serde_json::to_string_pretty(run).map_err(|e| failed("run.json", e))?;
    json.push('\n');
    Ok(json)
}

fn failed(what: &'static str, error: serde_json::Error) -> WriteError {
    WriteError::Render { what, message: error.to_string() }
}
