//! Which rule decides on a token: the oldest that matches, of an issuer that made it.

use std::sync::Arc;

use scaivault_domain::exchange::ExchangeRule;
use scaivault_domain::issuer::{Claims, Issuer};
use scaivault_domain::{ErrorCode, Rejection, TenantId};
use scaivault_projections::View;

use super::input::Asked;
use crate::authentication::jwt::{self, Jwt};
use crate::authentication::verification::verify;
use crate::authentication::{MAX_LENGTH, revoked};
use crate::call::{Call, Stop};
use crate::json::invalid;

/// Issuer records of one URL that a token is verified against; each may have keys of its own.
const MAX_ISSUERS: usize = 16;

/// What decides.
pub(super) struct Match {
    pub(super) issuer: Arc<Issuer>,
    pub(super) tenant: TenantId,
    pub(super) rule: Arc<ExchangeRule>,
}

/// Finds it. The token is verified against the issuers whose rules would match; if there are none, against any, to tell
/// a token that opens nothing from one that is none.
pub(super) async fn find(call: &Call, asked: &Asked) -> Result<Match, Stop> {
    let engine = &call.app.engine;
    if asked.subject_token.len() > MAX_LENGTH {
        return Err(jwt::invalid("The token is too long").into());
    }
    let jwt = Jwt::parse(&asked.subject_token)?;
    let view = engine.projections().view();
    let named = call.named_tenant.as_deref();
    let mut candidates = candidates(call, &view, &jwt, asked);
    // The sort is stable: those with rules first, and of them the oldest.
    candidates.sort_by_key(|(_, matches)| matches.is_empty());
    let mut fault = jwt::invalid("The token's issuer is not trusted here");
    let (mut is_verified, mut is_for_another) = (false, false);
    let mut found: Vec<Match> = Vec::new();
    for (issuer, matches) in candidates.into_iter().take(MAX_ISSUERS) {
        if is_verified && matches.is_empty() {
            break;
        }
        match verify(engine, &issuer, &jwt).await {
            Ok(_) => is_verified = true,
            Err(refused) => {
                // That it was one once is the better reason.
                if fault.code != ErrorCode::TokenExpired {
                    fault = refused.rejection;
                }
                continue;
            }
        }
        match &asked.audience {
            Some(audience) if !is_audience(&issuer, &jwt.claims, audience) => is_for_another = true,
            Some(_) | None => found.extend(matches),
        }
    }
    if !is_verified {
        return Err(fault.into());
    }
    if view.issuers.is_revoked(&engine.token_hash(jwt.signed)?) {
        return Err(revoked("The token has been revoked").into());
    }
    if found.is_empty() && is_for_another {
        return Err(invalid("The audience is not one of the token and its issuer").detail("field", "audience").into());
    }
    oldest(found, named.is_some()).map_err(Stop::from)
}

/// The issuers with the token's URL that count where the request acts, with the rules that match its claims.
fn candidates(call: &Call, view: &View, jwt: &Jwt<'_>, asked: &Asked) -> Vec<(Arc<Issuer>, Vec<Match>)> {
    let named = call.named_tenant.as_deref();
    let is_open = |tenant: &TenantId| named.is_none_or(|named| named == tenant.as_str());
    let gives = |rule: &ExchangeRule| asked.role.as_deref().is_none_or(|role| role == rule.content.identity.as_str());
    let issuers = call.app.engine.issuers_named(view, &jwt.issuer).into_iter();
    let counting = issuers.filter(|issuer| issuer.tenant.as_ref().is_none_or(is_open));
    let with_rules = counting.map(|issuer| {
        let fits = issuer.binds(jwt.claims.subject())
            && issuer.content.audiences.iter().any(|audience| jwt.claims.is_for(audience));
        let rules = view.issuers.rules_of(&issuer.id).filter(|(_, rule)| fits && gives(rule));
        let matching = rules.filter(|(_, rule)| rule.matches(&jwt.claims)).filter_map(|(owner, rule)| {
            let tenant = owner.tenant().filter(|tenant| is_open(tenant))?.clone();
            Some(Match { issuer: issuer.clone(), tenant, rule: rule.clone() })
        });
        let matching = matching.collect();
        (issuer, matching)
    });
    with_rules.collect()
}

fn is_audience(issuer: &Issuer, claims: &Claims, audience: &str) -> bool {
    claims.is_for(audience) && issuer.content.audiences.iter().any(|known| known.as_ref() == audience)
}

fn oldest(found: Vec<Match>, is_named: bool) -> Result<Match, Rejection> {
    let first = found.first().map(|first| first.tenant.clone());
    if !is_named && found.iter().any(|other| Some(&other.tenant) != first.as_ref()) {
        let sentence = "Rules of several tenants match: name one, by /v1/t/{tenant_id}/… or the header X-Tenant-ID";
        return Err(invalid(sentence).detail("reason", "tenant_required"));
    }
    let age = |found: &Match| (found.rule.created_at, found.rule.id.clone());
    let oldest = found.into_iter().min_by_key(age);
    oldest.ok_or_else(|| Rejection::denied("no_matching_rule", "No exchange rule matches the token"))
}
