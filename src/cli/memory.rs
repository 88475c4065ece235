//! `tarjuman memory`: what a translation memory holds, and corrections into and out of it.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::HumanBytes;

use crate::memory::Memory;
use crate::pipeline::Corrections;
use crate::sheet;
use crate::tmx::{self, Unit};

use super::args::MemoryCommand;
use super::exit::Exit;
use super::print_data;
use super::report::Reporter;

pub fn memory(command: MemoryCommand, reporter: &Reporter) -> Result<Exit> {
    match command {
        MemoryCommand::Stats { memory } => {
            let stats = open(&memory)?.stats()?;
            let bytes = std::fs::metadata(&memory).map(|m| m.len()).unwrap_or_default();
            let lines = format!(
                "answers      {}\ncorrections  {}\nsize         {}\n",
                stats.answers,
                stats.corrections,
                HumanBytes(bytes)
            );
            print_data(lines.as_bytes())?;
        }
        MemoryCommand::Import { memory, file } => {
            let bytes = std::fs::read(&file).with_context(|| {
                format!(
                    "cannot read {}\nhint: name a filled-in review.csv, a table or a TMX file",
                    file.display()
                )
            })?;
            let corrections = Corrections::read(&bytes).map_err(|e| anyhow!("{}: {e}", file.display()))?;
            // Made where there is none: corrections may come before the first run.
            let taken = corrections.take_in(&mut Memory::open(&memory)?)?;
            reporter.info(&format!("{}; they stand in the next run with this memory", taken.in_words()));
        }
        MemoryCommand::Export { memory, file } => {
            let all = open(&memory)?.all_corrections()?;
            let is_tmx =
                file.as_ref().and_then(|f| f.extension()).is_some_and(|e| e.eq_ignore_ascii_case("tmx"));
            let bytes = if is_tmx {
                tmx::write(&[], all.iter().map(|c| Unit::of(&c.source, &c.target)))
            } else {
                let rows = all.iter().map(|c| [c.source.as_str(), c.target.as_str()].into_iter());
                sheet::write(&["arabic", "correction"], rows)?
            };
            match file {
                Some(file) => {
                    std::fs::write(&file, bytes).with_context(|| {
                        format!(
                            "cannot write {}\nhint: choose a file that you may write, where there is room",
                            file.display()
                        )
                    })?;
                    let plural = if all.len() == 1 { " is" } else { "s are" };
                    reporter.info(&format!("{} correction{plural} in {}", all.len(), file.display()));
                }
                None => print_data(&bytes)?,
            }
        }
    }
    Ok(Exit::Done)
}

/// An existing memory: a wrong name must not make an empty one.
fn open(path: &Path) -> Result<Memory> {
    if !path.is_file() {
        bail!(
            "{}: no such file\nhint: a run keeps its memory in memory.sqlite of its output folder",
            path.display()
        );
    }
    Ok(Memory::open(path)?)
}
