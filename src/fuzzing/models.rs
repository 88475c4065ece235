//! Models that come from strangers: weights, tokenizers, configurations, registries, archives.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use candle_core::{DType, Device};

use crate::engine::llm::chat::Frame;
use crate::engine::llm::config::Config;
use crate::engine::llm::weights::Weights as GgufWeights;
use crate::engine::sentencepiece::SentencePiece;
use crate::engine::seq2seq::marian_file::MarianFile;
use crate::engine::seq2seq::shortlist::Shortlist;
use crate::engine::seq2seq::torch::TorchFile;
use crate::engine::seq2seq::vocabulary::Vocabulary;
use crate::engine::seq2seq::weights::Weights;
use crate::engine::seq2seq::{bergamot, families};
use crate::engine::tokenize::Tokenizer;
use crate::fetch::{FetchUnwatched, HubOptions, Store, StoreOptions};
use crate::model::{Family, InstalledModel, ModelSpec};
use crate::registry::{Overlays, Registry};

use super::{folder_with, is_told_in_one_line};

/// What tokenizers are asked to read.
const TEXTS: [&str; 6] = [
    "",
    "قال إنَّ 25 شخصاً وصلوا إلى حلب يوم ٣ أيار.",
    "  two  spaces, ﷺ ﻻ\u{200c}ـ and\ttabs ",
    "<s></s><unk><0x41>▁▁ <start_of_turn>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "\u{1F468}\u{200D}\u{1F469}\u{FFFD}\0\u{301}",
];
/// Tensors of a file that are read; more would only be slower.
const TENSORS: usize = 16;

fn installed(family: Family, files: &[(&str, &Path)]) -> InstalledModel {
    let registry = Registry::built_in().unwrap();
    let mut spec: ModelSpec = registry.get("echo").unwrap().spec;
    spec.family = family;
    let files: BTreeMap<String, PathBuf> =
        files.iter().map(|(name, path)| (name.to_string(), path.to_path_buf())).collect();
    InstalledModel { spec, files, digest: "0".into(), store: None }
}

/// A SentencePiece model gives ids of its vocabulary, and its pieces are the normalised text.
pub fn sentencepiece(bytes: &[u8]) {
    let model = match SentencePiece::read(bytes) {
        Ok(model) => model,
        Err(error) => return is_told_in_one_line(&error),
    };
    for text in TEXTS {
        let ids = model.encode(text);
        assert!(ids.iter().all(|&id| (id as usize) < model.len()));
        let _ = model.decode(&ids);
        let normal = model.normalize(text);
        let pieces = model.pieces(text).concat();
        // Unknown characters in bytes are written as such.
        assert!(pieces == normal || pieces.contains("<0x"), "{normal:?} became {pieces:?}");
    }
    let all: Vec<u32> = (0..model.len().min(300) as u32).collect();
    let _ = model.decode(&all);
}

/// A PyTorch file has tensors of the shape that it states, or says in one line what is wrong.
pub fn pickle(bytes: &[u8]) {
    let (_folder, path) = folder_with("pytorch_model.bin", bytes);
    let file = match TorchFile::open(&path) {
        Ok(file) => file,
        Err(error) => return is_told_in_one_line(&error),
    };
    for name in file.names().take(TENSORS) {
        match file.read(name) {
            Ok(tensor) => assert_eq!(Some(tensor.dims()), file.shape(name)),
            Err(error) => is_told_in_one_line(&error),
        }
    }
}

/// The header, tokenizer, configuration, chat template and tensors of a GGUF file.
pub fn gguf(bytes: &[u8]) {
    let (_folder, path) = folder_with("model.gguf", bytes);
    // As a model that is given by its path; this walks over the header by itself.
    let _ = Registry::built_in().unwrap().get(&path.to_string_lossy());
    let weights = match GgufWeights::open(&path) {
        Ok(weights) => weights,
        Err(error) => return is_told_in_one_line(&error),
    };
    let content = &weights.content;
    let config = Config::from_gguf(content);
    config.as_ref().err().into_iter().for_each(|e| is_told_in_one_line(e));
    match Tokenizer::from_gguf(content) {
        Ok(tokenizer) => {
            for text in TEXTS {
                let Ok(ids) = tokenizer.encode(text) else { continue };
                let _ = (tokenizer.decode(&ids), tokenizer.encode_prompt(text));
            }
            if let Ok(frame) = Frame::of_chat(content, &tokenizer, "Translate: ", "") {
                let _ = frame.common_prefix(&tokenizer);
            }
        }
        Err(error) => is_told_in_one_line(&error),
    }
    for (name, info) in content.tensor_infos.iter().take(TENSORS) {
        let outcome = match *info.shape.dims() {
            [len] => weights.vector(name, len).map(|values| assert_eq!(values.len(), len)),
            [rows, cols] => {
                let some = weights.matrix_rows(name, 0..rows.min(1), cols);
                assert!(some.is_err() || some.unwrap().len() == rows.min(1) * cols);
                weights.matrix(name, rows, cols).map(|matrix| assert_eq!(matrix.data.len(), rows * cols))
            }
            _ => continue,
        };
        outcome.err().into_iter().for_each(|e| is_told_in_one_line(&e));
    }
    let model = installed(Family::T5, &[("model.gguf", &path)]);
    has_what_it_lists(&model);
}

/// Every tensor of a weight file has the shape that its header states.
fn has_what_it_lists(model: &InstalledModel) {
    let weights = match Weights::open(model, &Device::Cpu, DType::F32) {
        Ok(weights) => weights,
        Err(error) => return is_told_in_one_line(&error),
    };
    for (name, shape) in weights.shapes().iter().take(TENSORS) {
        if let [outputs, inputs] = shape[..] {
            let _ = weights.matrix(name, outputs, inputs);
            let _ = weights.int8(name, outputs, inputs).map(|int8| int8.data().count());
        }
        match weights.tensor(name, shape) {
            Ok(tensor) => assert_eq!(tensor.dims(), shape),
            Err(error) => is_told_in_one_line(&error),
        }
    }
    weights.finish().err().into_iter().for_each(|e| is_told_in_one_line(&e));
}

/// Tensors of a safetensors file.
pub fn safetensors(bytes: &[u8]) {
    let (_folder, path) = folder_with("model.safetensors", bytes);
    has_what_it_lists(&installed(Family::Marian, &[("model.safetensors", &path)]));
}

/// Marian's binary models and shortlists.
pub fn marian(bytes: &[u8]) {
    let tokens = 60;
    if let Some(shortlist) = Shortlist::parse(bytes, tokens, true) {
        assert!(shortlist.of(&[0, 1, 7, 49]).iter().all(|&id| (id as usize) < tokens));
    }
    match MarianFile::parse(bytes.to_vec()) {
        Ok(file) => drop((file.option("dim-vocabs"), file.shapes())),
        Err(error) => return is_told_in_one_line(&error),
    }
    let (_folder, path) = folder_with("model.bin", bytes);
    let model = installed(Family::Bergamot, &[("model.bin", &path)]);
    bergamot::read(&model).err().into_iter().for_each(|e| is_told_in_one_line(&e));
    has_what_it_lists(&model);
}

/// A registry names files that stay in their folder.
pub fn registry(bytes: &[u8]) {
    let (_folder, path) = folder_with("models.toml", bytes);
    match Registry::load(&Overlays { file: Some(path), ..Overlays::default() }) {
        Ok(registry) => {
            for spec in registry.iter() {
                let names = spec.files.iter().flat_map(|file| [Some(&file.name), file.instead.as_ref()]);
                for name in names.flatten().chain([&spec.name]) {
                    let parts: Vec<_> = Path::new(name).components().collect();
                    assert!(matches!(parts[..], [Component::Normal(_)]), "{name:?}");
                }
                let _ = (spec.quality_line(), spec.size(), registry.resolve(spec).download_size());
            }
        }
        Err(error) => is_told_in_one_line(&error),
    }
}

/// Configurations, tables of pieces and locks: what is JSON.
pub fn json(bytes: &[u8]) {
    let (folder, path) = folder_with("config.json", bytes);
    let registry = Registry::built_in().unwrap();
    if let Err(error) = registry.get(&folder.path().to_string_lossy()) {
        is_told_in_one_line(&error);
    }
    for family in [Family::Marian, Family::M2m100, Family::T5, Family::Bart] {
        let files =
            [("config.json", path.as_path()), ("generation_config.json", &path), ("vocab.json", &path)];
        families::read(&installed(family, &files)).err().into_iter().for_each(|e| is_told_in_one_line(&e));
    }
    if let Ok(vocabulary) = Vocabulary::bart(&installed(Family::Bart, &[("tokenizer.json", &path)]), 1) {
        for text in TEXTS {
            let _ = vocabulary.encode(text).map(|ids| vocabulary.decode(&ids));
        }
    }
    let (store, _home) = empty_store();
    let model = registry.get("opus-mt-ar-en").unwrap();
    fs::create_dir_all(store.path(&model)).unwrap();
    fs::write(store.path(&model).join("lock.json"), bytes).unwrap();
    assert!(!store.status(&model).unwrap().is_installed(), "nothing is there but a lock");
}

fn empty_store() -> (Store, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let hub = HubOptions {
        endpoint: "http://localhost:9".into(),
        cache: home.path().join("hub"),
        token: None,
        offline: true,
    };
    let root = home.path().join("store");
    let connect_timeout = Duration::from_secs(1);
    (Store::new(StoreOptions { root, offline: true, hub, pip: None, connect_timeout }), home)
}

/// An archive puts files into the folders of its models or nothing anywhere, and no more bytes than an honest one has.
pub fn archive(bytes: &[u8]) {
    let (_folder, path) = folder_with("model.tarjuman", bytes);
    let (store, home) = empty_store();
    let known = |_: &str| None;
    let imported = store.import(&path, &known, &FetchUnwatched);
    let models = match &imported {
        Ok(imported) => imported.models.as_slice(),
        Err(error) => {
            is_told_in_one_line(error);
            &[]
        }
    };
    let mut size = 0;
    for file in files_in(home.path()) {
        let within = file.strip_prefix(home.path()).unwrap();
        let is_of_model =
            models.iter().any(|model| within.starts_with(Path::new("store/models").join(model)));
        assert!(is_of_model || file.extension().is_some_and(|e| e == "lock"), "{}", within.display());
        size += match file.file_name() {
            Some(name) if name == "lock.json" => 0,
            _ => fs::metadata(&file).unwrap().len(),
        };
    }
    assert!(size <= 101 * bytes.len() as u64 + (1 << 20), "{size} bytes of {}", bytes.len());
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] }).collect()
}
