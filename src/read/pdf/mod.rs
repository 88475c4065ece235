//! PDF: what stands on the pages, read from where its glyphs stand.
//!
//! A PDF has no text, only glyphs at places. So the text is made here: `file` opens, `page` runs the content streams
//! (`syntax`) and asks `font` what glyphs stand for (`cmap`, `names`, `program`), `line` and `order` make lines in
//! reading order, `running` takes off heads and page numbers, `columns` and `paragraphs` find the blocks, and `trust`
//! refuses what cannot be text. What was left out is said in the document's notes.

mod cmap;
mod columns;
mod file;
mod font;
mod letters;
mod line;
#[cfg(test)]
mod measure;
mod names;
mod order;
mod page;
mod paragraphs;
mod program;
mod running;
mod syntax;
#[cfg(test)]
mod tests;
mod trust;

use super::{Format, ReadError, ReadOptions, digest_of};
use crate::document::{Block, BlockKind, Document, EncodingSource, Span, TextEncoding};
use crate::lang::has_arabic;
use line::{Fragment, Row};
use paragraphs::{Piece, Style};

/// Bytes in which the mark of a PDF may stand; mail programs put lines before it.
const HEADER: usize = 1024;

/// Said of Arabic on further pages of a file in which most of it cannot be read.
const SAME_FONTS: &str = "most of the file's Arabic cannot be read";

/// Portable Document Format.
pub struct Pdf;

impl Format for Pdf {
    fn name(&self) -> &'static str {
        "pdf"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pdf"]
    }

    /// By content: a text that is called `.pdf` is a text.
    fn accepts(&self, _: &str, bytes: &[u8]) -> bool {
        bytes[..bytes.len().min(HEADER)].windows(5).any(|w| w == b"%PDF-")
    }

    fn document(&self, id: &str, bytes: &[u8], _: ReadOptions<'_>) -> Result<Document, ReadError> {
        let file = file::File::open(id, bytes)?;
        let mut reading = Reading::of(&file);
        let heads = running::take(&mut reading.pages);
        reading.notes.extend(head_notes(&heads));
        let pieces = reading.pieces();
        let (text, blocks) = written(&pieces);
        // What is left of a file whose Arabic cannot be read is not the report.
        if pieces.is_empty() || reading.is_arabic_refused && !has_arabic(&text) {
            return Err(reading.nothing(id));
        }
        let undecodable = text.matches('\u{FFFD}').count();
        let encoding = TextEncoding { name: "PDF".into(), source: EncodingSource::Declared, undecodable };
        let notes = reading.notes;
        Ok(Document {
            id: id.into(),
            digest: digest_of(bytes),
            format: "pdf".into(),
            encoding,
            text,
            blocks,
            notes,
            original: None,
        })
    }
}

/// All pages of a file as rows, and what is to be said of those that are missing.
struct Reading {
    pages: Vec<Vec<Row>>,
    notes: Vec<String>,
    /// Pages, from 1, on which there are pictures and no text.
    scans: Vec<usize>,
    /// Why the first page that was refused was.
    doubt: Option<&'static str>,
    /// Whether there was Arabic on one of those.
    is_arabic_refused: bool,
}

impl Reading {
    fn of(file: &file::File) -> Reading {
        let mut reader = page::Reader::new(file);
        let mut reading = Reading {
            pages: Vec::new(),
            notes: Vec::new(),
            scans: Vec::new(),
            doubt: None,
            is_arabic_refused: false,
        };
        let mut cut = Vec::new();
        // For each page what speaks against its text, and whether Arabic is in it.
        let mut judged: Vec<(Option<&'static str>, bool)> = Vec::new();
        for (number, page) in (1..).zip(file.pages()) {
            let content = reader.page(page);
            if content.is_cut {
                cut.push(number);
            }
            let rows = line::rows(&content.glyphs);
            if rows.is_empty() && content.has_graphics {
                reading.scans.push(number);
            }
            let text = plain(&rows);
            judged.push((trust::doubt(&text), has_arabic(&text)));
            reading.pages.push(rows);
        }
        let arabic = judged.iter().filter(|j| j.1).count();
        let doubted = judged.iter().filter(|j| j.1 && j.0.is_some()).count();
        let mut doubts: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (at, (doubt, has_arabic)) in judged.into_iter().enumerate() {
            // On pages with little text it does not show that the fonts are the same.
            let same = (has_arabic && doubted * 2 > arabic).then_some(SAME_FONTS);
            let Some(doubt) = doubt.or(same) else { continue };
            reading.pages[at].clear();
            reading.doubt.get_or_insert(doubt);
            reading.is_arabic_refused |= has_arabic;
            match doubts.iter_mut().find(|d| d.0 == doubt) {
                Some((_, pages)) => pages.push(at + 1),
                None => doubts.push((doubt, vec![at + 1])),
            }
        }
        if !reading.scans.is_empty() {
            let (pages, have, were) = listed(&reading.scans);
            reading.notes.push(format!("{pages} {have} no text layer and {were} not read"));
        }
        for (doubt, pages) in doubts {
            let (pages, _, were) = listed(&pages);
            reading.notes.push(format!("{pages} {were} not read: {doubt}"));
        }
        if !cut.is_empty() {
            let (pages, _, were) = listed(&cut);
            reading
                .notes
                .push(format!("{pages} {were} read in part: the file is damaged there, or too large"));
        }
        reading
    }

    /// The blocks of all pages; paragraphs that go on in the next column or page are one.
    fn pieces(&mut self) -> Vec<Piece> {
        let pages = std::mem::take(&mut self.pages);
        let style = style(&pages);
        let mut out: Vec<Piece> = Vec::new();
        for rows in pages {
            let atoms = rows.iter().flat_map(|row| &row.fragments).flat_map(|f| &f.atoms);
            let rtl = order::is_rtl(atoms).unwrap_or(true);
            for region in columns::regions(rows, rtl) {
                let atoms = region.iter().flat_map(|row| &row.fragments).flat_map(|f| &f.atoms);
                let rtl = order::is_rtl(atoms).unwrap_or(rtl);
                for (n, piece) in paragraphs::pieces(region, rtl, style).into_iter().enumerate() {
                    if piece.text.trim().is_empty() {
                        continue;
                    }
                    match out.last_mut() {
                        Some(last) if n == 0 && goes_on(last, &piece) => {
                            paragraphs::append(&mut last.text, &piece.text);
                            (last.is_open, last.lines) = (piece.is_open, last.lines + piece.lines);
                        }
                        _ => out.push(piece),
                    }
                }
            }
        }
        let largest = out.iter().take(8).map(|p| p.size).fold(0.0, f32::max);
        if let Some(title) = out.iter_mut().take(8).find(|p| p.size == largest)
            && matches!(title.kind, BlockKind::Heading(1 | 2))
        {
            title.kind = BlockKind::Title;
        }
        out
    }

    /// Why there is no text at all.
    fn nothing(self, id: &str) -> ReadError {
        match self.doubt {
            Some(what) => ReadError::UnreadablePdf { id: id.into(), what },
            None if !self.scans.is_empty() => {
                ReadError::NoTextLayer { id: id.into(), pages: self.scans.len() }
            }
            None => ReadError::Blank { id: id.into() },
        }
    }
}

/// Whether a paragraph at the end of a column goes on at the beginning of the next.
fn goes_on(last: &Piece, next: &Piece) -> bool {
    let is_text = |kind| matches!(kind, BlockKind::Paragraph | BlockKind::ListItem);
    last.is_open
        && is_text(last.kind)
        && next.kind == BlockKind::Paragraph
        && !next.is_indented
        && last.is_bold == next.is_bold
        && (last.size - next.size).abs() <= 0.05 * last.size
}

/// The size of most letters, and how the file names brackets.
fn style(pages: &[Vec<Row>]) -> Style {
    let fragments = || pages.iter().flatten().flat_map(|row| &row.fragments);
    let mut sizes: Vec<(i32, usize)> =
        fragments().map(|f| ((f.size * 4.0).round() as i32, f.atoms.len())).collect();
    sizes.sort_unstable();
    let weight = |group: &[(i32, usize)]| group.iter().map(|s| s.1).sum::<usize>();
    let body =
        sizes.chunk_by(|a, b| a.0 == b.0).max_by_key(|group| weight(group)).map_or(40, |group| group[0].0);
    let bold: usize = fragments().filter(|f| f.is_bold).map(|f| f.atoms.len()).sum();
    let (mut as_they_are, mut turned) = (0, 0);
    for fragment in fragments().filter(|f| order::is_rtl(&f.atoms) == Some(true)) {
        let (right, wrong) = order::bracket_pairs(&order::logical(&fragment.atoms, true, false));
        as_they_are += right;
        turned += wrong;
    }
    Style { body: body as f32 / 4.0, is_bold: bold * 2 > weight(&sizes), mirrored: turned >= as_they_are }
}

/// A page's text without any layout, to judge it by: line by line as it will be written.
fn plain(rows: &[Row]) -> String {
    let line = |fragment: Fragment| {
        order::logical(&fragment.atoms, order::is_rtl(&fragment.atoms).unwrap_or(true), true)
    };
    let lines = rows.iter().flat_map(|row| paragraphs::cells(row.fragments.clone())).map(line);
    lines.collect::<Vec<_>>().join("\n")
}

/// The document's text, and where the blocks stand in it: cells with tabs between them, rows and items on lines of
/// their own, else a blank line between blocks.
fn written(pieces: &[Piece]) -> (String, Vec<Block>) {
    let mut text = String::new();
    let mut blocks = Vec::with_capacity(pieces.len());
    let mut before: Option<&Piece> = None;
    for piece in pieces {
        let gap = match (before.map(|b| b.kind), piece.kind) {
            (None, _) => "",
            (Some(BlockKind::TableCell), BlockKind::TableCell) if !piece.begins_row => "\t",
            (Some(BlockKind::TableCell), BlockKind::TableCell)
            | (Some(BlockKind::ListItem), BlockKind::ListItem) => "\n",
            _ => "\n\n",
        };
        text.push_str(gap);
        text.push_str(&piece.marker);
        let start = text.len();
        text.push_str(&piece.text);
        if piece.text.chars().any(char::is_alphanumeric) {
            blocks.push(Block { kind: piece.kind, span: Span::new(start, text.len()) });
        }
        before = Some(piece);
    }
    text.push('\n');
    (text, blocks)
}

/// `pages 3 and 7 have … and were …`.
fn listed(pages: &[usize]) -> (String, &'static str, &'static str) {
    match pages {
        [page] => (format!("page {page}"), "has", "was"),
        _ => (format!("pages {}", ranges(pages)), "have", "were"),
    }
}

/// `1–4, 7 and 9`.
fn ranges(pages: &[usize]) -> String {
    let runs = pages.chunk_by(|a, b| a + 1 == *b).flat_map(|run| match run {
        [first, _, .., last] => vec![format!("{first}–{last}")],
        _ => run.iter().map(usize::to_string).collect(),
    });
    let runs: Vec<String> = runs.collect();
    match &runs[..] {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// What is said of heads and page numbers: every head is named, since what is taken off for one may have been text.
fn head_notes(heads: &[running::Head]) -> Option<String> {
    let numbers = heads.iter().any(running::Head::is_number);
    let quoted = heads.iter().filter(|head| !head.is_number()).map(|head| match &head.says {
        [first, last] if first == last => format!("“{first}”"),
        [first, last] => format!("“{first}” to “{last}”"),
    });
    let quoted: Vec<String> = quoted.collect();
    match (quoted.is_empty(), numbers) {
        (true, false) => None,
        (true, true) => Some("page numbers were left out".into()),
        (false, false) => Some(format!("running heads were left out: {}", quoted.join(", "))),
        (false, true) => Some(format!("page numbers and running heads were left out: {}", quoted.join(", "))),
    }
}
