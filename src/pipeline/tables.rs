//! The tables that people write into, `review.csv` and `names.csv`: what stands in them when a run begins, and what has
//! to stand in them when it ends.
//!
//! A run writes both anew, and nothing that a person wrote may be lost by that. It may take hours, in which somebody
//! works on the tables of the run before; and it need not see every sentence that has a correction: there is `--limit`,
//! another folder, a file that cannot be read today. What they hold of such is handed on from table to table.

use std::collections::{BTreeMap, BTreeSet};

use crate::memory::Memory;
use crate::names::{Choices, NameRow, Names};
use crate::segment;
use crate::write::{self, OutputDir, ReviewRow, WriteError};

use super::corrections::{Corrections, Sentence, TakenIn};
use super::event::{Event, Observer};
use super::plan::RunError;

/// Where the tables lie, and who is told about them.
#[derive(Clone, Copy)]
pub(super) struct Desk<'a> {
    pub output: &'a OutputDir,
    pub observer: &'a dyn Observer,
}

/// Both tables as a run finds them.
pub(super) struct Found {
    review: Table<Corrections>,
    /// Sources of rows of the review that the memory knows better, and that are not to be handed on.
    outdated: BTreeSet<String>,
    names: Table<Spellings>,
}

/// A table as it was read.
struct Table<T> {
    name: &'static str,
    read: fn(&[u8]) -> Result<T, String>,
    /// None where it was not there.
    bytes: Option<Vec<u8>>,
    /// Nothing where it was not there or could not be read.
    says: T,
}

/// What `names.csv` says.
#[derive(Default)]
struct Spellings {
    all: Choices,
    /// What is no proposal of an earlier run.
    edited: Choices,
}

fn spellings(bytes: &[u8]) -> Result<Spellings, String> {
    Ok(Spellings { all: Choices::read(bytes)?, edited: Choices::edited(bytes)? })
}

impl Found {
    /// Reads both. What cannot be read is kept under another name, since it will be written over.
    pub fn read(desk: Desk<'_>) -> Result<Self, WriteError> {
        let review = Table::read(write::REVIEW, Corrections::read, desk)?;
        if let Some(bytes) = &review.bytes {
            desk.keep_unmatched(bytes, &review.says)?;
        }
        let names = Table::read(write::NAMES, spellings, desk)?;
        Ok(Found { review, outdated: BTreeSet::new(), names })
    }

    /// Takes the corrections in, so that they stand in this run.
    pub fn take_in(&mut self, memory: &mut Memory, desk: Desk<'_>) -> Result<(), RunError> {
        let (current, outdated) = self.review.says.without_outdated(memory)?;
        self.outdated = outdated;
        if let (Some(bytes), n @ 1..) = (&self.review.bytes, self.outdated.len()) {
            // Which of the two is the later word cannot be told for certain.
            let what = format!(
                "the memory has other corrections than unchanged rows ({n}), or took theirs back, and it stands"
            );
            desk.keep(write::REVIEW, bytes, &what)?;
        }
        let taken = current.take_in(memory)?;
        if taken != TakenIn::default() {
            desk.observer.event(Event::Corrections(taken));
        }
        Ok(())
    }

    /// The rows of `review.csv`: those of the run, with what has been written meanwhile, and the corrections of sentences
    /// that are not in it. They count from the next run on, which finds them in the table.
    pub fn review(&self, run: Vec<ReviewRow>, desk: Desk<'_>) -> Result<Vec<ReviewRow>, WriteError> {
        let written = self.review.written_since(desk)?;
        if let Some((bytes, now)) = &written {
            desk.keep_unmatched(bytes, now)?;
        }
        let now = written.as_ref().map_or(&self.review.says, |(_, now)| now);
        let mut merged = Merged::of(run);
        let mut changed = 0;
        for (source, sentence) in &now.sentences {
            let before = self.review.says.sentences.get(source);
            if self.outdated.contains(source) && before.is_some_and(|before| before.stands == sentence.stands)
            {
                continue;
            }
            changed += usize::from(merged.add(source, sentence, before));
        }
        desk.tell_written(write::REVIEW, changed, "corrections", "they stand in the next one");
        Ok(merged.rows)
    }

    /// The rows of `names.csv`: the names of the run as they are `chosen`, or were chosen in the table.
    pub fn names(&self, run: &Names, chosen: &Choices, desk: Desk<'_>) -> Result<Vec<NameRow>, WriteError> {
        let Table { says: Spellings { all, edited }, .. } = &self.names;
        let written = self.names.written_since(desk)?;
        // Against all that stood there: who puts a proposal back has chosen it.
        let written = written.map(|(_, now)| now.all.since(all)).unwrap_or_default();
        desk.tell_written(write::NAMES, written.len(), "spellings", "this run has not used them");
        Ok(run.rows(&written.or(chosen).or(edited)))
    }
}

impl<T: Default> Table<T> {
    fn read(
        name: &'static str,
        read: fn(&[u8]) -> Result<T, String>,
        desk: Desk<'_>,
    ) -> Result<Self, WriteError> {
        let bytes = write::earlier_table(desk.output, name)?;
        let mut table = Table { name, read, bytes: None, says: T::default() };
        if let Some(bytes) = bytes {
            table.says = table.understood(&bytes, desk)?.unwrap_or_default();
            table.bytes = Some(bytes);
        }
        Ok(table)
    }

    /// The table as it is now, if it is another and can be read. One that has gone says what it said: some programs put
    /// a file away for the moment in which they save it.
    fn written_since(&self, desk: Desk<'_>) -> Result<Option<(Vec<u8>, T)>, WriteError> {
        let now = write::earlier_table(desk.output, self.name)?;
        let Some(bytes) = now.filter(|now| self.bytes.as_ref() != Some(now)) else { return Ok(None) };
        Ok(self.understood(&bytes, desk)?.map(|says| (bytes, says)))
    }

    /// What these bytes say; they are kept where that cannot be told.
    fn understood(&self, bytes: &[u8], desk: Desk<'_>) -> Result<Option<T>, WriteError> {
        match (self.read)(bytes) {
            Ok(says) => Ok(Some(says)),
            Err(what) => desk.keep(self.name, bytes, &what).map(|()| None),
        }
    }
}

impl Desk<'_> {
    /// Puts a table aside.
    fn keep(self, name: &str, bytes: &[u8], what: &str) -> Result<(), WriteError> {
        let kept = write::keep_table(self.output, name, bytes)?;
        self.observer.event(Event::Warning(format!("{name}: {what}. It is kept as {kept}")));
        Ok(())
    }

    /// Corrections whose Arabic is gone belong to no sentence, so the next table has no row for them.
    fn keep_unmatched(self, bytes: &[u8], review: &Corrections) -> Result<(), WriteError> {
        match review.unmatched {
            0 => Ok(()),
            n => self.keep(write::REVIEW, bytes, &format!("corrections without their Arabic ({n})")),
        }
    }

    fn tell_written(self, name: &str, count: usize, what: &str, then: &str) {
        if count > 0 {
            let message = format!("{name}: {what} were written during the run ({count}); {then}");
            self.observer.event(Event::Warning(message));
        }
    }
}

/// The rows of a review while what people wrote is brought into them.
struct Merged {
    rows: Vec<ReviewRow>,
    /// The rows of each sentence of the run.
    of_source: BTreeMap<String, Vec<usize>>,
}

impl Merged {
    fn of(rows: Vec<ReviewRow>) -> Self {
        let mut of_source: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (number, row) in rows.iter().enumerate() {
            of_source.entry(segment::normalize(row.arabic())).or_default().push(number);
        }
        Merged { rows, of_source }
    }

    /// Brings in what the table says of a sentence now, and said `before` the run; whether a person wrote that meanwhile.
    fn add(&mut self, source: &str, now: &Sentence, before: Option<&Sentence>) -> bool {
        let is_new = before.is_none_or(|before| before.stands != now.stands || before.falls != now.falls);
        let said = before.and_then(|before| before.stands.as_ref());
        if let Some(correction) = &now.stands {
            let known = self.of_source.get(source);
            match known {
                None => {
                    // What is new has not been taken in: it has to differ from what it is listed with.
                    let listed = if is_new { said.map_or("", String::as_str) } else { correction };
                    self.rows.push(elsewhere(now, correction, listed));
                }
                // What stood there before is in the run's rows already.
                Some(rows) if is_new => {
                    rows.iter().for_each(|&row| self.rows[row].set_correction(correction));
                }
                Some(_) => {}
            }
            return is_new;
        }
        // An emptied cell takes back what the table said, which this run has taken in, or what it was listed with.
        let fallen: BTreeSet<&String> =
            said.into_iter().chain(&now.falls).filter(|target| is_new && !target.is_empty()).collect();
        match self.of_source.get(source) {
            None => self.rows.extend(fallen.iter().map(|target| elsewhere(now, "", target))),
            Some(rows) => {
                for &row in rows {
                    if fallen.iter().any(|target| self.rows[row].correction() == target.as_str()) {
                        self.rows[row].set_correction("");
                    }
                }
            }
        }
        !fallen.is_empty()
    }
}

/// The row of a sentence that is not in the run.
fn elsewhere(sentence: &Sentence, correction: &str, english: &str) -> ReviewRow {
    let place = &sentence.place;
    ReviewRow::elsewhere(correction, english, &place.arabic, &place.document, &place.number)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    use serde_json::json;

    use super::*;
    use crate::engine::echo::Echo;
    use crate::inference::DecodeOptions;
    use crate::lang::Lang;
    use crate::pipeline::{BriefMaker, PlanOptions, RunOptions, plan, run};
    use crate::write::Format;

    const STUCK: &str = "حلقة من حلقات السلسلة الطويلة.";
    const NAMED: &str = "قال Mohamed اسم محمد.\n\nثم قال Mohamed اسم محمد.";

    /// Does something while a run is on, once its tables have been read.
    struct Meanwhile<'a> {
        act: &'a (dyn Fn() + Send + Sync),
        warnings: Mutex<Vec<String>>,
        stop: AtomicBool,
    }

    impl Observer for Meanwhile<'_> {
        fn event(&self, event: Event<'_>) {
            match event {
                Event::Read { .. } => (self.act)(),
                Event::Warning(message) => self.warnings.lock().unwrap().push(message),
                _ => {}
            }
        }

        fn cancelled(&self) -> &AtomicBool {
            &self.stop
        }
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn new(text: &str) -> Self {
            let place = Place(tempfile::tempdir().unwrap());
            fs::write(place.0.path().join("a.txt"), text).unwrap();
            place
        }

        fn table(&self, name: &str) -> String {
            fs::read_to_string(self.0.path().join("out").join(name)).unwrap()
        }

        /// A run without a memory, in which `name` is made `bytes`; its warnings.
        fn run_while(&self, choices: &Choices, name: &str, bytes: &[u8]) -> String {
            let (input, out) = (self.0.path().join("a.txt"), self.0.path().join("out"));
            let act = || fs::write(out.join(name), bytes).unwrap();
            let meanwhile = Meanwhile { act: &act, warnings: Mutex::default(), stop: AtomicBool::default() };
            run(planned(&[input], &out), options(choices), &meanwhile).unwrap();
            meanwhile.warnings.into_inner().unwrap().join("\n")
        }

        fn run(&self) {
            self.run_while(&Choices::default(), "other", b"");
        }

        /// A run in which somebody replaces a part of a table.
        fn run_while_replacing(&self, choices: &Choices, name: &str, from: &str, to: &str) -> String {
            let table = self.table(name);
            assert!(table.contains(from), "{table}");
            self.run_while(choices, name, table.replace(from, to).as_bytes())
        }
    }

    fn planned(inputs: &[std::path::PathBuf], out: &Path) -> crate::pipeline::Plan {
        plan(&PlanOptions { inputs, out, encoding: None, limit: None, memory: None, fresh: false }).unwrap()
    }

    fn options(choices: &Choices) -> RunOptions<'static> {
        let stamp = json!({ "name": "echo", "digest": "d", "licence": "", "quality": "", "warning": null });
        RunOptions {
            formats: vec![Format::Txt],
            encoding: None,
            fields: Vec::new(),
            translator: &Echo { delay_ms: 0 },
            stamp: serde_json::from_value(stamp).unwrap(),
            source_langs: Vec::new(),
            target_lang: Lang::english(),
            decode: DecodeOptions::default(),
            rows: 8,
            glossary: Default::default(),
            names: choices.clone(),
            repair: false,
            second: None,
            brief: BriefMaker::None,
            since: Default::default(),
            only_since: None,
            device: String::new(),
            options: BTreeMap::new(),
        }
    }

    #[test]
    fn what_is_written_into_the_review_during_a_run_counts_in_the_next() {
        let place = Place::new(STUCK);
        let none = Choices::default();
        place.run();
        let said = place.run_while_replacing(&none, "review.csv", "\n,again", "\nA chain.,again");
        assert!(said.contains("review.csv: corrections were written during the run (1)"), "{said}");
        assert!(place.table("review.csv").contains("\nA chain.,again"), "{}", place.table("review.csv"));
        assert!(place.table("a.en.txt").contains("again"));
        place.run();
        assert_eq!(place.table("a.en.txt").trim(), "A chain.");

        // Changed, and taken back.
        place.run_while_replacing(&none, "review.csv", "\nA chain.,", "\nA link.,");
        place.run_while_replacing(&none, "review.csv", "\nA link.,", "\n,");
        assert!(place.table("review.csv").contains("\n,A link.,"), "{}", place.table("review.csv"));
        assert_eq!(place.table("a.en.txt").trim(), "A link.");
        place.run();
        assert!(place.table("a.en.txt").contains("again"));
        assert!(!place.table("review.csv").contains("A link."));
    }

    #[test]
    fn a_correction_of_another_report_may_be_taken_back_during_a_run() {
        let place = Place::new(STUCK);
        place.run();
        let other = "correction,english,arabic,why,document,sentence\nYes.,No.,نعم.,,b.txt,7\n";
        place.run_while(&Choices::default(), "review.csv", other.as_bytes());
        // It differs from what it is listed with, so that the next run takes it for a new one whatever its memory has.
        let row = "Yes.,,نعم.,low,corrected,b.txt,7\n";
        assert!(place.table("review.csv").ends_with(&format!("\n{row}")), "{}", place.table("review.csv"));
        place.run_while_replacing(&Choices::default(), "review.csv", row, &row.replacen("Yes.", "", 1));
        assert!(place.table("review.csv").contains("\n,Yes.,نعم."), "a memory may have it still");
        place.run();
        assert!(!place.table("review.csv").contains("نعم"), "{}", place.table("review.csv"));
    }

    #[test]
    fn what_is_written_into_the_names_during_a_run_stays() {
        let place = Place::new(NAMED);
        place.run();
        let chosen = Choices::read("arabic,english\nمحمد,Mehmet\n".as_bytes()).unwrap();
        let said = place.run_while_replacing(&chosen, "names.csv", "Mohamed,محمد", "Muhammad,محمد");
        assert!(said.contains("names.csv: spellings were written during the run (1)"), "{said}");
        assert!(place.table("names.csv").contains("\nMuhammad,محمد"), "{}", place.table("names.csv"));
        // Back to what was proposed, whatever the run was told at its beginning.
        place.run_while_replacing(&chosen, "names.csv", "Muhammad,محمد", "Mohamed,محمد");
        assert!(place.table("names.csv").contains("\nMohamed,محمد"), "{}", place.table("names.csv"));
    }

    #[test]
    fn whatever_cannot_be_used_is_kept_and_nothing_that_was_kept_is_written_over() {
        let place = Place::new(STUCK);
        place.run();
        let none = Choices::default();
        for (number, name) in [("", "review"), ("2", "review"), ("", "names")] {
            let bytes = format!("{number} my own notes\n");
            let said = place.run_while(&none, &format!("{name}.csv"), bytes.as_bytes());
            let kept = format!("{name}.kept{number}.csv");
            assert!(said.contains(&format!("It is kept as {kept}")), "{said}");
            assert_eq!(place.table(&kept), bytes);
            assert!(place.table(&format!("{name}.csv")).contains("arabic"));
        }
        let lost = b"correction,arabic\nTo what?,\n";
        let said = place.run_while(&none, "review.csv", lost);
        assert!(
            said.contains("corrections without their Arabic (1). It is kept as review.kept3.csv"),
            "{said}"
        );
        assert!(place.table("review.kept3.csv").contains("To what?"));
    }
}
