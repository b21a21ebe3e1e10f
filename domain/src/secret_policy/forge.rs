//! What generators need from outside, as ports.

use zeroize::Zeroizing;

use super::dice::Randomness;

/// A value could not be made: the system has no randomness, or its cryptography failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value could not be generated: {0}")]
pub struct Unmade(pub &'static str);

/// A key pair as text.
pub struct KeyPair {
    /// The private half.
    pub private: Zeroizing<String>,
    /// The public half.
    pub public: Zeroizing<String>,
}

/// An elliptic curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Curve {
    /// NIST P-256.
    #[serde(rename = "P-256")]
    P256,
    /// NIST P-384.
    #[serde(rename = "P-384")]
    P384,
}

/// A kind of key for SSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshKey {
    /// Ed25519.
    Ed25519,
    /// RSA of so many bits.
    Rsa(u32),
}

/// Makes what takes cryptography. Some of it takes seconds of a processor.
pub trait Forge: Randomness {
    /// An RSA pair: PKCS #8 (RFC 5958) and SubjectPublicKeyInfo (RFC 5280) as PEM, each with a line feed at its end.
    fn rsa_pair(&mut self, bits: u32) -> Result<KeyPair, Unmade>;

    /// The same of an elliptic curve.
    fn ec_pair(&mut self, curve: Curve) -> Result<KeyPair, Unmade>;

    /// A pair for SSH: OpenSSH's own format without a passphrase, and a line of `authorized_keys` without line end.
    fn ssh_pair(&mut self, key: SshKey, comment: &str) -> Result<KeyPair, Unmade>;

    /// The `$2b$` hash of a password.
    fn bcrypt(&mut self, password: &str, rounds: u32, salt: [u8; 16]) -> Result<Zeroizing<String>, Unmade>;
}
