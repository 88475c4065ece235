//! Corrections that a person wrote into a table: into the memory, from where they outrank every model.

use std::collections::BTreeMap;

use crate::memory::{Correction, Memory, MemoryError};
use crate::segment;
use crate::sheet::Sheet;
use crate::tmx::{self, Pair};
use crate::unit::TranslationUnit;
use crate::xml;

/// Names under which tables have the Arabic, what is to stand for it, and what stood for it.
const SOURCE: [&str; 3] = ["arabic", "source", "ar"];
const TARGET: [&str; 4] = ["correction", "target", "translation", "en"];
const BEFORE: [&str; 1] = ["english"];

/// Under this name `review.csv` says whether what stood there was a correction.
const WHY: [&str; 1] = ["why"];

/// What a table says of its sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections {
    /// What is to stand.
    stand: Vec<Correction>,
    /// What is not to stand any more, if it does.
    fall: Vec<Correction>,
    /// Corrections without the Arabic that they are for.
    unmatched: usize,
    /// What a model said, as it said it.
    untouched: usize,
}

/// The rows of one sentence, which a table may list once for each place where it stands.
#[derive(Default)]
struct Rows {
    /// The last that differs from what stood there.
    changed: Option<String>,
    /// The last that is as it was.
    kept: Option<String>,
    /// Corrections that stood where the cell is empty.
    emptied: Vec<String>,
}

/// What became of a table's rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenIn {
    /// Sentences with a correction; those that were known already included.
    pub corrections: usize,
    /// Earlier corrections whose cell was emptied.
    pub withdrawn: usize,
    /// Corrections without the Arabic that they are for.
    pub unmatched: usize,
    /// What a model said and nobody changed.
    pub untouched: usize,
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
        if self.untouched > 0 {
            words.push_str(&format!("; {} that are as the model said them were left out", self.untouched));
        }
        words
    }
}

impl Corrections {
    /// Reads a TMX file, every pair of which is a correction but what a model said and nobody changed, or a table: rows with something in the column `correction` and Arabic in `arabic` (or other usual names of the
    /// two). Where a sentence is listed several times, the row that was changed counts; and where a correction was listed
    /// as what stands (`english`), an emptied cell takes it back. A table that says `why` has to call it a correction there: one
    /// that was written before the model's answer was accepted lists the same words, and takes nothing back.
    ///
    /// # Errors
    /// One line that says what is wrong with the table.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if xml::is_xml(bytes) {
            return Ok(Self::of_pairs(tmx::read(bytes)?));
        }
        let sheet = Sheet::read(bytes)?;
        let missing = |what: &str, names: &[&str]| {
            format!("no column of {what}; its name is one of {}", names.join(", "))
        };
        let sources = sheet.column(&SOURCE).ok_or_else(|| missing("Arabic", &SOURCE))?;
        let targets = sheet.column(&TARGET).ok_or_else(|| missing("corrections", &TARGET))?;
        let mut before = sheet.column(&BEFORE);
        let mut why = sheet.column(&WHY);
        let mut sentences: BTreeMap<String, Rows> = BTreeMap::new();
        let mut found = Corrections::default();
        for (source, target) in sources.zip(targets) {
            let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let before = before.as_mut().and_then(Iterator::next).map(line).unwrap_or_default();
            let was_corrected = why
                .as_mut()
                .and_then(Iterator::next)
                .is_none_or(|why| why.trim() == TranslationUnit::CORRECTED);
            let (source, target) = (segment::normalize(source), line(target));
            if source.is_empty() {
                found.unmatched += usize::from(!target.is_empty());
                continue;
            }
            let rows = sentences.entry(source).or_default();
            match target {
                empty if empty.is_empty() => rows.emptied.extend(was_corrected.then_some(before)),
                same if same == before => rows.kept = Some(same),
                other => rows.changed = Some(other),
            }
        }
        for (source, rows) in sentences {
            let kept = rows.kept.filter(|kept| !rows.emptied.contains(kept));
            match rows.changed.or(kept) {
                Some(target) => found.stand.push(Correction { source, target }),
                None => found.fall.extend(
                    rows.emptied.into_iter().map(|target| Correction { source: source.clone(), target }),
                ),
            }
        }
        Ok(found)
    }

    fn of_pairs(pairs: Vec<Pair>) -> Self {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (untouched, pairs): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|pair| pair.is_untouched);
        let corrections = pairs
            .iter()
            .map(|pair| Correction { source: segment::normalize(&pair.source), target: line(&pair.target) });
        let (stand, unmatched): (Vec<_>, Vec<_>) = corrections
            .filter(|correction| !correction.target.is_empty())
            .partition(|correction| !correction.source.is_empty());
        let (fall, unmatched, untouched) = (Vec::new(), unmatched.len(), untouched.len());
        Corrections { stand, fall, unmatched, untouched }
    }

    /// Puts them into `memory`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take_in(&self, memory: &mut Memory) -> Result<TakenIn, MemoryError> {
        memory.correct(&self.stand)?;
        Ok(TakenIn {
            corrections: self.stand.len(),
            withdrawn: memory.withdraw(&self.fall)?,
            unmatched: self.unmatched,
            untouched: self.untouched,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands for `نعم` after a table with these rows of correction and english, where `before` stood.
    fn after(before: &str, rows: &[(&str, &str)]) -> Option<String> {
        let mut memory = Memory::none().unwrap();
        let source = || "نعم".to_string();
        memory.correct(&[Correction { source: source(), target: before.into() }]).unwrap();
        let rows: String = rows.iter().map(|(new, old)| format!("{new},{old},نعم\n")).collect();
        let table = format!("correction,english,arabic\n{rows}");
        Corrections::read(table.as_bytes()).unwrap().take_in(&mut memory).unwrap();
        memory.corrections(&[&source()]).unwrap().remove(0)
    }

    #[test]
    fn of_a_sentence_that_is_listed_twice_the_changed_row_counts() {
        let yes = |text: &str| Some(text.to_string());
        assert_eq!(after("yes", &[("yes", "yes"), ("yes", "yes")]), yes("yes"));
        assert_eq!(after("yes", &[("yea", "yes"), ("yes", "yes")]), yes("yea"));
        assert_eq!(after("yes", &[("yes", "yes"), ("yea", "yes")]), yes("yea"));
        assert_eq!(after("yes", &[("", "yes"), ("yes", "yes")]), None, "taken back");
        assert_eq!(after("yes", &[("", "yes"), ("yea", "yes")]), yes("yea"));
        assert_eq!(
            after("yes", &[("", "nay"), ("", "nay")]),
            yes("yes"),
            "a model's answer takes nothing back"
        );
        assert_eq!(after("yes", &[("yea", "nay"), ("", "nay")]), yes("yea"), "one of two filled in");
    }

    #[test]
    fn a_table_older_than_an_accepted_answer_does_not_take_it_back() {
        for (why, stands) in [("numbers: 6 is missing", true), ("corrected", false)] {
            let mut memory = Memory::none().unwrap();
            memory.correct(&[Correction { source: "نعم".into(), target: "yes".into() }]).unwrap();
            let table = format!("correction,english,arabic,why\n,yes,نعم,{why}\n");
            Corrections::read(table.as_bytes()).unwrap().take_in(&mut memory).unwrap();
            assert_eq!(memory.corrections(&["نعم"]).unwrap().remove(0).is_some(), stands, "{why}");
        }
    }
}
