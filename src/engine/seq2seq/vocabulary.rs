//! Text to ids and back, as each family's tokenizer files lay it down.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tokenizers::models::bpe::BPE;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::engine::EngineError;
use crate::engine::sentencepiece::SentencePiece;
use crate::lang::Lang;
use crate::model::InstalledModel;

/// Text to ids and back for one direction.
pub enum Vocabulary {
    /// Two SentencePiece models whose pieces are numbered by `vocab.json`.
    Marian(Box<Marian>),
    /// One SentencePiece model with language tags: M2M-100 and NLLB-200.
    M2m100(Box<M2m100>),
    /// SentencePiece models with their own numbers: T5's, which is one for both sides, and Firefox's.
    Pieces {
        /// Of the source.
        source: Arc<SentencePiece>,
        /// Of the target; the same where it is shared.
        target: Arc<SentencePiece>,
        /// Put before every source: `<2en>`, or an instruction.
        prefix: String,
        /// Ends a source.
        end: u32,
    },
    /// Byte-level BPE between `<s>` and `</s>`.
    Bart {
        /// The pairs and their numbers.
        bpe: Box<tokenizers::Tokenizer>,
        /// `<s>`
        begin: u32,
        /// `</s>`
        end: u32,
        /// Ids that are no text.
        special: Vec<u32>,
    },
}

/// See [`Vocabulary::Marian`].
pub struct Marian {
    source: SentencePiece,
    target: SentencePiece,
    ids: HashMap<String, u32>,
    pieces: HashMap<u32, String>,
    /// `>>eng<<`, for models of several target languages.
    language: Option<u32>,
    unknown: u32,
    end: u32,
    /// Ids that are no text: the padding, the end, the unknown piece and language tags.
    special: Vec<u32>,
}

/// See [`Vocabulary::M2m100`].
pub struct M2m100 {
    pieces: SentencePiece,
    /// Where pieces are numbered by `vocab.json`, and not by their place in the SentencePiece model.
    ids: Option<(HashMap<String, u32>, HashMap<u32, String>)>,
    source_tag: u32,
    unknown: u32,
    end: u32,
}

/// NLLB-200's tags and M2M-100's, in the order in which they are numbered behind the pieces.
const NLLB: &str = include_str!("languages_nllb.txt");
const M2M100: &str = include_str!("languages_m2m100.txt");
/// fairseq's `<s> <pad> </s> <unk>`, which are numbered before the pieces.
const FAIRSEQ_SPECIALS: u32 = 4;

impl Vocabulary {
    /// Marian's `source.spm`, `target.spm` and `vocab.json` (and `target_vocab.json`, where the two languages have
    /// their own). `prefix` is a language tag such as `>>eng<<`, or empty.
    pub fn marian(model: &InstalledModel, prefix: &str, pad: u32) -> Result<Self, EngineError> {
        let ids = numbers(file(model, "vocab.json")?)?;
        let target_ids = match model.files.get("target_vocab.json") {
            Some(path) => numbers(path)?,
            None => ids.clone(),
        };
        let need = |piece: &str| {
            let missing = || EngineError::Invalid(format!("vocab.json: `{piece}` is missing"));
            ids.get(piece).copied().ok_or_else(missing)
        };
        let language = match prefix.trim() {
            "" => None,
            tag => Some(need(tag)?),
        };
        let (unknown, end) = (need("<unk>")?, need("</s>")?);
        let mut special = vec![unknown, end, pad];
        special.extend(
            target_ids
                .iter()
                .filter(|(piece, _)| piece.starts_with(">>") && piece.ends_with("<<"))
                .map(|(_, id)| *id),
        );
        Ok(Vocabulary::Marian(Box::new(Marian {
            source: SentencePiece::open(file(model, "source.spm")?)?,
            target: SentencePiece::open(file(model, "target.spm")?)?,
            pieces: target_ids.into_iter().map(|(piece, id)| (id, piece)).collect(),
            ids,
            language,
            unknown,
            end,
            special,
        })))
    }

    /// `sentencepiece.bpe.model`, with `vocab.json` in M2M-100. Returns the target language's tag beside it.
    pub fn m2m100(
        model: &InstalledModel,
        source: &Lang,
        target: &Lang,
        end: u32,
    ) -> Result<(Self, u32), EngineError> {
        let pieces = SentencePiece::open(file(model, "sentencepiece.bpe.model")?)?;
        let ids = model.files.get("vocab.json").map(|path| numbers(path)).transpose()?;
        let tags = match (&ids, model.files.get("tokenizer.json")) {
            // Numbers as published, where they are.
            (None, Some(path)) => added_tokens(path)?,
            (None, None) => tags(NLLB, pieces.len() as u32 + 1, |tag| tag.to_string()),
            (Some(ids), _) => tags(M2M100, ids.len() as u32, |tag| format!("__{tag}__")),
        };
        let tag = |lang: &Lang| {
            let names = [nllb_tag(lang), format!("__{lang}__"), lang.to_string()];
            let found = names.iter().find_map(|name| tags.get(name)).copied();
            found.ok_or_else(|| {
                EngineError::Invalid(format!("the model has no tag for the language `{lang}`"))
            })
        };
        let (source_tag, target_tag) = (tag(source)?, tag(target)?);
        let unknown = match &ids {
            Some(ids) => ids.get("<unk>").copied().unwrap_or(FAIRSEQ_SPECIALS - 1),
            None => FAIRSEQ_SPECIALS - 1,
        };
        let ids = ids.map(|ids| {
            let pieces = ids.iter().map(|(piece, id)| (*id, piece.clone())).collect();
            (ids, pieces)
        });
        let vocabulary = M2m100 { pieces, ids, source_tag, unknown, end };
        Ok((Vocabulary::M2m100(Box::new(vocabulary)), target_tag))
    }

    /// `spiece.model`, with `prefix` before every source.
    pub fn t5(model: &InstalledModel, prefix: &str, end: u32) -> Result<Self, EngineError> {
        let pieces = Arc::new(SentencePiece::open(file(model, "spiece.model")?)?);
        let (source, target) = (Arc::clone(&pieces), pieces);
        Ok(Vocabulary::Pieces { source, target, prefix: prefix.to_string(), end })
    }

    /// `vocab.json` and `merges.txt`, or `tokenizer.json`.
    pub fn bart(model: &InstalledModel, pad: u32) -> Result<Self, EngineError> {
        let mut bpe = match (model.files.get("vocab.json"), model.files.get("merges.txt")) {
            (Some(vocab), Some(merges)) => {
                let bpe = BPE::from_file(&vocab.to_string_lossy(), &merges.to_string_lossy());
                let mut bpe = tokenizers::Tokenizer::new(bpe.build().map_err(EngineError::tokenizer)?);
                bpe.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
                bpe
            }
            _ => {
                let Some(path) = model.files.get("tokenizer.json") else {
                    let name = &model.spec.name;
                    return Err(EngineError::Invalid(format!(
                        "{name}: neither vocab.json with merges.txt nor tokenizer.json"
                    )));
                };
                let json = std::fs::read(path).map_err(|e| EngineError::tokenizer(e.into()))?;
                // The reader of decoders panics at what is not JSON.
                serde_json::from_slice::<serde_json::Value>(&json)
                    .map_err(|e| EngineError::tokenizer(e.into()))?;
                let mut bpe = tokenizers::Tokenizer::from_bytes(&json).map_err(EngineError::tokenizer)?;
                // A report that contains `</s>` is text.
                bpe.set_encode_special_tokens(true);
                bpe
            }
        };
        bpe.with_decoder(Some(ByteLevel::default()));
        let need = |piece: &str| {
            let missing = || EngineError::Invalid(format!("vocab.json: `{piece}` is missing"));
            bpe.token_to_id(piece).ok_or_else(missing)
        };
        let (begin, end) = (need("<s>")?, need("</s>")?);
        let mut special = vec![begin, end, pad];
        special.extend(["<unk>", "<mask>"].iter().filter_map(|piece| bpe.token_to_id(piece)));
        Ok(Vocabulary::Bart { bpe: Box::new(bpe), begin, end, special })
    }

    /// A source as the encoder wants it, with everything around it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let plain = match self {
            Vocabulary::Pieces { source, prefix, .. } if !prefix.is_empty() => {
                source.encode(&format!("{prefix}{text}"))
            }
            _ => self.plain(text)?,
        };
        Ok(match self {
            Vocabulary::Marian(m) => m.language.into_iter().chain(plain).chain([m.end]).collect(),
            Vocabulary::M2m100(m) => [m.source_tag].into_iter().chain(plain).chain([m.end]).collect(),
            Vocabulary::Pieces { end, .. } => plain.into_iter().chain([*end]).collect(),
            Vocabulary::Bart { begin, end, .. } => [*begin].into_iter().chain(plain).chain([*end]).collect(),
        })
    }

    /// For each of the ids that [`encode`](Self::encode) makes of `text` which of its words, counted from 0 and parted by
    /// white space, it is a part of; none for ids around the text. Nothing at all where that cannot be told.
    pub fn words(&self, text: &str) -> Option<Vec<Option<usize>>> {
        let (pieces, before) = match self {
            Vocabulary::Marian(m) => (m.source.pieces(text), usize::from(m.language.is_some())),
            Vocabulary::Pieces { source, prefix, .. } if prefix.is_empty() => (source.pieces(text), 0),
            Vocabulary::Pieces { .. } | Vocabulary::M2m100(_) | Vocabulary::Bart { .. } => return None,
        };
        let mut words = vec![None; before];
        let mut count = 0;
        for piece in pieces {
            count += usize::from(count == 0 || piece.starts_with('▁'));
            words.push(Some(count - 1));
        }
        words.push(None);
        (count == text.split_whitespace().count()).then_some(words)
    }

    /// The text's own ids.
    pub fn plain(&self, text: &str) -> Result<Vec<u32>, EngineError> {
        let numbered = |pieces: Vec<String>, ids: &HashMap<String, u32>, unknown: u32| {
            pieces.iter().map(|piece| ids.get(piece).copied().unwrap_or(unknown)).collect()
        };
        Ok(match self {
            Vocabulary::Marian(m) => numbered(m.source.pieces(text), &m.ids, m.unknown),
            Vocabulary::M2m100(m) => match &m.ids {
                Some((ids, _)) => numbered(m.pieces.pieces(text), ids, m.unknown),
                None => {
                    let unknown = m.pieces.unk_id();
                    let shifted = |id: u32| if Some(id) == unknown { m.unknown } else { id + 1 };
                    m.pieces.encode(text).into_iter().map(shifted).collect()
                }
            },
            Vocabulary::Pieces { source, .. } => source.encode(text),
            Vocabulary::Bart { bpe, .. } => {
                bpe.encode_fast(text, false).map_err(EngineError::tokenizer)?.get_ids().to_vec()
            }
        })
    }

    /// The text of a target; ids that are no text are passed over.
    pub fn decode(&self, ids: &[u32]) -> Result<String, EngineError> {
        Ok(match self {
            Vocabulary::Marian(m) => {
                let text = ids.iter().filter(|id| !m.special.contains(id));
                let pieces: Vec<&str> = text.filter_map(|id| m.pieces.get(id).map(String::as_str)).collect();
                // A piece of the source language is unknown here, and keeps its mark of a space.
                m.target.decode_pieces(&pieces).replace('▁', " ")
            }
            Vocabulary::M2m100(m) => match &m.ids {
                Some((_, pieces)) => {
                    let pieces: Vec<&str> = ids
                        .iter()
                        .filter(|&&id| id >= FAIRSEQ_SPECIALS)
                        .filter_map(|id| pieces.get(id).map(String::as_str))
                        .collect();
                    m.pieces.decode_pieces(&pieces)
                }
                None => {
                    // Tags are numbered behind the pieces.
                    let text = ids.iter().filter(|&&id| id >= FAIRSEQ_SPECIALS).map(|id| id - 1);
                    m.pieces.decode(&text.filter(|&id| (id as usize) < m.pieces.len()).collect::<Vec<_>>())
                }
            },
            Vocabulary::Pieces { target: pieces, .. } => {
                let is_text = |id: &u32| {
                    (*id as usize) < pieces.len() && Some(*id) != pieces.unk_id() && !pieces.is_control(*id)
                };
                pieces.decode(&ids.iter().copied().filter(is_text).collect::<Vec<_>>())
            }
            Vocabulary::Bart { bpe, special, .. } => {
                let text: Vec<u32> = ids.iter().copied().filter(|id| !special.contains(id)).collect();
                bpe.decode(&text, false).map_err(EngineError::tokenizer)?
            }
        }
        .trim()
        .to_string())
    }
}

/// The model's file `name`.
fn file<'m>(model: &'m InstalledModel, name: &str) -> Result<&'m Path, EngineError> {
    let missing = || EngineError::Invalid(format!("{}: no file {name}", model.spec.name));
    model.files.get(name).map(|path| path.as_path()).ok_or_else(missing)
}

fn numbers(path: &Path) -> Result<HashMap<String, u32>, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|e| EngineError::file(path, e))?;
    let broken = |e| EngineError::Invalid(format!("{}: is no table of pieces and ids: {e}", path.display()));
    serde_json::from_str(&text).map_err(broken)
}

/// Contents and ids of `added_tokens` in a `tokenizer.json`.
fn added_tokens(path: &Path) -> Result<HashMap<String, u32>, EngineError> {
    let text = std::fs::read_to_string(path).map_err(|e| EngineError::file(path, e))?;
    let broken = |e| EngineError::Invalid(format!("{}: is not JSON: {e}", path.display()));
    let json: Value = serde_json::from_str(&text).map_err(broken)?;
    let token =
        |t: &Value| Some((t["content"].as_str()?.to_string(), u32::try_from(t["id"].as_u64()?).ok()?));
    Ok(json["added_tokens"].as_array().into_iter().flatten().filter_map(token).collect())
}

fn tags(list: &str, first: u32, name: impl Fn(&str) -> String) -> HashMap<String, u32> {
    list.split_whitespace().zip(first..).map(|(tag, id)| (name(tag), id)).collect()
}

/// NLLB-200's tag for the languages a registry entry is likely to name; others are written as tags there.
fn nllb_tag(lang: &Lang) -> String {
    match lang.0.as_str() {
        "ar" => "arb_Arab",
        "en" => "eng_Latn",
        "fa" => "pes_Arab",
        "ur" => "urd_Arab",
        "he" => "heb_Hebr",
        "fr" => "fra_Latn",
        "es" => "spa_Latn",
        "de" => "deu_Latn",
        "pt" => "por_Latn",
        "ru" => "rus_Cyrl",
        "tr" => "tur_Latn",
        "zh" => "zho_Hans",
        other => other,
    }
    .to_string()
}
