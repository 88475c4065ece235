//! What must hold whatever the bytes are: one function a reader, which panics where it does not.
//!
//! `fuzz/` calls them with inputs that libFuzzer makes, and `cargo test` with those of `fuzz/corpus`, among them every
//! input that once broke something. Compiled for nothing else.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a broken promise is a panic here")]

mod models;
mod tables;
mod text;

use std::path::PathBuf;

pub use models::{archive, gguf, json, marian, pickle, registry, safetensors, sentencepiece};
pub use tables::{tables, tmx};
pub use text::{containers, encoding, numbers, page, read};

/// Checks one input.
pub type Target = fn(&[u8]);

/// All of them, under the names of `fuzz/fuzz_targets` and `fuzz/corpus`.
pub const TARGETS: [(&str, Target); 15] = [
    ("archive", archive),
    ("containers", containers),
    ("encoding", encoding),
    ("gguf", gguf),
    ("json", json),
    ("marian", marian),
    ("numbers", numbers),
    ("page", page),
    ("pickle", pickle),
    ("read", read),
    ("registry", registry),
    ("safetensors", safetensors),
    ("sentencepiece", sentencepiece),
    ("tables", tables),
    ("tmx", tmx),
];

/// A folder with one file, for readers that want a path.
fn folder_with(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// An error as a person reads it: one line, and perhaps a hint.
fn is_told_in_one_line(error: &dyn std::fmt::Display) {
    let error = error.to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert!(!error.is_empty() && lines.iter().skip(1).all(|line| line.starts_with("hint: ")), "{error:?}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names in a folder of `fuzz`, without extensions.
    fn names(folder: &str) -> BTreeSet<String> {
        let listing = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        listing.map(|entry| stem(entry.unwrap().path())).collect()
    }

    #[test]
    fn the_corpus_passes() {
        for (name, target) in TARGETS {
            let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
            let inputs: BTreeSet<PathBuf> =
                fs::read_dir(corpus).unwrap().map(|e| e.unwrap().path()).collect();
            assert!(!inputs.is_empty(), "{name}");
            for input in inputs {
                let bytes = fs::read(&input).unwrap();
                let outcome = std::panic::catch_unwind(|| target(&bytes));
                assert!(outcome.is_ok(), "{name}: {}", input.display());
            }
        }
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(names("fuzz_targets"), targets);
        assert_eq!(names("corpus"), targets);
    }
}
