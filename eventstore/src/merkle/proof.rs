//! Which hashes make a proof: [RFC 9162 §2.1.3.1](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.1)
//! (inclusion) and [§2.1.4.1](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.1) (consistency).
//!
//! Both say what to prove and not how to check it: [`super::verification`] is separate code.

use super::span::{Span, split};

/// Spans whose hashes prove that the leaf `index` is in the tree of `size`, from the leaf upwards:
/// at each division, the half that the leaf is not in. `None` if it is not in there.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Span>> {
    if index >= size {
        return None;
    }
    let mut path = Vec::new();
    let mut tree = Span::tree(size);
    while tree.size() > 1 {
        let (left, right) = halves(tree);
        let (with, without) = if index < right.begin { (left, right) } else { (right, left) };
        path.push(without);
        tree = with;
    }
    // It was divided from the top.
    path.reverse();
    Some(path)
}

/// Spans whose hashes prove that the tree of `to` begins with that of `from`. Empty if they are the
/// same. `None` unless `1 ≤ from ≤ to`.
pub fn consistency(from: u64, to: u64) -> Option<Vec<Span>> {
    if from == 0 || from > to {
        return None;
    }
    let mut path = Vec::new();
    let mut tree = Span::tree(to);
    // Down to the subtree that ends where the earlier tree ends.
    while from < tree.end {
        let (left, right) = halves(tree);
        let (with, without) = if from <= right.begin { (left, right) } else { (right, left) };
        path.push(without);
        tree = with;
    }
    // If that is all of the earlier tree, the verifier has its hash already.
    if tree.begin > 0 {
        path.push(tree);
    }
    path.reverse();
    Some(path)
}

fn halves(tree: Span) -> (Span, Span) {
    let middle = tree.begin + split(tree.size());
    (Span { end: middle, ..tree }, Span { begin: middle, ..tree })
}

#[cfg(test)]
#[path = "proof/tests.rs"]
mod tests;
