//! The two ways to encrypt: AES-256-GCM under a key used once, and XAES-256-GCM under one used often.
//!
//! AES-256-GCM allows about 2^32 messages under one key with random 96-bit nonces, which a busy
//! tenant writes in months. [XAES-256-GCM](https://c2sp.org/XAES-256-GCM) derives a fresh
//! AES-256-GCM key from each 192-bit nonce (NIST SP 800-108r1 in counter mode with CMAC), so random
//! nonces are safe for 2^80 messages.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cmac;
use zeroize::Zeroizing;

use super::secret_key::{SecretKey, random_bytes};
use crate::StoreError;

/// Bytes of an XAES-256-GCM nonce.
const NONCE: usize = 24;
/// Bytes of an authentication tag.
pub(super) const TAG: usize = 16;

/// Why something did not open. Says nothing more, since nothing more is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DoesNotOpen;

/// A key that seals many messages.
pub(super) struct SealKey {
    derive: cmac::Key,
}

impl SealKey {
    pub(super) fn new(key: &SecretKey) -> Result<Self, StoreError> {
        let derive = cmac::Key::new(cmac::AES_256, key.as_bytes()).map_err(|_| unsupported())?;
        Ok(Self { derive })
    }

    /// `nonce ‖ ciphertext ‖ tag`.
    pub(super) fn seal(&self, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.seal_with_nonce(random_bytes()?, aad, plaintext)
    }

    fn seal_with_nonce(&self, nonce: [u8; NONCE], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (key, inner) = self.derived(&nonce).map_err(|_| unsupported())?;
        let mut sealed = Vec::with_capacity(NONCE + plaintext.len() + TAG);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let (_, message) = sealed.split_at_mut(NONCE);
        let tag = key.seal_in_place_separate_tag(inner, Aad::from(aad), message).map_err(|_| unsupported())?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
        let (nonce, message) = sealed.split_first_chunk::<NONCE>().ok_or(DoesNotOpen)?;
        let (key, inner) = self.derived(nonce)?;
        open_in_place(&key, inner, aad, message)
    }

    fn derived(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), DoesNotOpen> {
        let mut key = Zeroizing::new([0_u8; 32]);
        let (outer, inner) = nonce.split_first_chunk::<12>().ok_or(DoesNotOpen)?;
        for (counter, half) in (1_u8..).zip(key.chunks_exact_mut(16)) {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            let (_, tail) = block.split_at_mut(4);
            tail.copy_from_slice(outer);
            let derived = cmac::sign(&self.derive, &block).map_err(|_| DoesNotOpen)?;
            half.copy_from_slice(derived.as_ref());
        }
        let inner = Nonce::try_assume_unique_for_key(inner).map_err(|_| DoesNotOpen)?;
        Ok((aes_256_gcm(&key)?, inner))
    }
}

/// Seals the one message a data key is for: `ciphertext ‖ tag`. The nonce is constant because the
/// key is never used again.
pub(super) fn seal_once(key: &SecretKey, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
    let cipher = aes_256_gcm(key.as_bytes()).map_err(|_| unsupported())?;
    let mut sealed = Vec::with_capacity(plaintext.len() + TAG);
    sealed.extend_from_slice(plaintext);
    let tag =
        cipher.seal_in_place_separate_tag(only_nonce(), Aad::from(aad), &mut sealed).map_err(|_| unsupported())?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal_once`] made.
pub(super) fn open_once(key: &SecretKey, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    open_in_place(&aes_256_gcm(key.as_bytes())?, only_nonce(), aad, sealed)
}

fn open_in_place(
    key: &LessSafeKey,
    nonce: Nonce,
    aad: &[u8],
    message: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DoesNotOpen> {
    let mut buffer = Zeroizing::new(message.to_vec());
    let length = key.open_in_place(nonce, Aad::from(aad), &mut buffer).map_err(|_| DoesNotOpen)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

fn aes_256_gcm(key: &[u8; 32]) -> Result<LessSafeKey, DoesNotOpen> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| DoesNotOpen)
}

fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

fn unsupported() -> StoreError {
    StoreError::Setup("AES-256-GCM is not available on this machine".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::record::hex;

    /// Test vectors of the XAES-256-GCM specification.
    #[test]
    fn matches_the_specification() {
        for (byte, aad, expected) in [
            (1, &b""[..], "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let key = SealKey::new(&SecretKey::from_bytes(&[byte; 32]).unwrap()).unwrap();
            let sealed = key.seal_with_nonce(*b"ABCDEFGHIJKLMNOPQRSTUVWX", aad, b"XAES-256-GCM").unwrap();
            assert_eq!(hex(&sealed[NONCE..]), expected);
            assert_eq!(key.open(aad, &sealed).unwrap().as_slice(), b"XAES-256-GCM");
        }
    }

    #[test]
    fn every_flipped_bit_and_other_place_is_refused() {
        let secret = SecretKey::random().unwrap();
        let key = SealKey::new(&secret).unwrap();
        let sealed = key.seal(b"here", b"value").unwrap();
        assert_eq!(key.open(b"there", &sealed), Err(DoesNotOpen));
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(b"here", &altered), Err(DoesNotOpen), "bit {bit}");
        }
        let once = seal_once(&secret, b"here", b"value").unwrap();
        assert_eq!(open_once(&secret, b"there", &once), Err(DoesNotOpen));
        assert_eq!(open_once(&secret, b"here", &once).unwrap().as_slice(), b"value");
    }
}
