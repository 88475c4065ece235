//! The same transformer in candle tensors: the reference that the CPU loops are compared with, and the path for GPUs.
//!
//! Rows are padded on the left of their own tokens, behind the common prefix, so that all rows grow at the same end;
//! masks hide the padding and positions skip it.

use candle_core::{D, DType, Device, IndexOp, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};

use super::config::{Activation, Config, RopeStyle};
use super::weights::{Matrix, Weights};
use crate::engine::EngineError;
use crate::engine::candidates::{self, Candidate, Constraint};
use crate::engine::search::Decoder;

struct Linear {
    /// inputs × outputs
    weight: Tensor,
    bias: Option<Tensor>,
}

impl Linear {
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let y = x.broadcast_matmul(&self.weight)?;
        match &self.bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        }
    }
}

struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    query_norm: Option<Tensor>,
    key_norm: Option<Tensor>,
    attention_output: Linear,
    post_attention_norm: Option<Tensor>,
    feed_forward_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
    post_feed_forward_norm: Option<Tensor>,
    rope_frequencies: Vec<f32>,
    reach: usize,
}

/// The weights on a device.
pub struct Network {
    /// Shapes and constants.
    pub config: Config,
    device: Device,
    dtype: DType,
    layers: Vec<Layer>,
    /// vocabulary × hidden
    embedding: Tensor,
    output: Linear,
    output_norm: Tensor,
    /// The tokens that prompts begin with, and their row.
    prefix: (Vec<u32>, Rows),
}

/// The rows under way.
#[derive(Clone, Default)]
pub struct Rows {
    /// For each layer, rows × key/value heads × positions × head width; empty before the first token.
    keys: Vec<Tensor>,
    values: Vec<Tensor>,
    /// Positions at the start that all rows share and that have no padding before them.
    shared: usize,
    /// Padding of each row, right behind the shared positions.
    padding: Vec<usize>,
    /// Positions in the caches, padding included.
    len: usize,
}

impl Rows {
    /// Position of index `i` of a row: padding counts as the first position behind it.
    fn position(&self, row: usize, i: usize) -> usize {
        if i < self.shared { i } else { i.saturating_sub(self.padding[row]).max(self.shared) }
    }
}

impl Network {
    /// What it computes in.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Reads the weights into `dtype` on `device`.
    pub fn load(
        config: Config,
        weights: &Weights,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, EngineError> {
        let upload = |m: Matrix| {
            Tensor::from_vec(m.data, (m.rows, m.cols), &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
        };
        let vector = |name: &str, len: usize| -> Result<Tensor, EngineError> {
            let data = weights.vector(name, len)?;
            Ok(Tensor::from_vec(data, len, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)?)
        };
        let optional = |name: &str, len: usize| -> Result<Option<Tensor>, EngineError> {
            if weights.has(name) { vector(name, len).map(Some) } else { Ok(None) }
        };
        let linear =
            |index: usize, part: &str, outputs: usize, inputs: usize| -> Result<Linear, EngineError> {
                let matrix = weights.matrix(&format!("blk.{index}.{part}.weight"), outputs, inputs)?;
                Ok(Linear {
                    weight: upload(matrix)?.t()?.contiguous()?,
                    bias: optional(&format!("blk.{index}.{part}.bias"), outputs)?,
                })
            };
        let c = &config;
        let rope_factors = weights.optional_vector("rope_freqs.weight", c.rope_dim / 2)?;
        let layers = (0..c.layers)
            .map(|i| {
                let name = |part: &str| format!("blk.{i}.{part}.weight");
                Ok(Layer {
                    attention_norm: vector(&name("attn_norm"), c.hidden)?,
                    query: linear(i, "attn_q", c.query_width(), c.hidden)?,
                    key: linear(i, "attn_k", c.kv_width(), c.hidden)?,
                    value: linear(i, "attn_v", c.kv_width(), c.hidden)?,
                    query_norm: optional(&name("attn_q_norm"), c.head_dim)?,
                    key_norm: optional(&name("attn_k_norm"), c.head_dim)?,
                    attention_output: linear(i, "attn_output", c.hidden, c.query_width())?,
                    post_attention_norm: optional(&name("post_attention_norm"), c.hidden)?,
                    feed_forward_norm: vector(&name("ffn_norm"), c.hidden)?,
                    gate: linear(i, "ffn_gate", c.feed_forward, c.hidden)?,
                    up: linear(i, "ffn_up", c.feed_forward, c.hidden)?,
                    down: linear(i, "ffn_down", c.hidden, c.feed_forward)?,
                    post_feed_forward_norm: optional(&name("post_ffw_norm"), c.hidden)?,
                    rope_frequencies: c.rope_frequencies(i, rope_factors.as_deref()),
                    reach: if c.is_sliding(i) { c.window } else { usize::MAX },
                })
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let whole = |name: &str| -> Result<Tensor, EngineError> {
            let (rows, cols) = weights.shape(name)?;
            Ok(upload(weights.matrix(name, rows, cols)?)?)
        };
        let embedding = whole("token_embd.weight")?;
        let output = if weights.has("output.weight") { whole("output.weight")? } else { embedding.clone() };
        Ok(Network {
            output: Linear { weight: output.t()?, bias: None },
            embedding,
            output_norm: vector("output_norm.weight", c.hidden)?,
            layers,
            device: device.clone(),
            dtype,
            config,
            prefix: (Vec::new(), Rows::default()),
        })
    }

    /// Takes in, once, the tokens that most prompts begin with; batches whose prompts all do share the result.
    pub fn set_prefix(&mut self, tokens: &[u32]) -> Result<(), EngineError> {
        let mut rows = Rows { padding: vec![0], ..Rows::default() };
        self.forward(&mut rows, &[tokens.to_vec()])?;
        rows.shared = rows.len;
        self.prefix = (tokens.to_vec(), rows);
        Ok(())
    }

    /// Runs a token matrix (rows of equal length, padding included) through all layers; the last tokens' hidden
    /// values, rows × hidden.
    fn forward(&self, rows: &mut Rows, tokens: &[Vec<u32>]) -> Result<Tensor, EngineError> {
        let c = &self.config;
        let (count, new) = (tokens.len(), tokens[0].len());
        let ids = Tensor::new(tokens.iter().flatten().copied().collect::<Vec<_>>(), &self.device)?;
        let mut x = self.embedding.index_select(&ids, 0)?.reshape((count, new, c.hidden))?;
        x = (x * f64::from(c.embedding_scale))?;
        let eps = c.norm_eps;
        let norm = |x: &Tensor, weight: &Tensor| rms_norm(&x.contiguous()?, weight, eps);
        let optional_norm = |x: Tensor, weight: &Option<Tensor>| match weight {
            Some(weight) => norm(&x, weight),
            None => Ok(x),
        };
        let all = rows.len + new;
        let heads =
            |x: Tensor, n: usize| x.reshape((count, new, n, c.head_dim))?.transpose(1, 2)?.contiguous();
        let mut mask_of: Option<(usize, Tensor)> = None;
        for (i, layer) in self.layers.iter().enumerate() {
            let normed = norm(&x, &layer.attention_norm)?;
            let q = optional_norm(heads(layer.query.forward(&normed)?, c.heads)?, &layer.query_norm)?;
            let k = optional_norm(heads(layer.key.forward(&normed)?, c.kv_heads)?, &layer.key_norm)?;
            let v = heads(layer.value.forward(&normed)?, c.kv_heads)?;
            let (sin, cos) = self.angles(rows, new, &layer.rope_frequencies)?;
            let q = (self.rotate(&q, &sin, &cos)? * f64::from(c.attention_scale))?;
            let k = self.rotate(&k, &sin, &cos)?;
            let (k, v) = match rows.keys.get(i) {
                Some(past) => (Tensor::cat(&[past, &k], 2)?, Tensor::cat(&[&rows.values[i], &v], 2)?),
                None => (k, v),
            };
            if rows.keys.len() == i {
                rows.keys.push(k.clone());
                rows.values.push(v.clone());
            } else {
                (rows.keys[i], rows.values[i]) = (k.clone(), v.clone());
            }
            let group = c.heads / c.kv_heads;
            let spread = |x: &Tensor| {
                let shape = (count, c.kv_heads, group, all, c.head_dim);
                x.unsqueeze(2)?.expand(shape)?.reshape((count, c.heads, all, c.head_dim))
            };
            let mask = match &mask_of {
                Some((reach, mask)) if *reach == layer.reach => mask.clone(),
                _ => {
                    let mask = self.mask(rows, new, layer.reach)?;
                    mask_of = Some((layer.reach, mask.clone()));
                    mask
                }
            };
            let scores = q.matmul(&spread(&k)?.transpose(2, 3)?.contiguous()?)?.broadcast_add(&mask)?;
            let attended = softmax_last_dim(&scores)?.matmul(&spread(&v)?.contiguous()?)?;
            let attended = attended.transpose(1, 2)?.reshape((count, new, c.query_width()))?;
            let y = layer.attention_output.forward(&attended)?;
            x = (x + optional_norm(y, &layer.post_attention_norm)?)?;

            let normed = norm(&x, &layer.feed_forward_norm)?;
            let gate = layer.gate.forward(&normed)?;
            let gate = match c.activation {
                Activation::Silu => silu(&gate)?,
                Activation::GeluTanh => gate.gelu()?,
            };
            let y = layer.down.forward(&(gate * layer.up.forward(&normed)?)?)?;
            x = (x + optional_norm(y, &layer.post_feed_forward_norm)?)?;
        }
        rows.len = all;
        Ok(norm(&x.i((.., new - 1))?, &self.output_norm)?)
    }

    /// Sines and cosines of the new tokens' angles, rows × 1 × new × rope_dim / 2.
    fn angles(&self, rows: &Rows, new: usize, frequencies: &[f32]) -> Result<(Tensor, Tensor), EngineError> {
        let count = rows.padding.len();
        let mut angles = Vec::with_capacity(count * new * frequencies.len());
        for row in 0..count {
            for i in 0..new {
                let position = rows.position(row, rows.len + i) as f32;
                angles.extend(frequencies.iter().map(|f| position * f));
            }
        }
        let angles = Tensor::from_vec(angles, (count, 1, new, frequencies.len()), &Device::Cpu)?;
        let upload = |t: Tensor| t.to_dtype(self.dtype)?.to_device(&self.device);
        Ok((upload(angles.sin()?)?, upload(angles.cos()?)?))
    }

    fn rotate(&self, x: &Tensor, sin: &Tensor, cos: &Tensor) -> candle_core::Result<Tensor> {
        let c = &self.config;
        let (rows, heads, new, _) = x.dims4()?;
        let half = c.rope_dim / 2;
        let turned = x.narrow(D::Minus1, 0, c.rope_dim)?;
        let rest = x.narrow(D::Minus1, c.rope_dim, c.head_dim - c.rope_dim)?;
        let (a, b) = match c.rope_style {
            RopeStyle::Halves => (turned.narrow(D::Minus1, 0, half)?, turned.narrow(D::Minus1, half, half)?),
            RopeStyle::Interleaved => {
                let pairs = turned.contiguous()?.reshape((rows, heads, new, half, 2))?;
                (pairs.i((.., .., .., .., 0))?, pairs.i((.., .., .., .., 1))?)
            }
        };
        let first = (a.broadcast_mul(cos)? - b.broadcast_mul(sin)?)?;
        let second = (a.broadcast_mul(sin)? + b.broadcast_mul(cos)?)?;
        let turned = match c.rope_style {
            RopeStyle::Halves => Tensor::cat(&[first, second], D::Minus1)?,
            RopeStyle::Interleaved => {
                Tensor::stack(&[first, second], D::Minus1)?.reshape((rows, heads, new, c.rope_dim))?
            }
        };
        Tensor::cat(&[turned, rest], D::Minus1)?.contiguous()
    }

    /// 0 where a new token may look, -∞ elsewhere: rows × 1 × new × all.
    fn mask(&self, rows: &Rows, new: usize, reach: usize) -> Result<Tensor, EngineError> {
        let (count, all) = (rows.padding.len(), rows.len + new);
        let mut mask = Vec::with_capacity(count * new * all);
        for row in 0..count {
            let padding = rows.shared..rows.shared + rows.padding[row];
            for i in 0..new {
                let here = rows.len + i;
                let position = rows.position(row, here);
                for j in 0..all {
                    // Padding sees itself: a row of the softmax must not be empty.
                    let visible = j == here
                        || (j < here
                            && !padding.contains(&j)
                            && position - rows.position(row, j).min(position) < reach);
                    mask.push(if visible { 0f32 } else { f32::NEG_INFINITY });
                }
            }
        }
        let mask = Tensor::from_vec(mask, (count, 1, new, all), &Device::Cpu)?;
        Ok(mask.to_dtype(self.dtype)?.to_device(&self.device)?)
    }
}

impl Decoder for Network {
    type State = Rows;

    fn start(&self, sources: &[&[u32]]) -> Result<Rows, EngineError> {
        let (tokens, prefix) = &self.prefix;
        let without: Option<Vec<&[u32]>> =
            sources.iter().map(|s| s.strip_prefix(tokens.as_slice())).collect();
        let (own, mut rows) = match without {
            Some(own) => {
                let spread = |t: &Tensor| {
                    let (_, heads, len, width) = t.dims4()?;
                    t.expand((sources.len(), heads, len, width))?.contiguous()
                };
                let keys = prefix.keys.iter().map(spread).collect::<Result<_, _>>()?;
                let values = prefix.values.iter().map(spread).collect::<Result<_, _>>()?;
                (own, Rows { keys, values, shared: prefix.len, len: prefix.len, padding: Vec::new() })
            }
            None => (sources.to_vec(), Rows::default()),
        };
        let longest = own.iter().map(|p| p.len()).max().unwrap_or(0);
        rows.padding = own.iter().map(|p| longest - p.len()).collect();
        if longest > 0 {
            let padded: Vec<Vec<u32>> =
                own.iter().map(|p| [vec![0; longest - p.len()], p.to_vec()].concat()).collect();
            self.forward(&mut rows, &padded)?;
        }
        Ok(rows)
    }

    fn step(
        &self,
        rows: &mut Rows,
        previous: &[u32],
        k: usize,
        constraints: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        let tokens: Vec<Vec<u32>> = previous.iter().map(|&id| vec![id]).collect();
        let hidden = self.forward(rows, &tokens)?;
        let logits = self.output.forward(&hidden)?.to_dtype(DType::F32)?;
        candidates::of_logits(&logits, k, constraints)
    }

    fn reorder(&self, rows: &mut Rows, wanted: &[usize]) -> Result<(), EngineError> {
        if wanted.iter().copied().eq(0..rows.padding.len()) {
            return Ok(());
        }
        if wanted.is_empty() {
            *rows = Rows::default();
            return Ok(());
        }
        rows.padding = wanted.iter().map(|&r| rows.padding[r]).collect();
        let ids = Tensor::new(wanted.iter().map(|&r| r as u32).collect::<Vec<_>>(), &self.device)?;
        for cache in rows.keys.iter_mut().chain(&mut rows.values) {
            *cache = cache.index_select(&ids, 0)?;
        }
        Ok(())
    }
}
