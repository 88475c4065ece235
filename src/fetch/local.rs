//! Installing from a folder that somebody downloaded into, or copied from another machine.

use std::path::{Path, PathBuf};

use super::{FetchError, FetchWatch, Fetched, place};
use crate::model::{Compression, FileSpec, ModelSpec};

/// Copies every file of the entry out of `folder` and checks it.
pub(super) fn install(
    spec: &ModelSpec,
    folder: &Path,
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Vec<Fetched>, FetchError> {
    let mut fetched = Vec::new();
    for file in &spec.files {
        match find(file, folder) {
            Some((file, parts)) => {
                fetched.push(place::join_parts(
                    spec,
                    &file,
                    dir,
                    parts.len(),
                    |i, sink| place::feed_file(&parts[i], sink),
                    watch,
                )?);
            }
            None if file.optional => {}
            None => {
                let problems = vec![format!("{} is not in {}", file.members().join(", "), folder.display())];
                return Err(FetchError::NoSource { model: spec.name.clone(), problems });
            }
        }
    }
    Ok(fetched)
}

/// The file as finished, or its parts as the source has them (with or without their folders), or its stand-in.
fn find(file: &FileSpec, folder: &Path) -> Option<(FileSpec, Vec<PathBuf>)> {
    let finished = |name: &str| {
        let path = folder.join(name);
        // Where the entry has a digest of the packed file alone, only that one can be checked.
        let can_be_checked = file.sha256.is_some() || file.packed_sha256.is_none();
        let unpacked = FileSpec {
            name: name.into(),
            compression: Compression::None,
            packed_sha256: None,
            ..file.clone()
        };
        (can_be_checked && path.is_file()).then(|| (unpacked, vec![path]))
    };
    let part = |member: &String| {
        let base = member.rsplit('/').next().unwrap_or(member);
        [folder.join(member), folder.join(base)].into_iter().find(|p| p.is_file())
    };
    let parts = || {
        Some((file.clone(), file.parts.iter().map(part).collect::<Option<Vec<_>>>()?))
            .filter(|f| !f.1.is_empty())
    };
    let stand_in = || {
        let (spec, path) = finished(file.instead.as_ref()?)?;
        Some((FileSpec { sha256: None, size: None, ..spec }, path))
    };
    finished(&file.name).or_else(parts).or_else(stand_in)
}
