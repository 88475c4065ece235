//! A model as a library: loads an installed model and translates the lines of standard input, each with its checks.
//!
//! `echo` needs no weights; any other name of `tarjuman models list` works once `tarjuman models pull NAME` has
//! fetched it. Lines go to the model as they are normalised, one sentence a line; segmenting, the memory and pieces
//! of over-long sentences are the pipeline's (see `brief_report`).
//!
//!     cargo run --example translate_lines -- --model echo < examples/reports/notes.txt
#![allow(clippy::print_stdout, reason = "printing is what an example is for")]

use std::io::BufRead as _;

use anyhow::{Context as _, Result, bail};
use tarjuman::engine::{Device, LoadOptions, Loaded, Precision};
use tarjuman::fetch::{Store, StoreOptions};
use tarjuman::inference::Unwatched;
use tarjuman::registry::Registry;
use tarjuman::{segment, verify};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = match &arguments[..] {
        [flag, name] if flag == "--model" => name,
        _ => bail!("usage: translate_lines --model NAME < LINES"),
    };

    // The registry knows the models, the store has their files. `true` is `--offline`: nothing is fetched here.
    let store = Store::new(StoreOptions::of_user(true)?);
    let installed = store.open(&Registry::built_in()?.get(name)?)?;
    let loaded = Loaded::load(
        &installed,
        &LoadOptions { device: Device::Cpu, threads: 2, precision: Precision::Auto },
    )?;
    let translator = loaded.translator().context("this model does not translate")?;

    let lines = std::io::stdin().lock().lines().collect::<Result<Vec<String>, _>>()?;
    let sources: Vec<String> =
        lines.iter().map(|l| segment::normalize(l)).filter(|l| !l.is_empty()).collect();
    let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
    // One call: batches are formed inside, and each answer is what the source alone would have got.
    let answers = translator.translate(&sources, &installed.spec.decode, &Unwatched::default())?;
    for (source, hypotheses) in sources.iter().zip(answers) {
        let best = hypotheses.first().context("no hypothesis")?;
        println!("{}", best.text);
        for finding in verify::check(source, &best.text, Some(best)) {
            println!("    {}: {}", finding.check.name(), finding.detail);
        }
    }
    Ok(())
}
