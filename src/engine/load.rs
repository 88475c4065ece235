//! One door to all families: an installed model becomes something that translates, writes, or both.

use crate::inference::{Generator, Translator};
use crate::model::{Family, InstalledModel};

use super::echo::Echo;
use super::llm::Llm;
use super::seq2seq::Seq2Seq;
use super::{Device, EngineError, LoadOptions, device};

/// A model ready for work.
pub enum Loaded {
    /// The stand-in.
    Echo(Echo),
    /// A decoder-only model.
    Llm(Box<Llm>),
    /// An encoder-decoder.
    Seq2Seq(Box<Seq2Seq>),
}

impl Loaded {
    /// Loads `model` with its family's loader.
    pub fn load(model: &InstalledModel, options: &LoadOptions) -> Result<Self, EngineError> {
        match model.spec.family {
            Family::Echo => Ok(Loaded::Echo(Echo::from_environment())),
            Family::Llm => Llm::load(model, options).map(|llm| Loaded::Llm(Box::new(llm))),
            Family::Marian | Family::Bergamot | Family::M2m100 | Family::T5 | Family::Bart => {
                Seq2Seq::load(model, options).map(|model| Loaded::Seq2Seq(Box::new(model)))
            }
        }
    }

    /// For `--model`.
    pub fn translator(&self) -> Option<&dyn Translator> {
        match self {
            Loaded::Echo(echo) => Some(echo),
            Loaded::Llm(llm) if llm.translates() => Some(llm.as_ref()),
            Loaded::Seq2Seq(model) if model.translates() => Some(model.as_ref()),
            Loaded::Llm(_) | Loaded::Seq2Seq(_) => None,
        }
    }

    /// For `--brief`.
    pub fn generator(&self) -> Option<&dyn Generator> {
        match self {
            Loaded::Echo(echo) => Some(echo),
            Loaded::Llm(llm) if llm.follows_instructions() => Some(llm.as_ref()),
            Loaded::Seq2Seq(model) if model.summarizes() => Some(model.as_ref()),
            Loaded::Llm(_) | Loaded::Seq2Seq(_) => None,
        }
    }

    /// Where and how it computes, for people and the run's record.
    pub fn device(&self, options: &LoadOptions) -> String {
        let kernel = match self {
            Loaded::Echo(_) => "no model".to_string(),
            Loaded::Llm(llm) => llm.kernel(),
            Loaded::Seq2Seq(model) => model.kernel(),
        };
        match &options.device {
            Device::Cpu => format!("cpu ({} threads, {}, {kernel})", options.threads, device::simd()),
            Device::Gpu(gpu) if gpu.is_cuda() => format!("cuda ({kernel})"),
            Device::Gpu(_) => format!("metal ({kernel})"),
        }
    }
}
