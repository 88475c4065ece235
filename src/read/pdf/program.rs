//! Font programs inside of a PDF, asked only where the PDF does not say itself what its codes stand for.

use std::collections::HashMap;

use ttf_parser::{Face, GlyphId, PlatformId, cff};

use super::names;

/// What the glyphs of an embedded font show.
#[derive(Debug, Default)]
pub(super) struct Program {
    /// By the codes of a simple font, in the program's own encoding.
    pub codes: HashMap<u8, String>,
    /// By glyph number.
    pub glyphs: HashMap<u32, String>,
}

impl Program {
    /// Reads a program of any kind; one that makes no sense knows nothing.
    pub fn parse(bytes: &[u8]) -> Program {
        if let Ok(face) = Face::parse(bytes, 0) {
            true_type(&face)
        } else if let Some(table) = cff::Table::parse(bytes) {
            compact(&table)
        } else {
            Program { codes: type1_encoding(bytes), glyphs: HashMap::new() }
        }
    }
}

/// Where the ink of glyphs begins and ends from their origin, at size 1, by the numbers a composite font has for them.
/// Marks have no width, and only their ink shows over which letter they stand.
pub(super) fn inks(bytes: &[u8], glyphs: &[(u32, u32)]) -> HashMap<u32, (f32, f32)> {
    let mut inks = HashMap::new();
    if let Ok(face) = Face::parse(bytes, 0) {
        let em = f32::from(face.units_per_em().max(1));
        for (code, glyph) in glyphs {
            let id = u16::try_from(*glyph).unwrap_or(0);
            if let Some(rect) = face.glyph_bounding_box(GlyphId(id)) {
                inks.insert(*code, (f32::from(rect.x_min) / em, f32::from(rect.x_max) / em));
            }
        }
    } else if let Some(table) = cff::Table::parse(bytes) {
        let by_number: HashMap<u32, GlyphId> = (0..table.number_of_glyphs())
            .map(|id| (u32::from(table.glyph_cid(GlyphId(id)).unwrap_or(id)), GlyphId(id)))
            .collect();
        for (code, glyph) in glyphs {
            let rect = by_number.get(glyph).and_then(|id| table.outline(*id, &mut Unseen).ok());
            if let Some(rect) = rect {
                inks.insert(*code, (f32::from(rect.x_min) / 1000.0, f32::from(rect.x_max) / 1000.0));
            }
        }
    }
    inks
}

/// Outlines are followed for their extent only.
struct Unseen;

impl ttf_parser::OutlineBuilder for Unseen {
    fn move_to(&mut self, _: f32, _: f32) {}
    fn line_to(&mut self, _: f32, _: f32) {}
    fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
    fn curve_to(&mut self, _: f32, _: f32, _: f32, _: f32, _: f32, _: f32) {}
    fn close(&mut self) {}
}

fn true_type(face: &Face<'_>) -> Program {
    let mut glyphs = HashMap::new();
    for id in 0..face.number_of_glyphs() {
        if let Some(text) = face.glyph_name(GlyphId(id)).and_then(names::text) {
            glyphs.insert(u32::from(id), text);
        }
    }
    let mut codes = HashMap::new();
    let tables = face.tables().cmap.into_iter().flat_map(|cmap| cmap.subtables);
    for table in tables {
        if table.is_unicode() {
            table.codepoints(|code| {
                let glyph = table.glyph_index(code);
                if let (Some(glyph), Some(c)) = (glyph, char::from_u32(code)) {
                    // A letter itself goes before its presentation forms, which fold to it anyway.
                    glyphs.entry(u32::from(glyph.0)).or_insert_with(|| c.to_string());
                }
            });
        } else if table.platform_id == PlatformId::Macintosh || table.platform_id == PlatformId::Windows {
            for code in 0..=255u8 {
                // Symbol fonts number their glyphs from U+F000.
                let glyph = [u32::from(code), 0xF000 + u32::from(code)]
                    .into_iter()
                    .find_map(|code| table.glyph_index(code))
                    .filter(|glyph| glyph.0 != 0);
                if let Some(glyph) = glyph {
                    codes.entry(code).or_insert(u32::from(glyph.0));
                }
            }
        }
    }
    let codes = codes.into_iter().filter_map(|(code, glyph)| Some((code, glyphs.get(&glyph)?.clone())));
    Program { codes: codes.collect(), glyphs }
}

fn compact(table: &cff::Table<'_>) -> Program {
    let name = |glyph| table.glyph_name(glyph).and_then(names::text);
    let glyphs = (0..table.number_of_glyphs()).filter_map(|id| Some((u32::from(id), name(GlyphId(id))?)));
    let codes = (0..=255u8).filter_map(|code| Some((code, name(table.glyph_index(code)?)?)));
    Program { codes: codes.collect(), glyphs: glyphs.collect() }
}

/// `dup 65 /A put`, in the part of a Type 1 font that is not encrypted.
fn type1_encoding(bytes: &[u8]) -> HashMap<u8, String> {
    let clear = bytes.windows(5).position(|w| w == b"eexec").unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(&bytes[..clear]);
    let Some((_, encoding)) = text.split_once("/Encoding") else { return HashMap::new() };
    if encoding.trim_start().starts_with("StandardEncoding") {
        let standard = |code| Some((code, names::encoded(b"StandardEncoding", code)?.to_string()));
        return (0..=255u8).filter_map(standard).collect();
    }
    let entry = |entry: &str| {
        let (code, rest) = entry.trim_start().split_once('/')?;
        let name = rest.split_whitespace().next()?;
        Some((code.trim().parse().ok()?, names::text(name)?))
    };
    encoding.split("dup ").skip(1).filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_of_a_type_1_font_is_read() {
        let codes = type1_encoding(
            b"%!FontType1\n/Encoding 256 array\n0 1 255 {1 index exch /.notdef put} for\ndup 65/alefarabic put\ndup \
            66 /fi put\ndup 67 /G20 put\nreadonly def currentfile eexec dup 68 /A put",
        );
        assert_eq!(codes.get(&65).map(String::as_str), Some("ا"));
        assert_eq!(codes.get(&66).map(String::as_str), Some("\u{FB01}"));
        assert_eq!(codes.len(), 2);
        assert_eq!(
            type1_encoding(b"/Encoding StandardEncoding def").get(&0xD0).map(String::as_str),
            Some("—")
        );
    }

    #[test]
    fn damaged_programs_know_nothing() {
        for bytes in [&b""[..], b"\x01\0\x04\x01", b"\0\x01\0\0\0\x09", b"true"] {
            let program = Program::parse(bytes);
            assert!(program.codes.is_empty() && program.glyphs.is_empty());
        }
    }
}
