//! What deliveries to an endpoint are signed with: the erasable part of the record that set it.
//!
//! It is replaced as a whole, and what was replaced is destroyed with its data key. Nothing here is ever shown, but a
//! secret that was made here, once, by whoever asked for it.

use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_domain::endpoint::Endpoint;
use scaivault_domain::{Rejection, Timestamp};
use scaivault_eventstore::{Position, StoreError};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::{Engine, Failure};

/// What secrets of Standard Webhooks start with; the rest is base64.
const WHSEC: &str = "whsec_";
/// What public keys start with.
const WHPK: &str = "whpk_";
/// Bytes of a secret that is made here.
const MADE: usize = 32;

/// What an endpoint signs with.
pub struct EndpointSecrets {
    secret: Secret,
    previous: Option<(Secret, Timestamp)>,
    signing_key: Option<Zeroizing<[u8; 32]>>,
}

/// What is to be signed with from now on, as far as that is said.
#[derive(Debug, Default)]
pub struct Signing {
    /// Another secret, and for how many seconds the one before counts, too.
    pub secret: Option<(Secret, i64)>,
    /// Whether with a key pair as well.
    pub ed25519: Option<bool>,
}

/// A shared secret, as given.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// As it lies in the record.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    secret: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<(std::borrow::Cow<'a, str>, Timestamp)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing_key: Option<String>,
}

impl fmt::Debug for EndpointSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl Secret {
    /// Checks a secret that somebody gives: 8 to 256 bytes, and if it is `whsec_…`, base64 of 8 to 192.
    pub fn parse(text: &str, field: &str) -> Result<Self, Rejection> {
        let refuse = |why: &str| Err(Rejection::field(field, why));
        // 192 bytes are 256 characters in base64, and the prefix comes on top.
        let most = if text.starts_with(WHSEC) { 256 + WHSEC.len() } else { 256 };
        if !(8..=most).contains(&text.len()) {
            return refuse("must have 8 to 256 bytes");
        }
        let secret = Self(Zeroizing::new(text.to_owned()));
        match text.strip_prefix(WHSEC) {
            Some(_) if !(8..=192).contains(&secret.standard_key().len()) => {
                refuse("must be base64 of 8 to 192 bytes after 'whsec_'")
            }
            Some(_) | None => Ok(secret),
        }
    }

    /// A fresh one, `whsec_…`.
    pub fn make() -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; MADE]);
        rand::fill(bytes.as_mut()).map_err(|_| Failure::unavailable("randomness"))?;
        let mut text = Zeroizing::new(String::from(WHSEC));
        STANDARD.encode_string(bytes.as_ref(), &mut text);
        Ok(Self(text))
    }

    /// The text, for whoever may see it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The key of `webhook-signature`. Empty for a `whsec_` that does not decode, which is not taken.
    fn standard_key(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self.0.strip_prefix(WHSEC) {
            Some(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
            None => self.0.as_bytes().to_vec(),
        })
    }

    fn hmac(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
        parts.iter().for_each(|part| context.update(part));
        context.sign()
    }

    /// `v1,…` over `<id>.<timestamp>.<body>` (Standard Webhooks).
    fn standard(&self, signed: &[&[u8]]) -> String {
        format!("v1,{}", STANDARD.encode(Self::hmac(&self.standard_key(), signed)))
    }
}

impl EndpointSecrets {
    /// With this secret, and a key pair if it is to have one.
    pub fn new(secret: Secret, with_key_pair: bool) -> Result<Self, Failure> {
        let signing_key = with_key_pair.then(make_key).transpose()?;
        Ok(Self { secret, previous: None, signing_key })
    }

    /// With another secret; this one counts until `until`, too.
    #[must_use]
    pub fn replaced(self, secret: Secret, until: Timestamp) -> Self {
        Self { secret, previous: Some((self.secret, until)), signing_key: self.signing_key }
    }

    /// Whether this is the secret. What is compared was given by who may change it.
    pub fn has(&self, secret: &Secret) -> bool {
        *self.secret.0 == *secret.0
    }

    /// Without a previous secret that counts no more.
    #[must_use]
    pub fn without_expired(self, now: Timestamp) -> Self {
        Self { previous: self.previous.filter(|(_, until)| now < *until), ..self }
    }

    /// With a fresh key pair, or with none.
    pub fn with_key_pair(self, with_key_pair: bool) -> Result<Self, Failure> {
        Ok(Self { signing_key: with_key_pair.then(make_key).transpose()?, ..self })
    }

    /// `whpk_…`, if there is a key pair.
    pub fn public_key(&self) -> Option<String> {
        let pair = self.key_pair()?;
        Some(format!("{WHPK}{}", STANDARD.encode(pair.public_key().as_ref())))
    }

    /// Until when the previous secret counts.
    pub fn previous_expires_at(&self) -> Option<Timestamp> {
        self.previous.as_ref().map(|(_, until)| *until)
    }

    /// `X-ScaiVault-Signature`: `sha256=` and HMAC-SHA256 of `<timestamp>.<body>`.
    pub fn signature(&self, timestamp: &str, body: &[u8]) -> String {
        let tag = Secret::hmac(self.secret.0.as_bytes(), &[timestamp.as_bytes(), b".", body]);
        format!("sha256={}", scaivault_eventstore::record::hex(tag.as_ref()))
    }

    /// `webhook-signature` (Standard Webhooks): by the secret, by the previous one while that counts, by the key pair.
    pub fn standard_signature(&self, id: &str, timestamp: &str, body: &[u8], now: Timestamp) -> String {
        let signed: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        let mut signatures = vec![self.secret.standard(&signed)];
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        signatures.extend(previous.map(|(secret, _)| secret.standard(&signed)));
        signatures.extend(self.key_pair().map(|pair| format!("v1a,{}", STANDARD.encode(pair.sign(&signed.concat())))));
        signatures.join(" ")
    }

    /// For the record.
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let previous = self.previous.as_ref().map(|(secret, until)| (secret.expose().into(), *until));
        let signing_key = self.signing_key.as_ref().map(|key| STANDARD.encode(key.as_ref()));
        let mut stored = Stored { secret: self.secret.expose().into(), previous, signing_key };
        let bytes = serde_json::to_vec(&stored).map(Zeroizing::new);
        stored.signing_key.zeroize();
        Ok(bytes?)
    }

    /// From the record; `None` if it is of another make.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let Stored { secret, previous, signing_key } = serde_json::from_slice(bytes).ok()?;
        let held = |text: std::borrow::Cow<'_, str>| Secret(Zeroizing::new(text.into_owned()));
        let signing_key = match signing_key {
            None => None,
            Some(mut encoded) => {
                let decoded = STANDARD.decode(&encoded).map(Zeroizing::new);
                encoded.zeroize();
                Some(Zeroizing::new(<[u8; 32]>::try_from(decoded.ok()?.as_slice()).ok()?))
            }
        };
        Some(Self { secret: held(secret), previous: previous.map(|(text, until)| (held(text), until)), signing_key })
    }

    fn key_pair(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(self.signing_key.as_ref()?.as_ref()).ok()
    }
}

fn make_key() -> Result<Zeroizing<[u8; 32]>, Failure> {
    let unmade = || Failure::unavailable("randomness");
    let pair = Ed25519KeyPair::generate().map_err(|_| unmade())?;
    let seed = pair.seed().map_err(|_| unmade())?;
    let bytes: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(|_| unmade())?;
    <[u8; 32]>::try_from(bytes.as_ref()).map(Zeroizing::new).map_err(|_| unmade())
}

impl Engine {
    /// What an endpoint signs with, by the position of its record.
    pub async fn endpoint_secrets(&self, position: u64) -> Result<EndpointSecrets, Failure> {
        let part = self.reader.part(position).await?;
        // It has been replaced, which this node does not know yet.
        let part = part.ok_or_else(|| Failure::unavailable("secrets_replaced"))?;
        let malformed = || StoreError::damaged(Position(position), "the secrets of an endpoint are malformed");
        Ok(EndpointSecrets::decode(&part).ok_or_else(malformed)?)
    }

    /// What an endpoint signs with from now on; `None` if that stays as it is.
    pub(crate) async fn resigned(
        &self,
        endpoint: &Endpoint,
        secrets_at: u64,
        signing: &Signing,
    ) -> Result<Option<EndpointSecrets>, Failure> {
        let pair = signing.ed25519.filter(|wanted| *wanted != endpoint.public_key.is_some());
        if signing.secret.is_none() && pair.is_none() {
            return Ok(None);
        }
        let held = self.endpoint_secrets(secrets_at).await?;
        // The same again is no change: what counts besides goes on counting.
        let secret = signing.secret.as_ref().filter(|(secret, _)| !held.has(secret));
        if secret.is_none() && pair.is_none() {
            return Ok(None);
        }
        let now = self.now();
        let held = match secret {
            Some((secret, seconds)) => held.replaced(secret.clone(), now.plus_seconds(*seconds)),
            None => held.without_expired(now),
        };
        Ok(Some(match pair {
            Some(wanted) => held.with_key_pair(wanted)?,
            None => held,
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;
    use scaivault_domain::ErrorCode;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn signatures_are_those_of_the_vector() {
        let secrets = EndpointSecrets::new(Secret::parse(SECRET, "secret").unwrap(), false).unwrap();
        let (id, time) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let standard = secrets.standard_signature(id, time, BODY, at(0));
        assert_eq!(standard, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let own = "sha256=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964";
        assert_eq!(secrets.signature(time, BODY), own);
    }

    #[test]
    fn a_replaced_secret_counts_for_a_while() {
        let new = |text| Secret::parse(text, "secret").unwrap();
        let secrets = EndpointSecrets::new(new(SECRET), false).unwrap().replaced(new("another secret"), at(100));
        let secrets = EndpointSecrets::decode(&secrets.encode().unwrap()).unwrap();
        let both = secrets.standard_signature("evt_1", "50", BODY, at(50));
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(secrets.standard_signature("evt_1", "50", BODY, at(100)), both.split(' ').next().unwrap());
        assert!(both.ends_with(&new(SECRET).standard(&[b"evt_1.50.", BODY])));
        assert!(
            secrets.signature("50", BODY) != EndpointSecrets::new(new(SECRET), false).unwrap().signature("50", BODY)
        );
    }

    #[test]
    fn a_key_pair_signs_too() {
        let secrets = EndpointSecrets::new(Secret::make().unwrap(), true).unwrap();
        let again = EndpointSecrets::decode(&secrets.encode().unwrap()).unwrap();
        assert_eq!(secrets.public_key(), again.public_key());
        let signatures = again.standard_signature("evt_1", "50", BODY, at(50));
        let signature = STANDARD.decode(signatures.split_once("v1a,").unwrap().1).unwrap();
        let key = STANDARD.decode(secrets.public_key().unwrap().strip_prefix(WHPK).unwrap()).unwrap();
        let signed = [b"evt_1.50.".as_slice(), BODY].concat();
        UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).unwrap();
        assert_eq!(again.with_key_pair(false).unwrap().public_key(), None);
    }

    #[test]
    fn secrets_have_their_bounds() {
        for wrong in ["", "seven77", &"x".repeat(257), "whsec_", "whsec_AAAA", "whsec_not base64!", "whsec_AAAAAAAAAA"]
        {
            assert_eq!(Secret::parse(wrong, "secret").unwrap_err().code, ErrorCode::ValidationError, "{wrong}");
        }
        for right in ["eight888", &"x".repeat(256), "whsec_AAAAAAAAAAA=", SECRET] {
            assert!(Secret::parse(right, "secret").is_ok(), "{right}");
        }
        assert!(Secret::make().unwrap().expose().len() == WHSEC.len() + 44);
    }
}
