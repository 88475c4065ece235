//! Corrections that a person wrote into a table: into the memory, from where they outrank every model.

use crate::memory::{Correction, Memory, MemoryError};
use crate::segment;
use crate::sheet::Sheet;

/// Names under which tables have the Arabic, what is to stand for it, and what stood for it.
const SOURCE: [&str; 3] = ["arabic", "source", "ar"];
const TARGET: [&str; 4] = ["correction", "target", "translation", "en"];
const BEFORE: [&str; 1] = ["english"];

/// What became of a table's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Corrections in the table; those that were known already included.
    pub corrections: usize,
    /// Earlier corrections whose cell was emptied.
    pub withdrawn: usize,
    /// Corrections without the Arabic that they are for.
    pub unmatched: usize,
}

impl TakenIn {
    /// `3 corrections taken in, 1 withdrawn; 2 without Arabic were left out`.
    pub fn in_words(&self) -> String {
        let plural = if self.corrections == 1 { "" } else { "s" };
        let mut words = format!("{} correction{plural} taken in", self.corrections);
        if self.withdrawn > 0 {
            words.push_str(&format!(", {} withdrawn", self.withdrawn));
        }
        if self.unmatched > 0 {
            words.push_str(&format!("; {} without Arabic were left out", self.unmatched));
        }
        words
    }
}

/// Why a table could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionsError {
    /// It is no table of corrections.
    #[error("{0}")]
    Table(String),
    /// The memory cannot be written.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// Takes the corrections of a table into `memory`: rows with something in the column `correction` and Arabic in `arabic`
/// (or other usual names of the two). A row that was listed with a correction as its `english`, and has none any more,
/// withdraws it.
pub fn take_in(bytes: &[u8], memory: &mut Memory) -> Result<TakenIn, CorrectionsError> {
    let sheet = Sheet::read(bytes).map_err(CorrectionsError::Table)?;
    let missing = |what: &str, names: &[&str]| {
        CorrectionsError::Table(format!("no column of {what}; its name is one of {}", names.join(", ")))
    };
    let sources = sheet.column(&SOURCE).ok_or_else(|| missing("Arabic", &SOURCE))?;
    let targets = sheet.column(&TARGET).ok_or_else(|| missing("corrections", &TARGET))?;
    let mut before = sheet.column(&BEFORE);
    let (mut new, mut emptied, mut taken) = (Vec::new(), Vec::new(), TakenIn::default());
    for (source, target) in sources.zip(targets) {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let before = before.as_mut().and_then(Iterator::next).map(line).unwrap_or_default();
        let (source, target) = (segment::normalize(source), line(target));
        match (source.is_empty(), target.is_empty()) {
            (_, true) => emptied.push(Correction { source, target: before }),
            (true, false) => taken.unmatched += 1,
            (false, false) => new.push(Correction { source, target }),
        }
    }
    taken.withdrawn = memory.withdraw(&emptied)?;
    memory.correct(&new)?;
    taken.corrections = new.len();
    Ok(taken)
}
