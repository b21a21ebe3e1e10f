//! What a rule of exchange says, read from a body.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_commands::issuer;
use scaivault_domain::access::Caller;
use scaivault_domain::exchange::{ClaimRule, ExchangeContent, MAX_CLAIMS, MAX_NAME, TTL_SECONDS};
use scaivault_domain::id::IssuerId;
use scaivault_domain::issuer::SubjectPattern;
use scaivault_domain::{DurationText, ErrorCode, IdentityId, Rejection, Scopes};
use serde_json::Value;

use crate::fields::{Faults, Fields, not_null};
use crate::routes::issuers::input::{name, scopes};

/// Longest name of a claim, in bytes.
const MAX_CLAIM: usize = 256;

/// Fields of a rule, each as far as it was given.
pub(super) struct Given {
    name: Option<Arc<str>>,
    issuer_id: Option<String>,
    subject: Option<SubjectPattern>,
    claims: Option<BTreeMap<String, Option<ClaimRule>>>,
    identity: Option<String>,
    scopes: Option<Scopes>,
    ttl: Option<Option<DurationText>>,
    is_active: Option<Option<bool>>,
    /// Whether `claims` was `null`: none are wanted.
    drops_claims: bool,
}

/// Reads what is given; with `whole`, what has no default must be.
pub(super) fn given(fields: &mut Fields<'_>, whole: bool, faults: &mut Faults) -> Given {
    for field in ["name", "issuer_id", "subject", "identity_id", "scopes"].into_iter().filter(|_| whole) {
        if !fields.has(field) {
            faults.field(field, "is required");
        }
    }
    let subject = fields.text("subject", faults);
    let subject = not_null(subject, "subject", faults).and_then(|text| {
        let pattern = SubjectPattern::parse(&text);
        if pattern.is_none() {
            faults.field("subject", "must have 1 to 512 characters");
        }
        pattern
    });
    let issuer_id = fields.text("issuer_id", faults);
    let identity = fields.text("identity_id", faults);
    let scopes = scopes(fields, "scopes", faults).flatten();
    if scopes.is_some_and(Scopes::is_empty) {
        faults.field("scopes", "must hold at least one scope");
    }
    let ttl = fields.duration("ttl", faults);
    if ttl.iter().flatten().any(|ttl| !TTL_SECONDS.contains(&ttl.seconds())) {
        faults.field("ttl", "must be from 1m to 12h");
    }
    let claims = fields.object("claims", faults);
    Given {
        name: name(fields, MAX_NAME, faults),
        issuer_id: not_null(issuer_id, "issuer_id", faults),
        subject,
        drops_claims: matches!(claims, Some(None)),
        claims: claims.flatten().map(|fields| self::claims(fields, faults)),
        identity: not_null(identity, "identity_id", faults),
        scopes,
        ttl,
        is_active: fields.boolean("is_active", faults),
    }
}

fn claims(mut fields: Fields<'_>, faults: &mut Faults) -> BTreeMap<String, Option<ClaimRule>> {
    let mut claims = BTreeMap::new();
    for (name, raw) in fields.rest() {
        let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let (is_null, rule) = (value.is_null(), ClaimRule::parse(value));
        if !(1..=MAX_CLAIM).contains(&name.len()) {
            faults.field("claims", "must have names of 1 to 256 characters");
        } else if rule.is_none() && !is_null {
            let rule = "must be a string, a number, a boolean, or an array of 1 to 50 of them";
            faults.field(format!("claims.{name}"), rule);
        }
        claims.insert(name.into_owned(), rule);
    }
    claims
}

impl Given {
    /// A rule that says just this.
    pub(super) fn alone(&self, caller: &Caller) -> Result<ExchangeContent, Rejection> {
        // Only where there was one before can `null` take a claim away.
        if let Some((name, _)) = self.claims.iter().flatten().find(|(_, rule)| rule.is_none()) {
            return Err(Rejection::field(format!("claims.{name}"), "must not be null"));
        }
        let nothing = ExchangeContent {
            name: "".into(),
            issuer_id: IssuerId::parse(self.issuer_id.as_deref().unwrap_or_default()).ok_or_else(issuer::unknown)?,
            subject: SubjectPattern::any(),
            claims: BTreeMap::new(),
            identity: identity(self.identity.as_deref().unwrap_or_default())?,
            scopes: Scopes::default(),
            ttl: ttl()?,
            is_active: true,
            highest_role: None,
        };
        self.over(&nothing, caller)
    }

    /// What was said before, with what is given in its place. Its tokens get no role that whoever changes it lacks.
    pub(super) fn over(&self, before: &ExchangeContent, caller: &Caller) -> Result<ExchangeContent, Rejection> {
        let mut claims = if self.drops_claims { BTreeMap::new() } else { before.claims.clone() };
        for (name, rule) in self.claims.iter().flatten() {
            match rule {
                Some(rule) => _ = claims.insert(name.clone(), rule.clone()),
                None => _ = claims.remove(name),
            }
        }
        if claims.len() > MAX_CLAIMS {
            return Err(Rejection::field("claims", "must have at most 50 members"));
        }
        let subject = self.subject.clone().unwrap_or_else(|| before.subject.clone());
        if subject.is_any() && claims.is_empty() {
            return Err(Rejection::field("subject", "must not be a bare * without claims"));
        }
        let issuer_id = match &self.issuer_id {
            None => before.issuer_id.clone(),
            Some(id) => IssuerId::parse(id).ok_or_else(issuer::unknown)?,
        };
        let identity = match &self.identity {
            None => before.identity.clone(),
            Some(id) => identity(id)?,
        };
        let of_caller = caller.roles.iter().copied().min();
        Ok(ExchangeContent {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            issuer_id,
            subject,
            claims,
            identity,
            scopes: self.scopes.unwrap_or(before.scopes),
            ttl: match &self.ttl {
                None => before.ttl.clone(),
                Some(None) => ttl()?,
                Some(Some(given)) => given.clone(),
            },
            is_active: self.is_active.map_or(before.is_active, |given| given.unwrap_or(true)),
            // Roles that reach less are greater, and no bound is the least.
            highest_role: before.highest_role.max(of_caller),
        })
    }

    /// Refuses scopes that the caller lacks.
    pub(super) fn check_reach(&self, caller: &Caller) -> Result<(), Rejection> {
        match caller.scopes.missing(self.scopes.unwrap_or_default()) {
            None => Ok(()),
            Some(missing) => {
                Err(Rejection::denied("insufficient_scope", "A rule cannot give scopes that its maker lacks")
                    .detail("required_scope", missing.as_str()))
            }
        }
    }
}

fn identity(text: &str) -> Result<IdentityId, Rejection> {
    let unknown = || Rejection::new(ErrorCode::IdentityNotFound, "Identity not found");
    match text.strip_prefix("user:").filter(|name| name.contains('@')) {
        Some(email) => Ok(IdentityId::user(email)),
        None => IdentityId::parse(text).ok_or_else(unknown),
    }
}

/// Where none is given.
fn ttl() -> Result<DurationText, Rejection> {
    DurationText::parse("1h").ok_or_else(|| Rejection::field("ttl", "must be from 1m to 12h"))
}
