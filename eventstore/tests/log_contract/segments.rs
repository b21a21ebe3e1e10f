//! Pieces of a fold beside the log: moved on as a whole or not at all, and listed without being opened.

use scaivault_eventstore::log::{Segment, SegmentHeader, SegmentRange, SegmentStore};
use scaivault_eventstore::{Owner, Position};

use crate::store::Store;

fn owner() -> Owner {
    Owner::Tenant("tnt_one".into())
}

/// Ten positions, and as many seconds, each.
fn segment(number: u64) -> Segment {
    let from = i64::try_from(number).unwrap() * 10;
    Segment {
        header: SegmentHeader {
            owner: owner(),
            number,
            first_position: Position(number * 10),
            last_position: Position(number * 10 + 9),
            first_at: from,
            last_at: from + 9,
            entries: 10,
            filter: vec![1, 2, 3],
        },
        columns: vec![u8::try_from(number).unwrap(); 5_000],
    }
}

fn everything(generation: u64, owner: &Owner) -> SegmentRange<'_> {
    SegmentRange {
        generation,
        owner,
        from: i64::MIN,
        to: i64::MAX,
        positions: (Position::START, Position(u64::MAX)),
        numbers: (0, u64::MAX),
        newest_first: false,
        limit: 100,
    }
}

async fn numbers(store: &dyn SegmentStore, range: SegmentRange<'_>) -> Vec<u64> {
    store.headers(range).await.unwrap().into_iter().map(|header| header.number).collect()
}

pub(crate) async fn pieces_and_position_move_together(store: Store) {
    let backend = store.open().await;
    let store = backend.segments();
    assert!(store.begin_generation(1, 7).await.unwrap());
    assert!(!store.begin_generation(1, 8).await.unwrap(), "it is there");
    assert!(!store.begin_generation(3, 8).await.unwrap(), "none is left out");
    let first = store.generations().await.unwrap().remove(0);
    assert_eq!((first.number, first.position, first.is_current, first.started_at), (1, Position(0), true, 7));

    assert!(store.advance(1, true, (Position(0), Position(19)), &[segment(1)]).await.unwrap());
    assert!(!store.advance(1, true, (Position(0), Position(29)), &[segment(2)]).await.unwrap(), "somebody was quicker");
    assert_eq!(numbers(&*store, everything(1, &owner())).await, [1], "nothing of it is there");
    let longer = Segment { columns: vec![9; 10], header: SegmentHeader { entries: 20, ..segment(1).header } };
    assert!(
        store.advance(1, true, (Position(19), Position(39)), &[longer.clone(), segment(2), segment(3)]).await.unwrap()
    );
    assert_eq!(store.generations().await.unwrap()[0].position, Position(39));
    let headers = store.headers(everything(1, &owner())).await.unwrap();
    assert_eq!(headers, [longer.header.clone(), segment(2).header, segment(3).header], "the first was replaced");
    assert_eq!(store.columns(1, &owner(), 1).await.unwrap(), Some(longer.columns));
    assert_eq!(store.columns(1, &Owner::Platform, 1).await.unwrap(), None);
}

pub(crate) async fn pieces_are_listed_by_time_and_place(store: Store) {
    let backend = store.open().await;
    let store = backend.segments();
    store.begin_generation(1, 0).await.unwrap();
    let all: Vec<_> = (1..=6).map(segment).collect();
    assert!(store.advance(1, true, (Position(0), Position(69)), &all).await.unwrap());
    let owner = owner();
    let everything = everything(1, &owner);
    for (range, expected) in [
        (SegmentRange { newest_first: true, limit: 2, ..everything }, vec![6, 5]),
        (SegmentRange { from: 29, to: 40, ..everything }, vec![2, 3, 4]),
        (SegmentRange { positions: (Position(35), Position(50)), ..everything }, vec![3, 4, 5]),
        (SegmentRange { numbers: (2, 4), newest_first: true, ..everything }, vec![4, 3, 2]),
        (SegmentRange { generation: 2, ..everything }, vec![]),
    ] {
        assert_eq!(numbers(&*store, range).await, expected, "{range:?}");
    }
    assert_eq!(store.prune(&owner, Position(31)).await.unwrap(), 2, "those that have nothing after it");
    assert_eq!(numbers(&*store, everything).await, [3, 4, 5, 6]);
}

pub(crate) async fn a_new_generation_takes_the_place_of_the_old(store: Store) {
    let backend = store.open().await;
    let store = backend.segments();
    store.begin_generation(1, 0).await.unwrap();
    store.advance(1, true, (Position(0), Position(19)), &[segment(1)]).await.unwrap();
    for (number, fails) in [(2, true), (3, false)] {
        assert!(store.begin_generation(number, 5).await.unwrap());
        assert!(!store.promote(number, 6).await.unwrap(), "it does not go as far as the current one");
        let span = (Position(0), Position(19));
        assert!(!store.advance(number, true, span, &[segment(1)]).await.unwrap(), "it is not the current one");
        assert!(store.advance(number, false, span, &[segment(1)]).await.unwrap());
        let found = store.generations().await.unwrap();
        assert!(found.iter().all(|generation| generation.is_current == (generation.number == 1)), "{found:?}");
        match fails {
            true => store.abandon(number, "the log is damaged", 6).await.unwrap(),
            false => assert!(store.promote(number, 6).await.unwrap()),
        }
        let pieces = numbers(&*store, everything(number, &owner())).await;
        assert_eq!(pieces.is_empty(), fails);
    }
    assert_eq!(numbers(&*store, everything(1, &owner())).await, [1], "for searches that are under way");
    assert!(!store.advance(1, true, (Position(19), Position(29)), &[segment(2)]).await.unwrap(), "it is over");
    store.abandon(3, "too late", 7).await.unwrap();
    assert_eq!(numbers(&*store, everything(3, &owner())).await, [1], "it is the current one");
    store.forget_before(3).await.unwrap();
    let left = store.generations().await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!((left[0].number, left[0].is_current, left[0].completed_at), (3, true, Some(6)));
    assert!(numbers(&*store, everything(1, &owner())).await.is_empty());
}
