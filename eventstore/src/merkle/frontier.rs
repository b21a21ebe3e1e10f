//! The tree as far as it is needed to grow: the roots of the complete subtrees it consists of.
//!
//! A tree of size *n* is one complete subtree for each bit of *n*, the largest first. A leaf more is
//! a subtree of one, and two of the same size are one of twice the size, as in binary addition: some
//! two hashes a leaf, and never more than 64 kept.

use super::{Hash, hash_children, root_of};

/// A growing tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of its complete subtrees, the largest first.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The tree of these complete subtrees, the largest first. `None` unless there is one for each
    /// bit of `size`.
    pub fn of(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        let fits = u32::try_from(subtrees.len()).is_ok_and(|count| count == size.count_ones());
        fits.then_some(Self { size, subtrees })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of its complete subtrees, the largest first.
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each subtree that has a twin now is joined with it: one for each trailing bit of the size.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.subtrees.pop() else { break };
            node = hash_children(&left, &node);
        }
        self.subtrees.push(node);
        self.size += 1;
    }

    /// Root of the tree.
    pub fn root(&self) -> Hash {
        // What is further right is the smaller, and is joined first.
        let joined = self.subtrees.iter().rev().copied().reduce(|right, left| hash_children(&left, &right));
        joined.unwrap_or_else(|| root_of(&[]))
    }
}

#[cfg(test)]
#[path = "frontier/tests.rs"]
mod tests;
