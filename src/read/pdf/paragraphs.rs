//! Rows of a column → paragraphs, headings, list items and cells, by how lines stand to each other.
//!
//! A paragraph ends where the next line stands lower than lines do, is indented, differs in size, begins an item, or
//! where its first word would have fitted into the line before: then somebody ended that line on purpose.

use super::super::txt;
use super::letters;
use super::line::{Atom, Fragment, Row};
use super::order;
use crate::document::BlockKind;

/// A gap of this many ems in a row parts cells.
const CELL: f32 = 2.0;
/// Distance of baselines, against the usual one, from which on a new paragraph begins.
const LOOSE: f32 = 1.3;
/// Ems by which a first line is indented at least.
const INDENT: f32 = 0.8;
/// Sizes, against that of most text, from which on a line is a heading.
const HEADING: f32 = 1.15;
/// Words of a heading at most.
const HEADING_WORDS: usize = 20;

/// A block with its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Piece {
    pub kind: BlockKind,
    /// What stands before a list item, with its space.
    pub marker: String,
    pub text: String,
    pub size: f32,
    pub is_bold: bool,
    pub lines: usize,
    /// Whether it may go on in the next column or on the next page.
    pub is_open: bool,
    /// Whether its first line is indented.
    pub is_indented: bool,
    /// Whether it is the first cell of a row.
    pub begins_row: bool,
}

/// What is known of the whole document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Size of most of the text.
    pub body: f32,
    /// Whether most of the text is bold.
    pub is_bold: bool,
    /// Whether brackets are named by their look.
    pub mirrored: bool,
}

/// A line of text, or one cell.
struct Line {
    fragment: Fragment,
    left: f32,
    right: f32,
}

impl Line {
    fn new(fragment: Fragment) -> Self {
        Line { left: fragment.left(), right: fragment.right(), fragment }
    }

    fn y(&self) -> f32 {
        self.fragment.y
    }

    fn size(&self) -> f32 {
        self.fragment.size
    }

    /// Width of the word that a reader meets first.
    fn first_word(&self, rtl: bool) -> f32 {
        let atoms = &self.fragment.atoms;
        if rtl {
            let from = atoms.iter().rposition(|a| a.space_left).unwrap_or(0);
            self.right - atoms.get(from).map_or(self.left, |a| a.left)
        } else {
            let to = atoms.iter().skip(1).position(|a| a.space_left).unwrap_or(atoms.len() - 1);
            atoms.get(to).map_or(self.right, |a| a.right) - self.left
        }
    }
}

/// The blocks of a column, from the top. `rtl` is the direction of most text around it.
pub(super) fn pieces(rows: Vec<Row>, rtl: bool, style: Style) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        let mut cells = cells(row.fragments);
        // A number or bullet far from its item is its marker.
        if cells.len() == 2 && is_marker(&cells[if rtl { 1 } else { 0 }]) {
            let other = cells.remove(1);
            cells[0].join(other);
        }
        if let [_] = cells[..] {
            lines.extend(cells.into_iter().map(Line::new));
            continue;
        }
        out.extend(paragraphs(std::mem::take(&mut lines), rtl, style));
        if rtl {
            cells.reverse();
        }
        out.extend(cells.into_iter().enumerate().map(|(n, cell)| {
            let mut piece = piece(vec![Line::new(cell)], rtl, style, 0.0, 0.0);
            (piece.kind, piece.begins_row) = (BlockKind::TableCell, n == 0);
            (piece.is_open, piece.text) = (false, std::mem::take(&mut piece.marker) + &piece.text);
            piece
        }));
    }
    out.extend(paragraphs(lines, rtl, style));
    out
}

/// Fragments of a row with what stands near them: lines of text, or cells.
pub(super) fn cells(fragments: Vec<Fragment>) -> Vec<Fragment> {
    let mut cells: Vec<Fragment> = Vec::new();
    for fragment in fragments {
        match cells.last_mut() {
            Some(last) if fragment.left() - last.right() <= CELL * last.size.max(fragment.size) => {
                last.join(fragment);
            }
            _ => cells.push(fragment),
        }
    }
    cells
}

fn is_marker(fragment: &Fragment) -> bool {
    let text: String = fragment.atoms.iter().map(|a| a.text.as_str()).collect();
    text.chars().count() <= 4 && txt::list_marker(&format!("{text} x")).is_some()
}

fn paragraphs(lines: Vec<Line>, rtl: bool, style: Style) -> Vec<Piece> {
    let left = lines.iter().map(|l| l.left).fold(f32::MAX, f32::min);
    let right = lines.iter().map(|l| l.right).fold(f32::MIN, f32::max);
    let mut steps: Vec<f32> =
        lines.windows(2).map(|pair| pair[0].y() - pair[1].y()).filter(|s| *s > 0.0).collect();
    steps.sort_by(f32::total_cmp);
    // Space between paragraphs is rarer than that between lines, but for lists of single lines.
    let usual = steps.get(steps.len() / 3).copied().unwrap_or(f32::MAX);
    let mut out = Vec::new();
    let mut open: Vec<Line> = Vec::new();
    for line in lines {
        if let Some(last) = open.last()
            && begins(&open[0], last, &line, (left, right), usual, rtl, style)
        {
            out.push(piece(std::mem::take(&mut open), rtl, style, left, right));
        }
        open.push(line);
    }
    if !open.is_empty() {
        out.push(piece(open, rtl, style, left, right));
    }
    out
}

/// Whether `line` begins a paragraph of its own behind `last`, whose paragraph `first` began.
fn begins(
    first: &Line,
    last: &Line,
    line: &Line,
    (left, right): (f32, f32),
    usual: f32,
    rtl: bool,
    style: Style,
) -> bool {
    let size = last.size().max(line.size());
    let step = last.y() - line.y();
    if step < 0.0 || step > LOOSE * usual.max(size) || step > 3.0 * size {
        return true;
    }
    if (last.size() - line.size()).abs() > 0.12 * size || last.fragment.is_bold != line.fragment.is_bold {
        return true;
    }
    if marker_of(&line.fragment.atoms, rtl, style).is_some() || has_leaders(&last.fragment.atoms) {
        return true;
    }
    let start = |l: &Line| if rtl { right - l.right } else { l.left - left };
    let room = |l: &Line| if rtl { l.left - left } else { right - l.right };
    let is_centred = |l: &Line| room(l) > 2.0 * size && (room(l) - start(l)).abs() < size;
    if is_centred(last) && is_centred(line) {
        return false;
    }
    if room(last) > line.first_word(rtl) + 0.5 * size {
        return true;
    }
    let has_marker = marker_of(&first.fragment.atoms, rtl, style).is_some();
    start(line) - start(last) > INDENT * size && !has_marker
}

/// Whether dots lead through a line of a table of contents.
fn has_leaders(atoms: &[Atom]) -> bool {
    atoms
        .chunk_by(|a, b| a.text == b.text)
        .any(|run| run.len() >= 5 && matches!(run[0].text.as_str(), "." | "·"))
}

/// The list marker that a line begins with.
fn marker_of(atoms: &[Atom], rtl: bool, style: Style) -> Option<String> {
    let text = order::logical(atoms, order::is_rtl_within(atoms, rtl), style.mirrored);
    let length = txt::list_marker(&text)?;
    Some(text[..length].to_string())
}

fn piece(lines: Vec<Line>, rtl: bool, style: Style, left: f32, right: f32) -> Piece {
    let own = order::is_rtl_within(lines.iter().flat_map(|l| &l.fragment.atoms), rtl);
    let mut text = String::new();
    for line in &lines {
        append(&mut text, order::logical(&line.fragment.atoms, own, style.mirrored).trim());
    }
    let text = without_leaders(&letters::settle(&text));
    let marker = txt::list_marker(&text).unwrap_or(0);
    let (marker, text) = text.split_at(marker);
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    let size = first.size();
    let is_bold = lines.iter().all(|l| l.fragment.is_bold);
    let room = if rtl { last.left - left } else { right - last.right };
    let ends = text.trim_end().ends_with(['.', '!', '?', '؟', ':', '؛', '…']);
    let is_heading = !ends_sentence(text)
        && text.split_whitespace().count() <= HEADING_WORDS
        && lines.len() <= 3
        && text.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && (size >= HEADING * style.body || (is_bold && !style.is_bold && lines.len() == 1));
    let kind = match () {
        () if is_heading && size >= 1.6 * style.body => BlockKind::Heading(1),
        () if is_heading && size >= 1.3 * style.body => BlockKind::Heading(2),
        () if is_heading => BlockKind::Heading(3),
        () if !marker.is_empty() => BlockKind::ListItem,
        () => BlockKind::Paragraph,
    };
    let (marker, text) = match kind {
        BlockKind::ListItem => (marker.to_string(), text.to_string()),
        _ => (String::new(), format!("{marker}{text}")),
    };
    Piece {
        kind,
        marker,
        size,
        is_bold,
        is_open: !ends && !is_heading && room < 2.0 * size,
        is_indented: (if rtl { right - first.right } else { first.left - left }) > INDENT * size,
        begins_row: false,
        lines: lines.len(),
        text,
    }
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end().ends_with(['.', '!', '؟', '،', '؛', ';', ','])
}

/// Puts a line behind a text: with a space, or without where a word was broken.
pub(super) fn append(text: &mut String, line: &str) {
    if line.is_empty() {
        return;
    }
    let next = line.chars().next().unwrap_or(' ');
    let broken = text.strip_suffix(['-', '\u{AD}', '‐']).filter(|word| {
        let before = word.chars().next_back().unwrap_or(' ');
        before.is_alphabetic() && next.is_alphabetic() && !next.is_uppercase()
    });
    match broken {
        Some(word) => text.truncate(word.len()),
        None if text.is_empty() => {}
        None => text.push(' '),
    }
    text.push_str(line);
}

/// `Title ........ 5` → `Title … 5`.
fn without_leaders(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut dots = String::new();
    let flush = |dots: &mut String, out: &mut String| {
        let count = dots.chars().filter(|c| !c.is_whitespace()).count();
        if count >= 5 {
            out.truncate(out.trim_end().len());
            out.push_str(" … ");
        } else {
            out.push_str(dots);
        }
        dots.clear();
    };
    for c in text.chars() {
        if matches!(c, '.' | '·' | '…') || (c == ' ' && !dots.is_empty()) {
            dots.push(c);
        } else {
            flush(&mut dots, &mut out);
            out.push(c);
        }
    }
    flush(&mut dots, &mut out);
    out.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind::*;

    const STYLE: Style = Style { body: 10.0, is_bold: false, mirrored: true };

    /// A line as it is read, of letters half an em wide, that begins `indent` from the right edge at 300.
    fn line(text: &str, indent: f32, y: f32, size: f32) -> Row {
        let mut atoms = Vec::new();
        let mut right = 300.0 - indent;
        for word in text.split(' ') {
            for c in word.chars() {
                atoms.push(Atom { text: c.into(), left: right - size / 2.0, right, space_left: false });
                right -= size / 2.0;
            }
            if let Some(last) = atoms.last_mut() {
                last.space_left = true;
            }
            right -= size / 4.0;
        }
        if let Some(last) = atoms.last_mut() {
            last.space_left = false;
        }
        atoms.reverse();
        Row { fragments: vec![Fragment { atoms, y, size, is_bold: false }], y }
    }

    fn check(rows: Vec<Row>, expected: &[(BlockKind, &str)]) {
        let pieces = pieces(rows, true, STYLE);
        let found: Vec<_> = pieces.iter().map(|p| (p.kind, p.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    const FULL: &str = "قالت الوزارة إن عدد المصابين بلغ مئات في المدينة ثم أضافت";

    #[test]
    fn lines_are_joined_until_one_ends_early() {
        check(
            vec![
                line(FULL, 0.0, 100.0, 10.0),
                line("في بيان لها.", 0.0, 86.0, 10.0),
                line(FULL, 0.0, 72.0, 10.0),
            ],
            &[(Paragraph, &format!("{FULL} في بيان لها.")), (Paragraph, FULL)],
        );
    }

    #[test]
    fn indents_distance_size_and_markers_begin_blocks() {
        let (a, b) = (line(FULL, 0.0, 100.0, 10.0), line("تتمة السطر الأول", 0.0, 86.0, 10.0));
        check(vec![a.clone(), line(FULL, 15.0, 86.0, 10.0)], &[(Paragraph, FULL), (Paragraph, FULL)]);
        check(
            vec![a.clone(), line(FULL, 0.0, 86.0, 10.0), line(FULL, 0.0, 50.0, 10.0)],
            &[(Paragraph, &format!("{FULL} {FULL}")), (Paragraph, FULL)],
        );
        check(
            vec![line("مقدمة التقرير", 0.0, 120.0, 17.0), a.clone(), b],
            &[(Heading(1), "مقدمة التقرير"), (Paragraph, &format!("{FULL} تتمة السطر الأول"))],
        );
        check(
            vec![a, line(&format!("• {FULL}"), 0.0, 86.0, 10.0), line("بقية البند", 10.0, 72.0, 10.0)],
            &[(Paragraph, FULL), (ListItem, &format!("{FULL} بقية البند"))],
        );
    }

    #[test]
    fn cells_are_read_in_the_direction_of_the_page() {
        let mut row = line("المدينة", 0.0, 100.0, 10.0);
        row.fragments.insert(0, line("العدد", 150.0, 100.0, 10.0).fragments.remove(0));
        check(vec![row], &[(TableCell, "المدينة"), (TableCell, "العدد")]);
    }

    #[test]
    fn broken_words_and_leaders() {
        for (text, line, joined) in [
            ("inter-", "national", "international"),
            ("Abu-", "Dhabi", "Abu- Dhabi"),
            ("كلمة", "أخرى", "كلمة أخرى"),
            ("2019-", "2020", "2019- 2020"),
            ("الكل\u{AD}", "مات", "الكلمات"),
        ] {
            let mut text = text.to_string();
            append(&mut text, line);
            assert_eq!(text, joined);
        }
        assert_eq!(without_leaders("مقدمة . . . . . . . . 5"), "مقدمة … 5");
        assert_eq!(without_leaders("انتهى... ثم"), "انتهى... ثم");
    }
}
