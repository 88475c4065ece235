//! From left to right on the page to the order in which a line is read.
//!
//! It undoes what the bidirectional algorithm (UAX #9) did when the line was laid out, as far as that can be known:
//! Arabic goes from right to left, words in Latin letters and numbers from left to right, and what stands between two
//! directions follows the line's.

use super::line::Atom;
use crate::lang::{digit_value, is_arabic_letter};

/// Whether a text is read from right to left: most of its letters are Arabic.
pub(super) fn is_rtl<'a>(atoms: impl IntoIterator<Item = &'a Atom>) -> Option<bool> {
    let (arabic, others) = letters(atoms);
    (arabic + others > 0).then_some(arabic >= others)
}

/// The same where the direction of what stands `around` is known: a long path or address does not turn a line.
pub(super) fn is_rtl_within<'a>(atoms: impl IntoIterator<Item = &'a Atom>, around: bool) -> bool {
    let (arabic, others) = letters(atoms);
    match arabic + others {
        0 => around,
        _ if around => arabic * 3 >= others,
        _ => arabic > others * 3,
    }
}

/// How many letters are Arabic, and how many are others.
fn letters<'a>(atoms: impl IntoIterator<Item = &'a Atom>) -> (usize, usize) {
    let (mut arabic, mut others) = (0usize, 0usize);
    for c in atoms.into_iter().flat_map(|a| a.text.chars()) {
        if is_arabic_letter(c) {
            arabic += 1;
        } else if c.is_alphabetic() && !super::letters::is_mark(c) && c != '\u{0640}' {
            others += 1;
        }
    }
    (arabic, others)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Direction {
    Rtl,
    Ltr,
    Number,
    Neutral,
}

fn direction(atom: &Atom) -> Direction {
    for c in atom.text.chars() {
        if is_arabic_letter(c) || c == '\u{0640}' {
            return Direction::Rtl;
        } else if digit_value(c).is_some() {
            return Direction::Number;
        } else if c.is_alphabetic() || c == '\u{FFFD}' {
            return Direction::Ltr;
        }
    }
    Direction::Neutral
}

/// An atom by its index, or a space; with its embedding level: odd ones are read from right to left.
struct Item {
    atom: Option<usize>,
    direction: Direction,
    level: u8,
}

/// The text of a line of atoms that stand from left to right. `rtl` is the direction of its paragraph; `mirrored` says
/// whether the file names brackets by their look, so that those in text from right to left are the other ones.
pub(super) fn logical(atoms: &[Atom], rtl: bool, mirrored: bool) -> String {
    let mut items = items(atoms, rtl);
    // The last step of UAX #9 (L2), backwards.
    for level in 1..=2 {
        for run in items.chunk_by_mut(|a, b| (a.level >= level) == (b.level >= level)) {
            if run[0].level >= level {
                run.reverse();
            }
        }
    }
    let mut out = String::new();
    for item in items {
        match item.atom {
            None => out.push(' '),
            Some(at) if mirrored && item.level == 1 => out.extend(atoms[at].text.chars().map(mirror)),
            Some(at) => out.push_str(&atoms[at].text),
        }
    }
    out
}

fn items(atoms: &[Atom], rtl: bool) -> Vec<Item> {
    let mut items = Vec::with_capacity(atoms.len() * 2);
    for (at, atom) in atoms.iter().enumerate() {
        if atom.space_left && at > 0 {
            items.push(Item { atom: None, direction: Direction::Neutral, level: 0 });
        }
        items.push(Item { atom: Some(at), direction: direction(atom), level: 0 });
    }
    join_numbers(&mut items, atoms);
    join_latin(&mut items, atoms);
    // A number behind a Latin word goes with it (W7), and so does what stands between them, but for brackets and the
    // like: there a phrase ends.
    let mut strong = Direction::Neutral;
    for item in &mut items {
        match item.direction {
            Direction::Number if strong == Direction::Ltr => item.direction = Direction::Ltr,
            Direction::Neutral if is_light(item, atoms) => {}
            direction => strong = direction,
        }
    }
    resolve(&mut items, atoms, if rtl { Direction::Rtl } else { Direction::Ltr });
    let directions: Vec<Direction> = items.iter().map(|i| i.direction).collect();
    let strong = |d: &&Direction| **d != Direction::Number;
    for (at, item) in items.iter_mut().enumerate() {
        item.level = match item.direction {
            Direction::Rtl => 1,
            _ if rtl => 2,
            Direction::Number => {
                // In a line from left to right a number goes with the Arabic only where that is on both sides.
                let left = directions[..at].iter().rev().find(strong);
                let right = directions[at..].iter().find(strong);
                if (left, right) == (Some(&Direction::Rtl), Some(&Direction::Rtl)) { 2 } else { 0 }
            }
            _ => 0,
        };
    }
    items
}

/// `1,250`, `12/3/2019`, `10:30`, `25%`: signs that stand in a number, or right behind it, are part of it.
fn join_numbers(items: &mut [Item], atoms: &[Atom]) {
    let text = |item: &Item| item.atom.map_or(" ", |at| atoms[at].text.as_str());
    let is_number = |item: Option<&Item>| item.is_some_and(|i| i.direction == Direction::Number);
    for at in 1..items.len() {
        let is_joined = match text(&items[at]) {
            "." | "," | ":" | "/" | "٫" | "٬" => is_number(items.get(at + 1)),
            "%" | "٪" | "°" => true,
            _ => false,
        };
        if is_joined && is_number(items.get(at - 1)) {
            items[at].direction = Direction::Number;
        }
    }
}

/// `\name{x}`, `@name`, `f(x)`: signs that open a Latin word, and brackets that close what was opened in one.
fn join_latin(items: &mut [Item], atoms: &[Atom]) {
    let text = |item: &Item| item.atom.map_or(" ", |at| atoms[at].text.as_str());
    let is_latin = |item: Option<&Item>| item.is_some_and(|i| i.direction == Direction::Ltr);
    for at in 0..items.len() {
        let open = match text(&items[at]) {
            "\\" | "@" | "#" | "_" if is_latin(items.get(at + 1)) => {
                items[at].direction = Direction::Ltr;
                continue;
            }
            ")" => "(",
            "]" => "[",
            "}" => "{",
            _ => continue,
        };
        let word = items[..at].iter().rposition(|i| i.atom.is_none() || i.direction == Direction::Rtl);
        let start = word.map_or(0, |w| w + 1);
        let opened = (start + 1..at).any(|i| text(&items[i]) == open && is_latin(items.get(i - 1)));
        if opened {
            items[at].direction = Direction::Ltr;
        }
    }
}

/// Whether an item joins what stands on its two sides rather than parts it: a space, a sign of arithmetic.
fn is_light(item: &Item, atoms: &[Atom]) -> bool {
    let text = item.atom.map_or(" ", |at| atoms[at].text.as_str());
    text.chars().all(|c| " =+-−×÷<>≤≥·*/^_".contains(c))
}

/// Gives neutral items between two of one direction that direction, and others the line's.
fn resolve(items: &mut [Item], atoms: &[Atom], base: Direction) {
    use Direction::{Ltr, Neutral, Number, Rtl};
    let mut at = 0;
    while at < items.len() {
        let end = (at..items.len()).find(|i| items[*i].direction != Neutral).unwrap_or(items.len());
        if end == at {
            at += 1;
            continue;
        }
        let side = |item: Option<&Item>| item.map(|i| i.direction);
        let left = side(at.checked_sub(1).and_then(|i| items.get(i)));
        let direction = match (left, side(items.get(end))) {
            (Some(Rtl), Some(Rtl)) => Rtl,
            // A number between Arabic on both sides, in a line from left to right.
            (Some(Rtl), Some(Number)) | (Some(Number), Some(Rtl)) if base == Ltr => {
                let strong = |i: &&Item| matches!(i.direction, Ltr | Rtl);
                let before = items[..at].iter().rev().find(strong).map(|i| i.direction);
                let after = items[end..].iter().find(strong).map(|i| i.direction);
                if (before, after) == (Some(Rtl), Some(Rtl)) { Rtl } else { Ltr }
            }
            (Some(Ltr), Some(Ltr)) => Ltr,
            (Some(Number), Some(Ltr)) if items[at..end].iter().all(|i| is_light(i, atoms)) => Ltr,
            _ => base,
        };
        for item in &mut items[at..end] {
            item.direction = direction;
        }
        at = end;
    }
}

/// How many brackets find their other half in `text`, read as they are and read as their mirror images.
pub(super) fn bracket_pairs(text: &str) -> (usize, usize) {
    let pairs = |opening: char, closing: char| {
        let (mut open, mut found) = (0usize, 0usize);
        for c in text.chars() {
            if c == opening {
                open += 1;
            } else if c == closing && open > 0 {
                open -= 1;
                found += 1;
            }
        }
        found
    };
    let kinds = [('(', ')'), ('[', ']'), ('«', '»')];
    (kinds.iter().map(|k| pairs(k.0, k.1)).sum(), kinds.iter().map(|k| pairs(k.1, k.0)).sum())
}

fn mirror(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '[' => ']',
        ']' => '[',
        '{' => '}',
        '}' => '{',
        '<' => '>',
        '>' => '<',
        '«' => '»',
        '»' => '«',
        '‹' => '›',
        '›' => '‹',
        '\u{FD3E}' => '\u{FD3F}',
        '\u{FD3F}' => '\u{FD3E}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Atoms of a line as it is seen, one for each character.
    fn seen(line: &str) -> Vec<Atom> {
        let mut atoms = Vec::new();
        let mut space_left = false;
        for c in line.chars() {
            if c == ' ' {
                space_left = true;
                continue;
            }
            atoms.push(Atom { text: c.to_string(), left: 0.0, right: 0.0, space_left });
            space_left = false;
        }
        atoms
    }

    /// Turns words of Arabic around, as the screen does.
    fn turned(word: &str) -> String {
        word.chars().rev().collect()
    }

    #[test]
    fn arabic_lines_are_read_from_the_right() {
        let (a, b, c) = (turned("سلام"), turned("كتاب"), turned("باب"));
        for (line, text) in [
            (format!("{b} {a}"), "سلام كتاب"),
            (format!("{b} 2019 {a}"), "سلام 2019 كتاب"),
            (format!("{b} 1,250.5 {a}"), "سلام 1,250.5 كتاب"),
            (format!("{b} 12/3/2019 {a}"), "سلام 12/3/2019 كتاب"),
            (format!("{b} 2020 - 2019 {a}"), "سلام 2019 - 2020 كتاب"),
            (format!("{b} 25% {a}"), "سلام 25% كتاب"),
            (format!("{b} %25 {a}"), "سلام 25% كتاب"),
            (format!("{b} COVID 19 {a}"), "سلام COVID 19 كتاب"),
            (format!("{b} UN-HCR, Geneva {a}"), "سلام UN-HCR, Geneva كتاب"),
            (format!(".{b} ،{a}"), "سلام، كتاب."),
            (format!("{c} - {b} :{a}"), "سلام: كتاب - باب"),
            (format!("U0 = 6 :{a}"), "سلام: U0 = 6"),
            (format!("Word {a}"), "سلام Word"),
            (format!("\\use{{pack}} {a}"), "سلام \\use{pack}"),
            (format!("{a} .1"), "1. سلام"),
        ] {
            assert_eq!(logical(&seen(&line), true, false), text, "{line}");
        }
    }

    #[test]
    fn english_lines_are_read_from_the_left() {
        let (a, b) = (turned("سلام"), turned("كتاب"));
        for (line, text) in [
            (format!("the {b} {a} is"), "the سلام كتاب is"),
            (format!("in {a} 2019, and"), "in سلام 2019, and"),
            (format!("the {b} 12 {a} is"), "the سلام 12 كتاب is"),
            ("one 2 (three)".into(), "one 2 (three)"),
        ] {
            assert_eq!(logical(&seen(&line), false, true), text, "{line}");
        }
    }

    #[test]
    fn brackets_are_mirrored_where_the_file_names_them_by_their_look() {
        let (a, b) = (turned("سلام"), turned("كتاب"));
        let line = seen(&format!("(abc) ({b}) {a}"));
        assert_eq!(logical(&line, true, true), "سلام (كتاب) (abc)");
        assert_eq!(logical(&line, true, false), "سلام )كتاب( )abc(");
        assert_eq!(bracket_pairs("سلام )كتاب("), (0, 1));
        assert_eq!(bracket_pairs("«سلام» (كتاب"), (1, 0));
    }

    #[test]
    fn the_direction_is_that_of_most_letters() {
        assert_eq!(is_rtl(&seen("سلام ok")), Some(true));
        assert_eq!(is_rtl(&seen("سلا hello")), Some(false));
        assert_eq!(is_rtl(&seen("12 - 3")), None);
        for (line, around, rtl) in
            [("سلا hello", true, true), ("سلا hello", false, false), ("س long path", true, false)]
        {
            assert_eq!(is_rtl_within(&seen(line), around), rtl, "{line}");
        }
    }
}
