//! TermBase eXchange (ISO 30042): concepts with terms in several languages, in the markup of 2008 and of 2019.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::xml;

/// Each Arabic term of a concept with all its English ones, parted by `|`.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = xml::text(bytes)?;
    let mut reader = Reader::from_str(&text);
    let mut entries = Vec::new();
    let mut concept: Vec<(String, String)> = Vec::new();
    let (mut lang, mut term) = (String::new(), None::<String>);
    loop {
        match reader.read_event().map_err(|e| xml::broken(&e))? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "termEntry" | "conceptEntry" => concept.clear(),
                "langSet" | "langSec" => lang = xml::lang_of(&tag),
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
                    term.push_str(&xml::entity(&name).ok_or_else(|| xml::broken(&"an unknown entity"))?);
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
