//! The root key in a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use scaivault_eventstore::sealing::secret_key::SecretKey;
use scaivault_eventstore::sealing::{FileRoot, RootKeyProvider};

use crate::fixture::{Store, setup};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_only() {
    let store = Store::new();
    let (key, kept) = store.root().create().await.unwrap();
    assert!(kept.is_empty(), "the store keeps nothing of it");
    assert_eq!((mode(&store.path("keys/root.key")), mode(&store.path("keys"))), (0o600, 0o700));
    assert_eq!(store.root().open(&kept).await.unwrap().as_bytes(), key.as_bytes());
    assert_eq!(fs::read_dir(store.path("keys")).unwrap().count(), 1, "no draft is left");
}

#[tokio::test]
async fn a_start_that_was_cut_off_goes_on_with_its_file() {
    let store = Store::new();
    let (key, _) = store.root().create().await.unwrap();
    // The file was written, the store was not.
    let before = fs::read(store.path("keys/root.key")).unwrap();
    let keyring = store.open().await.unwrap();
    assert_eq!(fs::read(store.path("keys/root.key")).unwrap(), before);
    let (again, _) = store.root().create().await.unwrap();
    assert_eq!(again.as_bytes(), key.as_bytes());
    assert_eq!(store.open().await.unwrap().token_hash("x").unwrap(), keyring.token_hash("x").unwrap());
}

#[tokio::test]
async fn a_draft_that_was_left_is_not_taken_for_the_key() {
    let store = Store::new();
    fs::create_dir_all(store.path("keys")).unwrap();
    fs::write(store.path("keys/root.new-0123"), "half").unwrap();
    store.open().await.unwrap();
    store.open().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_that_create_at_once_get_one_key() {
    let store = Store::new();
    let path = store.path("keys/root.key");
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let root = FileRoot::new(&path);
            tokio::spawn(async move { root.create().await.unwrap().0 })
        })
        .collect();
    let mut keys = Vec::new();
    for task in tasks {
        keys.push(*task.await.unwrap().as_bytes());
    }
    keys.dedup();
    assert_eq!(keys.len(), 1);
}

#[tokio::test]
async fn a_file_that_others_may_read_is_refused() {
    let store = Store::new();
    store.open().await.unwrap();
    for bad in [0o644, 0o640, 0o604, 0o660, 0o602] {
        fs::set_permissions(store.path("keys/root.key"), fs::Permissions::from_mode(bad)).unwrap();
        let text = setup(store.open().await);
        assert!(text.contains(&format!("has mode {bad:04o}")) && text.contains("chmod 0600"), "{text}");
    }
    for good in [0o600, 0o400] {
        fs::set_permissions(store.path("keys/root.key"), fs::Permissions::from_mode(good)).unwrap();
        store.open().await.unwrap();
    }
}

#[tokio::test]
async fn a_file_that_holds_no_key_is_refused_without_showing_it() {
    let store = Store::new();
    store.open().await.unwrap();
    for text in ["", "short", "c2hvcnQ=", "not base64 at all!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="] {
        fs::write(store.path("keys/root.key"), text).unwrap();
        let said = setup(store.open().await);
        assert!(text.is_empty() || !said.contains(text), "{said}");
    }
}

#[test]
fn a_key_never_shows_itself() {
    assert_eq!(format!("{:?} {:#?}", SecretKey::random().unwrap(), SecretKey::random().unwrap()), "[sealed] [sealed]");
    assert!(SecretKey::from_bytes(&[0; 31]).is_none() && SecretKey::from_bytes(&[0; 33]).is_none());
}
