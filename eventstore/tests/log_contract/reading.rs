//! Reading a sound log.

use scaivault_eventstore::log::{SqliteBackend, StoredKey};
use scaivault_eventstore::{Position, Revision, StoreError};

use crate::fixture::{all, follow, new_stream, random, record, sized, unit};
use crate::store::Store;

pub(crate) async fn a_page_is_bounded(store: Store) {
    let node = store.node().await;
    node.fill(5).await;
    let positions = |page: Vec<scaivault_eventstore::Record>| page.iter().map(|r| r.position.0).collect::<Vec<_>>();
    assert_eq!(positions(node.backend.read(Position(1), 2).await.unwrap()), [2, 3]);
    assert_eq!(positions(node.backend.read(Position(3), 100).await.unwrap()), [4, 5]);
    assert!(node.backend.read(Position(5), 100).await.unwrap().is_empty());
    assert!(node.backend.read(Position(0), 0).await.unwrap().is_empty());
    assert_eq!(node.backend.read_at(Position(0)).await.unwrap(), None);
    assert_eq!(node.backend.read_at(Position(6)).await.unwrap(), None);
    assert_eq!(node.backend.read_at(Position(5)).await.unwrap().unwrap().position, Position(5));
}

pub(crate) async fn a_page_of_large_records_is_shorter(store: Store) {
    let node = store.node().await;
    for _ in 0..20 {
        node.append(unit(vec![sized(1024 * 1024)])).await.unwrap();
    }
    let page = node.backend.read(Position::START, 100).await.unwrap();
    assert!((1..20).contains(&page.len()), "{} records of 1 MiB", page.len());
    let followed = follow(node.feed.reader(Position::START), Position(20)).await;
    assert_eq!(followed.len(), 20);
    assert_eq!(followed[..page.len()], page);
    assert_eq!(node.backend.read(Position(18), 100).await.unwrap(), followed[18..]);
}

pub(crate) async fn a_stream_reads_in_order(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    for revision in 1..=4 {
        node.append(unit(vec![record(stream, revision), record(new_stream(), 1)])).await.unwrap();
    }
    let page = node.backend.read_stream(stream, Revision(1), 2).await.unwrap();
    let seen: Vec<_> = page.iter().map(|record| (record.position.0, record.revision.0)).collect();
    assert_eq!(seen, [(3, 2), (5, 3)]);
    assert!(node.backend.read_stream(stream, Revision(4), 2).await.unwrap().is_empty());
    assert!(node.backend.read_stream(new_stream(), Revision::NONE, 2).await.unwrap().is_empty());
}

pub(crate) async fn a_stream_reads_from_its_end(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    for revision in 1..=4 {
        node.append(unit(vec![record(stream, revision), record(new_stream(), 1)])).await.unwrap();
    }
    let seen = async |before: Option<u64>, limit| {
        let page = node.backend.read_stream_back(stream, before.map(Revision), limit).await.unwrap();
        page.iter().map(|record| (record.position.0, record.revision.0)).collect::<Vec<_>>()
    };
    assert_eq!(seen(None, 2).await, [(7, 4), (5, 3)]);
    assert_eq!(seen(Some(3), 5).await, [(3, 2), (1, 1)]);
    assert!(seen(Some(1), 5).await.is_empty() && seen(Some(0), 5).await.is_empty() && seen(None, 0).await.is_empty());
    assert!(node.backend.read_stream_back(new_stream(), None, 2).await.unwrap().is_empty());
    let whole = node.backend.read_stream(stream, Revision::NONE, 9).await.unwrap();
    let back = node.backend.read_stream_back(stream, None, 9).await.unwrap();
    assert_eq!(back.into_iter().rev().collect::<Vec<_>>(), whole);
}

pub(crate) async fn late_readers_see_everything(store: Store) {
    let node = store.node().await;
    node.fill(20).await;
    let late = node.feed.reader(Position(7));
    node.fill(5).await;
    assert_eq!(follow(late, Position(25)).await.len(), 18);
    assert_eq!(follow(node.feed.reader(Position::START), Position(25)).await.len(), 25);
}

pub(crate) async fn keys_are_unique(store: Store) {
    let backend = store.open().await;
    let key = |owner: &str, version| StoredKey {
        id: random(),
        level: "tenant".into(),
        owner: owner.into(),
        purpose: "seal".into(),
        version,
        wrapped_by: Some(random()),
        wrapped: random::<60>().to_vec(),
        created_at: 17,
    };
    let first = [key("a", 1), StoredKey { wrapped_by: None, ..key("a", 2) }];
    assert!(backend.add_keys(&first).await.unwrap());
    assert!(!backend.add_keys(&[key("b", 1), key("a", 2)]).await.unwrap());
    assert_eq!(backend.keys().await.unwrap(), first);
    assert!(backend.add_keys(&[key("b", 1)]).await.unwrap());
}

pub(crate) async fn a_reopened_log_goes_on(store: Store) {
    let node = store.node().await;
    let stream = new_stream();
    node.append(unit(vec![record(stream, 1)])).await.unwrap();
    node.fill(3).await;
    let before = all(&*node.backend).await;
    node.appender.close().await;
    node.backend.close().await;
    assert!(node.backend.head().await.is_err());
    let node = store.node().await;
    assert_eq!(node.feed.committed(), Position(4));
    assert_eq!(all(&*node.backend).await, before);
    assert!(node.append(unit(vec![record(stream, 1)])).await.is_err());
    assert_eq!(node.append(unit(vec![record(stream, 2)])).await.unwrap().first, Position(5));
}

pub(crate) async fn a_path_that_cannot_be_opened_is_named(store: Store) {
    let Store::Sqlite(directory) = &store else { unreachable!() };
    let path = directory.path().join("missing").join("log.db");
    let Err(StoreError::Setup(text)) = SqliteBackend::open(Some(&path)).await else { panic!("it opened") };
    assert!(text.contains("missing/log.db"), "{text}");
    let path = directory.path().join("letter.txt");
    std::fs::write(&path, "Dear database, ".repeat(100)).unwrap();
    let opened = SqliteBackend::open(Some(&path)).await;
    assert!(matches!(opened, Err(StoreError::Damaged { .. })));
}
