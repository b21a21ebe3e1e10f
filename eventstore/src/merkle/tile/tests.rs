//! Tiles hold what the tree has.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use crate::merkle::{hash_leaf, root_of};

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| hash_leaf(&number.to_be_bytes())).collect()
}

#[test]
fn complete_tiles_are_counted() {
    for (size, of_leaves, above) in [(0, 0, 0), (255, 0, 0), (256, 1, 0), (65_535, 255, 0), (65_536, 256, 1)] {
        assert_eq!((TileId::complete(0, size), TileId::complete(1, size)), (of_leaves, above), "{size}");
    }
    assert_eq!(TileId::complete(7, u64::MAX), 0);
    assert!(TileId { level: 0, number: 0 }.is_complete(256));
    assert!(!TileId { level: 0, number: 1 }.is_complete(511));
}

#[test]
fn a_node_is_found_in_its_tile() {
    let leaves = leaves(WIDTH * 3);
    let tiles: Vec<Tile> = leaves
        .chunks(256)
        .zip(0..)
        .map(|(hashes, number)| Tile { id: TileId { level: 0, number }, hashes: hashes.to_vec() })
        .collect();
    for level in 0..HEIGHT {
        for index in 0..(leaves.len() as u64 >> level) {
            let place = InTile::of(Node { level, index });
            let tile = &tiles[usize::try_from(place.tile.number).unwrap()];
            let (first, count) = (usize::try_from(place.first).unwrap(), usize::try_from(place.count).unwrap());
            let begin = usize::try_from(index << level).unwrap();
            assert_eq!(root_of(&tile.hashes[first..first + count]), root_of(&leaves[begin..begin + (1 << level)]));
        }
    }
    // One height up, the root of a tile is a hash of another.
    let above = InTile::of(Node { level: 8, index: 2 });
    assert_eq!(above, InTile { tile: TileId { level: 1, number: 0 }, first: 2, count: 1 });
    assert_eq!(tiles[2].root(), root_of(&leaves[512..]));
    let above = InTile::of(Node { level: 13, index: 9 });
    assert_eq!(above, InTile { tile: TileId { level: 1, number: 1 }, first: 32, count: 32 });
}

#[test]
fn bytes_round_trip() {
    let tile = Tile { id: TileId { level: 2, number: 9 }, hashes: leaves(WIDTH) };
    let bytes = tile.to_bytes();
    assert_eq!(bytes.len(), 8192);
    assert_eq!(Tile::from_bytes(tile.id, &bytes), Some(tile.clone()));
    assert_eq!(Tile::from_bytes(tile.id, &bytes[1..]), None);
    assert_eq!(Tile::from_bytes(tile.id, &bytes[32..]), None);
}
