//! Checks of proofs: [RFC 9162 §2.1.3.2](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2)
//! and [§2.1.4.2](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2), step by step.
//!
//! Takes nothing for granted of who made the proof, and shares nothing with it but the hash.

use super::{Hash, hash_children};

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The leaf, or the earlier tree, lies outside the tree.
    #[error("the proof is about something outside the tree")]
    OutOfRange,
    /// It has too many hashes, or too few.
    #[error("the proof has another number of hashes")]
    Length,
    /// What it comes to is another root.
    #[error("the proof does not lead to the root")]
    Root,
}

/// Whether `leaf` is the leaf `index` of the tree of `size` with this root.
pub fn check_inclusion(index: u64, size: u64, leaf: &Hash, path: &[Hash], root: &Hash) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange);
    }
    // `place` is the node's index at the present height, `last` that of the last node there.
    let (mut place, mut last) = (index, size - 1);
    let mut node = *leaf;
    for sibling in path {
        if last == 0 {
            // The root is reached, but the proof goes on.
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            // A right child; or the last of its height, which has a sibling only further up.
            node = hash_children(sibling, &node);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            node = hash_children(&node, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if node == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether the tree of `to` begins with the tree of `from`, `1 ≤ from ≤ to`.
pub fn check_consistency(
    from: u64,
    to: u64,
    from_root: &Hash,
    to_root: &Hash,
    path: &[Hash],
) -> Result<(), ProofError> {
    if from == 0 || from > to {
        return Err(ProofError::OutOfRange);
    }
    if from == to {
        return match (path.is_empty(), from_root == to_root) {
            (false, _) => Err(ProofError::Length),
            (true, false) => Err(ProofError::Root),
            (true, true) => Ok(()),
        };
    }
    // A complete earlier tree is a node of the later one: the proof leaves its hash out.
    let (seed, rest) = match path.split_first() {
        _ if from.is_power_of_two() => (from_root, path),
        Some((seed, rest)) => (seed, rest),
        None => return Err(ProofError::Length),
    };
    // Up to the largest complete subtree that ends where the earlier tree ends.
    let ends_in = (from - 1).trailing_ones();
    let (mut place, mut last) = ((from - 1) >> ends_in, (to - 1) >> ends_in);
    // One climbs to the root of the earlier tree, the other to that of the later.
    let (mut earlier, mut later) = (*seed, *seed);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if place & 1 == 1 || place == last {
            // What lies to the left is in both trees.
            earlier = hash_children(sibling, &earlier);
            later = hash_children(sibling, &later);
            while place & 1 == 0 && place != 0 {
                (place, last) = (place >> 1, last >> 1);
            }
        } else {
            // What lies to the right came afterwards.
            later = hash_children(&later, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if earlier == *from_root && later == *to_root { Ok(()) } else { Err(ProofError::Root) }
}
