//! Briefs within a run: the model's answers go through the memory too, so that a resumed run does not ask again.

use std::sync::Mutex;

use crate::brief::Brief;
use crate::engine;
use crate::inference::{Asked, Generator, Hypothesis, InferenceError, Watch};
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
    fn asked(&self) -> Asked {
        self.generator.asked()
    }

    fn fingerprint(&self) -> String {
        self.generator.fingerprint()
    }

    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError> {
        // Everything that decides an answer, as for translations: a change of any of these must not find the old one.
        let options =
            format!("generate max={max_tokens} engine={} {}", engine::VERSION, self.generator.fingerprint());
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pipeline::event::Silent;

    const SENTENCE: &str = "The river flooded Al-Nour camp and displaced 340 families.";

    /// Says the same to everything, and keeps what it was given.
    struct Scripted {
        asked: Asked,
        fingerprint: &'static str,
        given: Mutex<Vec<String>>,
    }

    impl Scripted {
        fn new(asked: Asked, fingerprint: &'static str) -> Self {
            Scripted { asked, fingerprint, given: Mutex::default() }
        }
    }

    impl Generator for Scripted {
        fn asked(&self) -> Asked {
            self.asked
        }

        fn fingerprint(&self) -> String {
            self.fingerprint.into()
        }

        fn generate(
            &self,
            instructions: &[&str],
            _: usize,
            _: &dyn Watch,
        ) -> Result<Vec<Hypothesis>, InferenceError> {
            self.given.lock().unwrap().extend(instructions.iter().map(|i| i.to_string()));
            let answer = Hypothesis {
                text: SENTENCE.into(),
                mean_log_prob: -0.5,
                min_log_prob: -2.0,
                tokens: 9,
                finished: true,
                coverage: Vec::new(),
            };
            Ok(vec![answer; instructions.len()])
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }

        fn context_tokens(&self) -> usize {
            2048
        }
    }

    /// What the model was given for a brief of one sentence.
    fn given(model: &Scripted, memory: &mut Memory) -> Vec<String> {
        let unit = json!({
            "document": "a.txt", "index": 0, "span": { "start": 0, "end": 4 }, "block": 0, "kind": "paragraph",
            "source": "غمر النهر مخيم النور وشرد 340 عائلة.", "source_normalized": "غمر النهر مخيم النور وشرد 340 عائلة.", "target": SENTENCE,
            "state": "translated", "pieces": 1,
        });
        let stamp = json!({ "name": "m", "digest": "d", "licence": "", "quality": "", "warning": null });
        let units = [serde_json::from_value(unit).unwrap()];
        let stamp = serde_json::from_value(stamp).unwrap();
        let (brief, warning) = by_model(&units, model, &stamp, memory, &Silent::default()).unwrap().unwrap();
        assert_eq!((brief.method.as_str(), brief.points[0].text.as_str()), ("m", SENTENCE));
        assert_eq!(warning, None);
        std::mem::take(&mut model.given.lock().unwrap())
    }

    #[test]
    fn a_summariser_is_given_the_text_alone_and_asked_for_no_headline() {
        let mut memory = Memory::none().unwrap();
        assert_eq!(given(&Scripted::new(Asked::Text, ""), &mut memory), [SENTENCE]);
        let instructed = given(&Scripted::new(Asked::Instruction, ""), &mut memory);
        assert!(instructed.len() == 2 && instructed[0].contains("Summarize"), "{instructed:?}");
    }

    #[test]
    fn an_answer_is_remembered_for_the_same_search_in_the_same_numbers() {
        let mut memory = Memory::none().unwrap();
        let mut asked = |fingerprint| given(&Scripted::new(Asked::Text, fingerprint), &mut memory).len();
        assert_eq!((asked("beam=4 int8"), asked("beam=4 int8")), (1, 0));
        assert_eq!((asked("beam=1 int8"), asked("beam=4 f32")), (1, 1), "other searches, other numbers");
        assert_eq!(asked("beam=1 int8"), 0);
    }
}
