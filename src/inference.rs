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
    /// A finished target's score is the sum of its log-probabilities by its length to this power: larger favours
    /// longer targets, 0 leaves the sum.
    pub length_penalty: f32,
    /// When a beam with as many finished targets as hypotheses ends.
    pub early_stopping: EarlyStopping,
    /// At most this many target tokens a source token …
    pub max_length_ratio: f32,
    /// … plus this many …
    pub max_length_extra: usize,
    /// … or, where this is not 0, this many whatever the source's length. The end counts.
    pub max_tokens: usize,
    /// At least this many target tokens before the end.
    pub min_tokens: usize,
    /// No n-gram of this many tokens occurs twice in a target; 0 is off.
    pub no_repeat_ngram: usize,
    /// Tokens of the target so far are made less likely by this factor; 1 is off.
    pub repetition_penalty: f32,
    /// Rows decoded side by side on each thread. Speed only: results do not depend on it.
    pub batch: usize,
}

/// When a beam search ends that has as many finished targets as rows (Hugging Face's `early_stopping`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EarlyStopping {
    /// When the best unfinished one, at its present length, is no better than the worst finished one (`false`).
    #[default]
    Heuristic,
    /// At once (`true`).
    First,
    /// When no unfinished one can become better at any length (`"never"`).
    Never,
}

impl EarlyStopping {
    fn name(self) -> &'static str {
        match self {
            EarlyStopping::Heuristic => "heuristic",
            EarlyStopping::First => "first",
            EarlyStopping::Never => "never",
        }
    }
}

impl Default for DecodeOptions {
    fn default() -> Self {
        DecodeOptions {
            beam: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            max_length_ratio: 3.0,
            max_length_extra: 16,
            max_tokens: 0,
            min_tokens: 0,
            no_repeat_ngram: 0,
            repetition_penalty: 1.0,
            batch: 32,
        }
    }
}

impl DecodeOptions {
    /// All that changes a target, in one line: part of the translation memory's key. `batch` is left out,
    /// since results do not depend on it. What is off is not named.
    pub fn fingerprint(&self) -> String {
        let mut line = format!(
            "beam={} max={}x+{} ngram={}",
            self.beam, self.max_length_ratio, self.max_length_extra, self.no_repeat_ngram
        );
        let default = DecodeOptions::default();
        let mut name = |key: &str, is_set: bool, value: String| {
            if is_set {
                line.push_str(&format!(" {key}={value}"));
            }
        };
        name("length", self.length_penalty != default.length_penalty, self.length_penalty.to_string());
        name("stop", self.early_stopping != default.early_stopping, self.early_stopping.name().into());
        name("most", self.max_tokens > 0, self.max_tokens.to_string());
        name("least", self.min_tokens > 0, self.min_tokens.to_string());
        name("repetition", self.repetition_penalty != 1.0, self.repetition_penalty.to_string());
        line
    }

    /// The limit of target tokens for a source of `source_tokens`.
    pub fn max_target_tokens(&self, source_tokens: usize) -> usize {
        let limit = (source_tokens as f32 * self.max_length_ratio).ceil() as usize + self.max_length_extra;
        match self.max_tokens {
            0 => limit,
            most => most,
        }
        .max(self.min_tokens)
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
    /// For each word of the source, parted by white space, how many target tokens stand for it; empty where the model
    /// does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<f32>,
}

/// What happens while a call runs.
pub trait Watch: Send + Sync {
    /// `tokens` more target tokens exist.
    fn tokens(&self, tokens: usize);
    /// What the call will return for its source number `source`, as soon as it is final; from any thread, in any order.
    fn found(&self, _source: usize, _hypotheses: &[Hypothesis]) {}
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

    /// The numbers it computes with, where they can differ for the same files: part of the translation memory's key.
    fn arithmetic(&self) -> &'static str {
        ""
    }

    /// Tokens of `text` as the model counts them, without prompt and special tokens.
    fn count_tokens(&self, text: &str) -> usize;

    /// The longest source, in tokens, that is given to the model in one piece.
    fn max_source_tokens(&self) -> usize;
}

/// What a [`Generator`] wants to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// An instruction with the text in it.
    Instruction,
    /// The text alone: the model can do nothing but summarise it.
    Text,
}

/// A loaded model that follows instructions or summarises.
pub trait Generator: Send + Sync {
    /// What it wants to be given.
    fn asked(&self) -> Asked {
        Asked::Instruction
    }

    /// All that changes an answer beside the model's files, the instruction and `max_tokens`, in one line: how it searches
    /// and the numbers it computes with. Part of the translation memory's key.
    fn fingerprint(&self) -> String {
        String::new()
    }

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
