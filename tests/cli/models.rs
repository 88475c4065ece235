//! `models` and `doctor`: what is known, what is there, and that nothing is fetched unasked.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::place::Place;

/// A model of one small file, which can be packed, moved and damaged.
const FOLDER_MODEL: &str = "[[model]]\nname = 'little'\nabout = 'for tests'\ntasks = ['translate']\nfamily = 'echo'\n\
                            licence = 'CC0-1.0'\nsource = { path = { dir = 'weights' } }\n\
                            files = [{ name = 'weights.bin' }]\n";

#[test]
fn the_list_is_for_people_and_for_programs() {
    let place = Place::new();
    let text = place.tarjuman("models list --offline");
    let json = place.tarjuman("models list --json --offline");
    let objects: Vec<Value> =
        json.expect(0).stdout.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut lines = text.expect(0).stdout.lines();
    assert!(lines.next().unwrap().starts_with("NAME"));
    let names: Vec<&str> = lines.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, objects.iter().map(|o| o["name"].as_str().unwrap()).collect::<Vec<_>>());
    for wanted in ["opus-mt-tc-big-ar-en", "gemma-3-270m-ar-en", "smollm2-135m-instruct", "echo"] {
        assert!(names.contains(&wanted), "{wanted}");
    }
    for object in &objects {
        for key in ["licence", "state", "family", "about"] {
            assert!(!object[key].as_str().unwrap().is_empty(), "{key} of {object}");
        }
    }
    let quality = |name: &str| &objects.iter().find(|o| o["name"] == name).unwrap()["quality"][0];
    assert_eq!(quality("opus-mt-tc-big-ar-en")["bleu"].to_string(), "42.8", "figures as they were published");
    let state = |name: &str| &objects.iter().find(|o| o["name"] == name).unwrap()["state"];
    assert_eq!((state("echo"), state("gemma-3-270m-ar-en")), (&"installed".into(), &"can be fetched".into()));
    assert_eq!((text.stderr, json.stderr), (String::new(), String::new()));
    assert!(!place.model_home().exists(), "looking changes nothing");
}

#[test]
fn every_model_can_be_shown_and_has_a_folder() {
    let place = Place::new();
    let list = place.tarjuman("models list --json");
    for line in list.expect(0).stdout.lines() {
        let model: Value = serde_json::from_str(line).unwrap();
        let name = model["name"].as_str().unwrap();
        let shown = place.tarjuman(&format!("models show {name}"));
        for wanted in [name, model["licence"].as_str().unwrap()] {
            assert!(shown.expect(0).stdout.contains(wanted), "{wanted} in {}", shown.stdout);
        }
        let path = place.tarjuman(&format!("models path {name}"));
        let folder = place.model_home().join("models").join(name);
        assert_eq!(path.expect(0).stdout, format!("{}\n", folder.display()));
    }
}

#[test]
fn an_unknown_name_shows_the_nearest() {
    let place = Place::new();
    for command in ["show", "path", "verify", "pull", "remove"] {
        let ran = place.tarjuman(&format!("models {command} gema-3-270m-ar-en --offline"));
        ran.expect(2).says(&["no model `gema-3-270m-ar-en`", "hint: did you mean `gemma-3-270m-ar-en`"]);
        assert_eq!(ran.stdout, "");
    }
    place.tarjuman("models export gema-3-270m-ar-en file").expect(2).says(&["`gemma-3-270m-ar-en`"]);
}

#[test]
fn verify_tells_what_is_there() {
    let place = Place::new();
    assert_eq!(place.tarjuman("models verify").expect(0).stdout, "", "nothing is installed");
    let ran = place.tarjuman("models verify gemma-3-270m-ar-en");
    assert_eq!(ran.expect(1).stdout, "gemma-3-270m-ar-en: not installed\n");
    assert!(place.tarjuman("models verify echo").expect(0).stdout.starts_with("echo: intact"));
}

#[test]
fn a_model_travels_in_one_archive_and_damage_is_found() {
    let place = Place::new();
    place.write("little.toml", FOLDER_MODEL);
    place.write("weights/weights.bin", "some weights");
    place.tarjuman("models export little archive --registry little.toml --offline").expect(0);
    // From here on the registry does not know it: all that is needed came in the archive.
    place.tarjuman("models import archive --offline").expect(0).says(&["little is installed and verified"]);
    assert!(place.tarjuman("models list --offline").expect(0).stdout.contains("\nlittle "));
    assert!(place.tarjuman("models verify").expect(0).stdout.contains("little: intact"));
    let target = place.tarjuman_reading("translate --model little --offline", "وصل\n");
    assert_eq!(target.expect(0).stdout, "wsl\n");

    let weights = place.model_home().join("models/little/weights.bin");
    assert_eq!(fs::read_to_string(&weights).unwrap(), "some weights");
    // Of the same size: only the digest can tell.
    fs::write(&weights, "some wEights").unwrap();
    for line in ["models verify", "models verify little"] {
        let ran = place.tarjuman(line);
        assert!(ran.expect(1).stdout.contains("little: weights.bin"), "{line}: {}", ran.stdout);
    }
    fs::write(&weights, "some").unwrap();
    for line in ["models verify", "models verify little"] {
        assert!(place.tarjuman(line).expect(1).stdout.contains("weights.bin has 4 of 12 bytes"), "{line}");
    }
    place
        .tarjuman_reading("translate --model little --offline", "وصل\n")
        .expect(2)
        .says(&["weights.bin", "hint: "]);
    place.tarjuman("models import archive --offline").expect(0);
    assert_eq!(fs::read_to_string(&weights).unwrap(), "some weights", "mended");
    place.tarjuman("models remove little").expect(0);
    assert!(!weights.exists());

    let whole = fs::read(place.path("archive")).unwrap();
    place.write("cut", &whole[..whole.len() / 2]);
    place.write("note", "not an archive");
    for (file, message) in [("cut", "cut short"), ("note", "no model archive"), ("none", "No such file")] {
        place
            .tarjuman(&format!("models import {file}"))
            .expect(2)
            .says(&[&format!("error: {file}: "), message]);
    }
    place.tarjuman("models verify little").expect(2);
}

#[test]
fn a_base_stays_while_a_model_stands_on_it() {
    let place = Place::new();
    // As if they were on the Hub, which is out of reach.
    let ground = FOLDER_MODEL.replace("path = { dir = 'weights' }", "hub = { repo = 'a/b' }");
    let house = ground.replace("'little'", "'house'").replace("weights.bin", "adapter.bin");
    place.write("two.toml", format!("{ground}\n{house}base = 'little'\n"));
    place.write("stick/weights.bin", "some weights");
    place.write("stick/adapter.bin", "an adapter");
    let tarjuman = |line: &str| place.tarjuman(&format!("models {line} --registry two.toml --offline"));
    let install = || assert_eq!(tarjuman("import stick --name house").code, 0);
    let is_whole = |name: &str| tarjuman(&format!("verify {name}")).code == 0;

    install();
    tarjuman("remove little").expect(2).says(&[
        "error: little is the base of house",
        "hint: to remove what stands on it first: `tarjuman models remove house little`",
    ]);
    tarjuman("remove echo little").expect(2);
    assert!(is_whole("house") && is_whole("little"));
    // Both at once, in any order; or one after the other.
    tarjuman("remove little house").expect(0).says(&["little: ", "house: "]);
    assert!(!is_whole("house") && !is_whole("little"));
    install();
    tarjuman("remove house").expect(0);
    assert!(is_whole("little"));
    tarjuman("remove little").expect(0);
    assert!(!is_whole("little"));
}

#[test]
fn a_model_comes_from_a_folder_too() {
    let place = Place::new();
    // As if it were on the Hub, which is out of reach.
    place.write("little.toml", FOLDER_MODEL.replace("path = { dir = 'weights' }", "hub = { repo = 'a/b' }"));
    place.write("stick/weights.bin", "some weights");
    let line = "models import stick --registry little.toml --offline";
    place.tarjuman(line).expect(2).says(&["--name"]);
    place.tarjuman(&format!("{line} --name litle")).expect(2).says(&["hint: did you mean `little`?"]);
    place.tarjuman(&format!("{line} --name little")).expect(0).says(&["little is installed and verified"]);
    let target = place.tarjuman_reading("translate --model little --registry little.toml --offline", "وصل\n");
    assert_eq!(target.expect(0).stdout, "wsl\n");

    let place = Place::new();
    place.write("little.toml", FOLDER_MODEL.replace("path = { dir = 'weights' }", "hub = { repo = 'a/b' }"));
    place.write("stick/other.bin", "some weights");
    place.tarjuman(&format!("{line} --name little")).expect(2).says(&["weights.bin is not in stick"]);
}

#[test]
fn offline_means_that_nobody_is_asked() {
    let place = Place::new();
    let hub = TcpListener::bind("127.0.0.1:0").unwrap();
    hub.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", hub.local_addr().unwrap());
    for line in [
        "run . --out out --model auto --offline",
        "run . --out out --model translategemma-4b-it --offline",
        "models pull qwen3-0.6b --offline",
        "models list --offline",
        "doctor --offline",
    ] {
        place.write("a.txt", "نص.");
        let mut command = place.command(line);
        let ran = crate::place::Ran::of(command.env("HF_ENDPOINT", &endpoint).output().unwrap());
        ran.expect(if line.starts_with("models list") { 0 } else { 2 });
        assert!(hub.accept().is_err(), "{line}: asked the Hub");
        assert!(ran.stderr.matches("hint: ").count() <= 1, "{line}\n{}", ran.stderr);
    }
}

/// A small model of random weights, whose int8 weights the first load keeps.
#[test]
fn damaged_prepared_weights_are_found_and_made_anew() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seq2seq/marian-base");
    for name in ["model.safetensors", "source.spm", "target.spm", "vocab.json", "config.json"] {
        place.write(&format!("m/{name}"), fs::read(folder.join(name)).unwrap());
    }
    let translated = || place.tarjuman_reading("translate --model ./m --max-tokens 8", "وصل الوفد\n").stdout;
    let first = translated();
    let kept = || -> Vec<PathBuf> {
        let folders = fs::read_dir(place.model_home().join("folders")).unwrap().flatten();
        let files = folders.filter_map(|folder| fs::read_dir(folder.path()).ok()).flatten().flatten();
        files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "bin")).collect()
    };
    let path = kept().pop().unwrap();
    // As a disk does it: the time stamp is the old one.
    let damage = || {
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.iter_mut().rev().take(2000).for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    };
    assert!(place.tarjuman("models verify ./m").expect(0).stdout.contains(": intact"));
    damage();
    let ran = place.tarjuman("models verify ./m");
    assert!(ran.expect(1).stdout.contains(": int8-") && ran.stdout.contains(" was altered and is deleted"));
    assert!(!ran.stdout.contains("intact") && kept().is_empty(), "{}", ran.stdout);
    assert_eq!(translated(), first);
    assert_eq!(kept().len(), 1);
    damage();
    let ran = place.tarjuman("doctor --model ./m --max-tokens 8");
    assert!(ran.expect(2).stdout.contains("DAMAGED: int8-"), "{}", ran.stdout);
    // What is altered since it was written is found by the load itself.
    translated();
    let mut bytes = fs::read(&path).unwrap();
    bytes.iter_mut().rev().take(2000).for_each(|byte| *byte ^= 0x55);
    fs::write(&path, bytes).unwrap();
    assert_eq!(translated(), first);
    assert!(place.tarjuman("models verify ./m").expect(0).stdout.contains(": intact"));
}

#[test]
fn doctor_says_what_is_here_and_whether_it_works() {
    let place = Place::new();
    let ran = place.tarjuman("doctor --model echo");
    let home = place.model_home();
    let parts = [
        env!("CARGO_PKG_VERSION"),
        "threads",
        home.to_str().unwrap(),
        "hub cache",
        "memory.sqlite",
        "verified",
    ];
    for part in parts.iter().chain(&["wsl wzyr alkharjyt ala alasmt.", "all is well"]) {
        assert!(ran.expect(0).stdout.contains(part), "{part:?} in\n{}", ran.stdout);
    }
    let ran = place.tarjuman("doctor --model gemma-3-270m-ar-en --offline");
    assert!(
        ran.expect(2).stdout.contains("FAILED: ") && ran.stdout.contains("models import"),
        "{}",
        ran.stdout
    );
}
