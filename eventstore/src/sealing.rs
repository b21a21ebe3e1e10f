//! Sealing: everything stored is encrypted under keys of its owner, bound to its place.
//!
//! Root key → platform and partner keys → tenant keys → one data key per erasable part. Files:
//! [`secret_key`] key material, `aead` the two ciphers, `place` what ciphertext is bound to,
//! [`root`] where the root key comes from, [`keyring`] the hierarchy, [`sealer`] records,
//! [`access`] coalesced audit entries, `aside` what is kept beside the log, [`examination`] whether a
//! record is what was written, [`entry_proof`] that an entry is in it, [`signing`] who signs checkpoints.

pub mod access;
mod aead;
mod aside;
pub mod entry_proof;
pub mod examination;
pub mod keyring;
mod place;
pub mod root;
pub mod sealer;
pub mod secret_key;
pub mod signing;

pub use access::AccessComposer;
pub use entry_proof::EntryProof;
pub use examination::{Erased, Flaw};
pub use keyring::Keyring;
pub use root::{FileRoot, PassphraseRoot, RootKeyProvider};
pub use sealer::{Draft, Opened, SealedValue, Sealer};
