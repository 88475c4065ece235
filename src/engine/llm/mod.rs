//! Decoder-only models in GGUF: gemma3, llama, qwen2 and qwen3, for translation by prompt and for briefs.

pub mod chat;
pub mod config;
pub mod cpu;
pub mod reference;
pub mod weights;

use std::path::Path;

use self::chat::Frame;
use self::config::Config;
use self::weights::Weights;
use super::prepared::Prepared;
use super::search::{Found, Prompt, SearchOptions, search};
use super::tokenize::Tokenizer;
use super::workers::{Rows, Workers};
use super::{Device, EngineError, LoadOptions, Precision};
use crate::inference::{DecodeOptions, Generator, Hypothesis, InferenceError, Translator, Watch};
use crate::model::{InstalledModel, PromptSpec};

/// Sources longer than this are split where the registry entry does not say otherwise: small models lose the thread.
const MAX_SOURCE_TOKENS: usize = 192;
/// Tokens looked at for a stop string, which is never longer.
const STOP_TOKENS: usize = 8;

enum Network {
    Cpu(Box<cpu::Network>),
    Tensors(Box<reference::Network>),
}

/// A loaded model.
pub struct Llm {
    name: String,
    tokenizer: Tokenizer,
    network: Network,
    /// How a source is asked for, if the model translates.
    translation: Option<(PromptSpec, Frame)>,
    /// How an instruction is put, if the model has a chat template.
    instruction: Option<Frame>,
    context: usize,
    max_source_tokens: usize,
    workers: Workers,
}

impl Llm {
    /// Loads an installed model: its one `.gguf` file, and the adapter that its entry names.
    pub fn load(model: &InstalledModel, options: &LoadOptions) -> Result<Self, EngineError> {
        let gguf = model.files.iter().find(|(name, _)| name.ends_with(".gguf"));
        let (_, path) =
            gguf.ok_or_else(|| EngineError::Invalid(format!("{}: no .gguf file", model.spec.name)))?;
        let mut weights = Weights::open(path)?;
        let is_int8 = matches!(options.device, Device::Cpu) && options.precision == Precision::Auto;
        let prepared = is_int8.then(|| Prepared::open(model));
        // It is part of what was prepared.
        let is_merged = prepared.as_ref().is_some_and(Prepared::is_found);
        if let Some(adapter) = model.spec.adapter.as_ref().filter(|_| !is_merged) {
            let file = model.files.get(&adapter.file);
            let file =
                file.ok_or_else(|| EngineError::Invalid(format!("adapter `{}` is missing", adapter.file)))?;
            weights = weights.with_adapter(file, adapter)?;
        }
        let at = |e: EngineError| named(path, e);
        let config = Config::from_gguf(&weights.content).map_err(at)?;
        let tokenizer = Tokenizer::from_gguf(&weights.content).map_err(at)?;
        let (embedded, _) = weights.shape("token_embd.weight").map_err(at)?;
        if embedded < tokenizer.vocabulary() {
            let known = tokenizer.vocabulary();
            return Err(at(EngineError::Invalid(format!(
                "`token_embd.weight` has {embedded} rows for {known} tokens"
            ))));
        }
        let translation = match &model.spec.prompt {
            Some(prompt) => {
                let frame = Frame::of_prompt(prompt, &weights.content, &tokenizer).map_err(at)?;
                Some((prompt.clone(), frame))
            }
            None => None,
        };
        let instruction = Frame::of_chat(&weights.content, &tokenizer, "", "").ok();
        // Translations come in thousands and share a prompt; briefs are few and each has its own.
        let prefix = match &translation {
            Some((_, frame)) => frame.common_prefix(&tokenizer)?,
            None => Vec::new(),
        };
        let workers = Workers::new(options.threads)?;
        let context = config.context;
        let network = workers.together(|| -> Result<Network, EngineError> {
            match (&options.device, prepared) {
                (_, Some(prepared)) => {
                    let mut network = cpu::Network::load(config, weights, &prepared).map_err(at)?;
                    prepared.save();
                    network.set_prefix(&prefix)?;
                    Ok(Network::Cpu(Box::new(network)))
                }
                (device, None) => {
                    let device = match device {
                        Device::Cpu => &candle_core::Device::Cpu,
                        Device::Gpu(device) => device,
                    };
                    let mut network =
                        reference::Network::load(config, &weights, device, options.precision.dtype())
                            .map_err(at)?;
                    if !prefix.is_empty() {
                        network.set_prefix(&prefix)?;
                    }
                    Ok(Network::Tensors(Box::new(network)))
                }
            }
        })?;
        Ok(Llm {
            name: model.spec.name.clone(),
            tokenizer,
            network,
            translation,
            instruction,
            context,
            max_source_tokens: match model.spec.max_source_tokens {
                0 => MAX_SOURCE_TOKENS,
                n => n,
            },
            workers,
        })
    }

    /// Whether it has a prompt for translating.
    pub fn translates(&self) -> bool {
        self.translation.is_some()
    }

    /// Whether it has a chat template for following instructions.
    pub fn follows_instructions(&self) -> bool {
        self.instruction.is_some()
    }

    /// The kernel in use, for people.
    pub fn kernel(&self) -> String {
        match &self.network {
            Network::Cpu(network) => format!("int8, {}", network.kernel()),
            Network::Tensors(network) => format!("{} tensors", network.dtype().as_str()),
        }
    }

    /// The tokenizer, for tests against recorded ids.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Continues each prompt; for each, what `finish` makes of its number and up to `decode.beam` targets, best first.
    pub fn continue_prompts<T: Send>(
        &self,
        prompts: &[Vec<u32>],
        max_tokens: &[usize],
        stop: &[String],
        decode: &DecodeOptions,
        watch: &dyn Watch,
        finish: impl Fn(usize, Vec<Found>) -> Result<T, EngineError> + Sync,
    ) -> Result<Vec<T>, EngineError> {
        let is_end = |ids: &[u32]| self.is_stop(ids, stop);
        let options =
            SearchOptions { ends: self.tokenizer.eos(), is_end: &is_end, ..SearchOptions::from(decode) };
        let lengths = prompts.iter().map(Vec::len).collect();
        let prompts: Vec<Prompt> = prompts
            .iter()
            .zip(max_tokens)
            .map(|(prompt, &max_tokens)| {
                let (source, start) = prompt.split_at(prompt.len().saturating_sub(1));
                Prompt { source, start, min_tokens: decode.min_tokens, max_tokens }
            })
            .collect();
        let apart = matches!(self.network, Network::Cpu(_));
        let rows = Rows { lengths, at_once: decode.batch / decode.beam.max(1), apart };
        self.workers.share(rows, |hand| match &self.network {
            Network::Cpu(network) => search(network.as_ref(), &prompts, hand, &options, watch, &finish),
            Network::Tensors(network) => search(network.as_ref(), &prompts, hand, &options, watch, &finish),
        })
    }

    fn is_stop(&self, ids: &[u32], stop: &[String]) -> bool {
        if stop.is_empty() {
            return false;
        }
        let tail = &ids[ids.len().saturating_sub(STOP_TOKENS)..];
        // An undecodable tail is a character not yet complete: not the end.
        self.tokenizer.decode(tail).is_ok_and(|text| stop.iter().any(|s| text.contains(s.as_str())))
    }

    fn hypothesis(&self, found: &Found, clean: impl Fn(&str) -> String) -> Result<Hypothesis, EngineError> {
        let ids = match found.ids.split_last() {
            Some((last, rest)) if self.tokenizer.eos().contains(last) => rest,
            _ => &found.ids,
        };
        Ok(Hypothesis {
            text: clean(&self.tokenizer.decode(ids)?),
            mean_log_prob: found.mean_log_prob(),
            min_log_prob: found.log_probs.iter().copied().fold(0.0, f32::min),
            tokens: found.ids.len(),
            finished: found.finished,
            coverage: Vec::new(),
        })
    }

    fn translate_all(
        &self,
        sources: &[&str],
        decode: &DecodeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, EngineError> {
        let Some((prompt, frame)) = &self.translation else {
            return Err(EngineError::Unsupported("translation: its registry entry has no prompt".into()));
        };
        let prompts = sources
            .iter()
            .map(|s| frame.encode(&self.tokenizer, s))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let limits = sources
            .iter()
            .map(|s| Ok(decode.max_target_tokens(self.tokenizer.encode(s)?.len())))
            .collect::<Result<Vec<_>, EngineError>>()?;
        let finish = |source: usize, found: Vec<Found>| {
            let clean = |text: &str| clean_target(text, sources[source], prompt);
            let all = found.iter().map(|f| self.hypothesis(f, clean)).collect::<Result<Vec<_>, _>>()?;
            watch.found(source, &all);
            Ok(all)
        };
        self.continue_prompts(&prompts, &limits, &prompt.stop, decode, watch, finish)
    }
}

fn named(path: &Path, error: EngineError) -> EngineError {
    match error {
        EngineError::Invalid(message) => EngineError::Invalid(format!("{}: {message}", path.display())),
        EngineError::Unsupported(message) => {
            EngineError::Unsupported(format!("{}: {message}", path.display()))
        }
        other => other,
    }
}

/// The translation in a model's answer: up to the first stop string, in one line, without the talk that instructed
/// models put before it, what they add behind an empty line, and quotation marks of their own.
fn clean_target(answer: &str, source: &str, prompt: &PromptSpec) -> String {
    let answer =
        prompt.stop.iter().fold(answer, |text, stop| text.split(stop.as_str()).next().unwrap_or(text));
    let mut lines: Vec<&str> = answer.trim().lines().map(str::trim).collect();
    if lines.len() > 1 && is_talk(lines[0]) && !source.contains("ترجم") {
        let text = lines.iter().skip(1).position(|line| !line.is_empty());
        lines.drain(..=text.unwrap_or(0));
    }
    let line = lines.split(|line| line.is_empty()).next().unwrap_or_default().join(" ");
    let unquoted = line.strip_prefix('"').and_then(|l| l.strip_suffix('"')).filter(|l| !l.contains('"'));
    let source_is_quoted = source.starts_with(['"', '«', '“', '”', '\'']);
    unquoted.filter(|_| !source_is_quoted).unwrap_or(&line).trim().to_string()
}

/// `Here is the translation:`, `English:`
fn is_talk(line: &str) -> bool {
    let line = line.to_lowercase();
    line.ends_with(':') && (line.contains("translat") || line == "english:")
}

impl Translator for Llm {
    fn translate(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, InferenceError> {
        self.translate_all(sources, options, watch).map_err(|e| e.at_seam(&self.name))
    }

    fn arithmetic(&self) -> &'static str {
        match &self.network {
            Network::Cpu(_) => "int8",
            Network::Tensors(network) => network.dtype().as_str(),
        }
    }

    fn count_tokens(&self, text: &str) -> usize {
        // Only a broken tokenizer fails, and that fails at load; then a character a token is on the safe side.
        self.tokenizer.encode(text).map_or_else(|_| text.chars().count(), |ids| ids.len())
    }

    fn max_source_tokens(&self) -> usize {
        self.max_source_tokens
    }
}

impl Generator for Llm {
    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError> {
        let run = || -> Result<Vec<Hypothesis>, EngineError> {
            let Some(frame) = &self.instruction else {
                return Err(EngineError::Unsupported("instructions: the model has no chat template".into()));
            };
            let prompts = instructions
                .iter()
                .map(|i| frame.encode(&self.tokenizer, i))
                .collect::<Result<Vec<_>, _>>()?;
            let limits = vec![max_tokens; prompts.len()];
            let finish = |_, all: Vec<Found>| match all.first() {
                Some(best) => self.hypothesis(best, |text| text.trim().to_string()),
                None => Err(EngineError::Compute("a search without a result".into())),
            };
            self.continue_prompts(&prompts, &limits, &[], &DecodeOptions::default(), watch, finish)
        };
        run().map_err(|e| e.at_seam(&self.name))
    }

    fn fingerprint(&self) -> String {
        format!("{} {}", DecodeOptions::default().fingerprint(), self.arithmetic())
    }

    fn count_tokens(&self, text: &str) -> usize {
        Translator::count_tokens(self, text)
    }

    fn context_tokens(&self) -> usize {
        self.context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_cleaned_of_what_is_not_translation() {
        struct Case(&'static str, &'static str, &'static str);
        let prompt = PromptSpec {
            style: Default::default(),
            template: "{source}".into(),
            examples: vec![],
            target_prefix: " ".into(),
            stop: vec!["\n\nArabic".into()],
        };
        for Case(answer, source, target) in [
            Case(" He said so.\n\nArabic: next", "قال ذلك.", "He said so."),
            Case("Here is the translation:\nHe left.", "رحل.", "He left."),
            Case("English:\n\nHe left.\n\nNote: …", "رحل.", "He left."),
            Case(
                "The spokesman said:\nWe will win.",
                "قال المتحدث: سننتصر.",
                "The spokesman said: We will win.",
            ),
            Case("The reasons:", "الأسباب:", "The reasons:"),
            Case("\"He left.\"", "رحل.", "He left."),
            Case("\"He left.\"", "«رحل.»", "\"He left.\""),
            Case("\"Go\" and \"stay\"", "اذهب وابق", "\"Go\" and \"stay\""),
            Case("", "نص", ""),
        ] {
            assert_eq!(clean_target(answer, source, &prompt), target, "{answer:?}");
        }
    }
}
