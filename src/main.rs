//! `tarjuman`: parse, run, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    tarjuman::cli::main().into()
}
