//! Why a translation memory cannot be used.

use std::path::{Path, PathBuf};

use super::SCHEMA_VERSION;

/// Why the translation memory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The file can be neither opened nor made.
    #[error(
        "{path}: cannot open the translation memory: {message}\nhint: its folder must exist and be writable; --memory FILE puts it elsewhere, --memory none does without"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// The file is something else.
    #[error("{path}: not a translation memory\nhint: it was left as it is; give another file to --memory")]
    NotAMemory {
        /// The file.
        path: PathBuf,
    },
    /// The file was made by a later version.
    #[error(
        "{path}: made by a newer version of tarjuman (schema {found}, this version knows {SCHEMA_VERSION})\nhint: use that version, or give another file to --memory"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i32,
    },
    /// The file is damaged.
    #[error(
        "{path}: the translation memory is damaged\nhint: move it away together with its -wal and -shm files and run again; its sentences are then translated anew"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// There is no room to write.
    #[error(
        "{path}: no space left for the translation memory\nhint: free some space and run again; everything up to the last batch is kept"
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses to read or write: a quota, a limit on the size of files, a failing disk.
    #[error(
        "{path}: cannot read or write the translation memory: {message}\nhint: look at the disk, quotas and limits on file sizes (ulimit -f), and run again; everything up to the last batch is kept"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// Another process did not let go of the file.
    #[error(
        "{path}: the translation memory is held by another process\nhint: wait for that run to end, or give another file to --memory"
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else SQLite reports.
    #[error("{path}: translation memory: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: rusqlite::Error,
    },
}

impl MemoryError {
    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            MemoryError::Open { path, .. }
            | MemoryError::NotAMemory { path }
            | MemoryError::NewerSchema { path, .. }
            | MemoryError::Corrupt { path }
            | MemoryError::Full { path }
            | MemoryError::Io { path, .. }
            | MemoryError::Busy { path }
            | MemoryError::Sqlite { path, .. } => path,
        }
    }
}
