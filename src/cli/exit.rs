//! What the exit code says.

use std::process::ExitCode;

/// The outcomes a script can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, nothing to look at.
    Done,
    /// Done, but documents failed or segments are flagged.
    LookAt,
    /// Wrong usage, configuration or model; something that cannot be read or written, after Ctrl-C too.
    Wrong,
    /// Stopped by the user; what was done is kept, and nothing else was wrong.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::LookAt => 1,
            Exit::Wrong => 2,
            Exit::Interrupted => 130,
        })
    }
}
