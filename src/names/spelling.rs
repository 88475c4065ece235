//! Whether a word in Latin letters is a spelling of an Arabic one, however it is transliterated.
//!
//! Arabic writes consonants and long vowels; English spellings add short vowels as each likes, double consonants, and
//! have one to four ways for most letters. So a spelling is accepted if the Arabic letters can be read off it in order,
//! with nothing but vowels between them. That keeps `Mohammed`, `Muhammad` and `Mohamed` together and refuses `Damascus`
//! for دمشق, which is another name and no spelling.

use unicode_normalization::UnicodeNormalization as _;

/// So many consonants make a name recognisable; with fewer no letter may be passed over and no vowel added.
const RECOGNISABLE: usize = 2;
/// Shorter Arabic words are found in anything: `The` could be what is left of التي.
const LEAST_LETTERS: usize = 3;
/// Vowels added and letters passed over, beyond one for each consonant.
const SLACK: usize = 2;

/// How a letter may be written.
fn ways(letter: char) -> &'static [&'static str] {
    match letter {
        'ا' | 'ع' | 'ء' | 'ئ' | 'ؤ' => &["a", "e", "i", "o", "u"],
        'و' => &["w", "u", "o", "v", "ou", "oo"],
        'ي' => &["y", "i", "e", "j", "ee", "ie"],
        'ه' => &["h"],
        'ة' => &["a", "ah", "eh", "h", "e", "at", "t"],
        'ب' => &["b", "p"],
        'پ' => &["p"],
        'ت' | 'ط' => &["t", "th"],
        'ث' => &["th", "t", "s"],
        'ج' => &["j", "g", "dj", "dzh"],
        'چ' => &["ch", "tch"],
        'ح' => &["h", "kh"],
        'خ' => &["kh", "h", "k", "ch", "x"],
        'د' => &["d"],
        'ذ' => &["dh", "th", "d", "z"],
        'ر' => &["r"],
        'ز' => &["z", "s"],
        'ژ' => &["zh", "j"],
        'س' => &["s", "c", "ss"],
        'ش' => &["sh", "ch", "sch"],
        'ص' => &["s"],
        'ض' => &["d", "dh", "z"],
        'ظ' => &["z", "dh", "th", "d"],
        'غ' => &["gh", "g"],
        'ف' => &["f", "v", "ph"],
        'ڤ' => &["v", "f"],
        'ق' => &["q", "k", "g", "c"],
        'ك' | 'ک' => &["k", "c", "ch", "q"],
        'گ' => &["g"],
        'ل' => &["l"],
        'م' => &["m"],
        'ن' => &["n"],
        _ => &[],
    }
}

/// Letters that English may drop wherever they stand.
fn is_silent(letter: char) -> bool {
    matches!(letter, 'ا' | 'ع' | 'ء' | 'ئ' | 'ؤ' | 'ة')
}

/// Letters that are no consonants, or not always.
fn is_weak(letter: char) -> bool {
    matches!(letter, 'ا' | 'ع' | 'ء' | 'ئ' | 'ؤ' | 'و' | 'ي' | 'ه' | 'ة')
}

fn is_vowel(letter: char) -> bool {
    matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// In lower case, without the dots and macrons of scholars, and without apostrophes.
fn plain(latin: &str) -> Vec<char> {
    latin.nfd().filter(|c| c.is_ascii_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// How far `latin` is from the letters of `arabic` (a folded word): vowels it has besides, and letters it passes over.
/// Nothing if it is no spelling of it.
pub fn distance(latin: &str, arabic: &str) -> Option<usize> {
    let (latin, arabic): (Vec<char>, Vec<char>) = (plain(latin), arabic.chars().collect());
    let consonants = arabic.iter().filter(|&&letter| !is_weak(letter)).count();
    let begins_alike = |letter: char| {
        is_weak(letter) || ways(letter).iter().any(|way| way.chars().next() == latin.first().copied())
    };
    if latin.is_empty()
        || arabic.len() < LEAST_LETTERS
        || consonants == 0
        || !arabic.first().copied().is_some_and(begins_alike)
    {
        return None;
    }
    // least[i][j]: the least distance at which the first `i` Latin letters are read as the first `j` Arabic ones.
    let mut least = vec![vec![None::<usize>; arabic.len() + 1]; latin.len() + 1];
    least[0][0] = Some(0);
    for i in 0..=latin.len() {
        for j in 0..=arabic.len() {
            let Some(so_far) = least[i][j] else { continue };
            let mut reach = |i: usize, j: usize, more: usize| {
                let known = &mut least[i][j];
                *known = Some(known.map_or(so_far + more, |known| known.min(so_far + more)));
            };
            let Some(&letter) = arabic.get(j) else { continue };
            // A vowel that begins a word has a letter in Arabic too.
            if j > 0 && latin.get(i).copied().is_some_and(is_vowel) {
                reach(i + 1, j, 1);
            }
            let is_last = j + 1 == arabic.len();
            if is_silent(letter) || is_last && matches!(letter, 'و' | 'ه') {
                reach(i, j + 1, 1);
            }
            // Folding has made a ya of a final alef maqsura.
            let as_alef: &[&str] = if letter == 'ي' && is_last { &["a"] } else { &[] };
            for way in ways(letter).iter().chain(as_alef) {
                let is_at = |i: usize| way.chars().enumerate().all(|(n, c)| latin.get(i + n) == Some(&c));
                if is_at(i) {
                    let end = i + way.len();
                    reach(end, j + 1, 0);
                    // Doubled, as where Arabic has a shadda.
                    if !is_weak(letter) && is_at(end) {
                        reach(end + way.len(), j + 1, 0);
                    }
                }
            }
        }
    }
    let distance = least[latin.len()][arabic.len()]?;
    let most = if consonants >= RECOGNISABLE { consonants + SLACK } else { 0 };
    (distance <= most).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::words::folded;

    #[test]
    fn spellings_of_a_name_are_told_from_other_words() {
        for (arabic, yes, no) in [
            (
                "محمد",
                &["Mohammed", "Muhammad", "Mohamed", "Mehmed", "Muḥammad"][..],
                &["Ahmad", "Mohammadi", "Muhammads"][..],
            ),
            ("حسين", &["Hussein", "Husayn", "Hossain", "Husein"], &["Hassan", "Hasina", "Son"]),
            ("خالد", &["Khaled", "Khalid"], &["Halides", "Called"]),
            ("يوسف", &["Yusuf", "Youssef", "Yousef"], &["Joseph's"]),
            ("علي", &["Ali", "Aly"], &["Alia", "Nil", "Allen"]),
            ("شيخون", &["Shaykhun", "Sheikhoun", "Shaikhoun"], &["Sheikh", "Chicken"]),
            ("قذافي", &["Gaddafi", "Qadhafi", "Gadhafi", "Kaddafi"], &["Qatari"]),
            ("دمشق", &["Dimashq"], &["Damascus"]),
            ("حسكة", &["Hasakah", "Hasaka", "Hasakeh"], &["Haskell"]),
            ("بوتفليقة", &["Bouteflika"], &["Boutros"]),
            ("صنعاء", &["Sanaa", "Sana'a", "Sana"], &["Sent"]),
            ("عبدالله", &["Abdullah", "Abdallah"], &["Abdul"]),
            ("مصطفى", &["Mustafa", "Mostafa"], &["Mustafah"]),
            ("هو", &[], &["He", "Who"]),
            ("في", &[], &["Five", "Fees"]),
            ("تي", &[], &["The"]),
        ] {
            for latin in yes {
                assert!(distance(latin, &folded(arabic)).is_some(), "{latin} is {arabic}");
            }
            for latin in no {
                assert!(distance(latin, &folded(arabic)).is_none(), "{latin} is not {arabic}");
            }
        }
    }
}
