//! How central each sentence is to its document: LexRank with a prior for the lead.
//!
//! Sentences are nodes, cosine similarities of their tf-idf vectors are edges, and a random walk that now and then
//! jumps back to the prior settles on the sentences that many others resemble (Erkan and Radev 2004, LexRank;
//! the biased jump as in Otterbacher, Erkan and Radev 2005). The graph is sparse: words of very many sentences make no
//! edges, and a sentence keeps its strongest neighbours only, so that ten thousand sentences rank in well under a second.

use std::collections::HashMap;

/// Words in more sentences than this make no edges: they tell little, and cost the square of their number.
const MAX_DOCUMENT_FREQUENCY: usize = 100;
/// Neighbours kept a sentence.
const MAX_NEIGHBOURS: usize = 24;
/// Similarities below this are chance.
const MIN_SIMILARITY: f32 = 0.05;
/// Probability that the walk goes on to a neighbour rather than back to the prior (PageRank's usual value).
const DAMPING: f32 = 0.85;
const ROUNDS: usize = 30;

/// A sparse tf-idf vector of length 1: term and weight, by term.
#[derive(Debug, Clone, Default)]
pub(super) struct Vector(Vec<(u32, f32)>);

impl Vector {
    /// Cosine similarity, 0 to 1.
    pub(super) fn similarity(&self, other: &Vector) -> f32 {
        let (mut a, mut b, mut sum) = (0, 0, 0.0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            match x.0.cmp(&y.0) {
                std::cmp::Ordering::Less => a += 1,
                std::cmp::Ordering::Greater => b += 1,
                std::cmp::Ordering::Equal => {
                    sum += x.1 * y.1;
                    a += 1;
                    b += 1;
                }
            }
        }
        sum
    }
}

/// tf-idf vectors of sentences given as stems.
pub(super) fn vectors(sentences: &[Vec<String>]) -> Vec<Vector> {
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut frequency: Vec<usize> = Vec::new();
    let counted: Vec<Vec<(u32, f32)>> = sentences
        .iter()
        .map(|stems| {
            let mut terms: Vec<u32> = stems
                .iter()
                .map(|stem| {
                    let next = ids.len() as u32;
                    *ids.entry(stem).or_insert(next)
                })
                .collect();
            terms.sort_unstable();
            frequency.resize(ids.len(), 0);
            let runs: Vec<(u32, f32)> =
                terms.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as f32)).collect();
            for (term, _) in &runs {
                frequency[*term as usize] += 1;
            }
            runs
        })
        .collect();
    let n = sentences.len() as f32;
    let idf = |term: u32| ((n + 1.0) / frequency[term as usize] as f32).ln();
    let weigh = |terms: Vec<(u32, f32)>| {
        let weighted: Vec<(u32, f32)> = terms.into_iter().map(|(t, tf)| (t, tf * idf(t))).collect();
        let norm = weighted.iter().map(|(_, w)| w * w).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        Vector(weighted.into_iter().map(|(t, w)| (t, w / norm)).collect())
    };
    counted.into_iter().map(weigh).collect()
}

/// Centrality of each sentence, the greatest 1. `prior` (any positive weights, one a sentence) is where the walk starts
/// and returns to.
pub(super) fn centrality(vectors: &[Vector], prior: &[f32]) -> Vec<f32> {
    if vectors.is_empty() {
        return Vec::new();
    }
    let total: f32 = prior.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    let prior: Vec<f32> = prior.iter().map(|p| p / total).collect();
    let edges = neighbours(vectors);
    let mut rank = prior.clone();
    for _ in 0..ROUNDS {
        let mut next = vec![0.0f32; rank.len()];
        let mut alone = 0.0;
        for (from, out) in edges.iter().enumerate() {
            let weight: f32 = out.iter().map(|(_, w)| w).sum();
            if weight <= 0.0 {
                alone += rank[from];
            }
            for (to, w) in out {
                next[*to] += DAMPING * rank[from] * w / weight;
            }
        }
        // A sentence like no other hands its rank back to the prior.
        for (slot, p) in next.iter_mut().zip(&prior) {
            *slot += (1.0 - DAMPING + DAMPING * alone) * p;
        }
        rank = next;
    }
    let greatest = rank.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    rank.into_iter().map(|r| r / greatest).collect()
}

/// For each term the sentences that have it, with its weight there; none of a term that makes no edges.
fn postings(vectors: &[Vector]) -> Vec<Vec<(usize, f32)>> {
    let terms = vectors.iter().flat_map(|v| v.0.last()).map(|(t, _)| *t as usize + 1).max().unwrap_or(0);
    let mut postings: Vec<Vec<(usize, f32)>> = vec![Vec::new(); terms];
    for (sentence, vector) in vectors.iter().enumerate() {
        for (term, weight) in &vector.0 {
            postings[*term as usize].push((sentence, *weight));
        }
    }
    postings.iter_mut().filter(|posting| posting.len() > MAX_DOCUMENT_FREQUENCY).for_each(Vec::clear);
    postings
}

/// The strongest neighbours of each sentence with their similarity.
fn neighbours(vectors: &[Vector]) -> Vec<Vec<(usize, f32)>> {
    let postings = postings(vectors);
    let mut similarity = vec![0.0f32; vectors.len()];
    let mut edges = Vec::with_capacity(vectors.len());
    for (sentence, vector) in vectors.iter().enumerate() {
        let mut touched = Vec::new();
        for (term, weight) in &vector.0 {
            for (other, other_weight) in
                postings[*term as usize].iter().filter(|(other, _)| *other != sentence)
            {
                if similarity[*other] == 0.0 {
                    touched.push(*other);
                }
                similarity[*other] += weight * other_weight;
            }
        }
        let mut near: Vec<(usize, f32)> =
            touched.iter().map(|&o| (o, similarity[o])).filter(|(_, s)| *s >= MIN_SIMILARITY).collect();
        near.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        near.truncate(MAX_NEIGHBOURS);
        edges.push(near);
        for other in touched {
            similarity[other] = 0.0;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_sentence_that_others_resemble_is_central() {
        let sentences: Vec<_> = ["a b c", "a b d", "a c e", "x y z"].map(stems).to_vec();
        let rank = centrality(&vectors(&sentences), &[1.0; 4]);
        assert_eq!(rank[0], 1.0);
        assert!(rank[3] < rank[1] && rank[3] < rank[2], "{rank:?}");
    }

    #[test]
    fn the_prior_decides_between_equals() {
        let sentences: Vec<_> = ["a b", "a b", "c d"].map(stems).to_vec();
        let rank = centrality(&vectors(&sentences), &[2.0, 1.0, 1.0]);
        assert!(rank[0] > rank[1], "{rank:?}");
        assert!(centrality(&[], &[]).is_empty());
    }

    #[test]
    fn a_sentence_like_no_other_gives_its_rank_to_the_prior() {
        let sentences: Vec<_> = ["a", "b", "c"].map(stems).to_vec();
        assert_eq!(centrality(&vectors(&sentences), &[4.0, 2.0, 1.0]), [1.0, 0.5, 0.25]);
    }

    #[test]
    fn words_of_very_many_sentences_make_no_edges() {
        for (n, edges) in [(MAX_DOCUMENT_FREQUENCY, MAX_NEIGHBOURS), (MAX_DOCUMENT_FREQUENCY + 1, 0)] {
            let near = neighbours(&vectors(&vec![stems("w"); n]));
            assert!(near.iter().all(|near| near.len() == edges), "{n}: {near:?}");
        }
    }

    #[test]
    fn ten_thousand_sentences_are_not_quadratic() {
        let sentences: Vec<Vec<String>> = (0..10_000u64)
            .map(|i| {
                let own = (0..12).map(|j| format!("w{}", (i * 7919 + j * j * 104_729) % 5_000));
                own.chain(["everywhere".to_owned()]).collect()
            })
            .collect();
        let vectors = vectors(&sentences);
        // Each sentence looks at all that stand under its words.
        let looked_at: usize = postings(&vectors).iter().map(|posting| posting.len().pow(2)).sum();
        let words: usize = sentences.iter().map(Vec::len).sum();
        assert!(looked_at > 0 && looked_at <= words * MAX_DOCUMENT_FREQUENCY, "{looked_at}");
        assert!(neighbours(&vectors).iter().all(|near| near.len() <= MAX_NEIGHBOURS));
        assert_eq!(centrality(&vectors, &vec![1.0; sentences.len()]).len(), 10_000);
    }
}
