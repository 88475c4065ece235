//! The words in which every output speaks of states, checks and models.

use std::borrow::Cow;

use crate::brief::Brief;
use crate::similar::NearDuplicate;
use crate::unit::{
    Check, DocumentRisk, Ledger, ModelStamp, Models, Risk, State, TranslatedDocument, TranslationUnit,
};

/// Digits of a model's digest that are shown to people; `run.json` has them all.
const SHORT_DIGEST: usize = 12;

/// Longest title in characters; what is longer is a sentence.
const LONGEST_TITLE: usize = 110;

/// Numbers that are listed of two near-duplicates; `run.json` has all.
const LISTED_NUMBERS: usize = 8;

/// What stands in the English for a unit: its target or, where it has none, its source in ⟦ ⟧, so that nothing is
/// lost silently.
pub(super) fn english(unit: &TranslationUnit) -> Cow<'_, str> {
    match unit.target.trim() {
        "" => Cow::Owned(format!("⟦{}⟧", unit.source)),
        target => Cow::Borrowed(target),
    }
}

/// Why a reader should look at a unit: what, and the evidence. Empty for units in good order.
pub(super) fn notes(unit: &TranslationUnit) -> Vec<(&'static str, &str)> {
    let mut notes: Vec<_> = unit.findings.iter().map(|f| (check(f.check), f.detail.as_str())).collect();
    match unit.state {
        State::Skipped => notes.push(("not translated", unit.reason.as_deref().unwrap_or("no reason given"))),
        State::Flagged if notes.is_empty() => notes.push(("flagged", "compare it with the Arabic")),
        _ => {}
    }
    notes
}

/// How a target came to be, where it is not simply what the model said first.
pub(super) fn origin(unit: &TranslationUnit) -> Option<String> {
    if unit.reviewed {
        return Some(TranslationUnit::CORRECTED.into());
    }
    let mended = unit.attempts.iter().rfind(|attempt| attempt.kept).map(|a| format!("mended: {}", a.step));
    let respelled = unit.respelled.iter().map(|name| format!("“{}” spelt “{}”", name.from, name.to));
    let unsure = is_unsure(unit).then(|| "the model was unsure".to_owned());
    let origin: Vec<String> = mended.into_iter().chain(respelled).chain(unsure).collect();
    (!origin.is_empty()).then(|| origin.join("; "))
}

/// Whether nothing speaks against a target but that the model doubted it.
pub(super) fn is_unsure(unit: &TranslationUnit) -> bool {
    unit.state == State::Translated && unit.risk() > Risk::Low
}

fn check(check: Check) -> &'static str {
    match check {
        Check::Empty => "empty",
        Check::ArabicLeft => "Arabic left",
        Check::Loop => "repetition",
        Check::Length => "length",
        Check::Numbers => "numbers",
        Check::Negation => "negation",
        Check::Verbatim => "Latin words",
        Check::Coverage => "left out",
        Check::Quotes => "quotation",
        Check::Truncated => "cut off",
        Check::LowProbability => "low confidence",
        Check::Echo => "not translated",
        Check::Glossary => "glossary",
        Check::Language => "language",
        Check::Dialect => "dialect",
    }
}

/// `1 sentence`, `2 sentences`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// `42 sentences: 38 translated, 3 flagged, 1 copied`; states that do not occur are left out.
pub(super) fn states(ledger: &Ledger) -> String {
    let of = |state: State| match ledger.count(state) {
        0 => None,
        n => Some(format!("{n} {}", state.name())),
    };
    let states: Vec<_> = State::ALL.into_iter().filter_map(of).collect();
    match ledger.units {
        0 => "no sentences".into(),
        n => format!("{}: {}", count(n, "sentence"), states.join(", ")),
    }
}

/// `high risk: 12 of 40 sentences flagged or guessed`. Of models that one is warned of nothing is called a low risk: what
/// the checks do not see is what they are warned for.
pub(super) fn risk(risk: &DocumentRisk, models: &Models) -> String {
    let counts = format!("{} of {} flagged or guessed", risk.high, count(risk.sentences(), "sentence"));
    let is_warned = translators(models).iter().any(|(_, model)| model.warning.is_some());
    match (risk.level, is_warned) {
        (Risk::Low, true) => counts,
        (level, _) => format!("{} risk: {counts}", level.name()),
    }
}

/// How a near-duplicate differs: `same text`, or `92 % of its word sequences; other numbers: it has 7, it lacks 5`.
pub(super) fn likeness(duplicate: &NearDuplicate) -> String {
    if duplicate.same_text {
        return "same text".into();
    }
    let mut words = format!("{} % of its word sequences", duplicate.shared);
    let list = |numbers: &[String]| match numbers.len() {
        n if n > LISTED_NUMBERS => {
            format!("{} and {} more", numbers[..LISTED_NUMBERS].join(", "), n - LISTED_NUMBERS)
        }
        _ => numbers.join(", "),
    };
    match (duplicate.numbers_here.as_deref(), duplicate.numbers_there.as_deref()) {
        (Some([]), Some([])) => words.push_str("; same numbers"),
        (Some(here), Some(there)) => {
            words.push_str("; other numbers:");
            if !here.is_empty() {
                words.push_str(&format!(" it has {}", list(here)));
            }
            if !there.is_empty() {
                words.push_str(&format!(
                    "{} it lacks {}",
                    if here.is_empty() { "" } else { "," },
                    list(there)
                ));
            }
        }
        _ => words.push_str("; numbers not compared"),
    }
    words
}

/// What the flags of a document mean for someone who relies on it.
pub(super) fn trust(ledger: &Ledger) -> String {
    let mut words = match ledger.flagged {
        0 => "No sentence is flagged. The checks find omissions, repetition and wrong numbers; they cannot \
              prove that a sentence is right."
            .to_owned(),
        1 => format!(
            "1 of {} is flagged: read its Arabic before you rely on it.",
            count(ledger.units, "sentence")
        ),
        n => {
            format!(
                "{n} of {} are flagged: read their Arabic before you rely on them.",
                count(ledger.units, "sentence")
            )
        }
    };
    match ledger.skipped {
        0 => {}
        1 => words.push_str(" 1 sentence is not translated and stands in Arabic between ⟦ and ⟧."),
        n => {
            words.push_str(&format!(" {n} sentences are not translated and stand in Arabic between ⟦ and ⟧."))
        }
    }
    words
}

/// How a brief was made, and what that means.
pub(super) fn method(brief: &Brief) -> String {
    let mut words = match brief.method.as_str() {
        "extractive" => {
            "Sentences chosen from the translation by a fixed rule; nothing was rewritten.".to_owned()
        }
        model => format!(
            "Written by {model} from the translation. Check each point against the sentences it cites."
        ),
    };
    match brief.dropped {
        0 => {}
        1 => words.push_str(" 1 sentence it wrote was dropped, because the cited text does not bear it out."),
        n => words.push_str(&format!(
            " {n} sentences it wrote were dropped, because the cited text does not bear them out."
        )),
    }
    words
}

/// A model, with what it did in words.
pub(super) type Part<'m> = (&'static str, &'m ModelStamp);

/// The models that targets are of: for outputs without a brief.
pub(super) fn translators(models: &Models) -> Vec<Part<'_>> {
    let second = models.second.as_ref().filter(|second| **second != models.translator);
    let second = second.map(|second| ("Second model", second));
    [("Translated by", &models.translator)].into_iter().chain(second).collect()
}

/// All models, each once.
pub(super) fn models(models: &Models) -> Vec<Part<'_>> {
    let mut parts = translators(models);
    let writer = models.writer.as_ref().filter(|writer| parts.iter().all(|(_, model)| model != writer));
    parts.extend(writer.map(|writer| ("Briefs by", writer)));
    parts
}

/// What made an output: `Translated by NAME (DIGEST), LICENCE; QUALITY`, and the same of the others.
pub(super) fn stamp(parts: &[Part<'_>]) -> String {
    let one = |(role, model): &Part<'_>| {
        let mut line = format!("{role} {}", model.name);
        for (before, part, after) in
            [(" (", short_digest(model), ")"), (", ", &model.licence, ""), ("; ", &model.quality, "")]
        {
            if !part.is_empty() {
                line.extend([before, part, after]);
            }
        }
        line
    };
    parts.iter().map(one).collect::<Vec<_>>().join(". ")
}

/// The models' warnings. What is said without a name is of the translator.
pub(super) fn warnings(parts: &[Part<'_>]) -> Vec<String> {
    let one = |(n, (_, model)): (usize, &Part<'_>)| {
        let warning = model.warning.as_ref()?;
        Some(if n == 0 { warning.clone() } else { format!("{}: {warning}", model.name) })
    };
    parts.iter().enumerate().filter_map(one).collect()
}

/// What a reader of a document must know of it as a whole, a line each: what made it, the models' warnings, the states.
pub(super) fn on_the_whole(doc: &TranslatedDocument) -> Vec<String> {
    let parts = translators(&doc.models);
    let warnings = warnings(&parts).into_iter().map(|warning| format!("Warning: {warning}"));
    [stamp(&parts)].into_iter().chain(warnings).chain([states(&doc.ledger())]).collect()
}

/// The digest as people see it.
pub(super) fn short_digest(model: &ModelStamp) -> &str {
    model.digest.get(..SHORT_DIGEST).unwrap_or(&model.digest)
}

/// The name of a document for headings: its title where it has one, else the name of its file.
pub(super) fn title(doc: &TranslatedDocument) -> String {
    shorten(doc.title().unwrap_or_else(|| file_name(&doc.document.id)))
}

/// The last part of a document's id.
pub(super) fn file_name(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// A title of at most [`LONGEST_TITLE`] characters, cut between words.
pub(super) fn shorten(text: &str) -> String {
    let Some((cut, _)) = text.char_indices().nth(LONGEST_TITLE) else { return text.to_owned() };
    let kept = &text[..cut];
    let kept = kept.rfind(' ').map_or(kept, |space| &kept[..space]);
    format!("{} …", kept.trim_end_matches([',', ';', ':', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_name_only_what_occurs() {
        let ledger = Ledger { units: 4, translated: 3, flagged: 1, ..Ledger::default() };
        assert_eq!(states(&ledger), "4 sentences: 3 translated, 1 flagged");
        assert_eq!(states(&Ledger { units: 1, copied: 1, ..Ledger::default() }), "1 sentence: 1 copied");
        assert_eq!(states(&Ledger::default()), "no sentences");
    }

    #[test]
    fn the_table_of_checks_has_the_words_of_pages() {
        let table = include_str!("../../docs/checks.md");
        let (_, table) = table.split_once("| check | in pages |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut seen = Vec::new();
        for row in rows {
            let [name, words] = [1, 2].map(|cell| row.split('|').nth(cell).unwrap().trim().trim_matches('`'));
            let found: Check = serde_json::from_value(name.into()).unwrap();
            assert_eq!((found.name(), check(found)), (name, words));
            seen.push(found);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((seen.len(), seen.last()), (15, Some(&Check::Dialect)));
    }

    #[test]
    fn a_risk_has_its_counts() {
        let warned = super::super::fixture::report().models;
        let mut models = warned.clone();
        models.translator.warning = None;
        let of = |level, high, low| risk(&DocumentRisk { level, high, medium: 0, low }, &models);
        assert_eq!(of(Risk::High, 12, 28), "high risk: 12 of 40 sentences flagged or guessed");
        assert_eq!(of(Risk::High, 1, 0), "high risk: 1 of 1 sentence flagged or guessed");
        assert_eq!(of(Risk::Low, 0, 7), "low risk: 0 of 7 sentences flagged or guessed");
        let low = DocumentRisk { level: Risk::Low, high: 1, medium: 0, low: 40 };
        assert_eq!(risk(&low, &warned), "1 of 41 sentences flagged or guessed");
        let second = Some(warned.translator.clone());
        let of_the_second = risk(&low, &Models { second, ..models.clone() });
        assert_eq!(of_the_second, "1 of 41 sentences flagged or guessed");
    }

    #[test]
    fn near_duplicates_say_how_they_differ() {
        let of = |same_text, here: Option<&[&str]>, there: Option<&[&str]>| {
            let own = |list: Option<&[&str]>| list.map(|l| l.iter().map(|n| n.to_string()).collect());
            let of = "a".into();
            likeness(&NearDuplicate {
                of,
                same_text,
                shared: 92,
                numbers_here: own(here),
                numbers_there: own(there),
            })
        };
        assert_eq!(of(true, Some(&[]), Some(&[])), "same text");
        assert_eq!(of(false, Some(&[]), Some(&[])), "92 % of its word sequences; same numbers");
        let words = of(false, Some(&["7"]), Some(&["5", "9"]));
        assert_eq!(words, "92 % of its word sequences; other numbers: it has 7, it lacks 5, 9");
        assert!(of(false, Some(&[]), Some(&["5"])).ends_with("other numbers: it lacks 5"));
        assert!(of(false, Some(&["1"; 10]), Some(&[])).ends_with("1, 1 and 2 more"));
        assert!(of(false, None, None).ends_with("numbers not compared"));
    }

    #[test]
    fn long_titles_are_cut_between_words() {
        let long = "word, ".repeat(40);
        let short = shorten(&long);
        assert!(short.chars().count() <= LONGEST_TITLE + 2 && short.ends_with("word …"), "{short}");
        assert_eq!(shorten("short"), "short");
        assert_eq!(shorten(&"ن".repeat(200)).chars().count(), LONGEST_TITLE + 2);
    }
}
