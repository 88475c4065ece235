//! Inference: everything that knows about tensors, token ids and devices, and nothing about documents.

pub mod attention;
pub mod candidates;
pub mod device;
pub mod echo;
pub mod gguf;
mod int8;
pub mod llm;
pub mod load;
pub mod math;
pub mod output;
pub mod prepared;
pub mod qgemm;
pub mod rotation;
pub mod search;
pub mod sentencepiece;
pub mod seq2seq;
pub mod shared;
pub mod tokenize;
pub mod workers;

use std::path::{Path, PathBuf};

use crate::inference::InferenceError;
use crate::lang::shown;

pub use device::{Device, DeviceChoice, LoadOptions, Precision};
pub use load::Loaded;

/// Raised when the same weights and options give other targets than before, so that a translation memory does not
/// answer with what an earlier version said.
pub const VERSION: u32 = 2;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file could not be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model's files contradict themselves or what was expected of them.
    #[error("{}\nhint: the file is damaged or of another model; `tarjuman models verify` tells which", shown(.0))]
    Invalid(String),
    /// A well-formed model of a kind that this version does not run.
    #[error("not supported: {}", shown(.0))]
    Unsupported(String),
    /// The device asked for is not there.
    #[error("{0}")]
    Device(String),
    /// A computation failed.
    #[error("{}", shown(.0))]
    Compute(String),
    /// The user asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl EngineError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        EngineError::File { path: path.to_path_buf(), source }
    }

    pub(crate) fn tokenizer(error: tokenizers::Error) -> Self {
        EngineError::Invalid(format!("tokenizer: {error}"))
    }

    /// As it crosses the seam, with the model's name.
    pub(crate) fn at_seam(self, model: &str) -> InferenceError {
        match self {
            EngineError::Interrupted => InferenceError::Interrupted,
            other => InferenceError::Failed { model: model.into(), message: other.to_string() },
        }
    }
}

impl From<candle_core::Error> for EngineError {
    fn from(error: candle_core::Error) -> Self {
        EngineError::Compute(first_line(&error))
    }
}

/// candle's errors may carry a backtrace; a user sees the first line.
pub(crate) fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}
