//! Names of a run: how each Arabic name was spelt in English, and how a person wants it spelt.
//!
//! A name is found where a capitalised English word is a spelling of an Arabic word of the same sentence
//! ([`spelling`]). That needs no list of names and no model, and is blind to names that are translated (مصر, `Egypt`),
//! which a glossary is for.

pub mod spelling;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::lang::{self, words};
use crate::sheet::Sheet;

use spelling::distance;

/// Shorter English words are too easily found in anything.
const LEAST_LETTERS: usize = 3;
/// Names that occur less often are no question of consistency.
const RECURRING: usize = 2;

/// A name in a sentence and its translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The Arabic word as it is compared, without what is written onto it.
    pub name: String,
    /// Its number among the words of the source ([`words::words`]).
    pub word: usize,
    /// Bytes of the target.
    pub at: Range<usize>,
}

/// The names of a sentence, in the order of the target. Each word of either side is used once, for what it is most like.
pub fn occurrences(source: &str, target: &str) -> Vec<Occurrence> {
    let latin: Vec<Range<usize>> = capitalised(target);
    if latin.is_empty() {
        return Vec::new();
    }
    let arabic = words::words(source);
    let mut found: Vec<(usize, usize, usize, &str)> = Vec::new();
    for (l, at) in latin.iter().enumerate() {
        for (a, word) in arabic.iter().enumerate() {
            // Of equally good readings the one with the least taken off.
            let stems =
                words::stems(word).filter_map(|stem| Some((distance(&target[at.clone()], stem)?, stem)));
            let best = stems.min_by_key(|&(distance, stem)| (distance, std::cmp::Reverse(stem.len())));
            found.extend(best.map(|(distance, stem)| (distance, l, a, stem)));
        }
    }
    found.sort();
    let (mut used_latin, mut used_arabic) = (BTreeSet::new(), BTreeSet::new());
    let mut occurrences = Vec::new();
    for (_, l, a, stem) in found {
        if !used_latin.contains(&l) && !used_arabic.contains(&a) {
            used_latin.insert(l);
            used_arabic.insert(a);
            occurrences.push(Occurrence { name: stem.to_owned(), word: a, at: latin[l].clone() });
        }
    }
    occurrences.sort_by_key(|occurrence| occurrence.at.start);
    occurrences
}

/// Words that begin with a capital, have a small letter, and are not short. Apostrophes stand inside of them; hyphens part them.
fn capitalised(text: &str) -> Vec<Range<usize>> {
    let is_apostrophe = |c: char| matches!(c, '\'' | '’' | '‘' | 'ʿ' | 'ʾ' | 'ʼ');
    let parts = text.split(|c: char| !c.is_alphabetic() && !is_apostrophe(c));
    let words = parts.map(|part| part.strip_suffix("'s").or_else(|| part.strip_suffix("’s")).unwrap_or(part));
    let words = words.map(|word| word.trim_matches(is_apostrophe));
    let names = words.filter(|word| {
        word.starts_with(char::is_uppercase)
            && word.chars().any(char::is_lowercase)
            && word.chars().filter(|c| c.is_alphabetic()).count() >= LEAST_LETTERS
    });
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    names.map(|word| start(word)..start(word) + word.len()).collect()
}

/// How names are to be spelt; an empty spelling leaves a name as the model has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices(BTreeMap<String, String>);

/// A name that was spelt otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Respelling {
    /// As the model had it.
    pub from: String,
    /// As it was wanted.
    pub to: String,
}

impl Choices {
    /// Reads a table with columns `arabic` (a word) and `english`, such as the `names.csv` of a run.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        Self::of_rows(&Sheet::read(bytes)?, |_, _| true)
    }

    /// Of the `names.csv` of a run only what a person chose: English that is not the most frequent spelling of its row.
    ///
    /// # Errors
    /// As [`Choices::read`].
    pub fn edited(bytes: &[u8]) -> Result<Self, String> {
        let spelt = |row: &str| row.rsplit_once(" (").map_or("", |(name, _)| name).to_owned();
        let first = |spellings: &str| spelt(spellings.split(", ").next().unwrap_or_default());
        Self::of_rows(&Sheet::read(bytes)?, |english, spellings| english != first(spellings))
    }

    /// The rows whose English and spellings are `wanted`.
    fn of_rows(sheet: &Sheet, wanted: impl Fn(&str, &str) -> bool) -> Result<Self, String> {
        let (Some(arabic), Some(english)) = (sheet.column(&["arabic"]), sheet.column(&["english"])) else {
            return Err("no columns `arabic` and `english`".into());
        };
        let mut choices = BTreeMap::new();
        let mut spellings = sheet.column(&["spellings"]).into_iter().flatten();
        for (arabic, english) in arabic.zip(english) {
            let (english, words) = (english.trim(), words::words(arabic));
            let spellings = spellings.next().unwrap_or_default();
            match words.as_slice() {
                _ if !wanted(english, spellings) => {}
                [name] => drop(choices.insert(name.clone(), english.to_owned())),
                // It chooses nothing.
                _ if english.is_empty() => {}
                _ => {
                    return Err(format!(
                        "“{}” is not one Arabic word; a glossary takes terms of several",
                        lang::shown(arabic.trim())
                    ));
                }
            }
        }
        Ok(Choices(choices))
    }

    /// These, and those of `others` for other names.
    pub fn or(&self, others: &Choices) -> Choices {
        let mut both = others.0.clone();
        both.extend(self.0.clone());
        Choices(both)
    }

    /// Those that `earlier` has not, or has otherwise.
    pub fn since(&self, earlier: &Choices) -> Choices {
        let is_new = |(name, english): &(&String, &String)| earlier.0.get(*name) != Some(*english);
        Choices(self.0.iter().filter(is_new).map(|(name, english)| (name.clone(), english.clone())).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The choice for a name, which may have been listed with its article.
    fn of(&self, name: &str) -> Option<&str> {
        let choice = self.0.get(name).or_else(|| self.0.get(&format!("ال{name}")));
        choice.map(String::as_str)
    }

    /// The target with the names of the source spelt as they were chosen, and what that changed; nothing if all are.
    pub fn apply(&self, source: &str, target: &str) -> Option<(String, Vec<Respelling>)> {
        if self.is_empty() {
            return None;
        }
        let mut text = String::new();
        let mut changes = Vec::new();
        let mut from = 0;
        for Occurrence { name, at, .. } in occurrences(source, target) {
            let wanted = self.of(&name).filter(|wanted| !wanted.is_empty() && *wanted != &target[at.clone()]);
            if let Some(wanted) = wanted {
                text.push_str(&target[from..at.start]);
                text.push_str(wanted);
                changes.push(Respelling { from: target[at.clone()].into(), to: wanted.to_owned() });
                from = at.end;
            }
        }
        text.push_str(&target[from..]);
        (!changes.is_empty()).then_some((text, changes))
    }
}

/// What is known of a name.
#[derive(Debug, Clone, Default)]
struct Name {
    spellings: BTreeMap<String, usize>,
    documents: BTreeSet<String>,
}

/// The names of a run.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<String, Name>);

/// A name as `names.csv` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRow {
    /// How it is, or should be, spelt.
    pub english: String,
    /// As it is compared: without diacritics, the forms of alef as one.
    pub arabic: String,
    /// How often it occurs.
    pub times: usize,
    /// Its spellings with how often each occurs, the most frequent first.
    pub spellings: Vec<(String, usize)>,
    /// In how many documents.
    pub documents: usize,
}

impl Names {
    /// Takes in the names of a sentence as the model spelt them.
    pub fn observe(&mut self, document: &str, source: &str, target: &str) {
        for Occurrence { name, at, .. } in occurrences(source, target) {
            let name = self.0.entry(name).or_default();
            *name.spellings.entry(target[at].to_owned()).or_default() += 1;
            if !name.documents.contains(document) {
                name.documents.insert(document.to_owned());
            }
        }
    }

    /// The names that recur, those with several spellings first, then the most frequent; each with the English of
    /// `choices`, else its most frequent spelling. Choices for names that do not occur come last.
    pub fn rows(&self, choices: &Choices) -> Vec<NameRow> {
        let mut rows: Vec<NameRow> = Vec::new();
        for (arabic, name) in &self.0 {
            let times = name.spellings.values().sum();
            let chosen = choices.of(arabic);
            if times < RECURRING && chosen.is_none() {
                continue;
            }
            let mut spellings: Vec<(String, usize)> =
                name.spellings.iter().map(|(spelling, &times)| (spelling.clone(), times)).collect();
            spellings.sort_by_key(|(spelling, times)| {
                (std::cmp::Reverse(*times), distance(spelling, arabic), spelling.clone())
            });
            let proposed = spellings.first().map(|(spelling, _)| spelling.as_str());
            rows.push(NameRow {
                english: chosen.or(proposed).unwrap_or_default().to_owned(),
                arabic: arabic.clone(),
                times,
                spellings,
                documents: name.documents.len(),
            });
        }
        rows.sort_by(|a, b| {
            let key = |row: &NameRow| (row.spellings.len() < 2, std::cmp::Reverse(row.times));
            (key(a), &a.arabic).cmp(&(key(b), &b.arabic))
        });
        let is_known = |name: &str| self.0.contains_key(name);
        let absent = choices
            .0
            .iter()
            .filter(|(arabic, _)| !is_known(arabic) && !arabic.strip_prefix("ال").is_some_and(is_known));
        rows.extend(absent.map(|(arabic, english)| NameRow {
            english: english.clone(),
            arabic: arabic.clone(),
            times: 0,
            spellings: Vec::new(),
            documents: 0,
        }));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "قال محمد حسين وأحمد علي إن القصف استهدف الحسكة.";

    #[test]
    fn names_are_found_on_both_sides() {
        let target = "Mohamed Hussein and Ahmad Ali said that the bombing hit Al-Hasakah.";
        let found: Vec<(String, &str)> =
            occurrences(SOURCE, target).into_iter().map(|o| (o.name, &target[o.at])).collect();
        let wanted = [
            ("محمد", "Mohamed"),
            ("حسين", "Hussein"),
            ("احمد", "Ahmad"),
            ("علي", "Ali"),
            ("حسكة", "Hasakah"),
        ];
        assert_eq!(found, wanted.map(|(arabic, english)| (arabic.to_owned(), english)));
        assert!(occurrences("وصل الوفد إلى المدينة.", "The delegation arrived in the city.").is_empty());
        // One word is one name.
        assert_eq!(occurrences("جاء محمد", "Muhammad, Mohammed").len(), 1);
    }

    #[test]
    fn choices_respell_what_they_name_and_nothing_else() {
        let choices =
            Choices::read("arabic,english\nمحمّد,Muhammad\nالحسكة,Hasaka\nغائب,Ghaib\nأحمد,\n".as_bytes())
                .unwrap();
        assert_eq!(choices.len(), 4);
        let target = "Mohamed’s home: Mohammed Avenue, Al-Hasakah, said Ahmad.";
        let (text, changes) = choices.apply(SOURCE, target).unwrap();
        // The sentence names him once.
        assert_eq!(text, "Muhammad’s home: Mohammed Avenue, Al-Hasaka, said Ahmad.");
        let changes: Vec<(&str, &str)> = changes.iter().map(|c| (c.from.as_str(), c.to.as_str())).collect();
        assert_eq!(changes, [("Mohamed", "Muhammad"), ("Hasakah", "Hasaka")]);
        assert_eq!(choices.apply(SOURCE, &text), None, "once is enough");
        assert_eq!(choices.apply("شيء آخر", target), None);
        for (table, wanted) in
            [("a,b\n", "no columns"), ("arabic,english\nخان شيخون,Khan\n", "not one Arabic word")]
        {
            assert!(Choices::read(table.as_bytes()).unwrap_err().contains(wanted), "{table}");
        }
    }

    #[test]
    fn what_a_person_wrote_is_told_from_what_was_proposed() {
        let table = "english,arabic,times,spellings,documents\n\
            Mohamed,محمد,3,\"Mohamed (2), Muhammad (1)\",2\n\
            Husain,حسين,3,\"Hussein (2), Husayn (1)\",2\n\
            Ghaib,غائب,0,,0\n";
        let all = Choices::read(table.as_bytes()).unwrap();
        let edited = Choices::edited(table.as_bytes()).unwrap();
        assert_eq!((all.len(), edited.len()), (3, 2));
        assert_eq!(edited.apply("محمد حسين", "Muhammad Hussein").unwrap().0, "Muhammad Husain");
    }

    #[test]
    fn the_table_has_what_recurs_and_what_was_chosen() {
        let mut names = Names::default();
        for (document, target) in
            [("a", "Mohamed Hussein"), ("a", "Muhammad Husayn"), ("b", "Mohamed Hussein")]
        {
            names.observe(document, "محمد حسين", target);
        }
        names.observe("b", "وأحمد", "and Ahmad");
        names.observe("b", "الحسكة ثم الحسكة", "Hasakah, then Hasakah");
        let choices =
            Choices::read("arabic,english\nحسين,Hussain\nالحسكة,\nغائب,Ghaib\n".as_bytes()).unwrap();
        let rows: Vec<(String, String, usize, usize)> =
            names.rows(&choices).into_iter().map(|r| (r.arabic, r.english, r.times, r.documents)).collect();
        let row =
            |arabic: &str, english: &str, times, documents| (arabic.into(), english.into(), times, documents);
        assert_eq!(
            rows,
            [
                row("حسين", "Hussain", 3, 2),
                row("محمد", "Mohamed", 3, 2),
                row("حسكة", "", 2, 1),
                row("غائب", "Ghaib", 0, 0),
            ]
        );
    }
}
