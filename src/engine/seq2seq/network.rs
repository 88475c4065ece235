//! The encoder-decoder itself: layers put together as the [`Architecture`] says, and the [`Decoder`] that search sees.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::architecture::{Architecture, Autoregression, Naming, Positions, StackShape};
use super::nn::{Attention, FeedForward, KeysValues, Linear, Norm, Ssru, bucket, padding_bias};
use super::shortlist::Shortlist;
use super::weights::{Matrix, Weights};
use crate::engine::EngineError;
use crate::engine::candidates::{self, Candidate, Constraint};
use crate::engine::search::Decoder;

/// Under which names a file has what may be tied.
pub struct Names {
    /// What the encoder's tensors' names begin with.
    pub encoder: &'static str,
    /// What the decoder's do.
    pub decoder: &'static str,
    /// The source embedding.
    pub source: String,
    /// The target embedding; the same where they are shared.
    pub target: String,
    /// The output layer; the target embedding where they are tied.
    pub output: String,
}

impl Names {
    /// A tied matrix may be listed under several names, or under any one of them.
    pub fn find(a: &Architecture, weights: &Weights) -> Self {
        let (encoder, decoder) = match a.naming {
            Naming::Bart => ("model.encoder", "model.decoder"),
            Naming::T5 => ("encoder", "decoder"),
        };
        let own = [encoder, decoder].map(|side| format!("{side}.embed_tokens.weight"));
        let (source, target) = if a.shared_embedding {
            let copies = ["model.shared.weight", "shared.weight", own[0].as_str(), own[1].as_str()];
            let found = copies.into_iter().find(|name| weights.has(name)).unwrap_or(copies[0]).to_string();
            (found.clone(), found)
        } else {
            let [source, target] = own;
            (source, target)
        };
        let output = match weights.has("lm_head.weight") {
            true => "lm_head.weight".to_string(),
            false => target.clone(),
        };
        Names { encoder, decoder, source, target, output }
    }

    /// Tied copies, and what old files hold besides, are of no use.
    pub fn ignore(&self, weights: &Weights) {
        for side in [self.encoder, self.decoder] {
            weights.ignore(&format!("{side}.embed_tokens.weight"));
            weights.ignore(&format!("{side}.version"));
        }
        weights.ignore("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight");
    }
}

/// One layer; the encoder's have no cross-attention.
struct Layer {
    mixer: Mixer,
    mixer_norm: Norm,
    cross: Option<(Attention, Norm)>,
    feed_forward: FeedForward,
    feed_forward_norm: Norm,
}

/// What brings a layer's positions together.
enum Mixer {
    Attention(Attention),
    Ssru(Ssru),
}

/// What a row of a layer's mixer remembers.
enum Memory {
    Attention(Option<KeysValues>),
    /// rows × 1 × width
    Ssru(Option<Tensor>),
}

/// Encoder or decoder.
struct Stack {
    embedding: Tensor,
    positions: Table,
    embedding_norm: Option<Norm>,
    layers: Vec<Layer>,
    final_norm: Option<Norm>,
}

/// Positions as tensors.
enum Table {
    /// positions × width, added to the embedding
    Added(Tensor),
    /// buckets × heads, added to the scores of self-attention
    Scores { table: Tensor, buckets: usize, furthest: usize },
}

/// Encoder, decoder and output layer with their weights.
pub struct Network {
    architecture: Architecture,
    encoder: Stack,
    decoder: Stack,
    output: Linear,
    /// 1 × target vocabulary
    output_bias: Option<Tensor>,
    shortlist: Option<Arc<Shortlist>>,
    device: Device,
    dtype: DType,
}

/// The rows of a search under way.
pub struct Rows {
    /// For each layer the keys and values of the encoder's output, a row each.
    cross: Vec<KeysValues>,
    /// See [`padding_bias`], a row each.
    padding: Option<Tensor>,
    /// For each layer what was decoded so far.
    own: Vec<Memory>,
    /// 0 for what a source's target may be made of and -∞ for the rest: sources × target vocabulary.
    allowed: Option<Tensor>,
    /// Which source each row translates.
    sources: Vec<usize>,
    /// Positions decoded so far, the same for all rows.
    position: usize,
    /// See [`Decoder::attention`], a row each; none where the model is not aligned.
    attention: Vec<Vec<f32>>,
}

impl Network {
    /// Takes the tensors out of `weights`, and checks that all of them were taken.
    pub fn load(
        a: Architecture,
        weights: &Weights,
        shortlist: Option<Arc<Shortlist>>,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, EngineError> {
        let names = Names::find(&a, weights);
        let source = weights.tensor(&names.source, &[a.source_vocabulary, a.width])?;
        let target = match a.shared_embedding {
            true => source.clone(),
            false => weights.tensor(&names.target, &[a.target_vocabulary, a.width])?,
        };
        let output = match names.output == names.target {
            true => Matrix::Dense(target.clone()),
            false => weights.matrix(&names.output, a.target_vocabulary, a.width)?,
        };
        let output_bias = match weights.has("final_logits_bias") {
            true => Some(weights.tensor("final_logits_bias", &[1, a.target_vocabulary])?),
            false => None,
        };
        let target = match a.empty_start {
            true => Tensor::cat(&[&target, &Tensor::zeros((1, a.width), dtype, device)?], 0)?,
            false => target,
        };
        let network = Network {
            encoder: Stack::load(&a, a.encoder, names.encoder, source, weights, device, dtype)?,
            decoder: Stack::load(&a, a.decoder, names.decoder, target, weights, device, dtype)?,
            output: Linear::of(output),
            output_bias,
            shortlist,
            device: device.clone(),
            dtype,
            architecture: a,
        };
        names.ignore(weights);
        weights.finish()?;
        Ok(network)
    }

    /// The encoder's output for padded sources: sources × longest × width, with the bias that hides the padding.
    pub fn encode(&self, sources: &[&[u32]]) -> Result<(Tensor, Option<Tensor>), EngineError> {
        let lengths: Vec<usize> = sources.iter().map(|s| s.len()).collect();
        let longest = lengths.iter().copied().max().unwrap_or_default();
        if longest == 0 {
            return Err(EngineError::Compute("a source without tokens".into()));
        }
        let ids: Vec<u32> =
            sources.iter().flat_map(|s| s.iter().copied().chain(vec![0; longest - s.len()])).collect();
        let ids = Tensor::from_vec(ids, (sources.len(), longest), &self.device)?;
        let padding = padding_bias(&lengths, self.dtype, &self.device)?;
        let mut x = self.encoder.embed(&self.architecture, &ids, 0)?;
        let distances = self.encoder.distances(0, longest, longest, true)?;
        let bias = match (&distances, &padding) {
            (Some(distances), Some(padding)) => Some(distances.broadcast_add(padding)?),
            (Some(bias), None) | (None, Some(bias)) => Some(bias.clone()),
            (None, None) => None,
        };
        for layer in &self.encoder.layers {
            if let Mixer::Attention(attention) = &layer.mixer {
                let attend = |x: &Tensor| attention.forward(x, &attention.keys_values(x)?, bias.as_ref());
                x = self.residual(x, &layer.mixer_norm, attend)?;
            }
            x = self.residual(x, &layer.feed_forward_norm, |x| layer.feed_forward.forward(x))?;
        }
        Ok((self.encoder.finish(x)?, padding))
    }

    /// Logits of each row's next token, rows × target vocabulary, after `previous`, a token a row.
    pub fn logits(&self, rows: &mut Rows, previous: &[u32]) -> Result<Tensor, EngineError> {
        let a = &self.architecture;
        let ids = Tensor::from_vec(previous.to_vec(), (previous.len(), 1), &self.device)?;
        let mut x = self.decoder.embed(a, &ids, rows.position)?;
        let distances = self.decoder.distances(rows.position, 1, rows.position + 1, false)?;
        let mut last = None;
        for ((layer, own), cross) in self.decoder.layers.iter().zip(&mut rows.own).zip(&rows.cross) {
            let mix = |x: &Tensor| match (&layer.mixer, own) {
                (Mixer::Attention(attention), Memory::Attention(past)) => {
                    attention.extend(x, past, distances.as_ref())
                }
                (Mixer::Ssru(ssru), Memory::Ssru(cell)) => ssru.extend(x, cell),
                _ => Err(EngineError::Compute("a layer was given another one's memory".into())),
            };
            x = self.residual(x, &layer.mixer_norm, mix)?;
            if let Some((attention, norm)) = &layer.cross {
                let mut looked = None;
                let attend = |x: &Tensor| {
                    let (found, weights) = attention.look(x, cross, rows.padding.as_ref())?;
                    looked = Some(weights);
                    Ok(found)
                };
                x = self.residual(x, norm, attend)?;
                last = looked;
            }
            x = self.residual(x, &layer.feed_forward_norm, |x| layer.feed_forward.forward(x))?;
        }
        if let Some(weights) = last.filter(|_| a.aligned) {
            let first = weights.narrow(1, 0, 1)?.squeeze(2)?.squeeze(1)?;
            rows.attention = first.to_dtype(DType::F32)?.to_vec2()?;
        }
        rows.position += 1;
        let hidden = (self.decoder.finish(x)?.squeeze(1)? * a.output_scale)?;
        let logits = self.output.forward(&hidden)?.to_dtype(DType::F32)?;
        let logits = match &self.output_bias {
            Some(bias) => logits.broadcast_add(&bias.to_dtype(DType::F32)?)?,
            None => logits,
        };
        let Some(allowed) = &rows.allowed else { return Ok(logits) };
        let sources: Vec<u32> = rows.sources.iter().map(|&source| source as u32).collect();
        let sources = Tensor::from_vec(sources, rows.sources.len(), &self.device)?;
        Ok((logits + allowed.index_select(&sources, 0)?)?)
    }

    fn allowed(&self, sources: &[&[u32]]) -> Result<Option<Tensor>, EngineError> {
        let Some(shortlist) = &self.shortlist else { return Ok(None) };
        let tokens = self.architecture.target_vocabulary;
        let mut mask = vec![f32::NEG_INFINITY; sources.len() * tokens];
        for (source, mask) in sources.iter().zip(mask.chunks_exact_mut(tokens)) {
            shortlist.of(source).into_iter().for_each(|id| mask[id as usize] = 0.0);
        }
        Ok(Some(Tensor::from_vec(mask, (sources.len(), tokens), &self.device)?))
    }

    /// `x` + block(x), normed before the block or after the sum.
    fn residual(
        &self,
        x: Tensor,
        norm: &Norm,
        block: impl FnOnce(&Tensor) -> Result<Tensor, EngineError>,
    ) -> Result<Tensor, EngineError> {
        if self.architecture.pre_norm {
            Ok((&x + block(&norm.forward(&x)?)?)?)
        } else {
            norm.forward(&(&x + block(&x)?)?)
        }
    }

    /// The most tokens a source or a target may have.
    pub fn max_positions(&self) -> Option<usize> {
        self.architecture.max_positions
    }
}

impl Mixer {
    /// What a search begins with.
    fn memory(&self) -> Memory {
        match self {
            Mixer::Attention(_) => Memory::Attention(None),
            Mixer::Ssru(_) => Memory::Ssru(None),
        }
    }
}

impl Stack {
    fn load(
        a: &Architecture,
        shape: StackShape,
        name: &str,
        embedding: Tensor,
        weights: &Weights,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, EngineError> {
        let is_decoder = name.ends_with("decoder");
        let norm = |part: &str| Norm::load(weights, &format!("{name}.{part}"), a);
        let layers = (0..shape.layers).map(|index| {
            let part = |bart: &str, t5: &str| match a.naming {
                Naming::Bart => format!("layers.{index}{bart}"),
                Naming::T5 => format!("block.{index}.layer.{t5}"),
            };
            let (cross, last) = if is_decoder { (true, 2) } else { (false, 1) };
            let attention = |bart: &str, t5: &str| {
                Attention::load(weights, &format!("{name}.{}", part(bart, t5)), shape, a)
            };
            let cross = if cross {
                Some((
                    attention(".encoder_attn", "1.EncDecAttention")?,
                    norm(&part(".encoder_attn_layer_norm", "1.layer_norm"))?,
                ))
            } else {
                None
            };
            let inner = format!("{name}.{}", part("", &format!("{last}.DenseReluDense")));
            let mixer = match a.autoregression {
                Autoregression::Ssru if is_decoder => {
                    Mixer::Ssru(Ssru::load(weights, &format!("{name}.layers.{index}.ssru"), a)?)
                }
                _ => Mixer::Attention(attention(".self_attn", "0.SelfAttention")?),
            };
            Ok(Layer {
                mixer,
                mixer_norm: norm(&part(".self_attn_layer_norm", "0.layer_norm"))?,
                cross,
                feed_forward: FeedForward::load(weights, &inner, shape.inner, a)?,
                feed_forward_norm: norm(&part(".final_layer_norm", &format!("{last}.layer_norm")))?,
            })
        });
        let layers = layers.collect::<Result<Vec<_>, EngineError>>()?;
        let final_norm = match a.naming {
            Naming::Bart => "layer_norm",
            Naming::T5 => "final_layer_norm",
        };
        let optional = |wanted: bool, part: &str| wanted.then(|| norm(part)).transpose();
        Ok(Stack {
            embedding,
            positions: Table::load(a, shape, name, weights, device, dtype)?,
            embedding_norm: optional(a.embedding_norm, "layernorm_embedding")?,
            layers,
            final_norm: optional(a.final_norm, final_norm)?,
        })
    }

    /// `ids` of rows × positions, the first of which is number `start`.
    fn embed(&self, a: &Architecture, ids: &Tensor, start: usize) -> Result<Tensor, EngineError> {
        let (rows, len) = ids.dims2()?;
        let embedded = self.embedding.index_select(&ids.flatten_all()?, 0)?;
        let mut x = (embedded.reshape((rows, len, a.width))? * a.embedding_scale)?;
        if let Table::Added(table) = &self.positions {
            let most = table.dim(0)?;
            if start + len > most {
                return Err(EngineError::Compute(format!(
                    "{} tokens, and the model knows {most} positions",
                    start + len
                )));
            }
            x = x.broadcast_add(&table.narrow(0, start, len)?)?;
        }
        match &self.embedding_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }

    /// What distances add to the scores of `queries` positions from `start` on, each with `keys` positions from 0
    /// on: 1 × heads × queries × keys.
    fn distances(
        &self,
        start: usize,
        queries: usize,
        keys: usize,
        both_directions: bool,
    ) -> Result<Option<Tensor>, EngineError> {
        let Table::Scores { table, buckets, furthest } = &self.positions else { return Ok(None) };
        let ids: Vec<u32> = (start..start + queries)
            .flat_map(|q| (0..keys).map(move |k| k as i64 - q as i64))
            .map(|distance| bucket(distance, both_directions, *buckets, *furthest))
            .collect();
        let ids = Tensor::from_vec(ids, queries * keys, table.device())?;
        let heads = table.dim(1)?;
        let bias = table.index_select(&ids, 0)?.reshape((queries, keys, heads))?;
        Ok(Some(bias.permute((2, 0, 1))?.unsqueeze(0)?.contiguous()?))
    }

    fn finish(&self, x: Tensor) -> Result<Tensor, EngineError> {
        match &self.final_norm {
            Some(norm) => norm.forward(&x),
            None => Ok(x),
        }
    }
}

impl Table {
    fn load(
        a: &Architecture,
        shape: StackShape,
        name: &str,
        weights: &Weights,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, EngineError> {
        let stored = format!("{name}.embed_positions.weight");
        let most = a.max_positions.unwrap_or(1024);
        match a.positions {
            // Where the file has the constants, they are taken: rounding is then that of its publisher.
            Positions::Sinusoidal { first: 0, .. } if weights.has(&stored) => {
                Ok(Table::Added(weights.tensor(&stored, &[most, a.width])?))
            }
            Positions::Sinusoidal { sines, divisor, first } => {
                weights.ignore(&stored);
                weights.ignore(&format!("{name}.embed_positions.weights"));
                let values = sinusoids(first..first + most, a.width, sines, divisor);
                Ok(Table::Added(Tensor::from_vec(values, (most, a.width), device)?.to_dtype(dtype)?))
            }
            Positions::Learned { skipped } => {
                let table = weights.tensor(&stored, &[most + skipped, a.width])?;
                Ok(Table::Added(table.narrow(0, skipped, most)?.contiguous()?))
            }
            Positions::Relative { buckets, furthest } => {
                let name = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
                Ok(Table::Scores {
                    table: weights.tensor(&name, &[buckets, shape.heads])?,
                    buckets,
                    furthest,
                })
            }
        }
    }
}

/// positions × width: sines, cosines, and a zero at the end where they do not fill an odd width.
pub fn sinusoids(positions: std::ops::Range<usize>, width: usize, sines: usize, divisor: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(positions.len() * width);
    for position in positions {
        let angle = |i: usize| position as f64 * 10_000f64.powf(-(i as f64) / divisor);
        values.extend((0..sines).map(|i| angle(i).sin() as f32));
        values.extend((0..width / 2).map(|i| angle(i).cos() as f32));
        values.resize(values.len().div_ceil(width) * width, 0.0);
    }
    values
}

impl Decoder for Network {
    type State = Rows;

    fn start(&self, sources: &[&[u32]]) -> Result<Rows, EngineError> {
        let (memory, padding) = self.encode(sources)?;
        let cross = self.decoder.layers.iter().filter_map(|layer| layer.cross.as_ref());
        Ok(Rows {
            cross: cross.map(|(attention, _)| attention.keys_values(&memory)).collect::<Result<_, _>>()?,
            padding,
            own: self.decoder.layers.iter().map(|layer| layer.mixer.memory()).collect(),
            allowed: self.allowed(sources)?,
            sources: (0..sources.len()).collect(),
            position: 0,
            attention: Vec::new(),
        })
    }

    fn step(
        &self,
        rows: &mut Rows,
        previous: &[u32],
        k: usize,
        constraints: &[Constraint],
    ) -> Result<Vec<Vec<Candidate>>, EngineError> {
        candidates::of_logits(&self.logits(rows, previous)?, k, constraints)
    }

    fn attention<'s>(&self, rows: &'s Rows, row: usize) -> &'s [f32] {
        rows.attention.get(row).map_or(&[], Vec::as_slice)
    }

    fn reorder(&self, rows: &mut Rows, wanted: &[usize]) -> Result<(), EngineError> {
        if wanted.is_empty() || wanted.iter().copied().eq(0..rows.sources.len()) {
            return Ok(());
        }
        let ids = Tensor::new(wanted.iter().map(|&r| r as u32).collect::<Vec<_>>(), &self.device)?;
        for own in &mut rows.own {
            match own {
                Memory::Attention(Some(past)) => *past = past.select(&ids)?,
                Memory::Ssru(Some(cell)) => *cell = cell.index_select(&ids, 0)?,
                Memory::Attention(None) | Memory::Ssru(None) => {}
            }
        }
        // Rows of one source may change places among themselves: they see the same encoder output.
        let sources: Vec<usize> = wanted.iter().map(|&r| rows.sources[r]).collect();
        if sources != rows.sources {
            for cross in &mut rows.cross {
                *cross = cross.select(&ids)?;
            }
            rows.padding = rows.padding.as_ref().map(|bias| bias.index_select(&ids, 0)).transpose()?;
            rows.sources = sources;
        }
        Ok(())
    }
}
