//! The weights of a GGUF file as f32 matrices, one at a time, with an adapter merged in.
//!
//! Nothing here keeps a model in memory: a caller asks for a matrix (or some of its rows), turns it into what its
//! kernels want and drops it, so that loading never holds the model twice.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use candle_core::quantized::gguf_file::{Content, TensorInfo};
use candle_core::{Device, Tensor};

use super::config::{Config, RopeStyle};
use crate::engine::{EngineError, first_line, gguf};
use crate::model::AdapterSpec;

/// A matrix of `rows` × `cols` values, row-major; a linear layer's rows are its outputs.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Outputs.
    pub rows: usize,
    /// Inputs.
    pub cols: usize,
    /// `rows * cols` values.
    pub data: Vec<f32>,
}

/// An open GGUF file.
pub struct Weights {
    /// Metadata and the list of tensors.
    pub content: Content,
    file: Mutex<BufReader<File>>,
    adapter: Option<Adapter>,
}

impl Weights {
    /// Opens `path`; nothing but the header is read.
    pub fn open(path: &Path) -> Result<Self, EngineError> {
        let content = gguf::open(path)?;
        let file = File::open(path).map_err(|e| EngineError::file(path, e))?;
        Ok(Weights { content, file: Mutex::new(BufReader::new(file)), adapter: None })
    }

    /// Merges the low-rank matrices of `path` into every matrix read from now on. Errors name what does not fit:
    /// a rank that differs from the registry's, shapes that differ from the base's, tensors without a layer.
    pub fn with_adapter(mut self, path: &Path, spec: &AdapterSpec) -> Result<Self, EngineError> {
        let mut adapter = Adapter::open(path, spec)?;
        for (name, (a, b)) in &adapter.pairs {
            let Some(info) = self.content.tensor_infos.get(name) else {
                return Err(EngineError::Invalid(format!(
                    "{}: the base model has no `{name}`",
                    path.display()
                )));
            };
            let (rows, cols) = dims(name, info)?;
            if a.dims() != [spec.rank, cols] || b.dims() != [rows, spec.rank] {
                return Err(EngineError::Invalid(format!(
                    "{}: `{name}` is {rows}×{cols}, the adapter's matrices are {:?} and {:?} (rank {})",
                    path.display(),
                    b.dims(),
                    a.dims(),
                    spec.rank
                )));
            }
        }
        adapter.interleave(&Config::from_gguf(&self.content)?)?;
        self.adapter = Some(adapter);
        Ok(self)
    }

    /// Whether the file has a tensor `name`.
    pub fn has(&self, name: &str) -> bool {
        self.content.tensor_infos.contains_key(name)
    }

    /// The tensor `name` as a vector of `len` values.
    pub fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, EngineError> {
        let info = self.info(name)?;
        if info.shape.dims() != [len] {
            return Err(EngineError::Invalid(format!(
                "`{name}` is {:?}, expected [{len}]",
                info.shape.dims()
            )));
        }
        self.read(name, info)
    }

    /// As [`Weights::vector`], or none where the file has no such tensor.
    pub fn optional_vector(&self, name: &str, len: usize) -> Result<Option<Vec<f32>>, EngineError> {
        if self.has(name) { self.vector(name, len).map(Some) } else { Ok(None) }
    }

    /// The tensor `name`, `rows` × `cols`, adapter included.
    pub fn matrix(&self, name: &str, rows: usize, cols: usize) -> Result<Matrix, EngineError> {
        let info = self.info(name)?;
        if dims(name, info)? != (rows, cols) {
            return Err(EngineError::Invalid(format!(
                "`{name}` is {:?}, expected [{rows}, {cols}]",
                info.shape.dims()
            )));
        }
        let mut data = self.read(name, info)?;
        if let Some((a, b)) = self.adapter.as_ref().and_then(|adapter| adapter.pairs.get(name)) {
            // W' = W + alpha / rank · B · A (Hu et al. 2021, LoRA, section 4.1); B is already scaled.
            let delta = b.matmul(a)?.flatten_all()?.to_vec1::<f32>()?;
            data.iter_mut().zip(delta).for_each(|(w, d)| *w += d);
        }
        Ok(Matrix { rows, cols, data })
    }

    /// Some rows of the matrix `name` with `cols` columns. Adapters do not touch embeddings, the only use.
    pub fn matrix_rows(&self, name: &str, rows: Range<usize>, cols: usize) -> Result<Vec<f32>, EngineError> {
        let info = self.info(name)?;
        let (all, width) = dims(name, info)?;
        if rows.end > all || width != cols {
            return Err(EngineError::Invalid(format!(
                "`{name}` is {all}×{width}, rows {rows:?} of {cols} were asked for"
            )));
        }
        if !cols.is_multiple_of(info.ggml_dtype.block_size()) {
            return Err(EngineError::Unsupported(format!(
                "`{name}`: rows of {cols} in blocks of {:?}",
                info.ggml_dtype
            )));
        }
        let row_bytes = cols / info.ggml_dtype.block_size() * info.ggml_dtype.type_size();
        let part = TensorInfo {
            ggml_dtype: info.ggml_dtype,
            shape: (rows.len(), cols).into(),
            offset: info.offset.saturating_add((rows.start * row_bytes) as u64),
        };
        self.read(name, &part)
    }

    /// Rows and columns of the matrix `name`.
    pub fn shape(&self, name: &str) -> Result<(usize, usize), EngineError> {
        dims(name, self.info(name)?)
    }

    fn info(&self, name: &str) -> Result<&TensorInfo, EngineError> {
        let infos = &self.content.tensor_infos;
        infos
            .get(name)
            .ok_or_else(|| EngineError::Invalid(format!("tensor `{name}` is missing in the GGUF file")))
    }

    fn read(&self, name: &str, info: &TensorInfo) -> Result<Vec<f32>, EngineError> {
        let quantized = {
            // A poisoned lock only means that another load failed while reading; the file itself is unharmed.
            let mut file = self.file.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            info.read(&mut *file, self.content.tensor_data_offset, &Device::Cpu)
        };
        let quantized =
            quantized.map_err(|e| EngineError::Invalid(format!("`{name}`: {}", first_line(&e))))?;
        Ok(quantized.dequantize(&Device::Cpu)?.flatten_all()?.to_vec1()?)
    }
}

fn dims(name: &str, info: &TensorInfo) -> Result<(usize, usize), EngineError> {
    match *info.shape.dims() {
        [rows, cols] => Ok((rows, cols)),
        ref other => Err(EngineError::Invalid(format!("`{name}` is {other:?}, expected a matrix"))),
    }
}

/// Low-rank matrices by the GGUF name of the layer they change: A of rank × inputs, and B, times alpha / rank, of
/// outputs × rank.
struct Adapter {
    pairs: HashMap<String, (Tensor, Tensor)>,
}

impl Adapter {
    fn open(path: &Path, spec: &AdapterSpec) -> Result<Self, EngineError> {
        let invalid = |message: String| EngineError::Invalid(format!("{}: {message}", path.display()));
        if spec.rank == 0 {
            return Err(invalid("rank 0".into()));
        }
        let tensors =
            candle_core::safetensors::load(path, &Device::Cpu).map_err(|e| invalid(first_line(&e)))?;
        let scale = spec.alpha as f64 / spec.rank as f64;
        let mut pairs = HashMap::new();
        let mut seen = 0;
        for (key, a) in &tensors {
            let Some(stem) = key.strip_suffix(".lora_A.weight") else { continue };
            let b = tensors.get(&format!("{stem}.lora_B.weight"));
            let b = b.ok_or_else(|| invalid(format!("`{stem}` has no lora_B")))?;
            let name = gguf_name(stem)
                .ok_or_else(|| invalid(format!("`{stem}` is no layer that adapters may change")))?;
            let a = a.to_dtype(candle_core::DType::F32)?;
            let b = b.to_dtype(candle_core::DType::F32)?.affine(scale, 0.0)?;
            pairs.insert(name, (a, b));
            seen += 2;
        }
        if pairs.is_empty() || seen != tensors.len() {
            return Err(invalid(format!("{} of {} tensors are lora_A or lora_B", seen, tensors.len())));
        }
        Ok(Adapter { pairs })
    }

    /// Brings the rows of queries and keys into the order of the file: files of some architectures have those of each head
    /// interleaved for their rotary embeddings, adapters have them as they were trained.
    fn interleave(&mut self, config: &Config) -> Result<(), EngineError> {
        if config.rope_style != RopeStyle::Interleaved {
            return Ok(());
        }
        for (name, (_, b)) in &mut self.pairs {
            let heads = match name.rsplit('.').nth(1) {
                Some("attn_q") => config.heads,
                Some("attn_k") => config.kv_heads,
                _ => continue,
            };
            *b = interleaved(b, heads)?;
        }
        Ok(())
    }
}

/// The rows of each head's two halves (heads · 2 · half × rank) in turns.
fn interleaved(b: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let (rows, rank) = b.dims2()?;
    b.reshape((heads, 2, rows / heads / 2, rank))?.transpose(1, 2)?.contiguous()?.reshape((rows, rank))
}

/// `model.layers.3.self_attn.q_proj` → `blk.3.attn_q.weight`.
fn gguf_name(stem: &str) -> Option<String> {
    let rest = stem.strip_prefix("base_model.model.").unwrap_or(stem).strip_prefix("model.layers.")?;
    let (layer, module) = rest.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let module = match module {
        "self_attn.q_proj" => "attn_q",
        "self_attn.k_proj" => "attn_k",
        "self_attn.v_proj" => "attn_v",
        "self_attn.o_proj" => "attn_output",
        "mlp.gate_proj" => "ffn_gate",
        "mlp.up_proj" => "ffn_up",
        "mlp.down_proj" => "ffn_down",
        _ => return None,
    };
    Some(format!("blk.{layer}.{module}.weight"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_queries_are_interleaved_by_head() {
        let b = Tensor::arange(0f32, 8.0, &Device::Cpu).unwrap().reshape((8, 1)).unwrap();
        let rows = interleaved(&b, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(rows, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    }

    #[test]
    fn adapter_layers_map_to_gguf_names() {
        assert_eq!(gguf_name("model.layers.3.self_attn.q_proj").as_deref(), Some("blk.3.attn_q.weight"));
        assert_eq!(
            gguf_name("base_model.model.model.layers.0.mlp.down_proj").as_deref(),
            Some("blk.0.ffn_down.weight")
        );
        assert_eq!(gguf_name("model.embed_tokens"), None);
        assert_eq!(gguf_name("model.layers.x.mlp.up_proj"), None);
    }
}
