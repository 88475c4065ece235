//! A machine that reaches the Hub: the default model is fetched, verified, loaded and translates at the first try.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, Ran};
use crate::server::Server;

/// `opus-mt-tc-big-ar-en` as the Hub would serve it, but small and of random weights.
fn hub(case: &str, weights: &str) -> (Server, Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seq2seq").join(case);
    let server = Server::start();
    for name in [weights, "source.spm", "target.spm", "vocab.json", "config.json", "generation_config.json"] {
        let content = std::fs::read(folder.join(name)).unwrap();
        server.put_hub(&format!("Helsinki-NLP/opus-mt-tc-big-ar-en/{name}"), &content);
    }
    let golden = std::fs::read_to_string(folder.join("golden.json")).unwrap();
    (server, serde_json::from_str(&golden).unwrap())
}

#[test]
fn auto_takes_the_best_model_from_the_hub_and_later_runs_need_no_network() {
    // Published with safetensors, and as many of these models are, with a half-precision pickle only.
    for (case, weights) in [("marian-base", "model.safetensors"), ("marian-big", "pytorch_model.bin")] {
        let (server, golden) = hub(case, weights);
        let saved = golden["searches"].as_array().unwrap().iter().find(|s| s["name"] == "saved").unwrap();
        let most = saved["options"]["max_tokens"].to_string();
        let source = golden["sources"][1].as_str().unwrap();
        let wanted = saved["results"][1][0]["text"].as_str().unwrap();
        let place = Place::new();
        let line = format!("translate --model auto --precision f32 --max-tokens {most}");
        for endpoint in [server.address.as_str(), "http://127.0.0.1:9"] {
            let mut command = assert_cmd::Command::from_std(place.command(&line));
            command.env("HF_ENDPOINT", endpoint).write_stdin(format!("{source}\n"));
            let ran = Ran::of(command.output().unwrap());
            assert_eq!(ran.stdout.trim_end(), wanted, "{case}: {}", ran.stderr);
            assert!(!ran.stderr.contains("Taking"), "{case}: no other model is taken: {}", ran.stderr);
        }
    }
}
