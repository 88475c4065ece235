//! From normalised sources to translations: memory first, then the model, piece by piece.
//!
//! Everything the model says is in the memory before anybody sees it, and at most a second after it is final: that is
//! what a stop at any moment can lose. An identical source is asked once, whatever document it stands in.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch;
use crate::engine;
use crate::inference::{DecodeOptions, Hypothesis, InferenceError, Translator, Watch};
use crate::memory::{Entry, Key, Memory, MemoryError};
use crate::segment;
use crate::unit::Score;

use super::event::{Event, Observer};

/// Tokens that the model has under way, rows × longest: bounds the memory that a call needs.
const CALL_TOKENS: usize = 16_384;
/// Rows of one call, as a multiple of those under way: where one ends another can begin.
const CALL_ROUNDS: usize = 16;
/// What is final waits at most so long for a place in the memory: each time costs the disk a write.
const SAVE_EVERY: Duration = Duration::from_secs(1);

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

/// A model and how it is asked.
#[derive(Clone, Copy)]
pub struct Configured<'a> {
    /// The model.
    pub translator: &'a dyn Translator,
    /// Digest of its files and prompt.
    pub digest: &'a str,
    /// How to search.
    pub decode: &'a DecodeOptions,
    /// Rows that it has under way at a time.
    pub rows: usize,
}

/// Where sources are cut before they are translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Only where they are longer than the model can read.
    Whole,
    /// About in the middle, once more than they must be.
    Halves,
}

/// A model with its memory.
pub struct Answering<'a> {
    /// The model.
    pub model: Configured<'a>,
    /// How sources are cut.
    pub cut: Cut,
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
    /// For each piece its hypotheses.
    answers: Vec<Option<Vec<Hypothesis>>>,
    failure: Option<String>,
}

/// A part of a source that fits the model.
struct Piece {
    /// Number of the source among those asked for, and of the piece in it.
    of: (usize, usize),
    text: String,
    tokens: usize,
}

/// What is known of a source: its entry and whether the model was not asked for it, or why there is none.
type Known = Result<(Entry, bool), String>;

impl Answering<'_> {
    /// An answer for each source, in order. `tokens` are the sources' lengths.
    pub fn answer(&mut self, sources: &[&str], tokens: &[usize]) -> Result<Vec<Answer>, AnswerError> {
        let answer = |known: Known| match known {
            Ok((entry, from_memory)) => answer_of(&entry, from_memory),
            Err(reason) => Answer::Failed { reason },
        };
        Ok(self.entries(sources, tokens, Kept::Best)?.into_iter().map(answer).collect())
    }

    /// All hypotheses for each source, best first; none for a source that would have to be cut, or failed.
    pub fn alternatives(
        &mut self,
        sources: &[&str],
        tokens: &[usize],
    ) -> Result<Vec<Vec<Hypothesis>>, AnswerError> {
        let longest = self.model.translator.max_source_tokens();
        let fits: Vec<usize> = (0..sources.len()).filter(|&i| tokens[i] <= longest).collect();
        let (some, lengths): (Vec<&str>, Vec<usize>) = fits.iter().map(|&i| (sources[i], tokens[i])).unzip();
        let mut all = vec![Vec::new(); sources.len()];
        for (place, known) in fits.into_iter().zip(self.entries(&some, &lengths, Kept::All)?) {
            all[place] = known.map(|(entry, _)| entry.pieces).unwrap_or_default();
        }
        Ok(all)
    }

    fn entries(&mut self, sources: &[&str], tokens: &[usize], kept: Kept) -> Result<Vec<Known>, AnswerError> {
        let Configured { translator, decode, .. } = self.model;
        // Everything that decides a target: a change of any of these must not find the old one.
        let fingerprint = format!(
            "{} pieces={}{}{} engine={} {}",
            decode.fingerprint(),
            translator.max_source_tokens(),
            if self.cut == Cut::Halves { " halves" } else { "" },
            if kept == Kept::All { " all" } else { "" },
            engine::VERSION,
            translator.arithmetic()
        );
        let version = segment::VERSION.to_string();
        let keys: Vec<Key> =
            sources.iter().map(|s| Key::new(s, self.model.digest, &fingerprint, &version)).collect();
        let mut entries: Vec<Option<Known>> = (0..sources.len()).map(|_| None).collect();
        let mut asked: Vec<Asked> = Vec::new();
        let mut pieces: Vec<Piece> = Vec::new();
        let mut seen: HashMap<Key, usize> = HashMap::new();
        for (place, (key, known)) in keys.iter().zip(self.memory.get_many(&keys)?).enumerate() {
            if let Some(entry) = known {
                entries[place] = Some(Ok((entry, true)));
                tell_translated(self.observer, 1, tokens[place], true);
            } else if let Some(&at) = seen.get(key) {
                asked[at].places.push(place);
            } else {
                seen.insert(*key, asked.len());
                let parts = self.wrap(sources[place], tokens[place]);
                let count = parts.len();
                for (n, (text, tokens)) in parts.into_iter().enumerate() {
                    pieces.push(Piece { of: (asked.len(), n), text, tokens });
                }
                asked.push(Asked {
                    key: *key,
                    places: vec![place],
                    source_tokens: tokens[place],
                    answers: vec![None; count],
                    failure: None,
                });
            }
        }

        let lengths: Vec<usize> = pieces.iter().map(|piece| piece.tokens).collect();
        let inbox = Inbox::new(asked, kept, &mut *self.memory, self.observer);
        for call in batch::pack(&lengths, self.model.rows, CALL_ROUNDS, CALL_TOKENS) {
            let call: Vec<&Piece> = call.into_iter().map(|i| &pieces[i]).collect();
            let asked = ask(translator, decode, &inbox, &call);
            inbox.lock().save();
            // It comes first: whoever stopped the run counts on what was done being kept.
            inbox.lock().error.take().map_or(Ok(()), Err)?;
            asked?;
        }

        for source in inbox.finish()? {
            let failure = || source.failure.clone().unwrap_or_else(|| "the model gave no answer".into());
            let entry = kept.entry(&source.answers).ok_or_else(failure);
            for (n, &place) in source.places.iter().enumerate() {
                entries[place] = Some(entry.clone().map(|entry| (entry, n > 0)));
            }
        }
        let unasked = || Err("the source was not asked".into());
        Ok(entries.into_iter().map(|entry| entry.unwrap_or_else(unasked)).collect())
    }

    /// The source in pieces that fit the model, with their lengths; almost always one.
    fn wrap(&self, source: &str, tokens: usize) -> Vec<(String, usize)> {
        let longest = self.model.translator.max_source_tokens();
        let budget = match self.cut {
            Cut::Whole => longest,
            // A little more than half, so that a cut between clauses is not given up for an even one.
            Cut::Halves => longest.min(tokens * 2 / 3).max(1),
        };
        if tokens <= budget {
            return vec![(source.to_string(), tokens)];
        }
        let count = |text: &str| self.model.translator.count_tokens(text);
        let parts = segment::wrap(source, budget, &count).into_iter().map(|range| source[range].to_string());
        parts.map(|part| (part.clone(), count(&part))).collect()
    }
}

/// Which hypotheses of a piece are of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// The best of each piece.
    Best,
    /// All of a source that is one piece.
    All,
}

impl Kept {
    /// What the memory keeps of a source, once all its pieces have answers.
    fn entry(self, answers: &[Option<Vec<Hypothesis>>]) -> Option<Entry> {
        let pieces = match (self, answers) {
            (Kept::All, [Some(all)]) => all.clone(),
            _ => answers.iter().map(|all| all.as_ref()?.first().cloned()).collect::<Option<_>>()?,
        };
        Some(Entry { pieces })
    }
}

fn tell_translated(observer: &dyn Observer, segments: usize, source_tokens: usize, from_memory: bool) {
    let source_tokens = source_tokens * segments;
    observer.event(Event::Translated { segments, source_tokens, from_memory });
}

/// Has `call` translated into `inbox`. A call that fails is tried again piece by piece, as far as it has no answers:
/// one bad sentence (or too large a batch for the device) must not take the others with it.
fn ask(
    translator: &dyn Translator,
    decode: &DecodeOptions,
    inbox: &Inbox<'_>,
    call: &[&Piece],
) -> Result<(), AnswerError> {
    let texts: Vec<&str> = call.iter().map(|piece| piece.text.as_str()).collect();
    match translator.translate(&texts, decode, &Listening { inbox, call }) {
        Ok(found) => {
            // Whoever told none of it beforehand may tell it now.
            for (piece, found) in call.iter().zip(&found) {
                inbox.accept(piece, Ok(found.clone()));
            }
            if found.len() < call.len() {
                let reason = format!("{} answers to {} sources", found.len(), call.len());
                call[found.len()..].iter().for_each(|piece| inbox.accept(piece, Err(reason.clone())));
            }
            Ok(())
        }
        Err(InferenceError::Interrupted) => Err(AnswerError::Interrupted),
        Err(InferenceError::Failed { message, .. }) if call.len() == 1 => {
            inbox.accept(call[0], Err(message));
            Ok(())
        }
        Err(InferenceError::Failed { .. }) => {
            let mut open = call.iter().filter(|piece| !inbox.lock().has(piece));
            open.try_for_each(|&piece| ask(translator, decode, inbox, &[piece]))
        }
    }
}

/// Where answers arrive, from any thread, and from where they go into the memory.
struct Inbox<'a> {
    kept: Kept,
    observer: &'a dyn Observer,
    arrived: Mutex<Arrived<'a>>,
}

struct Arrived<'a> {
    asked: Vec<Asked>,
    memory: &'a mut Memory,
    /// Sources with all their pieces that are not in the memory yet.
    unsaved: Vec<(Key, Entry)>,
    saved: Instant,
    error: Option<MemoryError>,
}

impl<'a> Inbox<'a> {
    fn new(asked: Vec<Asked>, kept: Kept, memory: &'a mut Memory, observer: &'a dyn Observer) -> Self {
        let arrived = Arrived { asked, memory, unsaved: Vec::new(), saved: Instant::now(), error: None };
        Inbox { kept, observer, arrived: Mutex::new(arrived) }
    }

    fn lock(&self) -> MutexGuard<'_, Arrived<'a>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first answer to a piece counts.
    fn accept(&self, piece: &Piece, answer: Result<Vec<Hypothesis>, String>) {
        let mut arrived = self.lock();
        if arrived.has(piece) {
            return;
        }
        let source = &mut arrived.asked[piece.of.0];
        let had_failed = source.failure.is_some();
        match answer {
            Ok(all) if all.is_empty() => source.failure = Some("the model gave no answer".into()),
            Ok(all) => source.answers[piece.of.1] = Some(all),
            Err(reason) => source.failure = Some(reason),
        }
        let entry = self.kept.entry(&source.answers);
        // What failed is dealt with too, so that the progress goes on.
        if entry.is_some() || (source.failure.is_some() && !had_failed) {
            tell_translated(self.observer, source.places.len(), source.source_tokens, false);
        }
        let key = source.key;
        arrived.unsaved.extend(entry.map(|entry| (key, entry)));
        arrived.save_if_due();
    }

    fn finish(self) -> Result<Vec<Asked>, AnswerError> {
        let mut arrived = self.arrived.into_inner().unwrap_or_else(PoisonError::into_inner);
        arrived.save();
        arrived.error.map_or(Ok(arrived.asked), |error| Err(error.into()))
    }
}

impl Arrived<'_> {
    fn has(&self, piece: &Piece) -> bool {
        self.asked[piece.of.0].answers[piece.of.1].is_some()
    }

    fn save_if_due(&mut self) {
        if !self.unsaved.is_empty() && self.saved.elapsed() >= SAVE_EVERY {
            self.save();
        }
    }

    fn save(&mut self) {
        let unsaved = std::mem::take(&mut self.unsaved);
        if let Err(error) = self.memory.put_many(&unsaved) {
            self.error.get_or_insert(error);
        }
        self.saved = Instant::now();
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
            // Pieces are cut at white space: their words are those of the whole.
            coverage: match entry.pieces.iter().all(|p| !p.coverage.is_empty()) {
                true => entry.pieces.iter().flat_map(|p| p.coverage.iter().copied()).collect(),
                false => Vec::new(),
            },
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
pub(super) struct Watched<'a>(pub &'a dyn Observer);

impl Watch for Watched<'_> {
    fn tokens(&self, tokens: usize) {
        self.0.event(Event::TargetTokens(tokens));
    }

    fn cancelled(&self) -> &AtomicBool {
        self.0.cancelled()
    }
}

/// The same for a call whose answers are awaited.
struct Listening<'c, 'm> {
    inbox: &'c Inbox<'m>,
    call: &'c [&'c Piece],
}

impl Watch for Listening<'_, '_> {
    fn tokens(&self, tokens: usize) {
        self.inbox.observer.event(Event::TargetTokens(tokens));
        // The next answer may be long in coming.
        self.inbox.lock().save_if_due();
    }

    fn found(&self, source: usize, hypotheses: &[Hypothesis]) {
        if let Some(piece) = self.call.get(source) {
            self.inbox.accept(piece, Ok(hypotheses.to_vec()));
        }
    }

    fn cancelled(&self) -> &AtomicBool {
        self.inbox.observer.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::event::Silent;

    /// Fails on calls that hold `bad`; otherwise echoes in capitals. Counts words as tokens.
    #[derive(Default)]
    struct Scripted {
        calls: Mutex<Vec<usize>>,
        /// Tells what it found so far before it stops.
        stops_at: Option<&'static str>,
    }

    impl Translator for Scripted {
        fn translate(
            &self,
            sources: &[&str],
            _: &DecodeOptions,
            watch: &dyn Watch,
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
                coverage: Vec::new(),
            };
            let mut all = Vec::new();
            for (number, source) in sources.iter().enumerate() {
                if self.stops_at == Some(*source) {
                    return Err(InferenceError::Interrupted);
                }
                all.push(vec![one(source)]);
                watch.found(number, &all[number]);
            }
            Ok(all)
        }

        fn count_tokens(&self, text: &str) -> usize {
            text.split_whitespace().count()
        }

        fn max_source_tokens(&self) -> usize {
            4
        }
    }

    fn try_answers(
        translator: &Scripted,
        memory: &mut Memory,
        sources: &[&str],
    ) -> Result<Vec<Answer>, AnswerError> {
        let tokens: Vec<usize> = sources.iter().map(|s| translator.count_tokens(s)).collect();
        let decode = DecodeOptions::default();
        let model = Configured { translator, digest: "d", decode: &decode, rows: 8 };
        let mut answering = Answering { model, cut: Cut::Whole, memory, observer: &Silent::default() };
        answering.answer(sources, &tokens)
    }

    fn answers(translator: &Scripted, memory: &mut Memory, sources: &[&str]) -> Vec<Answer> {
        try_answers(translator, memory, sources).unwrap()
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
    fn what_was_found_before_a_stop_is_remembered() {
        let (mut translator, mut memory) = (Scripted::default(), Memory::none().unwrap());
        translator.stops_at = Some("c");
        let stopped = try_answers(&translator, &mut memory, &["a", "b", "c", "d"]);
        assert!(matches!(stopped, Err(AnswerError::Interrupted)));
        translator.stops_at = None;
        let found = answers(&translator, &mut memory, &["a", "b", "c", "d"]);
        assert_eq!(found.iter().map(text).collect::<Vec<_>>(), ["A", "B", "C", "D"]);
        assert_eq!(*translator.calls.lock().unwrap(), [4, 2], "the first two were known");
    }

    #[test]
    fn a_memory_that_cannot_be_written_is_told_after_a_stop_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory");
        let mut memory = Memory::open(&path).unwrap();
        let full = "CREATE TRIGGER full BEFORE INSERT ON piece BEGIN SELECT RAISE(ABORT, 'no room'); END";
        rusqlite::Connection::open(&path).unwrap().execute_batch(full).unwrap();
        let translator = Scripted { stops_at: Some("c"), ..Scripted::default() };
        let stopped = try_answers(&translator, &mut memory, &["a", "b", "c", "d"]);
        assert!(matches!(stopped, Err(AnswerError::Memory(_))), "{stopped:?}");
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
