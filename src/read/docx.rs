//! Word documents (Office Open XML, ECMA-376): paragraphs of the body, then of notes, headers and footers.
//!
//! The text of a paragraph is that of its `w:t`; deleted text, fields' instructions and fallbacks of drawings are passed
//! over. Each `w:t` is a piece that comes back in English in its place, and what turns a paragraph or a run to the right
//! goes.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::extract::{Extract, key_of};
use super::package::{Package, not_read};
use super::{Contents, Format, ReadError, ReadOptions};
use crate::document::{BlockKind, Document, Notation, Part, Span, TextEncoding};

/// `.docx`
pub struct Docx;

impl Format for Docx {
    fn name(&self) -> &'static str {
        "docx"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["docx"]
    }

    fn accepts(&self, _id: &str, bytes: &[u8]) -> bool {
        Package::open(bytes).is_some_and(|package| package.names().iter().any(|name| rank(name) == Some(0)))
    }

    fn document(&self, id: &str, bytes: &[u8], _: ReadOptions<'_>) -> Result<Document, ReadError> {
        let damaged = |what: String| ReadError::Damaged { id: id.into(), what };
        let mut package = Package::open(bytes).ok_or_else(|| damaged("is no ZIP archive".into()))?;
        let styles = package.names().into_iter().find(|name| path(name) == "word/styles.xml");
        let styles =
            styles.map_or(Ok(None), |entry| package.text(&entry)).map_err(damaged)?.unwrap_or_default();
        let styles = styles_of(&styles).map_err(damaged)?;
        let mut names: Vec<String> =
            package.names().into_iter().filter(|name| rank(name).is_some()).collect();
        names.sort_by_key(|name| (rank(name), name.clone()));
        let mut extract = Extract::default();
        let mut parts = Vec::new();
        for entry in names {
            let Some(text) = package.text(&entry).map_err(damaged)? else { continue };
            paragraphs(&text, &styles, &mut extract).map_err(|e| damaged(format!("{entry}: {e}")))?;
            let edits = extract.end_part();
            parts.push(Part { entry, text, notation: Notation::Markup, edits });
        }
        let mut notes = left_out(&package.names());
        notes.extend(package.lost());
        let (text, blocks, marks) = extract.finish();
        Contents { encoding: TextEncoding::utf8(), text, blocks, notes, parts, marks }
            .document(self, id, bytes)
    }
}

/// The name of an entry with slashes; some programs write `word\document.xml`.
fn path(entry: &str) -> String {
    entry.replace('\\', "/")
}

/// Where an entry with text for readers comes; none for all others.
fn rank(entry: &str) -> Option<usize> {
    let entry = path(entry);
    let name = entry.strip_prefix("word/")?.strip_suffix(".xml")?;
    let kinds = ["document", "footnotes", "endnotes", "comments", "header", "footer"];
    kinds
        .iter()
        .position(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit())))
}

/// What in the archive holds text that is not read.
fn left_out(names: &[String]) -> Vec<String> {
    let kinds = [
        ("word/charts/chart", "chart"),
        ("word/diagrams/data", "diagram"),
        ("word/embeddings/", "embedded file"),
    ];
    let note = |(start, what): (&str, &str)| {
        not_read(names.iter().filter(|name| path(name).starts_with(start)).count(), what)
    };
    kinds.into_iter().filter_map(note).collect()
}

/// What paragraphs of each style are, where they are no plain ones.
fn styles_of(styles: &str) -> Result<HashMap<String, BlockKind>, String> {
    let mut kinds = HashMap::new();
    let mut reader = Reader::from_str(styles);
    let mut style = String::new();
    loop {
        match reader.read_event().map_err(|e| format!("word/styles.xml: {e}"))? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "style" => style = attribute(&tag, "styleId").unwrap_or_default(),
                "name" => {
                    let name = attribute(&tag, "val").unwrap_or_default().to_lowercase();
                    let heading = name.strip_prefix("heading ").and_then(|level| level.parse().ok());
                    let kind = match (heading, name.as_str()) {
                        (Some(level @ 1..=9), _) => BlockKind::Heading(level),
                        (_, "title") => BlockKind::Title,
                        (_, "caption") => BlockKind::Caption,
                        (_, name) if name.starts_with("list") => BlockKind::ListItem,
                        _ => continue,
                    };
                    kinds.insert(style.clone(), kind);
                }
                "outlineLvl" => {
                    let level = attribute(&tag, "val").and_then(|level| level.parse::<u8>().ok());
                    if let Some(level @ 0..=8) = level {
                        kinds.entry(style.clone()).or_insert(BlockKind::Heading(level + 1));
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok(kinds),
            _ => {}
        }
    }
}

/// Elements whose text no reader sees, or sees elsewhere.
const PASSED: [&str; 5] = ["del", "moveFrom", "Fallback", "instrText", "delText"];
/// Empty elements that turn what they are in to the right.
const RIGHT_TO_LEFT: [&str; 3] = ["bidi", "rtl", "bidiVisual"];

/// Properties of a run that set it apart from its line.
const SET_APART: [&str; 16] = [
    "b",
    "bCs",
    "i",
    "iCs",
    "u",
    "strike",
    "dstrike",
    "color",
    "highlight",
    "shd",
    "vertAlign",
    "rStyle",
    "smallCaps",
    "caps",
    "em",
    "bdr",
];

/// Whether a property says that the run is as its line.
fn is_off(tag: &BytesStart<'_>) -> bool {
    let value = attribute(tag, "val").unwrap_or_default();
    matches!(value.as_str(), "0" | "false" | "off" | "none" | "auto" | "000000" | "baseline" | "clear")
}

/// Gathers the paragraphs of one entry.
fn paragraphs(xml: &str, styles: &HashMap<String, BlockKind>, extract: &mut Extract) -> Result<(), String> {
    let mut reader = Reader::from_str(xml);
    // Names of the open elements.
    let mut open: Vec<String> = Vec::new();
    let mut passed: Option<usize> = None;
    // What sets the run apart, and where the link around it begins.
    let (mut style, mut link) = (String::new(), None);
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|e| e.to_string())?;
        let at = Span::new(start, reader.buffer_position() as usize);
        extract.set_apart(link.or_else(|| (!style.is_empty()).then(|| key_of(&style))));
        match event {
            Event::Eof if open.is_empty() => return Ok(()),
            Event::Eof => return Err("it ends too early".into()),
            Event::Start(tag) => {
                let name = tag.local_name().as_ref().to_owned();
                if passed.is_none() {
                    if name == "t" && at.of(xml) == "<w:t>" {
                        // Word drops spaces at the ends of a text that does not say that they are meant.
                        extract.always(at, "<w:t xml:space=\"preserve\">");
                    }
                    if PASSED.contains(&name.as_str()) {
                        passed = Some(open.len());
                    } else if name == "r" {
                        style.clear();
                    } else if name == "hyperlink" {
                        link = Some(at.start as u64);
                    } else if name == "tbl" {
                        extract.cells.begin_table();
                    } else if name == "tr" {
                        extract.cells.row();
                    } else if name == "tc" {
                        extract.cells.cell(1);
                    } else if name == "p" {
                        let in_cell = open.iter().any(|name| name == "tc");
                        extract.begin(if in_cell { BlockKind::TableCell } else { BlockKind::Paragraph });
                    }
                }
                open.push(name);
            }
            Event::End(_) => {
                let name = open.pop();
                match passed {
                    Some(depth) if depth == open.len() => passed = None,
                    None if name.as_deref() == Some("p") => {
                        link = None;
                        extract.end();
                    }
                    None if name.as_deref() == Some("hyperlink") => link = None,
                    None if name.as_deref() == Some("tbl") => extract.cells.end_table(),
                    _ => {}
                }
            }
            Event::Empty(tag) if passed.is_none() => {
                let name = tag.local_name().as_ref().to_owned();
                match name.as_str() {
                    _ if RIGHT_TO_LEFT.contains(&name.as_str()) => extract.always(at, ""),
                    "pStyle" => {
                        let style = attribute(&tag, "val").and_then(|style| styles.get(&style));
                        style.into_iter().for_each(|kind| extract.is_rather(*kind));
                    }
                    "numPr" | "numId" => extract.is_rather(BlockKind::ListItem),
                    name if SET_APART.contains(&name) && in_run(&open) && !is_off(&tag) => {
                        style.push_str(at.of(xml));
                    }
                    "tab" if open.iter().any(|name| name == "r") => extract.push_sign("\t"),
                    "br" | "cr" => extract.push_sign("\n"),
                    "noBreakHyphen" => extract.push_sign("-"),
                    _ => {}
                }
            }
            // Where the file itself breaks a line Word shows a space.
            Event::Text(text) if is_shown(passed, &open) => {
                extract.push(&text.replace(['\r', '\n'], " "), at)
            }
            Event::CData(text) if is_shown(passed, &open) => extract.push(&text, at),
            Event::GeneralRef(name) if is_shown(passed, &open) => {
                extract.push(&crate::xml::entity(&name).ok_or("an entity that XML does not know")?, at);
            }
            _ => {}
        }
    }
}

/// Whether what comes is a property of a run.
fn in_run(open: &[String]) -> bool {
    matches!(open, [.., run, properties] if run == "r" && properties == "rPr")
}

/// Whether text between these open elements is for readers.
fn is_shown(passed: Option<usize>, open: &[String]) -> bool {
    passed.is_none() && open.last().is_some_and(|name| name == "t")
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let value = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(value.value.to_string())
}

#[cfg(test)]
mod tests {
    use BlockKind::*;

    use super::super::package::zipped;
    use super::*;

    const BODY: &str = "word/document.xml";
    const STYLES: &str = "<w:styles><w:style w:styleId='a3'><w:name w:val='heading 2'/></w:style>\
        <w:style w:styleId='T'><w:name w:val='Title'/></w:style>\
        <w:style w:styleId='x'><w:name w:val='عنوان'/><w:pPr><w:outlineLvl w:val='0'/></w:pPr></w:style></w:styles>";

    fn body(paragraphs: &str) -> String {
        format!(
            "<?xml version='1.0'?><w:document xmlns:w='w'><w:body>{paragraphs}<w:sectPr/></w:body></w:document>"
        )
    }

    fn read(entries: &[(&str, &str)]) -> Result<Document, ReadError> {
        Docx.document("a.docx", &zipped(entries), ReadOptions::default())
    }

    #[track_caller]
    fn check(paragraphs: &str, expected: &[(BlockKind, &str)]) {
        let document = read(&[("word/styles.xml", STYLES), (BODY, &body(paragraphs))]).unwrap();
        let found: Vec<_> = document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect();
        assert_eq!(found, expected, "{paragraphs}");
    }

    #[test]
    fn paragraphs_are_blocks_of_their_style() {
        check(
            "<w:p><w:pPr><w:pStyle w:val='T'/></w:pPr><w:r><w:t>تقرير</w:t></w:r></w:p>\
             <w:p><w:pPr><w:pStyle w:val='a3'/><w:numPr/></w:pPr><w:r><w:t>الوضع</w:t></w:r></w:p>\
             <w:p><w:pPr><w:pStyle w:val='x'/></w:pPr><w:r><w:t>باب</w:t></w:r></w:p>\
             <w:p><w:r><w:t xml:space='preserve'>نص </w:t></w:r><w:hyperlink><w:r><w:rPr><w:b/></w:rPr><w:t>مهم</w:t></w:r></w:hyperlink><w:r><w:t> &amp; هنا</w:t><w:br/><w:t>ثم</w:t></w:r></w:p>\
             <w:p><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>بند</w:t></w:r></w:p>\
             <w:tbl><w:tr><w:tc><w:p><w:r><w:t>حلب</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>12</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p/>",
            &[
                (Title, "تقرير"),
                (Heading(2), "الوضع"),
                (Heading(1), "باب"),
                (Paragraph, "نص مهم & هنا"),
                (Paragraph, "ثم"),
                (ListItem, "بند"),
                (TableCell, "حلب"),
                (TableCell, "12"),
            ],
        );
    }

    #[test]
    fn lines_that_are_broken_on_purpose_are_blocks() {
        let lines = |lines: &[&str]| {
            let runs = lines.iter().map(|line| format!("<w:r><w:t>{line}</w:t></w:r>"));
            format!("<w:p>{}</w:p>", runs.collect::<Vec<_>>().join("<w:r><w:br/></w:r>"))
        };
        check(
            &lines(&["المطلوب:", "خيام للنازحين", "2. ماء صالح\nللشرب", "- أدوية"]),
            &[
                (Paragraph, "المطلوب:"),
                (Paragraph, "خيام للنازحين"),
                (ListItem, "ماء صالح للشرب"),
                (ListItem, "أدوية"),
            ],
        );
    }

    #[test]
    fn what_is_set_apart_in_a_line_is_known() {
        let run = |properties: &str, text: &str| {
            format!("<w:r><w:rPr><w:rtl/>{properties}</w:rPr><w:t>{text}</w:t></w:r>")
        };
        let bold = "<w:b/><w:bCs/>";
        let line = [
            run("", "نص "),
            run(bold, "وزارة "),
            run(bold, "الصحة"),
            run("<w:i/>", "مائل"),
            run("<w:b w:val='0'/><w:color w:val='auto'/>", " عادي "),
            format!("<w:hyperlink>{}{}</w:hyperlink>", run(bold, "رابط"), run("", " طويل")),
            "<w:r><w:t> بعده</w:t></w:r>".into(),
        ];
        let document = read(&[(BODY, &body(&format!("<w:p>{}</w:p>", line.concat())))]).unwrap();
        let marks = &document.original.as_ref().unwrap().marks;
        let marks: Vec<&str> = marks.iter().map(|mark| mark.span.of(&document.text)).collect();
        assert_eq!(marks, ["وزارة الصحة", "مائل", "رابط طويل"]);
    }

    #[test]
    fn deleted_text_and_fields_are_for_no_reader() {
        check(
            "<w:p><w:del><w:r><w:delText>محذوف</w:delText></w:r></w:del><w:ins><w:r><w:t>مضاف</w:t></w:r></w:ins>\
             <w:r><w:instrText>TOC</w:instrText></w:r><mc:AlternateContent xmlns:mc='m'><mc:Choice><w:r><w:t> مرة</w:t></w:r></mc:Choice>\
             <mc:Fallback><w:r><w:t>مرتين</w:t></w:r></mc:Fallback></mc:AlternateContent></w:p>",
            &[(Paragraph, "مضاف مرة")],
        );
    }

    #[test]
    fn notes_headers_and_footers_come_behind_the_body() {
        let part = |text: &str| format!("<w:x xmlns:w='w'><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:x>");
        let (footer, note, text) = (part("ذيل"), part("حاشية"), part("نص"));
        let document = read(&[
            ("word/footer1.xml", &footer),
            ("word/footnotes.xml", &note),
            (BODY, &text),
            ("word/theme.xml", "<x/>"),
        ]);
        assert_eq!(document.unwrap().text, "نص\n\nحاشية\n\nذيل\n");
        let chart = |n: usize| format!("word/charts/chart{n}.xml");
        let (first, second) = (chart(1), chart(2));
        let entries = [(BODY, text.as_str()), (&first, ""), (&second, ""), ("word/embeddings/a.xlsx", "")];
        let expected = ["2 charts were not read", "one embedded file was not read"];
        assert_eq!(read(&entries).unwrap().notes, expected);
    }

    #[test]
    fn the_body_may_be_numbered_and_names_may_have_backslashes() {
        let text = body("<w:p><w:pPr><w:pStyle w:val='T'/></w:pPr><w:r><w:t>نص</w:t></w:r></w:p>");
        for (styles, entry) in
            [("word/styles.xml", "word/document2.xml"), ("word\\styles.xml", "word\\document.xml")]
        {
            let bytes = zipped(&[(styles, STYLES), (entry, &text)]);
            assert!(Docx.accepts("a.docx", &bytes), "{entry}");
            let document = Docx.document("a.docx", &bytes, ReadOptions::default()).unwrap();
            assert_eq!(document.blocks[0].kind, Title, "{entry}");
            assert_eq!(document.original.unwrap().parts[0].entry, entry);
        }
    }

    #[test]
    fn what_turns_text_to_the_right_goes_in_english() {
        let xml = body("<w:p><w:pPr><w:bidi/></w:pPr><w:r><w:rPr><w:rtl/></w:rPr><w:t>نص</w:t></w:r></w:p>");
        let document = read(&[(BODY, &xml)]).unwrap();
        let original = document.original.unwrap();
        let edits: Vec<&str> = original.parts[0].edits.iter().map(|edit| edit.at.of(&xml)).collect();
        assert_eq!(edits, ["<w:bidi/>", "<w:rtl/>", "<w:t>", "نص"]);
    }

    #[test]
    fn what_is_damaged_is_said_in_a_line() {
        for xml in ["<w:document><w:p>", "<w:p></w:x>", "<w:p", "<w:p><w:t>&undeclared;</w:t></w:p>"] {
            let error = read(&[(BODY, xml)]).unwrap_err();
            let ReadError::Damaged { what, .. } = &error else { panic!("{error}") };
            assert!(what.starts_with(BODY) && !what.contains('\n') && !error.hint().is_empty(), "{error}");
        }
        let bomb = zipped(&[(BODY, &" ".repeat(400 << 20))]);
        assert!(bomb.len() < 1 << 20);
        let error = Docx.document("a.docx", &bomb, ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than"), "{error}");
        assert!(!Docx.accepts("a.docx", b"PK\x03\x04") && !Docx.accepts("a.docx", &zipped(&[("x", "y")])));
    }
}
