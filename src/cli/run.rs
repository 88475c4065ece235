//! `tarjuman run`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};

use crate::model::Task;
use crate::names::Choices;
use crate::pipeline::{self, BriefMaker, PlanOptions, RunOptions};
use crate::run::{Outcome, RunRecord};

use super::args::{Global, RunArgs};
use super::choose::{Ready, Shelf, glossary, ready, second, threads};
use super::exit::Exit;
use super::report::{Reporter, counts};

pub fn run(global: &Global, args: RunArgs, reporter: &Reporter) -> Result<Exit> {
    args.model.check()?;
    let memory = args.memory();
    let mut formats = args.formats.clone();
    formats.dedup();
    let shelf = Shelf::open(global, reporter)?;
    // A wrong name is found before anything is made or fetched.
    if args.model.model != "auto" {
        shelf.check_task(&args.model.model, Task::Translate)?;
    }
    if let Some(second) = &args.trust.second {
        shelf.check_task(second, Task::Translate)?;
    }
    if !matches!(args.brief.as_str(), "extractive" | "none") {
        shelf.check_task(&args.brief, Task::Brief)?;
    }
    let glossary = glossary(&args.trust, reporter)?;
    let names = names(&args, reporter)?;
    let since = args.since.as_deref().map(str::parse).transpose()?.unwrap_or_default();
    let plan = pipeline::plan(&PlanOptions {
        inputs: &args.paths,
        out: &args.out,
        encoding: args.encoding.as_deref(),
        limit: args.limit,
        memory: memory.as_deref(),
        fresh: args.fresh,
    })?;
    let model = ready(&shelf, &args.model.model, Task::Translate, &args.model, reporter)?;
    let name = match Path::new(&args.model.model).exists() {
        true => reporter.name(&model.stamp.name),
        false => model.stamp.name.clone(),
    };
    reporter.info(&format!("model {name} on {}", model.device));
    if let Some(warning) = &model.stamp.warning {
        reporter.warn(warning);
    }
    let writer = match args.brief.as_str() {
        "none" | "extractive" => None,
        // One model for both is loaded once.
        name if name == model.stamp.name => None,
        name => Some(ready(&shelf, name, Task::Brief, &args.model, reporter)?),
    };
    if let Some(writer) = &writer {
        writer.warn_beside(&model, reporter);
    }
    let brief = match args.brief.as_str() {
        "none" => BriefMaker::None,
        "extractive" => BriefMaker::Extractive,
        name => brief_by(writer.as_ref().unwrap_or(&model), name)?,
    };
    let decode = model.decode(&args.model);
    let second = second(&shelf, &model, &args.trust, &args.model, reporter)?;
    let options = options_in_force(&args, &decode, memory.as_deref());
    let record = pipeline::run(
        plan,
        RunOptions {
            formats,
            encoding: args.encoding,
            fields: args.fields,
            translator: model.translator()?,
            stamp: model.stamp.clone(),
            source_langs: model.installed.spec.source_langs.clone(),
            target_lang: model.target_lang(),
            rows: model.rows(&decode),
            decode,
            glossary,
            names,
            repair: !args.trust.no_repair,
            second: second.as_ref().map(|(model, decode)| model.configured(decode)).transpose()?,
            second_stamp: second.as_ref().map(|(model, _)| model.stamp.clone()),
            brief,
            since,
            only_since: args.since,
            device: model.device.clone(),
            options,
        },
        reporter,
    )?;
    reporter.clear();
    summarize(&record, &args.out, memory.is_some(), reporter);
    Ok(exit_of(&record))
}

/// The spellings of `--names`.
fn names(args: &RunArgs, reporter: &Reporter) -> Result<Choices> {
    let Some(path) = &args.names else { return Ok(Choices::default()) };
    let hint =
        "hint: --names wants a names.csv of an earlier run, or a table with columns `arabic` and `english`";
    let bytes = std::fs::read(path).map_err(|e| anyhow!("{}: {e}\n{hint}", path.display()))?;
    let choices = Choices::read(&bytes).map_err(|e| anyhow!("{}: {e}\n{hint}", path.display()))?;
    reporter.info(&format!("spellings of {} names", choices.len()));
    Ok(choices)
}

fn brief_by<'a>(model: &'a Ready, name: &str) -> Result<BriefMaker<'a>> {
    let generator = model.loaded.generator().with_context(|| {
        format!("{name} cannot write briefs: it follows no instructions\nhint: `--brief extractive` needs no model")
    })?;
    Ok(BriefMaker::Model { stamp: model.stamp.clone(), generator })
}

fn options_in_force(
    args: &RunArgs,
    decode: &crate::inference::DecodeOptions,
    memory: Option<&Path>,
) -> BTreeMap<String, String> {
    let list =
        |paths: &[PathBuf]| paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
    let formats: Vec<_> = args.formats.iter().map(|f| f.name()).collect();
    let mut options = BTreeMap::from([
        ("inputs".to_string(), list(&args.paths)),
        ("model".to_string(), args.model.model.clone()),
        ("device".to_string(), args.model.device.to_string()),
        ("threads".to_string(), threads(&args.model).to_string()),
        ("precision".to_string(), args.model.precision.to_string()),
        ("brief".to_string(), args.brief.clone()),
        ("formats".to_string(), formats.join(",")),
        ("memory".to_string(), memory.map_or("none".into(), |p| p.display().to_string())),
        ("decoding".to_string(), decode.fingerprint()),
        ("fresh".to_string(), args.fresh.to_string()),
        ("repair".to_string(), (!args.trust.no_repair).to_string()),
    ]);
    options.extend(
        args.trust.glossary.as_ref().map(|path| ("glossary".to_string(), path.display().to_string())),
    );
    options.extend(args.names.as_ref().map(|path| ("names".to_string(), path.display().to_string())));
    options.extend(args.trust.second.clone().map(|name| ("second".to_string(), name)));
    options.extend(args.encoding.clone().map(|e| ("encoding".to_string(), e)));
    options.extend((!args.fields.is_empty()).then(|| ("fields".to_string(), args.fields.join(","))));
    options.extend(args.since.clone().map(|when| ("since".to_string(), when)));
    options.extend(args.limit.map(|n| ("limit".to_string(), n.to_string())));
    options
}

/// What a tired person needs to know, in a few lines.
fn summarize(record: &RunRecord, out: &Path, keeps: bool, reporter: &Reporter) {
    let done = record.documents.iter().filter(|d| d.outcome == Outcome::Done).count();
    let failed = record.failed().count();
    let left = record.documents.iter().filter(|d| d.outcome == Outcome::NotReached).count();
    let empty = record.documents.len() - done - failed - left;
    let plural = |n: usize, one: &str, many: &str| format!("{n} {}", if n == 1 { one } else { many });
    let mut first = format!("{} done", plural(done, "document", "documents"));
    for (n, what) in [(failed, "failed"), (empty, "with nothing to translate"), (left, "not reached")] {
        if n > 0 {
            first.push_str(&format!(", {n} {what}"));
        }
    }
    let memory = match record.from_memory {
        0 => String::new(),
        n => format!(" ({n} from memory)"),
    };
    reporter.info("");
    reporter.info(&format!(
        "{first} in {}",
        humantime::format_duration(std::time::Duration::from_secs(record.seconds.ceil() as u64))
    ));
    reporter.info(&format!(
        "{}: {}{memory}",
        plural(record.ledger.units, "sentence", "sentences"),
        counts(&record.ledger)
    ));
    let came = record.documents.iter().filter(|d| d.is_new(Some(&record.arrivals)));
    match came.partition::<Vec<_>, _>(|d| d.changed) {
        _ if record.new_from.is_none() => {}
        (changed, new) if changed.is_empty() && new.is_empty() => {
            reporter.info("nothing new or changed in this run");
        }
        (changed, new) => reporter.info(&format!("{} new, {} changed", new.len(), changed.len())),
    }
    let mut suspects: Vec<_> = record.documents.iter().filter(|d| trouble(d) > 0).collect();
    suspects.sort_by_key(|d| std::cmp::Reverse(trouble(d)));
    if let Some(first) = suspects.first() {
        let rest = match suspects.len() - 1 {
            0 => String::new(),
            n => format!(" and {}", plural(n, "other", "others")),
        };
        reporter.info(&format!(
            "look first at {} ({} flagged or skipped){rest}; review.csv takes corrections",
            reporter.name(&first.id),
            trouble(first)
        ));
    }
    if record.interrupted {
        reporter.info(match keeps {
            true => "stopped before the end: run the same command again to go on where it stopped",
            false => "stopped before the end: without a memory the same command begins anew",
        });
    }
    reporter.info(&format!("open {}", reporter.name(out.join("index.html").display())));
}

/// Units that a person should look at.
fn trouble(document: &crate::run::DocumentRecord) -> usize {
    document.ledger.flagged + document.ledger.skipped
}

fn exit_of(record: &RunRecord) -> Exit {
    if record.interrupted {
        Exit::Interrupted
    } else if record.ledger.flagged + record.ledger.skipped > 0 || record.failed().next().is_some() {
        Exit::LookAt
    } else {
        Exit::Done
    }
}
