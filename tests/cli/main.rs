//! The program as its users meet it: through the binary, with `--model echo`, in milliseconds and without a network.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod awkward;
mod help;
mod messages;
mod models;
mod outcomes;
mod place;
mod resume;
mod run;
mod segment;
mod translate;
mod usage;
