//! The tree over a sealed log: what is signed, and what a look at the records finds once somebody has
//! altered something. Everything is altered in a real database, whatever protects it removed first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scaivault_eventstore::log::{Entry, Unit};
use scaivault_eventstore::merkle::checkpoint::Checkpoint;
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::merkle::note::Signer;
use scaivault_eventstore::merkle::{self, verification};
use scaivault_eventstore::record::hex;
use scaivault_eventstore::sealing::Erased;
use scaivault_eventstore::tree::{Inspected, Inspection, Notary, Reason, Tree};
use scaivault_eventstore::{CommandId, Position, Record, RecordedAt, StoreError};
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};

use crate::fixture::{NOW, Store, Writer, acme, blob, other};

const ORIGIN: &str = "vault.example.com/audit";
/// Sizes at which checkpoints are kept. The log ends a little after the last.
const KEPT: [u64; 4] = [70, 256, 290, 310];
const SIZE: u64 = 320;

/// A log of secrets and entries of two tenants, with its tree.
struct Log {
    store: Store,
    writer: Writer,
    notary: Notary,
    /// As it was folded when it was written.
    known: Frontier,
    meddler: SqlitePool,
}

impl Log {
    async fn filled() -> Self {
        let store = Store::new();
        let writer = Writer::start(&store).await;
        let notary = notary(&writer).await;
        let mut known = Frontier::default();
        for number in 0..SIZE {
            let owner = if number % 3 == 0 { other() } else { acme() };
            // Every fourth record is one of entries.
            let (records, entries) = match number % 4 {
                3 => (Vec::new(), (0..=number % 5).map(|one| entry(number * 10 + one)).collect()),
                _ => {
                    let draft = writer.draft(&owner, &format!("app/{}", number / 8), 1 + number % 8 / 4, "s3cr3t");
                    let draft = scaivault_eventstore::sealing::Draft {
                        stream: writer.stream(&owner, &format!("app/{number}")),
                        revision: scaivault_eventstore::Revision(1),
                        ..draft
                    };
                    (vec![draft], Vec::new())
                }
            };
            let id = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes();
            let records = writer.sealer.seal_unit(CommandId(id), records).unwrap();
            let unit = Unit { command_id: CommandId(id), records, entries, shred: Vec::new() };
            let committed = writer.appender.append(unit).await.unwrap();
            assert_eq!(committed.last, Position(number + 1));
            known.push(writer.at(number + 1).await.leaf_hash);
            if KEPT.contains(&(number + 1)) {
                assert!(notary.keep(&known, RecordedAt(NOW)).await.unwrap().is_some());
            }
        }
        let meddler = store.meddler().await;
        for trigger in ["tiles_refuse_update", "tiles_refuse_delete", "tiles_keep"].into_iter().chain([
            "checkpoints_refuse_update",
            "checkpoints_refuse_delete",
            "checkpoints_keep",
        ]) {
            run(&meddler, &format!("DROP TRIGGER {trigger}")).await;
        }
        run(&meddler, "DROP INDEX events_stream_revision").await;
        Self { store, writer, notary, known, meddler }
    }

    fn inspection(&self) -> Inspection {
        Inspection::new(self.writer.backend.clone(), self.writer.sealer.clone(), &self.notary)
    }

    async fn look_from(&self, from: u64, to: u64) -> Inspected {
        self.look_at(from, to, Erased::default()).await
    }

    async fn look_at(&self, from: u64, to: u64, erased: Erased) -> Inspected {
        let until = Instant::now() + Duration::from_secs(60);
        self.inspection().run(Position(from), Position(to), &self.known, Arc::new(erased), until).await.unwrap()
    }

    async fn finding(&self) -> Option<(u64, Reason)> {
        let inspected = self.look_from(1, u64::MAX).await;
        assert_eq!(inspected.to, Position(self.known.size()));
        inspected.finding.map(|finding| (finding.position.0, finding.reason))
    }

    async fn record(&self, position: u64) -> Record {
        self.writer.at(position).await
    }

    /// The tree as a process that starts now would fold it: out of what is there.
    async fn folded_anew(&self) -> Frontier {
        let end = self.writer.backend.head().await.unwrap().position.0;
        let mut tree = Frontier::default();
        let leaves = self.writer.backend.leaf_hashes(Position(1), end).await.unwrap();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }

    /// Somebody who can do everything but seal changes when a record was made, and all that hangs on it.
    async fn backdate(&self, position: u64) {
        let mut record = self.record(position).await;
        record.recorded_at.0 -= 1_000_000;
        let leaf = blob(&merkle::leaf_hash(&record));
        let sql = format!(
            "UPDATE events SET recorded_at = {}, leaf_hash = {leaf} WHERE position = {position}",
            record.recorded_at.0
        );
        run(&self.meddler, &sql).await;
    }
}

fn entry(number: u64) -> Entry {
    Entry { owner: acme(), json: format!("{{\"id\":\"log_{number}\",\"n\":{number}}}").into(), detail: None }
}

async fn notary(writer: &Writer) -> Notary {
    let keyring = writer.sealer.keyring();
    let origin = keyring.audit_origin(ORIGIN, NOW).await.unwrap();
    let signing = keyring.audit_signing(&origin, None, NOW).await.unwrap();
    Notary::new(writer.backend.clone(), signing.signer, signing.previous)
}

async fn run(pool: &SqlitePool, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn refused<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> (u64, String) {
    match answer {
        Err(StoreError::Damaged { position, reason }) => (position.0, reason),
        other => panic!("signed all the same: {other:?}"),
    }
}

#[tokio::test]
async fn a_sound_log_is_found_sound() {
    let log = Log::filled().await;
    assert_eq!(log.finding().await, None);
    // In pieces, from anywhere.
    for (from, to) in [(1, 1), (1, 255), (2, 256), (200, 300), (256, 257), (257, 320), (320, 320)] {
        let inspected = log.look_from(from, to).await;
        assert_eq!((inspected.to, inspected.finding), (Position(to), None), "{from} to {to}");
    }
    let signed = log.notary.sign(&log.known, RecordedAt(NOW)).await.unwrap();
    let opened = Checkpoint::open(&signed.note, &[log.notary.verifier().clone()]).unwrap();
    assert_eq!((opened.tree_size, opened.root), (SIZE, log.known.root()));
    assert_eq!(opened.origin, ORIGIN);
    // Erased parts are gone, and nothing is wrong with that; with entries, if they were to be.
    run(&log.meddler, "DELETE FROM data_keys WHERE position % 4 = 2").await;
    assert_eq!(log.finding().await, None);
    run(&log.meddler, "DELETE FROM data_keys WHERE position % 4 = 0").await;
    assert_eq!(log.finding().await, Some((4, Reason::SealBroken)));
    let erased = |last: u64| Erased::from([(acme(), Position(last)), (other(), Position(last))]);
    let some = log.look_at(1, SIZE, erased(100)).await.finding.map(|finding| finding.position);
    assert_eq!(some, Some(Position(104)));
    assert_eq!(log.look_at(1, SIZE, erased(SIZE)).await.finding, None);
    log.writer.sealer.keyring().destroy(&other()).await.unwrap();
    assert_eq!(log.look_at(1, SIZE, erased(SIZE)).await.finding, None);
}

/// Every column of every other record, some thousand bits.
#[tokio::test]
async fn every_flipped_bit_is_found() {
    let log = Log::filled().await;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let mut altered = 0;
    for position in (1..=SIZE).step_by(2).chain([4, 8, 256, SIZE]) {
        let sound = log.record(position).await;
        let mut bytes = vec![
            ("stream", sound.stream.0.to_vec(), Reason::SealBroken),
            ("body", sound.body.to_vec(), Reason::BodyMismatch),
            ("body_sha256", sound.body_sha256.to_vec(), Reason::BodyMismatch),
            ("leaf_hash", sound.leaf_hash.to_vec(), Reason::LeafMismatch),
            ("type", sound.kind.as_bytes().to_vec(), Reason::SealBroken),
        ];
        bytes.extend(sound.command_id.map(|id| ("command_id", id.0.to_vec(), Reason::SealBroken)));
        bytes.extend(sound.entries_root.map(|root| ("entries_root", root.to_vec(), Reason::EntryMismatch)));
        for (column, value, reason) in bytes {
            for _ in 0..2 {
                let (byte, bit) = (random(value.len()), random(7));
                let mut wrong = value.clone();
                wrong[byte] ^= 1 << bit;
                let literal = |bytes: &[u8]| match column {
                    "type" => format!("CAST(x'{}' AS TEXT)", hex(bytes)),
                    _ => blob(bytes),
                };
                let set = |bytes: &[u8]| {
                    format!("UPDATE events SET {column} = {} WHERE position = {position}", literal(bytes))
                };
                run(&log.meddler, &set(&wrong)).await;
                let found = log.look_from(position, position).await.finding;
                let found = found.map(|finding| (finding.position.0, finding.reason));
                assert_eq!(found, Some((position, reason)), "byte {byte} of {column} at {position}");
                run(&log.meddler, &set(&value)).await;
                altered += 1;
            }
        }
        for (column, value, reason) in [
            ("revision", i64::try_from(sound.revision.0).unwrap(), Reason::SealBroken),
            ("schema_version", i64::from(sound.schema_version), Reason::SealBroken),
            ("recorded_at", sound.recorded_at.0, Reason::LeafMismatch),
        ] {
            let bit = random(if column == "schema_version" { 16 } else { 62 });
            for wrong in [value ^ 1 << bit, value ^ 1] {
                run(&log.meddler, &format!("UPDATE events SET {column} = {wrong} WHERE position = {position}")).await;
                let found = log.look_from(position, position).await.finding;
                let found = found.map(|finding| (finding.position.0, finding.reason));
                assert_eq!(found, Some((position, reason)), "{column} {wrong} at {position}");
                run(&log.meddler, &format!("UPDATE events SET {column} = {value} WHERE position = {position}")).await;
                altered += 1;
            }
        }
        if let Some(key) = &sound.data_key {
            let mut wrong = key.0.to_vec();
            wrong[random(key.0.len())] ^= 1;
            let set = |key: &[u8]| format!("UPDATE data_keys SET wrapped = {} WHERE position = {position}", blob(key));
            run(&log.meddler, &set(&wrong)).await;
            let found = log.look_from(position, position).await.finding;
            assert_eq!(found.map(|finding| finding.reason), Some(Reason::SealBroken), "data key at {position}");
            run(&log.meddler, &set(&key.0)).await;
            altered += 1;
        }
    }
    assert!(altered > 2_500, "{altered}");
    assert_eq!(log.finding().await, None, "all is as it was");
}

#[tokio::test]
async fn removed_and_added_records_are_found() {
    let log = Log::filled().await;
    let kept = "CREATE TABLE kept AS SELECT * FROM events";
    run(&log.meddler, kept).await;
    let restore = "DELETE FROM events; INSERT INTO events SELECT * FROM kept; \
                   UPDATE head SET position = (SELECT max(position) FROM events)";
    for position in [1, 2, 100, 255, 256, 257, 300, 309] {
        run(&log.meddler, &format!("DELETE FROM events WHERE position = {position}")).await;
        assert_eq!(log.finding().await, Some((position, Reason::Hole)), "{position} removed");
        run(&log.meddler, restore).await;
    }
    // A cut end: noticed as far as a checkpoint covers it.
    for first in [1, 150, 256, 300, 310] {
        run(&log.meddler, &format!("DELETE FROM events WHERE position >= {first}")).await;
        assert_eq!(log.finding().await, Some((first, Reason::Truncated)), "from {first}");
        // With more care.
        run(&log.meddler, "UPDATE head SET position = (SELECT coalesce(max(position), 0) FROM events)").await;
        assert_eq!(log.finding().await, Some((first, Reason::Truncated)), "from {first}, with care");
        // A process that starts now knows nothing else, but the checkpoint does.
        let anew = log.folded_anew().await;
        let until = Instant::now() + Duration::from_secs(60);
        let found =
            log.inspection().run(Position(1), Position(u64::MAX), &anew, Arc::default(), until).await.unwrap().finding;
        assert_eq!(found.map(|finding| (finding.position.0, finding.reason)), Some((first, Reason::Truncated)));
        if first > 1 {
            let (position, reason) = refused(notary(&log.writer).await.sign(&anew, RecordedAt(NOW)).await);
            assert!(position >= first && reason.contains("missing"), "{position}: {reason}");
        }
        run(&log.meddler, restore).await;
    }
    // What no checkpoint covers yet is missing all the same.
    run(&log.meddler, "DELETE FROM events WHERE position >= 315").await;
    assert_eq!(log.finding().await, Some((315, Reason::Hole)));
    run(&log.meddler, restore).await;
    for added in [SIZE + 1, SIZE + 7] {
        let copy = format!(
            "INSERT INTO events SELECT {added}, stream, revision + 1, type, schema_version, recorded_at, NULL, body, \
             body_sha256, entries_root, leaf_hash FROM kept WHERE position = 5"
        );
        run(&log.meddler, &copy).await;
        assert_eq!(log.finding().await, Some((SIZE + 1, Reason::Hole)), "{added} added");
        run(&log.meddler, &format!("DELETE FROM events WHERE position = {added}")).await;
    }
    assert_eq!(log.finding().await, None, "all is as it was");
}

#[tokio::test]
async fn exchanged_records_are_found() {
    let log = Log::filled().await;
    for (one, two) in [(1, 2), (5, 9), (10, 300), (256, 257), (319, 320)] {
        let exchange = format!(
            "UPDATE events SET position = -1 WHERE position = {one}; \
             UPDATE events SET position = {one} WHERE position = {two}; \
             UPDATE events SET position = {two} WHERE position = -1; \
             UPDATE data_keys SET position = -1 WHERE position = {one}; \
             UPDATE data_keys SET position = {one} WHERE position = {two}; \
             UPDATE data_keys SET position = {two} WHERE position = -1"
        );
        run(&log.meddler, &exchange).await;
        assert_eq!(log.finding().await, Some((one, Reason::LeafMismatch)), "{one} and {two}");
        run(&log.meddler, &exchange).await;
    }
    assert_eq!(log.finding().await, None, "all is as it was");
}

#[tokio::test]
async fn a_record_rewritten_with_all_its_hashes_is_found() {
    // The kept tile says which it is; beyond the tiles, it lies after the last sound checkpoint.
    for (position, found) in [(1, 1), (77, 77), (256, 256), (257, 257), (291, 291), (300, 291), (315, 311)] {
        let log = Log::filled().await;
        log.backdate(position).await;
        assert_eq!(log.finding().await, Some((found, Reason::RootMismatch)), "{position}");
        // What was folded before is the truth: it is signed as long as nothing altered is needed for it.
        let signed = notary(&log.writer).await.sign(&log.known, RecordedAt(NOW)).await;
        assert_eq!(signed.is_ok(), position <= 256, "{position}: {signed:?}");
        // To a process that starts now it is the truth, but not what was signed.
        let anew = log.folded_anew().await;
        let until = Instant::now() + Duration::from_secs(60);
        let finding =
            log.inspection().run(Position(1), Position(u64::MAX), &anew, Arc::default(), until).await.unwrap().finding;
        let finding = finding.map(|finding| (finding.position.0, finding.reason));
        let notary = notary(&log.writer).await;
        match position {
            1..=256 => assert_eq!(finding, Some((position, Reason::RootMismatch))),
            257..=310 => assert_eq!(finding, Some((found, Reason::CheckpointInvalid))),
            // Nobody has signed it yet.
            _ => assert_eq!(finding, None),
        }
        match position {
            1..=310 => {
                let (_, reason) = refused(notary.sign(&anew, RecordedAt(NOW)).await);
                assert!(reason.contains("tree"), "{reason}");
                refused(notary.keep(&anew, RecordedAt(NOW)).await);
            }
            _ => assert!(notary.sign(&anew, RecordedAt(NOW)).await.is_ok()),
        }
    }
}

#[tokio::test]
async fn altered_tiles_are_found() {
    let log = Log::filled().await;
    for (sql, position) in [
        ("UPDATE tiles SET hashes = CAST(x'00' || substr(hashes, 2) AS BLOB)", 1),
        ("UPDATE tiles SET hashes = CAST(substr(hashes, 1, 8191) || x'00' AS BLOB)", 256),
        ("UPDATE tiles SET hashes = CAST(substr(hashes, 1, 64) || x'00' || substr(hashes, 66) AS BLOB)", 3),
        ("UPDATE tiles SET root = zeroblob(32)", 1),
        ("UPDATE tiles SET hashes = x''", 1),
    ] {
        run(&log.meddler, "CREATE TABLE kept AS SELECT * FROM tiles").await;
        run(&log.meddler, sql).await;
        assert_eq!(log.finding().await, Some((position, Reason::RootMismatch)), "{sql}");
        run(&log.meddler, "DELETE FROM tiles; INSERT INTO tiles SELECT * FROM kept; DROP TABLE kept").await;
    }
    assert_eq!(log.finding().await, None, "all is as it was");
    // One that is gone is made anew, and is the same.
    let tile = log.writer.backend.tile(merkle::tile::TileId { level: 0, number: 0 }).await.unwrap().unwrap();
    run(&log.meddler, "DELETE FROM tiles").await;
    assert_eq!(log.finding().await, None);
    notary(&log.writer).await.keep(&log.known, RecordedAt(NOW)).await.unwrap();
    assert_eq!(log.writer.backend.tile(tile.id).await.unwrap(), Some(tile));
}

#[tokio::test]
async fn altered_checkpoints_are_found() {
    let log = Log::filled().await;
    let notes: Vec<(u64, String)> = sqlx::query("SELECT tree_size, note FROM checkpoints ORDER BY tree_size")
        .fetch_all(&log.meddler)
        .await
        .unwrap()
        .iter()
        .map(|row| (u64::try_from(row.get::<i64, _>(0)).unwrap(), row.get(1)))
        .collect();
    assert_eq!(notes.iter().map(|(size, _)| *size).collect::<Vec<_>>(), KEPT);
    let set = |size: u64, note: &str| format!("UPDATE checkpoints SET note = '{note}' WHERE tree_size = {size}");
    let stranger = Signer::from_seed(ORIGIN, &[3; 32]).unwrap();
    for (size, note) in &notes {
        let sound = Checkpoint::open(note, &log.notary.keys()).unwrap();
        let (text, signature) = note.rsplit_once(' ').unwrap();
        let mut signature = STANDARD.decode(signature.trim_end()).unwrap();
        signature[17] ^= 4;
        let forgeries = [
            // Another root, signed by somebody else; a flipped bit; another's note; none at all.
            Checkpoint { root: [7; 32], ..sound.clone() }.sign(&stranger),
            format!("{text} {}\n", STANDARD.encode(signature)),
            note.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1),
            notes.iter().find(|(other, _)| other != size).unwrap().1.clone(),
            String::new(),
        ];
        for forgery in forgeries {
            run(&log.meddler, &set(*size, &forgery)).await;
            assert_eq!(log.finding().await, Some((*size, Reason::CheckpointInvalid)), "{size}: {forgery}");
            if size == KEPT.last().unwrap() {
                let (position, reason) = refused(notary(&log.writer).await.sign(&log.known, RecordedAt(NOW)).await);
                assert!(position == *size && reason.contains("checkpoint"), "{reason}");
            }
            run(&log.meddler, &set(*size, note)).await;
        }
    }
    // One of a log that never was: forged, it is no checkpoint; sound, its records are missing.
    let beyond = Checkpoint { origin: ORIGIN.into(), tree_size: 1 << 40, root: [1; 32] };
    let row = format!("INSERT INTO checkpoints VALUES ({}, 0, '{}')", 1_u64 << 40, beyond.sign(&stranger));
    run(&log.meddler, &row).await;
    assert_eq!(log.finding().await, Some((1 << 40, Reason::CheckpointInvalid)));
    refused(notary(&log.writer).await.keep(&log.known, RecordedAt(NOW)).await);
}

/// The signing key is the store's own: another process signs with the same, and an operator may replace it.
#[tokio::test]
async fn the_key_stays_and_may_be_replaced() {
    let log = Log::filled().await;
    let keyring = log.store.open().await.unwrap();
    // Fixed at the beginning, whatever is proposed later.
    assert_eq!(keyring.audit_origin("elsewhere.example/audit", NOW).await.unwrap(), ORIGIN);
    let made = keyring.audit_signing(ORIGIN, None, NOW).await.unwrap();
    assert_eq!(made.signer.verifier(), log.notary.verifier());
    assert!(made.previous.is_empty());
    let brought = |seed: u8| Some(Signer::from_seed(ORIGIN, &[seed; 32]).unwrap());
    for seed in [4, 4, 5] {
        let signing = keyring.audit_signing(ORIGIN, brought(seed), NOW).await.unwrap();
        assert_eq!(signing.signer.verifier(), brought(seed).unwrap().verifier());
        assert!(signing.previous.contains(log.notary.verifier()));
        assert_eq!(signing.previous.len(), if seed == 5 { 2 } else { 1 });
        // What the earlier key signed holds.
        let notary = Notary::new(log.writer.backend.clone(), signing.signer, signing.previous);
        assert!(notary.sign(&log.known, RecordedAt(NOW)).await.is_ok());
    }
    run(&log.meddler, "UPDATE keys SET wrapped = zeroblob(60) WHERE purpose = 'audit_origin'").await;
    assert!(matches!(keyring.audit_origin(ORIGIN, NOW).await, Err(StoreError::Key { .. })));
}

#[tokio::test]
async fn entries_are_proved_in_their_records() {
    let log = Log::filled().await;
    let (sealer, tree) = (&log.writer.sealer, Tree::new(log.writer.backend.clone()));
    let mut proved = 0;
    for position in (4..=SIZE).step_by(4) {
        let record = log.record(position).await;
        let number = position - 1;
        for one in 0..=number % 5 {
            let proof = sealer.prove_entry(&record, &format!("log_{}", number * 10 + one)).unwrap().unwrap();
            assert_eq!((u64::from(proof.index), u64::from(proof.count)), (one, number % 5 + 1));
            let leaf = merkle::entry_leaf(&proof.salt, proof.json.as_bytes());
            let (index, count, root) = (u64::from(proof.index), u64::from(proof.count), record.entries_root.unwrap());
            assert_eq!(verification::check_inclusion(index, count, &leaf, &proof.hashes, &root), Ok(()));
            proved += 1;
        }
        assert_eq!(sealer.prove_entry(&record, "log_none").unwrap(), None);
        let path = tree.inclusion(record.position, SIZE).await.unwrap().unwrap();
        let root = log.known.root();
        assert_eq!(verification::check_inclusion(number, SIZE, &record.leaf_hash, &path, &root), Ok(()));
    }
    assert!(proved > 200, "{proved}");
    assert_eq!(sealer.prove_entry(&log.record(1).await, "log_1").unwrap(), None);
}

/// Two levels of tiles: the upper one is held against the lower, which is held against the records.
#[tokio::test]
async fn altered_tiles_of_tiles_are_found() {
    const LARGE: u64 = 256 * 256 + 300;
    let store = Store::new();
    let writer = Writer::start(&store).await;
    let notary = notary(&writer).await;
    let mut known = Frontier::default();
    while known.size() < LARGE {
        let records: Vec<Record> =
            (known.size()..LARGE.min(known.size() + 1_000)).map(|number| sealed(&writer, number)).collect();
        let mut tx = writer.backend.begin().await.unwrap();
        tx.insert(&records).await.unwrap();
        tx.commit().await.unwrap();
        records.iter().for_each(|record| known.push(record.leaf_hash));
    }
    notary.keep(&known, RecordedAt(NOW)).await.unwrap().unwrap();
    let meddler = store.meddler().await;
    run(&meddler, "DROP TRIGGER tiles_refuse_update").await;
    let inspection = Inspection::new(writer.backend.clone(), writer.sealer.clone(), &notary);
    let look = async |from: u64| {
        let until = Instant::now() + Duration::from_secs(300);
        let inspected =
            inspection.run(Position(from), Position(u64::MAX), &known, Arc::default(), until).await.unwrap();
        inspected.finding.map(|finding| (finding.position.0, finding.reason))
    };
    assert_eq!(look(1).await, None);
    // What comes after what was looked at before is enough to see it.
    let from = 65_000;
    let hashes = |level: u8, byte: u32| {
        format!(
            "UPDATE tiles SET hashes = CAST(substr(hashes, 1, {byte}) || x'ff' || substr(hashes, {byte} + 2) AS BLOB) \
             WHERE level = {level} AND number = 0"
        )
    };
    for (sql, position) in [
        (hashes(1, 32 * 3 + 5), 3 * 256 + 1),
        ("UPDATE tiles SET root = zeroblob(32) WHERE level = 1".to_owned(), 1),
        ("UPDATE tiles SET root = zeroblob(32) WHERE level = 0 AND number = 77".to_owned(), 77 * 256 + 1),
    ] {
        run(&meddler, "CREATE TABLE kept AS SELECT * FROM tiles").await;
        run(&meddler, &sql).await;
        assert_eq!(look(from).await, Some((position, Reason::RootMismatch)), "{sql}");
        let undo = "UPDATE tiles SET (root, hashes) = (SELECT root, hashes FROM kept \
                    WHERE kept.level = tiles.level AND kept.number = tiles.number); DROP TABLE kept";
        run(&meddler, undo).await;
    }
    assert_eq!(look(from).await, None, "all is as it was");
}

/// A record as the appender would make it.
fn sealed(writer: &Writer, number: u64) -> Record {
    let draft = writer.draft(&acme(), &format!("app/{number}"), 1, "s3cr3t");
    let sealed = writer.sealer.seal(draft, None).unwrap();
    crate::fixture::digested(Record {
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
    })
}
