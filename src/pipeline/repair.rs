//! What is flagged is tried again, step by step, until the checks are content or the steps are used up.
//!
//! A step costs one more answer for the sentences that are still flagged and that it may help. What it brings is
//! taken only where the checks have less to say than before, so a repair never makes a sentence worse by what is
//! known of it. All answers go through the memory: a run that was stopped repairs as it would have.

use crate::inference::{DecodeOptions, Hypothesis};
use crate::memory::Memory;
use crate::numbers;
use crate::unit::{Attempt, Check, Finding, State, TranslationUnit};

use super::answer::{Answer, AnswerError, Answering, Configured, Cut, score_of};
use super::event::{Event, Observer};
use super::settle::Rules;

/// The least beam of the first steps: its hypotheses are looked through for one that the checks accept. Twice the beam of a
/// model that has 4 itself takes half as long again and mends no more.
const WIDER: usize = 4;
/// No n-gram of so many tokens twice. Names of three tokens do return.
const BANNED_NGRAM: usize = 4;
/// Sources of fewer tokens are not cut.
const MIN_CUT: usize = 10;

/// What is tried, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A wider beam, and its second-best answers.
    Beam,
    /// The same where terms of the glossary stand in the source in English, which models copy.
    Terms,
    /// The same where numbers and months that the target has not stand in digits and in English.
    Numbers,
    /// No repetition allowed.
    Ban,
    /// In two pieces or more.
    Cut,
    /// Another model.
    Second,
}

const STEPS: [Step; 6] = [Step::Beam, Step::Terms, Step::Numbers, Step::Ban, Step::Cut, Step::Second];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Step::Beam => "wider beam",
            Step::Terms => "terms in place",
            Step::Numbers => "numbers in place",
            Step::Ban => "repetition banned",
            Step::Cut => "in pieces",
            Step::Second => "second model",
        }
    }

    /// Whether it may help a sentence of so many tokens with these findings.
    fn suits(self, findings: &[Finding], tokens: usize) -> bool {
        let has = |checks: &[Check]| findings.iter().any(|f| checks.contains(&f.check));
        // No other answer of a model makes it know the language.
        if has(&[Check::Language]) || findings.iter().all(|finding| finding.check == Check::Dialect) {
            return false;
        }
        match self {
            Step::Beam | Step::Second => true,
            Step::Terms => has(&[Check::Glossary]),
            Step::Numbers => has(&[Check::Numbers]),
            Step::Ban => has(&[Check::Loop, Check::Truncated, Check::Length]),
            // A cut costs more than a term that is not as the glossary has it.
            Step::Cut => {
                let worth_it = findings.iter().any(|f| f.check != Check::Glossary);
                tokens >= MIN_CUT && worth_it && !has(&[Check::Quotes])
            }
        }
    }
}

/// Who repairs, and with what.
pub struct Repairing<'a> {
    /// The model that translated.
    pub model: Configured<'a>,
    /// Another one, for what the first cannot.
    pub second: Option<Configured<'a>>,
    /// By what the answers are judged.
    pub rules: Rules<'a>,
    /// What is known already.
    pub memory: &'a mut Memory,
    /// Who listens.
    pub observer: &'a dyn Observer,
}

impl Repairing<'_> {
    /// Tries to mend those of `units` that are flagged.
    pub fn repair(&mut self, units: &mut [&mut TranslationUnit]) -> Result<(), AnswerError> {
        for step in STEPS {
            if step == Step::Second && self.second.is_none() {
                continue;
            }
            let translator = self.model.translator;
            let (flagged, sources): (Vec<&mut TranslationUnit>, Vec<String>) = units
                .iter_mut()
                .filter(|unit| unit.state == State::Flagged)
                .filter(|unit| step.suits(&unit.findings, translator.count_tokens(&unit.source_normalized)))
                .filter_map(|unit| self.source(step, unit).map(|source| (&mut **unit, source)))
                .unzip();
            if flagged.is_empty() {
                continue;
            }
            let candidates = self.candidates(step, &sources)?;
            for ((unit, asked), candidates) in flagged.into_iter().zip(&sources).zip(candidates) {
                consider(unit, step, asked, candidates, self.rules);
            }
        }
        Ok(())
    }

    /// What the model is given to read: first the sentence alone, since it may know the terms; then with those that it did not,
    /// in English; from then on with all. None where the step has nothing to change.
    fn source(&self, step: Step, unit: &TranslationUnit) -> Option<String> {
        let source = &unit.source_normalized;
        let glossary = self.rules.glossary;
        let with_terms = || glossary.in_place(source, "").unwrap_or_else(|| source.clone());
        match step {
            Step::Beam => Some(source.clone()),
            Step::Terms => glossary.in_place(source, &unit.target),
            Step::Numbers => numbers::in_place(&with_terms(), &unit.target),
            Step::Ban | Step::Cut | Step::Second => Some(with_terms()),
        }
    }

    /// For each source what the step makes of it, the likeliest first; with how many pieces it was made of.
    fn candidates(
        &mut self,
        step: Step,
        sources: &[String],
    ) -> Result<Vec<Vec<(Hypothesis, usize)>>, AnswerError> {
        let sources: Vec<&str> = sources.iter().map(String::as_str).collect();
        let own = self.model;
        let beam = own.decode.beam.max(WIDER);
        let wider = DecodeOptions { beam, ..own.decode.clone() };
        let banned = DecodeOptions { no_repeat_ngram: BANNED_NGRAM, ..own.decode.clone() };
        let (model, cut) = match (step, self.second) {
            (Step::Second, Some(second)) => (second, Cut::Whole),
            (Step::Beam | Step::Terms | Step::Numbers, _) => {
                let rows = (own.rows * own.decode.beam.max(1) / beam).max(1);
                (Configured { decode: &wider, rows, ..own }, Cut::Whole)
            }
            (Step::Ban, _) => (Configured { decode: &banned, ..own }, Cut::Whole),
            (Step::Cut | Step::Second, _) => (own, Cut::Halves),
        };
        let tokens: Vec<usize> = sources.iter().map(|source| model.translator.count_tokens(source)).collect();
        let observer = &Tokens(self.observer);
        let mut answering = Answering { model, cut, memory: &mut *self.memory, observer };
        if matches!(step, Step::Beam | Step::Terms | Step::Numbers) {
            let all = answering.alternatives(&sources, &tokens)?;
            return Ok(all.into_iter().map(|all| all.into_iter().map(|h| (h, 1)).collect()).collect());
        }
        let one = |answer| match answer {
            Answer::Translated { hypothesis, pieces, .. } => vec![(hypothesis, pieces)],
            Answer::Failed { .. } => Vec::new(),
        };
        Ok(answering.answer(&sources, &tokens)?.into_iter().map(one).collect())
    }
}

/// Takes the best of `candidates`, answers to `asked`, if it is better than what the unit has, and writes down that it was tried.
fn consider(
    unit: &mut TranslationUnit,
    step: Step,
    asked: &str,
    candidates: Vec<(Hypothesis, usize)>,
    rules: Rules<'_>,
) {
    let checked = candidates.into_iter().map(|(hypothesis, pieces)| {
        let (target, mut findings) = rules.judge(&unit.source_normalized, asked, &hypothesis);
        findings.extend(still_left_out(unit, &hypothesis, &target));
        (hypothesis, pieces, target, findings)
    });
    // Of equals the first, which is the likeliest.
    let Some((hypothesis, pieces, target, findings)) = checked.min_by_key(|c| weight(&c.3)) else { return };
    let kept = weight(&findings) < weight(&unit.findings);
    let checks = findings.iter().map(|f| f.check).collect();
    unit.attempts.push(Attempt { step: step.name().into(), checks, kept });
    if kept {
        unit.score = Some(score_of(&hypothesis));
        unit.pieces = pieces;
        unit.target = target;
        unit.state = if findings.is_empty() { State::Repaired } else { State::Flagged };
        unit.findings = findings;
    }
}

/// What was left out is taken to be left out still by a model that does not tell what its words stand for, unless it says more.
fn still_left_out(unit: &TranslationUnit, hypothesis: &Hypothesis, target: &str) -> Option<Finding> {
    let words = |text: &str| text.split_whitespace().count();
    let is_told = !hypothesis.coverage.is_empty() || words(target) > words(&unit.target);
    unit.findings.iter().find(|finding| finding.check == Check::Coverage && !is_told).cloned()
}

/// How much findings say against a target: what makes it useless, what changes what it says, what makes one doubt it.
fn weight(findings: &[Finding]) -> u32 {
    let one = |finding: &Finding| match finding.check {
        Check::Empty | Check::Echo | Check::Language => 100,
        Check::Loop | Check::ArabicLeft | Check::Truncated => 20,
        Check::Length => 12,
        Check::Coverage | Check::Glossary => 8,
        Check::Numbers | Check::Negation | Check::Verbatim => 6,
        Check::LowProbability => 3,
        Check::Dialect => 2,
        Check::Quotes => 1,
    };
    findings.iter().map(one).sum()
}

/// Tells of tokens only: the sentences were told of when they were first translated.
pub(super) struct Tokens<'a>(pub &'a dyn Observer);

impl Observer for Tokens<'_> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::TargetTokens(_)) {
            self.0.event(event);
        }
    }

    fn cancelled(&self) -> &std::sync::atomic::AtomicBool {
        self.0.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{BlockKind, Span};
    use crate::glossary::Glossary;
    use crate::lang::Lang;

    const SOURCE: &str = "وقال الوزير الذي زار المدينة أمس مع وفد من خمسة وعشرين عضوا إن العمل يبدأ";
    const ASKED: &str = "وقال الوزير الذي زار المدينة أمس مع وفد من 25 عضوا إن العمل يبدأ";

    /// What is said of a sentence of which a clause is left out, after an answer to [`ASKED`] that tells so much of its words.
    fn findings_after(target: &str, coverage: Vec<f32>) -> Vec<Check> {
        let finding = |check| Finding { check, detail: String::new() };
        let mut unit = TranslationUnit {
            source_normalized: SOURCE.into(),
            target: "And the minister said the work now begins".into(),
            state: State::Flagged,
            findings: vec![finding(Check::Numbers), finding(Check::Coverage)],
            document: "report.txt".into(),
            index: 0,
            span: Span::new(0, SOURCE.len()),
            block: 0,
            kind: BlockKind::Paragraph,
            source: SOURCE.into(),
            reason: None,
            attempts: Vec::new(),
            reviewed: false,
            respelled: Vec::new(),
            pieces: 1,
            score: None,
        };
        let hypothesis = Hypothesis {
            text: target.into(),
            mean_log_prob: -0.4,
            min_log_prob: -2.0,
            tokens: 9,
            finished: true,
            coverage,
        };
        let (langs, glossary) = ([Lang::arabic()], Glossary::default());
        let rules = Rules { source_langs: &langs, target_lang: &Lang::english(), glossary: &glossary };
        consider(&mut unit, Step::Numbers, ASKED, vec![(hypothesis, 1)], rules);
        unit.findings.iter().map(|finding| finding.check).collect()
    }

    #[test]
    fn what_is_left_out_is_found_in_the_source_that_was_asked() {
        let left_out = |at: usize| if (2..9).contains(&at) { 0.05 } else { 1.2 };
        let target = "And the minister said 25 people begin";
        assert_eq!(findings_after(target, (0..14).map(left_out).collect()), [Check::Coverage]);
        assert_eq!(findings_after(target, vec![1.0; 14]), []);
    }

    #[test]
    fn who_does_not_tell_of_words_must_say_more() {
        assert_eq!(findings_after("And the minister said 25 people begin", Vec::new()), [Check::Coverage]);
        let more = "And the minister, who was in the city yesterday with 25 members, said that work begins";
        assert_eq!(findings_after(more, Vec::new()), []);
    }
}
