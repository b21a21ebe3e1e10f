//! The log itself after all the faults, read with the library, against what the clients know.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use scaivault_domain::publication::publish;
use scaivault_eventstore::log::{Backend, PostgresBackend, SqliteBackend};
use scaivault_eventstore::sealing::{FileRoot, Keyring, Sealer};
use scaivault_eventstore::{Position, RecordedAt, merkle};
use scaivault_projections::decode::{Decoded, decode};
use serde_json::Value;

use crate::caller::{OWN, Sent};
use crate::server::Store;

/// What the log says.
#[derive(Default)]
pub struct Ledger {
    /// Audit entries by request.
    entries: HashMap<String, Vec<Value>>,
    /// Versions written, by request: path and number.
    written: HashMap<String, Vec<(String, u64)>>,
    /// Events about secrets of histories: ids and paths, in order.
    pub published: Vec<(String, String)>,
    /// Records.
    pub records: u64,
}

/// Reads it all. No hole, no record altered, no record, command, event, entry or revision twice or left out, and time
/// never goes back.
pub async fn read(store: &Store, data: &Path) -> Ledger {
    let backend: Arc<dyn Backend> = match store {
        Store::Sqlite => Arc::new(SqliteBackend::open(Some(&data.join("scaivault.db"))).await.unwrap()),
        Store::Postgres(url) => Arc::new(PostgresBackend::connect(url, 2).await.unwrap()),
    };
    let root = FileRoot::new(data.join("root.key"));
    let sealer = Sealer::new(Arc::new(Keyring::open_or_create(backend.clone(), &root, 0).await.unwrap()));
    let (mut commands, mut events, mut entries) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut revisions = HashMap::new();
    let mut versions: HashMap<String, u64> = HashMap::new();
    let (mut last, mut time) = (Position::START, RecordedAt(i64::MIN));
    let mut ledger = Ledger::default();
    loop {
        let records = backend.read(last, 500).await.unwrap();
        if records.is_empty() {
            break;
        }
        for record in records {
            assert_eq!(record.position, last.next(), "a hole");
            assert_eq!(record.leaf_hash, merkle::leaf_hash(&record), "altered at {}", record.position);
            assert!(record.recorded_at >= time, "time goes back at {}", record.position);
            (last, time) = (record.position, record.recorded_at);
            let revision = revisions.entry(record.stream).or_insert(0);
            *revision += 1;
            assert_eq!(record.revision.0, *revision, "revision twice or left out at {last}");
            if let Some(command) = record.command_id {
                assert!(commands.insert(command), "command twice at {last}");
            }
            match decode(&sealer, &record).unwrap() {
                Decoded::Erased | Decoded::ErasedEntries { .. } => {
                    panic!("no tenant ends in this campaign, and yet {last} is erased")
                }
                Decoded::Event { owner, recorded, .. } => {
                    for event in publish(&recorded, &owner, None) {
                        assert!(events.insert(event.event_id.clone()), "event twice at {last}");
                        let Some(path) = &event.path else { continue };
                        if path.as_str().starts_with('h') {
                            ledger.published.push((event.event_id.clone(), path.as_str().to_owned()));
                        }
                        let before = versions.entry(path.as_str().to_owned()).or_default();
                        let version = match event.event_type {
                            // Anew, if what was there has been erased.
                            "secret.created" => {
                                *before = 0;
                                &event.data["version"]
                            }
                            "secret.updated" => &event.data["new_version"],
                            _ => continue,
                        };
                        *before += 1;
                        assert_eq!(version, *before, "{path}: a version twice or left out at {last}");
                        let written = (path.as_str().to_owned(), version.as_u64().unwrap());
                        ledger.written.entry(recorded.body.request_id.clone()).or_default().push(written);
                    }
                }
                Decoded::Access { block, .. } => {
                    for (text, _) in block.entries() {
                        let mut entry: Value = serde_json::from_str(text).unwrap();
                        entry["position"] = last.0.into();
                        assert!(entries.insert(entry["id"].to_string()), "entry twice at {last}");
                        let request = entry["request_id"].as_str().unwrap().to_owned();
                        ledger.entries.entry(request).or_default().push(entry);
                    }
                }
            }
        }
    }
    assert_eq!(backend.head().await.unwrap().position, last);
    backend.close().await;
    ledger.records = last.0;
    ledger
}

impl Ledger {
    /// Everything in which the log and the clients disagree.
    pub fn disagreements(&self, sent: &[Sent]) -> Vec<String> {
        let mut found: Vec<String> = sent.iter().flat_map(|sent| self.of_request(sent)).collect();
        let known: HashSet<&str> = sent.iter().map(|sent| sent.id.as_str()).collect();
        for request in self.entries.keys().filter(|id| id.starts_with(OWN) && !known.contains(id.as_str())) {
            found.push(format!("nobody sent {request}"));
        }
        let mut by_value: BTreeMap<u64, Vec<&(String, u64)>> = BTreeMap::new();
        for sent in sent {
            if let Some(value) = sent.value {
                by_value.entry(value).or_default().extend(self.written.get(&sent.id).into_iter().flatten());
            }
        }
        // A value is written once, however often its request was repeated.
        for (value, written) in by_value.into_iter().filter(|(_, written)| written.len() > 1) {
            found.push(format!("{value} was written as {written:?}"));
        }
        found
    }

    fn of_request(&self, sent: &Sent) -> Vec<String> {
        let mut found = Vec::new();
        let entries = self.entries.get(&sent.id).map(Vec::as_slice).unwrap_or_default();
        let written = self.written.get(&sent.id).map(Vec::as_slice).unwrap_or_default();
        if entries.len() > 1 {
            found.push(format!("{sent:?} has the entries {entries:?}"));
        }
        let succeeded = entries.iter().any(|entry| entry["success"] == true);
        match (sent.status, sent.reason.as_deref()) {
            (None, Some(_)) if !entries.is_empty() || !written.is_empty() => {
                found.push(format!("{sent:?} was not sent, but the log has {entries:?} {written:?}"));
            }
            // Not answered, or told that it is not known.
            (None, _) | (Some(503), Some("outcome_unknown")) => {}
            (Some(503), _) if succeeded || !written.is_empty() => {
                found.push(format!("{sent:?} was refused, but the log has {entries:?} {written:?}"));
            }
            (Some(503), _) => {}
            (Some(status), _) => {
                let Some(entry) = entries.first() else {
                    found.push(format!("{sent:?} has no entry"));
                    return found;
                };
                let fits = entry["success"] == (status < 400)
                    && entry["action"] == sent.action
                    && entry["secret_path"].as_str() == sent.path.as_deref()
                    && (status >= 400
                        || sent.replayed
                        || entry["secret_version"].as_u64() == sent.version
                        || sent.version.is_none());
                if !fits {
                    found.push(format!("{sent:?} has the entry {entry}"));
                }
                let wrote = sent.value.is_some() && status < 400 && !sent.replayed;
                let there = sent.path.as_ref().zip(sent.version);
                let stands = written.iter().map(|(path, version)| (path, *version)).eq(there);
                if wrote != stands && (wrote || (sent.value.is_some() && !written.is_empty())) {
                    found.push(format!("{sent:?} was answered, the log has {written:?}"));
                }
            }
        }
        found
    }

    /// Ids of the entries of a tenant up to a position. There is one tenant.
    pub fn of_tenant(&self, position: u64) -> HashSet<&str> {
        let all = self.entries.values().flatten();
        let of_tenant =
            all.filter(|entry| entry["tenant_id"].is_string() && entry["position"].as_u64() <= Some(position));
        of_tenant.map(|entry| entry["id"].as_str().unwrap()).collect()
    }

    /// Audit entries of reads that succeeded, and how many there may be: reads answered, and those whose clients got
    /// no answer or were told that it is not known.
    pub fn reads(&self, sent: &[Sent]) -> Reads {
        let reads = sent.iter().filter(|sent| sent.action == "read");
        let mut counted = Reads::default();
        for read in reads {
            match read.status {
                Some(status) if status < 400 => counted.answered += 1,
                None if read.reason.is_none() => counted.unanswered += 1,
                Some(503) if read.reason.as_deref() == Some("outcome_unknown") => counted.unanswered += 1,
                Some(_) | None => {}
            }
        }
        let ours = self.entries.iter().filter(|(id, _)| id.starts_with(OWN)).flat_map(|(_, entries)| entries);
        counted.entries = ours.filter(|entry| entry["action"] == "read" && entry["success"] == true).count();
        counted
    }
}

/// The equation of reads.
#[derive(Default)]
pub struct Reads {
    pub answered: usize,
    pub unanswered: usize,
    pub entries: usize,
}

impl Reads {
    /// Reads answered = access entries, but for those nobody can know of.
    pub fn hold(&self) -> bool {
        (self.answered..=self.answered + self.unanswered).contains(&self.entries)
    }
}
