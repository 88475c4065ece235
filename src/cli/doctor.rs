//! `tarjuman doctor`: is everything here that a run needs?

use std::time::Instant;

use anyhow::Result;

use crate::engine::{device, prepared};
use crate::fetch::{FetchUnwatched, Status};
use crate::inference::Unwatched;
use crate::model::Task;
use crate::verify;

use super::args::{DoctorArgs, Global};
use super::choose::{Shelf, ready, threads};
use super::exit::Exit;
use super::print_data;
use super::report::{Reporter, told};

/// Asked of every model; its translation is checked like any other.
const SENTENCE: &str = "وصل وزير الخارجية إلى العاصمة.";

pub fn doctor(global: &Global, args: &DoctorArgs, reporter: &Reporter) -> Result<Exit> {
    args.model.check()?;
    let mut exit = Exit::Done;
    let tell = |what: &str, text: String| print_data(format!("{what:<10} {text}\n").as_bytes());
    tell("version", env!("CARGO_PKG_VERSION").into())?;
    tell("processor", format!("{} threads, {}", threads(&args.model), device::simd()))?;
    let features: Vec<&str> = [("cuda", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))]
        .iter()
        .filter(|f| f.1)
        .map(|f| f.0)
        .collect();
    tell("gpu", if features.is_empty() { "not in this build".into() } else { features.join(", ") })?;
    // A check-up tells what is there; it fetches nothing.
    let shelf = Shelf::open_offline(global, reporter)?;
    tell("models", shelf.store.options().root.display().to_string())?;
    tell("hub cache", shelf.store.options().hub.cache.display().to_string())?;
    tell("memory", "memory.sqlite in each run's output folder, or --memory FILE".into())?;
    let model = match ready(&shelf, &args.model.model, Task::Translate, &args.model, reporter) {
        Ok(model) => model,
        Err(error) => {
            let (message, hint) = told(&error);
            tell("model", format!("FAILED: {message}"))?;
            if !hint.is_empty() {
                tell("hint", hint)?;
            }
            return Ok(Exit::Wrong);
        }
    };
    tell("model", format!("{} on {}", model.stamp.name, model.device))?;
    if let Some(warning) = &model.stamp.warning {
        tell("", warning.clone())?;
    }
    let resolved = shelf
        .registry
        .get(&model.stamp.name)
        .unwrap_or_else(|_| crate::model::ResolvedModel { spec: model.installed.spec.clone(), base: None });
    match shelf.store.verify(&resolved, &FetchUnwatched) {
        Ok(Status::Installed { .. }) => match prepared::verify(&shelf.store.dir(&resolved.spec)) {
            altered if altered.is_empty() => tell("files", "verified by digest".into())?,
            altered => {
                exit = Exit::Wrong;
                tell("files", format!("DAMAGED: {}", altered.join("; ")))?;
            }
        },
        Ok(Status::Missing) => tell("files", "none".into())?,
        Ok(Status::Partial { problems }) => {
            exit = Exit::Wrong;
            tell("files", format!("DAMAGED: {}", problems.join("; ")))?;
        }
        Err(error) => {
            exit = Exit::Wrong;
            tell("files", format!("FAILED: {error}"))?;
        }
    }
    let start = Instant::now();
    match model.translator()?.translate(&[SENTENCE], &model.decode(&args.model), &Unwatched::default()) {
        Ok(found) => {
            let best = found.into_iter().next().and_then(|all| all.into_iter().next());
            let text = best.as_ref().map(|h| h.text.clone()).unwrap_or_default();
            tell("sentence", SENTENCE.into())?;
            tell("", format!("{text} ({:.2} s)", start.elapsed().as_secs_f64()))?;
            for finding in verify::check(SENTENCE, &text, best.as_ref()) {
                exit = Exit::Wrong;
                tell("", format!("WRONG: {}: {}", finding.check.name(), finding.detail))?;
            }
        }
        Err(error) => {
            exit = Exit::Wrong;
            tell("sentence", format!("FAILED: {error}"))?;
        }
    }
    tell(
        "verdict",
        if exit == Exit::Done { "all is well".into() } else { "something is wrong, see above".into() },
    )?;
    Ok(exit)
}
