//! SentencePiece models (`.model`, `.spm`): the ids, pieces and texts are those of the reference
//! implementation, version 0.2.3, which recorded cases check.
//!
//! The models of the `tokenizers` crate are close, but not the same. Its unigram model sums scores in f64, so
//! that `PubMed_8:555` or `الفيـــــروس ــ` fall apart differently where sums are nearly equal, and it takes
//! the text `<0x41>` for a byte. Its BPE model has one rank for each pair where the score belongs to the
//! piece, which differs where scores are equal, and knows neither unused pieces nor user-defined symbols. Its
//! rules of normalisation are applied to grapheme clusters, the reference's to the longest match at each
//! place.

mod bpe;
mod normalizer;
#[cfg(test)]
mod tests;
mod trie;
mod unigram;

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;

use prost::Message;

use super::EngineError;
use normalizer::Normalizer;
use trie::{Node, Trie};
use unigram::Unigram;

/// Stands for a space inside of pieces.
const SPACE: &str = "▁";
/// How many user-defined symbols that begin at one place the reference looks at.
const SYMBOLS_AT_ONE_PLACE: usize = 64;

/// A SentencePiece model: unigram or BPE.
///
/// Text is never parsed for control pieces: `<s>` or `</s>` in a text is text.
pub struct SentencePiece {
    vocabulary: Vocabulary,
    model: Model,
    normalizer: Normalizer,
    denormalizer: Option<Normalizer>,
    /// Ids of the byte pieces, for models that write unknown characters with them.
    bytes: Option<Vec<u32>>,
    unknown: Option<u32>,
    unknown_surface: String,
    bos: Option<u32>,
    eos: Option<u32>,
    pad: Option<u32>,
}

enum Model {
    Unigram(Unigram),
    Bpe,
}

/// The pieces by id and by text.
struct Vocabulary {
    pieces: Vec<Piece>,
    /// Pieces that text can become, and unused ones.
    trie: Trie,
    user_defined: Option<Trie>,
    /// Unknown, control and byte pieces. In a unigram model, a normal piece may be written the same.
    reserved: HashMap<Box<str>, u32>,
}

struct Piece {
    text: Box<str>,
    score: f32,
    kind: Kind,
}

/// `ModelProto.SentencePiece.Type`.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// A part of the normalised text (in bytes) and its piece; `None` if it is unknown.
struct Segment {
    start: usize,
    end: usize,
    id: Option<u32>,
}

fn invalid(what: impl Display) -> EngineError {
    EngineError::Invalid(format!("SentencePiece model: {what}"))
}

/// The longest of the user-defined `symbols` that begins `text`.
fn symbol_at<'t>(symbols: Option<&Trie>, text: &'t str) -> Option<&'t str> {
    let (length, _) = symbols?.longest(text.as_bytes(), SYMBOLS_AT_ONE_PLACE)?;
    text.get(..length)
}

impl SentencePiece {
    /// Reads the model in the file `path`.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let bytes = std::fs::read(path).map_err(|e| EngineError::file(path, e))?;
        Self::read(&bytes).map_err(|e| match e {
            EngineError::Invalid(what) => EngineError::Invalid(format!("{}: {what}", path.display())),
            EngineError::Unsupported(what) => EngineError::Unsupported(format!("{}: {what}", path.display())),
            other => other,
        })
    }

    /// Reads a model, which is a protobuf message `ModelProto`.
    pub fn read(bytes: &[u8]) -> Result<Self, EngineError> {
        let file = ModelProto::decode(bytes).map_err(invalid)?;
        // The reference would take defaults, but a file without them has lost its end.
        let trainer = file.trainer_spec.ok_or_else(|| invalid("it has no trainer_spec"))?;
        let normalizer = file.normalizer_spec.ok_or_else(|| invalid("it has no normalizer_spec"))?;
        let denormalizer = file.denormalizer_spec.filter(|spec| !spec.precompiled_charsmap().is_empty());

        let is_bpe = match trainer.model_type() {
            1 => false,
            2 => true,
            kind => {
                let name =
                    ["word", "char"].get((kind as usize).wrapping_sub(3)).copied().unwrap_or("unknown");
                return Err(EngineError::Unsupported(format!(
                    "SentencePiece model of the type `{name}`; unigram and bpe are known"
                )));
            }
        };
        let with_bytes = trainer.byte_fallback();
        let pieces =
            file.pieces.into_iter().map(|piece| Piece::read(piece, with_bytes)).collect::<Result<_, _>>()?;
        let vocabulary = Vocabulary::new(pieces, is_bpe)?;
        let unknown = vocabulary.unknown(with_bytes)?;
        let control = |name: &str, default: &str| {
            let name = if name.is_empty() { default } else { name };
            vocabulary.id(name).filter(|&id| vocabulary.is(id, Kind::Control))
        };
        Ok(SentencePiece {
            bytes: vocabulary.bytes(with_bytes)?,
            model: if is_bpe { Model::Bpe } else { Model::Unigram(Unigram::new(&vocabulary.pieces)?) },
            normalizer: Normalizer::new(&normalizer, trainer.treat_whitespace_as_suffix())?,
            denormalizer: denormalizer.map(|spec| Normalizer::new(&spec, false)).transpose()?,
            unknown,
            unknown_surface: trainer.unk_surface().into(),
            bos: control(trainer.bos_piece(), "<s>"),
            eos: control(trainer.eos_piece(), "</s>"),
            pad: control(trainer.pad_piece(), "<pad>"),
            vocabulary,
        })
    }

    /// The BPE model that a GGUF file describes in its metadata, kind `llama`: the text, score and type (by the same
    /// numbers) of each piece. Spaces become part of pieces and nothing else is normalised; `space_prefix` is put
    /// before the text, and decoding takes it off.
    pub fn from_gguf(
        texts: Vec<String>,
        scores: &[f32],
        types: &[u32],
        space_prefix: bool,
    ) -> Result<Self, EngineError> {
        if scores.len() != texts.len() || types.len() != texts.len() {
            let (texts, scores, types) = (texts.len(), scores.len(), types.len());
            return Err(invalid(format_args!("{texts} pieces, {scores} scores, {types} types")));
        }
        let with_bytes = types.contains(&(Kind::Byte as u32));
        let pieces = texts.into_iter().zip(scores.iter().zip(types)).map(|(text, (&score, &kind))| {
            // llama.cpp writes the spaces of user-defined symbols as spaces.
            let text = if kind == Kind::UserDefined as u32 { text.replace(' ', SPACE) } else { text };
            let piece =
                PieceProto { piece: Some(text), score: Some(score), r#type: i32::try_from(kind).ok() };
            Piece::read(piece, with_bytes)
        });
        let vocabulary = Vocabulary::new(pieces.collect::<Result<_, _>>()?, true)?;
        let spec = NormalizerSpec {
            add_dummy_prefix: Some(space_prefix),
            remove_extra_whitespaces: Some(false),
            ..NormalizerSpec::default()
        };
        Ok(SentencePiece {
            bytes: vocabulary.bytes(with_bytes)?,
            unknown: vocabulary.unknown(with_bytes)?,
            model: Model::Bpe,
            normalizer: Normalizer::new(&spec, false)?,
            denormalizer: None,
            unknown_surface: String::new(),
            bos: None,
            eos: None,
            pad: None,
            vocabulary,
        })
    }

    /// Ids of `text`; nothing is added.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let text = self.normalize(text);
        let segments = self.segments(&text);
        let mut ids = Vec::with_capacity(segments.len());
        let mut after_unknown = false;
        for Segment { start, end, id } in segments {
            match (id, &self.bytes) {
                (Some(id), _) => ids.push(id),
                (None, Some(bytes)) => {
                    ids.extend(text[start..end].bytes().map(|byte| bytes[usize::from(byte)]))
                }
                // A run of unknown characters is one unknown.
                (None, None) if after_unknown => {}
                (None, None) => ids.extend(self.unknown),
            }
            after_unknown = id.is_none();
        }
        ids
    }

    /// Pieces of `text`, for models whose ids stand in a file of their own. Unknown characters keep their
    /// text.
    pub fn pieces(&self, text: &str) -> Vec<String> {
        let text = self.normalize(text);
        let mut pieces: Vec<String> = Vec::new();
        let mut after_unknown = false;
        for Segment { start, end, id } in self.segments(&text) {
            let part = &text[start..end];
            match (id, pieces.last_mut()) {
                (None, _) if self.bytes.is_some() => pieces.extend(part.bytes().map(byte_piece)),
                (None, Some(last)) if after_unknown => last.push_str(part),
                _ => pieces.push(part.into()),
            }
            after_unknown = id.is_none();
        }
        pieces
    }

    /// Text of `ids`. Ids beyond the vocabulary are left out (the reference refuses them).
    pub fn decode(&self, ids: &[u32]) -> String {
        self.join(ids.iter().filter_map(|&id| Some((self.piece(id)?, Some(id)))))
    }

    /// Text of `pieces`. What is no piece is taken as unknown text and stays as it is.
    pub fn decode_pieces(&self, pieces: &[&str]) -> String {
        self.join(pieces.iter().map(|&piece| (piece, self.id(piece).or(self.unknown))))
    }

    /// `text` as the model sees it.
    pub fn normalize(&self, text: &str) -> String {
        self.normalizer.normalize(text, self.vocabulary.user_defined.as_ref())
    }

    /// The id of `piece`.
    pub fn id(&self, piece: &str) -> Option<u32> {
        self.vocabulary.id(piece)
    }

    /// The piece with this id.
    pub fn piece(&self, id: u32) -> Option<&str> {
        Some(&self.vocabulary.pieces.get(id as usize)?.text)
    }

    /// Number of pieces.
    #[expect(clippy::len_without_is_empty, reason = "no model is empty")]
    pub fn len(&self) -> usize {
        self.vocabulary.pieces.len()
    }

    /// The piece for unknown text; a model that writes unknown characters in bytes may have none.
    pub fn unk_id(&self) -> Option<u32> {
        self.unknown
    }

    /// The control piece that begins a text.
    pub fn bos_id(&self) -> Option<u32> {
        self.bos
    }

    /// The control piece that ends a text.
    pub fn eos_id(&self) -> Option<u32> {
        self.eos
    }

    /// The control piece that fills up a batch.
    pub fn pad_id(&self) -> Option<u32> {
        self.pad
    }

    /// Whether this is a control piece, which no text becomes and which has no text.
    pub fn is_control(&self, id: u32) -> bool {
        self.vocabulary.is(id, Kind::Control)
    }

    fn segments(&self, normalized: &str) -> Vec<Segment> {
        match &self.model {
            Model::Unigram(unigram) => unigram.segment(&self.vocabulary.trie, normalized),
            Model::Bpe => bpe::segment(&self.vocabulary, normalized),
        }
    }

    fn join<'a>(&self, pieces: impl Iterator<Item = (&'a str, Option<u32>)>) -> String {
        let Normalizer { add_dummy_prefix, remove_extra_whitespaces, .. } = self.normalizer;
        let mut text = String::new();
        let mut bytes = Vec::new();
        // The space of the dummy is still to come. Spaces are dropped until there is text if the model has no
        // extra ones, else only one.
        let mut at_start = add_dummy_prefix || remove_extra_whitespaces;
        for (piece, id) in pieces {
            let kind =
                id.and_then(|id| self.vocabulary.pieces.get(id as usize)).map_or(Kind::Unknown, |p| p.kind);
            if kind == Kind::Byte {
                bytes.extend(byte_of(piece));
                continue;
            }
            push_bytes(&mut text, &mut bytes);
            at_start &= text.is_empty();
            if kind == Kind::Control {
                continue;
            }
            let stripped = piece.strip_prefix(SPACE).filter(|_| at_start);
            if kind != Kind::Unknown {
                text.push_str(&stripped.unwrap_or(piece).replace(SPACE, " "));
            } else if id.and_then(|id| self.piece(id)) == Some(piece) {
                text.push_str(&self.unknown_surface);
            } else {
                text.push_str(piece);
            }
            at_start &= text.is_empty() && (stripped.is_none() || remove_extra_whitespaces);
        }
        push_bytes(&mut text, &mut bytes);
        match &self.denormalizer {
            Some(denormalizer) => denormalizer.normalize(&text, None),
            None => text,
        }
    }
}

impl Piece {
    fn read(piece: PieceProto, with_bytes: bool) -> Result<Self, EngineError> {
        let text = piece.piece.unwrap_or_default();
        let kinds = [Kind::Normal, Kind::Unknown, Kind::Control, Kind::UserDefined, Kind::Unused, Kind::Byte];
        let number = piece.r#type.unwrap_or(Kind::Normal as i32);
        let kind = kinds.into_iter().find(|&kind| kind as i32 == number);
        let mut kind =
            kind.ok_or_else(|| invalid(format_args!("`{text}` is of the unknown type {number}")))?;
        if text == "\0" && with_bytes {
            // Some converters write the byte a second time, as itself.
            kind = Kind::Unused;
        }
        if text.is_empty() || text.contains('\0') && (text != "\0" || kind != Kind::Unused) {
            return Err(invalid("a piece is empty or has NUL in it"));
        }
        if kind == Kind::Byte && (byte_of(&text).is_none() || !with_bytes) {
            return Err(invalid(format_args!("`{text}` is no byte, or byte_fallback is off")));
        }
        Ok(Piece { text: text.into(), score: piece.score.unwrap_or_default(), kind })
    }
}

impl Vocabulary {
    fn new(pieces: Vec<Piece>, is_bpe: bool) -> Result<Self, EngineError> {
        let mut reserved = HashMap::new();
        let mut normal = HashMap::with_capacity(pieces.len());
        let mut symbols = Vec::new();
        for (piece, id) in pieces.iter().zip(0..) {
            let text: &str = &piece.text;
            if text == "\0" {
                continue;
            }
            let is_reserved = matches!(piece.kind, Kind::Unknown | Kind::Control | Kind::Byte);
            if piece.kind == Kind::UserDefined {
                symbols.push((text.as_bytes(), id));
            }
            let known = match is_reserved {
                true => reserved.insert(text.into(), id).is_some() || is_bpe && normal.contains_key(text),
                false => normal.insert(text, id).is_some() || is_bpe && reserved.contains_key(text),
            };
            if known {
                return Err(invalid(format_args!("`{text}` is there twice")));
            }
        }
        if normal.is_empty() && !is_bpe {
            return Err(invalid("it has no pieces"));
        }
        let trie = Trie::build(normal.into_iter().map(|(text, id)| (text.as_bytes(), id)).collect());
        let user_defined = (!symbols.is_empty()).then(|| Trie::build(symbols));
        Ok(Vocabulary { trie, user_defined, reserved, pieces })
    }

    fn id(&self, piece: &str) -> Option<u32> {
        let normal = || self.trie.walk(self.trie.root(), piece.as_bytes()).and_then(Node::value);
        self.reserved.get(piece).copied().or_else(normal)
    }

    fn is(&self, id: u32, kind: Kind) -> bool {
        self.pieces.get(id as usize).is_some_and(|piece| piece.kind == kind)
    }

    /// The id of the piece for unknown text; only a model that writes it in bytes may have none.
    fn unknown(&self, with_bytes: bool) -> Result<Option<u32>, EngineError> {
        let mut unknown = (0..).zip(&self.pieces).filter(|(_, piece)| piece.kind == Kind::Unknown);
        match (unknown.next(), unknown.next()) {
            (_, Some(_)) => Err(invalid("it has two unknown pieces")),
            (None, _) if !with_bytes => Err(invalid("it has no unknown piece")),
            (first, _) => Ok(first.map(|(id, _)| id)),
        }
    }

    /// Ids of the bytes, if the model writes unknown characters with them.
    fn bytes(&self, with_bytes: bool) -> Result<Option<Vec<u32>>, EngineError> {
        let id = |byte| {
            self.reserved.get(byte_piece(byte).as_str()).copied().filter(|&id| self.is(id, Kind::Byte))
        };
        let ids = || (0..=255).map(id).collect::<Option<Vec<u32>>>();
        with_bytes
            .then(|| ids().ok_or_else(|| invalid("byte_fallback is on, but bytes are missing")))
            .transpose()
    }
}

fn byte_piece(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

fn byte_of(piece: &str) -> Option<u8> {
    let byte = u8::from_str_radix(piece.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()?;
    (byte_piece(byte) == piece).then_some(byte)
}

/// Moves `bytes` to the text, each one that is not UTF-8 as U+FFFD.
fn push_bytes(text: &mut String, bytes: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    bytes.clear();
}

// The parts of sentencepiece_model.proto that matter here.

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<PieceProto>,
    #[prost(message, optional, tag = "2")]
    trainer_spec: Option<TrainerSpec>,
    #[prost(message, optional, tag = "3")]
    normalizer_spec: Option<NormalizerSpec>,
    #[prost(message, optional, tag = "5")]
    denormalizer_spec: Option<NormalizerSpec>,
}

#[derive(Clone, PartialEq, Message)]
struct PieceProto {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    #[prost(int32, optional, tag = "3")]
    r#type: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct TrainerSpec {
    #[prost(int32, optional, tag = "3", default = "1")]
    model_type: Option<i32>,
    #[prost(bool, optional, tag = "24")]
    treat_whitespace_as_suffix: Option<bool>,
    #[prost(bool, optional, tag = "35")]
    byte_fallback: Option<bool>,
    #[prost(string, optional, tag = "44", default = " ⁇ ")]
    unk_surface: Option<String>,
    #[prost(string, optional, tag = "46")]
    bos_piece: Option<String>,
    #[prost(string, optional, tag = "47")]
    eos_piece: Option<String>,
    #[prost(string, optional, tag = "48")]
    pad_piece: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct NormalizerSpec {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
    #[prost(bool, optional, tag = "3", default = "true")]
    add_dummy_prefix: Option<bool>,
    #[prost(bool, optional, tag = "4", default = "true")]
    remove_extra_whitespaces: Option<bool>,
    #[prost(bool, optional, tag = "5", default = "true")]
    escape_whitespaces: Option<bool>,
}
