//! `NAME.en.EXT`: the file itself with its text in English. All else in it, from scripts to styles, stays as it was.
//!
//! A sentence goes into that piece of the file which had most of it. Words that were set apart (bold, a link) keep their
//! piece where they can be found in the English; what other pieces had becomes empty. Subtitles share a sentence, since none
//! may be empty. One that stands in several places as a whole (a heading, and its entry in a table of contents) goes into
//! each.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;

use zip::{ZipArchive, ZipWriter};

use super::english::EnglishText;
use super::escape::markdown_piece;
use super::marks::{self, Stretch};
use super::subtitle::{lines, shared};
use super::{DocumentWriter, WriteError, layout, links, words};
use crate::document::{Document, Mark, Notation, Part, Span, Written};
use crate::lang::{self, is_bidi_control};
use crate::sheet;
use crate::unit::{State, TranslatedDocument, TranslationUnit};
use crate::xml;

pub(super) struct Translated;

impl DocumentWriter for Translated {
    fn name(&self) -> &'static str {
        "original"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        let Document { id, format, original, .. } = &doc.document;
        let name = id.rsplit('/').next().unwrap_or(id);
        // What is known by its content only must not take the place of the English text.
        let is_text = |extension: &str| extension.eq_ignore_ascii_case("txt") && original.is_some();
        let own = name.rsplit_once('.').map(|(_, extension)| extension).filter(|own| !is_text(own));
        links::output(doc, &format!("en.{}", own.unwrap_or(format)))
    }

    /// What a PDF file looks like is not text, and a mail says who wrote it.
    fn is_for(&self, doc: &TranslatedDocument) -> bool {
        !matches!(doc.document.format.as_str(), "pdf" | "eml")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let Some(original) = &doc.document.original else { return EnglishText.render(doc) };
        let (parts, marks) = (original.parts.as_slice(), original.marks.as_slice());
        if parts.iter().all(|part| part.entry.is_empty()) {
            return Ok(parts.iter().map(|own| part(doc, own, marks)).collect::<String>().into_bytes());
        }
        archive(doc, &original.bytes, parts, marks)
            .map_err(|e| WriteError::Render { what: "original", message: e.to_string() })
    }
}

/// The archive with some of its entries in English; the others are copied as they are packed.
fn archive(
    doc: &TranslatedDocument,
    bytes: &[u8],
    parts: &[Part],
    marks: &[Mark],
) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut from = ZipArchive::new(Cursor::new(bytes))?;
    let mut to = ZipWriter::new(Cursor::new(Vec::with_capacity(bytes.len())));
    for index in 0..from.len() {
        // What the archive lists and does not hold; the document's notes say so.
        let Ok(entry) = from.by_index_raw(index) else { continue };
        let name = entry.name()?.into_owned();
        let Some(own) = parts.iter().find(|part| part.entry == name) else {
            to.raw_copy_file(entry)?;
            continue;
        };
        to.start_file(name, entry.options())?;
        to.write_all(part(doc, own, marks).as_bytes())?;
    }
    Ok(to.finish()?.into_inner())
}

/// The part's text with its edits made.
fn part(doc: &TranslatedDocument, part: &Part, marks: &[Mark]) -> String {
    let shares = shares(doc, part, marks);
    let texts: Vec<(Span, Option<String>)> = part
        .edits
        .iter()
        .enumerate()
        .filter_map(|(place, edit)| match edit.with {
            Written::Text(span) => Some((span, english(doc, span, |unit| shares.get(&(unit, place))))),
            _ => None,
        })
        .collect();
    let has_crlf = part.text.contains("\r\n");
    let mut out = String::with_capacity(part.text.len());
    let (mut end, mut text) = (0, texts.iter());
    // Where the signs begin that open what comes, and the end of a sign behind which there is a space that moved.
    let (mut opened, mut moved) = (None, None);
    for edit in &part.edits {
        let own = matches!(edit.with, Written::Text(_)).then(|| text.next()).flatten();
        // Edits of one place (a value that is both) are made once.
        if edit.at.start < end {
            continue;
        }
        let between = layout::slice(&part.text, end, edit.at.start);
        drop_moved(&mut out, moved, between);
        out.push_str(between);
        opened = opened.filter(|_| between.is_empty());
        let (before, after) = (edit.at.of(&part.text), &part.text[edit.at.end..]);
        match (&edit.with, own) {
            (Written::Text(_), Some((_, Some(text)))) => {
                let text = written(text, part.notation, before, has_crlf);
                drop_moved(&mut out, moved, &text);
                match part.notation {
                    Notation::Markup => push_markup(&mut out, &text),
                    Notation::Markdown => push_markdown(&mut out, &text, before, after, opened.take()),
                    _ => out.push_str(&text),
                }
            }
            (Written::Text(span), _) => out.push_str(&untranslated(doc, *span, before)),
            (Written::Always(text), _) => out.push_str(text),
            (Written::Sign { of, closes, filled, empty }, _) => match has_english(&texts, *of) {
                None => out.push_str(before),
                Some(false) => {
                    if !closes && !empty.is_empty() && out.ends_with(|c: char| !c.is_whitespace()) {
                        out.push(' ');
                    }
                    out.push_str(empty);
                }
                Some(true) if *closes => moved = push_behind(&mut out, filled.as_deref().unwrap_or(before)),
                Some(true) => {
                    opened = opened.or(Some(out.len()));
                    out.push_str(filled.as_deref().unwrap_or(before));
                }
            },
        }
        if matches!(edit.with, Written::Text(_)) {
            opened = None;
        }
        end = edit.at.end;
    }
    out.push_str(layout::slice(&part.text, end, part.text.len()));
    out
}

/// A sign that closes something, but for code: it closes nothing behind a space, which goes behind it. Where it does, the end.
fn push_behind(out: &mut String, sign: &str) -> Option<usize> {
    let end = if sign.starts_with('`') { out.len() } else { out.trim_end_matches(' ').len() };
    let had_space = end < out.len();
    out.truncate(end);
    out.push_str(sign);
    if had_space {
        out.push(' ');
    }
    had_space.then_some(out.len())
}

/// Takes the space back that moved behind a sign, where what comes begins with one.
fn drop_moved(out: &mut String, moved: Option<usize>, next: &str) {
    if moved == Some(out.len()) && next.starts_with(char::is_whitespace) {
        out.pop();
    }
}

/// Whether there is English in this part of the text; none where it stays as it is. The texts are in its order.
fn has_english(texts: &[(Span, Option<String>)], of: Span) -> Option<bool> {
    let first = texts.partition_point(|(span, _)| span.start < of.start);
    let inside = texts[first..].iter().take_while(|(span, _)| span.end <= of.end);
    let english: Vec<&str> = inside.filter_map(|(_, english)| english.as_deref()).collect();
    (!english.is_empty()).then(|| english.iter().any(|english| !english.trim().is_empty()))
}

/// Text after what of a Markdown file is written already, in place of `before`; the signs that open it begin at `opened`, and
/// a space stands before them. Code and addresses are taken as they stand.
fn push_markdown(out: &mut String, text: &str, before: &str, after: &str, opened: Option<usize>) {
    let is_code = out.ends_with('`') && after.starts_with('`');
    if is_code || (out.ends_with('<') && after.starts_with('>')) {
        let text = text.trim();
        let text = if before.contains("\\|") { text.replace('|', "\\|") } else { text.to_owned() };
        let is_fenced = is_code && (text.starts_with('`') || text.ends_with('`'));
        return out.push_str(&if is_fenced { format!(" {text} ") } else { text });
    }
    let mut text = text;
    if let Some(opened) = opened
        && let Some(inside) = text.strip_prefix(' ')
    {
        if !out[..opened].ends_with(char::is_whitespace) {
            out.insert(opened, ' ');
        }
        text = inside;
    }
    let line = out.rsplit('\n').next().unwrap_or_default();
    let begins_line = line.chars().all(|c| c.is_ascii_digit() || " \t>#-+*.)|[]x".contains(c));
    out.push_str(&markdown_piece(text, begins_line));
}

/// Text after what of a page or an XML file is written already: a value may stand there in single quotation marks, or in
/// none.
fn push_markup(out: &mut String, text: &str) {
    match out.chars().next_back() {
        Some('\'') => out.push_str(&text.replace('\'', "&#39;")),
        Some('=') => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        _ => out.push_str(text),
    }
}

/// The English that each edit has of each unit, by the unit's index and the edit's number.
fn shares<'d>(
    doc: &'d TranslatedDocument,
    part: &Part,
    marks: &[Mark],
) -> HashMap<(usize, usize), Cow<'d, str>> {
    // For each unit, the edits that have some of it, and how much.
    let mut pieces: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (place, edit) in part.edits.iter().enumerate() {
        let Written::Text(span) = edit.with else { continue };
        for unit in overlapping(doc, span) {
            let length = unit.span.end.min(span.end) - unit.span.start.max(span.start);
            pieces.entry(unit.index).or_default().push((place, length));
        }
    }
    let mut shares = HashMap::new();
    // A part may be one of many: the units of the others are no matter.
    for (index, pieces) in &pieces {
        let Some(unit) = doc.units.get(*index) else { continue };
        let english = words::english(unit);
        // What has all of it is a place of its own, and no piece of another.
        let (whole, pieces): (Vec<(usize, usize)>, Vec<_>) =
            pieces.iter().partition(|(_, length)| *length == unit.span.len());
        shares.extend(whole.into_iter().map(|(place, _)| ((unit.index, place), english.clone())));
        if matches!(part.notation, Notation::Subtitle | Notation::MarkedSubtitle) && pieces.len() > 1 {
            let lengths: Vec<usize> = pieces.iter().map(|(_, length)| *length).collect();
            for ((place, _), share) in pieces.iter().zip(shared(&english, &lengths)) {
                shares.insert((unit.index, *place), Cow::Owned(share.to_owned()));
            }
        } else if let Some(parts) = set_apart(unit.span, &english, &pieces, part, marks) {
            let parts = parts.into_iter().filter(|(_, part)| !part.is_empty());
            shares.extend(parts.map(|(place, part)| ((unit.index, place), Cow::Owned(part.to_owned()))));
        } else if let Some((home, _)) = pieces.iter().rev().max_by_key(|piece| room(part, **piece)) {
            shares.insert((unit.index, *home), english);
        }
    }
    shares
}

/// What each of the pieces of a sentence has of its English, if something in it is set apart and found there.
fn set_apart<'e>(
    sentence: Span,
    english: &'e str,
    pieces: &[(usize, usize)],
    part: &Part,
    marks: &[Mark],
) -> Option<Vec<(usize, &'e str)>> {
    let mut stretches: Vec<Stretch<'_>> = Vec::new();
    // Of each stretch its mark, and of its pieces the longest.
    let mut homes: Vec<(Option<usize>, (usize, usize))> = Vec::new();
    for &(place, length) in pieces {
        let Written::Text(span) = part.edits[place].with else { continue };
        let start = span.start.max(sentence.start);
        let mark = marks.partition_point(|mark| mark.span.end <= start);
        let mark = marks.get(mark).filter(|mark| mark.span.start <= start).map(|_| mark);
        match (stretches.last_mut(), homes.last_mut()) {
            (Some(stretch), Some((of, home))) if *of == mark => {
                stretch.length += length;
                if room(part, (place, length)) > room(part, *home) {
                    *home = (place, length);
                }
            }
            _ => {
                let english = mark.map(|mark| marks[mark].english.as_slice());
                stretches.push(Stretch { length, english });
                homes.push((mark, (place, length)));
            }
        }
    }
    let parts = marks::split(english, &stretches)?;
    Some(homes.into_iter().zip(parts).map(|((_, (place, _)), part)| (place, part)).collect())
}

/// How fit a piece, by its place and length, is to take words of others: code and addresses are not.
fn room(part: &Part, (place, length): (usize, usize)) -> usize {
    let before = &part.text[..part.edits[place].at.start];
    let is_raw = part.notation == Notation::Markdown && before.ends_with(['`', '<']);
    if is_raw { 0 } else { length }
}

fn overlapping(doc: &TranslatedDocument, span: Span) -> &[TranslationUnit] {
    let first = doc.units.partition_point(|unit| unit.span.end <= span.start);
    let count = doc.units[first..].partition_point(|unit| unit.span.start < span.end);
    &doc.units[first..first + count]
}

/// What the English file has for `span` of the text: what it has of the sentences' targets, with the gaps around. None where
/// it stays as it is.
fn english<'s>(
    doc: &TranslatedDocument,
    span: Span,
    share: impl Fn(usize) -> Option<&'s Cow<'s, str>>,
) -> Option<String> {
    let Document { text, .. } = &doc.document;
    let units = overlapping(doc, span);
    if units.iter().all(|unit| matches!(unit.state, State::Copied | State::Skipped)) {
        return None;
    }
    let mut out = String::new();
    let mut end = span.start;
    for unit in units {
        let gap = layout::slice(text, end, unit.span.start.max(end));
        out.extend(gap.chars().filter(|&c| !is_bidi_control(c)));
        let own = Span::new(unit.span.start.max(span.start), unit.span.end.min(span.end));
        match (unit.state, share(unit.index)) {
            (State::Copied, _) if is_as_it_was(unit) => out.push_str(own.of(text)),
            (State::Copied, _) => out.push_str(&lang::western_digits(own.of(text))),
            // Another piece of it may be one that stays as it is.
            (State::Skipped, _) if own.len() < unit.span.len() => out.push_str(own.of(text)),
            (_, Some(share)) => {
                // English needs a space where the Arabic had none.
                if out.ends_with(|c: char| !c.is_whitespace()) && unit.span.start > span.start {
                    out.push(' ');
                }
                out.push_str(share);
            }
            _ => {}
        }
        end = own.end;
    }
    out.extend(layout::slice(text, end, span.end).chars().filter(|&c| !is_bidi_control(c)));
    Some(out)
}

/// Whether a copied unit is to the letter as it was: nothing but its digits may be otherwise.
fn is_as_it_was(unit: &TranslationUnit) -> bool {
    unit.source.split_whitespace().eq(unit.target.split_whitespace())
}

/// What stands in a file for `span`, of which nothing was translated: the digits of what is copied are Western ones.
fn untranslated<'b>(doc: &TranslatedDocument, span: Span, before: &'b str) -> Cow<'b, str> {
    let units = overlapping(doc, span);
    let is_other = |unit: &TranslationUnit| unit.state == State::Copied && !is_as_it_was(unit);
    match !units.is_empty() && units.iter().all(is_other) {
        true => lang::western_digits(before).into(),
        false => before.into(),
    }
}

/// `text` as it stands in a file of this notation, in place of `before`.
fn written(text: &str, notation: Notation, before: &str, has_crlf: bool) -> String {
    let lines = |text| if has_crlf { lines(text).replace('\n', "\r\n") } else { lines(text) };
    match notation {
        Notation::Plain | Notation::Markdown => text.to_owned(),
        Notation::Markup if before.contains("\r\n") => xml::escape(text).replace('\n', "\r\n"),
        Notation::Markup => xml::escape(text),
        Notation::Field { delimiter } => {
            let text = no_new_formula(text, before);
            if before.starts_with('"') || text.contains([delimiter, '"', '\n', '\r']) {
                format!("\"{}\"", text.replace('"', "\"\""))
            } else {
                text.into_owned()
            }
        }
        Notation::BareField => no_new_formula(text, before).replace(['\t', '\n', '\r'], " "),
        Notation::Json => {
            let quoted = serde_json::Value::from(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        Notation::Subtitle => lines(text),
        Notation::MarkedSubtitle => {
            lines(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
        }
    }
}

/// A spreadsheet must not begin to compute what was text in the table.
fn no_new_formula<'t>(text: &'t str, before: &str) -> Cow<'t, str> {
    let was_one = sheet::is_formula(before.trim_start_matches('"'));
    if sheet::is_formula(text) && !was_one { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{BlockKind, Edit, Original};
    use crate::write::fixture;

    /// A page of one sentence in three pieces, and one in a piece of its own.
    fn page(state: State) -> TranslatedDocument {
        let html = "<p>قال <b>الوزير</b> أمس &amp; اليوم. نعم.</p>";
        let text = "قال الوزير أمس & اليوم. نعم.\n";
        let mut doc = fixture::build(
            "a.html",
            &[("", BlockKind::Paragraph, &["قال الوزير أمس & اليوم.", "نعم."])],
            "\n",
        );
        assert_eq!(doc.document.text, text);
        let edit = |written: &str, shown: &str| {
            let (at, span) = (html.find(written).unwrap(), text.find(shown).unwrap());
            Edit {
                at: Span::new(at, at + written.len()),
                with: Written::Text(Span::new(span, span + shown.len())),
            }
        };
        let edits = vec![
            edit("قال ", "قال "),
            edit("الوزير", "الوزير"),
            edit(" أمس &amp; اليوم. نعم.", " أمس & اليوم. نعم."),
        ];
        let part = Part { entry: String::new(), text: html.into(), notation: Notation::Markup, edits };
        doc.document.original =
            Some(Box::new(Original { bytes: html.into(), parts: vec![part], marks: Vec::new() }));
        for (unit, target) in doc.units.iter_mut().zip(["The minister said <so> yesterday.", "Yes."]) {
            unit.state = state;
            if state != State::Copied {
                unit.target = target.into();
            }
        }
        doc
    }

    #[test]
    fn a_sentence_goes_into_the_piece_that_had_most_of_it() {
        let english = String::from_utf8(Translated.render(&page(State::Translated)).unwrap()).unwrap();
        assert_eq!(english, "<p><b></b>The minister said &lt;so&gt; yesterday. Yes.</p>");
    }

    #[test]
    fn what_is_set_apart_stays_so_where_it_is_found() {
        let mut doc = page(State::Translated);
        let start = doc.document.text.find("الوزير").unwrap();
        let span = Span::new(start, start + "الوزير".len());
        doc.document.original.as_mut().unwrap().marks = vec![Mark { span, english: vec!["Minister".into()] }];
        let english = String::from_utf8(Translated.render(&doc).unwrap()).unwrap();
        assert_eq!(english, "<p>The <b>minister</b> said &lt;so&gt; yesterday. Yes.</p>");
    }

    #[test]
    fn a_skipped_sentence_over_several_pieces_stays_beside_a_translated_one() {
        let mut doc = page(State::Translated);
        doc.units[0].state = State::Skipped;
        let english = String::from_utf8(Translated.render(&doc).unwrap()).unwrap();
        assert_eq!(english, "<p>قال <b>الوزير</b> أمس &amp; اليوم. Yes.</p>");
    }

    #[test]
    fn of_what_is_copied_only_digits_change() {
        let mut doc = fixture::build("a.html", &[("", BlockKind::Paragraph, &["١٢ — ٥"])], "");
        let (html, written) = ("<p>١٢ &mdash; ٥</p>", "١٢ &mdash; ٥");
        let at = Span::new(3, 3 + written.len());
        let edits = vec![Edit { at, with: Written::Text(doc.units[0].span) }];
        let part = Part { entry: String::new(), text: html.into(), notation: Notation::Markup, edits };
        doc.document.original =
            Some(Box::new(Original { bytes: html.into(), parts: vec![part], marks: Vec::new() }));
        assert_eq!(Translated.render(&doc).unwrap(), html.as_bytes(), "as it was");
        doc.units[0].target = "12 — 5".into();
        let english = String::from_utf8(Translated.render(&doc).unwrap()).unwrap();
        assert_eq!(english, "<p>12 &mdash; 5</p>");
    }

    #[test]
    fn what_is_not_translated_stays_to_the_byte() {
        for state in [State::Copied, State::Skipped] {
            let doc = page(state);
            let original = doc.document.original.as_ref().unwrap();
            assert_eq!(Translated.render(&doc).unwrap(), original.bytes, "{state:?}");
        }
    }

    #[test]
    fn a_sentence_that_stands_in_two_places_goes_into_both() {
        let mut doc = page(State::Translated);
        let html = "<title>قال</title><p>قال <b>الوزير</b></p><img alt='x' title=x>";
        let text = &doc.document.text;
        let whole = doc.units[0].span;
        let part_of_it = Span::new(0, text.find("الوزير").unwrap());
        let place = |written: &str, with| {
            let start = html.find(written).unwrap();
            Edit { at: Span::new(start, start + written.len()), with: Written::Text(with) }
        };
        let mut edits = vec![place("قال", whole), place("قال ", part_of_it)];
        let rest = Span::new(part_of_it.end, whole.end);
        edits.push(place("الوزير", rest));
        let quoted = html.find("'x'").unwrap() + 1;
        edits.push(Edit { at: Span::new(quoted, quoted + 1), with: Written::Text(whole) });
        edits.push(Edit { at: Span::new(html.len() - 2, html.len() - 1), with: Written::Text(whole) });
        doc.units[0].target = "That's it.".into();
        let original = doc.document.original.as_mut().unwrap();
        original.parts[0].text = html.into();
        original.parts[0].edits = edits;
        let english = String::from_utf8(Translated.render(&doc).unwrap()).unwrap();
        let expected = "<title>That's it.</title><p><b>That's it.</b></p>\
                        <img alt='That&#39;s it.' title=\"That's it.\">";
        assert_eq!(english, expected);
    }

    #[test]
    fn text_is_written_as_its_format_does() {
        let text = "a \"b\" <c> & \\ \n";
        for (notation, expected) in [
            (Notation::Plain, text),
            (Notation::Markup, "a &quot;b&quot; &lt;c&gt; &amp; \\ \n"),
            (Notation::Json, "a \\\"b\\\" <c> & \\\\ \\n"),
            (Notation::Subtitle, "a \"b\" <c> & \\"),
            (Notation::MarkedSubtitle, "a \"b\" &lt;c&gt; &amp; \\"),
        ] {
            assert_eq!(written(text, notation, "نص", false), expected);
        }
    }

    #[test]
    fn a_field_of_a_table_is_quoted_where_it_needs_it_and_is_no_formula_unless_it_was_one() {
        for (text, delimiter, before, expected) in [
            ("two", ',', "نص", "two"),
            ("one, two", ',', "نص", "\"one, two\""),
            ("one, two", ';', "نص", "one, two"),
            ("say \"so\"", '\t', "نص", "\"say \"\"so\"\"\""),
            ("two\nlines", ',', "\"نص\nآخر\"", "\"two\nlines\""),
            ("two", ',', "\"نص\"", "\"two\""),
            ("-- so", ',', "نص", "'-- so"),
            ("=1", ',', "\"نص\"", "\"'=1\""),
            ("- item", ',', "- بند", "- item"),
            ("- item", ',', "\"- بند\"", "\"- item\""),
        ] {
            assert_eq!(written(text, Notation::Field { delimiter }, before, false), expected, "{text}");
        }
        assert_eq!(written("say \"so\",\nor\tnot", Notation::BareField, "نص", false), "say \"so\", or not");
    }
}
