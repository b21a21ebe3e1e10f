//! From a JWT to a caller. What was verified is remembered, so that reading with the same token again costs no
//! signature check; what the identity's records say is looked up each time.

use std::sync::Arc;

use scaivault_commands::issuer::key_set::KeySet;
use scaivault_commands::{Engine, Failure};
use scaivault_domain::access::{Caller, Narrowing};
use scaivault_domain::directory::Status;
use scaivault_domain::issuer::{Bearer, Issuer};
use scaivault_domain::{ErrorCode, IdentityType, PartnerId, Rejection, TenantId, Timestamp};
use scaivault_projections::{Namesakes, View};

use super::choice::{Choice, choose};
use super::jwt::{Jwt, invalid};
use super::verification::{self, Verified, verify};
use super::{MAX_LENGTH, Origin, Rejected, revoked};
use crate::app::App;
use crate::category::Category;

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
    /// Which of them it was tried with before.
    passed_over: Option<PassedOver>,
}

/// A tenant's issuer that a token turned out not to be from.
struct PassedOver {
    issuer: Arc<Issuer>,
    keys: Option<Arc<KeySet>>,
}

impl Recognised {
    #[cfg(test)]
    pub(super) fn of(verified: Verified, bearer: Bearer) -> Self {
        Self { verified, bearer, hash: String::new(), from: (String::new(), Namesakes::default()), passed_over: None }
    }

    /// Whether all that it rests on is as it was.
    fn counts(&self, engine: &Engine, view: &View) -> bool {
        let Verified { issuer, keys, expires_at, .. } = &self.verified;
        let (iss, namesakes) = &self.from;
        let has_keys = |issuer: &Issuer, keys: Option<&Arc<KeySet>>| {
            engine.held_keys(issuer).as_ref().map(Arc::as_ptr) == keys.map(Arc::as_ptr)
        };
        view.issuers.are_same(iss, namesakes)
            && has_keys(issuer, Some(keys))
            && self.passed_over.as_ref().is_none_or(|passed| has_keys(&passed.issuer, passed.keys.as_ref()))
            && !verification::is_over(*expires_at, engine.now())
    }
}

/// Verifies a JWT that an authenticated caller asks about, in the tenant that it names. Records and revocation are not
/// looked at.
pub async fn verified(
    app: &App,
    view: &View,
    text: &str,
    named: Option<&str>,
) -> Result<Result<Arc<Recognised>, Rejection>, Failure> {
    verified_unless(app, view, text, named, || Ok(())).await
}

/// Verifies a JWT, or remembers having done so. `check` is asked before anything that costs.
async fn verified_unless(
    app: &App,
    view: &View,
    text: &str,
    named: Option<&str>,
    check: impl Fn() -> Result<(), Rejection>,
) -> Result<Result<Arc<Recognised>, Rejection>, Failure> {
    if text.len() > MAX_LENGTH {
        return Ok(Err(invalid("The token is too long")));
    }
    let engine = &app.engine;
    let named = named.filter(|named| TenantId::parse(named).is_some());
    let digest = app.verified.digest(text, named);
    if let Some(held) = app.verified.find(&digest) {
        if held.counts(engine, view) {
            return Ok(Ok(held));
        }
        app.verified.forget(&digest);
    }
    if let Err(rejection) = check() {
        return Ok(Err(rejection));
    }
    let jwt = match Jwt::parse(text) {
        Ok(jwt) => jwt,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let namesakes = view.issuers.namesakes(&jwt.issuer);
    let choice = match choose(engine, view, &jwt, named) {
        Ok(choice) => choice,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let (verified, passed_over) = match by_choice(engine, &choice, &jwt).await {
        Ok(verified) => verified,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let bearer = match verified.issuer.map(&jwt.claims) {
        Ok(bearer) => bearer,
        Err(unmapped) => return Ok(Err(invalid(unmapped.sentence()))),
    };
    let hash = engine.token_hash(jwt.signed)?;
    let from = (jwt.issuer, namesakes);
    let recognised = Arc::new(Recognised { verified, bearer, hash, from, passed_over });
    app.verified.remember(digest, recognised.clone());
    Ok(Ok(recognised))
}

/// Verifies a token against the chosen issuer, or against the platform's if it is not from that one.
async fn by_choice(
    engine: &Engine,
    choice: &Choice,
    jwt: &Jwt<'_>,
) -> Result<(Verified, Option<PassedOver>), Rejection> {
    let issuer = &choice.issuer;
    // As they are before they may be asked for: what comes in meanwhile has the token verified once more.
    let keys = engine.held_keys(issuer);
    let refused = match verify(engine, issuer, jwt).await {
        Ok(verified) => return Ok((verified, None)),
        Err(refused) => refused,
    };
    let Some(platform) = choice.otherwise(&refused) else { return Err(refused.rejection) };
    match verify(engine, platform, jwt).await {
        Ok(verified) => Ok((verified, Some(PassedOver { issuer: issuer.clone(), keys }))),
        // That it was one once is the better reason.
        Err(_) if refused.rejection.code == ErrorCode::TokenExpired => Err(refused.rejection),
        Err(refused) => Err(refused.rejection),
    }
}

/// Authenticates a request by its JWT.
pub(super) async fn recognise(
    app: &App,
    view: &View,
    text: &str,
    origin: Origin<'_>,
) -> Result<Result<Caller, Rejected>, Failure> {
    let recognised = match verified_unless(app, view, text, origin.named, || origin.check(app)).await? {
        Ok(recognised) => recognised,
        Err(rejection) => return Ok(Err(Rejected::of_nobody(rejection))),
    };
    let bearer = &recognised.bearer;
    let rejected = |rejection| {
        let (identity, tenant) = (Some(bearer.identity.clone()), known_tenant(view, bearer));
        Ok(Err(Rejected { rejection, identity, tenant, token: None }))
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
        // Whoever is one too many has a token all the same, and is recorded when next met.
        && app.newcomers.take(tenant.as_str(), Category::IdentitySync, 1, origin.at).is_ok()
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
    if is_impostor(view, recognised) {
        return Some(invalid("The token's client has the name of a service account, and is another"));
    }
    let standing = view.installation.standing(bearer.tenant.as_ref(), &bearer.identity);
    standing.is_ended.then(|| revoked("The token's identity has been suspended"))
}

/// Whether a program of ScaiKey's would be taken for a service account that was made here: whoever names clients there
/// does not choose among the accounts of a tenant. A tenant's own issuer may speak for them.
fn is_impostor(view: &View, recognised: &Recognised) -> bool {
    let Bearer { identity, tenant, .. } = &recognised.bearer;
    recognised.verified.issuer.is_builtin
        && identity.kind() == IdentityType::ServiceAccount
        && tenant.as_ref().is_some_and(|tenant| view.installation.people(tenant).account_named(identity).is_some())
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
