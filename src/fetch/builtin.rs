//! Files that are compiled into the program, so that one binary is enough.

use std::path::Path;

use super::{FetchError, FetchWatch, Fetched, place};
use crate::model::{FileSpec, ModelSpec};

const FILES: [(&str, &str, &[u8]); 3] = [
    (
        "gemma-3-270m-ar-en",
        "adapter.safetensors",
        include_bytes!("../../models/gemma-3-270m-ar-en/adapter.safetensors"),
    ),
    ("gemma-3-270m-ar-en", "GEMMA-TERMS", include_bytes!("../../models/gemma-3-270m-ar-en/GEMMA-TERMS")),
    ("gemma-3-270m-ar-en", "NOTICE", include_bytes!("../../models/gemma-3-270m-ar-en/NOTICE")),
];

/// Writes the wanted files to `dir`: the engine maps weights from a disk.
pub(super) fn install(
    spec: &ModelSpec,
    wanted: &[&FileSpec],
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Vec<Fetched>, FetchError> {
    let install = |file: &&FileSpec| {
        let bytes =
            FILES.iter().find(|(model, name, _)| *model == spec.name && *name == file.name).map(|f| f.2);
        let Some(bytes) = bytes else {
            let problems = vec![format!("{} is not compiled into this program", file.name)];
            return Err(FetchError::NoSource { model: spec.name.clone(), problems });
        };
        place::join_parts(spec, file, dir, 1, |_, sink| sink(&mut &*bytes), watch)
    };
    wanted.iter().map(install).collect()
}
