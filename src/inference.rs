//! How the rest of the program sees a model: two traits and their plain arguments and results.
//!
//! The engine implements them; repair and summarise are handed a `&dyn`; tests implement them in ten lines.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

/// Why a model could not answer. The engine has its own detailed errors; this is what crosses the seam.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// The computation failed (out of memory, device lost, broken weights).
    #[error("{model}: {message}")]
    Failed {
        /// Name of the model.
        model: String,
        /// One line.
        message: String,
    },
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

/// How targets are searched for. The defaults of a model stand in its registry entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecodeOptions {
    /// Hypotheses kept at each step; 1 is greedy search.
    pub beam: usize,
    /// At most this many target tokens a source token …
    pub max_length_ratio: f32,
    /// … plus this many.
    pub max_length_extra: usize,
    /// No n-gram of this many tokens occurs twice in a target; 0 is off.
    pub no_repeat_ngram: usize,
    /// Rows decoded side by side. Speed only: results do not depend on it.
    pub batch: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions { beam: 1, max_length_ratio: 3.0, max_length_extra: 16, no_repeat_ngram: 0, batch: 32 }
    }
}

impl DecodeOptions {
    /// All that changes a target, in one line: part of the translation memory's key. `batch` is left out,
    /// since results do not depend on it.
    pub fn fingerprint(&self) -> String {
        format!(
            "beam={} max={}x+{} ngram={}",
            self.beam, self.max_length_ratio, self.max_length_extra, self.no_repeat_ngram
        )
    }

    /// The limit of target tokens for a source of `source_tokens`.
    pub fn max_target_tokens(&self, source_tokens: usize) -> usize {
        (source_tokens as f32 * self.max_length_ratio).ceil() as usize + self.max_length_extra
    }
}

/// One candidate translation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hypothesis {
    /// The target, cleaned (trimmed, without special tokens).
    pub text: String,
    /// Mean natural-log probability a token.
    pub mean_log_prob: f32,
    /// Least natural-log probability of a token.
    pub min_log_prob: f32,
    /// Target tokens, the end token included.
    pub tokens: usize,
    /// Whether the model ended the sentence itself; `false` when the length limit cut it.
    pub finished: bool,
}

/// What happens while a call runs.
pub trait Watch: Send + Sync {
    /// `tokens` more target tokens exist.
    fn tokens(&self, tokens: usize);
    /// Set when the user wants to stop: the call returns [`InferenceError::Interrupted`] at the next step.
    fn cancelled(&self) -> &AtomicBool;
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct Unwatched(AtomicBool);

impl Watch for Unwatched {
    fn tokens(&self, _: usize) {}
    fn cancelled(&self) -> &AtomicBool {
        &self.0
    }
}

/// A loaded model for one direction.
pub trait Translator: Send + Sync {
    /// For each source its hypotheses, best first, in the sources' order; at least one a source. The result for a
    /// source does not depend on what else is in the call.
    fn translate(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, InferenceError>;

    /// Tokens of `text` as the model counts them, without prompt and special tokens.
    fn count_tokens(&self, text: &str) -> usize;

    /// The longest source, in tokens, that is given to the model in one piece.
    fn max_source_tokens(&self) -> usize;
}

/// A loaded decoder-only (or summarising) model that continues a prompt.
pub trait Generator: Send + Sync {
    /// For each instruction the model's answer, in order. `max_tokens` bounds each answer.
    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError>;

    /// Tokens of `text` as the model counts them.
    fn count_tokens(&self, text: &str) -> usize;

    /// Longest instruction plus answer, in tokens.
    fn context_tokens(&self) -> usize;
}
