//! Documents: bytes to sentences, checks on their translations, and the pages made of both.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::de::IgnoredAny;

use crate::discover::{Opener, Origin, discover};
use crate::document::{Document, Notation, Written};
use crate::glossary::Glossary;
use crate::inference::Hypothesis;
use crate::lang::Lang;
use crate::names::{Choices, Names};
use crate::numbers::{Form, Offered, mentions};
use crate::pipeline::{Answer, Rules, settle, unit_of};
use crate::read::ReadOptions;
use crate::read::encoding::{canonical_name, decode};
use crate::run::{DocumentRecord, IgnoredFile, Outcome, RunRecord};
use crate::segment::{normalize, segment, wrap};
use crate::summarize::{ExtractiveOptions, extractive};
use crate::unit::{DocumentRisk, ModelStamp, Models, TranslatedDocument};
use crate::{read as reader, verify, write};

use super::{folder_with, is_told_in_one_line};

/// Tokens of a piece, and characters of a token, when sentences are wrapped here.
const BUDGET: usize = 8;
const CHARACTERS: usize = 4;

/// A file becomes a document whose blocks and segments are ranges of its text in order; gaps and segments joined are the
/// text; what the model sees of a segment is one line and stays as it is when made again; wrapping loses nothing; and what
/// becomes of the file in English are stretches of it in order.
pub fn read(bytes: &[u8]) {
    for id in ["a.txt", "a.md", "a.html", "a.eml", "a.srt", "a.vtt", "a.csv", "a.tsv", "a.jsonl"] {
        match reader::read(id, bytes, ReadOptions::default()) {
            Ok(document) => {
                is_whole(&document);
                is_itself_in_english(document);
            }
            Err(error) => is_told_in_one_line(&error),
        }
    }
}

/// What an archive, a mailbox or a mail holds has a name that stays below it, and is a document or an error in one line.
pub fn containers(bytes: &[u8]) {
    for name in ["a.zip", "a.mbox", "a.eml"] {
        let (folder, path) = folder_with(name, bytes);
        let found = discover(&[folder.path().into()], &|_| true, None).unwrap();
        let mut opener = Opener::default();
        for input in found.inputs {
            assert!(input.id.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", input.id);
            let Origin::Member { container, version, steps } = input.origin else { continue };
            assert_eq!(container, path);
            match opener.open(&container, version, &steps) {
                Ok(bytes) => {
                    if let Ok(document) = reader::read(&input.id, &bytes, ReadOptions::default()) {
                        is_whole(&document);
                    }
                }
                Err(error) => is_told_in_one_line(&error),
            }
        }
        for failed in found.failed {
            is_told_in_one_line(&failed.error);
        }
    }
}

fn is_whole(document: &Document) {
    let text = document.text.as_str();
    let mut end = 0;
    for block in &document.blocks {
        assert!(block.span.start >= end && text.get(block.span.range()).is_some(), "{block:?}");
        end = block.span.end;
    }
    let (mut joined, mut end) = (String::new(), 0);
    for (index, segment) in segment(document).into_iter().enumerate() {
        let (block, span) = (document.blocks[segment.block].span, segment.span);
        assert!(segment.index == index && block.start <= span.start && span.end <= block.end, "{segment:?}");
        let source = span.of(text);
        assert!(!source.is_empty() && source.trim() == source, "{source:?}");
        joined.push_str(&text[end..span.start]);
        joined.push_str(source);
        end = span.end;
        let normal = normalize(source);
        assert!(!normal.contains(['\n', '\r']), "{normal:?}");
        assert_eq!(normalize(&normal), normal, "{source:?}");
        is_wrapped(&normal);
    }
    joined.push_str(&text[end..]);
    assert_eq!(joined, text);
    for part in document.original.iter().flat_map(|original| &original.parts) {
        for edit in &part.edits {
            assert!(part.text.get(edit.at.range()).is_some(), "{edit:?}");
            let is_there = match &edit.with {
                Written::Text(span) | Written::Sign { of: span, .. } => text.get(span.range()).is_some(),
                Written::Always(_) => true,
            };
            assert!(is_there, "{edit:?}");
        }
        assert!(part.edits.is_sorted_by_key(|edit| edit.at.start), "{:?}", part.edits);
        if part.notation == Notation::Markdown {
            let mut pairs = part.edits.windows(2);
            assert!(pairs.all(|pair| pair[0].at.end <= pair[1].at.start), "{:?}", part.edits);
        }
    }
}

/// A file in English can be made of it, and has as many lines of JSON as the file.
fn is_itself_in_english(document: Document) {
    let doc = translated(
        document,
        "One, \"two\" --> <b>\n= 3 & more words than a line of forty-two characters holds",
    );
    let is_json = |line: &&str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    let count = |text: &str| text.lines().filter(is_json).count();
    let all = write::writers(&[write::Format::Original]);
    for writer in all.iter().filter(|writer| writer.name() == "original") {
        let rendered = writer.render(&doc).unwrap();
        if let (Some(original), "jsonl") = (&doc.document.original, doc.document.format.as_str()) {
            let english = String::from_utf8(rendered).unwrap();
            assert_eq!(count(&english), count(&original.parts[0].text), "{english}");
        }
    }
}

fn is_wrapped(text: &str) {
    let mut end = 0;
    for piece in wrap(text, BUDGET, &|part| part.chars().count().div_ceil(CHARACTERS)) {
        assert!(text[end..piece.start].trim().is_empty(), "{text:?} at {end}");
        end = piece.end;
    }
    assert!(text[end..].trim().is_empty(), "{text:?} behind {end}");
}

/// An encoding that was found is one that can be given, and then gives the same text.
pub fn encoding(bytes: &[u8]) {
    let given =
        ["utf-8", "utf-16le", "utf-16be", "windows-1256", "iso-8859-6", "mac-arabic", "cp720", "gb18030"];
    for label in given {
        match decode("a.txt", bytes, Some(label)) {
            Ok((_, encoding)) => assert_eq!(canonical_name(&encoding.name), Ok(encoding.name.as_str())),
            Err(error) => is_told_in_one_line(&error),
        }
    }
    match decode("a.txt", bytes, None) {
        Ok((text, encoding)) => {
            if let Ok((again, _)) = decode("a.txt", bytes, Some(&encoding.name)) {
                assert_eq!(again, text, "{}", encoding.name);
            }
        }
        Err(error) => is_told_in_one_line(&error),
    }
}

/// The two sides of a pair: what stands before and behind the first line that is only `=`, else the halves.
fn sides(bytes: &[u8]) -> (Cow<'_, str>, Cow<'_, str>) {
    let at = bytes.windows(3).position(|three| three == b"\n=\n");
    let (source, target) = match at {
        Some(at) => (&bytes[..at], &bytes[at + 3..]),
        None => bytes.split_at(bytes.len() / 2),
    };
    (String::from_utf8_lossy(source), String::from_utf8_lossy(target))
}

/// Numbers are found in order, in ranges of the text, and each is answered by itself; findings say something in one line;
/// and a name that is respelled stands in the target.
pub fn numbers(bytes: &[u8]) {
    let (source, target) = sides(bytes);
    for text in [&source, &target] {
        let found = mentions(text);
        let offered = Offered::by(&found);
        let mut end = 0;
        for mention in &found {
            assert!(mention.span.start >= end && !mention.span.is_empty(), "{mention:?}");
            assert!(text.get(mention.span.clone()).is_some(), "{mention:?}");
            end = mention.span.end;
            let _ = (mention.meaning(), mention.looks_like_year(text));
            assert!(mention.form == Form::Loose || offered.answers(mention), "{text:?}: {mention:?}");
        }
    }
    for finding in verify::check(&source, &target, None) {
        assert!(!finding.detail.is_empty(), "{finding:?}");
    }
    let mut names = Names::default();
    names.observe("a.txt", &source, &target);
    names.observe("b.txt", &source, &target);
    let chosen: String =
        names.rows(&Choices::default()).iter().map(|row| format!("{},Xx\n", row.arabic)).collect();
    let choices = Choices::read(format!("arabic,english\n{chosen}").as_bytes()).unwrap();
    if let Some((respelled, changes)) = choices.apply(&source, &target) {
        assert!(!changes.is_empty() && changes.iter().all(|change| target.contains(&change.from)));
        assert!(respelled.contains("Xx"));
    }
}

/// Whatever a document and its translation say, no element or attribute comes into the pages that is not ours, and none
/// into the Markdown.
pub fn page(bytes: &[u8]) {
    let (source, target) = sides(bytes);
    for id in ["a.txt", "<b> \"حلب\"/a&b.md"] {
        let Ok(document) = reader::read(id, source.as_bytes(), ReadOptions::default()) else { continue };
        let doc = translated(document, &target);
        for writer in write::writers(&write::Format::ALL) {
            let rendered = writer.render(&doc).unwrap();
            let text = String::from_utf8_lossy(&rendered);
            match writer.name() {
                "html" => has_only_our_markup(&text),
                "md" | "brief.md" => has_no_foreign_html(&text),
                _ => {}
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let out = write::OutputDir::create(folder.path(), crate::run::Readers::ANY).unwrap();
        write::save_run(&out, &run(&doc, &target), write::Tables::default()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        has_only_our_markup(&read("index.html"));
        has_no_foreign_html(&read("digest.md"));
        let record: RunRecord = serde_json::from_str(&read("run.json")).unwrap();
        assert_eq!(record.documents.len(), 2);
    }
}

/// The document with the lines of `target` as translations of its segments, one after the other.
fn translated(mut document: Document, target: &str) -> TranslatedDocument {
    // Words of the lines, as a model may say them.
    let marks = document.original.iter_mut().flat_map(|original| &mut original.marks);
    for (mark, line) in marks.zip(target.lines().cycle()) {
        mark.english = vec![line.split(' ').skip(1).take(2).collect::<Vec<_>>().join(" ")];
    }
    let (glossary, english) = (Glossary::default(), Lang::english());
    let rules = Rules { source_langs: &[], target_lang: &english, glossary: &glossary };
    let mut lines = target.lines().cycle();
    let units: Vec<_> = segment(&document)
        .into_iter()
        .map(|segment| {
            let mut unit = unit_of(&document, segment, &[]);
            if unit.is_waiting() {
                let text = lines.next().unwrap_or_default().to_owned();
                let sureness = -0.1 * (text.len() % 12) as f32;
                let hypothesis = Hypothesis {
                    text,
                    mean_log_prob: sureness,
                    min_log_prob: sureness,
                    tokens: 3,
                    finished: true,
                    coverage: Vec::new(),
                };
                settle(&mut unit, Answer::Translated { hypothesis, pieces: 1, from_memory: false }, rules);
            }
            unit
        })
        .collect();
    let translator = ModelStamp {
        name: "echo".into(),
        digest: "0123".into(),
        licence: "Apache-2.0".into(),
        quality: String::new(),
        warning: None,
    };
    let brief = (!units.is_empty()).then(|| extractive(&units, &ExtractiveOptions::default()));
    let name = document.id.clone();
    let models = Models { translator, second: None, writer: None };
    TranslatedDocument { name, document, units, brief, models }
}

/// A run over this document, with another that failed for reasons a stranger chose.
fn run(doc: &TranslatedDocument, stranger: &str) -> RunRecord {
    let record = |id: &str, outcome| DocumentRecord {
        id: id.into(),
        digest: String::new(),
        bytes: 1,
        outcome,
        encoding: Some(doc.document.encoding.clone()),
        ledger: doc.ledger(),
        notes: vec![stranger.lines().collect()],
        risk: Some(DocumentRisk::of(&doc.units)),
        near_duplicate: None,
        token: crate::run::token(id),
        first_seen: None,
        changed: false,
        title: doc.title().unwrap_or_default().into(),
        brief: doc.brief.clone(),
        outputs: vec!["a.bilingual.html".into(), "a.brief.md".into()],
    };
    let line = stranger.replace(['\n', '\r'], " ");
    let failed = Outcome::Failed { error: line.clone(), hint: line.clone() };
    RunRecord {
        version: "0".into(),
        started: "2026-01-01T00:00:00Z".into(),
        seconds: 1.0,
        interrupted: false,
        options: [("model".to_owned(), line.clone())].into(),
        device: "cpu".into(),
        models: doc.models.clone(),
        documents: vec![record(&doc.document.id, Outcome::Done), record(&format!("{line}.txt"), failed)],
        arrivals: "2026-01-01T00:00:00Z".into(),
        new_from: None,
        since: None,
        earlier: Vec::new(),
        ledger: doc.ledger(),
        from_memory: 0,
        target_tokens: 0,
        ignored: vec![IgnoredFile { id: line.clone(), reason: line }],
        tables: Default::default(),
    }
}

/// Elements and attributes of our templates.
const ELEMENTS: &str = "!doctype html head meta title style body header p h1 h2 h3 h4 strong section div ul li details \
    summary table tr th td nav fieldset legend label input button output main pre bdi span a code footer kbd \
    script ol dl dt dd br form select option dialog";
const ATTRIBUTES: &str = "lang dir charset http-equiv content name class role aria-label title href scope open type id checked \
    hidden placeholder html data-news data-risk data-weight data-digest data-document value for selected autofocus spellcheck \
    autocomplete aria-labelledby aria-pressed disabled";

/// Reads tags as a browser does: `<` and a letter, `/` or `!` begins one, quotation marks hide what is inside of them.
fn has_only_our_markup(page: &str) {
    let (elements, attributes): (BTreeSet<&str>, BTreeSet<&str>) =
        (ELEMENTS.split_whitespace().collect(), ATTRIBUTES.split_whitespace().collect());
    assert_eq!(page.matches("<script").count(), 1);
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            continue;
        }
        let name_end = rest.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(rest.len());
        let name = rest[..name_end].trim_start_matches('/').to_ascii_lowercase();
        assert!(elements.contains(name.as_str()), "<{name}>");
        rest = &rest[name_end..];
        while !rest.starts_with('>') {
            rest = rest.trim_start();
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>')).unwrap_or(rest.len());
            let attribute = &rest[..end];
            assert!(attribute.is_empty() || attributes.contains(attribute), "<{name} {attribute:?}>");
            rest = &rest[end..];
            if let Some(value) = rest.strip_prefix("=\"") {
                let (value, behind) = value.split_once('"').unwrap();
                let is_safe = attribute != "href" || !value.contains(':');
                assert!(is_safe, "<{name} href={value:?}>");
                rest = behind;
            } else {
                assert!(!rest.starts_with('='), "<{name} {attribute}> without quotation marks");
            }
        }
        // What stands in these is ours and no markup.
        if matches!(name.as_str(), "script" | "style") {
            let close = format!("</{name}>");
            if let Some(at) = rest.find(&close) {
                rest = &rest[at + close.len()..];
            }
        }
    }
}

/// Read as CommonMark, HTML in it is only what directs the Arabic and numbers the sentences, and links stay in the folder.
fn has_no_foreign_html(markdown: &str) {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                let ours = [
                    "<div dir=\"rtl\" lang=\"ar\">",
                    "</div>",
                    "<sup",
                    "</sup>",
                    "<span dir=\"ltr\">",
                    "</span>",
                ];
                assert!(
                    html.is_empty() || ours.iter().any(|start| html.starts_with(start)),
                    "{html:?} in {markdown}"
                );
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                assert!(!dest_url.contains(':'), "{dest_url:?} in {markdown}");
            }
            _ => {}
        }
    }
}
