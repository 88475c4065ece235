//! Tries over bytes as double arrays: one built here over the pieces of a vocabulary, one read from a model's
//! normalisation rules. Each byte costs one look into an array.

/// A double array (Aoki 1989) whose children are found by exclusive or: the child of a node for `byte` stands
/// at `node.base ^ byte` and carries that byte as its label. No two nodes have the same base, so the label is
/// proof.
pub(super) struct Trie {
    root: Node,
    nodes: Vec<Node>,
}

/// A place in a trie: what was read so far is the beginning of a key.
#[derive(Clone, Copy)]
pub(super) struct Node {
    base: u32,
    value: u32,
    label: u32,
}

/// A key and its value.
type Key<'k> = (&'k [u8], u32);

const NONE: u32 = u32::MAX;
/// A slot that no node has taken. As a node: without value and without children, since nothing stands at its
/// base.
const FREE: Node = Node { base: NONE, value: NONE, label: NONE };
/// Children of a node stand in one block.
const BLOCK: usize = 256;

impl Node {
    /// The value of the key that ends here.
    pub(super) fn value(self) -> Option<u32> {
        (self.value != NONE).then_some(self.value)
    }
}

impl Trie {
    /// The empty beginning.
    pub(super) fn root(&self) -> Node {
        self.root
    }

    /// The node after one more byte.
    pub(super) fn step(&self, node: Node, byte: u8) -> Option<Node> {
        let byte = u32::from(byte);
        self.nodes.get((node.base ^ byte) as usize).filter(|child| child.label == byte).copied()
    }

    /// The node after `bytes`.
    pub(super) fn walk(&self, from: Node, bytes: &[u8]) -> Option<Node> {
        bytes.iter().try_fold(from, |node, &byte| self.step(node, byte))
    }

    /// The longest of the `at_most` shortest keys that begin `bytes`: its length and value. (The reference
    /// looks at so many.)
    pub(super) fn longest(&self, bytes: &[u8], at_most: usize) -> Option<(usize, u32)> {
        let (mut node, mut found, mut count) = (self.root, None, 0);
        for (i, &byte) in bytes.iter().enumerate() {
            let Some(child) = self.step(node, byte) else { break };
            node = child;
            if let Some(value) = node.value() {
                found = Some((i + 1, value));
                count += 1;
                if count == at_most {
                    break;
                }
            }
        }
        found
    }

    /// A trie of different keys without empty ones; values are below `u32::MAX`.
    pub(super) fn build(mut keys: Vec<Key>) -> Self {
        keys.sort_unstable();
        let mut builder =
            Builder { nodes: vec![FREE; BLOCK], based: vec![false; BLOCK], single: 0, several: 0 };
        let mut root = FREE;
        let mut jobs = vec![(None, &keys[..], 0)];
        let mut branches: Vec<(u8, &[Key])> = Vec::new();
        while let Some((slot, mut keys, depth)) = jobs.pop() {
            let mut node = FREE;
            if let [(key, value), rest @ ..] = keys
                && key.len() == depth
            {
                node.value = *value;
                keys = rest;
            }
            branches.clear();
            branches
                .extend(keys.chunk_by(|a, b| a.0[depth] == b.0[depth]).map(|same| (same[0].0[depth], same)));
            if !branches.is_empty() {
                let base = builder.place(&branches);
                node.base = base as u32;
                jobs.extend(
                    branches.iter().map(|&(byte, keys)| (Some(base ^ usize::from(byte)), keys, depth + 1)),
                );
            }
            match slot {
                Some(slot) => {
                    let label = builder.nodes[slot].label;
                    builder.nodes[slot] = Node { label, ..node };
                }
                None => root = node,
            }
        }
        Trie { root, nodes: builder.nodes }
    }

    /// Reads the array that Darts-clone writes: little-endian words with, from the lowest bit, an 8-bit
    /// label, whether a value hangs at the node, whether the offset counts blocks, and the offset from the
    /// node's own place to its children; or, with the highest bit set, a value. `None` if it leads outside of
    /// itself or to a value that is not below `limit`.
    pub(super) fn from_darts(array: &[u8], limit: usize) -> Option<Self> {
        let units: Vec<u32> = array.as_chunks().0.iter().map(|&unit| u32::from_le_bytes(unit)).collect();
        let mut nodes = Vec::with_capacity(units.len());
        for (at, &unit) in units.iter().enumerate() {
            if unit >> 31 == 1 {
                nodes.push(FREE);
                continue;
            }
            let flag = |bit: u32| (unit >> bit) & 1;
            let base = at as u32 ^ ((unit >> 10) << (8 * flag(9)));
            if base as usize | (BLOCK - 1) >= units.len() {
                return None;
            }
            let mut value = NONE;
            if flag(8) == 1 {
                let leaf = units[base as usize];
                value = leaf & !(1 << 31);
                if leaf >> 31 == 0 || value as usize >= limit {
                    return None;
                }
            }
            nodes.push(Node { base, value, label: unit & 0xFF });
        }
        let root = nodes.first_mut()?;
        root.label = NONE; // a child of nothing
        Some(Trie { root: *root, nodes })
    }
}

struct Builder {
    nodes: Vec<Node>,
    /// Whether a node has this base.
    based: Vec<bool>,
    /// Where the search starts for a node with one child, which fits between others.
    single: usize,
    /// Where it starts for a node with several.
    several: usize,
}

impl Builder {
    /// Takes slots for the children of one node and returns its base.
    fn place<T>(&mut self, branches: &[(u8, T)]) -> usize {
        /// Slots that a search looks at before they are left alone for good: some stay free, but time stays
        /// linear.
        const PATIENCE: usize = 512;
        let first = usize::from(branches[0].0);
        let from = if branches.len() == 1 { &mut self.single } else { &mut self.several };
        while self.nodes.get(*from).is_some_and(|node| node.label != NONE) {
            *from += 1;
        }
        let mut slot = *from;
        loop {
            if slot == self.nodes.len() {
                self.nodes.resize(slot + BLOCK, FREE);
                self.based.resize(slot + BLOCK, false);
            }
            let base = slot ^ first;
            let mut places = branches.iter().map(|branch| base ^ usize::from(branch.0));
            if !self.based[base] && places.all(|place| self.nodes[place].label == NONE) {
                self.based[base] = true;
                for (byte, _) in branches {
                    self.nodes[base ^ usize::from(*byte)].label = u32::from(*byte);
                }
                return base;
            }
            slot += 1;
            if slot - *from == PATIENCE {
                *from = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_keys_and_no_others() {
        let mut random = 1_u64;
        let mut next = move |n: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % n
        };
        for alphabet in [2, 20, 256] {
            let keys: std::collections::BTreeSet<Vec<u8>> =
                (0..5000).map(|_| (0..1 + next(8)).map(|_| next(alphabet) as u8).collect()).collect();
            let trie = Trie::build(keys.iter().zip(7..).map(|(key, i)| (key.as_slice(), i)).collect());
            for (key, i) in keys.iter().zip(7..) {
                assert_eq!(trie.walk(trie.root(), key).and_then(Node::value), Some(i));
            }
            for _ in 0..5000 {
                let text: Vec<u8> = (0..next(9)).map(|_| next(alphabet) as u8).collect();
                let found = trie.walk(trie.root(), &text).and_then(Node::value);
                assert_eq!(found.is_some(), keys.contains(&text));
                let longest = (1..=text.len()).rev().find(|&n| keys.contains(&text[..n]));
                assert_eq!(trie.longest(&text, usize::MAX).map(|(n, _)| n), longest);
            }
        }
    }
}
