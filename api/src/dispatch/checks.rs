//! Checks 2 to 7, in their order.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Method;
use scaivault_commands::audit::EntryFacts;
use scaivault_commands::request::{Handed, IdempotentRequest};
use scaivault_commands::{EntryDraft, Failure};
use scaivault_domain::access::{self, Caller, Narrowing, Target};
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, IdentityId, Owner, Rejection, Scope, Scopes, SecretPath, id};
use scaivault_projections::outcomes::OutcomeKey;

use super::arrival::Arrival;
use super::body;
use crate::app::App;
use crate::authentication::{Origin, Rejected, authenticate};
use crate::call::Call;
use crate::category::Category;
use crate::fields::Fields;
use crate::headers::{IDEMPOTENCY_KEY, POSITION, TENANT, single};
use crate::json::{Members, invalid};
use crate::operation::{self, Operation, Place};
use crate::query::Query;
use crate::rate_limit::Level;
use crate::router::{Captures, Matched};
use crate::{conditions, context, error};

/// How long a node waits for a position that a client names.
const POSITION_PATIENCE: Duration = Duration::from_secs(2);

/// A caller that may use an operation at a place.
pub(super) struct Admitted {
    pub(super) caller: Arc<Caller>,
    pub(super) target: Target,
    pub(super) entry: EntryDraft,
    pub(super) level: Level,
}

/// A refusal in checks 3 to 6, with what is known of the caller by then.
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) entry: EntryDraft,
    pub(super) level: Option<Level>,
    pub(super) caller: Option<Arc<Caller>>,
}

/// Check 2: requests are served, and what they see is up to date.
pub(super) async fn able(app: &App, category: Category) -> Result<(), Rejection> {
    if !*app.serving.borrow() {
        return Err(error::unavailable("starting"));
    }
    let up_to_date = match category {
        // Nothing in these answers tells of reads.
        Category::SecretsRead | Category::BatchRead | Category::SecretsWrite | Category::SecretsDelete => {
            app.engine.changes_barrier().await
        }
        Category::SecretsList
        | Category::BatchMetadata
        | Category::AuditQuery
        | Category::AuditExport
        | Category::PolicyOps
        | Category::PolicyTest
        | Category::WebhookOps
        | Category::SubscriptionOps
        | Category::SubscriptionPoll
        | Category::IdentityRead
        | Category::IdentitySync
        | Category::Auth
        | Category::Public => app.engine.read_barrier().await,
    };
    up_to_date.map_err(|failure| error::rejection_of(&failure))
}

/// Checks 3 to 6.
pub(super) async fn admit(
    app: &App,
    arrival: &Arrival,
    matched: &Matched,
    scopes: &'static [Scope],
) -> Result<Admitted, Box<Refusal>> {
    let operation = matched.operation;
    let view = app.engine.projections().view();
    let origin = origin(arrival, named_tenant(arrival, matched));
    let authenticated = authenticate(app, &view, &arrival.headers, origin).await;
    let caller = match authenticated {
        Ok(Ok(caller)) => Arc::new(caller),
        Ok(Err(rejected)) => return Err(Box::new(unauthenticated(app, arrival, matched, rejected))),
        Err(failure) => {
            let entry = entry(arrival, operation, Owner::Platform, None, &matched.captures);
            return Err(Box::new(Refusal { failure, entry, level: None, caller: None }));
        }
    };
    let own = context::own(&caller);
    let mut entry = entry(arrival, operation, own.owner, Some(&caller), &matched.captures);
    let mut level = None;
    let checked = (|| -> Result<Target, Rejection> {
        let taken = app.rate_limits.take(&bucket_of(&caller), operation.category, 1, arrival.started);
        level = Some(taken.unwrap_or_else(|exhausted| exhausted.level));
        taken.map_err(|exhausted| limited(exhausted.category, exhausted.retry_after))?;
        if !caller.narrowing.permits_address(arrival.address) {
            return Err(access::address_not_allowed());
        }
        let target = context::resolve(&view, &caller, operation, matched.tenant.as_deref(), &arrival.headers)?;
        entry.owner = target.owner.clone();
        match scopes.iter().find(|scope| !caller.scopes.grants(**scope)) {
            Some(missing) => Err(lacks(operation, *missing)),
            None => Ok(target),
        }
    })();
    match (checked, level) {
        (Ok(target), Some(level)) => Ok(Admitted { caller, target, entry, level }),
        (Ok(_), None) => {
            Err(Box::new(Refusal { failure: Failure::unavailable("overload"), entry, level, caller: Some(caller) }))
        }
        (Err(rejection), level) => {
            Err(Box::new(Refusal { failure: rejection.into(), entry, level, caller: Some(caller) }))
        }
    }
}

fn origin<'a>(arrival: &Arrival, named: Option<&'a str>) -> Origin<'a> {
    Origin { named, address: Some(arrival.address), at: arrival.started }
}

/// The tenant that a request names, by its path or by header; not validated.
fn named_tenant<'a>(arrival: &'a Arrival, matched: &'a Matched) -> Option<&'a str> {
    let header = || arrival.headers.get(TENANT).and_then(|value| value.to_str().ok());
    matched.tenant.as_deref().or_else(header)
}

/// Check 4 of an open operation, which draws on the bucket of the client's address.
pub(super) fn open(app: &App, arrival: &Arrival, matched: &Matched) -> Result<Admitted, Box<Refusal>> {
    let operation = matched.operation;
    let target = Target { owner: Owner::Platform, partner: None };
    let entry = entry(arrival, operation, target.owner.clone(), None, &matched.captures);
    match app.rate_limits.take(&arrival.address.to_string(), Category::Public, 1, arrival.started) {
        Ok(level) => Ok(Admitted { caller: Arc::new(nobody()), target, entry, level }),
        Err(exhausted) => {
            let failure = limited(exhausted.category, exhausted.retry_after).into();
            // Recorded like other floods from an address.
            let entry = EntryDraft { action: Action::AuthFailure, ..entry };
            Err(Box::new(Refusal { failure, entry, level: Some(exhausted.level), caller: None }))
        }
    }
}

/// `rate_limited`.
pub(crate) fn limited(category: Category, retry_after: u64) -> Rejection {
    metrics::counter!("scaivault_rate_limit_hits_total", "category" => category.as_str()).increment(1);
    Rejection::new(ErrorCode::RateLimited, format!("Too many requests; try again in {retry_after} s"))
        .detail("category", category.as_str())
        .detail("retry_after", retry_after)
}

pub(crate) fn lacks(operation: &Operation, scope: Scope) -> Rejection {
    let required = operation.required(scope);
    Rejection::denied("insufficient_scope", format!("The token lacks the scope {required}"))
        .detail("required_scope", required)
}

fn unauthenticated(app: &App, arrival: &Arrival, matched: &Matched, rejected: Rejected) -> Refusal {
    let owner = rejected.tenant.clone().map_or(Owner::Platform, Owner::Tenant);
    // What somebody unknown writes into a path is nobody's.
    let nothing = Captures::default();
    let captures = if rejected.identity.is_some() { &matched.captures } else { &nothing };
    let mut entry = entry(arrival, matched.operation, owner, None, captures);
    entry.action = Action::AuthFailure;
    entry.identity = rejected.identity;
    entry.acting_tenant = rejected.tenant;
    entry.facts.token = rejected.token;
    let (level, rejection) = origin(arrival, None).count(app, rejected.rejection);
    metrics::counter!("scaivault_auth_failures_total", "reason" => rejection.code.as_str()).increment(1);
    Refusal { failure: rejection.into(), entry, level: Some(level), caller: None }
}

fn entry(
    arrival: &Arrival,
    operation: &Operation,
    owner: Owner,
    caller: Option<&Arc<Caller>>,
    captures: &Captures,
) -> EntryDraft {
    let names_secret = operation.path.contains("{path}");
    let secret_path = names_secret.then(|| SecretPath::parse(captures.first()).ok()).flatten();
    // The trail of a secret is about both.
    let is_audit = operation.path.starts_with("/v1/audit/");
    let resource = (secret_path.is_none() || is_audit).then(|| resource(operation, captures));
    EntryDraft {
        owner,
        action: operation.action.unwrap_or(Action::Read),
        identity: caller.map(|caller| caller.identity.clone()),
        acting_tenant: caller.and_then(|caller| caller.tenant.clone()),
        secret_path: secret_path.map(|path| path.shared()),
        secret_version: None,
        resource,
        source_ip: Some(arrival.address),
        user_agent: arrival.user_agent.clone(),
        request_id: arrival.request_id.clone(),
        arrived_at: arrival.at,
        started: arrival.started,
        facts: EntryFacts {
            token: caller.and_then(|caller| caller.token.clone()),
            caller: caller.cloned(),
            partner_secrets: operation.place == Place::Partner,
            rotation: operation.action == Some(Action::Rotate),
            ..EntryFacts::default()
        },
    }
}

/// What a request concerns where it is not one secret: its route without `/v1/`. Of what the client
/// wrote only well-formed ids are taken over; anything else could be a token pasted by mistake.
fn resource(operation: &Operation, captures: &Captures) -> String {
    let mut captures = captures.iter();
    let mut resource = String::new();
    // What is generated concerns the policy, not a thing of its own.
    let is_generated = operation.action == Some(Action::SecretPolicyGenerate);
    let path = operation.path.strip_suffix("/generate").filter(|_| is_generated).unwrap_or(operation.path);
    for segment in path.trim_start_matches("/v1/").split('/') {
        let told = match segment.starts_with('{') {
            true => captures.next().filter(|text| id::is_shaped(text)),
            false => Some(segment),
        };
        let Some(told) = told else { break };
        if !resource.is_empty() {
            resource.push('/');
        }
        resource.push_str(told);
    }
    resource
}

/// Whose bucket a caller draws on: the same identity in two tenants has two.
pub(crate) fn bucket_of(caller: &Caller) -> String {
    let place = caller.tenant.as_ref().map(|tenant| tenant.as_str());
    let place = place.or(caller.partner.as_ref().map(|partner| partner.as_str())).unwrap_or_default();
    let identity = caller.identity.as_str();
    let mut bucket = String::with_capacity(place.len() + 1 + identity.len());
    bucket.push_str(place);
    bucket.push(' ');
    bucket.push_str(identity);
    bucket
}

impl Admitted {
    /// The call that the handler gets.
    pub(super) fn into_call(self, app: &Arc<App>, arrival: &Arrival, matched: Matched) -> Call {
        let operation = matched.operation;
        let named_tenant = named_tenant(arrival, &matched).map(str::to_owned);
        Call {
            named_tenant,
            app: app.clone(),
            operation,
            entry: self.entry,
            caller: self.caller,
            target: self.target,
            captures: matched.captures,
            candidates: OnceLock::new(),
            query: Query::parse(arrival.query(), operation),
            headers: arrival.headers.clone(),
            body: Bytes::new(),
            idempotency: None,
            claim: None,
            handed: Handed::default(),
        }
    }
}

/// Check 7: what can be said of headers and body without looking at values.
pub(super) async fn format(call: &mut Call, arrival: &Arrival, body: Body) -> Result<(), Failure> {
    if call.operation.method != Method::GET {
        call.body = body::read(&call.headers, body, call.operation.body).await?;
    }
    conditions::of(&call.headers)?;
    if call.operation.body == operation::Body::None && !call.body.is_empty() {
        let body = call.body.clone();
        Fields::new(Members::of_checked_body(&body)).finish(&mut call.query.faults);
    }
    if call.operation.idempotent {
        call.idempotency = idempotency(call, arrival)?;
    }
    if let Some(position) = single(&call.headers, &POSITION)? {
        let digits = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let position = position.parse::<u64>().ok().filter(|_| digits);
        let position = position.ok_or_else(|| invalid("The header X-ScaiVault-Position must be a decimal integer"))?;
        call.app.engine.wait_for_position(position, POSITION_PATIENCE).await?;
    }
    Ok(())
}

fn idempotency(call: &Call, arrival: &Arrival) -> Result<Option<IdempotentRequest>, Failure> {
    let Some(key) = single(&call.headers, &IDEMPOTENCY_KEY)? else { return Ok(None) };
    if !(1..=255).contains(&key.len()) || !key.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(invalid("The header Idempotency-Key must have 1 to 255 printable ASCII characters").into());
    }
    let power = power(&call.caller)?;
    let parts = [
        arrival.method.as_str().as_bytes(),
        arrival.uri.path().as_bytes(),
        arrival.query().as_bytes(),
        &call.body,
        &power,
    ];
    let key = OutcomeKey {
        owner: call.target.owner.clone(),
        identity: call.caller.identity.clone(),
        key_sha256: crate::digest::sha256_hex(&[key.as_bytes()]).into(),
    };
    Ok(Some(IdempotentRequest { key, request_sha256: crate::digest::sha256_hex(&parts) }))
}

/// What tells a token from others of its identity that can do more or less: an answer may show a credential that only
/// the first could have asked for. Renewed, with the same power, it is the same.
fn power(caller: &Caller) -> Result<Vec<u8>, Failure> {
    let Caller { tenant, partner, scopes, roles, narrowing, .. } = caller;
    let mut roles = roles.clone();
    roles.sort_unstable();
    roles.dedup();
    Ok(serde_json::to_vec(&(tenant, partner, scopes, roles, narrowing))?)
}

/// The caller of operations that take no token.
fn nobody() -> Caller {
    Caller {
        identity: IdentityId::system("system:public"),
        display_name: "".into(),
        tenant: None,
        partner: None,
        scopes: Scopes::default(),
        roles: Vec::new(),
        groups: Vec::new(),
        token: None,
        jwt: None,
        token_expires_at: None,
        mfa_verified_at: None,
        narrowing: Narrowing::default(),
    }
}

/// The call of a public operation: nobody, nowhere.
pub(super) fn public_call(app: &Arc<App>, arrival: &Arrival, operation: &'static Operation) -> Call {
    let target = Target { owner: Owner::Platform, partner: None };
    let admitted = Admitted {
        caller: Arc::new(nobody()),
        entry: entry(arrival, operation, target.owner.clone(), None, &Captures::default()),
        target,
        level: app.rate_limits.level(&arrival.address.to_string(), Category::Public, arrival.started),
    };
    admitted.into_call(app, arrival, Matched { operation, captures: Captures::default(), tenant: None })
}
