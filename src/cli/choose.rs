//! From a model's name to a loaded model: registry, store, download, device.

use anyhow::{Context as _, Result, bail};

use crate::engine::{LoadOptions, Loaded};
use crate::fetch::{FetchError, Store, StoreOptions};
use crate::model::{InstalledModel, ResolvedModel, Source, Task};
use crate::registry::{Overlays, Registry};
use crate::unit::ModelStamp;

use super::args::{Global, ModelArgs};
use super::report::Reporter;

/// The models known and those at hand.
pub struct Shelf {
    pub registry: Registry,
    pub store: Store,
}

impl Shelf {
    pub fn open(global: &Global, reporter: &Reporter) -> Result<Self> {
        let store = Store::new(StoreOptions::of_user(global.offline)?);
        let registry = Registry::load(&Overlays::of_user(global.registry.clone(), store.imported_entries()))?;
        for skipped in registry.skipped() {
            reporter.warn(&skipped.to_string());
        }
        Ok(Shelf { registry, store })
    }

    /// The model of that name, installed; fetched if need be.
    pub fn get(&self, name: &str, reporter: &Reporter) -> Result<InstalledModel> {
        let model = self.registry.get(name)?;
        if !model.spec.family.is_supported() {
            bail!(
                "{name} is of family `{}`, which this version cannot run yet\nhint: `tarjuman models list` shows which can",
                model.spec.family.name()
            );
        }
        self.installed_or_pulled(&model, reporter).with_context(|| format!("model {name}"))
    }

    fn installed_or_pulled(&self, model: &ResolvedModel, reporter: &Reporter) -> Result<InstalledModel, FetchError> {
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
        for candidate in &candidates {
            let name = &candidate.model.spec.name;
            if !candidate.installed && let Some(why) = self.why_not_better(&candidate.model) {
                reporter.warn(&format!("{why}; taking {name} instead"));
            }
            match self.installed_or_pulled(&candidate.model, reporter) {
                Ok(model) => return Ok(model),
                Err(FetchError::Cancelled) => bail!("interrupted"),
                Err(error) => failures.push(format!("  {name}: {error}")),
            }
        }
        bail!(
            "no model that translates could be had:\n{}\nhint: `tarjuman models import FILE` installs one without a network",
            failures.join("\n")
        )
    }

    /// Why the best model of the registry is not the one about to be fetched.
    fn why_not_better(&self, chosen: &ResolvedModel) -> Option<String> {
        let ranked = self.registry.iter().filter(|m| m.auto > 0 && m.tasks.contains(&Task::Translate));
        let best = ranked.min_by_key(|m| m.auto).filter(|best| best.name != chosen.spec.name)?;
        let expected = match best.quality_line() {
            line if line.is_empty() => String::new(),
            line => format!(" ({line})"),
        };
        if matches!(best.source, Source::Hub { .. })
            && let Err(error) = self.store.hub_reachable()
        {
            let error = error.to_string();
            let first = error.lines().next().unwrap_or_default();
            return Some(format!("{first}, so {}{expected} cannot be fetched", best.name));
        }
        (!best.family.is_supported()).then(|| format!("this version cannot run {}{expected} yet", best.name))
    }
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
pub fn ready(shelf: &Shelf, name: &str, args: &ModelArgs, reporter: &Reporter) -> Result<Ready> {
    let options = LoadOptions { device: args.device.open()?, threads: threads(args), reference: false };
    let installed = match name {
        "auto" => shelf.auto(reporter)?,
        name => shelf.get(name, reporter)?,
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

impl Ready {
    /// Decode options: the model's own, with the command line over them.
    pub fn decode(&self, args: &ModelArgs) -> crate::inference::DecodeOptions {
        let mut decode = self.installed.spec.decode.clone();
        if let Some(beam) = args.beam {
            decode.beam = beam;
        }
        decode
    }

    /// Rows given in one call: a full batch for every thread.
    pub fn rows(&self, decode: &crate::inference::DecodeOptions) -> usize {
        (decode.batch / decode.beam.max(1)).max(1) * self.threads
    }

    /// The translator, or why there is none.
    pub fn translator(&self) -> Result<&dyn crate::inference::Translator> {
        self.loaded.translator().with_context(|| {
            format!("{} has no prompt for translating\nhint: `tarjuman models list` shows translators", self.stamp.name)
        })
    }
}
