//! From a JWT to a caller. What was verified is remembered, so that reading with the same token again costs no
//! signature check; what the identity's records say is looked up each time.

use std::sync::Arc;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use quick_cache::sync::Cache;
use scaivault_commands::{Engine, Failure};
use scaivault_domain::access::{Caller, Narrowing};
use scaivault_domain::directory::Status;
use scaivault_domain::issuer::{Bearer, Issuer};
use scaivault_domain::{ErrorCode, IdentityType, PartnerId, Rejection, TenantId, Timestamp};
use scaivault_projections::{Namesakes, View};

use super::jwt::{Jwt, invalid};
use super::verification::{self, Verified, verify};
use super::{Rejected, revoked};
use crate::app::App;

/// Tokens that are remembered.
const REMEMBERED: usize = 10_000;

/// Verified tokens by a digest that nobody outside can compute. Holds no tokens.
pub struct VerifiedTokens {
    key: hmac::Key,
    tokens: Cache<[u8; 32], Arc<Recognised>>,
}

/// A verified token, and whom it speaks for.
pub struct Recognised {
    /// What was verified.
    pub verified: Verified,
    /// Whom it speaks for.
    pub bearer: Bearer,
    /// Under which it would be revoked.
    pub hash: String,
    /// `iss`, and the issuers of that URL from which the one was chosen.
    from: (String, Namesakes),
}

impl VerifiedTokens {
    /// None yet.
    pub fn new() -> Self {
        // No server starts without randomness: its keys and ids need it.
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let key = key.unwrap_or_else(|_| hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]));
        Self { key, tokens: Cache::new(REMEMBERED) }
    }

    /// The same token may mean others where the request names another tenant.
    fn digest(&self, text: &str, named: Option<&str>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&text.len().to_be_bytes());
        context.update(text.as_bytes());
        context.update(named.unwrap_or_default().as_bytes());
        let tag = context.sign();
        let mut digest = [0; 32];
        digest.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        digest
    }
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self::new()
    }
}

/// Verifies a JWT, or remembers having done so. Its records and revocation are not looked at.
pub async fn verified(
    app: &App,
    view: &View,
    text: &str,
    named: Option<&str>,
) -> Result<Result<Arc<Recognised>, Rejection>, Failure> {
    let engine = &app.engine;
    let named = named.filter(|named| TenantId::parse(named).is_some());
    let digest = app.verified.digest(text, named);
    if let Some(held) = app.verified.tokens.get(&digest) {
        let Verified { issuer, keys, expires_at, .. } = &held.verified;
        let (iss, namesakes) = &held.from;
        let keys_count = engine.held_keys(issuer).is_some_and(|held| Arc::ptr_eq(&held, keys));
        if view.issuers.are_same(iss, namesakes) && keys_count && !verification::is_over(*expires_at, engine.now()) {
            return Ok(Ok(held));
        }
        app.verified.tokens.remove(&digest);
    }
    let jwt = match Jwt::parse(text) {
        Ok(jwt) => jwt,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let namesakes = view.issuers.namesakes(&jwt.issuer);
    let issuer = match choose(engine, view, &jwt, named) {
        Ok(issuer) => issuer,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let verified = match verify(engine, &issuer, &jwt).await {
        Ok(verified) => verified,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let bearer = match issuer.map(&jwt.claims) {
        Ok(bearer) => bearer,
        Err(unmapped) => return Ok(Err(invalid(unmapped.sentence()))),
    };
    let hash = engine.token_hash(jwt.signed)?;
    let from = (jwt.issuer, namesakes);
    let recognised = Arc::new(Recognised { verified, bearer, hash, from });
    app.verified.tokens.insert(digest, recognised.clone());
    Ok(Ok(recognised))
}

/// The issuer that a token is taken to be from. Where several know its URL, its own tenant claim chooses; if it has none,
/// the tenant that the request names; then the platform.
fn choose(engine: &Engine, view: &View, jwt: &Jwt<'_>, named: Option<&str>) -> Result<Arc<Issuer>, Rejection> {
    let issuers = engine.issuers_named(view, &jwt.issuer);
    if issuers.is_empty() {
        return Err(invalid("The token's issuer is not trusted here"));
    }
    if let [only] = issuers.as_slice() {
        return Ok(only.clone());
    }
    let claimed = |issuer: &Issuer| {
        let name = issuer.content.claim_mapping.tenant.as_ref()?;
        jwt.claims.text(name).map(str::to_owned)
    };
    let id = |issuer: &Issuer| issuer.tenant.as_ref().map(|tenant| tenant.as_str().to_owned());
    let of_platform = issuers.iter().find(|issuer| issuer.tenant.is_none());
    let by_claim = issuers.iter().find(|issuer| id(issuer).is_some_and(|own| Some(own) == claimed(issuer)));
    // A token of another tenant does not become one of the tenant that it is used in.
    let by_claim = by_claim.or_else(|| of_platform.filter(|issuer| claimed(issuer).is_some()));
    let by_name = || issuers.iter().find(|issuer| named.is_some() && id(issuer).as_deref() == named);
    let chosen = by_claim.or_else(by_name).or(of_platform);
    chosen.cloned().ok_or_else(|| invalid("Several tenants trust the token's issuer: name one of them"))
}

/// Authenticates a request by its JWT.
pub(super) async fn recognise(
    app: &App,
    view: &View,
    text: &str,
    named: Option<&str>,
) -> Result<Result<Caller, Rejected>, Failure> {
    let recognised = match verified(app, view, text, named).await? {
        Ok(recognised) => recognised,
        Err(rejection) => return Ok(Err(Rejected::of_nobody(rejection))),
    };
    let bearer = &recognised.bearer;
    let rejected = |rejection| {
        Ok(Err(Rejected { rejection, identity: Some(bearer.identity.clone()), tenant: known_tenant(view, bearer) }))
    };
    let partner = match partner(view, bearer) {
        Ok(partner) => partner,
        Err(rejection) => return rejected(rejection),
    };
    if let Some(rejection) = ended(view, &recognised) {
        return rejected(rejection);
    }
    let caller = caller(view, &recognised, partner);
    if let (IdentityType::User, Some(tenant)) = (caller.identity.kind(), &caller.tenant)
        && view.installation.is_open(Some(tenant), None)
        && view.installation.user(tenant, &caller.identity).is_none()
    {
        app.engine.meet_user(tenant, &caller.identity, bearer.display_name.as_deref()).await?;
    }
    Ok(Ok(caller))
}

/// Why a verified token is refused nevertheless, if it is: it was revoked, or its identity has ended.
pub fn ended(view: &View, recognised: &Recognised) -> Option<Rejection> {
    let bearer = &recognised.bearer;
    if view.issuers.is_revoked(&recognised.hash) {
        return Some(revoked("The token has been revoked"));
    }
    let standing = view.installation.standing(bearer.tenant.as_ref(), &bearer.identity);
    standing.is_ended.then(|| revoked("The token's identity has been suspended"))
}

/// The partner of the token's tenant, or its own where it has no tenant. Both must be known here.
pub fn partner(view: &View, bearer: &Bearer) -> Result<Option<PartnerId>, Rejection> {
    let closed = |sentence: &str| Rejection::new(ErrorCode::TenantAccessDenied, sentence);
    match (&bearer.tenant, &bearer.partner) {
        (Some(tenant), _) => {
            let known = view.installation.tenant(tenant).filter(|tenant| tenant.status != Status::Deleted);
            let known = known.ok_or_else(|| closed("The token's tenant is not known here"))?;
            Ok(Some(known.partner_id.clone()))
        }
        (None, Some(partner)) => {
            view.installation.partner(partner).ok_or_else(|| closed("The token's partner is not known here"))?;
            Ok(Some(partner.clone()))
        }
        (None, None) => Ok(None),
    }
}

/// The tenant in whose log a rejected token can be recorded.
fn known_tenant(view: &View, bearer: &Bearer) -> Option<TenantId> {
    let is_there =
        |tenant: &TenantId| view.installation.tenant(tenant).is_some_and(|tenant| tenant.status != Status::Deleted);
    bearer.tenant.clone().filter(is_there)
}

/// What the token says, united with what the records of its identity say.
fn caller(view: &View, recognised: &Recognised, partner: Option<PartnerId>) -> Caller {
    let Recognised { verified, bearer, .. } = recognised;
    let standing = view.installation.standing(bearer.tenant.as_ref(), &bearer.identity);
    let narrowing = Narrowing { highest_role: verified.issuer.highest_role(), ..Narrowing::default() };
    let mut roles: Vec<_> = bearer.roles.iter().copied().chain(standing.roles).collect();
    roles.retain(|role| narrowing.permits_role(*role));
    roles.sort_unstable();
    roles.dedup();
    let mut groups: Vec<_> = bearer.groups.iter().cloned().chain(standing.groups).collect();
    groups.sort();
    groups.dedup();
    let name = standing.display_name.or_else(|| bearer.display_name.clone());
    Caller {
        identity: bearer.identity.clone(),
        display_name: name.unwrap_or_else(|| bearer.identity.as_str().into()),
        tenant: bearer.tenant.clone(),
        partner,
        scopes: standing.scopes.map_or(bearer.scopes, |most| bearer.scopes.narrowed_to(most)),
        roles,
        groups,
        token: None,
        jwt: Some(recognised.hash.as_str().into()),
        token_expires_at: Some(verified.expires_at),
        mfa_verified_at: bearer.mfa_verified_at,
        narrowing,
    }
}

/// When a verified token was made and when it ends.
pub fn life(recognised: &Recognised) -> (Option<Timestamp>, Timestamp) {
    (recognised.verified.issued_at, recognised.verified.expires_at)
}
