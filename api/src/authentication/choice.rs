//! Which issuer a token is taken to be from, where several know its URL.

use std::sync::Arc;

use scaivault_commands::Engine;
use scaivault_domain::Rejection;
use scaivault_domain::issuer::{Home, Issuer};
use scaivault_projections::View;

use super::jwt::{Jwt, invalid};
use super::verification::Refused;

/// The issuer of a token.
pub(super) struct Choice {
    /// The one that it is tried with first.
    pub(super) issuer: Arc<Issuer>,
    /// The platform's, which a tenant that trusts the same URL does not take the place of.
    platform: Option<Arc<Issuer>>,
    /// Whether the token itself belongs to the tenant of the issuer.
    is_claimed: bool,
}

impl Choice {
    fn of(issuer: &Arc<Issuer>) -> Self {
        Self { issuer: issuer.clone(), platform: None, is_claimed: false }
    }

    /// The issuer to try next. A token that only the request brings to a tenant is the platform's unless it is wholly
    /// the tenant's: nobody who looks after a tenant is shut out by what that tenant trusts. One that claims the tenant
    /// may be refused by it, but only if it is from there at all.
    pub(super) fn otherwise(&self, refused: &Refused) -> Option<&Arc<Issuer>> {
        let may_be_others = !self.is_claimed || !refused.is_signed;
        self.platform.as_ref().filter(|_| may_be_others)
    }
}

/// Chooses by the token's own claims as the platform's issuer reads them; if they do not say, by the tenant that the
/// request names. Where only tenants know the URL, each reads the claims in its own way.
pub(super) fn choose(engine: &Engine, view: &View, jwt: &Jwt<'_>, named: Option<&str>) -> Result<Choice, Rejection> {
    let issuers = engine.issuers_named(view, &jwt.issuer);
    if issuers.is_empty() {
        return Err(invalid("The token's issuer is not trusted here"));
    }
    if let [only] = issuers.as_slice() {
        return Ok(Choice::of(only));
    }
    let of_tenant =
        |id: &str| issuers.iter().find(|issuer| issuer.tenant.as_ref().is_some_and(|own| own.as_str() == id));
    let Some(platform) = issuers.iter().find(|issuer| issuer.tenant.is_none()) else {
        let claims_own = |issuer: &&Arc<Issuer>| match issuer.home(&jwt.claims) {
            Home::Tenant(tenant) => issuer.tenant.as_ref() == Some(&tenant),
            Home::Elsewhere | Home::Unsaid => false,
        };
        let chosen = issuers.iter().find(claims_own).or_else(|| named.and_then(of_tenant));
        let chosen = chosen.map(Choice::of);
        return chosen.ok_or_else(|| invalid("Several tenants trust the token's issuer: name one of them"));
    };
    let (chosen, is_claimed) = match platform.home(&jwt.claims) {
        Home::Tenant(tenant) => (of_tenant(tenant.as_str()), true),
        Home::Elsewhere => (None, false),
        Home::Unsaid => (named.and_then(of_tenant), false),
    };
    Ok(match chosen {
        Some(issuer) => Choice { issuer: issuer.clone(), platform: Some(platform.clone()), is_claimed },
        None => Choice::of(platform),
    })
}
