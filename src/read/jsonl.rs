//! JSON lines (`.jsonl`, `.ndjson`): every string with Arabic letters becomes a block, or those under the keys that a
//! person chose.
//!
//! The order of keys, numbers and spacing are to come back as they were, so that strings are found in the text itself; that a
//! line is JSON is for serde_json to say.

use std::collections::BTreeSet;

use serde::de::IgnoredAny;

use super::lines::Lines;
use super::{Contents, Format, ReadError, ReadOptions, encoding, is_blank};
use crate::document::{BlockKind, Document, Notation, Part, Span};
use crate::lang::has_arabic;

/// One JSON value a line.
pub struct JsonLines;

/// It stands before every value; what keys are longer than this, or deeper, are not told apart.
const LONGEST_PATH: usize = 80;
/// Lines that a note tells by their numbers.
const TOLD: usize = 5;

impl Format for JsonLines {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson"]
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        let (file, encoding) = encoding::decode(id, bytes, options.encoding)?;
        if file.chars().all(is_blank) {
            return Err(ReadError::Blank { id: id.into() });
        }
        let mut lines = Lines::of(&encoding, false);
        let mut fields = Fields::of(options.fields);
        let (mut bad, mut good, mut start) = (Vec::new(), 0, 0);
        for (number, line) in file.split_inclusive('\n').enumerate() {
            let value = line.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{feff}');
            let at = start + (line.find(value).unwrap_or_default());
            start += line.len();
            if value.is_empty() {
                continue;
            }
            match leaves(value) {
                Some(leaves) => {
                    good += 1;
                    for leaf in leaves {
                        fields.push(&leaf, at, &mut lines);
                    }
                    lines.part();
                }
                None => bad.push(number + 1),
            }
        }
        if good == 0 {
            return Err(ReadError::NotJson { id: id.into() });
        }
        fields.are_known(id)?;
        let (text, blocks, edits) = lines.finish();
        let part = Part::whole(file, Notation::Json, edits);
        Contents {
            encoding,
            text,
            blocks,
            notes: note(&bad).into_iter().collect(),
            parts: vec![part],
            marks: Vec::new(),
        }
        .document(self, id, bytes)
    }
}

/// What is said of lines that are not JSON.
fn note(bad: &[usize]) -> Option<String> {
    let told: Vec<String> = bad.iter().take(TOLD).map(usize::to_string).collect();
    let told = told.join(", ");
    match bad.len() {
        0 => None,
        1 => Some(format!("line {told} is not JSON and was left as it is")),
        n if n <= TOLD => Some(format!("lines {told} are not JSON and were left as they are")),
        n => Some(format!("lines {told} and {} others are not JSON and were left as they are", n - TOLD)),
    }
}

/// A value that is neither an object nor an array.
struct Leaf<'l> {
    /// The keys on the way to it, with dots between.
    path: String,
    written: &'l str,
    /// What it says, if it is a string.
    text: Option<String>,
    /// Where it stands in its line.
    at: usize,
    in_array: bool,
}

/// The chosen keys, and which have been met.
struct Fields<'o> {
    chosen: Vec<(&'o str, bool)>,
    met: BTreeSet<String>,
}

impl<'o> Fields<'o> {
    fn of(fields: &'o [String]) -> Self {
        let chosen = fields.iter().map(|field| (field.trim(), false)).collect();
        Fields { chosen, met: BTreeSet::new() }
    }

    fn push(&mut self, leaf: &Leaf<'_>, line: usize, lines: &mut Lines) {
        let Leaf { path, written, text, at, in_array } = leaf;
        let mut is_chosen = self.chosen.is_empty();
        for (field, is_met) in &mut self.chosen {
            let below = path.strip_prefix(*field);
            if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
                (is_chosen, *is_met) = (true, true);
            }
        }
        if !self.chosen.is_empty() && !self.met.contains(path) {
            self.met.insert(path.clone());
        }
        let name = format!("{path}:");
        match text {
            Some(text) if has_arabic(text) => {
                if is_chosen {
                    let at = Span::new(line + at + 1, line + at + written.len() - 1);
                    lines.value(BlockKind::TableCell, &name, text, 0, at);
                }
            }
            Some(text) if text.chars().all(is_blank) => {}
            Some(text) => lines.keep(&name, text),
            // Long lists of numbers say nothing to a reader.
            None if *in_array || *written == "null" => {}
            None => lines.keep(&name, written),
        }
    }

    fn are_known(self, id: &str) -> Result<(), ReadError> {
        match self.chosen.iter().find(|(_, is_met)| !is_met) {
            None => Ok(()),
            Some((name, _)) => {
                let known = self.met.into_iter().collect();
                Err(ReadError::UnknownField { id: id.into(), name: (*name).into(), known })
            }
        }
    }
}

/// The leaves of a JSON value in their order; none if it is not JSON.
fn leaves(line: &str) -> Option<Vec<Leaf<'_>>> {
    // It also bounds how deep values are nested.
    serde_json::from_str::<IgnoredAny>(line).ok()?;
    let mut leaves = Vec::new();
    // The arrays and objects that are open: how long the path before was, and whether it is an array.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut path = String::new();
    let mut at = 0;
    while let Some(c) = line[at..].chars().next() {
        match c {
            '{' | '[' => {
                open.push((path.len(), c == '['));
                at += 1;
            }
            '}' | ']' => {
                path.truncate(open.pop()?.0);
                at += 1;
            }
            ',' | ':' | ' ' | '\t' | '\r' | '\n' => at += 1,
            _ => {
                let length = if c == '"' { string(&line[at..])? } else { word(&line[at..]) };
                let written = &line[at..at + length];
                // Half of a surrogate pair is no text.
                let text: Option<String> =
                    if c == '"' { Some(serde_json::from_str(written).ok()?) } else { None };
                at += length;
                let is_key = line[at..].trim_ascii_start().starts_with(':');
                match (text, open.last()) {
                    (Some(key), Some((before, _))) if is_key => {
                        path.truncate(*before);
                        if !path.is_empty() {
                            path.push('.');
                        }
                        path.push_str(&key);
                        path.truncate(path.floor_char_boundary(LONGEST_PATH));
                    }
                    (text, _) => {
                        let in_array = open.iter().any(|(_, is_array)| *is_array);
                        leaves.push(Leaf { path: path.clone(), written, text, at: at - length, in_array });
                    }
                }
            }
        }
    }
    Some(leaves)
}

/// Length of the string that `rest` begins with, quotation marks included.
fn string(rest: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Length of the number or word that `rest` begins with.
fn word(rest: &str) -> usize {
    rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Written;

    fn read_of(file: &str, fields: &[&str]) -> Result<Document, ReadError> {
        let fields: Vec<String> = fields.iter().map(|field| field.to_string()).collect();
        super::super::read("a.jsonl", file.as_bytes(), ReadOptions { encoding: None, fields: &fields })
    }

    fn texts(document: &Document) -> Vec<&str> {
        document.blocks.iter().map(|block| block.span.of(&document.text)).collect()
    }

    #[test]
    fn strings_with_arabic_are_found_under_their_keys() {
        let file = "{\"id\": 7, \"text\":\"\\u0646\\u0635 \\\"\\u0623\\\" \\ud83d\\ude00\", \"a\" : {\"b\": [ {\"c\":\"نص\"}, \"آخر\" ]}, \"en\":\"x y\", \"n\":[1,2], \"no\":null}\r\n\n\"سطر\\nثان\"\n";
        let document = read_of(file, &[]).unwrap();
        assert_eq!(document.text, "id: 7\ntext: نص \"أ\" 😀\na.b.c: نص\na.b: آخر\nen: x y\n\n: سطر\nثان\n\n");
        assert_eq!(texts(&document), ["نص \"أ\" 😀", "نص", "آخر", "سطر", "ثان"]);
        let part = &document.original.as_ref().unwrap().parts[0];
        let replaced: Vec<&str> = part.edits.iter().map(|edit| edit.at.of(&part.text)).collect();
        assert_eq!(replaced, ["\\u0646\\u0635 \\\"\\u0623\\\" \\ud83d\\ude00", "نص", "آخر", "سطر\\nثان"]);
        assert!(part.edits.iter().all(|edit| matches!(edit.with, Written::Text(_))));
    }

    #[test]
    fn keys_are_chosen_by_their_paths() {
        let file = "{\"a\":{\"b\":\"نص\",\"c\":\"آخر\"},\"ab\":\"ثالث\",\"l\":[{\"t\":\"رابع\"}]}\n";
        for (fields, expected) in
            [(&["a"][..], &["نص", "آخر"][..]), (&["a.b", "ab"], &["نص", "ثالث"]), (&["l.t"], &["رابع"])]
        {
            assert_eq!(texts(&read_of(file, fields).unwrap()), expected, "{fields:?}");
        }
        let error = read_of(file, &["a", "b"]).unwrap_err();
        assert_eq!(error.to_string(), "a.jsonl: it has no column or key `b`");
        assert!(error.hint().starts_with("it has a.b, a.c, ab, l.t;"), "{}", error.hint());
    }

    #[test]
    fn lines_that_are_not_json_are_told_and_left() {
        let document = read_of("{\"a\":\"نص\"}\nنص {\n{\"a\":\"\\ud83d نص\"}\n{\"a\":\"نص\"}", &[]).unwrap();
        assert_eq!(texts(&document), ["نص", "نص"]);
        assert_eq!(document.notes, ["lines 2, 3 are not JSON and were left as they are"]);
        let many = format!("{{\"a\":\"نص\"}}\n{}", "x\n".repeat(9));
        let told = "lines 2, 3, 4, 5, 6 and 4 others are not JSON and were left as they are";
        assert_eq!(read_of(&many, &[]).unwrap().notes, [told]);
        let error = read_of("نص\n", &[]).unwrap_err();
        assert_eq!(error.to_string(), "a.jsonl: no line of it is JSON");
        assert!(!error.hint().is_empty());
        // Deeper than anybody nests values.
        let deep = format!("{{\"a\":\"نص\"}}\n{}", "[".repeat(1 << 20));
        assert_eq!(read_of(&deep, &[]).unwrap().notes, ["line 2 is not JSON and was left as it is"]);
    }

    #[test]
    fn a_long_key_does_not_multiply() {
        let key = "ك".repeat(1000);
        let document = read_of(&format!("{{\"{key}\":{{\"{key}\":\"نص\"}}}}"), &[]).unwrap();
        assert!(document.text.len() < 2 * LONGEST_PATH, "{}", document.text.len());
    }
}
