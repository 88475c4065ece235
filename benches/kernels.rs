//! The loops that translating consists of, one by one: `cargo bench --bench kernels`. Shapes are opus-mt-ar-en's (width 512,
//! inner 2,048, 8 heads, 62,834 tokens) and Gemma 3 270M's (width 640); items are multiply-adds where there are any.
#![allow(clippy::unwrap_used, missing_docs)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rten_simd::{SimdOp, f16};
use tarjuman::engine::attention::{AttendCached, AttendSource, store};
use tarjuman::engine::candidates::{Candidate, Constraint};
use tarjuman::engine::output::OutputLayer;
use tarjuman::engine::prepared::Prepared;
use tarjuman::engine::qgemm::{Int8Scratch, QuantizedLinear};
use tarjuman::engine::search::{Decoder, Prompt, SearchOptions, search};
use tarjuman::engine::workers::Hand;
use tarjuman::engine::{EngineError, math};
use tarjuman::inference::Unwatched;

fn main() {
    divan::main();
}

/// Values between -1 and 1 without a pattern.
fn values(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0).collect()
}

fn linear(outputs: usize, inputs: usize) -> QuantizedLinear {
    let made = Prepared::none().matrix("", outputs, inputs, || Ok(values(outputs * inputs)));
    QuantizedLinear::new(made.unwrap(), Some(values(outputs)))
}

/// Rows, outputs and inputs: one row waits for memory, 32 for multiplications.
const PRODUCTS: [(usize, usize, usize); 6] =
    [(1, 2048, 512), (8, 2048, 512), (32, 2048, 512), (32, 512, 2048), (32, 1536, 512), (32, 4096, 640)];

#[divan::bench(args = PRODUCTS)]
fn product(bencher: Bencher, (rows, outputs, inputs): (usize, usize, usize)) {
    let (layer, x) = (linear(outputs, inputs), values(rows * inputs));
    let (mut scratch, mut out) = (Int8Scratch::default(), Vec::new());
    scratch.quantize(&layer, &x);
    bencher
        .counter(ItemsCount::new(rows * outputs * inputs))
        .bench_local(|| scratch.product(&layer, black_box(&mut out)).unwrap());
}

/// Turning and rounding of activations; items are values.
#[divan::bench(args = [512, 640, 2048])]
fn quantize(bencher: Bencher, width: usize) {
    let (layer, x) = (linear(32, width), values(32 * width));
    let mut scratch = Int8Scratch::default();
    bencher.counter(ItemsCount::new(x.len())).bench_local(|| scratch.quantize(&layer, black_box(&x)));
}

#[divan::bench(args = [20, 60])]
fn attend_source(bencher: Bencher, tokens: usize) {
    let (heads, width) = (8, 64);
    let qkv = values(tokens * 3 * heads * width);
    let (mut keys, mut scores, mut out) = (Vec::new(), Vec::new(), vec![0.0; tokens * heads * width]);
    bencher.counter(ItemsCount::new(2 * tokens * tokens * heads * width)).bench_local(|| {
        let (keys, scores, out) = (&mut keys, &mut scores, &mut out);
        let qkv = black_box(&qkv);
        AttendSource { qkv, heads, width, scale: 0.125, distances: &[], keys, scores, out }.dispatch();
    });
}

/// A token of each of 32 rows, whose keys and values do not fit a first-level cache.
#[divan::bench(args = [20, 60])]
fn attend_cached(bencher: Bencher, positions: usize) {
    let (heads, width, rows) = (8, 64, 32);
    let query = values(heads * width);
    let cache = || {
        let mut cache: Vec<f16> = Vec::new();
        store(&values(positions * heads * width), &mut cache);
        cache
    };
    let caches: Vec<_> = (0..rows).map(|_| (cache(), cache())).collect();
    let (mut scores, mut out) = (Vec::new(), vec![0.0; heads * width]);
    bencher.counter(ItemsCount::new(2 * rows * positions * heads * width)).bench_local(|| {
        for (keys, values) in black_box(&caches) {
            let (scores, out, query) = (&mut scores, &mut out, &query);
            AttendCached { query, width, scale: 0.125, keys, values, distances: &[], scores, out }.dispatch();
        }
    });
}

/// Product, log-sum-exp and choice over a vocabulary.
#[divan::bench(args = [1, 8])]
fn best_tokens(bencher: Bencher, k: usize) {
    let (rows, tokens, width) = (32, 62_834, 512);
    let weights = |range: std::ops::Range<usize>| Ok(values(range.len() * width));
    let layer = OutputLayer::load(&Prepared::none(), "", (tokens, width), None, weights).unwrap();
    let (x, free) = (values(rows * width), vec![Constraint::default(); rows]);
    let (mut scratch, mut logits) = (Int8Scratch::default(), Vec::new());
    bencher
        .counter(ItemsCount::new(rows * tokens * width))
        .bench_local(|| layer.best(&mut scratch, black_box(&x), k, &free, &[], &mut logits).unwrap());
}

#[divan::bench]
fn softmax(bencher: Bencher) {
    let mut x = values(60);
    bencher.counter(ItemsCount::new(x.len())).bench_local(|| math::softmax(black_box(&mut x)));
}

/// Costs nothing itself: what is left is the search.
struct Instant;

impl Decoder for Instant {
    type State = usize;

    fn start(&self, sources: &[&[u32]]) -> Result<usize, EngineError> {
        Ok(sources.len())
    }

    fn step(
        &self,
        rows: &mut usize,
        _: &[u32],
        k: usize,
        _: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let candidate = |id| Candidate { id, score: -(id as f32), log_prob: -(id as f32) };
        Ok(vec![(1..=k as u32).map(candidate).collect(); *rows])
    }

    fn reorder(&self, rows: &mut usize, wanted: &[usize]) -> Result<(), EngineError> {
        *rows = wanted.len();
        Ok(())
    }
}

/// 32 targets of 40 tokens; items are tokens.
#[divan::bench(args = [1, 4])]
fn search_alone(bencher: Bencher, beam: usize) {
    let prompts = vec![Prompt { source: &[1], start: &[0], min_tokens: 0, max_tokens: 40 }; 32];
    let order: Vec<usize> = (0..prompts.len()).collect();
    let options = SearchOptions { beam, ..SearchOptions::default() };
    bencher.counter(ItemsCount::new(32 * 40usize)).bench_local(|| {
        let hand = Hand::of(&order, 32);
        search(&Instant, &prompts, hand, &options, &Unwatched::default(), |_, found| Ok(found)).unwrap()
    });
}
