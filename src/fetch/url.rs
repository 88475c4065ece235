//! Plain downloads: an address a file, checked against the digests of the entry.

use std::fs;
use std::path::{Path, PathBuf};

use super::http::Http;
use super::{FetchError, FetchWatch, Fetched, place};
use crate::model::{FileSpec, ModelSpec};

/// Downloads the wanted files from below `base` into `dir`.
pub(super) fn install(
    http: &Http,
    spec: &ModelSpec,
    base: &str,
    wanted: &[&FileSpec],
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Vec<Fetched>, FetchError> {
    fs::create_dir_all(dir).map_err(|e| FetchError::io(dir, e))?;
    let mut fetched = Vec::new();
    for file in wanted {
        match install_file(http, spec, base, file, dir, watch) {
            Ok(one) => fetched.push(one),
            Err(FetchError::NotFound { .. }) if file.optional => {}
            Err(FetchError::NotFound { what }) => {
                let Some(name) = &file.instead else { return Err(FetchError::NotFound { what }) };
                let stand_in = FileSpec { parts: Vec::new(), sha256: None, size: None, ..(*file).clone() };
                let stand_in = FileSpec { name: name.clone(), ..stand_in };
                fetched.push(install_file(http, spec, base, &stand_in, dir, watch)?);
            }
            Err(other) => return Err(other),
        }
    }
    Ok(fetched)
}

fn install_file(
    http: &Http,
    spec: &ModelSpec,
    base: &str,
    file: &FileSpec,
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Fetched, FetchError> {
    let parts: Vec<PathBuf> =
        (0..file.members().len()).map(|i| dir.join(format!("{}.{i}.part", file.name))).collect();
    // Without a digest, nobody would notice that the rest of an old download is joined to a new file.
    let may_resume = file.sha256.is_some() || file.packed_sha256.is_some();
    let resumed = may_resume && parts.iter().any(|part| part.exists());
    if !may_resume {
        forget(&parts);
    }
    let fetch = || -> Result<Fetched, FetchError> {
        for (part, member) in parts.iter().zip(file.members()) {
            // Small files have a stated size only when they are neither joined nor packed.
            let expected = file.size.filter(|_| parts.len() == 1 && file.compression == Default::default());
            http.download(&format!("{base}{member}"), None, part, expected, member, watch)?;
        }
        place::join_parts(spec, file, dir, parts.len(), |i, sink| place::feed_file(&parts[i], sink), watch)
    };
    let result = match fetch() {
        Err(FetchError::Altered { .. }) if resumed => {
            forget(&parts);
            fetch()
        }
        result => result,
    };
    if matches!(result, Ok(_) | Err(FetchError::Altered { .. })) {
        forget(&parts);
    }
    result
}

fn forget(parts: &[PathBuf]) {
    for part in parts {
        let _ = fs::remove_file(part); // usually there is none
    }
}
