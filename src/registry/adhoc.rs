//! A model given by its path instead of its name: `--model ./some.gguf`, `--model ./opus-mt-ar-en/`.
//!
//! Only what the files themselves tell is used: a GGUF file with a chat template is asked in a chat, one without is
//! shown a line to go on with; a folder is of the family its `config.json` names.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::RegistryError;
use crate::inference::{DecodeOptions, EarlyStopping};
use crate::model::{Compression, Family, FileSpec, ModelSpec, PromptSpec, PromptStyle, Source, Task};

/// More hypotheses than any published model asks for.
const MOST_BEAMS: usize = 32;

/// An entry for the model at `path`.
pub(super) fn spec_of_path(path: &Path) -> Result<ModelSpec, RegistryError> {
    let fail = |message: String| RegistryError::NotAModel { path: path.into(), message };
    let full = path.canonicalize().map_err(|e| fail(format!("cannot be opened: {e}")))?;
    if full.is_dir() { spec_of_folder(&full) } else { spec_of_gguf(&full) }.map_err(fail)
}

fn spec_of_gguf(path: &Path) -> Result<ModelSpec, String> {
    let has_template = has_chat_template(path).map_err(|e| format!("is not a GGUF file: {e}"))?;
    let prompt = if has_template {
        let template =
            "Translate the following Arabic text into English. Give only the translation.\n\n{source}";
        PromptSpec { style: PromptStyle::Chat, template: template.into(), ..empty_prompt() }
    } else {
        let template = "Arabic: {source}\nEnglish translation:".into();
        PromptSpec { template, target_prefix: " ".into(), stop: vec!["\n".into()], ..empty_prompt() }
    };
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut spec = bare_spec(path, Family::Llm, vec![Task::Translate, Task::Brief])?;
    spec.files = vec![FileSpec { parts: vec![file_name], ..file("model.gguf") }];
    spec.prompt = Some(prompt);
    Ok(spec)
}

fn spec_of_folder(dir: &Path) -> Result<ModelSpec, String> {
    let listing = dir.read_dir().map_err(|e| format!("cannot be read: {e}"))?;
    let mut names: Vec<String> = listing
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    let ggufs: Vec<_> = names.iter().filter(|n| n.ends_with(".gguf")).collect();
    let is_encoder_decoder = family_of_folder(dir, &names).is_ok();
    if let ([gguf], false) = (&ggufs[..], is_encoder_decoder) {
        let spec = spec_of_gguf(&dir.join(gguf))?;
        return Ok(ModelSpec { source: Source::Path { dir: dir.into() }, ..spec });
    }
    if let ([_, _, ..], false) = (&ggufs[..], is_encoder_decoder) {
        return Err(format!("holds {} .gguf files; give the path of one", ggufs.len()));
    }
    let family = family_of_folder(dir, &names)?;
    let task = if family == Family::Bart { Task::Brief } else { Task::Translate };
    let mut spec = bare_spec(&dir.join("."), family, vec![task])?;
    spec.source = Source::Path { dir: dir.into() };
    spec.name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
    spec.files = names.iter().map(|name| file(name)).collect();
    spec.decode = decode_of_folder(dir);
    if family == Family::Bergamot {
        spec.decode.batch = FIREFOX_BATCH;
    }
    Ok(spec)
}

/// Rows under way of Firefox's models: more fill the caches rather than the kernels (16, 32, 64 and 128 were measured).
const FIREFOX_BATCH: usize = 16;

/// The search that the model's authors chose: `generation_config.json`, and `config.json` in older models.
fn decode_of_folder(dir: &Path) -> DecodeOptions {
    let read = |name: &str| -> serde_json::Value {
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    };
    let (generation, config) = (read("generation_config.json"), read("config.json"));
    let value = |key: &str| match &generation[key] {
        serde_json::Value::Null => config[key].clone(),
        value => value.clone(),
    };
    let default = DecodeOptions::default();
    let size = |key: &str| value(key).as_u64().and_then(|n| usize::try_from(n).ok());
    let number = |key: &str| value(key).as_f64().map(|x| x as f32);
    DecodeOptions {
        beam: size("num_beams").unwrap_or(1).clamp(1, MOST_BEAMS),
        length_penalty: number("length_penalty").unwrap_or(default.length_penalty),
        early_stopping: match value("early_stopping") {
            serde_json::Value::Bool(true) => EarlyStopping::First,
            serde_json::Value::String(_) => EarlyStopping::Never,
            _ => EarlyStopping::Heuristic,
        },
        // There it counts the decoder's first input.
        min_tokens: size("min_length").unwrap_or(0).saturating_sub(1),
        no_repeat_ngram: size("no_repeat_ngram_size").unwrap_or(0),
        repetition_penalty: number("repetition_penalty").unwrap_or(1.0),
        ..default
    }
}

fn family_of_folder(dir: &Path, names: &[String]) -> Result<Family, String> {
    if names.iter().any(|n| n.contains(".intgemm")) {
        return Ok(Family::Bergamot);
    }
    let Ok(text) = std::fs::read_to_string(dir.join("config.json")) else {
        return Err("holds neither a .gguf file nor a config.json".into());
    };
    let config: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| format!("its config.json is not JSON: {e}"))?;
    match config["model_type"].as_str() {
        Some("marian") => Ok(Family::Marian),
        Some("m2m_100") => Ok(Family::M2m100),
        Some("t5" | "mt5" | "umt5") => Ok(Family::T5),
        Some("bart") => Ok(Family::Bart),
        Some(other) => Err(format!("its config.json names the type `{other}`, which no family here reads")),
        None => Err("its config.json has no `model_type`".into()),
    }
}

fn bare_spec(path: &Path, family: Family, tasks: Vec<Task>) -> Result<ModelSpec, String> {
    let dir = path.parent().ok_or("has no folder")?;
    Ok(ModelSpec {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        about: format!("{} of this machine", path.display()),
        tasks,
        family,
        source_langs: Vec::new(),
        target_langs: Vec::new(),
        licence: "unknown".into(),
        licence_note: String::new(),
        auto: 0,
        warning: None,
        base: None,
        source: Source::Path { dir: dir.into() },
        files: Vec::new(),
        adapter: None,
        prompt: None,
        decode: DecodeOptions::default(),
        max_source_tokens: 0,
        quality: Vec::new(),
        memory_mib: 0,
        requires: String::new(),
    })
}

fn empty_prompt() -> PromptSpec {
    PromptSpec {
        style: PromptStyle::Completion,
        template: String::new(),
        examples: Vec::new(),
        target_prefix: String::new(),
        stop: Vec::new(),
    }
}

fn file(name: &str) -> FileSpec {
    FileSpec {
        name: name.into(),
        parts: Vec::new(),
        sha256: None,
        size: None,
        compression: Compression::None,
        packed_sha256: None,
        optional: false,
        instead: None,
    }
}

/// Whether the metadata of a GGUF file (version 2 or 3, little-endian; the specification is docs/gguf.md of ggml)
/// holds a chat template. Walks over keys and values without keeping them.
fn has_chat_template(path: &Path) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut magic = [0; 4];
    reader.read_exact(&mut magic)?;
    if &magic != b"GGUF" {
        return Err(io::Error::other("it does not begin with `GGUF`"));
    }
    let version = read_u32(&mut reader)?;
    if !(2..=3).contains(&version) {
        return Err(io::Error::other(format!("version {version} is not known")));
    }
    let _tensors = read_u64(&mut reader)?;
    for _ in 0..read_u64(&mut reader)? {
        let length = read_u64(&mut reader)?;
        if length > 1 << 16 {
            return Err(io::Error::other("a key is too long"));
        }
        let mut key = vec![0; length as usize];
        reader.read_exact(&mut key)?;
        if key == b"tokenizer.chat_template" {
            return Ok(true);
        }
        let kind = read_u32(&mut reader)?;
        skip_value(&mut reader, kind)?;
    }
    Ok(false)
}

fn skip_value(reader: &mut impl Read, kind: u32) -> io::Result<()> {
    const STRING: u32 = 8;
    const ARRAY: u32 = 9;
    let fixed_size = |kind| match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    };
    match kind {
        STRING => {
            let length = read_u64(reader)?;
            skip(reader, length)
        }
        ARRAY => {
            let element = read_u32(reader)?;
            let count = read_u64(reader)?;
            match fixed_size(element) {
                Some(size) => skip(reader, count.saturating_mul(size)),
                None if element == STRING => (0..count).try_for_each(|_| skip_value(reader, STRING)),
                None => Err(io::Error::other(format!("array of type {element}"))),
            }
        }
        kind => match fixed_size(kind) {
            Some(size) => skip(reader, size),
            None => Err(io::Error::other(format!("value of type {kind}"))),
        },
    }
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if skipped == bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn read_u32(reader: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn read_u64(reader: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    reader.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gguf(keys: &[&str]) -> Vec<u8> {
        let string = |s: &str| [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat();
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3u32.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        bytes.extend((keys.len() as u64 + 1).to_le_bytes());
        bytes.extend(string("tokenizer.ggml.tokens"));
        bytes.extend([9u32.to_le_bytes(), 8u32.to_le_bytes()].concat());
        bytes.extend(2u64.to_le_bytes());
        bytes.extend([string("a"), string("ب")].concat());
        for key in keys {
            bytes.extend(string(key));
            bytes.extend(8u32.to_le_bytes());
            bytes.extend(string("value"));
        }
        bytes
    }

    #[test]
    fn of_several_gguf_files_in_a_folder_one_is_to_be_named() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.Q4_0.gguf", "a.Q8_0.gguf"] {
            std::fs::write(dir.path().join(name), gguf(&[])).unwrap();
        }
        let error = spec_of_folder(dir.path()).unwrap_err();
        assert!(error.contains("holds 2 .gguf files"), "{error}");
    }

    #[test]
    fn a_gguf_file_is_asked_as_its_metadata_tells() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Some-Model.Q4_0.gguf");
        for (keys, style) in [
            (&["general.name", "tokenizer.chat_template"][..], PromptStyle::Chat),
            (&["general.name"][..], PromptStyle::Completion),
        ] {
            std::fs::write(&path, gguf(keys)).unwrap();
            let spec = spec_of_path(&path).unwrap();
            assert_eq!(spec.prompt.unwrap().style, style);
            assert_eq!((spec.family, &*spec.name), (Family::Llm, "Some-Model.Q4_0"));
            assert_eq!(spec.files[0].name, "model.gguf");
            assert_eq!(spec.files[0].parts, ["Some-Model.Q4_0.gguf"]);
        }
        // The same file, given by its folder.
        assert_eq!(spec_of_path(dir.path()).unwrap().family, Family::Llm);
        for broken in [&b"GG"[..], b"PK\x03\x04 no model", &gguf(&["x"])[..40]] {
            std::fs::write(&path, broken).unwrap();
            assert!(spec_of_path(&path).unwrap_err().to_string().contains("is not a GGUF file"));
        }
    }

    #[test]
    fn a_folder_is_of_the_family_its_config_names() {
        let dir = tempfile::tempdir().unwrap();
        for (kind, family) in [("marian", Family::Marian), ("m2m_100", Family::M2m100), ("t5", Family::T5)] {
            std::fs::write(dir.path().join("config.json"), format!("{{\"model_type\": \"{kind}\"}}"))
                .unwrap();
            let spec = spec_of_path(dir.path()).unwrap();
            assert_eq!(spec.family, family);
            assert_eq!(spec.source, Source::Path { dir: dir.path().canonicalize().unwrap() });
            assert_eq!(spec.files[0].name, "config.json");
        }
        std::fs::write(dir.path().join("config.json"), "{\"model_type\": \"vit\"}").unwrap();
        assert!(spec_of_path(dir.path()).unwrap_err().to_string().contains("`vit`"));
    }
}
