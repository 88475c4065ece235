//! What distinguishes one encoder-decoder from another, as plain data: read from `config.json` by each family.

use candle_nn::Activation;
use serde_json::Value;

use crate::engine::EngineError;

/// One stack of layers.
#[derive(Debug, Clone, Copy)]
pub struct StackShape {
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of one.
    pub head_width: usize,
    /// Attention scores are multiplied by this.
    pub attention_scale: f64,
    /// Width of the feed-forward layer.
    pub inner: usize,
}

/// How a position reaches the model.
#[derive(Debug, Clone, Copy)]
pub enum Positions {
    /// Sines, then cosines: frequency i is 10000^(-i / `divisor`). `first` is the position of the first token.
    Sinusoidal {
        /// How many sines there are; cosines fill the width, or half of it.
        sines: usize,
        /// Marian: half the width; M2M-100: one less.
        divisor: f64,
        /// Marian: 0; M2M-100: behind the padding's position.
        first: usize,
    },
    /// A learned table whose first rows are not used.
    Learned {
        /// Rows before the first position: 2 in BART.
        skipped: usize,
    },
    /// T5's buckets of distances, added to the attention scores (Raffel et al. 2020).
    Relative {
        /// Rows of the table.
        buckets: usize,
        /// Distances from here on share a bucket.
        furthest: usize,
    },
}

/// How a decoder looks back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autoregression {
    /// Attention over all earlier positions.
    SelfAttention,
    /// The simpler simple recurrent unit (Kim et al. 2019, From Research to Production and Back): with
    /// f = σ(W_f x + b_f), the cell is c = f · c + (1 - f) · W x and its output max(c, 0).
    Ssru,
}

/// Where the tensors' names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `model.encoder.layers.0.self_attn.q_proj.weight`: Marian, BART, M2M-100.
    Bart,
    /// `encoder.block.0.layer.0.SelfAttention.q.weight`.
    T5,
}

/// An encoder-decoder transformer.
#[derive(Debug, Clone)]
pub struct Architecture {
    /// Names of the tensors.
    pub naming: Naming,
    /// Width of the residual stream.
    pub width: usize,
    /// The encoder.
    pub encoder: StackShape,
    /// The decoder.
    pub decoder: StackShape,
    /// How the decoder looks back.
    pub autoregression: Autoregression,
    /// The decoder's first input is no token but zeros; the id behind the target vocabulary's last stands for it.
    pub empty_start: bool,
    /// Rows of the source embedding.
    pub source_vocabulary: usize,
    /// Rows of the target embedding and of the output layer.
    pub target_vocabulary: usize,
    /// One embedding for both languages.
    pub shared_embedding: bool,
    /// Positions.
    pub positions: Positions,
    /// Most positions, where there is a limit.
    pub max_positions: Option<usize>,
    /// Nonlinearity of the feed-forward layer.
    pub activation: Activation,
    /// Feed-forward with a gate (Shazeer 2020).
    pub gated: bool,
    /// Norm before each block instead of after it.
    pub pre_norm: bool,
    /// A norm behind the last layer of each stack.
    pub final_norm: bool,
    /// A norm behind the embedding.
    pub embedding_norm: bool,
    /// Added to the variance in norms.
    pub norm_eps: f64,
    /// Token embeddings are multiplied by this.
    pub embedding_scale: f64,
    /// The decoder's output is multiplied by this.
    pub output_scale: f64,
    /// The first head of the decoder's last cross-attention was trained to look at what each target token stands for
    /// (Garg et al. 2019, Jointly Learning to Align and Translate; Marian's `guided-alignment`).
    pub aligned: bool,
}

/// Sizes beyond those of any model: what is computed from them, or missing and listed, would fill a machine.
const WIDEST: usize = 1 << 16;
const MOST_LAYERS: usize = 1 << 10;
const MOST_POSITIONS: usize = 1 << 20;

impl Architecture {
    /// What is absurd about it, in words.
    pub fn flaw(&self) -> Option<String> {
        let (width, positions) = (self.width, self.max_positions.unwrap_or(0));
        if width > WIDEST {
            return Some(format!("a width of {width}"));
        }
        if positions > MOST_POSITIONS || positions * width > 1 << 30 {
            return Some(format!("{positions} positions of width {width}"));
        }
        for stack in [self.encoder, self.decoder] {
            if stack.layers > MOST_LAYERS {
                return Some(format!("{} layers", stack.layers));
            }
            let inside = stack.inner.max(stack.heads * stack.head_width);
            if inside > 64 * WIDEST {
                return Some(format!("layers of width {inside}"));
            }
        }
        None
    }
}

/// Ids with a meaning, and what the model's authors fixed for its search.
#[derive(Debug, Clone)]
pub struct Specials {
    /// Fills up rows of a batch; never read by the model.
    pub pad: u32,
    /// Ends source and target.
    pub end: u32,
    /// The decoder's first input.
    pub decoder_start: u32,
    /// Never produced.
    pub banned: Vec<Vec<u32>>,
    /// The target's first token, where it is fixed.
    pub forced_first: Option<u32>,
    /// The target's last token at the limit of length.
    pub forced_last: Option<u32>,
    /// Whether scores are normalised over what is not banned.
    pub renormalize: bool,
}

/// `config.json`, and `generation_config.json` laid over it: published models keep search settings in either.
pub struct ConfigFile {
    config: Value,
    generation: Value,
    path: String,
}

impl ConfigFile {
    /// `config` and `generation` are the files' texts, `path` the first one's name for errors.
    pub fn parse(config: &str, generation: Option<&str>, path: &str) -> Result<Self, EngineError> {
        let parse = |text: &str, name: &str| {
            serde_json::from_str::<Value>(text)
                .map_err(|e| EngineError::Invalid(format!("{name}: is not JSON: {e}")))
        };
        let generation = match generation {
            Some(text) => parse(text, "generation_config.json")?,
            None => Value::Null,
        };
        Ok(ConfigFile { config: parse(config, path)?, generation, path: path.to_string() })
    }

    /// An error about this file.
    pub fn invalid(&self, message: &str) -> EngineError {
        EngineError::Invalid(format!("{}: {message}", self.path))
    }

    fn absurd(&self, key: &str, value: &Value) -> EngineError {
        self.invalid(&format!("`{key}` is {value}"))
    }

    /// A positive whole number.
    pub fn size(&self, key: &str) -> Result<usize, EngineError> {
        match self.optional_size(key)? {
            Some(n) => Ok(n),
            None => Err(self.invalid(&format!("`{key}` is missing"))),
        }
    }

    /// The same where it may be missing.
    pub fn optional_size(&self, key: &str) -> Result<Option<usize>, EngineError> {
        let value = &self.config[key];
        if value.is_null() {
            return Ok(None);
        }
        // More than any model has, and small enough to multiply.
        let fits = value.as_u64().filter(|n| (1..=1 << 24).contains(n));
        fits.map(|n| Some(n as usize)).ok_or_else(|| self.absurd(key, value))
    }

    /// A truth value; `default` where it is missing.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        self.config[key].as_bool().unwrap_or(default)
    }

    /// A number; `default` where it is missing.
    pub fn float(&self, key: &str, default: f64) -> f64 {
        self.config[key].as_f64().unwrap_or(default)
    }

    /// A text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.config[key].as_str()
    }

    /// The nonlinearity named by `key`.
    pub fn activation(&self, name: &str) -> Result<Activation, EngineError> {
        Ok(match name {
            "relu" => Activation::Relu,
            "swish" | "silu" => Activation::Silu,
            "gelu" => Activation::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Activation::NewGelu,
            other => return Err(self.invalid(&format!("activation `{other}` is not known"))),
        })
    }

    /// A token id of the search settings.
    pub fn token(&self, key: &str) -> Option<u32> {
        let id = |v: &Value| v.as_u64().or_else(|| v[0].as_u64()).and_then(|n| u32::try_from(n).ok());
        id(&self.generation[key]).or_else(|| id(&self.config[key]))
    }

    /// Special ids; the padding's and the end's must be there.
    pub fn specials(&self) -> Result<Specials, EngineError> {
        let required =
            |key: &str| self.token(key).ok_or_else(|| self.invalid(&format!("`{key}` is missing")));
        let end = required("eos_token_id")?;
        let pad = self.token("pad_token_id").unwrap_or(end);
        let listed = [&self.generation["bad_words_ids"], &self.config["bad_words_ids"]];
        let banned = listed.into_iter().find_map(Value::as_array).cloned().unwrap_or_default();
        let ids = |sequence: &Value| -> Option<Vec<u32>> {
            sequence.as_array()?.iter().map(|id| u32::try_from(id.as_u64()?).ok()).collect()
        };
        let banned = banned.iter().map(ids).collect::<Option<Vec<_>>>();
        let banned = banned.ok_or_else(|| self.invalid("`bad_words_ids` is no list of lists of ids"))?;
        Ok(Specials {
            pad,
            end,
            decoder_start: required("decoder_start_token_id")?,
            // An end that is banned would leave no end at all; the reference passes it over as well.
            banned: banned.into_iter().filter(|sequence| *sequence != [end]).collect(),
            forced_first: self.token("forced_bos_token_id"),
            forced_last: self.token("forced_eos_token_id"),
            renormalize: self.generation["renormalize_logits"].as_bool().unwrap_or(false),
        })
    }

    /// The stacks and sizes that Marian, BART and M2M-100 name alike, with Marian's choices for the rest.
    pub fn bart_like(&self, positions: Positions) -> Result<Architecture, EngineError> {
        let width = self.size("d_model")?;
        let stack = |side: &str| -> Result<StackShape, EngineError> {
            let heads = self.size(&format!("{side}_attention_heads"))?;
            let head_width = width / heads;
            if width % heads != 0 {
                return Err(self.invalid(&format!("{heads} attention heads for a width of {width}")));
            }
            Ok(StackShape {
                layers: self.size(&format!("{side}_layers"))?,
                heads,
                head_width,
                attention_scale: (head_width as f64).powf(-0.5),
                inner: self.size(&format!("{side}_ffn_dim"))?,
            })
        };
        let scaled = self.flag("scale_embedding", false);
        let vocabulary = self.size("vocab_size")?;
        Ok(Architecture {
            naming: Naming::Bart,
            width,
            encoder: stack("encoder")?,
            decoder: stack("decoder")?,
            autoregression: Autoregression::SelfAttention,
            empty_start: false,
            source_vocabulary: vocabulary,
            target_vocabulary: vocabulary,
            shared_embedding: true,
            positions,
            max_positions: Some(self.optional_size("max_position_embeddings")?.unwrap_or(1024)),
            activation: self.activation(self.text("activation_function").unwrap_or("gelu"))?,
            gated: false,
            pre_norm: false,
            final_norm: false,
            embedding_norm: false,
            norm_eps: 1e-5,
            embedding_scale: if scaled { (width as f64).sqrt() } else { 1.0 },
            output_scale: 1.0,
            aligned: false,
        })
    }
}
