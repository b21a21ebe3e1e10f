//! The log itself after all the killing, read with the library.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use scaivault_domain::publication::publish;
use scaivault_eventstore::log::{Backend, PostgresBackend, SqliteBackend};
use scaivault_eventstore::sealing::{FileRoot, Keyring, Sealer};
use scaivault_eventstore::{Position, merkle};
use scaivault_projections::decode::{Decoded, decode};

use crate::server::Store;

/// No hole, no record altered, no event twice, each version of each secret written once, in order, and all of
/// `answered` among them.
pub async fn check(store: &Store, data: &Path, answered: &BTreeMap<String, BTreeSet<u64>>) {
    let backend: Arc<dyn Backend> = match store {
        Store::Sqlite => Arc::new(SqliteBackend::open(Some(&data.join("scaivault.db"))).await.unwrap()),
        Store::Postgres(url) => Arc::new(PostgresBackend::connect(url, 2).await.unwrap()),
    };
    let root = FileRoot::new(data.join("root.key"));
    let sealer = Sealer::new(Arc::new(Keyring::open_or_create(backend.clone(), &root, 0).await.unwrap()));
    let (mut commands, mut events, mut entries) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut versions: BTreeMap<String, u64> = BTreeMap::new();
    let mut last = Position::START;
    loop {
        let records = backend.read(last, 500).await.unwrap();
        if records.is_empty() {
            break;
        }
        for record in records {
            assert_eq!(record.position, last.next(), "a hole");
            assert_eq!(record.leaf_hash, merkle::leaf_hash(&record));
            last = record.position;
            if let Some(command) = record.command_id {
                assert!(commands.insert(command), "command twice at {last}");
            }
            match decode(&sealer, &record).unwrap() {
                Decoded::Event { owner, recorded, .. } => {
                    for event in publish(&recorded, &owner, None) {
                        assert!(events.insert(event.event_id.clone()), "event twice at {last}");
                        let Some(path) = &event.path else { continue };
                        let written = match event.event_type {
                            "secret.created" => &event.data["version"],
                            "secret.updated" => &event.data["new_version"],
                            _ => continue,
                        };
                        let before = versions.entry(path.as_str().to_owned()).or_default();
                        *before += 1;
                        assert_eq!(written, *before, "{path}: a version twice or left out at {last}");
                    }
                }
                Decoded::Access { block, .. } => {
                    for (text, _) in block.entries() {
                        let entry: serde_json::Value = serde_json::from_str(text).unwrap();
                        assert!(entries.insert(entry["id"].to_string()), "entry twice at {last}");
                    }
                }
            }
        }
    }
    assert_eq!(backend.head().await.unwrap().position, last);
    for (path, numbers) in answered {
        let held = versions.get(path).copied().unwrap_or_default();
        assert!(numbers.iter().all(|number| *number <= held), "{path}: {numbers:?} of {held}");
    }
    backend.close().await;
}
