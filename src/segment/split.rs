//! Where sentences end, for Arabic text with Latin words and figures in it.
//!
//! A rule-based scanner: it stops at every `.` `!` `؟` `…` and asks what stands before and after. Rules, because
//! each decision can be explained and tested, and because the marks that end nothing (abbreviations, figures,
//! addresses, marks inside quotations) are few and known. `؛` `،` and `:` end nothing. Sentence ends that no mark
//! shows are [`super::newswire`]'s.

use std::ops::Range;

use super::newswire;
use super::words::{
    Abbreviation, abbreviation, begins_sentence, continues_sentence, fold, is_reporting, takes_letter,
};
use crate::lang::{digit_value, is_arabic_diacritic, is_arabic_letter, is_bidi_control};

/// The sentences of a block: byte ranges, in order, trimmed, each with a letter or digit in it.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let enclosures = enclosures(text);
    let mut sentences = Vec::new();
    let mut start = 0;
    let cut = |start: usize, end: usize, sentences: &mut Vec<Range<usize>>| {
        let is_first = sentences.is_empty();
        let mut from = start;
        for at in newswire::unmarked_ends(text, start..end, is_first, &enclosures) {
            push(text, from..at, sentences);
            from = at;
        }
        push(text, from..end, sentences);
    };
    let mut at = 0;
    while let Some(found) = text[at..].find(is_terminator) {
        let mark = Mark::at(text, at + found, &enclosures);
        at = mark.after;
        if mark.after < text.len() && mark.ends_sentence(text, start, &enclosures) {
            cut(start, mark.after, &mut sentences);
            start = mark.after;
        }
    }
    cut(start, text.len(), &mut sentences);
    sentences
}

/// Adds a trimmed sentence. What holds no letter or digit is no sentence: it goes to the one before it, or, where
/// there is none, stays in the gap.
fn push(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = start + piece.trim().len();
    if text[start..end].chars().any(char::is_alphanumeric) {
        sentences.push(start..end);
    } else if let (Some(last), true) = (sentences.last_mut(), start < end) {
        last.end = end;
    }
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '؟' | '…' | '۔' | '‼' | '⁇' | '⁈' | '⁉' | '。' | '！' | '？')
}

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '”' | '»' | '’' | '\'' | '›' | ')' | ']' | '}' | '﴾' | '）')
}

fn is_superscript(c: char) -> bool {
    matches!(c, '¹' | '²' | '³' | '⁰' | '⁴'..='⁹')
}

/// Characters between a word and what follows it that show nothing.
fn is_invisible(c: char) -> bool {
    is_bidi_control(c) || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}')
}

// --- quotations and brackets

/// Marks inside a quotation or bracket up to this many bytes long end nothing (about 50 Arabic words); a longer
/// one is cut into its sentences.
const MAX_ENCLOSED: usize = 600;

/// Balanced quotations and brackets of moderate length: outermost ranges from the opening to past the closing mark.
fn enclosures(text: &str) -> Vec<Range<usize>> {
    let mut open: Vec<(char, usize)> = Vec::new();
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_alphanumeric()) {
        // What opened too far back never counts; dropping it also keeps the work linear.
        while open.first().is_some_and(|(_, start)| at - start > MAX_ENCLOSED) {
            open.remove(0);
        }
        let closes = match c {
            '«' | '“' | '„' | '(' | '[' | '‹' => {
                open.push((c, at));
                continue;
            }
            '»' => &['«'][..],
            '”' => &['“', '„', '”'],
            ')' => &['('],
            ']' => &['['],
            '›' => &['‹'],
            '"' => {
                let is_open = open.iter().any(|(o, _)| *o == '"');
                if opens_quotation(text, at, is_open) {
                    // One left open before was never closed.
                    open.retain(|(o, _)| *o != '"');
                    open.push((c, at));
                    continue;
                }
                &['"']
            }
            _ => continue,
        };
        if let Some(top) = open.iter().rposition(|(o, _)| closes.contains(o)) {
            let start = open[top].1;
            open.truncate(top);
            while found.last().is_some_and(|inner| inner.start > start) {
                found.pop();
            }
            found.push(start..at + c.len_utf8());
        }
    }
    found
}

/// Whether the straight quotation mark at `at` opens: which way it faces shows in the spaces around it, and where
/// they do not tell, in whether one `is_open`.
fn opens_quotation(text: &str, at: usize, is_open: bool) -> bool {
    let next = text[at + 1..].chars().find(|c| !is_invisible(*c));
    let before = text[..at].chars().rev().find(|c| !is_invisible(*c));
    let word_follows = next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '(' | '«' | '“' | '.' | '…'));
    let spaced = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | ':' | '،' | '-' | '–' | '/'));
    // One-letter words are written onto the quotation: لـ"داعش".
    let prefixed = before.is_some_and(|c| is_arabic_letter(c) || c == 'ـ');
    match (spaced, word_follows) {
        (true, true) => true,
        (true, false) => !is_open,
        (false, true) => prefixed && !is_open,
        (false, false) => false,
    }
}

/// The enclosure that `at` lies inside of.
pub(super) fn enclosed(enclosures: &[Range<usize>], at: usize) -> Option<&Range<usize>> {
    let index = enclosures.partition_point(|e| e.end <= at);
    enclosures.get(index).filter(|e| e.start < at)
}

// --- marks

/// One or more terminators with the quotation marks and brackets they close.
struct Mark {
    /// First terminator.
    start: usize,
    /// Past the first run of terminators.
    run_end: usize,
    /// Past everything that belongs to it.
    after: usize,
}

impl Mark {
    fn at(text: &str, start: usize, enclosures: &[Range<usize>]) -> Mark {
        let run: usize = text[start..].chars().take_while(|c| is_terminator(*c)).map(char::len_utf8).sum();
        let run_end = start + run;
        let mut after = run_end;
        loop {
            let rest = &text[after..];
            let Some(c) = rest.chars().next() else { break };
            let is_opening = c == '"' && enclosures.binary_search_by_key(&after, |e| e.start).is_ok();
            let belongs = (is_closer(c) && !is_opening)
                || is_superscript(c)
                || is_invisible(c)
                || (is_terminator(c) && after > run_end);
            if belongs {
                after += c.len_utf8();
            } else if let Some(reference) = footnote_reference(rest) {
                after += reference;
            } else if let Some(late) = spaced_closing(text, after, enclosures) {
                after = late;
            } else {
                break;
            }
        }
        Mark { start, run_end, after }
    }

    fn ends_sentence(&self, text: &str, sentence_start: usize, enclosures: &[Range<usize>]) -> bool {
        let next = Next::of(&text[self.after..]);
        let before = text[..self.start].chars().rev().find(|c| !is_invisible(*c));
        if enclosed(enclosures, self.after).is_some() || matches!(before, Some('(' | '[')) {
            return false;
        }
        if matches!(
            next.first,
            None | Some('،' | ',' | '؛' | ';' | ':' | ')' | ']' | '»' | '”' | '/' | '%' | '٪')
        ) {
            return false;
        }
        let run = &text[self.start..self.run_end];
        if run.contains(|c| !matches!(c, '.' | '…')) {
            return self.question_ends(text, &next);
        }
        if run != "." {
            return (next.spaced || self.after > self.run_end) && begins_sentence(next.word);
        }
        if self.after == self.run_end && !next.spaced {
            return tight_stop_ends(text, self.start, &next);
        }
        if self.after > self.run_end && !next.spaced {
            return next.first.is_some_and(|c| c.is_alphanumeric());
        }
        self.stop_ends(text, sentence_start, &next)
    }

    fn question_ends(&self, text: &str, next: &Next<'_>) -> bool {
        let word = fold(next.word);
        // "…؟" قال فلان: the saying belongs to what was said. "…؟ أو …" goes on.
        let quoted = text[self.run_end..self.after].contains(is_closer);
        let goes_on = matches!(word.as_str(), "او" | "ام") || (quoted && is_reporting(&word));
        let is_name = !next.spaced && next.first.is_some_and(|c| c.is_ascii_alphanumeric());
        !goes_on && !is_name && !next.first.is_some_and(|c| c.is_ascii_lowercase())
    }

    /// A full stop with a space after it.
    fn stop_ends(&self, text: &str, sentence_start: usize, next: &Next<'_>) -> bool {
        let sentence = &text[sentence_start..self.start];
        let token_start =
            sentence.rfind(|c: char| c.is_whitespace() || (is_opening(c) && !matches!(c, '-' | '–' | '/')));
        let token_at =
            token_start.map_or(0, |at| at + sentence[at..].chars().next().map_or(0, char::len_utf8));
        let token = sentence[token_at..].trim_matches(is_invisible);
        let head = sentence[..token_at].trim_end();
        if self.after > self.run_end {
            // `"HK Management Inc." …`: the stop is the abbreviation's.
            return abbreviation(token).is_none_or(|a| a == Abbreviation::Unit) || begins_sentence(next.word);
        }
        if !token.is_empty() && token.chars().all(|c| digit_value(c).is_some()) {
            // "1. …" numbers what follows, "عام 2017." does not.
            let is_label = head.trim_matches(|c: char| c.is_whitespace() || is_invisible(c)).is_empty()
                || head.ends_with(':');
            return !(is_label && token.chars().count() <= 3);
        }
        // "فيتامين د." and "بروتين S." are labelled by a letter; an initial stands before a name in its own script.
        let is_initial = token.len() == 1 && next.first.is_some_and(is_arabic_letter);
        if is_initial || takes_letter(head.rsplit(char::is_whitespace).next().unwrap_or_default()) {
            return true;
        }
        let follows_number = head.chars().next_back().is_some_and(|c| digit_value(c).is_some());
        match abbreviation(token) {
            None => !(token.is_ascii() && next.first.is_some_and(|c| c.is_ascii_lowercase())),
            Some(Abbreviation::Title) if !follows_number => begins_sentence(next.word),
            Some(Abbreviation::Acronym) => begins_sentence(next.word),
            Some(_) => {
                begins_sentence(next.word) || !(continues_sentence(next.word) || next.word.starts_with('و'))
            }
        }
    }
}

fn is_opening(c: char) -> bool {
    matches!(c, '(' | '[' | '«' | '“' | '"' | '‹' | '{' | '-' | '–' | '/')
}

/// `[12]` or `(3)` right after a sentence, in bytes.
fn footnote_reference(rest: &str) -> Option<usize> {
    let close = match rest.as_bytes().first()? {
        b'[' => ']',
        b'(' => ')',
        _ => return None,
    };
    let digits = rest[1..].chars().take(4).take_while(|c| digit_value(*c).is_some());
    let (count, length) = digits.fold((0, 0), |(count, length), c| (count + 1, length + c.len_utf8()));
    ((1..=3).contains(&count) && rest[1 + length..].starts_with(close)).then_some(length + 2)
}

/// Past a closing mark that a space divides from its sentence: `فوراً. "`, or a terminator: `نعم ." .`.
fn spaced_closing(text: &str, after: usize, enclosures: &[Range<usize>]) -> Option<usize> {
    let rest = &text[after..];
    let shown = rest.trim_start();
    let c = shown.chars().next().filter(|_| shown.len() < rest.len())?;
    let end = after + (rest.len() - shown.len()) + c.len_utf8();
    let closes = is_closer(c) && enclosures.binary_search_by_key(&end, |e| e.end).is_ok();
    let repeats = is_terminator(c) && !shown[c.len_utf8()..].starts_with(char::is_alphanumeric);
    (closes || repeats).then_some(end)
}

/// What follows a mark.
struct Next<'t> {
    /// White space lies between.
    spaced: bool,
    /// First visible character.
    first: Option<char>,
    /// First word, without opening marks.
    word: &'t str,
}

impl<'t> Next<'t> {
    fn of(rest: &'t str) -> Next<'t> {
        let shown = rest.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
        let opened =
            shown.trim_start_matches(|c: char| is_opening(c) || c.is_whitespace() || is_invisible(c));
        let is_word = |c: char| c.is_alphanumeric() || is_arabic_diacritic(c) || c == 'ـ';
        let word = &opened[..opened.find(|c| !is_word(c)).unwrap_or(opened.len())];
        let spaced = rest[..rest.len() - shown.len()].contains(char::is_whitespace);
        Next { spaced, first: shown.chars().next(), word }
    }
}

/// A full stop with no space after it: part of a figure, an address or an acronym, or a space was forgotten, as
/// happens often in real news (`الشعب.وقال`).
fn tight_stop_ends(text: &str, stop: usize, next: &Next<'_>) -> bool {
    let Some(after) = next.first else { return false };
    let head = &text[..stop];
    let before = head.chars().next_back().unwrap_or(' ');
    if (digit_value(before).is_some() && digit_value(after).is_some()) || is_in_address(text, stop) {
        return false;
    }
    if after.is_ascii_alphanumeric() && (before.is_ascii_alphanumeric() || before.is_whitespace()) {
        return false;
    }
    let is_word = |c: char| c.is_alphabetic() || is_arabic_diacritic(c) || c == 'ـ';
    let letters = |word: &str| word.chars().filter(|c| c.is_alphabetic()).count();
    let word_start =
        head.rfind(|c| !is_word(c)).map_or(0, |at| at + head[at..].chars().next().map_or(0, char::len_utf8));
    let length = letters(&head[word_start..]);
    if matches!(after, '-' | '–' | '•' | '(' | '[' | '«' | '“' | '"') {
        return length >= 2;
    }
    if digit_value(after).is_some() {
        return length >= 4;
    }
    if !after.is_alphabetic() {
        return false;
    }
    if length == 0 {
        return true;
    }
    let is_chained = head[..word_start].ends_with('.');
    let next_is_short = letters(next.word) <= 3;
    match length {
        1 => false,
        2..=3 if is_chained => begins_sentence(next.word) && next.word.starts_with('و'),
        2..=3 if next_is_short => begins_sentence(next.word) || matches!(next.word, "قال" | "ثم" | "أما"),
        _ => true,
    }
}

/// Whether the stop is inside a web or mail address.
fn is_in_address(text: &str, stop: usize) -> bool {
    let nearby = text.floor_char_boundary(stop.saturating_sub(256));
    let token_head = text[nearby..stop].rsplit(char::is_whitespace).next().unwrap_or_default();
    let follows = text[stop + 1..].chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
    follows && (token_head.contains("://") || token_head.contains("www") || token_head.contains('@'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `|` stands where a sentence ends; the space after it is part of the text.
    fn check(marked: &str) {
        let text = marked.replace('|', "");
        let expected: Vec<_> = marked.split('|').map(str::trim).collect();
        let found: Vec<_> = sentences(&text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn marks_end_sentences() {
        for case in [
            "وصل الوفد.| غادر الوفد.",
            "هل وصل؟| نعم!| غادر.",
            "وصل الوفد .| غادر الوفد .",
            "وصل الوفد؟!| غادر.",
            "وصل الوفد.[3]| غادر الوفد.(12)| عاد.",
            "لم تعد هناك حاجة إلى اللجنة.| ٢٠ شخصاً غادروا.",
        ] {
            check(case);
        }
    }

    #[test]
    fn commas_semicolons_and_colons_end_nothing() {
        check("وصل الوفد، وغادر؛ ثم عاد: لا أكثر ولا أقل\nثم وصل سالماً.");
    }

    #[test]
    fn a_forgotten_space_is_seen() {
        for case in [
            "خرج الشعب.|وقال الرئيس.",
            "من جهة أخرى\".|وتضمنت القائمة كلا منهم.",
            "حدث عام 2016.|وقال الرئيس.",
            "قاطعته.|12 شخصاً غادروا.",
            "هل تكفي؟|لا أحد يعلم.",
            "قاله.|لكن أحداً لم يسمع.",
        ] {
            check(case);
        }
    }

    #[test]
    fn stops_inside_figures_dates_and_addresses_end_nothing() {
        for case in [
            "بلغ 1.5 مليون و٣٫٥ و12.500 و٣.٥ في 12.3.2024 عند 10.30 صباحاً.",
            "راسلنا على info@example.org أو www.example.org/a.b اليوم.",
            "ملف report.final.txt على node.js وإصدار .NET هنا.",
            "زوروا https://ar.example.org/صفحة.html الآن.",
        ] {
            check(case);
        }
    }

    #[test]
    fn abbreviations_end_nothing() {
        for case in [
            "قال د. أحمد وأ.د. سامي وم. ناصر إنهم وصلوا.",
            "نقلت (سي. إن. إن) عن مصدر، وذكرت سي.إن.إن. الأمر.",
            "طائرة إف-15 كيو.إيه لقطر، وكابل (يو.إس.بي) للنقل.",
            "العنوان ص.ب. 1234 دمشق.",
            "تقع على بعد 15 كم. من المدينة.",
            "ولد في القرن الثالث ق.م. في بابل.",
            "كتب هربرت أ.سيمون وأحمد ز. أمين المقال.",
            "قال J. Smith من U.S. Army وقابل Dr. House هناك.",
        ] {
            check(case);
        }
    }

    #[test]
    fn abbreviations_may_end_a_sentence() {
        for case in [
            "تبعد 15 كم.| وقال الناطق إن الطريق مغلق.",
            "بلغ السعر 20.370 د.| وقد تراجعت الأسعار.",
            "خيام وأغطية إلخ.| المدينة محاصرة.",
            "قال ذلك لشبكة سي.إن.إن.| وأضاف أنه باق.",
            "ينصح بتناول فيتامين د.| لا دواء غيره.",
            "تغير بروتين S.| يبقى السبب مجهولاً بين 40% و50%.| لا نعرف أيفيد أم لا.| نبحث.",
        ] {
            check(case);
        }
    }

    #[test]
    fn an_ellipsis_ends_a_sentence_only_before_a_new_one() {
        for case in [
            "إن ما تقوله... في الواقع, أمر لا يصدق.",
            "جدل في الجزائر.. بسبب كاتب",
            "لم يعد…| وقال أخوه إنه سافر.",
        ] {
            check(case);
        }
    }

    #[test]
    fn quotations_stay_whole_and_keep_their_closing_mark() {
        for case in [
            "قال: \"نحن نسير على الدرب الصحيح. الاتفاق سيبطئ التغير\".| ثم غادر.",
            "قال: «نسير. سنصل.»| ثم غادر.",
            "قال \"أنزلوا ذلك العلم فوراً.\"| وقال آخر.",
            "قالت \" لديه أسلحة ومواد. \"| وأضاف أنه موقوف.",
            "سألها: \"ألا نتصافح ؟\"، لكنه استدار.",
            "\"هل وصلتم؟\" قال الرجل.| لم يجب أحد.",
            "وصل (كما قيل. أو لم يقل) متأخراً.",
            "نجح (!) في ذلك (؟) اليوم.",
        ] {
            check(case);
        }
    }

    #[test]
    fn a_long_quotation_is_cut_into_its_sentences() {
        let sentence = "لا نوافق مطلقاً على هذا الزعم الذي يردده البعض كل يوم في وسائل الإعلام المحلية والعالمية دون أي دليل.";
        let quoted = [sentence; 5].join("| ");
        check(&format!("قال \"{quoted}\"| ثم غادر."));
    }

    #[test]
    fn numbers_of_items_stay_with_their_items() {
        check("المطالب التالية: 1. خيام للنازحين.| 2. ماء للشرب.");
    }

    #[test]
    fn marks_alone_are_no_sentence() {
        assert!(sentences("... ؟ -").is_empty());
        assert_eq!(sentences(" نعم. ... ").len(), 1);
        assert!(sentences("").is_empty());
    }
}
