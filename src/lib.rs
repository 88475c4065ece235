//! Tarjuman translates folders of Arabic reports into English on the user's own machine, writes a brief of each,
//! and gives back bilingual files.
//!
//! Stages take and return plain data and never import each other; `pipeline` alone knows their order. See
//! docs/architecture.md.

pub mod batch;
pub mod brief;
pub mod cli;
pub mod discover;
pub mod document;
pub mod engine;
pub mod fetch;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod glossary;
pub mod inference;
pub mod lang;
pub mod mail;
pub mod memory;
pub mod model;
pub mod names;
pub mod numbers;
pub mod pipeline;
pub mod read;
pub mod registry;
pub mod run;
pub mod segment;
pub mod sheet;
pub mod similar;
pub mod summarize;
pub mod tmx;
pub mod unit;
pub mod verify;
pub mod write;
pub mod xml;
