//! Who, where and when: the people, places and dates that a report names, for the lines under a brief's headline.
//!
//! Each is taken from the English only where the Arabic bears it out: a name must be a spelling of an Arabic word, and that
//! word must stand where Arabic puts people (behind a title, a given name, a verb of saying) or places (behind `مدينة` or
//! `في`); a date must have its numbers and its month in the source. What is not sure is left out: these lines are for finding
//! one's way, and no index.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use super::addressed::speaks_to_a_machine;
use super::dates::dates;
use super::gazetteer::{BEFORE_A_PERSON, BEFORE_A_PLACE, GIVEN, IN, IN_ENGLISH, NO_PLACES, PLACES};
use crate::brief::Point;
use crate::lang::words;
use crate::names::spelling::distance;
use crate::names::{self, Occurrence};
use crate::numbers::{Form, mentions};
use crate::unit::{Risk, State, TranslationUnit};

/// Of each kind.
const MOST: usize = 4;
/// Sentences cited for one.
const CITED: usize = 3;

/// What a report names, each with the sentences that it stands in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// People.
    pub who: Vec<Point>,
    /// Places.
    pub places: Vec<Point>,
    /// Dates.
    pub dates: Vec<Point>,
}

/// The people, places and dates that most sentences name, in the order of the report.
pub(super) fn facts(units: &[TranslationUnit]) -> Facts {
    let (mut who, mut places, mut when) = (Tally::default(), Tally::default(), Tally::default());
    for unit in units {
        let is_told = matches!(unit.state, State::Translated | State::Repaired | State::Flagged);
        if !is_told || unit.risk() == Risk::High || speaks_to_a_machine(unit) {
            continue;
        }
        let sentence = Sentence::of(unit);
        sentence.people().for_each(|(key, name)| who.add(key, name, unit.index));
        sentence.places().into_iter().for_each(|(key, name)| places.add(key, name, unit.index));
        dates(unit).into_iter().for_each(|date| when.add(date.clone(), date, unit.index));
    }
    Facts { who: who.most(), places: places.most(), dates: when.most() }
}

/// What was named, by its key.
#[derive(Default)]
struct Tally(BTreeMap<String, Named>);

/// A name and its sentences.
struct Named {
    /// How many others came before it.
    order: usize,
    name: String,
    units: BTreeSet<usize>,
}

impl Tally {
    fn add(&mut self, key: String, name: String, unit: usize) {
        let order = self.0.len();
        let new = || Named { order, name: name.clone(), units: BTreeSet::new() };
        let named = self.0.entry(key).or_insert_with(new);
        // The longest is the fullest.
        if name.len() > named.name.len() {
            named.name = name;
        }
        named.units.insert(unit);
    }

    fn most(self) -> Vec<Point> {
        let mut all: Vec<Named> = self.0.into_values().collect();
        all.sort_by_key(|named| (std::cmp::Reverse(named.units.len()), named.order));
        all.truncate(MOST);
        all.sort_by_key(|named| named.order);
        let point =
            |named: Named| Point { text: named.name, units: named.units.into_iter().take(CITED).collect() };
        all.into_iter().map(point).collect()
    }
}

/// A name of one word or more.
struct Name {
    /// The Arabic words.
    words: Range<usize>,
    /// Bytes of the target.
    at: Range<usize>,
    key: String,
}

struct Sentence<'u> {
    target: &'u str,
    arabic: Vec<String>,
    names: Vec<Name>,
}

impl<'u> Sentence<'u> {
    fn of(unit: &'u TranslationUnit) -> Self {
        let target = unit.target.as_str();
        let arabic = words::words(&unit.source_normalized);
        let mut names: Vec<Name> = Vec::new();
        for Occurrence { name, word, at } in names::occurrences(&unit.source_normalized, target) {
            let next = word..word + 1;
            match names.last_mut() {
                Some(last)
                    if follows(&arabic, last.words.end, word)
                        && is_within_a_name(&target[last.at.end..at.start]) =>
                {
                    last.words.end = next.end;
                    last.at.end = at.end;
                    last.key = format!("{} {name}", last.key);
                }
                _ => names.push(Name { words: next, at: with_article(target, at), key: name }),
            }
        }
        Sentence { target, arabic, names }
    }

    fn people(&self) -> impl Iterator<Item = (String, String)> {
        self.names.iter().filter(|name| self.is_person(name)).filter_map(|name| {
            let end = match capital_after(self.target, name.at.end) {
                None => name.at.end,
                Some(end) if self.is_of_two_words(name, end) => end,
                // What the Arabic does not have is the model's own, so who is meant is not sure.
                Some(_) => return None,
            };
            Some((name.key.clone(), self.target[name.at.start..end].to_owned()))
        })
    }

    /// Whether the English from the name to `end` is a spelling of the two Arabic words behind it: `نصر الله`, Nasrallah.
    fn is_of_two_words(&self, name: &Name, end: usize) -> bool {
        let next = self.arabic.get(name.words.end..name.words.end + 2);
        next.is_some_and(|words| distance(self.target[name.at.end..end].trim(), &words.concat()).is_some())
    }

    /// Someone with a title, who says something, or with a given name and another.
    fn is_person(&self, name: &Name) -> bool {
        let (first, is_long) = (name.words.start, name.words.len() > 1);
        // Countries say things too.
        if PLACES.iter().any(|(place, _)| self.arabic[first] == *place) {
            return false;
        }
        let is_given = has(&GIVEN, &self.arabic[first]);
        if is_given && is_long {
            return true;
        }
        // `مدير دبيان`, Debian Administrator: a word of something else.
        if !is_long && capital_after(self.target, name.at.end).is_some() {
            return false;
        }
        // `وزير الخارجية الروسي سيرغي لافروف`: what stands between title and name is of the title.
        let is_title = |word: &&String| has(&BEFORE_A_PERSON, word);
        let mut before = self.arabic[..first].iter().rev().take(if is_long { 4 } else { 1 });
        before.find(|word| is_title(word) || !word.starts_with("ال")).is_some_and(|word| is_title(&word))
    }

    fn places(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for name in self.names.iter().filter(|name| !self.is_person(name) && self.is_place(name)) {
            let english = &self.target[name.at.clone()];
            // One that is found in both ways is one.
            let is_known = PLACES.iter().any(|(_, known)| *known == english);
            found.push((if is_known { english } else { &name.key }.to_owned(), english.to_owned()));
        }
        let arabic = format!(" {} ", self.arabic.join(" "));
        for (place, english) in PLACES {
            let is_named = match place.contains(' ') {
                true => arabic.contains(&format!(" {place} ")),
                false => self.arabic.iter().any(|word| words::stems(word).any(|stem| stem == place)),
            };
            let at = is_named.then(|| word_at(self.target, english)).flatten();
            let is_in = at.is_some_and(|at| {
                is_in_english(self.target, at) && capital_after(self.target, at + english.len()).is_none()
            });
            if is_in && !found.iter().any(|(key, _)| key == english) {
                found.push((english.to_owned(), english.to_owned()));
            }
        }
        found
    }

    /// Behind `مدينة`, or behind `في` where the English has `in` too.
    fn is_place(&self, name: &Name) -> bool {
        let Some(before) = name.words.start.checked_sub(1) else { return false };
        let (first, before) = (&self.arabic[name.words.start], &self.arabic[before]);
        // `in Paris Agreement`: something that is called by a place.
        if capital_after(self.target, name.at.end).is_some() {
            return false;
        }
        let is_in = has(&IN, before) && is_in_english(self.target, name.at.start);
        !has(&NO_PLACES, first) && (has(&BEFORE_A_PLACE, before) || is_in)
    }
}

/// Whether a word, or what is left of it without what is written onto it, is in a list.
fn has(list: &HashSet<&str>, word: &str) -> bool {
    words::stems(word).any(|stem| list.contains(stem))
}

/// Whether the word follows the ones before `end` in a name: at once, or as the son of someone.
fn follows(arabic: &[String], end: usize, word: usize) -> bool {
    end <= word
        && arabic[end..word]
            .iter()
            .all(|between| matches!(between.as_str(), "بن" | "ابن" | "بنت" | "ابو" | "ابي" | "ال"))
}

/// What may stand between the words of one name.
fn is_within_a_name(between: &str) -> bool {
    let between = between.trim().trim_matches(['-', '‑', '\'', '’', '‘']);
    matches!(
        between,
        "" | "al"
            | "Al"
            | "el"
            | "El"
            | "bin"
            | "ibn"
            | "Bin"
            | "Ibn"
            | "-al"
            | "ez"
            | "az"
            | "ad"
            | "as"
            | "ar"
            | "as-"
            | "al-"
            | "Al-"
    )
}

/// With the article in front of it: `al-Assad`.
fn with_article(target: &str, at: Range<usize>) -> Range<usize> {
    let before = &target[..at.start];
    let article =
        ["al-", "Al-", "el-", "El-", "Al ", "al ", "El "].iter().find(|article| before.ends_with(*article));
    let start = at.start - article.map_or(0, |article| article.len());
    let is_word = !target[..start].ends_with(char::is_alphanumeric);
    if is_word { start..at.end } else { at }
}

/// The end of the capitalised word that follows at once, if it is no month and no day.
fn capital_after(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix(' ')?;
    let length = rest.find(|c: char| !c.is_alphabetic() && c != '-').unwrap_or(rest.len());
    let word = &rest[..length];
    let is_month = mentions(word).iter().any(|mention| mention.form == Form::Month);
    let is_name = word.starts_with(char::is_uppercase) && word.chars().any(char::is_lowercase);
    (is_name && !is_month && !word.ends_with("day")).then_some(at + 1 + length)
}

/// Where a name stands by itself.
fn word_at(text: &str, name: &str) -> Option<usize> {
    let mut places = text.match_indices(name).map(|(at, _)| at);
    places.find(|&at| {
        let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        is_edge(text[..at].chars().next_back()) && is_edge(text[at + name.len()..].chars().next())
    })
}

/// Whether what begins at `at` is where something is.
fn is_in_english(text: &str, at: usize) -> bool {
    let mut before = text[..at].trim_end().rsplit(' ').filter(|word| !matches!(*word, "the" | "The"));
    before.next().is_some_and(|word| IN_ENGLISH.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::unit;
    use super::*;

    fn names(points: &[Point]) -> Vec<&str> {
        points.iter().map(|point| point.text.as_str()).collect()
    }

    #[track_caller]
    fn check(source: &str, target: &str, who: &[&str], places: &[&str], dates: &[&str]) {
        let found = facts(&[unit(0, source, target)]);
        assert_eq!(
            (names(&found.who), names(&found.places), names(&found.dates)),
            (who.to_vec(), places.to_vec(), dates.to_vec()),
            "{target}"
        );
    }

    #[test]
    fn people_places_and_dates_are_told_apart() {
        check(
            "وقال وزير الخارجية الروسي سيرغي لافروف في دمشق يوم 12 أيار 2016 إن الهدنة باقية.",
            "Russian Foreign Minister Sergei Lavrov said in Damascus on 12 May 2016 that the truce holds.",
            &["Sergei Lavrov"],
            &["Damascus"],
            &["12 May 2016"],
        );
        check(
            "قصفت الطائرات مدينة سراقب وبلدة معرة النعمان في محافظة إدلب في مارس 2018.",
            "Aircraft bombed the city of Saraqib and the town of Maarat al-Numan in Idlib governorate in March 2018.",
            &[],
            &["Saraqib", "Maarat al-Numan", "Idlib"],
            &["March 2018"],
        );
        check(
            "وصل محمد بن سلمان إلى القاهرة",
            "Mohammed bin Salman arrived in Cairo",
            &["Mohammed bin Salman"],
            &["Cairo"],
            &[],
        );
    }

    #[test]
    fn what_the_arabic_does_not_bear_out_is_left_out() {
        // Another place, another date, no person.
        check(
            "وصل الوفد إلى المدينة في 13 أيار.",
            "The delegation arrived in Damascus on 12 June.",
            &[],
            &[],
            &[],
        );
        check("تعلم العربية في الإسلام", "Arabic in Islam", &[], &[], &[]);
        check("سوريا دولة", "Syria is a state", &[], &[], &[]);
        check("دليل مدير دبيان", "The Debian Administrator's Handbook", &[], &[], &[]);
        check("في اتفاق باريس", "in the Paris Agreement", &[], &[], &[]);
        check("وقالت روسيا إنها وصلت", "Russia said that it had arrived", &[], &[], &[]);
        // A surname of two Arabic words, and one that is nowhere.
        check(
            "قال وزير الدفاع علي حسن نصر الله إن الهدنة باقية",
            "Defence Minister Ali Hassan Nasrallah said that the truce holds",
            &["Ali Hassan Nasrallah"],
            &[],
            &[],
        );
        check(
            "قال وزير الدفاع علي حسن إن الهدنة باقية",
            "Defence Minister Ali Hassan Nasrallah said that the truce holds",
            &[],
            &[],
            &[],
        );
        check("2000 شخص منذ عام 2015", "2000 people since 2015", &[], &[], &["2015"]);
        check("", "", &[], &[], &[]);
    }

    #[test]
    fn those_that_most_sentences_name_are_kept_with_their_sentences() {
        let units: Vec<_> = ["حمص", "إدلب", "حماة", "درعا", "سراقب", "إدلب"]
            .iter()
            .zip(["Homs", "Idlib", "Hama", "Daraa", "Saraqib", "Idlib"])
            .enumerate()
            .map(|(at, (arabic, english))| {
                unit(at, &format!("قصف في مدينة {arabic}"), &format!("Shelling in {english}"))
            })
            .collect();
        let found = facts(&units).places;
        assert_eq!(names(&found), ["Homs", "Idlib", "Hama", "Daraa"]);
        assert_eq!(found[1].units, [1, 5]);
    }

    #[test]
    fn a_place_that_is_a_spelling_and_in_the_list_is_one() {
        let units = [
            unit(0, "معارك في اليمن", "Battles in Yemen"),
            unit(1, "الوضع باليمن صعب", "The situation in Yemen is difficult"),
        ];
        let found = facts(&units).places;
        assert_eq!((names(&found), found[0].units.as_slice()), (vec!["Yemen"], &[0, 1][..]));
    }

    /// All that is found in the sentences of PUD with their English, one a line, to be read:
    /// `TARJUMAN_DATA=/path/to/data cargo test --lib facts_of_pud -- --ignored --nocapture`.
    #[test]
    #[ignore = "needs TARJUMAN_DATA"]
    #[allow(clippy::print_stdout)]
    fn facts_of_pud() {
        let data = std::env::var("TARJUMAN_DATA").expect("TARJUMAN_DATA is the folder of test data");
        let lines = |name: &str| std::fs::read_to_string(format!("{data}/pud-ar-en/pud.{name}")).unwrap();
        for (source, target) in lines("ar").lines().zip(lines("en").lines()) {
            let Facts { who, places, dates } = facts(&[unit(0, source, target)]);
            for (kind, points) in [("who", who), ("where", places), ("when", dates)] {
                points.iter().for_each(|point| println!("{kind}: {} | {target}", point.text));
            }
        }
    }
}
