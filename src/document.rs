//! A document as plain data: the decoded text, and what kind of text stands where.
//!
//! Nothing is copied or rewritten: blocks and segments are byte ranges into [`Document::text`], so that every
//! sentence can be shown where it stood and joining gaps and segments gives the text back exactly.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// A half-open byte range into a document's decoded text, always on character boundaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end);
        Span { start, end }
    }

    /// The text it covers.
    pub fn of<'t>(&self, text: &'t str) -> &'t str {
        &text[self.range()]
    }

    /// As a range, for slicing.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether it covers nothing.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// What a stretch of text is in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// The document's title.
    Title,
    /// A heading below the title; 1 is the highest level.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// One item of a list, without its marker.
    ListItem,
    /// One cell of a table.
    TableCell,
    /// Text under a picture or table.
    Caption,
    /// One subtitle.
    Cue,
}

/// A stretch of text that is translated as prose. Markers (`#`, `- `), code and blank lines lie between blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where it stands.
    pub span: Span,
}

/// How the text's encoding was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodingSource {
    /// The file begins with a byte-order mark.
    ByteOrderMark,
    /// The bytes are valid UTF-8 (ASCII included).
    ValidUtf8,
    /// Guessed from the bytes' statistics.
    Detected,
    /// The file says it itself and its text bears it out, or its format leaves no choice.
    Declared,
    /// Given by the user with `--encoding`.
    Given,
}

/// The encoding a document was decoded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextEncoding {
    /// WHATWG name, e.g. `UTF-8`, `windows-1256`.
    pub name: String,
    /// How it was found.
    pub source: EncodingSource,
    /// How many characters could not be decoded and stand as U+FFFD.
    pub undecodable: usize,
}

impl TextEncoding {
    /// Of formats that leave no choice, or have several texts in them.
    pub fn utf8() -> Self {
        TextEncoding { name: "UTF-8".into(), source: EncodingSource::Declared, undecodable: 0 }
    }
}

/// A file's text and structure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Path relative to the folder given on the command line, with `/` between parts; `stdin` for standard input.
    pub id: String,
    /// SHA-256 of the file's bytes, lower-case hex.
    pub digest: String,
    /// Name of the format it was read as: `txt`, `html`, `pdf` ….
    pub format: String,
    /// The encoding it was decoded from.
    pub encoding: TextEncoding,
    /// The decoded text, without a byte-order mark and otherwise untouched.
    pub text: String,
    /// What is to be translated: in order, not overlapping.
    pub blocks: Vec<Block>,
    /// What a reader must know of how it was read: pages that are missing, what was left out. One line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The file behind the text, where it is another; none for plain text.
    #[serde(skip)]
    pub original: Option<Box<Original>>,
}

/// The file of a document whose text is not the file itself (a web page, an archive of XML), and what in it shows which
/// part of the text: what the same file in English is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The file as it was read.
    pub bytes: Vec<u8>,
    /// The texts inside of it; or what it is made of, one behind the other, where it is text itself.
    pub parts: Vec<Part>,
    /// What it sets apart inside of sentences, in order.
    pub marks: Vec<Mark>,
}

/// Text within a line that a format sets apart: bold, a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where it stands in [`Document::text`].
    pub span: Span,
    /// What it may be called in English, the likeliest first; filled in once its sentence is translated.
    pub english: Vec<String>,
}

/// A text of an [`Original`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The archive's entry that it is; empty where it is the file or a stretch of it.
    pub entry: String,
    /// Decoded.
    pub text: String,
    /// How text is written in it.
    pub notation: Notation,
    /// What becomes of it in English: in order, not overlapping; all else stays.
    pub edits: Vec<Edit>,
}

impl Part {
    /// The file itself.
    pub fn whole(text: String, notation: Notation, edits: Vec<Edit>) -> Self {
        Part { entry: String::new(), text, notation, edits }
    }
}

/// How a format writes text among its own signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// As it is.
    Plain,
    /// Markdown: `\*`, but in code.
    Markdown,
    /// HTML and XML: `&amp;`.
    Markup,
    /// A field of a table, in quotation marks where it had some or needs them.
    Field {
        /// What separates it from the next.
        delimiter: char,
    },
    /// A field of a table without quotation: on one line, without tabs.
    BareField,
    /// Inside of a JSON string: `\"`.
    Json,
    /// The text of a subtitle: short lines.
    Subtitle,
    /// The same, with `&amp;` as in WebVTT.
    MarkedSubtitle,
}

/// A stretch of a [`Part`] that is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where it stands in the part's text.
    pub at: Span,
    /// With what.
    pub with: Written,
}

/// What an [`Edit`] puts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// The English of this span of [`Document::text`].
    Text(Span),
    /// Always this: `ltr`.
    Always(&'static str),
    /// A sign of the text around which it stands, such as the asterisks of bold words.
    Sign {
        /// That text, in [`Document::text`].
        of: Span,
        /// Whether it stands behind it.
        closes: bool,
        /// What it is where some English is in there; none if it stays.
        filled: Option<String>,
        /// What it is where there is none.
        empty: String,
    },
}

/// One sentence (or heading, or item): the unit of translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Position among the document's segments, from 0.
    pub index: usize,
    /// Where it stands in the text; never empty, and without white space at its ends.
    pub span: Span,
    /// Index of its block.
    pub block: usize,
}
