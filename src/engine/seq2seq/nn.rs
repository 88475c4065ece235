//! Layers of an encoder-decoder in candle tensors: the reference for every device.

use candle_core::quantized::QMatMul;
use candle_core::{D, DType, Module, Tensor};
use candle_nn::Activation;

use super::architecture::{Architecture, Naming, StackShape};
use super::weights::{Matrix, Weights};
use crate::engine::EngineError;

/// y = x Wᵀ + b
pub struct Linear {
    matrix: Matrix,
    bias: Option<Tensor>,
}

impl Linear {
    /// The layer of the tensors `name.weight` (outputs × inputs) and, where the naming has them, `name.bias`.
    pub fn load(
        weights: &Weights,
        name: &str,
        naming: Naming,
        outputs: usize,
        inputs: usize,
    ) -> Result<Self, EngineError> {
        let matrix = weights.matrix(&format!("{name}.weight"), outputs, inputs)?;
        let bias = match naming {
            Naming::Bart => Some(weights.tensor(&format!("{name}.bias"), &[outputs])?),
            Naming::T5 => None,
        };
        Ok(Linear { matrix, bias })
    }

    /// An output layer: `matrix` without a bias of its own.
    pub fn of(matrix: Matrix) -> Self {
        Linear { matrix, bias: None }
    }

    /// `x` of … × inputs gives … × outputs.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let mut shape = x.dims().to_vec();
        let inputs = shape.pop().unwrap_or_default();
        let rows = x.reshape(((), inputs))?;
        let y = match &self.matrix {
            Matrix::Dense(weight) => rows.matmul(&weight.t()?)?,
            Matrix::Quantized(weight) => quantized(weight, &rows)?,
        };
        let y = match &self.bias {
            Some(bias) => y.broadcast_add(bias)?,
            None => y,
        };
        shape.push(y.dim(1)?);
        Ok(y.reshape(shape)?)
    }
}

/// Quantised products are computed in f32.
fn quantized(weight: &QMatMul, x: &Tensor) -> Result<Tensor, EngineError> {
    let dtype = x.dtype();
    Ok(weight.forward(&x.to_dtype(DType::F32)?.contiguous()?)?.to_dtype(dtype)?)
}

/// Layer norm (Ba et al. 2016) or, without a bias, root-mean-square norm (Zhang & Sennrich 2019), of the last axis.
pub struct Norm {
    weight: Tensor,
    bias: Option<Tensor>,
    eps: f64,
}

impl Norm {
    /// Reads `name.weight` and, where the naming has it, `name.bias`.
    pub fn load(weights: &Weights, name: &str, a: &Architecture) -> Result<Self, EngineError> {
        let weight = weights.tensor(&format!("{name}.weight"), &[a.width])?;
        let bias = match a.naming {
            Naming::Bart => Some(weights.tensor(&format!("{name}.bias"), &[a.width])?),
            Naming::T5 => None,
        };
        Ok(Norm { weight, bias, eps: a.norm_eps })
    }

    /// Any shape whose last axis is the width.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let x = x.contiguous()?;
        Ok(match &self.bias {
            Some(bias) => candle_nn::ops::layer_norm(&x, &self.weight, bias, self.eps as f32)?,
            None => candle_nn::ops::rms_norm(&x, &self.weight, self.eps as f32)?,
        })
    }
}

/// Keys and values of the positions seen so far: rows × heads × positions × head width.
#[derive(Clone)]
pub struct KeysValues {
    keys: Tensor,
    values: Tensor,
}

impl KeysValues {
    /// `self` with more positions behind it.
    fn followed_by(&self, more: &KeysValues) -> Result<Self, EngineError> {
        Ok(KeysValues {
            keys: Tensor::cat(&[&self.keys, &more.keys], 2)?,
            values: Tensor::cat(&[&self.values, &more.values], 2)?,
        })
    }

    /// Rows chosen by `ids`, which may repeat.
    pub fn select(&self, ids: &Tensor) -> Result<Self, EngineError> {
        Ok(KeysValues { keys: self.keys.index_select(ids, 0)?, values: self.values.index_select(ids, 0)? })
    }
}

/// Scaled dot-product attention of many heads (Vaswani et al. 2017).
pub struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    heads: usize,
    scale: f64,
}

impl Attention {
    /// Reads the four layers under `name`.
    pub fn load(
        weights: &Weights,
        name: &str,
        stack: StackShape,
        a: &Architecture,
    ) -> Result<Self, EngineError> {
        let parts = match a.naming {
            Naming::Bart => ["q_proj", "k_proj", "v_proj", "out_proj"],
            Naming::T5 => ["q", "k", "v", "o"],
        };
        let inner = stack.heads * stack.head_width;
        let layer = |part: usize, outputs, inputs| {
            Linear::load(weights, &format!("{name}.{}", parts[part]), a.naming, outputs, inputs)
        };
        Ok(Attention {
            query: layer(0, inner, a.width)?,
            key: layer(1, inner, a.width)?,
            value: layer(2, inner, a.width)?,
            output: layer(3, a.width, inner)?,
            heads: stack.heads,
            scale: stack.attention_scale,
        })
    }

    /// rows × positions × inner to rows × heads × positions × head width.
    fn split(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let (rows, len, inner) = x.dims3()?;
        Ok(x.reshape((rows, len, self.heads, inner / self.heads))?.transpose(1, 2)?.contiguous()?)
    }

    /// Keys and values of `x`, rows × positions × width.
    pub fn keys_values(&self, x: &Tensor) -> Result<KeysValues, EngineError> {
        let (keys, values) = (self.key.forward(x)?, self.value.forward(x)?);
        Ok(KeysValues { keys: self.split(&keys)?, values: self.split(&values)? })
    }

    /// What the queries of `x` find in `memory`. `bias` is added to the scores, in a shape that broadcasts to
    /// rows × heads × queries × positions.
    pub fn forward(
        &self,
        x: &Tensor,
        memory: &KeysValues,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, EngineError> {
        Ok(self.look(x, memory, bias)?.0)
    }

    /// The same, with how much each query looked at each position: rows × heads × queries × positions.
    pub fn look(
        &self,
        x: &Tensor,
        memory: &KeysValues,
        bias: Option<&Tensor>,
    ) -> Result<(Tensor, Tensor), EngineError> {
        let queries = (self.split(&self.query.forward(x)?)? * self.scale)?;
        let mut scores = queries.matmul(&memory.keys.t()?)?;
        if let Some(bias) = bias {
            scores = scores.broadcast_add(bias)?;
        }
        let weights = candle_nn::ops::softmax_last_dim(&scores)?;
        let found = weights.matmul(&memory.values)?;
        let (rows, heads, len, width) = found.dims4()?;
        let found = found.transpose(1, 2)?.contiguous()?.reshape((rows, len, heads * width))?;
        Ok((self.output.forward(&found)?, weights))
    }

    /// As [`forward`](Self::forward), over the positions so far and those of `x`, which are added to `past`.
    pub fn extend(
        &self,
        x: &Tensor,
        past: &mut Option<KeysValues>,
        bias: Option<&Tensor>,
    ) -> Result<Tensor, EngineError> {
        let own = self.keys_values(x)?;
        let all = match past {
            Some(past) => past.followed_by(&own)?,
            None => own,
        };
        let found = self.forward(x, &all, bias);
        *past = Some(all);
        found
    }
}

/// The simpler simple recurrent unit, see [`Autoregression::Ssru`](super::architecture::Autoregression).
pub struct Ssru {
    input: Linear,
    forget: Linear,
}

impl Ssru {
    /// Reads `name.input` and `name.forget`; the former has no bias.
    pub fn load(weights: &Weights, name: &str, a: &Architecture) -> Result<Self, EngineError> {
        let input = weights.matrix(&format!("{name}.input.weight"), a.width, a.width)?;
        let forget = Linear::load(weights, &format!("{name}.forget"), a.naming, a.width, a.width)?;
        Ok(Ssru { input: Linear::of(input), forget })
    }

    /// The output for `x`, rows × 1 × width, and the cell after it.
    pub fn extend(&self, x: &Tensor, cell: &mut Option<Tensor>) -> Result<Tensor, EngineError> {
        let forget = candle_nn::ops::sigmoid(&self.forget.forward(x)?)?;
        let input = self.input.forward(x)?;
        let fresh = (&input - (&forget * &input)?)?;
        let next = match cell.take() {
            Some(cell) => (fresh + (forget * cell)?)?,
            None => fresh,
        };
        let output = next.relu()?;
        *cell = Some(next);
        Ok(output)
    }
}

/// The feed-forward layer.
pub struct FeedForward {
    first: Linear,
    gate: Option<Linear>,
    second: Linear,
    activation: Activation,
}

impl FeedForward {
    /// Reads the layers under `name`.
    pub fn load(weights: &Weights, name: &str, inner: usize, a: &Architecture) -> Result<Self, EngineError> {
        let (first, gate, second) = match (a.naming, a.gated) {
            (Naming::Bart, _) => ("fc1", None, "fc2"),
            (Naming::T5, false) => ("wi", None, "wo"),
            (Naming::T5, true) => ("wi_0", Some("wi_1"), "wo"),
        };
        let layer = |part: &str, outputs, inputs| {
            Linear::load(weights, &format!("{name}.{part}"), a.naming, outputs, inputs)
        };
        Ok(FeedForward {
            first: layer(first, inner, a.width)?,
            gate: gate.map(|gate| layer(gate, inner, a.width)).transpose()?,
            second: layer(second, a.width, inner)?,
            activation: a.activation,
        })
    }

    /// `x` of … × width.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor, EngineError> {
        let inner = self.activation.forward(&self.first.forward(x)?)?;
        let inner = match &self.gate {
            Some(gate) => (inner * gate.forward(x)?)?,
            None => inner,
        };
        self.second.forward(&inner)
    }
}

/// The bucket of T5 for a distance `key - query` (`_relative_position_bucket` in Hugging Face's `modeling_t5.py`).
/// The encoder has buckets for both directions, the decoder only looks back.
pub fn bucket(distance: i64, both_directions: bool, buckets: usize, furthest: usize) -> u32 {
    let (half, first, distance) = if both_directions {
        let half = buckets / 2;
        (half, if distance > 0 { half } else { 0 }, distance.unsigned_abs() as usize)
    } else {
        (buckets, 0, (-distance).max(0) as usize)
    };
    let exact = half / 2;
    let within = if distance < exact {
        distance
    } else {
        // In f32 as the reference has it: a distance at the edge of a bucket must fall on the same side.
        let ratio = (distance as f32 / exact as f32).ln() / (furthest as f64 / exact as f64).ln() as f32;
        (exact + (ratio * (half - exact) as f32) as usize).min(half - 1)
    };
    (first + within) as u32
}

/// Rows × 1 × 1 × longest: zero for a token, minus infinity for padding; none where nothing is padded.
pub fn padding_bias(
    lengths: &[usize],
    dtype: DType,
    device: &candle_core::Device,
) -> Result<Option<Tensor>, EngineError> {
    let longest = lengths.iter().copied().max().unwrap_or_default();
    if lengths.iter().all(|&len| len == longest) {
        return Ok(None);
    }
    let bias: Vec<f32> = lengths
        .iter()
        .flat_map(|&len| (0..longest).map(move |i| if i < len { 0.0 } else { f32::NEG_INFINITY }))
        .collect();
    let bias = Tensor::from_vec(bias, (lengths.len(), 1, 1, longest), device)?;
    Ok(Some(bias.to_dtype(dtype)?))
}

/// The last position of each row: rows × positions × width to rows × width.
pub fn last_position(x: &Tensor) -> Result<Tensor, EngineError> {
    let len = x.dim(D::Minus2)?;
    Ok(x.narrow(1, len - 1, 1)?.squeeze(1)?)
}
