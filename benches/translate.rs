//! The engine alone over a file of lines: `cargo bench --bench translate -- --model FOLDER --lines FILE`. Prints one JSON
//! object with the seconds it took, and writes the targets to `--out FILE` where they are to be compared.
//!
//! Further options: `--threads N`, `--batch N`, `--beam N`, `--tokens N` (every target gets exactly so many, so that
//! models with random weights do the same work everywhere), `--precision NAME`, `--alone` (one line after the other),
//! `--rounds N` (the median counts). `benches/peers/compare.py` runs it beside other programs.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::time::Instant;

use tarjuman::engine::{Device, LoadOptions, Loaded, Precision};
use tarjuman::fetch;
use tarjuman::inference::{DecodeOptions, Unwatched};
use tarjuman::registry::{Overlays, Registry};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str| option(name).map(|n| n.parse::<usize>().unwrap());
    let (Some(model), Some(lines)) = (option("--model"), option("--lines")) else {
        println!("nothing measured: name a --model and --lines");
        return;
    };
    let threads = number("--threads").unwrap_or(1);
    let precision = match option("--precision").as_deref() {
        Some("f32") => Precision::F32,
        _ => Precision::Auto,
    };
    let registry = Registry::load(&Overlays::default()).unwrap();
    let resolved = registry.get(&model).unwrap();
    let installed = fetch::Store::new(fetch::StoreOptions::of_user(true).unwrap()).open(&resolved).unwrap();
    let started = Instant::now();
    let options = LoadOptions { device: Device::Cpu, threads, precision };
    let loaded = Loaded::load(&installed, &options).unwrap();
    let load = started.elapsed().as_secs_f64();
    let translator = loaded.translator().unwrap();

    let own = &installed.spec.decode;
    let tokens = number("--tokens");
    let decode = DecodeOptions {
        beam: number("--beam").unwrap_or(own.beam),
        batch: number("--batch").unwrap_or(own.batch),
        min_tokens: tokens.unwrap_or(own.min_tokens),
        max_tokens: tokens.unwrap_or(own.max_tokens),
        ..own.clone()
    };
    let text = std::fs::read_to_string(lines).unwrap();
    let sources: Vec<&str> = text.lines().collect();
    let is_alone = arguments.iter().any(|a| a == "--alone");
    let mut seconds = Vec::new();
    let mut targets = Vec::new();
    for _ in 0..number("--rounds").unwrap_or(1) {
        let started = Instant::now();
        targets = match is_alone {
            true => sources
                .iter()
                .flat_map(|source| translator.translate(&[source], &decode, &Unwatched::default()).unwrap())
                .collect(),
            false => translator.translate(&sources, &decode, &Unwatched::default()).unwrap(),
        };
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let seconds = seconds[seconds.len() / 2];
    let best: Vec<&str> = targets.iter().map(|t| t.first().map_or("", |h| h.text.as_str())).collect();
    let written: usize = targets.iter().filter_map(|t| Some(t.first()?.tokens)).sum();
    if let Some(out) = option("--out") {
        std::fs::write(out, best.join("\n") + "\n").unwrap();
    }
    println!(
        "{}",
        serde_json::json!({
            "peer": "tarjuman",
            "threads": threads,
            "lines": sources.len(),
            "seconds": seconds,
            "sentences_per_s": sources.len() as f64 / seconds,
            "tokens_per_s": written as f64 / seconds,
            "load_s": load,
            "rss_mb": peak_mib(),
        })
    );
}

/// Most memory this process ever had, in MiB; 0 where the system does not say.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
