//! Documents for the tests of this room. The Arabic was written for them.

use crate::brief::{Brief, Figure, Point};
use crate::document::{Block, BlockKind, Document, EncodingSource, Span, TextEncoding};
use crate::run::{DocumentRecord, IgnoredFile, Outcome, RunRecord};
use crate::similar::NearDuplicate;
use crate::unit::{
    Attempt, Check, DocumentRisk, Finding, Ledger, ModelStamp, Models, Risk, Score, State,
    TranslatedDocument, TranslationUnit,
};

/// A document of blocks, each with the gap before it and its sentences (joined by one space), and the text at the
/// end. Every unit is copied.
pub(super) fn build(id: &str, blocks: &[(&str, BlockKind, &[&str])], tail: &str) -> TranslatedDocument {
    let mut text = String::new();
    let (mut spans, mut units) = (Vec::new(), Vec::new());
    for (block, (gap, kind, sentences)) in blocks.iter().enumerate() {
        text.push_str(gap);
        let block_start = text.len();
        for (n, sentence) in sentences.iter().enumerate() {
            if n > 0 {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(sentence);
            units.push(TranslationUnit {
                document: id.into(),
                index: units.len(),
                span: Span::new(start, text.len()),
                block,
                kind: *kind,
                source: (*sentence).into(),
                source_normalized: (*sentence).into(),
                target: (*sentence).into(),
                state: State::Copied,
                reason: None,
                findings: Vec::new(),
                attempts: Vec::new(),
                reviewed: false,
                respelled: Vec::new(),
                pieces: 1,
                score: None,
            });
        }
        spans.push(Block { kind: *kind, span: Span::new(block_start, text.len()) });
    }
    text.push_str(tail);
    let encoding = TextEncoding { name: "UTF-8".into(), source: EncodingSource::ValidUtf8, undecodable: 0 };
    let document = Document {
        id: id.into(),
        digest: "d1".into(),
        format: "md".into(),
        encoding,
        text,
        blocks: spans,
        notes: Vec::new(),
        original: None,
    };
    TranslatedDocument { name: super::links::stem(id).into(), document, units, brief: None, models: models() }
}

fn models() -> Models {
    let translator = ModelStamp {
        name: "echo".into(),
        digest: "0123456789abcdef0123456789abcdef".into(),
        licence: "Apache-2.0".into(),
        quality: "FLORES-200 dev: 16.0 BLEU / 46.0 chrF".into(),
        warning: Some("This is a weak model: names and numbers may be wrong.".into()),
    };
    Models { translator, second: None, writer: None }
}

/// A report with all that outputs must show: every state, a brief, a list, code, markup in its text.
pub(super) fn report() -> TranslatedDocument {
    let mut doc = build(
        "north/flood report.md",
        &[
            ("# ", BlockKind::Heading(1), &["تقرير عن الفيضان"]),
            (
                "\n\n",
                BlockKind::Paragraph,
                &["وصل 25 متطوعاً إلى القرية.", "قال أحدهم: <script>alert(1)</script>", "انقطع الطريق."],
            ),
            ("\n\n```\nid=7\n```\n\n- ", BlockKind::ListItem, &["خيام"]),
            ("\n- ", BlockKind::ListItem, &["+963 11 555"]),
        ],
        "\n",
    );
    let outcomes = [
        ("Report on the flood", State::Translated, None),
        ("Volunteers reached the village.", State::Flagged, Some((Check::Numbers, "25 is missing"))),
        ("One said: <script>alert(1)</script>", State::Repaired, None),
        ("", State::Skipped, None),
        ("Tents", State::Translated, None),
        ("+963 11 555", State::Copied, None),
    ];
    for (unit, (target, state, finding)) in doc.units.iter_mut().zip(outcomes) {
        unit.target = target.into();
        unit.state = state;
        if state == State::Repaired {
            unit.attempts = vec![Attempt { step: "wider beam".into(), checks: Vec::new(), kept: true }];
        }
        unit.findings =
            finding.map(|(check, detail)| Finding { check, detail: detail.into() }).into_iter().collect();
        unit.reason = (state == State::Skipped).then(|| "the model gave no answer".into());
    }
    doc.units[4].score = Some(Score { mean_log_prob: -0.9, min_log_prob: -2.0, tokens: 3 });
    doc.brief = Some(Brief {
        method: "extractive".into(),
        headline: Point { text: "Report on the flood".into(), units: vec![0] },
        who: Vec::new(),
        places: vec![
            Point { text: "Al-Nour".into(), units: vec![1, 2] },
            Point { text: "Homs <b>".into(), units: vec![4] },
        ],
        dates: vec![Point { text: "12 May 2016".into(), units: vec![1] }],
        points: vec![
            Point { text: "Volunteers reached the village.".into(), units: vec![1] },
            Point { text: "One said: <script>alert(1)</script>".into(), units: vec![2, 4] },
        ],
        figures: vec![Figure {
            value: "555".into(),
            sentence: "+963 11 555".into(),
            unit: 5,
            also: Vec::new(),
        }],
        doubted: doc.units.iter().filter(|unit| unit.risk() == Risk::High).map(|unit| unit.index).collect(),
        dropped: 0,
    });
    doc
}

/// A run over [`report`] in which two more documents came to grief.
pub(super) fn run() -> RunRecord {
    let doc = report();
    let done = DocumentRecord {
        id: doc.document.id.clone(),
        token: crate::run::token(&doc.document.id),
        digest: "d1".into(),
        bytes: 300,
        outcome: Outcome::Done,
        encoding: Some(TextEncoding {
            name: "windows-1256".into(),
            source: EncodingSource::Detected,
            undecodable: 1,
        }),
        notes: vec!["pages 3 and 7 have no text layer and were not read".into()],
        ledger: doc.ledger(),
        risk: Some(DocumentRisk::of(&doc.units)),
        near_duplicate: None,
        first_seen: None,
        changed: false,
        title: doc.title().unwrap_or_default().into(),
        brief: doc.brief.clone(),
        outputs: super::output_paths(&doc, &super::Format::ALL)
            .iter()
            .map(|path| super::links::slashed(path))
            .collect(),
    };
    let other = |id: &str, outcome| DocumentRecord {
        id: id.into(),
        token: crate::run::token(id),
        digest: String::new(),
        bytes: 0,
        outcome,
        encoding: None,
        notes: Vec::new(),
        ledger: Ledger::default(),
        risk: None,
        near_duplicate: None,
        first_seen: None,
        changed: false,
        title: String::new(),
        brief: None,
        outputs: Vec::new(),
    };
    let copy = DocumentRecord {
        id: "south/copy.txt".into(),
        near_duplicate: Some(NearDuplicate {
            of: done.id.clone(),
            same_text: false,
            shared: 92,
            numbers_here: Some(vec!["25".into()]),
            numbers_there: Some(vec!["26".into()]),
        }),
        first_seen: Some("2026-01-01T00:00:00Z".into()),
        changed: true,
        outputs: Vec::new(),
        ..done.clone()
    };
    let mut ledger = done.ledger;
    ledger.add(&copy.ledger);
    RunRecord {
        version: "0.1.0".into(),
        started: "2026-01-01T00:00:00Z".into(),
        seconds: 12.5,
        interrupted: false,
        options: [("model".to_owned(), "echo".to_owned())].into(),
        device: "cpu (2 threads)".into(),
        models: models(),
        ledger,
        documents: vec![
            done,
            other(
                "south/a<b>.txt",
                Outcome::Failed { error: "cannot read it".into(), hint: "check its rights".into() },
            ),
            copy,
            other("south/empty.txt", Outcome::NothingToTranslate { reason: "it is empty".into() }),
            other("south/late.txt", Outcome::NotReached),
        ],
        arrivals: "2026-01-01T00:00:00Z".into(),
        new_from: Some("2026-01-01T00:00:00Z".into()),
        since: None,
        earlier: Vec::new(),
        from_memory: 3,
        target_tokens: 99,
        ignored: vec![IgnoredFile {
            id: "south/<scan>.pdf".into(),
            reason: "not a format that can be read".into(),
        }],
        tables: [("review.csv".to_owned(), "0a1b".to_owned())].into(),
    }
}
