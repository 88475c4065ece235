//! The tokenizer that a GGUF file carries in its metadata.
//!
//! Two kinds exist: `gpt2` (byte-level BPE with merges, for the `tokenizers` crate; the pre-tokenizer is named by
//! `tokenizer.ggml.pre`) and `llama` (SentencePiece BPE: pieces with scores, byte fallback). Ids must equal
//! llama.cpp's, which is checked against recorded ids. Text of documents is never parsed for control tokens: a report that contains
//! `<start_of_turn>` or `<eos>` is text, not an instruction.

use candle_core::quantized::gguf_file::Content;
use tokenizers::decoders::byte_level::ByteLevel as ByteLevelDecoder;
use tokenizers::models::bpe::BPE;
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior};

use super::EngineError;
use super::gguf::Metadata;
use super::sentencepiece::SentencePiece;

/// `llama_token_type` of llama.cpp.
const TYPE_UNKNOWN: u32 = 2;
const TYPE_CONTROL: u32 = 3;
const TYPE_USER_DEFINED: u32 = 4;

/// Patterns as published in the models' own `tokenizer.json`.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A model's tokenizer with its special tokens.
pub struct Tokenizer {
    kind: Kind,
    /// Control tokens by their text, longest first.
    control: Vec<(String, u32)>,
    add_bos: bool,
    bos: Option<u32>,
    eos: Vec<u32>,
}

enum Kind {
    Pieces(Box<SentencePiece>),
    Bytes {
        tokenizer: Box<tokenizers::Tokenizer>,
        /// A space goes before each text.
        space_prefix: bool,
    },
}

impl Tokenizer {
    /// Builds the tokenizer described by the metadata of `content`.
    pub fn from_gguf(content: &Content) -> Result<Self, EngineError> {
        let metadata = Metadata(&content.metadata);
        let tokens = metadata.strings("tokenizer.ggml.tokens")?;
        let types = metadata.numbers("tokenizer.ggml.token_type").unwrap_or_else(|_| vec![1; tokens.len()]);
        let kind = metadata.string("tokenizer.ggml.model")?;
        if types.len() != tokens.len() {
            return Err(EngineError::Invalid(format!(
                "{} tokens, {} token types",
                tokens.len(),
                types.len()
            )));
        }
        let of_type = |wanted: &[u32]| -> Vec<(String, u32)> {
            // A token without text would be found everywhere.
            let ids =
                types.iter().enumerate().filter(|&(id, t)| wanted.contains(t) && !tokens[id].is_empty());
            ids.map(|(id, _)| (tokens[id].clone(), id as u32)).collect()
        };
        let mut control = of_type(&[TYPE_CONTROL, TYPE_UNKNOWN]);
        let space_prefix = |default| metadata.flag("tokenizer.ggml.add_space_prefix").unwrap_or(default);
        let (add_bos, inner) = match kind.as_str() {
            "llama" => {
                let scores = metadata.floats("tokenizer.ggml.scores")?;
                let pieces = SentencePiece::from_gguf(tokens, &scores, &types, space_prefix(true))?;
                (true, Kind::Pieces(pieces.into()))
            }
            "gpt2" => {
                let mut tokenizer = byte_level_bpe(&metadata, &tokens)?;
                // Only text that a user typed reaches it: there, control tokens have no meaning.
                tokenizer.set_encode_special_tokens(true);
                let special = control.iter().map(|(text, _)| AddedToken::from(text.clone(), true));
                tokenizer.add_special_tokens(special).map_err(EngineError::tokenizer)?;
                let symbols = of_type(&[TYPE_USER_DEFINED]).into_iter();
                let symbols = symbols.map(|(text, _)| AddedToken::from(text, false).normalized(true));
                tokenizer.add_tokens(symbols).map_err(EngineError::tokenizer)?;
                let space_prefix = space_prefix(false);
                (false, Kind::Bytes { tokenizer: tokenizer.into(), space_prefix })
            }
            other => {
                return Err(EngineError::Unsupported(format!(
                    "tokenizer `{other}` (tokenizer.ggml.model); `llama` and `gpt2` are known"
                )));
            }
        };

        // Longest first, so that a token that begins with another is found whole.
        control.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        let id = |key: &str| metadata.number(key).ok();
        let mut eos: Vec<u32> = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"]
            .iter()
            .filter_map(|k| id(k))
            .collect();
        // Chat models end a turn with their own token, which older files do not name in `eot_token_id`.
        for end in ["<end_of_turn>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>"] {
            eos.extend(control.iter().filter(|(text, _)| text == end).map(|&(_, id)| id));
        }
        eos.sort_unstable();
        eos.dedup();
        Ok(Tokenizer {
            kind: inner,
            control,
            add_bos: metadata.flag("tokenizer.ggml.add_bos_token").unwrap_or(add_bos),
            bos: id("tokenizer.ggml.bos_token_id"),
            eos,
        })
    }

    /// Ids of a user's text: nothing in it is a control token, nothing is added.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        match &self.kind {
            Kind::Pieces(pieces) => Ok(pieces.encode(text)),
            Kind::Bytes { tokenizer, space_prefix } => {
                let text = if *space_prefix { &format!(" {text}") } else { text };
                Ok(tokenizer.encode_fast(text, false).map_err(EngineError::tokenizer)?.get_ids().to_vec())
            }
        }
    }

    /// Ids of a prompt of ours: control tokens written in it (`<start_of_turn>`) become their ids.
    pub fn encode_prompt(&self, prompt: &str) -> Result<Vec<u32>, EngineError> {
        let mut ids = Vec::new();
        let mut rest = prompt;
        while !rest.is_empty() {
            let next = self
                .control
                .iter()
                .filter_map(|(text, id)| rest.find(text.as_str()).map(|at| (at, text.len(), *id)))
                .min_by_key(|&(at, len, _)| (at, std::cmp::Reverse(len)));
            let Some((at, len, id)) = next else { break };
            ids.extend(self.encode(&rest[..at])?);
            ids.push(id);
            rest = &rest[at + len..];
        }
        ids.extend(self.encode(rest)?);
        Ok(ids)
    }

    /// Cuts a prompt of ours behind its last control token: what may contain some, and plain text.
    pub fn split_after_last_control<'t>(&self, prompt: &'t str) -> (&'t str, &'t str) {
        let ends =
            self.control.iter().filter_map(|(text, _)| prompt.rfind(text.as_str()).map(|at| at + text.len()));
        prompt.split_at(ends.max().unwrap_or(0))
    }

    /// Cuts a prompt of ours before its first control token: plain text, and what may contain some.
    pub fn split_before_first_control<'t>(&self, prompt: &'t str) -> (&'t str, &'t str) {
        let starts = self.control.iter().filter_map(|(text, _)| prompt.find(text.as_str()));
        prompt.split_at(starts.min().unwrap_or(prompt.len()))
    }

    /// Text of `ids`, without control tokens.
    pub fn decode(&self, ids: &[u32]) -> Result<String, EngineError> {
        match &self.kind {
            Kind::Pieces(pieces) => Ok(pieces.decode(ids)),
            Kind::Bytes { tokenizer, .. } => tokenizer.decode(ids, true).map_err(EngineError::tokenizer),
        }
    }

    /// The token that begins a prompt, where the model wants one.
    pub fn bos(&self) -> Option<u32> {
        self.bos.filter(|_| self.add_bos)
    }

    /// The text of [`Tokenizer::bos`]'s token whether or not it is added, for chat templates that write it out.
    pub fn bos_text(&self) -> Option<String> {
        let bos = self.bos?;
        match &self.kind {
            Kind::Pieces(pieces) => pieces.piece(bos).map(String::from),
            Kind::Bytes { tokenizer, .. } => tokenizer.id_to_token(bos),
        }
    }

    /// Number of different tokens.
    pub fn vocabulary(&self) -> usize {
        match &self.kind {
            Kind::Pieces(pieces) => pieces.len(),
            Kind::Bytes { tokenizer, .. } => tokenizer.get_vocab_size(true),
        }
    }

    /// Tokens that end a text or a turn.
    pub fn eos(&self) -> &[u32] {
        &self.eos
    }
}

/// GGUF `gpt2`: byte-level BPE with the named pre-tokenizer.
fn byte_level_bpe(metadata: &Metadata, tokens: &[String]) -> Result<tokenizers::Tokenizer, EngineError> {
    let merges = metadata
        .strings("tokenizer.ggml.merges")?
        .into_iter()
        .map(|m| match m.split_once(' ') {
            Some((left, right)) => Ok((left.to_string(), right.to_string())),
            None => Err(EngineError::Invalid(format!("merge `{m}` in tokenizer.ggml.merges has no space"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let vocab: tokenizers::models::bpe::Vocab =
        tokens.iter().enumerate().map(|(i, t)| (t.clone(), i as u32)).collect();
    let pre = metadata.string("tokenizer.ggml.pre").unwrap_or_else(|_| "gpt-2".into());
    // Llama 3's merges are not closed: whole words of the vocabulary are taken as they are.
    let whole_words = matches!(pre.as_str(), "llama-bpe" | "llama3");
    let bpe = BPE::builder()
        .vocab_and_merges(vocab, merges)
        .ignore_merges(whole_words)
        .build()
        .map_err(EngineError::tokenizer)?;
    let mut tokenizer = tokenizers::Tokenizer::new(bpe);
    let split = |pattern: &str| -> Result<PreTokenizerWrapper, EngineError> {
        let pattern = SplitPattern::Regex(pattern.into());
        let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false);
        Ok(split.map_err(EngineError::tokenizer)?.into())
    };
    let bytes_only = ByteLevel::new(false, false, false);
    let steps: Vec<PreTokenizerWrapper> = match pre.as_str() {
        "gpt-2" | "default" => vec![ByteLevel::new(false, false, true).into()],
        "smollm" => vec![Digits::new(true).into(), ByteLevel::new(false, false, true).into()],
        "qwen2" => {
            tokenizer.with_normalizer(Some(NFC)).map_err(EngineError::tokenizer)?;
            vec![split(QWEN2)?, bytes_only.into()]
        }
        "llama-bpe" | "llama3" => vec![split(LLAMA3)?, bytes_only.into()],
        other => {
            return Err(EngineError::Unsupported(format!(
                "pre-tokenizer `{other}` (tokenizer.ggml.pre); known: gpt-2, smollm, qwen2, llama-bpe"
            )));
        }
    };
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    tokenizer.with_decoder(Some(ByteLevelDecoder::default()));
    Ok(tokenizer)
}
