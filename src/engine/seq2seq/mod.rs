//! Encoder-decoders as the Hub serves them: Marian (opus-mt), M2M-100 and NLLB-200, T5 and MADLAD-400, BART; and
//! Firefox Translations' files of Marian ([`bergamot`]).
//!
//! [`architecture`] says what differs between them, [`families`] reads it from `config.json`, [`vocabulary`] turns text
//! into ids and back, and the search is everybody's. Two networks compute: [`network`] in candle tensors for every
//! device, whose ids, logits, hypotheses and scores are those of Hugging Face transformers (`tests/seq2seq.rs`), and
//! [`cpu`] in int8.

pub mod architecture;
pub mod bergamot;
pub mod cpu;
pub mod families;
pub mod marian_file;
pub mod network;
pub mod nn;
pub mod pickle;
pub mod shortlist;
pub mod torch;
pub mod vocabulary;
pub mod weights;

use self::architecture::Specials;
use self::families::Reading;
use self::network::Network;
use self::vocabulary::Vocabulary;
use self::weights::Weights;
use super::prepared::Prepared;
use super::search::{Found, Prompt, SearchOptions, search};
use super::workers::{Rows, Workers};
use super::{Device, EngineError, LoadOptions, Precision};
use crate::inference::{Asked, DecodeOptions, Generator, Hypothesis, InferenceError, Translator, Watch};
use crate::model::{InstalledModel, Task};

/// Sources longer than this are split where the registry entry does not say otherwise: these models were trained on
/// sentences, and on few that are longer.
const MAX_SOURCE_TOKENS: usize = 256;
/// What a T5 reads at once; it has no limit of its own.
const T5_CONTEXT: usize = 512;

/// The two ways to compute.
enum Engine {
    /// int8 on the CPU.
    Cpu(Box<cpu::Network>),
    /// candle tensors: GPUs, and the reference.
    Tensors(Box<Network>),
}

/// A loaded encoder-decoder.
pub struct Seq2Seq {
    name: String,
    vocabulary: Vocabulary,
    engine: Engine,
    specials: Specials,
    workers: Workers,
    on_cpu: bool,
    tasks: Vec<Task>,
    /// The entry's search settings, for text that it summarises.
    decode: DecodeOptions,
    asked: Asked,
    max_source_tokens: usize,
    context: usize,
    most_tokens: usize,
    arithmetic: &'static str,
}

impl Seq2Seq {
    /// Loads an installed model of one of the families.
    pub fn load(model: &InstalledModel, options: &LoadOptions) -> Result<Self, EngineError> {
        let workers = Workers::new(options.threads)?;
        let Reading { architecture, specials, vocabulary, shortlist } = families::read(model)?;
        let device = match &options.device {
            Device::Cpu => &candle_core::Device::Cpu,
            Device::Gpu(device) => device,
        };
        let dtype = options.precision.dtype();
        let weights = Weights::open(model, device, dtype)?;
        let is_int8 = matches!(options.device, Device::Cpu) && options.precision == Precision::Auto;
        let max_positions = architecture.max_positions;
        let engine = workers.together(move || -> Result<Engine, EngineError> {
            Ok(match is_int8 {
                true => {
                    let prepared = Prepared::open(model);
                    let network = cpu::Network::load(architecture, &weights, shortlist, &prepared)?;
                    prepared.save();
                    Engine::Cpu(Box::new(network))
                }
                false => Engine::Tensors(Box::new(Network::load(
                    architecture,
                    &weights,
                    shortlist,
                    device,
                    dtype,
                )?)),
            })
        })?;
        let context = max_positions.unwrap_or(T5_CONTEXT);
        // Two for what stands around a source.
        let longest = context.saturating_sub(2).max(1);
        Ok(Seq2Seq {
            name: model.spec.name.clone(),
            vocabulary,
            engine,
            specials,
            workers,
            on_cpu: matches!(options.device, Device::Cpu),
            tasks: model.spec.tasks.clone(),
            decode: model.spec.decode.clone(),
            asked: match model.spec.prompt {
                Some(_) => Asked::Instruction,
                None => Asked::Text,
            },
            max_source_tokens: match model.spec.max_source_tokens {
                0 => MAX_SOURCE_TOKENS.min(longest),
                n => n.min(longest),
            },
            context,
            most_tokens: max_positions.unwrap_or(usize::MAX),
            arithmetic: if is_int8 { "int8" } else { options.precision.name() },
        })
    }

    /// Whether its entry gives it for translation.
    pub fn translates(&self) -> bool {
        self.tasks.contains(&Task::Translate)
    }

    /// Whether its entry gives it for briefs.
    pub fn summarizes(&self) -> bool {
        self.tasks.contains(&Task::Brief)
    }

    /// How it computes, for people.
    pub fn kernel(&self) -> String {
        match &self.engine {
            Engine::Cpu(network) => format!("int8, {}", network.kernel()),
            Engine::Tensors(_) => format!("{} tensors", self.arithmetic),
        }
    }

    /// Text to ids and back, for tests against recorded ids.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The reference network, for tests against recorded logits; none where int8 computes.
    pub fn tensors(&self) -> Option<&Network> {
        match &self.engine {
            Engine::Cpu(_) => None,
            Engine::Tensors(network) => Some(network),
        }
    }

    /// The int8 network, for tests; none where tensors compute.
    pub fn int8(&self) -> Option<&cpu::Network> {
        match &self.engine {
            Engine::Cpu(network) => Some(network),
            Engine::Tensors(_) => None,
        }
    }

    /// The decoder's first input.
    pub fn search_start(&self) -> u32 {
        self.specials.decoder_start
    }

    /// The search settings that the model's authors fixed, with the caller's `decode` for the rest.
    pub fn search_options(&self, decode: &DecodeOptions) -> SearchOptions<'_> {
        SearchOptions {
            banned: &self.specials.banned,
            renormalize: self.specials.renormalize,
            forced_first: self.specials.forced_first,
            forced_last: self.specials.forced_last,
            ends: std::slice::from_ref(&self.specials.end),
            ..SearchOptions::from(decode)
        }
    }

    /// What `finish` makes of each source's number and its targets, best first: `batch` rows at a time on each thread.
    /// `limits` are the least and the most target tokens of each source.
    pub fn search<T: Send>(
        &self,
        sources: &[Vec<u32>],
        limits: &[(usize, usize)],
        options: &SearchOptions<'_>,
        batch: usize,
        watch: &dyn Watch,
        finish: impl Fn(usize, Vec<Found>) -> Result<T, EngineError> + Sync,
    ) -> Result<Vec<T>, EngineError> {
        let prompts: Vec<Prompt> = sources
            .iter()
            .zip(limits)
            .map(|(source, &(least, most))| Prompt {
                source,
                start: std::slice::from_ref(&self.specials.decoder_start),
                min_tokens: least,
                max_tokens: most.min(self.most_tokens),
            })
            .collect();
        let lengths = sources.iter().map(Vec::len).collect();
        let rows = Rows { lengths, at_once: batch / options.beam.max(1), apart: self.on_cpu };
        self.workers.share(rows, |hand| match &self.engine {
            Engine::Cpu(network) => search(network.as_ref(), &prompts, hand, options, watch, &finish),
            Engine::Tensors(network) => search(network.as_ref(), &prompts, hand, options, watch, &finish),
        })
    }

    /// What is known of each token of a source ([`Found::coverage`]) for each of its words; empty where that cannot be told.
    pub fn by_word(&self, source: &str, by_token: &[f32]) -> Vec<f32> {
        let Some(words) = self.vocabulary.words(source).filter(|words| words.len() <= by_token.len()) else {
            return Vec::new();
        };
        let mut coverage = vec![0.0; words.iter().flatten().max().map_or(0, |last| last + 1)];
        for (word, part) in words.iter().zip(by_token) {
            if let Some(word) = word {
                coverage[*word] += part;
            }
        }
        coverage
    }

    fn hypothesis(&self, source: &str, found: &Found) -> Result<Hypothesis, EngineError> {
        // What the model did not choose says nothing about its certainty.
        let first = usize::from(self.specials.forced_first.is_some() && found.ids.len() > 1);
        let log_probs = found.log_probs.get(first..).unwrap_or_default();
        let ids = found.ids.strip_suffix(&[self.specials.end]).unwrap_or(&found.ids);
        Ok(Hypothesis {
            text: self.vocabulary.decode(ids)?,
            mean_log_prob: log_probs.iter().sum::<f32>() / log_probs.len().max(1) as f32,
            min_log_prob: log_probs.iter().copied().fold(0.0, f32::min),
            tokens: found.ids.len(),
            finished: found.finished,
            coverage: self.by_word(source, &found.coverage),
        })
    }

    fn answers(
        &self,
        texts: &[&str],
        decode: &DecodeOptions,
        limits: impl Fn(usize) -> (usize, usize),
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, EngineError> {
        let sources =
            texts.iter().map(|text| self.vocabulary.encode(text)).collect::<Result<Vec<_>, EngineError>>()?;
        let limits: Vec<(usize, usize)> = sources.iter().map(|source| limits(source.len())).collect();
        let finish = |source: usize, found: Vec<Found>| {
            let all =
                found.iter().map(|f| self.hypothesis(texts[source], f)).collect::<Result<Vec<_>, _>>()?;
            watch.found(source, &all);
            Ok(all)
        };
        self.search(&sources, &limits, &self.search_options(decode), decode.batch, watch, finish)
    }

    fn tokens(&self, text: &str) -> usize {
        // Only a broken tokenizer fails; then a character a token is on the safe side.
        self.vocabulary.plain(text).map_or_else(|_| text.chars().count(), |ids| ids.len())
    }
}

impl Translator for Seq2Seq {
    fn translate(
        &self,
        sources: &[&str],
        options: &DecodeOptions,
        watch: &dyn Watch,
    ) -> Result<Vec<Vec<Hypothesis>>, InferenceError> {
        let limits = |tokens| (options.min_tokens, options.max_target_tokens(tokens));
        self.answers(sources, options, limits, watch).map_err(|e| e.at_seam(&self.name))
    }

    fn arithmetic(&self) -> &'static str {
        self.arithmetic
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokens(text)
    }

    fn max_source_tokens(&self) -> usize {
        self.max_source_tokens
    }
}

impl Generator for Seq2Seq {
    fn generate(
        &self,
        instructions: &[&str],
        max_tokens: usize,
        watch: &dyn Watch,
    ) -> Result<Vec<Hypothesis>, InferenceError> {
        // A summary that is forced to be nearly as long as its source repeats it or invents.
        let limits = |tokens: usize| (self.decode.min_tokens.min(tokens / 4), max_tokens);
        let first = |mut all: Vec<Hypothesis>| match all.is_empty() {
            true => Err(EngineError::Compute("a search without a result".into())),
            false => Ok(all.swap_remove(0)),
        };
        let answers = self.answers(instructions, &self.decode, limits, watch);
        answers.and_then(|all| all.into_iter().map(first).collect()).map_err(|e| e.at_seam(&self.name))
    }

    fn asked(&self) -> Asked {
        self.asked
    }

    fn fingerprint(&self) -> String {
        format!("{} {}", self.decode.fingerprint(), self.arithmetic)
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.tokens(text)
    }

    fn context_tokens(&self) -> usize {
        self.context
    }
}
