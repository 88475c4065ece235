//! What is set apart inside of sentences (bold, a link) is translated by itself too, so that the writer of `original` can
//! find it in the sentence. It costs the model a few words a mark, and goes through the memory like all else.

use crate::document::{Document, Mark, Span};
use crate::lang::Lang;
use crate::names::Choices;
use crate::segment;
use crate::unit::{State, TranslationUnit};

use super::answer::{AnswerError, Answering};
use super::prepare::Pending;
use super::settle::needs_translation;

/// Whoever sets more words apart sets apart a sentence.
const MOST_WORDS: usize = 12;

/// Fills in what the marks of these documents may be called in English; `langs` are those that the model reads.
pub(super) fn name_marks(
    window: &mut [Pending],
    answering: &mut Answering<'_>,
    langs: &[Lang],
    names: &Choices,
) -> Result<(), AnswerError> {
    let mut places = Vec::new();
    let mut sources = Vec::new();
    for (d, Pending { document, units, .. }) in window.iter_mut().enumerate() {
        let Document { text, original: Some(original), .. } = document else { continue };
        for (m, mark) in original.marks.iter_mut().enumerate() {
            let Some(source) = source(mark, text, units) else { continue };
            if needs_translation(langs, &source) {
                places.push((d, m));
                sources.push(source);
            } else {
                mark.english = vec![source];
            }
        }
    }
    let tokens: Vec<usize> =
        sources.iter().map(|source| answering.model.translator.count_tokens(source)).collect();
    let all = answering.alternatives(&sources.iter().map(String::as_str).collect::<Vec<_>>(), &tokens)?;
    for (((d, m), source), hypotheses) in places.into_iter().zip(&sources).zip(all) {
        let Some(original) = &mut window[d].document.original else { continue };
        // The sentence has its names as they were chosen.
        let spelt = |target: String| names.apply(source, &target).map_or(target, |(spelt, _)| spelt);
        original.marks[m].english = hypotheses.into_iter().map(|hypothesis| spelt(hypothesis.text)).collect();
    }
    Ok(())
}

/// What the model is asked for: the words of a mark that is a part of one translated sentence.
fn source(mark: &Mark, text: &str, units: &[TranslationUnit]) -> Option<String> {
    let marked = mark.span.of(text);
    let start = mark.span.start + marked.len() - marked.trim_start().len();
    let span = Span::new(start, start + marked.trim().len());
    let unit = units.get(units.partition_point(|unit| unit.span.end <= span.start))?;
    let is_inside =
        unit.span.start <= span.start && span.end <= unit.span.end && span.len() < unit.span.len();
    if span.is_empty() || !is_inside || matches!(unit.state, State::Copied | State::Skipped) {
        return None;
    }
    let source = segment::normalize(span.of(text));
    let has_words = source.contains(char::is_alphanumeric);
    (has_words && source.split_whitespace().count() <= MOST_WORDS).then_some(source)
}
