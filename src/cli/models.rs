//! `tarjuman models`

use anyhow::{Context as _, Result, bail};
use indicatif::HumanBytes;
use serde::Serialize;

use crate::engine::prepared;
use crate::fetch::Status;
use crate::lang::shown;
use crate::model::{Family, ModelSpec, Quality, ResolvedModel, Source, Task};

use super::args::{Global, ModelsCommand};
use super::choose::Shelf;
use super::exit::Exit;
use super::print_data;
use super::report::Reporter;

pub fn models(global: &Global, command: ModelsCommand, reporter: &Reporter) -> Result<Exit> {
    let shelf = Shelf::open(global, reporter)?;
    match command {
        ModelsCommand::List { json } => list(&shelf, json),
        ModelsCommand::Show { name } => show(&shelf, &name),
        ModelsCommand::Pull { names } => {
            for name in &names {
                shelf
                    .store
                    .pull(&shelf.registry.get(name)?, reporter)
                    .with_context(|| format!("model {name}"))?;
                reporter.clear();
                reporter.info(&format!("{name} is installed"));
            }
            Ok(Exit::Done)
        }
        ModelsCommand::Verify { names } => verify(&shelf, names, reporter),
        ModelsCommand::Import { path, name } if path.is_dir() => {
            let name = name.context("a folder is imported under a name: --name NAME")?;
            let model = shelf.registry.get(&name)?;
            if shelf.store.status(&model)?.is_installed() {
                reporter.info(&format!(
                    "{name} is installed already; `tarjuman models remove {name}` makes room"
                ));
                return Ok(Exit::Done);
            }
            shelf.store.install_from_folder(&model, &path, reporter)?;
            reporter.info(&format!("{name} is installed and verified"));
            Ok(Exit::Done)
        }
        ModelsCommand::Import { path: file, .. } => {
            let known = |name: &str| shelf.registry.iter().find(|m| m.name == name).cloned();
            let imported = shelf.store.import(&file, &known, reporter)?;
            reporter.info(&format!("{} is installed and verified", imported.name));
            Ok(Exit::Done)
        }
        ModelsCommand::Export { name, file } => {
            shelf.store.export(&shelf.registry.get(&name)?, &file, reporter)?;
            reporter.info(&format!("{name} is in {}", reporter.name(file.display())));
            Ok(Exit::Done)
        }
        ModelsCommand::Remove { names } => remove(&shelf, &names, reporter),
        ModelsCommand::Path { name } => {
            let path = shelf.store.path(&shelf.registry.get(&name)?);
            print_data(format!("{}\n", path.display()).as_bytes())?;
            Ok(Exit::Done)
        }
    }
}

/// What can be done with a model here and now, in one word.
fn standing(shelf: &Shelf, model: &ResolvedModel) -> Result<&'static str> {
    Ok(match shelf.store.status(model)? {
        Status::Installed { .. } => "installed",
        Status::Partial { .. } => "incomplete",
        Status::Missing => "can be fetched",
    })
}

fn tasks(spec: &ModelSpec) -> String {
    let name = |task: &Task| match task {
        Task::Translate => "translate",
        Task::Brief => "brief",
    };
    spec.tasks.iter().map(name).collect::<Vec<_>>().join("+")
}

/// A line of `models list --json`. Written without a detour through `Value`, which knows no `f32`: 42.8 would become
/// 42.79999923706055.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    about: &'a str,
    tasks: &'a [Task],
    family: Family,
    state: &'a str,
    bytes: u64,
    licence: &'a str,
    quality: &'a [Quality],
}

fn list(shelf: &Shelf, json: bool) -> Result<Exit> {
    let mut out = String::new();
    if !json {
        out.push_str(&format!(
            "{:<28} {:<16} {:<9} {:>10}  {:<28} {:<22} {}\n",
            "NAME", "TASKS", "FAMILY", "SIZE", "STATE", "LICENCE", "QUALITY"
        ));
    }
    for spec in shelf.registry.iter() {
        let model = shelf.registry.resolve(spec);
        let standing = standing(shelf, &model)?;
        if json {
            let listed = Listed {
                name: &spec.name,
                about: &spec.about,
                tasks: &spec.tasks,
                family: spec.family,
                state: standing,
                bytes: model.download_size(),
                licence: &spec.licence,
                quality: &spec.quality,
            };
            out.push_str(&serde_json::to_string(&listed)?);
            out.push('\n');
        } else {
            let size = match model.download_size() {
                0 => "?".to_string(),
                n => HumanBytes(n).to_string(),
            };
            let size = if spec.source == Source::None { "-".into() } else { size };
            let line = format!(
                "{:<28} {:<16} {:<9} {:>10}  {:<28} {:<22} {}",
                spec.name,
                tasks(spec),
                spec.family.name(),
                size,
                standing,
                spec.licence,
                spec.quality_line()
            );
            out.push_str(shown(&line).trim_end());
            out.push('\n');
        }
    }
    print_data(out.as_bytes())?;
    Ok(Exit::Done)
}

fn show(shelf: &Shelf, name: &str) -> Result<Exit> {
    let model = shelf.registry.get(name)?;
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        if !value.is_empty() {
            // An entry may come from somebody else, and escape sequences are for the terminal.
            text.push_str(&format!("{key:<10} {}\n", shown(&value)));
        }
    };
    let spec = &model.spec;
    line("name", spec.name.clone());
    line("about", spec.about.clone());
    line("tasks", tasks(spec));
    line("family", spec.family.name().into());
    line("state", standing(shelf, &model)?.into());
    match shelf.store.status(&model)? {
        Status::Installed { from, .. } => line("from", from),
        Status::Partial { problems } => problems.into_iter().for_each(|p| line("problem", p)),
        Status::Missing => {}
    }
    line("folder", shelf.store.path(&model).display().to_string());
    line("licence", format!("{} {}", spec.licence, spec.licence_note).trim().to_string());
    for q in &spec.quality {
        let figures = [q.bleu.map(|b| format!("{b} BLEU")), q.chrf.map(|c| format!("{c} chrF"))];
        let figures: Vec<String> = figures.into_iter().flatten().collect();
        line("quality", format!("{}: {} ({})", q.test, figures.join(", "), q.source));
    }
    line("needs", spec.requires.clone());
    if spec.memory_mib > 0 {
        line("memory", format!("about {} MiB", spec.memory_mib));
    }
    line("decoding", spec.decode.fingerprint());
    line("warning", spec.warning.clone().unwrap_or_default());
    for layer in model.layers() {
        for file in &layer.files {
            let size = file.size.map(|s| HumanBytes(s).to_string()).unwrap_or_default();
            let digest = file.sha256.as_deref().map(|d| format!("sha256 {d}")).unwrap_or_default();
            line("file", format!("{} {size} {digest}", file.name));
        }
    }
    print_data(text.as_bytes())?;
    Ok(Exit::Done)
}

fn verify(shelf: &Shelf, names: Vec<String>, reporter: &Reporter) -> Result<Exit> {
    let all = names.is_empty();
    let models: Vec<ResolvedModel> = match all {
        true => shelf.registry.iter().map(|spec| shelf.registry.resolve(spec)).collect(),
        false => names.iter().map(|name| shelf.registry.get(name)).collect::<Result<_, _>>()?,
    };
    let mut exit = Exit::Done;
    let mut out = String::new();
    for model in models {
        let has_files = model.layers().any(|layer| !layer.files.is_empty());
        if all && (!has_files || shelf.store.status(&model)? == Status::Missing) {
            continue;
        }
        let name = &model.spec.name;
        let status = shelf.store.verify(&model, reporter)?;
        let altered = prepared::verify(&shelf.store.dir(&model.spec));
        altered.iter().for_each(|problem| out.push_str(&format!("{name}: {problem}\n")));
        match status {
            Status::Installed { .. } if !altered.is_empty() => {
                exit = Exit::LookAt;
                reporter.info("`tarjuman run --fresh` translates anew what was translated with it");
            }
            Status::Installed { bytes, .. } => {
                out.push_str(&format!("{name}: intact ({})\n", HumanBytes(bytes)))
            }
            Status::Missing => {
                exit = Exit::LookAt;
                out.push_str(&format!("{name}: not installed\n"));
            }
            Status::Partial { problems } => {
                exit = Exit::LookAt;
                problems.iter().for_each(|p| out.push_str(&format!("{name}: {p}\n")));
                reporter.info(&format!("`tarjuman models pull {name}` fetches what is wrong anew"));
            }
        }
    }
    print_data(out.as_bytes())?;
    Ok(exit)
}

fn remove(shelf: &Shelf, names: &[String], reporter: &Reporter) -> Result<Exit> {
    let models: Vec<ResolvedModel> =
        names.iter().map(|name| shelf.registry.get(name)).collect::<Result<_, _>>()?;
    // Looked at before anything is gone.
    for model in &models {
        let staying = dependents(shelf, model, names)?;
        if !staying.is_empty() {
            let name = &model.spec.name;
            bail!(
                "{name} is the base of {}, which would not work without it\nhint: to remove what stands on it first: `tarjuman models remove {} {name}`",
                staying.join(" and "),
                staying.join(" ")
            );
        }
    }
    for (name, model) in names.iter().zip(&models) {
        let removed = shelf.store.remove(model)?;
        match removed.bytes {
            0 => reporter.info(&format!("{name}: nothing of its own to delete")),
            bytes => reporter.info(&format!("{name}: {} freed", HumanBytes(bytes))),
        }
        for kept in removed.kept {
            let kept = reporter.name(kept.display());
            reporter.info(&format!("left in place, since other programs use it too: {kept}"));
        }
    }
    Ok(Exit::Done)
}

/// Models with files of their own here that stand on this one, without those in `removed`. One that is a folder stays
/// where it is when it is removed, and takes nothing from anybody.
fn dependents<'s>(shelf: &'s Shelf, model: &ResolvedModel, removed: &[String]) -> Result<Vec<&'s str>> {
    let mut staying = Vec::new();
    if matches!(model.spec.source, Source::Path { .. }) {
        return Ok(staying);
    }
    let of_it = shelf.registry.iter().filter(|spec| spec.base.as_ref() == Some(&model.spec.name));
    for spec in of_it.filter(|spec| !spec.files.is_empty() && !removed.contains(&spec.name)) {
        // Its own files alone: they are of no use any more even where the base has been damaged before.
        let alone = ResolvedModel { spec: spec.clone(), base: None };
        if shelf.store.status(&alone)? != Status::Missing {
            staying.push(spec.name.as_str());
        }
    }
    Ok(staying)
}
