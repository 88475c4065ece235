//! Unigram language model: the segmentation whose pieces have the highest sum of scores (Kudo 2018), by
//! Viterbi.
//!
//! Sums are f32 in the order of the reference: segmentations of one text often differ by less than a
//! rounding, and where `ab c` and `a bc` have the same pieces in another order, rounding alone decides.

use super::trie::Trie;
use super::{EngineError, Kind, Piece, Segment, invalid};

/// What an unknown character costs beyond the lowest score.
const UNKNOWN_PENALTY: f32 = 10.0;
/// Sums beyond this are set back to zero, so that long texts do not lose precision.
const RESET: f32 = 100_000.0;
/// An unused piece; a score in a file is finite.
const UNUSED: f32 = f32::NEG_INFINITY;

/// Scores of the pieces.
pub(super) struct Unigram {
    scores: Vec<f32>,
    unknown: f32,
}

/// The best segmentation of the text up to some place.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    /// The last piece; `None` for an unknown character.
    id: Option<u32>,
    /// Where it starts; `usize::MAX` if no segmentation ends here.
    start: usize,
}

impl Unigram {
    pub(super) fn new(pieces: &[Piece]) -> Result<Self, EngineError> {
        if let Some(piece) = pieces.iter().find(|piece| !piece.score.is_finite()) {
            return Err(invalid(format_args!("the score of `{}` is not finite", piece.text)));
        }
        let score = |piece: &Piece| match piece.kind {
            Kind::Unused => UNUSED,
            // Better than what it is made of: those scores are negative.
            Kind::UserDefined => (0.1 * (piece.text.len() - 1) as f64) as f32,
            _ => piece.score,
        };
        let normal = pieces.iter().filter(|piece| piece.kind == Kind::Normal);
        let lowest = normal.map(|piece| piece.score).fold(f32::MAX, f32::min);
        Ok(Unigram { scores: pieces.iter().map(score).collect(), unknown: lowest - UNKNOWN_PENALTY })
    }

    /// Segments `text` into pieces of `trie` and unknown characters.
    pub(super) fn segment(&self, trie: &Trie, text: &str) -> Vec<Segment> {
        let mut best = vec![Best { score: 0.0, id: None, start: usize::MAX }; text.len() + 1];
        let mut reached = 0;
        for (start, char) in text.char_indices() {
            let mut before = best[start].score;
            if before.abs() > RESET {
                best[start..=reached].iter_mut().for_each(|best| best.score -= before);
                before = 0.0;
            }
            let mut offer = |end: usize, score: f32, id| {
                reached = reached.max(end);
                let best = &mut best[end];
                let score = score + before;
                if best.start == usize::MAX || score > best.score {
                    *best = Best { score, id, start };
                }
            };
            let char_end = start + char.len_utf8();
            let mut char_is_known = false;
            let mut node = trie.root();
            for (&byte, end) in text.as_bytes()[start..].iter().zip(start + 1..) {
                let Some(child) = trie.step(node, byte) else { break };
                node = child;
                if let Some(id) = node.value()
                    && self.scores[id as usize] != UNUSED
                {
                    offer(end, self.scores[id as usize], Some(id));
                    char_is_known |= end == char_end;
                }
            }
            if !char_is_known {
                offer(char_end, self.unknown, None);
            }
        }
        let mut segments = Vec::with_capacity(text.len() / 4 + 1);
        let mut end = text.len();
        while end > 0 {
            let Best { id, start, .. } = best[end];
            segments.push(Segment { start, end, id });
            end = start;
        }
        segments.reverse();
        segments
    }
}
