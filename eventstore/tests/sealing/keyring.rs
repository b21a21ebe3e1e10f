//! One hierarchy for each store, whoever opens it.

use std::collections::HashSet;
use std::sync::Arc;

use scaivault_eventstore::log::{Backend, SqliteBackend};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{FileRoot, Keyring, PassphraseRoot};
use scaivault_eventstore::{Owner, StoreError};
use zeroize::Zeroizing;

use crate::fixture::{NOW, Store, acme, key_error, other, partner, setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_open_at_once_make_one_hierarchy() {
    for _ in 0..5 {
        let store = Store::new();
        // Whether the tables may be made at once as well is another question.
        store.backend().await;
        let (first, second) = tokio::join!(async { Arc::new(store.open().await.unwrap()) }, async {
            Arc::new(store.open().await.unwrap())
        });
        let owner = acme();
        let (one, two) =
            tokio::join!(first.ensure(&owner, &Owner::Platform, NOW), second.ensure(&owner, &Owner::Platform, NOW + 1));
        one.and(two).unwrap();
        let stream = |keyring: &Keyring| keyring.stream(&acme(), "secret", "a").unwrap();
        assert_eq!(stream(&first), stream(&second));
        let keys = store.backend().await.keys().await.unwrap();
        let names: HashSet<_> = keys.iter().map(|key| (&key.level, &key.owner, &key.purpose, key.version)).collect();
        assert_eq!((keys.len(), names.len()), (7, 7));
    }
}

#[tokio::test]
async fn the_same_key_file_opens_the_same_keys_again() {
    let store = Store::new();
    let before = store.sealer().await;
    assert!(Keyring::exists(&*store.backend().await).await.unwrap());
    let after = store.open().await.unwrap();
    for owner in [Owner::Platform, partner(), acme(), other()] {
        let stream = before.keyring().stream(&owner, "secret", "a").unwrap();
        assert_eq!(after.stream(&owner, "secret", "a").unwrap(), stream);
    }
    assert_eq!(after.token_hash("skt_x").unwrap(), before.keyring().token_hash("skt_x").unwrap());
    assert_eq!((after.provider(), after.created_at()), ("file", NOW));
}

#[tokio::test]
async fn keys_made_by_another_process_are_opened_later() {
    let store = Store::new();
    let (first, second) = (store.open().await.unwrap(), store.open().await.unwrap());
    first.ensure(&acme(), &Owner::Platform, NOW).await.unwrap();
    assert!(key_error(second.stream(&acme(), "secret", "a")).contains("tenant tnt_acme"));
    second.refresh().await.unwrap();
    assert_eq!(second.stream(&acme(), "secret", "a").unwrap(), first.stream(&acme(), "secret", "a").unwrap());
}

#[tokio::test]
async fn a_wrong_root_key_is_told() {
    let store = Store::new();
    store.open().await.unwrap();
    let wrong = FileRoot::new(store.path("keys/other.key"));
    let lone = Store::new().backend().await;
    Keyring::open_or_create(lone, &wrong, NOW).await.unwrap();
    let refused = Keyring::open_or_create(store.backend().await, &wrong, NOW).await;
    assert_eq!(setup(refused), "the root key of provider file is not the one this store was made with");
    std::fs::remove_file(store.path("keys/root.key")).unwrap();
    assert!(setup(store.open().await).contains("root.key cannot be read"));
    assert!(!store.path("keys/root.key").exists(), "a lost key is not replaced");
}

#[tokio::test]
async fn another_provider_is_told() {
    let store = Store::new();
    store.open().await.unwrap();
    let passphrase = PassphraseRoot::new(Zeroizing::new("correct horse".into()));
    let refused = Keyring::open_or_create(store.backend().await, &passphrase, NOW).await;
    assert_eq!(setup(refused), "this store was initialised with KMS_PROVIDER=file, but passphrase is configured");
}

#[tokio::test]
async fn a_passphrase_opens_and_another_one_is_told() {
    let store = Store::new();
    let open = async |text: &str| {
        let root = PassphraseRoot::new(Zeroizing::new(text.into()));
        Keyring::open_or_create(store.backend().await, &root, NOW).await
    };
    let made = open("correct horse").await.unwrap();
    let again = open("correct horse").await.unwrap();
    assert_eq!(made.token_hash("x").unwrap(), again.token_hash("x").unwrap());
    assert!(setup(open("Correct horse").await).contains("KMS_PASSPHRASE is not the one"));
}

#[tokio::test]
async fn names_are_stable_and_differ_by_owner_kind_and_name() {
    let store = Store::new();
    let sealer = store.sealer().await;
    let keyring = sealer.keyring();
    let mut seen = HashSet::new();
    for owner in [Owner::Platform, partner(), acme(), other()] {
        for (kind, name) in [("secret", "a/b"), ("secret", "a"), ("token", "a"), ("secreta", ""), ("", "secreta")] {
            let stream = keyring.stream(&owner, kind, name).unwrap();
            assert_eq!(stream, keyring.stream(&owner, kind, name).unwrap());
            assert!(seen.insert(stream.0), "{owner} {kind} {name}");
        }
        for purpose in ["cursor", "stream"] {
            assert!(seen.insert(keyring.tag(&owner, purpose, b"a").unwrap()), "{owner} {purpose}");
        }
    }
    for token in ["skt_a", "skt_b"] {
        assert!(seen.insert(keyring.token_hash(token).unwrap()));
    }
    let elsewhere = Store::new().sealer().await;
    assert!(seen.insert(elsewhere.keyring().stream(&acme(), "secret", "a").unwrap().0), "keys are of one store");
}

#[tokio::test]
async fn a_store_in_memory_has_a_key_of_its_own() {
    let memory = SqliteBackend::open(None).await.unwrap();
    memory.migrate().await.unwrap();
    let backend: Arc<dyn Backend> = Arc::new(memory);
    let root = EphemeralRoot::new().unwrap();
    let (one, two) = tokio::join!(
        Keyring::open_or_create(Arc::clone(&backend), &root, NOW),
        Keyring::open_or_create(Arc::clone(&backend), &root, NOW)
    );
    assert_eq!(one.unwrap().token_hash("x").unwrap(), two.unwrap().token_hash("x").unwrap());
    let stranger = EphemeralRoot::new().unwrap();
    let refused = Keyring::open_or_create(backend, &stranger, NOW).await;
    assert!(matches!(refused, Err(StoreError::Setup(_))));
}
