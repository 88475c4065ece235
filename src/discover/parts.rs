//! The parts of a file of text that is too long for one document: nobody reads a page of a hundred thousand sentences, and
//! the memory that a document takes grows with it. Parts joined are the file, byte for byte, but for the first row of a
//! table, which stands at the head of each of its parts.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::container::Step;

/// A file up to this size is one document.
pub(super) const WHOLE: u64 = 8 << 20;
/// Size of a part, about as much as a thick book.
const PART: u64 = 1 << 20;
/// How much longer a part gets where the end of a paragraph is to be found there.
const SLACK: u64 = 256 << 10;
/// The byte-order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";
/// A line is looked at in pieces of this size.
const PIECE: u64 = 64 << 10;

/// What may be cut, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Running text: best between paragraphs.
    Text,
    /// One value a line.
    Lines,
    /// Rows, which may have line breaks in quotation marks.
    Rows,
}

impl Cut {
    /// By the name, lower-case, and the beginning of a file; none for what has to be read whole. UTF-16 has to: the bytes of
    /// a line break are part of other letters there.
    pub(super) fn of(extension: &str, beginning: &[u8]) -> Option<Self> {
        let cut = match extension {
            "txt" | "text" => Cut::Text,
            "jsonl" | "ndjson" => Cut::Lines,
            "csv" | "tsv" | "tab" => Cut::Rows,
            _ => return None,
        };
        let is_text =
            !beginning.contains(&0) && !beginning.starts_with(b"%PDF") && !beginning.starts_with(b"PK");
        is_text.then_some(cut)
    }
}

/// The parts with their sizes; one at most where it cannot be cut.
pub(super) fn list(from: impl Read, cut: Cut, extension: &str) -> io::Result<Vec<(String, Step, u64)>> {
    let (ends, head) = ends(from, cut, PART, SLACK)?;
    let width = ends.len().to_string().len().max(3);
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let parts = starts.zip(&ends).enumerate().map(|(number, (start, end))| {
        let head = if start == 0 { 0 } else { head };
        let bytes = end - start;
        let name = format!("part-{:0width$}.{extension}", number + 1);
        (name, Step::Part { head, start, bytes }, head + bytes)
    });
    Ok(parts.collect())
}

/// The bytes of a part: `head` bytes of the file's beginning, and its own.
pub(super) fn part(from: &mut (impl Read + Seek), head: u64, start: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    from.by_ref().take(head).read_to_end(&mut part)?;
    from.seek(SeekFrom::Start(start))?;
    from.take(bytes).read_to_end(&mut part)?;
    if part.len() as u64 != head + bytes {
        return Err(io::Error::other("the file it is a part of has become shorter since the run began"));
    }
    Ok(part)
}

/// How good a place is to cut at, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Paragraph,
    Sentence,
    Line,
    Word,
    Letter,
}

/// Where parts end, and how many bytes the first row has, if it is to be repeated.
fn ends(from: impl Read, cut: Cut, part: u64, slack: u64) -> io::Result<(Vec<u64>, u64)> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let (mut ends, mut head) = (Vec::new(), 0);
    let (mut at, mut start, mut quotes) = (0, 0, 0);
    let mut best: Option<(Place, u64)> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = from.by_ref().take(PIECE).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        let before = at;
        at += read;
        quotes += line.iter().filter(|&&b| b == b'"').count();
        let place = match cut {
            Cut::Text => place(&line),
            Cut::Lines => line.ends_with(b"\n").then_some((Place::Paragraph, line.len())),
            Cut::Rows => (line.ends_with(b"\n") && quotes % 2 == 0).then_some((Place::Paragraph, line.len())),
        };
        let text = line.strip_prefix(MARK).unwrap_or(&line);
        // Excel's line that says what separates fields is none of the rows.
        if cut == Cut::Rows && head == 0 && place.is_some() && !(before == 0 && text.starts_with(b"sep=")) {
            head = at;
        }
        if at - start < part {
            continue;
        }
        let place = place.map(|(place, length)| (place, before + length as u64));
        best = best.into_iter().chain(place).min();
        if let Some((place, end)) = best
            && (place == Place::Paragraph || at - start >= part + slack)
        {
            ends.push(end);
            (start, best) = (end, None);
        }
    }
    // What is left over is no part of its own.
    if at - start < (part / 4).max(1) {
        ends.pop();
    }
    ends.push(at);
    Ok((ends, head))
}

/// The best place in a line of text or a piece of one: what it is, and after how many bytes.
fn place(line: &[u8]) -> Option<(Place, usize)> {
    let text = line.trim_ascii_end();
    if line.ends_with(b"\n") {
        let place = match text {
            [] => Place::Paragraph,
            _ if text.ends_with("؟".as_bytes()) => Place::Sentence,
            [.., b'.' | b'!' | b'?' | b':'] => Place::Sentence,
            _ => Place::Line,
        };
        return Some((place, line.len()));
    }
    if let Some(space) = line.iter().rposition(|&b| b == b' ') {
        return Some((Place::Word, space + 1));
    }
    // Before the last letter, which may go on.
    let is_first = |b: &u8| !(0x80..0xC0).contains(b);
    let letter = line.iter().rposition(is_first).filter(|at| line.len() - at <= 4).unwrap_or(line.len());
    (letter > 0).then_some((Place::Letter, letter))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn cut(text: &str, cut: Cut, part: u64, slack: u64) -> Vec<String> {
        let (ends, head) = ends(text.as_bytes(), cut, part, slack).unwrap();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut file = Cursor::new(text.as_bytes());
        let mut read = |start: u64, end: u64| {
            file.set_position(0);
            let head = if start == 0 { 0 } else { head };
            String::from_utf8(super::part(&mut file, head, start, end - start).unwrap()).unwrap()
        };
        starts.zip(&ends).map(|(start, end)| read(start, *end)).collect()
    }

    #[test]
    fn text_is_cut_where_it_hurts_least() {
        for (text, part, slack, expected) in [
            ("aa\nbb\n\ncc\ndd\n\nee\n", 4, 9, vec!["aa\nbb\n\n", "cc\ndd\n\n", "ee\n"]),
            // No paragraph ends in reach: after a sentence, after a line.
            ("aaaa\nbb.\ncc\ndd\nee\n", 4, 6, vec!["aaaa\nbb.\n", "cc\ndd\nee\n"]),
            ("سؤال\nما هو؟\ncc\ndddddd\n", 4, 14, vec!["سؤال\nما هو؟\n", "cc\ndddddd\n"]),
            ("aaaa\nbbbb\ncccc\n", 4, 2, vec!["aaaa\n", "bbbb\ncccc\n"]),
            // The rest is too short.
            ("aaaaaaaa\n\nbbbbbbbb\n\nc", 8, 9, vec!["aaaaaaaa\n\n", "bbbbbbbb\n\nc"]),
            ("short", 100, 9, vec!["short"]),
        ] {
            assert_eq!(cut(text, Cut::Text, part, slack), expected, "{text:?}");
        }
    }

    #[test]
    fn text_without_lines_is_cut_between_words_or_letters() {
        for text in ["كلمة أخرى ".repeat(20_000), "كلمة".repeat(40_000)] {
            let parts = cut(&text, Cut::Text, 100_000, 10_000);
            assert!(parts.len() > 1 && parts.concat() == text);
            assert!(!text.contains(' ') || parts.iter().all(|part| part.ends_with(' ')));
        }
    }

    #[test]
    fn rows_stay_whole_and_have_the_first_one_above_them() {
        let table = "id,text\n1,\"a\n\nb\"\n2,c\n3,\"d\"\"\n\"\n";
        assert_eq!(
            cut(table, Cut::Rows, 8, 0),
            ["id,text\n", "id,text\n1,\"a\n\nb\"\n", "id,text\n2,c\n3,\"d\"\"\n\"\n"]
        );
        let told = "sep=;\na;b\n1;2\n3;4\n";
        assert_eq!(cut(told, Cut::Rows, 14, 0), ["sep=;\na;b\n1;2\n", "sep=;\na;b\n3;4\n"]);
        let marked = "\u{feff}sep=;\na;b\n1;2\n3;4\n";
        assert_eq!(cut(marked, Cut::Rows, 16, 0), ["\u{feff}sep=;\na;b\n1;2\n", "\u{feff}sep=;\na;b\n3;4\n"]);
        // A mark that is never closed: no place is sure.
        let open = "id,text\n1,\"a\n2,b\n3,c\n";
        assert_eq!(cut(open, Cut::Rows, 9, 0), [open]);
    }

    #[test]
    fn parts_joined_are_the_text_however_it_is_cut() {
        let text = include_str!("../../examples/reports/news.txt");
        for (part, slack) in
            (1..400).step_by(7).flat_map(|part| [0, 1, 5, 60, 900].map(|slack| (part, slack)))
        {
            for way in [Cut::Text, Cut::Lines] {
                let parts = cut(text, way, part, slack);
                assert_eq!(parts.concat(), text, "{way:?} {part} {slack}");
                assert!(parts.iter().all(|part| !part.is_empty()), "{way:?} {part} {slack}");
            }
        }
    }

    #[test]
    fn a_file_that_has_become_shorter_is_an_error() {
        let mut file = Cursor::new(b"text");
        assert_eq!(super::part(&mut file, 0, 2, 2).unwrap(), b"xt");
        file.set_position(0);
        assert!(super::part(&mut file, 0, 2, 3).unwrap_err().to_string().contains("shorter"));
    }

    #[test]
    fn lines_stay_whole() {
        assert_eq!(cut("{1}\n{22}\n\n{3}\n", Cut::Lines, 4, 0), ["{1}\n", "{22}\n", "\n{3}\n"]);
    }

    #[test]
    fn what_is_not_such_text_is_not_cut() {
        for (extension, beginning, expected) in [
            ("txt", "نص".as_bytes(), Some(Cut::Text)),
            ("csv", b"a,b", Some(Cut::Rows)),
            ("ndjson", b"{}", Some(Cut::Lines)),
            ("txt", b"\xff\xfe\x28\x06\x0a\x00", None),
            ("txt", b"%PDF-1.7", None),
            ("txt", b"PK\x03\x04", None),
            ("html", b"<html>", None),
        ] {
            assert_eq!(Cut::of(extension, beginning), expected, "{extension} {beginning:?}");
        }
    }
}
