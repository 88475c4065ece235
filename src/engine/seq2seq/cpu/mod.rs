//! An encoder-decoder on the CPU: int8 linear layers, everything else in f32 loops over plain slices.
//!
//! Sources and rows have their own lengths: linear layers see all their tokens packed together without padding,
//! attention runs source by source and row by row. Every operation on a row is independent of the other rows, so a
//! batch equals its members alone to the last bit.

mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_nn::Activation;
use rten_simd::{SimdOp, f16};

use super::architecture::{Architecture, StackShape};
use super::nn::bucket;
use super::shortlist::Shortlist;
use crate::engine::EngineError;
use crate::engine::attention::{AttendCached, AttendSource, store};
use crate::engine::candidates::{Candidate, Constraint};
use crate::engine::math;
use crate::engine::output::{OutputLayer, PublishedOutput};
use crate::engine::qgemm::{Int8Gemm, Int8Scratch, QuantizedLinear};
use crate::engine::search::{Decoder, reordered};
use crate::engine::shared::Shared;

/// Tokens of sources encoded at once: enough to fill the kernels, small enough for their scratch to stay in cache.
const ENCODED_TOKENS: usize = 512;

/// Layer norm (Ba et al. 2016) or, without a bias, root-mean-square norm (Zhang & Sennrich 2019).
struct Norm {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    eps: f32,
}

struct SelfAttention {
    /// Queries, keys and values side by side.
    qkv: QuantizedLinear,
    output: QuantizedLinear,
    norm: Norm,
}

/// See [`Autoregression::Ssru`](super::architecture::Autoregression).
struct Ssru {
    /// The input and the forget gate side by side.
    gates: QuantizedLinear,
    norm: Norm,
}

/// What brings a layer's positions together.
#[expect(clippy::large_enum_variant, reason = "there are a dozen of them")]
enum Mixer {
    Attention(SelfAttention),
    Ssru(Ssru),
}

struct CrossAttention {
    query: QuantizedLinear,
    /// Keys and values side by side, of the encoder's output.
    keys_values: QuantizedLinear,
    output: QuantizedLinear,
    norm: Norm,
}

struct FeedForward {
    /// The gate behind the first half where there is one. A ReLU, where there is none, is part of it.
    first: QuantizedLinear,
    second: QuantizedLinear,
    norm: Norm,
}

struct Layer {
    mixer: Mixer,
    cross: Option<CrossAttention>,
    feed_forward: FeedForward,
}

enum Table {
    /// positions × width, added to the embedding
    Added(Vec<f32>),
    /// buckets × heads, added to the scores of self-attention
    Scores { table: Vec<f32>, buckets: usize, furthest: usize },
}

/// tokens × width
#[derive(Clone)]
enum Embedding {
    /// In 16 bits, which is what most of these models are published in.
    Half(Shared<half::f16>),
    /// As published: int8, to be multiplied by a step.
    Int8(Arc<Vec<i8>>, f32),
}

struct Stack {
    shape: StackShape,
    embedding: Embedding,
    positions: Table,
    embedding_norm: Option<Norm>,
    layers: Vec<Layer>,
    final_norm: Option<Norm>,
}

/// The weights, quantised for the CPU, shared by all rows and threads.
pub struct Network {
    architecture: Architecture,
    gemm: Int8Gemm,
    encoder: Stack,
    decoder: Stack,
    output: Output,
}

enum Output {
    /// All tokens at every step.
    Whole(OutputLayer),
    /// Those that the sources of a batch may become.
    Listed(PublishedOutput, Arc<Shortlist>),
}

/// Keys and values: for each layer, positions × inner width.
struct Cache {
    keys: Vec<Vec<f16>>,
    values: Vec<Vec<f16>>,
}

impl Cache {
    /// One that can take `values` in each layer before it must move.
    fn new(layers: usize, values: usize) -> Self {
        let empty = || (0..layers).map(|_| Vec::with_capacity(values)).collect();
        Cache { keys: empty(), values: empty() }
    }
}

impl Clone for Cache {
    fn clone(&self) -> Self {
        // A copy will grow as its original would.
        let copy = |layers: &[Vec<f16>]| layers.iter().map(roomy).collect();
        Cache { keys: copy(&self.keys), values: copy(&self.values) }
    }
}

fn roomy(layer: &Vec<f16>) -> Vec<f16> {
    let mut copy = Vec::with_capacity(layer.capacity());
    copy.extend_from_slice(layer);
    copy
}

/// One row: the encoder's side, which the rows of a source share, and its own.
#[derive(Clone)]
struct Row {
    cross: Arc<Cache>,
    own: Cache,
    /// The cell of each recurrent layer, of the decoder's width.
    cells: Vec<Vec<f32>>,
    /// Tokens decoded so far.
    position: usize,
    /// Where targets are made of listed tokens only.
    listed: Option<Listed>,
    /// What the last token looked at, see [`Decoder::attention`].
    attention: Vec<f32>,
}

/// The tokens that a row's target may have.
#[derive(Clone)]
struct Listed {
    /// In rising order.
    ids: Arc<Vec<u32>>,
    /// For each output of [`Rows::output`], 0 where it is one of them, -∞ elsewhere.
    mask: Arc<Vec<f32>>,
}

/// The rows under way.
pub struct Rows {
    rows: Vec<Row>,
    /// Where it is not the network's own.
    output: Option<OutputLayer>,
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
    inner: Vec<f32>,
    keys: Vec<f32>,
    scores: Vec<f32>,
    distances: Vec<f32>,
    /// See [`Stack::distances_of_last`].
    last_distances: BTreeMap<usize, Vec<f32>>,
    logits: Vec<f32>,
}

impl Network {
    /// Name of the int8 kernel in use.
    pub fn kernel(&self) -> String {
        self.gemm.kernel()
    }

    /// The most tokens a source or a target may have.
    pub fn max_positions(&self) -> Option<usize> {
        self.architecture.max_positions
    }

    /// Encodes `sources` into `s.hidden`, tokens × width, one after the other.
    fn encode(&self, sources: &[&[u32]], s: &mut Scratch) -> Result<(), EngineError> {
        let a = &self.architecture;
        s.hidden.clear();
        for source in sources {
            self.encoder.embed(a, source, 0, &mut s.hidden)?;
        }
        self.encoder.norm_embedding(&mut s.hidden);
        let shape = self.encoder.shape;
        let inner = shape.heads * shape.head_width;
        for layer in &self.encoder.layers {
            let Mixer::Attention(attention) = &layer.mixer else { continue };
            attention.norm.before(a, s);
            s.int8.apply(&attention.qkv, &s.normed, &mut s.qkv)?;
            s.attended.resize(s.qkv.len() / 3, 0.0);
            let mut start = 0;
            for source in sources {
                let tokens = start..start + source.len();
                self.encoder.distances(source.len(), source.len(), true, &mut s.distances);
                AttendSource {
                    qkv: &s.qkv[tokens.start * 3 * inner..tokens.end * 3 * inner],
                    heads: shape.heads,
                    width: shape.head_width,
                    scale: shape.attention_scale as f32,
                    distances: &s.distances,
                    keys: &mut s.keys,
                    scores: &mut s.scores,
                    out: &mut s.attended[tokens.start * inner..tokens.end * inner],
                }
                .dispatch();
                start = tokens.end;
            }
            s.int8.apply(&attention.output, &s.attended, &mut s.projected)?;
            attention.norm.after(a, s);
            layer.feed_forward.forward(a, s)?;
        }
        self.encoder.finish(&mut s.hidden);
        Ok(())
    }

    /// A row for each of `sources`: the keys and values of their encoded tokens.
    fn rows_of(&self, sources: &[&[u32]], s: &mut Scratch, rows: &mut Vec<Row>) -> Result<(), EngineError> {
        self.encode(sources, s)?;
        let layers = self.decoder.layers.len();
        let shape = self.decoder.shape;
        let inner = shape.heads * shape.head_width;
        let mut caches: Vec<Cache> =
            sources.iter().map(|source| Cache::new(layers, source.len() * inner)).collect();
        for (index, layer) in self.decoder.layers.iter().enumerate() {
            let Some(cross) = &layer.cross else { continue };
            s.int8.apply(&cross.keys_values, &s.hidden, &mut s.qkv)?;
            let mut tokens = s.qkv.chunks_exact(2 * inner);
            for (source, cache) in sources.iter().zip(&mut caches) {
                for token in tokens.by_ref().take(source.len()) {
                    store(&token[..inner], &mut cache.keys[index]);
                    store(&token[inner..], &mut cache.values[index]);
                }
            }
        }
        rows.extend(sources.iter().zip(caches).map(|(source, cache)| Row {
            cross: Arc::new(cache),
            own: self.decoder.empty_cache(source.len()),
            cells: self.decoder.cells(self.architecture.width),
            position: 0,
            listed: None,
            attention: Vec::new(),
        }));
        Ok(())
    }

    /// Runs one token a row through the decoder; `s.hidden` holds rows × width afterwards.
    fn decode(&self, rows: &mut [Row], previous: &[u32], s: &mut Scratch) -> Result<(), EngineError> {
        let a = &self.architecture;
        s.hidden.clear();
        for (row, id) in rows.iter().zip(previous) {
            self.decoder.embed(a, &[*id], row.position, &mut s.hidden)?;
        }
        self.decoder.norm_embedding(&mut s.hidden);
        let shape = self.decoder.shape;
        let (inner, width) = (shape.heads * shape.head_width, shape.head_width);
        self.decoder.distances_of_last(rows, &mut s.last_distances);
        for (index, layer) in self.decoder.layers.iter().enumerate() {
            match &layer.mixer {
                Mixer::Attention(attention) => attention.step(a, shape, rows, index, s)?,
                Mixer::Ssru(ssru) => ssru.step(a, rows, index, s)?,
            }
            if let Some(cross) = &layer.cross {
                cross.norm.before(a, s);
                s.int8.apply(&cross.query, &s.normed, &mut s.qkv)?;
                s.attended.resize(rows.len() * inner, 0.0);
                for ((row, query), out) in
                    rows.iter_mut().zip(s.qkv.chunks_exact(inner)).zip(s.attended.chunks_exact_mut(inner))
                {
                    AttendCached {
                        query,
                        width,
                        scale: shape.attention_scale as f32,
                        keys: &row.cross.keys[index],
                        values: &row.cross.values[index],
                        distances: &[],
                        scores: &mut s.scores,
                        out,
                    }
                    .dispatch();
                    if a.aligned && index + 1 == self.decoder.layers.len() {
                        row.attention.clear();
                        row.attention.extend_from_slice(&s.scores[..row.cross.keys[index].len() / inner]);
                    }
                }
                s.int8.apply(&cross.output, &s.attended, &mut s.projected)?;
                cross.norm.after(a, s);
            }
            layer.feed_forward.forward(a, s)?;
        }
        self.decoder.finish(&mut s.hidden);
        Ok(())
    }
}

impl SelfAttention {
    /// One token a row.
    fn step(
        &self,
        a: &Architecture,
        shape: StackShape,
        rows: &mut [Row],
        index: usize,
        s: &mut Scratch,
    ) -> Result<(), EngineError> {
        let inner = shape.heads * shape.head_width;
        self.norm.before(a, s);
        s.int8.apply(&self.qkv, &s.normed, &mut s.qkv)?;
        // Written over, all of it.
        s.attended.resize(rows.len() * inner, 0.0);
        let rows = rows.iter_mut().zip(s.qkv.chunks_exact(3 * inner));
        for ((row, qkv), out) in rows.zip(s.attended.chunks_exact_mut(inner)) {
            store(&qkv[inner..2 * inner], &mut row.own.keys[index]);
            store(&qkv[2 * inner..], &mut row.own.values[index]);
            AttendCached {
                query: &qkv[..inner],
                width: shape.head_width,
                scale: shape.attention_scale as f32,
                keys: &row.own.keys[index],
                values: &row.own.values[index],
                distances: s.last_distances.get(&row.position).map_or(&[], Vec::as_slice),
                scores: &mut s.scores,
                out,
            }
            .dispatch();
        }
        s.int8.apply(&self.output, &s.attended, &mut s.projected)?;
        self.norm.after(a, s);
        Ok(())
    }
}

impl Ssru {
    /// One token a row.
    fn step(
        &self,
        a: &Architecture,
        rows: &mut [Row],
        index: usize,
        s: &mut Scratch,
    ) -> Result<(), EngineError> {
        self.norm.before(a, s);
        s.int8.apply(&self.gates, &s.normed, &mut s.qkv)?;
        s.projected.resize(rows.len() * a.width, 0.0);
        let outputs = s.projected.chunks_exact_mut(a.width);
        for ((row, gates), output) in rows.iter_mut().zip(s.qkv.chunks_exact(2 * a.width)).zip(outputs) {
            let cell = &mut row.cells[index];
            let (input, forget) = gates.split_at(a.width);
            math::recur(cell, input, forget);
            output.copy_from_slice(cell);
        }
        activate(Activation::Relu, &mut s.projected);
        self.norm.after(a, s);
        Ok(())
    }
}

impl Norm {
    fn apply(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.weight.len()) {
            math::norm(row, &self.weight, self.bias.as_deref(), self.eps);
        }
    }

    /// Makes a block's input, normed where the architecture does so.
    fn before(&self, a: &Architecture, s: &mut Scratch) {
        s.normed.clear();
        s.normed.extend_from_slice(&s.hidden);
        if a.pre_norm {
            self.apply(&mut s.normed);
        }
    }

    /// Adds a block's output to the residual stream, and norms the sum where the architecture does so.
    fn after(&self, a: &Architecture, s: &mut Scratch) {
        math::add(&mut s.hidden, &s.projected);
        if !a.pre_norm {
            self.apply(&mut s.hidden);
        }
    }
}

impl FeedForward {
    fn forward(&self, a: &Architecture, s: &mut Scratch) -> Result<(), EngineError> {
        self.norm.before(a, s);
        s.int8.apply(&self.first, &s.normed, &mut s.inner)?;
        if a.gated {
            let width = self.first.outputs() / 2;
            let mut kept = 0;
            for row in 0..s.inner.len() / (2 * width) {
                let (first, gate) = s.inner[row * 2 * width..][..2 * width].split_at_mut(width);
                activate(a.activation, first);
                first.iter_mut().zip(gate).for_each(|(x, gate)| *x *= *gate);
                s.inner.copy_within(row * 2 * width..row * 2 * width + width, kept);
                kept += width;
            }
            s.inner.truncate(kept);
        } else if a.activation != Activation::Relu {
            activate(a.activation, &mut s.inner);
        }
        s.int8.apply(&self.second, &s.inner, &mut s.projected)?;
        self.norm.after(a, s);
        Ok(())
    }
}

fn activate(activation: Activation, x: &mut [f32]) {
    match activation {
        Activation::Silu => math::silu(x),
        Activation::NewGelu => math::gelu_tanh(x),
        Activation::Gelu => math::gelu(x),
        _ => x.iter_mut().for_each(|x| *x = x.max(0.0)),
    }
}

impl Embedding {
    /// Appends a token's row times `scale` to `out`, or says that there is no such token.
    fn extend(&self, token: usize, width: usize, scale: f32, out: &mut Vec<f32>) -> bool {
        let range = token * width..(token + 1) * width;
        match self {
            Embedding::Half(rows) => {
                rows.get(range).map(|row| out.extend(row.iter().map(|x| x.to_f32() * scale)))
            }
            Embedding::Int8(rows, step) => {
                let scale = step * scale;
                rows.get(range).map(|row| out.extend(row.iter().map(|&q| f32::from(q) * scale)))
            }
        }
        .is_some()
    }
}

impl Stack {
    /// Appends the embedded `ids`, the first of which is number `start`.
    fn embed(
        &self,
        a: &Architecture,
        ids: &[u32],
        start: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), EngineError> {
        let scale = a.embedding_scale as f32;
        for (position, &id) in (start..).zip(ids) {
            let at = out.len();
            if a.empty_start && id as usize == a.target_vocabulary {
                out.resize(at + a.width, 0.0);
            } else if !self.embedding.extend(id as usize, a.width, scale, out) {
                return Err(EngineError::Compute(format!("token {id} is not in the vocabulary")));
            }
            match &self.positions {
                Table::Added(table) => {
                    let added = table.get(position * a.width..(position + 1) * a.width).ok_or_else(|| {
                        let most = table.len() / a.width;
                        EngineError::Compute(format!(
                            "{} tokens, and the model knows {most} positions",
                            position + 1
                        ))
                    })?;
                    out[at..].iter_mut().zip(added).for_each(|(x, p)| *x += p);
                }
                Table::Scores { .. } => {}
            }
        }
        Ok(())
    }

    /// An empty cache of the decoder's own positions, for a target about as long as its source.
    fn empty_cache(&self, source_tokens: usize) -> Cache {
        let has_attention = self.layers.iter().any(|layer| matches!(layer.mixer, Mixer::Attention(_)));
        let positions = if has_attention { source_tokens + source_tokens / 4 + 8 } else { 0 };
        Cache::new(self.layers.len(), positions * self.shape.heads * self.shape.head_width)
    }

    /// The recurrent layers' cells before the first token.
    fn cells(&self, width: usize) -> Vec<Vec<f32>> {
        let cell = |layer: &Layer| match layer.mixer {
            Mixer::Attention(_) => Vec::new(),
            Mixer::Ssru(_) => vec![0.0; width],
        };
        self.layers.iter().map(cell).collect()
    }

    fn norm_embedding(&self, hidden: &mut [f32]) {
        if let Some(norm) = &self.embedding_norm {
            norm.apply(hidden);
        }
    }

    fn finish(&self, hidden: &mut [f32]) {
        if let Some(norm) = &self.final_norm {
            norm.apply(hidden);
        }
    }

    /// What distances add to the scores: heads × queries × keys; nothing where positions are added to embeddings.
    fn distances(&self, queries: usize, keys: usize, both_directions: bool, out: &mut Vec<f32>) {
        out.clear();
        let Table::Scores { table, buckets, furthest } = &self.positions else { return };
        for head in 0..self.shape.heads {
            for query in 0..queries {
                out.extend((0..keys).map(|key| {
                    let distance = key as i64 - query as i64;
                    table[bucket(distance, both_directions, *buckets, *furthest) as usize * self.shape.heads
                        + head]
                }));
            }
        }
    }

    /// The same by position of the rows for a token there, which looks back: heads × (position + 1).
    fn distances_of_last(&self, rows: &[Row], out: &mut BTreeMap<usize, Vec<f32>>) {
        let Table::Scores { table, buckets, furthest } = &self.positions else { return };
        out.clear();
        for row in rows {
            let position = row.position;
            out.entry(position).or_insert_with(|| {
                let heads = 0..self.shape.heads;
                heads
                    .flat_map(|head| {
                        (0..=position).map(move |key| {
                            let distance = key as i64 - position as i64;
                            let bucket = bucket(distance, false, *buckets, *furthest) as usize;
                            table[bucket * self.shape.heads + head]
                        })
                    })
                    .collect()
            });
        }
    }
}

/// A token that no row may have.
const NO_OUTPUT: u32 = u32::MAX;

impl Rows {
    /// Makes the output layer of all tokens that the rows' targets may have.
    fn list(&mut self, published: &PublishedOutput) -> Result<(), EngineError> {
        // For each token its output, and for a moment whether there is one.
        let mut outputs = vec![NO_OUTPUT; published.tokens()];
        for listed in self.rows.iter().filter_map(|row| row.listed.as_ref()) {
            listed.ids.iter().for_each(|&id| outputs[id as usize] = 0);
        }
        let mut all = Vec::new();
        for (id, output) in outputs.iter_mut().enumerate().filter(|(_, output)| **output != NO_OUTPUT) {
            *output = all.len() as u32;
            all.push(id as u32);
        }
        let mask = |ids: &[u32]| {
            let mut mask = vec![f32::NEG_INFINITY; all.len()];
            ids.iter().for_each(|&id| mask[outputs[id as usize] as usize] = 0.0);
            mask
        };
        // The rows of a source lie side by side.
        let mut last: Option<Listed> = None;
        for listed in self.rows.iter_mut().filter_map(|row| row.listed.as_mut()) {
            listed.mask = match last {
                Some(last) if Arc::ptr_eq(&last.ids, &listed.ids) => last.mask,
                _ => Arc::new(mask(&listed.ids)),
            };
            last = Some(listed.clone());
        }
        self.output = Some(published.select(all)?);
        Ok(())
    }
}

impl Decoder for Network {
    type State = Rows;

    fn start(&self, sources: &[&[u32]]) -> Result<Rows, EngineError> {
        let mut state = Rows { rows: Vec::new(), output: None, scratch: Scratch::default() };
        self.extend(&mut state, sources)?;
        Ok(state)
    }

    fn extend(&self, state: &mut Rows, sources: &[&[u32]]) -> Result<bool, EngineError> {
        let before = state.rows.len();
        let mut start = 0;
        while start < sources.len() {
            if sources[start].is_empty() {
                return Err(EngineError::Compute("a source without tokens".into()));
            }
            let mut end = start + 1;
            let mut tokens = sources[start].len();
            while end < sources.len() && tokens + sources[end].len() <= ENCODED_TOKENS {
                tokens += sources[end].len();
                end += 1;
            }
            self.rows_of(&sources[start..end], &mut state.scratch, &mut state.rows)?;
            start = end;
        }
        if let Output::Listed(published, shortlist) = &self.output {
            for (row, source) in state.rows[before..].iter_mut().zip(sources) {
                row.listed = Some(Listed { ids: Arc::new(shortlist.of(source)), mask: Arc::default() });
            }
            state.list(published)?;
        }
        Ok(true)
    }

    fn step(
        &self,
        state: &mut Rows,
        previous: &[u32],
        k: usize,
        constraints: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let s = &mut state.scratch;
        self.decode(&mut state.rows, previous, s)?;
        state.rows.iter_mut().for_each(|row| row.position += 1);
        let scale = self.architecture.output_scale as f32;
        if scale != 1.0 {
            s.hidden.iter_mut().for_each(|x| *x *= scale);
        }
        let output = match (&state.output, &self.output) {
            (Some(layer), _) | (None, Output::Whole(layer)) => layer,
            (None, Output::Listed(..)) => {
                return Err(EngineError::Compute("rows without their tokens".into()));
            }
        };
        let masks: Vec<&[f32]> =
            state.rows.iter().filter_map(|row| Some(row.listed.as_ref()?.mask.as_slice())).collect();
        output.best(&mut s.int8, &s.hidden, k, constraints, &masks, &mut s.logits)
    }

    fn attention<'s>(&self, state: &'s Rows, row: usize) -> &'s [f32] {
        state.rows.get(row).map_or(&[], |row| &row.attention)
    }

    fn reorder(&self, state: &mut Rows, wanted: &[usize]) -> Result<(), EngineError> {
        state.rows = reordered(std::mem::take(&mut state.rows), wanted);
        Ok(())
    }
}
