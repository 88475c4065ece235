//! Marian's binary model files, as Firefox Translations publishes them: int8 matrices with one scale each.
//!
//! Format (marian-dev, `src/common/binary.cpp`, `src/tensors/cpu/expression_graph_packable.h`), all little-endian:
//! version 1 and the number of items (u64 each); for each item the lengths of its name, its type, the rank and the
//! size (u64 each); all names; all shapes (i32); a u64 with the padding that follows it; all data. An int8 matrix of
//! inputs × outputs lies there transposed, outputs × inputs, and the factor that its values were multiplied by
//! follows as f32. `special:model.yml` holds the architecture. What activations are multiplied by before they are
//! rounded is an item of its own, `NAME_QuantMultA`, in files whose name says `alphas`.
//!
//! Tensors are given the names under which Hugging Face has Marian's, so that the networks need not know this file.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use candle_core::{Device, Tensor};

use crate::engine::EngineError;

const VERSION: u64 = 1;
const FLOAT32: u64 = 0x404;
/// int8 in a layout of no certain processor; others have further bits.
const INT8: u64 = 0x4101;
/// Set in the type of anything that intgemm prepared.
const INTGEMM: u64 = 0x4000;
/// The configuration's item.
const CONFIG: &str = "special:model.yml";
/// Ends the name of the factor for a matrix's activations; the output layer's own is `none_QuantMultA`.
const ACTIVATIONS: &str = "_QuantMultA";
/// More items or dimensions than any model has.
const MOST_ITEMS: u64 = 1 << 16;
const MOST_DIMENSIONS: u64 = 8;

/// A matrix whose values were multiplied by `factor` and rounded.
pub struct Int8Matrix<'a> {
    /// outputs × inputs, of bytes that are i8
    data: &'a [u8],
    /// What the weights were multiplied by.
    pub factor: f32,
    /// What activations are to be multiplied by, where the file says so.
    pub activations: Option<f32>,
}

impl Int8Matrix<'_> {
    /// outputs × inputs
    pub fn data(&self) -> impl Iterator<Item = i8> + '_ {
        self.data.iter().map(|&byte| byte as i8)
    }
}

struct Item {
    kind: u64,
    /// As Marian has it: inputs × outputs, 1 × outputs.
    shape: Vec<usize>,
    data: Range<usize>,
}

impl Item {
    fn is_int8(&self) -> bool {
        self.kind == INT8
    }

    /// Whether the rows in the file are what Marian calls columns.
    fn is_transposed(&self, name: &str) -> bool {
        !name.ends_with("Wemb")
    }
}

/// An opened model file.
pub struct MarianFile {
    bytes: Vec<u8>,
    /// By Marian's names.
    items: BTreeMap<String, Item>,
    /// Hugging Face's names, and Marian's for each.
    names: BTreeMap<String, String>,
    config: BTreeMap<String, String>,
}

impl MarianFile {
    /// Reads the file `path`.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let bytes = std::fs::read(path).map_err(|e| EngineError::file(path, e))?;
        Self::parse(bytes).map_err(|e| match e {
            EngineError::Invalid(what) => EngineError::Invalid(format!("{}: {what}", path.display())),
            EngineError::Unsupported(what) => EngineError::Unsupported(format!("{}: {what}", path.display())),
            other => other,
        })
    }

    /// Reads a file's `bytes`.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, EngineError> {
        let mut items = items(&bytes)?;
        let yaml = items.remove(CONFIG).ok_or_else(|| invalid(&format!("no `{CONFIG}` in it")))?;
        let yaml = String::from_utf8_lossy(&bytes[yaml.data]);
        let config = flat_yaml(&yaml);
        if let Some((name, item)) = items.iter().find(|(_, i)| i.kind != FLOAT32 && !i.is_int8()) {
            let what = if item.kind & INTGEMM != 0 { "packed for one kind of processor" } else { "unknown" };
            return Err(EngineError::Unsupported(format!("`{name}` is of type {:#x}, {what}", item.kind)));
        }
        for (name, item) in items.iter().filter(|(name, i)| i.is_int8() && !name.ends_with(ACTIVATIONS)) {
            let size: usize = item.shape.iter().product();
            let factor = floats(&bytes[item.data.start + size..][..4]);
            if !factor.iter().all(|x| x.is_finite() && *x > 0.0) {
                return Err(invalid(&format!("`{name}` is to be divided by {factor:?}")));
            }
        }
        let named = items.keys().filter(|name| !name.ends_with(ACTIVATIONS));
        let names = named.map(|name| (hub_name(name), name.clone())).collect();
        Ok(MarianFile { bytes, items, names, config })
    }

    /// A scalar of the configuration, as text; of a list, its items with blanks between them.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.config.get(key).map(String::as_str)
    }

    /// Names and shapes, matrices as outputs × inputs.
    pub fn shapes(&self) -> BTreeMap<String, Vec<usize>> {
        self.names.iter().map(|(name, own)| (name.clone(), self.shape(name, own))).collect()
    }

    fn shape(&self, name: &str, own: &str) -> Vec<usize> {
        let item = &self.items[own];
        match item.shape.as_slice() {
            [1, outputs] if name != "final_logits_bias" => vec![*outputs],
            [inputs, outputs] if item.is_transposed(own) && *inputs > 1 => vec![*outputs, *inputs],
            shape => shape.to_vec(),
        }
    }

    /// The tensor `name` in f32.
    pub fn read(&self, name: &str) -> Result<Tensor, EngineError> {
        let own = self.own(name)?;
        let item = &self.items[own];
        let shape = self.shape(name, own);
        let values: Vec<f32> = match self.int8(name) {
            Some(int8) => int8.data().map(|q| f32::from(q) / int8.factor).collect(),
            None => floats(&self.bytes[item.data.clone()]),
        };
        let tensor = match item.is_int8() || shape == item.shape || shape.len() < 2 {
            true => Tensor::from_vec(values, shape, &Device::Cpu)?,
            false => Tensor::from_vec(values, item.shape.as_slice(), &Device::Cpu)?.t()?.contiguous()?,
        };
        Ok(tensor)
    }

    /// The matrix `name` as it is stored; none where it is of full numbers.
    pub fn int8(&self, name: &str) -> Option<Int8Matrix<'_>> {
        let own = self.own(name).ok()?;
        let item = self.items.get(own).filter(|item| item.is_int8())?;
        let size: usize = item.shape.iter().product();
        let (data, rest) = self.bytes[item.data.clone()].split_at_checked(size)?;
        let factor = *floats(rest.get(..4)?).first()?;
        let activations = if own.ends_with("Wemb") { "none" } else { own };
        let activations = self.items.get(&format!("{activations}{ACTIVATIONS}"));
        let activations =
            activations.and_then(|item| floats(&self.bytes[item.data.clone()]).first().copied());
        Some(Int8Matrix { data, factor, activations: activations.filter(|x| x.is_finite() && *x > 0.0) })
    }

    fn own(&self, name: &str) -> Result<&str, EngineError> {
        self.names.get(name).map(String::as_str).ok_or_else(|| invalid(&format!("no `{name}` in it")))
    }
}

fn invalid(what: &str) -> EngineError {
    EngineError::Invalid(what.to_string())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Takes what a file has one after the other.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: u64) -> Result<&'a [u8], EngineError> {
        let range = self.range(len)?;
        Ok(&self.bytes[range])
    }

    fn range(&mut self, len: u64) -> Result<Range<usize>, EngineError> {
        let end = usize::try_from(len).ok().and_then(|len| self.at.checked_add(len));
        let end = end.filter(|&end| end <= self.bytes.len()).ok_or_else(|| {
            invalid(&format!("ends early: {len} bytes expected at {} of {}", self.at, self.bytes.len()))
        })?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    fn number(&mut self) -> Result<u64, EngineError> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
    }
}

fn items(bytes: &[u8]) -> Result<BTreeMap<String, Item>, EngineError> {
    let mut cursor = Cursor { bytes, at: 0 };
    let version = cursor.number()?;
    if version != VERSION {
        return Err(invalid(&format!("is no Marian model: version {version} instead of {VERSION}")));
    }
    let count = cursor.number()?;
    if count > MOST_ITEMS {
        return Err(invalid(&format!("{count} items")));
    }
    let header = |cursor: &mut Cursor<'_>| -> Result<[u64; 4], EngineError> {
        Ok([cursor.number()?, cursor.number()?, cursor.number()?, cursor.number()?])
    };
    let headers = (0..count).map(|_| header(&mut cursor)).collect::<Result<Vec<_>, _>>()?;
    let mut names = Vec::with_capacity(headers.len());
    for [name_len, ..] in &headers {
        let name = cursor.take(*name_len)?;
        names.push(String::from_utf8_lossy(name).trim_end_matches('\0').to_string());
    }
    let mut shapes = Vec::with_capacity(headers.len());
    for ([_, _, rank, _], name) in headers.iter().zip(&names) {
        if *rank > MOST_DIMENSIONS {
            return Err(invalid(&format!("`{name}` has {rank} dimensions")));
        }
        let sizes = cursor.take(rank * 4)?.chunks_exact(4);
        let sizes = sizes.map(|b| usize::try_from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])));
        shapes.push(sizes.collect::<Result<Vec<_>, _>>().map_err(|_| invalid("a negative size"))?);
    }
    let padding = cursor.number()?;
    cursor.take(padding)?;
    let mut items = BTreeMap::new();
    for (([_, kind, _, size], name), shape) in headers.into_iter().zip(names).zip(shapes) {
        let data = cursor.range(size)?;
        let elements = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
        let needed = elements.and_then(|n| match kind {
            FLOAT32 => n.checked_mul(4),
            INT8 => n.checked_add(4),
            _ => Some(n),
        });
        if needed.is_none_or(|needed| needed > data.len()) {
            return Err(invalid(&format!("`{name}` of {shape:?} has only {size} bytes")));
        }
        // Data is padded; what lies behind a matrix of f32 is nothing.
        let end = if kind == FLOAT32 { data.start + needed.unwrap_or_default() } else { data.end };
        items.insert(name, Item { kind, shape, data: data.start..end });
    }
    Ok(items)
}

/// Keys and values of YAML without nesting, which is how Marian writes a configuration; lists become their items
/// with blanks between them.
fn flat_yaml(text: &str) -> BTreeMap<String, String> {
    let mut config: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    // What was read from memory may end in a zero.
    for line in text.trim_end_matches('\0').lines() {
        let unquoted = |s: &str| s.trim().trim_matches(['"', '\'']).to_string();
        if let Some(item) = line.trim_start().strip_prefix("- ") {
            let list = config.entry(last.clone()).or_default();
            if !list.is_empty() {
                list.push(' ');
            }
            list.push_str(&unquoted(item));
        } else if let Some((key, value)) = line.split_once(':') {
            last = key.trim().to_string();
            config.insert(last.clone(), unquoted(value));
        }
    }
    config
}

/// `encoder_l1_self_Wq` is `model.encoder.layers.0.self_attn.q_proj.weight`. What this model family does not have
/// keeps its name, and will be found to have no place.
fn hub_name(own: &str) -> String {
    match own {
        "Wemb" => return "model.shared.weight".into(),
        "encoder_Wemb" => return "model.encoder.embed_tokens.weight".into(),
        "decoder_Wemb" => return "model.decoder.embed_tokens.weight".into(),
        "decoder_ff_logit_out_W" => return "lm_head.weight".into(),
        "decoder_ff_logit_out_b" => return "final_logits_bias".into(),
        _ => {}
    }
    let in_layer = || {
        let (stack, rest) = own.split_once("_l")?;
        let (number, part) = rest.split_once('_')?;
        let layer = number.parse::<usize>().ok()?.checked_sub(1)?;
        let (block, part) = part.split_once('_')?;
        let part = match (block, part) {
            ("ffn", "W1") => "fc1.weight".to_string(),
            ("ffn", "b1") => "fc1.bias".to_string(),
            ("ffn", "W2") => "fc2.weight".to_string(),
            ("ffn", "b2") => "fc2.bias".to_string(),
            ("ffn", "ffn_ln_scale") => "final_layer_norm.weight".to_string(),
            ("ffn", "ffn_ln_bias") => "final_layer_norm.bias".to_string(),
            ("rnn", "W") => "ssru.input.weight".to_string(),
            ("rnn", "Wf") => "ssru.forget.weight".to_string(),
            ("rnn", "bf") => "ssru.forget.bias".to_string(),
            ("rnn", "ffn_ln_scale") => "self_attn_layer_norm.weight".to_string(),
            ("rnn", "ffn_ln_bias") => "self_attn_layer_norm.bias".to_string(),
            ("self" | "context", part) => {
                let block = if block == "self" { "self_attn" } else { "encoder_attn" };
                match part {
                    "Wo_ln_scale" => format!("{block}_layer_norm.weight"),
                    "Wo_ln_bias" => format!("{block}_layer_norm.bias"),
                    _ => {
                        let kind = match part.get(..1)? {
                            "W" => "weight",
                            "b" => "bias",
                            _ => return None,
                        };
                        let projection = match part.get(1..)? {
                            "q" => "q_proj",
                            "k" => "k_proj",
                            "v" => "v_proj",
                            "o" => "out_proj",
                            _ => return None,
                        };
                        format!("{block}.{projection}.{kind}")
                    }
                }
            }
            _ => return None,
        };
        Some(format!("model.{stack}.layers.{layer}.{part}"))
    };
    in_layer().unwrap_or_else(|| own.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An item to write: name, type, shape and bytes.
    type Written<'a> = (&'a str, u64, Vec<i32>, Vec<u8>);

    /// A file of these items.
    fn file(items: &[Written<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut number = |n: u64| bytes.extend(n.to_le_bytes());
        number(VERSION);
        number(items.len() as u64);
        for (name, kind, shape, data) in items {
            [name.len() as u64 + 1, *kind, shape.len() as u64, data.len() as u64]
                .into_iter()
                .for_each(&mut number);
        }
        for (name, ..) in items {
            bytes.extend(name.bytes().chain([0]));
        }
        for (_, _, shape, _) in items {
            bytes.extend(shape.iter().flat_map(|n| n.to_le_bytes()));
        }
        let padding = (256 - (bytes.len() + 8) % 256) % 256;
        bytes.extend((padding as u64).to_le_bytes());
        bytes.extend(vec![0; padding]);
        items.iter().for_each(|(_, _, _, data)| bytes.extend(data));
        bytes
    }

    fn of_floats(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    fn small() -> Vec<u8> {
        let int8: Vec<u8> = [1i8, -2, 3, 4, -5, 6].iter().map(|&q| q as u8).collect();
        let int8 = [int8, of_floats(&[2.0])].concat();
        file(&[
            ("encoder_l2_self_Wq", INT8, vec![2, 3], int8.clone()),
            ("encoder_l2_self_Wq_QuantMultA", FLOAT32, vec![1, 1], of_floats(&[7.5])),
            ("decoder_l1_ffn_W1", FLOAT32, vec![2, 3], of_floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])),
            ("decoder_l1_ffn_b1", FLOAT32, vec![1, 3], of_floats(&[1.0, 2.0, 3.0])),
            ("Wemb", INT8, vec![3, 2], int8),
            ("none_QuantMultA", FLOAT32, vec![1, 1], of_floats(&[8.5])),
            (
                "special:model.yml",
                0x101,
                vec![3],
                b"dim-emb: 2\ndim-vocabs:\n  - 3\n  - 4\ntop: \"\"\0".to_vec(),
            ),
        ])
    }

    #[test]
    fn matrices_come_as_outputs_by_inputs_under_the_hubs_names() {
        let file = MarianFile::parse(small()).unwrap();
        let query = "model.encoder.layers.1.self_attn.q_proj.weight";
        let shapes = file.shapes();
        assert_eq!(shapes[query], [3, 2]);
        assert_eq!(shapes["model.shared.weight"], [3, 2]);
        assert_eq!(shapes["model.decoder.layers.0.fc1.bias"], [3]);
        assert_eq!(shapes.len(), 4);
        let rows = |name: &str| file.read(name).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(rows(query), [[0.5, -1.0], [1.5, 2.0], [-2.5, 3.0]]);
        assert_eq!(rows("model.shared.weight"), rows(query));
        assert_eq!(rows("model.decoder.layers.0.fc1.weight"), [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]);
        let int8 = file.int8(query).unwrap();
        assert_eq!((int8.factor, int8.activations), (2.0, Some(7.5)));
        assert_eq!(int8.data().collect::<Vec<_>>(), [1, -2, 3, 4, -5, 6]);
        assert_eq!(file.int8("model.shared.weight").unwrap().activations, Some(8.5));
        assert!(file.int8("model.decoder.layers.0.fc1.weight").is_none());
        assert_eq!(file.option("dim-vocabs"), Some("3 4"));
        assert_eq!(file.option("top"), Some(""));
    }

    #[test]
    fn a_cut_or_absurd_file_is_an_error() {
        let whole = small();
        for len in 0..whole.len() {
            if let Ok(file) = MarianFile::parse(whole[..len].to_vec()) {
                assert!(len > 0 && file.shapes().len() <= 4, "{len}");
                panic!("cut at {len} of {}", whole.len());
            }
        }
        for at in 0..whole.len().min(600) {
            let mut damaged = whole.clone();
            damaged[at] = 0xFF;
            if let Ok(file) = MarianFile::parse(damaged) {
                for name in file.shapes().keys() {
                    let _ = (file.read(name), file.int8(name).is_some());
                }
            }
        }
        let zero = file(&[
            ("Wemb", INT8, vec![1, 1], vec![5, 0, 0, 0, 0]),
            (CONFIG, 0x101, vec![1], b"a: b".to_vec()),
        ]);
        assert!(MarianFile::parse(zero).err().unwrap().to_string().contains("Wemb"));
        let packed =
            file(&[("W", 0x5101, vec![1, 1], vec![0; 5]), (CONFIG, 0x101, vec![1], b"a: b".to_vec())]);
        let refused = MarianFile::parse(packed).err().unwrap().to_string();
        assert!(refused.contains("one kind of processor"), "{refused}");
    }

    #[test]
    fn unknown_names_stay_as_they_are() {
        for name in
            ["encoder_l0_self_Wq", "decoder_l1_self_Wx", "decoder_l1_aan_W1", "Wpos", "encoder_lx_a_b"]
        {
            assert_eq!(hub_name(name), name);
        }
        assert_eq!(
            hub_name("decoder_l2_context_Wo_ln_bias"),
            "model.decoder.layers.1.encoder_attn_layer_norm.bias"
        );
        assert_eq!(hub_name("decoder_l1_rnn_Wf"), "model.decoder.layers.0.ssru.forget.weight");
    }
}
