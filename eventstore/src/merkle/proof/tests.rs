//! Published vectors, and every proof of every small tree: those that hold, and all that do not quite.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::merkle::tests::{LEAVES, ROOTS};
use crate::merkle::verification::{ProofError, check_consistency, check_inclusion};
use crate::merkle::{Hash, hash_leaf, root_of};
use crate::record::hex;

const LARGEST: u64 = 300;

fn leaves() -> Vec<Hash> {
    (0..LARGEST).map(|number| hash_leaf(&number.to_be_bytes())).collect()
}

/// Hashes by definition, without the code that tells complete subtrees.
fn hashes(leaves: &[Hash], spans: &[Span]) -> Vec<Hash> {
    let of = |span: &Span| root_of(&leaves[usize::try_from(span.begin).unwrap()..usize::try_from(span.end).unwrap()]);
    spans.iter().map(of).collect()
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash)).collect()
}

/// The proofs that certificate transparency's reference implementation is tested with.
#[test]
fn inclusion_is_as_published() {
    let leaves: Vec<Hash> = LEAVES.iter().map(|leaf| hash_leaf(leaf)).collect();
    let vectors: [(u64, u64, &[&str]); 5] = [
        (0, 1, &[]),
        (
            0,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            &[
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            &[
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (index, size, path) in vectors {
        assert_eq!(texts(&hashes(&leaves, &inclusion(index, size).unwrap())), path, "{index} in {size}");
    }
}

#[test]
fn consistency_is_as_published() {
    let leaves: Vec<Hash> = LEAVES.iter().map(|leaf| hash_leaf(leaf)).collect();
    let vectors: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (
            1,
            8,
            &[
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            &[
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            &[
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ];
    for (from, to, path) in vectors {
        let path_found = hashes(&leaves, &consistency(from, to).unwrap());
        assert_eq!(texts(&path_found), path, "{from} to {to}");
        let root = |size: u64| -> Hash { root_of(&leaves[..usize::try_from(size).unwrap()]) };
        assert_eq!(hex(&root(to)), ROOTS[usize::try_from(to).unwrap() - 1]);
        assert_eq!(check_consistency(from, to, &root(from), &root(to), &path_found), Ok(()));
    }
}

#[test]
fn spans_are_made_of_complete_subtrees() {
    let leaves = leaves();
    for size in 1..=LARGEST {
        let spans = (0..size).step_by(7).flat_map(|index| inclusion(index, size).unwrap());
        for span in spans.chain([Span::tree(size)]) {
            let of_nodes: Vec<Span> = span
                .nodes()
                .into_iter()
                .map(|node| Span { begin: node.index << node.level, end: (node.index + 1) << node.level })
                .collect();
            assert_eq!(of_nodes.first().map(|first| first.begin), Some(span.begin));
            assert_eq!(of_nodes.last().map(|last| last.end), Some(span.end));
            let whole = span.hash(hashes(&leaves, &of_nodes)).unwrap();
            assert_eq!(vec![whole], hashes(&leaves, &[span]), "{span:?}");
        }
    }
}

#[test]
fn every_inclusion_holds_and_no_other() {
    let leaves = leaves();
    for size in 1..=LARGEST {
        let root = root_of(&leaves[..usize::try_from(size).unwrap()]);
        for index in 0..size {
            let leaf = leaves[usize::try_from(index).unwrap()];
            let path = hashes(&leaves, &inclusion(index, size).unwrap());
            let check = |index, leaf: &Hash, path: &[Hash], root: &Hash| check_inclusion(index, size, leaf, path, root);
            assert_eq!(check(index, &leaf, &path, &root), Ok(()), "{index} in {size}");
            // All bits in small trees, one of each hash in larger ones.
            let bits: Vec<usize> =
                if size <= 20 { (0..256).collect() } else { vec![usize::try_from((index * 31 + size) % 256).unwrap()] };
            for bit in bits {
                assert_eq!(check(index, &flipped(leaf, bit), &path, &root), Err(ProofError::Root));
                assert_eq!(check(index, &leaf, &path, &flipped(root, bit)), Err(ProofError::Root));
                for place in 0..path.len() {
                    let mut path = path.clone();
                    path[place] = flipped(path[place], bit);
                    assert_eq!(check(index, &leaf, &path, &root), Err(ProofError::Root));
                }
            }
            for bit in 0..10 {
                assert!(check(index ^ 1 << bit, &leaf, &path, &root).is_err(), "bit {bit} of {index} in {size}");
            }
            assert_eq!(check(index, &leaf, &[path.as_slice(), &[root]].concat(), &root), Err(ProofError::Length));
            if let Some((_, shorter)) = path.split_last() {
                assert_eq!(check(index, &leaf, shorter, &root), Err(ProofError::Length));
            }
        }
        assert_eq!(inclusion(size, size), None);
        assert_eq!(check_inclusion(size, size, &root, &[], &root), Err(ProofError::OutOfRange));
    }
}

#[test]
fn every_consistency_holds_and_no_other() {
    let leaves = leaves();
    let roots: Vec<Hash> = (0..=leaves.len()).map(|size| root_of(&leaves[..size])).collect();
    for to in 1..=LARGEST {
        let (after, step) = (roots[usize::try_from(to).unwrap()], if to <= 130 { 1 } else { 7 });
        for from in (1..=to).step_by(step) {
            let before = roots[usize::try_from(from).unwrap()];
            let path = hashes(&leaves, &consistency(from, to).unwrap());
            let check = |before: &Hash, after: &Hash, path: &[Hash]| check_consistency(from, to, before, after, path);
            assert_eq!(check(&before, &after, &path), Ok(()), "{from} to {to}");
            let bits: Vec<usize> =
                if to <= 20 { (0..256).collect() } else { vec![usize::try_from((from * 31 + to) % 256).unwrap()] };
            for bit in bits {
                assert_eq!(check(&flipped(before, bit), &after, &path), Err(ProofError::Root));
                assert_eq!(check(&before, &flipped(after, bit), &path), Err(ProofError::Root));
                for place in 0..path.len() {
                    let mut path = path.clone();
                    path[place] = flipped(path[place], bit);
                    assert_eq!(check(&before, &after, &path), Err(ProofError::Root), "{from} to {to} at {place}");
                }
            }
            assert!(check(&before, &after, &[path.as_slice(), &[after]].concat()).is_err());
            if let Some((_, shorter)) = path.split_last() {
                assert!(check(&before, &after, shorter).is_err());
            }
        }
    }
    for (from, to) in [(0, 0), (0, 5), (6, 5)] {
        assert_eq!(consistency(from, to), None);
        assert_eq!(check_consistency(from, to, &roots[0], &roots[5], &[]), Err(ProofError::OutOfRange));
    }
}

/// The largest sizes a number can have: nothing overflows.
#[test]
fn huge_trees_have_proofs_too() {
    for size in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) + 1] {
        for index in [0, 1, size / 2, size - 1] {
            let path = inclusion(index, size).unwrap();
            assert!(path.len() <= 64, "{index} in {size}");
            let path = vec![[7; 32]; path.len()];
            assert_eq!(check_inclusion(index, size, &[1; 32], &path, &[2; 32]), Err(ProofError::Root));
            let path = vec![[7; 32]; consistency(index + 1, size).unwrap().len()];
            assert_eq!(check_consistency(index + 1, size, &[1; 32], &[2; 32], &path), Err(ProofError::Root));
        }
    }
}

fn flipped(mut hash: Hash, bit: usize) -> Hash {
    hash[bit / 8] ^= 1 << (bit % 8);
    hash
}
