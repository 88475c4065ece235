//! What a GGUF file says of itself: metadata and the list of tensors.
//!
//! Format: docs/gguf.md of ggml, versions 2 and 3, little-endian. The header is read here and not by candle, which divides
//! by an alignment of zero, multiplies shapes without looking and has no limit on arrays, whose items take thirty times
//! their place in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use candle_core::quantized::GgmlDType;
use candle_core::quantized::gguf_file::{Content, DEFAULT_ALIGNMENT, TensorInfo, Value, VersionedMagic};

use super::EngineError;

/// Values in all arrays together; the largest vocabularies with their merges, scores and types have a million and a half.
const MOST_ITEMS: u64 = 1 << 23;
/// More keys or tensors than any model has.
const MOST_ENTRIES: u64 = 1 << 20;
/// More dimensions than any tensor of the format has.
const MOST_DIMENSIONS: u32 = 4;

const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// Reads the header of the file `path`.
pub fn open(path: &Path) -> Result<Content, EngineError> {
    let file = File::open(path).map_err(|e| EngineError::file(path, e))?;
    let size = file.metadata().map_err(|e| EngineError::file(path, e))?.len();
    let header = Header { reader: BufReader::new(file), at: 0, size, items: 0 };
    header.read().map_err(|what| EngineError::Invalid(format!("{}: {what}", path.display())))
}

/// A file of `size` bytes, read up to `at`.
struct Header<R> {
    reader: R,
    at: u64,
    size: u64,
    /// Values in arrays so far.
    items: u64,
}

impl<R: Read> Header<R> {
    fn read(mut self) -> Result<Content, String> {
        if &self.bytes()? != b"GGUF" {
            return Err("is no GGUF file: it does not begin with `GGUF`".into());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("is of GGUF version {version}; 2 and 3 are known"));
        }
        let (tensors, keys) = (self.u64()?, self.u64()?);
        if keys > MOST_ENTRIES || tensors > MOST_ENTRIES {
            return Err(format!("names {keys} keys and {tensors} tensors"));
        }
        let mut metadata = HashMap::new();
        for _ in 0..keys {
            let key = self.string()?;
            let kind = self.u32()?;
            let value = self.value(kind).map_err(|what| format!("metadata key `{key}`: {what}"))?;
            metadata.insert(key, value);
        }
        let mut infos = Vec::new();
        for _ in 0..tensors {
            let name = self.string()?;
            let info = self.tensor().map_err(|what| format!("tensor `{name}`: {what}"))?;
            infos.push((name, info));
        }
        let alignment =
            metadata.get("general.alignment").and_then(integer).map_or(DEFAULT_ALIGNMENT, u64::from);
        if !alignment.is_power_of_two() {
            return Err(format!("aligns its tensors to {alignment} bytes"));
        }
        let tensor_data_offset = self.at.next_multiple_of(alignment);
        for (name, info) in &infos {
            let bytes = info.shape.elem_count() / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
            let end = tensor_data_offset.saturating_add(info.offset).saturating_add(bytes as u64);
            if end > self.size {
                return Err(format!("is cut short: tensor `{name}` ends at byte {end} of {}", self.size));
            }
        }
        let tensor_infos = infos.into_iter().collect();
        Ok(Content { magic: VersionedMagic::GgufV3, metadata, tensor_infos, tensor_data_offset })
    }

    fn value(&mut self, kind: u32) -> Result<Value, String> {
        if kind != ARRAY {
            return self.scalar(kind);
        }
        let (kind, len) = (self.u32()?, self.u64()?);
        self.items = self.items.saturating_add(len);
        if self.items > MOST_ITEMS {
            return Err(format!("more than {MOST_ITEMS} values in arrays"));
        }
        (0..len).map(|_| self.scalar(kind)).collect::<Result<_, _>>().map(Value::Array)
    }

    fn scalar(&mut self, kind: u32) -> Result<Value, String> {
        Ok(match kind {
            0 => Value::U8(u8::from_le_bytes(self.bytes()?)),
            1 => Value::I8(i8::from_le_bytes(self.bytes()?)),
            2 => Value::U16(u16::from_le_bytes(self.bytes()?)),
            3 => Value::I16(i16::from_le_bytes(self.bytes()?)),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(i32::from_le_bytes(self.bytes()?)),
            6 => Value::F32(f32::from_le_bytes(self.bytes()?)),
            7 => Value::Bool(self.bytes()? != [0]),
            STRING => Value::String(self.string()?),
            10 => Value::U64(self.u64()?),
            11 => Value::I64(i64::from_le_bytes(self.bytes()?)),
            12 => Value::F64(f64::from_le_bytes(self.bytes()?)),
            ARRAY => return Err("an array of arrays".into()),
            other => return Err(format!("a value of the unknown type {other}")),
        })
    }

    fn tensor(&mut self) -> Result<TensorInfo, String> {
        let rank = self.u32()?;
        if rank > MOST_DIMENSIONS {
            return Err(format!("{rank} dimensions"));
        }
        let mut shape = (0..rank).map(|_| self.u64()).collect::<Result<Vec<u64>, _>>()?;
        shape.reverse();
        let ggml_dtype = dtype(self.u32()?)?;
        // In bytes of f32, which is what it may become. candle makes an unaligned reference of what is empty.
        let bytes = shape.iter().try_fold(4usize, |n, &size| n.checked_mul(usize::try_from(size).ok()?));
        if bytes.is_none() || shape.contains(&0) {
            return Err(format!("the absurd shape {shape:?}"));
        }
        let shape: Vec<usize> = shape.into_iter().map(|size| size as usize).collect();
        Ok(TensorInfo { ggml_dtype, shape: shape.into(), offset: self.u64()? })
    }

    /// Files may end strings with NUL, and some have what is no UTF-8.
    fn string(&mut self) -> Result<String, String> {
        let len = self.u64()?;
        if len > self.size.saturating_sub(self.at) {
            return Err(format!("a string of {len} bytes at byte {} of {}", self.at, self.size));
        }
        let mut bytes = vec![0; len as usize];
        self.fill(&mut bytes)?;
        let text = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        Ok(String::from_utf8_lossy(&bytes[..text]).into_owned())
    }

    fn u32(&mut self) -> Result<u32, String> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64, String> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        self.reader.read_exact(bytes).map_err(|e| format!("ends within its header: {e}"))?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

/// `ggml_type` of ggml.h.
fn dtype(number: u32) -> Result<GgmlDType, String> {
    Ok(match number {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        other => return Err(format!("values in the layout {other}, which is not read here")),
    })
}

/// GGUF metadata with typed access and errors that name the key.
pub struct Metadata<'a>(pub &'a HashMap<String, Value>);

impl Metadata<'_> {
    fn get(&self, key: &str) -> Result<&Value, EngineError> {
        self.0.get(key).ok_or_else(|| EngineError::Invalid(format!("metadata key `{key}` is missing")))
    }

    fn wrong(key: &str) -> EngineError {
        EngineError::Invalid(format!("metadata key `{key}` has an unexpected type"))
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<String, EngineError> {
        self.get(key)?.to_string().cloned().map_err(|_| Self::wrong(key))
    }

    /// A truth value.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.0.get(key).and_then(|v| v.to_bool().ok())
    }

    /// An integer of any width.
    pub fn number(&self, key: &str) -> Result<u32, EngineError> {
        integer(self.get(key)?).ok_or_else(|| Self::wrong(key))
    }

    /// A floating-point number.
    pub fn float(&self, key: &str) -> Result<f32, EngineError> {
        self.get(key)?.to_f32().map_err(|_| Self::wrong(key))
    }

    fn array<T>(&self, key: &str, item: impl Fn(&Value) -> Option<T>) -> Result<Vec<T>, EngineError> {
        let values = self.get(key)?.to_vec().map_err(|_| Self::wrong(key))?;
        values.iter().map(|v| item(v).ok_or_else(|| Self::wrong(key))).collect()
    }

    /// Strings.
    pub fn strings(&self, key: &str) -> Result<Vec<String>, EngineError> {
        self.array(key, |v| v.to_string().ok().cloned())
    }

    /// Integers of any width.
    pub fn numbers(&self, key: &str) -> Result<Vec<u32>, EngineError> {
        self.array(key, integer)
    }

    /// Floating-point numbers.
    pub fn floats(&self, key: &str) -> Result<Vec<f32>, EngineError> {
        self.array(key, |v| v.to_f32().ok())
    }
}

fn integer(value: &Value) -> Option<u32> {
    match *value {
        Value::U8(v) => Some(v.into()),
        Value::U16(v) => Some(v.into()),
        Value::U32(v) => Some(v),
        Value::U64(v) => v.try_into().ok(),
        Value::I8(v) => v.try_into().ok(),
        Value::I16(v) => v.try_into().ok(),
        Value::I32(v) => v.try_into().ok(),
        Value::I64(v) => v.try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    fn key(name: &str, kind: u32, value: &[u8]) -> Vec<u8> {
        [&string(name)[..], &kind.to_le_bytes(), value].concat()
    }

    /// A file with these keys and one tensor of this shape, innermost first, in f32.
    fn file(keys: &[Vec<u8>], shape: &[u64], data: usize) -> Vec<u8> {
        let mut bytes = [&b"GGUF"[..], &3u32.to_le_bytes(), &1u64.to_le_bytes()].concat();
        bytes.extend((keys.len() as u64).to_le_bytes());
        bytes.extend(keys.concat());
        bytes.extend(string("w"));
        bytes.extend((shape.len() as u32).to_le_bytes());
        bytes.extend(shape.iter().flat_map(|size| size.to_le_bytes()));
        bytes.extend([&0u32.to_le_bytes()[..], &0u64.to_le_bytes()].concat());
        bytes.resize(bytes.len().next_multiple_of(32) + data, 0);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Content, String> {
        Header { reader: bytes, at: 0, size: bytes.len() as u64, items: 0 }.read()
    }

    #[test]
    fn keys_and_tensors_are_found() {
        let array = [&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &string("a\0"), &string("ب")].concat();
        let keys =
            [key("n", 2, &[7, 0]), key("texts", ARRAY, &array), key("general.alignment", 4, &[32, 0, 0, 0])];
        let bytes = file(&keys, &[2, 3], 24);
        let content = read(&bytes).unwrap();
        let metadata = Metadata(&content.metadata);
        assert_eq!(metadata.number("n").unwrap(), 7);
        assert_eq!(metadata.strings("texts").unwrap(), ["a", "ب"]);
        assert_eq!(content.tensor_infos["w"].shape.dims(), [3, 2]);
        assert_eq!(content.tensor_data_offset as usize, bytes.len() - 24);
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn what_would_take_the_reader_down_is_refused() {
        let array =
            |kind: u32, len: u64| key("a", ARRAY, &[&kind.to_le_bytes()[..], &len.to_le_bytes()].concat());
        for (bytes, wanted) in [
            (file(&[key("general.alignment", 4, &[0; 4])], &[1], 4), "aligns its tensors to 0 bytes"),
            (file(&[], &[1 << 40, 1 << 40], 4), "absurd shape"),
            (file(&[], &[0, 1 << 40, 1 << 40], 4), "absurd shape"),
            (file(&[], &[0], 4), "absurd shape"),
            (file(&[], &[1; 5], 4), "5 dimensions"),
            (file(&[], &[1 << 20], 4), "is cut short: tensor `w`"),
            (file(&[array(0, u64::MAX)], &[1], 4), "values in arrays"),
            (file(&[array(8, 3)], &[1], 4), "metadata key `a`"),
            (file(&[array(ARRAY, 1)], &[1], 4), "array of arrays"),
            (file(&[key("s", STRING, &[0xFF; 8])], &[1], 4), "a string of 18446744073709551615 bytes"),
            (b"GGUF\x09\0\0\0".to_vec(), "version 9"),
            (b"PK\x03\x04".to_vec(), "no GGUF file"),
        ] {
            let error = read(&bytes).err().unwrap_or_default();
            assert!(error.contains(wanted), "{error:?} instead of {wanted:?}");
        }
    }
}
