//! What all outputs promise. `TARJUMAN_BLESS=1` writes the expected files anew after a change that is meant.

use std::path::{Path, PathBuf};

use super::*;
use crate::document::BlockKind;
use crate::run::Readers;
use crate::unit::State;

fn render(name: &str, doc: &TranslatedDocument) -> String {
    let writers = writers(&Format::ALL);
    let writer = writers.iter().find(|w| w.name() == name).unwrap();
    String::from_utf8(writer.render(doc).unwrap()).unwrap()
}

#[track_caller]
fn expect(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/write/golden").join(name);
    if std::env::var_os("TARJUMAN_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(actual, expected, "{}", path.display());
}

#[test]
fn english_text_is_as_expected() {
    expect("report.en.txt", &render("en.txt", &fixture::report()));
}

#[test]
fn bilingual_markdown_is_as_expected() {
    expect("report.bilingual.md", &render("md", &fixture::report()));
}

#[test]
fn brief_is_as_expected() {
    expect("report.brief.md", &render("brief.md", &fixture::report()));
}

#[test]
fn units_are_as_expected() {
    let lines = render("jsonl", &fixture::report());
    expect("report.units.jsonl", &lines);
    let units: Vec<crate::unit::TranslationUnit> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(units, fixture::report().units);
}

/// Style and script are left out: they change with taste, not with meaning.
#[test]
fn bilingual_html_is_as_expected() {
    let page = render("html", &fixture::report());
    let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
    expect("report.bilingual.body.html", body);
}

#[test]
fn digest_and_index_are_as_expected() {
    expect("digest.md", &digest::render(&fixture::run()));
    let page = index::render(&fixture::run()).unwrap();
    let body = &page[page.find("<body>").unwrap()..page.find("<script>").unwrap()];
    expect("index.body.html", body);
}

#[test]
fn no_page_lets_text_become_markup_or_loads_anything() {
    let bilingual = render("html", &fixture::report());
    let index = index::render(&fixture::run()).unwrap();
    for page in [&bilingual, &index] {
        assert_eq!(page.matches("<script").count(), 1, "only ours");
        assert!(page.contains("default-src 'none'; style-src 'sha256-"));
        for loading in ["src=", "<link", "<img", "@import", "url(", "http://", "https://", " style="] {
            assert!(!page.contains(loading), "{loading}");
        }
    }
    assert!(
        bilingual.contains("One said: &lt;script&gt;") && bilingual.contains("قال أحدهم: &lt;script&gt;")
    );
    assert!(index.contains("south/a&lt;b&gt;.txt"));
    for markdown in [render("md", &fixture::report()), render("brief.md", &fixture::report())] {
        assert!(!markdown.contains("<script"), "{markdown}");
    }
}

/// The hashes in the policy are those of what stands between the tags: one space more and a browser runs nothing.
#[test]
fn policy_allows_exactly_the_style_and_script_of_the_page() {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let page = render("html", &fixture::report());
    for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
        let start = page.find(open).unwrap() + open.len();
        let content = &page[start..start + page[start..].find(close).unwrap()];
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(content));
        assert!(content.len() > 500 && page.contains(&format!("'sha256-{hash}'")), "{open}");
    }
}

#[test]
fn every_unit_has_its_two_anchors_and_every_link_leads_to_one() {
    let page = render("html", &fixture::report());
    for n in 1..=fixture::report().units.len() {
        assert_eq!(page.matches(&format!("id=\"u{n}\"")).count(), 1);
        assert_eq!(page.matches(&format!("id=\"s{n}\"")).count(), 1);
    }
    for link in page.split("href=\"#").skip(1) {
        let target = &link[..link.find('"').unwrap()];
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
}

/// English is rebuilt "gap segment gap segment": where everything is copied, the text comes back.
#[test]
fn copied_documents_come_back_as_they_were() {
    let pieces = ["كلمة", "12 (ب).", "x", "سطر\nثان", "…", "a*b"];
    let gaps = ["\n", "\n\n", "\n- ", "\n\n## ", "\n\n```\ncode\n```\n\n", " | "];
    // A small linear congruential generator (Knuth, MMIX) is random enough and needs no crate.
    let mut seed = 7u64;
    let mut pick = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % n
    };
    for _ in 0..200 {
        let blocks: Vec<(&str, Vec<&str>)> = (0..pick(6))
            .map(|_| (gaps[pick(gaps.len())], (0..=pick(4)).map(|_| pieces[pick(pieces.len())]).collect()))
            .collect();
        let blocks: Vec<(&str, BlockKind, &[&str])> =
            blocks.iter().map(|(gap, units)| (*gap, BlockKind::Paragraph, units.as_slice())).collect();
        let doc = fixture::build("x.txt", &blocks, "\n");
        assert_eq!(render("en.txt", &doc), doc.document.text);
    }
}

#[test]
fn english_text_puts_one_space_between_sentences_and_drops_arabic_display_controls() {
    let mut doc = fixture::build(
        "x.txt",
        &[
            ("\u{202B}", BlockKind::Paragraph, &["أ.", "ب."]),
            ("\u{202C}\n\u{200F}- ", BlockKind::ListItem, &["ج"]),
        ],
        "",
    );
    // As if the Arabic had a line break and a quotation mark between its two sentences.
    doc.document.text = doc.document.text.replacen(' ', "\n>", 1);
    for unit in &mut doc.units[1..] {
        unit.span = crate::document::Span::new(unit.span.start + 1, unit.span.end + 1);
    }
    for (unit, target) in doc.units.iter_mut().zip(["A.", "B.", "C"]) {
        unit.target = target.into();
    }
    assert_eq!(render("en.txt", &doc), "A. B.\n- C\n");
}

#[test]
fn a_unit_without_target_shows_its_source_everywhere() {
    let mut doc = fixture::build("x.txt", &[("", BlockKind::Paragraph, &["جملة."])], "");
    doc.units[0].target = " ".into();
    doc.units[0].state = State::Flagged;
    for name in ["en.txt", "md", "html"] {
        assert!(render(name, &doc).contains("⟦جملة.⟧"), "{name}");
    }
}

#[test]
fn a_brief_links_to_the_bilingual_file_that_is_written() {
    let brief = |formats: &[Format]| {
        let writers = writers(formats);
        let brief = writers.iter().find(|w| w.needs_brief()).unwrap().render(&fixture::report()).unwrap();
        String::from_utf8(brief).unwrap()
    };
    assert!(brief(&Format::ALL).contains("\n[2]: flood%20report.bilingual.html#u2\n"));
    assert!(brief(&[Format::Md]).contains("\n[2]: flood%20report.bilingual.md#u2\n"));
    assert!(!brief(&[Format::Jsonl]).contains("]: ") && brief(&[]).contains("village. [2]⚠\n"));
}

#[test]
fn odd_data_is_shown_as_far_as_possible_and_never_panics() {
    let mut doc = fixture::report();
    doc.document.text = "قصير".into();
    if let Some(brief) = &mut doc.brief {
        brief.points[0].units = vec![999];
    }
    let empty = fixture::build("empty.txt", &[], "");
    for writer in writers(&Format::ALL) {
        let file = String::from_utf8(writer.render(&doc).unwrap()).unwrap();
        assert!(file.contains("flood") || writer.name() == "jsonl");
        writer.render(&empty).unwrap();
    }
}

#[test]
fn outputs_have_the_promised_names() {
    let paths = |formats: &[Format], brief| output_paths("a/b.txt", "txt", formats, brief);
    assert_eq!(
        paths(&[Format::Jsonl, Format::Md, Format::Html], true),
        ["a/b.bilingual.md", "a/b.bilingual.html", "a/b.units.jsonl", "a/b.en.txt", "a/b.brief.md"]
            .map(PathBuf::from)
    );
    assert_eq!(paths(&[], false), [PathBuf::from("a/b.en.txt")]);
}

#[test]
fn formats_are_read_by_name() {
    assert_eq!(" HTML".parse(), Ok(Format::Html));
    for name in ["docx", ""] {
        let error = name.parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("hint: the formats are md, html, jsonl"), "{error}");
    }
}

#[test]
fn documents_that_share_an_output_are_found() {
    let found = collisions(["a/b.md", "a/b.txt", "a/c.txt", "A/C.md", "d/b.txt"]);
    let pairs: Vec<_> = found.iter().map(|c| (c.first.as_str(), c.second.as_str())).collect();
    assert_eq!(pairs, [("a/b.md", "a/b.txt"), ("a/c.txt", "A/C.md")]);
    assert!(found[0].to_string().contains("a/b.en.txt\nhint: rename one"));
}

fn empty() -> Tables {
    Tables { review: Some(Vec::new()), names: Some(Vec::new()) }
}

#[test]
fn a_run_is_saved_whole_and_only_its_record_tells_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let out = OutputDir::create(dir.path(), Readers::ANY).unwrap();
    let writers = writers(&Format::ALL);
    let saved = save_document(&out, &writers, &fixture::report()).unwrap();
    assert_eq!(saved, fixture::run().documents[0].outputs);

    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    save_run(&out, &fixture::run(), empty()).unwrap();
    let before = (read("index.html"), read("digest.md"));
    let mut later = fixture::run();
    (later.seconds, later.from_memory, later.target_tokens) = (1.0, 0, 0);
    later.started = "2027-01-01T00:00:00Z".into();
    save_run(&out, &later, Tables::default()).unwrap();
    assert_eq!((read("index.html"), read("digest.md")), before);
    assert_eq!(serde_json::from_str::<RunRecord>(&read("run.json")).unwrap(), later);

    let mut without = fixture::report();
    without.brief = None;
    assert!(!save_document(&out, &writers, &without).unwrap().iter().any(|path| path.contains("brief")));
}

/// The pages link to files that exist.
#[test]
fn links_lead_to_the_files_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = OutputDir::create(dir.path(), Readers::ANY).unwrap();
    save_document(&out, &writers(&Format::ALL), &fixture::report()).unwrap();
    save_run(&out, &fixture::run(), empty()).unwrap();
    let check = |folder: &Path, link: &str| {
        let path = link.split('#').next().unwrap();
        let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned();
        assert!(path.is_empty() || folder.join(&path).is_file(), "{link}");
    };
    let index = std::fs::read_to_string(dir.path().join("index.html")).unwrap();
    for link in index.split("href=\"").skip(1) {
        check(dir.path(), &link[..link.find('"').unwrap()].replace("&#x2f;", "/"));
    }
    for (folder, name) in [("", "digest.md"), ("north", "flood report.brief.md")] {
        let folder = dir.path().join(folder);
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        for link in text.split("](").skip(1) {
            check(&folder, &link[..link.find(')').unwrap()]);
        }
        for definition in text.lines().filter(|line| line.starts_with('[') && line.contains("]: ")) {
            check(&folder, definition.split("]: ").nth(1).unwrap());
        }
    }
}
