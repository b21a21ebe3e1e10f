//! Somebody with a JWT and no role, who reads by policies: what most callers of a large installation are.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::dataset::TEAMS;
use crate::exchange;
use crate::failure::Failure;
use crate::requests::Client;

/// Policies that are loaded.
pub(crate) const POLICIES: u64 = 1_000;
/// Rules of each.
const RULES: u64 = 10;
/// Groups that they are bound to.
const GROUPS: u64 = 100;
/// Groups of the person: by them together it may read what every team has.
const MEMBERSHIPS: u64 = 20;

/// Loads the policies, has the server trust an issuer, and gives the client of one of its people.
pub(crate) fn client(administrator: &Client) -> Result<Client, Failure> {
    for policy in 0..POLICIES {
        let made = call(administrator, "/v1/policies", &content(policy))?;
        let id = made.get("id").and_then(Value::as_str).unwrap_or_default();
        let binding = json!({"identity_type": "group", "identity_id": group(policy % GROUPS)});
        call(administrator, &format!("/v1/policies/{id}/bindings"), &binding)?;
    }
    let unusable = |_| Failure::Unusable("no key can be made".into());
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(unusable)?;
    // An uncompressed point: a byte that says so, then both coordinates.
    let point = key.public_key().as_ref().get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "1", "x": base64(x), "y": base64(y)});
    let issuer = json!({
        "name": "people", "issuer": "https://people.example", "audiences": ["scaivault"],
        "jwks": {"keys": [jwk]}, "default_scopes": ["secrets:read"],
    });
    call(administrator, "/v1/auth/issuers", &issuer)?;
    Ok(Client { token: token(&key)?, ..administrator.clone() })
}

/// One rule is for a team; the others are for paths of nobody here.
fn content(policy: u64) -> Value {
    let other = (1..RULES)
        .map(|rule| json!({"path_pattern": format!("other-{policy:04}/*/key-{rule}"), "permissions": ["read"]}));
    let team = json!({"path_pattern": format!("team-{:03}/**", policy % TEAMS), "permissions": ["read", "list"]});
    json!({"name": format!("policy-{policy}"), "rules": other.chain([team]).collect::<Vec<_>>()})
}

fn group(number: u64) -> String {
    format!("group:team-{number:03}")
}

fn token(key: &EcdsaKeyPair) -> Result<String, Failure> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let groups: Vec<String> = (0..MEMBERSHIPS).map(|number| format!("team-{number:03}")).collect();
    let claims = json!({
        "iss": "https://people.example", "aud": "scaivault", "sub": "alice@people.example", "exp": now + 86_400, "groups": groups,
    });
    let header = json!({"alg": "ES256", "kid": "1", "typ": "JWT"});
    let signed = format!("{}.{}", base64(header.to_string().as_bytes()), base64(claims.to_string().as_bytes()));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes());
    let signature = signature.map_err(|_| Failure::Unusable("nothing can be signed".into()))?;
    Ok(format!("{signed}.{}", base64(signature.as_ref())))
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn call(client: &Client, path: &str, body: &Value) -> Result<Value, Failure> {
    let answer = exchange::send(client.address, client.request(Method::POST, path, body.to_string()))?;
    if answer.status != 201 {
        return Err(Failure::Unusable(format!("{path}: the server answers {}", answer.status)));
    }
    serde_json::from_str(&answer.body).map_err(|_| Failure::Unusable(format!("{path}: the answer is no JSON")))
}
