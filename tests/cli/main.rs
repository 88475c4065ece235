//! The program as its users meet it: through the binary, with `--model echo`, in milliseconds and without a network.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod awkward;
mod containers;
mod faults;
mod glossary;
mod help;
mod hub;
mod markdown;
mod messages;
mod models;
mod names;
mod outcomes;
mod packages;
mod pages;
mod pdf;
mod place;
mod privacy;
mod prune;
mod redact;
mod repair;
mod resume;
mod review;
mod run;
mod segment;
mod since;
mod subtitles;
mod tables;
mod translate;
mod usage;

/// Plays the Hub on this machine.
#[path = "../../src/fetch/tests/server.rs"]
#[allow(dead_code, reason = "the library's own tests need more of it")]
mod server;
