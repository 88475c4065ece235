//! Firefox Translations' models: what their configuration and files mean.
//!
//! A `model.*.intgemm*.bin` of Marian holds weights and architecture, `lex.*.bin` the shortlist, and `vocab.*.spm` the
//! SentencePiece model of both languages (or `srcvocab` and `trgvocab` one each). The registry calls them `model.bin`,
//! `lex.bin` and `vocab.spm`. Encoders are transformers, decoders simple recurrent units with attention to the source
//! (Bogoychev et al. 2020, Edinburgh's Submissions to the 2020 Machine Translation Efficiency Task).

use std::path::PathBuf;
use std::sync::Arc;

use candle_nn::Activation;

use super::architecture::{Architecture, Autoregression, Naming, Positions, Specials, StackShape};
use super::families::Reading;
use super::marian_file::MarianFile;
use super::shortlist::Shortlist;
use super::vocabulary::Vocabulary;
use crate::engine::EngineError;
use crate::engine::sentencepiece::SentencePiece;
use crate::model::InstalledModel;

/// Positions computed ahead; sines go on for ever, and no sentence does.
const MAX_POSITIONS: usize = 1024;
/// Marian's own (`src/layers/generic.h`).
const NORM_EPS: f64 = 1e-6;

/// The model's file of weights.
pub fn weights(model: &InstalledModel) -> Result<&PathBuf, EngineError> {
    file(model, &["model"], ".bin").ok_or_else(|| missing(model, "model.*.intgemm*.bin"))
}

/// Reads the configuration, the vocabulary and the shortlist.
pub fn read(model: &InstalledModel) -> Result<Reading, EngineError> {
    let path = weights(model)?;
    let at = |e: EngineError| match e {
        EngineError::Unsupported(what) => EngineError::Unsupported(format!("{}: {what}", path.display())),
        EngineError::Invalid(what) => EngineError::Invalid(format!("{}: {what}", path.display())),
        other => other,
    };
    let architecture = architecture(&Options(&MarianFile::open(path)?)).map_err(at)?;
    if let Some(flaw) = architecture.flaw() {
        return Err(at(EngineError::Invalid(flaw)));
    }
    let open = |path: &PathBuf| SentencePiece::open(path).map(Arc::new);
    let (source, target) = match file(model, &["vocab"], ".spm") {
        Some(path) => {
            let both = open(path)?;
            (Arc::clone(&both), both)
        }
        None => {
            let of = |side: &str| file(model, &[side], ".spm").ok_or_else(|| missing(model, "vocab.*.spm"));
            (open(of("srcvocab")?)?, open(of("trgvocab")?)?)
        }
    };
    let is_shared = Arc::ptr_eq(&source, &target);
    for (pieces, tokens) in
        [(&source, architecture.source_vocabulary), (&target, architecture.target_vocabulary)]
    {
        if pieces.len() > tokens {
            let what = format!("{} pieces for a vocabulary of {tokens}", pieces.len());
            return Err(EngineError::Invalid(format!("{}: {what}", model.spec.name)));
        }
    }
    let tokens = architecture.target_vocabulary;
    let shortlist = match file(model, &["lex"], ".bin") {
        Some(path) => Some(Arc::new(Shortlist::open(path, tokens, is_shared)?)),
        None => None,
    };
    let end = |pieces: &SentencePiece| pieces.eos_id().ok_or_else(|| missing(model, "piece `</s>`"));
    let (source_end, target_end) = (end(&source)?, end(&target)?);
    // As in Marian, unless told otherwise.
    let banned = target.unk_id().map(|unknown| vec![unknown]).into_iter().collect();
    Ok(Reading {
        specials: Specials {
            pad: target_end,
            end: target_end,
            decoder_start: tokens as u32,
            banned,
            forced_first: None,
            forced_last: None,
            renormalize: false,
        },
        architecture,
        vocabulary: Vocabulary::Pieces { source, target, prefix: String::new(), end: source_end },
        shortlist,
    })
}

/// The file whose name is one of `starts` with `end`, or begins with it and a dot.
fn file<'m>(model: &'m InstalledModel, starts: &[&str], end: &str) -> Option<&'m PathBuf> {
    let fits = |name: &str| {
        let rest = starts.iter().find_map(|start| name.strip_prefix(start));
        name.ends_with(end) && rest.is_some_and(|rest| rest.starts_with('.'))
    };
    model.files.iter().find(|(name, _)| fits(name)).map(|(_, path)| path)
}

fn missing(model: &InstalledModel, what: &str) -> EngineError {
    EngineError::Invalid(format!("{}: no {what}", model.spec.name))
}

/// The configuration inside a model file.
struct Options<'a>(&'a MarianFile);

impl Options<'_> {
    fn text(&self, key: &str, default: &'static str) -> &str {
        self.0.option(key).unwrap_or(default)
    }

    fn size(&self, key: &str) -> Result<usize, EngineError> {
        self.sizes(key)?.first().copied().ok_or_else(|| EngineError::Invalid(format!("no `{key}`")))
    }

    fn sizes(&self, key: &str) -> Result<Vec<usize>, EngineError> {
        let text = self.text(key, "").replace(['[', ']', ','], " ");
        let size = |s: &str| s.parse().ok().filter(|n| (1..=1 << 24).contains(n));
        let sizes = text.split_whitespace().map(size).collect::<Option<Vec<usize>>>();
        sizes.ok_or_else(|| EngineError::Invalid(format!("`{key}` is `{text}`")))
    }

    fn is(&self, key: &str) -> bool {
        self.text(key, "false") == "true"
    }

    /// An option of which only one value is known here.
    fn only(&self, key: &str, known: &'static str) -> Result<(), EngineError> {
        match self.text(key, known) {
            value if value == known => Ok(()),
            value => Err(EngineError::Unsupported(format!("`{key}: {value}`; only `{known}` is known"))),
        }
    }
}

fn architecture(options: &Options<'_>) -> Result<Architecture, EngineError> {
    options.only("type", "transformer")?;
    options.only("transformer-preprocess", "")?;
    options.only("transformer-postprocess", "dan")?;
    options.only("transformer-postprocess-top", "")?;
    options.only("transformer-train-position-embeddings", "false")?;
    options.only("transformer-no-projection", "false")?;
    options.only("transformer-ffn-depth", "2")?;
    options.only("transformer-tied-layers", "[]")?;
    options.only("layer-normalization", "false")?;
    options.only("lemma-dim-emb", "0")?;
    let autoregression = match options.text("transformer-decoder-autoreg", "self-attention") {
        "self-attention" => Autoregression::SelfAttention,
        "rnn" => {
            options.only("dec-cell", "ssru")?;
            Autoregression::Ssru
        }
        other => return Err(EngineError::Unsupported(format!("`transformer-decoder-autoreg: {other}`"))),
    };
    let width = options.size("dim-emb")?;
    let heads = options.size("transformer-heads")?;
    let head_width = width / heads;
    if width % heads != 0 || width % 2 != 0 {
        return Err(EngineError::Invalid(format!("{heads} attention heads for a width of {width}")));
    }
    let stack = |layers: &str, inner: usize| -> Result<StackShape, EngineError> {
        let attention_scale = (head_width as f64).powf(-0.5);
        Ok(StackShape { layers: options.size(layers)?, heads, head_width, attention_scale, inner })
    };
    let inner = options.size("transformer-dim-ffn")?;
    // 0 where it is the encoder's.
    let decoder_inner = options.size("transformer-decoder-dim-ffn").unwrap_or(inner);
    let vocabularies = options.sizes("dim-vocabs")?;
    let [source_vocabulary, target_vocabulary] = vocabularies[..] else {
        return Err(EngineError::Invalid(format!("`dim-vocabs` lists {} languages", vocabularies.len())));
    };
    Ok(Architecture {
        naming: Naming::Bart,
        width,
        encoder: stack("enc-depth", inner)?,
        decoder: stack("dec-depth", decoder_inner)?,
        autoregression,
        empty_start: true,
        source_vocabulary,
        target_vocabulary,
        shared_embedding: options.is("tied-embeddings-all") || options.is("tied-embeddings-src"),
        positions: Positions::Sinusoidal { sines: width / 2, divisor: width as f64 / 2.0 - 1.0, first: 0 },
        max_positions: Some(MAX_POSITIONS),
        activation: match options.text("transformer-ffn-activation", "swish") {
            "relu" => Activation::Relu,
            "swish" => Activation::Silu,
            "gelu" => Activation::Gelu,
            other => return Err(EngineError::Unsupported(format!("`transformer-ffn-activation: {other}`"))),
        },
        gated: false,
        pre_norm: false,
        final_norm: false,
        embedding_norm: false,
        norm_eps: NORM_EPS,
        embedding_scale: (width as f64).sqrt(),
        output_scale: 1.0,
        // They are all trained so: it is how they carry the tags of a web page over.
        aligned: true,
    })
}
