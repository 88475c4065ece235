//! The last stage: documents whose units are final are briefed in their own sentences, written and recorded.
//!
//! It works on a thread of its own, so that the model does not wait for it. A document goes in whole and comes out as
//! a record; what fails here is that document's failure and nobody else's.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender};

use crate::brief::Brief;
use crate::document::Document;
use crate::run::{DocumentRecord, Outcome};
use crate::similar::Sketch;
use crate::unit::{DocumentRisk, Ledger, Models, TranslatedDocument, TranslationUnit};
use crate::write::{self, DocumentWriter, Format, OutputDir, ReviewRow};

use super::event::{Event, Observer};
use super::{brief, record};

/// A document all of whose units are final.
pub(super) struct Translated {
    pub document: Document,
    pub bytes: u64,
    pub units: Vec<TranslationUnit>,
    pub brief: Briefing,
}

/// Where a document's brief comes from.
pub(super) enum Briefing {
    /// It has none.
    None,
    /// From its sentences, here.
    Extractive,
    /// It was made before.
    Made(Box<Brief>),
}

/// Writes what was translated.
pub(super) struct Finishing<'a> {
    writers: Vec<Box<dyn DocumentWriter>>,
    /// What the outputs of each document are called, by its id.
    output_names: &'a BTreeMap<String, String>,
    output: &'a OutputDir,
    models: &'a Models,
    observer: &'a dyn Observer,
}

/// What became of the documents, and the sentences in them that a person should look at.
#[derive(Default)]
pub(super) struct Finished {
    pub records: Vec<DocumentRecord>,
    pub review: Vec<ReviewRow>,
    /// Of documents that are done, by id.
    pub sketches: BTreeMap<String, Sketch>,
}

impl<'a> Finishing<'a> {
    pub fn new(
        formats: &[Format],
        output_names: &'a BTreeMap<String, String>,
        output: &'a OutputDir,
        models: &'a Models,
        observer: &'a dyn Observer,
    ) -> Self {
        Finishing { writers: write::writers(formats), output_names, output, models, observer }
    }

    /// All documents that come, until nobody sends any more; of each that was written, the bytes of its text go to `written`.
    pub fn all(&self, documents: Receiver<Translated>, written: Sender<usize>) -> Finished {
        let mut finished = Finished::default();
        for translated in documents {
            let bytes = translated.document.text.len();
            self.one(translated, &mut finished);
            // Nobody listens after the last one.
            let _ = written.send(bytes);
        }
        finished
    }

    fn one(&self, translated: Translated, finished: &mut Finished) {
        let Translated { document, bytes, units, brief } = translated;
        let ledger = Ledger::of(&units);
        let brief = match brief {
            Briefing::None => None,
            Briefing::Extractive => Some(brief::extractive(&units)),
            Briefing::Made(brief) => Some(*brief),
        };
        let name = self.output_names.get(&document.id).unwrap_or(&document.id).clone();
        let mut models = self.models.clone();
        // Where it could not, the sentences are the report's own.
        models.writer.take_if(|writer| brief.as_ref().is_none_or(|brief| brief.method != writer.name));
        let document = TranslatedDocument { name, document, units, brief, models };
        let (outcome, outputs) = match write::save_document(self.output, &self.writers, &document) {
            Ok(outputs) => {
                let sources = document.units.iter().map(|unit| unit.source_normalized.as_str());
                finished.sketches.insert(document.document.id.clone(), Sketch::of(sources));
                (Outcome::Done, outputs)
            }
            Err(error) => {
                let text = error.to_string();
                let (error, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
                (Outcome::Failed { error: error.into(), hint: hint.into() }, Vec::new())
            }
        };
        finished.review.extend(write::review_rows(&document));
        let title = document.title().unwrap_or_default().to_string();
        let risk = DocumentRisk::of(&document.units);
        let Document { id, digest, encoding, notes, .. } = document.document;
        let record = DocumentRecord {
            title,
            digest,
            encoding: Some(encoding),
            notes,
            ledger,
            risk: Some(risk),
            brief: document.brief,
            outputs,
            ..record(id, bytes, outcome)
        };
        self.observer.event(Event::Document(&record));
        finished.records.push(record);
    }
}
