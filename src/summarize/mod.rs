//! Briefs: a headline, a few points that cite their sentences, and the figures of a report.
//!
//! The default brief is extractive: it quotes the translation, chosen on the Arabic side, which is the side that can be
//! trusted. A language model may write one instead; what it writes is kept only where the cited sentences bear it out.

mod abstractive;
mod addressed;
mod dates;
mod extractive;
mod facts;
mod figures;
mod gazetteer;
mod grounding;
mod headline;
mod quote;
mod rank;
mod words;

pub use abstractive::{SummarizeError, abstractive};
pub use extractive::{ExtractiveOptions, extractive};

#[cfg(test)]
mod fixtures;
