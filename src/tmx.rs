//! Translation Memory eXchange (TMX 1.4b): pairs of sentences, from and for other translators' programs.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::xml::{self, Part, Parts};

/// Elements inside of a sentence whose text is a code of the program that wrote them.
const CODES: [&str; 5] = ["bpt", "ept", "it", "ph", "ut"];

/// A pair of Arabic and English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Arabic.
    pub source: String,
    /// English.
    pub target: String,
}

/// The pairs of Arabic and English in a file; the codes inside of sentences are left out.
///
/// # Errors
/// One line that says what is wrong.
pub fn read(bytes: &[u8]) -> Result<Vec<Pair>, String> {
    let text = xml::text(bytes)?;
    let mut pairs = Vec::new();
    let mut sides: [Option<String>; 2] = [None, None];
    let (mut side, mut sentence, mut codes) = (None, None::<String>, 0);
    let mut is_tmx = false;
    for part in Parts::new(&text) {
        match part? {
            Part::Start(tag) => match tag.local_name().as_ref() {
                "tmx" => is_tmx = true,
                "tu" => sides = [None, None],
                "tuv" => side = ["ar", "en"].iter().position(|lang| *lang == xml::lang_of(&tag)),
                "seg" => (sentence, codes) = (Some(String::new()), 0),
                name => codes += usize::from(sentence.is_some() && CODES.contains(&name)),
            },
            Part::Text(text) => {
                if let (Some(sentence), 0) = (&mut sentence, codes) {
                    sentence.push_str(&text);
                }
            }
            Part::End(name) => match name.as_str() {
                "seg" => {
                    if let (Some(side), sentence @ Some(_)) = (side, sentence.take()) {
                        sides[side] = sentence;
                    }
                }
                "tu" => {
                    if let [Some(source), Some(target)] = std::mem::take(&mut sides) {
                        pairs.push(Pair { source, target });
                    }
                }
                name => codes -= usize::from(codes > 0 && CODES.contains(&name)),
            },
        }
    }
    if is_tmx { Ok(pairs) } else { Err("XML, but no TMX".into()) }
}

/// A file of these pairs.
pub fn write(pairs: &[Pair]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer.create_element("tmx").with_attribute(("version", "1.4")).write_inner_content(|writer| {
        let header = [
            ("creationtool", "tarjuman"),
            ("creationtoolversion", env!("CARGO_PKG_VERSION")),
            ("segtype", "sentence"),
            ("o-tmf", "tarjuman"),
            ("adminlang", "en"),
            ("srclang", "ar"),
            ("datatype", "plaintext"),
        ];
        writer.create_element("header").with_attributes(header).write_empty()?;
        writer.create_element("body").write_inner_content(|writer| {
            for Pair { source, target } in pairs {
                writer.create_element("tu").write_inner_content(|writer| {
                    for (lang, text) in [("ar", source), ("en", target)] {
                        let tuv = writer.create_element("tuv").with_attribute(("xml:lang", lang));
                        tuv.write_inner_content(|writer| {
                            let text: String = text.chars().filter(|&c| is_allowed(c)).collect();
                            writer.create_element("seg").write_text_content(BytesText::new(&text)).map(drop)
                        })?;
                    }
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        Ok(())
    })?;
    let mut bytes = writer.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// XML 1.0 has no way to write the others.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(source: &str, target: &str) -> Pair {
        Pair { source: source.into(), target: target.into() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let pairs = [
            pair("قال: «أ < ب» & \"ج\"", "He said: “a < b” & 'c' ]]>"),
            pair("", ""),
            pair(" ا  ب ", " a  b "),
        ];
        assert_eq!(read(&write(&pairs).unwrap()).unwrap(), pairs);
        assert_eq!(read(&write(&[pair("ا\u{1}", "\u{fffe}b")]).unwrap()).unwrap(), [pair("ا", "b")]);
    }

    #[test]
    fn files_of_other_programs_are_read() {
        let file = "<?xml version=\"1.0\"?>\n<!DOCTYPE tmx SYSTEM \"tmx14.dtd\">\n<tmx version=\"1.4\"><header srclang=\"EN-US\"/><body>\
            <tu tuid=\"1\"><prop type=\"x\">قديم</prop>\
            <tuv xml:lang=\"EN-US\"><seg><bpt i=\"1\">&lt;b&gt;</bpt>Bold<ept i=\"1\">&lt;/b&gt;</ept> &amp; <hi>plain</hi></seg></tuv>\
            <tuv xml:lang=\"fr\"><seg>gras</seg></tuv>\
            <tuv xml:lang=\"ar-SY\"><seg>عريض<ph x=\"1\">{0}</ph> &#1608;عادي</seg></tuv></tu>\
            <tu><tuv lang=\"ar\"><seg>وحده</seg></tuv></tu></body></tmx>";
        let wanted = [pair("عريض وعادي", "Bold & plain")];
        assert_eq!(read(file.as_bytes()).unwrap(), wanted);
        let wide: Vec<u8> = "\u{feff}"
            .chars()
            .chain(file.chars())
            .collect::<String>()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(read(&wide).unwrap(), wanted);
    }

    #[test]
    fn a_message_is_one_line_whatever_the_file_says() {
        let error = read(b"<tmx><tu></t\n\x1b[2Ju></tmx>").unwrap_err();
        assert!(error.contains("not well-formed") && !error.contains(['\n', '\u{1b}']), "{error:?}");
    }

    #[test]
    fn what_is_no_tmx_says_so() {
        for (file, wanted) in [
            ("<html></html>", "no TMX"),
            ("<tmx><body></tmx>", "not well-formed"),
            ("<tmx><seg>&evil;</seg></tmx>", "unknown entity"),
            ("<tmx><body><tu><tuv xml:lang=\"ar\"><seg>نعم</seg>", "it ends too early"),
            ("\u{1}", "no TMX"),
        ] {
            assert!(read(file.as_bytes()).unwrap_err().contains(wanted), "{file}");
        }
        assert!(read(b"<tmx>\xff</tmx>").unwrap_err().contains("not UTF-8 at byte 5"));
    }
}
