//! What a GGUF file says of itself: metadata and the list of tensors.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};

use super::{EngineError, first_line};

/// Reads the header of the file `path`.
pub fn open(path: &Path) -> Result<Content, EngineError> {
    let file = File::open(path).map_err(|e| EngineError::file(path, e))?;
    Content::read(&mut Positioned { inner: BufReader::new(file), at: 0 })
        .map_err(|e| EngineError::Invalid(format!("{}: {}", path.display(), first_line(&e))))
}

/// Knows where it is: candle asks before every string, and vocabularies have hundreds of thousands.
struct Positioned<R> {
    inner: R,
    at: u64,
}

impl<R: Read> Read for Positioned<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Positioned<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = self.inner.seek(to)?;
        Ok(self.at)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.at)
    }
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
