//! The two loops of attention over slices, for the instruction set found at run time: scores, and weighted sums.

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};
use rten_simd::{Isa, SimdOp};

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
