//! `GET /v1/policies/replay/{id}`: how a replay is doing, and what it has found.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::Condition;
use scaivault_domain::policy::replay::{After, Difference, Proposal, ReplayFilters};
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Rejection, Role, Scope, Timestamp};
use scaivault_projections::audit::{FoundEntry, Place as EntryPlace, Position};
use scaivault_projections::decisions::RecordedDecision;
use scaivault_projections::replay::Found;
use scaivault_projections::replays::{HeldReplay, ReplayOutcome};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::audit::input::{oldest, place, place_text};
use crate::routes::secrets::list::{CURSOR, LIMIT};

/// The operation.
pub static STATUS: Operation = Operation {
    method: Method::GET,
    path: "/v1/policies/replay/{id}",
    id: "read_policy_replay",
    summary: "Shows how a replay of decisions is doing, and which decisions would have come out otherwise.",
    access: Access::Scopes(&[Scope::AuditRead, Scope::PoliciesRead]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        Parameter {
            name: "change",
            shape: Shape::Choice(&["allowed_to_denied", "denied_to_allowed"]),
            meaning: "Only decisions that change so.",
        },
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("PolicyReplay"))],
    errors: &[ErrorCode::NotFound, ErrorCode::InvalidCursor],
    handler: |call| Box::pin(show(call)),
};

#[derive(Serialize)]
struct Shown<'a> {
    id: &'a str,
    status: &'static str,
    base: &'static str,
    from: Timestamp,
    to: Timestamp,
    filters: &'a ReplayFilters,
    decisions_total: u64,
    decisions_evaluated: u64,
    changed: Changed,
    error: Option<Error<'a>>,
    created_at: Timestamp,
    created_by: &'a IdentityId,
    completed_at: Option<Timestamp>,
    changes: Vec<Change>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Changed {
    allowed_to_denied: u64,
    denied_to_allowed: u64,
}

#[derive(Serialize)]
struct Error<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Change {
    entry_id: String,
    request_id: Option<String>,
    timestamp: Timestamp,
    identity_type: Option<IdentityType>,
    identity_id: Option<IdentityId>,
    permission: Option<Permission>,
    path: Option<String>,
    before: Outcome,
    after: Outcome,
}

#[derive(Default, Serialize)]
struct Outcome {
    verdict: &'static str,
    code: Option<String>,
    failed_condition: Option<String>,
    policy_id: Option<String>,
    policy_revision: Option<u64>,
    rule_index: Option<usize>,
    role: Option<Role>,
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let change = call.query.choice("change");
    let limit = call.query.limit(50, 200);
    call.query.finish()?;
    let engine = call.app.engine.clone();
    let owner = call.target.owner.clone();
    let filters = format!("{}\u{1d}{}", call.captures.first(), call.query.filters());
    let binding = Binding { operation: call.operation.id, owner: &owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    let unknown = || Rejection::new(ErrorCode::NotFound, "Replay not found");
    let view = engine.projections().view();
    let held = ReplayId::parse(call.captures.first()).and_then(|id| view.replays.of(&owner).get(&id).cloned());
    let held = held.filter(|held| !held.is_over(call.now())).ok_or_else(unknown)?;
    let found = engine.policy_replay_found(&held).await?;
    let is_running = held.end.is_none() && found.is_some();
    let found = found.unwrap_or_default();
    let is_asked_for = |difference: &&Difference| {
        let fits = match change.as_deref() {
            None => true,
            Some(word) => (word == "denied_to_allowed") == difference.after.is_allowed(),
        };
        fits && after.is_none_or(|after| at(difference) > after)
    };
    let mut page: Vec<Difference> = found.differences.iter().filter(is_asked_for).take(limit + 1).cloned().collect();
    let has_more = page.len() > limit;
    page.truncate(limit);
    let places: Vec<_> = page.iter().map(at).collect();
    let entries = engine.audit().entries_at(&owner, &places).await.map_err(Failure::from)?;
    let changes = entries.iter().filter_map(|entry| {
        let difference = page.iter().find(|difference| at(difference) == entry.place)?;
        Some(told(entry, &difference.after))
    });
    let mut changes = changes.collect::<Result<Vec<_>, Failure>>()?;
    let oldest = oldest(call, std::slice::from_ref(&owner));
    changes.retain(|change| change.timestamp >= oldest);
    let last = places.last().filter(|_| has_more).map(|last| place_text(*last));
    let cursor = last.map(|key| binding.cursor(&engine, &key)).transpose()?;
    Ok(Done::json(&shown(&held, is_running, &found, changes, cursor))?)
}

fn at(difference: &Difference) -> EntryPlace {
    EntryPlace { position: Position(difference.position), index: difference.index }
}

fn shown<'a>(
    held: &'a HeldReplay,
    is_running: bool,
    found: &Found,
    changes: Vec<Change>,
    cursor: Option<String>,
) -> Shown<'a> {
    let outcome = held.end.as_ref().map(|end| &end.outcome);
    let (status, error) = match outcome {
        None if is_running => ("running", None),
        None => ("pending", None),
        Some(ReplayOutcome::Completed { .. }) => ("completed", None),
        Some(ReplayOutcome::Failed { code, message }) => ("failed", Some(Error { code, message })),
    };
    let created = &held.created;
    Shown {
        id: created.id.as_str(),
        status,
        base: created.base.as_str(),
        from: created.from,
        to: created.to,
        filters: &created.filters,
        decisions_total: if is_running { found.way.expected(found.evaluated) } else { found.evaluated },
        decisions_evaluated: found.evaluated,
        changed: Changed { allowed_to_denied: found.allowed_to_denied, denied_to_allowed: found.denied_to_allowed },
        error,
        created_at: held.created_at,
        created_by: &held.created_by,
        completed_at: held.end.as_ref().map(|end| end.at),
        changes,
        has_more: cursor.is_some(),
        cursor,
    }
}

/// A decision as it was recorded, and as it would have been.
fn told(entry: &FoundEntry, after: &After) -> Result<Change, Failure> {
    let decision = RecordedDecision::of(entry)?;
    let was_denied = after.is_allowed();
    let before = Outcome {
        verdict: if was_denied { "denied" } else { "allowed" },
        code: decision.error_code.filter(|_| was_denied),
        failed_condition: decision.failed_condition,
        policy_id: decision.policy_id,
        policy_revision: decision.policy_revision,
        rule_index: decision.rule_index,
        role: decision.recollection.role,
    };
    Ok(Change {
        entry_id: decision.id,
        request_id: entry.request_id(),
        timestamp: decision.timestamp,
        identity_type: decision.identity_type,
        identity_id: decision.identity_id,
        permission: decision.permission.as_deref().and_then(Permission::parse),
        path: decision.path,
        before,
        after: outcome(after),
    })
}

fn outcome(after: &After) -> Outcome {
    match after {
        After::Allowed { policy, revision, rule_index } => Outcome {
            verdict: "allowed",
            policy_id: (!Proposal::is_added(policy)).then(|| policy.to_string()),
            policy_revision: *revision,
            rule_index: usize::try_from(*rule_index).ok(),
            ..Outcome::default()
        },
        After::Denied { failed_condition } => Outcome {
            verdict: "denied",
            code: Some(failed_condition.map_or(ErrorCode::AccessDenied, Condition::code).as_str().to_owned()),
            failed_condition: failed_condition.map(|condition| condition.as_str().to_owned()),
            ..Outcome::default()
        },
    }
}
