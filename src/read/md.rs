//! Markdown: headings, paragraphs, list items and table cells become blocks, without their marks; code and front matter
//! pass through untouched. Blocks of HTML are read as a page is, and are parts of the file of their own.
//!
//! Emphasis, links and code within a line are set apart as they are on a web page: the model reads the words alone, and
//! the English file has the marks around what is found of them in the English.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};

use super::extract::Extract;
use super::{Contents, Format, ReadError, ReadOptions, encoding, html};
use crate::document::{BlockKind, Document, Notation, Part, Span};
use crate::lang;

/// CommonMark with tables, footnotes, task lists and front matter.
pub struct Markdown;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["md", "markdown"]
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let (file, encoding) = encoding::decode(id, bytes, options.encoding)?;
        let mut extract = Extract::default();
        let parts = read(&file, &mut extract);
        let notes = extract.notes();
        let (text, blocks, marks) = extract.finish();
        Contents { encoding, text, blocks, notes, parts, marks }.document(self, id, bytes)
    }
}

/// Gathers the blocks of a Markdown text; gives the parts it is made of.
fn read(file: &str, extract: &mut Extract) -> Vec<Part> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let (around, open, marks, marker) = (Vec::new(), None, Vec::new(), None);
    let (passed, is_picture, has_block, end, ends_line) = (0, false, false, 0, false);
    let (html, parts, begin) = (None, Vec::new(), 0);
    let mut reader = Reader {
        file,
        extract,
        around,
        open,
        marks,
        marker,
        passed,
        is_picture,
        has_block,
        end,
        ends_line,
        html,
        parts,
        begin,
    };
    for (event, range) in Parser::new_ext(file, options).into_offset_iter() {
        reader.event(event, range);
    }
    reader.close();
    reader.end_part(file.len(), Notation::Markdown);
    reader.parts
}

struct Reader<'t> {
    file: &'t str,
    extract: &'t mut Extract,
    /// What inline text belongs to, innermost last, and the item that it is in.
    around: Vec<Around>,
    /// The block being gathered.
    open: Option<Open>,
    /// The marks that are open in the block, outermost first.
    marks: Vec<Inline>,
    /// Where the marker of an item begins, until its first block has it.
    marker: Option<usize>,
    /// Depth of elements whose text is no prose: code blocks, front matter, HTML, pictures inside of a line.
    passed: usize,
    /// Whether the block is a picture, whose description it is.
    is_picture: bool,
    has_block: bool,
    /// The end of what was gathered last, and whether it was the end of a line.
    end: usize,
    ends_line: bool,
    /// The block of HTML that is open.
    html: Option<HtmlBlock>,
    /// The parts of the file that have ended, and where the present one begins.
    parts: Vec<Part>,
    begin: usize,
}

/// A block of HTML whose end has not come.
struct HtmlBlock {
    /// Without what stands before its lines in quotations.
    text: String,
    /// The end of what came of it.
    end: usize,
    /// Whether nothing but space does.
    is_whole: bool,
}

/// An element that holds others.
#[derive(Clone, Copy)]
struct Around {
    kind: BlockKind,
    /// How many items it is in.
    depth: usize,
}

/// A block whose end has not come.
struct Open {
    kind: BlockKind,
    /// What stands before it on its line.
    lead: String,
    /// Where it stands in the file.
    at: Range<usize>,
    /// Whether it holds words besides code and addresses.
    is_prose: bool,
    pieces: Vec<Piece>,
}

impl Open {
    fn is_blank(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Text(text, ..) if text.trim().is_empty()))
    }
}

/// A mark around words of a line.
struct Inline {
    /// Where it begins.
    start: usize,
    /// Whether what it holds is an address.
    is_address: bool,
    /// Whether it is a link that leads to where its words say.
    is_named: bool,
}

/// What a line is made of.
enum Piece {
    /// Words that stood there, and the outermost of the marks around them.
    Text(String, Range<usize>, Option<usize>),
    /// The end of a line that is meant.
    Break,
    /// What opens a mark, and what stands there instead if no English is in it.
    Begin(Range<usize>, String),
    /// The end of a mark: what closes it, what that is if English is in it, and if not. None if it stays whatever is in it.
    End(Option<(Range<usize>, Option<String>, String)>),
    /// What is neither text nor a mark.
    Other,
}

/// What leads to an address whose words are not found in the English.
const ARROW: &str = "↗";

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.finish(tag, range),
            Event::Html(line) => {
                if let Some(html) = &mut self.html {
                    html.text.push_str(&line);
                    html.is_whole &= is_blank(self.file.get(html.end..range.start));
                    html.end = range.end;
                }
            }
            _ if self.passed > 0 => {}
            Event::Text(words) => {
                let in_address = self.marks.iter().any(|mark| mark.is_address);
                let is_prose = !in_address && !is_address(&words) && words.chars().any(char::is_alphanumeric);
                self.text(&words, range, is_prose);
            }
            Event::Code(code) => {
                let written = &self.file[range.clone()];
                let ticks = written.len() - written.trim_start_matches('`').len();
                let inside = range.start + ticks..range.end - ticks;
                self.begin_mark(range.start..inside.start, String::new());
                self.text(&code, inside.clone(), false);
                self.end_mark(range.end, Some((inside.end..range.end, None, String::new())));
            }
            // The line goes on in the next one: in English they are one.
            Event::SoftBreak => {
                self.text(" ", range, false);
                self.ends_line = true;
            }
            Event::HardBreak => self.piece(Piece::Break, range),
            Event::InlineHtml(html) if is_break(&html) && self.open.is_some() => {
                self.piece(Piece::Break, range)
            }
            Event::InlineHtml(_) | Event::FootnoteReference(_) => self.piece(Piece::Other, range),
            Event::Rule => self.close(),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        let first = |bytes: usize| range.start..range.start + bytes;
        let written = &self.file[range.clone()];
        match tag {
            Tag::Emphasis => self.begin_mark(first(1), String::new()),
            Tag::Strong => self.begin_mark(first(2), String::new()),
            Tag::Strikethrough => self.begin_mark(first(tildes(written)), String::new()),
            Tag::Link { link_type: LinkType::Autolink | LinkType::Email, .. } => {
                self.begin_link(first(1), written.trim_end_matches('>').to_owned(), true, false);
            }
            Tag::Link { dest_url, link_type, .. } => {
                // [https://…](https://…) has no words of its own.
                let is_address = is_address(dest_url) && written[1..].starts_with(dest_url.as_ref());
                self.begin_link(first(1), format!("[{ARROW}"), is_address, is_by_words(*link_type));
            }
            Tag::Image { link_type, .. }
                if self.is_between() && !self.is_picture && self.passed == 0 && !is_by_words(*link_type) =>
            {
                self.open = None;
                let depth = self.depth();
                self.around.push(Around { kind: BlockKind::Caption, depth });
                self.is_picture = true;
            }
            Tag::Image { .. } => {
                if self.passed == 0 {
                    self.piece(Piece::Other, range);
                }
                self.passed += 1;
            }
            Tag::HtmlBlock => {
                self.close();
                self.html = Some(HtmlBlock { text: String::new(), end: range.start, is_whole: true });
                self.passed += 1;
            }
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => {
                self.close();
                if self.passed == 0 {
                    let has_arabic = lang::has_arabic(&self.file[range.clone()]);
                    self.keep(range, has_arabic);
                }
                self.passed += 1;
            }
            _ => {
                self.close();
                let mut around =
                    self.around.last().copied().unwrap_or(Around { kind: BlockKind::Paragraph, depth: 0 });
                match tag {
                    Tag::Heading { level, .. } => around.kind = self.heading(*level as u8),
                    Tag::Item => {
                        around = Around { kind: BlockKind::ListItem, depth: around.depth + 1 };
                        self.marker = Some(range.start);
                    }
                    Tag::TableHead | Tag::TableRow => self.extract.cells.row(),
                    Tag::TableCell => {
                        self.extract.cells.cell(1);
                        around.kind = BlockKind::TableCell;
                    }
                    _ => {}
                }
                self.around.push(around);
            }
        }
    }

    fn finish(&mut self, tag: TagEnd, range: Range<usize>) {
        let last = |bytes: usize| range.end - bytes..range.end;
        let written = &self.file[range.clone()];
        match tag {
            TagEnd::Emphasis => self.end_mark(range.end, Some((last(1), None, String::new()))),
            TagEnd::Strong => self.end_mark(range.end, Some((last(2), None, String::new()))),
            TagEnd::Strikethrough => {
                self.end_mark(range.end, Some((last(tildes(written)), None, String::new())))
            }
            TagEnd::Link => {
                // In English the words are others, so that where they led is named.
                let named = self.marks.last().filter(|mark| mark.is_named).map(|_| {
                    // The parser may leave out the empty brackets behind the words.
                    let label = written.strip_suffix("[]").unwrap_or(written);
                    let end = range.start + label.len();
                    let brackets = if self.file[end..].starts_with("[]") { "[]".len() } else { 0 };
                    let name = format!("][{}]", &label[1..label.len() - 1]);
                    (end - 1..end + brackets, Some(name.clone()), name)
                });
                let end = named.as_ref().map_or(range.end, |(at, ..)| at.end);
                self.end_mark(end, named);
            }
            TagEnd::Image if self.passed == 0 => {
                self.is_picture = false;
                self.close();
                self.around.pop();
            }
            TagEnd::Image | TagEnd::CodeBlock | TagEnd::MetadataBlock(_) | TagEnd::HtmlBlock => {
                self.passed = self.passed.saturating_sub(1);
                if let Some(html) = self.html.take() {
                    self.read_html(&html, range);
                }
            }
            _ => {
                self.close();
                self.around.pop();
            }
        }
    }

    /// What is shown between the blocks and not translated, with the indentation of its first line.
    fn keep(&mut self, range: Range<usize>, has_arabic: bool) {
        if has_arabic {
            self.extract.pass(true);
        }
        let before = self.file[..range.start].trim_end_matches([' ', '\t']).len();
        self.extract.keep(self.file[before..range.end].trim_end());
    }

    /// A block of HTML with Arabic text is a part that is written as pages are; any other is kept. So is one that begins with
    /// an element of a line (`<b>`), which is no block any more once text is written behind that.
    fn read_html(&mut self, html: &HtmlBlock, range: Range<usize>) {
        let mut trial = Extract::default();
        html::read(&html.text, &mut trial, html::Kind::Fragment);
        trial.end();
        let has_text = trial.blocks().any(|(text, _)| lang::has_arabic(text));
        let is_whole = html.is_whole && is_blank(self.file.get(html.end..range.end));
        if has_text && is_whole && html::begins_block(&html.text) {
            // The line end behind it ends the block: it is no white space of a sentence.
            let end = range.start + self.file[range.clone()].trim_end().len();
            self.end_part(range.start, Notation::Markdown);
            html::read(&self.file[range.start..end], self.extract, html::Kind::Fragment);
            self.end_part(end, Notation::Markup);
            self.has_block = true;
        } else {
            self.keep(range, has_text || !trial.notes().is_empty());
        }
    }

    /// What has come up to here is a part of the file, written so.
    fn end_part(&mut self, end: usize, notation: Notation) {
        let mut edits = self.extract.end_part();
        if notation == Notation::Markdown {
            for edit in &mut edits {
                edit.at = Span::new(edit.at.start - self.begin, edit.at.end - self.begin);
            }
        }
        if self.begin < end || self.parts.is_empty() {
            let text = self.file[self.begin..end].to_owned();
            self.parts.push(Part::whole(text, notation, edits));
        }
        self.begin = end;
    }

    /// Whether the line has nothing yet, or nothing but space.
    fn is_between(&self) -> bool {
        self.open.as_ref().is_none_or(Open::is_blank)
    }

    fn depth(&self) -> usize {
        self.around.last().map_or(0, |around| around.depth)
    }

    /// The document's first block is its title if it is a heading.
    fn heading(&self, level: u8) -> BlockKind {
        if self.has_block { BlockKind::Heading(level) } else { BlockKind::Title }
    }

    fn begin_mark(&mut self, signs: Range<usize>, empty: String) {
        self.begin_link(signs, empty, false, false);
    }

    fn begin_link(&mut self, signs: Range<usize>, empty: String, is_address: bool, is_named: bool) {
        if self.passed == 0 {
            self.piece(Piece::Begin(signs.clone(), empty), signs.clone());
            self.marks.push(Inline { start: signs.start, is_address, is_named });
        }
    }

    /// Ends the innermost mark, which reaches to `end`.
    fn end_mark(&mut self, end: usize, signs: Option<(Range<usize>, Option<String>, String)>) {
        if self.passed == 0 && self.marks.pop().is_some() {
            self.piece(Piece::End(signs), end..end);
        }
    }

    fn text(&mut self, words: &str, mut range: Range<usize>, is_prose: bool) {
        // A backslash that says that a sign is meant is not of the text, but goes with it.
        if self.end < range.start && self.file[..range.start].ends_with('\\') {
            range.start -= 1;
        }
        let apart = self.marks.first().map(|mark| mark.start);
        let end = range.end;
        match self.open.as_mut().map(|open| (open.pieces.last_mut(), &mut open.at)) {
            Some((Some(Piece::Text(text, at, of)), block)) if *of == apart => {
                text.push_str(words);
                (at.end, block.end, self.end) = (end, end, end);
                self.ends_line = false;
            }
            _ => self.piece(Piece::Text(words.to_owned(), range.clone(), apart), range),
        }
        if let Some(open) = &mut self.open {
            open.is_prose |= is_prose;
        }
    }

    fn piece(&mut self, piece: Piece, at: Range<usize>) {
        let Around { kind, depth } =
            self.around.last().copied().unwrap_or(Around { kind: BlockKind::Paragraph, depth: 0 });
        let open = self.open.get_or_insert_with(|| {
            let marker = self.marker.take().map(|start| marker(&self.file[start..at.start]));
            let lead = match (kind, marker) {
                (BlockKind::ListItem, None) => "  ".repeat(depth),
                (BlockKind::ListItem, Some(marker)) => {
                    format!("{}{marker} ", "  ".repeat(depth.saturating_sub(1)))
                }
                _ => String::new(),
            };
            Open { kind, lead, at: at.clone(), is_prose: false, pieces: Vec::new() }
        });
        // The end of a line takes what the next begins with: spaces, and the signs of a quotation.
        if std::mem::take(&mut self.ends_line)
            && let Some(Piece::Text(_, before, _)) = open.pieces.last_mut()
        {
            before.end = before.end.max(at.start);
        }
        open.at.end = open.at.end.max(at.end);
        self.end = at.end;
        open.pieces.push(piece);
    }

    fn close(&mut self) {
        self.marks.clear();
        let Some(open) = self.open.take().filter(|open| !open.is_blank()) else { return };
        // A table keeps its cells.
        if !open.is_prose && open.kind != BlockKind::TableCell {
            let written = &self.file[open.at];
            if written.contains('`') && lang::has_arabic(written) {
                self.extract.pass(true);
            }
            return self.extract.keep(&format!("{}{written}", open.lead));
        }
        self.has_block = true;
        self.extract.begin_behind(open.kind, &open.lead);
        let span = |range: Range<usize>| Span::new(range.start, range.end);
        let mut begun = Vec::new();
        for piece in open.pieces {
            match piece {
                Piece::Text(words, at, apart) => {
                    self.extract.set_apart(apart.map(|start| start as u64));
                    self.extract.push(&words, span(at));
                    self.extract.set_apart(None);
                }
                Piece::Break => self.extract.push_sign("\n"),
                Piece::Begin(at, empty) => begun.push((self.extract.len(), at, empty)),
                Piece::End(signs) => {
                    let Some((start, at, empty)) = begun.pop() else { continue };
                    let of = Span::new(start, self.extract.len());
                    self.extract.sign_of(of, span(at), false, None, empty);
                    if let Some((at, filled, empty)) = signs {
                        self.extract.sign_of(of, span(at), true, filled, empty);
                    }
                }
                Piece::Other => {}
            }
        }
        self.extract.end();
    }
}

/// Of what stands before an item's text its marker, with the box of a task.
fn marker(before: &str) -> String {
    let before = before.trim();
    let (marker, rest) = before.split_at(before.find(char::is_whitespace).unwrap_or(before.len()));
    let is_box = |of: &str| ["[ ]", "[x]", "[X]"].contains(&of);
    let task = rest.trim_start().get(..3).filter(|task| is_box(task));
    format!("{marker}{}{}", if task.is_some() { " " } else { "" }, task.unwrap_or_default())
}

/// Whether a link or picture leads to where its own words say.
fn is_by_words(link: LinkType) -> bool {
    matches!(link, LinkType::Shortcut | LinkType::Collapsed)
}

/// Whether what stands there shows nothing.
fn is_blank(between: Option<&str>) -> bool {
    between.is_some_and(|between| between.trim().is_empty())
}

fn is_break(html: &str) -> bool {
    html.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("<br"))
}

fn tildes(written: &str) -> usize {
    if written.starts_with("~~") { 2 } else { 1 }
}

/// An address written out in running text.
fn is_address(words: &str) -> bool {
    let words = words.trim();
    !words.contains(char::is_whitespace) && (words.contains("://") || words.starts_with("www."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind::*;

    fn document(file: &str) -> Document {
        Markdown.document("a.md", file.as_bytes(), ReadOptions::default()).unwrap()
    }

    fn check(file: &str, expected: &[(BlockKind, &str)]) {
        let document = document(file);
        let found: Vec<_> = document.blocks.iter().map(|b| (b.kind, b.span.of(&document.text))).collect();
        assert_eq!(found, expected, "{file:?}");
    }

    #[test]
    fn each_kind_of_block_is_found_without_its_marks() {
        check(
            "# تقرير *يومي*\n\nنص **مهم** هنا\nوتتمته.\n\n## الوضع\n\n- أول\n- ثانٍ\n  تتمة\n\n1. واحد\n\n> اقتباس\n> طويل\n",
            &[
                (Title, "تقرير يومي"),
                (Paragraph, "نص مهم هنا وتتمته."),
                (Heading(2), "الوضع"),
                (ListItem, "أول"),
                (ListItem, "ثانٍ تتمة"),
                (ListItem, "واحد"),
                (Paragraph, "اقتباس طويل"),
            ],
        );
    }

    #[test]
    fn cells_of_a_row_stand_behind_tabs() {
        let file = "| المدينة | العدد |\n|---|---|\n| | 12 |\n| حلب | |\n";
        check(file, &[(TableCell, "المدينة"), (TableCell, "العدد"), (TableCell, "12"), (TableCell, "حلب")]);
        assert_eq!(document(file).text, "المدينة\tالعدد\n\t12\nحلب\n");
    }

    #[test]
    fn code_html_addresses_and_front_matter_are_shown_and_not_translated() {
        let file = "---\ntitle: سر\n---\n\nنص.\n\n```\nرمز\n```\n\n    رمز\n\n<div>x</div>\n<!-- وسم -->\n\nhttps://example.org/a\n\n`رمز`\n\n<https://example.org>\n\n![](a.png)\n";
        check(file, &[(Paragraph, "نص.")]);
        assert_eq!(
            document(file).notes,
            ["4 passages with Arabic in code, markup or drawings were left as they are"]
        );
        let shown = "---\ntitle: سر\n---\n\nنص.\n\n```\nرمز\n```\n\n    رمز\n\n<div>x</div>\n<!-- وسم -->\n\nhttps://example.org/a\n\n`رمز`\n\n<https://example.org>\n";
        assert_eq!(document(file).text, shown);
    }

    #[test]
    fn blocks_of_html_are_read_as_pages_and_are_parts_of_their_own() {
        let file = "# تقرير\n\n<h1 dir=\"rtl\">وصل &amp; عاد</h1>\n\n<pre>\nأول\n\nثان</pre>\n*خاتمة*\n";
        check(
            file,
            &[
                (Title, "تقرير"),
                (Heading(1), "وصل & عاد"),
                (Paragraph, "أول"),
                (Paragraph, "ثان"),
                (Paragraph, "خاتمة"),
            ],
        );
        let document = document(file);
        assert_eq!(document.notes, [""; 0]);
        let parts = &document.original.as_ref().unwrap().parts;
        assert_eq!(parts.iter().map(|part| part.text.as_str()).collect::<String>(), file);
        let notations: Vec<Notation> = parts.iter().map(|part| part.notation).collect();
        assert_eq!(
            notations,
            [Notation::Markdown, Notation::Markup, Notation::Markdown, Notation::Markup, Notation::Markdown]
        );
        // Here the signs of the quotation stand among its lines.
        let quoted = "> <div>\n> نص\n> </div>\n\nنص\n\n<div><code>رمز</code></div>\n";
        check(quoted, &[(Paragraph, "نص")]);
        check("<b>\nنص\n</b>\n", &[]);
        check("<div>\r\nنص\r\n</div>\r\n", &[(Paragraph, "نص")]);
        check("- بند\n  <div>\n  تحته\n  </div>\n", &[(ListItem, "بند"), (Paragraph, "تحته")]);
        assert_eq!(
            self::document(quoted).notes,
            ["2 passages with Arabic in code, markup or drawings were left as they are"]
        );
    }

    #[test]
    fn the_line_end_that_ends_a_block_of_html_is_no_text_of_it() {
        let document = document("<div>\nوصل الوفد.\n\n# عنوان\n");
        let parts = &document.original.as_ref().unwrap().parts;
        let parts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!(parts.concat(), "<div>\nوصل الوفد.\n\n# عنوان\n");
        assert_eq!(parts.last(), Some(&"\n\n# عنوان\n"));
    }

    #[test]
    fn words_of_links_and_code_are_set_apart_in_their_line() {
        let file = "انظر [الموقع **كله**](https://example.org) و`cmd` الآن \\* *هنا\nوهناك*.\n\n- [x] [مهمة](a.md)\n\n![خريطة](map.png)\n";
        check(
            file,
            &[(Paragraph, "انظر الموقع كله وcmd الآن * هنا وهناك."), (ListItem, "مهمة"), (Caption, "خريطة")],
        );
        let document = document(file);
        let marks = &document.original.as_ref().unwrap().marks;
        let marks: Vec<&str> = marks.iter().map(|mark| mark.span.of(&document.text)).collect();
        assert_eq!(marks, ["الموقع كله", "cmd", "هنا وهناك", "مهمة"]);
        assert!(document.text.contains("\n\n- [x] مهمة\n\n"), "{:?}", document.text);
    }

    #[test]
    fn rules_and_breaks_part_words_and_pictures_have_their_descriptions() {
        check("- نص\n  ***\n  ثان\n", &[(ListItem, "نص"), (ListItem, "ثان")]);
        check("| أول<br>- ثان |\n|---|\n", &[(TableCell, "أول"), (TableCell, "- ثان")]);
        assert_eq!(document("| أول<br>ثان | ثالث |\n|---|---|\n").text, "أول ثان\tثالث\n");
        check("أول\\\nثان\nتتمة\n", &[(Paragraph, "أول"), (Paragraph, "ثان تتمة")]);
        check("![أ](a.png) ![ب](b.png)\n![ج](c.png)\n", &[(Caption, "أ"), (Caption, "ب"), (Caption, "ج")]);
        // These lead to where their words say.
        check("![خريطة]\n\n[خريطة]: map.png\n", &[]);
        check(
            "نص\n\n[اضغط هنا]() [حلب القديمة](حلب)\n",
            &[(Paragraph, "نص"), (Paragraph, "اضغط هنا حلب القديمة")],
        );
    }

    #[test]
    fn items_have_their_markers_however_they_are_indented() {
        let file = "- أ\n\t- ب\n\t\t1. ج\n- [ ] ![](i) د\n- <b>ه</b>\n";
        assert_eq!(document(file).text, "- أ\n  - ب\n    1. ج\n- [ ]  د\n- ه\n");
    }

    #[test]
    fn a_loose_list_and_nested_items_are_list_items() {
        let file = "- أول\n\n  فقرة ثانية\n\n- ثانٍ\n  1. داخلي\n";
        check(file, &[(ListItem, "أول"), (ListItem, "فقرة ثانية"), (ListItem, "ثانٍ"), (ListItem, "داخلي")]);
        assert_eq!(document(file).text, "- أول\n  فقرة ثانية\n- ثانٍ\n  1. داخلي\n");
    }
}
