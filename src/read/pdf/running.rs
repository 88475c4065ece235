//! Running heads, footers and page numbers: what stands at the top or bottom of page after page.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::line::{Atom, Row};
use super::order;
use crate::lang::digit_value;
use crate::numbers::{Form, mentions};

/// Rows from the top, and from the bottom, that may be no part of the text.
const EDGE: usize = 3;
/// Pages that a head stands on at least.
const LEAST_PAGES: usize = 3;
/// Points between baselines that are at the same height.
const SAME_HEIGHT: f32 = 4.0;

/// What was taken off the pages as one head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// What it says on the first of its pages and on the last: the same, or with another page number. Empty for bare page
    /// numbers.
    pub says: [String; 2],
    /// Its pages, from 0.
    pub pages: Vec<usize>,
}

impl Head {
    pub(super) fn is_number(&self) -> bool {
        self.says[0].is_empty()
    }
}

/// A row at an edge.
struct Place {
    y: f32,
    page: usize,
    /// Which row of the page.
    row: usize,
    /// Whether it is in the outer quarter of its page: of a page of a few lines nearly all would be at an edge.
    is_outer: bool,
    text: String,
}

/// Takes the repeated rows off `pages` and returns what they say.
pub(super) fn take(pages: &mut [Vec<Row>]) -> Vec<Head> {
    // Where a text stands, at either edge, by what does not differ from page to page.
    let mut places: HashMap<String, Vec<Place>> = HashMap::new();
    for (page, rows) in pages.iter().enumerate() {
        let outer = (rows.len() / 4).clamp(1, EDGE);
        for (at, row) in rows.iter().enumerate() {
            let is_within = |edge: usize| at < edge || at + edge >= rows.len();
            if is_within(EDGE) {
                let (text, is_outer) = (text(row), is_within(outer));
                let place = Place { y: row.y, page, row: at, is_outer, text };
                places.entry(pattern(&place.text)).or_default().push(place);
            }
        }
    }
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut heads: BTreeMap<[String; 2], Vec<usize>> = BTreeMap::new();
    for (pattern, mut places) in places {
        places.sort_by(|a, b| a.y.total_cmp(&b.y));
        for group in places.chunk_by_mut(|a, b| b.y - a.y <= SAME_HEIGHT) {
            group.sort_by_key(|place| place.page);
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            if !repeats(&pattern, group, pages.len()) {
                continue;
            }
            taken.extend(group.iter().map(|place| (place.page, place.row)));
            let says = if is_number(&pattern) {
                Default::default()
            } else {
                [first, last].map(|place| place.text.clone())
            };
            heads.entry(says).or_default().extend(group.iter().map(|place| place.page));
        }
    }
    taken.sort_unstable_by(|a, b| b.cmp(a));
    for (page, row) in taken {
        pages[page].remove(row);
    }
    let mut heads: Vec<Head> = heads.into_iter().map(|(says, pages)| Head { says, pages }).collect();
    for head in &mut heads {
        head.pages.sort_unstable();
        head.pages.dedup();
    }
    heads.sort_by_key(|head| std::cmp::Reverse(head.pages.len()));
    heads
}

/// Whether these places, in the order of their pages, are a head, in the outer quarter of enough of them: all say the same, or
/// all but one number, which counts the pages, and perhaps another that goes on now and then (`الفصل 2، صفحة 4`). What differs
/// otherwise is the report of each page (`عدد القتلى: 7`), and so is a date, which may well count days.
fn repeats(pattern: &str, group: &[Place], pages: usize) -> bool {
    let outer: Vec<usize> = group.iter().filter(|place| place.is_outer).map(|place| place.page).collect();
    let on = outer.chunk_by(|a, b| a == b).count();
    let numbers: Vec<Vec<i64>> = group.iter().map(|place| numbers(&place.text)).collect();
    let places = 0..numbers[0].len();
    let differing: Vec<usize> =
        places.filter(|&at| numbers.iter().any(|these| these[at] != numbers[0][at])).collect();
    let is_number = is_number(pattern);
    let steps = || group.windows(2).zip(numbers.windows(2));
    let counts = |at: usize| {
        let right = steps().filter(|(places, numbers)| {
            // Some count anew.
            numbers[1][at] == 1
                || numbers[1][at] - numbers[0][at] == places[1].page as i64 - places[0].page as i64
        });
        let (right, all) = (right.count(), steps().count());
        // Some pages have no number.
        let enough = if is_number { right * 3 >= all * 2 } else { right * 10 >= all * 9 };
        enough && !group.iter().any(|place| is_in_date(&place.text, at))
    };
    let goes_on = |at: usize| steps().filter(|(_, n)| n[0][at] != n[1][at]).count() * 3 <= steps().count();
    let is_head = match differing[..] {
        [at] => counts(at),
        [one, other] if !is_number => (counts(one) && goes_on(other)) || (counts(other) && goes_on(one)),
        // A number that is the same at an edge of all pages is no page number.
        [] => !is_number,
        _ => false,
    };
    is_head && (on >= LEAST_PAGES || (is_number && on == 2 && pages == 2))
}

/// The places of a text's numbers: digits in a row.
fn digits(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| digit_value(*c).is_some()) {
        let end = at + c.len_utf8();
        match found.last_mut() {
            Some(last) if last.end == at => last.end = end,
            _ => found.push(at..end),
        }
    }
    found
}

fn numbers(text: &str) -> Vec<i64> {
    let value = |at: Range<usize>| {
        let digits = text[at].chars().filter_map(digit_value);
        digits.fold(0i64, |n, digit| n.saturating_mul(10).saturating_add(digit.into()))
    };
    digits(text).into_iter().map(value).collect()
}

/// Whether number `at` of a text is one of three with the same sign between them (`12/3/2013`, but not `2013/15 - 4`), or stands
/// beside the name of a month.
fn is_in_date(text: &str, at: usize) -> bool {
    let digits = digits(text);
    let gap = |from: usize, to: usize| text.get(from..to).unwrap_or("x").trim();
    let between = |left: usize| {
        let [left, right] = [left, left + 1].map(|number| digits.get(number));
        let between = left.zip(right).and_then(|(left, right)| text.get(left.end..right.start));
        between.filter(|between| matches!(between.trim(), "/" | "-" | "."))
    };
    let is_beside = |month: &Range<usize>| {
        digits.get(at).is_some_and(|number| {
            gap(number.end, month.start).is_empty() || gap(month.end, number.start).is_empty()
        })
    };
    (at.saturating_sub(2)..=at).any(|first| between(first).is_some() && between(first) == between(first + 1))
        || mentions(text).iter().any(|mention| mention.form == Form::Month && is_beside(&mention.span))
}

/// Stands for a number in a pattern, where no other digit is left.
const NUMBER: char = '0';

/// A text without its white space, and with a sign for each of its numbers.
fn pattern(text: &str) -> String {
    let (mut out, mut end) = (String::new(), 0);
    let without = |text: &str| text.split_whitespace().collect::<String>();
    for number in digits(text) {
        out += &without(&text[end..number.start]);
        out.push(NUMBER);
        end = number.end;
    }
    out + &without(&text[end..])
}

fn is_number(pattern: &str) -> bool {
    pattern.contains(NUMBER) && !pattern.chars().any(char::is_alphabetic)
}

fn text(row: &Row) -> String {
    let atoms: Vec<&Atom> = row.fragments.iter().flat_map(|f| &f.atoms).collect();
    let rtl = order::is_rtl(atoms).unwrap_or(true);
    let mut parts: Vec<String> = row.fragments.iter().map(|f| order::logical(&f.atoms, rtl, true)).collect();
    if rtl {
        parts.reverse();
    }
    super::letters::settle(&parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::line::Fragment;
    use super::*;

    fn row(text: &str, y: f32) -> Row {
        let atom = |c: char| Atom { text: c.into(), left: 0.0, right: 5.0, space_left: false };
        Row {
            fragments: vec![Fragment {
                atoms: text.chars().map(atom).collect(),
                y,
                size: 10.0,
                is_bold: false,
            }],
            y,
        }
    }

    #[test]
    fn what_repeats_at_an_edge_is_taken_and_named() {
        let bodies = ["one", "two", "three", "four"];
        let page = |n: usize| {
            let body: Vec<Row> =
                (0..8).map(|at| row(&format!("{}{at}x", bodies[n]), 700.0 - at as f32 * 12.0)).collect();
            let mut rows = vec![row("Report", 800.0 + n as f32)];
            rows.extend(body);
            rows.push(row(&format!("{}", n + 5), 20.0));
            rows
        };
        let mut pages: Vec<Vec<Row>> = (0..4).map(page).collect();
        let heads = take(&mut pages);
        let says = |first: &str, last: &str| [first.to_owned(), last.to_owned()];
        let head = |says: [String; 2]| Head { says, pages: vec![0, 1, 2, 3] };
        assert_eq!(heads, [head(says("", "")), head(says("Report", "Report"))]);
        assert!(pages.iter().all(|rows| rows.len() == 8), "{pages:?}");
    }

    /// Pages with these rows above eight others.
    fn under(heads: &[&str]) -> Vec<Vec<Row>> {
        let page = |(name, head): (&str, &&str)| {
            let body = (0..8).map(|at| row(&format!("{name}{at}x"), 700.0 - at as f32 * 12.0));
            std::iter::once(row(head, 800.0)).chain(body).collect()
        };
        ["one", "two", "three", "four"].into_iter().zip(heads).map(page).collect()
    }

    #[test]
    fn a_head_may_count_pages_and_differs_in_nothing_else() {
        for (texts, is_head) in [
            (["Page 3 of 10", "Page 4 of 10", "Page 5 of 10", "Page 6 of 10"], true),
            (["A/46/55 9", "A/46/55 10", "A/46/55 11", "A/46/55 12"], true),
            (["3/10", "4/10", "5/10", "6/10"], true),
            (["Chapter 1, page 4", "Chapter 1, page 5", "Chapter 2, page 6", "Chapter 2, page 7"], true),
            (["Week 12/3/2013 - 4", "Week 12/3/2013 - 5", "Week 12/3/2013 - 6", "Week 12/3/2013 - 7"], true),
            (["Page 1", "Page 2", "Page 1", "Page 2"], true),
            (["Killed: 7, page 1", "Killed: 9, page 2", "Killed: 2, page 3", "Killed: 5, page 4"], false),
            (["12/3/2013 Homs", "12/3/2013 Homs", "12/3/2013 Homs", "12/3/2013 Homs"], true),
            (["Killed: 7", "Killed: 8", "Killed: 9", "Killed: 3"], false),
            (["Killed: 0", "Killed: 0", "Killed: 0", "Killed: 1"], false),
            (["Page 3 of 10", "Page 4 of 10", "Page 5 of 10", "Page 6 of 12"], true),
            // Days count as pages do.
            (["Date: 12/3/2013", "Date: 13/3/2013", "Date: 14/3/2013", "Date: 15/3/2013"], false),
            (["12-3-2013", "13-3-2013", "14-3-2013", "15-3-2013"], false),
            (["Report of 12 March", "Report of 13 March", "Report of 14 March", "Report of 15 March"], false),
        ] {
            let mut pages = under(&texts);
            assert_eq!(take(&mut pages).len(), usize::from(is_head), "{texts:?}");
            let rows = if is_head { 8 } else { 9 };
            assert!(pages.iter().all(|page| page.len() == rows), "{texts:?}");
        }
    }

    #[test]
    fn of_a_few_lines_only_the_first_and_the_last_can_be_heads() {
        let line = |n: usize| {
            row(&format!("Line {}", ["one", "two", "three", "four", "five"][n]), 700.0 - n as f32 * 12.0)
        };
        let mut pages: Vec<Vec<Row>> = (0..4).map(|_| (0..5).map(line).collect()).collect();
        assert_eq!(take(&mut pages).len(), 2);
        assert!(pages.iter().all(|page| page.len() == 3));
    }

    #[test]
    fn a_short_page_loses_the_heads_of_the_others() {
        let bodies = ["one", "two", "three", "four"];
        let page = |n: usize| {
            let lines = if n == 3 { 4 } else { 9 };
            let body = (0..lines).map(|at| row(&format!("{}{at}x", bodies[n]), 700.0 - at as f32 * 12.0));
            let mut rows = vec![row("Ministry of Health", 800.0), row("Directorate of the North", 788.0)];
            rows.extend(body);
            rows.push(row(&format!("{}", n + 1), 20.0));
            rows
        };
        let mut pages: Vec<Vec<Row>> = (0..4).map(page).collect();
        assert_eq!(take(&mut pages).len(), 3);
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [9, 9, 9, 4]);
    }

    #[test]
    fn text_that_only_looks_alike_stays() {
        // The same word at other heights, and numbers that do not count pages.
        let numbers = ["12", "90", "41", "7"];
        let mut pages: Vec<Vec<Row>> = (0..4)
            .map(|n| {
                vec![
                    row("Report", 800.0 - 20.0 * n as f32),
                    row(numbers[n], 300.0),
                    row("x", 200.0 - 9.0 * n as f32),
                ]
            })
            .collect();
        assert!(take(&mut pages).is_empty());
        assert!(pages.iter().all(|rows| rows.len() == 3));
    }
}
