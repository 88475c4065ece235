//! Loops over slices: maxima, softmax, log-sum-exp, the gates' activations.
//!
//! Plain loops compiled for the instruction set found at run time (`rten-simd` dispatches). Everything they call must
//! be inlined into them: a function that is not has no vector registers to pass values in.

use rten_simd::ops::{BitOps, IntOps, NumOps};
use rten_simd::{Isa, Simd, SimdOp};

/// Sums and maxima run in this many lanes, whatever the machine has, so that results do not depend on it.
const LANES: usize = 32;

/// e^x to 2 units in the last place; 0 or infinity come out as the nearest normal number. Cody & Waite's reduction
/// with the polynomial of Cephes' `expf`.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Added, it leaves the nearest integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_6e-1;
    p = p * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3F80_0000));
    (p * r * r + r + 1.0) * power
}

/// The same of a vector whose values are not above 0; below -86 they count as -86.
#[inline(always)]
fn exp_of<I: Isa>(isa: I, x: I::F32) -> I::F32 {
    let (ops, bits) = (isa.f32(), isa.i32());
    let round = ops.splat(12_582_912.0);
    let x = ops.max(x, ops.splat(-86.0));
    let shifted = ops.mul_add(x, ops.splat(std::f32::consts::LOG2_E), round);
    let n = ops.sub(shifted, round);
    let r = ops.mul_add(n, ops.splat(-0.693_359_4), x);
    let r = ops.mul_add(n, ops.splat(2.121_944_4e-4), r);
    let mut p = ops.splat(1.987_569_1e-4);
    for factor in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
        p = ops.mul_add(p, r, ops.splat(factor));
    }
    let p = ops.add(ops.mul_add(ops.mul(p, r), r, r), ops.splat(1.0));
    // Times 2ⁿ: n is in the low bits of `shifted`, and is added to the exponent.
    let n: I::I32 = shifted.reinterpret_cast();
    let p: I::I32 = p.reinterpret_cast();
    bits.add(p, bits.shift_left::<23>(n)).reinterpret_cast()
}

struct Max<'a>(&'a [f32]);

impl SimdOp for Max<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) -> f32 {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let chunks = self.0.chunks_exact(LANES);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = if x > *lane { x } else { *lane };
            }
        }
        lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max })
    }
}

/// The largest value; -∞ of none.
pub fn max(x: &[f32]) -> f32 {
    Max(x).dispatch()
}

struct Reach<'a>(&'a [f32]);

impl SimdOp for Reach<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) -> f32 {
        let mut lanes = [0f32; LANES];
        for chunk in self.0.chunks(LANES) {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane = if x.abs() > *lane { x.abs() } else { *lane };
            }
        }
        lanes.into_iter().fold(0.0, f32::max)
    }
}

/// The largest magnitude; 0 of none.
pub fn reach(x: &[f32]) -> f32 {
    Reach(x).dispatch()
}

struct SumExp<'a> {
    x: &'a [f32],
    minus: f32,
}

impl SimdOp for SumExp<'_> {
    type Output = f32;

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) -> f32 {
        let ops = isa.f32();
        let minus = ops.splat(self.minus);
        let (mut even, mut odd) = (ops.zero(), ops.zero());
        let mut pairs = self.x.chunks_exact(2 * ops.len());
        for pair in &mut pairs {
            let (first, second) = pair.split_at(ops.len());
            even = ops.add(even, exp_of(isa, ops.sub(ops.load(first), minus)));
            odd = ops.add(odd, exp_of(isa, ops.sub(ops.load(second), minus)));
        }
        let rest: f32 = pairs.remainder().iter().map(|&x| exp(x - self.minus)).sum();
        ops.sum(ops.add(even, odd)) + rest
    }
}

/// Σ e^(x - minus); no `x` may be larger than `minus`.
pub fn sum_exp(x: &[f32], minus: f32) -> f32 {
    SumExp { x, minus }.dispatch()
}

/// See [`softmax`]; to be part of larger loops.
pub struct Softmax<'a>(pub &'a mut [f32]);

impl SimdOp for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, isa: I) {
        let max = Max(self.0).eval(isa);
        let ops = isa.f32();
        let minus = ops.splat(max);
        let mut chunks = self.0.chunks_exact_mut(ops.len());
        for chunk in &mut chunks {
            ops.store(exp_of(isa, ops.sub(ops.load(chunk), minus)), chunk);
        }
        for x in chunks.into_remainder() {
            *x = exp(*x - max);
        }
        let mut lanes = [0f32; LANES];
        for chunk in self.0.chunks(LANES) {
            lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
        }
        let scale = 1.0 / lanes.iter().sum::<f32>();
        self.0.iter_mut().for_each(|x| *x *= scale);
    }
}

/// Makes scores probabilities, in place.
pub fn softmax(x: &mut [f32]) {
    Softmax(x).dispatch();
}

struct Add<'a>(&'a mut [f32], &'a [f32]);

impl SimdOp for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        self.0.iter_mut().zip(self.1).for_each(|(x, y)| *x += y);
    }
}

/// `x += y`.
pub fn add(x: &mut [f32], y: &[f32]) {
    Add(x, y).dispatch();
}

struct Silu<'a>(&'a mut [f32]);

impl SimdOp for Silu<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        for x in self.0.iter_mut() {
            *x /= 1.0 + exp(-*x);
        }
    }
}

/// x · sigmoid(x), in place.
pub fn silu(x: &mut [f32]) {
    Silu(x).dispatch();
}

struct GeluTanh<'a>(&'a mut [f32]);

impl SimdOp for GeluTanh<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        // (1 + tanh u) / 2 = sigmoid(2u), with u = √(2/π) (x + 0.044715 x³) of Hendrycks & Gimpel 2016.
        const TWICE: f32 = 2.0 * 0.797_884_6;
        for x in self.0.iter_mut() {
            let u = TWICE * (*x + 0.044_715 * *x * *x * *x);
            *x /= 1.0 + exp(-u);
        }
    }
}

/// The tanh approximation of GELU, in place.
pub fn gelu_tanh(x: &mut [f32]) {
    GeluTanh(x).dispatch();
}

struct Gelu<'a>(&'a mut [f32]);

impl SimdOp for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        // erf to 1.5e-7: Abramowitz & Stegun 7.1.26.
        for x in self.0.iter_mut() {
            let z = *x * std::f32::consts::FRAC_1_SQRT_2;
            let t = 1.0 / (1.0 + 0.327_591_1 * z.abs());
            let p = ((((1.061_405_4 * t - 1.453_152) * t + 1.421_413_7) * t - 0.284_496_74) * t
                + 0.254_829_6)
                * t;
            let erf = (1.0 - p * exp(-z * z)).copysign(z);
            *x = 0.5 * *x * (1.0 + erf);
        }
    }
}

/// GELU with the error function (Hendrycks & Gimpel 2016), in place.
pub fn gelu(x: &mut [f32]) {
    Gelu(x).dispatch();
}

struct Recur<'a> {
    cell: &'a mut [f32],
    input: &'a [f32],
    forget: &'a [f32],
}

impl SimdOp for Recur<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        for ((cell, input), forget) in self.cell.iter_mut().zip(self.input).zip(self.forget) {
            let kept = 1.0 / (1.0 + exp(-forget));
            *cell = kept * *cell + (1.0 - kept) * input;
        }
    }
}

/// The next cell of a simpler simple recurrent unit (Kim et al. 2019): σ(f) · cell + (1 - σ(f)) · input.
pub fn recur(cell: &mut [f32], input: &[f32], forget: &[f32]) {
    Recur { cell, input, forget }.dispatch();
}

struct NormRow<'a> {
    x: &'a mut [f32],
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    eps: f32,
}

#[inline(always)]
fn sum(x: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    for chunk in x.chunks(LANES) {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += of(*x));
    }
    lanes.iter().sum()
}

impl SimdOp for NormRow<'_> {
    type Output = ();

    #[inline(always)]
    fn eval<I: Isa>(self, _: I) {
        let n = self.x.len() as f32;
        let mean = match self.bias {
            Some(_) => sum(self.x, |x| x) / n,
            None => 0.0,
        };
        let scale = 1.0 / (sum(self.x, |x| (x - mean) * (x - mean)) / n + self.eps).sqrt();
        self.x.iter_mut().zip(self.weight).for_each(|(x, w)| *x = (*x - mean) * scale * w);
        if let Some(bias) = self.bias {
            self.x.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
        }
    }
}

/// Layer norm of a row (Ba et al. 2016), in place; without a bias, root-mean-square norm (Zhang & Sennrich 2019).
pub fn norm(x: &mut [f32], weight: &[f32], bias: Option<&[f32]>, eps: f32) {
    NormRow { x, weight, bias, eps }.dispatch();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_follow_their_formulas() {
        for n in [1, 31, 32, 70] {
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 1.3).sin() * 4.0 + 2.0).collect();
            let weight: Vec<f32> = (0..n).map(|i| 1.0 + i as f32 / 10.0).collect();
            let bias: Vec<f32> = (0..n).map(|i| i as f32 - 3.0).collect();
            for bias in [Some(bias.as_slice()), None] {
                let mut got = x.clone();
                norm(&mut got, &weight, bias, 1e-5);
                let mean = if bias.is_some() { x.iter().sum::<f32>() / n as f32 } else { 0.0 };
                let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n as f32;
                for i in 0..n {
                    let want =
                        (x[i] - mean) / (variance + 1e-5).sqrt() * weight[i] + bias.map_or(0.0, |b| b[i]);
                    assert!(
                        (got[i] - want).abs() < 1e-4 * want.abs().max(1.0),
                        "{n}, {i}: {} {want}",
                        got[i]
                    );
                }
            }
        }
    }

    #[test]
    fn the_error_function_is_that_of_tables() {
        // erf(0.5), erf(1), erf(2) of Abramowitz & Stegun, table 7.1.
        for (z, erf) in [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (2.0, 0.995_322_3)] {
            let x = z * std::f32::consts::SQRT_2;
            let mut values = [x, -x];
            gelu(&mut values);
            assert!((values[0] - 0.5 * x * (1.0 + erf)).abs() < 1e-6, "{z}");
            assert!((values[1] + 0.5 * x * (1.0 - erf)).abs() < 1e-6, "-{z}");
        }
    }

    #[test]
    fn exponentials_are_those_of_f64() {
        for i in -8700..=8800 {
            let x = i as f32 / 100.0;
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "{x}: {} is not {exact}", exp(x));
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(-1e9) < 1e-37 && exp(1e9).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_maxima_and_probabilities_of_any_length() {
        for n in [1, 5, 31, 32, 33, 100] {
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 1.7).sin() * 9.0).collect();
            let largest = x.iter().copied().fold(f32::MIN, f32::max);
            let sum: f64 = x.iter().map(|&x| f64::from(x - largest).exp()).sum();
            assert_eq!(max(&x), largest);
            assert_eq!(reach(&x), x.iter().fold(0f32, |m, x| m.max(x.abs())));
            assert!((f64::from(sum_exp(&x, largest)) / sum - 1.0).abs() < 1e-6);
            let mut p = x.clone();
            softmax(&mut p);
            for (p, x) in p.iter().zip(&x) {
                assert!((f64::from(*p) - f64::from(x - largest).exp() / sum).abs() < 1e-6);
            }
        }
        assert_eq!(max(&[]), f32::NEG_INFINITY);
        let mut masked = [0.0, f32::NEG_INFINITY, 0.0];
        softmax(&mut masked);
        assert!((masked[0] - 0.5).abs() < 1e-6 && masked[1] < 1e-30, "{masked:?}");
    }

    #[test]
    fn activations_follow_their_formulas() {
        let inputs: Vec<f32> = (-200..=200).map(|i| i as f32 / 10.0).collect();
        let (mut silus, mut gelus) = (inputs.clone(), inputs.clone());
        silu(&mut silus);
        gelu_tanh(&mut gelus);
        for ((x, s), g) in inputs.iter().map(|&x| f64::from(x)).zip(silus).zip(gelus) {
            let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            assert!((f64::from(s) - x / (1.0 + (-x).exp())).abs() < 1e-5, "silu {x}: {s}");
            assert!((f64::from(g) - 0.5 * x * (1.0 + u.tanh())).abs() < 1e-5, "gelu {x}: {g}");
        }
    }
}
