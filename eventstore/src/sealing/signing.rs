//! Who signs checkpoints: the origin, fixed when a store is first opened with it, and the Ed25519 key.
//!
//! The key is made with the store and kept sealed. An operator may bring another along; its public part
//! is then kept too, so that what it signed holds when it is replaced in turn.

use super::keyring::{AUDIT_SIGNING, Keyring};
use super::secret_key::SecretKey;
use crate::StoreError;
use crate::log::StoredKey;
use crate::merkle::note::{Signer, VerifierKey};

const ORIGIN: &str = "audit_origin";
const VERIFIER: &str = "audit_verifier";

/// Signer and earlier keys.
pub struct Signing {
    /// Signs.
    pub signer: Signer,
    /// Keys that may have signed before.
    pub previous: Vec<VerifierKey>,
}

impl Keyring {
    /// The origin that this store has, which is `proposed` if it has none yet.
    pub async fn audit_origin(&self, proposed: &str, now_micros: i64) -> Result<String, StoreError> {
        if let Some(kept) = self.kept_origin().await? {
            return Ok(kept);
        }
        let proposal = self.wrap_beside(ORIGIN, 1, proposed.as_bytes(), now_micros)?;
        // Refused means that another process was first.
        self.add(&[proposal]).await?;
        let missing = || StoreError::Key { key: ORIGIN.into(), reason: "its row is missing".into() };
        self.kept_origin().await?.ok_or_else(missing)
    }

    /// The signer of checkpoints of `origin`: with the key given, or the one made with the store.
    pub async fn audit_signing(
        &self,
        origin: &str,
        given: Option<Signer>,
        now_micros: i64,
    ) -> Result<Signing, StoreError> {
        let unusable = || StoreError::Setup(format!("checkpoints cannot be signed in the name {origin}"));
        let mut verifiers = Vec::new();
        let mut made = None;
        let rows = self.rows().await?;
        for row in rows.iter().filter(|row| row.purpose == AUDIT_SIGNING || row.purpose == VERIFIER) {
            let kept = self.unwrap_beside(row)?;
            let kept = SecretKey::from_bytes(&kept).ok_or_else(unusable)?;
            if row.purpose == VERIFIER {
                verifiers.push(VerifierKey::new(origin, *kept.as_bytes()).ok_or_else(unusable)?);
            } else {
                let signer = Signer::from_seed(origin, kept.as_bytes()).ok_or_else(unusable)?;
                verifiers.push(signer.verifier().clone());
                made = Some(signer);
            }
        }
        let signer = given.or(made).ok_or_else(unusable)?;
        if !verifiers.contains(signer.verifier()) {
            self.keep_verifier(signer.verifier(), &rows, now_micros).await?;
        }
        verifiers.retain(|verifier| verifier != signer.verifier());
        Ok(Signing { signer, previous: verifiers })
    }

    async fn keep_verifier(&self, key: &VerifierKey, rows: &[StoredKey], now_micros: i64) -> Result<(), StoreError> {
        let last = rows.iter().filter(|row| row.purpose == VERIFIER).map(|row| row.version).max();
        let row = self.wrap_beside(VERIFIER, last.unwrap_or_default() + 1, key.key(), now_micros)?;
        if self.add(&[row]).await? {
            return Ok(());
        }
        // Nodes that start together have the same key; another one at the same moment is a mistake.
        let known = self.rows().await?;
        for row in known.iter().filter(|row| row.purpose == VERIFIER) {
            if *self.unwrap_beside(row)? == *key.key() {
                return Ok(());
            }
        }
        Err(StoreError::Setup("another node was started with another audit signing key at the same moment".into()))
    }

    async fn kept_origin(&self) -> Result<Option<String>, StoreError> {
        let rows = self.rows().await?;
        let Some(row) = rows.iter().find(|row| row.purpose == ORIGIN) else { return Ok(None) };
        let text = String::from_utf8(self.unwrap_beside(row)?.to_vec()).ok();
        let malformed = || StoreError::Key { key: ORIGIN.into(), reason: "it is no text".into() };
        text.map(Some).ok_or_else(malformed)
    }
}
