//! `NAME.units.jsonl`, one translation unit a line, and `run.json`: for programs.

use std::path::PathBuf;

use serde::Serialize;

use super::{DocumentWriter, WriteError, links};
use crate::run::RunRecord;
use crate::unit::{Risk, TranslatedDocument, TranslationUnit};

pub(super) struct Units;

/// A unit as programs get it, here and from `translate --jsonl`: all that is known of it, and what that comes to.
#[derive(Debug, Serialize)]
pub struct UnitLine<'d> {
    #[serde(flatten)]
    unit: &'d TranslationUnit,
    risk: Risk,
}

impl<'d> From<&'d TranslationUnit> for UnitLine<'d> {
    fn from(unit: &'d TranslationUnit) -> Self {
        UnitLine { unit, risk: unit.risk() }
    }
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
            out.push_str(
                &serde_json::to_string(&UnitLine::from(unit)).map_err(|e| failed("units.jsonl", e))?,
            );
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
