//! Terms that somebody wants translated in a certain way, found in Arabic text however they are inflected.
//!
//! A term is compared word by word, without diacritics, with the forms of alef, ya and ta marbuta as one, and
//! without the conjunctions, prepositions and articles that are written onto words. In English it may stand in any case, in
//! the plural, with or without hyphens and apostrophes.

mod table;
mod tbx;

use std::collections::HashMap;
use std::ops::Range;

use crate::lang::{self, words};

pub use table::Read;

/// Of a word from which a particle was taken at least so many letters must be left: `حد` is not in `وحد`.
const LEAST_STEM: usize = 3;

/// A term in the source and what it must be in the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// As it was written.
    source: String,
    /// Its words as they are compared.
    words: Vec<String>,
    /// The accepted translations, the preferred first.
    targets: Vec<String>,
}

impl Term {
    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The preferred translation.
    pub fn preferred(&self) -> &str {
        self.targets.first().map_or("", String::as_str)
    }

    /// Whether one of the accepted translations stands in `target`.
    pub fn is_in(&self, target: &str) -> bool {
        let found = latin_words(target);
        self.targets.iter().any(|wanted| {
            let wanted = latin_words(wanted);
            found.windows(wanted.len().max(1)).any(|run| is_run(run, &wanted))
        })
    }
}

/// Words in lower case, without a possessive `'s`; apostrophes belong to none: `Sana'a` is `Sanaa`.
fn latin_words(text: &str) -> Vec<String> {
    let is_apostrophe = |c: char| matches!(c, '\'' | '’' | '‘' | '`' | 'ʿ' | 'ʾ' | 'ʼ');
    let words = text.split(|c: char| !c.is_alphanumeric() && !is_apostrophe(c));
    let words = words.map(|word| {
        let word = word.trim_matches(is_apostrophe);
        let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
        word.chars().filter(|&c| !is_apostrophe(c)).flat_map(char::to_lowercase).collect::<String>()
    });
    words.filter(|word| !word.is_empty()).collect()
}

/// Whether `found` says `wanted`, the last word in the singular or plural.
fn is_run(found: &[String], wanted: &[String]) -> bool {
    let (Some((f_last, f)), Some((w_last, w))) = (found.split_last(), wanted.split_last()) else {
        return false;
    };
    f == w && (f_last == w_last || is_plural(f_last, w_last) || is_plural(w_last, f_last))
}

fn is_plural(many: &str, one: &str) -> bool {
    let of_y = || many.strip_suffix("ies").zip(one.strip_suffix('y')).is_some_and(|(a, b)| a == b);
    many.strip_prefix(one).is_some_and(|rest| matches!(rest, "s" | "es")) || of_y()
}

/// The words of a source, numbers and Latin ones too, with the bytes where they stand.
fn source_words(text: &str) -> Vec<(Range<usize>, String)> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && !words::is_mark(c));
    let words = parts.map(|word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        let folded = words::folded(word);
        let folded = if folded.is_empty() { lang::western_signs(word).to_lowercase() } else { folded };
        (start..start + word.len(), folded)
    });
    words.filter(|(_, word)| !word.is_empty()).collect()
}

/// A word of a term, or of a text without what is written onto it, as they are compared.
fn comparable(word: &str) -> String {
    let word = word.strip_prefix("ال").filter(|rest| rest.chars().nth(1).is_some()).unwrap_or(word);
    word.replace('ة', "ه")
}

/// A place in a source where a term stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'g> {
    /// The term.
    pub term: &'g Term,
    /// Bytes of the source.
    pub at: Range<usize>,
    /// The conjunction or preposition that is written onto it.
    pub particle: String,
}

/// Terms by their words.
#[derive(Debug, Clone, Default)]
pub struct Glossary {
    terms: Vec<Term>,
    /// For each first word the terms, in the order in which they were listed.
    by_first: HashMap<String, Vec<usize>>,
}

impl Glossary {
    /// Of sources with their translation; more than one for the same source are alternatives. Those in which nothing can
    /// be found are left out, and counted.
    pub fn new<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> (Self, usize) {
        let mut glossary = Glossary::default();
        let mut by_words: HashMap<Vec<String>, usize> = HashMap::new();
        let mut left_out = 0;
        for (source, target) in entries {
            let words: Vec<String> = source_words(source).iter().map(|(_, w)| comparable(w)).collect();
            let target = target.trim();
            if !lang::has_arabic(source) || words.is_empty() || latin_words(target).is_empty() {
                left_out += 1;
                continue;
            }
            match by_words.get(&words) {
                Some(&at) => {
                    let targets = &mut glossary.terms[at].targets;
                    if !targets.iter().any(|known| known == target) {
                        targets.push(target.into());
                    }
                }
                None => {
                    by_words.insert(words.clone(), glossary.terms.len());
                    glossary.terms.push(Term {
                        source: source.trim().into(),
                        words,
                        targets: vec![target.into()],
                    });
                }
            }
        }
        for (at, term) in glossary.terms.iter().enumerate() {
            glossary.by_first.entry(term.words[0].clone()).or_default().push(at);
        }
        (glossary, left_out)
    }

    /// Number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms in `source`, from its beginning, of overlapping ones the longest.
    pub fn find(&self, source: &str) -> Vec<Found<'_>> {
        if self.is_empty() {
            return Vec::new();
        }
        let words = source_words(source);
        let mut found = Vec::new();
        let mut at = 0;
        while at < words.len() {
            match self.longest_at(source, &words[at..]) {
                Some((one, length)) => {
                    found.push(one);
                    at += length;
                }
                None => at += 1,
            }
        }
        found
    }

    fn longest_at(&self, source: &str, words: &[(Range<usize>, String)]) -> Option<(Found<'_>, usize)> {
        let (first, rest) = words.split_first()?;
        let mut best: Option<(&Term, usize, &str)> = None;
        for stem in words::stems(&first.1).chain([first.1.as_str()]) {
            if stem.len() < first.1.len() && stem.chars().count() < LEAST_STEM {
                continue;
            }
            for &at in self.by_first.get(&comparable(stem)).into_iter().flatten() {
                let term = &self.terms[at];
                let goes_on = term.words.len() <= words.len()
                    && term.words[1..]
                        .iter()
                        .zip(rest)
                        .all(|(wanted, (_, word))| *wanted == comparable(word))
                    && is_one_phrase(source, &words[..term.words.len()]);
                // More words are better, and then fewer letters taken off; of equals the one listed first.
                let key = |term: &Term, stem: &str| (term.words.len(), stem.len());
                if goes_on && best.is_none_or(|(t, _, s)| key(term, stem) > key(t, s)) {
                    best = Some((term, term.words.len(), stem));
                }
            }
        }
        let (term, length, stem) = best?;
        let particle = &first.1[..first.1.len() - stem.len()];
        let particle = match particle.strip_suffix("لل") {
            Some(before) => format!("{before}ل"),
            None => particle.strip_suffix("ال").unwrap_or(particle).into(),
        };
        Some((Found { term, at: first.0.start..words[length - 1].0.end, particle }, length))
    }

    /// The source with the preferred translation in the place of each term that `target` lacks: models copy what stands in
    /// Latin letters. Nothing if it lacks none.
    pub fn in_place(&self, source: &str, target: &str) -> Option<String> {
        let missing = self.find(source).into_iter().filter(|found| !found.term.is_in(target));
        let mut text = String::new();
        let mut from = 0;
        for Found { term, at, particle } in missing {
            text.push_str(&source[from..at.start]);
            if !particle.is_empty() {
                text.push_str(&particle);
                text.push(' ');
            }
            text.push_str(term.preferred());
            from = at.end;
        }
        (from > 0).then(|| text + &source[from..])
    }
}

/// Whether nothing but spaces stands between the words.
fn is_one_phrase(source: &str, words: &[(Range<usize>, String)]) -> bool {
    words.windows(2).all(|pair| source[pair[0].0.end..pair[1].0.start].chars().all(char::is_whitespace))
}

#[cfg(test)]
mod tests;
