//! PyTorch's `.bin` files, read as data: the pickle inside is parsed, nothing in it is ever called.
//!
//! Two containers exist: a zip archive with `data.pkl` and one file a storage (since PyTorch 1.6), and before that a
//! stream of pickles followed by the storages (many opus-mt models of 2020). `torch/serialization.py` defines both.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};

use super::pickle::{self, Pickle, Place, Value};
use crate::engine::EngineError;

/// The pickled number 0x1950a86a20f9469cfc6c, with which the older container begins.
const OLD_MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

/// More dimensions than any tensor has.
const MOST_DIMENSIONS: usize = 16;

/// A tensor as the pickle describes it.
struct Entry {
    dtype: DType,
    shape: Vec<usize>,
    /// Elements from the storage's start.
    offset: usize,
    storage: String,
}

/// Where a storage's bytes lie.
enum Storages {
    /// Folder of the storages in the zip archive, with a closing `/`.
    Zip(String),
    /// Byte ranges of the file.
    Stream(HashMap<String, (u64, u64)>),
}

/// The tensors of a `.bin` file.
pub struct TorchFile {
    path: PathBuf,
    entries: HashMap<String, Entry>,
    storages: Storages,
}

impl TorchFile {
    /// Reads the directory of tensors, not their values.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let file = File::open(path).map_err(|e| EngineError::file(path, e))?;
        let mut reader = BufReader::new(file);
        let start = reader.fill_buf().map_err(|e| EngineError::file(path, e))?;
        let is_zip = start.starts_with(b"PK");
        let is_old = start.starts_with(OLD_MAGIC);
        let (entries, storages) = if is_zip {
            open_zip(reader)
        } else if is_old {
            open_stream(reader)
        } else {
            Err("is no file written by torch.save".into())
        }
        .map_err(|message| broken(path, &message))?;
        if entries.is_empty() {
            return Err(broken(path, "holds no tensors"));
        }
        Ok(TorchFile { path: path.to_path_buf(), entries, storages })
    }

    /// Names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// A tensor's shape.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|e| e.shape.as_slice())
    }

    /// A tensor's values.
    pub fn read(&self, name: &str) -> Result<Tensor, EngineError> {
        let entry =
            self.entries.get(name).ok_or_else(|| broken(&self.path, &format!("`{name}` is missing")))?;
        let bytes =
            self.bytes(entry).map_err(|message| broken(&self.path, &format!("`{name}` {message}")))?;
        Ok(Tensor::from_raw_buffer(&bytes, entry.dtype, &entry.shape, &Device::Cpu)?)
    }

    fn bytes(&self, entry: &Entry) -> Result<Vec<u8>, String> {
        let size = entry.dtype.size_in_bytes();
        let offset = (entry.offset * size) as u64;
        let wanted = entry.shape.iter().product::<usize>() * size;
        let mut file = BufReader::new(File::open(&self.path).map_err(|e| e.to_string())?);
        // Never more memory than the file has bytes, whatever shape the pickle claims.
        let read = |reader: &mut dyn Read| -> Result<Vec<u8>, String> {
            let mut bytes = Vec::new();
            reader.take(wanted as u64).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
            if bytes.len() < wanted {
                return Err(format!("needs {wanted} bytes, and its storage ends after {}", bytes.len()));
            }
            Ok(bytes)
        };
        match &self.storages {
            Storages::Zip(folder) => {
                let mut zip = zip::ZipArchive::new(file).map_err(|e| e.to_string())?;
                let name = format!("{folder}{}", entry.storage);
                let mut storage = zip.by_name(&name).map_err(|e| format!("has no storage {name}: {e}"))?;
                std::io::copy(&mut storage.by_ref().take(offset), &mut std::io::sink())
                    .map_err(|e| e.to_string())?;
                read(&mut storage)
            }
            Storages::Stream(ranges) => {
                let &(start, len) = ranges.get(&entry.storage).ok_or("has no storage")?;
                let len = len.checked_sub(offset).ok_or("begins behind its storage")?;
                file.seek(SeekFrom::Start(start + offset)).map_err(|e| e.to_string())?;
                read(&mut file.take(len))
            }
        }
    }
}

fn broken(path: &Path, message: &str) -> EngineError {
    EngineError::Invalid(format!("{}: {message}", path.display()))
}

fn open_zip(reader: BufReader<File>) -> Result<(HashMap<String, Entry>, Storages), String> {
    let mut zip = zip::ZipArchive::new(reader).map_err(|e| format!("is a damaged zip archive: {e}"))?;
    // torch.save compresses nothing; what does could unpack to more than any disk holds.
    for at in 0..zip.len() {
        let member = zip.by_index_raw(at).map_err(|e| format!("is a damaged zip archive: {e}"))?;
        if member.compression() != zip::CompressionMethod::Stored {
            return Err("is compressed, as torch.save does not".into());
        }
    }
    let names: Vec<String> = zip.file_names().flatten().map(|name| name.into_owned()).collect();
    let name = names.iter().find(|n| n.ends_with("data.pkl")).ok_or("has no data.pkl")?;
    let folder = format!("{}data/", name.trim_end_matches("data.pkl"));
    let mut reader = BufReader::new(zip.by_name(name).map_err(|e| format!("has a damaged data.pkl: {e}"))?);
    Ok((entries(&unpickle(&mut reader)?)?, Storages::Zip(folder)))
}

fn open_stream(mut reader: BufReader<File>) -> Result<(HashMap<String, Entry>, Storages), String> {
    reader.seek(SeekFrom::Start(OLD_MAGIC.len() as u64)).map_err(|e| e.to_string())?;
    unpickle(&mut reader)?; // the protocol's version
    unpickle(&mut reader)?; // sizes of types and the byte order
    let entries = entries(&unpickle(&mut reader)?)?;
    let listed = unpickle(&mut reader)?;
    let Value::List(keys) = listed.root() else { return Err("lists no storages".into()) };
    let widths: HashMap<&str, usize> =
        entries.values().map(|e| (e.storage.as_str(), e.dtype.size_in_bytes())).collect();
    let mut ranges = HashMap::new();
    for &key in keys {
        let Value::Text(key) = listed.get(key) else {
            return Err("names a storage by something else than text".into());
        };
        let mut count = [0; 8];
        reader.read_exact(&mut count).map_err(|_| "ends before its last storage")?;
        // A storage that no tensor uses has an unknown width; nothing of it is ever asked for.
        let width = widths.get(key.as_str()).copied().unwrap_or(4) as u64;
        let len = u64::from_le_bytes(count).checked_mul(width).ok_or("has a storage of absurd size")?;
        let start = reader.stream_position().map_err(|e| e.to_string())?;
        let end = start.checked_add(len).ok_or("has a storage of absurd size")?;
        ranges.insert(key.clone(), (start, len));
        reader.seek(SeekFrom::Start(end)).map_err(|e| e.to_string())?;
    }
    Ok((entries, Storages::Stream(ranges)))
}

fn unpickle(reader: &mut impl BufRead) -> Result<Pickle, String> {
    pickle::read(reader).map_err(|what| format!("holds a pickle that cannot be read: {what}"))
}

/// Name and description of each tensor of a state dictionary; entries that are no tensors are passed over.
fn entries(pickle: &Pickle) -> Result<HashMap<String, Entry>, String> {
    let Value::Dict(pairs) = pickle.root() else {
        return Err("holds something else than named tensors".into());
    };
    let mut entries = HashMap::new();
    for &(name, value) in pairs {
        let Value::Text(name) = pickle.get(name) else { continue };
        if let Some(entry) = entry(pickle, value).map_err(|message| format!("`{name}` {message}"))? {
            entries.insert(name.clone(), entry);
        }
    }
    Ok(entries)
}

fn entry(pickle: &Pickle, mut value: Place) -> Result<Option<Entry>, &'static str> {
    let args = loop {
        let Value::Call { class, args } = pickle.get(value) else { return Ok(None) };
        let (Value::Class(class), Value::Tuple(args)) = (pickle.get(*class), pickle.get(*args)) else {
            return Ok(None);
        };
        match (class.as_str(), &args[..]) {
            // (data, requires_grad, hooks)
            ("_rebuild_parameter", [data, ..]) => value = *data,
            ("_rebuild_tensor_v2", _) => break args,
            _ => return Ok(None),
        }
    };
    // (storage, offset, size, stride, requires_grad, hooks)
    let [storage, offset, size, stride, ..] = args[..] else { return Err("is described in an unknown way") };
    let Value::Persistent(storage) = pickle.get(storage) else {
        return Err("is described in an unknown way");
    };
    // ("storage", type, key, device, elements)
    let Value::Tuple(storage) = pickle.get(*storage) else { return Err("has an unknown storage") };
    let [_, class, key, ..] = storage[..] else { return Err("has an unknown storage") };
    let (Value::Class(class), Value::Text(key)) = (pickle.get(class), pickle.get(key)) else {
        return Err("has an unknown storage");
    };
    let dtype = match class.as_str() {
        "FloatStorage" => DType::F32,
        "HalfStorage" => DType::F16,
        "BFloat16Storage" => DType::BF16,
        "DoubleStorage" => DType::F64,
        "LongStorage" => DType::I64,
        _ => return Err("is of a type that is not read here (f16, bf16, f32, f64 and i64 are)"),
    };
    let (shape, stride) = (numbers(pickle, size)?, numbers(pickle, stride)?);
    if shape.len() != stride.len() {
        return Err("has an unknown shape");
    }
    let mut expected = 1usize;
    for (&size, &stride) in shape.iter().zip(&stride).rev() {
        if size != 1 && stride != expected {
            return Err("is not stored row by row");
        }
        expected = expected.checked_mul(size.max(1)).ok_or("has an absurd shape")?;
    }
    let offset = number(pickle, offset)?;
    expected.checked_add(offset).and_then(|n| n.checked_mul(8)).ok_or("has an absurd shape")?;
    Ok(Some(Entry { dtype, shape, offset, storage: key.clone() }))
}

fn numbers(pickle: &Pickle, tuple: Place) -> Result<Vec<usize>, &'static str> {
    match pickle.get(tuple) {
        Value::Tuple(items) if items.len() <= MOST_DIMENSIONS => {
            items.iter().map(|&item| number(pickle, item)).collect()
        }
        _ => Err("has an unknown shape"),
    }
}

fn number(pickle: &Pickle, place: Place) -> Result<usize, &'static str> {
    match pickle.get(place) {
        Value::Int(n) => usize::try_from(*n).map_err(|_| "has an unknown shape"),
        _ => Err("has an unknown shape"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `tests/golden/make_torch.py`.
    fn path(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/torch").join(name)
    }

    fn values(file: &TorchFile, name: &str) -> Vec<f32> {
        let tensor = file.read(name).unwrap().to_dtype(DType::F32).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn both_containers_give_the_tensors() {
        for name in ["zip.bin", "stream.bin"] {
            let file = TorchFile::open(&path(name)).unwrap();
            let mut names: Vec<&str> = file.names().collect();
            names.sort_unstable();
            assert_eq!(names, ["brain", "half", "number", "parameter", "part", "whole"], "{name}");
            assert_eq!(file.shape("whole"), Some(&[3, 4][..]));
            assert_eq!(values(&file, "whole"), (0..12).map(|n| n as f32).collect::<Vec<_>>(), "{name}");
            assert_eq!(values(&file, "part"), [5.0, 6.0, 7.0, 8.0], "{name}: in the middle of a storage");
            assert_eq!(values(&file, "half"), [1.5, -2.0]);
            assert_eq!(values(&file, "brain"), [0.25, 3.0]);
            assert_eq!((values(&file, "parameter"), values(&file, "number")), (vec![7.0], vec![42.0]));
            assert!(file.read("missing").is_err());
        }
    }

    #[test]
    fn nothing_in_a_pickle_is_called() {
        let trace = Path::new("/tmp/a-pickle-was-executed");
        for name in ["evil-zip.bin", "evil-stream.bin"] {
            let file = TorchFile::open(&path(name)).unwrap();
            assert_eq!(
                file.names().collect::<Vec<_>>(),
                ["whole"],
                "{name}: what is no tensor is passed over"
            );
            assert_eq!(values(&file, "whole").len(), 12);
            assert!(!trace.exists());
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("text.bin");
        std::fs::write(&text, "not a model").unwrap();
        let error = |path: &Path| TorchFile::open(path).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(error(&text).contains("is no file written by torch.save"), "{}", error(&text));
        assert!(error(&path("turned.bin")).contains("`turned` is not stored row by row"));
        assert!(error(&path("list.bin")).contains("something else than named tensors"));
        assert!(error(&folder.path().join("none.bin")).contains("none.bin"));
    }

    #[test]
    fn damaged_files_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let damaged = folder.path().join("damaged.bin");
        for name in ["zip.bin", "stream.bin"] {
            let whole = std::fs::read(path(name)).unwrap();
            let mut failed = 0;
            let try_it = |bytes: &[u8], failed: &mut usize| {
                std::fs::write(&damaged, bytes).unwrap();
                let Ok(file) = TorchFile::open(&damaged) else {
                    *failed += 1;
                    return;
                };
                let names: Vec<String> = file.names().map(str::to_string).collect();
                *failed += usize::from(names.iter().any(|name| file.read(name).is_err()));
            };
            for len in (0..whole.len()).step_by(7) {
                try_it(&whole[..len], &mut failed);
            }
            let cuts = whole.len().div_ceil(7);
            // Storages come last in a stream; every cut takes something away.
            assert_eq!(failed, cuts, "{name}");
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                try_it(&bytes, &mut failed);
            }
        }
    }
}
