//! Plain text: paragraphs, headings, list items and the title are told apart by how lines stand, since nothing
//! else marks them.
//!
//! A line is a block of its own unless the text is hard-wrapped: in most reports and all newswire one line is one
//! paragraph, and lists, verses and logs are lost if their lines are joined. Wrapping is recognised by what a
//! program that wraps does: it breaks a line only where the next word would not have fitted.

use std::collections::{HashMap, HashSet};

use super::{Format, ReadError, ReadOptions, is_blank, text_document};
use crate::document::{Block, BlockKind, Document, Span};
use crate::lang::{digit_value, is_arabic_diacritic};

/// Text without markup.
pub struct PlainText;

impl Format for PlainText {
    fn name(&self) -> &'static str {
        "txt"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["txt", "text"]
    }

    fn document(&self, id: &str, bytes: &[u8], options: ReadOptions<'_>) -> Result<Document, ReadError> {
        text_document(id, bytes, options, self, blocks)
    }
}

/// One line that shows something.
struct Line<'t> {
    text: &'t str,
    start: usize,
    /// Letters before `text`'s words that make a list marker, in bytes; 0 for none.
    marker: usize,
    /// Width in characters; diacritics have none.
    width: usize,
    /// Width of the first word.
    first_word: usize,
    /// Number of its group: lines between blank lines.
    group: usize,
}

impl Line<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }

    fn is_item(&self) -> bool {
        self.marker > 0
    }

    fn words(&self) -> usize {
        self.text.split_whitespace().count()
    }
}

/// The blocks of a plain text.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let lines = lines(text);
    let joined = joined(&lines);
    let mut blocks = Vec::with_capacity(lines.len());
    let mut at = 0;
    while at < lines.len() {
        let first = at;
        while joined[at] {
            at += 1;
        }
        let kind = kind(&lines, first, at, blocks.is_empty());
        let line = &lines[first];
        blocks.push(Block { kind, span: Span::new(line.start + line.marker, lines[at].end()) });
        at += 1;
    }
    blocks
}

/// Lines with at least one letter or digit: rules such as `-----` stay in the gaps.
fn lines(text: &str) -> Vec<Line<'_>> {
    let is_break = |c| matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let (mut start, mut group) = (0, 0);
    for raw in text.split_inclusive(is_break) {
        let shown = raw.trim();
        if shown.chars().any(char::is_alphanumeric) {
            let at = start + (raw.len() - raw.trim_start().len());
            lines.push(Line {
                text: shown,
                start: at,
                marker: list_marker(shown).unwrap_or(0),
                width: width(shown),
                first_word: shown.split_whitespace().next().map_or(0, width),
                group,
            });
        } else if !(raw == "\n" && text[..start].ends_with('\r')) {
            // Blank, or a rule; the line feed of CR LF is neither.
            group += 1;
        }
        start += raw.len();
    }
    unmark_abbreviations(&mut lines);
    lines
}

fn width(text: &str) -> usize {
    text.chars().filter(|c| !is_arabic_diacritic(*c) && !is_blank_mark(*c)).count()
}

fn is_blank_mark(c: char) -> bool {
    is_blank(c) && !c.is_whitespace()
}

/// Letters that number items, in abjad and alphabetical order.
const ITEM_LETTERS: &str = "أابجدهوزحطيتثخ";

/// Length in bytes of the list marker a line begins with, the space after it included.
pub(super) fn list_marker(line: &str) -> Option<usize> {
    let mut chars = line.char_indices().skip_while(|(_, c)| is_blank_mark(*c)).peekable();
    let (at, first) = *chars.peek()?;
    let rest = &line[at..];
    let length = if matches!(
        first,
        '-' | '*'
            | '+'
            | '–'
            | '—'
            | '•'
            | '·'
            | '●'
            | '○'
            | '◦'
            | '▪'
            | '■'
            | '□'
            | '►'
            | '➢'
            | '✓'
            | '✔'
            | '\u{F0B7}'
    ) {
        let after = rest[first.len_utf8()..].chars().next()?;
        let needs_space = matches!(first, '*' | '+' | '-' | '–' | '—' | '·');
        // "-5" is a number, "--" a rule or a dash.
        let spaced = after.is_whitespace() || (first == '-' && after.is_alphabetic());
        (!needs_space || spaced).then_some(first.len_utf8())?
    } else {
        enumerator(rest)?
    };
    let marked = &rest[length..];
    let item = marked.trim_start_matches(is_blank);
    (!item.is_empty()).then(|| at + length + (marked.len() - item.len()))
}

/// `1.` `(2)` `٣-` `4)` `أ.` `ب)`, in bytes.
fn enumerator(line: &str) -> Option<usize> {
    let bare = line.strip_prefix('(').unwrap_or(line);
    let digits: usize = bare.chars().take_while(|c| digit_value(*c).is_some()).map(char::len_utf8).sum();
    let label = if digits > 0 {
        (bare[..digits].chars().count() <= 3).then_some(digits)?
    } else {
        let letter = bare.chars().next().filter(|c| ITEM_LETTERS.contains(*c))?;
        letter.len_utf8() + if letter == 'ه' && bare[2..].starts_with('ـ') { 'ـ'.len_utf8() } else { 0 }
    };
    let mut after = bare[label..].chars();
    let closing = after.next()?;
    let next = after.next()?;
    let length = line.len() - bare.len() + label + closing.len_utf8();
    let is_marker = match closing {
        ')' => true,
        '.' | '-' | '–' | '/' if bare.len() == line.len() => {
            // "1.5", "15-7" and "12/3" are numbers and dates; "أ.د" and "و-" are no markers either.
            next.is_whitespace() || (digits > 0 && closing != '/' && next.is_alphabetic())
        }
        _ => false,
    };
    is_marker.then_some(length)
}

/// `د.` before a name is "Dr", not the fourth item: letters with a full stop count only where both `أ.` and `ب.`
/// are there.
fn unmark_abbreviations(lines: &mut [Line<'_>]) {
    let letter = |line: &Line<'_>| {
        let mut chars = line.text.chars();
        let first = chars.next().filter(|c| c.is_alphabetic())?;
        (line.is_item() && line.text[..line.marker].trim_end().ends_with('.')).then_some(first)
    };
    let seen: HashSet<char> = lines.iter().filter_map(letter).collect();
    let in_order = seen.contains(&'ب') && (seen.contains(&'أ') || seen.contains(&'ا'));
    if !in_order {
        for line in lines.iter_mut() {
            if letter(line).is_some() {
                line.marker = 0;
            }
        }
    }
}

/// For each line, whether the next one continues its paragraph.
fn joined(lines: &[Line<'_>]) -> Vec<bool> {
    let mut joined = vec![false; lines.len()];
    let whole = wrap_width(lines);
    let mut start = 0;
    for group in lines.chunk_by(|a, b| a.group == b.group) {
        let width = whole.or_else(|| if group.len() >= 3 { wrap_width(group) } else { None });
        for (at, pair) in group.windows(2).enumerate() {
            joined[start + at] =
                width.is_some_and(|w| is_full(&pair[0], &pair[1], w)) && !begins_block(&pair[1]);
        }
        start += group.len();
    }
    joined
}

/// A line that cannot be the middle of a paragraph.
fn begins_block(line: &Line<'_>) -> bool {
    line.is_item() || is_time_stamped(line.text)
}

/// The first word of `next` would not have fitted on `line`.
fn is_full(line: &Line<'_>, next: &Line<'_>, width: usize) -> bool {
    line.width + 1 + next.first_word > width
}

/// Widths at which text is wrapped by hand or by a program.
const WRAP_WIDTHS: std::ops::RangeInclusive<usize> = 40..=132;

/// The width at which these lines were wrapped, if they were: most lines are full, most full lines do not happen to end a
/// sentence, and three quarters of those that end none are full. They are no list, whose entries may be as long as each other.
fn wrap_width(lines: &[Line<'_>]) -> Option<usize> {
    let pairs: Vec<_> = lines
        .windows(2)
        .filter(|pair| pair[0].group == pair[1].group && !begins_block(&pair[1]))
        .map(|pair| (&pair[0], &pair[1]))
        .collect();
    if pairs.len() < 2 {
        return None;
    }
    let mut widths: Vec<_> = pairs.iter().map(|(line, _)| line.width).collect();
    widths.sort_unstable();
    // The longest line gives the width, unless a few lines (addresses, tables) run beyond it.
    let longest = [widths[widths.len() - 1], widths[widths.len() * 19 / 20], widths[widths.len() * 9 / 10]];
    let width = longest.into_iter().filter(|width| WRAP_WIDTHS.contains(width)).find(|&width| {
        let full: Vec<_> = pairs.iter().filter(|(line, next)| is_full(line, next, width)).collect();
        let ended = full.iter().filter(|(line, _)| ends_sentence(line.text)).count();
        // A line that runs beyond the width was not wrapped at it.
        let wrapped =
            full.iter().filter(|(line, _)| line.width <= width && !ends_sentence(line.text)).count();
        let open = pairs.iter().filter(|(line, _)| !ends_sentence(line.text)).count();
        full.len() * 10 >= pairs.len() * 7 && ended * 10 <= full.len() * 4 && wrapped * 4 >= open * 3
    })?;
    let lines: Vec<&str> = pairs.iter().map(|(line, _)| line.text).collect();
    (!are_entries(&lines)).then_some(width)
}

/// Whether these lines repeat what lines of prose do not: a third of them begin, or end, with the same word, or nine of ten
/// hold the same one (`هاتف`) or the same sign (`-`). Short words are everywhere.
fn are_entries(lines: &[&str]) -> bool {
    const LEAST_LINES: usize = 3;
    const SHORT: usize = 3;
    let within = |line: &'_ &'_ str| -> HashSet<String> {
        let words = line
            .split_whitespace()
            .filter(|word| word.chars().count() > SHORT || !word.chars().any(char::is_alphanumeric));
        words.map(str::to_owned).collect()
    };
    let first = most_frequent(lines.iter().filter_map(|line| line.split_whitespace().next()));
    let last = most_frequent(lines.iter().filter_map(|line| line.split_whitespace().next_back()));
    let held = most_frequent(lines.iter().flat_map(within));
    (first.max(last) >= LEAST_LINES && first.max(last) * 3 >= lines.len())
        || (held >= LEAST_LINES && held * 10 >= lines.len() * 9)
}

/// How often the most frequent of these words stands among them.
fn most_frequent<W: std::hash::Hash + Eq>(words: impl Iterator<Item = W>) -> usize {
    let mut counts: HashMap<W, usize> = HashMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    counts.into_values().max().unwrap_or_default()
}

fn ends_sentence(line: &str) -> bool {
    let line =
        line.trim_end_matches(|c: char| matches!(c, '"' | '”' | '»' | '’' | '\'' | ')' | ']') || is_blank(c));
    line.ends_with(['.', '!', '?', '؟', '…', '۔'])
}

/// `12:30 …`, `[2024-03-01 12:30] …`: a line of a log.
fn is_time_stamped(line: &str) -> bool {
    let line = line.trim_start_matches(|c: char| matches!(c, '[' | '(') || is_blank(c));
    let stamp: String = line
        .chars()
        .map_while(|c| match digit_value(c) {
            Some(_) => Some('0'),
            None => matches!(c, ':' | '-' | '/' | '.').then_some(c),
        })
        .collect();
    let stamp = stamp.trim_end_matches(['-', '.', ':', '/']);
    matches!(stamp, "0:00" | "00:00" | "0:00:00" | "00:00:00" | "00.00")
        || (stamp.len() >= 8 && stamp.matches(['-', '/', '.']).count() == 2)
}

/// A title has at most this many characters, a heading at most the second number of words.
const TITLE_WIDTH: usize = 140;
const HEADING_WORDS: usize = 12;

/// What the lines `first..=last`, which make one block, are.
fn kind(lines: &[Line<'_>], first: usize, last: usize, is_document_start: bool) -> BlockKind {
    let line = &lines[first];
    if line.is_item() {
        return BlockKind::ListItem;
    }
    let Some(next) = lines.get(last + 1) else { return BlockKind::Paragraph };
    if first != last || is_time_stamped(line.text) || line.text.ends_with(['،', '؛', ',', ';']) {
        return BlockKind::Paragraph;
    }
    let blank_follows = next.group != line.group;
    let ends = ends_sentence(line.text);
    if is_document_start && line.width <= TITLE_WIDTH && !line.text.ends_with([':', '：']) {
        let is_question = line.text.ends_with(['؟', '?', '!']);
        let is_longer = next.width * 2 > line.width * 3;
        let is_title =
            if ends { is_question && blank_follows } else { blank_follows || (is_longer && !next.is_item()) };
        if is_title {
            return BlockKind::Title;
        }
    }
    let limit = if line.text.ends_with(':') { HEADING_WORDS / 3 } else { HEADING_WORDS };
    if ends || line.words() > limit {
        return BlockKind::Paragraph;
    }
    let previous = first.checked_sub(1).map(|at| &lines[at]);
    let blank_before = previous.is_none_or(|p| p.group != line.group);
    // Without blank lines around it, a heading is short between long lines; a run of short lines is a list.
    let stands_out = next.is_item() || next.width >= line.width * 3;
    let after_text =
        previous.is_none_or(|p| p.is_item() || ends_sentence(p.text) || p.width >= line.width * 3);
    if (blank_before && (blank_follows || stands_out)) || (stands_out && after_text) {
        BlockKind::Heading(1)
    } else {
        BlockKind::Paragraph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use BlockKind::*;

    fn check(text: &str, expected: &[(BlockKind, &str)]) {
        let found: Vec<_> = blocks(text).iter().map(|b| (b.kind, b.span.of(text))).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_newswire_line_is_a_paragraph() {
        check(
            "إنقاذ ألف مهاجر في البحر\r\n\r\nقال حرس السواحل إن نحو ألف مهاجر تم إنقاذهم من قوارب متهالكة اليوم. وتوجهت سفينة.\r\nوقال حرس السواحل في بيان\r\n",
            &[
                (Title, "إنقاذ ألف مهاجر في البحر"),
                (
                    Paragraph,
                    "قال حرس السواحل إن نحو ألف مهاجر تم إنقاذهم من قوارب متهالكة اليوم. وتوجهت سفينة.",
                ),
                (Paragraph, "وقال حرس السواحل في بيان"),
            ],
        );
    }

    #[test]
    fn hard_wrapped_lines_are_one_paragraph() {
        let wrapped = "قال حرس السواحل الإيطالي إن نحو ألف مهاجر تم إنقاذهم من\n\
            قوارب متهالكة في وسط البحر المتوسط اليوم الجمعة وتم العثور\n\
            على جثة واحدة. وتوجهت سفينة تابعة لحرس السواحل الإيطالي إلى\n\
            المكان.";
        check(wrapped, &[(Paragraph, wrapped)]);

        // The short last line ends the paragraph even without a blank line.
        let two = format!("{wrapped}\nوعبور البحر من ليبيا إلى إيطاليا هو الآن الطريق الرئيسي\nللمهاجرين.");
        check(&two, &[(Paragraph, wrapped), (Paragraph, &two[wrapped.len() + 1..])]);

        // A few lines that run beyond the width, as of a table, are no reason to take the others for a list.
        let table = "المحافظة | عدد القتلى | عدد الجرحى | عدد المفقودين | ملاحظات أخرى | المصدر\nحلب | 1";
        let text = [wrapped, wrapped, table, wrapped, wrapped].join("\n\n");
        assert_eq!(blocks(&text)[1].span.of(&text), wrapped);
    }

    /// How many news articles, wrapped, are seen to be so.
    #[test]
    #[ignore = "needs TARJUMAN_DATA"]
    #[allow(clippy::print_stdout, reason = "figures are what this test is run for")]
    fn wrapped_articles_are_joined() {
        let folder = std::env::var_os("TARJUMAN_DATA").expect("TARJUMAN_DATA names the data folder");
        let folder = std::path::PathBuf::from(folder).join("ant-news");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let wrapped = |line: &str, columns: usize| {
            let mut out = String::new();
            let mut at = 0;
            for word in line.split_whitespace() {
                let length = word.chars().count();
                let fits = at + 1 + length <= columns;
                out.push_str(if at == 0 {
                    ""
                } else if fits {
                    " "
                } else {
                    "\n"
                });
                at = if at == 0 || !fits { length } else { at + 1 + length };
                out.push_str(word);
            }
            out
        };
        let (mut seen, mut all) = (0, 0);
        for file in files.iter().take(100) {
            let article = std::fs::read_to_string(file).unwrap();
            for (columns, between) in
                [60, 72, 80].into_iter().flat_map(|columns| [(columns, "\n"), (columns, "\n\n")])
            {
                let paragraphs: Vec<_> = article
                    .lines()
                    .filter(|line| !line.trim().is_empty())
                    .map(|line| wrapped(line, columns))
                    .collect();
                all += 1;
                seen += usize::from(wrap_width(&lines(&paragraphs.join(between))).is_some());
            }
        }
        println!("{seen} of {all} are seen as wrapped");
        assert!(seen * 100 >= all * 97, "{seen} of {all}");
    }

    #[test]
    fn verses_lists_and_logs_stay_a_block_a_line() {
        for text in [
            "قفا نبك من ذكرى حبيب ومنزل\nبسقط اللوى بين الدخول فحومل\nفتوضح فالمقراة لم يعف رسمها\nلما نسجتها من جنوب وشمأل",
            "طماطم\nخيار\nخبز\nسكر\nزيت",
            // Names and places are of like length: most lines seem full.
            "الشهيد فاطمة زينب الحسن من بلدة كفرنبل بتاريخ 17/8/2013\nالشهيد فاطمة مصطفى الحداد من حي الخالدية بتاريخ 19/4/2013\nالشهيد بلال علي الشامي من حي بستان القصر بتاريخ 25/2/2013\nالشهيد يوسف نور السيد من حي بستان القصر بتاريخ 10/2/2013\nالشهيد خالد عبدالله الحداد من حي الصاخور بتاريخ 12/7/2013\nالشهيد عبدالله حسين المصري من حي السكري بتاريخ 15/9/2013",
            "علي خالد الشامي - 25 سنة - حي السكري - قصف مدفعي على السوق\nياسر فاطمة العمر - 31 سنة - حي الصاخور - قصف مدفعي على السوق\nمحمد فاطمة النجار - 56 سنة - حي الشعار - قصف مدفعي على السوق\nيوسف إبراهيم القاسم - 24 سنة - حي الخالدية - قصف بالطيران الحربي\nمحمد محمد الإدلبي - 52 سنة - حي الشعار - قصف مدفعي على السوق\nحسين زينب السيد - 19 سنة - مدينة دوما - قصف مدفعي على السوق",
            "مصطفى خالد الحسن مصطفى زينب النجار حي الخالدية طفل\nحسين يوسف الحداد محمد إبراهيم القاسم حي السكري مدني\nعمر خالد السيد ياسر زينب الحسن مدينة الباب امرأة\nأحمد حسين العمر أحمد محمود الإدلبي حي بستان القصر صحفي\nحسين محمود القاسم محمود مصطفى الإدلبي حي الخالدية صحفي\nخالد ياسر الأحمد ياسر سعاد الإدلبي حي بستان القصر طفل\nحسن نور الحلبي بلال حسين القاسم حي الصاخور مدني\nعمر زينب الحسن يوسف يوسف البكور حي الخالدية مدني",
            "12:30 قصف على الحي الشرقي من المدينة أدى إلى سقوط جرحى\n12:45 وصول فرق الإسعاف إلى مكان القصف في الحي الشرقي منها\n13:10 نقل الجرحى إلى المشفى الميداني الواقع في غرب المدينة",
        ] {
            let lines: Vec<_> = text.lines().map(|line| (Paragraph, line)).collect();
            check(text, &lines);
        }
    }

    #[test]
    fn list_markers_stay_outside_the_item() {
        struct Case {
            line: &'static str,
            item: Option<&'static str>,
        }
        let cases = [
            Case { line: "- خيمة", item: Some("خيمة") },
            Case { line: "• خيمة", item: Some("خيمة") },
            Case { line: "1. خيمة", item: Some("خيمة") },
            Case { line: "1-جامعة بكين", item: Some("جامعة بكين") },
            Case { line: "١- خيمة", item: Some("خيمة") },
            Case { line: "(٢) خيمة", item: Some("خيمة") },
            Case { line: "ب) خيمة", item: Some("خيمة") },
            Case { line: "هـ- خيمة", item: Some("خيمة") },
            Case { line: "1.5 مليون نازح", item: None },
            Case { line: "15-7 لقاء", item: None },
            Case { line: "2019. كان عاماً", item: None },
            Case { line: "-5 درجات", item: None },
            Case { line: "و- هكذا", item: Some("هكذا") },
            Case { line: "د. أحمد مدير المشفى", item: None },
        ];
        for Case { line, item } in cases {
            let text = format!("مقدمة عن الأمر.\n{line}\n");
            let block = blocks(&text)[1];
            match item {
                Some(item) => assert_eq!((block.kind, block.span.of(&text)), (ListItem, item), "{line}"),
                None => assert_eq!((block.kind, block.span.of(&text)), (Paragraph, line), "{line}"),
            }
        }
        check("أ. خيمة\nب. خبز", &[(ListItem, "خيمة"), (ListItem, "خبز")]);
    }

    #[test]
    fn headings_stand_out_from_longer_text() {
        check(
            "تقرير الوضع\n\nمقدمة قصيرة.\n\nالوضع الإنساني\n\nما زال السكان يعانون من نقص المياه.\nالمطالب\n- خيم\n- ماء\n\nخاتمة.",
            &[
                (Title, "تقرير الوضع"),
                (Paragraph, "مقدمة قصيرة."),
                (Heading(1), "الوضع الإنساني"),
                (Paragraph, "ما زال السكان يعانون من نقص المياه."),
                (Heading(1), "المطالب"),
                (ListItem, "خيم"),
                (ListItem, "ماء"),
                (Paragraph, "خاتمة."),
            ],
        );
    }

    #[test]
    fn a_lone_line_is_no_title() {
        check("تواصل الهجوم على البلدة", &[(Paragraph, "تواصل الهجوم على البلدة")]);
    }

    #[test]
    fn rules_and_blank_lines_are_gaps() {
        check(
            "عنوان\n=====\n\nنص.\n\n* * *\n\nنص.",
            &[(Title, "عنوان"), (Paragraph, "نص."), (Paragraph, "نص.")],
        );
    }
}
