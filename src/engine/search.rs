//! Greedy and beam search, written once over [`Decoder`]; families know nothing of it, it knows nothing of them.

use std::sync::atomic::Ordering;

use crate::inference::Watch;

use super::EngineError;

/// One possible next token of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// Natural log of its probability given the row so far.
    pub log_prob: f32,
}

/// A model that extends rows of tokens. Weights are immutable; all that changes is in `State`.
pub trait Decoder: Sync {
    /// Caches of the rows under way.
    type State;

    /// Takes in `prompts` (each at least one token), one row each, all but their last token; that one is the first
    /// `previous`.
    fn start(&self, prompts: &[&[u32]]) -> Result<Self::State, EngineError>;

    /// Appends `previous`, a token a row, and returns for each row its `k` likeliest successors, best first,
    /// without the row's `banned` ids (whose probability stays with them).
    fn step(
        &self,
        state: &mut Self::State,
        previous: &[u32],
        k: usize,
        banned: &[Vec<u32>],
    ) -> Result<Vec<Vec<Candidate>>, EngineError>;

    /// Makes row `i` what row `rows[i]` was; rows may be repeated, left out, or all gone.
    fn reorder(&self, state: &mut Self::State, rows: &[usize]) -> Result<(), EngineError>;
}

/// What a search may do.
pub struct SearchOptions<'a> {
    /// Rows kept for each prompt; 1 is greedy.
    pub beam: usize,
    /// For each prompt, the most tokens it may get, the end included.
    pub max_tokens: &'a [usize],
    /// No n-gram of this length twice in a target; 0 is off.
    pub no_repeat_ngram: usize,
    /// Whether the tokens so far are a finished target (their last one ends it).
    pub is_end: &'a (dyn Fn(&[u32]) -> bool + Sync),
}

/// A target that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its tokens, the end included where it was reached.
    pub ids: Vec<u32>,
    /// Natural log of each token's probability.
    pub log_probs: Vec<f32>,
    /// Whether the end was reached before the limit.
    pub finished: bool,
}

impl Found {
    fn total(&self) -> f32 {
        self.log_probs.iter().sum()
    }

    /// Mean log probability: a length penalty of 1 (Wu et al. 2016 in its simplest form, as in Hugging Face's
    /// `BeamHypotheses`).
    pub fn score(&self) -> f32 {
        self.total() / self.log_probs.len().max(1) as f32
    }
}

/// The prompts' progress: the rows still under way and what is finished.
struct Beam {
    prompt: usize,
    live: Vec<Found>,
    done: Vec<Found>,
}

impl Beam {
    /// Nothing that is still under way can become better than what is finished. With one row the first end counts.
    fn is_done(&self, width: usize) -> bool {
        if self.live.is_empty() {
            return true;
        }
        if self.done.len() < width {
            return false;
        }
        let worst_done = self.done.iter().map(Found::score).fold(f32::INFINITY, f32::min);
        let best_live = self.live.iter().map(Found::score).fold(f32::NEG_INFINITY, f32::max);
        width == 1 || worst_done >= best_live
    }
}

/// Extends every prompt until its end; for each prompt up to `beam` targets, best first, at least one.
pub fn search<D: Decoder>(
    decoder: &D,
    prompts: &[&[u32]],
    options: &SearchOptions<'_>,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Found>>, EngineError> {
    let width = options.beam.max(1);
    let mut results: Vec<Vec<Found>> = vec![Vec::new(); prompts.len()];
    if prompts.is_empty() {
        return Ok(results);
    }
    let mut state = decoder.start(prompts)?;
    let mut previous: Vec<u32> = prompts.iter().map(|p| p.last().copied().unwrap_or_default()).collect();
    let empty = Found { ids: Vec::new(), log_probs: Vec::new(), finished: false };
    let mut beams: Vec<Beam> = (0..prompts.len())
        .map(|prompt| Beam { prompt, live: vec![empty.clone()], done: Vec::new() })
        .collect();

    while !beams.is_empty() {
        if watch.cancelled().load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let banned: Vec<Vec<u32>> =
            beams.iter().flat_map(|b| &b.live).map(|f| repeats(&f.ids, options.no_repeat_ngram)).collect();
        // Twice as many as rows, so that ends do not starve the rows under way.
        let k = if width == 1 { 1 } else { 2 * width };
        let candidates = decoder.step(&mut state, &previous, k, &banned)?;
        watch.tokens(candidates.len());

        let mut parents = Vec::new();
        previous.clear();
        let mut first_row = 0;
        for beam in &mut beams {
            let rows = first_row..first_row + beam.live.len();
            first_row = rows.end;
            let limit = options.max_tokens[beam.prompt].max(1);
            let chosen = advance(beam, &candidates[rows.clone()], width, limit, options.is_end);
            if beam.is_done(width) {
                beam.live.clear();
            } else {
                parents.extend(chosen.iter().map(|&(parent, _)| rows.start + parent));
                previous.extend(chosen.iter().map(|&(_, id)| id));
            }
        }
        decoder.reorder(&mut state, &parents)?;
        beams.retain_mut(|beam| {
            if !beam.live.is_empty() {
                return true;
            }
            beam.done.sort_by(|a, b| b.score().total_cmp(&a.score()));
            beam.done.truncate(width);
            results[beam.prompt] = std::mem::take(&mut beam.done);
            false
        });
    }
    Ok(results)
}

/// One step of one prompt: takes the best continuations over all its rows. Ends (and rows at the limit) become
/// done, the others live. Returns for each new live row its parent's position and its last token.
fn advance(
    beam: &mut Beam,
    candidates: &[Vec<Candidate>],
    width: usize,
    limit: usize,
    is_end: &(dyn Fn(&[u32]) -> bool + Sync),
) -> Vec<(usize, u32)> {
    let mut ranked: Vec<(f32, usize, Candidate)> = Vec::new();
    for (row, (found, next)) in beam.live.iter().zip(candidates).enumerate() {
        let so_far = found.total();
        ranked.extend(next.iter().map(|c| (so_far + c.log_prob, row, *c)));
    }
    // Ties go to the earlier row and the better candidate, so that a search is deterministic.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut live, mut chosen) = (Vec::new(), Vec::new());
    for (rank, (_, row, candidate)) in ranked.into_iter().enumerate() {
        if live.len() == width {
            break;
        }
        let mut found = beam.live[row].clone();
        found.ids.push(candidate.id);
        found.log_probs.push(candidate.log_prob);
        found.finished = is_end(&found.ids);
        if found.finished {
            // An end that would not have made it into the beam is no hypothesis.
            if rank < width {
                beam.done.push(found);
            }
            if width == 1 {
                break;
            }
        } else if found.ids.len() >= limit {
            beam.done.push(found);
        } else {
            live.push(found);
            chosen.push((row, candidate.id));
        }
    }
    beam.live = live;
    chosen
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
    use super::*;
    use crate::inference::Unwatched;

    /// Plays a table of log-probabilities keyed by the tokens so far; the state is the rows themselves.
    struct Scripted {
        vocabulary: u32,
        log_prob: fn(&[u32], u32) -> f32,
    }

    impl Decoder for Scripted {
        type State = Vec<Vec<u32>>;

        fn start(&self, prompts: &[&[u32]]) -> Result<Self::State, EngineError> {
            Ok(prompts.iter().map(|p| p[..p.len() - 1].to_vec()).collect())
        }

        fn step(
            &self,
            state: &mut Self::State,
            previous: &[u32],
            k: usize,
            banned: &[Vec<u32>],
        ) -> Result<Vec<Vec<Candidate>>, EngineError> {
            let mut all = Vec::new();
            for ((row, &id), banned) in state.iter_mut().zip(previous).zip(banned) {
                row.push(id);
                let mut next: Vec<Candidate> = (0..self.vocabulary)
                    .filter(|id| !banned.contains(id))
                    .map(|id| Candidate { id, log_prob: (self.log_prob)(row, id) })
                    .collect();
                next.sort_by(|a, b| b.log_prob.total_cmp(&a.log_prob));
                next.truncate(k);
                all.push(next);
            }
            Ok(all)
        }

        fn reorder(&self, state: &mut Self::State, rows: &[usize]) -> Result<(), EngineError> {
            *state = rows.iter().map(|&r| state[r].clone()).collect();
            Ok(())
        }
    }

    const END: u32 = 0;

    fn run(decoder: &Scripted, prompts: &[&[u32]], beam: usize, max: usize, ngram: usize) -> Vec<Vec<Found>> {
        let options = SearchOptions {
            beam,
            max_tokens: &vec![max; prompts.len()],
            no_repeat_ngram: ngram,
            is_end: &|ids| ids.last() == Some(&END),
        };
        search(decoder, prompts, &options, &Unwatched::default()).unwrap()
    }

    /// After 9, token 1 looks best but leads nowhere; 2 is second and leads to a sure end.
    fn garden_path(row: &[u32], id: u32) -> f32 {
        let p: f32 = match (row, id) {
            ([.., 9], 1) => 0.6,
            ([.., 9], 2) => 0.4,
            ([.., 1], 3) => 0.5,
            ([.., 1], END) => 0.3,
            ([.., 2], END) => 1.0,
            ([.., 3], END) => 0.4,
            _ => 0.001,
        };
        p.ln()
    }

    #[test]
    fn greedy_takes_the_best_token_and_a_beam_finds_the_better_sentence() {
        let decoder = Scripted { vocabulary: 5, log_prob: garden_path };
        assert_eq!(run(&decoder, &[&[9]], 1, 10, 0)[0][0].ids, [1, 3, END]);
        let found = &run(&decoder, &[&[9]], 3, 10, 0)[0];
        assert_eq!(found[0].ids, [2, END]);
        assert!(found.windows(2).all(|w| w[0].score() >= w[1].score()), "best first");
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
        let decoder = Scripted { vocabulary: 4, log_prob: by_first };
        let prompts: [&[u32]; 4] = [&[13], &[10], &[18], &[11]];
        for beam in [1, 4] {
            let together = run(&decoder, &prompts, beam, 30, 0);
            for (prompt, found) in prompts.iter().zip(&together) {
                assert_eq!(found, &run(&decoder, &[prompt], beam, 30, 0)[0], "beam {beam}, {prompt:?}");
                assert_eq!(found[0].ids.len() as u32, prompt[0] - 10 + 1);
            }
        }
    }

    #[test]
    fn the_limit_ends_a_row_that_does_not_end_itself() {
        let decoder = Scripted { vocabulary: 3, log_prob: |_, id| if id == 1 { -0.1 } else { -9.0 } };
        for beam in [1, 2] {
            let found = &run(&decoder, &[&[1]], beam, 6, 0)[0][0];
            assert_eq!((found.ids.as_slice(), found.finished), (&[1u32; 6][..], false), "beam {beam}");
        }
    }

    #[test]
    fn repeated_ngrams_are_banned() {
        let decoder =
            Scripted { vocabulary: 6, log_prob: |_, id| if id == END { -20.0 } else { -(id as f32) } };
        let ids = &run(&decoder, &[&[1]], 1, 12, 2)[0][0].ids;
        let pairs: Vec<_> = ids.windows(2).collect();
        let distinct: std::collections::HashSet<_> = pairs.iter().collect();
        assert_eq!(pairs.len(), distinct.len(), "{ids:?}");
        assert_eq!(repeats(&[4, 5, 4], 2), [5]);
        assert!(repeats(&[4, 5, 4], 0).is_empty() && repeats(&[], 3).is_empty());
    }

    #[test]
    fn a_beam_wider_than_the_vocabulary_and_no_prompts_are_fine() {
        let decoder = Scripted { vocabulary: 2, log_prob: |_, id| if id == END { -0.5 } else { -1.0 } };
        assert_eq!(run(&decoder, &[&[1]], 8, 4, 0)[0][0].ids, [END]);
        assert!(run(&decoder, &[], 2, 4, 0).is_empty());
    }
}
