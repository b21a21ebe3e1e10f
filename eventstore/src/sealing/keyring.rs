//! The key hierarchy: root → platform and partners → tenants, each with a sealing and an index key.
//!
//! Wrapped keys lie in the `keys` table, outside the log, so that they can be replaced and
//! destroyed. Opened ones are here and nowhere else.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::hmac;
use parking_lot::RwLock;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::aead::SealKey;
use super::place::push;
use super::root::RootKeyProvider;
use super::secret_key::{SecretKey, random_bytes};
use crate::log::{Backend, StoredKey};
use crate::{Owner, StoreError, StreamId};

/// Id of a stored key.
pub type KeyId = [u8; 16];

const ROOT: &str = "root";
const CHECK: &str = "check";
const SEAL: &str = "seal";
const INDEX: &str = "index";
pub(super) const AUDIT_SIGNING: &str = "audit_signing";
/// What the root key must open to be the right one.
const CHECK_TEXT: &[u8] = b"scaivault root key check";

/// An owner's keys in use.
#[derive(Clone)]
pub(super) struct OwnerKeys {
    pub(super) seal_id: KeyId,
    pub(super) seal: Arc<SealKey>,
    index: Arc<hmac::Key>,
}

#[derive(Default)]
struct Opened {
    /// Every sealing key, replaced versions included, by id.
    seals: HashMap<KeyId, (Owner, Arc<SealKey>)>,
    /// The newest keys of each owner.
    owners: HashMap<Owner, OwnerKeys>,
    /// Sealing keys that were destroyed, and whose they were.
    destroyed: HashMap<KeyId, Owner>,
}

/// The opened hierarchy of one installation.
pub struct Keyring {
    backend: Arc<dyn Backend>,
    installation_id: KeyId,
    root_id: KeyId,
    root: SealKey,
    provider: &'static str,
    created_at: i64,
    opened: RwLock<Opened>,
    /// One creation at a time in this process; other processes are held off by the table.
    creating: Mutex<()>,
}

impl Keyring {
    /// Opens the hierarchy of a store; makes it if there is none. Several processes may do so at
    /// once: one makes it, the others open what it made.
    pub async fn open_or_create(
        backend: Arc<dyn Backend>,
        provider: &dyn RootKeyProvider,
        now_micros: i64,
    ) -> Result<Self, StoreError> {
        let mut keys = backend.keys().await?;
        if keys.is_empty() {
            let made = new_hierarchy(provider, now_micros).await?;
            backend.add_keys(&made).await?;
            keys = backend.keys().await?;
        }
        Self::open(backend, provider, &keys).await
    }

    /// Whether the store has a hierarchy.
    pub async fn exists(backend: &dyn Backend) -> Result<bool, StoreError> {
        Ok(!backend.keys().await?.is_empty())
    }

    async fn open(
        backend: Arc<dyn Backend>,
        provider: &dyn RootKeyProvider,
        keys: &[StoredKey],
    ) -> Result<Self, StoreError> {
        let find = |purpose: &str| {
            keys.iter()
                .filter(|key| key.level == ROOT && key.purpose == purpose)
                .max_by_key(|key| key.version)
                .ok_or_else(|| StoreError::Key { key: ROOT.into(), reason: format!("its {purpose} row is missing") })
        };
        let (kept, check) = (find(SEAL)?, find(CHECK)?);
        if kept.owner != provider.name() {
            return Err(StoreError::Setup(format!(
                "this store was initialised with KMS_PROVIDER={}, but {} is configured",
                kept.owner,
                provider.name()
            )));
        }
        let asked = Instant::now();
        let root = SealKey::new(&provider.open(&kept.wrapped).await?)?;
        metrics::histogram!("scaivault_kms_latency_seconds", "operation" => "decrypt").record(asked.elapsed());
        let checked = root.open(&key_aad(check), &check.wrapped);
        if checked.as_deref().map(Vec::as_slice) != Ok(CHECK_TEXT) {
            return Err(StoreError::Setup(format!(
                "the root key of provider {} is not the one this store was made with",
                provider.name()
            )));
        }
        let keyring = Self {
            backend,
            installation_id: installation_id(keys)?,
            root_id: kept.id,
            root,
            provider: provider.name(),
            created_at: kept.created_at,
            opened: RwLock::default(),
            creating: Mutex::new(()),
        };
        keyring.load(keys)?;
        Ok(keyring)
    }

    /// The provider's name.
    pub fn provider(&self) -> &'static str {
        self.provider
    }

    /// Names this installation: no two have the same.
    pub fn installation_id(&self) -> KeyId {
        self.installation_id
    }

    /// When the root key was made, in microseconds since the Unix epoch.
    pub fn created_at(&self) -> i64 {
        self.created_at
    }

    /// Opens keys that another process added since.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let keys = self.backend.keys().await?;
        self.load(&keys)
    }

    /// Makes the keys of a partner, or of a tenant of that partner, unless they are there.
    pub async fn ensure(&self, owner: &Owner, parent: &Owner, now_micros: i64) -> Result<(), StoreError> {
        let _one = self.creating.lock().await;
        self.refresh().await?;
        if self.holds(owner) {
            return Ok(());
        }
        if self.is_destroyed(owner) {
            return Err(StoreError::Key { key: describe(owner), reason: "it was destroyed".into() });
        }
        let made = match parent {
            Owner::Platform => new_owner_keys(owner, self.root_id, &self.root, now_micros)?,
            Owner::Partner(_) | Owner::Tenant(_) => {
                let above = self.keys(parent)?;
                new_owner_keys(owner, above.seal_id, &above.seal, now_micros)?
            }
        };
        // Refused means that another process was first: its keys are the ones to open.
        self.backend.add_keys(&made).await?;
        self.refresh().await
    }

    /// Destroys the keys of an owner, here and in the store. What is sealed under them cannot be opened
    /// any more by anybody; who has them open elsewhere finds out by [`Keyring::refresh`].
    pub async fn destroy(&self, owner: &Owner) -> Result<(), StoreError> {
        let _one = self.creating.lock().await;
        self.backend.destroy_keys(owner.level(), owner.id()).await?;
        self.refresh().await
    }

    /// Whether the owner has, or had, keys that are known here.
    pub fn knows(&self, owner: &Owner) -> bool {
        self.holds(owner) || self.is_destroyed(owner)
    }

    /// Whether the owner's keys can be used.
    pub fn holds(&self, owner: &Owner) -> bool {
        self.opened.read().owners.contains_key(owner)
    }

    /// Whether the owner's keys were destroyed.
    pub fn is_destroyed(&self, owner: &Owner) -> bool {
        self.opened.read().destroyed.values().any(|other| other == owner)
    }

    /// Owners whose keys were destroyed.
    pub fn destroyed(&self) -> Vec<Owner> {
        let mut owners: Vec<_> = self.opened.read().destroyed.values().cloned().collect();
        owners.sort_by(|one, other| one.id().cmp(other.id()));
        owners.dedup();
        owners
    }

    /// Whose sealing key it is, or was; `None` if it is not known.
    pub fn owner_of(&self, id: &KeyId) -> Option<Owner> {
        let opened = self.opened.read();
        opened.seals.get(id).map(|(owner, _)| owner).or_else(|| opened.destroyed.get(id)).cloned()
    }

    /// Whether what was sealed under this key is gone by design.
    pub(super) fn is_erased(&self, id: &KeyId) -> bool {
        self.opened.read().destroyed.contains_key(id)
    }

    pub(super) fn keys(&self, owner: &Owner) -> Result<OwnerKeys, StoreError> {
        let opened = self.opened.read();
        opened
            .owners
            .get(owner)
            .cloned()
            .ok_or_else(|| StoreError::Key { key: describe(owner), reason: "there is none".into() })
    }

    /// The owner of a sealing key, and the key.
    pub(super) fn seal_key(&self, id: &KeyId) -> Option<(Owner, Arc<SealKey>)> {
        self.opened.read().seals.get(id).cloned()
    }

    /// Opaque name of a stream: HMAC-SHA256 under the owner's index key, which survives rotation.
    pub fn stream(&self, owner: &Owner, kind: &str, name: &str) -> Result<StreamId, StoreError> {
        let tag = self.index(owner, &[b"stream", kind.as_bytes(), name.as_bytes()])?;
        Ok(StreamId(tag))
    }

    /// Keyed digest of a token.
    pub fn token_hash(&self, token: &str) -> Result<[u8; 32], StoreError> {
        self.index(&Owner::Platform, &[b"token", token.as_bytes()])
    }

    /// Keyed tag over parts, for things that must not be forged, such as list cursors.
    pub fn tag(&self, owner: &Owner, purpose: &str, message: &[u8]) -> Result<[u8; 32], StoreError> {
        self.index(owner, &[b"tag", purpose.as_bytes(), message])
    }

    fn index(&self, owner: &Owner, parts: &[&[u8]]) -> Result<[u8; 32], StoreError> {
        let keys = self.keys(owner)?;
        let mut message = Vec::with_capacity(128);
        parts.iter().for_each(|part| push(&mut message, part));
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&keys.index, &message).as_ref());
        Ok(tag)
    }

    /// Opens stored keys from the top down. A key that does not open is named, never skipped.
    fn load(&self, keys: &[StoredKey]) -> Result<(), StoreError> {
        let mut opened = self.opened.write();
        for level in ["platform", "partner", "tenant"] {
            let mut of_level: Vec<_> = keys.iter().filter(|key| key.level == level && key.purpose == SEAL).collect();
            of_level.sort_by_key(|key| key.version);
            for key in of_level {
                let owner = owner_of(key)?;
                if key.wrapped.is_empty() {
                    opened.seals.remove(&key.id);
                    opened.owners.remove(&owner);
                    opened.destroyed.insert(key.id, owner);
                    continue;
                }
                if opened.seals.contains_key(&key.id) {
                    continue;
                }
                let seal = Arc::new(SealKey::new(&self.unwrap(&opened, key)?)?);
                opened.seals.insert(key.id, (owner.clone(), seal.clone()));
                // An index key is wrapped by a sealing key of the same owner.
                let index = keys
                    .iter()
                    .find(|other| other.level == level && other.owner == key.owner && other.purpose == INDEX);
                let index = index.ok_or_else(|| damaged(key, "its index key is missing"))?;
                let index = hmac::Key::new(hmac::HMAC_SHA256, self.unwrap(&opened, index)?.as_bytes());
                opened.owners.insert(owner, OwnerKeys { seal_id: key.id, seal, index: Arc::new(index) });
            }
        }
        Ok(())
    }

    /// All stored keys.
    pub(super) async fn rows(&self) -> Result<Vec<StoredKey>, StoreError> {
        self.backend.keys().await
    }

    /// Adds stored keys; `false` if another process was first.
    pub(super) async fn add(&self, rows: &[StoredKey]) -> Result<bool, StoreError> {
        self.backend.add_keys(rows).await
    }

    /// Wraps something of the platform's that is no key of the hierarchy under the root key.
    pub(super) fn wrap_beside(
        &self,
        purpose: &str,
        version: u32,
        plain: &[u8],
        now_micros: i64,
    ) -> Result<StoredKey, StoreError> {
        let mut row = StoredKey {
            id: random_bytes()?,
            level: Owner::Platform.level().into(),
            owner: Owner::Platform.id().into(),
            purpose: purpose.into(),
            version,
            wrapped_by: Some(self.root_id),
            wrapped: Vec::new(),
            created_at: now_micros,
        };
        row.wrapped = self.root.seal(&key_aad(&row), plain)?;
        Ok(row)
    }

    /// Opens what [`Self::wrap_beside`] wrapped, or a key that is wrapped by the root key.
    pub(super) fn unwrap_beside(&self, row: &StoredKey) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        if row.wrapped_by != Some(self.root_id) {
            return Err(damaged(row, "it is not wrapped by the root key"));
        }
        self.root.open(&key_aad(row), &row.wrapped).map_err(|_| damaged(row, "its authentication tag does not match"))
    }

    fn unwrap(&self, opened: &Opened, key: &StoredKey) -> Result<SecretKey, StoreError> {
        let wrapped_by = key.wrapped_by.ok_or_else(|| damaged(key, "it is not wrapped"))?;
        let above =
            if wrapped_by == self.root_id { None } else { opened.seals.get(&wrapped_by).map(|(_, seal)| seal.clone()) };
        let plain = match above {
            Some(seal) => seal.open(&key_aad(key), &key.wrapped),
            None => self.root.open(&key_aad(key), &key.wrapped),
        };
        let plain = plain.map_err(|_| damaged(key, "its authentication tag does not match"))?;
        SecretKey::from_bytes(&plain).ok_or_else(|| damaged(key, "it has another length"))
    }
}

/// The id of the platform's first index key: made with the store, and never replaced.
fn installation_id(keys: &[StoredKey]) -> Result<KeyId, StoreError> {
    let platform = |key: &&StoredKey| key.level == Owner::Platform.level() && key.purpose == INDEX;
    let first = keys.iter().filter(platform).min_by_key(|key| key.version);
    let missing = || StoreError::Key { key: describe(&Owner::Platform), reason: "its index key is missing".into() };
    first.map(|key| key.id).ok_or_else(missing)
}

async fn new_hierarchy(provider: &dyn RootKeyProvider, now_micros: i64) -> Result<Vec<StoredKey>, StoreError> {
    let (secret, kept) = provider.create().await?;
    let root = SealKey::new(&secret)?;
    let row = |purpose: &str, id: KeyId| StoredKey {
        id,
        level: ROOT.into(),
        owner: provider.name().into(),
        purpose: purpose.into(),
        version: 1,
        wrapped_by: None,
        wrapped: Vec::new(),
        created_at: now_micros,
    };
    let mut kept_row = row(SEAL, random_bytes()?);
    kept_row.wrapped = kept;
    let mut check = row(CHECK, random_bytes()?);
    check.wrapped_by = Some(kept_row.id);
    check.wrapped = root.seal(&key_aad(&check), CHECK_TEXT)?;
    let platform = new_owner_keys(&Owner::Platform, kept_row.id, &root, now_micros)?;
    let signing = wrapped_key(&Owner::Platform, AUDIT_SIGNING, kept_row.id, &root, &SecretKey::random()?, now_micros)?;
    Ok([vec![kept_row, check, signing], platform].concat())
}

fn new_owner_keys(
    owner: &Owner,
    above: KeyId,
    wrapping: &SealKey,
    now_micros: i64,
) -> Result<Vec<StoredKey>, StoreError> {
    let seal = SecretKey::random()?;
    let seal_row = wrapped_key(owner, SEAL, above, wrapping, &seal, now_micros)?;
    let index_row = wrapped_key(owner, INDEX, seal_row.id, &SealKey::new(&seal)?, &SecretKey::random()?, now_micros)?;
    Ok(vec![seal_row, index_row])
}

fn wrapped_key(
    owner: &Owner,
    purpose: &str,
    above: KeyId,
    wrapping: &SealKey,
    key: &SecretKey,
    now_micros: i64,
) -> Result<StoredKey, StoreError> {
    let mut row = StoredKey {
        id: random_bytes()?,
        level: owner.level().into(),
        owner: owner.id().into(),
        purpose: purpose.into(),
        version: 1,
        wrapped_by: Some(above),
        wrapped: Vec::new(),
        created_at: now_micros,
    };
    row.wrapped = wrapping.seal(&key_aad(&row), key.as_bytes())?;
    Ok(row)
}

/// Binds a wrapped key to everything else in its row.
fn key_aad(key: &StoredKey) -> Vec<u8> {
    let mut aad = Vec::with_capacity(128);
    for text in [&b"scaivault/key/1"[..], key.level.as_bytes(), key.owner.as_bytes(), key.purpose.as_bytes()] {
        push(&mut aad, text);
    }
    aad.extend_from_slice(&key.version.to_be_bytes());
    aad.extend_from_slice(&key.id);
    aad.extend_from_slice(&key.wrapped_by.unwrap_or_default());
    aad.extend_from_slice(&key.created_at.to_be_bytes());
    aad
}

fn owner_of(key: &StoredKey) -> Result<Owner, StoreError> {
    Owner::from_parts(&key.level, &key.owner).ok_or_else(|| damaged(key, "its level is not known"))
}

fn describe(owner: &Owner) -> String {
    format!("{} {}", owner.level(), owner.id())
}

fn damaged(key: &StoredKey, reason: &str) -> StoreError {
    StoreError::Key {
        key: format!("{} {} {} version {}", key.level, key.owner, key.purpose, key.version),
        reason: reason.into(),
    }
}
