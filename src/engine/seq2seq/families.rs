//! What each family's configuration means: Marian, M2M-100 (NLLB-200), T5 (MADLAD-400) and BART have a `config.json`,
//! Firefox's files their own.

use std::path::Path;
use std::sync::Arc;

use super::architecture::{
    Architecture, Autoregression, ConfigFile, Naming, Positions, Specials, StackShape,
};
use super::bergamot;
use super::shortlist::Shortlist;
use super::vocabulary::Vocabulary;
use crate::engine::EngineError;
use crate::lang::Lang;
use crate::model::{Family, InstalledModel, Task};

/// The instruction or tag before a source ends here in a prompt's template.
const SOURCE: &str = "{source}";

/// A family's reading of a model's files.
pub struct Reading {
    /// Layers and sizes.
    pub architecture: Architecture,
    /// Ids with a meaning; the target language's tag is among them.
    pub specials: Specials,
    /// Text to ids and back.
    pub vocabulary: Vocabulary,
    /// What a target may be made of, where the model has a list of it.
    pub shortlist: Option<Arc<Shortlist>>,
}

/// Reads the configuration and the tokenizer files as the model's family has them.
pub fn read(model: &InstalledModel) -> Result<Reading, EngineError> {
    let prefix = prefix(model)?;
    if model.spec.family == Family::Bergamot {
        return bergamot::read(model);
    }
    let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| EngineError::file(path, e));
    let path = model.files.get("config.json");
    let path = path.ok_or_else(|| EngineError::Invalid(format!("{}: no config.json", model.spec.name)))?;
    let generation = model.files.get("generation_config.json").map(|path| read(path)).transpose()?;
    let config = &ConfigFile::parse(&read(path)?, generation.as_deref(), &path.display().to_string())?;
    let (architecture, specials, vocabulary) = match model.spec.family {
        Family::Marian => marian(model, config, prefix),
        Family::M2m100 => m2m100(model, config),
        Family::T5 => t5(model, config, prefix),
        Family::Bart => bart(model, config),
        other => Err(EngineError::Unsupported(format!("`{}` as an encoder-decoder", other.name()))),
    }?;
    if let Some(flaw) = architecture.flaw() {
        return Err(config.invalid(&flaw));
    }
    let for_ids = architecture.source_vocabulary.max(architecture.target_vocabulary) as u32;
    let ids = [specials.pad, specials.end, specials.decoder_start];
    if let Some(id) = ids.iter().chain(&specials.forced_first).find(|id| **id >= for_ids) {
        return Err(config.invalid(&format!("token {id} of a vocabulary of {for_ids}")));
    }
    Ok(Reading { architecture, specials, vocabulary, shortlist: None })
}

/// What a `config.json` and the tokenizer files say.
type Parts = (Architecture, Specials, Vocabulary);

/// What stands before the source in the entry's prompt: `>>eng<<`, `<2en> `.
fn prefix(model: &InstalledModel) -> Result<&str, EngineError> {
    let Some(prompt) = &model.spec.prompt else { return Ok("") };
    prompt.template.strip_suffix(SOURCE).ok_or_else(|| {
        let name = &model.spec.name;
        EngineError::Invalid(format!("{name}: an encoder-decoder's template must end with {SOURCE}"))
    })
}

fn marian(model: &InstalledModel, config: &ConfigFile, prefix: &str) -> Result<Parts, EngineError> {
    let width = config.size("d_model")?;
    let positions = Positions::Sinusoidal { sines: width.div_ceil(2), divisor: width as f64 / 2.0, first: 0 };
    let mut architecture = config.bart_like(positions)?;
    architecture.shared_embedding = config.flag("share_encoder_decoder_embeddings", true);
    if !architecture.shared_embedding
        && let Some(target) = config.optional_size("decoder_vocab_size")?
    {
        architecture.target_vocabulary = target;
    }
    let specials = config.specials()?;
    let vocabulary = Vocabulary::marian(model, prefix, specials.pad)?;
    Ok((architecture, specials, vocabulary))
}

fn m2m100(model: &InstalledModel, config: &ConfigFile) -> Result<Parts, EngineError> {
    let mut specials = config.specials()?;
    let half = config.size("d_model")? / 2;
    // fairseq numbers positions from behind the padding's.
    let first = specials.pad as usize + 1;
    let positions = Positions::Sinusoidal { sines: half, divisor: half as f64 - 1.0, first };
    let mut architecture = config.bart_like(positions)?;
    // Sines go on for ever; the number in the file is the size of fairseq's table.
    architecture.max_positions = architecture.max_positions.map(|most| most.max(1024));
    architecture.pre_norm = true;
    architecture.final_norm = true;
    if config.flag("scale_embedding", true) {
        architecture.embedding_scale = (architecture.width as f64).sqrt();
    }
    architecture.activation = config.activation(config.text("activation_function").unwrap_or("relu"))?;
    let first_of = |langs: &[Lang], default: Lang| langs.first().cloned().unwrap_or(default);
    let source = first_of(&model.spec.source_langs, Lang::arabic());
    let target = first_of(&model.spec.target_langs, Lang::english());
    let (vocabulary, tag) = Vocabulary::m2m100(model, &source, &target, specials.end)?;
    specials.forced_first = Some(tag);
    Ok((architecture, specials, vocabulary))
}

fn bart(model: &InstalledModel, config: &ConfigFile) -> Result<Parts, EngineError> {
    let mut architecture = config.bart_like(Positions::Learned { skipped: 2 })?;
    architecture.embedding_norm = true;
    let specials = config.specials()?;
    let vocabulary = Vocabulary::bart(model, specials.pad)?;
    Ok((architecture, specials, vocabulary))
}

fn t5(model: &InstalledModel, config: &ConfigFile, prefix: &str) -> Result<Parts, EngineError> {
    let width = config.size("d_model")?;
    let layers = config.size("num_layers")?;
    let stack = StackShape {
        layers,
        heads: config.size("num_heads")?,
        head_width: config.size("d_kv")?,
        // The scale is in the weights.
        attention_scale: 1.0,
        inner: config.size("d_ff")?,
    };
    let decoder_layers = config.optional_size("num_decoder_layers")?.unwrap_or(layers);
    let feed_forward = config.text("feed_forward_proj").unwrap_or("relu");
    let (gated, activation) = match feed_forward.strip_prefix("gated-") {
        // The name of the T5 paper's successor, which means the approximation by tanh.
        Some("gelu") => (true, "gelu_new"),
        Some(activation) => (true, activation),
        None => (false, feed_forward),
    };
    let vocabulary_size = config.size("vocab_size")?;
    // Untied models do not scale the decoder's output either.
    let tied = config.flag("tie_word_embeddings", true);
    let architecture = Architecture {
        naming: Naming::T5,
        width,
        encoder: stack,
        decoder: StackShape { layers: decoder_layers, ..stack },
        autoregression: Autoregression::SelfAttention,
        empty_start: false,
        source_vocabulary: vocabulary_size,
        target_vocabulary: vocabulary_size,
        shared_embedding: true,
        positions: Positions::Relative {
            buckets: config.optional_size("relative_attention_num_buckets")?.unwrap_or(32),
            furthest: config.optional_size("relative_attention_max_distance")?.unwrap_or(128),
        },
        max_positions: None,
        activation: config.activation(activation)?,
        gated,
        pre_norm: true,
        final_norm: true,
        embedding_norm: false,
        norm_eps: config.float("layer_norm_epsilon", 1e-6),
        embedding_scale: 1.0,
        output_scale: if tied { (width as f64).powf(-0.5) } else { 1.0 },
        aligned: false,
    };
    let specials = config.specials()?;
    let translates = model.spec.tasks.contains(&Task::Translate);
    let mut vocabulary = Vocabulary::t5(model, prefix, specials.end)?;
    if let (true, "", Vocabulary::Pieces { source: pieces, prefix, .. }) =
        (translates, prefix, &mut vocabulary)
    {
        // MADLAD-400's tag, for a folder that no registry entry describes.
        let target = model.spec.target_langs.first().cloned().unwrap_or_else(Lang::english);
        let tag = format!("<2{target}>");
        if pieces.id(&tag).is_some() {
            *prefix = format!("{tag} ");
        }
    }
    Ok((architecture, specials, vocabulary))
}
