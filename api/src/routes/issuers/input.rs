//! What is said of an issuer, read from a body.

use std::sync::Arc;

use scaivault_commands::fetch::check_url;
use scaivault_commands::issuer::key_set::KeySet;
use scaivault_domain::access::{self, Caller};
use scaivault_domain::address::AddressRules;
use scaivault_domain::issuer::{Algorithm, ClaimMapping, IssuerContent, MAX_AUDIENCES, MAX_NAME, SubjectPattern};
use scaivault_domain::{ErrorCode, IdentityType, Rejection, Role, Scope, Scopes};
use serde_json::Value;

use crate::fields::{Faults, Fields, not_null};

/// Longest audience, and name of a claim, in bytes.
const MAX_TEXT: usize = 256;
/// Most bound subjects.
const MAX_SUBJECTS: usize = 50;
/// Longest `jwks` and `ca_pem`, in bytes.
const MAX_DOCUMENT: usize = 64 * 1024;

/// Fields of an issuer, each as far as it was given; inner `None` is `null`.
#[derive(Default)]
pub(super) struct Given {
    pub(super) name: Option<Arc<str>>,
    jwks_url: Option<Option<Arc<str>>>,
    jwks: Option<Option<Value>>,
    ca_pem: Option<Option<Arc<str>>>,
    audiences: Option<Vec<Arc<str>>>,
    algorithms: Option<Option<Vec<Algorithm>>>,
    claim_mapping: Option<Option<MappingGiven>>,
    identity_type: Option<Option<IdentityType>>,
    bound_subjects: Option<Option<Vec<SubjectPattern>>>,
    default_scopes: Option<Option<Scopes>>,
    allowed_roles: Option<Option<Vec<Role>>>,
    is_active: Option<Option<bool>>,
}

#[derive(Default)]
struct MappingGiven {
    identity: Option<Option<Arc<str>>>,
    tenant: Option<Option<Arc<str>>>,
    groups: Option<Option<Arc<str>>>,
    roles: Option<Option<Arc<str>>>,
    scopes: Option<Option<Arc<str>>>,
    mfa_time: Option<Option<Arc<str>>>,
}

/// For whom issuers are read: what URLs may be, and whether the issuer is a tenant's.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) rules: AddressRules,
    pub(super) of_tenant: bool,
}

/// An issuer of which nothing but its URL has been said.
pub(super) fn plain(issuer: &str) -> IssuerContent {
    IssuerContent {
        name: "".into(),
        issuer: issuer.into(),
        jwks_url: None,
        jwks: None,
        ca_pem: None,
        audiences: Vec::new(),
        algorithms: Algorithm::ALL.to_vec(),
        claim_mapping: ClaimMapping::default(),
        identity_type: IdentityType::User,
        bound_subjects: vec![SubjectPattern::any()],
        default_scopes: Scopes::default(),
        allowed_roles: Vec::new(),
        is_active: true,
    }
}

impl Given {
    /// What was said before, with what is given in its place; `null` is as if it had never been said.
    pub(super) fn over(&self, before: &IssuerContent) -> Result<IssuerContent, Rejection> {
        let never = plain(&before.issuer);
        let content = IssuerContent {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            issuer: before.issuer.clone(),
            jwks_url: self.jwks_url.clone().unwrap_or_else(|| before.jwks_url.clone()),
            jwks: self.jwks.clone().unwrap_or_else(|| before.jwks.clone()),
            ca_pem: self.ca_pem.clone().unwrap_or_else(|| before.ca_pem.clone()),
            audiences: self.audiences.clone().unwrap_or_else(|| before.audiences.clone()),
            algorithms: replaced(&self.algorithms, &before.algorithms, &never.algorithms),
            claim_mapping: match &self.claim_mapping {
                None => before.claim_mapping.clone(),
                Some(None) => never.claim_mapping,
                Some(Some(given)) => given.over(&before.claim_mapping),
            },
            identity_type: replaced(&self.identity_type, &before.identity_type, &never.identity_type),
            bound_subjects: replaced(&self.bound_subjects, &before.bound_subjects, &never.bound_subjects),
            default_scopes: replaced(&self.default_scopes, &before.default_scopes, &never.default_scopes),
            allowed_roles: replaced(&self.allowed_roles, &before.allowed_roles, &never.allowed_roles),
            is_active: replaced(&self.is_active, &before.is_active, &never.is_active),
        };
        match content.jwks.is_some() && content.jwks_url.is_some() {
            true => Err(Rejection::field("jwks", "must not be given together with jwks_url")),
            false => Ok(content),
        }
    }

    /// Refuses what the caller cannot give away because it does not have it.
    pub(super) fn check_reach(&self, caller: &Caller, of_tenant: bool) -> Result<(), Rejection> {
        if let Some(missing) = caller.scopes.missing(self.default_scopes.flatten().unwrap_or_default()) {
            return Err(Rejection::denied("insufficient_scope", "An issuer cannot give scopes that its maker lacks")
                .detail("required_scope", missing.as_str()));
        }
        for role in self.allowed_roles.iter().flatten().flatten() {
            if of_tenant && *role < Role::TenantAdmin {
                let sentence = format!("The issuer of a tenant cannot give the role {}", role.as_str());
                return Err(Rejection::new(ErrorCode::InvalidRole, sentence));
            }
            if !caller.has_role(*role) {
                return Err(access::role_required(*role));
            }
        }
        Ok(())
    }
}

impl MappingGiven {
    fn over(&self, before: &ClaimMapping) -> ClaimMapping {
        let kept = |given: &Option<Option<Arc<str>>>, before: &Option<Arc<str>>| match given {
            None => before.clone(),
            Some(given) => given.clone(),
        };
        ClaimMapping {
            identity: replaced(&self.identity, &before.identity, &ClaimMapping::default().identity),
            tenant: kept(&self.tenant, &before.tenant),
            groups: kept(&self.groups, &before.groups),
            roles: kept(&self.roles, &before.roles),
            scopes: kept(&self.scopes, &before.scopes),
            mfa_time: kept(&self.mfa_time, &before.mfa_time),
        }
    }
}

fn replaced<T: Clone>(given: &Option<Option<T>>, before: &T, never: &T) -> T {
    match given {
        None => before.clone(),
        Some(None) => never.clone(),
        Some(Some(given)) => given.clone(),
    }
}

/// Reads what is given; with `whole`, name and audiences must be.
pub(super) fn given(fields: &mut Fields<'_>, whole: bool, place: Place, faults: &mut Faults) -> Given {
    for field in ["name", "audiences"].into_iter().filter(|_| whole) {
        if !fields.has(field) {
            faults.field(field, "is required");
        }
    }
    let jwks_url = fields.text("jwks_url", faults).map(|url| url.map(Arc::from));
    if let Some(Some(url)) = &jwks_url
        && let Err(fault) = check_url(url, place.rules, place.of_tenant)
    {
        faults.field("jwks_url", fault);
    }
    let ca_pem = fields.text("ca_pem", faults).map(|pem| pem.map(Arc::from));
    if ca_pem.iter().flatten().any(|pem: &Arc<str>| pem.len() > MAX_DOCUMENT) {
        faults.field("ca_pem", "must have at most 64 KiB");
    }
    let is_active = fields.boolean("is_active", faults);
    let identity_type = fields.text("identity_type", faults).map(|text| {
        let kind = match text?.as_str() {
            "user" => Some(IdentityType::User),
            "service_account" => Some(IdentityType::ServiceAccount),
            _ => None,
        };
        if kind.is_none() {
            faults.field("identity_type", "must be user or service_account");
        }
        kind
    });
    Given {
        name: name(fields, MAX_NAME, faults),
        jwks_url,
        jwks: jwks(fields, faults),
        ca_pem,
        audiences: audiences(fields, faults),
        algorithms: algorithms(fields, faults),
        claim_mapping: mapping(fields, faults),
        identity_type,
        bound_subjects: subjects(fields, faults),
        default_scopes: scopes(fields, "default_scopes", faults),
        allowed_roles: roles(fields, faults),
        is_active,
    }
}

/// A name of 1 to `most` characters.
pub(crate) fn name(fields: &mut Fields<'_>, most: usize, faults: &mut Faults) -> Option<Arc<str>> {
    let name = fields.text("name", faults);
    let name = not_null(name, "name", faults);
    if name.as_ref().is_some_and(|name| !(1..=most).contains(&name.chars().count())) {
        faults.field("name", format!("must have 1 to {most} characters"));
    }
    name.map(Arc::from)
}

/// Known scopes; `null` is none.
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub(crate) fn scopes(fields: &mut Fields<'_>, field: &str, faults: &mut Faults) -> Option<Option<Scopes>> {
    let words = fields.texts(field, faults)?;
    let words = words.unwrap_or_default();
    for (index, _) in words.iter().enumerate().filter(|(_, word)| Scope::parse(word).is_none()) {
        faults.field(format!("{field}[{index}]"), "is not a known scope");
    }
    Some(Some(words.iter().filter_map(|word| Scope::parse(word)).collect()))
}

fn jwks(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Value>> {
    let raw = fields.raw("jwks")?;
    let value: Option<Value> = serde_json::from_str(raw.get()).ok().filter(|_| raw.get().len() <= MAX_DOCUMENT);
    match value {
        Some(Value::Null) => Some(None),
        Some(value @ Value::Object(_)) if !KeySet::is_private(&value) => Some(Some(value)),
        Some(Value::Object(_)) => {
            faults.field("jwks", "must hold public keys only");
            None
        }
        Some(_) | None => {
            faults.field("jwks", "must be a JWK set of at most 64 KiB");
            None
        }
    }
}

fn audiences(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Vec<Arc<str>>> {
    let texts = fields.texts("audiences", faults);
    let texts = not_null(texts, "audiences", faults)?;
    let sound = texts.iter().all(|text| (1..=MAX_TEXT).contains(&text.len()));
    if !sound || !(1..=MAX_AUDIENCES).contains(&texts.len()) {
        faults.field("audiences", "must hold 1 to 20 texts of 1 to 256 characters");
    }
    Some(texts.into_iter().map(Arc::from).collect())
}

fn algorithms(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Vec<Algorithm>>> {
    let Some(texts) = fields.texts("algorithms", faults)? else { return Some(None) };
    let mut algorithms: Vec<_> = texts.iter().filter_map(|text| Algorithm::parse(text)).collect();
    if algorithms.is_empty() || algorithms.len() < texts.len() {
        faults.field("algorithms", "must hold some of RS256, PS256, ES256, ES384, EdDSA");
    }
    let mut seen = Vec::new();
    algorithms.retain(|algorithm| !seen.contains(algorithm) && (seen.push(*algorithm), true).1);
    Some(Some(algorithms))
}

fn subjects(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Vec<SubjectPattern>>> {
    let Some(texts) = fields.texts("bound_subjects", faults)? else { return Some(None) };
    let patterns: Vec<_> = texts.iter().filter_map(|text| SubjectPattern::parse(text)).collect();
    if patterns.len() < texts.len() || !(1..=MAX_SUBJECTS).contains(&texts.len()) {
        faults.field("bound_subjects", "must hold 1 to 50 patterns of 1 to 512 characters");
    }
    Some(Some(patterns))
}

fn roles(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<Vec<Role>>> {
    let Some(texts) = fields.texts("allowed_roles", faults)? else { return Some(None) };
    for text in texts.iter().filter(|text| Role::parse(text).is_none()) {
        let known = Rejection::new(ErrorCode::InvalidRole, "allowed_roles holds a role that is not known");
        faults.special(if text.len() <= 64 { known.detail("role", text.as_str()) } else { known });
    }
    Some(Some(Role::ALL.into_iter().filter(|role| texts.iter().any(|text| text == role.as_str())).collect()))
}

fn mapping(fields: &mut Fields<'_>, faults: &mut Faults) -> Option<Option<MappingGiven>> {
    let Some(mut fields) = fields.object("claim_mapping", faults)? else { return Some(None) };
    let mut claim = |field: &str, faults: &mut Faults| {
        let name = fields.text(field, faults);
        if name.iter().flatten().any(|name| !(1..=MAX_TEXT).contains(&name.len())) {
            faults.field(fields.name(field), "must have 1 to 256 characters");
        }
        name.map(|name| name.map(Arc::from))
    };
    let given = MappingGiven {
        identity: claim("identity", faults),
        tenant: claim("tenant", faults),
        groups: claim("groups", faults),
        roles: claim("roles", faults),
        scopes: claim("scopes", faults),
        mfa_time: claim("mfa_time", faults),
    };
    fields.finish(faults);
    Some(Some(given))
}
