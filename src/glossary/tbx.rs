//! TermBase eXchange (ISO 30042): concepts with terms in several languages, in the markup of 2008 and of 2019.

use crate::xml::{self, Part, Parts};

/// Each Arabic term of a concept with all its English ones, parted by `|`.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = xml::text(bytes)?;
    let mut entries = Vec::new();
    let mut concept: Vec<(String, String)> = Vec::new();
    let (mut lang, mut term) = (String::new(), None::<String>);
    for part in Parts::new(&text) {
        match part? {
            Part::Start(tag) => match tag.local_name().as_ref() {
                "termEntry" | "conceptEntry" => concept.clear(),
                "langSet" | "langSec" => lang = xml::lang_of(&tag),
                "term" => term = Some(String::new()),
                _ => {}
            },
            Part::Text(part) => term.iter_mut().for_each(|term| term.push_str(&part)),
            Part::End(name) => match name.as_str() {
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
        }
    }
    Ok(entries)
}
