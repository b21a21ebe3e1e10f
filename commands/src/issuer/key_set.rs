//! JWK sets (RFC 7517): the public keys that signatures are checked with.

use std::ops::RangeInclusive;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use scaivault_domain::issuer::Algorithm;
use serde_json::{Map, Value};

/// Most keys of one set.
const MAX_KEYS: usize = 100;
/// Keys that are tried for one token, which may name none, or one of an id that several have.
const MAX_TRIED: usize = 10;
/// Bits that an RSA modulus may have: fewer are not safe, and more make each signature check expensive.
const RSA_BITS: RangeInclusive<usize> = 2_048..=4_096;
/// Members that only private and secret keys have.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The usable keys of an issuer.
pub struct KeySet {
    keys: Vec<VerificationKey>,
    /// What they were read from, to tell whether they changed.
    document: Value,
}

/// One public key.
pub struct VerificationKey {
    id: Option<Arc<str>>,
    kind: KeyKind,
    /// The one algorithm it is for, if it says so.
    only: Option<Algorithm>,
    key: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

/// Why a document is no set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetFault {
    /// Not an object with an array `keys`.
    #[error("it is no JWK set")]
    Malformed,
    /// More keys than any issuer has.
    #[error("it holds more than 100 keys")]
    TooMany,
    /// An RSA key that is too short or too long.
    #[error("it holds an RSA key of fewer than 2048 or more than 4096 bits")]
    Size,
    /// None that could check a signature by one of the algorithms.
    #[error("it holds no key that can be used")]
    Unusable,
}

impl KeySet {
    /// Reads a JWK set. Keys of other kinds, for other uses, and private ones are passed over.
    pub fn parse(document: Value) -> Result<Self, KeySetFault> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeySetFault::Malformed)?;
        if keys.len() > MAX_KEYS {
            return Err(KeySetFault::TooMany);
        }
        let keys: Vec<_> = keys.iter().filter_map(Value::as_object).filter_map(VerificationKey::read).collect();
        match keys.is_empty() {
            true => Err(KeySetFault::Unusable),
            false => Ok(Self { keys, document }),
        }
    }

    /// Whether a document holds a private or secret key.
    pub fn is_private(document: &Value) -> bool {
        let keys = document.get("keys").and_then(Value::as_array).into_iter().flatten();
        keys.filter_map(Value::as_object).any(holds_private)
    }

    /// Refuses a document with keys that would be passed over for their size, to tell whoever writes it.
    pub fn check_sizes(document: &Value) -> Result<(), KeySetFault> {
        let keys = document.get("keys").and_then(Value::as_array).into_iter().flatten();
        let moduli = keys.filter(|key| key.get("kty").is_some_and(|kind| kind == "RSA")).filter_map(|key| key.get("n"));
        let fit = |modulus: &Value| modulus.as_str().and_then(bits).is_some_and(|bits| RSA_BITS.contains(&bits));
        if moduli.into_iter().all(fit) { Ok(()) } else { Err(KeySetFault::Size) }
    }

    /// Whether another one holds the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.document == other.document
    }

    /// Whether there is a key of that id; any will do where a token names none.
    pub fn knows(&self, id: Option<&str>) -> bool {
        id.is_none_or(|id| self.keys.iter().any(|key| key.id.as_deref() == Some(id)))
    }

    /// Whether a signature over `message` was made by one of the keys of that id, with that algorithm.
    pub fn verify(&self, id: Option<&str>, algorithm: Algorithm, message: &[u8], signature: &str) -> bool {
        let fitting = self.keys.iter().filter(|key| id.is_none() || key.id.as_deref() == id);
        fitting
            .filter(|key| key.is_for(algorithm))
            .take(MAX_TRIED)
            .any(|key| jsonwebtoken::crypto::verify(signature, message, &key.key, named(algorithm)).unwrap_or(false))
    }
}

impl VerificationKey {
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let is_for_signatures = text("use").is_none_or(|usage| usage == "sig");
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        let verifies = operations.is_none_or(|all| all.iter().any(|operation| operation == "verify"));
        if !is_for_signatures || !verifies || holds_private(jwk) {
            return None;
        }
        let (kind, key) = match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let modulus = text("n").filter(|n| bits(n).is_some_and(|bits| RSA_BITS.contains(&bits)))?;
                (KeyKind::Rsa, DecodingKey::from_rsa_components(modulus, text("e")?).ok()?)
            }
            // Coordinates have the length of the curve's field: 32 and 48 bytes.
            ("EC", Some("P-256")) => (KeyKind::P256, point(text("x")?, text("y")?, 43)?),
            ("EC", Some("P-384")) => (KeyKind::P384, point(text("x")?, text("y")?, 64)?),
            ("OKP", Some("Ed25519")) => {
                let x = text("x").filter(|x| x.len() == 43)?;
                (KeyKind::Ed25519, DecodingKey::from_ed_components(x).ok()?)
            }
            (_, _) => return None,
        };
        let only = match jwk.get("alg") {
            None => None,
            // A key for something else is none for this.
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
        };
        Some(Self { id: text("kid").map(Into::into), kind, only, key })
    }

    fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => KeyKind::Rsa,
            Algorithm::Es256 => KeyKind::P256,
            Algorithm::Es384 => KeyKind::P384,
            Algorithm::EdDsa => KeyKind::Ed25519,
        };
        self.kind == kind && self.only.is_none_or(|only| only == algorithm)
    }
}

/// Length of a number in base64url, without leading zeros.
fn bits(number: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(number).ok()?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    Some((bytes.len() - zeros) * 8 - usize::try_from(first.leading_zeros()).ok()?)
}

fn point(x: &str, y: &str, length: usize) -> Option<DecodingKey> {
    let fits = x.len() == length && y.len() == length;
    fits.then(|| DecodingKey::from_ec_components(x, y).ok()).flatten()
}

fn holds_private(jwk: &Map<String, Value>) -> bool {
    PRIVATE.iter().any(|name| jwk.contains_key(*name))
}

fn named(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::Ps256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::Es384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
    }
}
