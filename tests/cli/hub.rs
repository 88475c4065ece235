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
fn what_cannot_be_reached_is_not_said_to_be_taken() {
    let place = Place::new();
    let nowhere = |(auto, name): (usize, &str)| {
        format!(
            "[[model]]\nname = '{name}'\nabout = 'x'\ntasks = ['translate']\nfamily = 'marian'\nlicence = 'MIT'\n\
             auto = {auto}\nsource.url = {{ base = 'http://127.0.0.1:9/{name}/' }}\n\
             files = [{{ name = 'model.bin', parts = ['model.bin'] }}]\n"
        )
    };
    place.write("nowhere.toml", [(2, "firefox-ar-en"), (9, "gemma-3-270m-ar-en")].map(nowhere).concat());
    let mut command = assert_cmd::Command::from_std(place.command("translate --registry nowhere.toml"));
    command.env("HF_ENDPOINT", "http://127.0.0.1:9").write_stdin("نص\n");
    let ran = Ran::of(command.output().unwrap());
    ran.expect(2).says(&[
        "no model that translates could be had",
        "http://127.0.0.1:9/firefox-ar-en/",
        "hint: ",
    ]);
    assert!(!ran.stderr.contains("Taking"), "{}", ran.stderr);
}

#[test]
fn auto_says_what_it_could_not_take() {
    let (place, server) = (Place::new(), Server::start());
    server.put("m/x.txt", b"x");
    place.write(
        "registry.toml",
        format!(
            "[[model]]\nname = 'later'\nabout = 'x'\ntasks = ['translate']\nfamily = 'echo'\nlicence = 'MIT'\nauto = 2\n\
             source.url = {{ base = '{}/m/' }}\nfiles = [{{ name = 'x.txt' }}]\n",
            server.address
        ),
    );
    // The Hub answers, but does not have the best model.
    let mut command = assert_cmd::Command::from_std(place.command("translate --registry registry.toml"));
    command.env("HF_ENDPOINT", &server.address).write_stdin("نص\n");
    let ran = Ran::of(command.output().unwrap());
    ran.expect(0).says(&["warning: ", "opus-mt-tc-big-ar-en", "Taking later instead"]);
}

#[test]
fn a_hub_on_this_machine_is_asked_without_the_proxy() {
    let (place, server) = (Place::new(), Server::start());
    server.put("m/x.txt", b"x");
    place.write(
        "registry.toml",
        format!(
            "[[model]]\nname = 'near'\nabout = 'x'\ntasks = ['translate']\nfamily = 'echo'\nlicence = 'MIT'\n\
             source.url = {{ base = '{}/m/' }}\nfiles = [{{ name = 'x.txt' }}]\n",
            server.address
        ),
    );
    let mut command = place.command("models pull near --registry registry.toml");
    // Nobody listens there.
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"] {
        command.env(name, "http://127.0.0.1:9");
    }
    Ran::of(command.output().unwrap()).expect(0);
    assert_eq!(server.take_log(), ["GET /m/x.txt"]);
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
        let line = format!("translate --model auto --no-repair --precision f32 --max-tokens {most}");
        for endpoint in [server.address.as_str(), "http://127.0.0.1:9"] {
            let mut command = assert_cmd::Command::from_std(place.command(&line));
            command.env("HF_ENDPOINT", endpoint).write_stdin(format!("{source}\n"));
            let ran = Ran::of(command.output().unwrap());
            assert_eq!(ran.stdout.trim_end(), wanted, "{case}: {}", ran.stderr);
            assert!(!ran.stderr.contains("Taking"), "{case}: no other model is taken: {}", ran.stderr);
        }
    }
}
