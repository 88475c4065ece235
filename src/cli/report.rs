//! Everything a person (or a log collector) sees on standard error while a command works.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use crate::fetch::{FetchEvent, FetchWatch};
use crate::lang;
use crate::pipeline::{Event, Observer};
use crate::run::{self, DocumentRecord, Outcome};
use crate::unit::{Ledger, State};

use super::args::{Global, LogFormat};
use super::redact;

/// Set by the first Ctrl-C; the second one ends the program.
static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Listens to runs and fetches and tells of them.
pub struct Reporter {
    quiet: bool,
    json: bool,
    /// Whether messages may neither name files nor quote documents.
    redacts: bool,
    bars: MultiProgress,
    download: Mutex<Option<ProgressBar>>,
    run: Mutex<Option<RunBar>>,
    /// Counted apart from the bar: tokens arrive at every step, from several threads.
    target_tokens: AtomicUsize,
}

/// The bar of a run: its length is the source tokens expected, so that its rate and ETA are those of the model.
struct RunBar {
    bar: ProgressBar,
    started: Instant,
    bytes: u64,
    bytes_read: u64,
    documents: usize,
    documents_done: usize,
    tokens_read: usize,
    tokens_done: usize,
    segments: usize,
    segments_done: usize,
}

impl Reporter {
    /// A reporter as the options want it; bars only on a terminal.
    pub fn new(global: &Global) -> Self {
        let json = global.log_format == LogFormat::Json;
        let draws = std::io::stderr().is_terminal() && !global.quiet && !global.no_progress && !json;
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Reporter {
            quiet: global.quiet,
            json,
            redacts: global.redact_logs,
            bars: MultiProgress::with_draw_target(target),
            download: Mutex::new(None),
            run: Mutex::new(None),
            target_tokens: AtomicUsize::new(0),
        }
    }

    /// From now on the first Ctrl-C (or termination) stops gently, the second at once. `keeps` says whether there is a
    /// memory that has what is translated.
    pub fn stop_on_signal(&self, keeps: bool) -> Result<(), ctrlc::Error> {
        let message = match keeps {
            true => "stopping; what is translated is kept. Press Ctrl-C again to stop at once",
            false => "stopping. Press Ctrl-C again to stop at once",
        };
        let line = match self.json {
            true => json!({ "level": "info", "message": message }).to_string(),
            false => format!("\n{message}"),
        };
        ctrlc::set_handler(move || {
            if CANCELLED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            let _ = writeln!(std::io::stderr(), "{line}");
        })
    }

    /// Whether the user has asked to stop.
    pub fn is_cancelled(&self) -> bool {
        CANCELLED.load(Ordering::SeqCst)
    }

    fn line(&self, level: &str, message: &str, more: serde_json::Value) {
        if self.json {
            let mut object = json!({ "level": level, "message": message });
            if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
                object.extend(more);
            }
            let _ = writeln!(std::io::stderr(), "{object}");
        } else {
            let text = match level {
                "info" => message.to_string(),
                _ => format!("{level}: {message}"),
            };
            // Names of files and what stands in them may hold anything, commands to the terminal too.
            let text = text.split('\n').map(lang::shown).collect::<Vec<_>>().join("\n");
            self.bars.suspend(|| {
                let _ = writeln!(std::io::stderr(), "{text}");
            });
        }
    }

    /// Something worth knowing that stops nothing. Shown even with `--quiet`.
    pub fn warn(&self, message: &str) {
        self.line("warning", message, serde_json::Value::Null);
    }

    /// An error that ends the command, or takes one input out of it.
    pub fn error(&self, error: &anyhow::Error) {
        let (mut message, hint) = if self.redacts { redact::error(error) } else { told(error) };
        if !self.json && !hint.is_empty() {
            message.push_str(&format!("\n\nhint: {hint}"));
        }
        self.line("error", &message, json!({ "hint": hint }));
    }

    /// One line of progress; `--quiet` drops it.
    pub fn info(&self, message: &str) {
        if !(self.quiet || self.json && message.is_empty()) {
            self.line("info", message, serde_json::Value::Null);
        }
    }

    /// Takes the bars away, so that what follows stands on a clean line.
    pub fn clear(&self) {
        if let Some(run) = lock(&self.run).take() {
            run.bar.finish_and_clear();
        }
        if let Some(bar) = lock(&self.download).take() {
            bar.finish_and_clear();
        }
    }

    /// The name of a file or document as it may be told.
    pub fn name(&self, name: impl std::fmt::Display) -> String {
        let name = name.to_string();
        if self.redacts { run::token(&name) } else { name }
    }

    /// A warning with words that may name files or quote them.
    pub fn warn_of(&self, message: &str) {
        match self.redacts {
            true => {
                self.warn("a warning that may name files; the same command without --redact-logs tells it")
            }
            false => self.warn(message),
        }
    }

    fn document(&self, record: &DocumentRecord) {
        let outcome = if self.redacts { redact::outcome(record) } else { record.outcome.clone() };
        let id = self.name(&record.id);
        let mut more = json!({ "document": id, "ledger": record.ledger, "outcome": outcome });
        match &outcome {
            Outcome::Done => {
                if !self.quiet {
                    self.line("info", &format!("{id}: {}", counts(&record.ledger)), more);
                }
            }
            Outcome::NothingToTranslate { reason } => {
                if !self.quiet {
                    self.line("info", &format!("{id}: nothing to translate ({reason})"), more);
                }
            }
            Outcome::Failed { error, hint } => {
                // Errors of the reader begin with the id already.
                let error = error.strip_prefix(&format!("{id}: ")).unwrap_or(error);
                more["hint"] = hint.as_str().into();
                let advice = match hint.is_empty() || self.json {
                    true => String::new(),
                    false => format!("\n  hint: {hint}"),
                };
                self.line("error", &format!("{id}: {error}{advice}"), more);
            }
            Outcome::NotReached => {}
        }
    }
}

/// The causes of an error on one line, each told once, and what to do about it (or an empty string).
pub fn told(error: &anyhow::Error) -> (String, String) {
    let (mut message, mut hint) = (String::new(), String::new());
    for cause in error.chain() {
        let cause = cause.to_string();
        let (text, advice) = cause.split_once("\nhint: ").unwrap_or((&cause, ""));
        // Some errors name their cause in their own line.
        if !message.contains(text) {
            let colon = if message.is_empty() { "" } else { ": " };
            message.push_str(&format!("{colon}{text}"));
        }
        if hint.is_empty() {
            hint = advice.into();
        }
    }
    (message, hint)
}

/// Counts of a ledger in words, without the zeros.
pub fn counts(ledger: &Ledger) -> String {
    let parts: Vec<String> = State::ALL
        .iter()
        .map(|&state| (ledger.count(state), state.name()))
        .filter(|&(n, _)| n > 0)
        .map(|(n, name)| format!("{n} {name}"))
        .collect();
    if parts.is_empty() { "no sentences".into() } else { parts.join(", ") }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A poisoned lock here guards a progress bar: nothing worth stopping for.
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl RunBar {
    /// Expects as many tokens a byte in what is still unread as in what was read.
    fn update(&self, target_tokens: usize) {
        let expected = match self.bytes_read {
            0 => 0.0,
            read => self.tokens_read as f64 * (self.bytes.max(read) as f64 / read as f64),
        };
        self.bar.set_length((expected as u64).max(self.tokens_done as u64).max(1));
        self.bar.set_position(self.tokens_done as u64);
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let left = match self.tokens_done {
            0 => String::new(),
            done => {
                let rest = (expected - done as f64).max(0.0) * seconds / done as f64;
                format!(" · {} left", humantime::format_duration(Duration::from_secs(rest as u64)))
            }
        };
        self.bar.set_message(format!(
            "{}/{} documents · {}/{} sentences · {:.0} tokens/s{left}",
            self.documents_done,
            self.documents,
            self.segments_done,
            self.segments,
            target_tokens as f64 / seconds,
        ));
    }
}

impl Observer for Reporter {
    fn event(&self, event: Event<'_>) {
        match &event {
            Event::TargetTokens(n) => {
                self.target_tokens.fetch_add(*n, Ordering::Relaxed);
            }
            Event::Warning(message) => self.warn_of(message),
            Event::GoesOn => self.info("--fresh goes on with the same run, which was stopped before its end"),
            Event::Corrections(taken) => self.info(&format!("review.csv: {}", taken.in_words())),
            Event::Document(record) => self.document(record),
            Event::Discovered { ignored, parted, .. } => {
                if let Some((first, reason)) = ignored.first() {
                    let others = match ignored.len() - 1 {
                        0 => String::new(),
                        1 => ", and one other file".into(),
                        n => format!(", and {n} other files"),
                    };
                    self.info(&format!("left aside: {} ({reason}){others}", self.name(first)));
                }
                for (id, parts) in *parted {
                    self.info(&format!("{}: long; taken in {parts} parts", self.name(id)));
                }
            }
            _ => {}
        }
        let mut slot = lock(&self.run);
        match event {
            Event::Discovered { documents, bytes, .. } => {
                let style = ProgressStyle::with_template("{bar:24} {percent:>3}% {msg}");
                let bar = self.bars.add(ProgressBar::new(1));
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                *slot = Some(RunBar {
                    bar,
                    started: Instant::now(),
                    bytes,
                    bytes_read: 0,
                    documents,
                    documents_done: 0,
                    tokens_read: 0,
                    tokens_done: 0,
                    segments: 0,
                    segments_done: 0,
                });
            }
            event => {
                let Some(run) = slot.as_mut() else { return };
                match event {
                    Event::Read { bytes, segments, source_tokens, .. } => {
                        run.bytes_read += bytes;
                        run.segments += segments;
                        run.tokens_read += source_tokens;
                    }
                    Event::Translated { segments, source_tokens, .. } => {
                        run.segments_done += segments;
                        run.tokens_done += source_tokens;
                    }
                    Event::Document(record) if record.outcome != Outcome::NotReached => {
                        run.documents_done += 1
                    }
                    _ => {}
                }
                run.update(self.target_tokens.load(Ordering::Relaxed));
            }
        }
    }

    fn cancelled(&self) -> &AtomicBool {
        &CANCELLED
    }
}

impl FetchWatch for Reporter {
    fn event(&self, event: FetchEvent<'_>) {
        let mut slot = lock(&self.download);
        match event {
            FetchEvent::Download { file, done, total } => {
                if let Some(old) = slot.take() {
                    old.finish_and_clear();
                }
                let template = match total {
                    Some(_) => "{msg} {bar:24} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
                    None => "{msg} {spinner} {bytes}",
                };
                let bar = match total {
                    Some(total) => ProgressBar::new(total),
                    None => ProgressBar::new_spinner(),
                };
                let bar = self.bars.add(bar);
                bar.set_style(
                    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
                );
                bar.set_message(file.to_string());
                bar.set_position(done);
                if total.is_none() {
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
                *slot = Some(bar);
                let size = total.map(|t| format!(" ({})", HumanBytes(t))).unwrap_or_default();
                drop(slot);
                self.info(&format!("downloading {file}{size}"));
            }
            FetchEvent::Bytes(n) => {
                if let Some(bar) = slot.as_ref() {
                    bar.inc(n);
                }
            }
            FetchEvent::Downloaded { .. } => {
                if let Some(bar) = slot.take() {
                    bar.finish_and_clear();
                }
            }
            FetchEvent::Verify { file } => {
                drop(slot);
                self.info(&format!("verifying {file}"));
            }
            FetchEvent::Note(text) => {
                drop(slot);
                self.info(text);
            }
        }
    }

    fn cancelled(&self) -> bool {
        self.is_cancelled()
    }
}
