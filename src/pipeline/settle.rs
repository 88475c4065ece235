//! A unit's way to its final state: copied at once, corrected by a person, or answered by a model and checked.

use crate::document::{Document, Segment};
use crate::glossary::Glossary;
use crate::inference::Hypothesis;
use crate::lang::{self, Lang};
use crate::memory::{Memory, MemoryError};
use crate::segment;
use crate::unit::{Finding, State, TranslationUnit};
use crate::verify;

use super::answer::{Answer, score_of};

/// The unit of a segment before any model is asked. Where there is nothing to translate it is final: its target is its
/// source, of Arabic with its digits in Western form, which is all that it may have of Arabic. Else it waits (see
/// [`TranslationUnit::is_waiting`]) to be settled.
pub fn unit_of(document: &Document, segment: Segment, langs: &[Lang]) -> TranslationUnit {
    let source = segment.span.of(&document.text);
    let source_normalized = segment::normalize(source);
    let waits = needs_translation(langs, &source_normalized);
    let copied = || {
        let copied = source.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_arabic(langs) { lang::western_digits(&copied) } else { copied }
    };
    TranslationUnit {
        document: document.id.clone(),
        index: segment.index,
        span: segment.span,
        block: segment.block,
        kind: document.blocks[segment.block].kind,
        source: source.to_string(),
        source_normalized,
        target: if waits { String::new() } else { copied() },
        state: if waits { State::Skipped } else { State::Copied },
        reason: None,
        findings: Vec::new(),
        attempts: Vec::new(),
        reviewed: false,
        respelled: Vec::new(),
        pieces: 0,
        score: None,
    }
}

/// Whether there is something in `text` for a model that reads `langs`. Models that read any language are asked for
/// Arabic, which is what this program is for.
pub(super) fn needs_translation(langs: &[Lang], text: &str) -> bool {
    if is_arabic(langs) { lang::has_arabic(text) } else { text.chars().any(char::is_alphabetic) }
}

/// Whether these are the languages of a model that is asked for Arabic.
fn is_arabic(langs: &[Lang]) -> bool {
    langs.is_empty() || langs.iter().any(Lang::is_arabic_script)
}

/// Settles those of `units` that a person has corrected, copied ones too: that outranks any model and any check.
pub fn correct<'u>(
    units: impl Iterator<Item = &'u mut TranslationUnit>,
    memory: &Memory,
) -> Result<(), MemoryError> {
    let is_open = |unit: &&mut TranslationUnit| unit.is_waiting() || unit.state == State::Copied;
    let mut open: Vec<&mut TranslationUnit> = units.filter(is_open).collect();
    let sources: Vec<&str> = open.iter().map(|unit| unit.source_normalized.as_str()).collect();
    let corrections = memory.corrections(&sources)?;
    for (unit, correction) in open.iter_mut().zip(corrections) {
        let Some(target) = correction else { continue };
        unit.target = target;
        unit.state = State::Translated;
        unit.reviewed = true;
    }
    Ok(())
}

/// By what targets are judged.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The languages that the model reads; none where it is asked for Arabic.
    pub source_langs: &'a [Lang],
    /// The language that models write.
    pub target_lang: &'a Lang,
    /// How terms are to be translated.
    pub glossary: &'a Glossary,
}

/// Gives a unit its target and its final state.
pub fn settle(unit: &mut TranslationUnit, answer: Answer, rules: Rules<'_>) {
    match answer {
        Answer::Failed { reason } => {
            unit.state = State::Skipped;
            unit.reason = Some(reason);
        }
        Answer::Translated { hypothesis, pieces, .. } => {
            (unit.target, unit.findings) =
                rules.judge(&unit.source_normalized, &unit.source_normalized, &hypothesis);
            unit.state = if unit.findings.is_empty() { State::Translated } else { State::Flagged };
            unit.score = Some(score_of(&hypothesis));
            unit.pieces = pieces;
        }
    }
}

impl Rules<'_> {
    /// The target as units have it, and what speaks against it. `asked` is what the model was given to read for `source`.
    pub(super) fn judge(self, source: &str, asked: &str, hypothesis: &Hypothesis) -> (String, Vec<Finding>) {
        let target = match self.target_lang.is_arabic_script() {
            true => hypothesis.text.clone(),
            false => lang::western_signs(&hypothesis.text),
        };
        let mut findings = verify::check(source, &target, Some(hypothesis));
        findings.extend(verify::coverage(asked, hypothesis));
        findings.extend(verify::terms(source, &target, self.glossary));
        findings.extend(verify::language(source, self.source_langs));
        findings.sort_by_key(|finding| finding.check);
        (target, findings)
    }
}
