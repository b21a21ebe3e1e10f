//! Who calls: the bearer token, an opaque one looked up by keyed hash, or the JWT of a trusted issuer.

mod choice;
pub mod failures;
pub mod jwt;
pub mod recognition;
mod remembered;
pub mod verification;

use std::net::IpAddr;
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use scaivault_commands::{Engine, Failure, token_value};
use scaivault_domain::access::Caller;
use scaivault_domain::token::{Token, TokenKind};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, Scope, TenantId, TokenId};
use scaivault_projections::View;
use scaivault_projections::installation::Standing;

use crate::app::App;
use crate::category::Category;
use crate::dispatch::limited;
use crate::rate_limit::Level;

pub use failures::{AuthFailure, FailureFold};
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
    /// Id of the token.
    pub token: Option<TokenId>,
}

impl Rejected {
    /// A token of nobody known.
    pub fn of_nobody(rejection: Rejection) -> Self {
        Self { rejection, identity: None, tenant: None, token: None }
    }
}

/// Whence a request comes.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The tenant that it names.
    pub named: Option<&'a str>,
    /// The client's address, if it is known: those of whom it is not share a bucket.
    pub address: Option<IpAddr>,
    /// When it came.
    pub at: Instant,
}

impl Origin<'_> {
    /// Whose bucket requests without an identity draw on.
    fn bucket(&self) -> String {
        self.address.map(|address| address.to_string()).unwrap_or_default()
    }

    /// Refuses those who have failed too often: what comes of their tokens is not worth a signature check.
    fn check(&self, app: &App) -> Result<(), Rejection> {
        let checked = app.rate_limits.check(&self.bucket(), Category::Public, self.at);
        checked.map_err(|exhausted| limited(exhausted.category, exhausted.retry_after))
    }

    /// Counts a rejected token: how much is left, and what is told.
    pub fn count(&self, app: &App, rejection: Rejection) -> (Level, Rejection) {
        if rejection.code == ErrorCode::RateLimited {
            return (app.rate_limits.level(&self.bucket(), Category::Public, self.at), rejection);
        }
        match app.rate_limits.take(&self.bucket(), Category::Public, 1, self.at) {
            Ok(level) => (level, rejection),
            Err(empty) => (empty.level, limited(empty.category, empty.retry_after)),
        }
    }
}

/// Authenticates a request. Only a JWT is ever waited for. Rejected tokens are for the caller to count.
pub async fn authenticate(
    app: &App,
    view: &View,
    headers: &HeaderMap,
    origin: Origin<'_>,
) -> Result<Result<Caller, Rejected>, Failure> {
    let text = match bearer(headers) {
        Ok(text) => text,
        Err(reason) => return Ok(Err(unknown(reason))),
    };
    if jwt::is_shaped(text) {
        return Box::pin(recognition::recognise(app, view, text, origin)).await;
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
        jwt: None,
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
    let record = &token.record;
    Rejected {
        rejection,
        identity: Some(record.identity.clone()),
        tenant: record.tenant_id.clone(),
        token: Some(record.id.clone()),
    }
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
    let origin = Origin { named: None, address: None, at: Instant::now() };
    let Ok(authenticated) = authenticate(app, &view, headers, origin).await else { return false };
    match authenticated {
        Ok(caller) => fits(caller),
        Err(rejected) => {
            origin.count(app, rejected.rejection);
            false
        }
    }
}
