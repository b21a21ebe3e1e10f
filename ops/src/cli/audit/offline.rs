//! `audit verify --offline`: a bundle, checked without the server that made it.
//!
//! What is signed is the checkpoint; a record is proved by its leaf against the root there, an entry by its leaf
//! against the root in the record. All of it is computed here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::note::VerifierKey;
use scaivault_eventstore::merkle::verification::check_inclusion;
use scaivault_eventstore::merkle::{Hash, entry_leaf, hash_leaf};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::keys::Trusted;

/// The form that is understood.
const FORMAT: &str = "scaivault-audit-bundle/1";

/// What a bundle comes to.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) tree_size: u64,
    pub(super) root_hash: String,
    pub(super) entries: usize,
    /// Whether only the bundle itself says which key is right.
    pub(super) is_unconfirmed: bool,
    /// The first position that does not hold, and why.
    pub(super) finding: Option<(u64, &'static str)>,
}

#[derive(Deserialize)]
struct Bundle {
    format: String,
    origin: String,
    verifier_key: String,
    previous_keys: Vec<String>,
    checkpoint: String,
    tree_size: u64,
    records: Vec<BundledRecord>,
}

#[derive(Deserialize)]
struct BundledRecord {
    position: u64,
    leaf_data: String,
    hashes: Vec<String>,
    entry_count: u64,
    entries: Vec<BundledEntry>,
}

#[derive(Deserialize)]
struct BundledEntry {
    index: u64,
    salt: String,
    hashes: Vec<String>,
    entry: Map<String, Value>,
}

/// Checks a bundle with these keys, or if there are none with its own. `Err` for a file that is no bundle.
pub(super) fn check(text: &str, trusted: Option<&Trusted>) -> Result<Checked, String> {
    let bundle: Bundle = serde_json::from_str(text).map_err(|error| format!("is no audit bundle: {error}"))?;
    if bundle.format != FORMAT {
        return Err(format!("has the form {}, and only {FORMAT} is known", bundle.format));
    }
    let keys = match trusted {
        Some(trusted) => trusted.of(&bundle.origin),
        None => {
            let all = std::iter::once(&bundle.verifier_key).chain(&bundle.previous_keys);
            all.filter_map(|key| VerifierKey::parse(key).ok()).collect()
        }
    };
    let mut checked = Checked {
        tree_size: bundle.tree_size,
        root_hash: String::new(),
        entries: bundle.records.iter().map(|record| record.entries.len()).sum(),
        is_unconfirmed: trusted.is_none(),
        finding: None,
    };
    let signed = Checkpoint::open(&bundle.checkpoint, &keys);
    let Some(signed) =
        signed.ok().filter(|signed| signed.origin == bundle.origin && signed.tree_size == bundle.tree_size)
    else {
        checked.finding = Some((bundle.tree_size, "checkpoint_invalid"));
        return Ok(checked);
    };
    checked.root_hash = STANDARD.encode(signed.root);
    let mut after = 0;
    checked.finding = bundle.records.iter().find_map(|record| {
        // What is there twice would count twice.
        let reason = if record.position > after { flaw(record, &signed) } else { Some("root_mismatch") };
        after = record.position;
        reason.map(|reason| (record.position, reason))
    });
    Ok(checked)
}

/// What is wrong with a record, if anything.
fn flaw(record: &BundledRecord, signed: &Checkpoint) -> Option<&'static str> {
    let Some(data) = STANDARD.decode(&record.leaf_data).ok() else { return Some("leaf_mismatch") };
    let index = record.position.checked_sub(1);
    let proved = index.zip(hashes(&record.hashes)).is_some_and(|(index, hashes)| {
        check_inclusion(index, signed.tree_size, &hash_leaf(&data), &hashes, &signed.root).is_ok()
    });
    if !proved {
        return Some("root_mismatch");
    }
    let columns: Option<Value> = serde_json::from_slice(&data).ok();
    let column = |name: &str| columns.as_ref().and_then(|columns| columns.get(name));
    if column("position").and_then(Value::as_u64) != Some(record.position) {
        return Some("leaf_mismatch");
    }
    let root = column("entries_root").and_then(Value::as_str).and_then(hash);
    let is_proved = |entry: &BundledEntry| root.is_some_and(|root| is_entry(entry, record, &root));
    let ascend = record.entries.is_sorted_by(|one, next| one.index < next.index);
    (!ascend || !record.entries.iter().all(is_proved)).then_some("entry_mismatch")
}

fn is_entry(bundled: &BundledEntry, record: &BundledRecord, root: &Hash) -> bool {
    let mut entry = bundled.entry.clone();
    // Where it lies the leaf does not say; the record does.
    let position = entry.shift_remove("position").and_then(|position| position.as_u64());
    let salt = STANDARD.decode(&bundled.salt).ok().and_then(|salt| <[u8; 16]>::try_from(salt).ok());
    let (Some(salt), Some(hashes), Some(position)) = (salt, hashes(&bundled.hashes), position) else { return false };
    let leaf = entry_leaf(&salt, canonical(&Value::Object(entry)).as_bytes());
    position == record.position && check_inclusion(bundled.index, record.entry_count, &leaf, &hashes, root).is_ok()
}

/// RFC 8785 canonical JSON of what entries hold: texts, whole numbers, booleans; all names are ASCII.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            let members: Vec<_> = sorted
                .into_iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

fn hashes(texts: &[String]) -> Option<Vec<Hash>> {
    texts.iter().map(|text| hash(text)).collect()
}

fn hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
