//! The order of things: discover → read → segment → answer → verify → summarise → write.
//!
//! This module alone knows it. Documents flow through in windows: enough of them to fill the model's batches with
//! sentences of like length, few enough that memory stays bounded and the first outputs appear early. Outputs are
//! rendered from units; an interrupted run is resumed by running again, which finds its sentences in the memory.

mod answer;
mod brief;
mod corrections;
mod event;
mod repair;
mod settle;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use crate::discover::{self, DiscoverError, Input, Origin};
use crate::document::{Document, TextEncoding};
use crate::inference::{DecodeOptions, Generator, Translator};
use crate::lang::Lang;
use crate::memory::{Memory, MemoryError};
use crate::read::{self, ReadError};
use crate::run::{DocumentRecord, IgnoredFile, Outcome, RunRecord};
use crate::segment;
use crate::unit::{Ledger, ModelStamp, TranslatedDocument, TranslationUnit};
use crate::write::{self, Collision, DocumentWriter, Format, OutputDir, ReviewRow, WriteError};

pub use answer::{Answer, AnswerError, Answering, Configured, Cut, score_of};
pub use corrections::{Corrections, TakenIn};
pub use event::{Event, Observer, Silent};
pub use repair::Repairing;
pub use settle::{correct, settle, unit_of};

/// Segments gathered before the model is asked, as a multiple of the rows of one call.
const WINDOW_CALLS: usize = 8;
/// Documents gathered at most: outputs should not wait for hundreds of short ones.
const WINDOW_DOCUMENTS: usize = 64;

/// Who writes the briefs.
pub enum BriefMaker<'a> {
    /// Nobody.
    None,
    /// The report's own sentences.
    Extractive,
    /// A model.
    Model {
        /// Its stamp; the name is the brief's method.
        stamp: ModelStamp,
        /// The model.
        generator: &'a dyn Generator,
    },
}

/// How the documents of a [`Plan`] are worked on.
pub struct RunOptions<'a> {
    /// Formats of bilingual files.
    pub formats: Vec<Format>,
    /// `--encoding`
    pub encoding: Option<String>,
    /// The translator.
    pub translator: &'a dyn Translator,
    /// Its stamp.
    pub stamp: ModelStamp,
    /// Languages it reads; empty for any.
    pub source_langs: Vec<Lang>,
    /// The language it writes.
    pub target_lang: Lang,
    /// How it searches.
    pub decode: DecodeOptions,
    /// Rows it has under way at a time.
    pub rows: usize,
    /// Whether flagged sentences are tried again.
    pub repair: bool,
    /// Another translator for those that the first cannot repair.
    pub second: Option<Configured<'a>>,
    /// Who writes briefs.
    pub brief: BriefMaker<'a>,
    /// Device in words, for the record.
    pub device: String,
    /// Options in force, for the record.
    pub options: BTreeMap<String, String>,
}

/// Why a run ended before its documents were through. What was translated is in the memory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Inputs.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// Nothing to do.
    #[error("no readable files in {0}\nhint: files with these extensions are read: {1}")]
    NoInput(String, String),
    /// Two inputs, one output.
    #[error(transparent)]
    Collision(#[from] Collision),
    /// An option that no file could satisfy.
    #[error("{message}{hint}")]
    Encoding {
        /// One line.
        message: String,
        /// `\nhint: …` or empty.
        hint: String,
    },
    /// The translation memory.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The output folder, or the files of the whole run.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The promise that every unit ends in exactly one state is broken: a fault of this program.
    #[error(
        "{document}: {counted} of {units} units are accounted for\nhint: this is a fault of tarjuman; please report it"
    )]
    Ledger {
        /// The document.
        document: String,
        /// Units in a final state.
        counted: usize,
        /// Units.
        units: usize,
    },
}

/// A run's options after everything that can fail early has been tried: inputs exist, outputs do not collide, the
/// output folder and the memory can be written. So a typing error costs seconds, not a model's loading time.
pub struct Plan {
    inputs: Vec<Input>,
    failed: Vec<DocumentRecord>,
    ignored: Vec<(String, String)>,
    output: OutputDir,
    memory: Memory,
    beyond_limit: Vec<Input>,
}

/// What [`plan`] needs of a run's options, before any model is loaded.
pub struct PlanOptions<'a> {
    /// Files and folders, or `-`.
    pub inputs: &'a [PathBuf],
    /// Output folder.
    pub out: &'a Path,
    /// `--encoding`
    pub encoding: Option<&'a str>,
    /// Only so many documents.
    pub limit: Option<usize>,
    /// Translation memory file; none keeps it in memory.
    pub memory: Option<&'a Path>,
    /// Translate anew what the memory has.
    pub fresh: bool,
}

/// Tries everything that can fail before a model is needed.
pub fn plan(options: &PlanOptions<'_>) -> Result<Plan, RunError> {
    if let Some(name) = options.encoding {
        read::encoding::canonical_name(name).map_err(|e| {
            let hint = e.hint();
            let hint = if hint.is_empty() { hint } else { format!("\nhint: {hint}") };
            RunError::Encoding { message: e.to_string(), hint }
        })?;
    }
    let is_readable = |path: &Path| read::is_readable(&path.to_string_lossy());
    let found = discover::discover(options.inputs, &is_readable, Some(options.out))?;
    if found.inputs.is_empty() && found.failed.is_empty() {
        let given: Vec<_> = options.inputs.iter().map(|p| p.display().to_string()).collect();
        let known: Vec<_> = read::extensions().iter().map(|e| format!(".{e}")).collect();
        return Err(RunError::NoInput(given.join(", "), known.join(" ")));
    }
    if let Some(collision) = write::collisions(found.inputs.iter().map(|i| i.id.as_str())).into_iter().next()
    {
        return Err(collision.into());
    }
    let output = OutputDir::create(options.out)?;
    let mut memory = match options.memory {
        Some(path) => Memory::open(path)?,
        None => Memory::none()?,
    };
    if options.fresh {
        memory.forget_earlier()?;
    }
    let mut inputs = found.inputs;
    let beyond_limit = inputs.split_off(options.limit.unwrap_or(usize::MAX).min(inputs.len()));
    let failed = found.failed.into_iter().map(|f| {
        let outcome = Outcome::Failed { error: f.error, hint: f.hint.to_string() };
        record(f.id, 0, outcome)
    });
    Ok(Plan {
        failed: failed.collect(),
        ignored: found.ignored.into_iter().map(|i| (i.id, i.reason.to_string())).collect(),
        inputs,
        output,
        memory,
        beyond_limit,
    })
}

fn record(id: String, bytes: u64, outcome: Outcome) -> DocumentRecord {
    DocumentRecord {
        title: id.clone(),
        id,
        digest: String::new(),
        bytes,
        outcome,
        encoding: None,
        ledger: Ledger::default(),
        brief: None,
        outputs: Vec::new(),
    }
}

/// A document on its way through: its units, and which of them wait for the model.
struct Pending {
    document: Document,
    bytes: u64,
    units: Vec<TranslationUnit>,
    /// Indices of units that need translating, with their source tokens.
    waiting: Vec<(usize, usize)>,
}

/// Runs everything that was planned; the record is written to the output folder and returned.
pub fn run(plan: Plan, options: RunOptions<'_>, observer: &dyn Observer) -> Result<RunRecord, RunError> {
    let started = SystemTime::now();
    let clock = Instant::now();
    let Plan { inputs, failed, ignored, output, mut memory, beyond_limit } = plan;
    let bytes = inputs.iter().map(|i| i.bytes).sum();
    observer.event(Event::Discovered { documents: inputs.len(), bytes, ignored: &ignored });
    for failure in &failed {
        observer.event(Event::Document(failure));
    }
    let review_is_in = take_review_in(&output, &mut memory, observer)?;
    let mut runner = Runner {
        writers: write::writers(&options.formats),
        counting: Counting { inner: observer, tokens: Default::default() },
        options: &options,
        output: &output,
        memory,
        records: failed,
        review: Vec::new(),
        from_memory: 0,
    };
    let interrupted = runner.documents(&inputs)?;
    for input in beyond_limit {
        runner.records.push(record(input.id, input.bytes, Outcome::NotReached));
    }
    let target_tokens = runner.counting.tokens.load(Ordering::Relaxed);
    let from_memory = runner.from_memory;
    let mut documents = std::mem::take(&mut runner.records);
    documents.sort_by(|a, b| a.id.cmp(&b.id));
    let mut ledger = Ledger::default();
    documents.iter().for_each(|d| ledger.add(&d.ledger));
    let record = RunRecord {
        version: env!("CARGO_PKG_VERSION").into(),
        started: humantime::format_rfc3339_seconds(started).to_string(),
        seconds: clock.elapsed().as_secs_f64(),
        interrupted,
        options: options.options.clone(),
        device: options.device.clone(),
        model: options.stamp.clone(),
        brief_model: match &options.brief {
            BriefMaker::Model { stamp, .. } => Some(stamp.clone()),
            _ => None,
        },
        documents,
        ledger,
        from_memory,
        target_tokens,
        ignored: ignored.into_iter().map(|(id, reason)| IgnoredFile { id, reason }).collect(),
    };
    if !review_is_in {
        write::keep_review(&output)?;
    }
    // Of a run that was stopped it is only a part; the whole one of before may hold what a person wrote.
    let review = (!interrupted || write::earlier_review(&output)?.is_none()).then_some(runner.review);
    write::save_run(&output, &record, review)?;
    Ok(record)
}

/// Takes in what a person wrote into the review of an earlier run; false where it is there and cannot be read, so that
/// it must not be written over.
fn take_review_in(
    output: &OutputDir,
    memory: &mut Memory,
    observer: &dyn Observer,
) -> Result<bool, RunError> {
    let Some(bytes) = write::earlier_review(output)? else { return Ok(true) };
    match Corrections::read(&bytes) {
        Ok(corrections) => {
            let taken = corrections.take_in(memory)?;
            if taken != TakenIn::default() {
                observer.event(Event::Corrections(taken));
            }
            Ok(true)
        }
        Err(what) => {
            let kept = write::KEPT_REVIEW;
            observer.event(Event::Warning(format!("{}: {what}. It is kept as {kept}", write::REVIEW)));
            Ok(false)
        }
    }
}

/// An observer that also counts the target tokens made.
struct Counting<'a> {
    inner: &'a dyn Observer,
    tokens: std::sync::atomic::AtomicUsize,
}

impl Observer for Counting<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::TargetTokens(n) = event {
            self.tokens.fetch_add(n, Ordering::Relaxed);
        }
        self.inner.event(event);
    }

    fn cancelled(&self) -> &std::sync::atomic::AtomicBool {
        self.inner.cancelled()
    }
}

struct Runner<'a> {
    options: &'a RunOptions<'a>,
    counting: Counting<'a>,
    output: &'a OutputDir,
    writers: Vec<Box<dyn DocumentWriter>>,
    memory: Memory,
    records: Vec<DocumentRecord>,
    /// Sentences that a person should look at.
    review: Vec<ReviewRow>,
    from_memory: usize,
}

impl Runner<'_> {
    /// All documents, window by window; whether the user stopped the run.
    fn documents(&mut self, inputs: &[Input]) -> Result<bool, RunError> {
        let full = self.options.rows * WINDOW_CALLS;
        let mut window: Vec<Pending> = Vec::new();
        let mut waiting = 0;
        for (at, input) in inputs.iter().enumerate() {
            if let Some(pending) = self.read(input) {
                waiting += pending.waiting.len();
                window.push(pending);
            }
            if waiting >= full || window.len() >= WINDOW_DOCUMENTS || at + 1 == inputs.len() {
                let unfinished = self.window(std::mem::take(&mut window))?;
                waiting = 0;
                let all_done = unfinished.is_none() && at + 1 == inputs.len();
                if unfinished.is_some() || (!all_done && self.counting.cancelled().load(Ordering::Relaxed)) {
                    let later =
                        inputs[at + 1..].iter().map(|i| record(i.id.clone(), i.bytes, Outcome::NotReached));
                    self.records.extend(unfinished.into_iter().flatten().chain(later));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Reads and segments one input; what cannot be translated is recorded at once.
    fn read(&mut self, input: &Input) -> Option<Pending> {
        let outcome = match self.open(input) {
            Ok(document) => {
                let pending = self.prepare(document, input.bytes);
                if !pending.waiting.is_empty() {
                    self.counting.event(Event::Read {
                        document: &input.id,
                        bytes: input.bytes,
                        segments: pending.units.len(),
                        source_tokens: pending.waiting.iter().map(|w| w.1).sum(),
                    });
                    return Some(pending);
                }
                let lang = self.options.source_langs.first().cloned().unwrap_or_else(Lang::arabic);
                let reason = format!("no {} text in it", lang.name());
                let mut record =
                    record(input.id.clone(), input.bytes, Outcome::NothingToTranslate { reason });
                record.digest = pending.document.digest;
                record.encoding = Some(pending.document.encoding);
                self.finish(record);
                return None;
            }
            Err(outcome) => outcome,
        };
        self.finish(record(input.id.clone(), input.bytes, outcome));
        None
    }

    fn open(&self, input: &Input) -> Result<Document, Outcome> {
        let unreadable = |e: std::io::Error| Outcome::Failed {
            error: format!("{}: {e}", input.id),
            hint: "check that the file exists and that you may read it".into(),
        };
        let bytes = match &input.origin {
            Origin::Stdin => {
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes).map_err(unreadable)?;
                bytes
            }
            Origin::File(_) if input.bytes > read::MAX_BYTES => {
                let error = ReadError::TooLarge { id: input.id.clone(), bytes: input.bytes };
                return Err(Outcome::Failed { error: error.to_string(), hint: error.hint() });
            }
            Origin::File(path) => std::fs::read(path).map_err(unreadable)?,
        };
        read::read(&input.id, &bytes, self.options.encoding.as_deref()).map_err(|e| {
            if e.is_nothing_to_translate() {
                Outcome::NothingToTranslate { reason: without_id(&e.to_string(), &input.id) }
            } else {
                Outcome::Failed { error: e.to_string(), hint: e.hint() }
            }
        })
    }

    /// Units of a document; those without text in the source language are copied.
    fn prepare(&self, document: Document, bytes: u64) -> Pending {
        let segments = segment::segment(&document);
        let langs = &self.options.source_langs;
        let units: Vec<TranslationUnit> =
            segments.into_iter().map(|s| unit_of(&document, s, langs)).collect();
        let waiting = units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.is_waiting())
            .map(|(u, unit)| (u, self.options.translator.count_tokens(&unit.source_normalized)))
            .collect();
        Pending { document, bytes, units, waiting }
    }

    /// Translates and finishes the documents of a window. Returns the records of unfinished ones if interrupted.
    fn window(&mut self, mut window: Vec<Pending>) -> Result<Option<Vec<DocumentRecord>>, RunError> {
        for pending in &mut window {
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
            Answering { model, cut: Cut::Whole, memory: &mut self.memory, observer: &self.counting };
        let unfinished = |window: Vec<Pending>| {
            let records = window.into_iter().map(|p| record(p.document.id, p.bytes, Outcome::NotReached));
            Ok(Some(records.collect()))
        };
        let answers = match answering.answer(&sources, &tokens) {
            Ok(answers) => answers,
            Err(AnswerError::Memory(e)) => return Err(e.into()),
            Err(AnswerError::Interrupted) => return unfinished(window),
        };
        for ((d, u), answer) in places.into_iter().zip(answers) {
            if matches!(answer, Answer::Translated { from_memory: true, .. }) {
                self.from_memory += 1;
            }
            settle(&mut window[d].units[u], answer, &self.options.target_lang);
        }
        if self.options.repair {
            let mut repairing = Repairing {
                model,
                second: self.options.second,
                target_lang: &self.options.target_lang,
                memory: &mut self.memory,
                observer: &self.counting,
            };
            let mut units: Vec<&mut TranslationUnit> =
                window.iter_mut().flat_map(|pending| &mut pending.units).collect();
            match repairing.repair(&mut units) {
                Ok(()) => {}
                Err(AnswerError::Memory(e)) => return Err(e.into()),
                Err(AnswerError::Interrupted) => return unfinished(window),
            }
        }
        let mut window = window.into_iter();
        while let Some(pending) = window.next() {
            let (id, bytes) = (pending.document.id.clone(), pending.bytes);
            if !self.document(pending)? {
                let unfinished = std::iter::once((id, bytes))
                    .chain(window.map(|p| (p.document.id, p.bytes)))
                    .map(|(id, bytes)| record(id, bytes, Outcome::NotReached));
                return Ok(Some(unfinished.collect()));
            }
        }
        Ok(None)
    }

    /// Briefs, writes and records one document; `false` if the user stopped while its brief was made.
    fn document(&mut self, pending: Pending) -> Result<bool, RunError> {
        let Pending { document, bytes, units, .. } = pending;
        let ledger = Ledger::of(&units);
        let counted = units.iter().filter(|u| !u.is_waiting()).count();
        if !ledger.adds_up() || counted != units.len() {
            return Err(RunError::Ledger { document: document.id, counted, units: units.len() });
        }
        let brief = match &self.options.brief {
            BriefMaker::None => None,
            BriefMaker::Extractive => Some(brief::extractive(&units)),
            BriefMaker::Model { stamp, generator } => {
                match brief::by_model(&units, *generator, stamp, &mut self.memory, &self.counting)? {
                    Some((brief, warning)) => {
                        if let Some(warning) = warning {
                            self.counting.event(Event::Warning(format!("{}: {warning}", document.id)));
                        }
                        Some(brief)
                    }
                    None => return Ok(false),
                }
            }
        };
        let translated = TranslatedDocument { document, units, brief, model: self.options.stamp.clone() };
        let (outcome, outputs) = match write::save_document(self.output, &self.writers, &translated) {
            Ok(outputs) => (Outcome::Done, outputs),
            Err(error) => {
                let text = error.to_string();
                let (error, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
                (Outcome::Failed { error: error.into(), hint: hint.into() }, Vec::new())
            }
        };
        self.review.extend(write::review_rows(&translated));
        let title = translated.title().to_string();
        let encoding: Option<TextEncoding> = Some(translated.document.encoding);
        self.finish(DocumentRecord {
            id: translated.document.id,
            digest: translated.document.digest,
            bytes,
            outcome,
            encoding,
            ledger,
            title,
            brief: translated.brief,
            outputs,
        });
        Ok(true)
    }

    fn finish(&mut self, record: DocumentRecord) {
        self.counting.event(Event::Document(&record));
        self.records.push(record);
    }
}

fn without_id(message: &str, id: &str) -> String {
    message.strip_prefix(id).and_then(|m| m.strip_prefix(": ")).unwrap_or(message).to_string()
}
