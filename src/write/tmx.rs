//! `NAME.tmx`: the sentences as a translation memory, for other translators' programs.
//!
//! What was not translated is no pair and left out, and so is what was copied: a memory of it would be of no use.

use std::path::PathBuf;

use super::{DocumentWriter, WriteError, links, words};
use crate::tmx::{self, Unit};
use crate::unit::{State, TranslatedDocument, TranslationUnit};

pub(super) struct Memory;

impl DocumentWriter for Memory {
    fn name(&self) -> &'static str {
        "tmx"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "tmx")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        Ok(tmx::write(&words::on_the_whole(doc), doc.units.iter().filter(|unit| is_pair(unit)).map(pair)))
    }
}

fn is_pair(unit: &TranslationUnit) -> bool {
    !matches!(unit.state, State::Skipped | State::Copied) && !unit.target.trim().is_empty()
}

fn pair(unit: &TranslationUnit) -> Unit<'_> {
    let mut properties = vec![
        ("x-tarjuman-document", unit.document.as_str()),
        ("x-tarjuman-state", unit.state.name()),
        ("x-tarjuman-risk", unit.risk().name()),
    ];
    if unit.reviewed {
        properties.push(("x-tarjuman-reviewed", "true"));
    }
    properties.extend(unit.findings.iter().map(|finding| ("x-tarjuman-check", finding.check.name())));
    let notes = words::notes(unit).into_iter().map(|(label, detail)| format!("{label}: {detail}"));
    Unit {
        id: unit.anchor(),
        source: &unit.source,
        target: unit.target.trim(),
        properties,
        notes: notes.chain(words::origin(unit)).collect(),
        is_models: !unit.reviewed,
    }
}
