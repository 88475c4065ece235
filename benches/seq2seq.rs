//! Speed of an encoder-decoder on the CPU: `TARJUMAN_MODEL=FOLDER TARJUMAN_LINES=FILE cargo bench --bench seq2seq`. The
//! folder is laid out as the Hub serves it, the lines are source sentences. Every target gets exactly 40 tokens, so that
//! programs and settings that would write different texts do the same work.
//!
//! Rounds go through all settings in turn, and the median of each counts: what disturbs a shared machine then
//! disturbs all alike.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::PathBuf;
use std::time::Instant;

use tarjuman::engine::seq2seq::Seq2Seq;
use tarjuman::engine::{Device, LoadOptions, Precision};
use tarjuman::inference::{DecodeOptions, Translator, Unwatched};
use tarjuman::registry::{Overlays, Registry};
use tarjuman::{fetch, model::InstalledModel};

const ROUNDS: usize = 3;
const SENTENCES: usize = 64;
const TOKENS: usize = 40;

fn main() {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(folder), Some(lines)) = (path("TARJUMAN_MODEL"), path("TARJUMAN_LINES")) else {
        println!("nothing measured: set TARJUMAN_MODEL and TARJUMAN_LINES");
        return;
    };
    let model = open(&folder);
    let text = std::fs::read_to_string(lines).unwrap();
    let sources: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).cycle().take(SENTENCES).collect();
    let settings: Vec<(usize, usize, usize)> =
        vec![(1, 1, 1), (1, 16, 1), (1, 64, 1), (2, 64, 1), (1, 64, 4), (2, 64, 4)];
    let loaded: Vec<Seq2Seq> = [1, 2]
        .map(|threads| {
            let started = Instant::now();
            let options = LoadOptions { device: Device::Cpu, threads, precision: Precision::Auto };
            let loaded = Seq2Seq::load(&model, &options).unwrap();
            println!("loaded with {threads} threads in {:.2} s", started.elapsed().as_secs_f64());
            loaded
        })
        .into();
    let mut rates = vec![Vec::new(); settings.len()];
    for _ in 0..ROUNDS {
        for ((threads, rows, beam), rates) in settings.iter().zip(&mut rates) {
            let decode = DecodeOptions {
                beam: *beam,
                batch: *rows,
                min_tokens: TOKENS,
                max_tokens: TOKENS,
                ..model.spec.decode.clone()
            };
            let sources = if *rows == 1 { &sources[..8] } else { &sources[..] };
            let started = Instant::now();
            if *rows == 1 {
                for source in sources {
                    loaded[threads - 1].translate(&[source], &decode, &Unwatched::default()).unwrap();
                }
            } else {
                loaded[threads - 1].translate(sources, &decode, &Unwatched::default()).unwrap();
            }
            rates.push((sources.len() * TOKENS) as f64 / started.elapsed().as_secs_f64());
        }
    }
    for ((threads, rows, beam), mut rates) in settings.into_iter().zip(rates) {
        rates.sort_by(f64::total_cmp);
        let (least, median, most) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
        println!(
            "{threads} threads, {rows} rows, beam {beam}: {median:.0} target tokens/s ({least:.0}, {most:.0})"
        );
    }
}

/// The model in a folder, as `--model FOLDER` finds it.
fn open(folder: &std::path::Path) -> InstalledModel {
    let registry = Registry::load(&Overlays::default()).unwrap();
    let model = registry.get(folder.to_str().unwrap()).unwrap();
    fetch::Store::new(fetch::StoreOptions::of_user(true).unwrap()).open(&model).unwrap()
}
