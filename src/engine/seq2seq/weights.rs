//! The tensors of a weight file by name, whatever the container, and the errors of all of them at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use candle_core::quantized::{QMatMul, gguf_file};
use candle_core::safetensors::MmapedSafetensors;
use candle_core::{DType, Device, Tensor};

use super::marian_file::{Int8Matrix, MarianFile};
use super::torch::TorchFile;
use crate::engine::{EngineError, first_line, gguf};
use crate::model::{Family, InstalledModel};

/// How many names an error lists before it only counts.
const LISTED: usize = 8;
/// Values of which zeros stand in for a tensor that is missing; a larger one is an error at once.
const MOST_ZEROS: usize = 1 << 28;

enum Container {
    Safetensors(MmapedSafetensors),
    Torch(TorchFile),
    Gguf { content: gguf_file::Content, path: PathBuf },
    Marian(MarianFile),
}

/// A matrix that multiplies rows: full numbers, or the blocks of a GGUF file.
pub enum Matrix {
    /// outputs × inputs
    Dense(Tensor),
    /// The same in a quantised layout.
    Quantized(QMatMul),
}

/// A model's weight file, which remembers what was asked of it and what was wrong.
pub struct Weights {
    path: PathBuf,
    container: Container,
    shapes: BTreeMap<String, Vec<usize>>,
    device: Device,
    dtype: DType,
    used: Mutex<BTreeSet<String>>,
    problems: Mutex<Vec<String>>,
}

impl Weights {
    /// Opens the weight file among the model's files: `model*.safetensors`, `*.gguf`, `pytorch_model.bin`, or Marian's
    /// own for the family that has it. Tensors will be of `dtype` on `device`.
    pub fn open(model: &InstalledModel, device: &Device, dtype: DType) -> Result<Self, EngineError> {
        let of = |start: &str, end: &str| -> Vec<&PathBuf> {
            let files = model.files.iter().filter(|(name, _)| name.starts_with(start) && name.ends_with(end));
            files.map(|(_, path)| path).collect()
        };
        let safetensors = of("model", ".safetensors");
        let (gguf, torch) = (of("", ".gguf"), of("pytorch_model", ".bin"));
        let (path, container) = if model.spec.family == Family::Bergamot {
            let path = super::bergamot::weights(model)?;
            (path, Container::Marian(MarianFile::open(path)?))
        } else if let Some(&path) = safetensors.first() {
            (path, open_safetensors(&safetensors)?)
        } else if let Some(&path) = gguf.first() {
            (path, open_gguf(path)?)
        } else if let Some(&path) = torch.first() {
            (path, Container::Torch(TorchFile::open(path)?))
        } else {
            let name = &model.spec.name;
            return Err(EngineError::Invalid(format!(
                "{name}: no model.safetensors, pytorch_model.bin or .gguf file"
            )));
        };
        let shapes = match &container {
            Container::Safetensors(file) => {
                file.tensors().into_iter().map(|(name, view)| (name, view.shape().to_vec())).collect()
            }
            Container::Torch(file) => {
                file.names().filter_map(|name| Some((name.to_string(), file.shape(name)?.to_vec()))).collect()
            }
            Container::Gguf { content, .. } => content
                .tensor_infos
                .iter()
                .map(|(name, info)| (name.clone(), info.shape.dims().to_vec()))
                .collect(),
            Container::Marian(file) => file.shapes(),
        };
        Ok(Weights {
            path: path.clone(),
            container,
            shapes,
            device: device.clone(),
            dtype,
            used: Mutex::default(),
            problems: Mutex::default(),
        })
    }

    /// Names and shapes of all tensors.
    pub fn shapes(&self) -> &BTreeMap<String, Vec<usize>> {
        &self.shapes
    }

    /// Whether the file has a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.shapes.contains_key(name)
    }

    /// A tensor of the given shape. What is missing or of another shape is noted for [`Weights::finish`], and zeros
    /// stand in for it until then.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor, EngineError> {
        if !self.check(name, shape) {
            let values = shape.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
            if values.is_none_or(|n| n > MOST_ZEROS) {
                self.finish()?;
            }
            return Ok(Tensor::zeros(shape, self.dtype, &self.device)?);
        }
        let tensor = match &self.container {
            Container::Safetensors(file) => file.load(name, &Device::Cpu)?,
            Container::Torch(file) => file.read(name)?,
            Container::Gguf { .. } => self.quantized(name)?.dequantize(&Device::Cpu)?,
            Container::Marian(file) => file.read(name)?,
        };
        Ok(tensor.to_dtype(self.dtype)?.to_device(&self.device)?)
    }

    /// The same for a matrix of a linear layer, which stays quantised where the file has it so.
    pub fn matrix(&self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, EngineError> {
        match &self.container {
            Container::Gguf { .. } if self.check(name, &[outputs, inputs]) => {
                Ok(Matrix::Quantized(QMatMul::from_qtensor(self.quantized(name)?)?))
            }
            _ => Ok(Matrix::Dense(self.tensor(name, &[outputs, inputs])?)),
        }
    }

    /// The same where it was published in int8, as it is stored; none elsewhere.
    pub fn int8(&self, name: &str, outputs: usize, inputs: usize) -> Option<Int8Matrix<'_>> {
        match &self.container {
            Container::Marian(file) if self.check(name, &[outputs, inputs]) => file.int8(name),
            _ => None,
        }
    }

    /// Marks a tensor as known to be of no use (a tied copy under another name, a constant).
    pub fn ignore(&self, name: &str) {
        locked(&self.used).insert(name.to_string());
    }

    /// All that was missing, of another shape, or never asked for, in one error.
    pub fn finish(&self) -> Result<(), EngineError> {
        let used = locked(&self.used);
        let surplus: Vec<String> = self
            .shapes
            .iter()
            .filter(|(name, _)| !used.contains(*name))
            .map(|(name, shape)| format!("{name} {shape:?} is in no place of the configuration"))
            .collect();
        let mut all = locked(&self.problems).clone();
        // Layers are read by several threads, and a tied tensor is asked for twice.
        all.sort();
        all.dedup();
        all.extend(surplus);
        if all.is_empty() {
            return Ok(());
        }
        let more = all.len().saturating_sub(LISTED);
        let mut message = format!("{}: does not fit its configuration: ", self.path.display());
        message.push_str(&all[..all.len() - more].join("; "));
        if more > 0 {
            message.push_str(&format!("; and {more} more"));
        }
        Err(EngineError::Invalid(message))
    }

    fn check(&self, name: &str, shape: &[usize]) -> bool {
        locked(&self.used).insert(name.to_string());
        let problem = match self.shapes.get(name) {
            Some(found) if found == shape => return true,
            Some(found) => format!("{name} is {found:?} instead of {shape:?}"),
            None => format!("{name} {shape:?} is missing"),
        };
        locked(&self.problems).push(problem);
        false
    }

    fn quantized(&self, name: &str) -> Result<candle_core::quantized::QTensor, EngineError> {
        let Container::Gguf { content, path } = &self.container else {
            return Err(EngineError::Invalid(format!("`{name}` is not quantised")));
        };
        let mut file = std::fs::File::open(path).map_err(|e| EngineError::file(path, e))?;
        Ok(content.tensor(&mut file, name, &self.device)?)
    }
}

/// Notes are whole whatever happened to the thread that made the last one.
fn locked<T>(notes: &Mutex<T>) -> MutexGuard<'_, T> {
    notes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_safetensors(paths: &[&PathBuf]) -> Result<Container, EngineError> {
    // SAFETY: the files are only read; whoever changes a model's files while it runs gets wrong translations from any
    // program that maps them.
    let opened = unsafe { MmapedSafetensors::multi(paths) };
    let named = |e: candle_core::Error| {
        let path = paths.first().map(|p| p.display().to_string()).unwrap_or_default();
        EngineError::Invalid(format!("{path}: {}", first_line(&e)))
    };
    opened.map(Container::Safetensors).map_err(named)
}

fn open_gguf(path: &Path) -> Result<Container, EngineError> {
    Ok(Container::Gguf { content: gguf::open(path)?, path: path.to_path_buf() })
}
