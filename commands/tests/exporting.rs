//! The exporter over a real log and a store that dies at every step: whoever goes on finds out what is missing, and in
//! the end each entry was written once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]
#![allow(clippy::disallowed_methods, reason = "tests have their own tasks")]

#[path = "exporting/node.rs"]
mod node;
#[path = "exporting/store.rs"]
mod store;

use std::sync::Arc;
use std::time::Duration;

use scaivault_commands::export::FileLimits;
use scaivault_commands::export::store::StoreFault;
use scaivault_domain::SecretPath;
use scaivault_domain::export::{CredentialsPlace, Export, ExportStatus, StoreKind};
use scaivault_domain::id::ExportId;
use serde_json::Value;
use tokio::sync::watch;

use node::{Log, Node, acme, other};
use store::{Memory, Watched};

const PATIENCE: Duration = Duration::from_secs(30);
/// Entries of the log before each export.
const ENTRIES: usize = 17;

/// Exports until it has ended, or until the store dies.
async fn export(node: &Node, store: &Memory, id: &ExportId) -> Option<Export> {
    let (_stop, stopped) = watch::channel(false);
    let exporting = node.engine.clone().export(None, stopped);
    let ended = async {
        loop {
            let view = node.engine.projections().view();
            let export = view.exports.find(id).unwrap().export.clone();
            if export.status().is_ended() {
                return export;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        () = exporting => unreachable!("nobody stops it"),
        () = store.died() => None,
        export = tokio::time::timeout(PATIENCE, ended) => Some(export.unwrap()),
    }
}

/// The ids of entries in all files, in order; and that each file is what its row tells.
fn written(store: &Memory, export: &Export) -> Vec<String> {
    let mut ids = Vec::new();
    for row in &export.files {
        let content = store.object(&row.name).unwrap();
        assert_eq!((row.bytes, row.sha256.as_ref()), (content.len() as u64, node::sha256(&content).as_str()));
        let lines: Vec<Value> = content.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(row.entries, lines.len() as u64);
        ids.extend(lines.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()));
    }
    let manifest: Value = serde_json::from_str(&store.object("manifest.json").unwrap()).unwrap();
    assert_eq!(manifest["manifest"], serde_json::to_value(&export.files).unwrap());
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_step_it_writes_each_entry_once() {
    let limits = FileLimits { entries: 7, bytes: 1 << 20 };
    let mut deaths = 0;
    for step in 0..100 {
        let log = Log::new().await;
        let store = Arc::new(Memory::dying_at(step));
        let node = Node::start(&log, store.clone(), limits).await;
        let recorded = node.record(ENTRIES).await;
        let id = node.ask().await;
        let first = export(&node, &store, &id).await;
        node.kill().await;
        let died = first.is_none();
        deaths += usize::from(died);
        store.revive();
        let node = Node::start(&log, store.clone(), limits).await;
        let ended = export(&node, &store, &id).await.expect("the store lives");
        assert_eq!(ended.status(), ExportStatus::Completed, "{:?}", ended.error);
        let ids = written(&store, &ended);
        let mine: Vec<&String> = ids.iter().filter(|id| recorded.contains(id)).collect();
        assert_eq!(mine, recorded.iter().collect::<Vec<_>>(), "step {step}");
        assert_eq!(ended.extent.unwrap().entries, ids.len() as u64);
        assert!(ended.files[..ended.files.len() - 1].iter().all(|file| file.entries == 7), "{:?}", ended.files);
        // A file that the log has is not written again.
        for row in &ended.files {
            assert!(store.finished(&row.name) <= 2, "{}", row.name);
        }
        let again: usize = ended.files.iter().filter(|row| store.finished(&row.name) > 1).count();
        assert!(again <= 1, "at most the file under way");
        node.kill().await;
        if !died {
            break;
        }
    }
    assert!(deaths > 12, "files begun, written, finished, and their list: {deaths}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_end_at_their_size_and_one_entry_has_room_in_any() {
    let log = Log::new().await;
    let store = Arc::new(Memory::dying_at(usize::MAX));
    for (bytes, entries_per_file) in [(1, Some(1)), (1_200, None)] {
        let node = Node::start(&log, store.clone(), FileLimits { entries: 1_000, bytes }).await;
        node.record(ENTRIES).await;
        let id = node.ask().await;
        let ended = export(&node, &store, &id).await.unwrap();
        written(&store, &ended);
        assert!(ended.files.len() > 2);
        for file in &ended.files {
            assert!(file.bytes <= bytes.max(600), "{file:?}");
            assert!(entries_per_file.is_none_or(|entries| file.entries == entries), "{file:?}");
        }
        node.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_for_the_moment_is_tried_again_and_the_rest_is_told() {
    let log = Log::new().await;
    for (fault, failures, status) in [
        (StoreFault::Unreachable, 1, ExportStatus::Completed),
        (StoreFault::Refused, 1, ExportStatus::Failed),
        (StoreFault::Missing, 1, ExportStatus::Failed),
    ] {
        let store = Arc::new(Memory::failing(fault.clone(), failures));
        let node = Node::start(&log, store.clone(), FileLimits::default()).await;
        node.record(3).await;
        let id = node.ask().await;
        let ended = export(&node, &store, &id).await.unwrap();
        assert_eq!(ended.status(), status, "{fault:?}");
        if let Some(error) = &ended.error {
            assert_eq!((error.code.as_ref(), error.message.as_ref()), ("backend_error", fault.to_string().as_str()));
        }
        node.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_write_one_export_say_so_once() {
    let log = Log::new().await;
    let limits = FileLimits { entries: 5, bytes: 1 << 20 };
    let store = Arc::new(Memory::dying_at(usize::MAX));
    let (first, second) =
        (Node::start(&log, store.clone(), limits).await, Node::start(&log, store.clone(), limits).await);
    let recorded = first.record(ENTRIES).await;
    let id = first.ask().await;
    second.knows(&id).await;
    let (ended, _) = tokio::join!(export(&first, &store, &id), export(&second, &store, &id));
    let ended = ended.unwrap();
    assert_eq!(ended.status(), ExportStatus::Completed);
    let ids = written(&store, &ended);
    assert_eq!(ids.iter().filter(|id| recorded.contains(id)).count(), ENTRIES);
    assert_eq!(ids.len() as u64, ended.extent.unwrap().entries);
    first.kill().await;
    second.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_take_turns_so_that_nobody_waits_for_all_of_another() {
    let log = Log::new().await;
    let asking = Node::start(&log, Arc::new(Memory::dying_at(usize::MAX)), FileLimits::default()).await;
    let mut busy = Vec::new();
    // More than are written side by side.
    for _ in 0..6 {
        busy.push(asking.ask_for(&acme(), (StoreKind::File, None)).await);
    }
    let quiet = asking.ask_for(&other(), (StoreKind::File, None)).await;
    asking.kill().await;

    // None of the many ever comes to its end.
    let stores = Arc::new(Watched::holding(busy.clone()));
    let node = Node::start(&log, stores.clone(), FileLimits::default()).await;
    let ended = export(&node, &Memory::dying_at(usize::MAX), &quiet).await.unwrap();
    assert_eq!(ended.status(), ExportStatus::Completed);
    let opened: Vec<_> = stores.opened().into_iter().map(|(id, _)| id).collect();
    assert_eq!(opened.iter().filter(|id| busy.contains(id)).count(), 1, "one after the other: {opened:?}");
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_uses_the_credentials_that_its_caller_could_read() {
    let log = Log::new().await;
    let stores = Arc::new(Watched::holding(Vec::new()));
    let node = Node::start(&log, stores.clone(), FileLimits::default()).await;
    let path = SecretPath::parse("backup/s3").unwrap();
    let key = |id: &str| format!(r#"{{"access_key_id":"{id}","secret_access_key":"secret"}}"#);
    node.write(&path, &key("first")).await;
    let place = |version| Some(CredentialsPlace::new(&acme(), path.clone(), version));
    let asked = node.ask_for(&acme(), (StoreKind::S3, place(1))).await;
    // Whoever writes the secret later does not choose where the entries of others go.
    node.write(&path, &key("second")).await;
    let ended = export(&node, &Memory::dying_at(usize::MAX), &asked).await.unwrap();
    assert_eq!(ended.status(), ExportStatus::Completed, "{:?}", ended.error);
    let later = node.ask_for(&acme(), (StoreKind::S3, place(2))).await;
    export(&node, &Memory::dying_at(usize::MAX), &later).await.unwrap();
    assert_eq!(stores.opened(), [(asked, Some("first".into())), (later, Some("second".into()))]);
    node.kill().await;
}
