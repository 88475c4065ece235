//! `NAME.en.txt`: the document in English, in the shape of the original.

use std::path::PathBuf;

use super::{DocumentWriter, WriteError, layout, links, words};
use crate::lang::is_bidi_control;
use crate::unit::TranslatedDocument;

pub(super) struct EnglishText;

impl DocumentWriter for EnglishText {
    fn name(&self) -> &'static str {
        "en.txt"
    }

    fn path(&self, doc: &TranslatedDocument) -> PathBuf {
        links::output(doc, "en.txt")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let text = doc.document.text.as_str();
        let mut out = String::with_capacity(text.len());
        let (mut end, mut block) = (0, None);
        for unit in &doc.units {
            let gap = layout::slice(text, end, unit.span.start);
            out.push_str(&if block == Some(unit.block) { gap_within_block(gap) } else { self::gap(gap) });
            out.push_str(&words::english(unit));
            (end, block) = (unit.span.end, Some(unit.block));
        }
        out.push_str(&gap(layout::slice(text, end, text.len())));
        if !out.ends_with('\n') {
            out.push('\n');
        }
        Ok(out.into_bytes())
    }
}

/// What stands in the English for a gap between blocks. List markers, blank lines, code: as they stand, but for the
/// controls that steer Arabic.
pub(super) fn gap(gap: &str) -> String {
    gap.chars().filter(|&c| !is_bidi_control(c)).collect()
}

/// What stands in the English for a gap between two sentences of a block. One space: English needs it even where the
/// Arabic had none, and a hard line break means nothing in it. What is more than space is kept.
pub(super) fn gap_within_block(gap: &str) -> String {
    if gap.contains(char::is_alphanumeric) { format!(" {} ", self::gap(gap.trim())) } else { " ".into() }
}
