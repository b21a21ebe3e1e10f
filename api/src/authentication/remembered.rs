//! JWTs that were verified lately, so that using one again costs no signature check.

use std::sync::Arc;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::recognition::Recognised;

/// Tokens that are expected.
const EXPECTED: usize = 10_000;
/// Memory of all of them together, roughly.
const MAX_BYTES: u64 = 32 * 1_024 * 1_024;
/// What a token takes besides its texts: claims of fixed size, and its place in the cache.
const BARE_BYTES: usize = 1_024;
/// What each text takes besides its characters.
const TEXT_BYTES: usize = 32;

/// Verified tokens by a digest that nobody outside can compute. Holds no tokens.
pub struct VerifiedTokens {
    key: hmac::Key,
    tokens: Cache<Digest, Arc<Recognised>, Bytes>,
}

/// Of a token, and of the tenant that the request names.
pub(super) type Digest = [u8; 32];

#[derive(Clone)]
struct Bytes;

impl Weighter<Digest, Arc<Recognised>> for Bytes {
    fn weight(&self, _: &Digest, recognised: &Arc<Recognised>) -> u64 {
        let bearer = &recognised.bearer;
        let name = bearer.display_name.as_ref().map_or(0, |name| name.len());
        let groups: usize = bearer.groups.iter().map(|group| TEXT_BYTES + group.as_str().len()).sum();
        (BARE_BYTES + name + bearer.identity.as_str().len() + groups) as u64
    }
}

impl VerifiedTokens {
    /// None yet. Fails without randomness: with a key that others know they could tell which tokens are used.
    pub fn new() -> Result<Self, Unspecified> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Self { key, tokens: Cache::with_weighter(EXPECTED, MAX_BYTES, Bytes) })
    }

    /// The same token may mean others where the request names another tenant.
    pub(super) fn digest(&self, text: &str, named: Option<&str>) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&text.len().to_be_bytes());
        context.update(text.as_bytes());
        context.update(named.unwrap_or_default().as_bytes());
        let tag = context.sign();
        let mut digest = [0; 32];
        digest.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        digest
    }

    pub(super) fn find(&self, digest: &Digest) -> Option<Arc<Recognised>> {
        self.tokens.get(digest)
    }

    pub(super) fn forget(&self, digest: &Digest) {
        self.tokens.remove(digest);
    }

    pub(super) fn remember(&self, digest: Digest, recognised: Arc<Recognised>) {
        self.tokens.insert(digest, recognised);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use scaivault_commands::issuer::key_set::KeySet;
    use scaivault_domain::issuer::{Claims, scaikey};
    use scaivault_domain::{IdentityId, Timestamp};
    use serde_json::json;

    use super::*;
    use crate::authentication::verification::Verified;

    #[test]
    fn tokens_with_many_groups_take_the_place_of_more_others() {
        let now = Timestamp::from_micros(0);
        let issuer = Arc::new(scaikey("https://id.example", None, "scaivault", now));
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let keys = Arc::new(KeySet::parse(json!({"keys": [jwk]})).unwrap());
        let claims = Claims(json!({"sub": "alice"}).as_object().unwrap().clone());
        let mut bearer = issuer.map(&claims).unwrap();
        bearer.groups = (0..1_000).map(|n| IdentityId::parse(&format!("group:g{n}")).unwrap()).collect();
        let verified = || Verified { issuer: issuer.clone(), keys: keys.clone(), expires_at: now, issued_at: None };
        let tokens = VerifiedTokens::new().unwrap();
        for n in 0..2_000 {
            let recognised = Recognised::of(verified(), bearer.clone());
            tokens.remember(tokens.digest(&n.to_string(), None), Arc::new(recognised));
        }
        assert!(tokens.tokens.weight() <= MAX_BYTES, "{}", tokens.tokens.weight());
        assert!((100..1_000).contains(&tokens.tokens.len()), "{}", tokens.tokens.len());
    }
}
