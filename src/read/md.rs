//! Markdown: headings, paragraphs, list items and table cells become blocks; markers, code, HTML and front matter
//! stay in the gaps and so pass through untouched.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{Format, ReadError, ReadOptions, text_document};
use crate::document::{Block, BlockKind, Document, Span};

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
        text_document(id, bytes, options, self, blocks)
    }
}

/// The blocks of a Markdown text. A block reaches from its first inline element to its last, emphasis marks and
/// links included.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut collector = Collector { text, blocks: Vec::new(), containers: Vec::new(), open: None, opaque: 0 };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        collector.event(event, range);
    }
    collector.close();
    collector.blocks
}

struct Collector<'t> {
    text: &'t str,
    blocks: Vec<Block>,
    /// What inline text belongs to, innermost last.
    containers: Vec<BlockKind>,
    /// The block being collected, and whether it holds words besides code and addresses.
    open: Option<(BlockKind, Range<usize>, bool)>,
    /// Depth of elements whose text is not prose: code blocks, front matter, bare addresses.
    opaque: usize,
}

impl Collector<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(&tag, range),
            Event::End(tag) => self.end(tag),
            Event::Text(words) => {
                let is_prose =
                    self.opaque == 0 && !is_address(&words) && words.chars().any(char::is_alphanumeric);
                self.inline(range, is_prose);
            }
            Event::Code(_) | Event::InlineHtml(_) | Event::FootnoteReference(_) => self.inline(range, false),
            Event::Html(_) | Event::Rule => self.close(),
            // Breaks lie between inline elements; a task's box is a marker.
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Image { .. } => self.inline(range, false),
            Tag::Link { dest_url, .. } => {
                // <https://…> and [https://…](https://…) have no words of their own.
                self.inline(range.clone(), false);
                let shown = self.text[range].trim_matches(|c| matches!(c, '<' | '>' | '['));
                self.opaque += usize::from(shown.starts_with(dest_url.as_ref()));
                self.containers.push(BlockKind::Paragraph);
            }
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) | Tag::HtmlBlock => {
                self.close();
                self.opaque += 1;
            }
            _ => {
                self.close();
                let around = self.containers.last().copied().unwrap_or(BlockKind::Paragraph);
                self.containers.push(match tag {
                    Tag::Heading { level, .. } => self.heading(*level as u8),
                    Tag::Item => BlockKind::ListItem,
                    Tag::TableCell => BlockKind::TableCell,
                    _ => around,
                });
            }
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Image => {}
            TagEnd::Link => {
                self.containers.pop();
                self.opaque = self.opaque.saturating_sub(1);
            }
            TagEnd::CodeBlock | TagEnd::MetadataBlock(_) | TagEnd::HtmlBlock => {
                self.opaque = self.opaque.saturating_sub(1);
            }
            _ => {
                self.close();
                self.containers.pop();
            }
        }
    }

    /// The document's first block is its title if it is a heading.
    fn heading(&self, level: u8) -> BlockKind {
        if self.blocks.is_empty() { BlockKind::Title } else { BlockKind::Heading(level) }
    }

    fn inline(&mut self, range: Range<usize>, is_prose: bool) {
        if self.opaque > 0 && self.open.is_none() {
            return;
        }
        let kind = self.containers.last().copied().unwrap_or(BlockKind::Paragraph);
        let (_, open, prose) = self.open.get_or_insert((kind, range.clone(), false));
        *open = open.start.min(range.start)..open.end.max(range.end);
        *prose |= is_prose;
    }

    fn close(&mut self) {
        let Some((kind, range, true)) = self.open.take() else { return };
        let source = &self.text[range.clone()];
        let start = range.start + (source.len() - source.trim_start().len());
        let end = start + source.trim().len();
        if start < end {
            self.blocks.push(Block { kind, span: Span::new(start, end) });
        }
    }
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

    fn check(text: &str, expected: &[(BlockKind, &str)]) {
        let found: Vec<_> = blocks(text).iter().map(|b| (b.kind, b.span.of(text))).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn each_kind_of_block_is_found_without_its_marker() {
        check(
            "# تقرير *يومي*\n\nنص **مهم** هنا\nوتتمته.\n\n## الوضع\n\n- أول\n- ثانٍ\n  تتمة\n\n1. واحد\n\n> اقتباس طويل\n",
            &[
                (Title, "تقرير *يومي*"),
                (Paragraph, "نص **مهم** هنا\nوتتمته."),
                (Heading(2), "الوضع"),
                (ListItem, "أول"),
                (ListItem, "ثانٍ\n  تتمة"),
                (ListItem, "واحد"),
                (Paragraph, "اقتباس طويل"),
            ],
        );
    }

    #[test]
    fn table_cells_are_blocks() {
        check(
            "| المدينة | العدد |\n|---|---|\n| حلب | 12 |\n",
            &[(TableCell, "المدينة"), (TableCell, "العدد"), (TableCell, "حلب"), (TableCell, "12")],
        );
    }

    #[test]
    fn code_html_addresses_and_front_matter_pass_through() {
        check(
            "---\ntitle: سر\n---\n\nنص.\n\n```\nرمز\n```\n\n    رمز\n\n<div>وسم</div>\n\nhttps://example.org/a\n\n`رمز`\n\n<https://example.org>\n\n![](a.png)\n",
            &[(Paragraph, "نص.")],
        );
    }

    #[test]
    fn links_and_code_inside_prose_stay_inside_it() {
        check(
            "انظر [الموقع](https://example.org) و`cmd` الآن.\n\n- [x] [مهمة](a.md)\n",
            &[(Paragraph, "انظر [الموقع](https://example.org) و`cmd` الآن."), (ListItem, "[مهمة](a.md)")],
        );
    }

    #[test]
    fn a_loose_list_and_nested_items_are_list_items() {
        check(
            "- أول\n\n  فقرة ثانية\n\n- ثانٍ\n  - داخلي\n",
            &[(ListItem, "أول"), (ListItem, "فقرة ثانية"), (ListItem, "ثانٍ"), (ListItem, "داخلي")],
        );
    }
}
