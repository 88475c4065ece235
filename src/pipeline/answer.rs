//! From normalised sources to translations: memory first, then the model, piece by piece and batch by batch.
//!
//! Everything the model says is in the memory before anybody sees it, so that a stop at any moment loses at most the
//! batch under way. An identical source is asked once, whatever document it stands in.

use std::collections::HashMap;

use crate::batch;
use crate::engine;
use crate::inference::{DecodeOptions, Hypothesis, InferenceError, Translator, Watch};
use crate::memory::{Entry, Key, Memory, MemoryError};
use crate::segment;
use crate::unit::Score;

use super::event::{Event, Observer};

/// Tokens of one call to the model, rows × longest: bounds the memory that a call needs.
const CALL_TOKENS: usize = 16_384;

/// What the model (or the memory) says to a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A translation.
    Translated {
        /// All pieces joined.
        hypothesis: Hypothesis,
        /// How many pieces.
        pieces: usize,
        /// Whether the model was not asked for it: it is known from before, or the same as an earlier source.
        from_memory: bool,
    },
    /// The model failed on this source, even alone.
    Failed {
        /// In words.
        reason: String,
    },
}

/// Why answering stopped.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The user wants to stop; what is done is in the memory.
    #[error("interrupted")]
    Interrupted,
    /// The memory cannot be read or written.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// A model with its memory.
pub struct Answering<'a> {
    /// The model.
    pub translator: &'a dyn Translator,
    /// Digest of its files and prompt.
    pub model_digest: &'a str,
    /// How to search.
    pub decode: &'a DecodeOptions,
    /// Rows given to the model in one call.
    pub rows: usize,
    /// What is known already.
    pub memory: &'a mut Memory,
    /// Who listens.
    pub observer: &'a dyn Observer,
}

/// A source that the model is asked for: its pieces, and the answers so far.
struct Asked {
    key: Key,
    places: Vec<usize>,
    source_tokens: usize,
    answers: Vec<Option<Hypothesis>>,
    failure: Option<String>,
}

impl Answering<'_> {
    /// An answer for each source, in order. `tokens` are the sources' lengths.
    pub fn answer(&mut self, sources: &[&str], tokens: &[usize]) -> Result<Vec<Answer>, AnswerError> {
        // Everything that decides a target: a change of any of these must not find the old one.
        let fingerprint = format!(
            "{} pieces={} engine={} {}",
            self.decode.fingerprint(),
            self.translator.max_source_tokens(),
            engine::VERSION,
            self.translator.arithmetic()
        );
        let version = segment::VERSION.to_string();
        let keys: Vec<Key> =
            sources.iter().map(|s| Key::new(s, self.model_digest, &fingerprint, &version)).collect();
        let mut answers: Vec<Option<Answer>> = vec![None; sources.len()];
        let mut asked: Vec<Asked> = Vec::new();
        let mut pieces: Vec<(usize, usize, String, usize)> = Vec::new();
        let mut seen: HashMap<Key, usize> = HashMap::new();
        for (place, (key, known)) in keys.iter().zip(self.memory.get_many(&keys)?).enumerate() {
            if let Some(entry) = known {
                answers[place] = Some(answer_of(&entry, true));
                self.tell_translated(1, tokens[place], true);
            } else if let Some(&at) = seen.get(key) {
                asked[at].places.push(place);
            } else {
                seen.insert(*key, asked.len());
                let parts = self.wrap(sources[place], tokens[place]);
                for (n, (part, length)) in parts.iter().enumerate() {
                    pieces.push((asked.len(), n, part.clone(), *length));
                }
                asked.push(Asked {
                    key: *key,
                    places: vec![place],
                    source_tokens: tokens[place],
                    answers: vec![None; parts.len()],
                    failure: None,
                });
            }
        }

        let lengths: Vec<usize> = pieces.iter().map(|p| p.3).collect();
        for batch in batch::pack(&lengths, self.rows, CALL_TOKENS) {
            let texts: Vec<&str> = batch.iter().map(|&i| pieces[i].2.as_str()).collect();
            let found = self.ask(&texts)?;
            let mut finished = Vec::new();
            for (&i, found) in batch.iter().zip(found) {
                let (at, piece, ..) = pieces[i];
                match found {
                    Ok(hypothesis) => asked[at].answers[piece] = Some(hypothesis),
                    Err(reason) => asked[at].failure = Some(reason),
                }
                if asked[at].failure.is_some() {
                    // Counted as dealt with, so that the progress goes on.
                    self.tell_translated(asked[at].places.len(), asked[at].source_tokens, false);
                } else if let Some(all) = asked[at].answers.iter().cloned().collect::<Option<Vec<_>>>() {
                    finished.push((asked[at].key, Entry { pieces: all }));
                    self.tell_translated(asked[at].places.len(), asked[at].source_tokens, false);
                }
            }
            self.memory.put_many(&finished)?;
        }

        for source in asked {
            let answer = match source.answers.into_iter().collect::<Option<Vec<_>>>() {
                Some(pieces) => answer_of(&Entry { pieces }, false),
                None => Answer::Failed {
                    reason: source.failure.unwrap_or_else(|| "the model gave no answer".into()),
                },
            };
            for (n, place) in source.places.into_iter().enumerate() {
                let mut answer = answer.clone();
                if let Answer::Translated { from_memory, .. } = &mut answer {
                    *from_memory = n > 0;
                }
                answers[place] = Some(answer);
            }
        }
        let unanswered = || Answer::Failed { reason: "the source was not asked".into() };
        Ok(answers.into_iter().map(|a| a.unwrap_or_else(unanswered)).collect())
    }

    fn tell_translated(&self, segments: usize, source_tokens: usize, from_memory: bool) {
        let source_tokens = source_tokens * segments;
        self.observer.event(Event::Translated { segments, source_tokens, from_memory });
    }

    /// The source in pieces that fit the model, with their lengths; almost always one.
    fn wrap(&self, source: &str, tokens: usize) -> Vec<(String, usize)> {
        let budget = self.translator.max_source_tokens();
        if tokens <= budget {
            return vec![(source.to_string(), tokens)];
        }
        let count = |text: &str| self.translator.count_tokens(text);
        let parts = segment::wrap(source, budget, &count).into_iter().map(|range| source[range].to_string());
        parts.map(|part| (part.clone(), count(&part))).collect()
    }

    /// The best hypothesis for each text. A call that fails is tried again text by text: one bad sentence (or too
    /// large a batch for the device) must not take the others with it.
    fn ask(&self, texts: &[&str]) -> Result<Vec<Result<Hypothesis, String>>, AnswerError> {
        match self.call(texts) {
            Ok(found) => Ok(found.into_iter().map(Ok).collect()),
            Err(InferenceError::Interrupted) => Err(AnswerError::Interrupted),
            Err(InferenceError::Failed { message, .. }) if texts.len() == 1 => Ok(vec![Err(message)]),
            Err(InferenceError::Failed { .. }) => {
                texts.iter().map(|text| Ok(self.ask(&[text])?.remove(0))).collect()
            }
        }
    }

    fn call(&self, texts: &[&str]) -> Result<Vec<Hypothesis>, InferenceError> {
        let found = self.translator.translate(texts, self.decode, &Listening(self.observer))?;
        let wrong = || InferenceError::Failed {
            model: String::new(),
            message: format!("{} answers to {} sources", found.len(), texts.len()),
        };
        let best: Option<Vec<Hypothesis>> = found.iter().map(|all| all.first().cloned()).collect();
        best.filter(|best| best.len() == texts.len()).ok_or_else(wrong)
    }
}

/// The pieces' targets joined, with the confidence over all their tokens.
fn answer_of(entry: &Entry, from_memory: bool) -> Answer {
    let tokens: usize = entry.pieces.iter().map(|p| p.tokens).sum();
    let total: f32 = entry.pieces.iter().map(|p| p.mean_log_prob * p.tokens as f32).sum();
    let texts: Vec<&str> = entry.pieces.iter().map(|p| p.text.as_str()).filter(|t| !t.is_empty()).collect();
    let hypothesis = match entry.pieces.as_slice() {
        [one] => one.clone(),
        _ => Hypothesis {
            text: texts.join(" "),
            mean_log_prob: total / tokens.max(1) as f32,
            min_log_prob: entry.pieces.iter().map(|p| p.min_log_prob).fold(0.0, f32::min),
            tokens,
            finished: entry.pieces.iter().all(|p| p.finished),
        },
    };
    Answer::Translated { hypothesis, pieces: entry.pieces.len(), from_memory }
}

/// The score of a hypothesis as units carry it.
pub fn score_of(hypothesis: &Hypothesis) -> Score {
    Score {
        mean_log_prob: hypothesis.mean_log_prob,
        min_log_prob: hypothesis.min_log_prob,
        tokens: hypothesis.tokens,
    }
}

/// An observer as the engine sees it.
pub(super) struct Listening<'a>(pub &'a dyn Observer);

impl Watch for Listening<'_> {
    fn tokens(&self, tokens: usize) {
        self.0.event(Event::TargetTokens(tokens));
    }

    fn cancelled(&self) -> &std::sync::atomic::AtomicBool {
        self.0.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::pipeline::event::Silent;

    /// Fails on calls that hold `bad`; otherwise echoes in capitals. Counts words as tokens.
    #[derive(Default)]
    struct Scripted {
        calls: Mutex<Vec<usize>>,
    }

    impl Translator for Scripted {
        fn translate(
            &self,
            sources: &[&str],
            _: &DecodeOptions,
            _: &dyn Watch,
        ) -> Result<Vec<Vec<Hypothesis>>, InferenceError> {
            self.calls.lock().unwrap().push(sources.len());
            if sources.iter().any(|s| s.contains("bad")) {
                return Err(InferenceError::Failed { model: "m".into(), message: "no".into() });
            }
            let one = |s: &&str| Hypothesis {
                text: s.to_uppercase(),
                mean_log_prob: -1.0,
                min_log_prob: -2.0,
                tokens: 2,
                finished: true,
            };
            Ok(sources.iter().map(|s| vec![one(s)]).collect())
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }

        fn max_source_tokens(&self) -> usize {
            4
        }
    }

    fn answers(translator: &Scripted, memory: &mut Memory, sources: &[&str]) -> Vec<Answer> {
        let tokens: Vec<usize> = sources.iter().map(|s| translator.count_tokens(s)).collect();
        let decode = DecodeOptions::default();
        let mut answering = Answering {
            translator,
            model_digest: "d",
            decode: &decode,
            rows: 8,
            memory,
            observer: &Silent::default(),
        };
        answering.answer(sources, &tokens).unwrap()
    }

    fn text(answer: &Answer) -> &str {
        match answer {
            Answer::Translated { hypothesis, .. } => &hypothesis.text,
            Answer::Failed { reason } => panic!("failed: {reason}"),
        }
    }

    #[test]
    fn a_source_is_asked_once_and_then_remembered() {
        let (translator, mut memory) = (Scripted::default(), Memory::none().unwrap());
        let first = answers(&translator, &mut memory, &["a b", "c", "a b"]);
        assert_eq!(first.iter().map(text).collect::<Vec<_>>(), ["A B", "C", "A B"]);
        assert_eq!(*translator.calls.lock().unwrap(), [2], "the repeated source is asked once");
        assert!(matches!(first[0], Answer::Translated { from_memory: false, .. }));
        assert!(matches!(first[2], Answer::Translated { from_memory: true, .. }));
        let second = answers(&translator, &mut memory, &["c", "d"]);
        assert!(matches!(second[0], Answer::Translated { from_memory: true, .. }));
        assert!(matches!(second[1], Answer::Translated { from_memory: false, .. }));
        assert_eq!(*translator.calls.lock().unwrap(), [2, 1]);
    }

    #[test]
    fn a_long_source_is_wrapped_and_stitched_without_losing_a_word() {
        let (translator, mut memory) = (Scripted::default(), Memory::none().unwrap());
        let source = "one two three, four five six, seven eight nine ten";
        let found = &answers(&translator, &mut memory, &[source])[0];
        assert_eq!(text(found), source.to_uppercase());
        assert!(matches!(found, Answer::Translated { pieces, .. } if *pieces >= 3));
    }

    #[test]
    fn one_bad_source_does_not_take_the_others_with_it() {
        let (translator, mut memory) = (Scripted::default(), Memory::none().unwrap());
        let found = answers(&translator, &mut memory, &["fine", "bad", "good"]);
        assert_eq!((text(&found[0]), text(&found[2])), ("FINE", "GOOD"));
        assert_eq!(found[1], Answer::Failed { reason: "no".into() });
        // What failed is not remembered as an answer.
        assert!(matches!(answers(&translator, &mut memory, &["bad"])[0], Answer::Failed { .. }));
    }
}
