//! The text of formats that hold many short texts under names: subtitles under their times, cells under their columns. One
//! stands on a line of its own behind its name, which is shown and not translated: `00:01:12 …`, `place: …`.

use crate::document::{Block, BlockKind, Edit, EncodingSource, Span, TextEncoding, Written};
use crate::lang::is_bidi_control;

/// Text gathered so far, and where each piece of it stood in the file.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    blocks: Vec<Block>,
    edits: Vec<Edit>,
}

impl Lines {
    /// With the file's byte-order mark, which its English has too. Where the file was in another encoding than UTF-8, it gets
    /// one if `needs_one`: programs would take it for the old encoding again.
    pub fn of(encoding: &TextEncoding, needs_one: bool) -> Self {
        let had_one = encoding.source == EncodingSource::ByteOrderMark;
        let is_utf8 = encoding.name == "UTF-8";
        let mut lines = Lines::default();
        let gets_one = if is_utf8 { had_one } else { needs_one };
        if gets_one {
            lines.edits.push(Edit { at: Span::new(0, 0), with: Written::Always("\u{feff}") });
        }
        lines
    }

    /// A line that is shown and not translated.
    pub fn keep(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        self.text.extend(value.split_whitespace().flat_map(|word| [" ", word]));
        self.text.push('\n');
    }

    /// Parts what comes from what was before.
    pub fn part(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// `value`, which stood at `at`, behind its name. Each of its lines is a block, without the marker it may begin with.
    pub fn value(&mut self, kind: BlockKind, name: &str, value: &str, marker: usize, at: Span) {
        if !name.is_empty() {
            self.text.push_str(name);
            self.text.push(' ');
        }
        let start = self.text.len();
        let mut line_start = start;
        for (number, line) in value.split_inclusive('\n').enumerate() {
            let marker = if number == 0 { marker } else { 0 };
            let is_edge = |c: char| c.is_whitespace() || is_bidi_control(c);
            let shown = line[marker..].trim_matches(is_edge);
            if shown.chars().any(char::is_alphanumeric) {
                let inside = line[marker..].len() - line[marker..].trim_start_matches(is_edge).len();
                let first = line_start + marker + inside;
                self.blocks.push(Block { kind, span: Span::new(first, first + shown.len()) });
            }
            line_start += line.len();
        }
        self.text.push_str(value);
        let with = Written::Text(Span::new(start, self.text.len()));
        self.edits.push(Edit { at, with });
        self.text.push('\n');
    }

    /// More of the last block, that stood at `at`.
    pub fn more(&mut self, value: &str, at: Span) {
        self.text.pop();
        self.text.push(' ');
        let start = self.text.len();
        self.text.push_str(value);
        let end = self.text.len();
        if let Some(block) = self.blocks.last_mut() {
            block.span.end = start + value.trim_end().len();
        }
        self.edits.push(Edit { at, with: Written::Text(Span::new(start, end)) });
        self.text.push('\n');
    }

    /// The text, its blocks, and the edits in the order of the file.
    pub fn finish(self) -> (String, Vec<Block>, Vec<Edit>) {
        (self.text, self.blocks, self.edits)
    }
}
