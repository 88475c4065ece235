//! Wrong usage, configuration or model: exit code 2, one clear message that says what to do, and nothing written.

use crate::place::{CLEAN, PLAIN, Place};

#[test]
fn each_mistake_has_its_message() {
    let place = Place::with_examples();
    place.write("file", "a file");
    place.write("same/a.txt", CLEAN);
    place.write("same/a.md", CLEAN);
    place.write("same/a.md.txt", CLEAN);
    place.write("same2/A.TXT", CLEAN);
    place.write("same2/a.txt", CLEAN);
    place.write("apart/b.txt", CLEAN);
    place.write("photos/p.jpg", "no text");
    place.write("no-memory", "These are notes, not a database.");
    place.write("key.toml", "[[model]]\nname = 'a'\nfamly = 'llm'\n");
    place.write("syntax.toml", "[[model]]\nname = \n");
    place.write("twice.toml", "[[model]]\nname = 'a'\n\n[[model]]\n");
    let cases: &[(&str, &[&str])] = &[
        // Options and values.
        ("run reports --out out --model echo --fast", &["unexpected argument '--fast'"]),
        ("run reports --out out --modle echo", &["'--modle'", "'--model'"]),
        ("run reports --model echo", &["--out <DIR>"]),
        ("run --out out --model echo", &["<PATH>..."]),
        ("rum reports", &["'rum'", "'run'"]),
        (
            "run reports --out out --model echo --formats md,pdf",
            &["\"pdf\"", "hint: the formats are md, html, jsonl,"],
        ),
        ("run reports --out out --model echo --device gpu", &["`gpu`", "auto, cpu, cuda"]),
        (
            "run reports --out out --model echo --encoding windows-1265",
            &["`windows-1265`", "hint: did you mean windows-1256"],
        ),
        ("run reports --out out --model echo --threads 0", &["--threads", "from 1 on"]),
        ("run reports --out out --model echo --beam none", &["--beam", "from 1 on"]),
        ("run reports --out out --model echo --quality good", &["good", "fast, balanced, best"]),
        ("run reports --out out --model echo --quality best --beam 2", &["--quality", "--beam"]),
        ("run reports --out out --model echo --limit few", &["--limit"]),
        ("run reports --out out --model echo --limit 0", &["--limit", "from 1 on"]),
        (
            "run reports --out out --model echo --min-tokens 50 --max-tokens 20",
            &["--min-tokens 50 is more than --max-tokens 20", "hint: "],
        ),
        ("translate --model echo --min-tokens 50 --max-tokens 20", &["--min-tokens 50 is more"]),
        ("run reports --out out --model echo --log-format xml", &["xml", "text, json"]),
        ("completions fihs", &["fish"]),
        // Models.
        ("run reports --out out --model ecko", &["no model `ecko`", "hint: did you mean `echo`?"]),
        ("run reports --out out --model gemma-3-270m-ar-em", &["`gemma-3-270m-ar-en`"]),
        ("run reports --out out --model zzzzzzzz", &["no model `zzzzzzzz`", "hint: `tarjuman models list`"]),
        (
            "run reports --out out --model echo --brief smollm",
            &["no model `smollm`", "`smollm2-135m-instruct`"],
        ),
        ("run reports --out out --model qwen3-0.6b --offline", &["the network is off", "hint: "]),
        ("run reports --out out --model smollm2-135m-instruct", &["does not translate", "hint: "]),
        (
            "run reports --out out --model echo --brief gemma-3-270m-ar-en",
            &["does not write briefs", "hint: "],
        ),
        ("translate --model ecko", &["hint: did you mean `echo`?"]),
        ("doctor --model ecko", &[]),
        // Inputs.
        ("run nowhere --out out --model echo", &["nowhere: no such file or folder", "hint: "]),
        ("run reports nowhere.txt --out out --model echo", &["nowhere.txt: no such file"]),
        ("run photos --out out --model echo", &["no readable files in photos", "hint: ", ".md"]),
        ("run same --out out --model echo", &["a.md and a.md.txt", "a.md.*", "hint: rename"]),
        ("run same2 --out out --model echo", &["A.TXT and a.txt"]),
        ("run apart/b.txt same/a.txt apart --out out --model echo", &[]),
        ("run reports --out reports --model echo", &["reports: is both input and output", "hint: "]),
        // Its `news.en.txt` may be a person's.
        ("run reports/news.txt --out reports --model echo", &["reports: is both input and output", "hint: "]),
        ("segment nowhere.txt", &["nowhere.txt: ", "No such file"]),
        ("segment reports/news.txt --encoding utf8x", &["unknown encoding `utf8x`", "hint: did you mean"]),
        // Outputs.
        ("run reports --out file --model echo", &["cannot write file: ", "hint: a file stands where"]),
        (
            "run reports --out file/below --model echo",
            &["cannot write file/below: ", "hint: a file stands where"],
        ),
        (
            "run reports --out out --model echo --memory no-memory",
            &["no-memory: not a translation memory", "hint: "],
        ),
        (
            "run reports --out out --model echo --memory no/folder/m",
            &["no/folder/m: cannot open", "hint: its folder must exist"],
        ),
        ("translate --model echo --memory no-memory", &["no-memory: not a translation memory"]),
        // Registries.
        (
            "models list --registry key.toml",
            &["key.toml:3:1: unknown key `famly`", "hint: did you mean `family`?"],
        ),
        ("models list --registry syntax.toml", &["syntax.toml:2:"]),
        ("models list --registry twice.toml", &["twice.toml:1:"]),
        ("models list --registry none.toml", &["none.toml: cannot be read"]),
        ("run reports --out out --model echo --registry key.toml", &["unknown key `famly`"]),
    ];
    for (line, parts) in cases {
        let ran = place.tarjuman(line);
        // This one is right: a file met twice is taken once.
        let is_fine = line.starts_with("run apart/b.txt");
        let is_told_on_stdout = line.starts_with("doctor");
        ran.expect(if is_fine { 0 } else { 2 }).says(parts);
        if !is_fine && !is_told_on_stdout {
            assert!(ran.stderr.starts_with("error: "), "{line}\n{}", ran.stderr);
            assert_eq!(ran.stdout, "", "{line}");
            let hints = ran.stderr.matches("hint: ").count();
            assert!(hints <= 1, "{line}: one hint is enough\n{}", ran.stderr);
            assert!(!is_doubled(&ran.stderr), "{line}: the cause is told twice\n{}", ran.stderr);
            assert!(!place.path("out/run.json").exists(), "{line}: nothing is run");
        }
        if is_fine {
            std::fs::remove_dir_all(place.path("out")).unwrap();
        }
    }
    assert_eq!(place.read("no-memory"), "These are notes, not a database.", "it is left as it was");
}

fn is_doubled(message: &str) -> bool {
    message.matches("os error").count() > 1
}

#[test]
fn a_bad_registry_in_the_working_folder_is_found_and_named() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    place.write(
        "models.toml",
        "[[model]]\nname = 'mine'\nabout = 'x'\ntasks = ['translate']\nfamily = 'marain'\n",
    );
    place.tarjuman("run a.txt --out out --model echo").expect(2).says(&[
        "models.toml:5:",
        "marain",
        "`marian`",
    ]);
}

#[test]
fn what_a_folder_lays_over_the_registry_is_said() {
    let place = Place::new();
    place.write("a.txt", CLEAN);
    place.write("models.toml", PLAIN);
    let ran = place.tarjuman("run a.txt --out out --model plain --quiet");
    ran.expect(0).says(&["warning: models.toml of the current folder defines plain"]);
}

#[test]
fn files_of_one_name_from_two_folders_are_an_error_before_the_run() {
    let place = Place::new();
    place.write("one/a.txt", CLEAN);
    place.write("two/a.txt", CLEAN);
    let ran = place.tarjuman("run one two --out out --model echo");
    ran.expect(2).says(&["one/a.txt and two/a.txt", "hint: "]);
    assert!(!place.path("out").exists());
    // From the folder above they have names of their own.
    place.tarjuman("run . --out out --model echo").expect(0);
}

#[test]
fn no_arguments_show_the_help() {
    let place = Place::new();
    place.tarjuman("").expect(2).says(&["Usage: tarjuman", "run ", "translate "]);
    place.tarjuman("models").expect(2).says(&["list", "import"]);
    let version = place.tarjuman("--version");
    assert_eq!(version.expect(0).stdout, format!("tarjuman {}\n", env!("CARGO_PKG_VERSION")));
}
