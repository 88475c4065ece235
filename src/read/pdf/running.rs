//! Running heads, footers and page numbers: what stands at the top or bottom of page after page.

use std::collections::{BTreeMap, HashMap};

use super::line::{Atom, Row};
use super::order;
use crate::lang::digit_value;

/// Rows from the top, and from the bottom, that may be no part of the text.
const EDGE: usize = 3;
/// Pages that a head stands on at least.
const LEAST_PAGES: usize = 3;
/// Points between baselines that are at the same height.
const SAME_HEIGHT: f32 = 4.0;

/// Takes the repeated rows off `pages` and returns what they say, each with the pages (from 0) it stood on.
pub(super) fn take(pages: &mut [Vec<Row>]) -> Vec<(String, Vec<usize>)> {
    // Where a text stands, at either edge: its height, the page, the row and how it reads there.
    let mut places: HashMap<String, Vec<(f32, usize, usize, String)>> = HashMap::new();
    for (page, rows) in pages.iter().enumerate() {
        for (at, row) in rows.iter().enumerate() {
            if at < EDGE || at + EDGE >= rows.len() {
                let text = text(row);
                places.entry(pattern(&text)).or_default().push((row.y, page, at, text));
            }
        }
    }
    let mut taken: Vec<(usize, usize)> = Vec::new();
    let mut heads: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (pattern, mut places) in places {
        places.sort_by(|a, b| a.0.total_cmp(&b.0));
        for group in places.chunk_by(|a, b| b.0 - a.0 <= SAME_HEIGHT) {
            if !repeats(&pattern, group, pages.len()) {
                continue;
            }
            for (_, page, at, text) in group {
                taken.push((*page, *at));
                let name = if is_number(&pattern) { NUMBERS } else { text.as_str() };
                heads.entry(name.to_string()).or_default().push(*page);
            }
        }
    }
    taken.sort_unstable_by(|a, b| b.cmp(a));
    for (page, at) in taken {
        pages[page].remove(at);
    }
    let mut heads: Vec<(String, Vec<usize>)> = heads.into_iter().collect();
    for (_, pages) in &mut heads {
        pages.sort_unstable();
        pages.dedup();
    }
    heads.sort_by_key(|(_, pages)| std::cmp::Reverse(pages.len()));
    heads
}

/// The name under which page numbers are returned.
pub(super) const NUMBERS: &str = "";

fn repeats(pattern: &str, group: &[(f32, usize, usize, String)], pages: usize) -> bool {
    let mut on: Vec<usize> = group.iter().map(|place| place.1).collect();
    on.sort_unstable();
    on.dedup();
    if on.len() >= LEAST_PAGES {
        // A list of numbers that happens to stand at an edge counts otherwise than pages do.
        return !is_number(pattern) || counts_pages(group);
    }
    pages == 2 && on.len() == 2 && is_number(pattern) && counts_pages(group)
}

/// Whether most of these numbers grow by one a page.
fn counts_pages(group: &[(f32, usize, usize, String)]) -> bool {
    let offset = |text: &str, page: usize| {
        let number =
            text.chars().filter_map(digit_value).fold(0i64, |n, d| (n * 10 + i64::from(d)) % 1_000_000);
        number - page as i64
    };
    let mut offsets: Vec<i64> = group.iter().map(|(_, page, _, text)| offset(text, *page)).collect();
    offsets.sort_unstable();
    let most = offsets.chunk_by(|a, b| a == b).map(<[i64]>::len).max().unwrap_or(0);
    most * 3 >= offsets.len() * 2
}

/// A text without what differs from page to page.
fn pattern(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !c.is_whitespace()) {
        match digit_value(c) {
            Some(_) if out.ends_with('#') => {}
            Some(_) => out.push('#'),
            None => out.push(c),
        }
    }
    out
}

fn is_number(pattern: &str) -> bool {
    pattern.contains('#') && !pattern.chars().any(char::is_alphabetic)
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
        assert_eq!(heads, [(NUMBERS.to_string(), vec![0, 1, 2, 3]), ("Report".into(), vec![0, 1, 2, 3])]);
        assert!(pages.iter().all(|rows| rows.len() == 8), "{pages:?}");
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
