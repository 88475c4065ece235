//! How often the check of coverage is right: `cargo bench --bench coverage -- --model NAME --sources FILE --targets FILE`, with a
//! model that tells what its tokens stand for (family `bergamot`) and lines that are translations of each other.
//!
//! The model is made to write each target, as it is and with something left out. Prints in per cent on how many the check
//! fires, beside the check of length. The model's two languages must share a vocabulary.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use tarjuman::engine::candidates::Constraint;
use tarjuman::engine::search::Decoder;
use tarjuman::engine::seq2seq::Seq2Seq;
use tarjuman::engine::{Device, LoadOptions, Precision};
use tarjuman::fetch;
use tarjuman::inference::Hypothesis;
use tarjuman::registry::{Overlays, Registry};
use tarjuman::unit::Check;
use tarjuman::verify;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|a| a == name)?;
        arguments.get(at + 1).cloned()
    };
    let (Some(model), Some(sources), Some(targets)) =
        (option("--model"), option("--sources"), option("--targets"))
    else {
        println!("nothing measured: name a --model, --sources and --targets");
        return;
    };
    let registry =
        Registry::load(&Overlays { file: option("--registry").map(Into::into), ..Overlays::default() });
    let store = fetch::Store::new(fetch::StoreOptions::of_user(true).unwrap());
    let installed = store.open(&registry.unwrap().get(&model).unwrap()).unwrap();
    let options = LoadOptions { device: Device::Cpu, threads: 1, precision: Precision::Auto };
    let model = Seq2Seq::load(&installed, &options).unwrap();
    let start = model.search_start();
    let read = |path: String| std::fs::read_to_string(path).unwrap();
    let (sources, targets) = (read(sources), read(targets));
    let mut rows: Vec<(&str, [usize; 4])> = Vec::new();
    for (line, (source, target)) in sources.lines().zip(targets.lines()).enumerate() {
        for (kind, target) in variants(target, line) {
            let coverage = coverage(&model, start, source, &target);
            let (mean_log_prob, min_log_prob) = (0.0, 0.0);
            let hypothesis =
                Hypothesis { text: target, mean_log_prob, min_log_prob, tokens: 1, finished: true, coverage };
            let found = verify::check(source, &hypothesis.text, Some(&hypothesis));
            let has = |check| found.iter().any(|finding| finding.check == check);
            let fired =
                [true, has(Check::Coverage), has(Check::Length), has(Check::Coverage) || has(Check::Length)];
            if !rows.iter().any(|row| row.0 == kind) {
                rows.push((kind, [0; 4]));
            }
            let row = rows.iter_mut().find(|row| row.0 == kind).unwrap();
            row.1.iter_mut().zip(fired).for_each(|(n, fired)| *n += usize::from(fired));
        }
    }
    println!("| | lines | coverage | length | either |\n|---|---|---|---|---|");
    for (kind, [lines, rest @ ..]) in rows {
        let share = rest.map(|n| format!("{:.1}", 100.0 * n as f64 / lines as f64));
        println!("| {kind} | {lines} | {} |", share.join(" | "));
    }
}

/// A true target, and what is left of it.
fn variants(target: &str, line: usize) -> Vec<(&'static str, String)> {
    let words: Vec<&str> = target.split_whitespace().collect();
    let without = |from: usize, to: usize| [&words[..from], &words[to..]].concat().join(" ");
    let mut all = vec![("true", target.to_string())];
    if words.len() >= 12
        && let Some(n) = words[5..words.len() - 3].iter().position(|w| w.ends_with(','))
    {
        let at = 5 + n;
        let closes = words[at + 1..].iter().position(|w| w.ends_with([',', '.']));
        let end = closes.map_or(words.len(), |n| at + 2 + n);
        if end - at > 4 {
            all.push(("a clause left out", without(at, end - 1)));
        }
    }
    if words.len() >= 14 {
        let at = 3 + line * 7 % (words.len() - 11);
        all.push(("five words left out", without(at, at + 5)));
    }
    all
}

/// See [`Hypothesis::coverage`], of a target that was written by somebody else.
fn coverage(model: &Seq2Seq, start: u32, source: &str, target: &str) -> Vec<f32> {
    let network = model.int8().unwrap();
    let ids = model.vocabulary().encode(source).unwrap();
    let mut state = network.start(&[&ids]).unwrap();
    let mut by_token = vec![0.0; ids.len()];
    for previous in [start].into_iter().chain(model.vocabulary().plain(target).unwrap()) {
        network.step(&mut state, &[previous], 1, &[Constraint::default()]).unwrap();
        by_token.iter_mut().zip(network.attention(&state, 0)).for_each(|(sum, part)| *sum += part);
    }
    model.by_word(source, &by_token)
}
