//! Briefs within a run: the model's answers go through the memory too, so that a resumed run does not ask again.

use std::sync::Mutex;

use crate::brief::Brief;
use crate::inference::{Generator, Hypothesis, InferenceError, Watch};
use crate::memory::{Entry, Key, Memory, MemoryError};
use crate::summarize::{self, ExtractiveOptions, SummarizeError};
use crate::unit::{ModelStamp, TranslationUnit};

use super::answer::Watched;
use super::event::Observer;

/// A brief of the report's own sentences.
pub fn extractive(units: &[TranslationUnit]) -> Brief {
    summarize::extractive(units, &ExtractiveOptions::default())
}

/// A brief by a model, with a warning if it had to be an extractive one after all; none if the user stopped.
pub fn by_model(
    units: &[TranslationUnit],
    generator: &dyn Generator,
    stamp: &ModelStamp,
    memory: &mut Memory,
    observer: &dyn Observer,
) -> Result<Option<(Brief, Option<String>)>, MemoryError> {
    let remembering = Remembering {
        generator,
        digest: &stamp.digest,
        inner: Mutex::new(Remembered { memory, failure: None }),
    };
    let result = summarize::abstractive(units, &remembering, &stamp.name, &Watched(observer));
    let remembered = remembering.inner.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(failure) = remembered.failure {
        return Err(failure);
    }
    match result {
        Ok(brief) => Ok(Some((brief, None))),
        Err(SummarizeError::Inference(InferenceError::Interrupted)) => Ok(None),
        Err(error) => {
            let first = error.to_string().lines().next().unwrap_or_default().to_string();
            Ok(Some((
                extractive(units),
                Some(format!("no brief by {}: {first}; extractive instead", stamp.name)),
            )))
        }
    }
}

/// A generator that answers from the memory what it was asked before.
struct Remembering<'a> {
    generator: &'a dyn Generator,
    digest: &'a str,
    inner: Mutex<Remembered<'a>>,
}

struct Remembered<'a> {
    memory: &'a mut Memory,
    /// The seam has no place for an error of the memory: kept here for the caller.
    failure: Option<MemoryError>,
}

impl Remembering<'_> {
    fn with_memory<T>(
        &self,
        act: impl FnOnce(&mut Memory) -> Result<T, MemoryError>,
    ) -> Result<T, InferenceError> {
        let mut inner = self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        act(inner.memory).map_err(|e| {
            let message = e.to_string();
            inner.failure = Some(e);
            InferenceError::Failed { model: "translation memory".into(), message }
        })
    }
}

impl Generator for Remembering<'_> {
    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError> {
        let options = format!("generate max={max_tokens}");
        let keys: Vec<Key> = instructions.iter().map(|i| Key::new(i, self.digest, &options, "")).collect();
        let known = self.with_memory(|memory| memory.get_many(&keys))?;
        let mut answers: Vec<Option<Hypothesis>> =
            known.into_iter().map(|entry| entry.and_then(|e| e.pieces.into_iter().next())).collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|&i| answers[i].is_none()).collect();
        if !missing.is_empty() {
            let asked: Vec<&str> = missing.iter().map(|&i| instructions[i]).collect();
            let new = self.generator.generate(&asked, max_tokens, watch)?;
            let entries: Vec<(Key, Entry)> = missing
                .iter()
                .zip(&new)
                .map(|(&i, h)| (keys[i], Entry { pieces: vec![h.clone()] }))
                .collect();
            self.with_memory(|memory| memory.put_many(&entries))?;
            missing.into_iter().zip(new).for_each(|(i, h)| answers[i] = Some(h));
        }
        Ok(answers.into_iter().flatten().collect())
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.generator.count_tokens(text)
    }

    fn context_tokens(&self) -> usize {
        self.generator.context_tokens()
    }
}
