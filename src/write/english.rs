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

    fn path(&self, id: &str) -> PathBuf {
        links::output(id, "en.txt")
    }

    fn render(&self, doc: &TranslatedDocument) -> Result<Vec<u8>, WriteError> {
        let text = doc.document.text.as_str();
        let mut out = String::with_capacity(text.len());
        let (mut end, mut block) = (0, None);
        for unit in &doc.units {
            let gap = layout::slice(text, end, unit.span.start);
            if block == Some(unit.block) {
                push_within_block(gap, &mut out);
            } else {
                push_gap(gap, &mut out);
            }
            out.push_str(&words::english(unit));
            (end, block) = (unit.span.end, Some(unit.block));
        }
        push_gap(layout::slice(text, end, text.len()), &mut out);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        Ok(out.into_bytes())
    }
}

/// List markers, blank lines, code: as they stand, but for the controls that steer Arabic.
fn push_gap(gap: &str, out: &mut String) {
    out.extend(gap.chars().filter(|&c| !is_bidi_control(c)));
}

/// One space: English needs it even where the Arabic had none, and a hard line break means nothing in it. What is
/// more than space is kept.
fn push_within_block(gap: &str, out: &mut String) {
    out.push(' ');
    if gap.contains(char::is_alphanumeric) {
        push_gap(gap.trim(), out);
        out.push(' ');
    }
}
