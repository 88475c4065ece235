//! A model in one file: for carrying it to a machine without a network.
//!
//! A ZIP file without compression (weights do not compress): `tarjuman-model.json` with every file's size and SHA-256,
//! and for the model and its base a folder `NAME/` with the registry entry `entry.toml` and the files, licence texts
//! among them. Nothing is put in place before all of it has been checked, and what the list does not name is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::lock::LockedFile;
use super::{FetchError, FetchEvent, FetchWatch, Fetched, place};
use crate::lang::shown;
use crate::model::{Compression, FileSpec, ModelSpec, Source, is_plain_name};

/// Name of the registry entry in an archive and in an imported model's folder.
pub(super) const ENTRY: &str = "entry.toml";
const MANIFEST: &str = "tarjuman-model.json";
const FORMAT: u32 = 1;

/// What an import installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The model that was exported.
    pub name: String,
    /// It and its base, the base first.
    pub models: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// The base first.
    models: Vec<ManifestModel>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestModel {
    name: String,
    licence: String,
    licence_note: String,
    files: BTreeMap<String, ManifestFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestFile {
    size: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct EntryFile {
    model: Vec<ModelSpec>,
}

/// Writes the layers (checked already) to `file`.
pub(super) fn write(
    layers: &[(&ModelSpec, BTreeMap<String, LockedFile>)],
    file: &Path,
    watch: &dyn FetchWatch,
) -> Result<(), FetchError> {
    // What the other machine would refuse is said here, where it can be mended.
    for name in layers.iter().flat_map(|(spec, files)| [&spec.name].into_iter().chain(files.keys())) {
        if !may_be_member(name) {
            let message = format!(
                "`{}` cannot be packed under that name: letters, digits, `.`, `_` and `-` are allowed\nhint: rename it, and give a folder of your own a name by an entry with `source.path` in a models.toml",
                shown(name)
            );
            return Err(FetchError::Archive { path: file.into(), message });
        }
    }
    let dir = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary =
        tempfile::Builder::new().prefix(".export-").tempfile_in(dir).map_err(|e| FetchError::io(dir, e))?;
    let mut zip = ZipWriter::new(temporary);
    let put =
        |zip: &mut ZipWriter<_>, name: &str, reader: &mut dyn Read, size: u64| -> Result<(), FetchError> {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .large_file(size >= u64::from(u32::MAX))
                .unix_permissions(0o644);
            zip.start_file(name, options).map_err(|e| FetchError::io(file, e.into()))?;
            copy(reader, zip, watch).map_err(|e| e.unwrap_or_else(|e| FetchError::io(file, e)))
        };
    let mut manifest = Manifest { format: FORMAT, models: Vec::new() };
    for (spec, files) in layers {
        let listed = |f: &LockedFile| ManifestFile { size: f.size, sha256: f.sha256.clone() };
        manifest.models.push(ManifestModel {
            name: spec.name.clone(),
            licence: spec.licence.clone(),
            licence_note: spec.licence_note.clone(),
            files: files.iter().map(|(name, f)| (name.clone(), listed(f))).collect(),
        });
    }
    let text = serde_json::to_string_pretty(&manifest).map_err(|e| FetchError::io(file, e.into()))?;
    put(&mut zip, MANIFEST, &mut text.as_bytes(), 0)?;
    for (spec, files) in layers {
        let entry = entry_text(spec).map_err(|message| FetchError::Archive { path: file.into(), message })?;
        put(&mut zip, &format!("{}/{ENTRY}", spec.name), &mut entry.as_bytes(), 0)?;
        for (name, locked) in files {
            watch.event(FetchEvent::Note(&format!("packing {name}")));
            let mut reader = File::open(&locked.path).map_err(|e| FetchError::io(&locked.path, e))?;
            put(&mut zip, &format!("{}/{name}", spec.name), &mut reader, locked.size)?;
        }
    }
    let temporary = zip.finish().map_err(|e| FetchError::io(file, e.into()))?;
    temporary.as_file().sync_all().map_err(|e| FetchError::io(file, e))?;
    place::readable_by_all(temporary.path()).map_err(|e| FetchError::io(file, e))?;
    temporary.persist(file).map_err(|e| FetchError::io(file, e.error))?;
    Ok(())
}

fn entry_text(spec: &ModelSpec) -> Result<String, String> {
    let mut spec = spec.clone();
    if let Source::Path { .. } = spec.source {
        // The folder is of this machine, and its names for the files were, too.
        spec.source = Source::None;
        spec.files.iter_mut().for_each(|f| f.parts.clear());
    }
    toml::to_string(&EntryFile { model: vec![spec] }).map_err(|e| format!("its entry cannot be written: {e}"))
}

/// Unpacks into `staging/NAME/` and checks everything: the entries with their files, the base first.
pub(super) fn unpack(
    file: &Path,
    staging: &Path,
    known: &dyn Fn(&str) -> Option<ModelSpec>,
    watch: &dyn FetchWatch,
) -> Result<Vec<(ModelSpec, Vec<Fetched>)>, FetchError> {
    let refuse = |message: String| FetchError::Archive { path: file.into(), message };
    let reader = File::open(file).map_err(|e| FetchError::io(file, e))?;
    let mut zip =
        ZipArchive::new(reader).map_err(|e| refuse(format!("is no model archive, or was cut short: {e}")))?;
    let manifest = read_text(&mut zip, MANIFEST).map_err(refuse)?;
    let manifest: Manifest =
        serde_json::from_str(&manifest).map_err(|e| refuse(format!("its {MANIFEST} cannot be read: {e}")))?;
    if manifest.format != FORMAT {
        return Err(refuse(format!("is of format {}; this version reads {FORMAT}", manifest.format)));
    }
    check_members(&zip, &manifest).map_err(refuse)?;
    let mut unpacked = Vec::new();
    for model in &manifest.models {
        let text = read_text(&mut zip, &format!("{}/{ENTRY}", model.name)).map_err(refuse)?;
        let spec = match known(&model.name) {
            Some(spec) => spec,
            None => read_entry(&text, &model.name).map_err(refuse)?,
        };
        let lacks = |f: &&FileSpec| {
            let is_here = |name: &String| model.files.contains_key(name);
            !f.optional && !is_here(&f.name) && !f.instead.as_ref().is_some_and(is_here)
        };
        if let Some(file) = spec.files.iter().find(lacks) {
            return Err(refuse(format!("it lacks `{}` of model `{}`", file.name, model.name)));
        }
        if let Some(base) = spec.base.as_ref().filter(|base| {
            known(base).is_none() && !unpacked.iter().any(|(s, _): &(ModelSpec, _)| s.name == **base)
        }) {
            return Err(refuse(format!("it lacks `{}`, the base of model `{}`", shown(base), model.name)));
        }
        let dir = staging.join(&model.name);
        let mut files = Vec::new();
        for (name, stated) in &model.files {
            watch.event(FetchEvent::Verify { file: name });
            check_agreement(&spec, name, stated).map_err(refuse)?;
            let expected = expected_file(name, stated);
            let feed = |_, sink: &mut place::Sink<'_>| {
                let entry =
                    zip.by_name(&format!("{}/{name}", model.name)).map_err(|e| refuse(e.to_string()))?;
                let packed = entry.compressed_size();
                sink(&mut place::Unpacked::new(entry, packed))
            };
            files.push(place::join_parts(&spec, &expected, &dir, 1, feed, watch)?);
        }
        std::fs::create_dir_all(&dir).map_err(|e| FetchError::io(&dir, e))?;
        place::write_atomically(&dir.join(ENTRY), text.as_bytes())?;
        unpacked.push((spec, files));
    }
    Ok(unpacked)
}

/// Every member is named by the manifest, every file of the manifest is there, and no name leaves its folder.
fn check_members(zip: &ZipArchive<File>, manifest: &Manifest) -> Result<(), String> {
    let mut expected = BTreeSet::from([MANIFEST.to_string()]);
    for model in &manifest.models {
        for name in [&model.name].into_iter().chain(model.files.keys()) {
            if !may_be_member(name) {
                return Err(format!("it names a file `{}`, which is not allowed", shown(name)));
            }
        }
        expected.insert(format!("{}/{ENTRY}", model.name));
        expected.extend(model.files.keys().map(|name| format!("{}/{name}", model.name)));
    }
    if manifest.models.is_empty() {
        return Err("it holds no model".into());
    }
    let found: BTreeSet<String> = zip
        .file_names()
        .map(|name| name.map(|n| n.into_owned()).map_err(|e| format!("a name in it cannot be read: {e}")))
        .collect::<Result<_, _>>()?;
    if let Some(name) = found.difference(&expected).next() {
        return Err(format!("it holds `{}`, which its list does not name", shown(name)));
    }
    match expected.difference(&found).next() {
        Some(name) => Err(format!("it lacks `{name}`")),
        None => Ok(()),
    }
}

/// Whether it can be the name of a model or of one of its files.
fn may_be_member(name: &str) -> bool {
    is_plain_name(name) && name != ENTRY
}

fn read_entry(text: &str, name: &str) -> Result<ModelSpec, String> {
    let entry: EntryFile =
        toml::from_str(text).map_err(|e| format!("the entry of `{name}` cannot be read: {}", e.message()))?;
    let mut models = entry.model.into_iter();
    match (models.next(), models.next()) {
        (Some(spec), None) if spec.name == name => match spec.flaw() {
            None => Ok(spec),
            Some(flaw) => Err(format!("the entry of `{name}` is wrong: {flaw}")),
        },
        _ => Err(format!("the entry of `{name}` is of another model")),
    }
}

/// A name that the registry knows may only come with the files it knows.
fn check_agreement(spec: &ModelSpec, name: &str, stated: &ManifestFile) -> Result<(), String> {
    match spec.files.iter().find(|f| f.name == name || f.instead.as_deref() == Some(name)) {
        None => Err(format!("`{name}` is not a file of model `{}`", spec.name)),
        Some(file)
            if file.name == name && file.sha256.as_ref().is_some_and(|known| *known != stated.sha256) =>
        {
            Err(format!("its `{name}` is not the one that the registry names for model `{}`", spec.name))
        }
        Some(_) => Ok(()),
    }
}

fn expected_file(name: &str, stated: &ManifestFile) -> FileSpec {
    FileSpec {
        name: name.into(),
        parts: Vec::new(),
        sha256: Some(stated.sha256.clone()),
        size: Some(stated.size),
        compression: Compression::None,
        packed_sha256: None,
        optional: false,
        instead: None,
    }
}

fn read_text(zip: &mut ZipArchive<File>, name: &str) -> Result<String, String> {
    const LIMIT: u64 = 1 << 20;
    let entry = zip.by_name(name).map_err(|_| format!("is no model archive: it lacks `{name}`"))?;
    let mut text = String::new();
    entry.take(LIMIT).read_to_string(&mut text).map_err(|e| format!("its `{name}` is damaged: {e}"))?;
    Ok(text)
}

/// The inner error is of reading or writing; `Err(Ok(…))` is ready to be handed on.
fn copy(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    watch: &dyn FetchWatch,
) -> Result<(), Result<FetchError, io::Error>> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        if watch.cancelled() {
            return Err(Ok(FetchError::Cancelled));
        }
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => writer.write_all(&buffer[..n]).map_err(Err)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Err(e)),
        }
    }
}
