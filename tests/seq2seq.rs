//! Encoder-decoders against Hugging Face transformers: small random models of every family with recorded ids, encoder
//! outputs, logits and hypotheses. `tests/golden/make_golden.py` made `tests/data/seq2seq` and says how.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::Tensor;
use serde_json::Value;
use tarjuman::engine::candidates::{Candidate, Constraint};
use tarjuman::engine::prepared::Prepared;
use tarjuman::engine::search::{Decoder, Found, Prompt, SearchOptions, search};
use tarjuman::engine::seq2seq::Seq2Seq;
use tarjuman::engine::workers::Hand;
use tarjuman::engine::{Device, LoadOptions, Precision};
use tarjuman::inference::{DecodeOptions, EarlyStopping, Generator, Translator, Unwatched};
use tarjuman::model::InstalledModel;

struct Case {
    name: String,
    golden: Value,
    tensors: HashMap<String, Tensor>,
    model: Seq2Seq,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/seq2seq")
}

fn installed(folder: &Path) -> InstalledModel {
    let config: Value = read_json(&folder.join("config.json"));
    let family = match config["model_type"].as_str().unwrap() {
        "m2m_100" => "m2m100",
        other => other,
    };
    let task = if family == "bart" { "brief" } else { "translate" };
    let mut spec =
        format!("name = 'tiny'\nabout = ''\ntasks = ['{task}']\nfamily = '{family}'\nlicence = ''\n");
    let golden = read_json(&folder.join("golden.json"));
    if let Some(prompt) = golden["prompt"].as_str().filter(|prompt| !prompt.is_empty()) {
        spec.push_str(&format!("prompt = {{ template = '{prompt}{{source}}' }}\n"));
    }
    let files: BTreeMap<String, PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(name, _)| !name.starts_with("golden"))
        .collect();
    InstalledModel { spec: toml::from_str(&spec).unwrap(), files, digest: String::new(), store: None }
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn options(threads: usize) -> LoadOptions {
    LoadOptions { device: Device::Cpu, threads, precision: Precision::F32 }
}

fn cases() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(data()).unwrap().map(|e| e.unwrap().path()).collect();
    folders.retain(|folder| folder.join("golden.json").exists());
    folders.sort();
    assert!(folders.len() >= FAMILIES, "{folders:?}");
    let case = |folder: PathBuf| Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        golden: read_json(&folder.join("golden.json")),
        tensors: candle_core::safetensors::load(folder.join("golden.safetensors"), &candle_core::Device::Cpu)
            .unwrap(),
        model: Seq2Seq::load(&installed(&folder), &options(1)).unwrap(),
    };
    folders.into_iter().map(case).collect()
}

/// At least one case a family.
const FAMILIES: usize = 4;

fn ids(value: &Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn all_ids(value: &Value) -> Vec<Vec<u32>> {
    value.as_array().unwrap().iter().map(ids).collect()
}

fn slices(rows: &[Vec<u32>]) -> Vec<&[u32]> {
    rows.iter().map(Vec::as_slice).collect()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap()
}

#[test]
fn sources_become_the_same_ids() {
    for case in cases() {
        let sources = case.golden["sources"].as_array().unwrap();
        for (source, wanted) in sources.iter().zip(all_ids(&case.golden["source_ids"])) {
            let source = source.as_str().unwrap();
            assert_eq!(case.model.vocabulary().encode(source).unwrap(), wanted, "{}: {source}", case.name);
        }
    }
}

#[test]
fn the_encoder_computes_the_same_alone_and_padded() {
    for case in cases() {
        let sources = all_ids(&case.golden["source_ids"]);
        let (together, _) = case.model.tensors().unwrap().encode(&slices(&sources)).unwrap();
        for (i, source) in sources.iter().enumerate() {
            let (alone, _) = case.model.tensors().unwrap().encode(&[source]).unwrap();
            let wanted = &case.tensors[&format!("encoder.{i}")];
            let difference = largest_difference(&alone.squeeze(0).unwrap(), wanted);
            assert!(difference < 1e-4, "{}: source {i} is off by {difference}", case.name);
            let padded = together.get(i).unwrap().narrow(0, 0, source.len()).unwrap();
            let difference = largest_difference(&padded, wanted);
            assert!(difference < 1e-4, "{}: source {i}, padded, is off by {difference}", case.name);
        }
    }
}

#[test]
fn logits_are_the_same_at_every_step() {
    for case in cases() {
        let sources = all_ids(&case.golden["source_ids"]);
        let targets = all_ids(&case.golden["targets"]);
        let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
        let network = case.model.tensors().unwrap();
        let mut rows = network.start(&slices(&sources)).unwrap();
        let mut previous = vec![start; sources.len()];
        for step in 0..targets[0].len() {
            let logits = network.logits(&mut rows, &previous).unwrap();
            for (i, target) in targets.iter().enumerate() {
                let wanted = case.tensors[&format!("logits.{i}")].get(step).unwrap();
                let difference = largest_difference(&logits.get(i).unwrap(), &wanted);
                assert!(difference < 1e-4, "{}: source {i}, step {step}: off by {difference}", case.name);
                previous[i] = target[step];
            }
        }
    }
}

/// A recorded search, and what it found for each source.
struct Recorded<'a> {
    name: &'a str,
    banned: Vec<Vec<u32>>,
    json: &'a Value,
    results: &'a [Value],
}

impl Recorded<'_> {
    fn all(case: &Case) -> Vec<Recorded<'_>> {
        let searches = case.golden["searches"].as_array().unwrap();
        searches
            .iter()
            .map(|s| Recorded {
                name: s["name"].as_str().unwrap(),
                banned: ids(&s["options"]["banned"]).into_iter().map(|id| vec![id]).collect(),
                json: &s["options"],
                results: s["results"].as_array().unwrap(),
            })
            .collect()
    }

    fn number(&self, key: &str) -> usize {
        self.json[key].as_u64().unwrap() as usize
    }

    fn run(&self, case: &Case, sources: &[Vec<u32>]) -> Vec<Vec<Found>> {
        let end = case.golden["eos"].as_u64().unwrap() as u32;
        let token = |key: &str| self.json[key].as_u64().map(|id| id as u32);
        let options = SearchOptions {
            beam: self.number("beam"),
            length_penalty: self.json["length_penalty"].as_f64().unwrap() as f32,
            early_stopping: match &self.json["early_stopping"] {
                Value::Bool(false) => EarlyStopping::Heuristic,
                Value::Bool(true) => EarlyStopping::First,
                other => {
                    assert_eq!(other, "never");
                    EarlyStopping::Never
                }
            },
            no_repeat_ngram: self.number("no_repeat_ngram"),
            repetition_penalty: self.json["repetition_penalty"].as_f64().unwrap() as f32,
            renormalize: self.json["renormalize"].as_bool().unwrap_or(false),
            banned: &self.banned,
            forced_first: token("forced_first"),
            forced_last: token("forced_last"),
            ends: &[end],
            ..SearchOptions::default()
        };
        let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
        let start = [vec![start], ids(&self.json["prefix"])].concat();
        let (min_tokens, max_tokens) = (self.number("min_tokens"), self.number("max_tokens"));
        let prompt = |source| Prompt { source, start: &start, min_tokens, max_tokens };
        let prompts: Vec<Prompt> = sources.iter().map(|s| prompt(s.as_slice())).collect();
        let order: Vec<usize> = (0..prompts.len()).collect();
        let (network, hand) = (case.model.tensors().unwrap(), Hand::of(&order, order.len()));
        let watch = Unwatched::default();
        let mut found = search(network, &prompts, hand, &options, &watch, |_, found| Ok(found)).unwrap();
        found.sort_by_key(|(prompt, _)| *prompt);
        found.into_iter().map(|(_, found)| found).collect::<Vec<_>>()
    }
}

#[test]
fn searches_find_the_same_hypotheses_with_the_same_scores() {
    for case in cases() {
        let sources = all_ids(&case.golden["source_ids"]);
        for recorded in Recorded::all(&case) {
            let together = recorded.run(&case, &sources);
            let alone = sources.iter().map(|s| recorded.run(&case, std::slice::from_ref(s)).remove(0));
            let by_source = together.iter().zip(alone).zip(recorded.results).enumerate();
            for (i, ((together, alone), wanted)) in by_source {
                let at = format!("{}: {}, source {i}", case.name, recorded.name);
                for found in [together, &alone] {
                    for (n, wanted) in wanted.as_array().unwrap().iter().enumerate() {
                        let found = &found[n];
                        assert_eq!(found.ids, ids(&wanted["ids"]), "{at}, hypothesis {n}");
                        let near = |a: f32, b: &Value| (f64::from(a) - b.as_f64().unwrap()).abs() < 1e-3;
                        if recorded.number("beam") > 1 {
                            assert!(near(found.score, &wanted["score"]), "{at}: {found:?}, {wanted}");
                        }
                        let log_probs = wanted["log_probs"].as_array().unwrap();
                        assert_eq!(found.log_probs.len(), log_probs.len(), "{at}");
                        let same = found.log_probs.iter().zip(log_probs).all(|(a, b)| near(*a, b));
                        assert!(same, "{at}: {found:?}, {wanted}");
                        let whole = [ids(&recorded.json["prefix"]), found.ids.clone()].concat();
                        let text = case.model.vocabulary().decode(&whole).unwrap();
                        // That tokenizer forgets to leave out the language's tag.
                        let wanted = wanted["text"].as_str().unwrap().trim_start_matches("__en__").trim();
                        assert_eq!(text, wanted, "{at}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_batch_equals_its_members_alone_whatever_its_shape() {
    for folder in ["marian-base", "m2m100", "t5-v11"] {
        let folder = data().join(folder);
        let texts = read_json(&folder.join("golden.json"));
        let texts: Vec<&str> =
            texts["sources"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
        let single = Seq2Seq::load(&installed(&folder), &options(1)).unwrap();
        for beam in [1, 4] {
            let decode = |batch| DecodeOptions { beam, batch, ..DecodeOptions::default() };
            let run = |model: &Seq2Seq, texts: &[&str], batch| {
                model.translate(texts, &decode(batch), &Unwatched::default()).unwrap()
            };
            let alone: Vec<_> = texts.iter().map(|text| run(&single, &[text], 1).remove(0)).collect();
            for threads in [1, 3] {
                let model = Seq2Seq::load(&installed(&folder), &options(threads)).unwrap();
                for batch in [1, 3, 32] {
                    for (together, alone) in run(&model, &texts, batch).iter().zip(&alone) {
                        assert_eq!(together.len(), alone.len());
                        for (a, b) in together.iter().zip(alone) {
                            assert_eq!((&a.text, a.tokens, a.finished), (&b.text, b.tokens, b.finished));
                            assert!((a.mean_log_prob - b.mean_log_prob).abs() < 1e-4, "{a:?}, {b:?}");
                        }
                    }
                }
            }
        }
    }
}

fn free(rows: usize) -> Vec<Constraint> {
    vec![Constraint::default(); rows]
}

fn check_reordering<D: Decoder>(case: &Case, network: &D, tolerance: f32) {
    let sources = all_ids(&case.golden["source_ids"]);
    let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
    let mut rows = network.start(&slices(&sources)).unwrap();
    network.step(&mut rows, &vec![start; sources.len()], 1, &free(sources.len())).unwrap();
    network.reorder(&mut rows, &[3, 1, 3]).unwrap();
    network.reorder(&mut rows, &[2, 0, 1]).unwrap();
    let found = network.step(&mut rows, &[20, 21, 22], 4, &free(3)).unwrap();
    for (found, (source, id)) in found.iter().zip([(3, 20), (3, 21), (1, 22)]) {
        let mut row = network.start(&[&sources[source]]).unwrap();
        network.step(&mut row, &[start], 1, &free(1)).unwrap();
        let wanted = network.step(&mut row, &[id], 4, &free(1)).unwrap().remove(0);
        for (f, w) in found.iter().zip(&wanted) {
            assert!(f.id == w.id && (f.log_prob - w.log_prob).abs() <= tolerance, "{}: {found:?}", case.name);
        }
    }
    network.reorder(&mut rows, &[]).unwrap();
}

#[test]
fn rows_can_be_reordered_repeated_and_dropped() {
    for case in cases() {
        check_reordering(&case, case.model.tensors().unwrap(), 1e-4);
        check_reordering(&case, int8(&case).int8().unwrap(), 0.0);
    }
}

/// The same model as the program runs it on the CPU.
fn int8(case: &Case) -> Seq2Seq {
    load_int8(&data().join(&case.name), 1)
}

fn load_int8(folder: &Path, threads: usize) -> Seq2Seq {
    let options = LoadOptions { precision: Precision::Auto, ..options(threads) };
    Seq2Seq::load(&installed(folder), &options).unwrap()
}

/// The 8 best tokens at each step of the recorded targets.
fn forced<D: Decoder>(case: &Case, network: &D) -> Vec<Vec<Candidate>> {
    let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
    forced_rows(&all_ids(&case.golden["source_ids"]), &all_ids(&case.golden["targets"]), start, network)
}

fn forced_rows<D: Decoder>(
    sources: &[Vec<u32>],
    targets: &[Vec<u32>],
    start: u32,
    network: &D,
) -> Vec<Vec<Candidate>> {
    let mut rows = network.start(&slices(sources)).unwrap();
    let mut previous = vec![start; sources.len()];
    let mut all = Vec::new();
    for step in 0..targets.iter().map(Vec::len).max().unwrap() {
        let found = network.step(&mut rows, &previous, 8, &free(sources.len())).unwrap();
        all.extend(found.into_iter().zip(targets).filter(|(_, t)| step < t.len()).map(|(found, _)| found));
        previous = targets.iter().map(|t| t.get(step).copied().unwrap_or(start)).collect();
    }
    all
}

#[test]
fn how_a_summary_is_searched_and_computed_is_part_of_what_it_is_remembered_by() {
    let mut model = installed(&data().join("bart-cnn"));
    let fingerprint = |model: &InstalledModel, precision| {
        Seq2Seq::load(model, &LoadOptions { precision, ..options(1) }).unwrap().fingerprint()
    };
    let plain = fingerprint(&model, Precision::F32);
    assert_eq!(fingerprint(&model, Precision::F32), plain);
    assert_ne!(fingerprint(&model, Precision::Auto), plain, "int8");
    model.spec.decode.beam += 1;
    assert_ne!(fingerprint(&model, Precision::F32), plain, "a wider beam");
}

/// Widths of 20 average out little of the rounding; a wrong operation anywhere is off by whole units.
#[test]
fn int8_is_close_to_f32() {
    for case in cases() {
        let (got, want) =
            (forced(&case, int8(&case).int8().unwrap()), forced(&case, case.model.tensors().unwrap()));
        let (mut squares, mut n, mut same) = (0.0, 0, 0);
        for (got, want) in got.iter().zip(&want) {
            same += usize::from(got[0].id == want[0].id);
            for w in &want[..3] {
                let Some(g) = got.iter().find(|g| g.id == w.id) else { continue };
                squares += (g.log_prob - w.log_prob).powi(2);
                n += 1;
            }
        }
        let (rms, all) = ((squares / n as f32).sqrt(), want.len());
        eprintln!("{}: rms {rms:.3}, the best token the same on {same} of {all} steps", case.name);
        assert!(n * 10 >= 3 * all * 9, "{}: {n} of {} candidates were found", case.name, 3 * all);
        assert!(rms < 0.3 && same * 4 >= all * 3, "{}: rms {rms}, {same} of {all} the same", case.name);
    }
}

#[test]
fn in_int8_a_batch_equals_its_members_to_the_bit() {
    for folder in ["marian-base", "m2m100", "t5-v11", "bart-cnn"] {
        let folder = data().join(folder);
        let golden = read_json(&folder.join("golden.json"));
        let sources = all_ids(&golden["source_ids"]);
        let limits: Vec<(usize, usize)> = (0..sources.len()).map(|i| (0, 5 + 2 * i)).collect();
        let load = |threads| load_int8(&folder, threads);
        let run = |model: &Seq2Seq, which: std::ops::Range<usize>, beam, batch| -> Vec<Vec<Found>> {
            let decode = DecodeOptions { beam, ..DecodeOptions::default() };
            let options = model.search_options(&decode);
            let (sources, limits) = (&sources[which.clone()], &limits[which]);
            model
                .search(sources, limits, &options, batch, &Unwatched::default(), |_, found| Ok(found))
                .unwrap()
        };
        let single = load(1);
        for beam in [1, 4] {
            let alone: Vec<_> =
                (0..sources.len()).map(|i| run(&single, i..i + 1, beam, 1).remove(0)).collect();
            for threads in [1, 3] {
                let model = load(threads);
                // With few under way, others come in while rows stand at different positions.
                for batch in [1, 2, 3, 32] {
                    let together = run(&model, 0..sources.len(), beam, batch * beam);
                    assert_eq!(together, alone, "beam {beam}, {threads} threads, batch {batch}");
                }
            }
        }
    }
}

#[test]
fn weights_prepared_by_an_earlier_load_compute_the_same() {
    for case in cases() {
        let store = tempfile::tempdir().unwrap();
        let model =
            InstalledModel { store: Some(store.path().to_path_buf()), ..installed(&data().join(&case.name)) };
        let options = LoadOptions { precision: Precision::Auto, ..options(1) };
        let wanted = forced(&case, int8(&case).int8().unwrap());
        for is_found in [false, true] {
            assert_eq!(Prepared::open(&model).is_found(), is_found);
            let loaded = Seq2Seq::load(&model, &options).unwrap();
            assert_eq!(forced(&case, loaded.int8().unwrap()), wanted, "{}", case.name);
        }
    }
}

/// MADLAD-400 is published as a GGUF file with the names of the safetensors file, some tensors quantised.
#[test]
fn a_gguf_file_of_t5_computes_the_same() {
    use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
    let folder = copy_with("t5-v11", |_| ());
    let weights = folder.path().join("model.safetensors");
    let tensors = candle_core::safetensors::load(&weights, &candle_core::Device::Cpu).unwrap();
    std::fs::remove_file(weights).unwrap();
    let quantized: Vec<(String, QTensor)> = tensors
        .into_iter()
        // candle's converter keeps the embedding under the decoder's name.
        .map(|(name, tensor)| (name.replace("shared.", "decoder.embed_tokens."), tensor))
        .map(|(name, tensor)| (name, QTensor::quantize(&tensor, GgmlDType::F32).unwrap()))
        .collect();
    let list: Vec<(&str, &QTensor)> =
        quantized.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = std::fs::File::create(folder.path().join("model.gguf")).unwrap();
    gguf_file::write(&mut file, &[], &list).unwrap();
    let model = Seq2Seq::load(&installed(folder.path()), &options(1)).unwrap();
    let case = cases().into_iter().find(|case| case.name == "t5-v11").unwrap();
    let sources = all_ids(&case.golden["source_ids"]);
    let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
    let mut rows = model.tensors().unwrap().start(&slices(&sources)).unwrap();
    let logits = model.tensors().unwrap().logits(&mut rows, &vec![start; sources.len()]).unwrap();
    for i in 0..sources.len() {
        let wanted = case.tensors[&format!("logits.{i}")].get(0).unwrap();
        assert!(largest_difference(&logits.get(i).unwrap(), &wanted) < 1e-4, "source {i}");
    }
}

fn error_of(model: &InstalledModel) -> String {
    match Seq2Seq::load(model, &options(1)) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// A copy of a case whose `config.json` is changed.
fn copy_with(case: &str, change: impl FnOnce(&mut Value)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(data().join(case)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config = read_json(&path);
    change(&mut config);
    std::fs::write(path, config.to_string()).unwrap();
    folder
}

#[test]
fn weights_that_do_not_fit_are_listed_with_names_and_shapes() {
    let fewer = copy_with("marian-base", |c| c["decoder_layers"] = 2.into());
    let error = error_of(&installed(fewer.path()));
    assert!(
        error.contains("model.decoder.layers.2.") && error.contains("in no place of the config"),
        "{error}"
    );
    assert!(error.contains("more") && error.contains("hint:") && error.lines().count() == 2, "{error}");

    let more = copy_with("marian-base", |c| c["encoder_layers"] = 3.into());
    let error = error_of(&installed(more.path()));
    assert!(error.contains("model.encoder.layers.2.") && error.contains("is missing"), "{error}");

    let wider = copy_with("bart-legacy", |c| {
        c["encoder_ffn_dim"] = (c["encoder_ffn_dim"].as_u64().unwrap() + 1).into();
    });
    let error = error_of(&installed(wider.path()));
    assert!(
        error.contains("model.encoder.layers.0.fc1.weight is [") && error.contains("instead of ["),
        "{error}"
    );
}

#[test]
fn configurations_that_make_no_sense_are_errors() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &str); 11] = [
        ("marian-base", |c| c["d_model"] = (1u64 << 24).into(), "a width of 16777216"),
        ("marian-base", |c| c["encoder_layers"] = (1u64 << 24).into(), "16777216 layers"),
        ("m2m100", |c| c["max_position_embeddings"] = (1u64 << 24).into(), "16777216 positions"),
        ("marian-base", |c| c["d_model"] = Value::Null, "`d_model` is missing"),
        ("marian-base", |c| c["d_model"] = (1u64 << 60).into(), "`d_model` is"),
        ("marian-base", |c| c["encoder_attention_heads"] = 4.into(), "4 attention heads for a width of"),
        ("marian-base", |c| c["encoder_layers"] = (-1).into(), "`encoder_layers` is -1"),
        ("marian-base", |c| c["activation_function"] = "sigmoid".into(), "activation `sigmoid` is not known"),
        ("t5-v11", |c| c["num_heads"] = 0.into(), "`num_heads` is 0"),
        ("m2m100", |c| c["eos_token_id"] = Value::Null, ""),
        ("bart-cnn", |c| c["vocab_size"] = 3.into(), "instead of [3, "),
    ];
    for (case, change, wanted) in cases {
        let folder = copy_with(case, change);
        let error = error_of(&installed(folder.path()));
        assert!(error.contains(wanted), "{case}: {error}, not {wanted}");
    }
}

#[test]
fn damaged_files_are_errors_that_name_the_file() {
    for (case, name) in [
        ("marian-base", "model.safetensors"),
        ("marian-big", "pytorch_model.bin"),
        ("marian-base", "source.spm"),
        ("marian-base", "vocab.json"),
        ("marian-base", "config.json"),
        ("m2m100", "sentencepiece.bpe.model"),
        ("t5-v11", "spiece.model"),
        ("bart-legacy", "pytorch_model.bin"),
    ] {
        let folder = copy_with(case, |_| ());
        let model = installed(folder.path());
        let path = folder.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        for len in [0, 1, whole.len() / 3, whole.len() - 3] {
            std::fs::write(&path, &whole[..len]).unwrap();
            let error = error_of(&model);
            assert!(!error.is_empty(), "{case}: {name} cut to {len} bytes");
            assert!(error.lines().count() <= 2, "{case}: {name} cut to {len} bytes: {error}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(error_of(&model).contains(name.split('.').next().unwrap()), "{case}: {name}");
    }
}

/// `TARJUMAN_FULL=DIR`, made by `make_golden.py --full`: a model of published size. Prints load times and rates, and
/// how near int8 is, given the reference's tokens.
#[test]
#[ignore = "needs a model of full size"]
fn a_model_of_full_size_agrees() {
    let folder = PathBuf::from(std::env::var("TARJUMAN_FULL").expect("TARJUMAN_FULL"));
    let started = std::time::Instant::now();
    let model = Seq2Seq::load(&installed(&folder), &options(2)).unwrap();
    eprintln!("loaded in {:.1?}", started.elapsed());
    let golden = read_json(&folder.join("golden.json"));
    let case = Case { name: "full".into(), golden, tensors: HashMap::new(), model };
    let sources = all_ids(&case.golden["source_ids"]);
    let started = std::time::Instant::now();
    let int8 = load_int8(&folder, 2);
    eprintln!("int8 loaded in {:.1?}", started.elapsed());
    let greedy = Recorded::all(&case).into_iter().find(|r| r.name == "greedy").unwrap();
    let targets: Vec<Vec<u32>> = greedy.results.iter().map(|r| ids(&r[0]["ids"])).collect();
    let start = case.golden["decoder_start"].as_u64().unwrap() as u32;
    let (got, want) = (
        forced_rows(&sources, &targets, start, int8.int8().unwrap()),
        forced_rows(&sources, &targets, start, case.model.tensors().unwrap()),
    );
    let same = got.iter().zip(&want).filter(|(g, w)| g[0].id == w[0].id).count();
    let differences: Vec<f32> = got
        .iter()
        .zip(&want)
        .flat_map(|(g, w)| w[..3].iter().filter_map(|w| Some((g.iter().find(|g| g.id == w.id)?, w))))
        .map(|(g, w)| (g.log_prob - w.log_prob).powi(2))
        .collect();
    let rms = (differences.iter().sum::<f32>() / differences.len() as f32).sqrt();
    eprintln!(
        "int8: the best token is that of f32 on {same} of {} steps, log-probabilities differ by {rms:.3}",
        want.len()
    );
    for recorded in Recorded::all(&case) {
        let started = std::time::Instant::now();
        let found = recorded.run(&case, &sources);
        let tokens: usize = found.iter().map(|f| f[0].ids.len()).sum();
        eprintln!("{}: {tokens} tokens in {:.1?}", recorded.name, started.elapsed());
        for (i, (found, wanted)) in found.iter().zip(recorded.results).enumerate() {
            for (found, wanted) in found.iter().zip(wanted.as_array().unwrap()) {
                assert_eq!(found.ids, ids(&wanted["ids"]), "{}, source {i}", recorded.name);
                if recorded.number("beam") > 1 {
                    let score = wanted["score"].as_f64().unwrap();
                    assert!((f64::from(found.score) - score).abs() < 1e-3, "{found:?}, {score}");
                }
            }
        }
    }
}
