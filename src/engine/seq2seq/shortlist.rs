//! Lexical shortlists: for each source token the target tokens that it may become.
//!
//! A target is then searched only among these and the most frequent tokens, some two thousand of tens of thousands,
//! which is what makes Firefox's models fast. Format (marian-dev, `src/data/shortlist.h`), little-endian: a magic
//! number, a checksum, the number of frequent tokens, the most per source token, the number of offsets and of ids
//! (u64 each); the offsets (u64), one a source token and one behind the last; the ids (u32).

use std::path::Path;

use crate::engine::EngineError;

const MAGIC: u64 = 0xF11A_48D5_0134_17F5;
const HEADER: usize = 6 * 8;

/// Target tokens of each source token.
pub struct Shortlist {
    /// The tokens with lower ids are the most frequent ones and always allowed.
    frequent: u32,
    /// Whether both languages have the same ids; a source token may then be copied.
    shared: bool,
    offsets: Vec<usize>,
    ids: Vec<u32>,
}

impl Shortlist {
    /// Reads the file `path`, for a target vocabulary of `tokens` that is the source's as well, or not (`shared`).
    pub fn open(path: &Path, tokens: usize, shared: bool) -> Result<Self, EngineError> {
        let bytes = std::fs::read(path).map_err(|e| EngineError::file(path, e))?;
        Self::parse(&bytes, tokens, shared).ok_or_else(|| {
            EngineError::Invalid(format!("{}: is no binary shortlist of {tokens} tokens", path.display()))
        })
    }

    /// The same from a file's bytes; none where they are something else.
    pub fn parse(bytes: &[u8], tokens: usize, shared: bool) -> Option<Self> {
        let numbers = |bytes: &[u8]| -> Vec<u64> {
            let number = |b: &[u8]| b.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte));
            bytes.chunks_exact(8).map(number).collect()
        };
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let header = numbers(header);
        if header[0] != MAGIC {
            return None;
        }
        let size = |n: u64, each: usize| usize::try_from(n).ok()?.checked_mul(each);
        let (offsets, rest) = rest.split_at_checked(size(header[4], 8)?)?;
        if Some(rest.len()) != size(header[5], 4) {
            return None;
        }
        let ids: Vec<u32> =
            rest.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let offsets: Vec<usize> =
            numbers(offsets).into_iter().map(usize::try_from).collect::<Result<_, _>>().ok()?;
        let is_in_order = offsets.is_sorted() && offsets.last().is_some_and(|&last| last == ids.len());
        let fits = ids.iter().all(|&id| (id as usize) < tokens);
        let frequent = u32::try_from(header[2].min(tokens as u64)).ok()?;
        (is_in_order && fits).then_some(Shortlist { frequent, shared, offsets, ids })
    }

    /// The tokens a translation of `source` may have, in rising order.
    pub fn of(&self, source: &[u32]) -> Vec<u32> {
        let mut allowed: Vec<u32> = (0..self.frequent).collect();
        for &token in source {
            if self.shared {
                allowed.push(token);
            }
            let token = token as usize;
            if let Some(&[start, end]) = self.offsets.get(token..token + 2) {
                allowed.extend_from_slice(&self.ids[start..end]);
            }
        }
        allowed.sort_unstable();
        allowed.dedup();
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes() -> Vec<u8> {
        let numbers: [u64; 6 + 4] = [MAGIC, 0, 2, 3, 4, 5, 0, 2, 2, 5];
        let ids: [u32; 5] = [4, 7, 1, 5, 9];
        numbers.iter().flat_map(|n| n.to_le_bytes()).chain(ids.iter().flat_map(|n| n.to_le_bytes())).collect()
    }

    #[test]
    fn frequent_tokens_and_those_of_the_source() {
        let own = Shortlist::parse(&bytes(), 10, false).unwrap();
        assert_eq!(own.of(&[]), [0, 1]);
        assert_eq!(own.of(&[0]), [0, 1, 4, 7]);
        assert_eq!(own.of(&[2, 1, 0, 2]), [0, 1, 4, 5, 7, 9]);
        assert_eq!(own.of(&[99]), [0, 1]);
        let shared = Shortlist::parse(&bytes(), 10, true).unwrap();
        assert_eq!(shared.of(&[2]), [0, 1, 2, 5, 9]);
    }

    #[test]
    fn anything_else_is_refused() {
        let whole = bytes();
        assert!((0..whole.len()).all(|len| Shortlist::parse(&whole[..len], 10, true).is_none()));
        assert!(Shortlist::parse(&whole, 9, true).is_none(), "token 9 of 9");
        for at in (0..8).chain(32..80) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x80;
            assert!(Shortlist::parse(&damaged, 10, true).is_none(), "byte {at}");
        }
    }
}
