//! Greedy and beam search, written once over [`Decoder`]; families know nothing of it, it knows nothing of them.
//!
//! Scores and stopping are those of Hugging Face transformers (`generation/utils.py`, `_beam_search`, version 5.23),
//! whose models these are: the same hypotheses in the same order with the same scores.

use std::sync::atomic::Ordering;

use crate::inference::{DecodeOptions, EarlyStopping, Watch};

use super::EngineError;
use super::candidates::{Candidate, Constraint};
use super::workers::Hand;

/// A model that extends rows of tokens. Weights are immutable; all that changes is in `State`.
pub trait Decoder: Sync {
    /// Caches of the rows under way.
    type State;

    /// Takes in `sources`, one row each: what an encoder reads, or the part of a prompt that comes before the first
    /// `previous`. Only the latter may be empty.
    fn start(&self, sources: &[&[u32]]) -> Result<Self::State, EngineError>;

    /// Appends `previous`, a token a row, and returns for each row its `k` best successors under the row's
    /// constraint, best first.
    fn step(
        &self,
        state: &mut Self::State,
        previous: &[u32],
        k: usize,
        constraints: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError>;

    /// Adds rows for `sources` behind those of `state`. False, and nothing done, where a decoder takes none in before
    /// all its rows are gone.
    fn extend(&self, _state: &mut Self::State, _sources: &[&[u32]]) -> Result<bool, EngineError> {
        Ok(false)
    }

    /// How much of `row`'s last token stands for each token of its source, after [`step`](Self::step): they sum to
    /// 1, with zeros behind the source's end. Empty where a decoder does not tell.
    fn attention<'s>(&self, _state: &'s Self::State, _row: usize) -> &'s [f32] {
        &[]
    }

    /// Makes row `i` what row `rows[i]` was; rows may be repeated, left out, or all gone.
    fn reorder(&self, state: &mut Self::State, rows: &[usize]) -> Result<(), EngineError>;
}

/// What one search is about.
#[derive(Debug, Clone, Copy)]
pub struct Prompt<'a> {
    /// See [`Decoder::start`].
    pub source: &'a [u32],
    /// Tokens with which the target begins, at least one. They are part of no result and count in no limit.
    pub start: &'a [u32],
    /// No end before this many tokens.
    pub min_tokens: usize,
    /// The most tokens, the end included; at least 1.
    pub max_tokens: usize,
}

/// How to search.
pub struct SearchOptions<'a> {
    /// Rows kept for each prompt; 1 is greedy.
    pub beam: usize,
    /// A finished target's score is the sum of its log-probabilities by its length to this power (a length penalty
    /// in the sense of Hugging Face: larger favours longer targets).
    pub length_penalty: f32,
    /// When a beam with as many finished targets as rows ends.
    pub early_stopping: EarlyStopping,
    /// No n-gram of this length twice in a target; 0 is off.
    pub no_repeat_ngram: usize,
    /// See [`Constraint::penalty`]; 1 is off.
    pub repetition_penalty: f32,
    /// See [`Constraint::renormalize`].
    pub renormalize: bool,
    /// Sequences never produced.
    pub banned: &'a [Vec<u32>],
    /// The first token, where a target starts with one token only.
    pub forced_first: Option<u32>,
    /// The token at the limit of length.
    pub forced_last: Option<u32>,
    /// Tokens that end a target.
    pub ends: &'a [u32],
    /// Whether the tokens so far are a finished target for another reason.
    pub is_end: &'a (dyn Fn(&[u32]) -> bool + Sync),
}

impl Default for SearchOptions<'_> {
    fn default() -> Self {
        SearchOptions {
            beam: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::Heuristic,
            no_repeat_ngram: 0,
            repetition_penalty: 1.0,
            renormalize: false,
            banned: &[],
            forced_first: None,
            forced_last: None,
            ends: &[],
            is_end: &|_| false,
        }
    }
}

impl From<&DecodeOptions> for SearchOptions<'_> {
    fn from(options: &DecodeOptions) -> Self {
        SearchOptions {
            beam: options.beam,
            length_penalty: options.length_penalty,
            early_stopping: options.early_stopping,
            no_repeat_ngram: options.no_repeat_ngram,
            repetition_penalty: options.repetition_penalty,
            ..SearchOptions::default()
        }
    }
}

/// A target that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its tokens, the end included where it was reached.
    pub ids: Vec<u32>,
    /// Natural log of each token's probability as the model has it.
    pub log_probs: Vec<f32>,
    /// For each token of the source how many of the target's stand for it: [`Decoder::attention`] summed over them.
    pub coverage: Vec<f32>,
    /// What it was ranked by: a finished one's length penalty is applied.
    pub score: f32,
    /// Whether the model ended it itself before the limit.
    pub finished: bool,
}

impl Found {
    /// Mean log-probability a token.
    pub fn mean_log_prob(&self) -> f32 {
        self.log_probs.iter().sum::<f32>() / self.log_probs.len().max(1) as f32
    }

    fn cover(&mut self, attention: &[f32]) {
        self.coverage.resize(attention.len(), 0.0);
        self.coverage.iter_mut().zip(attention).for_each(|(sum, part)| *sum += part);
    }
}

/// A prompt's progress: the rows still under way, whose scores are sums, and what is finished, best first.
struct Beam<'a> {
    index: usize,
    prompt: Prompt<'a>,
    /// Tokens given or chosen so far.
    position: usize,
    live: Vec<Found>,
    done: Vec<Found>,
}

impl Beam<'_> {
    /// Nothing that is still under way can become better than what is finished, as far as the options care.
    fn is_done(&self, width: usize, options: &SearchOptions<'_>) -> bool {
        if self.live.is_empty() {
            return true;
        }
        if self.done.len() < width {
            return false;
        }
        let length = match options.early_stopping {
            EarlyStopping::First => return true,
            EarlyStopping::Never if options.length_penalty > 0.0 => self.prompt.max_tokens.max(1),
            _ => self.live[0].ids.len(),
        };
        let best_live = self.live[0].score / (length as f32).powf(options.length_penalty);
        width == 1 || self.done.last().is_none_or(|worst| best_live <= worst.score)
    }

    /// What the next token of a row may be.
    fn constraint(&self, row: &Found, options: &SearchOptions<'_>) -> Constraint {
        let history = [self.prompt.start, &row.ids].concat();
        let is_last = row.ids.len() + 1 >= self.prompt.max_tokens;
        let forced = match (options.forced_first, options.forced_last) {
            (_, Some(last)) if is_last => Some(last),
            (Some(first), _) if history.len() == 1 => Some(first),
            _ => None,
        };
        let mut banned = repeats(&history, options.no_repeat_ngram);
        banned.extend(options.banned.iter().filter_map(|sequence| {
            let (last, before) = sequence.split_last()?;
            history.ends_with(before).then_some(*last)
        }));
        if row.ids.len() < self.prompt.min_tokens {
            banned.extend(options.ends);
        }
        let mut repeated = Vec::new();
        if options.repetition_penalty != 1.0 {
            repeated = history;
            repeated.sort_unstable();
            repeated.dedup();
        }
        let (penalty, renormalize) = (options.repetition_penalty, options.renormalize);
        Constraint { banned, forced, repeated, penalty, renormalize }
    }
}

/// New prompts are taken in when one place in so many is free: each time costs a pass of its own, which few would not
/// fill.
const REFILL: usize = 4;

/// Extends the prompts of a `hand` until their ends. For each prompt, by its number, what `finish` makes of the number
/// and up to `beam` targets, best first. A target without an end comes where the limit was reached, and none only where
/// constraints leave no token.
pub fn search<D: Decoder, T>(
    decoder: &D,
    prompts: &[Prompt<'_>],
    mut hand: Hand<'_>,
    options: &SearchOptions<'_>,
    watch: &dyn Watch,
    finish: impl Fn(usize, Vec<Found>) -> Result<T, EngineError>,
) -> Result<Vec<(usize, T)>, EngineError> {
    let width = options.beam.max(1);
    let empty =
        Found { ids: Vec::new(), log_probs: Vec::new(), coverage: Vec::new(), score: 0.0, finished: false };
    let mut results = Vec::new();
    let mut under_way: Option<D::State> = None;
    let mut previous: Vec<u32> = Vec::new();
    let mut beams: Vec<Beam> = Vec::new();
    // Taken, but not yet let in.
    let mut waiting: Vec<usize> = Vec::new();

    loop {
        if watch.cancelled().load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let free = hand.at_once().saturating_sub(beams.len());
        if beams.is_empty() || free * REFILL >= hand.at_once() {
            waiting.extend(hand.take(free.saturating_sub(waiting.len())));
        }
        if !waiting.is_empty() {
            let sources: Vec<&[u32]> = waiting.iter().map(|&i| prompts[i].source).collect();
            let are_in = match &mut under_way {
                Some(state) if !beams.is_empty() => decoder.extend(state, &sources)?,
                _ => {
                    under_way = Some(decoder.start(&sources)?);
                    true
                }
            };
            if are_in {
                for index in waiting.drain(..) {
                    let prompt = prompts[index];
                    previous.push(prompt.start.first().copied().unwrap_or_default());
                    beams.push(Beam { index, prompt, position: 1, live: vec![empty.clone()], done: vec![] });
                }
            }
        }
        let Some(state) = under_way.as_mut().filter(|_| !beams.is_empty()) else { break };
        let constraints: Vec<Constraint> = beams
            .iter()
            .flat_map(|beam| beam.live.iter().map(move |row| (beam, row)))
            .map(|(beam, row)| match beam.prompt.start.get(beam.position) {
                Some(&given) => Constraint { forced: Some(given), ..Constraint::default() },
                None => beam.constraint(row, options),
            })
            .collect();
        // Twice as many as rows, so that ends do not starve the rows under way.
        let k = if width == 1 { 1 } else { 2 * width };
        let candidates = decoder.step(state, &previous, k, &constraints)?;
        watch.tokens(candidates.len());
        for (row, found) in beams.iter_mut().flat_map(|beam| &mut beam.live).enumerate() {
            found.cover(decoder.attention(state, row));
        }

        let mut parents = Vec::new();
        previous.clear();
        let mut first_row = 0;
        for beam in &mut beams {
            let rows = first_row..first_row + beam.live.len();
            first_row = rows.end;
            beam.position += 1;
            if let Some(&given) = beam.prompt.start.get(beam.position - 1) {
                parents.extend(rows);
                previous.push(given);
                continue;
            }
            let chosen = advance(beam, &candidates[rows.clone()], width, options);
            if beam.is_done(width, options) {
                beam.live.clear();
            } else {
                parents.extend(chosen.iter().map(|&(parent, _)| rows.start + parent));
                previous.extend(chosen.iter().map(|&(_, id)| id));
            }
        }
        decoder.reorder(state, &parents)?;
        for beam in beams.extract_if(.., |beam| beam.live.is_empty()) {
            results.push((beam.index, finish(beam.index, beam.done)?));
        }
    }
    Ok(results)
}

/// One step of one prompt: takes the best continuations over all its rows. Those among the best `width` that end
/// (or stand at the limit) are done; the best `width` of the others live. Returns for each new live row its
/// parent's position and its last token.
fn advance(
    beam: &mut Beam<'_>,
    candidates: &[Vec<Candidate>],
    width: usize,
    options: &SearchOptions<'_>,
) -> Vec<(usize, u32)> {
    let mut ranked: Vec<(f32, usize, Candidate)> = Vec::new();
    for (row, (found, next)) in beam.live.iter().zip(candidates).enumerate() {
        ranked.extend(next.iter().map(|c| (found.score + c.score, row, *c)));
    }
    // Ties go to the earlier row and the better candidate, so that a search is deterministic.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut live, mut chosen) = (Vec::new(), Vec::new());
    for (rank, (score, row, candidate)) in ranked.into_iter().enumerate() {
        if live.len() == width {
            break;
        }
        let mut found = beam.live[row].clone();
        found.ids.push(candidate.id);
        found.log_probs.push(candidate.log_prob);
        found.score = score;
        let is_limit = found.ids.len() >= beam.prompt.max_tokens;
        let ends = options.ends.contains(&candidate.id) || (options.is_end)(&found.ids);
        if !ends && !is_limit {
            live.push(found);
            chosen.push((row, candidate.id));
        } else if rank < width {
            // An end that would not have made it into the beam is no hypothesis.
            found.finished = ends && !(is_limit && options.forced_last == Some(candidate.id));
            found.score /= (found.ids.len() as f32).powf(options.length_penalty);
            beam.done.push(found);
        }
    }
    // With one row the first end counts; in a stable sort what came earlier stays before what is as good.
    beam.done.sort_by(|a, b| b.score.total_cmp(&a.score));
    beam.done.truncate(width);
    beam.live = live;
    chosen
}

/// The rows that `wanted` names, in that order. The last use of a row takes it, earlier ones copy it.
pub fn reordered<T: Clone>(rows: Vec<T>, wanted: &[usize]) -> Vec<T> {
    let mut uses = vec![0usize; rows.len()];
    wanted.iter().for_each(|&r| uses[r] += 1);
    let mut old: Vec<Option<T>> = rows.into_iter().map(Some).collect();
    let take = |&r: &usize| {
        uses[r] -= 1;
        if uses[r] == 0 { old[r].take() } else { old[r].clone() }
    };
    wanted.iter().filter_map(take).collect()
}

/// Ids that would complete an n-gram of `n` tokens which `ids` already contains.
fn repeats(ids: &[u32], n: usize) -> Vec<u32> {
    if n == 0 || ids.len() + 1 < n {
        return Vec::new();
    }
    let tail = &ids[ids.len() + 1 - n..];
    ids.windows(n).filter(|w| &w[..n - 1] == tail).map(|w| w[n - 1]).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::engine::candidates::{Names, Top};
    use crate::inference::Unwatched;

    /// Plays a table of log-probabilities keyed by the tokens so far; the state is the rows themselves.
    struct Scripted {
        vocabulary: u32,
        log_prob: fn(&[u32], u32) -> f32,
        /// Whether it lets rows in while others are under way.
        extends: bool,
        steps: AtomicUsize,
    }

    fn scripted(vocabulary: u32, log_prob: fn(&[u32], u32) -> f32) -> Scripted {
        Scripted { vocabulary, log_prob, extends: false, steps: AtomicUsize::new(0) }
    }

    impl Decoder for Scripted {
        type State = Vec<Vec<u32>>;

        fn start(&self, sources: &[&[u32]]) -> Result<Self::State, EngineError> {
            Ok(sources.iter().map(|s| s.to_vec()).collect())
        }

        fn step(
            &self,
            state: &mut Self::State,
            previous: &[u32],
            k: usize,
            constraints: &[Constraint],
        ) -> Result<Vec<Vec<Candidate>>, EngineError> {
            self.steps.fetch_add(1, Ordering::Relaxed);
            let mut all = Vec::new();
            for ((row, &id), constraint) in state.iter_mut().zip(previous).zip(constraints) {
                row.push(id);
                let mut top = Top::new(k, constraint);
                top.add(
                    &mut (0..self.vocabulary).map(|id| (self.log_prob)(row, id)).collect::<Vec<_>>(),
                    Names::From(0),
                );
                all.push(top.finish());
            }
            Ok(all)
        }

        fn extend(&self, state: &mut Self::State, sources: &[&[u32]]) -> Result<bool, EngineError> {
            if self.extends {
                state.extend(self.start(sources)?);
            }
            Ok(self.extends)
        }

        fn reorder(&self, state: &mut Self::State, rows: &[usize]) -> Result<(), EngineError> {
            *state = rows.iter().map(|&r| state[r].clone()).collect();
            Ok(())
        }
    }

    const END: u32 = 0;

    fn run(decoder: &Scripted, prompts: &[&[u32]], beam: usize, max: usize, ngram: usize) -> Vec<Vec<Found>> {
        let options =
            SearchOptions { beam, no_repeat_ngram: ngram, ends: &[END], ..SearchOptions::default() };
        run_with(decoder, prompts, max, prompts.len(), &options)
    }

    fn run_with(
        decoder: &Scripted,
        prompts: &[&[u32]],
        max_tokens: usize,
        at_once: usize,
        options: &SearchOptions<'_>,
    ) -> Vec<Vec<Found>> {
        let prompts: Vec<Prompt> =
            prompts.iter().map(|start| Prompt { source: &[], start, min_tokens: 0, max_tokens }).collect();
        let order: Vec<usize> = (0..prompts.len()).collect();
        let hand = Hand::of(&order, at_once);
        let mut found =
            search(decoder, &prompts, hand, options, &Unwatched::default(), |_, found| Ok(found)).unwrap();
        found.sort_by_key(|(prompt, _)| *prompt);
        found.into_iter().map(|(_, found)| found).collect()
    }

    /// After 9, token 1 looks best but leads nowhere; 2 is second and leads to a sure end.
    fn garden_path(row: &[u32], id: u32) -> f32 {
        let p: f32 = match (row, id) {
            ([.., 9], 1) => 0.6,
            ([.., 9], 2) => 0.4,
            ([.., 1], 3) => 0.5,
            ([.., 1], END) => 0.3,
            ([.., 1], 4) => 0.2,
            ([.., 2], END) => 1.0,
            ([.., 3], END) => 0.4,
            ([.., 3], 1 | 4) => 0.3,
            _ => 0.001,
        };
        p.ln()
    }

    #[test]
    fn greedy_takes_the_best_token_and_a_beam_finds_the_better_sentence() {
        let decoder = scripted(5, garden_path);
        assert_eq!(run(&decoder, &[&[9]], 1, 10, 0)[0][0].ids, [1, 3, END]);
        let found = &run(&decoder, &[&[9]], 3, 10, 0)[0];
        assert_eq!(found[0].ids, [2, END]);
        assert!(found.windows(2).all(|w| w[0].score >= w[1].score), "best first");
        assert!(found.len() > 1, "a beam gives alternatives");
    }

    #[test]
    fn prompts_do_not_disturb_each_other() {
        fn by_first(row: &[u32], id: u32) -> f32 {
            // Row `n` wants n - 10 tokens of 1, then the end.
            let made = row.len() as u32 - 1;
            let wanted = if made < row[0] - 10 { 1 } else { END };
            if id == wanted { -0.1 } else { -3.0 - id as f32 }
        }
        let decoder = scripted(4, by_first);
        let prompts: [&[u32]; 7] = [&[13], &[10], &[18], &[11], &[12, 1, 1], &[15], &[10]];
        for beam in [1, 4] {
            let together = run(&decoder, &prompts, beam, 30, 0);
            for (prompt, found) in prompts.iter().zip(&together) {
                assert_eq!(found, &run(&decoder, &[prompt], beam, 30, 0)[0], "beam {beam}, {prompt:?}");
                let given = prompt.len() as u32 - 1;
                assert_eq!(found[0].ids.len() as u32, prompt[0] - 10 - given + 1);
            }
            // However few are under way, and whether those who wait get in between.
            let options = SearchOptions { beam, ends: &[END], ..SearchOptions::default() };
            let mut steps = Vec::new();
            for extends in [false, true] {
                let decoder = Scripted { extends, ..scripted(4, by_first) };
                for at_once in [1, 2, 3, 5] {
                    assert_eq!(run_with(&decoder, &prompts, 30, at_once, &options), together);
                }
                steps.push(decoder.steps.into_inner());
            }
            assert!(steps[1] < steps[0], "{steps:?}");
        }
    }

    #[test]
    fn the_limit_ends_a_row_that_does_not_end_itself() {
        let decoder = scripted(3, |_, id| if id == 1 { -0.1 } else { -9.0 });
        for beam in [1, 2] {
            let found = &run(&decoder, &[&[1]], beam, 6, 0)[0][0];
            assert_eq!((found.ids.as_slice(), found.finished), (&[1u32; 6][..], false), "beam {beam}");
        }
    }

    #[test]
    fn repeated_ngrams_are_banned() {
        let decoder = scripted(6, |_, id| if id == END { -20.0 } else { -(id as f32) });
        let ids = &run(&decoder, &[&[1]], 1, 12, 2)[0][0].ids;
        let pairs: Vec<_> = ids.windows(2).collect();
        let distinct: std::collections::HashSet<_> = pairs.iter().collect();
        assert_eq!(pairs.len(), distinct.len(), "{ids:?}");
        assert_eq!(repeats(&[4, 5, 4], 2), [5]);
        assert!(repeats(&[4, 5, 4], 0).is_empty() && repeats(&[], 3).is_empty());
    }

    #[test]
    fn a_beam_wider_than_the_vocabulary_and_no_prompts_are_fine() {
        let decoder = scripted(2, |_, id| if id == END { -0.5 } else { -1.0 });
        assert_eq!(run(&decoder, &[&[1]], 8, 4, 0)[0][0].ids, [END]);
        assert!(run(&decoder, &[], 2, 4, 0).is_empty());
    }
}
