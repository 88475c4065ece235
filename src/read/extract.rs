//! The readable text of a format that has it among its own signs, gathered block by block, and where each piece of it
//! stood.
//!
//! A reader tells what it meets in the order of the file; it knows its format, this knows [`Document`](crate::document).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::txt;
use crate::document::{Block, BlockKind, Edit, Mark, Span, Written};
use crate::lang;

/// What text with this style is set apart by: the same for the same style.
pub(super) fn key_of(style: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    style.hash(&mut hasher);
    hasher.finish()
}

/// The row and the column, each from 1 on, of a cell; no two rows of a document have the same number.
pub(super) type Cell = (usize, usize);

/// Follows the tables of a document, one in another too.
#[derive(Default)]
pub(super) struct Cells {
    rows: usize,
    now: Cell,
    around: Vec<Cell>,
}

impl Cells {
    /// The cell that what comes is in.
    pub fn now(&self) -> Cell {
        self.now
    }

    /// What comes is in this cell.
    pub fn set(&mut self, cell: Cell) {
        self.now = cell;
    }

    /// A table begins.
    pub fn begin_table(&mut self) {
        self.around.push(self.now);
        self.row();
    }

    /// A table ends.
    pub fn end_table(&mut self) {
        self.now = self.around.pop().unwrap_or(self.now);
    }

    /// A row begins.
    pub fn row(&mut self) {
        self.rows += 1;
        self.now = (self.rows, 0);
    }

    /// A cell begins, so many columns behind the one before; cells without text count too.
    pub fn cell(&mut self, columns: usize) {
        self.now.1 = self.now.1.saturating_add(columns);
    }
}

/// Behind more empty cells than this, one stands further to the left.
const MOST_TABS: usize = 63;

/// Text gathered so far.
#[derive(Default)]
pub(super) struct Extract {
    text: String,
    blocks: Vec<Block>,
    edits: Vec<Edit>,
    marks: Vec<Mark>,
    open: Option<(BlockKind, usize)>,
    /// By what the text that comes is set apart.
    apart: Option<u64>,
    /// By what the last of the marks is.
    last: Option<u64>,
    /// What stands before the next block on its line; of items that say nothing else, `- `.
    lead: Option<String>,
    /// Where in a table what comes stands.
    pub cells: Cells,
    /// The cell of the last block that was one, and the kind of the last block.
    last_cell: Option<Cell>,
    last_kind: Option<BlockKind>,
    /// Whether the text ends with something that is no block.
    kept: bool,
    /// Passages with Arabic that are passed over: those that readers see, and those that none does.
    passed: [usize; 2],
}

impl Extract {
    /// Ends the block before, if one is open: what comes is another one, of this kind, if there is text in it.
    pub fn begin(&mut self, kind: BlockKind) {
        self.end();
        self.open = Some((kind, self.text.len()));
        self.lead = None;
    }

    /// The same, for a block with this before it on its line.
    pub fn begin_behind(&mut self, kind: BlockKind, lead: &str) {
        self.begin(kind);
        self.lead = Some(lead.to_owned());
    }

    /// Text between blocks that is shown as it stands and not translated.
    pub fn keep(&mut self, text: &str) {
        self.end();
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(text);
        self.kept = true;
    }

    /// A passage with Arabic is passed over, which readers see (code) or do not (a script).
    pub fn pass(&mut self, is_seen: bool) {
        self.passed[usize::from(!is_seen)] += 1;
    }

    /// What is to be known of Arabic that was passed over. Scripts and hidden text are told of only where there is no other
    /// text: most pages have some.
    pub fn notes(&self) -> Vec<String> {
        let [seen, unseen] = self.passed;
        let has_text = self.blocks().any(|(text, _)| lang::has_arabic(text));
        let note = |(n, what): (usize, &str)| match n {
            0 => None,
            1 => Some(format!("one passage with Arabic in {what} was left as it is")),
            n => Some(format!("{n} passages with Arabic in {what} were left as they are")),
        };
        let kinds = [
            (seen, "code, markup or drawings"),
            (if has_text { 0 } else { unseen }, "scripts or hidden text"),
        ];
        kinds.into_iter().filter_map(note).collect()
    }

    /// How long the text is so far.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// What stands at `at` is a sign of the text of `of`: it is `filled` where that has some English (or stays), and `empty`
    /// where it has none.
    pub fn sign_of(&mut self, of: Span, at: Span, closes: bool, filled: Option<String>, empty: String) {
        self.edits.push(Edit { at, with: Written::Sign { of, closes, filled, empty } });
    }

    /// Text of the open block, that stood at `at` in the part. Without an open block it opens a paragraph.
    pub fn push(&mut self, text: &str, at: Span) {
        if self.open.is_none() {
            self.begin(BlockKind::Paragraph);
        }
        let start = self.text.len();
        if start == self.open.map_or(0, |(_, start)| start) {
            self.push_gap();
        }
        let start = self.text.len();
        self.text.push_str(text);
        if text.chars().any(|c| !c.is_whitespace()) {
            let with = Written::Text(Span::new(start, self.text.len()));
            self.edits.push(Edit { at, with });
        }
        let end = self.text.len();
        match (self.apart, self.marks.last_mut()) {
            (Some(_), Some(mark)) if self.last == self.apart && mark.span.end == start => mark.span.end = end,
            (Some(_), _) => {
                self.marks.push(Mark { span: Span::new(start, end), english: Vec::new() });
                self.last = self.apart;
            }
            (None, _) => {}
        }
    }

    /// Text from here on is set apart from its line by this, or by nothing. What follows without a gap and is set apart by the
    /// same is one.
    pub fn set_apart(&mut self, by: Option<u64>) {
        self.apart = by;
    }

    /// The same for formats in which white space of any kind and length is one space.
    pub fn push_evened(&mut self, text: &str, at: Span) {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            // A space that may not break is one all the same.
            if !matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{C}') {
                shown.push(c);
            } else if !(shown.ends_with(' ') || (shown.is_empty() && self.ends_in_space())) {
                shown.push(' ');
            }
        }
        if !shown.is_empty() && (self.is_in_text() || shown != " ") {
            self.push(&shown, at);
        }
    }

    /// The same for text whose lines stand as they are written.
    pub fn push_lines(&mut self, text: &str, at: Span) {
        if self.is_in_text() || text.contains(|c: char| !c.is_whitespace()) {
            self.push(text, at);
        }
    }

    /// Text that a sign of the format stands for, such as the end of a line: it has no place of its own.
    pub fn push_sign(&mut self, text: &str) {
        if self.is_in_text() {
            self.text.push_str(text);
        }
    }

    /// Whether the open block has text.
    pub fn is_in_text(&self) -> bool {
        self.open.is_some_and(|(_, start)| self.text.len() > start)
    }

    /// Whether the open block's text ends in white space, or there is none.
    pub fn ends_in_space(&self) -> bool {
        !self.is_in_text() || self.text.ends_with(char::is_whitespace)
    }

    /// What stands at `at` reads so in English.
    pub fn always(&mut self, at: Span, with: &'static str) {
        self.edits.push(Edit { at, with: Written::Always(with) });
    }

    /// The blocks that have ended, with their text.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = (&str, Span)> {
        self.blocks.iter().map(|block| (block.span.of(&self.text), block.span))
    }

    /// Ends the open block. Lines that the file breaks on purpose are blocks of their own, as those of a plain text are, unless
    /// they are wrapped; but titles and headings are broken for their looks.
    pub fn end(&mut self) {
        let Some((kind, start)) = self.open.take() else { return };
        let text = &self.text[start..];
        if text.contains('\n') && !matches!(kind, BlockKind::Title | BlockKind::Heading(_)) {
            return self.end_lines(kind, start);
        }
        let trimmed = text.trim_start();
        let start = start + text.len() - trimmed.len();
        let span = Span::new(start, start + trimmed.trim_end().len());
        if trimmed.chars().any(char::is_alphanumeric) {
            self.blocks.push(Block { kind, span });
        }
    }

    fn end_lines(&mut self, kind: BlockKind, start: usize) {
        let mut end = start;
        for Block { kind: of_line, span } in txt::blocks(&self.text[start..]) {
            let is_item = of_line == BlockKind::ListItem;
            let kind = if is_item && kind == BlockKind::Paragraph { of_line } else { kind };
            let mut span = Span::new(start + span.start, start + span.end);
            if kind == BlockKind::TableCell {
                // A marker of an item is part of its cell, and lines of a table are its rows.
                let before = &self.text[end..span.start];
                let line = before.rfind('\n').map_or(0, |at| at + 1);
                span.start -= before[line..].trim_start().len();
                self.even(end, span.start);
            }
            end = span.end;
            self.blocks.push(Block { kind, span });
        }
        if kind == BlockKind::TableCell {
            self.even(end, self.text.len());
        }
    }

    /// Ends of lines between these places are spaces.
    fn even(&mut self, start: usize, end: usize) {
        let evened = self.text[start..end].replace('\n', " ");
        self.text.replace_range(start..end, &evened);
    }

    /// What parts a new block from the one before. Cells of a row stand behind tabs, and what a cell has more than one of behind
    /// a space.
    fn push_gap(&mut self) {
        let Some((kind, start)) = &mut self.open else { return };
        let before = self.last_kind.replace(*kind).filter(|_| !self.kept);
        let is_row = |kind| matches!(kind, BlockKind::ListItem | BlockKind::TableCell);
        let gap = match before {
            Some(before) if before == *kind && is_row(*kind) => "\n",
            _ if self.text.is_empty() => "",
            _ => "\n\n",
        };
        if *kind == BlockKind::TableCell {
            let cell = self.cells.now;
            let (row, column) = cell;
            let tabs = |columns: usize| "\t".repeat(columns.min(MOST_TABS));
            match self.last_cell.filter(|_| gap == "\n") {
                Some((last, before)) if last == row && row > 0 && column > before => {
                    self.text.push_str(&tabs(column - before));
                }
                Some(last) if last == cell && row > 0 => self.text.push(' '),
                _ => {
                    self.text.push_str(gap);
                    self.text.push_str(&tabs(column.saturating_sub(1)));
                }
            }
            self.last_cell = Some(cell);
        } else {
            self.text.push_str(gap);
        }
        let lead = self.lead.take();
        match (lead, *kind) {
            (Some(lead), _) => self.text.push_str(&lead),
            (None, BlockKind::ListItem) => self.text.push_str("- "),
            (None, _) => {}
        }
        self.kept = false;
        *start = self.text.len();
    }

    /// The open block is of this kind, if nothing more was known of it.
    pub fn is_rather(&mut self, kind: BlockKind) {
        if let Some((open @ BlockKind::Paragraph, _)) = &mut self.open {
            *open = kind;
        }
    }

    /// The edits of the part that ends here, in its order; what comes is another part.
    pub fn end_part(&mut self) -> Vec<Edit> {
        self.end();
        let mut edits = std::mem::take(&mut self.edits);
        edits.sort_by_key(|edit| edit.at.start);
        edits
    }

    /// The text, its blocks, and what is set apart in it.
    pub fn finish(mut self) -> (String, Vec<Block>, Vec<Mark>) {
        self.end();
        self.text.push('\n');
        (self.text, self.blocks, self.marks)
    }
}
