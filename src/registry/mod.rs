//! The registry: which models there are and how each is fetched, asked and credited.
//!
//! The built-in list (models.toml) is compiled in, so one binary knows its models anywhere. A user's own entries are
//! laid over it, the strongest last: imported models (only names not known yet), the configuration folder,
//! `./models.toml`, `--registry FILE`. An entry of the same name replaces, a new name is added. A key or a name that is
//! not known is an error with the place and the nearest names, never silently ignored.

mod adhoc;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::model::{ModelSpec, ResolvedModel, Source, Task};

const BUILT_IN: &str = include_str!("../../models.toml");

/// Why the registry could not be read, or does not know a model.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The file could not be opened.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The registry file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a key or value that has no meaning.
    #[error("{place}: {message}{}", hint_line(hint))]
    Syntax {
        /// `file:line:column`
        place: String,
        /// One line.
        message: String,
        /// Nearest names, or empty.
        hint: String,
    },
    /// An entry contradicts itself.
    #[error("{place}: model `{model}`: {message}")]
    Invalid {
        /// `file:line:column`
        place: String,
        /// The entry.
        model: String,
        /// One line.
        message: String,
    },
    /// No entry of that name.
    #[error("there is no model `{name}` in the registry{}", hint_line(&unknown_hint(nearest)))]
    Unknown {
        /// The name asked for.
        name: String,
        /// Names like it, the most alike first.
        nearest: Vec<String>,
    },
    /// The file or folder given as a model is none.
    #[error("{}: {message}", path.display())]
    NotAModel {
        /// What was given to `--model`.
        path: PathBuf,
        /// One line.
        message: String,
    },
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("\nhint: {hint}") }
}

fn unknown_hint(nearest: &[String]) -> String {
    match nearest {
        [] => {
            "`tarjuman models list` shows them all; a path to a .gguf file or a model folder works too".into()
        }
        names => format!("did you mean {}? `tarjuman models list` shows them all", or_list(names)),
    }
}

fn or_list(names: &[String]) -> String {
    names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
}

/// Where an entry was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Compiled in.
    BuiltIn,
    /// A registry file of the user.
    File(PathBuf),
    /// The entry that came with an imported archive.
    Imported(PathBuf),
}

/// The registry files of a user, each of which may be absent.
#[derive(Debug, Clone, Default)]
pub struct Overlays {
    /// `--registry FILE`; must exist.
    pub file: Option<PathBuf>,
    /// Folder that may hold a `models.toml`: the current one.
    pub working_dir: Option<PathBuf>,
    /// Folder that may hold a `models.toml`: the user's configuration of tarjuman.
    pub config_dir: Option<PathBuf>,
    /// Entry files of imported models (`Store::imported_entries`).
    pub imported: Vec<PathBuf>,
}

impl Overlays {
    /// The current folder and the user's configuration folder (`~/.config/tarjuman` on Linux), with `file` over them.
    pub fn of_user(file: Option<PathBuf>, imported: Vec<PathBuf>) -> Self {
        let config_dir = dirs::config_dir().map(|d| d.join("tarjuman"));
        Overlays { file, working_dir: Some(PathBuf::from(".")), config_dir, imported }
    }
}

/// A model in the order in which `--model auto` tries them.
#[derive(Debug, Clone, PartialEq)]
pub struct AutoCandidate {
    /// The model.
    pub model: ResolvedModel,
    /// Whether it is complete on this machine.
    pub installed: bool,
}

/// All models known to this user, in the order of the files.
#[derive(Debug)]
pub struct Registry {
    entries: Vec<(ModelSpec, Origin)>,
    skipped: Vec<RegistryError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryFile {
    #[serde(default)]
    model: Vec<Spanned<ModelSpec>>,
}

impl Registry {
    /// The compiled-in list alone.
    pub fn built_in() -> Result<Self, RegistryError> {
        Self::load(&Overlays::default())
    }

    /// The compiled-in list with the user's files over it.
    pub fn load(overlays: &Overlays) -> Result<Self, RegistryError> {
        let mut registry = Registry { entries: Vec::new(), skipped: Vec::new() };
        let mut places = Vec::new();
        registry.lay(BUILT_IN, Path::new("models.toml (built in)"), Origin::BuiltIn, &mut places)?;
        let folders = [&overlays.config_dir, &overlays.working_dir];
        for path in folders.into_iter().flatten().map(|dir| dir.join("models.toml")).filter(|p| p.is_file()) {
            let text = read(&path)?;
            // In a checkout of this program the file is the compiled-in list itself.
            if text != BUILT_IN {
                registry.lay(&text, &path, Origin::File(path.clone()), &mut places)?;
            }
        }
        if let Some(path) = &overlays.file {
            registry.lay(&read(path)?, path, Origin::File(path.clone()), &mut places)?;
        }
        for path in &overlays.imported {
            // What an import left behind must not keep the others from running.
            if let Err(error) = registry.lay_imported(path) {
                registry.skipped.push(error);
            }
        }
        while let Some((name, error)) = registry.wrong_base(&places) {
            if !matches!(registry.origin(&name), Some(Origin::Imported(_))) {
                return Err(error);
            }
            registry.entries.retain(|(spec, _)| spec.name != name);
            registry.skipped.push(error);
        }
        Ok(registry)
    }

    fn lay(
        &mut self,
        text: &str,
        path: &Path,
        origin: Origin,
        places: &mut Vec<(String, String)>,
    ) -> Result<(), RegistryError> {
        let mut names: Vec<String> = Vec::new();
        for (mut spec, place) in parse(text, path)? {
            if names.contains(&spec.name) {
                let message = "the name occurs twice in this file".into();
                return Err(RegistryError::Invalid { place, model: spec.name, message });
            }
            names.push(spec.name.clone());
            if let Source::Path { dir } = &mut spec.source {
                // Written relative to the file that names it.
                *dir = path.parent().unwrap_or(Path::new(".")).join(&*dir);
            }
            places.push((spec.name.clone(), place));
            match self.entries.iter_mut().find(|(known, _)| known.name == spec.name) {
                Some(entry) => *entry = (spec, origin.clone()),
                None => self.entries.push((spec, origin.clone())),
            }
        }
        Ok(())
    }

    fn lay_imported(&mut self, path: &Path) -> Result<(), RegistryError> {
        for (spec, _) in parse(&read(path)?, path)? {
            if !self.entries.iter().any(|(known, _)| known.name == spec.name) {
                self.entries.push((spec, Origin::Imported(path.into())));
            }
        }
        Ok(())
    }

    /// An entry whose base is none, and what is wrong with it.
    fn wrong_base(&self, places: &[(String, String)]) -> Option<(String, RegistryError)> {
        for (spec, origin) in &self.entries {
            let Some(base) = &spec.base else { continue };
            let message = match self.spec(base) {
                None => format!("its base `{base}` is not in the registry"),
                Some(b) if b.base.is_some() => format!("its base `{base}` has a base itself; name that one"),
                Some(b) if b.family != spec.family => format!("its base `{base}` is of another family"),
                Some(_) => continue,
            };
            let place = match origin {
                Origin::Imported(path) => Some(path.display().to_string()),
                _ => places.iter().rfind(|(name, _)| *name == spec.name).map(|(_, p)| p.clone()),
            };
            let model = spec.name.clone();
            return Some((
                model.clone(),
                RegistryError::Invalid { place: place.unwrap_or_default(), model, message },
            ));
        }
        None
    }

    fn spec(&self, name: &str) -> Option<&ModelSpec> {
        self.entries.iter().map(|(spec, _)| spec).find(|spec| spec.name == name)
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = &ModelSpec> {
        self.entries.iter().map(|(spec, _)| spec)
    }

    /// Where the entry of that name was read.
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.entries.iter().find(|(spec, _)| spec.name == name).map(|(_, origin)| origin)
    }

    /// Entries of imported models that could not be read; the others work without them.
    pub fn skipped(&self) -> &[RegistryError] {
        &self.skipped
    }

    /// The model of that name; else the `.gguf` file or model folder at that path.
    pub fn get(&self, name: &str) -> Result<ResolvedModel, RegistryError> {
        if let Some(spec) = self.spec(name) {
            return Ok(self.resolve(spec));
        }
        let path = Path::new(name);
        if path.exists() || name.ends_with(".gguf") || name.contains(std::path::is_separator) {
            let spec = adhoc::spec_of_path(path)?;
            return Ok(ResolvedModel { spec, base: None });
        }
        Err(RegistryError::Unknown {
            name: name.into(),
            nearest: nearest(name, self.iter().map(|m| &*m.name)),
        })
    }

    /// An entry with its base.
    pub fn resolve(&self, spec: &ModelSpec) -> ResolvedModel {
        let base = spec.base.as_ref().and_then(|base| self.spec(base)).cloned();
        ResolvedModel { spec: spec.clone(), base }
    }

    /// What `--model auto` takes: the translators that have a place in its order, those already
    /// installed first, then those to fetch, each in that order.
    ///
    /// An installed model is preferred to a better one that is not, so that no run begins with a download nobody
    /// asked for; the caller can tell the user of a later candidate with a lower [`ModelSpec::auto`].
    pub fn auto_candidates(&self, installed: impl Fn(&ResolvedModel) -> bool) -> Vec<AutoCandidate> {
        let mut candidates: Vec<_> = self
            .iter()
            .filter(|m| m.auto > 0 && m.tasks.contains(&Task::Translate))
            .map(|m| self.resolve(m))
            .map(|model| AutoCandidate { installed: installed(&model), model })
            .collect();
        candidates.sort_by_key(|c| (!c.installed, c.model.spec.auto));
        candidates
    }
}

fn read(path: &Path) -> Result<String, RegistryError> {
    std::fs::read_to_string(path).map_err(|source| RegistryError::Read { path: path.into(), source })
}

/// The entries of a registry file, each with its `file:line:column`.
fn parse(text: &str, path: &Path) -> Result<Vec<(ModelSpec, String)>, RegistryError> {
    let file: RegistryFile = toml::from_str(text).map_err(|error| syntax_error(&error, text, path))?;
    let mut entries = Vec::new();
    for spanned in file.model {
        let place = place(text, path, spanned.span().start);
        let spec = spanned.into_inner();
        match spec.flaw() {
            Some(message) => return Err(RegistryError::Invalid { place, model: spec.name, message }),
            None => entries.push((spec, place)),
        }
    }
    Ok(entries)
}

fn place(text: &str, path: &Path, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// serde's "unknown field `x`, expected one of `a`, `b`" in the words of a registry file, with the nearest names.
fn syntax_error(error: &toml::de::Error, text: &str, path: &Path) -> RegistryError {
    let place = place(text, path, error.span().map_or(0, |span| span.start));
    let full = error.message();
    let mut quoted = full.split('`').skip(1).step_by(2).map(str::to_string);
    let kind = ["unknown field", "unknown variant"].into_iter().find(|kind| full.starts_with(kind));
    let (Some(kind), Some(given)) = (kind, quoted.next()) else {
        return RegistryError::Syntax { place, message: full.replace('\n', " "), hint: String::new() };
    };
    let known: Vec<String> = quoted.collect();
    let hint = match nearest(&given, known.iter().map(String::as_str)) {
        near if near.is_empty() => format!("known here: {}", known.join(", ")),
        near => format!("did you mean {}?", or_list(&near)),
    };
    let what = if kind == "unknown field" { "key" } else { "value" };
    RegistryError::Syntax { place, message: format!("unknown {what} `{given}`"), hint }
}

/// Up to three of `known` that look like `name`, the most alike first.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let name = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .map(|candidate| {
            let other = candidate.to_lowercase();
            let part = name.len() >= 4 && (other.contains(&name) || name.contains(&other));
            let slip = strsim::damerau_levenshtein(&name, &other) <= (name.len() / 4).max(1);
            (strsim::jaro_winkler(&name, &other).max(if part || slip { 0.9 } else { 0.0 }), candidate)
        })
        .filter(|(score, _)| *score >= 0.82)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, candidate)| candidate.to_string()).collect()
}

#[cfg(test)]
mod tests;
