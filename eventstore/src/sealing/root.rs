//! Where the root key comes from. Two providers here; hardware and cloud ones stand behind the same port.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::aead::SealKey;
use super::secret_key::{SecretKey, random_bytes};
use crate::StoreError;

/// Keeps the root key, or what unlocks it, outside the store.
#[async_trait]
pub trait RootKeyProvider: Send + Sync {
    /// As in `KMS_PROVIDER`, and as the store remembers it.
    fn name(&self) -> &'static str;

    /// Makes the root key of a new store. Also returns what the store keeps for [`Self::open`]:
    /// a wrapped key, a salt, a handle; never anything that opens the key by itself.
    async fn create(&self) -> Result<(SecretKey, Vec<u8>), StoreError>;

    /// Opens the root key with what [`Self::create`] returned.
    async fn open(&self, kept: &[u8]) -> Result<SecretKey, StoreError>;
}

/// A root key for development mode without a directory: made at start, gone with the process.
pub struct EphemeralRoot(SecretKey);

impl EphemeralRoot {
    /// A fresh one.
    pub fn new() -> Result<Self, StoreError> {
        SecretKey::random().map(Self)
    }
}

#[async_trait]
impl RootKeyProvider for EphemeralRoot {
    fn name(&self) -> &'static str {
        "file"
    }

    async fn create(&self) -> Result<(SecretKey, Vec<u8>), StoreError> {
        Ok((self.0.clone(), Vec::new()))
    }

    async fn open(&self, _kept: &[u8]) -> Result<SecretKey, StoreError> {
        Ok(self.0.clone())
    }
}

/// The root key in a file of mode 0600: 32 random bytes in base64.
pub struct FileRoot {
    path: PathBuf,
}

impl FileRoot {
    /// The key in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self) -> Result<SecretKey, StoreError> {
        let shown = self.path.display();
        let metadata = std::fs::metadata(&self.path).map_err(|error| {
            StoreError::Setup(format!(
                "root key file {shown} cannot be read: {error}; without it the store cannot be opened"
            ))
        })?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(StoreError::Setup(format!(
                "root key file {shown} has mode {mode:04o} and may be read by others than its owner: run chmod 0600 {shown}"
            )));
        }
        let text = std::fs::read_to_string(&self.path)
            .map(Zeroizing::new)
            .map_err(|error| StoreError::Setup(format!("root key file {shown} cannot be read: {error}")))?;
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).ok();
        bytes
            .and_then(|bytes| SecretKey::from_bytes(&bytes))
            .ok_or_else(|| StoreError::Setup(format!("root key file {shown} does not hold 32 bytes in base64")))
    }

    /// Writes a fresh key so that a crash leaves either no file or a whole one, and a file that
    /// appeared meanwhile is never replaced.
    fn write_new(&self) -> Result<(), StoreError> {
        let shown = self.path.display();
        let failed =
            |error: std::io::Error| StoreError::Setup(format!("root key file {shown} cannot be written: {error}"));
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
        let key = SecretKey::random()?;
        let text = Zeroizing::new(STANDARD.encode(key.as_bytes()) + "\n");
        let draft = self.path.with_extension(format!("new-{:016x}", u64::from_be_bytes(random_bytes()?)));
        let written = (|| {
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::hard_link(&draft, &self.path)?;
            std::fs::File::open(parent)?.sync_all()
        })();
        // The draft has done its part, whether or not the link could be made.
        let _ = std::fs::remove_file(&draft);
        match written {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            other => other.map_err(failed),
        }
    }
}

#[async_trait]
impl RootKeyProvider for FileRoot {
    fn name(&self) -> &'static str {
        "file"
    }

    /// A file that is there already is used: a start that was cut off, or a key laid down beforehand.
    async fn create(&self) -> Result<(SecretKey, Vec<u8>), StoreError> {
        if !self.path.exists() {
            self.write_new()?;
        }
        Ok((self.read()?, Vec::new()))
    }

    async fn open(&self, _kept: &[u8]) -> Result<SecretKey, StoreError> {
        self.read()
    }
}

/// The root key wrapped by Argon2id (RFC 9106) of a passphrase: 64 MiB, 3 passes, 4 lanes.
pub struct PassphraseRoot {
    passphrase: Zeroizing<String>,
}

const SALT: usize = 16;

impl PassphraseRoot {
    /// Wrapping under this passphrase.
    pub fn new(passphrase: Zeroizing<String>) -> Self {
        Self { passphrase }
    }

    async fn wrapping_key(&self, salt: [u8; SALT]) -> Result<SealKey, StoreError> {
        let passphrase = self.passphrase.clone();
        let unfit = |_| StoreError::Setup("Argon2id cannot run here: 64 MiB of memory are needed".into());
        let derived = tokio::task::spawn_blocking(move || {
            let params = Params::new(64 * 1024, 3, 4, Some(32)).map_err(unfit)?;
            let mut key = Zeroizing::new([0; 32]);
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
                .map_err(unfit)?;
            Ok::<_, StoreError>(key)
        });
        let key = derived.await.map_err(StoreError::unavailable)??;
        let key = SecretKey::from_bytes(key.as_slice()).ok_or(StoreError::Sealed)?;
        SealKey::new(&key)
    }
}

const PASSPHRASE_AAD: &[u8] = b"scaivault/root/passphrase/1";

#[async_trait]
impl RootKeyProvider for PassphraseRoot {
    fn name(&self) -> &'static str {
        "passphrase"
    }

    async fn create(&self) -> Result<(SecretKey, Vec<u8>), StoreError> {
        let salt: [u8; SALT] = random_bytes()?;
        let root = SecretKey::random()?;
        let wrapped = self.wrapping_key(salt).await?.seal(PASSPHRASE_AAD, root.as_bytes())?;
        Ok((root, [salt.as_slice(), &wrapped].concat()))
    }

    async fn open(&self, kept: &[u8]) -> Result<SecretKey, StoreError> {
        let refused = || {
            StoreError::Setup(
                "the root key does not open: KMS_PASSPHRASE is not the one this store was made with".into(),
            )
        };
        let (salt, wrapped) = kept.split_first_chunk::<SALT>().ok_or_else(refused)?;
        let root = self.wrapping_key(*salt).await?.open(PASSPHRASE_AAD, wrapped).map_err(|_| refused())?;
        SecretKey::from_bytes(&root).ok_or_else(refused)
    }
}
