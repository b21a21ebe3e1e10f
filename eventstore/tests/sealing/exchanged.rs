//! Somebody exchanges parts of records that are whole by themselves.

use scaivault_eventstore::Record;

use crate::fixture::{Store, Writer, acme, blob, check, damage, digested, key_error, other, set};

/// Two revisions of one secret, another secret, and one of another tenant.
async fn written(store: &Store) -> Writer {
    let writer = Writer::start(store).await;
    writer.append(1, vec![writer.draft(&acme(), "a", 1, "one")]).await;
    writer.append(2, vec![writer.draft(&acme(), "a", 2, "two")]).await;
    writer.append(3, vec![writer.draft(&acme(), "b", 1, "six")]).await;
    writer.append(4, vec![writer.draft(&other(), "a", 1, "ten")]).await;
    writer
}

const PAIRS: [(u64, u64); 4] = [(1, 2), (1, 3), (1, 4), (2, 3)];

async fn store_body(pool: &sqlx::sqlite::SqlitePool, record: &Record) {
    set(pool, "events", record.position.0, "body", &blob(&record.body)).await;
    set(pool, "events", record.position.0, "body_sha256", &blob(&record.body_sha256)).await;
    set(pool, "events", record.position.0, "leaf_hash", &blob(&record.leaf_hash)).await;
}

#[tokio::test]
async fn exchanged_bodies_are_noticed_at_both_places() {
    let store = Store::new();
    let writer = written(&store).await;
    let meddler = store.meddler().await;
    for (a, b) in PAIRS {
        let (one, two) = (writer.at(a).await, writer.at(b).await);
        store_body(&meddler, &digested(Record { body: two.body.clone(), ..one.clone() })).await;
        store_body(&meddler, &digested(Record { body: one.body.clone(), ..two.clone() })).await;
        for place in [a, b] {
            let reason = damage(writer.sealer.open(&writer.at(place).await), place);
            assert_eq!(reason, "the seal of the body does not match its place");
        }
        store_body(&meddler, &one).await;
        store_body(&meddler, &two).await;
        check(&writer.sealer, &writer.at(a).await).unwrap();
    }
}

#[tokio::test]
async fn exchanged_data_keys_open_nothing() {
    let store = Store::new();
    let writer = written(&store).await;
    let meddler = store.meddler().await;
    for (a, b) in PAIRS {
        let (one, two) = (writer.at(a).await.data_key.unwrap().0, writer.at(b).await.data_key.unwrap().0);
        set(&meddler, "data_keys", a, "wrapped", &blob(&two)).await;
        set(&meddler, "data_keys", b, "wrapped", &blob(&one)).await;
        for place in [a, b] {
            let record = writer.at(place).await;
            assert!(writer.sealer.open(&record).is_ok(), "the event itself is whole");
            let said = key_error(check(&writer.sealer, &record));
            assert!(said.contains(&record.stream.to_hex()), "{said}");
        }
        set(&meddler, "data_keys", a, "wrapped", &blob(&one)).await;
        set(&meddler, "data_keys", b, "wrapped", &blob(&two)).await;
    }
}

/// The values with their keys, but not the envelopes.
#[tokio::test]
async fn exchanged_values_open_nothing() {
    let store = Store::new();
    let writer = written(&store).await;
    // "one" and "two" with their tags.
    let value = 3 + 16;
    for (a, b) in PAIRS {
        let (one, two) = (writer.at(a).await, writer.at(b).await);
        let envelope = &one.body[..one.body.len() - value];
        let body = [envelope, &two.body[two.body.len() - value..]].concat().into();
        let forged = digested(Record { body, data_key: two.data_key.clone(), ..one });
        assert!(writer.sealer.open(&forged).is_ok());
        key_error(check(&writer.sealer, &forged));
    }
}
