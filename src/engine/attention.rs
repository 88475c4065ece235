//! The loops of attention over slices, for the instruction set found at run time: scores, and weighted sums.
//!
//! What a search keeps of its rows is kept in 16 bits: it is read whole at every step, and memory is slower than
//! arithmetic. Rounding to 11 bits is finer than the int8 of the products by far.

use std::ops::Range;

use rten_simd::ops::{BitOps, Extend, NarrowSaturate, NumOps};
use rten_simd::{Isa, SimdOp, f16};

use super::math;

/// Appends `query · key` for each of `positions`; a key starts at `position * stride + offset`.
pub struct Dots<'a> {
    /// One head.
    pub query: &'a [f32],
    /// Keys of all positions and heads.
    pub keys: &'a [f32],
    /// Values between a position's key and the next one's.
    pub stride: usize,
    /// Where the head begins in a key.
    pub offset: usize,
    /// Which keys.
    pub positions: Range<usize>,
    /// The scores go here.
    pub out: &'a mut Vec<f32>,
}

impl SimdOp for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let lanes = ops.len();
        for position in self.positions {
            let key = &self.keys[position * self.stride + self.offset..][..self.query.len()];
            let mut sum = ops.zero();
            let mut chunks = self.query.chunks_exact(lanes).zip(key.chunks_exact(lanes));
            for (q, k) in &mut chunks {
                sum = ops.mul_add(ops.load(q), ops.load(k), sum);
            }
            let whole = self.query.len() / lanes * lanes;
            let tail: f32 = self.query[whole..].iter().zip(&key[whole..]).map(|(q, k)| q * k).sum();
            self.out.push(ops.sum(sum) + tail);
        }
    }
}

/// `out += Σ weight · value` over positions from `first`.
pub struct WeightedSum<'a> {
    /// One a position.
    pub weights: &'a [f32],
    /// Values of all positions and heads, laid out as the keys are.
    pub values: &'a [f32],
    /// As in [`Dots`].
    pub stride: usize,
    /// As in [`Dots`].
    pub offset: usize,
    /// The first position.
    pub first: usize,
    /// One head's sum.
    pub out: &'a mut [f32],
}

impl SimdOp for WeightedSum<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let lanes = ops.len();
        for (i, &weight) in self.weights.iter().enumerate() {
            let value = &self.values[(self.first + i) * self.stride + self.offset..][..self.out.len()];
            let w = ops.splat(weight);
            let mut out = self.out.chunks_exact_mut(lanes);
            let mut from = value.chunks_exact(lanes);
            for (o, v) in (&mut out).zip(&mut from) {
                ops.store(ops.mul_add(w, ops.load(v), ops.load(o)), o);
            }
            for (o, v) in out.into_remainder().iter_mut().zip(from.remainder()) {
                *o += weight * v;
            }
        }
    }
}

/// The largest number of 16 bits.
const MOST: f32 = 65504.0;

struct Store<'a> {
    from: &'a [f32],
    to: &'a mut [f16],
}

impl SimdOp for Store<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let ops = isa.f32();
        let lanes = ops.len();
        let within = |x| ops.max(ops.min(x, ops.splat(MOST)), ops.splat(-MOST));
        let mut from = self.from.chunks_exact(2 * lanes);
        let mut to = self.to.chunks_exact_mut(2 * lanes);
        for (from, to) in (&mut from).zip(&mut to) {
            let (low, high) = (ops.load(&from[..lanes]), ops.load(&from[lanes..]));
            isa.f16().store(ops.narrow_saturate(within(low), within(high)), to);
        }
        for (from, to) in from.remainder().iter().zip(to.into_remainder()) {
            *to = f16::from_f32(from.clamp(-MOST, MOST));
        }
    }
}

/// Appends `values`, rounded to 16 bits and cut off at the largest of them.
pub fn store(values: &[f32], to: &mut Vec<f16>) {
    let start = to.len();
    to.resize(start + values.len(), f16::default());
    Store { from: values, to: &mut to[start..] }.dispatch();
}

/// Attention among the tokens of one source, all heads of it.
pub struct AttendSource<'a> {
    /// tokens × queries, keys and values side by side, each heads × width
    pub qkv: &'a [f32],
    /// Heads.
    pub heads: usize,
    /// Width of a head.
    pub width: usize,
    /// Scores are multiplied by this.
    pub scale: f32,
    /// heads × queries × keys, added to the scores; or nothing.
    pub distances: &'a [f32],
    /// Scratch.
    pub keys: &'a mut Vec<f32>,
    /// Scratch.
    pub scores: &'a mut Vec<f32>,
    /// tokens × heads × width
    pub out: &'a mut [f32],
}

impl SimdOp for AttendSource<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let AttendSource { qkv, heads, width, scale, distances, keys, scores, out } = self;
        let ops = isa.f32();
        let lanes = ops.len();
        let inner = heads * width;
        let tokens = qkv.len() / (3 * inner);
        let padded = tokens.next_multiple_of(lanes);
        let whole = width / lanes * lanes;
        keys.clear();
        keys.resize(width * padded, 0.0);
        scores.clear();
        scores.resize(padded, 0.0);
        for head in 0..heads {
            let offset = head * width;
            // Positions side by side, so that a vector holds the scores of as many.
            for (position, token) in qkv.chunks_exact(3 * inner).enumerate() {
                let key = &token[inner + offset..][..width];
                for (row, k) in keys.chunks_exact_mut(padded).zip(key) {
                    row[position] = *k;
                }
            }
            let queries = qkv.chunks_exact(3 * inner).zip(out.chunks_exact_mut(inner));
            for (index, (query, out)) in queries.enumerate() {
                let (query, out) = (&query[offset..][..width], &mut out[offset..][..width]);
                for (block, scores) in scores.chunks_exact_mut(lanes).enumerate() {
                    let (mut even, mut odd) = (ops.zero(), ops.zero());
                    let mut rows = keys.chunks_exact(padded).map(|row| &row[block * lanes..][..lanes]);
                    for q in query.chunks(2) {
                        if let (Some(q), Some(row)) = (q.first(), rows.next()) {
                            even = ops.mul_add(ops.splat(*q), ops.load(row), even);
                        }
                        if let (Some(q), Some(row)) = (q.get(1), rows.next()) {
                            odd = ops.mul_add(ops.splat(*q), ops.load(row), odd);
                        }
                    }
                    ops.store(ops.mul(ops.add(even, odd), ops.splat(scale)), scores);
                }
                let scores = &mut scores[..tokens];
                if let Some(distances) = distances.get((head * tokens + index) * tokens..) {
                    scores.iter_mut().zip(distances).for_each(|(score, distance)| *score += distance);
                }
                math::Softmax(scores).eval(isa);
                let values =
                    || qkv.chunks_exact(3 * inner).map(|token| &token[2 * inner + offset..][..width]);
                for (chunk, out) in out.chunks_exact_mut(lanes).enumerate() {
                    let mut sum = ops.zero();
                    for (weight, value) in scores.iter().zip(values()) {
                        let value = &value[chunk * lanes..][..lanes];
                        sum = ops.mul_add(ops.splat(*weight), ops.load(value), sum);
                    }
                    ops.store(sum, out);
                }
                for (i, out) in out.iter_mut().enumerate().skip(whole) {
                    *out = scores.iter().zip(values()).map(|(weight, value)| weight * value[i]).sum();
                }
            }
        }
    }
}

/// Attention of one query to all positions of a cache, all heads of it.
pub struct AttendCached<'a> {
    /// heads × width
    pub query: &'a [f32],
    /// Width of a head.
    pub width: usize,
    /// Scores are multiplied by this.
    pub scale: f32,
    /// positions × heads × width
    pub keys: &'a [f16],
    /// The same.
    pub values: &'a [f16],
    /// heads × positions, added to the scores; or nothing.
    pub distances: &'a [f32],
    /// Scratch.
    pub scores: &'a mut Vec<f32>,
    /// heads × width
    pub out: &'a mut [f32],
}

impl SimdOp for AttendCached<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let AttendCached { query, width, scale, keys, values, distances, scores, out } = self;
        let (full, half) = (isa.f32(), isa.f16());
        let lanes = full.len();
        let (inner, heads) = (query.len(), query.len() / width);
        let positions = keys.len() / inner;
        let whole = width / (2 * lanes) * (2 * lanes);
        scores.clear();
        scores.resize(heads * positions, 0.0);
        for (position, key) in keys.chunks_exact(inner).enumerate() {
            let heads = query.chunks_exact(width).zip(key.chunks_exact(width));
            for (head, (query, key)) in heads.enumerate() {
                let (mut low, mut high) = (full.zero(), full.zero());
                for (q, k) in query.chunks_exact(2 * lanes).zip(key.chunks_exact(2 * lanes)) {
                    let k = half.load(k);
                    low = full.mul_add(full.load(&q[..lanes]), half.extend_low(k), low);
                    high = full.mul_add(full.load(&q[lanes..]), half.extend_high(k), high);
                }
                let tail: f32 = query[whole..].iter().zip(&key[whole..]).map(|(q, k)| q * k.to_f32()).sum();
                scores[head * positions + position] = (full.sum(full.add(low, high)) + tail) * scale;
            }
        }
        scores.iter_mut().zip(distances).for_each(|(score, distance)| *score += distance);
        for scores in scores.chunks_exact_mut(positions.max(1)) {
            math::Softmax(scores).eval(isa);
        }
        out.fill(0.0);
        for (position, value) in values.chunks_exact(inner).enumerate() {
            let heads = out.chunks_exact_mut(width).zip(value.chunks_exact(width));
            for (head, (out, value)) in heads.enumerate() {
                let weight = scores[head * positions + position];
                let weights = full.splat(weight);
                for (o, v) in out.chunks_exact_mut(2 * lanes).zip(value.chunks_exact(2 * lanes)) {
                    let v = half.load(v);
                    let (low, high) = o.split_at_mut(lanes);
                    full.store(full.mul_add(weights, half.extend_low(v), full.load(low)), low);
                    full.store(full.mul_add(weights, half.extend_high(v), full.load(high)), high);
                }
                for (o, v) in out[whole..].iter_mut().zip(&value[whole..]) {
                    *o += weight * v.to_f32();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attention_within_a_source_is_that_of_each_query_to_a_cache() {
        for (heads, width, tokens) in [(1, 5, 1), (2, 32, 17), (3, 64, 40), (2, 70, 3)] {
            let inner = heads * width;
            let qkv: Vec<f32> = (0..tokens * 3 * inner).map(|i| (i as f32 * 1.1).sin()).collect();
            let distances: Vec<f32> = (0..heads * tokens * tokens).map(|i| (i as f32 * 0.3).cos()).collect();
            let part = |token: usize, of: usize| &qkv[(token * 3 + of) * inner..][..inner];
            let (mut keys, mut values) = (Vec::new(), Vec::new());
            for token in 0..tokens {
                store(part(token, 1), &mut keys);
                store(part(token, 2), &mut values);
            }
            for distances in [&distances[..], &[]] {
                let mut got = vec![f32::NAN; tokens * inner];
                AttendSource {
                    qkv: &qkv,
                    heads,
                    width,
                    scale: 0.4,
                    distances,
                    keys: &mut vec![7.0; 3],
                    scores: &mut vec![7.0; 3],
                    out: &mut got,
                }
                .dispatch();
                for token in 0..tokens {
                    let of_query = |head: usize| &distances[(head * tokens + token) * tokens..][..tokens];
                    let own: Vec<f32> = if distances.is_empty() {
                        vec![]
                    } else {
                        (0..heads).flat_map(of_query).copied().collect()
                    };
                    let mut want = vec![0.0; inner];
                    AttendCached {
                        query: part(token, 0),
                        width,
                        scale: 0.4,
                        keys: &keys,
                        values: &values,
                        distances: &own,
                        scores: &mut Vec::new(),
                        out: &mut want,
                    }
                    .dispatch();
                    let got = &got[token * inner..][..inner];
                    let off = got.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(off < 3e-3, "{heads} {width} {tokens}: {off}");
                }
            }
        }
    }

    #[test]
    fn attention_to_a_cache_follows_its_formula() {
        let wave = |n: usize, seed: f32| (0..n).map(|i| (i as f32 * seed).sin() * 2.0).collect::<Vec<f32>>();
        for (heads, width, positions) in [(1, 5, 1), (2, 32, 7), (3, 64, 40), (2, 70, 3)] {
            let inner = heads * width;
            let (query, distances) = (wave(inner, 0.7), wave(heads * positions, 0.9));
            let (keys, values) = (wave(positions * inner, 1.3), wave(positions * inner, 2.1));
            let (mut stored_keys, mut stored_values) = (Vec::new(), Vec::new());
            for (k, v) in keys.chunks(inner).zip(values.chunks(inner)) {
                store(k, &mut stored_keys);
                store(v, &mut stored_values);
            }
            assert!(stored_keys.iter().zip(&keys).all(|(s, k)| (s.to_f32() - k).abs() < 1e-3));
            let mut out = vec![f32::NAN; inner];
            AttendCached {
                query: &query,
                width,
                scale: 0.3,
                keys: &stored_keys,
                values: &stored_values,
                distances: &distances,
                scores: &mut vec![9.0; 2],
                out: &mut out,
            }
            .dispatch();
            for head in 0..heads {
                let part = |x: &[f32], p: usize| x[p * inner + head * width..][..width].to_vec();
                let score = |p: usize| {
                    let dot: f32 = part(&query, 0).iter().zip(part(&keys, p)).map(|(q, k)| q * k).sum();
                    (dot * 0.3 + distances[head * positions + p]).exp()
                };
                let total: f32 = (0..positions).map(score).sum();
                for i in 0..width {
                    let want: f32 = (0..positions).map(|p| score(p) / total * part(&values, p)[i]).sum();
                    assert!((out[head * width + i] - want).abs() < 5e-3, "{heads} {width} {positions}");
                }
            }
        }
        let mut stored = Vec::new();
        store(&[1e9, -1e9, 1.0].repeat(30), &mut stored);
        assert!(stored.iter().all(|x| x.to_f32().is_finite()));
    }
}
