//! Why a model is not there. Every message ends in what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Errors of [`Store`](super::Store).
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// It would have to be fetched, and that is not wanted.
    #[error(
        "model `{model}` is not on this machine, and the network is off\n\
         hint: where there is a network, `tarjuman models export {model} FILE`; here, `tarjuman models import FILE`"
    )]
    Offline {
        /// Its name.
        model: String,
    },
    /// It is incomplete or damaged.
    #[error("model `{model}` is not complete: {}\nhint: `tarjuman models pull {model}` fetches what is missing", problems.join("; "))]
    NotInstalled {
        /// Its name.
        model: String,
        /// A line a file.
        problems: Vec<String>,
    },
    /// It is incomplete, and its entry names no place to fetch it from.
    #[error("model `{model}` is not complete and cannot be fetched: {}\nhint: `tarjuman models import FILE` installs it from an archive", problems.join("; "))]
    NoSource {
        /// Its name.
        model: String,
        /// A line a file.
        problems: Vec<String>,
    },
    /// No connection.
    #[error(
        "{what} cannot be reached: {message}\nhint: check the connection and the proxy (HTTPS_PROXY), or install models with `tarjuman models import FILE`"
    )]
    Unreachable {
        /// Address.
        what: String,
        /// One line.
        message: String,
    },
    /// The server wants an account, or one that has accepted a licence.
    #[error(
        "{what}: access denied\nhint: accept the licence of the model on its page, and set HF_TOKEN to a token of your account"
    )]
    Denied {
        /// Address.
        what: String,
    },
    /// The server has no such file.
    #[error(
        "{what}: not found on the server\nhint: the registry entry may be out of date; a corrected one in ./models.toml replaces it"
    )]
    NotFound {
        /// Address.
        what: String,
    },
    /// The server or the connection failed, repeatedly.
    #[error("{what}: {message}\nhint: run it again; the download goes on where it stopped")]
    Http {
        /// Address.
        what: String,
        /// One line.
        message: String,
    },
    /// What came is not what was promised.
    #[error(
        "{file} of model `{model}` {message}\nhint: it was not kept; run it again, and if it happens twice, do not trust the source"
    )]
    Altered {
        /// Model.
        model: String,
        /// File.
        file: String,
        /// One line.
        message: String,
    },
    /// pip is missing or failed.
    #[error("{message}\nhint: {hint}")]
    Pip {
        /// One line.
        message: String,
        /// One line.
        hint: String,
    },
    /// An archive that is none, is damaged, or contradicts itself.
    #[error("{}: {message}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// One line.
        message: String,
    },
    /// Disk.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No folder to keep models in can be told.
    #[error("no home folder is known\nhint: set TARJUMAN_HOME to the folder that is to hold the models")]
    NoHome,
    /// The user stopped it.
    #[error("interrupted")]
    Cancelled,
}

impl FetchError {
    /// Whether another model might still be fetched: the trouble is with this source, not with the disk or the user.
    pub fn is_of_the_source(&self) -> bool {
        use FetchError::*;
        matches!(
            self,
            Offline { .. }
                | NotInstalled { .. }
                | NoSource { .. }
                | Unreachable { .. }
                | Denied { .. }
                | NotFound { .. }
                | Http { .. }
                | Altered { .. }
                | Pip { .. }
        )
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        FetchError::Io { path: path.into(), source }
    }
}
