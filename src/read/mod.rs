//! Bytes → [`Document`]: decodes a file, and finds what in it is prose and of what kind.
//!
//! One file a format ([`Format`]), and [`encoding`] shared by those that are plain text underneath. Nothing is
//! rewritten: the decoded text is kept as it is and blocks are byte ranges into it. A file that cannot be read
//! faithfully is an error that says why and what to do, never a document full of garbage.

mod codepage;
mod css;
mod docx;
mod eml;
pub mod encoding;
mod epub;
mod extract;
mod html;
mod jsonl;
mod lines;
mod md;
mod odt;
mod package;
mod pdf;
mod subtitles;
mod table;
mod txt;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::document::{Block, Document, Mark, Original, Part, TextEncoding};

/// Larger files are not reports; reading one would hold several copies of it in memory.
pub const MAX_BYTES: u64 = 512 << 20;

/// Why a file could not be made a document. Displays as one line; [`ReadError::hint`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// No bytes at all.
    #[error("{id}: the file is empty")]
    Empty {
        /// The document.
        id: String,
    },
    /// Only white space and invisible characters.
    #[error("{id}: the file holds nothing but white space")]
    Blank {
        /// The document.
        id: String,
    },
    /// More than [`MAX_BYTES`].
    #[error("{id}: the file has {} MiB, more than the limit of {} MiB", bytes >> 20, MAX_BYTES >> 20)]
    TooLarge {
        /// The document.
        id: String,
        /// Its size.
        bytes: u64,
    },
    /// Not text.
    #[error("{id}: this is {kind}, not a text file")]
    Binary {
        /// The document.
        id: String,
        /// What it looks like, with its article: `a PNG image`.
        kind: &'static str,
    },
    /// An archive of files, where one text is read.
    #[error("{id}: this is a ZIP archive, not a text file")]
    Archive {
        /// The document.
        id: String,
    },
    /// No encoding fits the bytes well enough to be trusted.
    #[error("{id}: cannot tell the text's encoding")]
    UnknownEncoding {
        /// The document.
        id: String,
        /// The least unlikely encoding, which was not trusted.
        guess: Option<String>,
    },
    /// `--encoding` names no known encoding.
    #[error("unknown encoding `{name}`")]
    UnknownEncodingName {
        /// As given.
        name: String,
        /// Known names that look like it.
        nearest: Vec<String>,
    },
    /// Too many characters cannot be decoded, so the encoding is wrong or the file is damaged.
    #[error("{id}: {undecodable} of {characters} characters cannot be decoded as {encoding}")]
    Undecodable {
        /// The document.
        id: String,
        /// The encoding tried.
        encoding: String,
        /// Characters that would stand as U+FFFD.
        undecodable: usize,
        /// All characters.
        characters: usize,
    },
    /// It decodes in the encoding the user gave, but hardly to Arabic.
    #[error("{id}: read as {encoding}, its letters do not make Arabic words")]
    Implausible {
        /// The document.
        id: String,
        /// The encoding given.
        encoding: String,
    },
    /// It decodes, but what is written in it was spoilt by an earlier program.
    #[error("{id}: {what}")]
    Garbled {
        /// The document.
        id: String,
        /// What is seen.
        what: &'static str,
    },
    /// A PDF that opens with a password only.
    #[error("{id}: the PDF is encrypted and needs a password")]
    Encrypted {
        /// The document.
        id: String,
    },
    /// A PDF in which not even the pages can be found.
    #[error("{id}: the PDF is damaged: no page can be found in it")]
    DamagedPdf {
        /// The document.
        id: String,
    },
    /// A document in an archive that opens with a password only.
    #[error("{id}: the document is encrypted and needs a password")]
    Locked {
        /// The document.
        id: String,
    },
    /// A book whose text its seller has encrypted.
    #[error("{id}: the book is protected against copying (DRM): its text is encrypted")]
    CopyProtected {
        /// The document.
        id: String,
    },
    /// A book of pictures.
    #[error("{id}: no page of the book has text ({pages} with pictures only)")]
    Pictures {
        /// The document.
        id: String,
        /// Pages with pictures.
        pages: usize,
    },
    /// A document in an archive that cannot be opened, or not wholly.
    #[error("{id}: the file is damaged: {what}")]
    Damaged {
        /// The document.
        id: String,
        /// Where, in one line.
        what: String,
    },
    /// `--fields` names a column or key that is not in the file.
    #[error("{id}: it has no column or key `{name}`")]
    UnknownField {
        /// The document.
        id: String,
        /// As given.
        name: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A file of JSON lines without one.
    #[error("{id}: no line of it is JSON")]
    NotJson {
        /// The document.
        id: String,
    },
    /// A PDF of pictures.
    #[error("{id}: no page of the PDF has a text layer ({pages} with pictures or drawings only)")]
    NoTextLayer {
        /// The document.
        id: String,
        /// Pages with pictures or drawings.
        pages: usize,
    },
    /// A PDF whose text is none.
    #[error("{id}: no page of the PDF can be read: {what}")]
    UnreadablePdf {
        /// The document.
        id: String,
        /// What is seen.
        what: &'static str,
    },
}

impl ReadError {
    /// What to do about it, or an empty string.
    pub fn hint(&self) -> String {
        match self {
            ReadError::Empty { .. } | ReadError::Blank { .. } => String::new(),
            ReadError::TooLarge { .. } => "split it into smaller files".into(),
            ReadError::Archive { .. } => {
                "give it to `tarjuman run` as a file whose name ends in .zip, which is looked into, or unpack it".into()
            }
            ReadError::Binary { .. } => "save or export it as plain text (UTF-8) and give that file".into(),
            ReadError::UnknownEncoding { guess: Some(guess), .. } => format!(
                "if it is {guess}, say --encoding {guess}; else name its encoding or convert the file to UTF-8"
            ),
            ReadError::UnknownEncoding { guess: None, .. } => {
                "name it with --encoding, or convert the file to UTF-8".into()
            }
            ReadError::UnknownEncodingName { nearest, .. } => {
                format!("did you mean {}?", nearest.join(", "))
            }
            ReadError::Undecodable { .. } | ReadError::Implausible { .. } => {
                "try another --encoding (or none, to have it detected), or get an undamaged copy".into()
            }
            ReadError::Garbled { .. } => "get the file as it was before that conversion".into(),
            ReadError::Encrypted { .. } => "save a copy without the password: qpdf --decrypt --password=… IN.pdf OUT.pdf".into(),
            ReadError::Locked { .. } => {
                "open it in the program it was made with and save a copy without the password".into()
            }
            ReadError::CopyProtected { .. } => {
                "get a copy without protection from its publisher or author".into()
            }
            ReadError::Pictures { .. } => {
                "recognise the text of its pictures first, for example with tesseract -l ara PICTURE OUT".into()
            }
            ReadError::DamagedPdf { .. } => {
                "open it in a PDF reader and save or print it as a new PDF, or get an undamaged copy".into()
            }
            ReadError::Damaged { .. } => {
                "open it in the program it was made with and save it again, or get an undamaged copy".into()
            }
            ReadError::UnknownField { known, .. } => fields_hint(known),
            ReadError::NotJson { .. } => {
                "one JSON value a line is read; jq -c . IN.json makes lines of other files".into()
            }
            ReadError::NoTextLayer { .. } => {
                "recognise its text first, for example with ocrmypdf -l ara IN.pdf OUT.pdf".into()
            }
            ReadError::UnreadablePdf { .. } => {
                "recognise the text of its pages, for example with ocrmypdf --force-ocr -l ara IN.pdf OUT.pdf, or get the file it was made from".into()
            }
        }
    }

    /// Whether the file was read well enough to know that there is nothing in it, which is no failure.
    pub fn is_nothing_to_translate(&self) -> bool {
        matches!(self, ReadError::Empty { .. } | ReadError::Blank { .. })
    }
}

/// The columns and keys that a file has, as far as a line holds them.
fn fields_hint(known: &[String]) -> String {
    const MOST: usize = 20;
    let shown: Vec<String> = known.iter().take(MOST).map(|name| crate::lang::shown(name)).collect();
    let rest = if known.len() > MOST { format!(" and {} others", known.len() - MOST) } else { String::new() };
    format!("it has {}{rest}; columns go by their numbers too, from 1 on", shown.join(", "))
}

/// What a person said of the files to be read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// `--encoding`, a WHATWG label, `mac-arabic` or `cp720`: overrides detection.
    pub encoding: Option<&'a str>,
    /// `--fields`: the columns of tables and keys of JSON lines that are translated; empty for all.
    pub fields: &'a [String],
}

/// A file format.
pub trait Format: Sync {
    /// Its name in outputs: `txt`.
    fn name(&self) -> &'static str;

    /// File-name extensions it goes by, lower-case, without the dot.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether a file is in this format. The default goes by the extension alone.
    fn accepts(&self, id: &str, bytes: &[u8]) -> bool {
        let _ = bytes;
        self.is_named(id)
    }

    /// Whether a file has one of the format's extensions.
    fn is_named(&self, id: &str) -> bool {
        extension(id).is_some_and(|e| self.extensions().contains(&e.as_str()))
    }

    /// Decodes `bytes` and finds the blocks. Formats that state their own encoding may leave the user's aside.
    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError>;
}

/// Asked in this order. Plain text comes last and also takes what no format accepts.
const FORMATS: [&dyn Format; 12] = [
    &pdf::Pdf,
    &docx::Docx,
    &odt::Odt,
    &epub::Epub,
    &eml::Eml,
    &html::Html,
    &subtitles::Srt,
    &subtitles::Vtt,
    &table::Table,
    &jsonl::JsonLines,
    &md::Markdown,
    &txt::PlainText,
];

/// Reads a file. The format follows from the id's extension and the bytes; text under an unknown extension (or
/// standard input) is read as plain text.
pub fn read(id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ReadError::TooLarge { id: id.into(), bytes: bytes.len() as u64 });
    }
    if bytes.is_empty() {
        return Err(ReadError::Empty { id: id.into() });
    }
    let format = FORMATS.into_iter().find(|f| f.accepts(id, bytes)).unwrap_or(&txt::PlainText);
    format.document(id, bytes, options)
}

/// Extensions of the formats that can be read, lower-case, without the dot.
pub fn extensions() -> Vec<&'static str> {
    FORMATS.iter().flat_map(|f| f.extensions()).copied().collect()
}

/// Whether a file of this name is picked up when a folder is walked.
pub fn is_readable(id: &str) -> bool {
    extension(id).is_some_and(|e| extensions().contains(&e.as_str()))
}

fn extension(id: &str) -> Option<String> {
    let name = id.rsplit('/').next().unwrap_or(id);
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty()).then(|| extension.to_lowercase())
}

/// What a reader found in a file.
struct Contents {
    encoding: TextEncoding,
    text: String,
    blocks: Vec<Block>,
    notes: Vec<String>,
    /// What the file in English is made of; nothing where there is none.
    parts: Vec<Part>,
    /// What is set apart inside of sentences.
    marks: Vec<Mark>,
}

impl Contents {
    fn document(self, format: &dyn Format, id: &str, bytes: &[u8]) -> Result<Document, ReadError> {
        let Contents { encoding, text, blocks, notes, parts, marks } = self;
        // What was left out is no white space: the notes say what there was.
        if text.chars().all(is_blank) && notes.is_empty() {
            return Err(ReadError::Blank { id: id.into() });
        }
        let original =
            (!parts.is_empty()).then(|| Box::new(Original { bytes: bytes.to_vec(), parts, marks }));
        let (digest, format) = (digest_of(bytes), format.name().into());
        Ok(Document { id: id.into(), digest, format, encoding, text, blocks, notes, original })
    }
}

/// The document of a format that is text underneath; `blocks` finds its structure.
fn text_document(
    id: &str,
    bytes: &[u8],
    options: ReadOptions<'_>,
    format: &dyn Format,
    blocks: fn(&str) -> Vec<Block>,
) -> Result<Document, ReadError> {
    let (text, encoding) = encoding::decode(id, bytes, options.encoding)?;
    let blocks = blocks(&text);
    Contents { encoding, text, blocks, notes: Vec::new(), parts: Vec::new(), marks: Vec::new() }
        .document(format, id, bytes)
}

/// SHA-256, lower-case hex.
fn digest_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// White space, and characters that show nothing.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || crate::lang::is_bidi_control(c) || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_unreadable_file_has_its_own_line_and_hint() {
        struct Case {
            bytes: Vec<u8>,
            line: &'static str,
            hint: bool,
        }
        let cases = [
            Case { bytes: vec![], line: "a.txt: the file is empty", hint: false },
            Case {
                bytes: " \r\n\u{200F}\u{A0}\n".into(),
                line: "a.txt: the file holds nothing but white space",
                hint: false,
            },
            Case {
                bytes: b"%PDF-1.7\n%\xE2\xE3".to_vec(),
                line: "a.txt: the PDF is damaged: no page can be found in it",
                hint: true,
            },
            Case {
                bytes: b"PK\x03\x04\x14\x00".to_vec(),
                line: "a.txt: this is a ZIP archive (or XLSX, or a damaged DOCX, ODT or EPUB), not a text file",
                hint: true,
            },
            Case {
                bytes: package::zipped(&[("a.txt", "نص")]),
                line: "a.txt: this is a ZIP archive, not a text file",
                hint: true,
            },
            Case {
                bytes: package::zipped(&[("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<x/>")]),
                line: "a.txt: this is a ZIP archive (or XLSX, or a damaged DOCX, ODT or EPUB), not a text file",
                hint: true,
            },
            Case {
                bytes: b"abc\0\0\x01\x02def".to_vec(),
                line: "a.txt: this is a binary file, not a text file",
                hint: true,
            },
        ];
        for case in cases {
            let error = read("a.txt", &case.bytes, ReadOptions::default()).unwrap_err();
            assert_eq!(error.to_string(), case.line);
            assert_eq!(!error.hint().is_empty(), case.hint, "{}", case.line);
            assert_eq!(error.is_nothing_to_translate(), !case.hint);
        }
    }

    #[test]
    fn extensions_choose_the_format_and_unknown_ones_are_plain_text() {
        let text = "# عنوان\n\nنص التقرير.".as_bytes();
        for (id, format) in
            [("a/b.md", "md"), ("B.MARKDOWN", "md"), ("a.txt", "txt"), ("stdin", "txt"), ("x.log", "txt")]
        {
            assert_eq!(read(id, text, ReadOptions::default()).unwrap().format, format, "{id}");
        }
        for (id, readable) in [
            ("a.TXT", true),
            ("a.text", true),
            ("d.md/a.pdf", true),
            ("a.docx", true),
            ("a.ODT", true),
            ("a.epub", true),
            ("a.srt", true),
            ("a.ndjson", true),
            ("a.xlsx", false),
            (".md", false),
            ("a", false),
        ] {
            assert_eq!(is_readable(id), readable, "{id}");
        }
    }

    #[test]
    fn the_digest_is_of_the_bytes() {
        let document = read("a.txt", b"abc", ReadOptions::default()).unwrap();
        assert_eq!(document.digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
