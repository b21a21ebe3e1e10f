//! What is kept beside the log under an owner's key: `key id (16) ‖ sealed`.
//!
//! Destroying the owner's key destroys it too. Nothing that must be erasable by itself may go here.

use zeroize::Zeroizing;

use super::place::push;
use super::sealer::Sealer;
use crate::{Owner, StoreError};

impl Sealer {
    /// Seals bytes, bound to `label`.
    pub fn seal_aside(&self, owner: &Owner, label: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let keys = self.keyring().keys(owner)?;
        let sealed = keys.seal.seal(&aad(owner, label), plain)?;
        Ok([keys.seal_id.as_slice(), &sealed].concat())
    }

    /// Opens what [`Sealer::seal_aside`] made with the same label, and says whose it is.
    pub fn open_aside(&self, label: &[u8], sealed: &[u8]) -> Result<(Owner, Zeroizing<Vec<u8>>), StoreError> {
        let failed =
            |reason: &str| StoreError::Key { key: "of what lies beside the log".into(), reason: reason.into() };
        let (id, sealed) = sealed.split_first_chunk::<16>().ok_or_else(|| failed("its id is cut off"))?;
        let (owner, key) = self.keyring().seal_key(id).ok_or_else(|| failed("there is none of that id"))?;
        let plain = key.open(&aad(&owner, label), sealed).map_err(|_| failed("the seal does not match"))?;
        Ok((owner, plain))
    }
}

fn aad(owner: &Owner, label: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(128);
    for part in [&b"scaivault/aside/1"[..], owner.level().as_bytes(), owner.id().as_bytes(), label] {
        push(&mut aad, part);
    }
    aad
}
