//! What the XML formats that are read and written here have in common.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use crate::document::Span;
use crate::lang;

/// Elements within more than so many others are nobody's document.
pub const DEEPEST: usize = 1000;

/// Whether a file is XML: its first character is `<`.
pub fn is_xml(bytes: &[u8]) -> bool {
    text(bytes).is_ok_and(|text| text.trim_start().starts_with('<'))
}

/// The text of a file in UTF-8, or in UTF-16 with a byte-order mark, without the mark.
///
/// # Errors
/// One line.
pub fn text(bytes: &[u8]) -> Result<String, String> {
    let units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "damaged UTF-16".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => {
            let text = std::str::from_utf8(rest);
            let text =
                text.map_err(|e| format!("not UTF-8 at byte {}: save it as UTF-8", e.valid_up_to()))?;
            Ok(text.to_owned())
        }
    }
}

/// `ar` of `xml:lang="ar-SY"` (or `lang`, as older files have it), in lower case; empty without one.
pub fn lang_of(tag: &BytesStart<'_>) -> String {
    let value = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "lang");
    let value = value.map(|a| a.value.to_lowercase()).unwrap_or_default();
    value.split(['-', '_']).next().unwrap_or_default().to_owned()
}

/// Where `part`, a stretch of `whole` itself and no copy of it, stands; none for another text.
pub fn place(part: &str, whole: &str) -> Option<Span> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let span = Span::new(start, start.checked_add(part.len())?);
    (whole.get(span.range()) == Some(part)).then_some(span)
}

/// Where the declaration at the beginning of a text names an encoding other than UTF-8, which it is in from now on.
pub fn other_encoding(text: &str) -> Option<Span> {
    let declaration = text.strip_prefix("<?xml")?.split_once("?>")?.0;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let value = value.strip_prefix(['"', '\''])?.split(['"', '\'']).next()?;
    if value.eq_ignore_ascii_case("utf-8") { None } else { place(value, text) }
}

/// What a file is made of, one after the other.
pub enum Part<'t> {
    /// An element begins.
    Start(BytesStart<'t>),
    /// Text inside of one, with its entities resolved; there may be more.
    Text(String),
    /// An element ends; its name without a prefix.
    End(String),
}

/// Reads the parts of an XML text.
pub struct Parts<'t> {
    reader: Reader<&'t [u8]>,
    open: usize,
}

impl<'t> Parts<'t> {
    /// Of `text`, from its beginning.
    pub fn new(text: &'t str) -> Self {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        Parts { reader, open: 0 }
    }

    /// The next one, or none at the end.
    fn part(&mut self) -> Result<Option<Part<'t>>, String> {
        loop {
            return Ok(Some(match self.reader.read_event().map_err(|e| broken(&e))? {
                Event::Start(tag) => {
                    self.open += 1;
                    Part::Start(tag)
                }
                Event::End(tag) => {
                    self.open = self.open.saturating_sub(1);
                    Part::End(tag.local_name().as_ref().to_owned())
                }
                Event::Text(text) => Part::Text(text.to_string()),
                Event::CData(text) => Part::Text(text.to_string()),
                Event::GeneralRef(name) => {
                    Part::Text(entity(&name).ok_or_else(|| broken(&"an unknown entity"))?)
                }
                Event::Eof if self.open > 0 => return Err(broken(&"it ends too early")),
                Event::Eof => return Ok(None),
                _ => continue,
            }));
        }
    }
}

/// Each part, or one line where the text is not well-formed or ends before its elements do.
impl<'t> Iterator for Parts<'t> {
    type Item = Result<Part<'t>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.part().transpose()
    }
}

/// What an entity stands for: a character by number, or one of the five of XML. Others would have to be declared, and
/// nothing that a file declares is followed.
pub fn entity(name: &BytesRef<'_>) -> Option<String> {
    if let Some(char) = name.resolve_char_ref().ok()? {
        return Some(char.into());
    }
    quick_xml::escape::resolve_predefined_entity(name).map(String::from)
}

/// Text for an element or an attribute: markup is escaped, a carriage return is kept from being read as a line feed,
/// and of what XML 1.0 cannot write a break of line or page becomes a space and the rest is left out.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\u{b}' | '\u{c}' => out.push(' '),
            c if is_allowed(c) => out.push(c),
            _ => {}
        }
    }
    out
}

/// Whether XML 1.0 has a way to write a character, be it by its number.
pub fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// One line for XML that cannot be read.
fn broken(error: &dyn std::fmt::Display) -> String {
    lang::shown(&format!("not well-formed XML: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoding_is_found_in_the_declaration() {
        for (text, expected) in [
            ("<?xml version='1.0' encoding = 'utf-16'?><a/>", Some("utf-16")),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", None),
            ("<?xml version='1.0'?><a encoding='x'/>", None),
            ("<a encoding='x'/>", None),
            ("<?xml encoding=", None),
        ] {
            assert_eq!(other_encoding(text).map(|span| span.of(text)), expected, "{text}");
        }
        let whole = String::from("abc");
        assert_eq!(place(&whole[1..2], &whole), Some(Span::new(1, 2)));
        assert_eq!(place("abc", &whole), None);
    }

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        for (text, read) in [
            ("a < b && \"c\" > 'd' ]]>", "a < b && \"c\" > 'd' ]]>"),
            ("\r\n\ta\r", "\r\n\ta\r"),
            ("page\u{c}page", "page page"),
            ("\u{0}a\u{1b}\u{fffe}", "a"),
            ("\u{202b}نص\u{1f600}", "\u{202b}نص\u{1f600}"),
        ] {
            let xml = format!("<a>{}</a>", escape(text));
            let mut found = String::new();
            for part in Parts::new(&xml) {
                if let Part::Text(text) = part.unwrap() {
                    found.push_str(&text);
                }
            }
            assert_eq!(found, read, "{xml}");
        }
    }
}
