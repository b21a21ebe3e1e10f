//! Coalesced audit entries.

use scaivault_eventstore::log::{Compose, Entry, EntryGroup, Unit};
use scaivault_eventstore::record::NewRecord;
use scaivault_eventstore::sealing::access::{ACCESS_RECORDED, ACCESS_SCHEMA_VERSION, Block};
use scaivault_eventstore::sealing::{AccessComposer, Sealer};
use scaivault_eventstore::{CommandId, Owner, Position, Record, RecordedAt, merkle};

use crate::fixture::{NOW, Store, Writer, acme, digested, other};

fn entry(owner: &Owner, text: &str, detail: Option<&str>) -> Entry {
    Entry { owner: owner.clone(), json: format!("{{\"text\":\"{text}\"}}").into(), detail: detail.map(Into::into) }
}

/// As the log would hold it.
fn stored(record: NewRecord, position: u64) -> Record {
    digested(Record {
        position: Position(position),
        stream: record.stream,
        revision: record.revision,
        kind: record.kind,
        schema_version: record.schema_version,
        recorded_at: record.recorded_at,
        command_id: None,
        body: record.body,
        body_sha256: record.body_sha256,
        entries_root: record.entries_root,
        leaf_hash: [0; 32],
        data_key: record.data_key,
    })
}

fn unpacked(sealer: &Sealer, record: &Record) -> Block {
    let opened = sealer.open(record).unwrap();
    let value = sealer.value_of(&opened.owner, record).unwrap();
    Block::unpack(&sealer.open_value(&value).unwrap()).unwrap()
}

fn lines(block: &Block) -> Vec<(String, Option<String>)> {
    block.entries().map(|(json, detail)| (json.to_owned(), detail.map(str::to_owned))).collect()
}

#[tokio::test]
async fn entries_share_one_record_for_each_owner() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let composer = AccessComposer::new(sealer.clone()).unwrap();
    let entries = vec![
        entry(&acme(), "1", None),
        entry(&other(), "2", Some("{\"why\":1}")),
        entry(&acme(), "3", Some("{}")),
        entry(&Owner::Platform, "4", None),
    ];
    let records = composer.compose(&EntryGroup::by_owner(entries), RecordedAt(NOW)).unwrap();
    let owners: Vec<_> = records
        .into_iter()
        .zip(1..)
        .map(|(record, position)| {
            let record = stored(record, position);
            assert_eq!((record.kind.as_ref(), record.schema_version), (ACCESS_RECORDED, ACCESS_SCHEMA_VERSION));
            let opened = sealer.open(&record).unwrap();
            (opened.owner, String::from_utf8(opened.json.to_vec()).unwrap(), lines(&unpacked(&sealer, &record)))
        })
        .collect();
    let line = |text: &str, detail: Option<&str>| (format!("{{\"text\":\"{text}\"}}"), detail.map(str::to_owned));
    assert_eq!(
        owners,
        [
            (acme(), "{\"count\":2}".into(), vec![line("1", None), line("3", Some("{}"))]),
            (other(), "{\"count\":1}".into(), vec![line("2", Some("{\"why\":1}"))]),
            (Owner::Platform, "{\"count\":1}".into(), vec![line("4", None)]),
        ]
    );
}

#[tokio::test]
async fn the_root_is_that_over_salted_entries() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let composer = AccessComposer::new(sealer.clone()).unwrap();
    let mut roots = Vec::new();
    for count in [1_u32, 2, 3, 100] {
        let entries = (0..count).map(|number| entry(&acme(), &number.to_string(), Some("kept besides")));
        let record = stored(composer.compose(&EntryGroup::by_owner(entries), RecordedAt(NOW)).unwrap().remove(0), 1);
        let block = unpacked(&sealer, &record);
        let leaves: Vec<_> = (0..)
            .zip(block.entries())
            .map(|(index, (json, _))| merkle::entry_leaf(&block.salt(index), json.as_bytes()))
            .collect();
        assert_eq!(leaves, block.leaves().collect::<Vec<_>>());
        assert_eq!(leaves.len(), count as usize);
        assert_eq!(record.entries_root, Some(merkle::root_of(&leaves)));
        let mut salts: Vec<_> = (0..count).map(|index| block.salt(index)).collect();
        salts.sort_unstable();
        salts.dedup();
        assert_eq!(salts.len(), count as usize, "each entry has a salt of its own");
        roots.push(record.entries_root);
    }
    let again = composer.compose(&EntryGroup::by_owner(vec![entry(&acme(), "0", None)]), RecordedAt(NOW)).unwrap();
    assert_ne!(again[0].entries_root, roots[0], "equal entries cannot be recognised by their root");
}

#[tokio::test]
async fn what_is_abandoned_frees_its_revisions() {
    let store = Store::new();
    let composer = AccessComposer::new(store.sealer().await).unwrap();
    let compose = || {
        let records = composer.compose(
            &EntryGroup::by_owner(vec![entry(&acme(), "1", None), entry(&other(), "2", None)]),
            RecordedAt(NOW),
        );
        let records = records.unwrap();
        let places: Vec<_> = records.iter().map(|record| (record.stream, record.revision.0)).collect();
        (records, places)
    };
    let (records, first) = compose();
    assert_eq!((first[0].1, first[1].1), (1, 1));
    assert_ne!(first[0].0, first[1].0);
    composer.abandon(&records);
    assert_eq!(compose().1, first);
    let (records, third) = compose();
    assert_eq!((third[0], third[1].1), ((first[0].0, 2), 2));
    composer.abandon(&records[..1]);
    let fourth = compose().1;
    assert_eq!((fourth[0].1, fourth[1].1), (2, 3));
    // An owner without keys refuses all, and takes nothing.
    let stranger = Owner::Tenant("tnt_stranger".into());
    let refused = composer
        .compose(&EntryGroup::by_owner(vec![entry(&acme(), "1", None), entry(&stranger, "2", None)]), RecordedAt(NOW));
    assert!(refused.is_err());
    assert_eq!(compose().1[0].1, 3);
}

#[tokio::test]
async fn two_processes_have_streams_of_their_own() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let stream = || {
        let composer = AccessComposer::new(sealer.clone()).unwrap();
        composer.compose(&EntryGroup::by_owner(vec![entry(&acme(), "1", None)]), RecordedAt(NOW)).unwrap()[0].stream
    };
    assert_ne!(stream(), stream());
}

#[tokio::test]
async fn entries_are_durable_with_their_unit() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    for number in 1..=3 {
        let command_id = CommandId([number; 16]);
        let records =
            writer.sealer.seal_unit(command_id, vec![writer.draft(&acme(), "a", number.into(), "v")]).unwrap();
        let entries = vec![entry(&acme(), &number.to_string(), None)];
        let committed = writer.appender.append(Unit { command_id, records, entries, shred: Vec::new() }).await.unwrap();
        let record = writer.at(committed.last.0).await;
        assert_eq!((record.kind.as_ref(), record.revision.0), (ACCESS_RECORDED, u64::from(number)));
        assert_eq!(lines(&unpacked(&writer.sealer, &record)), [(format!("{{\"text\":\"{number}\"}}"), None)]);
    }
}

#[tokio::test]
async fn an_entry_is_erased_with_its_key_and_its_root_stays() {
    let store = Store::new();
    let writer = Writer::start(&store).await;
    let unit =
        |number, entries, shred| Unit { command_id: CommandId([number; 16]), records: Vec::new(), entries, shred };
    let at = writer.appender.append(unit(1, vec![entry(&acme(), "1", None)], Vec::new())).await.unwrap().first;
    let before = writer.at(at.0).await;
    writer.appender.append(unit(2, Vec::new(), vec![at])).await.unwrap();
    let after = writer.at(at.0).await;
    assert!(writer.sealer.value_of(&acme(), &after).is_none());
    assert!(writer.sealer.open(&after).is_ok());
    assert_eq!((after.entries_root, after.leaf_hash), (before.entries_root, before.leaf_hash));
}

#[tokio::test]
async fn anything_else_is_no_block() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let composer = AccessComposer::new(sealer.clone()).unwrap();
    let record = composer
        .compose(&EntryGroup::by_owner(vec![entry(&acme(), &"x".repeat(500), None)]), RecordedAt(NOW))
        .unwrap()
        .remove(0);
    let record = stored(record, 1);
    let bytes = sealer.open_value(&sealer.value_of(&acme(), &record).unwrap()).unwrap();
    for length in 0..bytes.len() {
        assert!(Block::unpack(&bytes[..length]).is_none(), "{length}");
    }
    for bit in 32 * 8..bytes.len() * 8 {
        let mut altered = bytes.to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        // Compression is no seal: some other text may come out, but nothing breaks.
        if let Some(block) = Block::unpack(&altered) {
            block.leaves().count();
        }
    }
}
