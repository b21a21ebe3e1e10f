//! Parts of a tree: subtrees as [RFC 9162 §2.1.1](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.1)
//! divides it, and the complete subtrees that these consist of.
//!
//! Complete subtrees never change as the tree grows, which is why they can be stored. A proof names
//! spans; whoever has the complete subtrees has their hashes.

use super::Hash;
use super::frontier::Frontier;

/// A complete subtree: the `2^level` leaves from `index · 2^level` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// Its height: 0 is a leaf.
    pub level: u8,
    /// Its place among those of its height.
    pub index: u64,
}

/// The leaves from `begin` up to, not including, `end`: a subtree of some tree. Its beginning is a
/// multiple of the size that the next larger complete subtree would have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first leaf.
    pub begin: u64,
    /// The leaf after its last one.
    pub end: u64,
}

impl Span {
    /// A whole tree.
    pub fn tree(size: u64) -> Self {
        Self { begin: 0, end: size }
    }

    /// Number of leaves.
    pub fn size(self) -> u64 {
        self.end.saturating_sub(self.begin)
    }

    /// The complete subtrees it consists of, the largest first: one for each bit of its size.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(self.size().count_ones() as usize);
        let mut begin = self.begin;
        for level in (0..64_u8).rev().filter(|level| self.size() >> level & 1 == 1) {
            nodes.push(Node { level, index: begin >> level });
            begin += 1 << level;
        }
        nodes
    }

    /// Its hash, out of those of [`Span::nodes`] in their order. `None` if they are not so many.
    pub fn hash(self, nodes: Vec<Hash>) -> Option<Hash> {
        Frontier::of(self.size(), nodes).map(|tree| tree.root())
    }
}

/// Where RFC 9162 divides `size` leaves, more than one: the largest power of two that is smaller.
pub(super) fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size.saturating_sub(1)).max(1).leading_zeros())
}
