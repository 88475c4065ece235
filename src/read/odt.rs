//! OpenDocument texts (ODF 1.3, ISO/IEC 26300), as archives or in one XML file: paragraphs of the body, then of notes and
//! comments, then of headers and footers.
//!
//! All text of a paragraph but what is hidden or deleted is a piece that comes back in English in its place; what turns
//! paragraphs, tables and pages to the right goes. What a program would compute anew when it opens the file (fields)
//! becomes text where it is part of a sentence, since that sentence is now elsewhere.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::extract::{Cell, Cells, Extract, key_of};
use super::package::{Package, not_read};
use super::{Contents, Format, ReadError, ReadOptions};
use crate::document::{BlockKind, Document, Notation, Part, Span, TextEncoding};
use crate::{lang, xml};

/// `.odt`
pub struct Odt;

/// The types of texts, templates of texts and pages begin so.
const TYPE: &str = "application/vnd.oasis.opendocument.text";
const BODY: &str = "content.xml";
const STYLES: &str = "styles.xml";
const MANIFEST: &str = "META-INF/manifest.xml";
/// The root of a document in one file names its type behind some forty namespaces.
const BEGINNING: usize = 8192;
/// Styles that are made from more than so many others are made from themselves.
const ANCESTORS: usize = 32;

impl Format for Odt {
    fn name(&self) -> &'static str {
        "odt"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["odt", "ott", "fodt"]
    }

    fn accepts(&self, _id: &str, bytes: &[u8]) -> bool {
        let is_text = |mut package: Package<'_>| match package.text("mimetype") {
            Ok(Some(kind)) => kind.starts_with(TYPE),
            _ => package.text(BODY).is_ok_and(|body| body.is_some_and(|body| body.contains("<office:text"))),
        };
        is_flat(bytes) || Package::open(bytes).is_some_and(is_text)
    }

    fn document(&self, id: &str, bytes: &[u8], _options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let damaged = |what: String| ReadError::Damaged { id: id.into(), what };
        let (mut texts, mut notes) = (Vec::new(), Vec::new());
        if let Some(mut package) = Package::open(bytes) {
            let manifest = package.text(MANIFEST).map_err(damaged)?.unwrap_or_default();
            if manifest.contains("encryption-data") {
                return Err(ReadError::Locked { id: id.into() });
            }
            notes = left_out(&manifest);
            notes.extend(package.lost());
            for entry in [STYLES, BODY] {
                let text = package.text(entry).map_err(damaged)?;
                texts.extend(text.map(|text| (entry, text)));
            }
            if texts.last().is_none_or(|(entry, _)| *entry != BODY) {
                return Err(damaged(format!("it has no {BODY}")));
            }
        } else {
            texts.push(("", xml::text(bytes).map_err(damaged)?));
        }
        // Styles come before what is set in them; readers begin with the body.
        let mut styles = Styles::default();
        let mut found = Vec::new();
        for (entry, text) in texts {
            let walked = walk(&text, &mut styles).map_err(|e| damaged(format!("{entry}: {e}")))?;
            found.push((entry, text, walked));
        }
        let mut extract = Extract::default();
        let mut parts = Vec::new();
        for (entry, text, walked) in found.into_iter().rev() {
            tell(walked, &mut extract);
            let edits = extract.end_part();
            parts.push(Part { entry: entry.into(), text, notation: Notation::Markup, edits });
        }
        let (text, blocks, marks) = extract.finish();
        Contents { encoding: TextEncoding::utf8(), text, blocks, notes, parts, marks }
            .document(self, id, bytes)
    }
}

/// Whether it is a document in one XML file.
fn is_flat(bytes: &[u8]) -> bool {
    let is_xml = bytes.starts_with(b"<?xml") || bytes.starts_with(b"\xef\xbb\xbf<?xml");
    let beginning = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]).into_owned();
    is_xml && {
        let beginning = beginning(bytes);
        beginning.contains("<office:document") && beginning.contains(TYPE)
    }
}

/// What in the archive holds text that is not read.
fn left_out(manifest: &str) -> Vec<String> {
    let (mut charts, mut formulas, mut files) = (0, 0, 0);
    for part in xml::Parts::new(manifest) {
        let Ok(xml::Part::Start(tag)) = part else { continue };
        let kind = attribute(&tag, "manifest:media-type").unwrap_or_default();
        let is_part = attribute(&tag, "manifest:full-path").is_some_and(|path| path != "/");
        match kind.strip_prefix("application/vnd.oasis.opendocument.") {
            Some("chart") if is_part => charts += 1,
            Some("formula") if is_part => formulas += 1,
            Some(_) if is_part => files += 1,
            _ => files += usize::from(kind == "application/vnd.sun.star.oleobject"),
        }
    }
    let kinds = [(charts, "chart"), (formulas, "formula"), (files, "embedded file")];
    kinds.into_iter().filter_map(|(n, what)| not_read(n, what)).collect()
}

/// Styles of paragraphs and of text, by their families and names.
type Styles = HashMap<String, Style>;

#[derive(Default)]
struct Style {
    parent: String,
    /// The outline level that paragraphs get with it; empty for an express none.
    level: Option<String>,
    is_hidden: bool,
}

/// What a paragraph of this style is, if it is no plain one.
fn kind_of<'s>(styles: &'s Styles, mut name: &'s str) -> Option<BlockKind> {
    for _ in 0..ANCESTORS {
        match name {
            "Title" => return Some(BlockKind::Title),
            "Caption" => return Some(BlockKind::Caption),
            _ => {}
        }
        let style = styles.get(&format!("paragraph {name}"))?;
        if let Some(level) = &style.level {
            return level.parse().ok().filter(|level| (1..=10).contains(level)).map(heading);
        }
        name = &style.parent;
    }
    None
}

fn heading(level: u8) -> BlockKind {
    BlockKind::Heading(level.min(9))
}

/// Where in the document a paragraph stands: they are told in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Body,
    /// In a footnote, an endnote or a comment.
    Note,
    /// In a header or footer.
    Margin,
}

struct Paragraph {
    kind: BlockKind,
    place: Place,
    is_hidden: bool,
    cell: Cell,
    pieces: Vec<Piece>,
    /// The tags around the fields in it.
    fields: Vec<Span>,
}

enum Piece {
    /// With what sets it apart from its line.
    Text(String, Span, Option<u64>),
    /// An element that stands for a character.
    Sign(&'static str),
}

/// An element that is open.
#[derive(Clone, Copy)]
struct Open {
    /// The paragraph that its text belongs to.
    into: Option<usize>,
    /// What paragraphs in it are.
    around: BlockKind,
    place: Place,
    /// It is for no reader.
    is_passed: bool,
    /// What sets its text apart from the line.
    apart: Option<u64>,
    /// It is a field: its tag, and how many pieces its paragraph had before it.
    field: Option<(Span, usize)>,
}

/// What is found in an XML text.
#[derive(Default)]
struct Found {
    /// In the order in which they begin.
    paragraphs: Vec<Paragraph>,
    /// Values that read otherwise in English.
    turned: Vec<(Span, &'static str)>,
}

/// Elements within paragraphs that are no fields.
const INLINE: [&str; 8] = [
    "text:span",
    "text:a",
    "text:meta",
    "text:ruby",
    "text:ruby-base",
    "text:p",
    "text:h",
    "loext:content-control",
];
/// Elements that no reader sees: what was deleted, the numbers that programs put before paragraphs, and reading aids.
const PASSED: [&str; 3] = ["text:tracked-changes", "text:number", "text:ruby-text"];

struct Walk<'s> {
    styles: &'s mut Styles,
    /// The style that is being defined, and how deep.
    style: Option<(String, usize)>,
    open: Vec<Open>,
    cells: Cells,
    /// For how many more columns the cell stands.
    repeated: usize,
    found: Found,
}

/// Reads one XML text; the styles that it defines stay known for the next.
fn walk(xml: &str, styles: &mut Styles) -> Result<Found, String> {
    let mut reader = Reader::from_str(xml);
    let mut walk = Walk {
        styles,
        style: None,
        open: Vec::new(),
        cells: Cells::default(),
        repeated: 0,
        found: Found::default(),
    };
    walk.found.turned.extend(xml::other_encoding(xml).map(|at| (at, "UTF-8")));
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|e| lang::shown(&e.to_string()))?;
        let at = Span::new(start, reader.buffer_position() as usize);
        match event {
            Event::Eof if walk.open.is_empty() => return Ok(walk.found),
            Event::Eof => return Err("it ends too early".into()),
            Event::Start(tag) => {
                let open = walk.start(&tag, at, xml);
                if walk.open.len() >= xml::DEEPEST {
                    return Err(format!("elements are nested more than {} deep", xml::DEEPEST));
                }
                walk.open.push(open);
            }
            Event::Empty(tag) => {
                walk.start(&tag, at, xml);
            }
            Event::End(tag) => {
                let is_passed = walk.open.last().is_some_and(|open| open.is_passed);
                if tag.name().as_ref() == "table:table" && !is_passed {
                    walk.cells.end_table();
                }
                walk.end(at);
            }
            Event::Text(text) => walk.text(&text, at),
            Event::CData(text) => walk.text(&text, at),
            Event::GeneralRef(name) => {
                walk.text(&xml::entity(&name).ok_or("an entity that XML does not know")?, at);
            }
            _ => {}
        }
    }
}

impl Walk<'_> {
    fn start(&mut self, tag: &BytesStart<'_>, at: Span, xml: &str) -> Open {
        let mut open = self.open.last().copied().unwrap_or(Open {
            into: None,
            around: BlockKind::Paragraph,
            place: Place::Body,
            is_passed: false,
            apart: None,
            field: None,
        });
        open.field = None;
        self.turn(tag, xml);
        let name = tag.name();
        let name: &str = name.as_ref();
        open.is_passed |= PASSED.contains(&name) || self.is_hidden(tag, name);
        if open.is_passed {
            open.into = None;
            return open;
        }
        match name {
            "text:p" | "text:h" => open.apart = None,
            "text:a" => open.apart = Some(at.start as u64),
            "text:span" => {
                let style = attribute(tag, "text:style-name").unwrap_or_default();
                open.apart = open.apart.or_else(|| Some(key_of(&style)));
            }
            _ => {}
        }
        match name {
            "style:style" => self.define(tag),
            "style:text-properties" => {
                let is_hidden = attribute(tag, "text:display").is_some_and(|display| display == "none");
                if let Some((style, depth)) = &self.style
                    && is_hidden
                    && self.open.len() == depth + 1
                    && let Some(style) = self.styles.get_mut(style)
                {
                    style.is_hidden = true;
                }
            }
            "style:master-page" => open.place = Place::Margin,
            "text:list-item" | "text:list-header" => open.around = BlockKind::ListItem,
            "table:table" => self.cells.begin_table(),
            "table:table-row" => {
                self.cells.row();
                self.repeated = 0;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                open.around = BlockKind::TableCell;
                self.cells.cell(1 + std::mem::take(&mut self.repeated));
                // An empty cell may stand for many, which count where another comes behind them.
                let repeated =
                    attribute(tag, "table:number-columns-repeated").and_then(|n| n.parse::<usize>().ok());
                self.repeated = repeated.map_or(0, |n| n.saturating_sub(1));
            }
            "text:note" | "office:annotation" => {
                open.place = open.place.max(Place::Note);
                (open.into, open.around) = (None, BlockKind::Paragraph);
            }
            "text:p" | "text:h" => open.into = Some(self.paragraph(tag, name, open)),
            // What a picture shows, in words.
            "svg:title" | "svg:desc" => {
                open.around = BlockKind::Caption;
                open.into = Some(self.paragraph(tag, name, open));
            }
            "text:s" => self.sign(open, " "),
            "text:tab" => self.sign(open, "\t"),
            "text:line-break" => self.sign(open, "\n"),
            "text:hidden-paragraph" => {
                if let Some(into) = open.into.filter(|_| is_true(tag, "text:is-hidden")) {
                    self.found.paragraphs[into].is_hidden = true;
                }
            }
            _ if name.starts_with("text:") || name.starts_with("loext:") => {
                if let Some(into) = open.into.filter(|_| !INLINE.contains(&name)) {
                    let paragraph = &mut self.found.paragraphs[into];
                    if name == "text:sequence" && paragraph.kind == BlockKind::Paragraph {
                        paragraph.kind = BlockKind::Caption;
                    }
                    open.field = Some((at, paragraph.pieces.len()));
                    // Page numbers have to stay what they are; the words around them are translated by themselves.
                    if open.place == Place::Margin {
                        open.into = None;
                    }
                }
            }
            // Frames, shapes and what else stands in a paragraph without being part of it.
            _ => {
                if open.into.is_some() {
                    (open.into, open.around) = (None, BlockKind::Paragraph);
                }
            }
        }
        open
    }

    fn end(&mut self, at: Span) {
        let Some(Open { into, field: Some((start, before)), .. }) = self.open.pop() else { return };
        if let Some(into) = into {
            let paragraph = &mut self.found.paragraphs[into];
            if paragraph.pieces.len() > before {
                paragraph.fields.extend([start, at]);
            }
        } else if let Some(into) = self.open.last().and_then(|open| open.into) {
            // What follows a page number is another paragraph.
            let Paragraph { kind, place, .. } = self.found.paragraphs[into];
            let next = self.begin(kind, place);
            for open in self.open.iter_mut().filter(|open| open.into == Some(into)) {
                open.into = Some(next);
            }
        }
    }

    fn text(&mut self, text: &str, at: Span) {
        if let Some(Open { into: Some(into), apart, .. }) = self.open.last() {
            self.found.paragraphs[*into].pieces.push(Piece::Text(text.to_owned(), at, *apart));
        }
    }

    fn sign(&mut self, open: Open, sign: &'static str) {
        if let Some(into) = open.into {
            self.found.paragraphs[into].pieces.push(Piece::Sign(sign));
        }
    }

    /// Begins the paragraph of a tag.
    fn paragraph(&mut self, tag: &BytesStart<'_>, name: &str, open: Open) -> usize {
        let level = attribute(tag, "text:outline-level").and_then(|level| level.parse().ok());
        let kind = match open.around {
            _ if name == "text:h" => heading(level.unwrap_or(1).max(1)),
            BlockKind::Paragraph => {
                let style = attribute(tag, "text:style-name").unwrap_or_default();
                kind_of(self.styles, &style).unwrap_or(BlockKind::Paragraph)
            }
            kind => kind,
        };
        self.begin(kind, open.place)
    }

    fn begin(&mut self, kind: BlockKind, place: Place) -> usize {
        let (pieces, fields) = (Vec::new(), Vec::new());
        let (is_hidden, cell) = (false, self.cells.now());
        self.found.paragraphs.push(Paragraph { kind, place, is_hidden, cell, pieces, fields });
        self.found.paragraphs.len() - 1
    }

    fn define(&mut self, tag: &BytesStart<'_>) {
        let (family, name) = (attribute(tag, "style:family"), attribute(tag, "style:name"));
        let style = format!("{} {}", family.unwrap_or_default(), name.unwrap_or_default());
        let parent = attribute(tag, "style:parent-style-name").unwrap_or_default();
        let level = attribute(tag, "style:default-outline-level");
        self.style = Some((style.clone(), self.open.len()));
        self.styles.insert(style, Style { parent, level, is_hidden: false });
    }

    /// Whether the document hides an element.
    fn is_hidden(&self, tag: &BytesStart<'_>, name: &str) -> bool {
        let family = match name {
            "text:p" | "text:h" => "paragraph",
            "text:span" => "text",
            "text:hidden-text" => return is_true(tag, "text:is-hidden"),
            "text:section" => {
                let display = attribute(tag, "text:display").unwrap_or_default();
                return display == "none" || (display == "condition" && is_true(tag, "text:is-hidden"));
            }
            "style:header" | "style:footer" | "style:header-left" | "style:footer-left"
            | "style:header-first" | "style:footer-first" => {
                return attribute(tag, "style:display").is_some_and(|display| display == "false");
            }
            _ => return false,
        };
        let style = attribute(tag, "text:style-name").unwrap_or_default();
        let mut style = self.styles.get(&format!("{family} {style}"));
        for _ in 0..ANCESTORS {
            match style {
                Some(Style { is_hidden: false, parent, .. }) if !parent.is_empty() => {
                    style = self.styles.get(&format!("{family} {parent}"));
                }
                _ => break,
            }
        }
        style.is_some_and(|style| style.is_hidden)
    }

    /// English is written from left to right. What begins at the right because of it begins at the left.
    fn turn(&mut self, tag: &BytesStart<'_>, xml: &str) {
        let holds = |name: &str, value: &str| {
            tag.attributes().flatten().any(|a| a.key.as_ref() == name && a.value == value)
        };
        let (mut is_turned, mut is_arabic) = (None, None);
        for attribute in tag.attributes().flatten() {
            let with = match (attribute.key.as_ref(), attribute.value.as_ref()) {
                ("style:writing-mode", "rl-tb") => "lr-tb",
                ("style:writing-mode", "rl") => "lr",
                ("fo:text-align", value @ ("end" | "right")) => {
                    let is_turned = is_turned.get_or_insert_with(|| {
                        holds("style:writing-mode", "rl-tb") || holds("style:writing-mode", "rl")
                    });
                    match value {
                        _ if !*is_turned => continue,
                        "end" => "start",
                        _ => "left",
                    }
                }
                ("fo:language", "ar") => "en",
                ("fo:country", _) if *is_arabic.get_or_insert_with(|| holds("fo:language", "ar")) => "none",
                _ => continue,
            };
            self.found.turned.extend(xml::place(&attribute.value, xml).map(|at| (at, with)));
        }
    }
}

/// Tells the paragraphs in their order.
fn tell(mut found: Found, extract: &mut Extract) {
    found.paragraphs.sort_by_key(|paragraph| paragraph.place);
    for Paragraph { kind, cell, pieces, fields, .. } in found.paragraphs.into_iter().filter(|p| !p.is_hidden)
    {
        extract.cells.set(cell);
        extract.begin(kind);
        for piece in &pieces {
            match piece {
                Piece::Text(text, at, apart) => {
                    extract.set_apart(*apart);
                    extract.push_evened(text, *at);
                }
                Piece::Sign(" ") if extract.ends_in_space() => {}
                Piece::Sign(sign) => extract.push_sign(sign),
            }
        }
        extract.set_apart(None);
        extract.end();
        let is_translated =
            pieces.iter().any(|piece| matches!(piece, Piece::Text(text, ..) if lang::has_arabic(text)));
        if is_translated {
            fields.into_iter().for_each(|tag| extract.always(tag, ""));
        }
    }
    found.turned.into_iter().for_each(|(at, with)| extract.always(at, with));
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    tag.attributes().flatten().find(|a| a.key.as_ref() == name).map(|a| a.value.into_owned())
}

fn is_true(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use BlockKind::*;

    use super::super::package::zipped;
    use super::*;
    use crate::document::Written;

    fn body(styles: &str, text: &str) -> String {
        format!(
            "<?xml version='1.0'?><office:document-content><office:automatic-styles>{styles}</office:automatic-styles>\
             <office:body><office:text>{text}</office:text></office:body></office:document-content>"
        )
    }

    fn read(entries: &[(&str, &str)]) -> Result<Document, ReadError> {
        Odt.document("a.odt", &zipped(entries), ReadOptions::default())
    }

    const COMMON: &str = "<office:document-styles><office:styles>\
        <style:style style:name='Heading_20_2' style:family='paragraph' style:default-outline-level='2'/>\
        <style:style style:name='Quiet' style:family='paragraph' style:parent-style-name='Heading_20_2' style:default-outline-level=''/>\
        <style:style style:name='Loop' style:family='paragraph' style:parent-style-name='Loop'/>\
        <style:style style:name='Table' style:family='paragraph' style:parent-style-name='Caption'/>\
        </office:styles></office:document-styles>";
    const OWN: &str = "<style:style style:name='P1' style:family='paragraph' style:parent-style-name='Title'/>\
        <style:style style:name='P2' style:family='paragraph' style:parent-style-name='Heading_20_2'/>\
        <style:style style:name='P3' style:family='paragraph' style:parent-style-name='Quiet'/>\
        <style:style style:name='P1' style:family='text'><style:text-properties text:display='none'/></style:style>\
        <style:style style:name='T2' style:family='text' style:parent-style-name='P1'/>";

    #[track_caller]
    fn check(text: &str, expected: &[(BlockKind, &str)]) {
        let document = read(&[(STYLES, COMMON), (BODY, &body(OWN, text))]).unwrap();
        let found: Vec<_> = document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect();
        assert_eq!(found, expected, "{text}");
    }

    /// What stands in the body, with what becomes of it where that is not its own English.
    fn always(styles: &str, text: &str) -> Vec<(String, &'static str)> {
        let document = read(&[(BODY, &body(styles, text))]).unwrap();
        let part = document.original.unwrap().parts.remove(0);
        let edits = part.edits.iter().filter_map(|edit| match edit.with {
            Written::Always(with) => Some((edit.at.of(&part.text).to_owned(), with)),
            _ => None,
        });
        edits.collect()
    }

    #[test]
    fn paragraphs_are_blocks_of_their_style() {
        check(
            "<text:p text:style-name='P1'>تقرير</text:p><text:h text:outline-level='3'><text:number>١</text:number>باب</text:h>\
             <text:p text:style-name='P2'>الوضع</text:p><text:p text:style-name='P3'>نص</text:p><text:p text:style-name='Loop'>نص</text:p>\
             <text:p>نص\n <text:span>مهم </text:span><text:a> &amp; هنا</text:a><text:line-break/>ثم<text:s text:c='3'/><text:soft-page-break/> بعد<text:bookmark/><text:tab/>آخر</text:p><text:p/>",
            &[
                (Title, "تقرير"),
                (Heading(3), "باب"),
                (Heading(2), "الوضع"),
                (Paragraph, "نص"),
                (Paragraph, "نص"),
                (Paragraph, "نص مهم & هنا"),
                (Paragraph, "ثم بعد\tآخر"),
            ],
        );
        check(
            "<text:list><text:list-item><text:p>بند</text:p><text:list><text:list-item><text:p>تحته</text:p></text:list-item></text:list></text:list-item></text:list>\
             <table:table><table:table-row><table:table-cell><text:p>حلب</text:p></table:table-cell><table:table-cell><text:p>12</text:p></table:table-cell></table:table-row></table:table>\
             <text:p text:style-name='Table'>جدول</text:p><text:p>شكل <text:sequence>1</text:sequence>: سيل</text:p>",
            &[
                (ListItem, "بند"),
                (ListItem, "تحته"),
                (TableCell, "حلب"),
                (TableCell, "12"),
                (Caption, "جدول"),
                (Caption, "شكل 1: سيل"),
            ],
        );
    }

    #[test]
    fn deleted_and_hidden_text_is_for_no_reader() {
        check(
            "<text:tracked-changes><text:changed-region><text:deletion><text:p>محذوف</text:p></text:deletion></text:changed-region></text:tracked-changes>\
             <text:p>قبل<text:change/> <text:span text:style-name='P1'>خفي</text:span><text:change-start/>مضاف<text:change-end/>\
             <text:hidden-text text:is-hidden='true'>خفي</text:hidden-text><text:span text:style-name='T2'>خفي</text:span></text:p>\
             <text:p>خفي<text:hidden-paragraph text:is-hidden='true'/></text:p><text:section text:display='none'><text:p>خفي</text:p></text:section>\
             <text:section text:display='condition' text:is-hidden='false'><text:p>ظاهر</text:p></text:section>",
            &[(Paragraph, "قبل مضاف"), (Paragraph, "ظاهر")],
        );
    }

    #[test]
    fn what_stands_in_a_paragraph_without_being_part_of_it_follows() {
        check(
            "<text:p>وصل<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>حاشية</text:p></text:note-body></text:note> الوفد<office:annotation><dc:creator>سارة</dc:creator><text:p>تعليق</text:p></office:annotation>\
             <draw:frame><draw:text-box><text:p>إطار</text:p></draw:text-box><svg:title>صورة</svg:title></draw:frame> أمس.</text:p><text:p>نص</text:p>",
            &[
                (Paragraph, "وصل الوفد أمس."),
                (Paragraph, "إطار"),
                (Caption, "صورة"),
                (Paragraph, "نص"),
                (Paragraph, "حاشية"),
                (Paragraph, "تعليق"),
            ],
        );
    }

    #[test]
    fn headers_come_last_and_their_page_numbers_stay() {
        let styles = "<office:document-styles><office:master-styles><style:master-page>\
            <style:header><text:p>منظمة</text:p></style:header><style:header-left style:display='false'><text:p>خفي</text:p></style:header-left>\
            <style:footer><text:p>صفحة <text:page-number>1</text:page-number> من <text:page-count>9</text:page-count></text:p></style:footer>\
            </style:master-page></office:master-styles></office:document-styles>";
        let document = read(&[(STYLES, styles), (BODY, &body("", "<text:p>نص</text:p>"))]).unwrap();
        assert_eq!(document.text, "نص\n\nمنظمة\n\nصفحة \n\nمن \n");
        let part = &document.original.as_ref().unwrap().parts[1];
        let edits: Vec<&str> = part.edits.iter().map(|edit| edit.at.of(styles)).collect();
        assert_eq!(edits, ["منظمة", "صفحة ", " من "]);
    }

    #[test]
    fn fields_within_arabic_become_text() {
        let field = "<text:page-number>1</text:page-number>";
        let tags = [("<text:page-number>".to_owned(), ""), ("</text:page-number>".to_owned(), "")];
        assert_eq!(
            always("", &format!("<text:p>صفحة {field}<text:bookmark></text:bookmark></text:p>")),
            tags
        );
        assert_eq!(always("", &format!("<text:p>Page {field}</text:p><text:p>نص</text:p>")), []);
    }

    #[test]
    fn what_turns_text_to_the_right_goes_in_english() {
        for (tag, expected) in [
            ("style:writing-mode='rl-tb' fo:text-align='end'", &[("rl-tb", "lr-tb"), ("end", "start")][..]),
            ("fo:text-align=\"right\" style:writing-mode=\"rl\"", &[("right", "left"), ("rl", "lr")]),
            ("fo:text-align='end'", &[]),
            ("style:writing-mode='rl-tb' fo:text-align='center'", &[("rl-tb", "lr-tb")]),
            ("fo:language='ar' fo:country='SY' style:language-complex='ar'", &[("ar", "en"), ("SY", "none")]),
            ("fo:language='en' fo:country='GB'", &[]),
        ] {
            let found = always(&format!("<style:paragraph-properties {tag}/>"), "<text:p>نص</text:p>");
            let found: Vec<_> = found.iter().map(|(at, with)| (at.as_str(), *with)).collect();
            assert_eq!(found, expected, "{tag}");
        }
    }

    #[test]
    fn a_document_in_one_file_is_read() {
        let flat = format!(
            "<?xml version='1.0' encoding='utf-16'?><office:document office:mimetype='{TYPE}'><office:master-styles><style:master-page>\
             <style:header><text:p>منظمة</text:p></style:header></style:master-page></office:master-styles>\
             <office:body><office:text><text:p>نص</text:p></office:text></office:body></office:document>"
        );
        assert!(
            Odt.accepts("a.xml", flat.as_bytes()) && !Odt.accepts("a.fodt", b"<?xml version='1.0'?><a/>")
        );
        let document = Odt.document("a.fodt", flat.as_bytes(), ReadOptions::default()).unwrap();
        assert_eq!(document.text, "نص\n\nمنظمة\n");
        let part = &document.original.as_ref().unwrap().parts[0];
        assert!(part.entry.is_empty() && part.edits[0].at.of(&flat) == "utf-16");
    }

    #[test]
    fn embedded_objects_are_counted_and_passwords_named() {
        let entry = |kind: &str| {
            format!("<manifest:file-entry manifest:full-path='Object/' manifest:media-type='{kind}'/>")
        };
        let object = |kind: &str| entry(&format!("application/vnd.oasis.opendocument.{kind}"));
        let kinds = ["chart", "chart", "formula", "spreadsheet"].map(object).concat();
        let whole = format!("<manifest:file-entry manifest:full-path='/' manifest:media-type='{TYPE}'/>");
        let manifest = format!("<a>{whole}{kinds}{}</a>", entry("application/vnd.sun.star.oleobject"));
        let text = body("", "<text:p>نص</text:p>");
        let notes = read(&[(MANIFEST, &manifest), (BODY, &text)]).unwrap().notes;
        assert_eq!(
            notes,
            ["2 charts were not read", "one formula was not read", "2 embedded files were not read"]
        );
        let error = read(&[(MANIFEST, "<a><manifest:encryption-data/></a>"), (BODY, "?")]).unwrap_err();
        assert_eq!(error, ReadError::Locked { id: "a.odt".into() });
        assert!(!error.hint().is_empty());
    }

    #[test]
    fn what_is_damaged_is_said_in_a_line() {
        for xml in [
            "<a><text:p>",
            "<text:p></text:x>",
            "<text:p",
            "<text:p>&undeclared;</text:p>",
            &"<a>".repeat(5000),
        ] {
            let error = read(&[(BODY, xml)]).unwrap_err();
            let ReadError::Damaged { what, .. } = &error else { panic!("{error}") };
            assert!(what.starts_with(BODY) && !what.contains('\n') && !error.hint().is_empty(), "{error}");
        }
        let error = read(&[("mimetype", TYPE)]).unwrap_err().to_string();
        assert!(error.ends_with("it has no content.xml"), "{error}");
        assert!(matches!(read(&[(BODY, &body("", ""))]), Err(ReadError::Blank { .. })));
        assert!(Odt.accepts("x", &zipped(&[("mimetype", TYPE)])));
        assert!(Odt.accepts("x", &zipped(&[(BODY, &body("", ""))])));
        let sheet = [("mimetype", "application/vnd.oasis.opendocument.spreadsheet")];
        assert!(!Odt.accepts("x.odt", &zipped(&sheet)) && !Odt.accepts("x.odt", b"PK\x03\x04"));
    }
}
