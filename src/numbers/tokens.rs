//! Text to tokens: words with what they mean for a number, and literals of digits with their marks.

use std::ops::Range;

use super::lexicon::{self, Word};
use super::{Number, ONE, around};
use crate::lang::{digit_value, is_arabic_diacritic, is_arabic_letter};

#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind<'t>,
}

#[derive(Debug)]
pub(super) enum Kind<'t> {
    /// Runs of ASCII digits and the characters between them.
    Literal { groups: Vec<String>, marks: Vec<char>, half: bool },
    /// A word: as written, folded (Arabic) or lower-cased, its meaning, and whether it carries a joining و.
    Word { raw: &'t str, folded: String, meaning: Option<Word>, and: bool, arabic: bool },
}

pub(super) fn tokenize(text: &str) -> Vec<Token<'_>> {
    let chars: Vec<(usize, char)> = text.char_indices().collect();
    let offset = |i: usize| chars.get(i).map_or(text.len(), |&(at, _)| at);
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < chars.len() {
        let start = i;
        if digit_value(chars[i].1).is_some() {
            let kind = literal(&chars, &mut i);
            tokens.push(Token { span: offset(start)..offset(i), kind });
        } else if chars[i].1.is_alphabetic() {
            let arabic = is_arabic_letter(chars[i].1);
            while i < chars.len()
                && continues_word(chars[i].1)
                && is_arabic_letter_or_mark(chars[i].1) == arabic
            {
                i += 1;
            }
            // A lone mark at a change of script.
            i = i.max(start + 1);
            let span = offset(start)..offset(i);
            let kind = word(&text[span.clone()], arabic);
            tokens.push(Token { span, kind });
        } else {
            i += 1;
        }
    }
    part_ahad(&mut tokens);
    blank_percent_hundreds(&mut tokens);
    loosen_names(&mut tokens);
    tokens
}

fn continues_word(c: char) -> bool {
    c.is_alphabetic() || is_arabic_diacritic(c) || c == '\u{0640}'
}

fn is_arabic_letter_or_mark(c: char) -> bool {
    is_arabic_letter(c) || is_arabic_diacritic(c) || c == '\u{0640}'
}

fn word(raw: &str, arabic: bool) -> Kind<'_> {
    if arabic {
        let folded = lexicon::fold_arabic(raw);
        let found = lexicon::arabic(&folded);
        let meaning = found.map(|(word, _)| word);
        let and = found.is_some_and(|(_, and)| and) || folded == "و";
        Kind::Word { raw, folded, meaning, and, arabic }
    } else {
        let folded = raw.to_lowercase();
        Kind::Word { raw, meaning: lexicon::english(&folded), and: folded == "and", folded, arabic }
    }
}

/// The hundred of `في المئة` is a percentage, not a hundred.
fn blank_percent_hundreds(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let after_in = at > 0 && matches!(&tokens[at - 1].kind, Kind::Word { folded, .. } if folded == "في");
        if let Kind::Word { folded, meaning, .. } = &mut tokens[at].kind
            && lexicon::is_definite_hundred(folded)
            && (after_in || folded.starts_with('ب'))
        {
            *meaning = None;
        }
    }
}

/// `مئة وأحد عشر`: the و is written onto the one of eleven, with which it looks like another word for one. `واحد عشر` is
/// nothing else.
fn part_ahad(tokens: &mut [Token]) {
    for at in 0..tokens.len() {
        let is_before_ten = tokens.get(at + 1).is_some_and(|next| matches!(next.folded(), "عشر" | "عشره"));
        if let Kind::Word { raw, folded, meaning, and, .. } = &mut tokens[at].kind
            && (lexicon::is_and_ahad(raw) || (folded == "واحد" && is_before_ten))
        {
            (*meaning, *and) = (Some(Word::Ordinal(1)), true);
        }
    }
}

/// A number that is part of a name need not be told as one.
fn loosen_names(tokens: &mut [Token]) {
    for at in 1..tokens.len() {
        let Some(found) = around::in_name(tokens[at - 1].folded(), tokens[at].folded()) else { continue };
        for token in &mut tokens[at - 1..=at] {
            if let Kind::Word { meaning, .. } = &mut token.kind {
                *meaning = meaning.and(Some(found));
            }
        }
    }
}

/// Reads digits with the marks inside them: `1,234.5`, `١٢٫٥`, `1 500 000`, `12.05.2016`.
fn literal(chars: &[(usize, char)], i: &mut usize) -> Kind<'static> {
    let (mut groups, mut marks) = (Vec::new(), Vec::new());
    loop {
        let mut group = String::new();
        while let Some(digit) = chars.get(*i).and_then(|&(_, c)| digit_value(c)) {
            group.push(char::from(b'0' + digit));
            *i += 1;
        }
        groups.push(group);
        let mark = chars.get(*i).map(|&(_, c)| c);
        match mark {
            Some(c @ ('.' | ',' | '٫' | '٬' | '،' | '\'' | '’')) if digits_from(chars, *i + 1) > 0 => {
                marks.push(c)
            }
            Some(c @ (' ' | '\u{A0}' | '\u{202F}' | '\u{2009}'))
                if spaced_thousands(&groups, &marks, digits_from(chars, *i + 1)) =>
            {
                marks.push(if c == ' ' { ' ' } else { '\u{A0}' });
            }
            _ => break,
        }
        *i += 1;
    }
    let half = matches!(chars.get(*i), Some((_, '½')));
    Kind::Literal { groups, marks, half }
}

/// How many digits stand from `at` on.
fn digits_from(chars: &[(usize, char)], at: usize) -> usize {
    chars.iter().skip(at).take_while(|(_, c)| digit_value(*c).is_some()).count()
}

/// Whether a group of `next` digits after a space goes on with the thousands: `1 500`, or as the United Nations write
/// right to left, `000 100` for a hundred thousand.
fn spaced_thousands(groups: &[String], marks: &[char], next: usize) -> bool {
    let spaced = marks.iter().all(|m| matches!(m, ' ' | '\u{A0}'));
    let forward = next == 3 && groups[0].len() <= 3 && !groups[0].starts_with('0');
    spaced && (forward || is_reversed(groups) && (1..=3).contains(&next))
}

/// Groups that begin with 000 stand in reverse: no number begins so.
fn is_reversed(groups: &[String]) -> bool {
    groups[0] == "000"
}

/// The values of a literal: readings, and parts if it may be a list or a date.
pub(super) fn values(groups: &[String], marks: &[char], half: bool) -> (Vec<Number>, Vec<Number>) {
    if groups.len() > 1 && is_reversed(groups) && matches!(marks[0], ' ' | '\u{A0}') {
        let digits: String = groups.iter().rev().map(String::as_str).collect();
        return (vec![Number::from_digits(&digits, "")], Vec::new());
    }
    let whole = |group: &String| Number::from_digits(group, "");
    let parts: Vec<Number> = groups.iter().map(whole).collect();
    let joined = || Number::from_digits(&groups.concat(), "");
    let thousands = |groups: &[String], marks: &[char]| {
        (1..=3).contains(&groups[0].len())
            && !groups[0].starts_with('0')
            && groups[1..].iter().all(|g| g.len() == 3)
            && marks.iter().all(|&m| m == marks[0] && m != '٫')
    };
    let add_half = if half { Number::hundredths(50) } else { Number(0) };
    let Some((&last_mark, before)) = marks.split_last() else {
        return (vec![parts[0].plus(add_half)], Vec::new());
    };
    let last = groups.len() - 1;
    let decimal = || Number::from_digits(&groups[..last].concat(), &groups[last]);
    if thousands(groups, marks) {
        return match (last_mark, marks.len()) {
            ('.', 1) => (vec![joined(), decimal()], Vec::new()),
            (' ' | '،', _) => (vec![joined()], parts),
            _ => (vec![joined()], Vec::new()),
        };
    }
    let is_decimal_mark = matches!(last_mark, '.' | ',' | '٫' | '،');
    match before.first() {
        None if is_decimal_mark => {
            let listed = if last_mark == '٫' { Vec::new() } else { parts };
            (vec![decimal()], listed)
        }
        Some(&first) if is_decimal_mark && first != last_mark && thousands(&groups[..last], before) => {
            (vec![decimal()], Vec::new())
        }
        _ => (Vec::new(), parts),
    }
}

impl<'t> Token<'t> {
    pub(super) fn meaning(&self) -> Option<Word> {
        match self.kind {
            Kind::Word { meaning, .. } => meaning,
            Kind::Literal { .. } => None,
        }
    }

    pub(super) fn folded(&self) -> &str {
        match &self.kind {
            Kind::Word { folded, .. } => folded,
            Kind::Literal { .. } => "",
        }
    }

    pub(super) fn raw(&self) -> &'t str {
        match self.kind {
            Kind::Word { raw, .. } => raw,
            Kind::Literal { .. } => "",
        }
    }

    /// The factor of a letter written on to a literal (`$5m`, `3bn`, `10k`), and whether the bare value stays a
    /// reading (`5m` may be metres).
    pub(super) fn scale_suffix(&self) -> (Number, bool) {
        match self.raw() {
            "k" | "K" => (Number::power_of_ten(3), true),
            "m" | "M" => (Number::power_of_ten(6), true),
            "mn" => (Number::power_of_ten(6), false),
            "b" | "B" => (Number::power_of_ten(9), true),
            "bn" => (Number::power_of_ten(9), false),
            _ => (ONE, false),
        }
    }
}
