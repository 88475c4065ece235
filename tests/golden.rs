//! Real weights against recorded outputs of llama.cpp: `TARJUMAN_GOLDEN=DIR TARJUMAN_WEIGHTS=DIR cargo test --release
//! --test golden -- --ignored`. See docs/performance.md for what the folders hold.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::PathBuf;

use tarjuman::engine::Device;
use tarjuman::engine::llm::{Llm, LoadOptions};
use tarjuman::inference::{DecodeOptions, Unwatched};
use tarjuman::model::InstalledModel;

fn folder(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set")))
}

fn load(name: &str, file: &str, reference: bool) -> Llm {
    let spec = toml::from_str(&format!(
        "name = '{name}'\nabout = ''\ntasks = ['translate']\nfamily = 'llm'\nlicence = ''\n"
    ))
    .unwrap();
    let path = folder("TARJUMAN_WEIGHTS").join(file);
    let model =
        InstalledModel { spec, files: [("model.gguf".to_string(), path)].into(), digest: String::new() };
    Llm::load(&model, &LoadOptions { device: Device::Cpu, threads: 2, reference }).unwrap()
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
        let start = std::time::Instant::now();
        let found = llm
            .continue_prompts(
                &prompts,
                &vec![limit; prompts.len()],
                &stop,
                &DecodeOptions::default(),
                &Unwatched::default(),
            )
            .unwrap();
        let elapsed = start.elapsed();
        let (mut agree, mut whole, mut tokens) = (0, 0, 0);
        for (line, found) in lines.iter().zip(&found) {
            let (want, got) = (ids(&line["output_ids"]), &found[0].ids);
            let n = want.len().min(8);
            agree += usize::from(got.len() >= n && got[..n] == want[..n]);
            whole += usize::from(got.len() >= want.len() && got[..want.len()] == want[..]);
            tokens += got.len();
        }
        let texts: Vec<String> = found.iter().map(|f| llm.tokenizer().decode(&f[0].ids).unwrap()).collect();
        if let Ok(dir) = std::env::var("TARJUMAN_OUT") {
            std::fs::write(
                format!("{dir}/{model}.txt"),
                texts.iter().map(|t| t.trim().replace('\n', " ") + "\n").collect::<String>(),
            )
            .unwrap();
        }
        eprintln!(
            "{model}: first ids agree on {agree} of {}, whole outputs on {whole}; {tokens} tokens in {elapsed:.1?}",
            lines.len()
        );
    }
}

#[test]
#[ignore = "debug"]
fn gaps() {
    let reference = std::env::var("TARJUMAN_REFERENCE").is_ok();
    for (model, file) in MODELS {
        let llm = load(model, file, reference);
        let lines = lines(model, "greedy.jsonl");
        let stop = if model.starts_with("gemma") { vec!["\n".to_string()] } else { vec![] };
        // teacher forcing: at each of the first 8 positions, our top and theirs
        let mut prompts = Vec::new();
        let mut wanted = Vec::new();
        for l in &lines {
            let p = ids(&l["prompt_ids"]);
            let w = ids(&l["output_ids"]);
            for i in 0..w.len().min(8) {
                prompts.push([p.clone(), w[..i].to_vec()].concat());
                wanted.push(w[i]);
            }
        }
        let d = DecodeOptions { beam: 8, ..Default::default() };
        let found = llm
            .continue_prompts(&prompts, &vec![1; prompts.len()], &stop, &d, &Unwatched::default())
            .unwrap();
        let mut same = 0;
        let mut gaps = vec![];
        for (f, w) in found.iter().zip(&wanted) {
            if f[0].ids[0] == *w {
                same += 1;
            } else {
                let theirs = f.iter().find(|h| h.ids[0] == *w).map(|h| h.log_probs[0]);
                gaps.push(theirs.map(|t| ((f[0].log_probs[0] - t) * 100.0).round() / 100.0));
            }
        }
        eprintln!("{model}: {same} of {} steps same; gaps {gaps:?}", wanted.len());
    }
}
