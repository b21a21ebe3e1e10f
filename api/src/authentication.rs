//! Who calls: the bearer token, an opaque one looked up by keyed hash, or the JWT of a trusted issuer.

mod choice;
pub mod failures;
pub mod jwt;
pub mod recognition;
mod remembered;
pub mod verification;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use scaivault_commands::{Engine, Failure, token_value};
use scaivault_domain::access::Caller;
use scaivault_domain::token::{Token, TokenKind};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, Scope, TenantId};
use scaivault_projections::View;
use scaivault_projections::installation::Standing;

use crate::app::App;

pub use failures::FailureFold;
pub use remembered::VerifiedTokens;

/// Longest value that is looked at.
pub const MAX_LENGTH: usize = 8_192;

/// A rejected token, and whose it was if that is known.
pub struct Rejected {
    /// What the caller is told.
    pub rejection: Rejection,
    /// Whose token.
    pub identity: Option<IdentityId>,
    /// That identity's tenant.
    pub tenant: Option<TenantId>,
}

impl Rejected {
    /// A token of nobody known.
    pub fn of_nobody(rejection: Rejection) -> Self {
        Self { rejection, identity: None, tenant: None }
    }
}

/// Authenticates a request; `named` is the tenant it names. Only a JWT is ever waited for.
pub async fn authenticate(
    app: &App,
    view: &View,
    headers: &HeaderMap,
    named: Option<&str>,
) -> Result<Result<Caller, Rejected>, Failure> {
    let text = match bearer(headers) {
        Ok(text) => text,
        Err(reason) => return Ok(Err(unknown(reason))),
    };
    if jwt::is_shaped(text) {
        return Box::pin(recognition::recognise(app, view, text, named)).await;
    }
    opaque(&app.engine, view, text)
}

fn opaque(engine: &Engine, view: &View, text: &str) -> Result<Result<Caller, Rejected>, Failure> {
    if token_value::is_shaped(text) && !token_value::checksum_holds(text) {
        return Ok(Err(unknown("unknown")));
    }
    let held = view.tokens.by_hash(&engine.token_hash(text)?);
    let Some(held) = held else {
        let reason = if token_value::is_shaped(text) { "unknown" } else { "malformed" };
        return Ok(Err(unknown(reason)));
    };
    let token = &held.token;
    let now = engine.now();
    if view.is_token_revoked(token) {
        return Ok(Err(of(token, revoked("The token has been revoked"))));
    }
    if token.is_expired(now) {
        return Ok(Err(of(token, required("expired"))));
    }
    let standing = view.installation.standing(token.record.tenant_id.as_ref(), &token.record.identity);
    if standing.is_ended {
        return Ok(Err(of(token, revoked("The token's identity has been suspended"))));
    }
    Ok(Ok(caller(token, standing)))
}

/// The token's identity as its records have it now.
fn caller(token: &Token, standing: Standing) -> Caller {
    let record = &token.record;
    let counts = |role: &_| record.narrowing.permits_role(*role);
    Caller {
        identity: record.identity.clone(),
        display_name: standing.display_name.unwrap_or_else(|| record.identity.as_str().into()),
        tenant: record.tenant_id.clone(),
        partner: record.partner_id.clone(),
        scopes: match (record.kind, standing.scopes) {
            // A key opens what its account may open now.
            (TokenKind::ServiceAccountKey, now) => now.unwrap_or_default(),
            (_, Some(most)) => record.scopes.narrowed_to(most),
            (_, None) => record.scopes,
        },
        roles: standing.roles.into_iter().filter(counts).collect(),
        groups: standing.groups,
        token: Some(record.id.clone()),
        token_expires_at: record.expires_at,
        mfa_verified_at: None,
        narrowing: record.narrowing.clone(),
    }
}

fn bearer(headers: &HeaderMap) -> Result<&str, &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or("missing")?;
    if values.next().is_some() {
        return Err("malformed");
    }
    let text = value.to_str().map_err(|_| "malformed")?;
    let (scheme, token) = text.split_once(' ').ok_or("malformed")?;
    let token = token.trim();
    let sound = scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
        && token.len() <= MAX_LENGTH
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    if sound { Ok(token) } else { Err("malformed") }
}

fn unknown(reason: &'static str) -> Rejected {
    Rejected::of_nobody(required(reason))
}

fn of(token: &Token, rejection: Rejection) -> Rejected {
    Rejected { rejection, identity: Some(token.record.identity.clone()), tenant: token.record.tenant_id.clone() }
}

/// `token_revoked`.
pub fn revoked(sentence: &str) -> Rejection {
    Rejection::new(ErrorCode::TokenRevoked, sentence)
}

fn required(reason: &'static str) -> Rejection {
    let sentence = match reason {
        "missing" => "Send a token in the header Authorization: Bearer <token>",
        "malformed" => "The Authorization header does not hold a token",
        "expired" => "The token has expired",
        _ => "The token is not known here",
    };
    Rejection::new(ErrorCode::AuthenticationRequired, sentence).detail("reason", reason)
}

/// Whether the headers hold a valid token with scope `admin`, for what is asked outside the API
/// itself, where the client's address is not known: a token narrowed to addresses does not do.
pub async fn is_administrator(app: &App, headers: &HeaderMap) -> bool {
    let view = app.engine.projections().view();
    let fits = |caller: Caller| caller.scopes.grants(Scope::Admin) && caller.narrowing.allowed_ips.is_empty();
    authenticate(app, &view, headers, None).await.is_ok_and(|caller| caller.is_ok_and(fits))
}
