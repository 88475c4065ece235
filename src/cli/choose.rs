//! From a model's name to a loaded model: registry, store, download, device.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::engine::{LoadOptions, Loaded};
use crate::fetch::{FetchError, Store, StoreOptions};
use crate::glossary::{Glossary, Read};
use crate::inference::DecodeOptions;
use crate::lang::Lang;
use crate::model::{InstalledModel, ModelSpec, ResolvedModel, Task};
use crate::pipeline::Configured;
use crate::registry::{Origin, Overlays, Registry};
use crate::unit::ModelStamp;

use super::args::{Global, ModelArgs, TrustArgs};
use super::report::Reporter;

/// The models known and those at hand.
pub struct Shelf {
    pub registry: Registry,
    pub store: Store,
}

impl Shelf {
    pub fn open(global: &Global, reporter: &Reporter) -> Result<Self> {
        Self::with(global, StoreOptions::of_user(global.offline)?, reporter)
    }

    /// As with `--offline`.
    pub fn open_offline(global: &Global, reporter: &Reporter) -> Result<Self> {
        Self::with(global, StoreOptions::of_user(true)?, reporter)
    }

    fn with(global: &Global, options: StoreOptions, reporter: &Reporter) -> Result<Self> {
        let store = Store::new(options);
        let registry = Registry::load(&Overlays::of_user(global.registry.clone(), store.imported_entries()))?;
        for skipped in registry.skipped() {
            reporter.warn_of(&skipped.to_string());
        }
        // A folder that came from elsewhere must not change silently what a model's name means.
        let here = Path::new(".").join("models.toml");
        let laid: Vec<&str> = registry
            .iter()
            .filter(|m| registry.origin(&m.name) == Some(&Origin::File(here.clone())))
            .map(|m| m.name.as_str())
            .collect();
        if !laid.is_empty() {
            reporter.warn(&format!("models.toml of the current folder defines {}", laid.join(", ")));
        }
        Ok(Shelf { registry, store })
    }

    /// The model of that name, installed; fetched if need be.
    pub fn get(&self, name: &str, reporter: &Reporter) -> Result<InstalledModel> {
        let model = self.registry.get(name)?;
        self.installed_or_pulled(&model, reporter).map_err(|e| self.explain(e, name))
    }

    /// Stops a run before its first document where a model could not do what it is named for.
    pub fn check_task(&self, name: &str, task: Task) -> Result<()> {
        let spec = self.registry.get(name)?.spec;
        if !spec.tasks.contains(&task) {
            let verb = match task {
                Task::Translate => "translate",
                Task::Brief => "write briefs",
            };
            bail!(
                "{name}: this model does not {verb}\nhint: `tarjuman models list` shows what each model does"
            );
        }
        Ok(())
    }

    /// The model's name in an error that knows only the part that failed.
    fn explain(&self, error: FetchError, name: &str) -> anyhow::Error {
        match error {
            FetchError::Offline { .. } => FetchError::Offline { model: name.into() }.into(),
            error => anyhow::Error::from(error).context(format!("model {name}")),
        }
    }

    fn installed_or_pulled(
        &self,
        model: &ResolvedModel,
        reporter: &Reporter,
    ) -> Result<InstalledModel, FetchError> {
        if self.store.status(model)?.is_installed() {
            return self.store.open(model);
        }
        let result = self.store.pull(model, reporter);
        reporter.clear();
        result
    }

    /// The best translator that is installed, else the best that can be fetched. Falling back is told in one warning.
    pub fn auto(&self, reporter: &Reporter) -> Result<InstalledModel> {
        let is_installed = |m: &ResolvedModel| self.store.status(m).is_ok_and(|s| s.is_installed());
        let candidates = self.registry.auto_candidates(is_installed);
        let mut failures = Vec::new();
        let mut is_told = false;
        for candidate in &candidates {
            let name = &candidate.model.spec.name;
            if !candidate.installed && !self.store.options().offline {
                // Told of once, with what is taken instead.
                if let Err(error) = self.store.source_reachable(&candidate.model.spec.source) {
                    failures.push(first_line(format!("{:#}", self.explain(error, name))));
                    continue;
                }
                is_told |= self.tell_of_better(&candidate.model, reporter);
            }
            match self.installed_or_pulled(&candidate.model, reporter) {
                Ok(model) => {
                    if !failures.is_empty() && !is_told {
                        reporter.warn(&format!("{}. Taking {name} instead", failures.join("; ")));
                    }
                    return Ok(model);
                }
                // Another model's files may lie where nothing fails; a full disk fails for all.
                Err(error) if error.is_of_the_source() => {
                    failures.push(first_line(format!("{:#}", self.explain(error, name))));
                }
                Err(error) => return Err(self.explain(error, name)),
            }
        }
        bail!(
            "no model that translates could be had:\n  {}\nhint: `tarjuman models import FILE` installs one without a network",
            failures.join("\n  ")
        )
    }

    /// One warning, before the download, if the best model of the registry is not the one about to be fetched because its
    /// source cannot be reached; whether there was one.
    fn tell_of_better(&self, chosen: &ResolvedModel, reporter: &Reporter) -> bool {
        let ranked = self.registry.iter().filter(|m| m.auto > 0 && m.tasks.contains(&Task::Translate));
        let Some(best) = ranked.min_by_key(|m| m.auto).filter(|best| best.name != chosen.spec.name) else {
            return false;
        };
        let quality = |m: &ModelSpec| match m.quality_line() {
            line if line.is_empty() => String::new(),
            line => format!(" ({line})"),
        };
        let Err(error) = self.store.source_reachable(&best.source) else { return false };
        reporter.warn(&format!(
            "no {}{}: {}. Taking {}{} instead",
            best.name,
            quality(best),
            first_line(error),
            chosen.spec.name,
            quality(&chosen.spec)
        ));
        true
    }
}

fn first_line(error: impl ToString) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

/// A model with all that a run says of it.
pub struct Ready {
    pub installed: InstalledModel,
    pub loaded: Loaded,
    pub stamp: ModelStamp,
    pub device: String,
    pub threads: usize,
}

/// Threads to use: as given, else all.
pub fn threads(args: &ModelArgs) -> usize {
    args.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()))
}

/// Finds, fetches and loads the model asked for.
pub fn ready(shelf: &Shelf, name: &str, task: Task, args: &ModelArgs, reporter: &Reporter) -> Result<Ready> {
    let options =
        LoadOptions { device: args.device.open()?, threads: threads(args), precision: args.precision };
    let installed = match name {
        "auto" => shelf.auto(reporter)?,
        name => {
            shelf.check_task(name, task)?;
            shelf.get(name, reporter)?
        }
    };
    let loaded = Loaded::load(&installed, &options)?;
    let spec = &installed.spec;
    let stamp = ModelStamp {
        name: spec.name.clone(),
        digest: installed.digest.clone(),
        licence: spec.licence.clone(),
        quality: spec.quality_line(),
        warning: spec.warning.clone(),
    };
    Ok(Ready { device: loaded.device(&options), threads: options.threads, stamp, loaded, installed })
}

/// The model of `--second` with its search options, if there is one: its own, whatever the first's were changed to.
pub fn second(
    shelf: &Shelf,
    first: &Ready,
    trust: &TrustArgs,
    args: &ModelArgs,
    reporter: &Reporter,
) -> Result<Option<(Ready, DecodeOptions)>> {
    let Some(name) = &trust.second else { return Ok(None) };
    let second = ready(shelf, name, Task::Translate, args, reporter)?;
    second.warn_beside(first, reporter);
    let decode = second.installed.spec.decode.clone();
    Ok(Some((second, decode)))
}

/// The glossary of `--glossary`; without one, an empty one.
pub fn glossary(args: &TrustArgs, reporter: &Reporter) -> Result<Glossary> {
    let Some(path) = &args.glossary else { return Ok(Glossary::default()) };
    let Read { glossary, left_out } = Glossary::read(path).map_err(anyhow::Error::msg)?;
    if left_out > 0 {
        reporter.warn(&format!(
            "{}: {left_out} rows without Arabic or without English are left out",
            reporter.name(path.display())
        ));
    }
    reporter.info(&format!("glossary of {} terms", glossary.len()));
    Ok(glossary)
}

impl Ready {
    /// Tells its warning, where it is loaded beside `first` and is another: with its name, since that of the first is told
    /// without.
    pub fn warn_beside(&self, first: &Ready, reporter: &Reporter) {
        if let Some(warning) = self.stamp.warning.as_ref().filter(|_| self.stamp != first.stamp) {
            reporter.warn(&format!("{}: {warning}", self.stamp.name));
        }
    }

    /// Its translator, and how it is asked.
    pub fn configured<'a>(&'a self, decode: &'a DecodeOptions) -> Result<Configured<'a>> {
        let translator = self.translator()?;
        Ok(Configured { translator, digest: &self.stamp.digest, decode, rows: self.rows(decode) })
    }

    /// Decode options: the model's own, with the command line over them.
    pub fn decode(&self, args: &ModelArgs) -> DecodeOptions {
        let mut decode = self.installed.spec.decode.clone();
        let of_quality = args.quality.map(|quality| quality.beam(decode.beam));
        decode.beam = args.beam.or(of_quality).unwrap_or(decode.beam);
        if let Some(least) = args.min_tokens {
            decode.min_tokens = least;
        }
        if let Some(most) = args.max_tokens {
            decode.max_tokens = most;
            decode.min_tokens = decode.min_tokens.min(most);
        }
        decode
    }

    /// Rows given in one call: a full batch for every thread.
    pub fn rows(&self, decode: &DecodeOptions) -> usize {
        (decode.batch / decode.beam.max(1)).max(1) * self.threads
    }

    /// The language it writes: its first, or English.
    pub fn target_lang(&self) -> Lang {
        self.installed.spec.target_langs.first().cloned().unwrap_or_else(Lang::english)
    }

    /// The translator, or why there is none.
    pub fn translator(&self) -> Result<&dyn crate::inference::Translator> {
        self.loaded.translator().with_context(|| {
            format!(
                "{} has no prompt for translating\nhint: `tarjuman models list` shows translators",
                self.stamp.name
            )
        })
    }
}
