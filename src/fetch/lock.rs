//! The lock file of a model: which files it consists of, and whether they are still what was fetched.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FetchError, FetchEvent, FetchWatch, Layer, place};
use crate::model::{FileSpec, ModelSpec, Source};

pub(super) const FORMAT: u32 = 1;
const LOCK: &str = "lock.json";

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// By size; by digest only where the time stamp differs from the recorded one.
    Size,
    /// By digest.
    Digest,
}

/// What was fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lock {
    pub format: u32,
    /// The source as the registry named it at that time.
    pub source: Source,
    /// Resolved revision (commit), where the source has such.
    pub revision: Option<String>,
    /// Where the files really came from, in words.
    pub from: String,
    pub files: BTreeMap<String, LockedFile>,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockedFile {
    /// Relative to the lock's folder, or absolute for files of the Hub's cache; absolute once loaded.
    pub path: PathBuf,
    pub size: u64,
    /// Modification time in nanoseconds since 1970.
    pub modified: u64,
    pub sha256: String,
}

impl LockedFile {
    pub(super) fn new(path: PathBuf, size: u64, sha256: String) -> Result<Self, FetchError> {
        let metadata = fs::metadata(&path).map_err(|e| FetchError::io(&path, e))?;
        Ok(LockedFile { modified: modified(&metadata), path, size, sha256 })
    }

    /// What is wrong with it, in words after its name. Takes over a changed time stamp if the content is the same.
    fn problem(
        &mut self,
        name: &str,
        depth: Depth,
        watch: &dyn FetchWatch,
    ) -> Result<Option<String>, FetchError> {
        let Ok(metadata) = fs::metadata(&self.path) else { return Ok(Some("is missing".into())) };
        if metadata.len() != self.size {
            return Ok(Some(format!("has {} of {} bytes", metadata.len(), self.size)));
        }
        let now = modified(&metadata);
        if depth == Depth::Digest || now != self.modified {
            if sha256_of_file(&self.path, name, watch)? != self.sha256 {
                return Ok(Some("was altered: its SHA-256 is not the recorded one".into()));
            }
            self.modified = now;
        }
        Ok(None)
    }
}

impl Lock {
    fn load(dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(dir.join(LOCK)).ok()?;
        // A lock that cannot be read is as good as none: the model is fetched again.
        let mut lock: Lock = serde_json::from_str(&text).ok().filter(|lock: &Lock| lock.format == FORMAT)?;
        for file in lock.files.values_mut() {
            file.path = dir.join(&file.path);
        }
        Some(lock)
    }

    /// Writes it beside its place and renames it; paths below `dir` become relative, so the folder can be moved.
    pub(super) fn save(&self, dir: &Path) -> Result<(), FetchError> {
        let mut lock = self.clone();
        for file in lock.files.values_mut() {
            if let Ok(relative) = file.path.strip_prefix(dir) {
                file.path = relative.into();
            }
        }
        let text = serde_json::to_string_pretty(&lock).map_err(|e| FetchError::io(dir, e.into()))?;
        place::write_atomically(&dir.join(LOCK), text.as_bytes())
    }
}

/// Compares the files of `dir` with its lock and the entry.
pub(super) fn check(
    spec: &ModelSpec,
    dir: &Path,
    depth: Depth,
    watch: &dyn FetchWatch,
) -> Result<Layer, FetchError> {
    let mut layer = Layer {
        files: BTreeMap::new(),
        problems: Vec::new(),
        present: false,
        from: String::new(),
        revision: None,
    };
    if spec.files.is_empty() {
        return Ok(layer);
    }
    let Some(mut lock) = Lock::load(dir) else {
        layer.present = fs::read_dir(dir).is_ok_and(|mut listing| listing.next().is_some());
        layer.problems = required(spec).map(|f| format!("{} is missing", f.name)).collect();
        return Ok(layer);
    };
    layer.present = true;
    layer.from = match &lock.revision {
        Some(commit) => format!("{} at {}", lock.from, commit.get(..7).unwrap_or(commit)),
        None => lock.from.clone(),
    };
    layer.revision = lock.revision.clone();
    let before = lock.clone();
    let same_source = lock.source == spec.source;
    for file in &spec.files {
        let name = [Some(&file.name), file.instead.as_ref()]
            .into_iter()
            .flatten()
            .find(|n| lock.files.contains_key(*n));
        let Some((name, locked)) = name.and_then(|name| Some((name, lock.files.get_mut(name)?))) else {
            if !file.optional {
                layer.problems.push(format!("{} is missing", file.name));
            }
            continue;
        };
        let stated = file.sha256.as_ref().filter(|_| *name == file.name);
        let problem = match locked.problem(name, depth, watch)? {
            Some(problem) => Some(problem),
            None if stated.is_some_and(|sha256| *sha256 != locked.sha256) => {
                Some("is not the file that the registry names".into())
            }
            // With a digest in the entry it does not matter where the file came from.
            None if stated.is_none() && !same_source => {
                Some("came from another source than the registry names".into())
            }
            None => None,
        };
        match problem {
            Some(problem) => layer.problems.push(format!("{name} {problem}")),
            None => drop(layer.files.insert(name.clone(), locked.clone())),
        }
    }
    if lock.files != before.files {
        // New time stamps spare the next check the digests; a read-only store works without.
        let _ = lock.save(dir);
    }
    Ok(layer)
}

/// The files of a folder that is used in place; its digests are remembered in `dir`.
pub(super) fn check_folder(
    spec: &ModelSpec,
    folder: &Path,
    dir: &Path,
    depth: Depth,
    watch: &dyn FetchWatch,
) -> Result<Layer, FetchError> {
    let known =
        Lock::load(dir).filter(|lock| lock.source == spec.source).map(|lock| lock.files).unwrap_or_default();
    let from = format!("folder {}", folder.display());
    let mut layer = Layer {
        files: BTreeMap::new(),
        problems: Vec::new(),
        present: folder.is_dir(),
        from: from.clone(),
        revision: None,
    };
    for file in &spec.files {
        let path = folder.join(&file.members()[0]);
        let Ok(metadata) = fs::metadata(&path) else {
            if !file.optional {
                layer.problems.push(format!("{} is missing", path.display()));
            }
            continue;
        };
        let unchanged =
            |k: &&LockedFile| k.path == path && k.size == metadata.len() && k.modified == modified(&metadata);
        let locked = match known.get(&file.name).filter(unchanged).filter(|_| depth == Depth::Size) {
            Some(known) => known.clone(),
            None => {
                let sha256 = sha256_of_file(&path, &file.name, watch)?;
                LockedFile { size: metadata.len(), modified: modified(&metadata), sha256, path }
            }
        };
        match &file.sha256 {
            Some(sha256) if *sha256 != locked.sha256 => {
                layer.problems.push(format!("{} is not the file that the registry names", file.name));
            }
            _ => drop(layer.files.insert(file.name.clone(), locked)),
        }
    }
    if layer.files != known && fs::create_dir_all(dir).is_ok() {
        let lock = Lock {
            format: FORMAT,
            source: spec.source.clone(),
            revision: None,
            from,
            files: layer.files.clone(),
        };
        let _ = lock.save(dir); // only remembers digests; a read-only store works without
    }
    Ok(layer)
}

fn required(spec: &ModelSpec) -> impl Iterator<Item = &FileSpec> {
    spec.files.iter().filter(|f| !f.optional)
}

fn modified(metadata: &fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |duration| duration.as_nanos() as u64)
}

/// SHA-256 of a file, lower-case hex.
pub(super) fn sha256_of_file(path: &Path, name: &str, watch: &dyn FetchWatch) -> Result<String, FetchError> {
    watch.event(FetchEvent::Verify { file: name });
    let mut file = File::open(path).map_err(|e| FetchError::io(path, e))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if watch.cancelled() {
            return Err(FetchError::Cancelled);
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(FetchError::io(path, e)),
        }
    }
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
