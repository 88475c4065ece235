//! Web pages: what a reader of the page sees becomes blocks; scripts, styles, code and whatever is marked as not to be
//! translated pass through untouched.
//!
//! Read as browsers cut it into tags and text (html5gum, the tokenizer of the HTML standard, with the place of
//! everything), without building a tree: a block ends where a tag begins or ends one.

use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use html5gum::{HtmlString, Spanned, Tokenizer};

use super::extract::Extract;
use super::{Contents, Format, ReadError, ReadOptions, css, encoding, extension};
use crate::document::{BlockKind, Document, Notation, Part, Span};
use crate::lang;

/// HTML, and XHTML as browsers take it: by the extension of the file.
pub struct Html;

/// Of a file without a known extension so many bytes are looked at.
const BEGINNING: usize = 1024;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["html", "htm", "xhtml"]
    }

    fn accepts(&self, id: &str, bytes: &[u8]) -> bool {
        let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]).to_lowercase();
        let beginning = beginning.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{FEFF}');
        let looks_so = ["<!doctype html", "<html"].iter().any(|start| beginning.starts_with(start));
        looks_so || self.is_named(id)
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        self.page(id, bytes, options.encoding, None)
    }
}

impl Html {
    /// A page whose encoding the mail that it is in says, if `declared`.
    pub(super) fn page(
        &self,
        id: &str,
        bytes: &[u8],
        given: Option<&str>,
        declared: Option<&str>,
    ) -> Result<Document, ReadError> {
        let declared = declared.map(str::to_owned).or_else(|| declared_in(bytes));
        let (page, encoding) = encoding::decode_declared(id, bytes, given, declared.as_deref())?;
        let mut extract = Extract::default();
        let is_xml = extension(id).is_some_and(|extension| extension == "xhtml");
        read(&page, &mut extract, if is_xml { Kind::Xhtml } else { Kind::Page });
        let edits = extract.end_part();
        let notes = extract.notes();
        let (text, blocks, marks) = extract.finish();
        let part = Part::whole(page, Notation::Markup, edits);
        Contents { encoding, text, blocks, notes, parts: vec![part], marks }.document(self, id, bytes)
    }
}

/// The encoding in `<meta charset=…>` or `<meta … content="…; charset=…">`; scripts and links have a `charset` of their own.
fn declared_in(bytes: &[u8]) -> Option<String> {
    let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * BEGINNING)]).to_lowercase();
    beginning.split("<meta").skip(1).find_map(|after| {
        let (_, after) = after.split('>').next()?.split_once("charset")?;
        let after = after
            .trim_start()
            .strip_prefix('=')?
            .trim_start_matches(|c: char| c.is_whitespace() || "\"'".contains(c));
        let label: String =
            after.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_.:".contains(*c)).collect();
        encoding::canonical_name(&label).ok().map(str::to_owned)
    })
}

/// What a page is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is the whole document.
    Page,
    /// It is the whole document, in XHTML: every element ends, if need be with `/>`.
    Xhtml,
    /// HTML in a document of another format, which has its own title.
    Fragment,
    /// A chapter of a book, in XHTML too; no reader sees its `<title>`.
    Chapter,
    /// The table of contents of such a book, which reading programs show even where the page hides it.
    Contents,
}

impl Kind {
    /// Whether every element ends, if need be with `/>`.
    fn is_xml(self) -> bool {
        matches!(self, Kind::Xhtml | Kind::Chapter | Kind::Contents)
    }

    fn is_in_book(self) -> bool {
        matches!(self, Kind::Chapter | Kind::Contents)
    }
}

/// Reads a page; gives the pieces of a chapter's `<title>`.
pub(super) fn read(page: &str, extract: &mut Extract, kind: Kind) -> Vec<(String, Span)> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(!kind.is_xml());
    let has_title = kind.is_in_book() || kind == Kind::Fragment;
    let (open, title) = (Vec::new(), Vec::new());
    let (note, inline) = ([false; 2], Vec::new());
    let (held, has_lines) = (None, false);
    let mut reader =
        Reader { page, kind, extract, open, passed: None, has_title, title, note, inline, held, has_lines };
    for Ok(token) in Tokenizer::new_with_emitter(page, emitter) {
        reader.take(token);
    }
    reader.release();
    reader.title
}

/// Whether HTML begins with the tag of an element that makes a block of its own.
pub(super) fn begins_block(html: &str) -> bool {
    let tag = html.trim_start().strip_prefix('<').unwrap_or_default().trim_start_matches('/');
    let name: String = tag.chars().take_while(char::is_ascii_alphanumeric).collect();
    block_of(&name.to_ascii_lowercase(), true).is_some()
}

/// The elements that make a block of their own, and of which kind.
fn block_of(name: &str, has_title: bool) -> Option<BlockKind> {
    Some(match name {
        "title" => BlockKind::Title,
        "h1" if !has_title => BlockKind::Title,
        "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => BlockKind::Heading(name.as_bytes()[1] - b'0'),
        "li" => BlockKind::ListItem,
        "td" | "th" => BlockKind::TableCell,
        "figcaption" | "caption" => BlockKind::Caption,
        "p" | "div" | "article" | "section" | "main" | "header" | "footer" | "nav" | "aside"
        | "blockquote" | "address" | "dd" | "dt" | "dl" | "ul" | "ol" | "table" | "tr" | "thead"
        | "tbody" | "tfoot" | "form" | "fieldset" | "legend" | "details" | "summary" | "dialog"
        | "figure" | "center" | "hr" | "body" | "head" | "html" | "option" | "select" | "button"
        | "hgroup" | "search" | "menu" | "pre" | "textarea" => BlockKind::Paragraph,
        _ => return None,
    })
}

/// Elements in more than so many others count as siblings, as in browsers.
const DEEPEST: usize = 512;

/// Elements without an end.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// Elements whose text is not for a translator; `<pre>` only where it is code.
const CODE: [&str; 8] = ["svg", "math", "code", "pre", "kbd", "samp", "textarea", "var"];
/// Elements whose text is for no reader.
const UNSEEN: [&str; 6] = ["script", "style", "template", "noscript", "iframe", "object"];

/// An element that is passed over.
struct Passed {
    name: String,
    /// How many of its name are open.
    depth: usize,
    /// Whether readers see what is in it.
    is_seen: bool,
    /// Whether there was Arabic in it.
    has_arabic: bool,
}

impl Passed {
    /// Whether it may end without a tag of its own: elements whose end pages leave out, and those within a line.
    fn is_open_ended(&self) -> bool {
        let is_raw = matches!(
            self.name.as_str(),
            "script" | "style" | "template" | "noscript" | "svg" | "math" | "iframe" | "object"
        );
        let is_left_out =
            matches!(self.name.as_str(), "p" | "li" | "dt" | "dd" | "td" | "th" | "tr" | "option");
        is_left_out || (!is_raw && block_of(&self.name, true).is_none())
    }

    /// Whether another element's beginning ends it, so that one end that is missing does not swallow the page.
    fn is_ended_by_start(&self, name: &str) -> bool {
        self.is_open_ended()
            && match self.name.as_str() {
                "li" | "dt" | "dd" | "td" | "th" | "tr" | "option" => self.name == name,
                _ => block_of(name, true).is_some(),
            }
    }
}

struct Reader<'p> {
    page: &'p str,
    kind: Kind,
    extract: &'p mut Extract,
    /// The block elements that are open, innermost last.
    open: Vec<String>,
    /// What is passed over.
    passed: Option<Passed>,
    has_title: bool,
    /// The pieces of a chapter's `<title>`.
    title: Vec<(String, Span)>,
    /// Whether a link and raised text are open in the block: what is both is the number of a note.
    note: [bool; 2],
    /// The elements within a line that are open in the block, and where they begin.
    inline: Vec<(String, usize)>,
    /// `<pre>` and what is in it, until its end has come.
    held: Option<Vec<Token<usize>>>,
    /// Whether that `<pre>` is text, of which each line stands as it is written.
    has_lines: bool,
}

/// The elements that [`Reader::note`] follows.
const NOTE: [&str; 2] = ["a", "sup"];

impl Reader<'_> {
    /// What is in a `<pre>` shows whether it is code or text, so it is held back until its end.
    fn take(&mut self, token: Token<usize>) {
        let is_end = matches!(&token, Token::EndTag(tag) if name(&tag.name) == "pre");
        let is_start = matches!(&token, Token::StartTag(tag)
            if name(&tag.name) == "pre" && !(tag.self_closing && self.kind.is_xml()));
        if let Some(held) = &mut self.held {
            held.push(token);
            if is_end {
                self.release();
            }
        } else if is_start {
            self.held = Some(vec![token]);
        } else {
            self.tell(&token);
        }
    }

    /// Tells what is held back. Old mails and mailing lists show whole letters so; code is marked as such in most pages.
    fn release(&mut self) {
        let Some(held) = self.held.take() else { return };
        let is_code = |token: &Token<usize>| matches!(token, Token::StartTag(tag) if matches!(name(&tag.name).as_str(), "code" | "kbd" | "samp"));
        let is_arabic = |token: &Token<usize>| matches!(token, Token::String(text) if lang::has_arabic(&String::from_utf8_lossy(&text.value)));
        self.has_lines = held.iter().any(is_arabic) && !held.iter().any(is_code);
        held.iter().for_each(|token| self.tell(token));
    }

    fn tell(&mut self, token: &Token<usize>) {
        match token {
            Token::StartTag(tag) => self.start(tag),
            Token::EndTag(tag) => self.end(&name(&tag.name)),
            Token::String(text) => self.text(text),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }

    fn start(&mut self, tag: &StartTag<usize>) {
        self.begin(tag);
        if tag.self_closing && self.kind.is_xml() {
            self.end(&name(&tag.name));
        }
    }

    fn begin(&mut self, tag: &StartTag<usize>) {
        let name = name(&tag.name);
        if let Some(passed) = &mut self.passed {
            if self.kind.is_xml() || !passed.is_ended_by_start(&name) {
                let is_empty = tag.self_closing && !self.kind.is_xml();
                passed.depth += usize::from(passed.name == name && !is_empty);
                return;
            }
            self.passed = None;
        }
        self.direction(tag);
        let is_void = VOID.contains(&name.as_str());
        // A page that is marked as a whole was given to be translated all the same.
        let is_page = matches!(name.as_str(), "html" | "body");
        let is_hidden = attribute(tag, "hidden").is_some() && self.kind != Kind::Contents;
        let is_unseen = UNSEEN.contains(&name.as_str()) || ((is_marked(tag) || is_hidden) && !is_page);
        let is_code = CODE.contains(&name.as_str()) && !(name == "pre" && self.has_lines);
        if (is_unseen || is_code) && !is_void {
            // What is passed over inside of a sentence stands in it; between sentences it parts them.
            if block_of(&name, self.has_title).is_some() {
                self.extract.end();
            }
            // A `/` at its end means something in drawings and formulas only.
            let is_drawing = matches!(name.as_str(), "svg" | "math");
            let is_empty = tag.self_closing && is_drawing && !self.kind.is_xml();
            let passed = Passed { name, depth: 1, is_seen: !is_unseen, has_arabic: false };
            self.passed = (!is_empty).then_some(passed);
            return;
        }
        match name.as_str() {
            "br" => self.extract.push_sign("\n"),
            "img" => self.alternative(tag),
            _ => {
                let Some(kind) = block_of(&name, self.has_title) else {
                    self.follow(&name, true);
                    if !is_void && self.inline.len() < DEEPEST {
                        self.inline.push((name, tag.span.start));
                    }
                    return;
                };
                self.end_inline();
                self.has_title |= kind == BlockKind::Title;
                match name.as_str() {
                    "table" => self.extract.cells.begin_table(),
                    "tr" => self.extract.cells.row(),
                    "td" | "th" => self.extract.cells.cell(1),
                    _ => {}
                }
                if !is_void && self.open.len() < DEEPEST {
                    self.close_implied(&name);
                    self.open.push(name);
                }
                let kind = if kind == BlockKind::Paragraph { self.around() } else { kind };
                self.extract.begin(kind);
            }
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(passed) = &mut self.passed {
            if passed.name == name {
                passed.depth -= 1;
            }
            if passed.depth == 0 {
                self.passed = None;
                return;
            }
            let may_end = !self.kind.is_xml() && passed.is_open_ended();
            if !(may_end && self.open.iter().any(|open| open == name)) {
                return;
            }
            self.passed = None;
        }
        if block_of(name, true).is_none() {
            self.follow(name, false);
            if let Some(at) = self.inline.iter().rposition(|(open, _)| open == name) {
                self.inline.truncate(at);
            }
            return;
        }
        self.end_inline();
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            if name == "table" {
                self.extract.cells.end_table();
            }
            self.open.truncate(at);
        }
        let kind = self.around();
        self.extract.begin(kind);
    }

    /// A paragraph ends where another block begins, an item or a cell where another one does.
    fn close_implied(&mut self, name: &str) {
        let ends: &[&str] = match name {
            "li" => &["li", "p"],
            "td" | "th" => &["td", "th", "p"],
            "tr" => &["td", "th", "tr", "p"],
            "dd" | "dt" => &["dd", "dt", "p"],
            _ => &["p"],
        };
        while self.open.last().is_some_and(|open| ends.contains(&open.as_str())) {
            self.open.pop();
        }
    }

    /// The kind of text in the innermost element that says it.
    fn around(&self) -> BlockKind {
        let mut kinds = self.open.iter().rev().filter_map(|name| block_of(name, true));
        kinds.find(|kind| *kind != BlockKind::Paragraph).unwrap_or(BlockKind::Paragraph)
    }

    /// White space of any kind and length is one space, as browsers show it, but in a `<pre>`.
    fn text(&mut self, token: &Spanned<HtmlString, usize>) {
        let (text, at) = (String::from_utf8_lossy(&token.value), span(token.span));
        if let Some(passed) = &mut self.passed {
            if passed.name == "style" {
                self.turn(at);
            } else if !passed.has_arabic && lang::has_arabic(&text) {
                passed.has_arabic = true;
                self.extract.pass(passed.is_seen);
            }
        } else if self.kind.is_in_book() && self.open.last().is_some_and(|open| open == "title") {
            self.title.push((text.into_owned(), at));
        } else if !(self.note == [true; 2] && text.chars().all(|c| !c.is_alphabetic())) {
            self.extract.set_apart(self.inline.first().map(|(_, start)| *start as u64));
            if self.open.iter().any(|open| open == "pre") {
                self.extract.push_lines(&text, at);
            } else {
                self.extract.push_evened(&text, at);
            }
            self.extract.set_apart(None);
        }
    }

    /// Elements within a line end with the block, whatever the page says.
    fn end_inline(&mut self) {
        self.note = [false; 2];
        self.inline.clear();
    }

    fn follow(&mut self, name: &str, is_open: bool) {
        if let Some(at) = NOTE.iter().position(|element| *element == name) {
            self.note[at] = is_open;
        }
    }

    /// Styles that stand at `at` turn nothing to the right in English.
    fn turn(&mut self, at: Span) {
        for (turned, with) in css::turned(self.page.get(at.range()).unwrap_or_default()) {
            self.extract.always(Span::new(at.start + turned.start, at.start + turned.end), with);
        }
    }

    /// What a picture shows, in words.
    fn alternative(&mut self, tag: &StartTag<usize>) {
        let Some(words) = attribute(tag, "alt") else { return };
        let text = String::from_utf8_lossy(&words.value);
        if text.chars().any(char::is_alphanumeric) && !self.extract.is_in_text() {
            self.extract.begin(BlockKind::Caption);
            self.extract.push(text.trim(), self.value_of(words));
            self.extract.begin(BlockKind::Paragraph);
        }
    }

    /// English is written from left to right.
    fn direction(&mut self, tag: &StartTag<usize>) {
        if let Some(value) = attribute(tag, "dir").filter(|value| value.value.eq_ignore_ascii_case(b"rtl")) {
            self.extract.always(self.value_of(value), "ltr");
        }
        for key in ["lang", "xml:lang"] {
            let is_arabic =
                |value: &[u8]| value.to_ascii_lowercase().split(|b| *b == b'-').next() == Some(b"ar");
            if let Some(value) = attribute(tag, key).filter(|value| is_arabic(&value.value)) {
                self.extract.always(self.value_of(value), "en");
            }
        }
        if let Some(value) = attribute(tag, "style") {
            self.turn(self.value_of(value));
        }
        if name(&tag.name) == "meta"
            && let Some(value) =
                attribute(tag, "charset").filter(|value| !value.value.eq_ignore_ascii_case(b"utf-8"))
        {
            self.extract.always(self.value_of(value), "utf-8");
        }
    }

    /// Where an attribute's value stands, without its quotation marks.
    fn value_of(&self, value: &Spanned<HtmlString, usize>) -> Span {
        let Span { mut start, mut end } = span(value.span);
        end = end.min(self.page.len());
        let written = self.page.get(start..end).unwrap_or_default();
        if let Some(equals) = written.find('=') {
            let after = &written[equals + 1..];
            start += equals + 1 + after.len() - after.trim_start().len();
        }
        let written = self.page.get(start..end).unwrap_or_default();
        let inside = written.trim_end_matches(['>', '/', ' ']).trim_matches(['"', '\'']);
        let at = start + written.find(inside).unwrap_or_default();
        Span::new(at, at + inside.len())
    }
}

fn span(span: html5gum::Span<usize>) -> Span {
    Span::new(span.start, span.end.max(span.start))
}

fn name(name: &HtmlString) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

fn attribute<'t>(tag: &'t StartTag<usize>, name: &str) -> Option<&'t Spanned<HtmlString, usize>> {
    tag.attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
}

/// Whether its author wants it left as it is (`translate="no"`, class `notranslate`), or it is the number of a note.
fn is_marked(tag: &StartTag<usize>) -> bool {
    let has = |key: &str, wanted: &[u8]| {
        attribute(tag, key).is_some_and(|value| {
            value.value.split(|b| *b == b' ').any(|word| word.eq_ignore_ascii_case(wanted))
        })
    };
    let is_note = has("epub:type", b"noteref") || has("role", b"doc-noteref");
    has("translate", b"no") || has("class", b"notranslate") || is_note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{EncodingSource, Written};
    use BlockKind::*;

    fn read(page: &str) -> Document {
        Html.document("a.html", page.as_bytes(), ReadOptions::default()).unwrap()
    }

    #[track_caller]
    fn check(page: &str, expected: &[(BlockKind, &str)]) {
        let document = read(page);
        let found: Vec<_> = document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect();
        assert_eq!(found, expected, "{page}");
    }

    #[test]
    fn what_a_reader_sees_is_found_in_blocks() {
        check(
            "<title>تقرير</title><h1>السيول</h1><p>نص <b>مهم</b>\n  هنا.</p><h3>الوضع</h3>",
            &[(Title, "تقرير"), (Heading(1), "السيول"), (Paragraph, "نص مهم هنا."), (Heading(3), "الوضع")],
        );
        check("<h1>السيول</h1>نص<p>آخر", &[(Title, "السيول"), (Paragraph, "نص"), (Paragraph, "آخر")]);
        check(
            "<ul><li>أول<li><p>ثان</p></ul>بعد<table><tr><th>مدينة<td>12</table>",
            &[
                (ListItem, "أول"),
                (ListItem, "ثان"),
                (Paragraph, "بعد"),
                (TableCell, "مدينة"),
                (TableCell, "12"),
            ],
        );
        check(
            "<figure><img alt='سيل'><figcaption>صورة</figcaption></figure>",
            &[(Caption, "سيل"), (Caption, "صورة")],
        );
        check("<p>قال:&nbsp;&laquo;نعم&raquo; &#1601;&amp; ثم", &[(Paragraph, "قال:\u{A0}«نعم» ف& ثم")]);
    }

    #[test]
    fn lines_that_are_broken_on_purpose_are_blocks() {
        check(
            "<div>عاجل | قصف مدفعي<br><br>أصيب <b>خمسة</b> مدنيين<br/>وصلت سيارات الإسعاف<br> <br>- صور</div>",
            &[
                (Paragraph, "عاجل | قصف مدفعي"),
                (Paragraph, "أصيب خمسة مدنيين"),
                (Paragraph, "وصلت سيارات الإسعاف"),
                (ListItem, "صور"),
            ],
        );
        // Titles and headings are broken for their looks, and other lines by programs, where the next word would not fit.
        check("<h2>الوضع<br>الإنساني</h2>", &[(Heading(2), "الوضع\nالإنساني")]);
        let wrapped = "قال حرس السواحل الإيطالي إن نحو ألف مهاجر تم إنقاذهم من<br>قوارب متهالكة في وسط البحر المتوسط اليوم الجمعة وتم العثور<br>\
            على جثة واحدة. وتوجهت سفينة تابعة لحرس السواحل الإيطالي إلى<br>المكان.";
        check(
            &format!("<p>{wrapped}<br><br>نعم"),
            &[(Paragraph, &wrapped.replace("<br>", "\n")), (Paragraph, "نعم")],
        );
        // What is below a cell's first line is still in its row.
        let page = "<table><tr><td>خيام<br>1. ماء<br></td><td>12</table>";
        check(page, &[(TableCell, "خيام"), (TableCell, "1. ماء"), (TableCell, "12")]);
        assert_eq!(read(page).text, "خيام 1. ماء \t12\n");
    }

    #[test]
    fn what_is_for_no_reader_passes_through() {
        check(
            "<!-- سر --><script>var a = 'نص<p>';</script><style>/* نص */</style><p>نص <code>رمز</code> بعده</p>\
             <pre><code>رمز</code></pre><p translate=no>كما <b>هو</b></p><div class='x notranslate'>هنا</div><p hidden>خفي</p>\
             <svg><text>رسم</text></svg><p>آخر",
            &[(Paragraph, "نص بعده"), (Paragraph, "آخر")],
        );
        check("<html translate=no><body class=notranslate><p>نص", &[(Paragraph, "نص")]);
    }

    #[test]
    fn pre_is_text_line_by_line_unless_it_is_code() {
        let letter =
            "<h1>[list]</h1><PRE>\nوصل <b>الوفد</b> صباح اليوم.\r\n\r\n- بند\n&#1593;اد  مساء</PRE>نص";
        check(
            letter,
            &[
                (Title, "[list]"),
                (Paragraph, "وصل الوفد صباح اليوم."),
                (ListItem, "بند"),
                (Paragraph, "عاد  مساء"),
                (Paragraph, "نص"),
            ],
        );
        assert_eq!(read(letter).notes, [""; 0]);
        for (page, note) in [
            (
                "نص<pre><code>رمز</code></pre>",
                Some("one passage with Arabic in code, markup or drawings was left as it is"),
            ),
            (
                "نص<pre>x <kbd>رمز</kbd></pre><code>أ</code> <svg><text>رسم <b>آخر</text></svg>",
                Some("3 passages with Arabic in code, markup or drawings were left as they are"),
            ),
            ("نص<pre>x = 1</pre><script>'رمز'</script><p hidden>سر</p><code>x</code>", None),
            (
                "x<script>'رمز'</script>",
                Some("one passage with Arabic in scripts or hidden text was left as it is"),
            ),
            ("<pre><code>رمز", Some("one passage with Arabic in code, markup or drawings was left as it is")),
        ] {
            let notes = read(page).notes;
            assert_eq!(notes.iter().map(String::as_str).collect::<Vec<_>>(), Vec::from_iter(note), "{page}");
        }
        check(
            "<pre>x = 1</pre>نص<pre>قبل<p>بعد",
            &[(Paragraph, "نص"), (Paragraph, "قبل"), (Paragraph, "بعد")],
        );
    }

    #[test]
    fn an_end_that_is_missing_does_not_swallow_the_page() {
        let after = &[(Paragraph, "بعد")];
        check("<p hidden>خفي<p>بعد</p>", after);
        check("<div><p translate=no>سر</div>بعد", after);
        check("<p><code>رمز</p><p>بعد", after);
        check("<div hidden>خفي<div>خفي</div></div>بعد", after);
        check("<ul><li hidden>خفي<ul><li>تحته</ul><li>بند</ul>", &[(ListItem, "تحته"), (ListItem, "بند")]);
        check("<p>نص <span translate=no>هو <span>كما</span> هو</span> بعد", &[(Paragraph, "نص بعد")]);
    }

    #[test]
    fn what_is_set_apart_in_a_line_is_known() {
        for (page, expected) in [
            ("<p>نص <b>مهم</b> <i>جدا</i><i>وأيضا</i> هنا", vec!["مهم", "جدا", "وأيضا"]),
            // The outermost element counts, and one that does not end does not reach into the next block.
            ("<p><a href=x>رابط <b>مهم</b> هنا</a> نص<b>غليظ<p>بعده</b>", vec!["رابط مهم هنا", "غليظ"]),
            ("<p>نص<br>بعد</b> آخر", vec![]),
        ] {
            let document = read(page);
            let marks = &document.original.as_ref().unwrap().marks;
            let marks: Vec<&str> = marks.iter().map(|mark| mark.span.of(&document.text)).collect();
            assert_eq!(marks, expected, "{page}");
        }
    }

    #[test]
    fn cells_of_a_row_stand_behind_tabs() {
        let page = "<p>نص<table><tr><th>#<th>الاسم<tr><td><td>حلب<p>المدينة<td><table><tr><td>داخل</table><td>12</table>";
        assert_eq!(read(page).text, "نص\n\n#\tالاسم\n\tحلب المدينة\nداخل\n\t\t\t12\n");
    }

    #[test]
    fn every_piece_of_text_knows_where_it_stood() {
        let page = "<html lang='ar-SY' dir=rtl style='direction:rtl'><meta charset=windows-1256><style>p{direction:rtl}</style><p>نص&amp; <b>مهم</b>\n<img alt=\"صورة\"></html>";
        let document = read(page);
        let original = document.original.as_ref().unwrap();
        let edits: Vec<(&str, &str)> = original.parts[0]
            .edits
            .iter()
            .map(|edit| {
                let with = match edit.with {
                    Written::Text(span) => span.of(&document.text),
                    Written::Always(text) => text,
                    Written::Sign { .. } => unreachable!("pages have tags"),
                };
                (edit.at.of(page), with)
            })
            .collect();
        assert_eq!(
            edits,
            [
                ("ar-SY", "en"),
                ("rtl", "ltr"),
                ("rtl", "ltr"),
                ("windows-1256", "utf-8"),
                ("rtl", "ltr"),
                ("نص&amp; ", "نص& "),
                ("مهم", "مهم")
            ]
        );
        check("<p><img alt=صورة>", &[(Caption, "صورة")]);
    }

    #[test]
    fn the_number_of_a_note_is_no_part_of_the_sentence() {
        check(
            "<p>قال<sup class=x><a href='#n1'>[<b>1</b>]</a></sup> نعم<a href='#n2'><sup>2</sup></a>.</p><p>5 كم<sup>2</sup> <a href=x>12</a>",
            &[(Paragraph, "قال نعم."), (Paragraph, "5 كم2 12")],
        );
        check("<p>قال<a role='doc-noteref'>أ</a> نعم", &[(Paragraph, "قال نعم")]);
    }

    #[test]
    fn in_a_chapter_every_element_ends() {
        let page = "<html><head><title/><script src='a'/><style/></head><body><p>نص <code/>و<a id='b'/>بعده</p>\
                    <svg><image/></svg><h1>باب</h1><div hidden=''/>نص<td/>آخر</body></html>";
        let mut extract = Extract::default();
        assert!(super::read(page, &mut extract, Kind::Chapter).is_empty());
        let found: Vec<&str> = extract.blocks().map(|(text, _)| text).collect();
        assert_eq!(found, ["نص وبعده", "باب", "نص", "آخر"]);
        let deep = "<div>".repeat(1 << 20);
        super::read(&deep, &mut extract, Kind::Page);
    }

    #[test]
    fn in_a_file_of_xhtml_every_element_ends() {
        let page = "<?xml version='1.0'?><html><head><title>عنوان</title><script src='a.js'/><style/></head>\
                    <body><h1>باب</h1><p>نص<br/>بعد</p><iframe src='b'/><p>آخر</p></body></html>";
        let document = Html.document("a.xhtml", page.as_bytes(), ReadOptions::default()).unwrap();
        let found: Vec<_> = document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect();
        assert_eq!(
            found,
            [
                (Title, "عنوان"),
                (Heading(1), "باب"),
                (Paragraph, "نص"),
                (Paragraph, "بعد"),
                (Paragraph, "آخر")
            ]
        );
    }

    #[test]
    fn a_page_may_name_its_encoding() {
        let arabic = "<meta http-equiv=Content-Type content='text/html; charset=windows-1256'><p>وصلت المساعدات إلى المدينة";
        let (bytes, _, _) = encoding_rs::WINDOWS_1256.encode(arabic);
        let document = Html.document("a.html", &bytes, ReadOptions::default()).unwrap();
        assert_eq!(
            (document.encoding.name.as_str(), document.encoding.source),
            ("windows-1256", EncodingSource::Declared)
        );
        assert!(document.text.contains("وصلت المساعدات"));
        // Pages lie: this one is UTF-8.
        let document = Html.document("a.html", arabic.as_bytes(), ReadOptions::default()).unwrap();
        assert_eq!(document.encoding.source, EncodingSource::ValidUtf8);
        // And these are not what they say, or say it of something else.
        let menu = "<a href='/section/item.html?id=12345'><img src='/img/spacer.gif'></a>\n".repeat(40);
        for (head, source) in [
            ("<meta charset=iso-8859-1>", EncodingSource::Detected),
            ("<meta charset=utf-8>", EncodingSource::Detected),
            (
                "<script charset='utf-8'></script><link charset=utf-8><meta name=x><meta charset='windows-1256'>",
                EncodingSource::Declared,
            ),
        ] {
            let page = format!("<html>{head}{menu}<p>وصلت المساعدات إلى المدينة");
            let (bytes, _, _) = encoding_rs::WINDOWS_1256.encode(&page);
            let document = Html.document("a.html", &bytes, ReadOptions::default()).unwrap();
            let encoding = &document.encoding;
            assert_eq!((encoding.name.as_str(), encoding.source), ("windows-1256", source), "{head}");
            assert_eq!(document.text.trim(), "وصلت المساعدات إلى المدينة");
        }
    }

    #[test]
    fn broken_pages_are_read_as_far_as_they_go() {
        for page in [
            "<p>نص<b>مهم",
            "<p نص",
            "</p></div>نص",
            "<li><td><p>نص</li></ul>",
            "<p>نص<script>",
            "<img alt=",
            "<a b='نص",
        ] {
            let _ = Html.document("a.html", page.as_bytes(), ReadOptions::default());
        }
        assert!(
            Html.accepts("x", b" \n<!DOCTYPE HTML><p>")
                && Html.accepts("x.HTM", b"")
                && !Html.accepts("x.txt", b"<p>")
        );
    }
}
