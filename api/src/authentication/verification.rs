//! Whether an issuer made a token: signature, time, audience, subject (RFC 7519, RFC 8725).

use std::sync::Arc;

use scaivault_commands::Engine;
use scaivault_commands::issuer::key_set::KeySet;
use scaivault_domain::issuer::{Claims, Issuer};
use scaivault_domain::{ErrorCode, Rejection, Timestamp};

use super::jwt::{Jwt, invalid};

/// How far the clocks of an issuer and of this server may differ.
pub const LEEWAY_SECONDS: i64 = 60;

/// A token that its issuer made, and that counts now.
pub struct Verified {
    /// The issuer as it was then.
    pub issuer: Arc<Issuer>,
    /// The keys that were used.
    pub keys: Arc<KeySet>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was made, if it says so.
    pub issued_at: Option<Timestamp>,
}

/// Why an issuer does not stand by a token.
pub struct Refused {
    /// What is told.
    pub rejection: Rejection,
    /// Whether a key of the issuer signed it nevertheless.
    pub is_signed: bool,
}

/// Verifies a token against one issuer, asking for its keys if they are not at hand.
pub async fn verify(engine: &Engine, issuer: &Arc<Issuer>, jwt: &Jwt<'_>) -> Result<Verified, Refused> {
    let unsigned = |rejection| Refused { rejection, is_signed: false };
    let keys = signed(engine, issuer, jwt).await.map_err(unsigned)?;
    let told = |rejection| Refused { rejection, is_signed: true };
    let (expires_at, issued_at) = accepted(issuer, jwt, engine.now()).map_err(told)?;
    Ok(Verified { issuer: issuer.clone(), keys, expires_at, issued_at })
}

/// The keys of an issuer, if one of them signed the token.
async fn signed(engine: &Engine, issuer: &Arc<Issuer>, jwt: &Jwt<'_>) -> Result<Arc<KeySet>, Rejection> {
    if !issuer.content.algorithms.contains(&jwt.algorithm) {
        return Err(invalid("The token's algorithm is not one of its issuer's"));
    }
    let key_id = jwt.key_id.as_deref();
    let keys = engine
        .keys_with(issuer, key_id)
        .await
        .ok_or_else(|| invalid("The keys of the token's issuer are not known"))?;
    match keys.verify(key_id, jwt.algorithm, jwt.signed.as_bytes(), jwt.signature) {
        true => Ok(keys),
        false => Err(invalid("The token's signature does not verify")),
    }
}

/// Checks what a token says; gives its end and its beginning.
fn accepted(issuer: &Issuer, jwt: &Jwt<'_>, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), Rejection> {
    let times = times(&jwt.claims, now)?;
    if !issuer.content.audiences.iter().any(|audience| jwt.claims.is_for(audience)) {
        return Err(invalid("The token is for another audience"));
    }
    if !issuer.binds(jwt.claims.subject()) {
        return Err(invalid("The token's subject is not one of those accepted of its issuer"));
    }
    Ok(times)
}

/// Checks `exp`, `nbf`, `iat`; gives the end and the beginning.
fn times(claims: &Claims, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), Rejection> {
    let given = |name: &str| claims.0.get(name).is_some_and(|claim| !claim.is_null());
    let moment = |name: &str| match given(name).then(|| claims.moment(name).flatten()) {
        None => Ok(None),
        Some(Some(at)) => Ok(Some(at)),
        Some(None) => Err(invalid(format!("The token's {name} is no moment"))),
    };
    let expires_at = moment("exp")?.ok_or_else(|| invalid("The token has no end"))?;
    let (issued_at, not_before) = (moment("iat")?, moment("nbf")?);
    if is_over(expires_at, now) {
        return Err(expired());
    }
    let latest = now.plus_seconds(LEEWAY_SECONDS);
    match [issued_at, not_before].into_iter().flatten().any(|at| at > latest) {
        true => Err(invalid("The token is from the future")),
        false => Ok((expires_at, issued_at)),
    }
}

/// Whether a token with this end is past it.
pub fn is_over(expires_at: Timestamp, now: Timestamp) -> bool {
    expires_at.plus_seconds(LEEWAY_SECONDS) <= now
}

/// `token_expired`.
pub fn expired() -> Rejection {
    Rejection::new(ErrorCode::TokenExpired, "The token has expired")
}
