//! Byte-pair encoding by scores (Sennrich 2016 with SentencePiece's order): two neighbours whose
//! concatenation is a piece merge, the highest score first, the leftmost first among equals.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::trie::Node;
use super::{Kind, Segment, Vocabulary, symbol_at};

/// How often an unused piece is taken apart.
const MOST_SPLITS: usize = 100;
const NOWHERE: usize = usize::MAX;

/// A part of the text that may still grow.
struct Symbol {
    start: usize,
    /// Equal to `start` once it has become a part of its left neighbour.
    end: usize,
    left: usize,
    right: usize,
    /// Where its text leads in the vocabulary.
    node: Option<Node>,
    /// A user-defined symbol.
    frozen: bool,
}

/// Two neighbours that may merge. Ordered as they are to merge, greatest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pair {
    score: i32,
    left: Reverse<usize>,
    right: usize,
    /// Of both together, to notice that one has changed since.
    length: usize,
}

/// Integers in the order of `f32::total_cmp`, which is also the reference's.
fn order(score: f32) -> i32 {
    let bits = score.to_bits() as i32;
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

struct Encoder<'t> {
    vocabulary: &'t Vocabulary,
    text: &'t str,
    symbols: Vec<Symbol>,
    agenda: BinaryHeap<Pair>,
    /// For an unused piece, the length of the left half of its latest pair.
    halves: HashMap<u32, usize>,
}

/// Segments `text` into pieces of `vocabulary` and unknown characters.
pub(super) fn segment(vocabulary: &Vocabulary, text: &str) -> Vec<Segment> {
    let mut encoder = Encoder::new(vocabulary, text);
    encoder.merge();
    let mut segments = Vec::with_capacity(encoder.symbols.len());
    let mut at = 0;
    while let Some(symbol) = encoder.symbols.get(at) {
        encoder.split(symbol.start, symbol.end, symbol.node, 0, &mut segments);
        at = symbol.right;
    }
    segments
}

impl<'t> Encoder<'t> {
    fn new(vocabulary: &'t Vocabulary, text: &'t str) -> Self {
        let trie = &vocabulary.trie;
        let mut symbols: Vec<Symbol> = Vec::with_capacity(text.len());
        let mut start = 0;
        while let Some(char) = text[start..].chars().next() {
            let symbol = symbol_at(vocabulary.user_defined.as_ref(), &text[start..]);
            let end = start + symbol.map_or(char.len_utf8(), str::len);
            let node = trie.walk(trie.root(), &text.as_bytes()[start..end]);
            let (left, right) = (symbols.len().wrapping_sub(1), symbols.len() + 1);
            symbols.push(Symbol { start, end, left, right, node, frozen: symbol.is_some() });
            start = end;
        }
        if let Some(last) = symbols.last_mut() {
            last.right = NOWHERE;
        }
        Encoder { vocabulary, text, symbols, agenda: BinaryHeap::new(), halves: HashMap::new() }
    }

    fn merge(&mut self) {
        let mut pairs = Vec::with_capacity(self.symbols.len());
        for right in 1..self.symbols.len() {
            pairs.extend(self.pair(right - 1, right));
        }
        self.agenda = pairs.into();
        while let Some(Pair { left: Reverse(left), right, length, .. }) = self.agenda.pop() {
            let (l, r) = (&self.symbols[left], &self.symbols[right]);
            if l.start == l.end || r.start == r.end || r.end - l.start != length {
                continue;
            }
            let (end, node, next) = (r.end, self.joined(l, r), r.right);
            self.symbols[right].start = end;
            let merged = &mut self.symbols[left];
            (merged.end, merged.node, merged.right) = (end, node, next);
            let previous = merged.left;
            if let Some(next) = self.symbols.get_mut(next) {
                next.left = left;
            }
            for (a, b) in [(previous, left), (left, next)] {
                let pair = self.pair(a, b);
                self.agenda.extend(pair);
            }
        }
    }

    /// Where the text of two neighbours leads.
    fn joined(&self, left: &Symbol, right: &Symbol) -> Option<Node> {
        self.vocabulary.trie.walk(left.node?, &self.text.as_bytes()[right.start..right.end])
    }

    /// The pair of these two, if they are there and may merge.
    fn pair(&mut self, left: usize, right: usize) -> Option<Pair> {
        let (l, r) = (self.symbols.get(left)?, self.symbols.get(right)?);
        if l.frozen || r.frozen {
            return None;
        }
        let id = self.joined(l, r)?.value()?;
        let piece = &self.vocabulary.pieces[id as usize];
        if piece.kind == Kind::Unused {
            self.halves.insert(id, l.end - l.start);
        }
        Some(Pair { score: order(piece.score), left: Reverse(left), right, length: r.end - l.start })
    }

    /// Adds the piece that leads to `node`; an unused one is taken apart into what it was merged from.
    fn split(&self, start: usize, end: usize, node: Option<Node>, depth: usize, segments: &mut Vec<Segment>) {
        let id = node.and_then(Node::value);
        let unused = id.filter(|&id| self.vocabulary.pieces[id as usize].kind == Kind::Unused);
        let Some(unused) = unused.filter(|_| depth <= MOST_SPLITS) else {
            segments.push(Segment { start, end, id });
            return;
        };
        let Some(half) = self.halves.get(&unused) else {
            segments.push(Segment { start, end, id: None });
            return;
        };
        for (start, end) in [(start, start + half), (start + half, end)] {
            let trie = &self.vocabulary.trie;
            let node = trie.walk(trie.root(), &self.text.as_bytes()[start..end]);
            self.split(start, end, node, depth + 1, segments);
        }
    }
}
