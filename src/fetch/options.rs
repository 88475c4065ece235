//! Where models are kept and who may be asked for them.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::FetchError;

/// Settings of a [`Store`](super::Store).
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Folder of this program's models: `models/NAME/` below it.
    pub root: PathBuf,
    /// No network is touched.
    pub offline: bool,
    /// The Hugging Face Hub.
    pub hub: HubOptions,
    /// Program and first arguments that run pip, no path among them relative; `None` looks for it.
    pub pip: Option<Vec<String>>,
    /// How long resolving a name, and connecting, may take.
    pub connect_timeout: Duration,
}

/// The Hub, with the settings that Python's `huggingface_hub` reads too.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// Address without a closing `/`.
    pub endpoint: String,
    /// Its cache, shared with Python.
    pub cache: PathBuf,
    /// Access token.
    pub token: Option<String>,
    /// The Hub alone is not asked.
    pub offline: bool,
}

impl StoreOptions {
    /// The user's settings: `TARJUMAN_HOME` or the cache folder of the system; `HF_HOME`, `HF_HUB_CACHE`,
    /// `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_OFFLINE`. Proxies are read by the HTTP client itself.
    pub fn of_user(offline: bool) -> Result<Self, FetchError> {
        let root = match path_var("TARJUMAN_HOME") {
            Some(root) => root,
            None => dirs::cache_dir().ok_or(FetchError::NoHome)?.join("tarjuman"),
        };
        Ok(StoreOptions {
            root,
            offline,
            hub: HubOptions::of_user()?,
            pip: None,
            connect_timeout: Duration::from_secs(4),
        })
    }
}

impl HubOptions {
    fn of_user() -> Result<Self, FetchError> {
        // Python takes ~/.cache on every system, not the system's own cache folder.
        let home = match path_var("HF_HOME") {
            Some(home) => home,
            None => match path_var("XDG_CACHE_HOME") {
                Some(cache) => cache,
                None => dirs::home_dir().ok_or(FetchError::NoHome)?.join(".cache"),
            }
            .join("huggingface"),
        };
        let cache = path_var("HF_HUB_CACHE").or_else(|| path_var("HUGGINGFACE_HUB_CACHE"));
        let endpoint = var("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let token = var("HF_TOKEN").or_else(|| {
            let path = path_var("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
            std::fs::read_to_string(path).ok().map(|t| t.trim().to_string()).filter(|t| !t.is_empty())
        });
        let offline = var("HF_HUB_OFFLINE")
            .is_some_and(|v| matches!(v.to_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"));
        Ok(HubOptions {
            endpoint: endpoint.trim_end_matches('/').into(),
            cache: cache.unwrap_or_else(|| home.join("hub")),
            token,
            offline,
        })
    }
}

fn var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn path_var(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
