//! Tables (`.csv`, `.tsv`): every cell with Arabic letters becomes a block, or those of the columns that a person chose.
//!
//! Fields are found in the text itself, since each is to be written again in its place: a reader that hands out their
//! values does not say where they stood. Whatever is no well-formed quotation is taken as it stands, so that one
//! stray mark does not swallow the rows behind it.

use std::borrow::Cow;

use super::lines::Lines;
use super::{Contents, Format, ReadError, ReadOptions, encoding, is_blank};
use crate::document::{BlockKind, Document, Notation, Part, Span};
use crate::lang::{digit_value, has_arabic};

/// Comma-separated values, whatever separates them.
pub struct Table;

/// What separates fields, the likeliest first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Rows that are looked at to find out which.
const SAMPLE: usize = 100;
/// A longer name of a column is none, but text.
const LONGEST_NAME: usize = 40;

impl Format for Table {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv", "tab"]
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let (file, encoding) = encoding::decode(id, bytes, options.encoding)?;
        if file.chars().all(is_blank) {
            return Err(ReadError::Blank { id: id.into() });
        }
        let (notation, rows) = rows(&file, super::extension(id).is_some_and(|e| e != "csv"));
        let columns = Columns::of(&file, &rows, options.fields);
        let chosen = columns.chosen(id, options.fields)?;
        let is_chosen = |column: usize| chosen.is_empty() || chosen.contains(&column);
        let mut lines = Lines::of(&encoding, true);
        for (number, row) in rows.iter().enumerate() {
            let is_header = number == 0 && columns.has_header;
            for (column, field) in row.iter().enumerate() {
                let value = field.value(&file);
                let name = columns.label(column);
                if !has_arabic(&value) {
                    if !is_header && value.contains(|c| !is_blank(c)) {
                        lines.keep(&name, &value);
                    }
                } else if is_chosen(column) {
                    lines.value(BlockKind::TableCell, &name, &value, 0, field.at);
                }
            }
            lines.part();
        }
        let (text, blocks, edits) = lines.finish();
        let part = Part::whole(file, notation, edits);
        Contents { encoding, text, blocks, notes: Vec::new(), parts: vec![part], marks: Vec::new() }
            .document(self, id, bytes)
    }
}

/// One value of a row, with its quotation marks if it has them.
#[derive(Debug, Clone, Copy)]
struct Field {
    at: Span,
    is_quoted: bool,
}

impl Field {
    fn value<'f>(&self, file: &'f str) -> Cow<'f, str> {
        let written = self.at.of(file);
        match self.is_quoted {
            true => {
                let inside = &written[1..written.len() - 1];
                if inside.contains('"') { inside.replace("\"\"", "\"").into() } else { inside.into() }
            }
            false => written.into(),
        }
    }
}

type Row = Vec<Field>;

/// How fields are written, and the rows that are not blank.
fn rows(file: &str, is_tabbed: bool) -> (Notation, Vec<Row>) {
    // Excel tells itself so.
    let told = file.lines().next().and_then(|line| line.trim_end().strip_prefix("sep="));
    let told = told.and_then(|rest| rest.chars().next().filter(|c| c.len_utf8() == rest.len()));
    let start = if told.is_some() { file.find('\n').map_or(file.len(), |at| at + 1) } else { 0 };
    let delimiter = told.unwrap_or_else(|| if is_tabbed { '\t' } else { delimiter(file) });
    let rows: Vec<Row> = Rows { file, at: start, delimiter, quotes: true }.collect();
    if delimiter != '\t' {
        return (Notation::Field { delimiter }, rows);
    }
    // Many tables with tabs know no quotation, and have marks in their text. A field over several lines is then two marks
    // in two rows.
    let fields = || rows.iter().flatten();
    let has_marks = |field: &&Field| !field.is_quoted && field.at.of(file).contains('"');
    let spans_lines = fields().any(|field| field.at.of(file).contains('\n'));
    let bare: Vec<Row> = Rows { file, at: start, delimiter, quotes: false }.collect();
    let is_even = || bare.windows(2).all(|pair| pair[0].len() == pair[1].len());
    let is_bare = match fields().any(|field| field.is_quoted) {
        true if spans_lines => is_even(),
        true => fields().any(|field| has_marks(&field)),
        false => true,
    };
    if is_bare { (Notation::BareField, bare) } else { (Notation::Field { delimiter }, rows) }
}

/// Of those that cut the first row, the one that cuts most of the others into as many fields.
fn delimiter(file: &str) -> char {
    let fit = |delimiter: char| {
        let sample: Vec<usize> =
            Rows { file, at: 0, delimiter, quotes: true }.take(SAMPLE).map(|row| row.len()).collect();
        let width = sample.first().copied().unwrap_or_default();
        let alike = sample.iter().filter(|n| **n == width).count();
        if width > 1 { (alike, width) } else { (0, 0) }
    };
    // Ties go to the first.
    DELIMITERS.into_iter().rev().max_by_key(|delimiter| fit(*delimiter)).unwrap_or(',')
}

/// The rows of a table, one after the other.
struct Rows<'f> {
    file: &'f str,
    at: usize,
    delimiter: char,
    quotes: bool,
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            if self.at >= self.file.len() {
                return None;
            }
            let row = self.row();
            if row.len() > 1 || row.iter().any(|field| !field.at.of(self.file).trim().is_empty()) {
                return Some(row);
            }
        }
    }
}

impl Rows<'_> {
    fn row(&mut self) -> Row {
        let mut row = Vec::new();
        loop {
            row.push(self.field());
            let rest = &self.file[self.at..];
            if rest.starts_with(self.delimiter) {
                self.at += self.delimiter.len_utf8();
            } else {
                self.at += if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
                return row;
            }
        }
    }

    fn field(&mut self) -> Field {
        let rest = &self.file[self.at..];
        let quoted = if self.quotes { quoted(rest, self.delimiter) } else { None };
        let is_end = |c: char| c == self.delimiter || matches!(c, '\n' | '\r');
        let length = quoted.unwrap_or_else(|| rest.find(is_end).unwrap_or(rest.len()));
        let at = Span::new(self.at, self.at + length);
        self.at = at.end;
        Field { at, is_quoted: quoted.is_some() }
    }
}

/// Length of the quoted field that `rest` begins with.
fn quoted(rest: &str, delimiter: char) -> Option<usize> {
    let mut at = rest.strip_prefix('"').map(|_| 1)?;
    loop {
        at += rest[at..].find('"')? + 1;
        let behind = &rest[at..];
        if !behind.starts_with('"') {
            let is_end = behind.is_empty() || behind.starts_with([delimiter, '\n', '\r']);
            return is_end.then_some(at);
        }
        at += 1;
    }
}

/// What a field holds, as far as one can tell names of columns by it.
#[derive(PartialEq)]
enum Kind {
    Number,
    Arabic,
    Other,
}

impl Kind {
    fn of(value: &str) -> Kind {
        let is_figure = |c: char| digit_value(c).is_some() || c.is_ascii_punctuation() || c.is_whitespace();
        match () {
            () if value.chars().all(is_figure) => Kind::Number,
            () if has_arabic(value) => Kind::Arabic,
            () => Kind::Other,
        }
    }
}

/// What the columns are called.
struct Columns {
    has_header: bool,
    /// Of the first row, whether it is a header or not.
    names: Vec<String>,
}

impl Columns {
    fn of(file: &str, rows: &[Row], fields: &[String]) -> Self {
        let first = rows.first().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<String> = first
            .iter()
            .map(|field| field.value(file).split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let is_name = |(at, name): (usize, &String)| {
            !names[..at].contains(name) && !name.is_empty() && name.chars().count() <= LONGEST_NAME
        };
        // Names are of another kind than what stands under them, or much shorter.
        let stands_out = |(column, name): (usize, &String)| {
            let below = rows.iter().skip(1).take(SAMPLE).filter_map(|row| row.get(column));
            let values: Vec<Cow<'_, str>> =
                below.map(|field| field.value(file)).filter(|value| !value.trim().is_empty()).collect();
            let others = values.iter().filter(|value| Kind::of(value) != Kind::of(name)).count();
            let length: usize = values.iter().map(|value| value.chars().count()).sum();
            others * 2 > values.len() || length > values.len() * name.chars().count() * 3
        };
        let is_named = fields.iter().any(|field| names.iter().any(|name| is_same(name, field)));
        let mut columns = names.iter().enumerate();
        let has_header = is_named || (columns.clone().all(is_name) && columns.any(stands_out));
        Columns { has_header, names }
    }

    /// What stands before the cells of a column: its name, or its number where that is to be translated itself.
    fn label(&self, column: usize) -> String {
        match self.names.get(column) {
            Some(name)
                if self.has_header
                    && !name.is_empty()
                    && name.chars().count() <= LONGEST_NAME
                    && !has_arabic(name) =>
            {
                format!("{name}:")
            }
            _ => format!("{}:", column + 1),
        }
    }

    /// The columns that were chosen, by name or number; none for all.
    fn chosen(&self, id: &str, fields: &[String]) -> Result<Vec<usize>, ReadError> {
        let column = |field: &String| {
            let by_name = self.names.iter().position(|name| self.has_header && is_same(name, field));
            let number = field.trim().parse::<usize>().ok();
            by_name.or(number.and_then(|n| n.checked_sub(1)).filter(|n| *n < self.names.len())).ok_or_else(
                || {
                    let numbers = || (1..=self.names.len()).map(|n| n.to_string()).collect();
                    let known = if self.has_header { self.names.clone() } else { numbers() };
                    ReadError::UnknownField { id: id.into(), name: field.clone(), known }
                },
            )
        };
        fields.iter().map(column).collect()
    }
}

fn is_same(name: &str, field: &str) -> bool {
    name.to_lowercase() == field.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Written;

    fn read_of(id: &str, file: &str, fields: &[&str]) -> Result<Document, ReadError> {
        let fields: Vec<String> = fields.iter().map(|field| field.to_string()).collect();
        super::super::read(id, file.as_bytes(), ReadOptions { encoding: None, fields: &fields })
    }

    fn read(id: &str, file: &str) -> Document {
        read_of(id, file, &[]).unwrap()
    }

    fn cells(document: &Document) -> Vec<&str> {
        document.blocks.iter().map(|block| block.span.of(&document.text)).collect()
    }

    /// What in the file is written anew.
    fn replaced(document: &Document) -> Vec<&str> {
        let part = &document.original.as_ref().unwrap().parts[0];
        let texts = part.edits.iter().filter(|edit| matches!(edit.with, Written::Text(_)));
        texts.map(|edit| edit.at.of(&part.text)).collect()
    }

    fn notation(document: &Document) -> Notation {
        document.original.as_ref().unwrap().parts[0].notation
    }

    #[test]
    fn a_row_is_a_few_lines_behind_the_names_of_their_columns() {
        let document = read(
            "a.csv",
            "id,place,النص\r\n1,حلب,\"قصف، ثم \"\"هدوء\"\".\nنعم.\"\r\n\r\n2,Aleppo,\r\n3,حمص\r\n",
        );
        assert_eq!(
            document.text,
            "3: النص\n\nid: 1\nplace: حلب\n3: قصف، ثم \"هدوء\".\nنعم.\n\nid: 2\nplace: Aleppo\n\nid: 3\nplace: حمص\n\n"
        );
        assert_eq!(cells(&document), ["النص", "حلب", "قصف، ثم \"هدوء\".", "نعم.", "حمص"]);
        assert!(document.blocks.iter().all(|block| block.kind == BlockKind::TableCell));
        assert_eq!(replaced(&document), ["النص", "حلب", "\"قصف، ثم \"\"هدوء\"\".\nنعم.\"", "حمص"]);
    }

    #[test]
    fn what_separates_fields_is_found() {
        for (id, file, delimiter) in [
            ("a.csv", "id,text\n1,نص\n", ','),
            ("a.csv", "id;text\n1;نص, وآخر\n2;نص, وآخر\n", ';'),
            ("a.csv", "id\ttext\n1\t\"نص\"\n", '\t'),
            ("a.csv", "id|text|n\n1|نص|2\n", '|'),
            ("a.csv", "\"a;b\",text\n1,نص;\n", ','),
            ("a.csv", "sep=;\nid,a;text\n1;نص\n", ';'),
            ("a.csv", "text\nنص, وآخر\n", ','),
            ("a.tsv", "id,a,b\ttext\n1,2,3\t\"نص\"\n", '\t'),
        ] {
            assert_eq!(notation(&read(id, file)), Notation::Field { delimiter }, "{file}");
        }
    }

    #[test]
    fn a_stray_quotation_mark_swallows_nothing() {
        for (id, file, expected) in [
            ("a.csv", "id,text\n1,\"نص\" آخر\n2,نعم\n", &["\"نص\" آخر", "نعم"][..]),
            ("a.csv", "id,text\n1,\"نص\n2,نعم\n", &["\"نص", "نعم"]),
            // In a table without quotation two marks in two rows are no quotation.
            ("a.tsv", "1\t\"نص أول\n2\tنص ثان\"\n", &["\"نص أول", "نص ثان\""]),
            ("a.tsv", "1\t\"نص\" و\"آخر\"\n2\t\"ثان\"\n", &["\"نص\" و\"آخر\"", "\"ثان\""]),
            ("a.tsv", "1\t\"نص\nأول\"\n2\t\"ثان\"\n", &["نص", "أول", "ثان"]),
        ] {
            assert_eq!(cells(&read(id, file)), expected, "{file}");
        }
        assert_eq!(notation(&read("a.tsv", "1\tنص\n")), Notation::BareField);
    }

    #[test]
    fn a_header_is_one_only_where_it_looks_so() {
        for (file, text) in [
            ("حلب,عدد\nحمص,كثير\n", "1: حلب\n2: عدد\n\n1: حمص\n2: كثير\n\n"),
            ("One line,نص\nTwo lines,آخر\n", "1: One line\n2: نص\n\n1: Two lines\n2: آخر\n\n"),
            ("city,note\nحلب,نص\n", "city: حلب\nnote: نص\n\n"),
            ("city,\nحلب,نص\n", "1: city\n\n1: حلب\n2: نص\n\n"),
            ("name,name\nحلب,نص\n", "1: name\n2: name\n\n1: حلب\n2: نص\n\n"),
        ] {
            assert_eq!(read("a.csv", file).text, text, "{file}");
        }
    }

    #[test]
    fn columns_are_chosen_by_name_or_number() {
        let file = "id,النص,ملاحظة\n1,قصف,خاص\n";
        for (fields, expected) in [
            (&["النص"][..], &["النص", "قصف"][..]),
            (&["3", " ID "], &["ملاحظة", "خاص"]),
            (&["2", "3"], &["النص", "ملاحظة", "قصف", "خاص"]),
        ] {
            let document = read_of("a.csv", file, fields).unwrap();
            assert_eq!(cells(&document), expected, "{fields:?}");
            assert!(document.text.contains("id: 1\n"), "what holds no Arabic is shown");
        }
        for field in ["نص", "0", "4", "", "text"] {
            let error = read_of("a.csv", file, &["1", field]).unwrap_err();
            assert_eq!(error.to_string(), format!("a.csv: it has no column or key `{field}`"));
            assert!(error.hint().contains("id, النص, ملاحظة"), "{}", error.hint());
        }
        // A name that was given makes the first row a header.
        let document = read_of("a.csv", "حلب,عدد\nحمص,كثير\n", &["عدد"]).unwrap();
        assert_eq!(cells(&document), ["عدد", "كثير"]);
    }

    #[test]
    fn every_field_is_found_whatever_the_file() {
        let alphabet = ["\"", ",", "\n", "\r\n", "ن", "a", ";", "\t"];
        let mut state = 7u64;
        for _ in 0..3000 {
            let mut file = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                file.push_str(alphabet[(state >> 33) as usize % alphabet.len()]);
            }
            for quotes in [true, false] {
                let mut end = 0;
                for field in (Rows { file: &file, at: 0, delimiter: ',', quotes }).flatten() {
                    assert!(field.at.start >= end, "{file:?}");
                    // Between fields there are only separators.
                    assert!(
                        file[end..field.at.start]
                            .chars()
                            .all(|c| matches!(c, ',' | '\n' | '\r' | ' ' | '\t')),
                        "{file:?}"
                    );
                    let _ = field.value(&file);
                    end = field.at.end;
                }
            }
        }
    }
}
