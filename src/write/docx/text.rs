//! Text as runs and paragraphs, each with its language and direction.
//!
//! A word processor needs to be told both: `w:bidi` makes a paragraph begin at the right, `w:rtl` sets a run in the font, size
//! and language for Arabic. Properties stand in the order that the schema wants.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::lang::{has_arabic, is_arabic_letter};
use crate::write::escape::arabic_runs;
use crate::xml::escape;

/// How a run looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    /// A style of its own, or empty.
    pub style: &'static str,
    /// Bold.
    pub bold: bool,
    /// On yellow: somebody should look at it.
    pub marked: bool,
    /// Underlined with dots: it was mended, or the model was unsure.
    pub dotted: bool,
}

impl Look {
    /// As the paragraph's style has it.
    pub const PLAIN: Look = Look { style: "", bold: false, marked: false, dotted: false };
    /// Bold.
    pub const BOLD: Look = Look { bold: true, ..Look::PLAIN };
    /// The number of a sentence.
    pub const NUMBER: Look = Look { style: "Number", ..Look::PLAIN };
}

/// English on one line. Arabic in it (a name, a quotation, a sentence that was not translated) has its own direction, and a
/// mark behind it, without which digits and punctuation that follow would jump to its other side.
pub(super) fn english(text: &str, look: Look) -> String {
    let text = one_line(text);
    let mut out = String::new();
    let mut mark = "";
    for (is_arabic, piece) in arabic_runs(&text) {
        out.push_str(&run(&(mark.to_owned() + &escape(piece)), is_arabic, look));
        mark = if is_arabic { LEFT_TO_RIGHT_MARK } else { "" };
    }
    out
}

const LEFT_TO_RIGHT_MARK: &str = "\u{200e}";

/// A source on one line: Arabic with its Latin words in their own direction, or a line without any Arabic.
pub(super) fn source(text: &str, look: Look) -> String {
    let text = one_line(text);
    if !has_arabic(&text) {
        return run(&escape(&text), false, look);
    }
    let mut out = String::new();
    let mut rest: &str = &text;
    while let Some(start) = rest.find(is_latin) {
        let (before, from) = rest.split_at(start);
        let (latin, after) = from.split_at(latin_run(from));
        out.push_str(&run(&escape(before), true, look));
        out.push_str(&run(&escape(latin), false, look));
        rest = after;
    }
    out + &run(&escape(rest), true, look)
}

/// Text with its lines and tabs as they stand: code, tables of dots.
pub(super) fn lines(text: &str) -> String {
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        if n > 0 {
            out.push_str("<w:r><w:br/></w:r>");
        }
        for (n, piece) in line.split('\t').enumerate() {
            if n > 0 {
                out.push_str("<w:r><w:tab/></w:r>");
            }
            out.extend(
                arabic_runs(piece).map(|(is_arabic, piece)| run(&escape(piece), is_arabic, Look::PLAIN)),
            );
        }
    }
    out
}

/// A tab, behind the marker of a list's item.
pub(super) const TAB: &str = "<w:r><w:tab/></w:r>";

/// A paragraph of this style.
pub(super) fn paragraph(style: &str, runs: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{runs}</w:p>")
}

/// A paragraph that may begin at the right, and be an item of a list.
pub(super) fn paragraph_of(style: &str, list: List, rtl: bool, runs: &str) -> String {
    let (mut numbering, mut indent) = (String::new(), String::new());
    match list {
        List::No => {}
        List::Bullet(depth) => {
            let _ = write!(numbering, "<w:numPr><w:ilvl w:val=\"{depth}\"/><w:numId w:val=\"1\"/></w:numPr>");
        }
        List::Marked(depth) => {
            let left = LEVEL * (depth + 1);
            let _ = write!(indent, "<w:ind w:left=\"{left}\" w:hanging=\"{LEVEL}\"/>");
        }
        List::Continued(depth) => {
            let _ = write!(indent, "<w:ind w:left=\"{}\"/>", LEVEL * (depth + 1));
        }
    }
    let bidi = if rtl { "<w:bidi/>" } else { "" };
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{numbering}{bidi}{indent}</w:pPr>{runs}</w:p>")
}

/// Indentation of a level of a list, in twentieths of a point.
const LEVEL: usize = 425;

/// How a paragraph belongs to a list; all have their depth, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) enum List {
    /// It does not.
    No,
    /// An item with a bullet.
    Bullet(usize),
    /// An item with its own marker, which stands in the text with a tab behind it.
    Marked(usize),
    /// More of an item.
    Continued(usize),
}

fn run(text: &str, rtl: bool, look: Look) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut properties = String::new();
    if !look.style.is_empty() {
        let _ = write!(properties, "<w:rStyle w:val=\"{}\"/>", look.style);
    }
    for (wanted, property) in [
        (look.bold, "<w:b/><w:bCs/>"),
        (look.marked, "<w:highlight w:val=\"yellow\"/>"),
        (look.dotted, "<w:u w:val=\"dotted\"/>"),
        (rtl, "<w:rtl/><w:lang w:bidi=\"ar-SA\"/>"),
    ] {
        if wanted {
            properties.push_str(property);
        }
    }
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

fn one_line(text: &str) -> Cow<'_, str> {
    let is_even =
        |text: &str| !text.contains(|c: char| c.is_whitespace() && c != ' ') && !text.contains("  ");
    if is_even(text) {
        Cow::Borrowed(text)
    } else {
        text.split_whitespace().collect::<Vec<_>>().join(" ").into()
    }
}

/// Letters of the scripts below Hebrew, all of which run from left to right.
fn is_latin(c: char) -> bool {
    c.is_alphabetic() && c < '\u{590}'
}

/// Length in bytes of the Latin words at the beginning of `text`, with what stands between them.
fn latin_run(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if is_arabic_letter(c) {
            break;
        }
        if is_latin(c) || c.is_ascii_digit() {
            end = at + c.len_utf8();
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs as `>text` or `<text`, by direction.
    fn runs(xml: &str) -> Vec<String> {
        let run = |run: &str| {
            let text = run.split_once("preserve\">").unwrap().1.split_once("</w:t>").unwrap().0;
            format!("{}{text}", if run.contains("<w:rtl/>") { '<' } else { '>' })
        };
        xml.split("<w:r>").skip(1).map(run).collect()
    }

    #[test]
    fn every_run_has_its_direction() {
        for (text, wanted) in [
            ("plain & <b>", vec![">plain &amp; &lt;b&gt;"]),
            ("the قوات سورية 25 said", vec![">the ", "<قوات سورية", ">\u{200e} 25 said"]),
            ("⟦وصل الوفد.⟧", vec![">⟦", "<وصل الوفد", ">\u{200e}.⟧"]),
            ("two\nlines  and\u{b}more", vec![">two lines and more"]),
        ] {
            assert_eq!(runs(&english(text, Look::PLAIN)), wanted);
        }
        for (text, wanted) in [
            ("وصل 25 متطوعاً.", vec!["<وصل 25 متطوعاً."]),
            (
                "قال UNHCR إن https://x.org/a-1 يعمل",
                vec!["<قال ", ">UNHCR", "< إن ", ">https://x.org/a-1", "< يعمل"],
            ),
            ("+963 11 555", vec![">+963 11 555"]),
        ] {
            assert_eq!(runs(&source(text, Look::PLAIN)), wanted);
        }
    }

    #[test]
    fn lines_and_tabs_of_code_are_kept() {
        let xml = lines("a\tb\r\n c");
        assert_eq!(xml.matches("<w:tab/>").count() + xml.matches("<w:br/>").count(), 2);
        assert!(xml.ends_with("<w:t xml:space=\"preserve\"> c</w:t></w:r>"), "{xml}");
    }
}
