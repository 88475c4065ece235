//! The int8 network from a weight file: matrices with the same input are stacked, quantised and packed.

use std::sync::Arc;

use half::f16;
use rayon::prelude::*;

use super::{CrossAttention, FeedForward, Layer, Network, Norm, SelfAttention, Stack, Table};
use crate::engine::EngineError;
use crate::engine::output::OutputLayer;
use crate::engine::qgemm::{Int8Gemm, QuantizedLinear};
use crate::engine::seq2seq::architecture::{Architecture, Naming, Positions, StackShape};
use crate::engine::seq2seq::network::{Names, sinusoids};
use crate::engine::seq2seq::weights::Weights;

impl Network {
    /// Reads, quantises and packs the weights on the threads of the current rayon pool, and checks that all were taken.
    pub fn load(a: Architecture, weights: &Weights) -> Result<Self, EngineError> {
        let names = Names::find(&a, weights);
        let read = |name: &str, rows| values(weights, name, &[rows, a.width]);
        let source = Arc::new(half(&read(&names.source, a.source_vocabulary)?));
        let target = match a.shared_embedding {
            true => Arc::clone(&source),
            false => Arc::new(half(&read(&names.target, a.target_vocabulary)?)),
        };
        let bias = match weights.has("final_logits_bias") {
            true => Some(values(weights, "final_logits_bias", &[1, a.target_vocabulary])?),
            false => None,
        };
        let matrix = read(&names.output, a.target_vocabulary)?;
        let output = OutputLayer::new(a.target_vocabulary, a.width, bias.as_deref(), |rows| {
            Ok(matrix[rows.start * a.width..rows.end * a.width].to_vec())
        })?;
        drop(matrix);
        let network = Network {
            gemm: Int8Gemm::default(),
            encoder: Stack::load(&a, a.encoder, names.encoder, source, weights)?,
            decoder: Stack::load(&a, a.decoder, names.decoder, target, weights)?,
            output,
            architecture: a,
        };
        names.ignore(weights);
        weights.finish()?;
        Ok(network)
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
        embedding: Arc<Vec<f16>>,
        weights: &Weights,
    ) -> Result<Self, EngineError> {
        let layers = (0..shape.layers)
            .into_par_iter()
            .map(|index| Layer::load(a, shape, name, index, weights))
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
        // Several layers with the same input become one.
        let linear = |block: &str, parts: &[&str], outputs: usize, inputs: usize| -> Result<_, EngineError> {
            let (mut data, mut bias) = (Vec::new(), Vec::new());
            for part in parts {
                data.extend(values(weights, &format!("{block}.{part}.weight"), &[outputs, inputs])?);
                if a.naming == Naming::Bart {
                    bias.extend(values(weights, &format!("{block}.{part}.bias"), &[outputs])?);
                }
            }
            Ok(QuantizedLinear::new(data, inputs, Some(bias).filter(|bias| !bias.is_empty())))
        };
        let own = name(".self_attn", "0.SelfAttention");
        let attention = SelfAttention {
            qkv: linear(&own, &parts[..3], inner, a.width)?,
            output: linear(&own, &parts[3..], a.width, inner)?,
            norm: Norm::load(weights, &name(".self_attn_layer_norm", "0.layer_norm"), a)?,
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
        let feed_forward = FeedForward {
            first: linear(&block, first, shape.inner, a.width)?,
            second: linear(&block, &[second], a.width, shape.inner)?,
            norm: Norm::load(weights, &name(".final_layer_norm", &format!("{last}.layer_norm")), a)?,
        };
        Ok(Layer { attention, cross, feed_forward })
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

fn half(values: &[f32]) -> Vec<f16> {
    values.iter().map(|&x| f16::from_f32(x)).collect()
}
