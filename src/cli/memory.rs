//! `tarjuman memory`: what a translation memory holds, and corrections into and out of it, and what can go.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use indicatif::HumanBytes;

use crate::memory::{Memory, ModelTag, Prune};
use crate::pipeline::Corrections;
use crate::sheet;
use crate::tmx::{self, Unit};

use super::args::{Global, MemoryCommand};
use super::choose::Shelf;
use super::exit::Exit;
use super::print_data;
use super::report::Reporter;

pub fn memory(global: &Global, command: MemoryCommand, reporter: &Reporter) -> Result<Exit> {
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
        MemoryCommand::Prune { memory, unused_since, keep_model, dry_run } => {
            let keep = match keep_model.is_empty() {
                true => Vec::new(),
                false => {
                    let shelf = Shelf::open_offline(global, reporter)?;
                    let tag = |name: &String| Ok(ModelTag::of(&shelf.get(name, reporter)?.digest));
                    keep_model.iter().map(tag).collect::<Result<_>>()?
                }
            };
            let prune = Prune { keep, unused_since };
            let size = || std::fs::metadata(&memory).map(|m| m.len()).unwrap_or_default();
            let before = size();
            let mut open = open(&memory)?;
            let all = open.stats()?.answers;
            if dry_run {
                let n = open.prunable(&prune)?;
                reporter.info(&format!("{n} of {all} answers would be removed; nothing was"));
            } else {
                let n = open.prune(&prune)?;
                drop(open);
                let freed = HumanBytes(before.saturating_sub(size()));
                reporter.info(&format!("{n} of {all} answers removed, {freed} freed"));
            }
        }
        MemoryCommand::Export { memory, file } => {
            if let Some(file) = file.as_ref().filter(|file| is_part_of(&memory, file)) {
                bail!(
                    "{}: that is the translation memory itself\nhint: name another file for its corrections",
                    file.display()
                );
            }
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
                    save(&file, &bytes).with_context(|| {
                        format!(
                            "cannot write {}\nhint: choose a file that you may write, where there is room",
                            file.display()
                        )
                    })?;
                    let plural = if all.len() == 1 { " is" } else { "s are" };
                    reporter.info(&format!(
                        "{} correction{plural} in {}",
                        all.len(),
                        reporter.name(file.display())
                    ));
                }
                None => print_data(&bytes)?,
            }
        }
    }
    Ok(Exit::Done)
}

/// Whether `file` is the memory, or one of those that SQLite keeps beside it.
fn is_part_of(memory: &Path, file: &Path) -> bool {
    // One that is not there yet is known by its folder.
    let place = |path: &Path| -> Option<PathBuf> {
        let of_folder = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
        };
        path.canonicalize().ok().or_else(of_folder)
    };
    let (Some(memory), Some(file)) = (place(memory), place(file)) else { return false };
    ["", "-wal", "-shm", "-journal"].iter().any(|end| {
        let mut part = memory.as_os_str().to_owned();
        part.push(end);
        file.as_os_str() == part
    })
}

/// Puts an export in its place whole or not at all, so that a full disk leaves an earlier one as it was.
fn save(file: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe is written into.
    if file.exists() && !file.is_file() {
        return std::fs::write(file, bytes);
    }
    // Of a link what it leads to is replaced.
    let target = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".export-");
    #[cfg(unix)]
    {
        // As an earlier one, or any new file of the user.
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&target).map_or(0o666, |earlier| earlier.permissions().mode() & 0o777);
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut temporary = builder.tempfile_in(folder)?;
    // Past the wrapper, whose errors name the temporary file.
    temporary.as_file_mut().write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&target).map(drop).map_err(|error| error.error)
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
