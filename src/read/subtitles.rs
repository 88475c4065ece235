//! Subtitles (SubRip `.srt`, WebVTT `.vtt`): what is said in each cue becomes a block, or one for each speaker where they are
//! told apart by dashes. Numbers, times, settings, notes and styles pass through untouched.
//!
//! A sentence that runs over several cues is one block, so that it is translated as one; the English is shared among its cues
//! later. Where it ends can be seen only in files that have full stops: in others every cue is a block.
//!
//! Nobody holds to a standard of SubRip, so it is read from its lines with times: what stands between one and the next
//! is the text of the first, but for the number of the second.

use std::borrow::Cow;

use super::lines::Lines;
use super::txt::PlainText;
use super::{Contents, Format, ReadError, ReadOptions, encoding};
use crate::document::{BlockKind, Document, Notation, Part, Span};
use crate::lang::is_bidi_control;

/// SubRip.
pub struct Srt;

/// WebVTT.
pub struct Vtt;

/// Of a file so many bytes are looked at to see that it is one of subtitles.
const BEGINNING: usize = 256;

impl Format for Srt {
    fn name(&self) -> &'static str {
        "srt"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["srt"]
    }

    /// By its name, or by a number and a line of times at its beginning.
    fn accepts(&self, id: &str, bytes: &[u8]) -> bool {
        let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(BEGINNING)]);
        let mut lines = beginning.trim_start_matches('\u{feff}').lines().skip_while(|l| l.trim().is_empty());
        let looks_so =
            lines.next().is_some_and(is_number) && lines.next().is_some_and(|line| times(line).is_some());
        looks_so || (self.is_named(id) && !is_vtt(bytes))
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        subtitles(self, Notation::Subtitle, id, bytes, options)
    }
}

impl Format for Vtt {
    fn name(&self) -> &'static str {
        "vtt"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["vtt"]
    }

    /// By its name, or by its first line.
    fn accepts(&self, id: &str, bytes: &[u8]) -> bool {
        is_vtt(bytes) || self.is_named(id)
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        subtitles(self, Notation::MarkedSubtitle, id, bytes, options)
    }
}

/// Longer ones are text with a sign in it.
const LONGEST_TAG: usize = 256;
/// So many stand around a text at most.
const MOST_TAGS: usize = 8;

fn is_vtt(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let behind = bytes.strip_prefix(b"WEBVTT").map(|rest| rest.first().copied());
    matches!(behind, Some(None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

fn subtitles(
    format: &dyn Format,
    notation: Notation,
    id: &str,
    bytes: &[u8],
    options: ReadOptions<'_>,
) -> Result<Document, ReadError> {
    let (file, encoding) = encoding::decode(id, bytes, options.encoding)?;
    let cues = cues(&file, notation);
    if cues.is_empty() {
        // It is called so, and is none.
        return PlainText.document(id, bytes, options);
    }
    let pieces: Vec<Piece<'_>> = cues.iter().flat_map(|cue| cue.pieces(&file, notation)).collect();
    let goes_on = continued(&pieces);
    let mut lines = Lines::of(&encoding, true);
    for (Piece { name, said, at, .. }, goes_on) in pieces.iter().zip(goes_on) {
        match goes_on {
            true => lines.more(said, *at),
            false => lines.value(BlockKind::Cue, name, said, dash(said), *at),
        }
    }
    let (text, blocks, edits) = lines.finish();
    let part = Part::whole(file, notation, edits);
    Contents { encoding, text, blocks, notes: Vec::new(), parts: vec![part], marks: Vec::new() }
        .document(format, id, bytes)
}

/// A stretch of time with text.
struct Cue<'f> {
    times: Times<'f>,
    /// Its lines of text, from the first to the last that show something.
    lines: Vec<Span>,
}

/// A line of times.
#[derive(Clone, Copy)]
struct Times<'f> {
    /// The first, without parts of a second.
    shown: &'f str,
    /// In seconds.
    from: f64,
    to: f64,
}

/// What one person says in a cue.
struct Piece<'f> {
    /// The cue's time, and who speaks where the file tells; for the first piece of a cue.
    name: String,
    times: Times<'f>,
    speaker: &'f str,
    said: String,
    at: Span,
    /// Whether it is all that is said in its cue.
    is_alone: bool,
}

impl<'f> Cue<'f> {
    fn pieces(&self, file: &'f str, notation: Notation) -> Vec<Piece<'f>> {
        let turns = turns(file, &self.lines);
        let is_alone = turns.len() == 1;
        let piece = |(number, turn): (usize, Span)| {
            let at = inside(file, turn);
            let speaker = speaker(&file[turn.start..at.start]);
            let name = match (number, speaker) {
                (0, "") => self.times.shown.to_owned(),
                (0, speaker) => format!("{} {speaker}:", self.times.shown),
                _ => String::new(),
            };
            Piece { name, times: self.times, speaker, said: said(at.of(file), notation), at, is_alone }
        };
        turns.into_iter().enumerate().map(piece).collect()
    }
}

/// Of 100 cues so many must end a sentence, or the file has no full stops.
const PUNCTUATED: usize = 25;
/// A sentence does not run over more cues, or over a longer pause, in seconds.
const MOST_CUES: usize = 6;
const LONGEST_PAUSE: f64 = 2.0;

/// For each piece, whether it goes on with the sentence of the one before.
fn continued(pieces: &[Piece<'_>]) -> Vec<bool> {
    let mut continued = vec![false; pieces.len()];
    let ended = pieces.iter().filter(|piece| ends_sentence(&piece.said)).count();
    if ended * 100 < pieces.len() * PUNCTUATED {
        return continued;
    }
    let mut run = 1;
    for (at, pair) in pieces.windows(2).enumerate() {
        let [before, piece] = pair else { continue };
        let pause = piece.times.from - before.times.to;
        let is_plain = |piece: &Piece<'_>| {
            piece.is_alone && dash(&piece.said) == 0 && piece.said.chars().any(char::is_alphanumeric)
        };
        let is_one = !ends_sentence(&before.said)
            && is_plain(before)
            && is_plain(piece)
            && before.speaker == piece.speaker
            && pause <= LONGEST_PAUSE
            && run < MOST_CUES;
        continued[at + 1] = is_one;
        run = if is_one { run + 1 } else { 1 };
    }
    continued
}

fn ends_sentence(said: &str) -> bool {
    let said = said.trim_end_matches(['"', '”', '»', '’', '\'', ')', ']', ' ']);
    said.ends_with(['.', '!', '?', '؟', '…', '۔', ':', '♪'])
}

/// `Name` of `<v Name>`, or of `<v.loud Name>`.
fn speaker(tags: &str) -> &str {
    let behind = tags.split_once("<v").map_or("", |(_, behind)| behind);
    let named = behind.split_once('>').map_or("", |(tag, _)| tag);
    named.split_once(' ').map_or("", |(_, name)| name.trim())
}

fn cues(file: &str, notation: Notation) -> Vec<Cue<'_>> {
    let mut spans = Vec::new();
    let mut start = 0;
    for line in file.split_inclusive('\n') {
        spans.push(Span::new(start, start + line.trim_end_matches(['\n', '\r']).len()));
        start += line.len();
    }
    let timed: Vec<(usize, Times<'_>)> =
        spans.iter().enumerate().filter_map(|(number, span)| Some((number, times(span.of(file))?))).collect();
    let is_blank = |span: &Span| span.of(file).trim().is_empty();
    let mut cues = Vec::with_capacity(timed.len());
    for (place, &(number, times)) in timed.iter().enumerate() {
        let mut end = match timed.get(place + 1) {
            Some(&(next, _)) if next - number > 1 && is_number(spans[next - 1].of(file)) => next - 1,
            Some(&(next, _)) => next,
            None => spans.len(),
        };
        let mut first = number + 1;
        // In WebVTT a blank line ends the text; SubRip files have some in the middle of it.
        if notation == Notation::MarkedSubtitle {
            end = (first..end).find(|&at| is_blank(&spans[at])).unwrap_or(end);
        }
        while first < end && is_blank(&spans[first]) {
            first += 1;
        }
        while first < end && is_blank(&spans[end - 1]) {
            end -= 1;
        }
        cues.push(Cue { times, lines: spans[first..end].to_vec() });
    }
    cues
}

/// `00:01:12,345 --> 00:01:15,000`, with settings behind it or not.
fn times(line: &str) -> Option<Times<'_>> {
    let (from, to) = line.split_once("-->")?;
    let (shown, from) = time(from.trim_matches(|c: char| c.is_whitespace() || is_bidi_control(c)))?;
    let (_, to) = time(to.split_whitespace().next()?)?;
    Some(Times { shown, from, to })
}

/// `00:01:12` of `00:01:12,345`, and all of it in seconds.
fn time(stamp: &str) -> Option<(&str, f64)> {
    let (whole, part) = stamp.split_once([',', '.']).unwrap_or((stamp, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !matches!(whole.split(':').count(), 2 | 3) || !whole.split(':').all(is_digits) || !is_digits(part) {
        return None;
    }
    let number = |text: &str| text.parse::<f64>().unwrap_or(0.0);
    let seconds = whole.split(':').fold(0.0, |sum, unit| sum * 60.0 + number(unit));
    Some((whole, seconds + number(&format!("0.{part}"))))
}

fn is_number(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
}

/// What one person says each: two lines with dashes are two; else it is all one.
fn turns(file: &str, lines: &[Span]) -> Vec<Span> {
    let is_turn = |span: &Span| dash(&said(span.of(file), Notation::Subtitle)) > 0;
    let are_marked = lines.iter().filter(|span| is_turn(span)).count() > 1;
    let mut turns: Vec<Span> = Vec::new();
    for span in lines {
        match turns.last_mut() {
            Some(turn) if !(are_marked && is_turn(span)) => turn.end = span.end,
            _ => turns.push(*span),
        }
    }
    turns
}

/// Length of the dash at the beginning of what somebody says, and the space behind it.
fn dash(said: &str) -> usize {
    let behind = said.trim_start_matches(['-', '–', '—', '‐']);
    let is_dash = behind.len() < said.len() && behind.chars().any(char::is_alphanumeric);
    if is_dash { said.len() - behind.trim_start().len() } else { 0 }
}

/// `turn` without the markup around the whole of it, which stays; what stands within goes with the words it marks.
fn inside(file: &str, turn: Span) -> Span {
    let Span { mut start, mut end } = turn;
    for _ in 0..MOST_TAGS {
        let rest = &file[start..end];
        let Some(length) = tag(rest) else { break };
        let name = tag_name(&rest[..length]);
        let close = rest.rfind('<').filter(|&at| at >= length && tag(&rest[at..]) == Some(rest.len() - at));
        match close {
            Some(at) if rest[at..].starts_with("</") && tag_name(&rest[at..]) == name => end = start + at,
            // These need no end: `{\an8}`, a speaker's name, a time.
            _ if rest.starts_with('{') || name == "v" || name.is_empty() => {}
            _ => break,
        }
        start += length;
    }
    Span::new(start, end)
}

/// Length of the tag that `text` begins with: `<i>`, `</font>`, `<v Name>`, `<00:01.000>`, `{\an8}`.
fn tag(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let (close, is_tag) = match (chars.next()?, chars.next()?) {
        ('{', '\\') => (b'}', true),
        ('<', '/') => (b'>', chars.next().is_some_and(|c| c.is_ascii_alphabetic())),
        ('<', c) => (b'>', c.is_ascii_alphanumeric()),
        _ => return None,
    };
    let length = text.bytes().take(LONGEST_TAG).position(|b| b == close)? + 1;
    (is_tag && !text[1..length].contains('<')).then_some(length)
}

/// `c` of `<c.yellow>` and of `</c>`; nothing of times and `{…}`.
fn tag_name(tag: &str) -> &str {
    let name = tag.trim_start_matches(['<', '/']);
    name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// What is to be read in a stretch of a cue: on one line, without markup and without what turns lines to the right.
fn said(text: &str, notation: Notation) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match tag(rest) {
            Some(length) => length,
            None => {
                if !is_bidi_control(c) {
                    plain.push(c);
                }
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    let plain = if notation == Notation::MarkedSubtitle { characters(&plain) } else { plain.into() };
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text with WebVTT's character references read.
fn characters(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let references = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        // The last, so that what it gives is not read again.
        ("&amp;", "&"),
    ];
    let replaced = |text: String, (written, meant): (&str, &str)| text.replace(written, meant);
    references.into_iter().fold(text.to_owned(), replaced).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Edit, EncodingSource, Written};

    fn read(id: &str, file: &str) -> Document {
        super::super::read(id, file.as_bytes(), ReadOptions::default()).unwrap()
    }

    fn spoken(document: &Document) -> Vec<&str> {
        document.blocks.iter().map(|block| block.span.of(&document.text)).collect()
    }

    /// What in the file is written anew, and the text that it is written from.
    fn edits(document: &Document) -> Vec<(&str, &str)> {
        let part = &document.original.as_ref().unwrap().parts[0];
        let pair = |edit: &'_ Edit| match edit.with {
            Written::Text(span) => (edit.at, Some(span)),
            _ => (edit.at, None),
        };
        let pairs = part.edits.iter().map(pair);
        pairs.filter_map(|(at, span)| Some((at.of(&part.text), span?.of(&document.text)))).collect()
    }

    /// One cue with `lines` in it.
    fn cue(lines: &str) -> Document {
        read("a.srt", &format!("1\n00:00:01,000 --> 00:00:02,000\n{lines}\n"))
    }

    #[test]
    fn each_cue_stands_on_a_line_behind_its_time() {
        let document = read(
            "a.srt",
            "1\r\n00:00:01,000 --> 00:00:02,500 X1:40 X2:600\r\nمرحبا\r\nبكم.\r\n\r\n2\r\n0:01:03.5 --> 00:01:09,000\r\n- من هناك؟\r\n- أنا\r\nأحمد.\r\n3\r\n00:02:00,000-->00:02:01,000\r\n2024\r\n\r\n4\r\n00:02:02,000 --> 00:02:03,000\r\n\r\n5\r\n00:02:04,000 --> 00:02:05,000\r\nنعم.\r\n\r\nسطر بعد فراغ.\r\n",
        );
        assert_eq!(
            document.text,
            "00:00:01 مرحبا بكم.\n0:01:03 - من هناك؟\n- أنا أحمد.\n00:02:00 2024\n00:02:04 نعم. سطر بعد فراغ.\n"
        );
        assert_eq!(spoken(&document), ["مرحبا بكم.", "من هناك؟", "أنا أحمد.", "2024", "نعم. سطر بعد فراغ."]);
        assert!(document.blocks.iter().all(|block| block.kind == BlockKind::Cue));
        assert_eq!(edits(&document)[2], ("- أنا\r\nأحمد.", "- أنا أحمد."));
    }

    #[test]
    fn markup_around_a_cue_stays_and_goes_within_it() {
        for (written, replaced, said) in [
            ("<i>نص</i>", "نص", "نص"),
            ("{\\an8}<font color=\"#ff0000\"><b>نص</b></font>", "نص", "نص"),
            ("<i>أول</i>\n<i>ثان</i>", "أول</i>\n<i>ثان", "أول ثان"),
            ("<i>أول</i> ثان", "<i>أول</i> ثان", "أول ثان"),
            (
                "\u{202B}سطر أول\u{202C}\n\u{200F}سطر ثان",
                "\u{202B}سطر أول\u{202C}\n\u{200F}سطر ثان",
                "سطر أول سطر ثان",
            ),
            ("أقل من <3 و 2 < 3", "أقل من <3 و 2 < 3", "أقل من <3 و 2 < 3"),
            ("<i>- نص</i>", "- نص", "- نص"),
            ("رأى &amp; سمع", "رأى &amp; سمع", "رأى &amp; سمع"),
        ] {
            assert_eq!(edits(&cue(written)), [(replaced, said)], "{written}");
        }
    }

    #[test]
    fn web_subtitles_have_notes_styles_voices_and_references() {
        let file = "WEBVTT - تقرير\n\nNOTE\nملاحظة\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nمعرف\n00:01.000 --> 00:02.000 line:0 align:start\n<v.loud أحمد><c.yellow>رأى &amp; سمع</c>\n\nليس نصا\n\n01:00:03.000 --> 01:00:04.000\n<00:00:03.000><c>كلمة</c><00:00:03.500><c> أخرى</c>\n";
        let document = read("a.vtt", file);
        assert_eq!(document.format, "vtt");
        assert_eq!(document.text, "00:01 أحمد: رأى & سمع\n01:00:03 كلمة أخرى\n");
        assert_eq!(
            edits(&document),
            [("رأى &amp; سمع", "رأى & سمع"), ("كلمة</c><00:00:03.500><c> أخرى", "كلمة أخرى")]
        );
        assert_eq!(spoken(&document), ["رأى & سمع", "كلمة أخرى"]);
    }

    #[test]
    fn a_sentence_over_several_cues_is_one_block_where_the_file_has_full_stops() {
        let file = |cues: &[(u32, &str)]| -> String {
            let cue = |(number, (at, text)): (usize, &(u32, &str))| {
                format!("{number}\n00:00:{at:02},000 --> 00:00:{:02},900\n{text}\n\n", at + 1)
            };
            cues.iter().enumerate().map(cue).collect()
        };
        for (cues, expected) in [
            (
                &[(1, "قال الوزير"), (3, "إن الطريق"), (5, "مغلق."), (7, "نعم.")][..],
                &["قال الوزير إن الطريق مغلق.", "نعم."][..],
            ),
            // Nobody can tell where these end.
            (&[(1, "قال الوزير"), (3, "إن الطريق"), (5, "مغلق")], &["قال الوزير", "إن الطريق", "مغلق"]),
            // After a long pause, or from another mouth, it is another sentence.
            (&[(1, "قال الوزير"), (9, "نعم."), (11, "لا.")], &["قال الوزير", "نعم.", "لا."]),
            (&[(1, "قال الوزير"), (3, "- نعم."), (5, "لا.")], &["قال الوزير", "نعم.", "لا."]),
            (&[(1, "قال..."), (3, "نعم؟"), (5, "لا!")], &["قال...", "نعم؟", "لا!"]),
        ] {
            let document = read("a.srt", &file(cues));
            assert_eq!(spoken(&document), expected);
            assert_eq!(edits(&document).len(), cues.len(), "each cue has its share");
        }
        let voices = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v أ>قال\n\n00:02.000 --> 00:03.000\n<v ب>نعم.\n\n00:03.000 --> 00:04.000\n<v ب>لا.\n";
        assert_eq!(spoken(&read("a.vtt", voices)), ["قال", "نعم.", "لا."]);
    }

    #[test]
    fn subtitles_are_known_by_what_is_in_them() {
        let srt = "\u{feff}\n1\n00:00:01,000 --> 00:00:02,000\nنص\n";
        let vtt = "\u{feff}WEBVTT\n\n00:01.000 --> 00:02.000\nنص\n";
        for (id, file, format) in [
            ("a.txt", srt, "srt"),
            ("stdin", vtt, "vtt"),
            ("a.srt", vtt, "vtt"),
            ("a.vtt", srt, "srt"),
            ("a.txt", "WEBVTTنص", "txt"),
            ("a.txt", "1\nنص --> نص\n", "txt"),
            // Nothing of what is only called so is lost.
            ("a.srt", "نص بلا أوقات", "txt"),
        ] {
            let document = read(id, file);
            assert_eq!(document.format, format, "{id} {file:?}");
            assert!(document.text.contains("نص"), "{id}");
        }
    }

    #[test]
    fn an_old_encoding_is_detected_and_its_english_gets_a_mark() {
        let text = "1\r\n00:00:01,000 --> 00:00:02,000\r\nقال الوزير إن الطريق مغلق منذ أسبوع\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nبسبب السيول التي ضربت المدينة\r\n";
        let (bytes, _, _) = encoding_rs::WINDOWS_1256.encode(text);
        let document = super::super::read("a.srt", &bytes, ReadOptions::default()).unwrap();
        assert_eq!(
            (document.encoding.name.as_str(), document.encoding.source),
            ("windows-1256", EncodingSource::Detected)
        );
        assert_eq!(spoken(&document)[1], "بسبب السيول التي ضربت المدينة");
        let mark = |document: &Document| {
            matches!(document.original.as_ref().unwrap().parts[0].edits[0].with, Written::Always(_))
        };
        assert!(
            mark(&document)
                && mark(&read("a.srt", &format!("\u{feff}{text}")))
                && !mark(&read("a.srt", text))
        );
        let given = ReadOptions { encoding: Some("windows-1256"), ..ReadOptions::default() };
        assert_eq!(super::super::read("a.srt", &bytes, given).unwrap().text, document.text);
    }
}
