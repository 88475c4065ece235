//! Where in the English of a sentence the words stand that its format sets apart (bold, a link).
//!
//! What such words are called in English is known by themselves (`Mark::english`); here they are looked for in the sentence.
//! A word order or an inflection of their own does not matter, a word that is missing does: then they are not set apart.

use std::ops::Range;

/// A stretch of a sentence's source: set apart, or not.
pub(super) struct Stretch<'a> {
    /// Bytes of the source.
    pub length: usize,
    /// What it may be called in English, if it is set apart.
    pub english: Option<&'a [String]>,
}

/// Other words that may stand among those looked for.
const MOST_BETWEEN: usize = 2;

/// Words that a name of something has or has not.
const SMALL: [&str; 16] = [
    "the", "a", "an", "of", "to", "in", "on", "at", "for", "and", "by", "with", "from", "its", "his", "their",
];

/// The part of `target` that each stretch has, in their order; none where nothing set apart is found, or what is found
/// cannot stand where it is.
pub(super) fn split<'t>(target: &'t str, stretches: &[Stretch<'_>]) -> Option<Vec<&'t str>> {
    let words = words(target);
    let total: usize = stretches.iter().map(|stretch| stretch.length).sum();
    let mut before = 0;
    // Of each stretch that is found: its number and its words' place in the target.
    let mut found: Vec<(usize, Range<usize>)> = Vec::new();
    for (number, stretch) in stretches.iter().enumerate() {
        let part = |of: usize| of * (before + stretch.length / 2) / total.max(1);
        let (about, near) = (part(words.len()), part(target.len()));
        before += stretch.length;
        let bytes =
            |place: Range<usize>| closed(target, words[place.start].at.start..words[place.end - 1].at.end);
        let place = stretch.english.into_iter().flatten().find_map(|english| {
            as_it_stands(english, target, near).or_else(|| find(english, &words, about).map(bytes))
        });
        found.extend(place.map(|place| (number, place)));
    }
    while !found.is_empty() {
        match fill(target, stretches, &in_order(&found, stretches)) {
            Ok(parts) => return Some(parts),
            // What cannot stand there is not set apart.
            Err(number) => found.retain(|(other, _)| *other != number),
        }
    }
    None
}

/// Of what was found the most that stands in the order of the source, without overlapping.
fn in_order(found: &[(usize, Range<usize>)], stretches: &[Stretch<'_>]) -> Vec<(usize, Range<usize>)> {
    // For each: the most bytes of source that end with it, and the one before it.
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for (i, (number, at)) in found.iter().enumerate() {
        let before = (0..i).filter(|&j| found[j].1.end <= at.start).max_by_key(|&j| best[j].0);
        let length = stretches[*number].length + before.map_or(0, |j| best[j].0);
        best.push((length, before));
    }
    let mut last = (0..found.len()).max_by_key(|&i| best[i].0);
    let mut chosen = Vec::new();
    while let Some(i) = last {
        chosen.push(found[i].clone());
        last = best[i].1;
    }
    chosen.reverse();
    chosen
}

/// The parts of the target: what was found goes into its stretch, what stands between into the longest that is not set
/// apart there. Else the number of the stretch beside which there is no place.
fn fill<'t>(
    target: &'t str,
    stretches: &[Stretch<'_>],
    chosen: &[(usize, Range<usize>)],
) -> Result<Vec<&'t str>, usize> {
    let mut ranges = vec![0..0; stretches.len()];
    let (mut first, mut start) = (0, 0);
    for (number, at) in chosen.iter().map(Some).chain([None]).map(|next| match next {
        Some((number, at)) => (*number, at.clone()),
        None => (stretches.len(), target.len()..target.len()),
    }) {
        let between = start..at.start;
        let home =
            (first..number).filter(|&i| stretches[i].english.is_none()).max_by_key(|&i| stretches[i].length);
        let (last, next) = (first.checked_sub(1), (number < stretches.len()).then_some(number));
        let has_words = target[between.clone()].contains(char::is_alphanumeric);
        match (home, last, next) {
            (Some(home), ..) => ranges[home] = between,
            (None, Some(last), _) if !has_words => ranges[last].end = between.end,
            (None, None, Some(_)) if !has_words => {}
            (None, last, next) => return Err(last.or(next).unwrap_or_default()),
        }
        if let Some(number) = next {
            // Signs before the first go with it where nothing else takes them.
            let start = if home.is_none() && last.is_none() { 0 } else { at.start };
            ranges[number] = start..at.end;
        }
        (first, start) = (number + 1, at.end);
    }
    Ok(ranges.into_iter().map(|range| &target[range]).collect())
}

/// With the mark that closes a quotation or bracket which opens in it, or opens one which closes in it.
fn closed(target: &str, mut at: Range<usize>) -> Range<usize> {
    const PAIRS: [(char, char); 5] = [('“', '”'), ('«', '»'), ('(', ')'), ('[', ']'), ('‘', '’')];
    // One may stand in another.
    while let Some(wider) = PAIRS.iter().find_map(|(open, close)| {
        let text = &target[at.clone()];
        let (opened, ended) = (text.matches(*open).count(), text.matches(*close).count());
        if opened > ended && target[at.end..].starts_with(*close) {
            Some(at.start..at.end + close.len_utf8())
        } else if ended > opened && target[..at.start].ends_with(*open) {
            Some(at.start - open.len_utf8()..at.end)
        } else {
            None
        }
    }) {
        at = wider;
    }
    at
}

/// A word of the target.
struct Word {
    /// As it is compared.
    key: String,
    at: Range<usize>,
}

fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut start = None;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '\'' | '’' | '-' | '_');
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (start, is_part(c)) {
            (None, true) => start = Some(at),
            (Some(begin), false) => {
                let word = text[begin..at].trim_end_matches(|c: char| !c.is_alphanumeric());
                if !word.is_empty() {
                    words.push(Word { key: key(word), at: begin..begin + word.len() });
                }
                start = None;
            }
            _ => {}
        }
    }
    words
}

/// Plural and possessive are the same word.
fn key(word: &str) -> String {
    let word = word.to_lowercase().replace('’', "'");
    let word = word.strip_suffix("'s").unwrap_or(&word);
    let singular = word.strip_suffix("ies").filter(|stem| stem.len() > 1).map(|stem| format!("{stem}y"));
    singular.unwrap_or_else(|| {
        let stem = word.strip_suffix('s').filter(|stem| stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']));
        stem.unwrap_or(word).to_owned()
    })
}

/// Where something that is written with signs, as code and addresses are, stands in the target letter for letter, nearest to
/// the byte `about`; not as a piece of a longer word.
fn as_it_stands(english: &str, target: &str, about: usize) -> Option<Range<usize>> {
    let is_of_words = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '\'' | '’' | '-');
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    if english.starts_with(char::is_alphanumeric) && english.chars().all(is_of_words) {
        return None;
    }
    let places = target.match_indices(english).map(|(start, found)| start..start + found.len());
    let alone = places.filter(|at| {
        !is_word(target[..at.start].chars().next_back()) && !is_word(target[at.end..].chars().next())
    });
    alone.min_by_key(|at| at.start.abs_diff(about))
}

/// The shortest run of words that has all of `english`, the nearest to the word `about`.
fn find(english: &str, words: &[Word], about: usize) -> Option<Range<usize>> {
    let all: Vec<String> = self::words(english).into_iter().map(|word| word.key).collect();
    let is_small = |word: &String| SMALL.contains(&word.as_str());
    let mut wanted: Vec<&String> = all.iter().filter(|word| !is_small(word)).collect();
    if wanted.is_empty() {
        wanted = all.iter().collect();
    }
    wanted.sort();
    let most = all.len().max(wanted.len()) + MOST_BETWEEN;
    let has_all = |run: &[Word]| {
        let mut left = wanted.clone();
        run.iter().for_each(|word| {
            if let Some(at) = left.iter().position(|wanted| **wanted == word.key) {
                left.remove(at);
            }
        });
        left.is_empty()
    };
    let is_wanted = |word: &Word| wanted.contains(&&word.key);
    let runs = (0..words.len()).filter(|&start| !wanted.is_empty() && is_wanted(&words[start])).filter_map(
        |start| {
            let ends = start + wanted.len()..=(start + most).min(words.len());
            ends.into_iter().find(|&end| has_all(&words[start..end])).map(|end| start..end)
        },
    );
    let run = runs.min_by_key(|run| (run.len(), run.start.abs_diff(about)))?;
    // An article of its own belongs to it.
    let has_article = all.first().is_some_and(|word| matches!(word.as_str(), "the" | "a" | "an"));
    let before = run
        .start
        .checked_sub(1)
        .filter(|&at| has_article && matches!(words[at].key.as_str(), "the" | "a" | "an"));
    Some(before.unwrap_or(run.start)..run.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, stretches: &[(&str, &[&str])], expected: Option<&[&str]>) {
        let english: Vec<Vec<String>> =
            stretches.iter().map(|(_, english)| english.iter().map(|e| (*e).to_owned()).collect()).collect();
        let stretches: Vec<Stretch<'_>> = stretches
            .iter()
            .zip(&english)
            .map(|((source, _), english)| Stretch {
                length: source.len(),
                english: (!english.is_empty()).then_some(english),
            })
            .collect();
        let found = split(target, &stretches);
        assert_eq!(found.as_deref(), expected, "{target}");
        assert!(found.is_none_or(|parts| parts.concat() == target));
    }

    #[test]
    fn words_that_are_set_apart_are_found() {
        let minister: &[&str] = &["The minister"];
        check(
            "The minister said so.",
            &[("قال ", &[]), ("الوزير", minister), (" ذلك.", &[])],
            Some(&["", "The minister", " said so."]),
        );
        check(
            "Yesterday the Ministry of Health published three reports.",
            &[
                ("نشرت ", &[]),
                ("وزارة الصحة", &["Health ministry", "x"]),
                (" أمس ", &[]),
                ("ثلاثة تقارير", &["Three reports"]),
                (".", &[]),
            ],
            Some(&["Yesterday the ", "Ministry of Health", " published ", "three reports", "."]),
        );
        // The second best is there.
        check(
            "See the annex.",
            &[("انظر ", &[]), ("الملحق", &["Appendix", "The annex"])],
            Some(&["See ", "the annex."]),
        );
        check("Cities' names", &[("أسماء ", &[]), ("المدينة", &["city"])], None);
        check("Names of cities", &[("أسماء ", &[]), ("المدينة", &["city"])], Some(&["Names of ", "cities"]));
    }

    #[test]
    fn code_and_addresses_are_found_with_their_signs_and_not_within_words() {
        let flag: &[&str] = &["-f"];
        check(
            "The self-f tool: -f or -f.",
            &[("أداة ذاتية ", &[]), ("-f", flag), (" أو ", &[]), ("-f", flag), (".", &[])],
            Some(&["The self-f tool: ", "-f", " or ", "-f", "."]),
        );
        check("a = b", &[("", &[]), ("a = b", &["a = b"])], Some(&["", "a = b"]));
        check(
            "Run ls -l /tmp/* now.",
            &[("شغّل ", &[]), ("ls -l /tmp/*", &["ls -l /tmp/*"]), (" الآن.", &[])],
            Some(&["Run ", "ls -l /tmp/*", " now."]),
        );
    }

    #[test]
    fn quotations_stay_closed() {
        check(
            "See Section 6, “Setting up (PAM)”, below.",
            &[("انظر ", &[]), ("قسم 6، «إعداد PAM»", &["Section 6, “Setting up (PAM)”"]), ("، أدناه.", &[])],
            Some(&["See ", "Section 6, “Setting up (PAM)”", ", below."]),
        );
    }

    #[test]
    fn of_two_places_the_nearer_one_is_taken() {
        let city: &[&str] = &["the city"];
        check(
            "The city council left the city.",
            &[("غادر مجلس المدينة تلك ", &[]), ("المدينة", city), (".", &[])],
            Some(&["The city council left ", "the city", "."]),
        );
    }

    #[test]
    fn nothing_is_set_apart_that_was_not() {
        let (one, two): (&[&str], &[&str]) = (&["one"], &["two"]);
        // In the other order: one of the two only.
        check("two and one", &[("واحد", one), (" و", &[]), ("اثنان", two)], None);
        check(
            "now two and one then",
            &[("الآن ", &[]), ("واحد", one), (" و", &[]), ("اثنان", two), (" ثم", &[])],
            Some(&["now ", "", "", "two", " and one then"]),
        );
        // No place for the words before it.
        check("It was one", &[("واحد", one), (" كان", &[])], None);
        check("none of them", &[("أ", &[]), ("واحد", one)], None);
        check("one.", &[("«", &[]), ("واحد.", one)], Some(&["", "one."]));
        check("\"one", &[("واحد", one), (" ", &[])], Some(&["\"one", ""]));
        check("", &[("أ", &[]), ("واحد", one)], None);
    }
}
