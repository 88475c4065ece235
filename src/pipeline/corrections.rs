//! Corrections that a person wrote into a table: into the memory, from where they outrank every model.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::{Correction, Memory, MemoryError};
use crate::segment;
use crate::sheet::Sheet;
use crate::tmx::{self, Pair};
use crate::unit::TranslationUnit;
use crate::xml;

/// Names under which tables have the Arabic, what is to stand for it, and what stood for it.
pub(super) const SOURCE: [&str; 3] = ["arabic", "source", "ar"];
pub(super) const TARGET: [&str; 4] = ["correction", "target", "translation", "en"];
const BEFORE: [&str; 1] = ["english"];

/// Under this name `review.csv` says whether what stood there was a correction.
const WHY: [&str; 1] = ["why"];

/// Where `review.csv` has its sentences.
const DOCUMENT: [&str; 1] = ["document"];
const NUMBER: [&str; 1] = ["sentence"];

/// What a table says of its sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Corrections {
    /// By the source as models are given it.
    pub(super) sentences: BTreeMap<String, Sentence>,
    /// Corrections without the Arabic that they are for.
    pub(super) unmatched: usize,
    /// What a model said, as it said it.
    untouched: usize,
}

/// What a table says of a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Where it is listed first.
    pub place: Place,
    /// What is to stand.
    pub stands: Option<String>,
    /// Whether it is what an earlier run found in the table or the memory and listed, so that nobody need have written
    /// it here.
    pub was_listed: bool,
    /// What is not to stand any more, if it does.
    pub falls: Vec<String>,
}

/// The cells that say what a row is about, as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub arabic: String,
    pub document: String,
    pub number: String,
}

/// The rows of one sentence, which a table may list once for each place where it stands.
#[derive(Default)]
struct Rows {
    place: Place,
    /// The last that differs from what stood there, or says that it is right.
    changed: Option<String>,
    /// The last correction that is as it was.
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
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut befores = cells(&sheet, &BEFORE);
        // Without the column every row may have been a correction.
        let mut whys = sheet.column(&WHY).map(|column| column.map(str::trim));
        let (mut documents, mut numbers) = (cells(&sheet, &DOCUMENT), cells(&sheet, &NUMBER));
        let mut sentences: BTreeMap<String, Rows> = BTreeMap::new();
        let mut found = Corrections::default();
        for (arabic, target) in sources.zip(targets) {
            let (before, document, number) = (line(befores()), documents(), numbers());
            let why = whys.as_mut().and_then(Iterator::next);
            let was_corrected = why.is_none_or(|why| why == TranslationUnit::CORRECTED);
            let (source, target) = (segment::normalize(arabic), line(target));
            if source.is_empty() {
                found.unmatched += usize::from(!target.is_empty());
                continue;
            }
            let place = || Place { arabic: arabic.into(), document: document.into(), number: number.into() };
            let new = || Rows { place: place(), ..Rows::default() };
            let rows = sentences.entry(source).or_insert_with(new);
            match target {
                empty if empty.is_empty() => rows.emptied.extend(was_corrected.then_some(before)),
                same if same == before && was_corrected => rows.kept = Some(same),
                other => rows.changed = Some(other),
            }
        }
        found.sentences = sentences.into_iter().map(|(source, rows)| (source, rows.sentence())).collect();
        Ok(found)
    }

    fn of_pairs(pairs: Vec<Pair>) -> Self {
        let mut found = Corrections::default();
        for pair in pairs {
            let target = pair.target.split_whitespace().collect::<Vec<_>>().join(" ");
            let source = segment::normalize(&pair.source);
            if pair.is_untouched {
                found.untouched += 1;
            } else if source.is_empty() {
                found.unmatched += usize::from(!target.is_empty());
            } else if !target.is_empty() {
                let place = Place { arabic: pair.source, ..Place::default() };
                let sentence = Sentence { place, stands: Some(target), ..Sentence::default() };
                found.sentences.insert(source, sentence);
            }
        }
        found
    }

    /// What is left without the rows that `memory` has another correction for, or whose own was taken back there, and the
    /// sources of those. A row that stands as a run listed it is no word against what has been imported, or corrected in
    /// another folder, since.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn without_outdated(&self, memory: &Memory) -> Result<(Self, BTreeSet<String>), MemoryError> {
        let mut left = self.clone();
        let mut outdated = BTreeSet::new();
        let listed = self.sentences.iter().filter(|(_, said)| said.was_listed);
        let sources: Vec<&str> = listed.clone().map(|(source, _)| source.as_str()).collect();
        for ((source, said), known) in listed.zip(memory.corrections(&sources)?) {
            let is_outdated = match (known, &said.stands) {
                (None, Some(target)) => memory.is_withdrawn(source, target)?,
                (known, stands) => known != *stands,
            };
            if is_outdated {
                left.sentences.remove(source);
                outdated.insert(source.clone());
            }
        }
        Ok((left, outdated))
    }

    /// Puts them into `memory`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take_in(&self, memory: &mut Memory) -> Result<TakenIn, MemoryError> {
        let of =
            |source: &String, target: &String| Correction { source: source.clone(), target: target.clone() };
        let sentences = || self.sentences.iter();
        let stand: Vec<Correction> =
            sentences().filter_map(|(source, said)| Some(of(source, said.stands.as_ref()?))).collect();
        let fall: Vec<Correction> = sentences()
            .flat_map(|(source, said)| said.falls.iter().map(move |target| of(source, target)))
            .collect();
        memory.correct(&stand)?;
        Ok(TakenIn {
            corrections: stand.len(),
            withdrawn: memory.withdraw(&fall)?,
            unmatched: self.unmatched,
            untouched: self.untouched,
        })
    }
}

impl Rows {
    /// What they say together.
    fn sentence(self) -> Sentence {
        let kept = self.kept.filter(|kept| !self.emptied.contains(kept));
        let was_listed = self.changed.is_none() && kept.is_some();
        match self.changed.or(kept) {
            Some(target) => {
                Sentence { place: self.place, stands: Some(target), was_listed, falls: Vec::new() }
            }
            None => Sentence { place: self.place, falls: self.emptied, ..Sentence::default() },
        }
    }
}

/// The cells of a column, one after the other; empty ones where there is no such column.
fn cells<'s>(sheet: &'s Sheet, names: &[&str]) -> impl FnMut() -> &'s str {
    let mut column = sheet.column(names);
    move || column.as_mut().and_then(Iterator::next).unwrap_or_default()
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

    #[test]
    fn what_a_table_only_lists_is_no_word_against_a_newer_correction() {
        for (row, stands) in [
            ("yes,yes,نعم,corrected", "yea"),
            ("yes,yes,نعم,numbers: 6 is missing", "yes"),
            ("aye,yes,نعم,corrected", "aye"),
        ] {
            let mut memory = Memory::none().unwrap();
            memory.correct(&[Correction { source: "نعم".into(), target: "yea".into() }]).unwrap();
            let table = format!("correction,english,arabic,why\n{row}\n");
            let table = Corrections::read(table.as_bytes()).unwrap();
            table.without_outdated(&memory).unwrap().0.take_in(&mut memory).unwrap();
            assert_eq!(memory.corrections(&["نعم"]).unwrap(), [Some(stands.to_string())], "{row}");
            // A memory that has none takes all.
            let mut memory = Memory::none().unwrap();
            table.without_outdated(&memory).unwrap().0.take_in(&mut memory).unwrap();
            assert!(memory.corrections(&["نعم"]).unwrap()[0].is_some(), "{row}");
        }
    }

    #[test]
    fn what_a_table_only_lists_does_not_bring_back_what_was_taken_back() {
        for (row, stands) in [
            ("yes,yes,نعم,corrected", None),
            ("yea,yea,نعم,corrected", Some("yea")),
            ("yes,nay,نعم,", Some("yes")),
        ] {
            let mut memory = Memory::none().unwrap();
            memory.correct(&[Correction { source: "نعم".into(), target: "yes".into() }]).unwrap();
            let read = |row: &str| {
                Corrections::read(format!("correction,english,arabic,why\n{row}\n").as_bytes()).unwrap()
            };
            assert_eq!(read(",yes,نعم,corrected").take_in(&mut memory).unwrap().withdrawn, 1);
            let (left, outdated) = read(row).without_outdated(&memory).unwrap();
            left.take_in(&mut memory).unwrap();
            assert_eq!(memory.corrections(&["نعم"]).unwrap()[0].as_deref(), stands, "{row}");
            assert_eq!(outdated.len(), usize::from(stands.is_none()), "{row}");
            // Once it stands again a table may list it.
            memory.correct(&[Correction { source: "نعم".into(), target: "yes".into() }]).unwrap();
            assert!(!memory.is_withdrawn("نعم", "yes").unwrap());
        }
    }
}
