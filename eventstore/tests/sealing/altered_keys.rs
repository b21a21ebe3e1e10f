//! Somebody alters the table of keys: each column of each row.

use scaivault_eventstore::log::{Backend, StoredKey};
use scaivault_eventstore::{Owner, StoreError};

use crate::fixture::{Store, acme, other, partner};

type Alteration = (&'static str, fn(&mut StoredKey));

const ALTERATIONS: [Alteration; 11] = [
    ("id", |key| key.id[3] ^= 1),
    ("level", |key| key.level.push('x')),
    ("owner", |key| key.owner.push('x')),
    ("purpose", |key| key.purpose.push('x')),
    ("version", |key| key.version += 1),
    ("wrapped_by", |key| key.wrapped_by = key.wrapped_by.map_or(Some([7; 16]), |_| None)),
    ("wrapped_by another", |key| key.wrapped_by = Some([9; 16])),
    ("wrapped, first bit", |key| flip(&mut key.wrapped, |_| 0)),
    ("wrapped, last bit", |key| flip(&mut key.wrapped, |length| length - 1)),
    ("wrapped, cut", |key| key.wrapped.truncate(key.wrapped.len() / 2)),
    ("created_at", |key| key.created_at += 1),
];

fn flip(bytes: &mut [u8], at: fn(usize) -> usize) {
    let at = at(bytes.len().max(1));
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 0x80;
    }
}

/// Opens the hierarchy and uses every key of it.
async fn open_and_use(store: &Store) -> Result<(), StoreError> {
    let keyring = store.open().await?;
    for owner in [Owner::Platform, partner(), acme(), other()] {
        keyring.stream(&owner, "secret", "a")?;
    }
    Ok(())
}

async fn replace(store: &Store, backend: &dyn Backend, old: &StoredKey, new: &StoredKey) {
    let sql = format!("DELETE FROM keys WHERE id = {}", crate::fixture::blob(&old.id));
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&store.meddler().await).await.unwrap();
    assert!(backend.add_keys(std::slice::from_ref(new)).await.unwrap());
}

/// The row of the root key says which provider has it. Its other columns are bound to nothing, and
/// nothing depends on them where the provider keeps nothing in the store.
fn is_bound(key: &StoredKey, column: &str) -> bool {
    let root = key.level == "root" && key.purpose == "seal";
    // Nothing signs with this key yet, so nobody opens it.
    let unused = key.purpose == "audit_signing";
    !unused && (!root || matches!(column, "level" | "owner" | "purpose"))
}

#[tokio::test]
async fn each_altered_column_is_named() {
    let store = Store::new();
    store.sealer().await;
    let backend = store.backend().await;
    let keys = backend.keys().await.unwrap();
    assert_eq!(keys.len(), 11);
    for key in &keys {
        for (column, alter) in ALTERATIONS {
            let mut altered = key.clone();
            alter(&mut altered);
            if altered == *key {
                continue;
            }
            let what = format!("{column} of {} {} {}", key.level, key.owner, key.purpose);
            replace(&store, &*backend, key, &altered).await;
            let answer = open_and_use(&store).await;
            replace(&store, &*backend, &altered, key).await;
            match answer {
                Err(StoreError::Key { .. } | StoreError::Setup(_)) => {}
                Err(error) => panic!("{what}: {error}"),
                Ok(()) => assert!(!is_bound(key, column), "{what} was not noticed"),
            }
        }
    }
    open_and_use(&store).await.unwrap();
}

#[tokio::test]
async fn a_missing_row_is_named() {
    let store = Store::new();
    store.sealer().await;
    let backend = store.backend().await;
    for key in backend.keys().await.unwrap().iter().filter(|key| key.purpose != "audit_signing") {
        let sql = format!("DELETE FROM keys WHERE id = {}", crate::fixture::blob(&key.id));
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&store.meddler().await).await.unwrap();
        let answer = open_and_use(&store).await;
        assert!(backend.add_keys(std::slice::from_ref(key)).await.unwrap());
        let Err(StoreError::Key { key: named, reason }) = answer else { panic!("{key:?}: {answer:?}") };
        assert!(!named.is_empty() && !reason.is_empty());
    }
}

#[tokio::test]
async fn exchanged_keys_do_not_open() {
    let store = Store::new();
    store.sealer().await;
    let backend = store.backend().await;
    let keys = backend.keys().await.unwrap();
    let of = |owner: &str| keys.iter().find(|key| key.owner == owner && key.purpose == "seal").unwrap();
    let (one, two) = (of("tnt_acme"), of("tnt_other"));
    replace(&store, &*backend, one, &StoredKey { wrapped: two.wrapped.clone(), ..one.clone() }).await;
    let Err(StoreError::Key { key, .. }) = open_and_use(&store).await else { panic!("not noticed") };
    assert_eq!(key, "tenant tnt_acme seal version 1");
}
