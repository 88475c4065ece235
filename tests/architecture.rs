//! The direction of imports (docs/architecture.md), kept by reading the paths that the source code names.
//!
//! Files are read as Rust tokens, so comments, strings and formatting cannot mislead it; code under `#[cfg(test)]`
//! is left out, since a test may use whatever shows its point. A room (`src/NAME.rs` or `src/NAME/`) that no rule
//! knows is a violation too: whoever adds one decides what it is.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

const PLAIN_DATA: &[&str] = &[
    "document",
    "unit",
    "brief",
    "run",
    "inference",
    "lang",
    "mail",
    "model",
    "numbers",
    "sheet",
    "similar",
    "glossary",
    "names",
    "tmx",
    "xml",
];
const STAGES: &[&str] =
    &["discover", "read", "segment", "memory", "batch", "verify", "summarize", "write", "registry", "fetch"];
/// Rooms that know the others.
const ON_TOP: &[&str] = &["pipeline", "cli", "main", "lib"];

const NETWORK_CRATES: &[&str] = &["hf_hub", "ureq", "reqwest", "hyper", "curl", "attohttpc", "minreq"];
const TERMINAL_CRATES: &[&str] = &["clap", "clap_complete", "indicatif"];
const PRINTING_MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

const STAGE_RULE: &str =
    "a stage imports only itself and plain data; what it needs of another stage, `pipeline` hands to it";
const ENGINE_RULE: &str =
    "`engine` imports only `lang`, `model` and `inference`: it knows ids and text, not documents";
const PLAIN_RULE: &str = "plain data imports only plain data";
const PIPELINE_RULE: &str = "`pipeline` does not know the command line: it hands events to an observer";
const ROOM_RULE: &str = "a new room: say in tests/architecture.rs whether it is plain data or a stage";
const ENGINE_CRATE_RULE: &str = "only `engine` uses candle, rten and tokenizers";
const NETWORK_RULE: &str = "only `fetch` touches the network";
const TERMINAL_RULE: &str = "only `cli` uses clap and indicatif";
const PRINT_RULE: &str = "only `cli` and `main.rs` print; the library hands events to an observer";
const ANYHOW_RULE: &str = "`anyhow` only in `cli` and `main.rs`; the library's errors are `thiserror` enums";

#[test]
fn imports_go_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = |file: &Path| file.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
    let files: Vec<_> =
        rust_files(&root).iter().map(|file| (relative(file), fs::read_to_string(file).unwrap())).collect();
    let violations = check_all(&files);
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// CONTRIBUTING.md lists the plain data.
#[test]
fn contributors_are_told_what_is_plain_data() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).unwrap();
    let (_, list) = text.split_once("- **Plain data** (").unwrap();
    let (list, _) = list.split_once(')').unwrap();
    let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, PLAIN_DATA.iter().copied().collect());
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The violations in `files` (path relative to `src`, text), each as `src/PATH:LINE: what: rule`.
fn check_all(files: &[(String, String)]) -> Vec<String> {
    let read: Vec<_> = files.iter().map(|(path, text)| (path, Names::of(path, text))).collect();
    let test_modules: Vec<_> = read.iter().flat_map(|(_, names)| &names.test_modules).collect();
    let is_for_tests = |path: &str| test_modules.iter().any(|test| module_of(path).starts_with(test));
    read.iter().filter(|(path, _)| !is_for_tests(path)).flat_map(|(path, names)| check(path, names)).collect()
}

fn check(path: &str, names: &Names) -> Vec<String> {
    let room = match path.split_once('/') {
        Some((room, _)) => room,
        None => path.trim_end_matches(".rs"),
    };
    let mut violations = BTreeSet::new();
    for Name { parts, line } in &names.named {
        for rule in rules_broken(room, parts) {
            violations.insert((*line, format!("src/{path}:{line}: {}: {rule}", parts.join("::"))));
        }
    }
    violations.into_iter().map(|(_, violation)| violation).collect()
}

/// What is wrong with `room` naming this path.
fn rules_broken(room: &str, parts: &[String]) -> Vec<&'static str> {
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let first = parts[0];
    let mut broken = Vec::new();
    if let ["crate", imported, ..] = parts[..]
        && imported != room
        && let Some(rule) = import_rule(room, imported)
    {
        broken.push(rule);
    }
    let mut only = |condition: bool, rooms: &[&str], rule| {
        if condition && !rooms.contains(&room) {
            broken.push(rule);
        }
    };
    let on_network = NETWORK_CRATES.contains(&first) || parts.starts_with(&["std", "net"]);
    let prints = matches!(parts[..], [name, "!"] if PRINTING_MACROS.contains(&name))
        || parts.ends_with(&["io", "stdout"])
        || parts.ends_with(&["io", "stderr"]);
    let computes = first.starts_with("candle_") || first.starts_with("rten_") || first == "tokenizers";
    only(computes, &["engine"], ENGINE_CRATE_RULE);
    only(on_network, &["fetch"], NETWORK_RULE);
    only(TERMINAL_CRATES.contains(&first), &["cli"], TERMINAL_RULE);
    only(prints, &["cli", "main"], PRINT_RULE);
    only(first == "anyhow", &["cli", "main"], ANYHOW_RULE);
    broken
}

/// Why `room` may not import `imported`, if it may not.
fn import_rule(room: &str, imported: &str) -> Option<&'static str> {
    let is_plain = PLAIN_DATA.contains(&imported);
    // Items of lib.rs itself and names that are no module do not have a direction.
    let is_room =
        is_plain || STAGES.contains(&imported) || imported == "engine" || ON_TOP.contains(&imported);
    let (allowed, rule) = match room {
        "engine" => (matches!(imported, "lang" | "model" | "inference"), ENGINE_RULE),
        "pipeline" => (imported != "cli", PIPELINE_RULE),
        room if STAGES.contains(&room) => (is_plain, STAGE_RULE),
        room if PLAIN_DATA.contains(&room) => (is_plain, PLAIN_RULE),
        room if ON_TOP.contains(&room) => (true, ""),
        _ => return Some(ROOM_RULE),
    };
    (is_room && !allowed).then_some(rule)
}

/// `engine/llm/mod.rs` → `crate engine llm`.
fn module_of(path: &str) -> Vec<String> {
    let mut module = vec!["crate".to_string()];
    module.extend(path.trim_end_matches(".rs").split('/').map(String::from));
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module
}

/// A path that the code names, with `self` and `super` resolved: `crate engine Model`, `std net TcpStream`; a macro
/// call is `println !`.
struct Name {
    parts: Vec<String>,
    line: usize,
}

/// What one file says.
#[derive(Default)]
struct Names {
    named: Vec<Name>,
    /// Modules in files of their own that are compiled for tests only.
    test_modules: Vec<Vec<String>>,
}

impl Names {
    fn of(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("src/{path}: not Rust: {e}"));
        let mut names = Names::default();
        names.read(tokens, &module_of(path));
        names
    }

    /// Collects from `tokens`, which stand in `module`.
    fn read(&mut self, tokens: TokenStream, module: &[String]) {
        let mut tokens = Cursor { tokens: tokens.into_iter().collect(), at: 0 };
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Punct(p) if p.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.peek(0)
                        && is_for_tests(attribute.stream())
                    {
                        tokens.at += 1;
                        if let Some(name) = tokens.skip_item() {
                            self.test_modules.push([module, &[name]].concat());
                        }
                    }
                }
                // `impl Trait + use<'a>` is no import.
                TokenTree::Ident(word) if word == "use" && !tokens.is_punct(0, '<') => {
                    let tree = tokens.take_until(';');
                    self.read_use(&mut Cursor { tokens: tree, at: 0 }, &[], module);
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let (name, body) = (tokens.peek(0).cloned(), tokens.peek(1).cloned());
                    if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) = (name, body) {
                        tokens.at += 2;
                        self.read(body.stream(), &[module, &[name.to_string()]].concat());
                    }
                }
                TokenTree::Ident(word) if word == "extern" => {
                    if let (Some(TokenTree::Ident(_)), Some(TokenTree::Ident(name))) =
                        (tokens.peek(0).cloned(), tokens.peek(1).cloned())
                    {
                        tokens.at += 2;
                        self.add(vec![name], module);
                    }
                }
                TokenTree::Ident(word) => {
                    let mut path = vec![word];
                    while tokens.eat_colons() {
                        let Some(TokenTree::Ident(part)) = tokens.peek(0).cloned() else { break };
                        tokens.at += 1;
                        path.push(part);
                    }
                    let is_macro = matches!(tokens.peek(0), Some(TokenTree::Punct(p)) if p.as_char() == '!')
                        && matches!(tokens.peek(1), Some(TokenTree::Group(_)));
                    if is_macro {
                        let name = path.last().map(plain).unwrap_or_default();
                        let line = path[0].span().start().line;
                        self.named.push(Name { parts: vec![name, "!".into()], line });
                    }
                    // A word alone is a variable or a field as likely as a crate.
                    if path.len() > 1 {
                        self.add(path, module);
                    }
                }
                TokenTree::Group(group) => self.read(group.stream(), module),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// Collects the leaves of `a::{b, c::{d, e as f}, g::*}`.
    fn read_use(&mut self, tree: &mut Cursor, prefix: &[Ident], module: &[String]) {
        let mut path = prefix.to_vec();
        while let Some(token) = tree.next() {
            match token {
                TokenTree::Ident(word) if word == "as" => tree.at += 1,
                TokenTree::Ident(part) => path.push(part),
                TokenTree::Group(group) => {
                    let mut branches = Cursor { tokens: group.stream().into_iter().collect(), at: 0 };
                    while branches.peek(0).is_some() {
                        let branch = branches.take_until(',');
                        self.read_use(&mut Cursor { tokens: branch, at: 0 }, &path, module);
                    }
                    return;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        if !path.is_empty() {
            self.add(path, module);
        }
    }

    fn add(&mut self, path: Vec<Ident>, module: &[String]) {
        let line = path[0].span().start().line;
        let mut parts: Vec<String> = Vec::new();
        for (i, part) in path.iter().map(plain).enumerate() {
            match part.as_str() {
                "self" if i == 0 => parts = module.to_vec(),
                "self" => {}
                "super" => {
                    if i == 0 {
                        parts = module.to_vec();
                    }
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        if !parts.is_empty() {
            self.named.push(Name { parts, line });
        }
    }
}

fn plain(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_string()
}

/// `cfg(test)`, `cfg(all(test, unix))`, `test`; not `cfg(not(test))`.
fn is_for_tests(attribute: TokenStream) -> bool {
    let mut words = Vec::new();
    fn collect(tokens: TokenStream, words: &mut Vec<String>) {
        for token in tokens {
            match token {
                TokenTree::Ident(word) => words.push(word.to_string()),
                TokenTree::Group(group) => collect(group.stream(), words),
                _ => {}
            }
        }
    }
    collect(attribute, &mut words);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    words == ["test"] || (words.first() == Some(&"cfg") && words.contains(&"test") && !words.contains(&"not"))
}

/// A place in a list of tokens.
struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
}

impl Cursor {
    fn peek(&self, ahead: usize) -> Option<&TokenTree> {
        self.tokens.get(self.at + ahead)
    }

    fn next(&mut self) -> Option<TokenTree> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn is_punct(&self, ahead: usize, c: char) -> bool {
        matches!(self.peek(ahead), Some(TokenTree::Punct(p)) if p.as_char() == c)
    }

    fn eat_colons(&mut self) -> bool {
        let found = self.is_punct(0, ':') && self.is_punct(1, ':');
        if found {
            self.at += 2;
        }
        found
    }

    /// The tokens up to `end`, which is passed over.
    fn take_until(&mut self, end: char) -> Vec<TokenTree> {
        let start = self.at.min(self.tokens.len());
        while self.peek(0).is_some() && !self.is_punct(0, end) {
            self.at += 1;
        }
        let taken = self.tokens[start..self.at.min(self.tokens.len())].to_vec();
        self.at += 1;
        taken
    }

    /// Passes over an item: to its body in braces, or to its semicolon. Returns the name in `mod name;`.
    fn skip_item(&mut self) -> Option<String> {
        let start = self.at;
        while let Some(token) = self.next() {
            match token {
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return None,
                TokenTree::Punct(p) if p.as_char() == ';' => break,
                _ => {}
            }
        }
        match &self.tokens[start..self.at.min(self.tokens.len())] {
            [.., TokenTree::Ident(word), TokenTree::Ident(name), _] if word == "mod" => Some(plain(name)),
            _ => None,
        }
    }
}

fn check_one(path: &str, text: &str) -> Vec<String> {
    check_all(&[(path.into(), text.into())])
}

/// The rule each snippet breaks, as found in `src/PATH`.
#[test]
fn a_violation_is_caught() {
    let cases: &[(&str, &str, &str)] = &[
        // a stage and its neighbour, in every way it can be written
        ("write/html.rs", "use crate::segment::split;", STAGE_RULE),
        ("write/html.rs", "use crate::{document::Span, segment::{self, split}};", STAGE_RULE),
        ("write/html.rs", "pub use crate::segment as s;", STAGE_RULE),
        ("write/html.rs", "use super::super::segment;", STAGE_RULE),
        ("write/html.rs", "mod inner { use super::super::super::segment::split; }", STAGE_RULE),
        ("write/mod.rs", "use super::segment::split;", STAGE_RULE),
        ("memory.rs", "use super::engine::Model;", STAGE_RULE),
        ("memory.rs", "fn f() { let x = crate::engine::load(); }", STAGE_RULE),
        ("memory.rs", "fn f(x: &crate::engine::Model) {}", STAGE_RULE),
        ("memory.rs", "fn f() { vec![crate::read::text()]; }", STAGE_RULE),
        ("memory.rs", "macro_rules! m { () => { $crate::read::text() } }", STAGE_RULE),
        ("memory.rs", "impl crate::read::Reader for () {}", STAGE_RULE),
        ("memory.rs", "fn f<'a>() -> impl Sized + use<'a> { crate::read::text() }", STAGE_RULE),
        ("memory.rs", "#[cfg(not(test))] use crate::read;", STAGE_RULE),
        ("memory.rs", "#[cfg(test)] use crate::read; use crate::write;", STAGE_RULE),
        ("memory.rs", "#[cfg(test)] mod tests { } use crate::write;", STAGE_RULE),
        ("verify/checks.rs", "use crate::pipeline::Event;", STAGE_RULE),
        ("batch.rs", "use crate::cli::Args;", STAGE_RULE),
        // the engine, plain data, the pipeline
        ("engine/mod.rs", "use crate::document::Document;", ENGINE_RULE),
        ("engine/llm/mod.rs", "use crate::unit::Score;", ENGINE_RULE),
        ("engine/llm/mod.rs", "use super::super::registry::Registry;", ENGINE_RULE),
        ("unit.rs", "use crate::memory::Key;", PLAIN_RULE),
        ("pipeline.rs", "use crate::cli::progress;", PIPELINE_RULE),
        ("shed/mod.rs", "use crate::document::Span;", ROOM_RULE),
        // crates that belong to one room
        ("verify/checks.rs", "use candle_core::Tensor;", ENGINE_CRATE_RULE),
        ("verify/checks.rs", "use ::candle_core::Tensor;", ENGINE_CRATE_RULE),
        ("verify/checks.rs", "use {candle_core::Tensor, std::io};", ENGINE_CRATE_RULE),
        ("verify/checks.rs", "use candle_nn as nn;", ENGINE_CRATE_RULE),
        ("segment/wrap.rs", "extern crate tokenizers;", ENGINE_CRATE_RULE),
        ("segment/wrap.rs", "fn f(_: &tokenizers::Tokenizer) {}", ENGINE_CRATE_RULE),
        ("lib.rs", "pub use rten_gemm::gemm;", ENGINE_CRATE_RULE),
        ("registry.rs", "use hf_hub::api::sync::Api;", NETWORK_RULE),
        ("cli/doctor.rs", "use std::net::TcpStream;", NETWORK_RULE),
        ("engine/mod.rs", "use std::{io, net::{self, TcpStream}};", NETWORK_RULE),
        ("pipeline.rs", "use indicatif::ProgressBar;", TERMINAL_RULE),
        ("pipeline.rs", "#[derive(clap::Parser)] struct Args;", TERMINAL_RULE),
        ("fetch/hub.rs", "use anyhow::Context;", ANYHOW_RULE),
        ("fetch/hub.rs", "fn f() -> anyhow::Result<()> { Ok(()) }", ANYHOW_RULE),
        // printing
        ("fetch/hub.rs", "fn f() { println!(\"x\"); }", PRINT_RULE),
        ("fetch/hub.rs", "fn f() { if true { std::eprintln!(\"x\") } }", PRINT_RULE),
        ("fetch/hub.rs", "fn f() { dbg!(1); }", PRINT_RULE),
        ("fetch/hub.rs", "use std::io; fn f() { io::stdout().flush(); }", PRINT_RULE),
        ("fetch/hub.rs", "use std::io::{self, stderr};", PRINT_RULE),
    ];
    for (path, code, rule) in cases {
        let violations = check_one(path, code);
        assert!(!violations.is_empty(), "src/{path}: {code}");
        assert!(violations.iter().all(|v| v.ends_with(rule)), "src/{path}: {code}\n{violations:?}");
    }
}

#[test]
fn what_is_allowed_is_left_alone() {
    let cases: &[(&str, &str)] = &[
        (
            "write/html.rs",
            "use crate::{document::Span, unit, run::RunRecord}; use super::table; use crate::write::Save;",
        ),
        ("write/html.rs", "mod inner { use super::super::table; use self::deep::x; }"),
        (
            "engine/llm/mod.rs",
            "use crate::{inference::Translator, lang::Lang}; use super::super::engine::device;",
        ),
        ("engine/llm/mod.rs", "use candle_core::{Tensor, Device}; use tokenizers::Tokenizer;"),
        (
            "pipeline.rs",
            "use crate::{discover, read, segment, memory, batch, engine, verify, write, registry};",
        ),
        ("cli/mod.rs", "use crate::{pipeline, engine, fetch}; use clap::Parser; fn f() { println!(\"x\"); }"),
        ("main.rs", "fn main() -> anyhow::Result<()> { eprintln!(\"x\"); Ok(()) }"),
        ("fetch/url.rs", "use std::net::TcpStream; use hf_hub::Cache;"),
        ("unit.rs", "use crate::brief::Brief;"),
        // not what it looks like
        (
            "memory.rs",
            "// use crate::engine::Model;\n/// [`crate::engine`] println!()\nfn f() { /* crate::read::x */ }",
        ),
        (
            "memory.rs",
            "fn f() { let s = \"use crate::engine::Model;\"; let r = r#\"crate::read::\"x\" println!()\"#; }",
        ),
        ("memory.rs", "fn f(print: bool) { let println = !print; let tokenizers = 1; g.stdout(clap); }"),
        ("memory.rs", "pub(crate) fn f() { crate::SOMETHING; mycrate::engine::x(); write!(out, \"x\"); }"),
        // tests
        ("memory.rs", "#[cfg(test)]\nmod tests { use crate::engine; fn f() { println!(\"x\") } }"),
        ("memory.rs", "#[cfg(all(test, unix))] use crate::engine;\n#[test] fn f() { crate::engine::x(); }"),
        ("memory.rs", "#[cfg(test)] #[path = \"x.rs\"] mod tests;"),
    ];
    for (path, code) in cases {
        assert_eq!(check_one(path, code), Vec::<String>::new(), "src/{path}: {code}");
    }
}

#[test]
fn a_violation_names_file_line_path_and_rule() {
    let violations = check_one("read/txt.rs", "//! Reads text.\n\nuse crate::engine::Model;\n");
    assert_eq!(violations, [format!("src/read/txt.rs:3: crate::engine::Model: {STAGE_RULE}")]);
}

#[test]
fn a_file_is_exempt_when_it_is_declared_for_tests() {
    let files = |declaration: &str| {
        let parent = ("read/mod.rs".to_string(), format!("mod txt; {declaration}"));
        let child = |path: &str| (path.to_string(), "use crate::engine;".to_string());
        [parent, child("read/peers.rs"), child("read/peers/table.rs")]
    };
    assert_eq!(check_all(&files("#[cfg(test)] mod peers;")), Vec::<String>::new());
    assert_eq!(check_all(&files("#[cfg(test)] pub(crate) mod peers;")), Vec::<String>::new());
    assert_eq!(check_all(&files("mod peers;")).len(), 2);
    assert_eq!(check_all(&files("#[cfg(test)] mod other; mod peers;")).len(), 2);
}
