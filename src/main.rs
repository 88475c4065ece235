//! `tarjuman`: parse, run, exit. The only place where an error is printed.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tarjuman::cli::main() {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Causes on one line; a hint, wherever it came from, after an empty line.
            let text = format!("{error:#}");
            let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
            eprintln!("error: {message}");
            if !hint.is_empty() {
                eprintln!("\nhint: {hint}");
            }
            tarjuman::cli::Exit::Wrong.into()
        }
    }
}
