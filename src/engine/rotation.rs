//! The rotation that activations and weights are turned by before both are rounded to int8.
//!
//! A few input channels of a transformer are tens of times larger than the rest, and one scale a row then leaves the
//! rest a few of its 255 steps. An orthogonal matrix Q spreads every channel over all: x · Wᵀ = (x Q) · (W Q)ᵀ, and
//! the turned values are close to normally distributed (Ashkboos et al. 2024, QuaRot; Chee et al. 2023, QuIP). The
//! weights are turned once at load, the activations before each product, at the cost of a few per cent of it.
//!
//! Q is a diagonal of signs, which breaks up what channels have in common, times the Kronecker product of a Hartley
//! matrix for the odd part of the width and Hadamard matrices for its twos, up to a permutation and a factor.

use rten_simd::{Isa, SimdOp};

/// Odd parts beyond this are left alone (only the powers of two are mixed): their matrix would cost too much.
const MAX_ODD: usize = 63;
/// Butterflies between neighbours closer than this go by pairs.
const LANES: usize = 16;

/// Q for rows of one width.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    /// 1 or -1 for each channel.
    signs: Vec<f32>,
    /// Number of twos in the width.
    twos: u32,
    /// Rows of the Hartley matrix, `odd` × `odd`; empty where none is used.
    hartley: Vec<f32>,
}

impl Rotation {
    /// The rotation of rows of `width` values. One of an odd width above 63 is not mixed.
    pub fn new(width: usize) -> Self {
        let twos = if width == 0 { 0 } else { width.trailing_zeros() };
        let odd = width >> twos;
        let entry = |i: usize| {
            let angle = std::f64::consts::TAU * ((i / odd) * (i % odd) % odd) as f64 / odd as f64;
            (angle.cos() + angle.sin()) as f32
        };
        let hartley =
            if (2..=MAX_ODD).contains(&odd) { (0..odd * odd).map(entry).collect() } else { Vec::new() };
        let mut state = 1u32;
        let mut sign = || {
            // A linear congruential generator (Numerical Recipes): any fixed signs would do.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { 1.0 } else { -1.0 }
        };
        Rotation { signs: (0..width).map(|_| sign()).collect(), twos, hartley }
    }

    /// Width of the rows it turns.
    pub fn width(&self) -> usize {
        self.signs.len()
    }

    /// By how much [`Rotation::turn`] lengthens a row, squared: what a product of two turned rows must be divided by.
    pub fn gain(&self) -> f32 {
        let odd = if self.hartley.is_empty() { 1 } else { self.width() >> self.twos };
        ((1usize << self.twos) * odd) as f32
    }

    /// Turns `row` in place. `scratch` is overwritten. A row's result depends on nothing else.
    pub fn turn(&self, row: &mut [f32], scratch: &mut Vec<f32>) {
        scratch.resize(self.width(), 0.0);
        Turn { rotation: self, row, scratch }.dispatch();
    }
}

struct Turn<'a> {
    rotation: &'a Rotation,
    row: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl SimdOp for Turn<'_> {
    type Output = ();

    // Plain loops, compiled for the instruction set of `I`.
    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        let Turn { rotation: Rotation { signs, twos, hartley }, row, scratch } = self;
        let width = signs.len();
        row.iter_mut().zip(signs).for_each(|(x, sign)| *x *= sign);
        let (mut from, mut to) = (row, scratch);
        let mut swapped = false;
        let block = 1usize << twos;
        if !hartley.is_empty() {
            for (out, factors) in to.chunks_exact_mut(block).zip(hartley.chunks_exact(width >> twos)) {
                out.fill(0.0);
                for (part, factor) in from.chunks_exact(block).zip(factors) {
                    out.iter_mut().zip(part).for_each(|(o, x)| *o += factor * x);
                }
            }
            (from, to, swapped) = (to, from, !swapped);
        }
        let mut step = block / 2;
        while step >= LANES {
            for pair in from.chunks_exact_mut(2 * step) {
                let (low, high) = pair.split_at_mut(step);
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            step /= 2;
        }
        // Sums to the front, differences to the back: the next bit of the index becomes the lowest.
        while step > 0 {
            let (sums, differences) = to.split_at_mut(width / 2);
            for ((pair, s), d) in from.chunks_exact(2).zip(sums).zip(differences) {
                (*s, *d) = (pair[0] + pair[1], pair[0] - pair[1]);
            }
            (from, to, swapped) = (to, from, !swapped);
            step /= 2;
        }
        if swapped {
            to.copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTHS: [usize; 12] = [1, 2, 3, 7, 32, 48, 65, 67, 96, 576, 640, 2048];

    fn turned(rotation: &Rotation, row: &[f32]) -> Vec<f32> {
        let mut row = row.to_vec();
        rotation.turn(&mut row, &mut Vec::new());
        row
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn products_of_turned_rows_are_those_of_the_rows() {
        for width in WIDTHS {
            let rotation = Rotation::new(width);
            let a: Vec<f32> = (0..width).map(|i| (i as f32 * 0.7).sin()).collect();
            let b: Vec<f32> = (0..width).map(|i| (i as f32 * 1.3).cos()).collect();
            let got = dot(&turned(&rotation, &a), &turned(&rotation, &b)) / rotation.gain();
            let scale = (dot(&a, &a) * dot(&b, &b)).sqrt();
            assert!((got - dot(&a, &b)).abs() <= 1e-5 * scale, "width {width}: {got}, not {}", dot(&a, &b));
        }
    }

    #[test]
    fn one_large_channel_is_spread_over_all() {
        for width in WIDTHS.into_iter().filter(|&w| w != 65 && w != 67) {
            let rotation = Rotation::new(width);
            for channel in [0, width / 2, width - 1] {
                let mut row = vec![0.0; width];
                row[channel] = 1.0;
                let largest = turned(&rotation, &row).iter().fold(0f32, |m, x| m.max(x.abs()));
                // √2 is the most that cos + sin reaches.
                assert!(
                    largest <= 1.4143,
                    "width {width}, channel {channel}: {largest} of {}",
                    rotation.gain()
                );
            }
        }
    }

    #[test]
    fn a_width_without_small_factors_is_not_mixed() {
        let row: Vec<f32> = (0..67).map(|i| i as f32).collect();
        let turned: Vec<f32> = turned(&Rotation::new(67), &row).iter().map(|x| x.abs()).collect();
        assert_eq!((turned, Rotation::new(67).gain()), (row, 1.0));
    }
}
