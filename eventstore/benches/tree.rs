//! What the tree costs: to grow it with the fold, to keep it beside writers, to prove, and to look at a million
//! records anew.
//!
//! `cargo bench -p scaivault-eventstore --bench tree`
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::disallowed_methods
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_eventstore::log::{Backend, SqliteBackend};
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::merkle::{Hash, hash_leaf, leaf_hash};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{Draft, Keyring, Sealer};
use scaivault_eventstore::tree::{Inspection, Notary, Tree};
use scaivault_eventstore::{Owner, Position, Record, RecordedAt, Revision, StreamId};
use zeroize::Zeroizing;

const RECORDS: u64 = 1_000_000;
/// Records of one commit.
const COMMIT: u64 = 1_000;
/// Records between two checkpoints: a busy second.
const SECOND: u64 = 5_000;

#[tokio::main]
async fn main() {
    growing();
    let directory = tempfile::tempdir().unwrap();
    let backend = SqliteBackend::open(Some(&directory.path().join("log.db"))).await.unwrap();
    backend.migrate().await.unwrap();
    let backend: Arc<dyn Backend> = Arc::new(backend);
    let root = EphemeralRoot::new().unwrap();
    let keyring = Arc::new(Keyring::open_or_create(backend.clone(), &root, 0).await.unwrap());
    let sealer = Sealer::new(keyring.clone());
    let signing = keyring.audit_signing("bench.example/audit", None, 0).await.unwrap();
    let notary = Notary::new(backend.clone(), signing.signer, signing.previous);

    let mut known = Frontier::default();
    let (mut keeping, mut longest, mut rounds) = (Duration::ZERO, Duration::ZERO, 0_u32);
    let started = Instant::now();
    while known.size() < RECORDS {
        for record in append(backend.as_ref(), &sealer, known.size()).await {
            known.push(record);
        }
        if known.size().is_multiple_of(SECOND) {
            let began = Instant::now();
            notary.keep(&known, RecordedAt(1)).await.unwrap().unwrap();
            let took = began.elapsed();
            keeping += took;
            longest = longest.max(took);
            rounds += 1;
        }
    }
    println!("written: {RECORDS} records in {:.1} s, all else included", started.elapsed().as_secs_f64());
    println!(
        "kept: {SECOND} records a round in {:.1} ms, at most {:.1} ms",
        keeping.as_secs_f64() * 1e3 / f64::from(rounds),
        longest.as_secs_f64() * 1e3
    );

    let tree = Tree::new(backend.clone());
    let began = Instant::now();
    for number in 0..1_000 {
        let position = Position(1 + number * 997 % RECORDS);
        black_box(tree.inclusion(position, RECORDS - number).await.unwrap().unwrap());
    }
    println!("proved: an inclusion in {:.2} ms", began.elapsed().as_secs_f64());

    let before = peak_kilobytes();
    let inspection = Inspection::new(backend.clone(), sealer, &notary);
    let began = Instant::now();
    let until = began + Duration::from_secs(3_600);
    let inspected = inspection.run(Position(1), Position(RECORDS), &known, Arc::default(), until).await.unwrap();
    assert_eq!((inspected.to, inspected.finding), (Position(RECORDS), None));
    println!(
        "inspected: {RECORDS} records in {:.1} s; most memory before {} MB, after {} MB",
        began.elapsed().as_secs_f64(),
        before / 1024,
        peak_kilobytes() / 1024
    );
}

/// What each record adds to the fold, and each view that is shown.
fn growing() {
    let leaf = hash_leaf(b"leaf");
    let mut tree = Frontier::default();
    let began = Instant::now();
    for _ in 0..RECORDS {
        tree.push(black_box(leaf));
    }
    println!("grown: a leaf in {:.0} ns", began.elapsed().as_secs_f64() * 1e9 / RECORDS as f64);
    let began = Instant::now();
    for _ in 0..100_000 {
        black_box(tree.clone());
    }
    println!("cloned: in {:.0} ns", began.elapsed().as_secs_f64() * 1e9 / 1e5);
}

async fn append(backend: &dyn Backend, sealer: &Sealer, after: u64) -> Vec<Hash> {
    let mut records = Vec::new();
    for number in after..after + COMMIT {
        let mut stream = [0; 32];
        stream[..8].copy_from_slice(&hash_leaf(&number.to_be_bytes())[..8]);
        stream[8..16].copy_from_slice(&number.to_be_bytes());
        let draft = Draft {
            owner: Owner::Platform,
            stream: StreamId(stream),
            revision: Revision(1),
            kind: "secret.created".into(),
            schema_version: 1,
            recorded_at: RecordedAt(1),
            json: vec![b'x'; 300],
            erasable: Some(Zeroizing::new(vec![b'y'; 100])),
            entries_root: None,
        };
        let sealed = sealer.seal(draft, None).unwrap();
        let mut record = Record {
            position: Position(number + 1),
            stream: sealed.stream,
            revision: sealed.revision,
            kind: sealed.kind,
            schema_version: sealed.schema_version,
            recorded_at: sealed.recorded_at,
            command_id: None,
            body: sealed.body,
            body_sha256: sealed.body_sha256,
            entries_root: None,
            leaf_hash: [0; 32],
            data_key: sealed.data_key,
        };
        record.leaf_hash = leaf_hash(&record);
        records.push(record);
    }
    let mut tx = backend.begin().await.unwrap();
    tx.insert(&records).await.unwrap();
    tx.commit().await.unwrap();
    records.iter().map(|record| record.leaf_hash).collect()
}

/// `VmHWM` of this process.
fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or_default()
}
