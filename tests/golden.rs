//! Real weights against recorded outputs: `TARJUMAN_GOLDEN=DIR TARJUMAN_WEIGHTS=DIR TARJUMAN_ADAPTER=DIR
//! TARJUMAN_DATA=DIR cargo test --release --test golden -- --ignored --nocapture`. docs/performance.md says what the
//! folders hold and what came out. `TARJUMAN_REFERENCE=1` computes with f32 tensors: minutes.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::HashMap;
use std::path::PathBuf;

use tarjuman::engine::candidates::{Candidate, Constraint};
use tarjuman::engine::llm::config::Config;
use tarjuman::engine::llm::weights::Weights;
use tarjuman::engine::llm::{Llm, cpu, reference};
use tarjuman::engine::prepared::Prepared;
use tarjuman::engine::search::{Decoder, Found};
use tarjuman::engine::{Device, LoadOptions, Precision};
use tarjuman::inference::{DecodeOptions, Translator, Unwatched};
use tarjuman::model::InstalledModel;

fn precision(reference: bool) -> Precision {
    if reference { Precision::F32 } else { Precision::Auto }
}

fn folder(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set")))
}

fn load(name: &str, file: &str, reference: bool) -> Llm {
    let spec = toml::from_str(&format!(
        "name = '{name}'\nabout = ''\ntasks = ['translate']\nfamily = 'llm'\nlicence = ''\n"
    ))
    .unwrap();
    let path = folder("TARJUMAN_WEIGHTS").join(file);
    let model = InstalledModel {
        spec,
        files: [("model.gguf".to_string(), path)].into(),
        digest: String::new(),
        store: None,
    };
    Llm::load(&model, &LoadOptions { device: Device::Cpu, threads: 2, precision: precision(reference) })
        .unwrap()
}

fn lines(model: &str, file: &str) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder("TARJUMAN_GOLDEN").join(model).join(file)).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u32).collect()
}

const MODELS: [(&str, &str); 2] =
    [("gemma-3-270m", "gemma-3-270m.gguf"), ("smollm2-135m-instruct", "SmolLM2-135M-Instruct.Q4_1.gguf")];

#[test]
#[ignore = "needs real weights and recorded outputs"]
fn tokens_are_those_of_llama_cpp() {
    for (model, file) in MODELS {
        let start = std::time::Instant::now();
        let llm = load(model, file, false);
        eprintln!("{model}: loaded in {:.1?}", start.elapsed());
        let tokenizer = llm.tokenizer();
        let (mut wrong, mut all) = (0, 0);
        for line in lines(model, "tokens.jsonl") {
            let text = line["text"].as_str().unwrap();
            let mut got = Vec::new();
            if line["add_bos"].as_bool().unwrap() {
                got.extend(tokenizer.bos());
            }
            got.extend(if line["parse_special"].as_bool().unwrap() {
                tokenizer.encode_prompt(text).unwrap()
            } else {
                tokenizer.encode(text).unwrap()
            });
            all += 1;
            if got != ids(&line["ids"]) {
                wrong += 1;
                eprintln!("{model}: {line}\n  got {got:?}");
            }
        }
        assert_eq!(wrong, 0, "{model}: {wrong} of {all}");
    }
}

/// What our computation says at each of the first [`STEPS`] positions of every recorded output, given the recorded
/// tokens before it: the likeliest tokens.
fn forced<D: Decoder>(decoder: &D, lines: &[(Vec<u32>, Vec<u32>)]) -> Vec<Vec<Candidate>> {
    let sources: Vec<&[u32]> = lines.iter().map(|(prompt, _)| &prompt[..prompt.len() - 1]).collect();
    let mut state = decoder.start(&sources).unwrap();
    let mut previous: Vec<u32> = lines.iter().map(|(prompt, _)| *prompt.last().unwrap()).collect();
    let mut best = Vec::new();
    for step in 0..STEPS {
        let found =
            decoder.step(&mut state, &previous, 16, &vec![Constraint::default(); lines.len()]).unwrap();
        for (((_, output), found), previous) in lines.iter().zip(found).zip(&mut previous) {
            if let Some(&id) = output.get(step) {
                best.push(found);
                *previous = id;
            }
        }
    }
    best
}

const STEPS: usize = 16;

/// llama.cpp rounds activations to 8 bits in blocks, so it differs from f32 arithmetic as well; our int8 kernels may
/// differ from f32 no more than it does, up to what 600 steps can tell apart.
#[test]
#[ignore = "needs real weights and recorded outputs; takes minutes"]
fn int8_is_as_close_to_f32_as_llama_cpp_is() {
    for (model, file) in MODELS {
        let lines: Vec<(Vec<u32>, Vec<u32>)> = lines(model, "greedy.jsonl")
            .iter()
            .map(|l| (ids(&l["prompt_ids"]), ids(&l["output_ids"])))
            .collect();
        let recorded: Vec<u32> = (0..STEPS)
            .flat_map(|i| lines.iter().filter_map(move |(_, output)| output.get(i).copied()))
            .collect();
        let open = || Weights::open(&folder("TARJUMAN_WEIGHTS").join(file)).unwrap();
        let config = Config::from_gguf(&open().content).unwrap();
        let int8 = forced(&cpu::Network::load(config.clone(), open(), &Prepared::none()).unwrap(), &lines);
        let device = candle_core::Device::Cpu;
        let f32 = reference::Network::load(config, &open(), &device, candle_core::DType::F32).unwrap();
        let f32 = forced(&f32, &lines);
        let all = recorded.len();
        let same = |a: &[Vec<Candidate>], b: &[u32]| a.iter().zip(b).filter(|(a, b)| a[0].id == **b).count();
        let best: Vec<u32> = f32.iter().map(|c| c[0].id).collect();
        let (ours, theirs, direct) = (same(&int8, &best), same(&f32, &recorded), same(&int8, &recorded));
        // The four likeliest tokens of f32, as int8 sees them.
        let differences: Vec<f32> = f32
            .iter()
            .zip(&int8)
            .flat_map(|(a, b)| a[..4].iter().filter_map(|a| Some((a, b.iter().find(|b| b.id == a.id)?))))
            .map(|(a, b)| (a.log_prob - b.log_prob).powi(2))
            .collect();
        let rms = (differences.iter().sum::<f32>() / differences.len() as f32).sqrt();
        eprintln!(
            "{model}: of {all} steps int8 = f32 on {ours}, llama.cpp = f32 on {theirs}, int8 = llama.cpp on {direct}; \
             log-probabilities of int8 differ from f32 by {rms:.3} (root mean square)"
        );
        assert!(theirs * 100 >= all * 94, "{model}: f32 and llama.cpp agree on {theirs} of {all}");
        assert!(ours * 100 >= all * 93, "{model}: int8 and f32 agree on {ours} of {all}");
        assert!(rms < 0.16, "{model}: {rms}");
    }
}

#[test]
#[ignore = "needs real weights and recorded outputs"]
fn greedy_outputs_agree_with_llama_cpp() {
    let reference = std::env::var("TARJUMAN_REFERENCE").is_ok();
    for (model, file) in MODELS {
        let llm = load(model, file, reference);
        let lines = lines(model, "greedy.jsonl");
        let prompts: Vec<Vec<u32>> = lines.iter().map(|l| ids(&l["prompt_ids"])).collect();
        let (stop, limit) =
            if model.starts_with("gemma") { (vec!["\n".to_string()], 96) } else { (vec![], 64) };
        let limits = vec![limit; prompts.len()];
        let found = llm
            .continue_prompts(
                &prompts,
                &limits,
                &stop,
                &DecodeOptions::default(),
                &Unwatched::default(),
                |_, found| Ok(found),
            )
            .unwrap();
        let (mut agree, mut whole) = (0, 0);
        for (line, found) in lines.iter().zip(&found) {
            let (want, got) = (ids(&line["output_ids"]), &found[0].ids);
            let n = want.len().min(8);
            agree += usize::from(got.len() >= n && got[..n] == want[..n]);
            whole += usize::from(got.len() >= want.len() && got[..want.len()] == want[..]);
        }
        let all = lines.len();
        eprintln!("{model}: the first 8 ids agree on {agree} of {all} lines, whole outputs on {whole}");
        assert!(agree * 2 >= all, "{model}: {agree} of {all}");
        if model.starts_with("gemma") {
            // The prompts are PUD's sentences 5, 25, 45 …, counted from 0.
            let references: Vec<String> = pud().into_iter().skip(5).step_by(20).take(all).collect();
            let ours: Vec<String> =
                found.iter().map(|f| llm.tokenizer().decode(&f[0].ids).unwrap().trim().to_string()).collect();
            let theirs: Vec<String> =
                lines.iter().map(|l| l["output"].as_str().unwrap().trim().to_string()).collect();
            same_quality(model, &ours, &theirs, &references);
        }
    }
}

/// Given f32 weights and an f32 cache, llama.cpp computes what our reference computes: `tests/golden/llama_f32.py`.
#[test]
#[ignore = "needs real weights and recorded prompts; takes minutes"]
fn the_reference_is_llama_cpp_in_f32() {
    for (model, file) in MODELS {
        let llm = load(model, file, true);
        let prompts: Vec<Vec<u32>> =
            lines(model, "greedy.jsonl").iter().map(|l| ids(&l["prompt_ids"])).collect();
        let path = format!("{}/tests/golden/llama_f32/{model}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let wanted: Vec<Vec<u32>> = text
            .lines()
            .map(|l| ids(&serde_json::from_str::<serde_json::Value>(l).unwrap()["output_ids"]))
            .collect();
        assert_eq!(wanted.len(), prompts.len());
        // A target that ends in a newline or the end token was recorded without it.
        let limits: Vec<usize> = wanted.iter().map(Vec::len).collect();
        let found = llm
            .continue_prompts(
                &prompts,
                &limits,
                &[],
                &DecodeOptions::default(),
                &Unwatched::default(),
                |_, found| Ok(found),
            )
            .unwrap();
        let same = |n: usize| {
            let equal = |(f, w): &(&Vec<Found>, &Vec<u32>)| f[0].ids.iter().take(n).eq(w.iter().take(n));
            found.iter().zip(&wanted).filter(equal).count()
        };
        let (first, whole, all) = (same(8), same(usize::MAX), prompts.len());
        eprintln!(
            "{model}: the first 8 ids are those of llama.cpp in f32 on {first} of {all} lines, all ids on {whole}"
        );
        assert!(first * 100 >= all * 98, "{model}: {first} of {all}");
    }
}

#[test]
#[ignore = "needs real weights and the adapter"]
fn the_adapter_translates_as_it_did_where_it_was_trained() {
    let folder_of_adapter = folder("TARJUMAN_ADAPTER");
    let spec = toml::from_str(
        r#"
        name = "gemma-3-270m-ar-en"
        about = ""
        tasks = ["translate"]
        family = "llm"
        licence = ""
        adapter = { file = "adapter.safetensors", rank = 40, alpha = 80 }
        prompt = { template = "Arabic: {source}\nEnglish translation:", target_prefix = " ", stop = ["\n"] }
        decode = { max_length_ratio = 2.0 }
        "#,
    );
    let files = [
        ("model.gguf".to_string(), folder("TARJUMAN_WEIGHTS").join("gemma-3-270m.gguf")),
        ("adapter.safetensors".to_string(), folder_of_adapter.join("adapter.safetensors")),
    ];
    let model =
        InstalledModel { spec: spec.unwrap(), files: files.into(), digest: String::new(), store: None };
    let reference = std::env::var("TARJUMAN_REFERENCE").is_ok();
    let llm =
        Llm::load(&model, &LoadOptions { device: Device::Cpu, threads: 2, precision: precision(reference) })
            .unwrap();
    let text = std::fs::read_to_string(folder_of_adapter.join("reference.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let sources: Vec<&str> = lines.iter().map(|l| l["source"].as_str().unwrap()).collect();
    let decode = &model.spec.decode;
    let found = llm.translate(&sources, decode, &Unwatched::default()).unwrap();
    let ours: Vec<String> = found.iter().map(|f| f[0].text.clone()).collect();
    let theirs: Vec<String> =
        lines.iter().map(|l| l["output"].as_str().unwrap().trim().to_string()).collect();
    let same = ours.iter().zip(&theirs).filter(|(a, b)| a == b).count();
    let finished = found.iter().filter(|f| f[0].finished).count();
    eprintln!("adapter: {same} of {} texts are the same, {finished} finished", ours.len());
    same_quality("adapter", &ours, &theirs, &pud()[..ours.len()]);
    assert_eq!(found[3], llm.translate(&sources[3..4], decode, &Unwatched::default()).unwrap()[0]);
}

/// English side of the 1,000 PUD sentences.
fn pud() -> Vec<String> {
    let path = folder("TARJUMAN_DATA").join("pud-ar-en/pud.en");
    std::fs::read_to_string(path).unwrap().lines().map(str::to_string).collect()
}

fn same_quality(what: &str, ours: &[String], theirs: &[String], references: &[String]) {
    let (got, want) = (chrf(ours, references), chrf(theirs, references));
    eprintln!("{what}: chrF {got:.2}, of the recorded outputs {want:.2}");
    if let Ok(folder) = std::env::var("TARJUMAN_OUT") {
        for (name, lines) in [("ours", ours), ("theirs", theirs), ("references", references)] {
            std::fs::write(format!("{folder}/{what}.{name}.txt"), lines.join("\n") + "\n").unwrap();
        }
    }
    assert!((got - want).abs() <= 1.0, "{what}: chrF {got:.2} and {want:.2}");
}

/// Corpus chrF (Popović 2015) as sacrebleu computes it: characters without spaces, n-grams to 6, recall counts double.
fn chrf(outputs: &[String], references: &[String]) -> f64 {
    let grams = |text: &str, n: usize| {
        let characters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let mut counts: HashMap<Vec<char>, usize> = HashMap::new();
        characters.windows(n).for_each(|gram| *counts.entry(gram.to_vec()).or_default() += 1);
        counts
    };
    let (mut precision, mut recall) = (0.0, 0.0);
    for n in 1..=6 {
        let (mut common, mut made, mut wanted) = (0, 0, 0);
        for (output, reference) in outputs.iter().zip(references) {
            let (output, reference) = (grams(output, n), grams(reference, n));
            common +=
                output.iter().map(|(g, &c)| c.min(reference.get(g).copied().unwrap_or(0))).sum::<usize>();
            made += output.values().sum::<usize>();
            wanted += reference.values().sum::<usize>();
        }
        precision += common as f64 / made.max(1) as f64 / 6.0;
        recall += common as f64 / wanted.max(1) as f64 / 6.0;
    }
    500.0 * precision * recall / (4.0 * precision + recall).max(f64::MIN_POSITIVE)
}
