//! Who calls: the bearer token, looked up by keyed hash.

use std::collections::HashMap;
use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use parking_lot::Mutex;
use scaivault_commands::{Engine, Failure, token_value};
use scaivault_domain::access::Caller;
use scaivault_domain::token::{Token, TokenKind};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, Scope, TenantId, Timestamp};
use scaivault_projections::View;
use scaivault_projections::installation::Standing;

/// Longest value that is looked at.
const MAX_LENGTH: usize = 8_192;

/// A rejected token, and whose it was if that is known.
pub struct Rejected {
    /// What the caller is told.
    pub rejection: Rejection,
    /// Whose token.
    pub identity: Option<IdentityId>,
    /// That identity's tenant.
    pub tenant: Option<TenantId>,
}

/// Authenticates a request.
pub fn authenticate(engine: &Engine, view: &View, headers: &HeaderMap) -> Result<Result<Caller, Rejected>, Failure> {
    let text = match bearer(headers) {
        Ok(text) => text,
        Err(reason) => return Ok(Err(unknown(reason))),
    };
    if token_value::is_shaped(text) && !token_value::checksum_holds(text) {
        return Ok(Err(unknown("unknown")));
    }
    let held = view.tokens.by_hash(&engine.token_hash(text)?);
    let Some(held) = held else { return Ok(Err(unrecognised(text))) };
    let token = &held.token;
    let now = engine.now();
    if view.tokens.is_revoked(token) {
        return Ok(Err(of(token, Rejection::new(ErrorCode::TokenRevoked, "The token has been revoked"))));
    }
    if token.is_expired(now) {
        return Ok(Err(of(token, required("expired"))));
    }
    let standing = view.installation.standing(token.record.tenant_id.as_ref(), &token.record.identity);
    if standing.is_ended {
        return Ok(Err(of(token, Rejection::new(ErrorCode::TokenRevoked, "The token's identity has been suspended"))));
    }
    Ok(Ok(caller(token, standing)))
}

/// The token's identity as its records have it now.
fn caller(token: &Token, standing: Standing) -> Caller {
    let record = &token.record;
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
        roles: standing.roles,
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

/// Why a value that no record matches is refused, by its shape.
fn unrecognised(text: &str) -> Rejected {
    if token_value::is_shaped(text) {
        return unknown("unknown");
    }
    let parts = text.split('.').filter(|part| !part.is_empty()).count();
    if parts == 3 && text.starts_with("ey") {
        let rejection = Rejection::new(ErrorCode::TokenInvalid, "The token's issuer is not trusted here");
        return Rejected { rejection, identity: None, tenant: None };
    }
    unknown("malformed")
}

fn unknown(reason: &'static str) -> Rejected {
    Rejected { rejection: required(reason), identity: None, tenant: None }
}

fn of(token: &Token, rejection: Rejection) -> Rejected {
    Rejected { rejection, identity: Some(token.record.identity.clone()), tenant: token.record.tenant_id.clone() }
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

/// Rejected tokens of one address and one second beyond the tenth share an entry.
#[derive(Default)]
pub struct FailureFold {
    seconds: Mutex<HashMap<(IpAddr, &'static str, i64), u64>>,
}

/// Failures of an address and second that are recorded one by one.
const RECORDED_SINGLY: u64 = 10;

impl FailureFold {
    /// Whether this failure is recorded by itself. Those that are not come out of [`Self::folded`].
    pub fn admit(&self, address: IpAddr, code: &'static str, now: Timestamp) -> bool {
        let mut seconds = self.seconds.lock();
        let count = seconds.entry((address, code, now.as_seconds())).or_default();
        *count += 1;
        *count <= RECORDED_SINGLY
    }

    /// Takes failures back that could not be recorded: they come out again with those of this second.
    pub fn put_back(&self, address: IpAddr, code: &'static str, count: u64, now: Timestamp) {
        let mut seconds = self.seconds.lock();
        let held = seconds.entry((address, code, now.as_seconds())).or_insert(RECORDED_SINGLY);
        *held += count;
    }

    /// Seconds that are over, with the failures in them that were not recorded yet.
    pub fn folded(&self, now: Timestamp) -> Vec<(IpAddr, &'static str, u64)> {
        let mut over = Vec::new();
        self.seconds.lock().retain(|(address, code, second), count| {
            let is_over = *second < now.as_seconds();
            if is_over && *count > RECORDED_SINGLY {
                over.push((*address, *code, *count - RECORDED_SINGLY));
            }
            !is_over
        });
        over
    }
}

/// Whether the headers hold a valid token with scope `admin`, for what is asked outside the API
/// itself, where the client's address is not known: a token narrowed to addresses does not do.
pub fn is_administrator(engine: &Engine, headers: &HeaderMap) -> bool {
    let view = engine.projections().view();
    let fits = |caller: Caller| caller.scopes.grants(Scope::Admin) && caller.narrowing.allowed_ips.is_empty();
    authenticate(engine, &view, headers).is_ok_and(|caller| caller.is_ok_and(fits))
}
