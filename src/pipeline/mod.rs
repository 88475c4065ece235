//! The order of things: discover → read → segment → answer → verify → summarise → write.
//!
//! This module alone knows it. Three threads share the work, so that the model never waits: one reads and segments
//! ahead, this one translates, one writes. Documents flow through in windows: enough of them to fill the model's batches
//! with sentences of like length, few enough that memory stays bounded and the first outputs appear early. Outputs
//! are rendered from units; an interrupted run is resumed by running again, which finds its sentences in the memory.

mod answer;
mod apart;
mod brief;
mod corrections;
mod event;
mod finish;
mod history;
mod plan;
mod prepare;
mod repair;
mod settle;
mod tables;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Instant, SystemTime};

use crate::discover::Input;
use crate::memory::{Memory, MemoryError};
use crate::names::Names;
use crate::run::{self, DocumentRecord, IgnoredFile, Outcome, RunRecord};
use crate::similar::{self, NearDuplicate, Sketch};
use crate::unit::{Ledger, State, TranslationUnit};
use crate::verify;
use crate::write::{self, Format, OutputDir, Tables};

use finish::{Briefing, Finished, Finishing, Translated};
use history::{History, News};
use prepare::{Pending, Preparing, Window};
use tables::{Desk, Found};

pub use answer::{Answer, AnswerError, Answering, Configured, Cut, score_of};
pub use corrections::{Corrections, TakenIn};
pub use event::{Event, Observer, Silent};
pub use plan::{BriefMaker, Plan, PlanOptions, RunError, RunOptions, plan};
pub use repair::Repairing;
pub use settle::{Rules, correct, settle, unit_of};

/// Bytes of text that may wait to be written: units and pages take twenty times as much.
const MOST_UNWRITTEN: usize = 4 << 20;

/// The record of a document of which nothing is known but its fate.
fn record(id: String, bytes: u64, outcome: Outcome) -> DocumentRecord {
    DocumentRecord {
        title: id.clone(),
        token: run::token(&id),
        id,
        digest: String::new(),
        bytes,
        outcome,
        encoding: None,
        notes: Vec::new(),
        ledger: Ledger::default(),
        risk: None,
        near_duplicate: None,
        first_seen: None,
        changed: false,
        brief: None,
        outputs: Vec::new(),
    }
}

/// Runs everything that was planned; the record is written to the output folder and returned.
pub fn run(plan: Plan, options: RunOptions<'_>, observer: &dyn Observer) -> Result<RunRecord, RunError> {
    let started = SystemTime::now();
    let clock = Instant::now();
    let Plan { inputs, output_names, failed, ignored, parted, output, mut memory, beyond_limit, fresh } =
        plan;
    let bytes = inputs.iter().map(|i| i.bytes).sum();
    observer.event(Event::Discovered { documents: inputs.len(), bytes, ignored: &ignored, parted: &parted });
    for failure in &failed {
        observer.event(Event::Document(failure));
    }
    let desk = Desk { output: &output, observer };
    let this_run = name_of_run(&options.options, &output);
    if fresh && memory.forget_earlier(&this_run)? {
        observer.event(Event::GoesOn);
    }
    let history = history(&output, observer)?;
    let mut found = Found::read(&history.tables, desk)?;
    found.take_in(&mut memory, desk)?;
    let counting = Counting { inner: observer, tokens: AtomicUsize::new(0) };
    let mut runner = Runner {
        options: &options,
        observer: &counting,
        memory,
        from_memory: 0,
        names: Names::default(),
        records: failed,
        interrupted: false,
    };
    let Finished { records, review, sketches } = runner.documents(&inputs, &output_names, &output)?;
    let Runner { mut memory, from_memory, interrupted, names, records: mut documents, .. } = runner;
    let target_tokens = counting.tokens.load(Ordering::Relaxed);
    documents.extend(records);
    documents
        .extend(beyond_limit.into_iter().map(|input| record(input.id, input.bytes, Outcome::NotReached)));
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    mark_near_duplicates(&mut documents, &sketches);
    let News { arrivals, new_from, earlier } = history.enter(&mut documents, started, &options.since);
    let mut ledger = Ledger::default();
    documents.iter().for_each(|d| ledger.add(&d.ledger));
    // Of a run that was stopped they are only a part; the whole ones of before may hold what a person wrote.
    let is_due = |name| Ok::<_, RunError>(!interrupted || write::earlier_table(&output, name)?.is_none());
    let tables = Tables {
        review: is_due(write::REVIEW)?.then(|| found.review(review, desk)).transpose()?,
        names: is_due(write::NAMES)?.then(|| found.names(&names, &options.names, desk)).transpose()?,
    };
    let record = RunRecord {
        version: env!("CARGO_PKG_VERSION").into(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        seconds: clock.elapsed().as_secs_f64(),
        interrupted,
        options: options.options.clone(),
        device: options.device.clone(),
        models: options.models(),
        documents,
        arrivals,
        new_from,
        since: options.only_since.clone(),
        earlier,
        ledger,
        from_memory,
        target_tokens,
        ignored: ignored.into_iter().map(|(id, reason)| IgnoredFile { id, reason }).collect(),
        tables: found.digests(&tables),
    };
    write::save_run(&output, &record, tables)?;
    if !interrupted {
        memory.end(&this_run)?;
    }
    Ok(record)
}

/// What tells a run from others: all its options but `--fresh`, since whichever run comes to the end has ended it, and where
/// its outputs go.
fn name_of_run(options: &BTreeMap<String, String>, output: &OutputDir) -> String {
    let options: BTreeMap<&String, &String> = options.iter().filter(|(name, _)| *name != "fresh").collect();
    format!("{:?} {options:?}", output.root())
}

/// Says of each document whether it is nearly the same as another.
fn mark_near_duplicates(documents: &mut [DocumentRecord], sketches: &BTreeMap<String, Sketch>) {
    let reports: Vec<(&str, &Sketch)> = sketches.iter().map(|(id, sketch)| (id.as_str(), sketch)).collect();
    let found = similar::near_duplicates(&reports);
    let mut of: BTreeMap<&str, NearDuplicate> =
        reports.iter().zip(found).filter_map(|((id, _), found)| Some((*id, found?))).collect();
    for document in documents {
        document.near_duplicate = of.remove(document.id.as_str());
    }
}

/// What earlier runs into the folder have met.
fn history(output: &OutputDir, observer: &dyn Observer) -> Result<History, RunError> {
    let Some(bytes) = write::earlier_table(output, write::RECORD)? else { return Ok(History::default()) };
    Ok(History::read(&bytes).unwrap_or_else(|what| {
        let record = write::RECORD;
        observer.event(Event::Warning(format!("{record}: {what}. No report is marked as new or changed")));
        History::default()
    }))
}

/// An observer that also counts the target tokens made.
struct Counting<'a> {
    inner: &'a dyn Observer,
    tokens: AtomicUsize,
}

impl Observer for Counting<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::TargetTokens(n) = event {
            self.tokens.fetch_add(n, Ordering::Relaxed);
        }
        self.inner.event(event);
    }

    fn cancelled(&self) -> &AtomicBool {
        self.inner.cancelled()
    }
}

/// The way to the thread that writes.
struct ToWrite {
    to: SyncSender<Translated>,
    /// Bytes of each document that was written.
    done: Receiver<usize>,
    /// Bytes of text that wait to be written.
    unwritten: usize,
}

impl ToWrite {
    /// Hands a document on, when there is room; false where nobody takes it.
    fn send(&mut self, translated: Translated) -> bool {
        let bytes = translated.document.text.len();
        while self.unwritten > 0 && self.unwritten + bytes > MOST_UNWRITTEN {
            let Ok(written) = self.done.recv() else { return false };
            self.unwritten -= written;
        }
        self.unwritten += bytes;
        self.to.send(translated).is_ok()
    }
}

struct Runner<'a> {
    options: &'a RunOptions<'a>,
    observer: &'a dyn Observer,
    memory: Memory,
    from_memory: usize,
    names: Names,
    /// Of documents that could not be translated, or were not reached.
    records: Vec<DocumentRecord>,
    interrupted: bool,
}

impl Runner<'_> {
    /// All documents, window by window; what became of those that were translated.
    fn documents(
        &mut self,
        inputs: &[Input],
        output_names: &BTreeMap<String, String>,
        output: &OutputDir,
    ) -> Result<Finished, RunError> {
        let options = self.options;
        let preparing = Preparing { options, observer: self.observer };
        let models = options.models();
        let finishing = Finishing::new(&options.formats, output_names, output, &models, self.observer);
        thread::scope(|scope| {
            // The next window is read while this one is translated, and no further.
            let (read, to_translate) = sync_channel(0);
            // All documents of a window can wait without the model waiting, if they are not long.
            let (translated, to_write) = sync_channel(prepare::WINDOW_DOCUMENTS);
            let (written, done) = channel();
            let to_write_to = ToWrite { to: translated, done, unwritten: 0 };
            let thread = thread::Builder::new;
            thread().spawn_scoped(scope, || preparing.windows(inputs, read)).map_err(RunError::Thread)?;
            let writer = thread()
                .spawn_scoped(scope, || finishing.all(to_write, written))
                .map_err(RunError::Thread)?;
            let end = self.windows(inputs, to_translate, to_write_to);
            let finished = writer.join().unwrap_or_else(|panic| resume_unwind(panic));
            end.map(|()| finished)
        })
    }

    /// Translates the windows as they come.
    fn windows(&mut self, inputs: &[Input], from: Receiver<Window>, mut to: ToWrite) -> Result<(), RunError> {
        let mut reached = 0;
        for window in from {
            if self.observer.cancelled().load(Ordering::Relaxed) {
                break;
            }
            reached += window.documents.len() + window.others.len();
            for record in window.others {
                self.observer.event(Event::Document(&record));
                self.records.push(record);
            }
            self.window(window.documents, &mut to)?;
            if self.interrupted {
                break;
            }
        }
        for input in &inputs[reached..] {
            self.interrupted = true;
            self.not_reached(input.id.clone(), input.bytes);
        }
        Ok(())
    }

    fn not_reached(&mut self, id: String, bytes: u64) {
        self.records.push(record(id, bytes, Outcome::NotReached));
    }

    /// Translates the documents of a window and hands them on, as far as the user lets it.
    fn window(&mut self, mut window: Vec<Pending>, to: &mut ToWrite) -> Result<(), RunError> {
        match self.translate(&mut window) {
            Ok(()) => {}
            Err(AnswerError::Memory(e)) => return Err(e.into()),
            Err(AnswerError::Interrupted) => self.interrupted = true,
        }
        for Pending { document, bytes, units, .. } in window {
            let brief = if self.interrupted { None } else { self.briefing(&document.id, &units)? };
            let Some(brief) = brief else {
                self.interrupted = true;
                self.not_reached(document.id, bytes);
                continue;
            };
            let counted = units.iter().filter(|u| !u.is_waiting()).count();
            if !Ledger::of(&units).adds_up() || counted != units.len() {
                return Err(RunError::Ledger { document: document.id, counted, units: units.len() });
            }
            // Nobody takes it only where the writing thread has panicked, which ends the run.
            if !to.send(Translated { document, bytes, units, brief }) {
                break;
            }
        }
        Ok(())
    }

    /// Brings all units of a window to their final state.
    fn translate(&mut self, window: &mut [Pending]) -> Result<(), AnswerError> {
        for pending in &mut *window {
            correct(pending.units.iter_mut(), &self.memory)?;
            pending.waiting.retain(|&(u, _)| pending.units[u].is_waiting());
        }
        let places: Vec<(usize, usize)> = window
            .iter()
            .enumerate()
            .flat_map(|(d, pending)| pending.waiting.iter().map(move |&(u, _)| (d, u)))
            .collect();
        let tokens: Vec<usize> = window.iter().flat_map(|p| p.waiting.iter().map(|w| w.1)).collect();
        let sources: Vec<&str> =
            places.iter().map(|&(d, u)| window[d].units[u].source_normalized.as_str()).collect();
        let model = Configured {
            translator: self.options.translator,
            digest: &self.options.stamp.digest,
            decode: &self.options.decode,
            rows: self.options.rows,
        };
        let mut answering =
            Answering { model, cut: Cut::Whole, memory: &mut self.memory, observer: self.observer };
        let answers = answering.answer(&sources, &tokens)?;
        let rules = Rules {
            source_langs: &self.options.source_langs,
            target_lang: &self.options.target_lang,
            glossary: &self.options.glossary,
        };
        for ((d, u), answer) in places.into_iter().zip(answers) {
            if matches!(answer, Answer::Translated { from_memory: true, .. }) {
                self.from_memory += 1;
            }
            settle(&mut window[d].units[u], answer, rules);
        }
        if self.options.repair {
            let mut repairing = Repairing {
                model,
                second: self.options.second,
                rules,
                memory: &mut self.memory,
                observer: self.observer,
            };
            let mut units: Vec<&mut TranslationUnit> =
                window.iter_mut().flat_map(|pending| &mut pending.units).collect();
            repairing.repair(&mut units)?;
        }
        window.iter_mut().flat_map(|pending| &mut pending.units).for_each(|unit| self.spell(unit));
        if self.options.formats.contains(&Format::Original) {
            let observer = &repair::Tokens(self.observer);
            let mut answering = Answering { model, cut: Cut::Whole, memory: &mut self.memory, observer };
            apart::name_marks(window, &mut answering, rules.source_langs, &self.options.names)?;
        }
        Ok(())
    }

    /// Takes the names of a unit in, and spells them as they were chosen.
    fn spell(&mut self, unit: &mut TranslationUnit) {
        if matches!(unit.state, State::Copied | State::Skipped) {
            return;
        }
        self.names.observe(&unit.document, &unit.source_normalized, &unit.target);
        let Some((target, respelled)) = self.options.names.apply(&unit.source_normalized, &unit.target)
        else {
            return;
        };
        // What a person wrote stays, and so does what the glossary wants.
        let terms =
            |target: &str| verify::terms(&unit.source_normalized, target, &self.options.glossary).len();
        if !unit.reviewed && terms(&target) <= terms(&unit.target) {
            (unit.target, unit.respelled) = (target, respelled);
        }
    }

    /// The brief of a document where a model writes it; nothing if the user stopped meanwhile.
    fn briefing(&mut self, id: &str, units: &[TranslationUnit]) -> Result<Option<Briefing>, MemoryError> {
        let BriefMaker::Model { stamp, generator } = &self.options.brief else {
            let extractive = matches!(self.options.brief, BriefMaker::Extractive);
            return Ok(Some(if extractive { Briefing::Extractive } else { Briefing::None }));
        };
        let made = brief::by_model(units, *generator, stamp, &mut self.memory, self.observer)?;
        Ok(made.map(|(brief, warning)| {
            if let Some(warning) = warning {
                self.observer.event(Event::Warning(format!("{id}: {warning}")));
            }
            Briefing::Made(Box::new(brief))
        }))
    }
}
