//! Two Arabic code pages that encoding_rs does not know: Mac OS Arabic and MS-DOS 720. Files of the 1990s that
//! analysts still meet; the tables are small, so they are decoded rather than refused.
//!
//! Bytes below 0x80 are ASCII in both. Sources: Unicode's `VENDORS/APPLE/ARABIC.TXT` (whose right-to-left copies
//! of ASCII punctuation become the plain characters, as in Python's `mac_arabic`) and Microsoft's code page 720.

/// A code page: its name, the labels it also goes by, and the characters of bytes 0x80 to 0xFF.
pub struct CodePage {
    /// As recorded in outputs.
    pub name: &'static str,
    /// Other labels, lower-case.
    pub labels: &'static [&'static str],
    high: &'static [char; 128],
}

/// Both code pages.
pub static CODE_PAGES: [CodePage; 2] = [
    CodePage { name: "mac-arabic", labels: &["x-mac-arabic", "macarabic", "mac_arabic"], high: &MAC_ARABIC },
    CodePage { name: "cp720", labels: &["ibm720", "dos-720", "dos720", "720"], high: &CP720 },
];

impl CodePage {
    /// The text of `bytes`; undefined bytes become U+FFFD.
    pub fn decode(&self, bytes: &[u8]) -> String {
        bytes.iter().map(|&b| if b < 0x80 { b as char } else { self.high[b as usize - 0x80] }).collect()
    }
}

#[rustfmt::skip]
static MAC_ARABIC: [char; 128] = [
    'Ä', '\u{A0}', 'Ç', 'É', 'Ñ', 'Ö', 'Ü', 'á', 'à', 'â', 'ä', 'ں', '«', 'ç', 'é', 'è',
    'ê', 'ë', 'í', '…', 'î', 'ï', 'ñ', 'ó', '»', 'ô', 'ö', '÷', 'ú', 'ù', 'û', 'ü',
    ' ', '!', '"', '#', '$', '٪', '&', '\'', '(', ')', '*', '+', '،', '-', '.', '/',
    '٠', '١', '٢', '٣', '٤', '٥', '٦', '٧', '٨', '٩', ':', '؛', '<', '=', '>', '؟',
    '❊', 'ء', 'آ', 'أ', 'ؤ', 'إ', 'ئ', 'ا', 'ب', 'ة', 'ت', 'ث', 'ج', 'ح', 'خ', 'د',
    'ذ', 'ر', 'ز', 'س', 'ش', 'ص', 'ض', 'ط', 'ظ', 'ع', 'غ', '[', '\\', ']', '^', '_',
    'ـ', 'ف', 'ق', 'ك', 'ل', 'م', 'ن', 'ه', 'و', 'ى', 'ي', '\u{64B}', '\u{64C}', '\u{64D}', '\u{64E}', '\u{64F}',
    '\u{650}', '\u{651}', '\u{652}', 'پ', 'ٹ', 'چ', 'ە', 'ڤ', 'گ', 'ڈ', 'ڑ', '{', '|', '}', 'ژ', 'ے',
];

#[rustfmt::skip]
static CP720: [char; 128] = [
    '\u{FFFD}', '\u{FFFD}', 'é', 'â', '\u{FFFD}', 'à', '\u{FFFD}', 'ç', 'ê', 'ë', 'è', 'ï', 'î', '\u{FFFD}', '\u{FFFD}', '\u{FFFD}',
    '\u{FFFD}', '\u{651}', '\u{652}', 'ô', '¤', 'ـ', 'û', 'ù', 'ء', 'آ', 'أ', 'ؤ', '£', 'إ', 'ئ', 'ا',
    'ب', 'ة', 'ت', 'ث', 'ج', 'ح', 'خ', 'د', 'ذ', 'ر', 'ز', 'س', 'ش', 'ص', '«', '»',
    '░', '▒', '▓', '│', '┤', '╡', '╢', '╖', '╕', '╣', '║', '╗', '╝', '╜', '╛', '┐',
    '└', '┴', '┬', '├', '─', '┼', '╞', '╟', '╚', '╔', '╩', '╦', '╠', '═', '╬', '╧',
    '╨', '╤', '╥', '╙', '╘', '╒', '╓', '╫', '╪', '┘', '┌', '█', '▄', '▌', '▐', '▀',
    'ض', 'ط', 'ظ', 'ع', 'غ', 'ف', 'µ', 'ق', 'ك', 'ل', 'م', 'ن', 'ه', 'و', 'ى', 'ي',
    '≡', '\u{64B}', '\u{64C}', '\u{64D}', '\u{64E}', '\u{64F}', '\u{650}', '≈', '°', '∙', '·', '√', 'ⁿ', '²', '■', '\u{A0}',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_decode() {
        let [mac, dos] = &CODE_PAGES;
        assert_eq!(mac.decode(b"\xC3\xE3\xCB\xD1\xA0\xE5\xE6\xA0623\xAC"), "أكثر من 623،");
        assert_eq!(dos.decode(b"\x9F\xE9\xE3\xA9\xA0\xEF\xA1"), "العربية");
        assert_eq!(dos.decode(b"\x80"), "\u{FFFD}");
    }
}
