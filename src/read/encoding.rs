//! Bytes → text: finds the encoding, says how it was found, and refuses rather than guess wrongly.
//!
//! In order: the user's word, a byte-order mark, UTF-16 by its statistics, valid UTF-8, slightly damaged UTF-8,
//! then the legacy Arabic encodings. Those map the same bytes to different letters, so each is decoded and
//! scored by how well its letters fit the letter frequencies of Arabic; chardetng is asked about the rest, and
//! believed only where the text is Latin with some accents. A wrong encoding is otherwise invisible: it yields
//! valid text that no reader and no model understands.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, ISO_8859_6, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1256};

use super::codepage::{CODE_PAGES, CodePage};
use super::{ReadError, package};
use crate::document::{EncodingSource, TextEncoding};
use crate::lang::{has_arabic, is_arabic_diacritic, is_arabic_letter};

/// Bytes that are looked at to detect an encoding; the whole is decoded.
const SAMPLE: usize = 256 << 10;

/// Bytes that are taken into the sample of a legacy encoding, or left out of it, together.
const CHUNK: usize = 1 << 10;

/// More undecodable characters than this share of those outside ASCII mean that the encoding is wrong: markup is the same
/// in all of them.
const MAX_UNDECODABLE: f64 = 0.15;

/// So many undecodable characters may be stray bytes in a text that is ASCII otherwise, if they are not a tenth of it.
const STRAY: usize = 8;

/// The text of `bytes` without a byte-order mark, and its encoding. `given` is the user's `--encoding`; a
/// byte-order mark outranks it only in the same family (`utf-16` takes its byte order from the mark).
pub fn decode(id: &str, bytes: &[u8], given: Option<&str>) -> Result<(String, TextEncoding), ReadError> {
    if package::is_of_files(bytes) {
        return Err(ReadError::Archive { id: id.into() });
    }
    if let Some(kind) = binary_kind(bytes) {
        return Err(ReadError::Binary { id: id.into(), kind });
    }
    let (charset, source) = match given {
        Some(label) => (given_charset(label, bytes)?, EncodingSource::Given),
        None => detect(id, bytes)?,
    };
    let (text, undecodable) = charset.decode(bytes);
    let characters = text.chars().count();
    let outside = text.chars().filter(|c| !c.is_ascii()).count();
    let is_much = undecodable > STRAY && undecodable as f64 > MAX_UNDECODABLE * outside as f64;
    if is_much || undecodable * 10 > characters {
        return Err(ReadError::Undecodable {
            id: id.into(),
            encoding: charset.name().into(),
            undecodable,
            characters,
        });
    }
    if charset.is_legacy_arabic() && source == EncodingSource::Given && is_implausible(&text) {
        return Err(ReadError::Implausible { id: id.into(), encoding: charset.name().into() });
    }
    if let Some(what) = garbled(&text) {
        return Err(ReadError::Garbled { id: id.into(), what });
    }
    Ok((text, TextEncoding { name: charset.name().into(), source, undecodable }))
}

/// As [`decode`], for a file that says its encoding itself, or has it said by the mail that it is in. Programs write
/// `iso-8859-1` or `utf-8` without looking at the text, so `declared`, a label, is believed where the bytes bear it out: an
/// Arabic encoding that makes Arabic words, or any other if what is found in the bytes is no Arabic.
pub(super) fn decode_declared(
    id: &str,
    bytes: &[u8],
    given: Option<&str>,
    declared: Option<&str>,
) -> Result<(String, TextEncoding), ReadError> {
    let declared = declared.filter(|_| given.is_none() && std::str::from_utf8(bytes).is_err());
    let Some(label) = declared else { return decode(id, bytes, given) };
    let is_arabic = |label: &str| Charset::for_label(label).is_ok_and(Charset::is_legacy_arabic);
    let named = decode(id, bytes, Some(label))
        .map(|(text, encoding)| (text, TextEncoding { source: EncodingSource::Declared, ..encoding }));
    if is_arabic(label) && named.is_ok() {
        return named;
    }
    let found = decode(id, bytes, None);
    match &found {
        Ok((text, _)) if has_arabic(text) => found,
        // Arabic, only not clear in which encoding: the label is wrong all the same.
        Err(ReadError::UnknownEncoding { guess: Some(guess), .. }) if is_arabic(guess) => found,
        _ => named.or(found),
    }
}

/// The name under which an encoding is recorded, for checking `--encoding` before a run starts.
pub fn canonical_name(label: &str) -> Result<&'static str, ReadError> {
    Charset::for_label(label).map(Charset::name)
}

/// An encoding that can be decoded.
#[derive(Clone, Copy)]
enum Charset {
    Whatwg(&'static Encoding),
    CodePage(&'static CodePage),
}

impl Charset {
    fn for_label(label: &str) -> Result<Charset, ReadError> {
        let label = label.trim().to_lowercase();
        let page = CODE_PAGES.iter().find(|p| p.name == label || p.labels.contains(&label.as_str()));
        if let Some(page) = page {
            return Ok(Charset::CodePage(page));
        }
        match Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding != REPLACEMENT => Ok(Charset::Whatwg(encoding)),
            _ => Err(ReadError::UnknownEncodingName { nearest: nearest_names(&label), name: label }),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Charset::Whatwg(encoding) => encoding.name(),
            Charset::CodePage(page) => page.name,
        }
    }

    fn is_legacy_arabic(self) -> bool {
        match self {
            Charset::Whatwg(encoding) => encoding == WINDOWS_1256 || encoding == ISO_8859_6,
            Charset::CodePage(_) => true,
        }
    }

    /// The text without a byte-order mark, and how many characters were put in for undecodable bytes.
    fn decode(self, bytes: &[u8]) -> (String, usize) {
        let (text, had_errors) = match self {
            Charset::CodePage(page) => (page.decode(bytes), true),
            Charset::Whatwg(encoding) => {
                let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
                (text.into_owned(), had_errors)
            }
        };
        let undecodable = if had_errors { text.matches('\u{FFFD}').count() } else { 0 };
        (text, undecodable)
    }
}

/// Names offered when a label is unknown: those this program is likely to be used with.
const OFFERED: [&str; 12] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1256",
    "iso-8859-6",
    "mac-arabic",
    "cp720",
    "windows-1252",
    "windows-1254",
    "windows-1251",
    "iso-8859-15",
    "iso-8859-9",
];

fn nearest_names(label: &str) -> Vec<String> {
    let mut names = OFFERED.map(|name| (strsim::damerau_levenshtein(label, name), name));
    names.sort();
    names.iter().take(3).map(|(_, name)| name.to_string()).collect()
}

fn given_charset(label: &str, bytes: &[u8]) -> Result<Charset, ReadError> {
    let charset = Charset::for_label(label)?;
    let is_utf16 = matches!(charset, Charset::Whatwg(e) if e == UTF_16LE || e == UTF_16BE);
    match Encoding::for_bom(bytes) {
        Some((marked, _)) if is_utf16 && marked != UTF_8 => Ok(Charset::Whatwg(marked)),
        _ => Ok(charset),
    }
}

fn detect(id: &str, bytes: &[u8]) -> Result<(Charset, EncodingSource), ReadError> {
    let whatwg = |encoding, source| Ok((Charset::Whatwg(encoding), source));
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return whatwg(encoding, EncodingSource::ByteOrderMark);
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    // Before UTF-8: Arabic in UTF-16 without a mark is made of bytes below 0x80 and so is also valid UTF-8.
    if let Some(encoding) = utf16_without_mark(sample) {
        return whatwg(encoding, EncodingSource::Detected);
    }
    if is_binary(sample) {
        return Err(ReadError::Binary { id: id.into(), kind: "a binary file" });
    }
    if std::str::from_utf8(bytes).is_ok() {
        return whatwg(UTF_8, EncodingSource::ValidUtf8);
    }
    if is_damaged_utf8(bytes) {
        return whatwg(UTF_8, EncodingSource::Detected);
    }
    legacy(&telling(bytes))
        .map(|charset| (charset, EncodingSource::Detected))
        .map_err(|guess| ReadError::UnknownEncoding { id: id.into(), guess: guess.map(String::from) })
}

/// Formats known by their first bytes.
fn binary_kind(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 18] = [
        (b"PK\x03\x04", "a ZIP archive (or XLSX, or a damaged DOCX, ODT or EPUB)"),
        (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old Office file (DOC, XLS, MSG)"),
        (b"{\\rtf", "an RTF file"),
        (b"\x89PNG", "a PNG image"),
        (b"\xFF\xD8\xFF", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"RIFF", "a media file"),
        (b"ID3", "an MP3 file"),
        (b"OggS", "an Ogg file"),
        (b"\x1F\x8B", "a gzip archive"),
        (b"BZh", "a bzip2 archive"),
        (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
        (b"Rar!", "a RAR archive"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\x7FELF", "a program"),
        (b"\xFF\xFE\0\0", "text in UTF-32, or a binary file"),
    ];
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind)
}

/// NUL bytes, or more control characters than stray ones.
fn is_binary(sample: &[u8]) -> bool {
    let control = |b: &&u8| matches!(b, 0x01..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    sample.contains(&0) || sample.iter().filter(control).count() * 50 > sample.len()
}

/// UTF-16 without a byte-order mark: in the right byte order nearly every unit is ASCII, Arabic or common
/// punctuation, in the wrong one nearly none is.
fn utf16_without_mark(sample: &[u8]) -> Option<&'static Encoding> {
    // ASCII has a byte 0x00 in every unit, and Arabic nearly always 0x06. Without them, signs and spaces in turn (`> > >`)
    // would pass for the punctuation of U+20xx.
    if sample.len() < 4 || !sample.iter().any(|byte| matches!(byte, 0x00 | 0x06)) {
        return None;
    }
    let plausible = |unit: u16| {
        matches!(unit,
            0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0xA0..=0xFF
            | 0x0600..=0x06FF | 0x0750..=0x077F | 0x2000..=0x206F | 0xFB50..=0xFDFF | 0xFE70..=0xFEFF)
    };
    let share = |unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = sample.as_chunks::<2>();
        pairs.iter().filter(|pair| plausible(unit(**pair))).count() as f64 / pairs.len() as f64
    };
    let (little, big) = (share(u16::from_le_bytes), share(u16::from_be_bytes));
    match () {
        () if little > 0.95 && big < 0.5 => Some(UTF_16LE),
        () if big > 0.95 && little < 0.5 => Some(UTF_16BE),
        () => None,
    }
}

/// UTF-8 with a few broken bytes (cut at the end, or joined from parts): nearly all bytes outside ASCII belong
/// to well-formed sequences, which does not happen by chance.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut well_formed, mut broken) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        well_formed += chunk.valid().bytes().filter(|b| *b >= 0x80).count();
        broken += chunk.invalid().len();
    }
    well_formed >= 8 && broken * 20 < well_formed
}

/// What tells one legacy encoding from another: the chunks that are not ASCII alone, from the whole of the file, since
/// Arabic may begin behind a long log or many rows of numbers.
fn telling(bytes: &[u8]) -> Vec<u8> {
    let chunks: Vec<&[u8]> = bytes.chunks(CHUNK).filter(|chunk| !chunk.is_ascii()).collect();
    let step = chunks.len().div_ceil(SAMPLE / CHUNK).max(1);
    chunks.into_iter().step_by(step).flatten().copied().collect()
}

/// The legacy encoding of `sample`, or the best guess that is not to be trusted.
fn legacy(sample: &[u8]) -> Result<Charset, Option<&'static str>> {
    let [mac_arabic, cp720] = CODE_PAGES.each_ref().map(Charset::CodePage);
    // ISO-8859-6 and Mac Arabic share their letters; only Mac Arabic has 0xA0 as the space between Arabic words.
    let count = |byte| sample.iter().filter(|b| **b == byte).count();
    let iso = if count(0xA0) > count(b' ') { mac_arabic } else { Charset::Whatwg(ISO_8859_6) };
    // Ties go to the first.
    let candidates = [Charset::Whatwg(WINDOWS_1256), iso, mac_arabic, cp720];
    let mut scored = candidates.map(|charset| {
        let text = charset.decode(sample).0;
        (arabic_fit(&text), charset, text)
    });
    scored.sort_by(|a, b| b.0.total_cmp(&a.0)); // stable
    let (fit, best, text) = &scored[0];
    if *fit > MIN_ARABIC_FIT {
        let characters = text.chars().filter(|c| !c.is_ascii()).count() as f64;
        let letters = |text: &str| text.replace('\u{A0}', " ");
        let rival = scored[1..].iter().find(|(.., other)| letters(other) != letters(text));
        let lead = rival.map_or(f64::INFINITY, |(rival_fit, ..)| (fit - rival_fit) * characters);
        return if lead > MIN_LEAD { Ok(*best) } else { Err(Some(best.name())) };
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let guess = detector.guess(None, Utf8Detection::Deny);
    let (text, had_errors) = guess.decode_without_bom_handling(sample);
    if !had_errors && is_accented_latin(&text) { Ok(Charset::Whatwg(guess)) } else { Err(Some(guess.name())) }
}

/// Mean natural-log probability below which the letters are not taken for Arabic. Real Arabic lies near -2.9,
/// Arabic in a wrong code page below -4.
const MIN_ARABIC_FIT: f64 = -3.7;

/// Whether text in an encoding that the user vouches for is still nothing like Arabic (nor like Persian or Urdu,
/// whose letters fit less well). `--encoding` is given for a whole folder, and one file may differ.
pub(super) fn is_implausible(text: &str) -> bool {
    let letters = text.chars().filter(|c| !c.is_ascii() && !c.is_whitespace()).count();
    letters >= 20 && arabic_fit(text) < MIN_ARABIC_FIT - 0.8
}

/// How much likelier than the next the best reading must be, in natural-log units over the whole sample: in a few
/// letters the encodings cannot be told apart.
const MIN_LEAD: f64 = 8.0;

/// Mean natural-log probability of the characters outside ASCII under the letter frequencies of Arabic; spaces
/// count for nothing. Minus infinity where there are none, or where they do not stand in words.
fn arabic_fit(text: &str) -> f64 {
    let (mut sum, mut count, mut letters, mut words) = (0.0, 0usize, 0usize, 0usize);
    let mut in_word = false;
    for c in text.chars() {
        let is_letter = is_arabic_letter(c);
        words += usize::from(is_letter && !in_word);
        in_word = is_letter || is_arabic_diacritic(c) || c == '\u{0640}';
        if c.is_ascii() || c.is_whitespace() {
            continue;
        }
        letters += usize::from(is_letter);
        sum += character_probability(c).ln();
        count += 1;
    }
    let in_words = letters * 10 >= count * 6 && letters * 2 >= words * 5;
    if count > 0 && in_words { sum / count as f64 } else { f64::NEG_INFINITY }
}

/// Frequencies of the letters from U+0621 to U+063A and U+0641 to U+064A in 900 000 letters of modern standard
/// Arabic (news and encyclopaedia), in hundredths of a per cent.
const LETTERS: [u16; 26] = [
    34, 10, 204, 10, 83, 39, 1466, 357, 334, 479, 62, 146, 172, 82, 301, 56, 469, 62, 257, 96, 89, 64, 99,
    21, 303, 52,
];
const LETTERS_FROM_FEH: [u16; 10] = [247, 208, 220, 1126, 630, 542, 191, 522, 85, 792];

fn character_probability(c: char) -> f64 {
    let hundredths = match c {
        '\u{0621}'..='\u{063A}' => f64::from(LETTERS[c as usize - 0x621]),
        '\u{0641}'..='\u{064A}' => f64::from(LETTERS_FROM_FEH[c as usize - 0x641]),
        '\u{0640}' | '\u{064B}'..='\u{0652}' => 10.0,
        '،' | '؛' | '؟' | '«' | '»' | '“' | '”' | '‘' | '’' | '–' | '—' | '…' | '•' | '٪' => {
            50.0
        }
        '٠'..='٩' | '۰'..='۹' => 50.0,
        c if is_arabic_letter(c) => 1.0,
        '\u{FFFD}' => 0.01,
        _ => 0.1,
    };
    hundredths / 10_000.0
}

/// Latin text with some letters outside ASCII: Western European files among the Arabic ones.
pub(super) fn is_accented_latin(text: &str) -> bool {
    let (mut ascii, mut accented, mut odd) = (0usize, 0usize, 0usize);
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphabetic() => ascii += 1,
            '\u{C0}'..='\u{24F}' => accented += 1,
            '\u{A0}'..='\u{BF}' | '\u{2010}'..='\u{2044}' | '€' | '™' => {}
            c if c.is_ascii() => {}
            _ => odd += 1,
        }
    }
    odd == 0 && accented * 3 < ascii
}

/// Text that was spoilt before it came here: it is valid, so nothing else would notice.
fn garbled(text: &str) -> Option<&'static str> {
    let (mut letters, mut arabic) = (0usize, 0usize);
    let (mut latin_lead, mut arabic_lead, mut lost, mut question, mut shown) =
        (0usize, 0usize, 0usize, 0usize, 0usize);
    for c in text.chars() {
        shown += usize::from(!c.is_whitespace());
        match c {
            'Ø' | 'Ù' => latin_lead += 1,
            'ط' | 'ظ' => arabic_lead += 1,
            '\u{FFFD}' => lost += 1,
            '?' => question += 1,
            _ => {}
        }
        letters += usize::from(c.is_alphabetic());
        arabic += usize::from(is_arabic_letter(c));
    }
    if latin_lead >= 8 && latin_lead * 10 >= letters * 3 {
        Some("the Arabic was spoilt when UTF-8 was read as windows-1252 and saved again (Ø§Ù„…)")
    } else if arabic_lead >= 12 && arabic_lead * 10 >= arabic * 3 {
        Some("the Arabic was spoilt when UTF-8 was read as windows-1256 and saved again (ط§ظ„…)")
    } else if lost * 10 > shown {
        Some("much of the text was replaced by \u{FFFD} when it was saved")
    } else if question >= 8 && question * 2 > shown {
        Some("the text was replaced by question marks when it was saved")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "أعلنت وزارة الصحة، يوم الثلاثاء 12 آذار 2019، أن عدد المصابين بلغ 1,250 شخصاً في مدينة حلب؛ \
        وأضافت: هل تكفي المشافي؟ لا.";
    const SHORT: &str = "تقرير عن الوضع الإنساني";

    fn encoded(text: &str, name: &str) -> Vec<u8> {
        match name {
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "mac-arabic" | "cp720" => {
                let page = CODE_PAGES.iter().find(|p| p.name == name).unwrap();
                // The last byte that stands for a character: Mac Arabic writes right-to-left spaces as 0xA0.
                let byte = |c: char| (0..=255u8).rev().find(|b| page.decode(&[*b]).starts_with(c));
                text.chars().map(|c| byte(c).unwrap_or(b'?')).collect()
            }
            _ => Encoding::for_label(name.as_bytes()).unwrap().encode(text).0.into_owned(),
        }
    }

    #[test]
    fn encodings_are_detected_and_recorded() {
        use EncodingSource::*;
        struct Case {
            encoding: &'static str,
            prefix: &'static [u8],
            source: EncodingSource,
            name: &'static str,
        }
        let cases = [
            Case { encoding: "utf-8", prefix: b"", source: ValidUtf8, name: "UTF-8" },
            Case { encoding: "utf-8", prefix: b"\xEF\xBB\xBF", source: ByteOrderMark, name: "UTF-8" },
            Case { encoding: "utf-16le", prefix: b"\xFF\xFE", source: ByteOrderMark, name: "UTF-16LE" },
            Case { encoding: "utf-16be", prefix: b"\xFE\xFF", source: ByteOrderMark, name: "UTF-16BE" },
            Case { encoding: "utf-16le", prefix: b"", source: Detected, name: "UTF-16LE" },
            Case { encoding: "utf-16be", prefix: b"", source: Detected, name: "UTF-16BE" },
            Case { encoding: "windows-1256", prefix: b"", source: Detected, name: "windows-1256" },
            Case { encoding: "iso-8859-6", prefix: b"", source: Detected, name: "ISO-8859-6" },
            Case { encoding: "mac-arabic", prefix: b"", source: Detected, name: "mac-arabic" },
            Case { encoding: "cp720", prefix: b"", source: Detected, name: "cp720" },
        ];
        for case in cases {
            for text in [REPORT, SHORT] {
                // Code page 720 has no Arabic punctuation.
                let text =
                    if case.name == "cp720" { text.replace(['،', '؛', '؟'], ".") } else { text.into() };
                let bytes = [case.prefix, &encoded(&text, case.encoding)].concat();
                let (decoded, encoding) = decode("a.txt", &bytes, None).unwrap();
                assert_eq!(encoding.name, case.name, "{text}");
                assert_eq!(encoding.source, case.source, "{}", case.name);
                assert_eq!(decoded, text, "{}", case.name);
                assert_eq!(encoding.undecodable, 0);
            }
        }
    }

    #[test]
    fn a_given_encoding_outranks_detection() {
        let bytes = encoded(REPORT, "windows-1256");
        let (text, encoding) = decode("a.txt", &bytes, Some("CP1256")).unwrap();
        assert_eq!(
            (text.as_str(), encoding.name.as_str(), encoding.source),
            (REPORT, "windows-1256", EncodingSource::Given)
        );
        let error = decode("a.txt", &bytes, Some("utf-8")).unwrap_err();
        assert!(matches!(error, ReadError::Undecodable { .. }), "{error}");
        let error = decode("a.txt", &encoded(REPORT, "iso-8859-6"), Some("windows-1256")).unwrap_err();
        assert!(matches!(error, ReadError::Implausible { .. }), "{error}");
    }

    #[test]
    fn signs_and_spaces_in_turn_are_no_utf16() {
        for text in ["> ".repeat(500) + "نص", "- ".repeat(40), "نعم\n".to_string() + &". ".repeat(500)] {
            assert_eq!(decode("a.txt", text.as_bytes(), None).unwrap().1.name, "UTF-8", "{text}");
        }
    }

    #[test]
    fn utf16_as_given_takes_its_byte_order_from_the_mark() {
        let bytes = [&b"\xFE\xFF"[..], &encoded(SHORT, "utf-16be")].concat();
        assert_eq!(decode("a.txt", &bytes, Some("utf-16")).unwrap().0, SHORT);
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_nearest_names() {
        let error = decode("a.txt", b"abc", Some("windows1256")).unwrap_err();
        assert_eq!(error.to_string(), "unknown encoding `windows1256`");
        assert!(error.hint().contains("windows-1256"), "{}", error.hint());
        assert_eq!(canonical_name("arabic").unwrap(), "ISO-8859-6");
    }

    #[test]
    fn undecodable_characters_are_counted() {
        let mut bytes = REPORT.as_bytes().to_vec();
        bytes.truncate(bytes.len() - 2); // cuts the last letter in two
        let (text, encoding) = decode("a.txt", &bytes, None).unwrap();
        assert_eq!((encoding.name.as_str(), encoding.source), ("UTF-8", EncodingSource::Detected));
        assert_eq!(encoding.undecodable, 1);
        assert!(text.ends_with('\u{FFFD}'));
    }

    #[test]
    fn french_is_read_and_unclear_bytes_are_refused() {
        let french = "Le ministère de la Santé a publié un communiqué à Beyrouth, après l'été.";
        let (text, encoding) = decode("a.txt", &encoded(french, "windows-1252"), None).unwrap();
        assert_eq!((text.as_str(), encoding.name.as_str()), (french, "windows-1252"));

        for bytes in [
            encoded("Министерство здравоохранения сообщило о положении", "windows-1251"),
            (0x80..=0xFF).collect(),
        ] {
            let error = decode("a.txt", &bytes, None).unwrap_err();
            assert!(matches!(error, ReadError::UnknownEncoding { .. }), "{error}");
            assert!(error.hint().contains("--encoding"));
        }
    }

    #[test]
    fn arabic_behind_much_ascii_is_detected() {
        let line = "2020-01-01 00:00:00 INFO worker started, nothing to report\n";
        let log = line.repeat(SAMPLE / line.len() + 1).into_bytes();
        // A foreign letter early in the file says nothing of what comes later.
        for first in [&b""[..], b"caf\xE9\n"] {
            for name in ["windows-1256", "ISO-8859-6"] {
                let bytes = [first, &log, &encoded(REPORT, name)].concat();
                let (text, encoding) = decode("a.txt", &bytes, None).unwrap();
                assert_eq!(encoding.name, name);
                assert!(text.ends_with(REPORT));
            }
        }
        assert!(telling(&[0xE9; SAMPLE + 5]).len() <= SAMPLE);
    }

    #[test]
    fn a_declared_encoding_is_believed_where_the_text_bears_it_out() {
        use EncodingSource::*;
        const FRENCH: &str = "Le ministère de la Santé a publié un communiqué à Beyrouth, après l'été.";
        const RUSSIAN: &str =
            "Министерство здравоохранения сообщило о положении в больницах города, сказал врач.";
        struct Case {
            text: &'static str,
            encoding: &'static str,
            declared: &'static [&'static str],
            source: EncodingSource,
        }
        let cases = [
            Case { text: REPORT, encoding: "windows-1256", declared: &["windows-1256"], source: Declared },
            Case {
                text: REPORT,
                encoding: "windows-1256",
                declared: &["iso-8859-1", "us-ascii", "windows-1252", "utf-8", "iso-8859-6", "koi8-r"],
                source: Detected,
            },
            Case {
                text: REPORT,
                encoding: "ISO-8859-6",
                declared: &["windows-1256", "iso-8859-1", "utf-8"],
                source: Detected,
            },
            Case { text: REPORT, encoding: "UTF-8", declared: &["windows-1256", "utf-8"], source: ValidUtf8 },
            // What is in no Arabic stays what it says that it is.
            Case { text: FRENCH, encoding: "windows-1252", declared: &["iso-8859-1"], source: Declared },
            Case { text: RUSSIAN, encoding: "windows-1251", declared: &["windows-1251"], source: Declared },
            Case { text: RUSSIAN, encoding: "KOI8-R", declared: &["koi8-r"], source: Declared },
        ];
        for case in cases {
            for declared in case.declared {
                // Markup is ASCII, and says nothing.
                for text in [case.text.to_owned(), "<div class='menu'>".repeat(200) + case.text] {
                    let bytes = encoded(&text, case.encoding);
                    let (decoded, found) = decode_declared("a.html", &bytes, None, Some(declared)).unwrap();
                    assert_eq!(
                        (decoded.as_str(), found.name.as_str(), found.source),
                        (text.as_str(), case.encoding, case.source),
                        "{declared}"
                    );
                }
            }
        }
        // The user's word outranks it.
        let bytes = encoded(REPORT, "windows-1256");
        let (_, found) = decode_declared("a.html", &bytes, Some("windows-1256"), Some("utf-8")).unwrap();
        assert_eq!(found.source, Given);
        // In a few letters one Arabic encoding looks as the other, and both unlike what is declared.
        let error = decode_declared("a.eml", &encoded("شكرا لكم", "iso-8859-6"), None, Some("us-ascii"));
        assert!(matches!(error, Err(ReadError::UnknownEncoding { .. })), "{error:?}");
    }

    #[test]
    fn markup_hides_no_wrong_encoding() {
        let bytes = encoded(&("<div class='menu'>".repeat(200) + REPORT), "windows-1256");
        let error = decode("a.html", &bytes, Some("utf-8")).unwrap_err();
        assert!(matches!(error, ReadError::Undecodable { .. }), "{error}");
        let stray = [&b"a"[..], &b"nothing to report\n".repeat(9), b"\xE9"].concat();
        assert_eq!(decode("a.txt", &stray, Some("utf-8")).unwrap().1.undecodable, 1);
    }

    #[test]
    fn text_spoilt_by_an_earlier_conversion_is_refused() {
        for label in ["windows-1252", "windows-1256"] {
            let twice =
                Encoding::for_label(label.as_bytes()).unwrap().decode(REPORT.as_bytes()).0.into_owned();
            let error = decode("a.txt", twice.as_bytes(), None).unwrap_err();
            assert!(error.to_string().contains(label), "{error}");
        }
        assert!(decode("a.txt", "???? ?????? ??? ????".as_bytes(), None).is_err());
    }
}
