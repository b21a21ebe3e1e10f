//! Records: sealed, stored, read, opened, erased.

use scaivault_eventstore::log::Unit;
use scaivault_eventstore::sealing::Draft;
use scaivault_eventstore::{CommandId, Owner, Position};

use crate::fixture::{Store, Writer, acme, check, damage, other, partner};

#[tokio::test]
async fn what_is_sealed_comes_back() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    for (number, owner) in [Owner::Platform, partner(), acme(), other()].into_iter().enumerate() {
        let value = format!("value {number}");
        let plain = Draft { erasable: None, ..writer.draft(&owner, "b", 1, "") };
        let drafts = vec![writer.draft(&owner, "a", 1, &value), plain];
        let first = writer.append(number as u8, drafts).await.first;
        let record = writer.at(first.0).await;
        let opened = writer.sealer.open(&record).unwrap();
        assert_eq!((opened.owner, opened.has_erasable), (owner.clone(), true));
        assert_eq!(opened.json.as_slice(), br#"{"path":"a","of":1}"#);
        assert_eq!(check(&writer.sealer, &record).unwrap(), value.as_bytes());
        let bare = writer.at(first.0 + 1).await;
        assert!(!writer.sealer.open(&bare).unwrap().has_erasable);
        assert!(writer.sealer.value_of(&owner, &bare).is_none());
    }
}

#[tokio::test]
async fn it_comes_back_after_a_restart() {
    let store = Store::new();
    let record = {
        let writer = Writer::start(&store).await;
        writer.append(1, vec![writer.draft(&acme(), "a", 1, "value")]).await;
        writer.at(1).await
    };
    assert_eq!(check(&store.sealer().await, &record).unwrap(), b"value");
}

#[tokio::test]
async fn nothing_readable_lies_in_the_store() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    writer.append(1, vec![writer.draft(&acme(), "telltale/path", 1, "telltale value")]).await;
    for file in ["log.db", "log.db-wal"] {
        let bytes = std::fs::read(store.path(file)).unwrap();
        assert!(!bytes.windows(8).any(|window| window == b"telltale"), "{file}");
    }
}

#[tokio::test]
async fn equal_values_are_sealed_differently() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let writer = Writer::start(&store).await;
    let seal = || sealer.seal(writer.draft(&acme(), "a", 1, "value"), None).unwrap();
    let (one, two) = (seal(), seal());
    assert_ne!(one.body, two.body);
    assert_ne!(one.body[one.body.len() - 21..], two.body[two.body.len() - 21..]);
    assert_ne!(one.data_key, two.data_key);
}

#[tokio::test]
async fn a_value_without_its_key_is_gone_and_the_event_stays() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    writer.append(1, vec![writer.draft(&acme(), "a", 1, "one"), writer.draft(&acme(), "a", 2, "two")]).await;
    let unit =
        Unit { command_id: CommandId([2; 16]), records: Vec::new(), entries: Vec::new(), shred: vec![Position(1)] };
    writer.appender.append(unit).await.unwrap();
    let record = writer.at(1).await;
    let opened = writer.sealer.open(&record).unwrap();
    assert!(opened.has_erasable, "one can tell that there was a value");
    assert!(writer.sealer.value_of(&opened.owner, &record).is_none());
    assert_eq!(check(&writer.sealer, &writer.at(2).await).unwrap(), b"two");
}

#[tokio::test]
async fn nothing_shows_what_it_holds() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    let draft = writer.draft(&acme(), "telltale", 1, "telltale");
    assert_eq!(format!("{draft:?}"), "Draft { secret.created [sealed] }");
    writer.append(1, vec![draft]).await;
    let value = writer.sealer.value_of(&acme(), &writer.at(1).await).unwrap();
    assert_eq!(format!("{value:?} {value:#?}"), "[sealed] [sealed]");
}

#[tokio::test]
async fn a_record_of_another_store_is_refused() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    writer.append(1, vec![writer.draft(&acme(), "a", 1, "value")]).await;
    let stranger = Store::new().sealer().await;
    assert_eq!(damage(stranger.open(&writer.at(1).await), 1), "its sealing key is not known");
}
