//! The first stage: inputs are read, cut into units and gathered into windows, one window ahead of the model.

use std::io::Read as _;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;

use crate::discover::{Input, Opener, Origin};
use crate::document::Document;
use crate::lang::Lang;
use crate::read::{self, ReadError, ReadOptions};
use crate::run::{DocumentRecord, Outcome};
use crate::segment;
use crate::unit::TranslationUnit;

use super::event::{Event, Observer};
use super::plan::RunOptions;
use super::record;
use super::settle::unit_of;

/// Segments of the first window, as a multiple of the rows that the model has under way: outputs appear early.
const FIRST_WINDOW: usize = 2;
/// Each later window is twice as large as the one before, up to this: at the end of each some rows stay empty.
const LARGEST_WINDOW: usize = 16;
/// Documents of a window at most.
pub(super) const WINDOW_DOCUMENTS: usize = 256;

/// A document on its way through: its units, and which of them wait for the model.
pub(super) struct Pending {
    pub document: Document,
    pub bytes: u64,
    pub units: Vec<TranslationUnit>,
    /// Indices of units that need translating, with their source tokens.
    pub waiting: Vec<(usize, usize)>,
}

/// Documents that are translated together.
#[derive(Default)]
pub(super) struct Window {
    pub documents: Vec<Pending>,
    /// Inputs of this window in which there is nothing to translate.
    pub others: Vec<DocumentRecord>,
}

/// Reads what is to be translated.
pub(super) struct Preparing<'a> {
    pub options: &'a RunOptions<'a>,
    pub observer: &'a dyn Observer,
}

impl Preparing<'_> {
    /// Sends all `inputs`, in their order, until there are no more, nobody takes them, or the user stops.
    pub fn windows(&self, inputs: &[Input], to: SyncSender<Window>) {
        let mut full = self.options.rows * FIRST_WINDOW;
        let mut window = Window::default();
        let mut waiting = 0;
        let mut opener = Opener::default();
        for input in inputs {
            if self.observer.cancelled().load(Ordering::Relaxed) {
                return;
            }
            // What it keeps of the last container may be large.
            if !matches!(input.origin, Origin::Member { .. }) {
                opener = Opener::default();
            }
            match self.read(input, &mut opener) {
                Ok(pending) => {
                    waiting += pending.waiting.len();
                    window.documents.push(pending);
                }
                Err(record) => window.others.push(*record),
            }
            if waiting >= full || window.documents.len() + window.others.len() >= WINDOW_DOCUMENTS {
                if to.send(std::mem::take(&mut window)).is_err() {
                    return;
                }
                waiting = 0;
                full = (full * 2).min(self.options.rows * LARGEST_WINDOW);
            }
        }
        // Whether anybody takes the last one makes no difference here.
        let _ = to.send(window);
    }

    /// Reads and segments one input; or the record of one that cannot be translated.
    fn read(&self, input: &Input, opener: &mut Opener) -> Result<Pending, Box<DocumentRecord>> {
        let document = self
            .open(input, opener)
            .map_err(|outcome| Box::new(record(input.id.clone(), input.bytes, outcome)))?;
        let pending = self.pending(document, input.bytes);
        if pending.waiting.is_empty() {
            let lang = self.options.source_langs.first().cloned().unwrap_or_else(Lang::arabic);
            let mut reason = format!("no {} text in it", lang.name());
            if !pending.document.notes.is_empty() {
                reason += &format!(" ({})", pending.document.notes.join("; "));
            }
            let outcome = Outcome::NothingToTranslate { reason };
            return Err(Box::new(DocumentRecord {
                digest: pending.document.digest,
                encoding: Some(pending.document.encoding),
                notes: pending.document.notes,
                ..record(input.id.clone(), input.bytes, outcome)
            }));
        }
        self.observer.event(Event::Read {
            document: &input.id,
            bytes: input.bytes,
            segments: pending.units.len(),
            source_tokens: pending.waiting.iter().map(|w| w.1).sum(),
        });
        Ok(pending)
    }

    fn open(&self, input: &Input, opener: &mut Opener) -> Result<Document, Outcome> {
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
            _ if input.bytes > read::MAX_BYTES => {
                let error = ReadError::TooLarge { id: input.id.clone(), bytes: input.bytes };
                return Err(Outcome::Failed { error: error.to_string(), hint: error.hint() });
            }
            // What was a file may be a pipe by now, and a pipe that nobody fills is never at its end.
            Origin::File(path) if input.bytes > 0 && std::fs::metadata(path).is_ok_and(|m| !m.is_file()) => {
                return Err(Outcome::Failed {
                    error: format!("{}: it was a file when the run began and is none any more", input.id),
                    hint: "put the file back and run the same command again".into(),
                });
            }
            Origin::File(path) => std::fs::read(path).map_err(unreadable)?,
            Origin::Member { container, version, steps } => {
                opener.open(container, *version, steps).map_err(|e| Outcome::Failed {
                    error: format!("{}: {e}", input.id),
                    hint: e.hint().into(),
                })?
            }
        };
        let options =
            ReadOptions { encoding: self.options.encoding.as_deref(), fields: &self.options.fields };
        read::read(&input.id, &bytes, options).map_err(|e| {
            if e.is_nothing_to_translate() {
                Outcome::NothingToTranslate { reason: without_id(&e.to_string(), &input.id) }
            } else {
                Outcome::Failed { error: e.to_string(), hint: e.hint() }
            }
        })
    }

    /// Units of a document; those without text in the source language are copied.
    fn pending(&self, document: Document, bytes: u64) -> Pending {
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
}

fn without_id(message: &str, id: &str) -> String {
    message.strip_prefix(id).and_then(|m| m.strip_prefix(": ")).unwrap_or(message).to_string()
}
