//! `review.csv`: what someone who reads Arabic should look at, the worst first, with a column for corrections.

use std::io;

use crate::sheet;
use crate::unit::{Risk, TranslatedDocument, TranslationUnit};

use super::words;

/// Its name in the output folder.
pub const REVIEW: &str = "review.csv";

/// Columns; `tarjuman memory import` finds `correction` and `arabic` by these names.
const COLUMNS: [&str; 7] = ["correction", "english", "arabic", "risk", "why", "document", "sentence"];

/// A sentence to look at.
#[derive(Debug, Clone)]
pub struct ReviewRow {
    risk: Risk,
    document: String,
    index: usize,
    cells: [String; 7],
}

impl ReviewRow {
    /// The row of a correction whose sentence is not in the run; `correction` is empty where it is to be taken back.
    pub fn elsewhere(correction: &str, english: &str, arabic: &str, document: &str, number: &str) -> Self {
        let risk = Risk::Low;
        let cells = [correction, english, arabic, risk.name(), TranslationUnit::CORRECTED, document, number];
        let index = number.parse::<usize>().map_or(0, |number| number.saturating_sub(1));
        ReviewRow { risk, document: document.into(), index, cells: cells.map(String::from) }
    }

    /// The source as it stands in its document.
    pub fn arabic(&self) -> &str {
        &self.cells[2]
    }

    /// What a person wants in the place of the English; empty where nobody has said.
    pub fn correction(&self) -> &str {
        &self.cells[0]
    }

    /// Fills the cell in, or empties it.
    pub fn set_correction(&mut self, correction: &str) {
        self.cells[0] = correction.into();
    }
}

/// The sentences of a document that are worth a look.
pub fn review_rows(doc: &TranslatedDocument) -> Vec<ReviewRow> {
    doc.units.iter().filter(|unit| unit.risk() > Risk::Low || unit.reviewed).map(row).collect()
}

fn row(unit: &TranslationUnit) -> ReviewRow {
    let notes = words::notes(unit);
    let mut why: Vec<String> = notes.iter().map(|(what, detail)| format!("{what}: {detail}")).collect();
    why.extend(words::origin(unit));
    let cells = [
        // It stays where it was written, and can be changed or taken back there.
        if unit.reviewed { unit.target.clone() } else { String::new() },
        unit.target.clone(),
        unit.source.clone(),
        unit.risk().name().into(),
        why.join("; "),
        unit.document.clone(),
        (unit.index + 1).to_string(),
    ];
    ReviewRow { risk: unit.risk(), document: unit.document.clone(), index: unit.index, cells }
}

/// The file of all rows of a run.
pub fn review_table(mut rows: Vec<ReviewRow>) -> io::Result<Vec<u8>> {
    rows.sort_by(|a, b| (b.risk, &a.document, a.index).cmp(&(a.risk, &b.document, b.index)));
    sheet::write(&COLUMNS, rows.iter().map(|row| row.cells.iter().map(String::as_str)))
}
