//! Speed of a GGUF model on the CPU: `TARJUMAN_GGUF=FILE TARJUMAN_ADAPTER=FILE TARJUMAN_LINES=FILE cargo bench --bench
//! engine`. The lines are source sentences, one a line; figures are in docs/performance.md.
//!
//! Rounds go through all settings in turn, and the median of each counts: what disturbs a shared machine then
//! disturbs all alike.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::path::PathBuf;
use std::time::Instant;

use tarjuman::engine::llm::Llm;
use tarjuman::engine::{Device, LoadOptions, Precision};
use tarjuman::inference::{DecodeOptions, Translator, Unwatched};
use tarjuman::model::InstalledModel;

const ROUNDS: usize = 3;
const SENTENCES: usize = 64;

fn main() {
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (Some(gguf), Some(adapter), Some(lines)) =
        (path("TARJUMAN_GGUF"), path("TARJUMAN_ADAPTER"), path("TARJUMAN_LINES"))
    else {
        println!("nothing measured: set TARJUMAN_GGUF, TARJUMAN_ADAPTER and TARJUMAN_LINES");
        return;
    };
    let spec = toml::from_str(
        r#"
        name = "gemma-3-270m-ar-en"
        about = ""
        tasks = ["translate"]
        family = "llm"
        licence = ""
        adapter = { file = "adapter.safetensors", rank = 32, alpha = 64 }
        prompt = { template = "Arabic: {source}\nEnglish translation:", target_prefix = " ", stop = ["\n"] }
        decode = { max_length_ratio = 2.0 }
        "#,
    );
    let files = [("model.gguf".to_string(), gguf), ("adapter.safetensors".to_string(), adapter)];
    let model =
        InstalledModel { spec: spec.unwrap(), files: files.into(), digest: String::new(), store: None };
    let text = std::fs::read_to_string(lines).unwrap();
    let sources: Vec<&str> = text.lines().take(SENTENCES).collect();

    let settings = [(1, 1), (1, 32), (2, 1), (2, 32)];
    let mut loads = Vec::new();
    let models: Vec<Llm> = settings
        .iter()
        .map(|&(threads, _)| {
            let start = Instant::now();
            let options = LoadOptions { device: Device::Cpu, threads, precision: Precision::Auto };
            let llm = Llm::load(&model, &options).unwrap();
            loads.push(start.elapsed().as_secs_f64());
            llm
        })
        .collect();
    println!("{}, {} sentences, {ROUNDS} rounds", models[0].kernel(), sources.len());
    println!("load: {:.2} s with 1 thread, {:.2} s with 2", loads[0].min(loads[1]), loads[2].min(loads[3]));
    let mut speeds = vec![Vec::new(); settings.len()];
    for _ in 0..ROUNDS {
        for ((&(_, batch), llm), speeds) in settings.iter().zip(&models).zip(&mut speeds) {
            let decode = DecodeOptions { batch, ..model.spec.decode.clone() };
            let calls: Vec<&[&str]> =
                if batch == 1 { sources[..8].chunks(1).collect() } else { vec![&sources] };
            let start = Instant::now();
            let mut tokens = 0;
            for call in &calls {
                let found = llm.translate(call, &decode, &Unwatched::default()).unwrap();
                tokens += found.iter().map(|f| f[0].tokens).sum::<usize>();
            }
            let seconds = start.elapsed().as_secs_f64();
            speeds.push((tokens as f64 / seconds, seconds / calls.len() as f64));
        }
    }
    println!("threads  rows  target tokens/s (median, least, most)  seconds a call");
    for ((threads, batch), mut speeds) in settings.into_iter().zip(speeds) {
        speeds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (median, call) = speeds[ROUNDS / 2];
        let (least, most) = (speeds[0].0, speeds[ROUNDS - 1].0);
        println!("{threads:7}  {batch:4}  {median:8.1} {least:8.1} {most:8.1}                   {call:.3}");
    }
}
