//! The command line: arguments, commands, progress and exit codes. Nothing here knows how to translate.

mod args;
mod choose;
mod doctor;
mod exit;
mod memory;
mod models;
mod redact;
mod report;
mod run;
mod segment;
mod translate;

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser as _};

use crate::fetch::FetchError;
use crate::inference::InferenceError;
use crate::pipeline::AnswerError;

use args::{Cli, Command};
pub use exit::Exit;
use report::Reporter;

/// Parses the arguments, runs the command, and says how it went; the only place where an error is printed.
pub fn main() -> Exit {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(exit) => return exit,
    };
    let reporter = Reporter::new(&cli.global);
    let result = run_command(cli, &reporter);
    reporter.clear();
    match result {
        Ok(exit) => exit,
        Err(error) if reporter.is_cancelled() && is_interruption(&error) => Exit::Interrupted,
        Err(error) => {
            reporter.error(&error);
            Exit::Wrong
        }
    }
}

/// Whether an error says no more than that the user wanted to stop. All others are told after Ctrl-C too, and have their own
/// exit code: what could not be kept is no matter of course.
fn is_interruption(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(AnswerError::Interrupted))
            || matches!(cause.downcast_ref(), Some(InferenceError::Interrupted))
            || matches!(cause.downcast_ref(), Some(FetchError::Cancelled))
    })
}

/// The arguments; clap itself says what is wrong with them, unless that may not be repeated.
fn parse() -> Result<Cli, Exit> {
    let redacts = std::env::args_os().any(|arg| arg == "--redact-logs");
    if !redacts {
        return Ok(Cli::parse());
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(std::io::stderr(), "error: a fault of tarjuman at {place}; please report it");
    }));
    Cli::try_parse().map_err(|error| {
        if !error.use_stderr() {
            error.exit();
        }
        let hint = "run the same command without --redact-logs to read what is wrong with it";
        let _ = writeln!(std::io::stderr(), "error: the command line: {}\n\nhint: {hint}", error.kind());
        Exit::Wrong
    })
}

fn run_command(cli: Cli, reporter: &Reporter) -> Result<Exit> {
    let memory = match &cli.command {
        Command::Run(args) => args.memory(),
        Command::Translate(args) => args.memory(),
        _ => None,
    };
    // It needs a thread, the first that a machine without room refuses.
    reporter
        .stop_on_signal(memory.is_some())
        .context("cannot start: the system gives no thread\nhint: look at the limits on memory and processes (ulimit -a)")?;
    match cli.command {
        Command::Run(args) => run::run(&cli.global, *args, reporter),
        Command::Translate(args) => translate::translate(&cli.global, &args, reporter),
        Command::Segment(args) => segment::segment(&args, reporter),
        Command::Models(command) => models::models(&cli.global, command, reporter),
        Command::Memory(command) => memory::memory(&cli.global, command, reporter),
        Command::Doctor(args) => doctor::doctor(&cli.global, &args, reporter),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "tarjuman", &mut script);
            print_data(&script)?;
            Ok(Exit::Done)
        }
    }
}

/// Writes data to standard output. A reader that has gone away (`| head`) ends the program quietly.
fn print_data(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => other.context(
            "cannot write to standard output\nhint: what stands there is cut short: make room and run the same command again",
        ),
    }
}
