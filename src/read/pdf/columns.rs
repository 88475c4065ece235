//! Columns: a page's rows, cut where an empty strip runs down between two bodies of text.
//!
//! A strip between cells of a table is no gutter: text in columns fills its lines.

use super::line::{Fragment, Row};

/// Lines that a column has at least.
const LEAST_ROWS: usize = 3;
/// Width of a gutter at least, in ems.
const GUTTER: f32 = 0.9;
/// Letters of a usual line, and the share of its column that it fills, at least.
const LEAST_LETTERS: usize = 10;
const LEAST_FILL: f32 = 0.55;
/// Points between the places where a gutter is looked for.
const STEP: f32 = 3.0;
/// Columns within columns.
const MAX_DEPTH: usize = 4;

/// The parts of a page in reading order, each with its rows from the top. `rtl` says which column comes first.
pub(super) fn regions(rows: Vec<Row>, rtl: bool) -> Vec<Vec<Row>> {
    let mut out = Vec::new();
    split(rows, rtl, 0, &mut out);
    out
}

fn split(rows: Vec<Row>, rtl: bool, depth: usize, out: &mut Vec<Vec<Row>>) {
    if rows.is_empty() {
        return;
    }
    let Some(gutter) = gutter(&rows).filter(|_| depth < MAX_DEPTH) else {
        out.push(rows);
        return;
    };
    let mut above = rows;
    let mut band = above.split_off(gutter.rows.start);
    let below = band.split_off(gutter.rows.len());
    let side = |is_left: bool| {
        let of_row = |row: &Row| {
            let fragments = row.fragments.iter().filter(|f| (f.left() < gutter.x) == is_left);
            let fragments: Vec<Fragment> = fragments.cloned().collect();
            fragments.first().map(|f| f.y).map(|y| Row { fragments, y })
        };
        band.iter().filter_map(of_row).collect::<Vec<Row>>()
    };
    let (left, right) = (side(true), side(false));
    split(above, rtl, depth + 1, out);
    let (first, second) = if rtl { (right, left) } else { (left, right) };
    split(first, rtl, depth + 1, out);
    split(second, rtl, depth + 1, out);
    split(below, rtl, depth + 1, out);
}

struct Gutter {
    x: f32,
    rows: std::ops::Range<usize>,
    /// Rows with text on its two sides, together.
    weight: usize,
    width: f32,
}

/// The longest gutter of these rows, if there is one.
fn gutter(rows: &[Row]) -> Option<Gutter> {
    let all = || rows.iter().flat_map(|row| &row.fragments);
    let left = all().map(Fragment::left).fold(f32::MAX, f32::min);
    let right = all().map(Fragment::right).fold(f32::MIN, f32::max);
    let steps = ((right - left) / STEP).clamp(0.0, 4000.0) as usize;
    let mut best: Option<Gutter> = None;
    for step in 1..steps {
        let x = left + step as f32 * STEP;
        let crosses = |row: &Row| row.fragments.iter().any(|f| f.left() < x && f.right() > x);
        let mut start = 0;
        while start < rows.len() {
            if crosses(&rows[start]) {
                start += 1;
                continue;
            }
            let end = (start..rows.len()).find(|at| crosses(&rows[*at])).unwrap_or(rows.len());
            if let Some(found) = measure(rows, start..end, x)
                && best
                    .as_ref()
                    .is_none_or(|b| (found.weight, found.width as i32) > (b.weight, b.width as i32))
            {
                best = Some(found);
            }
            start = end;
        }
    }
    best
}

/// What a strip at `x` parts in these rows, if that is two columns.
fn measure(rows: &[Row], range: std::ops::Range<usize>, x: f32) -> Option<Gutter> {
    // Columns begin side by side: what stands alone above them is no part of either.
    let sides = |row: &Row| {
        let is_left = |f: &Fragment| f.left() < x;
        (row.fragments.iter().any(is_left), !row.fragments.iter().all(is_left))
    };
    let first_of = |wanted: fn((bool, bool)) -> bool| range.clone().find(|at| wanted(sides(&rows[*at])));
    let (first_left, first_right) = (first_of(|s| s.0)?, first_of(|s| s.1)?);
    let later = first_left.max(first_right);
    let size = rows[later].fragments.first()?.size;
    let start = range.clone().find(|at| rows[*at].y <= rows[later].y + 1.2 * size)?;
    let range = start..range.end;
    let band = &rows[range.clone()];

    let fragments = |is_left: bool| {
        band.iter().flat_map(|r| &r.fragments).filter(move |f| (f.left() < x) == is_left).collect::<Vec<_>>()
    };
    let (left, right) = (fragments(true), fragments(false));
    let inner_left = left.iter().map(|f| f.right()).fold(f32::MIN, f32::max);
    let inner_right = right.iter().map(|f| f.left()).fold(f32::MAX, f32::min);
    let width = inner_right - inner_left;
    let is_column = |is_left: bool, fragments: &[&Fragment]| {
        let lines: Vec<(f32, usize)> = band
            .iter()
            .filter_map(|row| {
                let of_row = row.fragments.iter().filter(|f| (f.left() < x) == is_left);
                let (mut low, mut high, mut letters) = (f32::MAX, f32::MIN, 0);
                for f in of_row {
                    (low, high) = (low.min(f.left()), high.max(f.right()));
                    letters += f.atoms.len();
                }
                (letters > 0).then_some((high - low, letters))
            })
            .collect();
        let extent = fragments.iter().map(|f| f.right()).fold(f32::MIN, f32::max)
            - fragments.iter().map(|f| f.left()).fold(f32::MAX, f32::min);
        let mut letters: Vec<usize> = lines.iter().map(|l| l.1).collect();
        letters.sort_unstable();
        let fill: f32 = lines.iter().map(|l| l.0 / extent.max(1.0)).sum::<f32>() / lines.len().max(1) as f32;
        lines.len() >= LEAST_ROWS && letters[letters.len() / 2] >= LEAST_LETTERS && fill >= LEAST_FILL
    };
    let is_gutter = width >= GUTTER * size && is_column(true, &left) && is_column(false, &right);
    let weight = band
        .iter()
        .map(|row| {
            let s = sides(row);
            usize::from(s.0) + usize::from(s.1)
        })
        .sum();
    is_gutter.then_some(Gutter { x, rows: range, weight, width })
}

#[cfg(test)]
mod tests {
    use super::super::line::Atom;
    use super::*;

    fn fragment(name: &str, left: f32, right: f32, y: f32) -> Fragment {
        let step = (right - left) / 20.0;
        let atom = |n: usize| Atom {
            text: if n == 0 { name.into() } else { "ا".into() },
            left: left + n as f32 * step,
            right: left + (n + 1) as f32 * step,
            space_left: false,
        };
        Fragment { atoms: (0..20).map(atom).collect(), y, size: 10.0, is_bold: false }
    }

    fn names(regions: &[Vec<Row>]) -> Vec<String> {
        let name = |row: &Row| row.fragments.iter().map(|f| f.atoms[0].text.clone()).collect::<String>();
        regions.iter().map(|rows| rows.iter().map(name).collect()).collect()
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let mut rows = vec![Row { fragments: vec![fragment("H", 0.0, 200.0, 100.0)], y: 100.0 }];
        for n in 0..4 {
            let y = 80.0 - n as f32 * 12.0;
            let pair = vec![fragment("L", 0.0, 95.0, y), fragment("R", 105.0, 200.0, y)];
            rows.push(Row { fragments: pair, y });
        }
        rows.push(Row { fragments: vec![fragment("F", 0.0, 200.0, 20.0)], y: 20.0 });
        assert_eq!(names(&regions(rows.clone(), true)), ["H", "RRRR", "LLLL", "F"]);
        assert_eq!(names(&regions(rows, false)), ["H", "LLLL", "RRRR", "F"]);
    }

    #[test]
    fn tables_and_single_columns_stay_whole() {
        let table: Vec<Row> = (0..5)
            .map(|n| {
                let y = 80.0 - n as f32 * 12.0;
                let short = |name: &str, left: f32| {
                    let mut f = fragment(name, left, left + 60.0, y);
                    f.atoms.truncate(4);
                    f
                };
                Row { fragments: vec![short("a", 0.0), short("b", 150.0)], y }
            })
            .collect();
        assert_eq!(regions(table, true).len(), 1);
        let rows: Vec<Row> = (0..5)
            .map(|n| Row { fragments: vec![fragment("p", 0.0, 200.0, 80.0 - n as f32 * 12.0)], y: 80.0 })
            .collect();
        assert_eq!(regions(rows, true).len(), 1);
        assert!(regions(Vec::new(), true).is_empty());
    }
}
