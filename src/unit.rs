//! The unit of trust: one source sentence, its translation, and everything known about how it came to be.

use serde::{Deserialize, Serialize};

use crate::brief::Brief;
use crate::document::{BlockKind, Document, Span};
use crate::names::Respelling;

/// The one final state of a unit. Every unit of a run ends in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Translated, and no check fired.
    Translated,
    /// A check fired, and a repair removed its cause.
    Repaired,
    /// A check fired and still stands: a person should look.
    Flagged,
    /// Nothing to translate (no text in the source language): the target is the source.
    Copied,
    /// Not translated, for the reason given; the target is empty.
    Skipped,
}

impl State {
    /// All states, in the order they are listed for people.
    pub const ALL: [State; 5] =
        [State::Translated, State::Repaired, State::Flagged, State::Copied, State::Skipped];

    /// The name used in every output.
    pub fn name(self) -> &'static str {
        match self {
            State::Translated => "translated",
            State::Repaired => "repaired",
            State::Flagged => "flagged",
            State::Copied => "copied",
            State::Skipped => "skipped",
        }
    }
}

/// Which check fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The target is empty or white space.
    Empty,
    /// Arabic letters are left in the target.
    ArabicLeft,
    /// A phrase is repeated as models do when they loop.
    Loop,
    /// The target is far too short or too long for its source.
    Length,
    /// A number, currency or day of the source is missing in the target, or the other way round.
    Numbers,
    /// A negation is lost, or one came in.
    Negation,
    /// A name, code or address in Latin letters is lost.
    Verbatim,
    /// Words of the source for which nothing stands in the target.
    Coverage,
    /// Quotation marks do not pair.
    Quotes,
    /// The model was stopped by the length limit before it ended the sentence.
    Truncated,
    /// The model had no confidence in what it wrote.
    LowProbability,
    /// The target repeats its source or the prompt instead of translating.
    Echo,
    /// A term is not translated as the glossary says.
    Glossary,
    /// The source is in another language than the model reads.
    Language,
    /// The source has words of a dialect.
    Dialect,
}

impl Check {
    /// The name in data: `units.jsonl`, `translate --jsonl`, properties of TMX. Whatever is for readers calls checks by the
    /// words of `write::words`.
    pub fn name(self) -> &'static str {
        match self {
            Check::Empty => "empty",
            Check::ArabicLeft => "arabic_left",
            Check::Loop => "loop",
            Check::Length => "length",
            Check::Numbers => "numbers",
            Check::Negation => "negation",
            Check::Verbatim => "verbatim",
            Check::Coverage => "coverage",
            Check::Quotes => "quotes",
            Check::Truncated => "truncated",
            Check::LowProbability => "low_probability",
            Check::Echo => "echo",
            Check::Glossary => "glossary",
            Check::Language => "language",
            Check::Dialect => "dialect",
        }
    }
}

/// A check that fired, with the evidence in words a reader understands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// What was seen, e.g. `25 is missing in the translation`.
    pub detail: String,
}

/// How much a person should doubt a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Nothing speaks against it.
    Low,
    /// It was mended, or the model was less sure than of most.
    Medium,
    /// A check stands against it, it is missing, or the model guessed.
    High,
}

impl Risk {
    /// The name used in every output.
    pub fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        }
    }
}

/// Mean log-probabilities a token below which a target is doubted, and doubted much. Of 1,200 sentences of the fallback
/// model a tenth lies below the second, with chrF 34 where the mean is 45, and three tenths below the first, with chrF 38
/// (docs/trust.md). A new adapter has a scale of its own: `benches/risk.py` measures it.
const UNSURE: f32 = -0.81;
const GUESSED: f32 = -0.97;

/// How much a person should doubt a document: how many of its sentences are of each risk, and what that comes to.
/// Copied sentences do not count: there was nothing to translate in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRisk {
    /// What it comes to.
    pub level: Risk,
    /// Sentences of high risk.
    pub high: usize,
    /// Sentences of medium risk.
    pub medium: usize,
    /// Sentences of low risk.
    pub low: usize,
}

impl DocumentRisk {
    /// The risk of a document of these units: high where one sentence in four is of high risk, medium where one in ten is.
    pub fn of(units: &[TranslationUnit]) -> Self {
        let risks: Vec<Risk> =
            units.iter().filter(|unit| unit.state != State::Copied).map(TranslationUnit::risk).collect();
        let count = |risk| risks.iter().filter(|r| **r == risk).count();
        let (high, medium, low) = (count(Risk::High), count(Risk::Medium), count(Risk::Low));
        // Shares, so that the length of a report does not decide; docs/trust.md has what they were measured on.
        let level = match high {
            n if n * 10 < risks.len() || n == 0 => Risk::Low,
            n if n * 4 < risks.len() => Risk::Medium,
            _ => Risk::High,
        };
        DocumentRisk { level, high, medium, low }
    }

    /// The sentences that were counted.
    pub fn sentences(&self) -> usize {
        self.high + self.medium + self.low
    }
}

/// Something that was tried to mend a flagged target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What, in words: `wider beam`.
    pub step: String,
    /// The checks that fired on what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// Whether it took the place of what was there: it had less against it.
    pub kept: bool,
}

/// The model's confidence in a target, over its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean natural-log probability a token, ≤ 0.
    pub mean_log_prob: f32,
    /// The least natural-log probability of a token, ≤ 0.
    pub min_log_prob: f32,
    /// Target tokens, the end token included.
    pub tokens: usize,
}

/// One source sentence and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranslationUnit {
    /// The document's id.
    pub document: String,
    /// Position in the document, from 0.
    pub index: usize,
    /// Byte range of the source in the document's decoded text.
    pub span: Span,
    /// Index of the block it stands in.
    pub block: usize,
    /// What that block is.
    pub kind: BlockKind,
    /// The source, exactly as it stands in the document.
    pub source: String,
    /// The source as it was given to the model (normalised).
    pub source_normalized: String,
    /// The translation.
    pub target: String,
    /// Final state.
    pub state: State,
    /// Why it was skipped, else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Checks that fired and still stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What was tried to mend it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
    /// Whether the target is a person's correction.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reviewed: bool,
    /// Names that are spelt as somebody chose instead of as the model did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub respelled: Vec<Respelling>,
    /// Into how many pieces the source was split to fit the model; their targets are joined.
    pub pieces: usize,
    /// The model's confidence; none where no model was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
}

impl TranslationUnit {
    /// What pages and tables say of a unit that was reviewed.
    pub const CORRECTED: &'static str = "corrected";

    /// Whether it has no final state yet: it was left out for the model, and no reason says that this is final.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Skipped && self.reason.is_none()
    }

    /// How much a person should doubt its target.
    pub fn risk(&self) -> Risk {
        let sureness = self.score.map_or(0.0, |score| score.mean_log_prob);
        match self.state {
            State::Flagged | State::Skipped => Risk::High,
            _ if self.reviewed => Risk::Low,
            _ if sureness < GUESSED => Risk::High,
            State::Repaired => Risk::Medium,
            _ if sureness < UNSURE => Risk::Medium,
            State::Translated | State::Copied => Risk::Low,
        }
    }

    /// The id by which briefs and pages point to it: `u1` is the first unit of a document.
    pub fn anchor(&self) -> String {
        format!("u{}", self.index + 1)
    }
}

/// How many units ended in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Units in all.
    pub units: usize,
    /// See [`State::Translated`].
    pub translated: usize,
    /// See [`State::Repaired`].
    pub repaired: usize,
    /// See [`State::Flagged`].
    pub flagged: usize,
    /// See [`State::Copied`].
    pub copied: usize,
    /// See [`State::Skipped`].
    pub skipped: usize,
}

impl Ledger {
    /// Counts the states of `units`.
    pub fn of(units: &[TranslationUnit]) -> Self {
        let mut ledger = Ledger { units: units.len(), ..Ledger::default() };
        for unit in units {
            *ledger.slot(unit.state) += 1;
        }
        ledger
    }

    fn slot(&mut self, state: State) -> &mut usize {
        match state {
            State::Translated => &mut self.translated,
            State::Repaired => &mut self.repaired,
            State::Flagged => &mut self.flagged,
            State::Copied => &mut self.copied,
            State::Skipped => &mut self.skipped,
        }
    }

    /// Units in `state`.
    pub fn count(mut self, state: State) -> usize {
        *self.slot(state)
    }

    /// Adds another ledger's counts.
    pub fn add(&mut self, other: &Ledger) {
        self.units += other.units;
        for state in State::ALL {
            *self.slot(state) += other.count(state);
        }
    }

    /// Whether every unit is in exactly one state.
    pub fn adds_up(&self) -> bool {
        State::ALL.iter().map(|&s| self.count(s)).sum::<usize>() == self.units
    }
}

/// What made the targets, as it is stamped on every output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelStamp {
    /// Registry name.
    pub name: String,
    /// Digest over the model's files and prompt, lower-case hex.
    pub digest: String,
    /// Licence of the weights (SPDX identifier or name).
    pub licence: String,
    /// Published quality in one line, or empty.
    pub quality: String,
    /// A warning that every page, brief, index and record must carry (a weak fallback model), or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// The models of a run, each with its stamp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Models {
    /// What translated.
    #[serde(rename = "model")]
    pub translator: ModelStamp,
    /// What was asked for the sentences that the first could not repair, if another was.
    #[serde(rename = "second_model", default, skip_serializing_if = "Option::is_none")]
    pub second: Option<ModelStamp>,
    /// What wrote the brief, if a model did.
    #[serde(rename = "brief_model", default, skip_serializing_if = "Option::is_none")]
    pub writer: Option<ModelStamp>,
}

/// A finished document: all that the writers need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranslatedDocument {
    /// What its files in the output folder are called, up to their endings.
    pub name: String,
    /// The source.
    pub document: Document,
    /// Its units, in order, one a segment.
    pub units: Vec<TranslationUnit>,
    /// The brief, unless none was asked for.
    pub brief: Option<Brief>,
    /// What made its targets and its brief.
    #[serde(flatten)]
    pub models: Models,
}

impl TranslatedDocument {
    /// Counts of its units' states.
    pub fn ledger(&self) -> Ledger {
        Ledger::of(&self.units)
    }

    /// The target of its title, or of a heading that stands above its text: one further down is of a part.
    pub fn title(&self) -> Option<&str> {
        let title = self.units.iter().find(|unit| unit.kind == BlockKind::Title);
        let above = || self.units.first().filter(|unit| matches!(unit.kind, BlockKind::Heading(_)));
        title.or_else(above).map(|unit| unit.target.trim()).filter(|title| !title.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_risk_of_a_document_is_the_share_of_its_doubtful_sentences() {
        let unit = |state| TranslationUnit {
            document: "x".into(),
            index: 0,
            span: Span::new(0, 0),
            block: 0,
            kind: BlockKind::Paragraph,
            source: String::new(),
            source_normalized: String::new(),
            target: String::new(),
            state,
            reason: None,
            findings: Vec::new(),
            attempts: Vec::new(),
            reviewed: false,
            respelled: Vec::new(),
            pieces: 1,
            score: None,
        };
        use State::{Copied, Flagged, Repaired, Skipped, Translated};
        for (states, high, medium, level) in [
            (vec![], 0, 0, Risk::Low),
            (vec![(Translated, 20)], 0, 0, Risk::Low),
            (vec![(Repaired, 20)], 0, 20, Risk::Low),
            (vec![(Translated, 19), (Flagged, 2)], 2, 0, Risk::Low),
            (vec![(Translated, 9), (Skipped, 1)], 1, 0, Risk::Medium),
            (vec![(Translated, 9), (Flagged, 2), (Copied, 50)], 2, 0, Risk::Medium),
            (vec![(Translated, 3), (Flagged, 1)], 1, 0, Risk::High),
            (vec![(Skipped, 1)], 1, 0, Risk::High),
        ] {
            let units: Vec<_> =
                states.iter().flat_map(|&(state, n)| (0..n).map(move |_| state)).map(unit).collect();
            let risk = DocumentRisk::of(&units);
            assert_eq!((risk.high, risk.medium, risk.level), (high, medium, level), "{states:?}");
            let counted = states.iter().filter(|(state, _)| *state != Copied).map(|(_, n)| n).sum::<usize>();
            assert_eq!(risk.sentences(), counted);
        }
    }
}
