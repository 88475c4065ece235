//! TermBase eXchange (ISO 30042): concepts with terms in several languages, in the markup of 2008 and of 2019.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Whether the file is XML, which of all kinds of glossary only TBX is.
pub(super) fn is_tbx(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    text.trim_ascii_start().starts_with(b"<")
}

/// Each Arabic term of a concept with all its English ones, parted by `|`.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| format!("not UTF-8 at byte {}\nhint: save the TBX file as UTF-8", e.valid_up_to()))?;
    let mut reader = Reader::from_str(text);
    let mut entries = Vec::new();
    let mut concept: Vec<(String, String)> = Vec::new();
    let (mut lang, mut term) = (String::new(), None::<String>);
    loop {
        let broken = |e: &dyn std::fmt::Display| format!("not well-formed XML: {e}");
        match reader.read_event().map_err(|e| broken(&e))? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "termEntry" | "conceptEntry" => concept.clear(),
                "langSet" | "langSec" => lang = lang_of(&tag),
                "term" => term = Some(String::new()),
                _ => {}
            },
            Event::Text(part) => {
                if let Some(term) = &mut term {
                    term.push_str(&part);
                }
            }
            Event::CData(part) => {
                if let Some(term) = &mut term {
                    term.push_str(&part);
                }
            }
            Event::GeneralRef(name) => {
                if let Some(term) = &mut term {
                    term.push_str(&entity(&name).ok_or_else(|| broken(&"an unknown entity"))?);
                }
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "term" => concept.extend(term.take().map(|term| (lang.clone(), term))),
                "termEntry" | "conceptEntry" => {
                    let of = |wanted: &'static str| {
                        let is = move |(lang, _): &&(String, String)| lang == wanted;
                        concept.iter().filter(is).map(|(_, term)| term.as_str())
                    };
                    let english = of("en").collect::<Vec<_>>().join("|");
                    entries.extend(of("ar").map(|arabic| (arabic.to_owned(), english.clone())));
                }
                _ => {}
            },
            Event::Eof => return Ok(entries),
            _ => {}
        }
    }
}

/// `ar` of `xml:lang="ar-SY"`.
fn lang_of(tag: &BytesStart<'_>) -> String {
    let value = tag.attributes().flatten().find(|a| a.key.local_name().as_ref() == "lang");
    let value = value.map(|a| a.value.to_lowercase()).unwrap_or_default();
    value.split(['-', '_']).next().unwrap_or_default().to_owned()
}

/// What an entity stands for: a character by number, or one of the five of XML.
fn entity(name: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Some(char) = name.resolve_char_ref().ok()? {
        return Some(char.into());
    }
    quick_xml::escape::resolve_predefined_entity(name).map(String::from)
}
