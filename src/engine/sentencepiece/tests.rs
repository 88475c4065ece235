//! Against the reference: cases recorded by `tests/golden/make_sentencepiece.py`; and damaged files, and any
//! text.

use std::fs;

use base64::Engine;
use serde_json::Value;

use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sentencepiece");

/// The bytes of the golden's models, by file name.
fn files() -> Vec<(String, Vec<u8>)> {
    let paths = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "model"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_string(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

fn models() -> Vec<(String, SentencePiece)> {
    files().into_iter().map(|(name, bytes)| (name, SentencePiece::read(&bytes).unwrap())).collect()
}

/// What is not as recorded: of a text and its pieces, or of pieces only.
fn differences(model: &SentencePiece, case: &Value) -> Vec<String> {
    let ids: Vec<u32> = serde_json::from_value(case["ids"].clone()).unwrap();
    let pieces: Vec<&str> = case["pieces"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    let mut ours: Vec<(&str, Value)> =
        vec![("decoded", model.decode(&ids).into()), ("decoded_pieces", model.decode_pieces(&pieces).into())];
    if let Some(text) = case["text"].as_str() {
        ours.push(("normalized", model.normalize(text).into()));
        ours.push(("ids", model.encode(text).into()));
        ours.push(("pieces", model.pieces(text).into()));
    }
    let recorded = |what: &str| match (what, &case[what]) {
        ("decoded_pieces", Value::Null) => &case["decoded"],
        (_, recorded) => recorded,
    };
    let differing = ours.into_iter().filter(|(what, ours)| ours != recorded(what));
    differing
        .map(|(what, ours)| {
            let of =
                [&case["text"], &case["ids"], &case["pieces"]].map(|v| format!("{:.300}", v.to_string()));
            let [ours, theirs] = [&ours, recorded(what)].map(|v| format!("{:.500}", v.to_string()));
            format!("{}: {what} of {of:?}\n  ours   {ours}\n  theirs {theirs}\n", case["model"])
        })
        .collect()
}

fn assert_none(differences: &[String]) {
    let count = differences.len();
    assert!(count == 0, "{count} differences\n{}", differences[..count.min(20)].concat());
}

#[test]
fn ids_pieces_and_texts_are_the_references() {
    let mut models: HashMap<_, _> = models().into_iter().collect();
    let (mut found, mut seen) = (Vec::new(), 0);
    for line in fs::read_to_string(format!("{FOLDER}/cases.jsonl")).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["model"].as_str().unwrap();
        if let Some(file) = case["file"].as_str() {
            let bytes = base64::prelude::BASE64_STANDARD.decode(file).unwrap();
            models.insert(name.into(), SentencePiece::read(&bytes).unwrap());
            continue;
        }
        let model = &models[name];
        if case["ids"].is_array() {
            found.extend(differences(model, &case));
            seen += 1;
        } else {
            let id = |id: Option<u32>| id.map_or(-1, i64::from);
            assert_eq!(case["len"], model.len(), "{name}");
            assert_eq!(case["unk"], id(model.unk_id()), "{name}");
            assert_eq!(case["bos"], id(model.bos_id()), "{name}");
            assert_eq!(case["eos"], id(model.eos_id()), "{name}");
            assert_eq!(case["pad"], id(model.pad_id()), "{name}");
        }
    }
    assert!(seen > 900, "{seen} cases");
    assert_none(&found);
}

/// `TARJUMAN_SPM`: a folder of such cases (*.jsonl) that name their model by its path.
#[test]
#[ignore = "reads the folder that TARJUMAN_SPM names"]
fn a_large_comparison_finds_no_difference() {
    let folder = std::env::var("TARJUMAN_SPM").expect("TARJUMAN_SPM names a folder of *.jsonl");
    let (mut models, mut found, mut seen) = (HashMap::new(), Vec::new(), 0);
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let name = case["model"].as_str().unwrap().to_string();
            let model =
                models.entry(name).or_insert_with_key(|name| SentencePiece::open(Path::new(name)).unwrap());
            found.extend(differences(model, &case));
            seen += 1;
        }
    }
    assert!(seen > 0, "no cases");
    assert_none(&found);
}

/// Numbers that look random (Knuth's MMIX generator).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// Text of any characters, mostly of those that mean something.
    fn text(&mut self) -> String {
        const PARTS: &[&str] = &[
            " ",
            "  ",
            "the",
            "virus",
            "e",
            "a",
            "aa",
            "فيروس",
            "ال",
            "الله",
            "ـ",
            "\u{64b}",
            "\u{301}",
            "<s>",
            "</s>",
            "<unk>",
            "<0x41>",
            "<2en>",
            "<mask>",
            "covid",
            "\t",
            "\n",
            "\u{3000}",
            "\u{a0}",
            "\u{200b}",
            "ﻻ",
            "ﷺ",
            "½",
            "Ａ",
            "👩\u{200d}👧",
            "中",
            "\0",
            "\u{fffd}",
            "\u{10ffff}",
            "ABC",
            "1",
            "٣",
            ".",
            "New",
        ];
        let count = self.below(30);
        (0..count)
            .map(|_| match self.below(10) {
                0 => char::from_u32(self.below(0x11_0000) as u32).unwrap_or('▂').to_string(),
                _ => PARTS[self.below(PARTS.len())].to_string(),
            })
            .collect()
    }
}

#[test]
fn any_text_becomes_pieces_of_the_vocabulary_that_give_it_back() {
    let mut random = Random(1);
    for (name, model) in models() {
        for _ in 0..1000 {
            let text = random.text();
            let (ids, pieces) = (model.encode(&text), model.pieces(&text));
            assert_eq!(ids.len(), pieces.len(), "{name}: {text:?}");
            assert!(
                ids.iter().all(|&id| model.piece(id).is_some() && !model.is_control(id)),
                "{name}: {text:?}"
            );
            let normalized = model.normalize(&text);
            if model.bytes.is_some() {
                let spaces = normalized.replace('▁', " ");
                assert_eq!(
                    model.decode(&ids),
                    spaces.strip_prefix(' ').unwrap_or(&spaces),
                    "{name}: {text:?}"
                );
                assert_eq!(
                    model.decode_pieces(&pieces.iter().map(String::as_str).collect::<Vec<_>>()),
                    model.decode(&ids)
                );
            } else {
                assert_eq!(pieces.concat(), normalized, "{name}: {text:?}");
            }
        }
    }
}

#[test]
fn any_ids_have_a_text() {
    let mut random = Random(2);
    for (_, model) in models() {
        for _ in 0..1000 {
            let ids: Vec<u32> = (0..random.below(20)).map(|_| random.below(model.len() + 3) as u32).collect();
            model.decode(&ids);
        }
        assert_eq!(model.decode(&[model.len() as u32, u32::MAX]), "");
    }
}

#[test]
fn words_of_100_kilobytes_pass() {
    for (name, model) in models() {
        for text in ["a".repeat(100_000), "virus".repeat(20_000), "中".repeat(30_000), " ".repeat(100_000)] {
            assert!(model.pieces(&text).len() <= model.normalize(&text).len(), "{name}");
        }
    }
}

#[test]
fn a_model_is_shared_between_threads() {
    fn check<T: Send + Sync>() {}
    check::<SentencePiece>();
}

/// Reads `bytes` and, if they are a model, runs it.
fn try_out(bytes: &[u8], random: &mut Random) -> Result<(), EngineError> {
    let model = SentencePiece::read(bytes)?;
    for _ in 0..5 {
        let text = random.text();
        model.pieces(&text);
        model.decode(&model.encode(&text));
    }
    Ok(())
}

#[test]
fn a_cut_file_is_named_as_such() {
    let mut random = Random(3);
    for (name, bytes) in files() {
        let step = bytes.len() / 5000 + 1;
        for length in (0..bytes.len()).step_by(step) {
            match try_out(&bytes[..length], &mut random) {
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.starts_with("SentencePiece model: "), "{name} at {length}: {error}");
                }
                // The denormalizer comes last and is no part of every model.
                Ok(()) => {
                    let [whole, cut] = [&bytes, &bytes[..length]].map(|b| ModelProto::decode(b).unwrap());
                    assert_eq!(ModelProto { denormalizer_spec: None, ..whole }, cut, "{name} at {length}");
                }
            }
        }
    }
}

#[test]
fn a_damaged_file_does_no_harm() {
    let mut random = Random(4);
    for (_, bytes) in files() {
        // Big files are mostly rules, which are the same for all.
        for _ in 0..(3_000_000 / bytes.len()).min(500) {
            let mut bytes = bytes.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
            let _ = try_out(&bytes, &mut random);
        }
    }
    for _ in 0..1000 {
        let noise: Vec<u8> = (0..random.below(200)).map(|_| random.below(256) as u8).collect();
        assert!(SentencePiece::read(&noise).is_err());
    }
}

#[test]
fn damaged_rules_do_no_harm() {
    let mut random = Random(5);
    let bytes = fs::read(format!("{FOLDER}/unigram-control.model")).unwrap();
    let file = ModelProto::decode(&*bytes).unwrap();
    let spec = file.normalizer_spec.unwrap();
    let mut read = 0;
    for _ in 0..3000 {
        let mut spec = spec.clone();
        let rules = spec.precompiled_charsmap.as_mut().unwrap();
        for _ in 0..1 + random.below(3) {
            let at = random.below(rules.len());
            rules[at] = random.below(256) as u8;
        }
        if let Ok(normalizer) = Normalizer::new(&spec, false) {
            read += 1;
            for _ in 0..5 {
                normalizer.normalize(&random.text(), None);
            }
        }
    }
    assert!(read > 100, "{read}");
}

#[test]
fn what_is_wrong_with_a_model_is_said() {
    fn error(change: impl FnOnce(&mut ModelProto)) -> String {
        let piece = |text: &str, kind: Kind| PieceProto {
            piece: Some(text.into()),
            score: Some(-1.0),
            r#type: Some(kind as i32),
        };
        let mut model = ModelProto {
            pieces: vec![
                piece("<unk>", Kind::Unknown),
                piece("<s>", Kind::Control),
                piece("a", Kind::Normal),
            ],
            trainer_spec: Some(TrainerSpec::default()),
            normalizer_spec: Some(NormalizerSpec::default()),
            denormalizer_spec: None,
        };
        assert!(SentencePiece::read(&model.encode_to_vec()).is_ok());
        change(&mut model);
        SentencePiece::read(&model.encode_to_vec()).err().unwrap().to_string()
    }
    type Change = fn(&mut ModelProto);
    let cases: &[(Change, &str)] = &[
        (|m| m.trainer_spec = None, "no trainer_spec"),
        (|m| m.normalizer_spec = None, "no normalizer_spec"),
        (|m| m.pieces.clear(), "no pieces"),
        (|m| m.pieces.truncate(2), "no pieces"),
        (|m| m.pieces[0].r#type = Some(1), "no unknown piece"),
        (|m| m.pieces[1].r#type = Some(2), "two unknown pieces"),
        (|m| m.pieces[2].r#type = Some(9), "unknown type 9"),
        (|m| m.pieces[2].piece = None, "empty"),
        (|m| m.pieces[2].piece = Some("a\0".into()), "NUL"),
        (|m| m.pieces[2].score = Some(f32::NAN), "not finite"),
        (|m| m.pieces[1] = m.pieces[2].clone(), "`a` is there twice"),
        (|m| m.pieces[2].r#type = Some(6), "no byte"),
        (
            |m| m.normalizer_spec.as_mut().unwrap().precompiled_charsmap = Some(vec![1, 2, 3]),
            "rules are broken",
        ),
    ];
    for (change, expected) in cases {
        let message = error(change);
        assert!(message.contains(expected), "{message} instead of {expected}");
    }
    let of_type = |kind| error(|m| m.trainer_spec.as_mut().unwrap().model_type = Some(kind));
    assert!(of_type(3).starts_with("not supported: SentencePiece model of the type `word`"));
    assert!(of_type(4).starts_with("not supported: SentencePiece model of the type `char`"));
    assert!(of_type(-5).starts_with("not supported: SentencePiece model of the type `unknown`"));
    let with_bytes = error(|m| m.trainer_spec.as_mut().unwrap().byte_fallback = Some(true));
    assert!(with_bytes.contains("bytes are missing"), "{with_bytes}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = SentencePiece::open(Path::new("no/such.spm")).err().unwrap();
    assert!(missing.to_string().starts_with("no/such.spm: "), "{missing}");
    let other =
        SentencePiece::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))).err().unwrap();
    assert!(other.to_string().contains("Cargo.toml: SentencePiece model: "), "{other}");
}

#[test]
fn the_pieces_of_a_gguf_file_are_used_as_llama_cpp_does() {
    let texts = ["<unk>", "<bos>", "▁", "a", "b", "ab", "▁a", "  ", "   ", "\n\n", "<x>"];
    let kinds = [2, 3, 1, 1, 1, 1, 1, 4, 4, 4, 4];
    let scores: Vec<f32> = (0..texts.len()).map(|i| -(i as f32)).collect();
    let model = |prefix| {
        let texts = texts.iter().map(|t| t.to_string()).collect();
        SentencePiece::from_gguf(texts, &scores, &kinds, prefix).unwrap()
    };
    let plain = model(false);
    for (text, ids) in [
        ("ab", &[5][..]),
        // Two spaces are a symbol of their own, though `▁a` would be a better pair.
        ("b  a", &[4, 7, 3]),
        ("b    a", &[4, 8, 6]),
        ("a a", &[3, 6]),
        ("a\n\nb<x>", &[3, 9, 4, 10]),
        // What nobody knows, and what only we may write.
        ("a?a", &[3, 0, 3]),
    ] {
        assert_eq!(plain.encode(text), ids, "{text}");
        if !ids.contains(&0) {
            assert_eq!(plain.decode(ids), text);
        }
    }
    assert!(!plain.encode("<bos>").contains(&1));
    assert_eq!(plain.decode(&[1, 3, 0]), "a");
    assert_eq!(model(true).encode("a"), [6]);
    assert_eq!(model(true).decode(&[6]), "a");
    let short = SentencePiece::from_gguf(vec!["a".into()], &[], &[1], false);
    assert!(short.err().unwrap().to_string().contains("1 pieces, 0 scores"));
}
