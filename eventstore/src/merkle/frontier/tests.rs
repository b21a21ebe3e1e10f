//! A growing tree has at each size the root that the definition gives.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::merkle::hash_leaf;

#[test]
fn it_grows_as_defined() {
    let leaves: Vec<Hash> = (0..1100_u32).map(|number| hash_leaf(&number.to_be_bytes())).collect();
    let mut tree = Frontier::default();
    for size in 0..=leaves.len() {
        assert_eq!(tree.size(), size as u64);
        assert_eq!(tree.root(), root_of(&leaves[..size]), "at {size}");
        let resumed = Frontier::of(tree.size(), tree.subtrees().to_vec()).unwrap();
        assert_eq!(resumed, tree);
        if let Some(leaf) = leaves.get(size) {
            tree.push(*leaf);
        }
    }
}

#[test]
fn subtrees_fit_the_size() {
    assert_eq!(Frontier::of(0, Vec::new()), Some(Frontier::default()));
    assert_eq!(Frontier::of(3, vec![[0; 32]]), None);
    assert_eq!(Frontier::of(4, vec![[0; 32]; 2]), None);
    assert!(Frontier::of(u64::MAX, vec![[0; 32]; 64]).is_some());
}
