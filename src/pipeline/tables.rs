//! The tables that people write into, `review.csv` and `names.csv`: what stands in them when a run begins, and what has
//! to stand in them when it ends.
//!
//! A run writes both anew, and nothing that a person wrote may be lost by that. It may take hours, in which somebody
//! works on the tables of the run before; and it need not see every sentence that has a correction: there is `--limit`,
//! another folder, a file that cannot be read today. What they hold of such is handed on from table to table. What stands
//! outside of the column that is there to be filled in has no place in the next table, and is kept beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::memory::Memory;
use crate::names::{Choices, Names};
use crate::segment;
use crate::sheet::Sheet;
use crate::write::{self, OutputDir, ReviewRow, Tables, WriteError};

use super::corrections::{self, Corrections, Sentence, TakenIn};
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

/// A table that people write into.
struct Kind<T> {
    name: &'static str,
    read: fn(&[u8]) -> Result<T, String>,
    /// The column that they fill in, under all its names.
    filled_in: &'static [&'static str],
    /// The column that says what a row is about.
    about: &'static [&'static str],
}

const REVIEW: Kind<Corrections> = Kind {
    name: write::REVIEW,
    read: Corrections::read,
    filled_in: &corrections::TARGET,
    about: &corrections::SOURCE,
};

const NAMES: Kind<Spellings> =
    Kind { name: write::NAMES, read: spellings, filled_in: &["english"], about: &["arabic"] };

/// A table as it was read.
struct Table<T: 'static> {
    kind: &'static Kind<T>,
    /// None where it was not there.
    bytes: Option<Vec<u8>>,
    /// Nothing where it was not there or could not be read.
    says: T,
    /// Its [`rest`](Kind::rest) as the run that wrote it recorded it.
    written: Option<String>,
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
    /// `written` is the record of the run before (see [`Found::digests`]).
    pub fn read(written: &BTreeMap<String, String>, desk: Desk<'_>) -> Result<Self, WriteError> {
        let review = Table::read(&REVIEW, written, desk)?;
        if let Some(bytes) = &review.bytes {
            desk.keep_unmatched(bytes, &review.says)?;
        }
        let names = Table::read(&NAMES, written, desk)?;
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

    /// The next `review.csv`: the rows of the run, with what has been written meanwhile, and the corrections of sentences
    /// that are not in it. They count from the next run on, which finds them in the table.
    pub fn review(&self, run: Vec<ReviewRow>, desk: Desk<'_>) -> Result<Vec<u8>, WriteError> {
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
        self.review.next(write::review_table(merged.rows), desk)
    }

    /// The next `names.csv`: the names of the run as they are `chosen`, or were chosen in the table.
    pub fn names(&self, run: &Names, chosen: &Choices, desk: Desk<'_>) -> Result<Vec<u8>, WriteError> {
        let Table { says: Spellings { all, edited }, .. } = &self.names;
        let written = self.names.written_since(desk)?;
        // Against all that stood there: who puts a proposal back has chosen it.
        let written = written.map(|(_, now)| now.all.since(all)).unwrap_or_default();
        desk.tell_written(write::NAMES, written.len(), "spellings", "this run has not used them");
        self.names.next(write::names_table(&run.rows(&written.or(chosen).or(edited))), desk)
    }

    /// What the record says of the tables when `next` have taken the places of those that are there.
    pub fn digests(&self, next: &Tables) -> BTreeMap<String, String> {
        let review = self.review.digest(next.review.as_deref());
        let names = self.names.digest(next.names.as_deref());
        [(write::REVIEW, review), (write::NAMES, names)]
            .into_iter()
            .filter_map(|(name, digest)| Some((name.to_owned(), digest?)))
            .collect()
    }
}

impl<T> Kind<T> {
    /// SHA-256 over what a table says outside of the column to be filled in, however a spreadsheet has quoted and sorted
    /// it. A row that has only that column and what it is about says nothing else: it may have been added.
    fn rest(&self, bytes: &[u8]) -> Result<String, String> {
        let sheet = Sheet::read(bytes)?;
        let (filled_in, about) = (sheet.position(self.filled_in), sheet.position(self.about));
        let mut rows: Vec<[u8; 32]> = Vec::new();
        for row in sheet.rows() {
            let mut hasher = Sha256::new();
            let mut says_more = false;
            for (at, cell) in row.iter().enumerate().filter(|(at, _)| Some(*at) != filled_in) {
                let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
                if !cell.is_empty() {
                    says_more |= Some(at) != about;
                    hasher.update((at as u64).to_le_bytes());
                    hasher.update((cell.len() as u64).to_le_bytes());
                    hasher.update(cell);
                }
            }
            rows.extend(says_more.then(|| <[u8; 32]>::from(hasher.finalize())));
        }
        rows.sort_unstable();
        let digest = Sha256::digest(rows.concat());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl<T: Default> Table<T> {
    fn read(
        kind: &'static Kind<T>,
        written: &BTreeMap<String, String>,
        desk: Desk<'_>,
    ) -> Result<Self, WriteError> {
        let bytes = write::earlier_table(desk.output, kind.name)?;
        let written = written.get(kind.name).cloned();
        let mut table = Table { kind, bytes: None, says: T::default(), written };
        if let Some(bytes) = bytes {
            table.says = table.understood(&bytes, desk)?.unwrap_or_default();
            table.bytes = Some(bytes);
        }
        Ok(table)
    }

    /// The table as it is now, if it is another and can be read. One that has gone says what it said: some programs put
    /// a file away for the moment in which they save it.
    fn written_since(&self, desk: Desk<'_>) -> Result<Option<(Vec<u8>, T)>, WriteError> {
        let now = write::earlier_table(desk.output, self.kind.name)?;
        let Some(bytes) = now.filter(|now| self.bytes.as_ref() != Some(now)) else { return Ok(None) };
        Ok(self.understood(&bytes, desk)?.map(|says| (bytes, says)))
    }

    /// What these bytes say; they are kept where that cannot be told.
    fn understood(&self, bytes: &[u8], desk: Desk<'_>) -> Result<Option<T>, WriteError> {
        match (self.kind.read)(bytes) {
            Ok(says) => Ok(Some(says)),
            Err(what) => desk.keep(self.kind.name, bytes, &what).map(|()| None),
        }
    }

    /// The table that takes the place of the one that is there. That one is kept if it says what no run wrote there and
    /// none takes from it: notes in a column of their own, English beside the column for it.
    fn next(&self, table: io::Result<Vec<u8>>, desk: Desk<'_>) -> Result<Vec<u8>, WriteError> {
        let Kind { name, filled_in, .. } = self.kind;
        let path = || Path::new(name).to_owned();
        let next = table.map_err(|source| WriteError::Io { path: path(), source })?;
        let now = write::earlier_table(desk.output, name)?;
        let Some(now) = now.as_ref().or(self.bytes.as_ref()) else { return Ok(next) };
        // One that cannot be read is kept already.
        let Ok(rest) = (self.kind.read)(now).and_then(|_| self.kind.rest(now)) else { return Ok(next) };
        // A run that was killed may have written the next one, and not its record.
        let of_a_run = self.written.as_ref() == Some(&rest) || self.kind.rest(&next).as_ref() == Ok(&rest);
        let is_empty = self.kind.rest(b"").as_ref() == Ok(&rest);
        if !of_a_run && !is_empty {
            let what =
                format!("more than the column `{}` was changed in it, which is not taken in", filled_in[0]);
            desk.keep(name, now, &what)?;
        }
        Ok(next)
    }

    /// For the record: of the `next` table, or, where there is none, of the one that stays.
    fn digest(&self, next: Option<&[u8]>) -> Option<String> {
        next.map_or_else(|| self.written.clone(), |bytes| self.kind.rest(bytes).ok())
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
            second_stamp: None,
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
    fn what_stands_outside_of_the_column_to_be_filled_in_is_kept() {
        let none = Choices::default();
        for (text, name, from, to, is_kept) in [
            (STUCK, "review", "\n,again", "\n,At last", true),
            (STUCK, "review", ",a.txt,1\n", ",a.txt,1,ask Ali\n", true),
            (STUCK, "review", "sentence\n", "sentence,notes\n", false),
            (STUCK, "review", "\n,again", "\nA chain.,again", false),
            // As spreadsheets end lines, and with a row of one's own.
            (STUCK, "review", "\n", "\r\n", false),
            (STUCK, "review", ",a.txt,1\n", ",a.txt,1\nYes.,,نعم.,,,,\n", false),
            (NAMED, "names", "Mohamed,محمد", "Muhammad,محمد", false),
            (NAMED, "names", "Mohamed,محمد", "Ghaib,غائب,,,\nMohamed,محمد", false),
            (NAMED, "names", "Mohamed (", "Muhammad (", true),
        ] {
            let place = Place::new(text);
            place.run();
            let (table, kept) = (format!("{name}.csv"), format!("{name}.kept.csv"));
            let edited = place.table(&table).replace(from, to);
            let said = place.run_while_replacing(&none, &table, from, to);
            assert_eq!(said.contains(&format!("{table}: more than the column")), is_kept, "{to}: {said}");
            assert_eq!(place.0.path().join("out").join(&kept).exists(), is_kept, "{to}");
            if is_kept {
                assert_eq!(place.table(&kept), edited);
            }
            let said = place.run_while(&none, "other", b"");
            assert!(!said.contains("more than"), "{to}: the next table has nothing of it: {said}");
        }
    }

    #[test]
    fn a_table_of_which_no_record_tells_is_kept_unless_the_run_writes_the_same() {
        for (name, is_kept) in [("a.txt", false), ("b.txt", true)] {
            let place = Place::new(STUCK);
            place.run();
            fs::remove_file(place.0.path().join("out/run.json")).unwrap();
            let table = place.table("review.csv").replace("a.txt", name);
            fs::write(place.0.path().join("out/review.csv"), table).unwrap();
            let said = place.run_while(&Choices::default(), "other", b"");
            assert_eq!(said.contains("kept as review.kept.csv"), is_kept, "{said}");
        }
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
