//! Glyphs → rows of fragments: what stands on one baseline, cut where wide gaps are.
//!
//! Positions alone decide: whether a program wrote its glyphs in reading order, in the order of the screen or word by
//! word makes no difference.

use super::letters;
use super::page::Glyph;
use crate::lang::has_arabic;

/// A gap of this many ems is a space between words.
const SPACE: f32 = 0.15;
/// A gap of this many ems may lie between two columns or cells.
const WIDE: f32 = 1.0;
/// Baselines that differ by less than this many ems are one.
const SAME_LINE: f32 = 0.25;

/// A letter with its marks, or what else has a place of its own in a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Atom {
    pub text: String,
    pub left: f32,
    pub right: f32,
    /// Whether a space stands to the left of it.
    pub space_left: bool,
}

/// Text on one baseline without wide gaps; atoms go from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fragment {
    pub atoms: Vec<Atom>,
    pub y: f32,
    /// Size of most of its letters.
    pub size: f32,
    /// Whether most of its letters are bold.
    pub is_bold: bool,
}

impl Fragment {
    pub fn left(&self) -> f32 {
        self.atoms.iter().map(|a| a.left).fold(f32::MAX, f32::min)
    }

    pub fn right(&self) -> f32 {
        self.atoms.iter().map(|a| a.right).fold(f32::MIN, f32::max)
    }

    /// Puts `other`, which stands to the right, behind this one.
    pub fn join(&mut self, other: Fragment) {
        let (own, others) = (self.atoms.len(), other.atoms.len());
        if others > own {
            (self.size, self.is_bold) = (other.size, other.is_bold);
        }
        self.atoms.extend(other.atoms);
        if let Some(atom) = self.atoms.get_mut(own) {
            atom.space_left = true;
        }
    }
}

/// Fragments on one baseline, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub fragments: Vec<Fragment>,
    pub y: f32,
}

/// The rows of a page from the top; glyphs that stand in other directions come after the upright ones.
pub(super) fn rows(glyphs: &[Glyph]) -> Vec<Row> {
    let mut angles: Vec<i16> = glyphs.iter().map(|g| g.angle).collect();
    angles.sort_unstable_by_key(|angle| (*angle != 0, *angle));
    angles.dedup();
    let mut rows = Vec::new();
    for angle in angles {
        let turned: Vec<&Glyph> = glyphs.iter().filter(|g| g.angle == angle).collect();
        rows.extend(upright_rows(&turned));
    }
    rows
}

/// A letter on its way into a row.
struct Letter<'g> {
    glyph: &'g Glyph,
    text: String,
}

fn upright_rows(glyphs: &[&Glyph]) -> Vec<Row> {
    let text = |glyph: &&&Glyph| glyph.text.clone().unwrap_or_else(|| "\u{FFFD}".into());
    // Index of the letter before each mark, and the marks.
    let (mut placed, mut marks): (Vec<Letter<'_>>, Vec<(usize, &Glyph, String)>) = (Vec::new(), Vec::new());
    for glyph in glyphs {
        let text = text(&glyph);
        if text.is_empty() || glyph.size <= 0.0 {
            continue;
        }
        match letters::is_all_marks(&text) {
            true => marks.push((placed.len(), glyph, text)),
            false => placed.push(Letter { glyph, text }),
        }
    }
    attach(&mut placed, marks);
    let mut order: Vec<usize> = (0..placed.len()).collect();
    order.sort_by(|a, b| placed[*b].glyph.y.total_cmp(&placed[*a].glyph.y));
    let groups = order.chunk_by(|a, b| {
        let (a, b) = (placed[*a].glyph, placed[*b].glyph);
        a.y - b.y <= SAME_LINE * a.size.max(b.size)
    });
    let groups: Vec<Vec<usize>> = merged(groups.map(<[usize]>::to_vec).collect(), &placed);
    groups.iter().filter_map(|group| row(group, &placed)).collect()
}

/// Puts marks behind the letters they are written on.
///
/// Whether a mark belongs to the letter before or after it in the stream follows from which one it stands over; where
/// it stands over both or neither, the page's custom decides.
fn attach(placed: &mut [Letter<'_>], marks: Vec<(usize, &Glyph, String)>) {
    let distance = |mark: &Glyph, letter: Option<&Letter<'_>>| {
        let Some(letter) = letter.map(|l| l.glyph) else { return f32::MAX };
        if (letter.y - mark.y).abs() > 1.5 * letter.size.max(mark.size) {
            return f32::MAX;
        }
        let middle = (mark.left + mark.right) / 2.0;
        (letter.left - middle).max(middle - letter.right).max(0.0) / letter.size
    };
    let sides = |at: usize, mark: &Glyph| {
        let before = distance(mark, at.checked_sub(1).and_then(|b| placed.get(b)));
        (before, distance(mark, placed.get(at)))
    };
    let votes: i32 = marks
        .iter()
        .map(|(at, mark, _)| {
            let (before, after) = sides(*at, mark);
            i32::from(before < after - 0.05) - i32::from(after < before - 0.05)
        })
        .sum();
    let mut found: Vec<(usize, String)> = Vec::new();
    for (at, mark, text) in marks {
        let (before, after) = sides(at, mark);
        let is_before = if (before - after).abs() <= 0.05 { votes >= 0 } else { before < after };
        let letter = match is_before {
            true if at > 0 => at - 1,
            _ => at,
        };
        // Far from both neighbours in the stream: whichever letter is nearest on the page.
        let letter = if before.min(after) > 0.5 {
            let near = |l: &usize| distance(mark, placed.get(*l));
            (0..placed.len()).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap_or(letter)
        } else {
            letter
        };
        found.push((letter, text));
    }
    for (letter, text) in found {
        if let Some(letter) = placed.get_mut(letter.min(placed.len().saturating_sub(1))) {
            letter.text.push_str(&text);
        }
    }
}

/// Small groups raised or lowered beside a larger one (exponents, numbers of notes) go into it.
fn merged(groups: Vec<Vec<usize>>, placed: &[Letter<'_>]) -> Vec<Vec<usize>> {
    let size = |group: &[usize]| group.iter().map(|g| placed[*g].glyph.size).fold(0.0, f32::max);
    let y = |group: &[usize]| {
        let mut heights: Vec<f32> = group.iter().map(|g| placed[*g].glyph.y).collect();
        heights.sort_by(f32::total_cmp);
        heights[heights.len() / 2]
    };
    let touches = |small: &[usize], large: &[usize]| {
        small.iter().all(|s| {
            let s = placed[*s].glyph;
            large.iter().any(|l| {
                let l = placed[*l].glyph;
                s.left < l.right + 0.5 * l.size && s.right > l.left - 0.5 * l.size && s.size < 0.9 * l.size
            })
        })
    };
    let mut out: Vec<Vec<usize>> = Vec::new();
    for group in groups {
        if let Some(last) = out.last_mut() {
            let apart = (y(last) - y(&group)).abs();
            if apart < 0.6 * size(last).max(size(&group)) && (touches(&group, last) || touches(last, &group))
            {
                last.extend(group);
                continue;
            }
        }
        out.push(group);
    }
    out
}

fn row(group: &[usize], placed: &[Letter<'_>]) -> Option<Row> {
    let middle = |at: usize| placed[at].glyph.left + placed[at].glyph.right;
    let mut group = group.to_vec();
    group.sort_by(|a, b| middle(*a).total_cmp(&middle(*b)));
    let mut fragments: Vec<Vec<(usize, bool)>> = Vec::new();
    let threshold = space_threshold(&group, placed);
    let mut before: Option<usize> = None;
    // Width of the space glyphs since the last letter.
    let mut spaces = 0.0f32;
    for at in group {
        let glyph = placed[at].glyph;
        if placed[at].text.trim().is_empty() {
            spaces = spaces.max(glyph.right - glyph.left);
            continue;
        }
        let Some(previous) = before.map(|b| &placed[b]) else {
            fragments.push(vec![(at, false)]);
            before = Some(at);
            continue;
        };
        let size = previous.glyph.size.max(glyph.size);
        let gap = glyph.left - previous.glyph.right;
        // The same letter drawn twice, a little apart, is a bold one.
        let is_shadow = previous.text == placed[at].text
            && (glyph.left - previous.glyph.left).abs() < 0.1 * size
            && (glyph.right - previous.glyph.right).abs() < 0.1 * size
            && glyph.right > glyph.left;
        if is_shadow {
            continue;
        }
        let is_space = gap > threshold * size || (spaces > 0.0 && gap > 0.3 * spaces);
        match fragments.last_mut() {
            Some(fragment) if gap <= WIDE * size => fragment.push((at, is_space)),
            _ => fragments.push(vec![(at, false)]),
        }
        (before, spaces) = (Some(at), 0.0);
    }
    let fragments: Vec<_> = fragments.into_iter().map(|f| fragment(&f, placed)).collect();
    let widest = fragments.iter().max_by_key(|f| f.atoms.len())?;
    Some(Row { y: widest.y, fragments })
}

/// Letter-spaced lines have gaps between all letters; a space is then what is wider than those. Arabic letters are
/// joined, so they have none.
fn space_threshold(group: &[usize], placed: &[Letter<'_>]) -> f32 {
    let letters: Vec<_> = group.iter().map(|at| &placed[*at]).filter(|l| !l.text.trim().is_empty()).collect();
    let is_letter = |l: &Letter<'_>| l.text.chars().all(char::is_alphabetic);
    let gap = |pair: &[&Letter<'_>]| (pair[1].glyph.left - pair[0].glyph.right) / pair[1].glyph.size;
    let pairs = letters.windows(2).filter(|pair| pair.iter().all(|l| is_letter(l)));
    let mut gaps: Vec<f32> = pairs.map(gap).collect();
    if gaps.len() < 8 || letters.iter().any(|l| has_arabic(&l.text)) {
        return SPACE;
    }
    gaps.sort_by(f32::total_cmp);
    SPACE + gaps[gaps.len() / 2].clamp(0.0, WIDE)
}

fn fragment(atoms: &[(usize, bool)], placed: &[Letter<'_>]) -> Fragment {
    let glyphs: Vec<&Glyph> = atoms.iter().map(|(at, _)| placed[*at].glyph).collect();
    let median = |mut values: Vec<f32>| {
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    };
    let bold = glyphs.iter().filter(|g| g.is_bold).count();
    Fragment {
        y: median(glyphs.iter().map(|g| g.y).collect()),
        size: median(glyphs.iter().map(|g| g.size).collect()),
        is_bold: bold * 2 > glyphs.len(),
        atoms: atoms
            .iter()
            .map(|(at, space_left)| {
                let Letter { glyph, text } = &placed[*at];
                Atom { text: text.clone(), left: glyph.left, right: glyph.right, space_left: *space_left }
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A glyph of a tenth of its size' width for each unit.
    fn glyph(text: &str, left: f32, width: f32, y: f32) -> Glyph {
        Glyph {
            text: (text != "?").then(|| text.to_string()),
            left,
            right: left + width,
            y,
            size: 10.0,
            angle: 0,
            is_bold: false,
        }
    }

    fn shown(glyphs: &[Glyph]) -> Vec<Vec<String>> {
        let fragment = |f: &Fragment| {
            let atom = |a: &Atom| if a.space_left { format!(" {}", a.text) } else { a.text.clone() };
            f.atoms.iter().map(atom).collect::<String>()
        };
        rows(glyphs).iter().map(|row| row.fragments.iter().map(fragment).collect()).collect()
    }

    #[test]
    fn rows_go_down_and_wide_gaps_cut_them() {
        let glyphs = [
            glyph("c", 0.0, 5.0, 80.0),
            glyph("a", 0.0, 5.0, 100.0),
            glyph("b", 5.0, 5.0, 101.0),
            glyph("d", 13.0, 5.0, 100.0),
            glyph("e", 40.0, 5.0, 100.0),
        ];
        assert_eq!(shown(&glyphs), [vec!["ab d", "e"], vec!["c"]]);
    }

    #[test]
    fn marks_join_the_letter_they_stand_over() {
        // Screen order (the mark comes first) and reading order (the letter does).
        let early =
            [glyph("\u{64E}", 7.0, 0.0, 103.0), glyph("ب", 5.0, 5.0, 100.0), glyph("ا", 0.0, 5.0, 100.0)];
        let late =
            [glyph("ا", 10.0, 3.0, 100.0), glyph("ب", 5.0, 5.0, 100.0), glyph("\u{64E}", 7.0, 0.0, 103.0)];
        assert_eq!(shown(&early), [["اب\u{64E}"]]);
        assert_eq!(shown(&late), [["ب\u{64E}ا"]]);
    }

    #[test]
    fn shadows_exponents_and_unknown_glyphs() {
        let mut two = glyph("2", 5.0, 3.0, 104.0);
        two.size = 6.0;
        assert_eq!(shown(&[glyph("m", 0.0, 5.0, 100.0), glyph("m", 0.3, 5.0, 100.0), two]), [["m2"]]);
        assert_eq!(shown(&[glyph("?", 0.0, 5.0, 100.0)]), [["\u{FFFD}"]]);
    }

    #[test]
    fn letter_spaced_words_stay_whole() {
        let word = |start: f32, letters: &str| {
            let glyphs = letters.chars().enumerate().map(move |(n, c)| (start + n as f32 * 8.0, c));
            glyphs.map(|(left, c)| glyph(&c.to_string(), left, 5.0, 100.0)).collect::<Vec<_>>()
        };
        let glyphs = [word(0.0, "abcde"), word(46.0, "fghij")].concat();
        assert_eq!(shown(&glyphs), [["abcde fghij"]]);
    }

    #[test]
    fn turned_text_is_read_by_itself() {
        let mut turned = glyph("x", 0.0, 5.0, 100.0);
        turned.angle = 90;
        assert_eq!(shown(&[turned, glyph("a", 3.0, 5.0, 100.0)]), [["a"], ["x"]]);
    }
}
