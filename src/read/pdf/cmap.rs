//! Character maps: which bytes make one code, and what a code stands for.

use std::collections::HashMap;

use super::syntax::{Operand, Operators};

/// Codes that a map may name; ranges beyond it are cut. No font has more glyphs.
const MAX_CODES: usize = 1 << 17;

/// A `ToUnicode` map, or the map of codes to glyphs of a composite font.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// Length in bytes, first and last code of each range of codes.
    spaces: Vec<(usize, u32, u32)>,
    unicode: HashMap<u32, String>,
    /// Glyphs (CIDs) by their codes.
    glyphs: HashMap<u32, u32>,
}

impl CMap {
    /// Reads a map; what is damaged in it is left out.
    pub fn parse(bytes: &[u8]) -> CMap {
        let mut map = CMap::default();
        let mut operators = Operators::new(bytes);
        while let Some(operator) = operators.next() {
            let operands = &operators.operands;
            match operator {
                b"endcodespacerange" => {
                    for [low, high] in operands.as_chunks::<2>().0 {
                        if let (Some(bytes), Some(high)) = (low.text(), code(high)) {
                            map.spaces.push((bytes.len().clamp(1, 4), number(bytes), high));
                        }
                    }
                }
                b"endbfchar" => {
                    for [from, to] in operands.as_chunks::<2>().0 {
                        if let (Some(from), Some(to)) = (code(from), to.text()) {
                            map.insert(from, utf16(to));
                        }
                    }
                }
                b"endbfrange" => {
                    for [first, last, to] in operands.as_chunks::<3>().0 {
                        if let (Some(first), Some(last)) = (code(first), code(last)) {
                            map.insert_range(first, last, to);
                        }
                    }
                }
                b"endcidchar" => {
                    for [from, to] in operands.as_chunks::<2>().0 {
                        if let (Some(from), Some(to)) = (code(from), to.number()) {
                            map.insert_glyphs(from, from, to as u32);
                        }
                    }
                }
                b"endcidrange" => {
                    for [first, last, to] in operands.as_chunks::<3>().0 {
                        if let (Some(first), Some(last), Some(to)) = (code(first), code(last), to.number()) {
                            map.insert_glyphs(first, last, to as u32);
                        }
                    }
                }
                _ => {}
            }
        }
        map
    }

    fn insert(&mut self, code: u32, text: String) {
        if self.unicode.len() < MAX_CODES {
            self.unicode.insert(code, text);
        }
    }

    fn insert_glyphs(&mut self, first: u32, last: u32, glyph: u32) {
        let room = MAX_CODES.saturating_sub(self.glyphs.len());
        self.glyphs.extend((first..=last).take(room).zip(glyph..));
    }

    fn insert_range(&mut self, first: u32, last: u32, to: &Operand) {
        let last = last.min(first.saturating_add(0xFFFF));
        match to {
            Operand::Array(texts) => {
                for (code, text) in (first..=last).zip(texts) {
                    self.insert(code, utf16(text.text().unwrap_or_default()));
                }
            }
            Operand::Text(start) => {
                let mut bytes = start.clone();
                for code in first..=last {
                    self.insert(code, utf16(&bytes));
                    // The last unit counts up, over its two bytes.
                    for byte in bytes.iter_mut().rev().take(2) {
                        *byte = byte.wrapping_add(1);
                        if *byte != 0 {
                            break;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The text of a code, if the map has one.
    pub fn text(&self, code: u32) -> Option<&str> {
        self.unicode.get(&code).map(String::as_str)
    }

    /// The glyph (CID) of a code.
    pub fn glyph(&self, code: u32) -> Option<u32> {
        self.glyphs.get(&code).copied()
    }

    /// All codes that it knows something of.
    pub fn codes(&self) -> impl Iterator<Item = u32> {
        self.unicode.keys().chain(self.glyphs.keys()).copied()
    }

    /// The first code in `bytes` and its length; `default` bytes where no range of codes fits.
    pub fn code(&self, bytes: &[u8], default: usize) -> (u32, usize) {
        for length in 1..=bytes.len().min(4) {
            let code = number(&bytes[..length]);
            if self.spaces.iter().any(|(l, low, high)| *l == length && (low..=high).contains(&&code)) {
                return (code, length);
            }
        }
        let length = default.min(bytes.len());
        (number(&bytes[..length]), length)
    }
}

fn code(operand: &Operand) -> Option<u32> {
    operand.text().filter(|bytes| (1..=4).contains(&bytes.len())).map(number)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// UTF-16 in the order of PDF, with or without a byte-order mark; a single byte is a character of Latin-1.
pub(super) fn utf16(bytes: &[u8]) -> String {
    match bytes {
        [byte] => char::from(*byte).to_string(),
        _ => {
            let bytes = bytes.strip_prefix(b"\xFE\xFF").unwrap_or(bytes);
            let units: Vec<u16> =
                bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_texts_and_glyphs() {
        // On one line, as some programs write it.
        let map = CMap::parse(
            b"1 begincodespacerange <0000> <FFFF> endcodespacerange 2 beginbfchar <0003> <0020> <0004> <06440627> \
            endbfchar 2 beginbfrange <0010> <0012> <06FE> <0020> <0021> [<0041> <D835DC00>] endbfrange \
            1 begincidrange <0100> <01FF> 7 endcidrange",
        );
        for (code, text) in [
            (3, Some(" ")),
            (4, Some("لا")),
            (0x10, Some("\u{6FE}")),
            (0x12, Some("\u{700}")),
            (0x21, Some("\u{1D400}")),
            (0x22, None),
        ] {
            assert_eq!(map.text(code), text, "{code:x}");
        }
        assert_eq!((map.glyph(0x102), map.glyph(2)), (Some(9), None));
        assert_eq!((map.code(b"\x01\x02\x03", 1), map.code(b"\x01", 2)), ((0x102, 2), (1, 1)));
    }

    #[test]
    fn a_hostile_range_is_cut() {
        let map = CMap::parse(b"1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange");
        assert!(map.unicode.len() <= 0x10000);
    }
}
