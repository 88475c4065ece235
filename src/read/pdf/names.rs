//! Names of glyphs, and the encodings in which simple fonts number them.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::{Encoding, MACINTOSH, WINDOWS_1252};

/// A code point and its names a line: the part of the Adobe Glyph List for Latin, Greek and Arabic.
static NAMES: LazyLock<HashMap<&str, char>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for line in include_str!("glyphs.txt").lines() {
        let (code, rest) = line.split_once(' ').unwrap_or_default();
        if let Some(c) = u32::from_str_radix(code, 16).ok().and_then(char::from_u32) {
            names.extend(rest.split(' ').map(|name| (name, c)));
        }
    }
    names
});

/// The text that a glyph of this name shows: `alefarabic`, `uni0627`, `u1EE00`, `f_i`, `A.sc`.
pub(super) fn text(name: &str) -> Option<String> {
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    if let Some(c) = NAMES.get(name) {
        return Some(c.to_string());
    }
    if let Some(hex) = name.strip_prefix("uni")
        && hex.len() >= 4
        && hex.len().is_multiple_of(4)
        && hex.is_ascii()
    {
        let characters = (0..hex.len()).step_by(4).map(|at| hexadecimal(&hex[at..at + 4]));
        return characters.collect();
    }
    if let Some(hex) = name.strip_prefix('u')
        && (4..=6).contains(&hex.len())
        && let Some(c) = hexadecimal(hex)
    {
        return Some(c.to_string());
    }
    let parts: Option<String> = name.contains('_').then(|| name.split('_').map(text).collect())?;
    parts.filter(|text| !text.is_empty())
}

fn hexadecimal(digits: &str) -> Option<char> {
    let is_hex = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'A'..=b'F' | b'a'..=b'f'));
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex).and_then(char::from_u32)
}

/// The character of a code in an encoding that PDF names.
pub(super) fn encoded(encoding: &[u8], code: u8) -> Option<char> {
    let of = |table: &'static Encoding| table.decode_without_bom_handling(&[code]).0.chars().next();
    match encoding {
        b"WinAnsiEncoding" => of(WINDOWS_1252).filter(|c| !c.is_control()),
        b"MacRomanEncoding" => of(MACINTOSH).filter(|c| !c.is_control()),
        _ => standard(code),
    }
}

/// Adobe's standard encoding.
fn standard(code: u8) -> Option<char> {
    const UPPER: &str = "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ\0–†‡·\0¶•‚„”»…‰\0¿\0`´ˆ˜¯˘˙¨\0˚¸\0˝˛ˇ—";
    match code {
        b'\'' => Some('’'),
        b'`' => Some('‘'),
        0x20..=0x7E => Some(char::from(code)),
        0xA1..=0xD0 => UPPER.chars().nth(usize::from(code - 0xA1)).filter(|c| *c != '\0'),
        0xE1 => Some('Æ'),
        0xE3 => Some('ª'),
        0xE8 => Some('Ł'),
        0xE9 => Some('Ø'),
        0xEA => Some('Œ'),
        0xEB => Some('º'),
        0xF1 => Some('æ'),
        0xF5 => Some('ı'),
        0xF8 => Some('ł'),
        0xF9 => Some('ø'),
        0xFA => Some('œ'),
        0xFB => Some('ß'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_all_their_forms() {
        for (name, expected) in [
            ("alefarabic", Some("ا")),
            ("afii57415", Some("ا")),
            ("lamalefisolatedarabic", Some("\u{FEFB}")),
            ("uni06440627", Some("لا")),
            ("uniFE8D", Some("\u{FE8D}")),
            ("u1EE00", Some("\u{1EE00}")),
            ("f_f_i", Some("\u{FB03}")),
            ("A_T", Some("AT")),
            ("beharabic.init", Some("ب")),
            (".notdef", None),
            ("g231", None),
            ("uniXYZW", None),
            ("", None),
        ] {
            assert_eq!(text(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn encodings_differ_where_they_should() {
        assert_eq!(encoded(b"WinAnsiEncoding", 0x93), Some('“'));
        assert_eq!(encoded(b"MacRomanEncoding", 0xD2), Some('“'));
        assert_eq!(encoded(b"StandardEncoding", 0xAA), Some('“'));
        assert_eq!(encoded(b"StandardEncoding", 0xD0), Some('—'));
        assert_eq!(encoded(b"StandardEncoding", b'A'), Some('A'));
        assert_eq!(encoded(b"WinAnsiEncoding", 7), None);
    }
}
