//! What all outputs promise. `TARJUMAN_BLESS=1` writes the expected files anew after a change that is meant.

use std::path::{Path, PathBuf};

use super::*;
use crate::document::BlockKind;
use crate::run::{Outcome, Readers};
use crate::unit::{ModelStamp, Models, State};

fn bytes(name: &str, doc: &TranslatedDocument) -> Vec<u8> {
    let writers = writers(&Format::ALL);
    let writer = writers.iter().find(|w| w.name() == name).unwrap();
    writer.render(doc).unwrap()
}

fn render(name: &str, doc: &TranslatedDocument) -> String {
    String::from_utf8(bytes(name, doc)).unwrap()
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
fn memory_for_other_programs_is_as_expected() {
    let mut doc = fixture::report();
    doc.units[4].reviewed = true;
    let file = render("tmx", &doc);
    expect("report.tmx", &file);
    let pairs = crate::tmx::read(file.as_bytes()).unwrap();
    let wanted = doc.units.iter().filter(|u| !matches!(u.state, State::Skipped | State::Copied));
    let wanted: Vec<_> = wanted.map(|u| (u.source.as_str(), u.target.as_str())).collect();
    let found: Vec<_> = pairs.iter().map(|p| (p.source.as_str(), p.target.as_str())).collect();
    assert_eq!(found, wanted);
}

/// The sources and the targets of an XLIFF file, each one after the other; a source stands for a target that is not there.
fn sides_of(xliff: &str) -> (String, String) {
    use crate::xml::{Part, Parts};
    let (mut sides, mut now) = ([String::new(), String::new()], [None, None::<String>]);
    let mut side = None;
    for part in Parts::new(xliff) {
        match part.unwrap() {
            Part::Start(tag) => match tag.local_name().as_ref() {
                "source" => (side, now) = (Some(0), [Some(String::new()), None]),
                "target" => (side, now[1]) = (Some(1), Some(String::new())),
                "cp" => {
                    let hex = tag.try_get_attribute("hex").unwrap().unwrap().value.into_owned();
                    let c = char::from_u32(u32::from_str_radix(&hex, 16).unwrap()).unwrap();
                    now[side.unwrap()].as_mut().unwrap().push(c);
                }
                _ => {}
            },
            Part::Text(text) => {
                if let Some(side) = side {
                    now[side].as_mut().unwrap().push_str(&text);
                }
            }
            Part::End(name) => match name.as_str() {
                "source" | "target" => side = None,
                "segment" | "ignorable" => {
                    let [source, target] = std::mem::take(&mut now);
                    sides[1].push_str(target.as_ref().or(source.as_ref()).unwrap());
                    sides[0].push_str(&source.unwrap());
                }
                _ => {}
            },
        }
    }
    sides.into()
}

#[test]
fn xliff_is_as_expected() {
    let mut doc = fixture::report();
    doc.units[4].reviewed = true;
    let file = render("xliff", &doc);
    expect("report.xliff", &file);
    for state in ["translated", "repaired", "flagged", "copied", "skipped"] {
        assert_eq!(
            file.matches(&format!("subState=\"tarjuman:{state}\"")).count(),
            doc.ledger().count(State::ALL.into_iter().find(|s| s.name() == state).unwrap()),
            "{state}"
        );
    }
    assert_eq!(sides_of(&file).0, doc.document.text);
}

/// A part of a Word document.
fn part(docx: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(docx)).unwrap();
    std::io::read_to_string(zip.by_name(name).unwrap()).unwrap()
}

/// Text of a part as a reader sees it: a line a paragraph, without marks of direction.
fn read_aloud(xml: &str) -> String {
    use crate::xml::{Part, Parts};
    let (mut out, mut is_text) = (String::new(), false);
    for part in Parts::new(xml) {
        match part.unwrap() {
            Part::Start(tag) => match tag.local_name().as_ref() {
                "t" => is_text = true,
                "tab" => out.push('\t'),
                _ => {}
            },
            Part::Text(text) if is_text => out.push_str(&text.replace('\u{200e}', "")),
            Part::Text(_) => {}
            Part::End(name) => match name.as_str() {
                "t" => is_text = false,
                "p" => out.push('\n'),
                _ => {}
            },
        }
    }
    out
}

#[test]
fn word_documents_are_as_expected() {
    let mut doc = fixture::report();
    doc.units[4].reviewed = true;
    let mut aloud = String::new();
    for name in ["docx", "en.docx", "brief.docx"] {
        let file = bytes(name, &doc);
        assert_eq!(file, bytes(name, &doc), "the same at any time");
        for part_name in ["word/document.xml", "word/footer.xml"] {
            aloud.push_str(&format!("== {name} {part_name}\n{}", read_aloud(&part(&file, part_name))));
        }
    }
    expect("report.docx.txt", &aloud);
    expect("report.bilingual.document.xml", &part(&bytes("docx", &doc), "word/document.xml"));
}

#[test]
fn a_word_document_tells_direction_language_and_what_to_look_at() {
    let doc = fixture::report();
    let bilingual = part(&bytes("docx", &doc), "word/document.xml");
    for unit in &doc.units {
        let (anchor, english) = (unit.anchor(), read_aloud(&bilingual));
        assert_eq!(bilingual.matches(&format!("w:name=\"{anchor}\"/>")).count(), 1);
        assert!(english.contains(words::english(unit).as_ref()) && english.contains(&unit.source));
    }
    // Flagged and skipped, on both sides.
    assert_eq!(bilingual.matches("<w:highlight").count(), 6, "two sentences, one with Arabic runs");
    for run in bilingual.split("<w:r>").skip(1) {
        let text = run.split("preserve\">").nth(1).unwrap_or_default().split('<').next().unwrap();
        let text = text.replace("&lt;", "").replace("&gt;", "");
        let rtl = run.contains("<w:rtl/><w:lang w:bidi=\"ar-SA\"/>");
        assert!(rtl || !text.contains(crate::lang::is_arabic_letter), "{run}");
        assert!(!rtl || !text.contains(|c: char| c.is_ascii_alphabetic()), "{run}");
    }
    assert_eq!(bilingual.matches("<w:bidi/>").count(), 3, "the blocks with Arabic");

    // A link of the brief leads to a bookmark of the file that the relationship names.
    let brief = bytes("brief.docx", &doc);
    assert!(part(&brief, "word/_rels/document.xml.rels").contains("Id=\"rId5\""));
    assert!(
        part(&brief, "word/_rels/document.xml.rels").contains("Target=\"flood%20report.bilingual.docx\"")
    );
    let brief = part(&brief, "word/document.xml");
    let links: Vec<_> = brief.split("<w:hyperlink r:id=\"rId5\" w:anchor=\"").skip(1).collect();
    assert!(links.len() > 4);
    for link in links {
        let anchor = link.split('"').next().unwrap();
        assert!(bilingual.contains(&format!("w:name=\"{anchor}\"")), "{anchor}");
    }
}

/// All that a part refers to is there.
#[test]
fn word_documents_are_whole() {
    for name in ["docx", "en.docx", "brief.docx"] {
        let file = bytes(name, &fixture::report());
        let zip = zip::ZipArchive::new(std::io::Cursor::new(&file)).unwrap();
        let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        for name in names.iter().filter(|n| n.ends_with(".xml") || n.ends_with(".rels")) {
            crate::xml::Parts::new(&part(&file, name)).for_each(|part| drop(part.unwrap()));
        }
        for target in part(&file, "word/_rels/document.xml.rels").split("Target=\"").skip(1) {
            let target = target.split('"').next().unwrap();
            assert!(target.ends_with(".docx") || names.contains(&format!("word/{target}")), "{target}");
        }
        let styles = part(&file, "word/styles.xml");
        for style in part(&file, "word/document.xml").split("Style w:val=\"").skip(1) {
            let style = style.split('"').next().unwrap();
            assert!(styles.contains(&format!("w:styleId=\"{style}\"")), "{style}");
        }
    }
}

#[test]
fn tables_come_back_as_tables() {
    let mut doc = fixture::build(
        "x.md",
        &[
            ("| ", BlockKind::TableCell, &["أ"]),
            (" | ", BlockKind::TableCell, &["ب"]),
            (" |\n|---|---|---|\n| ", BlockKind::TableCell, &["ج"]),
            (" |  | ", BlockKind::TableCell, &["د"]),
            (" |\n| | ", BlockKind::TableCell, &["ه"]),
            (" |\n\n", BlockKind::Paragraph, &["و."]),
            ("\n\n", BlockKind::TableCell, &["ز"]),
            ("\t", BlockKind::TableCell, &["ح"]),
        ],
        "",
    );
    for (unit, target) in doc.units.iter_mut().zip(["A", "B", "C", "D", "E", "F.", "G", "H"]) {
        unit.target = target.into();
    }
    let document = part(&bytes("en.docx", &doc), "word/document.xml");
    let tables: Vec<Vec<Vec<String>>> = document
        .split("<w:tbl>")
        .skip(1)
        .map(|table| {
            let rows = table.split("</w:tbl>").next().unwrap().split("<w:tr>").skip(1);
            rows.map(|row| {
                row.split("<w:tc>")
                    .skip(1)
                    .map(|cell| read_aloud(&format!("<a>{}</a>", cell.split("</w:tc>").next().unwrap())))
                    .collect()
            })
            .collect()
        })
        .collect();
    let rows = |rows: &[&[&str]]| -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| format!("{cell}\n")).collect()).collect()
    };
    assert_eq!(tables, [rows(&[&["A", "B", ""], &["C", "", "D"], &["", "E", ""]]), rows(&[&["G", "H"]])]);
    assert!(document.contains(">F.<"));
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
fn a_heading_further_down_is_no_title() {
    use BlockKind::{Heading, Paragraph, Title};
    let title = |kinds: [BlockKind; 2]| {
        let blocks = [("", kinds[0], &["First."][..]), ("\n\n", kinds[1], &["Second."][..])];
        words::title(&fixture::build("a/b.txt", &blocks, ""))
    };
    assert_eq!(title([Paragraph, Heading(2)]), "b.txt");
    assert_eq!(title([Heading(2), Paragraph]), "First.");
    assert_eq!(title([Paragraph, Title]), "Second.");
}

#[test]
fn a_report_whose_file_in_english_is_all_there_is_can_be_opened() {
    let mut run = fixture::run();
    let done = run.documents.iter_mut().find(|record| record.outcome == Outcome::Done).unwrap();
    done.outputs = vec!["a.en.srt".into()];
    let page = index::render(&run).unwrap();
    assert!(page.contains("<h2 dir=\"auto\"><a href=\"a.en.srt\">"), "{page}");
    assert!(page.contains("<a href=\"a.en.srt\">file in English</a>"));
}

#[test]
fn what_is_doubted_is_marked_wherever_it_is_cited() {
    let mut run = fixture::run();
    let record = run.documents.iter_mut().find(|record| record.brief.is_some()).unwrap();
    let brief = record.brief.as_mut().unwrap();
    brief.doubted = brief.headline.units.clone();
    assert!(digest::render(&run).contains("#u1)⚠"));
    // The headline is the title, and not told again.
    assert!(index::render(&run).unwrap().contains("⚠</span></h2>"));
    run.documents.iter_mut().for_each(|record| record.title = "Another".into());
    assert!(index::render(&run).unwrap().contains("⚠</span></p>"));
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
        assert_eq!(sides_of(&render("xliff", &doc)), (doc.document.text.clone(), doc.document.text));
    }
}

/// In outputs with the brief also that which wrote it.
#[test]
fn every_model_is_named_and_warned_of_in_what_it_had_a_part_in() {
    let stamp = |name: &str| ModelStamp {
        name: name.into(),
        digest: format!("{name}0123456789"),
        licence: format!("Licence of {name}"),
        quality: String::new(),
        warning: Some(format!("beware of {name}")),
    };
    let mut doc = fixture::report();
    doc.models.second = Some(stamp("spare"));
    doc.models.writer = Some(stamp("scribe"));
    let text = |name: &str| {
        if !name.ends_with("docx") {
            return render(name, &doc);
        }
        let bytes = bytes(name, &doc);
        ["word/document.xml", "word/footer.xml"].map(|name| read_aloud(&part(&bytes, name))).concat()
    };
    let run = RunRecord { models: doc.models.clone(), ..fixture::run() };
    for (name, output, has_brief) in [
        ("html", text("html"), true),
        ("md", text("md"), false),
        ("docx", text("docx"), true),
        ("en.docx", text("en.docx"), false),
        ("brief.docx", text("brief.docx"), true),
        ("brief.md", text("brief.md"), true),
        ("xliff", text("xliff"), false),
        ("tmx", text("tmx"), false),
        ("digest.md", digest::render(&run), true),
        ("index.html", index::render(&run).unwrap(), true),
    ] {
        for (model, digest, is_named) in
            [("spare", "spare0123456", true), ("scribe", "scribe012345", has_brief)]
        {
            let parts = [format!("{model}: beware of {model}"), format!("Licence of {model}"), digest.into()];
            for part in parts {
                assert_eq!(output.contains(&part), is_named, "{part} in {name}:\n{output}");
            }
        }
    }
    // A model that does several things is told of once.
    let models = Models {
        second: Some(doc.models.translator.clone()),
        writer: Some(doc.models.translator.clone()),
        ..doc.models.clone()
    };
    let once = digest::render(&RunRecord { models, ..run });
    assert_eq!(once, digest::render(&fixture::run()));
}

/// Whatever stands in a document and its name.
#[test]
fn what_xml_cannot_write_is_no_fault_of_the_file() {
    let odd = "أ\u{0}\u{1}b\u{c}<&>\"']]>\r\u{fffe}\u{202e}\u{1f600}";
    let mut doc = fixture::build(
        odd,
        &[("\u{1b}\r\n", BlockKind::Paragraph, &[odd, odd]), ("\u{b}", BlockKind::TableCell, &[odd])],
        "\u{7f}\u{8}",
    );
    for (unit, state) in doc.units.iter_mut().zip([State::Flagged, State::Repaired, State::Skipped]) {
        unit.state = state;
        unit.reason = Some(odd.into());
        unit.findings = vec![crate::unit::Finding { check: crate::unit::Check::Echo, detail: odd.into() }];
    }
    doc.models.translator.warning = Some(odd.into());
    let (source, english) = sides_of(&render("xliff", &doc));
    assert_eq!(source, doc.document.text);
    assert_eq!(
        english, doc.document.text,
        "the target is the source here, and the gap between two sentences a space"
    );
    let readable = "أb <&>\"']]>\r\u{202e}\u{1f600}";
    let pairs = crate::tmx::read(&bytes("tmx", &doc)).unwrap();
    assert_eq!(pairs.iter().map(|p| p.target.as_str()).collect::<Vec<_>>(), [readable, readable]);
    for name in ["docx", "en.docx"] {
        for name_of_part in ["word/document.xml", "word/footer.xml", "docProps/core.xml"] {
            let part = part(&bytes(name, &doc), name_of_part);
            crate::xml::Parts::new(&part).for_each(|part| drop(part.unwrap()));
            assert!(part.chars().all(crate::xml::is_allowed), "{name} {name_of_part}");
        }
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
        let brief = writers.iter().find(|w| w.name() == "brief.md").unwrap();
        String::from_utf8(brief.render(&fixture::report()).unwrap()).unwrap()
    };
    assert!(brief(&Format::ALL).contains("\n[2]: flood%20report.bilingual.html#u2\n"));
    assert!(brief(&[Format::Md]).contains("\n[2]: flood%20report.bilingual.md#u2\n"));
    assert!(brief(&[Format::Docx]).contains("\n[2]: flood%20report.bilingual.docx#u2\n"));
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
        let file = writer.render(&doc).unwrap();
        let told = match String::from_utf8(file) {
            Ok(text) => text.contains("flood"),
            Err(file) => part(file.as_bytes(), "word/document.xml").contains("flood"),
        };
        assert!(told, "{}", writer.name());
        writer.render(&empty).unwrap();
    }
}

#[test]
fn outputs_have_the_promised_names() {
    let doc = |format: &str, with_brief| {
        let mut doc = fixture::report();
        (doc.name, doc.document.id) = ("a/b".into(), format!("a/b.{format}"));
        doc.document.format = format.into();
        doc.brief = doc.brief.filter(|_| with_brief);
        doc
    };
    let paths = |formats: &[Format], with_brief| output_paths(&doc("txt", with_brief), formats);
    assert_eq!(
        paths(&[Format::Jsonl, Format::Md, Format::Html], true),
        ["a/b.bilingual.md", "a/b.bilingual.html", "a/b.units.jsonl", "a/b.brief.md"].map(PathBuf::from)
    );
    assert_eq!(paths(&[Format::Txt, Format::Tmx], false), ["a/b.en.txt", "a/b.tmx"].map(PathBuf::from));
    assert_eq!(paths(&[Format::Xliff], false), [PathBuf::from("a/b.xliff")]);
    for (format, expected) in [("txt", vec!["a/b.en.txt"]), ("html", vec!["a/b.en.html"]), ("pdf", vec![])] {
        let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
        assert_eq!(output_paths(&doc(format, false), &[Format::Original]), expected);
    }
    assert_eq!(
        paths(&[Format::Docx], true),
        ["a/b.bilingual.docx", "a/b.en.docx", "a/b.brief.docx", "a/b.brief.md"].map(PathBuf::from)
    );
}

#[test]
fn formats_are_read_by_name() {
    assert_eq!(" HTML".parse(), Ok(Format::Html));
    for name in ["pdf", ""] {
        let error = name.parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("hint: the formats are md, html, jsonl,"), "{error}");
    }
}

#[test]
fn no_two_documents_share_an_output() {
    let names = output_names(["a/b.md", "a/b.txt", "a/c.txt", "A/C.md", "d/b.txt", "2024.03.01"]).unwrap();
    let expected = [
        ("2024.03.01", "2024.03.01"),
        ("A/C.md", "A/C.md"),
        ("a/b.md", "a/b.md"),
        ("a/b.txt", "a/b.txt"),
        ("a/c.txt", "a/c.txt"),
        ("d/b.txt", "d/b"),
    ];
    assert!(names.iter().map(|(id, name)| (id.as_str(), name.as_str())).eq(expected), "{names:?}");
    for (ids, shared) in
        [(["a.txt", "A.TXT"].as_slice(), "A.TXT.*"), (&["b.md", "b.md.md", "b.txt"], "b.md.*")]
    {
        let error = output_names(ids.iter().copied()).unwrap_err().to_string();
        assert!(error.contains(&format!("{shared}\nhint: rename one")), "{error}");
    }
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
