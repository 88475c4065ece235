//! What a run tells while it runs. The library never prints: the command line turns events into bars, lines or JSON.

use std::sync::atomic::AtomicBool;

use super::corrections::TakenIn;
use crate::run::DocumentRecord;

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The folders were walked.
    Discovered {
        /// Documents to read.
        documents: usize,
        /// Their bytes.
        bytes: u64,
        /// Files left aside, with the reason.
        ignored: &'a [(String, String)],
        /// Long texts that are taken in parts, with how many those are.
        parted: &'a [(String, usize)],
    },
    /// A document was read and cut into segments.
    Read {
        /// Its id.
        document: &'a str,
        /// Its bytes.
        bytes: u64,
        /// Its segments.
        segments: usize,
        /// Tokens of the segments that need translating.
        source_tokens: usize,
    },
    /// A run that translates anew goes on where the same one was stopped.
    GoesOn,
    /// Corrections of the earlier review stand from now on.
    Corrections(TakenIn),
    /// Segments have their translation.
    Translated {
        /// How many.
        segments: usize,
        /// Their source tokens.
        source_tokens: usize,
        /// Whether they came from the memory.
        from_memory: bool,
    },
    /// The model wrote this many target tokens.
    TargetTokens(usize),
    /// A document is finished, one way or another.
    Document(&'a DocumentRecord),
    /// Something to know that stops nothing.
    Warning(String),
}

/// Listens to a run, and may stop it.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
    /// Set when the user wants to stop: what is translated is kept if there is a memory, the rest is left for the next run.
    fn cancelled(&self) -> &AtomicBool;
}

/// Nobody listens.
#[derive(Debug, Default)]
pub struct Silent(AtomicBool);

impl Observer for Silent {
    fn event(&self, _: Event<'_>) {}
    fn cancelled(&self) -> &AtomicBool {
        &self.0
    }
}
