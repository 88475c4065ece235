//! The int8 network from a weight file: matrices with the same input are stacked, quantised and packed.

use std::ops::Range;
use std::sync::Arc;

use candle_nn::Activation;
use rayon::prelude::*;

use super::{
    CrossAttention, Embedding, FeedForward, Layer, Mixer, Network, Norm, Output, SelfAttention, Ssru, Stack,
    Table,
};
use crate::engine::EngineError;
use crate::engine::output::{OutputLayer, PublishedOutput};
use crate::engine::prepared::Prepared;
use crate::engine::qgemm::{Int8Gemm, Preparation, QuantizedLinear};
use crate::engine::seq2seq::architecture::{Architecture, Autoregression, Naming, Positions, StackShape};
use crate::engine::seq2seq::marian_file::Int8Matrix;
use crate::engine::seq2seq::network::{Names, sinusoids};
use crate::engine::seq2seq::shortlist::Shortlist;
use crate::engine::seq2seq::weights::Weights;

impl Network {
    /// Reads, quantises and packs the weights on the threads of the current rayon pool, and checks that all were taken.
    /// A `shortlist` is used where the output layer was published in int8. What is `prepared` is not read again.
    pub fn load(
        a: Architecture,
        weights: &Weights,
        shortlist: Option<Arc<Shortlist>>,
        prepared: &Prepared,
    ) -> Result<Self, EngineError> {
        let names = Names::find(&a, weights);
        let source = Embedding::load(weights, prepared, &names.source, a.source_vocabulary, a.width)?;
        let target = match a.shared_embedding {
            true => source.clone(),
            false => Embedding::load(weights, prepared, &names.target, a.target_vocabulary, a.width)?,
        };
        let bias = match weights.has("final_logits_bias") {
            true => Some(values(weights, "final_logits_bias", &[1, a.target_vocabulary])?),
            false => None,
        };
        let output = match weights.int8(&names.output, a.target_vocabulary, a.width) {
            Some(matrix) => {
                let published = PublishedOutput {
                    data: match &target {
                        Embedding::Int8(rows, _) if names.output == names.target => Arc::clone(rows),
                        _ => Arc::new(matrix.data().collect()),
                    },
                    step: 1.0 / matrix.factor,
                    bias,
                    preparation: preparation(std::slice::from_ref(&matrix), a.width),
                };
                match shortlist {
                    Some(shortlist) => Output::Listed(published, shortlist),
                    None => Output::Whole(published.whole()?),
                }
            }
            None => {
                let size = (a.target_vocabulary, a.width);
                let read = || weights.tensor(&names.output, &[size.0, size.1]);
                let matrix = if prepared.is_found() { None } else { Some(read()?) };
                let rows = |rows: Range<usize>| {
                    let matrix = matrix.clone().map_or_else(read, Ok)?;
                    Ok(matrix.narrow(0, rows.start, rows.len())?.flatten_all()?.to_vec1()?)
                };
                Output::Whole(OutputLayer::load(prepared, "output", size, bias.as_deref(), rows)?)
            }
        };
        let network = Network {
            gemm: Int8Gemm::default(),
            encoder: Stack::load(&a, a.encoder, names.encoder, source, weights, prepared)?,
            decoder: Stack::load(&a, a.decoder, names.decoder, target, weights, prepared)?,
            output,
            architecture: a,
        };
        names.ignore(weights);
        if !prepared.is_found() {
            weights.finish()?;
        }
        Ok(network)
    }
}

impl Embedding {
    fn load(
        weights: &Weights,
        prepared: &Prepared,
        name: &str,
        tokens: usize,
        width: usize,
    ) -> Result<Self, EngineError> {
        Ok(match weights.int8(name, tokens, width) {
            Some(matrix) => Embedding::Int8(Arc::new(matrix.data().collect()), 1.0 / matrix.factor),
            None => {
                let rows = || values(weights, name, &[tokens, width]);
                Embedding::Half(prepared.halves(name, tokens * width, rows)?)
            }
        })
    }
}

impl Norm {
    fn load(weights: &Weights, name: &str, a: &Architecture) -> Result<Self, EngineError> {
        let bias = match a.naming {
            Naming::Bart => Some(values(weights, &format!("{name}.bias"), &[a.width])?),
            Naming::T5 => None,
        };
        Ok(Norm {
            weight: values(weights, &format!("{name}.weight"), &[a.width])?,
            bias,
            eps: a.norm_eps as f32,
        })
    }
}

impl Stack {
    fn load(
        a: &Architecture,
        shape: StackShape,
        name: &str,
        embedding: Embedding,
        weights: &Weights,
        prepared: &Prepared,
    ) -> Result<Self, EngineError> {
        let layers = (0..shape.layers)
            .into_par_iter()
            .map(|index| Layer::load(a, shape, name, index, weights, prepared))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let final_norm = match a.naming {
            Naming::Bart => "layer_norm",
            Naming::T5 => "final_layer_norm",
        };
        let optional = |wanted: bool, part: &str| {
            wanted.then(|| Norm::load(weights, &format!("{name}.{part}"), a)).transpose()
        };
        Ok(Stack {
            shape,
            embedding,
            positions: Table::load(a, shape, name, weights)?,
            embedding_norm: optional(a.embedding_norm, "layernorm_embedding")?,
            layers,
            final_norm: optional(a.final_norm, final_norm)?,
        })
    }
}

impl Layer {
    fn load(
        a: &Architecture,
        shape: StackShape,
        stack: &str,
        index: usize,
        weights: &Weights,
        prepared: &Prepared,
    ) -> Result<Self, EngineError> {
        let is_decoder = stack.ends_with("decoder");
        let inner = shape.heads * shape.head_width;
        let name = |bart: &str, t5: &str| match a.naming {
            Naming::Bart => format!("{stack}.layers.{index}{bart}"),
            Naming::T5 => format!("{stack}.block.{index}.layer.{t5}"),
        };
        let parts = match a.naming {
            Naming::Bart => ["q_proj", "k_proj", "v_proj", "out_proj"],
            Naming::T5 => ["q", "k", "v", "o"],
        };
        let linear = |block: &str, parts: &[&str], outputs: usize, inputs: usize| {
            let names: Vec<String> = parts.iter().map(|part| format!("{block}.{part}")).collect();
            stacked(weights, prepared, a, &names, outputs, inputs)
        };
        let own = name(".self_attn", "0.SelfAttention");
        let norm = Norm::load(weights, &name(".self_attn_layer_norm", "0.layer_norm"), a)?;
        let mixer = match a.autoregression {
            Autoregression::Ssru if is_decoder => {
                let gates = linear(&name(".ssru", ""), &["input", "forget"], a.width, a.width)?;
                Mixer::Ssru(Ssru { gates, norm })
            }
            _ => Mixer::Attention(SelfAttention {
                qkv: linear(&own, &parts[..3], inner, a.width)?,
                output: linear(&own, &parts[3..], a.width, inner)?,
                norm,
            }),
        };
        let cross = if is_decoder {
            let block = name(".encoder_attn", "1.EncDecAttention");
            Some(CrossAttention {
                query: linear(&block, &parts[..1], inner, a.width)?,
                keys_values: linear(&block, &parts[1..3], inner, a.width)?,
                output: linear(&block, &parts[3..], a.width, inner)?,
                norm: Norm::load(weights, &name(".encoder_attn_layer_norm", "1.layer_norm"), a)?,
            })
        } else {
            None
        };
        let last = if is_decoder { 2 } else { 1 };
        let block = name("", &format!("{last}.DenseReluDense"));
        let (first, second): (&[&str], &str) = match (a.naming, a.gated) {
            (Naming::Bart, _) => (&["fc1"], "fc2"),
            (Naming::T5, false) => (&["wi"], "wo"),
            (Naming::T5, true) => (&["wi_0", "wi_1"], "wo"),
        };
        let first = linear(&block, first, shape.inner, a.width)?;
        let is_rectified = a.activation == Activation::Relu && !a.gated;
        let feed_forward = FeedForward {
            first: if is_rectified { first.rectified() } else { first },
            second: linear(&block, &[second], a.width, shape.inner)?,
            norm: Norm::load(weights, &name(".final_layer_norm", &format!("{last}.layer_norm")), a)?,
        };
        Ok(Layer { mixer, cross, feed_forward })
    }
}

/// Layers of the same shape and with the same input, as one.
fn stacked(
    weights: &Weights,
    prepared: &Prepared,
    a: &Architecture,
    names: &[String],
    outputs: usize,
    inputs: usize,
) -> Result<QuantizedLinear, EngineError> {
    let mut bias = Vec::new();
    if a.naming == Naming::Bart {
        for name in names {
            // The one layer of these families that has none.
            match name.ends_with(".ssru.input") {
                true => bias.resize(bias.len() + outputs, 0.0),
                false => bias.extend(values(weights, &format!("{name}.bias"), &[outputs])?),
            }
        }
    }
    let bias = Some(bias).filter(|bias| !bias.is_empty());
    let matrices: Vec<String> = names.iter().map(|name| format!("{name}.weight")).collect();
    let int8: Option<Vec<Int8Matrix<'_>>> =
        matrices.iter().map(|name| weights.int8(name, outputs, inputs)).collect();
    if let Some(parts) = int8 {
        let scales = parts.iter().flat_map(|part| vec![1.0 / part.factor; outputs]).collect();
        let data: Vec<i8> = parts.iter().flat_map(Int8Matrix::data).collect();
        return QuantizedLinear::of_int8(data, scales, bias, preparation(&parts, inputs));
    }
    let read = || {
        let mut data = Vec::new();
        for name in &matrices {
            let part = values(weights, name, &[outputs, inputs])?;
            // Only what is there says how much there will be.
            if data.is_empty() {
                data.reserve_exact(names.len() * part.len());
            }
            data.extend(part);
        }
        Ok(data)
    };
    let matrix = prepared.matrix(&names.join(" "), names.len() * outputs, inputs, read)?;
    Ok(QuantizedLinear::new(matrix, bias))
}

/// What the common input of `parts` undergoes. Where they were given several factors, the one that cuts off least.
fn preparation(parts: &[Int8Matrix<'_>], width: usize) -> Preparation {
    match parts.iter().map(|part| part.activations).collect::<Option<Vec<f32>>>() {
        Some(factors) => {
            Preparation::Fixed { width, factor: factors.into_iter().fold(f32::INFINITY, f32::min) }
        }
        None => Preparation::Plain { width },
    }
}

impl Table {
    fn load(a: &Architecture, shape: StackShape, name: &str, weights: &Weights) -> Result<Self, EngineError> {
        let stored = format!("{name}.embed_positions.weight");
        let most = a.max_positions.unwrap_or(1024);
        Ok(match a.positions {
            Positions::Sinusoidal { first: 0, .. } if weights.has(&stored) => {
                Table::Added(values(weights, &stored, &[most, a.width])?)
            }
            Positions::Sinusoidal { sines, divisor, first } => {
                weights.ignore(&stored);
                weights.ignore(&format!("{name}.embed_positions.weights"));
                Table::Added(sinusoids(first..first + most, a.width, sines, divisor))
            }
            Positions::Learned { skipped } => {
                let table = values(weights, &stored, &[most + skipped, a.width])?;
                Table::Added(table[skipped * a.width..].to_vec())
            }
            Positions::Relative { buckets, furthest } => {
                let name = format!("{name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
                Table::Scores { table: values(weights, &name, &[buckets, shape.heads])?, buckets, furthest }
            }
        })
    }
}

fn values(weights: &Weights, name: &str, shape: &[usize]) -> Result<Vec<f32>, EngineError> {
    Ok(weights.tensor(name, shape)?.flatten_all()?.to_vec1()?)
}
