//! A decoder-only transformer on the CPU: int8 linear layers, everything else in f32 loops over plain slices.
//!
//! Three parts, as in llama2.c: [`Config`], immutable [`Network`], and the rows' caches. Rows have their own lengths:
//! linear layers see all rows' tokens packed together without padding, attention runs row by row. Every operation on
//! a row is independent of the other rows, so a batch equals its members alone to the last bit.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use rten_simd::SimdOp;
use rten_vecmath::SumSquare;

use super::config::{Activation, Config, RopeStyle};
use super::weights::Weights;
use crate::engine::EngineError;
use crate::engine::attention::{Dots, WeightedSum};
use crate::engine::candidates::{Candidate, Constraint};
use crate::engine::math;
use crate::engine::output::OutputLayer;
use crate::engine::prepared::Prepared;
use crate::engine::qgemm::{Int8Gemm, Int8Scratch, QuantizedLinear};
use crate::engine::search::{Decoder, reordered};

/// Tokens of prompts taken in at once: enough to fill the kernels, small enough for their scratch to stay in cache.
const PREFILL_TOKENS: usize = 256;

struct Layer {
    attention_norm: Vec<f32>,
    qkv: QuantizedLinear,
    query_norm: Option<Vec<f32>>,
    key_norm: Option<Vec<f32>>,
    attention_output: QuantizedLinear,
    post_attention_norm: Option<Vec<f32>>,
    feed_forward_norm: Vec<f32>,
    gate_up: QuantizedLinear,
    down: QuantizedLinear,
    post_feed_forward_norm: Option<Vec<f32>>,
    /// Which of [`Network::ropes`] it turns by.
    rope: usize,
    /// How many positions back it sees, itself included.
    reach: usize,
}

/// The weights, quantised for the CPU, shared by all rows and threads.
pub struct Network {
    /// Shapes and constants.
    pub config: Config,
    gemm: Int8Gemm,
    layers: Vec<Layer>,
    /// Angles a position adds to each rotated pair: of layers that see everything, and of sliding ones.
    ropes: [Vec<f32>; 2],
    output_norm: Vec<f32>,
    vocabulary: OutputLayer,
    /// The file, for the embedding rows of tokens as they are met.
    weights: Weights,
    /// The tokens that prompts begin with, and their keys and values.
    prefix: (Vec<u32>, Arc<Cache>),
}

/// Keys and values: for each layer, positions × key/value width.
#[derive(Clone)]
struct Cache {
    keys: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
    len: usize,
}

impl Cache {
    fn new(layers: usize) -> Self {
        Cache { keys: vec![Vec::new(); layers], values: vec![Vec::new(); layers], len: 0 }
    }
}

/// One row: what it shares with others, and what is its own.
#[derive(Clone)]
struct Row {
    prefix: Arc<Cache>,
    own: Cache,
}

/// The rows under way.
pub struct Rows {
    rows: Vec<Row>,
    scratch: Scratch,
}

/// Buffers of a forward pass, kept between steps.
#[derive(Default)]
struct Scratch {
    int8: Int8Scratch,
    hidden: Vec<f32>,
    normed: Vec<f32>,
    qkv: Vec<f32>,
    attended: Vec<f32>,
    projected: Vec<f32>,
    gate_up: Vec<f32>,
    activated: Vec<f32>,
    scores: Vec<f32>,
    logits: Vec<f32>,
    /// For each of [`Network::ropes`], tokens × pairs: sine and cosine.
    turns: [Vec<(f32, f32)>; 2],
}

impl Network {
    /// Reads, merges, quantises and packs the weights, matrix by matrix, on the threads of the current rayon pool.
    pub fn load(config: Config, weights: Weights, prepared: &Prepared) -> Result<Self, EngineError> {
        let gemm = Int8Gemm::default();
        let layers = (0..config.layers)
            .into_par_iter()
            .map(|i| Layer::load(&config, &weights, prepared, i))
            .collect::<Result<Vec<_>, _>>()?;
        let output = if weights.has("output.weight") { "output.weight" } else { EMBEDDING };
        let (tokens, width) = weights.shape(output)?;
        if width != config.hidden {
            return Err(EngineError::Invalid(format!("`{output}` has width {width}, not {}", config.hidden)));
        }
        let rows = |rows| weights.matrix_rows(output, rows, width);
        let vocabulary = OutputLayer::load(prepared, output, (tokens, width), None, rows)?;
        let output_norm = weights.vector("output_norm.weight", config.hidden)?;
        let factors = weights.optional_vector("rope_freqs.weight", config.rope_dim / 2)?;
        let rope = |sliding| {
            let layer = (0..config.layers).find(|&i| config.is_sliding(i) == sliding);
            layer.map(|i| config.rope_frequencies(i, factors.as_deref())).unwrap_or_default()
        };
        let ropes = [rope(false), rope(true)];
        let prefix = (Vec::new(), Arc::new(Cache::new(config.layers)));
        Ok(Network { config, gemm, layers, ropes, output_norm, vocabulary, weights, prefix })
    }

    /// Takes in, once, the tokens that most prompts begin with; rows whose prompt does share the result.
    pub fn set_prefix(&mut self, tokens: &[u32]) -> Result<(), EngineError> {
        let mut rows = [self.row(Arc::new(Cache::new(self.config.layers)))];
        self.take_in(&mut rows, &[tokens], &mut Scratch::default())?;
        let [row] = rows;
        self.prefix = (tokens.to_vec(), Arc::new(row.own));
        Ok(())
    }

    fn row(&self, prefix: Arc<Cache>) -> Row {
        Row { prefix, own: Cache::new(self.config.layers) }
    }

    /// Name of the int8 kernel in use.
    pub fn kernel(&self) -> String {
        self.gemm.kernel()
    }

    /// Takes in rows of tokens in packs of about [`PREFILL_TOKENS`].
    fn take_in(&self, rows: &mut [Row], tokens: &[&[u32]], scratch: &mut Scratch) -> Result<(), EngineError> {
        let mut start = 0;
        while start < rows.len() {
            let mut end = start + 1;
            let mut packed = tokens[start].len();
            while end < rows.len() && packed + tokens[end].len() <= PREFILL_TOKENS {
                packed += tokens[end].len();
                end += 1;
            }
            if end == start + 1 {
                for part in tokens[start].chunks(PREFILL_TOKENS) {
                    self.forward(&mut rows[start..end], &[part], scratch)?;
                }
            } else {
                self.forward(&mut rows[start..end], &tokens[start..end], scratch)?;
            }
            start = end;
        }
        Ok(())
    }

    /// Runs `tokens` (for each row some, at least none) through all layers after what the rows' caches hold.
    /// Afterwards `scratch.hidden` holds tokens × hidden values, before the final norm.
    fn forward(&self, rows: &mut [Row], tokens: &[&[u32]], scratch: &mut Scratch) -> Result<(), EngineError> {
        let c = &self.config;
        let total: usize = tokens.iter().map(|t| t.len()).sum();
        scratch.hidden.clear();
        for &id in tokens.iter().copied().flatten() {
            let id = id as usize;
            scratch.hidden.extend(self.weights.matrix_rows(EMBEDDING, id..id + 1, c.hidden)?);
        }
        scratch.hidden.iter_mut().for_each(|x| *x *= c.embedding_scale);

        for (turns, frequencies) in scratch.turns.iter_mut().zip(&self.ropes) {
            turns.clear();
            for (row, tokens) in rows.iter().zip(tokens) {
                let past = row.prefix.len + row.own.len;
                for position in past..past + tokens.len() {
                    turns.extend(frequencies.iter().map(|f| (position as f32 * f).sin_cos()));
                }
            }
        }

        for (index, layer) in self.layers.iter().enumerate() {
            let s = &mut *scratch;
            rms_norm(&s.hidden, &layer.attention_norm, c.norm_eps, &mut s.normed);
            s.int8.apply(&layer.qkv, &s.normed, &mut s.qkv)?;
            let mut done = 0;
            for (row, tokens) in rows.iter_mut().zip(tokens) {
                let range = done..done + tokens.len();
                done = range.end;
                self.attend(layer, index, row, range, s);
            }
            s.int8.apply(&layer.attention_output, &s.attended, &mut s.projected)?;
            residual(&mut s.hidden, &mut s.projected, layer.post_attention_norm.as_deref(), c);

            rms_norm(&s.hidden, &layer.feed_forward_norm, c.norm_eps, &mut s.normed);
            s.int8.apply(&layer.gate_up, &s.normed, &mut s.gate_up)?;
            gated(&s.gate_up, c.feed_forward, c.activation, &mut s.activated);
            s.int8.apply(&layer.down, &s.activated, &mut s.projected)?;
            residual(&mut s.hidden, &mut s.projected, layer.post_feed_forward_norm.as_deref(), c);
        }
        for (row, tokens) in rows.iter_mut().zip(tokens) {
            row.own.len += tokens.len();
        }
        debug_assert_eq!(scratch.hidden.len(), total * c.hidden);
        Ok(())
    }

    /// Attention of one row's new tokens (`range` among those in `s.qkv`) over its past and each other.
    fn attend(&self, layer: &Layer, index: usize, row: &mut Row, range: Range<usize>, s: &mut Scratch) {
        let c = &self.config;
        let (q_width, kv_width, d) = (c.query_width(), c.kv_width(), c.head_dim);
        let stride = q_width + 2 * kv_width;
        s.attended.resize(s.qkv.len() / stride * q_width, 0.0);
        let Row { prefix, own: cache } = row;
        let past = prefix.len + cache.len;
        for token in range.clone() {
            let turns = &s.turns[layer.rope][token * c.rope_dim / 2..(token + 1) * c.rope_dim / 2];
            let qkv = &mut s.qkv[token * stride..(token + 1) * stride];
            let (query, rest) = qkv.split_at_mut(q_width);
            let (key, value) = rest.split_at_mut(kv_width);
            for head in query.chunks_exact_mut(d) {
                prepare_head(head, layer.query_norm.as_deref(), turns, c);
                head.iter_mut().for_each(|x| *x *= c.attention_scale);
            }
            for head in key.chunks_exact_mut(d) {
                prepare_head(head, layer.key_norm.as_deref(), turns, c);
            }
            cache.keys[index].extend_from_slice(key);
            cache.values[index].extend_from_slice(value);
        }
        let group = c.heads / c.kv_heads;
        for (i, token) in range.enumerate() {
            let seen = past + i + 1;
            let first = seen.saturating_sub(layer.reach);
            // What is seen lies in the common prefix and in the row's own cache.
            let in_prefix = first.min(prefix.len)..prefix.len;
            let own = first.saturating_sub(prefix.len)..seen - prefix.len;
            for head in 0..c.heads {
                let offset = head / group * d;
                let query = &s.qkv[token * stride + head * d..][..d];
                let out = &mut s.attended[token * q_width + head * d..][..d];
                let parts = [
                    Part { cache: prefix.as_ref(), positions: in_prefix.clone() },
                    Part { cache, positions: own.clone() },
                ];
                s.scores.clear();
                for part in &parts {
                    let keys = &part.cache.keys[index];
                    Dots {
                        query,
                        keys,
                        stride: kv_width,
                        offset,
                        positions: part.positions.clone(),
                        out: &mut s.scores,
                    }
                    .dispatch();
                }
                math::softmax(&mut s.scores);
                out.fill(0.0);
                let mut weights = s.scores.as_slice();
                for part in &parts {
                    let (these, rest) = weights.split_at(part.positions.len());
                    weights = rest;
                    let values = &part.cache.values[index];
                    WeightedSum {
                        weights: these,
                        values,
                        stride: kv_width,
                        offset,
                        first: part.positions.start,
                        out,
                    }
                    .dispatch();
                }
            }
        }
    }
}

/// GGUF name of the embedding matrix.
const EMBEDDING: &str = "token_embd.weight";

impl Layer {
    fn load(c: &Config, weights: &Weights, prepared: &Prepared, index: usize) -> Result<Self, EngineError> {
        let name = |part: &str| format!("blk.{index}.{part}");
        let stacked = |parts: &[(&str, usize)], inputs: usize| -> Result<QuantizedLinear, EngineError> {
            let outputs = parts.iter().map(|(_, rows)| rows).sum();
            let mut bias = Vec::new();
            for &(part, rows) in parts {
                bias.extend(
                    weights.optional_vector(&name(&format!("{part}.bias")), rows)?.unwrap_or_default(),
                );
            }
            if !bias.is_empty() && bias.len() != outputs {
                return Err(EngineError::Invalid(format!(
                    "only some of {parts:?} in block {index} have a bias"
                )));
            }
            let read = || {
                let mut data = Vec::new();
                for &(part, rows) in parts {
                    let part = weights.matrix(&name(&format!("{part}.weight")), rows, inputs)?.data;
                    // Only what is there says how much there will be.
                    if data.is_empty() {
                        data.reserve_exact(outputs * inputs);
                    }
                    data.extend(part);
                }
                Ok(data)
            };
            let matrix = prepared.matrix(&name(parts[0].0), outputs, inputs, read)?;
            Ok(QuantizedLinear::new(matrix, Some(bias).filter(|b| !b.is_empty())))
        };
        Ok(Layer {
            attention_norm: weights.vector(&name("attn_norm.weight"), c.hidden)?,
            qkv: stacked(
                &[("attn_q", c.query_width()), ("attn_k", c.kv_width()), ("attn_v", c.kv_width())],
                c.hidden,
            )?,
            query_norm: weights.optional_vector(&name("attn_q_norm.weight"), c.head_dim)?,
            key_norm: weights.optional_vector(&name("attn_k_norm.weight"), c.head_dim)?,
            attention_output: stacked(&[("attn_output", c.hidden)], c.query_width())?,
            post_attention_norm: weights.optional_vector(&name("post_attention_norm.weight"), c.hidden)?,
            feed_forward_norm: weights.vector(&name("ffn_norm.weight"), c.hidden)?,
            gate_up: stacked(&[("ffn_gate", c.feed_forward), ("ffn_up", c.feed_forward)], c.hidden)?,
            down: stacked(&[("ffn_down", c.hidden)], c.feed_forward)?,
            post_feed_forward_norm: weights.optional_vector(&name("post_ffw_norm.weight"), c.hidden)?,
            rope: usize::from(c.is_sliding(index)),
            reach: if c.is_sliding(index) { c.window } else { usize::MAX },
        })
    }
}

impl Decoder for Network {
    type State = Rows;

    fn start(&self, sources: &[&[u32]]) -> Result<Rows, EngineError> {
        let mut state = Rows { rows: Vec::new(), scratch: Scratch::default() };
        self.extend(&mut state, sources)?;
        Ok(state)
    }

    fn extend(&self, state: &mut Rows, sources: &[&[u32]]) -> Result<bool, EngineError> {
        let (shared, cache) = &self.prefix;
        let nothing = Arc::new(Cache::new(self.config.layers));
        let (mut rows, mut rest) = (Vec::new(), Vec::new());
        for source in sources {
            let shares = source.strip_prefix(shared.as_slice());
            rows.push(self.row(Arc::clone(if shares.is_some() { cache } else { &nothing })));
            rest.push(shares.unwrap_or(source));
        }
        self.take_in(&mut rows, &rest, &mut state.scratch)?;
        state.rows.extend(rows);
        Ok(true)
    }

    fn step(
        &self,
        state: &mut Rows,
        previous: &[u32],
        k: usize,
        constraints: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let tokens: Vec<&[u32]> = previous.chunks(1).collect();
        self.forward(&mut state.rows, &tokens, &mut state.scratch)?;
        let s = &mut state.scratch;
        rms_norm(&s.hidden, &self.output_norm, self.config.norm_eps, &mut s.normed);
        self.vocabulary.best(&mut s.int8, &s.normed, k, constraints, &[], &mut s.logits)
    }

    fn reorder(&self, state: &mut Rows, wanted: &[usize]) -> Result<(), EngineError> {
        state.rows = reordered(std::mem::take(&mut state.rows), wanted);
        Ok(())
    }
}

/// Root-mean-square norm of each row (Zhang & Sennrich 2019), times `weight`.
fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut Vec<f32>) {
    out.clear();
    for row in x.chunks_exact(weight.len()) {
        let scale = rms_scale(row, eps);
        out.extend(row.iter().zip(weight).map(|(x, w)| x * scale * w));
    }
}

fn rms_scale(row: &[f32], eps: f32) -> f32 {
    1.0 / (SumSquare::new(row).dispatch() / row.len() as f32 + eps).sqrt()
}

/// Adds a block's output to the residual stream, normed first where the architecture says so.
fn residual(hidden: &mut [f32], output: &mut [f32], norm: Option<&[f32]>, c: &Config) {
    for (hidden, output) in hidden.chunks_exact_mut(c.hidden).zip(output.chunks_exact(c.hidden)) {
        match norm {
            Some(weight) => {
                let scale = rms_scale(output, c.norm_eps);
                for ((h, o), w) in hidden.iter_mut().zip(output).zip(weight) {
                    *h += o * scale * w;
                }
            }
            None => hidden.iter_mut().zip(output).for_each(|(h, o)| *h += o),
        }
    }
}

/// `activation(gate) · up` for rows of gate and up side by side.
fn gated(gate_up: &[f32], width: usize, activation: Activation, out: &mut Vec<f32>) {
    out.clear();
    for row in gate_up.chunks_exact(2 * width) {
        let (gate, up) = row.split_at(width);
        let start = out.len();
        out.extend_from_slice(gate);
        let gate = &mut out[start..];
        match activation {
            Activation::Silu => math::silu(gate),
            Activation::GeluTanh => math::gelu_tanh(gate),
        }
        gate.iter_mut().zip(up).for_each(|(g, u)| *g *= u);
    }
}

/// Norm (where the architecture has one) and rotary embedding (Su et al. 2021) of one query or key head.
fn prepare_head(head: &mut [f32], norm: Option<&[f32]>, turns: &[(f32, f32)], c: &Config) {
    if let Some(weight) = norm {
        let scale = rms_scale(head, c.norm_eps);
        head.iter_mut().zip(weight).for_each(|(x, w)| *x *= scale * w);
    }
    let turn = |a: &mut f32, b: &mut f32, &(sin, cos): &(f32, f32)| {
        (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
    };
    let turned = &mut head[..c.rope_dim];
    match c.rope_style {
        RopeStyle::Interleaved => {
            for (pair, by) in turned.chunks_exact_mut(2).zip(turns) {
                let [a, b] = pair else { continue };
                turn(a, b, by);
            }
        }
        RopeStyle::Halves => {
            let (first, second) = turned.split_at_mut(c.rope_dim / 2);
            for ((a, b), by) in first.iter_mut().zip(second).zip(turns) {
                turn(a, b, by);
            }
        }
    }
}

/// A stretch of positions of one cache.
struct Part<'a> {
    cache: &'a Cache,
    positions: Range<usize>,
}
