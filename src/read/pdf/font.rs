//! Fonts of a page: what the bytes of a string show, and how wide.
//!
//! In order: the font's `ToUnicode` map, its encoding by names of glyphs, the embedded program. A glyph that none of
//! them knows has no text, and is never guessed from its code.

use std::collections::{BTreeSet, HashMap};

use lopdf::{Dictionary, Object};

use super::cmap::CMap;
use super::file::File;
use super::letters;
use super::names;
use super::program::{self, Program};

/// Width of a glyph, in thousandths, where the font does not say.
const USUAL_WIDTH: f32 = 500.0;

/// A glyph as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown<'f> {
    /// What it stands for; none where nothing says.
    pub text: Option<&'f str>,
    /// How far the next glyph stands from it, at size 1.
    pub width: f32,
    /// Whether word spacing is added to it.
    pub is_space: bool,
    /// Where its ink begins and ends, at size 1; known of marks.
    pub ink: Option<(f32, f32)>,
}

/// A font.
pub(super) struct Font {
    /// Whether its name says that it is bold.
    pub is_bold: bool,
    /// Height of its em, at size 1; differs from 1 in fonts that are drawn by content streams.
    pub em: f32,
    is_composite: bool,
    encoding: CMap,
    texts: HashMap<u32, String>,
    inks: HashMap<u32, (f32, f32)>,
    widths: HashMap<u32, f32>,
    default_width: f32,
}

impl Font {
    /// Reads a font; what it does not say is left open.
    pub fn read(file: &File, font: &Dictionary) -> Font {
        let map = |key: &[u8]| match file.get(font, key) {
            Some(Object::Stream(stream)) => file.contents(stream).map(|bytes| CMap::parse(&bytes)),
            _ => None,
        };
        let to_unicode = map(b"ToUnicode").unwrap_or_default();
        let name = file.name(font, b"BaseFont").unwrap_or_default();
        let mut read = Font {
            is_bold: is_bold(name),
            em: 1.0,
            is_composite: file.name(font, b"Subtype") == Some(b"Type0"),
            encoding: map(b"Encoding").unwrap_or_default(),
            texts: HashMap::new(),
            inks: HashMap::new(),
            widths: HashMap::new(),
            default_width: USUAL_WIDTH / 1000.0,
        };
        if read.is_composite {
            read.composite(file, font, &to_unicode);
        } else {
            read.simple(file, font, &to_unicode);
        }
        read
    }

    /// The glyphs that `bytes` show.
    pub fn show<'f>(&'f self, bytes: &'f [u8]) -> impl Iterator<Item = Shown<'f>> {
        let mut rest = bytes;
        std::iter::from_fn(move || {
            let (code, length) = match self.is_composite {
                true => self.encoding.code(rest, 2),
                false => (u32::from(*rest.first()?), 1),
            };
            rest = rest.get(length.max(1)..)?;
            Some(Shown {
                text: self.texts.get(&code).map(String::as_str),
                width: self.widths.get(&code).copied().unwrap_or(self.default_width),
                is_space: length == 1 && code == 32,
                ink: self.inks.get(&code).copied(),
            })
        })
    }

    fn simple(&mut self, file: &File, font: &Dictionary, to_unicode: &CMap) {
        let descriptor = file.dictionary(font, b"FontDescriptor");
        let mut scale = 0.001;
        if file.name(font, b"Subtype") == Some(b"Type3") {
            let matrix = file.numbers(font, b"FontMatrix").filter(|m| m.len() == 6);
            let matrix = matrix.unwrap_or_else(|| vec![0.001, 0.0, 0.0, 0.001, 0.0, 0.0]);
            scale = matrix[0].abs();
            let height =
                file.numbers(font, b"FontBBox").filter(|b| b.len() == 4).map_or(0.0, |b| b[3] - b[1]);
            self.em = if height > 0.0 { matrix[3].abs() * height } else { matrix[3].abs() * 1000.0 };
        }
        let missing = descriptor.and_then(|d| file.number(d, b"MissingWidth"));
        self.default_width = missing.unwrap_or(USUAL_WIDTH) * 0.001;
        let first = file.number(font, b"FirstChar").unwrap_or(0.0) as u32;
        if let Some(widths) = file.numbers(font, b"Widths") {
            self.widths = (first..=255).zip(widths.into_iter().map(|width| width * scale)).collect();
        }

        let named = self.named(file, font);
        let known = |code: u32| says(to_unicode, code).is_some();
        let is_open = (0..256).any(|code| !known(code) && !named.contains_key(&code));
        let program = descriptor.filter(|_| is_open).and_then(|descriptor| program(file, descriptor));
        let program = program.map(|bytes| Program::parse(&bytes)).unwrap_or_default();
        // Symbolic fonts have their own order; others, and those of the standard fourteen, follow the standard.
        let flags = descriptor.and_then(|d| file.number(d, b"Flags")).unwrap_or(0.0) as u32;
        let follows_standard = flags & 4 == 0 || descriptor.is_none();
        for code in 0..=255u8 {
            let of_map = says(to_unicode, code.into());
            let text = of_map
                .map(String::from)
                .or_else(|| named.get(&code.into()).cloned().flatten())
                .or_else(|| {
                    let is_named = named.contains_key(&code.into());
                    program.codes.get(&code).filter(|_| !is_named).cloned()
                })
                .or_else(|| {
                    let is_standard =
                        follows_standard && program.codes.is_empty() && !named.contains_key(&code.into());
                    names::encoded(b"StandardEncoding", code).filter(|_| is_standard).map(String::from)
                });
            if let Some(text) = text {
                self.texts.insert(code.into(), letters::fold(&text));
            }
        }
    }

    /// What the font's encoding says: codes with the text of their names, or with none where the name says nothing.
    fn named(&self, file: &File, font: &Dictionary) -> HashMap<u32, Option<String>> {
        let mut named = HashMap::new();
        let (base, differences) = match file.get(font, b"Encoding") {
            Some(Object::Name(name)) => (Some(name.as_slice()), None),
            Some(Object::Dictionary(encoding)) => {
                let differences = file.get(encoding, b"Differences").and_then(|d| d.as_array().ok());
                (file.name(encoding, b"BaseEncoding"), differences)
            }
            _ => (None, None),
        };
        if let Some(base) = base {
            let base = (0..=255u8).filter_map(|code| Some((u32::from(code), names::encoded(base, code)?)));
            named.extend(base.map(|(code, c)| (code, Some(c.to_string()))));
        }
        let mut code = 0u32;
        for item in differences.into_iter().flatten() {
            match file.resolve(item) {
                Some(Object::Name(name)) => {
                    named.insert(code, std::str::from_utf8(name).ok().and_then(names::text));
                    code += 1;
                }
                Some(number) => code = number.as_float().map_or(code, |n| n as u32),
                None => {}
            }
        }
        named
    }

    fn composite(&mut self, file: &File, font: &Dictionary, to_unicode: &CMap) {
        let descendants = file.get(font, b"DescendantFonts").and_then(|d| d.as_array().ok());
        let Some(Object::Dictionary(glyphs)) =
            descendants.and_then(|d| d.first()).and_then(|d| file.resolve(d))
        else {
            return;
        };
        self.default_width = file.number(glyphs, b"DW").unwrap_or(1000.0) * 0.001;
        let widths = widths(file, glyphs);
        let descriptor = file.dictionary(glyphs, b"FontDescriptor");
        // Codes are two bytes, and glyphs' numbers, in all but fonts for Chinese, Japanese and Korean.
        let glyph = |code: u32| self.encoding.glyph(code).unwrap_or(code);
        let own = widths.keys().copied().filter(|code| self.encoding.glyph(*code).is_none());
        let codes: BTreeSet<u32> = to_unicode.codes().chain(self.encoding.codes()).chain(own).collect();
        let mut unknown = Vec::new();
        for code in codes {
            if let Some(width) = widths.get(&glyph(code)) {
                self.widths.insert(code, *width);
            }
            match says(to_unicode, code) {
                Some(text) => {
                    self.texts.insert(code, letters::fold(text));
                }
                None if widths.contains_key(&glyph(code)) => unknown.push(code),
                None => {}
            }
        }
        let marks: Vec<u32> = self
            .texts
            .iter()
            .filter(|(_, text)| letters::is_all_marks(text))
            .map(|(code, _)| *code)
            .collect();
        let Some(descriptor) = descriptor.filter(|_| !unknown.is_empty() || !marks.is_empty()) else {
            return;
        };
        let to_glyph = match file.get(glyphs, b"CIDToGIDMap") {
            Some(Object::Stream(stream)) => file.contents(stream),
            _ => None,
        };
        let number = |code: u32| match &to_glyph {
            None => glyph(code),
            Some(map) => {
                let at = glyph(code) as usize * 2;
                map.get(at..at + 2).map_or(0, |b| u32::from(u16::from_be_bytes([b[0], b[1]])))
            }
        };
        let Some(bytes) = program(file, descriptor) else { return };
        if !marks.is_empty() {
            let marks: Vec<(u32, u32)> = marks.into_iter().map(|code| (code, number(code))).collect();
            self.inks = program::inks(&bytes, &marks);
        }
        if !unknown.is_empty() {
            let program = Program::parse(&bytes);
            for code in unknown {
                if let Some(text) = program.glyphs.get(&number(code)).filter(|t| letters::means_something(t))
                {
                    self.texts.insert(code, letters::fold(text));
                }
            }
        }
    }
}

/// What a map says of a code, unless that makes no sense. A map may say that a glyph stands for nothing of its own.
fn says(map: &CMap, code: u32) -> Option<&str> {
    map.text(code).filter(|text| text.is_empty() || letters::means_something(text))
}

fn is_bold(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_lowercase();
    ["bold", "black", "heavy"].iter().any(|word| name.contains(word))
}

fn program(file: &File, descriptor: &Dictionary) -> Option<Vec<u8>> {
    let keys: [&[u8]; 3] = [b"FontFile2", b"FontFile3", b"FontFile"];
    let stream = keys.into_iter().find_map(|key| file.get(descriptor, key)?.as_stream().ok());
    stream.and_then(|stream| file.contents(stream))
}

/// The widths of a composite font: `first [w w w]` and `first last w`.
fn widths(file: &File, font: &Dictionary) -> HashMap<u32, f32> {
    let mut widths = HashMap::new();
    let Some(Ok(array)) = file.get(font, b"W").map(Object::as_array) else { return widths };
    let mut items = array.iter().filter_map(|item| file.resolve(item));
    while let (Some(first), Some(second)) = (items.next(), items.next()) {
        let Ok(first) = first.as_float() else { continue };
        let first = first as u32;
        match second {
            Object::Array(list) => {
                let list =
                    list.iter().map(|w| file.resolve(w).and_then(|w| w.as_float().ok()).unwrap_or(0.0));
                widths.extend((first..=0xFFFF).zip(list.map(|width| width * 0.001)));
            }
            last => {
                let last = last.as_float().map_or(first, |last| (last as u32).min(0xFFFF));
                let width = items.next().and_then(|w| w.as_float().ok()).unwrap_or(0.0) * 0.001;
                widths.extend((first..=last).map(|code| (code, width)));
            }
        }
    }
    widths
}
