//! Translation Memory eXchange (TMX 1.4b): pairs of sentences, from and for other translators' programs.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::xml::{self, Part, Parts, escape};

/// Elements inside of a sentence whose text is a code of the program that wrote them.
const CODES: [&str; 5] = ["bpt", "ept", "it", "ph", "ut"];

/// A pair of Arabic and English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Arabic.
    pub source: String,
    /// English.
    pub target: String,
    /// Nobody has touched it since a model said it: the file says so, and its English is what it was then.
    pub is_untouched: bool,
}

/// Under this type a file written here has the digest of what a model said.
const SAID: &str = "x-tarjuman-said";

/// Of a sentence, whatever its white space: 16 letters of its SHA-256, hexadecimal.
fn digest(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
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
    // What the model said of the pair, and whether that is what is being read.
    let (mut said, mut is_said) = (String::new(), false);
    let mut is_tmx = false;
    for part in Parts::new(&text) {
        match part? {
            Part::Start(tag) => match tag.local_name().as_ref() {
                "tmx" => is_tmx = true,
                "tu" => (sides, said) = ([None, None], String::new()),
                "prop" => {
                    is_said = tag.attributes().flatten().any(|a| a.key.as_ref() == "type" && a.value == SAID)
                }
                "tuv" => side = ["ar", "en"].iter().position(|lang| *lang == xml::lang_of(&tag)),
                "seg" => (sentence, codes) = (Some(String::new()), 0),
                name => codes += usize::from(sentence.is_some() && CODES.contains(&name)),
            },
            Part::Text(text) => {
                if let (Some(sentence), 0) = (&mut sentence, codes) {
                    sentence.push_str(&text);
                } else if is_said {
                    said.push_str(&text);
                }
            }
            Part::End(name) => match name.as_str() {
                "seg" => {
                    if let (Some(side), sentence @ Some(_)) = (side, sentence.take()) {
                        sides[side] = sentence;
                    }
                }
                "prop" => is_said = false,
                "tu" => {
                    if let [Some(source), Some(target)] = std::mem::take(&mut sides) {
                        let is_untouched = !said.is_empty() && said.trim() == digest(&target);
                        pairs.push(Pair { source, target, is_untouched });
                    }
                }
                name => codes -= usize::from(codes > 0 && CODES.contains(&name)),
            },
        }
    }
    if is_tmx { Ok(pairs) } else { Err("XML, but no TMX".into()) }
}

/// A pair with what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit<'t> {
    /// Unique in its file; or empty.
    pub id: String,
    /// Arabic.
    pub source: &'t str,
    /// English.
    pub target: &'t str,
    /// Types and values. A type that the standard does not know begins with `x-`.
    pub properties: Vec<(&'static str, &'t str)>,
    /// For people.
    pub notes: Vec<String>,
    /// The English is a model's, and the file says so: read again, it is nobody's correction unless it was changed.
    pub is_models: bool,
}

impl<'t> Unit<'t> {
    /// A pair of which nothing more is known.
    pub fn of(source: &'t str, target: &'t str) -> Self {
        Unit { source, target, ..Unit::default() }
    }
}

/// A file of these units, with notes on the whole.
pub fn write<'t>(notes: &[String], units: impl IntoIterator<Item = Unit<'t>>) -> Vec<u8> {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tmx version=\"1.4\">\n <header creationtool=\"tarjuman\" \
         creationtoolversion=\"{}\" segtype=\"sentence\" o-tmf=\"tarjuman\" adminlang=\"en\" srclang=\"ar\" \
         datatype=\"plaintext\">\n",
        env!("CARGO_PKG_VERSION")
    );
    push_notes(notes, &mut out);
    out.push_str(" </header>\n <body>\n");
    for unit in units {
        let id = if unit.id.is_empty() { String::new() } else { format!(" tuid=\"{}\"", escape(&unit.id)) };
        let _ = writeln!(out, "  <tu{id}>");
        push_notes(&unit.notes, &mut out);
        for (kind, value) in &unit.properties {
            let _ = writeln!(out, "   <prop type=\"{kind}\">{}</prop>", escape(value));
        }
        if unit.is_models {
            let _ = writeln!(out, "   <prop type=\"{SAID}\">{}</prop>", digest(unit.target));
        }
        for (lang, text) in [("ar", unit.source), ("en", unit.target)] {
            let text = escape(text);
            let _ = writeln!(out, "   <tuv xml:lang=\"{lang}\"><seg>{text}</seg></tuv>");
        }
        out.push_str("  </tu>\n");
    }
    out.push_str(" </body>\n</tmx>\n");
    out.into_bytes()
}

fn push_notes(notes: &[String], out: &mut String) {
    for note in notes {
        let _ = writeln!(out, "   <note>{}</note>", escape(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(source: &str, target: &str) -> Pair {
        Pair { source: source.into(), target: target.into(), is_untouched: false }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let pairs = [
            pair("قال: «أ < ب» & \"ج\"", "He said: “a < b” & 'c' ]]>"),
            pair("", ""),
            pair(" ا  ب\r\n", " a  b "),
        ];
        let write = |pairs: &[Pair]| write(&[], pairs.iter().map(|p| Unit::of(&p.source, &p.target)));
        assert_eq!(read(&write(&pairs)).unwrap(), pairs);
        assert_eq!(read(&write(&[pair("ا\u{1}", "\u{fffe}b")])).unwrap(), [pair("ا", "b")]);
    }

    #[test]
    fn what_is_known_of_a_pair_stands_beside_it_and_not_in_it() {
        let unit = Unit {
            id: "u\"1".into(),
            source: "نعم",
            target: "yes",
            properties: vec![("x-state", "a<b")],
            notes: vec!["of the unit".into()],
            is_models: false,
        };
        let file = write(&["of the file".into()], [unit]);
        assert_eq!(read(&file).unwrap(), [pair("نعم", "yes")]);
        let file = String::from_utf8(file).unwrap();
        let tu = "<tu tuid=\"u&quot;1\">\n   <note>of the unit</note>\n   <prop type=\"x-state\">a&lt;b</prop>\n   <tuv";
        assert!(file.contains(tu) && file.contains("<note>of the file</note>\n </header>"), "{file}");
    }

    #[test]
    fn what_a_model_said_is_known_until_somebody_changes_it() {
        let unit = Unit { is_models: true, ..Unit::of("نعم", "Yes,  indeed") };
        let file = String::from_utf8(write(&[], [unit])).unwrap();
        let untouched = |file: &str| read(file.as_bytes()).unwrap()[0].is_untouched;
        assert!(untouched(&file));
        assert!(untouched(&file.replace("Yes,  indeed", "Yes, indeed")), "white space is not a change");
        assert!(!untouched(&file.replace("Yes,", "Yes")));
        assert!(!untouched(&file.replace(SAID, "x-other")), "a program that drops it vouches for the pair");
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
