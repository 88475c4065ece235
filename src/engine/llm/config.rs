//! Shapes and constants of a decoder-only model, read from GGUF metadata.

use candle_core::quantized::gguf_file::Content;

use crate::engine::EngineError;
use crate::engine::gguf::Metadata;

/// Which pairs of a head's dimensions a rotary embedding turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RopeStyle {
    /// (0, 1), (2, 3) …: GGUF `llama`, whose projections are permuted for it.
    Interleaved,
    /// (0, d/2), (1, d/2 + 1) …: everything else.
    Halves,
}

/// The gate's non-linearity in the feed-forward block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// x · sigmoid(x)
    Silu,
    /// The tanh approximation of GELU (Gemma).
    GeluTanh,
}

/// One architecture, fully described.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// GGUF `general.architecture`.
    pub architecture: String,
    /// Transformer blocks.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward block.
    pub feed_forward: usize,
    /// Query heads.
    pub heads: usize,
    /// Key/value heads; a divisor of `heads`.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Dimensions of a head that are rotated.
    pub rope_dim: usize,
    /// Rotary style.
    pub rope_style: RopeStyle,
    /// Rotary base of layers that see everything.
    pub rope_base: f32,
    /// Positions of those layers are divided by this (linear scaling).
    pub rope_scale: f32,
    /// Rotary base of sliding-window layers.
    pub local_rope_base: f32,
    /// How many positions back (itself included) a sliding-window layer sees; 0 for no such layers.
    pub window: usize,
    /// Every so-many-th layer sees everything, the others slide; 0 when there is no window.
    pub window_pattern: usize,
    /// Epsilon of the RMS norms.
    pub norm_eps: f32,
    /// Factor on the embeddings (√hidden in Gemma).
    pub embedding_scale: f32,
    /// Factor on the attention scores.
    pub attention_scale: f32,
    /// Feed-forward non-linearity.
    pub activation: Activation,
    /// Longest sequence it was trained for.
    pub context: usize,
}

impl Config {
    /// Reads the metadata of `content`. Unknown architectures are an error, not a guess.
    pub fn from_gguf(content: &Content) -> Result<Self, EngineError> {
        let metadata = Metadata(&content.metadata);
        let architecture = metadata.string("general.architecture")?;
        if !matches!(architecture.as_str(), "gemma3" | "llama" | "qwen2" | "qwen3") {
            return Err(EngineError::Unsupported(format!(
                "architecture `{architecture}`; gemma3, llama, qwen2 and qwen3 are known"
            )));
        }
        let number = |key: &str| metadata.number(&format!("{architecture}.{key}")).map(|n| n as usize);
        let float = |key: &str| metadata.float(&format!("{architecture}.{key}"));
        let scaling =
            metadata.string(&format!("{architecture}.rope.scaling.type")).unwrap_or_else(|_| "linear".into());
        if !matches!(scaling.as_str(), "linear" | "none") {
            return Err(EngineError::Unsupported(format!("rotary embeddings scaled by `{scaling}`")));
        }
        let gemma = architecture == "gemma3";
        let hidden = number("embedding_length")?;
        let heads = number("attention.head_count")?;
        if heads == 0 || hidden == 0 {
            return Err(EngineError::Invalid("a model without heads or width".into()));
        }
        let head_dim = number("attention.key_length").unwrap_or(hidden / heads);
        let layers = number("block_count")?;
        // Gemma 3 27B alone scales by hidden/heads instead of the head's width.
        let query_width = if gemma && layers == 62 { hidden / heads } else { head_dim };
        let rope_base = float("rope.freq_base").unwrap_or(10_000.0);
        let window = if gemma { number("attention.sliding_window").unwrap_or(0) } else { 0 };
        let config = Config {
            layers,
            hidden,
            feed_forward: number("feed_forward_length")?,
            heads,
            kv_heads: number("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            rope_dim: number("rope.dimension_count").unwrap_or(head_dim),
            rope_style: if architecture == "llama" { RopeStyle::Interleaved } else { RopeStyle::Halves },
            rope_base,
            rope_scale: float("rope.scaling.factor").unwrap_or(1.0),
            // Not in the files: Gemma 3's technical report, section 2.
            local_rope_base: if gemma { 10_000.0 } else { rope_base },
            window,
            window_pattern: if window > 0 { 6 } else { 0 },
            norm_eps: float("attention.layer_norm_rms_epsilon")?,
            embedding_scale: if gemma { (hidden as f32).sqrt() } else { 1.0 },
            attention_scale: 1.0 / (query_width as f32).sqrt(),
            activation: if gemma { Activation::GeluTanh } else { Activation::Silu },
            context: number("context_length").unwrap_or(2048),
            architecture,
        };
        if config.kv_heads == 0
            || !config.heads.is_multiple_of(config.kv_heads)
            || config.rope_dim > config.head_dim
            || !config.rope_dim.is_multiple_of(2)
        {
            return Err(EngineError::Invalid(format!(
                "{} heads, {} key/value heads, {} rotary of {} dimensions do not fit together",
                config.heads, config.kv_heads, config.rope_dim, config.head_dim
            )));
        }
        Ok(config)
    }

    /// Whether `layer` sees only the last [`Config::window`] positions.
    pub fn is_sliding(&self, layer: usize) -> bool {
        self.window > 0 && !(layer + 1).is_multiple_of(self.window_pattern)
    }

    /// Angles a position adds to each rotated pair of `layer`: `rope_dim / 2` values.
    pub fn rope_frequencies(&self, layer: usize, factors: Option<&[f32]>) -> Vec<f32> {
        let (base, scale) = if self.is_sliding(layer) {
            (self.local_rope_base, 1.0)
        } else {
            (self.rope_base, self.rope_scale)
        };
        let frequency = |i: usize| {
            let factor = factors.map_or(1.0, |f| f[i]);
            1.0 / (f64::from(base).powf(2.0 * i as f64 / self.rope_dim as f64) * f64::from(scale * factor))
        };
        (0..self.rope_dim / 2).map(|i| frequency(i) as f32).collect()
    }

    /// Width of all query heads.
    pub fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key (or value) heads.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }
}
