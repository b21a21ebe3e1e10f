//! Somebody flips each single bit of a stored record.

use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, Record, StoreError};

use crate::fixture::{Store, Writer, acme, blob, check, damage, digested, key_error, set};

/// The record in the middle of three.
const PLACE: u64 = 2;

async fn written(store: &Store) -> Writer {
    let writer = Writer::start(store).await;
    for revision in 1..=3 {
        let value = format!("value {revision}");
        writer.append(revision as u8, vec![writer.draft(&acme(), "a", revision, &value)]).await;
    }
    writer
}

/// Each bit of `bytes`, flipped.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(move |bit| {
        let mut altered = bytes.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        altered
    })
}

/// What a reader notices: damage at that place.
async fn read(writer: &Writer) -> Result<Vec<u8>, StoreError> {
    match writer.backend.read_at(Position(PLACE)).await {
        Ok(record) => check(&writer.sealer, &record.unwrap()),
        Err(error) => Err(error),
    }
}

#[tokio::test]
async fn each_bit_of_each_column_is_noticed_at_its_place() {
    let store = Store::new();
    let writer = written(&store).await;
    let meddler = store.meddler().await;
    let record = writer.at(PLACE).await;
    let number = |number: i64| (0..64).map(move |bit| (number ^ (1 << bit)).to_string()).collect::<Vec<_>>();
    let bytes = |bytes: &[u8]| flipped(bytes).map(|altered| blob(&altered)).collect::<Vec<_>>();
    let kind = flipped(record.kind.as_bytes()).map(|altered| format!("cast({} as text)", blob(&altered))).collect();
    // Another revision may be taken already, which the database refuses by itself.
    let revisions = number(2).into_iter().filter(|altered| altered != "3").collect();
    let columns: Vec<(&str, String, Vec<String>)> = vec![
        ("stream", blob(&record.stream.0), bytes(&record.stream.0)),
        ("revision", "2".into(), revisions),
        ("type", "'secret.created'".into(), kind),
        ("schema_version", "1".into(), number(1)),
        ("recorded_at", record.recorded_at.0.to_string(), number(record.recorded_at.0)),
        ("command_id", blob(&[2; 16]), bytes(&[2; 16])),
        ("body_sha256", blob(&record.body_sha256), bytes(&record.body_sha256)),
        ("leaf_hash", blob(&record.leaf_hash), bytes(&record.leaf_hash)),
        ("entries_root", "NULL".into(), vec![blob(&[0; 32])]),
        ("body", blob(&record.body), bytes(&record.body)),
    ];
    for (column, original, alterations) in columns {
        for altered in alterations.into_iter().chain(["NULL".to_owned()]) {
            if altered == original || (altered == "NULL" && column != "command_id") {
                continue;
            }
            set(&meddler, "events", PLACE, column, &altered).await;
            let reason = damage(read(&writer).await, PLACE);
            assert!(!reason.contains("value"), "{reason}");
        }
        set(&meddler, "events", PLACE, column, &original).await;
        assert_eq!(read(&writer).await.unwrap(), b"value 2", "{column} is as it was");
    }
}

#[tokio::test]
async fn each_bit_of_a_data_key_is_noticed() {
    let store = Store::new();
    let writer = written(&store).await;
    let meddler = store.meddler().await;
    let wrapped = writer.at(PLACE).await.data_key.unwrap().0;
    for altered in flipped(&wrapped).chain([Vec::new(), wrapped[..20].to_vec(), [&wrapped[..], &[0]].concat()]) {
        set(&meddler, "data_keys", PLACE, "wrapped", &blob(&altered)).await;
        let said = key_error(read(&writer).await);
        assert!(said.contains("data key of revision 2 of stream"), "{said}");
    }
    set(&meddler, "data_keys", PLACE, "wrapped", &blob(&wrapped)).await;
    read(&writer).await.unwrap();
}

/// With digests made to fit, the seal still tells.
#[tokio::test]
async fn a_careful_forger_is_noticed_too() {
    let store = Store::new();
    let writer = written(&store).await;
    let record = writer.at(PLACE).await;
    let noticed = |altered: Record| -> String { fails(&writer.sealer, &digested(altered)) };
    for body in flipped(&record.body).chain([Vec::new(), record.body[..30].to_vec()]) {
        noticed(Record { body: body.into(), ..record.clone() });
    }
    for revision in [1, 3, u64::MAX] {
        noticed(Record { revision: scaivault_eventstore::Revision(revision), ..record.clone() });
    }
    noticed(Record { kind: "secret.restored".into(), ..record.clone() });
    noticed(Record { schema_version: 2, ..record.clone() });
    noticed(Record { command_id: None, ..record.clone() });
    noticed(Record { stream: writer.stream(&acme(), "b"), ..record });
}

fn fails(sealer: &Sealer, record: &Record) -> String {
    match check(sealer, record) {
        Ok(_) => panic!("{record:?} was not noticed"),
        Err(StoreError::Damaged { position, reason }) => {
            assert_eq!(position, record.position);
            reason
        }
        Err(StoreError::Key { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
    }
}
