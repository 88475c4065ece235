//! Books (EPUB 2 and 3): the chapters in the order of the book, each read as a web page, under the book's title.
//!
//! Labels that only tables of contents have (`toc.ncx`, the navigation page, the `<title>` of a chapter) say what headings
//! say: those come back with the English of the heading, and what no heading says stands behind the text.

use std::collections::{HashMap, HashSet};

use percent_encoding::percent_decode_str;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::extract::Extract;
use super::package::{Package, not_read};
use super::{Contents, Format, ReadError, ReadOptions, css, html};
use crate::document::{Block, BlockKind, Document, Edit, Notation, Part, Span, TextEncoding, Written};
use crate::{lang, xml};

/// `.epub`
pub struct Epub;

const TYPE: &str = "application/epub+zip";
const CONTAINER: &str = "META-INF/container.xml";
const ENCRYPTION: &str = "META-INF/encryption.xml";
/// Ways of encrypting that hide nothing but fonts.
const OBFUSCATIONS: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];
/// So many blocks at the beginning of a book may hold its title.
const TITLE_PAGE: usize = 20;
/// Longer texts are no headings, in bytes.
const LONGEST_LABEL: usize = 600;

impl Format for Epub {
    fn name(&self) -> &'static str {
        "epub"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["epub"]
    }

    fn accepts(&self, _id: &str, bytes: &[u8]) -> bool {
        Package::open(bytes).is_some_and(|mut package| match package.text("mimetype") {
            Ok(Some(kind)) => kind.trim() == TYPE,
            _ => package.names().iter().any(|name| name == CONTAINER),
        })
    }

    fn document(&self, id: &str, bytes: &[u8], _options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let damaged = |what: String| ReadError::Damaged { id: id.into(), what: lang::shown(&what) };
        let mut package = Package::open(bytes).ok_or_else(|| damaged("is no ZIP archive".into()))?;
        let container = package.text(CONTAINER).map_err(damaged)?.unwrap_or_default();
        let name = root(&container).map_err(|e| damaged(format!("{CONTAINER}: {e}")))?;
        let encryption = package.text(ENCRYPTION).map_err(damaged)?.unwrap_or_default();
        let encrypted = encrypted(&encryption).map_err(|e| damaged(format!("{ENCRYPTION}: {e}")))?;
        if encrypted.contains(&name) {
            return Err(ReadError::CopyProtected { id: id.into() });
        }
        let text = package.text(&name).map_err(damaged)?;
        let text = text.ok_or_else(|| damaged(format!("{name} is missing")))?;
        let sheet = Sheet::of(&text).map_err(|e| damaged(format!("{name}: {e}")))?;
        let mut book = Book::default();
        let (chapters, others) = contents(&name, &sheet);
        book.add_sheet(name, text, sheet);
        for Item { entry, kind } in chapters.into_iter().chain(others) {
            if kind == ItemKind::Chapter && encrypted.contains(&entry) {
                return Err(ReadError::CopyProtected { id: id.into() });
            }
            let is_readable = kind != ItemKind::Picture && !encrypted.contains(&entry);
            match if is_readable { package.text(&entry) } else { Ok(None) } {
                Ok(text) => book.add(entry, kind, text),
                Err(e) if kind == ItemKind::Chapter => return Err(damaged(e)),
                Err(e) => book.notes.push(format!("left as it is: {e}")),
            }
        }
        book.notes.extend(not_read(book.pictures, "picture page"));
        book.notes.extend(book.extract.notes());
        book.notes.extend(package.lost());
        if book.extract.blocks().next().is_none() {
            return Err(match book.pictures {
                0 => ReadError::Blank { id: id.into() },
                pages => ReadError::Pictures { id: id.into(), pages },
            });
        }
        book.finish().document(self, id, bytes)
    }
}

/// The entry that says what the book is made of.
fn root(container: &str) -> Result<String, String> {
    for part in xml::Parts::new(container) {
        if let xml::Part::Start(tag) = part?
            && tag.local_name().as_ref() == "rootfile"
            && let Some(path) = attribute(&tag, "full-path")
        {
            return Ok(path);
        }
    }
    Err("it names no book".into())
}

/// The entries whose content is encrypted.
fn encrypted(encryption: &str) -> Result<HashSet<String>, String> {
    let mut entries = HashSet::new();
    let mut hides = false;
    for part in xml::Parts::new(encryption) {
        let xml::Part::Start(tag) = part? else { continue };
        match tag.local_name().as_ref() {
            "EncryptedData" => hides = true,
            "EncryptionMethod" => {
                hides &= attribute(&tag, "Algorithm")
                    .is_none_or(|algorithm| !OBFUSCATIONS.contains(&algorithm.as_str()));
            }
            "CipherReference" if hides => {
                entries.extend(attribute(&tag, "URI").map(|uri| resolved("", &uri)));
            }
            _ => {}
        }
    }
    Ok(entries)
}

/// The entry that `link` in the entry `from` leads to.
fn resolved(from: &str, link: &str) -> String {
    let link = link.split(['#', '?']).next().unwrap_or_default();
    let link = percent_decode_str(link).decode_utf8_lossy();
    let (base, link) = match link.strip_prefix('/') {
        Some(link) => ("", link),
        None => (from.rsplit_once('/').map_or("", |(folder, _)| folder), &*link),
    };
    let mut path: Vec<&str> = Vec::new();
    for part in base.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.join("/")
}

/// What an entry is in the book.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Chapter,
    /// A page without text.
    Picture,
    /// The table of contents of EPUB 3.
    Navigation,
    /// That of EPUB 2.
    Ncx,
    Styles,
}

struct Item {
    entry: String,
    kind: ItemKind,
}

/// What the package document (or the table of contents of EPUB 2) has in it.
#[derive(Default)]
struct Sheet {
    /// Elements with text, and the titles of links to parts of the book: the element around, its own name, its text, and
    /// where that stands.
    texts: Vec<(String, String, String, Span)>,
    /// Values that read otherwise in English.
    edits: Vec<Edit>,
    /// `item`s by their ids: link, media type, properties.
    items: Vec<(String, [String; 3])>,
    /// The ids of the chapters, and whether they are part of the line of reading.
    spine: Vec<(String, bool)>,
}

impl Sheet {
    fn of(text: &str) -> Result<Self, String> {
        let mut sheet = Sheet::default();
        let mut reader = Reader::from_str(text);
        // Names of the open elements, and where their content begins.
        let mut open: Vec<(String, usize)> = Vec::new();
        let mut words = String::new();
        sheet.always(xml::other_encoding(text), "UTF-8");
        loop {
            let start = reader.buffer_position() as usize;
            let event = reader.read_event().map_err(|e| lang::shown(&e.to_string()))?;
            let end = reader.buffer_position() as usize;
            match event {
                Event::Start(tag) => {
                    sheet.tag(&tag, text);
                    if open.len() >= xml::DEEPEST {
                        return Err(format!("elements are nested more than {} deep", xml::DEEPEST));
                    }
                    open.push((tag.local_name().as_ref().to_owned(), end));
                    words.clear();
                }
                Event::Empty(tag) => sheet.tag(&tag, text),
                Event::Text(more) => words.push_str(&more),
                Event::CData(more) => words.push_str(&more),
                Event::GeneralRef(name) => {
                    words.push_str(&xml::entity(&name).ok_or("an entity that XML does not know")?);
                }
                Event::End(_) => {
                    let Some((name, begin)) = open.pop() else { continue };
                    let around = open.last().map_or("", |(name, _)| name).to_owned();
                    let words = std::mem::take(&mut words);
                    if !words.trim().is_empty() {
                        sheet.texts.push((around, name, evened(&words), Span::new(begin, start)));
                    }
                }
                Event::Eof if open.is_empty() => return Ok(sheet),
                Event::Eof => return Err("it ends too early".into()),
                _ => {}
            }
        }
    }

    fn tag(&mut self, tag: &BytesStart<'_>, text: &str) {
        let own = |name: &str| attribute(tag, name).unwrap_or_default();
        match tag.local_name().as_ref() {
            "item" => self.items.push((own("id"), [own("href"), own("media-type"), own("properties")])),
            "itemref" => self.spine.push((own("idref"), own("linear") != "no")),
            _ => {}
        }
        for attribute in tag.attributes().flatten() {
            let with = match (attribute.key.as_ref(), attribute.value.as_ref()) {
                ("title", title) if tag.local_name().as_ref() == "reference" => {
                    let words = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or_default();
                    let at = xml::place(title, text);
                    self.texts.extend(at.map(|at| ("guide".into(), "title".into(), evened(&words), at)));
                    continue;
                }
                ("dir" | "page-progression-direction", "rtl") => "ltr",
                ("xml:lang" | "lang", lang) if is_arabic(lang) => "en",
                _ => continue,
            };
            self.always(xml::place(&attribute.value, text), with);
        }
    }

    fn always(&mut self, at: Option<Span>, with: &'static str) {
        self.edits.extend(at.map(|at| Edit { at, with: Written::Always(with) }));
    }
}

/// What is read of the book, in the order of reading, and what else of it comes back in English.
fn contents(name: &str, sheet: &Sheet) -> (Vec<Item>, Vec<Item>) {
    let (mut chapters, mut others) = (Vec::new(), Vec::new());
    let mut items = HashMap::new();
    for (id, [link, media, properties]) in &sheet.items {
        let path = link.split(['#', '?']).next().unwrap_or_default().to_lowercase();
        let is_page = [".xhtml", ".html", ".htm"].iter().any(|end| path.ends_with(end));
        let kind = match media.as_str() {
            _ if properties.split_whitespace().any(|property| property == "nav") => ItemKind::Navigation,
            "application/x-dtbncx+xml" => ItemKind::Ncx,
            "text/css" => ItemKind::Styles,
            "application/xhtml+xml" | "text/html" | "application/x-dtbook+xml" | "text/x-oeb1-document" => {
                ItemKind::Chapter
            }
            _ if is_page => ItemKind::Chapter,
            _ => ItemKind::Picture,
        };
        let entry = resolved(name, link);
        if matches!(kind, ItemKind::Chapter | ItemKind::Picture) {
            items.insert(id.as_str(), (entry, kind));
        } else {
            others.push(Item { entry, kind });
        }
    }
    let mut seen = HashSet::new();
    for is_linear in [true, false] {
        for (id, _) in sheet.spine.iter().filter(|(_, linear)| *linear == is_linear) {
            // A chapter that the book shows twice is one.
            let item = items.remove(id.as_str()).filter(|(entry, _)| seen.insert(entry.clone()));
            chapters.extend(item.map(|(entry, kind)| Item { entry, kind }));
        }
    }
    (chapters, others)
}

/// Words that a table of contents has, or a title.
struct Label {
    part: usize,
    text: String,
    at: Span,
    /// Where more of them stand: the English goes to the first place.
    others: Vec<Span>,
}

/// A book as far as it is read.
#[derive(Default)]
struct Book {
    extract: Extract,
    parts: Vec<Part>,
    title: Option<String>,
    labels: Vec<Label>,
    notes: Vec<String>,
    pictures: usize,
}

impl Book {
    fn add(&mut self, entry: String, kind: ItemKind, text: Option<String>) {
        let Some(text) = text else {
            match kind {
                ItemKind::Picture => self.pictures += 1,
                ItemKind::Chapter => self.notes.push(format!("{entry} is missing in the book")),
                _ => {}
            }
            return;
        };
        match kind {
            ItemKind::Chapter => self.add_chapter(entry, text),
            ItemKind::Navigation => self.add_navigation(entry, text),
            ItemKind::Ncx => match Sheet::of(&text) {
                Ok(sheet) => self.add_sheet(entry, text, sheet),
                Err(e) => self.notes.push(format!("left as it is: {entry}: {e}")),
            },
            ItemKind::Styles => {
                let always = |(at, with)| Edit { at, with: Written::Always(with) };
                let edits: Vec<Edit> = css::turned(&text).into_iter().map(always).collect();
                if !edits.is_empty() {
                    self.parts.push(Part { entry, text, notation: Notation::Plain, edits });
                }
            }
            ItemKind::Picture => {}
        }
    }

    /// The package document, or a table of contents of EPUB 2.
    fn add_sheet(&mut self, entry: String, text: String, mut sheet: Sheet) {
        let part = self.parts.len();
        for (around, name, text, at) in std::mem::take(&mut sheet.texts) {
            if matches!(around.as_str(), "metadata" | "dc-metadata") && name == "title" {
                self.title.get_or_insert_with(|| text.clone());
            }
            match (around.as_str(), name.as_str()) {
                ("metadata" | "dc-metadata" | "guide", "title") | ("navLabel" | "docTitle", "text") => {
                    self.labels.push(Label { part, text, at, others: Vec::new() });
                }
                (_, "language") if is_arabic(&text) => sheet.always(Some(at), "en"),
                _ => {}
            }
        }
        self.parts.push(Part { entry, text, notation: Notation::Markup, edits: sheet.edits });
    }

    fn add_chapter(&mut self, entry: String, text: String) {
        let before = self.extract.blocks().count();
        let title = html::read(&text, &mut self.extract, html::Kind::Chapter);
        let mut edits = self.extract.end_part();
        if self.extract.blocks().count() == before && ["<img", "<image"].iter().any(|tag| text.contains(tag))
        {
            self.pictures += 1;
        }
        edits.extend(encoding(&text));
        self.label(title.into_iter());
        self.parts.push(Part { entry, text, notation: Notation::Markup, edits });
    }

    fn add_navigation(&mut self, entry: String, text: String) {
        let mut own = Extract::default();
        let title = html::read(&text, &mut own, html::Kind::Contents);
        let (mut edits, mut pieces) = (Vec::new(), Vec::new());
        for edit in own.end_part() {
            match edit.with {
                Written::Text(span) => pieces.push((span, edit.at)),
                Written::Always(_) | Written::Sign { .. } => edits.push(edit),
            }
        }
        edits.extend(encoding(&text));
        let (words, blocks, _) = own.finish();
        self.label(title.into_iter());
        let mut pieces = pieces.into_iter().peekable();
        for Block { span, .. } in blocks {
            // Pieces are in the order of their text, and none is of two blocks.
            while pieces.next_if(|(piece, _)| piece.end <= span.start).is_some() {}
            let mut of_it = Vec::new();
            while let Some((piece, at)) = pieces.next_if(|(piece, _)| piece.start < span.end) {
                of_it.push((piece.of(&words).to_owned(), at));
            }
            self.label(of_it.into_iter());
        }
        self.parts.push(Part { entry, text, notation: Notation::Markup, edits });
    }

    /// A label of the part that is added next.
    fn label(&mut self, pieces: impl Iterator<Item = (String, Span)>) {
        let (texts, mut places): (Vec<String>, Vec<Span>) = pieces.unzip();
        if !places.is_empty() {
            let (part, text, at) = (self.parts.len(), evened(&texts.concat()), places.remove(0));
            self.labels.push(Label { part, text, at, others: places });
        }
    }

    fn finish(self) -> Contents {
        let Book { mut extract, mut parts, mut title, labels, notes, .. } = self;
        let mut known: HashMap<String, Span> = HashMap::new();
        for (text, span) in extract.blocks().filter(|(_, span)| span.len() <= LONGEST_LABEL) {
            known.entry(evened(text)).or_insert(span);
        }
        let beginning = extract.blocks().take(TITLE_PAGE);
        let on_page = beginning.filter(|(text, _)| Some(evened(text)) == title).map(|(_, span)| span).next();
        if on_page.is_some() {
            title = None;
        }
        // What goes before the text moves it.
        let before = title.as_ref().map_or(0, |title| title.len() + 2);
        let mut of_title = Vec::new();
        for Label { part, text, at, others } in labels {
            if title.as_deref() == Some(text.as_str()) {
                of_title.push((part, at));
            } else if lang::has_arabic(&text) {
                let span = *known.entry(text).or_insert_with_key(|text| {
                    extract.begin(BlockKind::ListItem);
                    extract.push(text, at);
                    extract.end_part();
                    extract.blocks().next_back().map_or(Span::new(0, 0), |(_, span)| span)
                });
                parts[part].edits.push(Edit { at, with: Written::Text(span) });
            } else {
                continue;
            }
            let empty = others.into_iter().map(|at| Edit { at, with: Written::Always("") });
            parts[part].edits.extend(empty);
        }
        let (mut text, mut blocks, mut marks) = extract.finish();
        for block in &mut blocks {
            if Some(block.span) == on_page {
                block.kind = BlockKind::Title;
            }
            block.span = moved(block.span, before);
        }
        for mark in &mut marks {
            mark.span = moved(mark.span, before);
        }
        for edit in parts.iter_mut().flat_map(|part| &mut part.edits) {
            if let Written::Text(span) = &mut edit.with {
                *span = moved(*span, before);
            }
        }
        if let Some(title) = title {
            let span = Span::new(0, title.len());
            for (part, at) in of_title {
                parts[part].edits.push(Edit { at, with: Written::Text(span) });
            }
            blocks.insert(0, Block { kind: BlockKind::Title, span });
            text = format!("{title}\n\n{text}");
        }
        for part in &mut parts {
            part.edits.sort_by_key(|edit| edit.at.start);
        }
        // They name entries.
        let notes = notes.iter().map(|note| lang::shown(note)).collect();
        Contents { encoding: TextEncoding::utf8(), text, blocks, notes, parts, marks }
    }
}

fn moved(span: Span, by: usize) -> Span {
    Span::new(span.start + by, span.end + by)
}

fn encoding(text: &str) -> Option<Edit> {
    xml::other_encoding(text).map(|at| Edit { at, with: Written::Always("UTF-8") })
}

fn is_arabic(language: &str) -> bool {
    language.trim().split(['-', '_']).next().is_some_and(|code| code.eq_ignore_ascii_case("ar"))
}

/// White space of any kind and length as one space.
fn evened(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == name)?;
    Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use BlockKind::*;

    use super::super::package::zipped;
    use super::*;

    const ROOT: &str = "<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>";

    /// A package document: its metadata, `id href media properties` of each item, and the spine.
    fn package(metadata: &str, items: &[&str], spine: &str) -> String {
        let item = |line: &&str| {
            let fields: Vec<&str> = line.split(' ').collect();
            let [id, href, media, properties] = fields.as_slice() else { panic!("{line}") };
            format!("<item id='{id}' href='{href}' media-type='{media}' properties='{properties}'/>")
        };
        let items: String = items.iter().map(item).collect();
        format!(
            "<?xml version='1.0'?><package xmlns:dc='d'><metadata>{metadata}</metadata><manifest>{items}</manifest>{spine}</package>"
        )
    }

    const ITEMS: [&str; 5] = [
        "a text/one%20%D8%A3.xhtml application/xhtml+xml x",
        "b ./text/../two.html application/xhtml+xml x",
        "n nav.xhtml application/xhtml+xml nav",
        "x toc.ncx application/x-dtbncx+xml x",
        "s s.css text/css x",
    ];
    const SPINE: &str = "<spine page-progression-direction='rtl'><itemref idref='b' linear='no'/><itemref idref='a'/></spine>";

    fn read(entries: &[(&str, &str)]) -> Result<Document, ReadError> {
        let mut all = vec![("mimetype", TYPE), (CONTAINER, ROOT)];
        all.extend(entries);
        Epub.document("a.epub", &zipped(&all), ReadOptions::default())
    }

    fn blocks(document: &Document) -> Vec<(BlockKind, &str)> {
        document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect()
    }

    /// What stands in an entry, with what becomes of it.
    fn edits<'d>(document: &'d Document, entry: &str) -> Vec<(&'d str, &'d str)> {
        let parts = &document.original.as_ref().unwrap().parts;
        let part = parts.iter().find(|part| part.entry == entry).unwrap();
        let with = |edit: &'d Edit| match edit.with {
            Written::Text(span) => span.of(&document.text),
            Written::Always(text) => text,
            Written::Sign { .. } => unreachable!("chapters are pages"),
        };
        part.edits.iter().map(|edit| (edit.at.of(&part.text), with(edit))).collect()
    }

    #[test]
    fn chapters_are_read_in_the_order_of_the_book() {
        let metadata =
            "<dc:title>كتاب &amp; سيرة</dc:title><dc:title>تتمة</dc:title><dc:language>ar-SY</dc:language>";
        let book = package(metadata, &ITEMS, SPINE);
        let document = read(&[
            ("OPS/two.html", "<html><head><title/></head><body><h1>ملحق</h1><p>نص</p></body></html>"),
            (
                "OPS/text/one أ.xhtml",
                "<?xml version='1.0' encoding='utf-16'?><html lang='ar'><head><title>كتاب\n&amp; سيرة</title><style/></head>\
                 <body style='direction:rtl'><h1>باب <i>أول</i></h1><p>قال<a epub:type='noteref' href='#n'>1</a> الوزير<sup><a href='#m'>[2]</a></sup> نعم.</p>\
                 <script/><p>بعد</p></body></html>",
            ),
            (
                "OPS/nav.xhtml",
                "<html><body><nav hidden=''><h2>المحتويات</h2><ol><li><a>باب <b>أول</b></a></li><li>Index</li></ol></nav></body></html>",
            ),
            (
                "OPS/toc.ncx",
                "<ncx xml:lang='ar'><docTitle><text>كتاب &amp; سيرة</text></docTitle><docAuthor><text>كاتب</text></docAuthor>\
                 <navLabel><text>باب أول</text></navLabel><navLabel><text>المحتويات</text></navLabel><navLabel><text>ملحق</text></navLabel></ncx>",
            ),
            ("OPS/s.css", "p{direction:rtl}"),
            ("OPS/book.opf", &book),
        ])
        .unwrap();
        let expected = [
            (Title, "كتاب & سيرة"),
            (Heading(1), "باب أول"),
            (Paragraph, "قال الوزير نعم."),
            (Paragraph, "بعد"),
            (Heading(1), "ملحق"),
            (Paragraph, "نص"),
            (ListItem, "تتمة"),
            (ListItem, "المحتويات"),
        ];
        assert_eq!(blocks(&document), expected);
        assert!(document.notes.is_empty());
        let of_package =
            [("كتاب &amp; سيرة", "كتاب & سيرة"), ("تتمة", "تتمة"), ("ar-SY", "en"), ("rtl", "ltr")];
        assert_eq!(edits(&document, "OPS/book.opf"), of_package);
        let of_ncx = [
            ("ar", "en"),
            ("كتاب &amp; سيرة", "كتاب & سيرة"),
            ("باب أول", "باب أول"),
            ("المحتويات", "المحتويات"),
            ("ملحق", "ملحق"),
        ];
        assert_eq!(edits(&document, "OPS/toc.ncx"), of_ncx);
        let of_navigation = [("المحتويات", "المحتويات"), ("باب ", "باب أول"), ("أول", "")];
        assert_eq!(edits(&document, "OPS/nav.xhtml"), of_navigation);
        assert_eq!(edits(&document, "OPS/s.css"), [("rtl", "ltr")]);
        let of_chapter = edits(&document, "OPS/text/one أ.xhtml");
        let title = ("كتاب\n&amp; سيرة", "كتاب & سيرة");
        assert_eq!(of_chapter[..4], [("utf-16", "UTF-8"), ("ar", "en"), title, ("rtl", "ltr")]);
        assert!(!of_chapter[1..].iter().any(|(at, _)| at.contains(['1', '2'])), "{of_chapter:?}");
    }

    #[test]
    fn a_title_that_the_book_begins_with_is_told_once() {
        let book = package(
            "<dc:title>كتاب</dc:title>",
            &[ITEMS[0], &format!("z{}", &ITEMS[0][1..])],
            "<spine><itemref idref='a'/><itemref idref='a'/><itemref idref='z'/></spine><guide><reference title=\"غلاف\" href='x'/></guide>",
        );
        let page = "<html><body><div>كتاب</div><p>نص</p></body></html>";
        let document = read(&[("OPS/book.opf", &book), ("OPS/text/one أ.xhtml", page)]).unwrap();
        assert_eq!(blocks(&document), [(Title, "كتاب"), (Paragraph, "نص"), (ListItem, "غلاف")]);
        assert_eq!(edits(&document, "OPS/book.opf"), [("كتاب", "كتاب"), ("غلاف", "غلاف")]);
    }

    #[test]
    fn what_cannot_be_read_of_a_book_is_said() {
        let items = [ITEMS[0], ITEMS[1], ITEMS[3], "p p.svg image/svg+xml x"];
        let spine = "<spine><itemref idref='a'/><itemref idref='b'/><itemref idref='p'/></spine>";
        let book = package("<dc:title>كتاب</dc:title>", &items, spine);
        let (text, picture) =
            ("<html><body><p>نص</p></body></html>", "<html><body><img src='1'/></body></html>");
        let entries = [("OPS/book.opf", book.as_str()), ("OPS/two.html", text), ("OPS/toc.ncx", "<ncx><a>")];
        let notes = read(&entries).unwrap().notes;
        let expected = [
            "OPS/text/one أ.xhtml is missing in the book",
            "left as it is: OPS/toc.ncx: it ends too early",
            "one picture page was not read",
        ];
        assert_eq!(notes, expected);
        let entries = [("OPS/book.opf", book.as_str()), ("OPS/two.html", picture)];
        let error = read(&entries).unwrap_err();
        assert_eq!(error, ReadError::Pictures { id: "a.epub".into(), pages: 2 });
        let entries = [("OPS/book.opf", book.as_str()), ("OPS/two.html", "<html/>"), ("OPS/p.svg", "")];
        assert!(matches!(read(&entries).unwrap_err(), ReadError::Pictures { pages: 1, .. }));
    }

    #[test]
    fn protection_against_copying_is_told_from_hidden_fonts() {
        let book = package("", &ITEMS[..1], SPINE);
        let entries = |algorithm: &str, entry: &str| {
            let encryption = format!(
                "<encryption><enc:EncryptedData><enc:EncryptionMethod Algorithm='{algorithm}'/><KeyInfo/><enc:CipherData>\
                 <enc:CipherReference URI='{entry}'/></enc:CipherData></enc:EncryptedData></encryption>"
            );
            let page = "<html><body><p>نص</p></body></html>";
            let entries =
                [(ENCRYPTION, encryption.as_str()), ("OPS/book.opf", &book), ("OPS/text/one أ.xhtml", page)];
            read(&entries).map(|document| document.text)
        };
        let (cipher, chapter) = ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "OPS/text/one%20أ.xhtml");
        assert_eq!(entries(OBFUSCATIONS[0], "OPS/font.otf").unwrap(), "نص\n");
        assert_eq!(entries(cipher, "OPS/picture.jpg").unwrap(), "نص\n");
        for entry in [chapter, "OPS/book.opf"] {
            let error = entries(cipher, entry).unwrap_err();
            assert_eq!(error, ReadError::CopyProtected { id: "a.epub".into() });
            assert!(!error.hint().is_empty());
        }
    }

    #[test]
    fn what_is_damaged_is_said_in_a_line() {
        let book = package("", &ITEMS, SPINE);
        for entries in [
            vec![],
            vec![("OPS/book.opf", "<package>")],
            vec![("OPS/book.opf", "<package><metadata></package>")],
            vec![("OPS/book.opf", &book), (ENCRYPTION, "<a")],
        ] {
            let error = read(&entries).unwrap_err();
            assert!(
                matches!(error, ReadError::Damaged { .. }) && !error.to_string().contains('\n'),
                "{error}"
            );
        }
        let item = "b b&#10;b application/xhtml+xml x";
        let book = package("<dc:title>كتاب</dc:title>", &[item, ITEMS[0]], SPINE);
        let page = "<html><body><p>نص</p></body></html>";
        let notes = read(&[("OPS/book.opf", &book), ("OPS/text/one أ.xhtml", page)]).unwrap().notes;
        assert!(notes.len() == 1 && !notes[0].contains('\n'), "{notes:?}");
        let deep = "<a>".repeat(5000);
        let error = read(&[("OPS/book.opf", &deep)]).unwrap_err().to_string();
        assert!(error.contains("nested more than 1000 deep"), "{error}");
        assert!(Epub.accepts("x", &zipped(&[(CONTAINER, ROOT)])) && !Epub.accepts("x.epub", b"PK\x03\x04"));
        assert!(!Epub.accepts("x.epub", &zipped(&[("mimetype", "application/zip"), (CONTAINER, ROOT)])));
    }

    #[test]
    fn links_lead_to_entries() {
        for (from, link, expected) in [
            ("OPS/a.opf", "b.xhtml#c", "OPS/b.xhtml"),
            ("a.opf", "t/../%D8%A8.xhtml?x", "ب.xhtml"),
            ("OPS/p/a.opf", "../../../b", "b"),
            ("OPS/a.opf", "/b", "b"),
        ] {
            assert_eq!(resolved(from, link), expected);
        }
    }
}
