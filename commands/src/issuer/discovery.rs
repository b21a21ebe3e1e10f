//! Where the keys of an issuer are, and what is there: OpenID Connect Discovery 1.0, RFC 8414, RFC 7517.

use scaivault_domain::address::AddressRules;
use scaivault_domain::issuer::Issuer;
use serde_json::Value;

use super::key_set::{KeySet, KeySetFault};
use crate::fetch::{Fetch, FetchError, FetchRequest, check_url};

/// Why an issuer has no keys. Told to administrators; holds nothing that was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The discovery document cannot be fetched.
    #[error("the discovery document cannot be fetched: {0}")]
    Discovery(FetchError),
    /// It is not one.
    #[error("the discovery document is malformed: {0}")]
    Document(&'static str),
    /// The key set cannot be fetched.
    #[error("the JWK set cannot be fetched: {0}")]
    Fetch(FetchError),
    /// It is not one.
    #[error("the JWK set cannot be used: {0}")]
    Keys(#[from] KeySetFault),
    /// Its text is not JSON.
    #[error("the JWK set is no JSON")]
    Json,
}

/// Finds and fetches the keys of an issuer.
pub(super) async fn fetch(fetch: &dyn Fetch, issuer: &Issuer, rules: AddressRules) -> Result<KeySet, KeyFault> {
    let content = &issuer.content;
    // Also where nothing is fetched now: it may be later.
    if let Some(ca_pem) = &content.ca_pem {
        fetch.check_roots(ca_pem).map_err(KeyFault::Fetch)?;
    }
    if let Some(keys) = &content.jwks {
        return Ok(KeySet::parse(keys.clone())?);
    }
    let restricted = issuer.tenant.is_some();
    let read = async |url: &str| {
        let ca_pem = content.ca_pem.as_deref();
        fetch.fetch(&FetchRequest { url, ca_pem, addresses: restricted.then_some(rules) }).await
    };
    let url = match &content.jwks_url {
        Some(url) => url.to_string(),
        None => {
            let place = format!("{}/.well-known/openid-configuration", content.issuer.trim_end_matches('/'));
            let document = read(&place).await.map_err(KeyFault::Discovery)?;
            let url = keys_in(&document, &content.issuer)?;
            check_url(&url, rules, restricted).map_err(KeyFault::Document)?;
            url
        }
    };
    let keys = read(&url).await.map_err(KeyFault::Fetch)?;
    Ok(KeySet::parse(serde_json::from_slice(&keys).map_err(|_| KeyFault::Json)?)?)
}

/// `jwks_uri` of a discovery document, which must be the issuer's own.
fn keys_in(document: &[u8], issuer: &str) -> Result<String, KeyFault> {
    let document: Value = serde_json::from_slice(document).map_err(|_| KeyFault::Document("it is no JSON"))?;
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err(KeyFault::Document("it names another issuer"));
    }
    text("jwks_uri").map(str::to_owned).ok_or(KeyFault::Document("it has no jwks_uri"))
}
