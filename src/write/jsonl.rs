//! `NAME.units.jsonl`, one translation unit a line, and `run.json`: for programs.

use std::path::PathBuf;

use serde::Serialize;

use super::{DocumentWriter, WriteError, links};
use crate::run::RunRecord;
use crate::unit::{Risk, TranslatedDocument, TranslationUnit};

pub(super) struct Units;

#[derive(Serialize)]
struct Line<'d> {
    #[serde(flatten)]
    unit: &'d TranslationUnit,
    risk: Risk,
}

impl DocumentWriter for Units {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "units.jsonl")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let mut out = String::new();
        for unit in &doc.units {
            let line = Line { unit, risk: unit.risk() };
            out.push_str(&serde_json::to_string(&line).map_err(|e| failed("units.jsonl", e))?);
            out.push('\n');
        }
        Ok(out.into_bytes())
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
