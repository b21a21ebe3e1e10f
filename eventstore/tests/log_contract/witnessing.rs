//! What the log says of records without their bodies, and who leads.

use std::time::{Duration, Instant};

use scaivault_eventstore::Position;
use scaivault_eventstore::log::{Leadership, Witness};

use crate::fixture::{all, keyed, new_stream, record, unit};
use crate::store::Store;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn witnesses_say_what_records_say(store: Store) {
    let node = store.node().await;
    for _ in 0..5 {
        node.append(unit(vec![keyed(new_stream(), 1), record(new_stream(), 1)])).await.unwrap();
    }
    let mut shredding = unit(Vec::new());
    shredding.shred = vec![Position(3)];
    node.append(shredding).await.unwrap();
    let log = all(&*node.backend).await;
    let expected: Vec<Witness> = log[1..8]
        .iter()
        .map(|record| Witness {
            position: record.position,
            leaf_hash: record.leaf_hash,
            command_id: record.command_id,
            data_key: record.data_key.clone(),
        })
        .collect();
    assert_eq!(node.backend.witnesses(Position(2), Position(8)).await.unwrap(), expected);
    assert_eq!(expected[1].data_key, None, "destroyed");
    assert!(expected[3].data_key.is_some() && expected[3].command_id.is_some());
    let beyond = node.backend.witnesses(Position(9), Position(12)).await.unwrap();
    assert_eq!(beyond.iter().map(|witness| witness.position.0).collect::<Vec<_>>(), [9, 10]);
}

pub(crate) async fn a_log_of_one_process_is_led_by_it(store: Store) {
    let backend = store.open().await;
    let leadership = Leadership::seek(backend, "only".into());
    let leading = leadership.leading().wait_for(|leads| *leads).await.map(|leads| *leads);
    assert!(leading.unwrap());
    leadership.resign().await;
    assert!(!*leadership.leading().borrow());
}

pub(crate) async fn one_leads_until_its_lease_ends(store: Store) {
    let (one, two) = (store.open().await, store.open().await);
    let asked = Instant::now();
    assert!(one.lead("one", 2).await.unwrap());
    assert!(!two.lead("two", 2).await.unwrap());
    assert!(one.lead("one", 2).await.unwrap(), "renewed");
    while !two.lead("two", 2).await.unwrap() {
        assert!(asked.elapsed() < PATIENCE, "the lease never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked.elapsed() >= Duration::from_secs(2), "taken while it lasted");
    assert!(!one.lead("one", 2).await.unwrap(), "it is the other one's now");
    // Only the holder makes room.
    one.resign("one").await.unwrap();
    assert!(!one.lead("one", 2).await.unwrap());
    two.resign("two").await.unwrap();
    assert!(one.lead("one", 2).await.unwrap());
}

pub(crate) async fn a_leader_cut_off_from_the_database_stops(store: Store) {
    let (one, two) = (store.open().await, store.open().await);
    let first = Leadership::seek(one.clone(), "one".into());
    first.leading().wait_for(|leads| *leads).await.unwrap();
    let second = Leadership::seek(two, "two".into());
    // Its connections are gone, as they are to a node that is cut off.
    one.close().await;
    let mut leading = first.leading();
    tokio::time::timeout(PATIENCE, leading.wait_for(|leads| !*leads)).await.unwrap().unwrap();
    assert!(!*second.leading().borrow(), "the first stops before the second begins");
    let since = Instant::now();
    tokio::time::timeout(PATIENCE, second.leading().wait_for(|leads| *leads)).await.unwrap().unwrap();
    assert!(since.elapsed() < Duration::from_secs(5));
    second.resign().await;
}
