//! The likeliest next tokens of a row, under what the search forbids or demands. Logits come in whole or in blocks;
//! they never leave the output layer.

use candle_core::{D, Tensor};

use super::{EngineError, math};

/// One possible next token of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// Natural log of its probability given the row so far, as the model has it.
    pub log_prob: f32,
    /// What the search ranks by and adds up: `log_prob`, changed by the constraint.
    pub score: f32,
}

/// What the next token of a row may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Constraint {
    /// Never these; their probability stays with them.
    pub banned: Vec<u32>,
    /// Only this one, with score 0.
    pub forced: Option<u32>,
    /// Tokens of the row so far, each once, to be made less likely.
    pub repeated: Vec<u32>,
    /// By how much (Keskar et al. 2019): negative log-probabilities are multiplied by it. 1 is off. For the single
    /// best candidate, that is greedy search, logits are: negative ones multiplied, positive ones divided. Both are
    /// what Hugging Face's `RepetitionPenaltyLogitsProcessor` does in its beam and in its greedy search.
    pub penalty: f32,
    /// Whether the scores of what is allowed are probabilities again (Hugging Face's `renormalize_logits`).
    pub renormalize: bool,
}

impl Default for Constraint {
    fn default() -> Self {
        Constraint {
            banned: Vec::new(),
            forced: None,
            repeated: Vec::new(),
            penalty: 1.0,
            renormalize: false,
        }
    }
}

impl Constraint {
    /// Whether every token is as likely as the model says.
    pub fn is_free(&self) -> bool {
        self.banned.is_empty() && self.forced.is_none() && (self.penalty == 1.0 || self.repeated.is_empty())
    }
}

/// Which tokens a block of logits is of.
#[derive(Debug, Clone, Copy)]
pub enum Names<'a> {
    /// Of this one and those behind it.
    From(u32),
    /// Of these, in rising order.
    Listed(&'a [u32]),
}

impl Names<'_> {
    fn id(self, place: usize) -> u32 {
        match self {
            Names::From(first) => first + place as u32,
            Names::Listed(ids) => ids[place],
        }
    }

    /// Where the token `id` is among `len` of them.
    fn place(self, id: u32, len: usize) -> Option<usize> {
        match self {
            Names::From(first) => id.checked_sub(first).map(|i| i as usize).filter(|&i| i < len),
            Names::Listed(ids) => ids.binary_search(&id).ok(),
        }
    }
}

/// The best candidates of a row and its log-sum-exp, gathered block by block.
pub struct Top<'a> {
    k: usize,
    constraint: &'a Constraint,
    /// Best first; of equal ones the smaller id first. Until [`Top::finish`] both figures are the logit.
    best: Vec<Candidate>,
    /// Those of the constraint's `repeated` tokens, or the forced one.
    apart: Vec<(u32, f32)>,
    max: f32,
    sum: f32,
    /// `sum` without what is banned or set apart; kept up only for renormalising.
    sum_free: f32,
}

impl<'a> Top<'a> {
    /// Gathers `k` candidates.
    pub fn new(k: usize, constraint: &'a Constraint) -> Self {
        let (best, apart) = (Vec::with_capacity(k + 1), Vec::new());
        Top { k, constraint, best, apart, max: f32::NEG_INFINITY, sum: 0.0, sum_free: 0.0 }
    }

    /// Takes in `logits` of the tokens `names`, in rising order of blocks; their contents are spoilt.
    pub fn add(&mut self, logits: &mut [f32], names: Names<'_>) {
        let max = math::max(logits);
        if max == f32::NEG_INFINITY {
            return;
        }
        if max > self.max {
            let shrink = (self.max - max).exp();
            self.sum *= shrink;
            self.sum_free *= shrink;
            self.max = max;
        }
        self.sum += math::sum_exp(logits, self.max);
        let len = logits.len();
        let place = |id: u32| names.place(id, len);
        if let Some(id) = self.constraint.forced {
            self.apart.extend(place(id).map(|i| (id, logits[i])));
            return;
        }
        for &id in &self.constraint.banned {
            if let Some(i) = place(id) {
                logits[i] = f32::NEG_INFINITY;
            }
        }
        if self.constraint.penalty != 1.0 {
            for &id in &self.constraint.repeated {
                if let Some(i) = place(id) {
                    let logit = std::mem::replace(&mut logits[i], f32::NEG_INFINITY);
                    self.apart.push((id, logit));
                }
            }
        }
        if self.constraint.renormalize {
            self.sum_free += math::sum_exp(logits, self.max);
        }
        let mut bar = self.bar();
        if max <= bar {
            return;
        }
        for (i, &logit) in logits.iter().enumerate() {
            if logit > bar {
                let at = self.best.partition_point(|c| c.score >= logit);
                self.best.insert(at, Candidate { id: names.id(i), log_prob: logit, score: logit });
                self.best.truncate(self.k);
                bar = self.bar();
            }
        }
    }

    /// What a logit must exceed to become a candidate.
    fn bar(&self) -> f32 {
        if self.best.len() < self.k { f32::NEG_INFINITY } else { self.best[self.k - 1].score }
    }

    /// The candidates, best first.
    pub fn finish(mut self) -> Vec<Candidate> {
        let normaliser = self.max + self.sum.ln();
        let penalty = self.constraint.penalty;
        for c in &mut self.best {
            c.log_prob -= normaliser;
            c.score = c.log_prob;
        }
        let is_forced = self.constraint.forced.is_some();
        let apart = self.apart.iter().filter(|(_, logit)| is_forced || *logit > f32::NEG_INFINITY);
        let penalised = |logit: f32| if logit < 0.0 { logit * penalty } else { logit / penalty };
        self.best.extend(apart.map(|&(id, logit)| {
            let log_prob = logit - normaliser;
            let score = match (is_forced, self.k) {
                (true, _) => 0.0,
                (false, 1) => penalised(logit) - normaliser,
                (false, _) => penalised(log_prob),
            };
            Candidate { id, log_prob, score }
        }));
        if self.constraint.renormalize && !is_forced && self.k > 1 {
            let apart = self.best.iter().filter(|c| self.apart.iter().any(|(id, _)| *id == c.id));
            let mass: f32 = apart.map(|c| c.score.exp()).sum::<f32>() + self.sum_free / self.sum;
            self.best.iter_mut().for_each(|c| c.score -= mass.ln());
        }
        self.best.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        self.best.truncate(self.k);
        self.best
    }
}

/// The `k` best candidates of each row of `logits`, rows × vocabulary in f32.
pub fn of_logits(
    logits: &Tensor,
    k: usize,
    constraints: &[Constraint],
) -> Result<Vec<Vec<Candidate>>, EngineError> {
    if !logits.device().is_cpu() && k == 1 && constraints.iter().all(Constraint::is_free) {
        // Only one id and one number a row leave the device.
        let ids = logits.argmax(D::Minus1)?.to_vec1::<u32>()?;
        let log_probs = (logits.max(D::Minus1)? - logits.log_sum_exp(D::Minus1)?)?.to_vec1::<f32>()?;
        let one = |(id, log_prob)| vec![Candidate { id, log_prob, score: log_prob }];
        return Ok(ids.into_iter().zip(log_probs).map(one).collect());
    }
    let mut rows = logits.to_vec2::<f32>()?;
    let best = rows.iter_mut().zip(constraints).map(|(row, constraint)| {
        let mut top = Top::new(k, constraint);
        top.add(row, Names::From(0));
        top.finish()
    });
    Ok(best.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best(logits: &[f32], block: usize, k: usize, constraint: &Constraint) -> Vec<Candidate> {
        let mut top = Top::new(k, constraint);
        for (i, logits) in logits.chunks(block).enumerate() {
            top.add(&mut logits.to_vec(), Names::From((i * block) as u32));
        }
        top.finish()
    }

    const LOGITS: [f32; 7] = [0.5, -1.0, 2.0, 2.0, -3.0, 1.0, 0.0];

    fn log_prob(id: usize) -> f32 {
        LOGITS[id] - LOGITS.iter().map(|l| l.exp()).sum::<f32>().ln()
    }

    #[test]
    fn blocks_do_not_change_the_candidates() {
        let constraint =
            Constraint { banned: vec![5], repeated: vec![2, 6], penalty: 1.5, ..Default::default() };
        for k in [1, 3, 9] {
            let whole = best(&LOGITS, 7, k, &constraint);
            for block in [1, 2, 3] {
                let parts = best(&LOGITS, block, k, &constraint);
                assert_eq!(
                    whole.iter().map(|c| c.id).collect::<Vec<_>>(),
                    parts.iter().map(|c| c.id).collect::<Vec<_>>()
                );
                assert!(whole.iter().zip(&parts).all(|(a, b)| (a.score - b.score).abs() < 1e-5));
            }
        }
    }

    #[test]
    fn of_equal_ones_the_smaller_id_comes_first_and_log_probabilities_are_normalised() {
        let free = Constraint::default();
        let found = best(&LOGITS, 7, 3, &free);
        assert_eq!(found.iter().map(|c| c.id).collect::<Vec<_>>(), [2, 3, 5]);
        assert!((found[2].log_prob - log_prob(5)).abs() < 1e-5 && found[2].score == found[2].log_prob);
        assert_eq!(best(&LOGITS, 7, 50, &free).len(), 7);
    }

    #[test]
    fn constraints_change_the_score_and_not_the_probability() {
        let forced = Constraint { forced: Some(4), banned: vec![4], ..Default::default() };
        let found = best(&LOGITS, 2, 3, &forced);
        assert_eq!((found.len(), found[0].id, found[0].score), (1, 4, 0.0));
        assert!((found[0].log_prob - log_prob(4)).abs() < 1e-5);

        let banned = Constraint { banned: vec![2, 3], ..Default::default() };
        assert_eq!(best(&LOGITS, 7, 2, &banned).iter().map(|c| c.id).collect::<Vec<_>>(), [5, 0]);

        let renormalized = Constraint { renormalize: true, ..banned };
        let all = best(&LOGITS, 3, 7, &renormalized);
        assert!((all.iter().map(|c| c.score.exp()).sum::<f32>() - 1.0).abs() < 1e-5, "{all:?}");
        let mixed = Constraint { repeated: vec![0, 5], penalty: 1.7, ..renormalized };
        let all = best(&LOGITS, 3, 7, &mixed);
        assert!((all.iter().map(|c| c.score.exp()).sum::<f32>() - 1.0).abs() < 1e-5, "{all:?}");
        assert!(all.iter().all(|c| (c.log_prob - log_prob(c.id as usize)).abs() < 1e-5));

        // Beam: log-probabilities are multiplied. Greedy: a positive logit is divided.
        let penalty = Constraint { repeated: vec![2, 3], penalty: 2.5, ..Default::default() };
        let beam = best(&LOGITS, 7, 7, &penalty);
        let two = beam.iter().find(|c| c.id == 2).unwrap();
        assert!((two.score - 2.5 * log_prob(2)).abs() < 1e-5 && (two.log_prob - log_prob(2)).abs() < 1e-5);
        assert_eq!(best(&LOGITS, 7, 1, &penalty)[0].id, 5, "2.0 / 2.5 < 1.0");
    }
}
