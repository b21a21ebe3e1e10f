//! The tree in a database: leaves, tiles, checkpoints, and proofs made of them.

use std::sync::Arc;

use scaivault_eventstore::log::{Backend, KeptCheckpoint};
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::merkle::note::Signer;
use scaivault_eventstore::merkle::tile::{Tile, TileId};
use scaivault_eventstore::merkle::verification::{check_consistency, check_inclusion};
use scaivault_eventstore::merkle::{Hash, hash_leaf, leaf_data, root_of};
use scaivault_eventstore::tree::{Notary, Tree};
use scaivault_eventstore::{Position, Record, RecordedAt, StoreError};

use crate::fixture::{Node, all, record, sized, unit};
use crate::store::Store;

const ORIGIN: &str = "test.example/audit";

pub(crate) fn notary(backend: &Arc<dyn Backend>) -> Notary {
    Notary::new(backend.clone(), Signer::from_seed(ORIGIN, &[1; 32]).unwrap(), Vec::new())
}

/// Appends so many records, many in a commit, and returns all leaves.
pub(crate) async fn filled(node: &Node, count: usize) -> Vec<Hash> {
    let mut left = count;
    while left > 0 {
        let some = left.min(500);
        let records = (0..some).map(|_| record(crate::fixture::new_stream(), 1)).collect();
        node.append(unit(records)).await.unwrap();
        left -= some;
    }
    all(&*node.backend).await.iter().map(|record| record.leaf_hash).collect()
}

pub(crate) fn grown(leaves: &[Hash]) -> Frontier {
    let mut tree = Frontier::default();
    leaves.iter().for_each(|leaf| tree.push(*leaf));
    tree
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

pub(crate) async fn leaves_say_what_records_say(store: Store) {
    let node = store.node().await;
    node.fill(4).await;
    node.append(unit(vec![sized(20_000), sized(10)])).await.unwrap();
    let log = all(&*node.backend).await;
    let rows = node.backend.leaves(Position(2), Position(99)).await.unwrap();
    assert_eq!(rows.len(), 5);
    for (row, whole) in rows.iter().zip(&log[1..]) {
        let bare = Record { body: Box::default(), command_id: None, data_key: None, ..whole.clone() };
        assert_eq!(row.record, bare);
        assert_eq!(leaf_data(&row.record), leaf_data(whole));
        assert_eq!(row.key_id.map(|id| id.to_vec()), whole.body.get(1..17).map(<[u8]>::to_vec));
    }
    let hashes = node.backend.leaf_hashes(Position(2), 3).await.unwrap();
    assert_eq!(hashes, log[1..4].iter().map(|record| record.leaf_hash).collect::<Vec<_>>());
    assert!(matches!(
        node.backend.leaf_hashes(Position(5), 3).await,
        Err(StoreError::Damaged { position: Position(7), .. })
    ));
    assert_eq!(node.backend.last_record().await.unwrap(), Position(6));
}

pub(crate) async fn tiles_and_checkpoints_stay_as_they_are(store: Store) {
    let backend = store.open().await;
    assert_eq!(backend.last_record().await.unwrap(), Position::START);
    assert_eq!(backend.tiles_end(0).await.unwrap(), 0);
    let tile = |level, number: u64| Tile {
        id: TileId { level, number },
        hashes: (0..256_u64).map(|one| hash_leaf(&(number * 1000 + one).to_be_bytes())).collect(),
    };
    let tiles: Vec<Tile> = (0..3).map(|number| tile(0, number)).collect();
    backend.add_tiles(&tiles).await.unwrap();
    backend.add_tiles(&[tile(1, 0)]).await.unwrap();
    // Again, with other contents, beside a new one.
    let other = Tile { id: TileId { level: 0, number: 2 }, hashes: tile(0, 9).hashes };
    backend.add_tiles(&[other, tile(0, 3)]).await.unwrap();
    assert_eq!(backend.tile(tiles[2].id).await.unwrap().as_ref(), Some(&tiles[2]));
    assert_eq!(backend.tile(TileId { level: 2, number: 0 }).await.unwrap(), None);
    assert_eq!((backend.tiles_end(0).await.unwrap(), backend.tiles_end(1).await.unwrap()), (4, 1));
    let roots = backend.tile_roots(0, 1, 2).await.unwrap();
    assert_eq!(roots, [(1, tiles[1].root()), (2, tiles[2].root())]);

    assert_eq!(backend.last_checkpoint(u64::MAX).await.unwrap(), None);
    let kept = |size: u64, note: &str| KeptCheckpoint { tree_size: size, signed_at: 5, note: note.into() };
    for (size, note) in [(3, "three"), (9, "nine"), (5, "five"), (9, "another nine")] {
        backend.add_checkpoint(&kept(size, note)).await.unwrap();
    }
    assert_eq!(backend.checkpoints(3, 10).await.unwrap(), [kept(5, "five"), kept(9, "nine")]);
    assert_eq!(backend.checkpoints(0, 1).await.unwrap(), [kept(3, "three")]);
    for (size, found) in [(2, None), (3, Some(3)), (8, Some(5)), (u64::MAX, Some(9))] {
        assert_eq!(backend.last_checkpoint(size).await.unwrap().map(|kept| kept.tree_size), found, "{size}");
    }
}

pub(crate) async fn the_database_refuses_changes_of_the_tree(store: Store) {
    let node = store.node().await;
    let tree = grown(&filled(&node, 300).await);
    notary(&node.backend).keep(&tree, RecordedAt(1)).await.unwrap().unwrap();
    let tile = node.backend.tile(TileId { level: 0, number: 0 }).await.unwrap();
    let kept = node.backend.last_checkpoint(u64::MAX).await.unwrap();
    let mut attempts = vec![
        "UPDATE tiles SET root = hashes",
        "DELETE FROM tiles",
        "UPDATE checkpoints SET note = 'x'",
        "DELETE FROM checkpoints WHERE tree_size > 0",
    ];
    if matches!(store, Store::Postgres(_)) {
        attempts.extend(["TRUNCATE tiles", "SET session_replication_role = replica; DELETE FROM checkpoints"]);
    }
    for sql in attempts {
        let refused = store.meddle(sql).await.expect_err(sql);
        assert!(refused.to_string().contains("the tree is append-only"), "{sql}: {refused}");
    }
    if matches!(store, Store::Sqlite(_)) {
        // Passed over in silence, and without effect.
        store.meddle("INSERT OR REPLACE INTO checkpoints VALUES (300, 0, 'x')").await.unwrap();
        let zeros = "INSERT OR REPLACE INTO tiles VALUES (0, 0, zeroblob(32), zeroblob(8192))";
        store.meddle(zeros).await.unwrap();
    }
    assert_eq!(node.backend.tile(TileId { level: 0, number: 0 }).await.unwrap(), tile);
    assert_eq!(node.backend.last_checkpoint(u64::MAX).await.unwrap(), kept);
}

pub(crate) async fn proofs_hold_at_any_size(store: Store) {
    let node = store.node().await;
    let leaves = filled(&node, 1_400).await;
    proofs(&Tree::new(node.backend.clone()), &leaves, 90).await;
    // The same with tiles, of a part and of all of it.
    for size in [700, 1_400] {
        notary(&node.backend).keep(&grown(&leaves[..size]), RecordedAt(1)).await.unwrap().unwrap();
        assert_eq!(node.backend.tiles_end(0).await.unwrap(), size as u64 / 256);
        proofs(&Tree::new(node.backend.clone()), &leaves, 90).await;
    }
}

/// Two levels of tiles, and a keeper that is far behind.
pub(crate) async fn proofs_hold_in_a_large_tree(store: Store) {
    let node = store.node().await;
    let leaves = filled(&node, 67_000).await;
    let tree = Tree::new(node.backend.clone());
    let root = root_of(&leaves);
    assert_eq!(tree.root_at(67_000).await.unwrap(), root, "without any tile");
    notary(&node.backend).keep(&grown(&leaves), RecordedAt(1)).await.unwrap().unwrap();
    assert_eq!((node.backend.tiles_end(0).await.unwrap(), node.backend.tiles_end(1).await.unwrap()), (261, 1));
    proofs(&tree, &leaves, 9_001).await;
}

async fn proofs(tree: &Tree, leaves: &[Hash], step: usize) {
    let end = leaves.len() as u64;
    for size in (1..=end).rev().step_by(step) {
        let root = root_of(&leaves[..index(size)]);
        assert_eq!(tree.root_at(size).await.unwrap(), root);
        assert_eq!(tree.frontier_at(size).await.unwrap(), grown(&leaves[..index(size)]));
        for position in [1, 2, size / 3, size / 2, size - 1, size].into_iter().filter(|position| *position > 0) {
            let path = tree.inclusion(Position(position), size).await.unwrap().unwrap();
            let leaf = &leaves[index(position - 1)];
            assert_eq!(check_inclusion(position - 1, size, leaf, &path, &root), Ok(()), "{position} in {size}");
        }
        for from in
            [1, size / 5, size / 2, 256, 512, size - 1, size].into_iter().filter(|from| (1..=size).contains(from))
        {
            let path = tree.consistency(from, size).await.unwrap().unwrap();
            let earlier = root_of(&leaves[..index(from)]);
            assert_eq!(check_consistency(from, size, &earlier, &root, &path), Ok(()), "{from} to {size}");
        }
        assert_eq!(tree.inclusion(Position(size + 1), size).await.unwrap(), None);
        assert_eq!(tree.inclusion(Position::START, size).await.unwrap(), None);
        assert_eq!(tree.consistency(0, size).await.unwrap(), None);
    }
}

/// Several keepers on one log, which grows under them.
pub(crate) async fn keepers_do_nothing_twice(store: Store) {
    let node = store.node().await;
    let keepers = [notary(&node.backend), notary(&node.backend)];
    let mut leaves: Vec<Hash> = Vec::new();
    for (round, more) in [3, 250, 3, 600, 1].into_iter().enumerate() {
        leaves = filled(&node, more).await;
        let tree = grown(&leaves);
        let (one, two) = tokio::join!(keepers[0].keep(&tree, RecordedAt(1)), keepers[1].keep(&tree, RecordedAt(1)));
        assert!(one.unwrap().is_some() || two.unwrap().is_some(), "round {round}");
        assert!(keepers[0].keep(&tree, RecordedAt(2)).await.unwrap().is_none(), "nothing is new");
        // One that lags behind keeps nothing, and finds nothing wrong.
        assert!(notary(&node.backend).keep(&grown(&leaves[..2]), RecordedAt(2)).await.unwrap().is_none());
    }
    let kept = node.backend.checkpoints(0, 99).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.tree_size).collect::<Vec<_>>(), [3, 253, 256, 856, 857]);
    for kept in kept {
        let opened = Checkpoint::open(&kept.note, &keepers[0].keys()).unwrap();
        assert_eq!((opened.tree_size, opened.root), (kept.tree_size, root_of(&leaves[..index(kept.tree_size)])));
    }
    // Another key, or another origin, confirms none of them.
    for (origin, seed) in [(ORIGIN, 2), ("other.example/audit", 1)] {
        let stranger = Signer::from_seed(origin, &[seed; 32]).unwrap();
        let stranger = Notary::new(node.backend.clone(), stranger, Vec::new());
        assert!(matches!(
            stranger.sign(&grown(&leaves), RecordedAt(1)).await,
            Err(StoreError::Damaged { position: Position(857), .. })
        ));
    }
}
