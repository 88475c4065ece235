//! [`Document`] → [`Segment`]s: blocks cut into sentences without losing or changing a byte.
//!
//! Four subjects, one file each: `split` finds sentence ends (with `newswire` for those that no mark shows),
//! `normalise` prepares a sentence for the model, and `wrap` cuts one that is longer than the model takes.

mod newswire;
mod normalise;
mod split;
mod words;
mod wrap;

#[cfg(test)]
mod measure;

use crate::document::{Document, Segment, Span};

pub use normalise::normalize;
pub use wrap::wrap;

/// Changes whenever [`segment`] or [`normalize`] may give another result for the same text; part of the
/// translation memory's key.
pub const VERSION: u32 = 2;

/// The sentences of a document, in order. Each lies within one block, is not empty and has no white space at its
/// ends; what lies between them (markers, line breaks, code) are the gaps, and gaps and segments joined are the
/// text. Blocks without a letter or digit give no segment.
pub fn segment(document: &Document) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (block, span) in document.blocks.iter().map(|b| b.span).enumerate() {
        let Some(text) = document.text.get(span.range()) else { continue };
        for sentence in split::sentences(text) {
            let span = Span::new(span.start + sentence.start, span.start + sentence.end);
            segments.push(Segment { index: segments.len(), span, block });
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Block, BlockKind, EncodingSource, TextEncoding};

    #[test]
    fn segments_stay_in_their_blocks_and_are_trimmed() {
        let text = "- أول. ثانٍ. \n\n---\n * ثالث ";
        let block = |from: &str, to: &str| {
            let start = text.find(from).unwrap();
            Block { kind: BlockKind::ListItem, span: Span::new(start, text.find(to).unwrap() + to.len()) }
        };
        let document = Document {
            id: "a.md".into(),
            digest: String::new(),
            format: "md".into(),
            encoding: TextEncoding {
                name: "UTF-8".into(),
                source: EncodingSource::ValidUtf8,
                undecodable: 0,
            },
            text: text.into(),
            blocks: vec![block("أول", "ثانٍ. "), block("---", "---"), block("ثالث", "ثالث ")],
            notes: Vec::new(),
            original: None,
        };
        let segments = segment(&document);
        let found: Vec<_> = segments.iter().map(|s| (s.index, s.block, s.span.of(text))).collect();
        assert_eq!(found, [(0, 0, "أول."), (1, 0, "ثانٍ."), (2, 2, "ثالث")]);
    }
}
