//! `GET /v1/policies/explain/{request_id}`: why a past request was allowed or denied, from what was
//! recorded with it. Nothing is judged anew.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::policy::record::Recollection;
use scaivault_domain::policy::{Condition, Conditions};
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Rejection, Role, Scope, Timestamp};
use scaivault_projections::audit::{Filter, Order, PathFilter, Position, Query};
use scaivault_projections::decisions::RecordedDecision;
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::audit::input::{place, place_text, retained};
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static EXPLAIN: Operation = Operation {
    method: Method::GET,
    path: "/v1/policies/explain/{request_id}",
    id: "explain_request",
    summary: "Tells why a past request was allowed or denied, and the smallest rule that would have allowed it.",
    access: Access::Scopes(&[Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyTest,
    action: Some(Action::Read),
    idempotent: false,
    query: &[Parameter { name: "path", shape: Shape::Text, meaning: "One path of a batch." }, LIMIT, CURSOR],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("Decisions"))],
    errors: &[ErrorCode::NotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(explain(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    request_id: &'a str,
    decisions: Vec<Told<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

/// A decision, told again.
#[derive(Serialize)]
struct Told<'a> {
    entry_id: &'a str,
    timestamp: Timestamp,
    identity_type: Option<IdentityType>,
    identity_id: Option<&'a IdentityId>,
    verdict: &'static str,
    code: Option<&'a str>,
    reason: Option<&'a str>,
    failed_condition: Option<&'a str>,
    permission: Option<Permission>,
    path: Option<&'a str>,
    policy_id: Option<&'a str>,
    policy_revision: Option<u64>,
    rule_index: Option<usize>,
    role: Option<Role>,
    evaluated: Vec<Evaluated<'a>>,
    smallest_change: Option<SmallestChange<'a>>,
}

/// How a rule stood.
#[derive(Serialize)]
struct Evaluated<'a> {
    policy_id: &'a str,
    policy_revision: u64,
    name: &'a str,
    rule_index: usize,
    path_matched: bool,
    permission_matched: bool,
    failed_condition: Option<&'static str>,
}

/// The smallest rule that would have allowed it, and to whom to bind it.
#[derive(Serialize)]
struct SmallestChange<'a> {
    rule: SmallestRule<'a>,
    identity_type: Option<IdentityType>,
    identity_id: Option<&'a IdentityId>,
    dropped_conditions: &'a [String],
}

#[derive(Serialize)]
struct SmallestRule<'a> {
    path_pattern: &'a str,
    permissions: [Permission; 1],
    conditions: Conditions,
}

async fn explain(call: &mut Call) -> Result<Done, Stop> {
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    call.entry.resource = Some("policies/explain".into());
    let unknown = || Rejection::new(ErrorCode::NotFound, "No decision of such a request is recorded here");
    let request_id = call.captures.first().to_owned();
    let owner = call.target.owner.clone();
    let engine = call.app.engine.clone();
    let filters = format!("{}{request_id}", call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    let path = call.query.text("path").map(|path| PathFilter::Exact(path.into()));
    let mut filter = Filter { request_id: Some(request_id.as_str().into()), ..Filter::default() };
    retained(call, std::slice::from_ref(&owner), &mut filter);
    engine.audit_barrier().await?;
    let owners = [owner.clone()];
    let order = Order::OldestFirst;
    let all = Query { owners: &owners, filter: &filter, after: None, after_position: Position::START, order, limit: 1 };
    if engine.audit().page(&all).await.map_err(Failure::from)?.entries.is_empty() {
        return Err(unknown().into());
    }
    let of_path = Filter { path, ..filter.clone() };
    let page = engine.audit().page(&Query { filter: &of_path, after, limit, ..all }).await.map_err(Failure::from)?;
    let last = page.entries.last().filter(|_| page.has_more).map(|last| place_text(last.place));
    let cursor = last.map(|key| binding.cursor(&engine, &key)).transpose()?;
    let found = page.entries.iter().map(RecordedDecision::of).collect::<Result<Vec<_>, _>>().map_err(Failure::from)?;
    let decisions = found.iter().map(told).collect();
    Ok(Done::json(&Page { request_id: &request_id, decisions, cursor, has_more: page.has_more })?)
}

fn told(decision: &RecordedDecision) -> Told<'_> {
    let RecordedDecision { recollection, .. } = decision;
    let code = decision.error_code.as_deref();
    let is_denied = code.and_then(ErrorCode::parse).is_some_and(|code| matches!(code.status(), 401 | 403));
    let permission = decision.permission.as_deref().and_then(Permission::parse);
    let by_policy = recollection.candidates.is_some();
    Told {
        entry_id: &decision.id,
        timestamp: decision.timestamp,
        identity_type: decision.identity_type,
        identity_id: decision.identity_id.as_ref(),
        verdict: if is_denied { "denied" } else { "allowed" },
        code,
        reason: reason(recollection).filter(|_| is_denied),
        failed_condition: decision.failed_condition.as_deref(),
        permission,
        path: decision.path.as_deref(),
        policy_id: decision.policy_id.as_deref(),
        policy_revision: decision.policy_revision,
        rule_index: decision.rule_index,
        role: recollection.role,
        evaluated: evaluated(recollection),
        smallest_change: permission.filter(|_| by_policy).and_then(|permission| smallest(decision, permission)),
    }
}

fn reason(recollection: &Recollection) -> Option<&str> {
    let by_policy =
        recollection.candidates.as_ref().map(|candidates| match (candidates.is_empty(), recollection.held.is_some()) {
            (true, _) => "no_policy_bound",
            (false, true) => "condition_failed",
            (false, false) => "no_matching_rule",
        });
    by_policy.or(recollection.denial.as_deref())
}

fn evaluated(recollection: &Recollection) -> Vec<Evaluated<'_>> {
    let candidates = recollection.candidates.iter().flatten();
    let rules =
        candidates.flat_map(|policy| policy.stood().enumerate().map(move |(index, rule)| (policy, index, rule)));
    rules
        .map(|(policy, rule_index, rule)| Evaluated {
            policy_id: policy.id.as_str(),
            policy_revision: policy.revision,
            name: &policy.name,
            rule_index,
            path_matched: rule.path_matched,
            permission_matched: rule.permission_matched,
            failed_condition: rule.failed_condition.map(Condition::as_str),
        })
        .collect()
}

fn smallest(decision: &RecordedDecision, permission: Permission) -> Option<SmallestChange<'_>> {
    Some(SmallestChange {
        rule: SmallestRule {
            path_pattern: decision.path.as_deref()?,
            permissions: [permission],
            conditions: decision.recollection.held.clone().unwrap_or_default(),
        },
        identity_type: decision.identity_type,
        identity_id: decision.identity_id.as_ref(),
        dropped_conditions: &decision.recollection.dropped,
    })
}
