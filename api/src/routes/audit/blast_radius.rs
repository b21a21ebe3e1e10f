//! `GET /v1/audit/blast-radius`: what a leaked credential or a compromised identity could have taken along.

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::Secret;
use scaivault_domain::secret::read::{Selection, select};
use scaivault_domain::{ErrorCode, IdentityType, Owner, Rejection, Role, Scope, SecretPath, Timestamp};
use scaivault_projections::View;
use scaivault_projections::audit::{BlastRadius, Filter, Other, Reach, Reached};
use serde::Serialize;

use super::{FROM, LIMIT, TO, input, owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

/// Other readers that are named.
const MOST_OTHERS: usize = 100;

/// The operation.
pub static BLAST_RADIUS: Operation = Operation {
    method: Method::GET,
    path: "/v1/audit/blast-radius",
    id: "read_blast_radius",
    summary: "Shows what an identity or a token read in a period, who else read it since, and what to rotate.",
    access: Access::Scopes(&[Scope::AuditRead]),
    place: Place::Tenant,
    category: Category::AuditQuery,
    action: Some(Action::Read),
    idempotent: false,
    query: &[
        Parameter { name: "identity_id", shape: Shape::Text, meaning: "Who; this or token_id." },
        Parameter { name: "token_id", shape: Shape::Text, meaning: "With which token (tok_…) or key (key_…)." },
        FROM,
        TO,
        LIMIT,
        CURSOR,
    ],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("BlastRadius"))],
    errors: &[ErrorCode::InvalidCursor],
    handler: |call| Box::pin(show(call)),
};

#[derive(Serialize)]
struct Page<'a> {
    identity_id: Option<&'a str>,
    token_id: Option<&'a str>,
    from: Option<Timestamp>,
    to: Timestamp,
    summary: Summary,
    secrets: Vec<SecretRow<'a>>,
    certificates: [(); 0],
    leases: [(); 0],
    rotations: Vec<RotationRow<'a>>,
    cursor: Option<String>,
    has_more: bool,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Summary {
    secrets: usize,
    versions: usize,
    still_current: usize,
    certificates: usize,
    leases: usize,
    rotations: usize,
}

#[derive(Serialize)]
struct SecretRow<'a> {
    path: &'a str,
    secret_scope: &'static str,
    current_version: Option<u32>,
    still_current: bool,
    deleted: bool,
    versions: Vec<VersionRow>,
    others: Vec<OtherRow<'a>>,
    others_count: usize,
}

#[derive(Serialize)]
struct VersionRow {
    version: u32,
    is_current: bool,
    readable: bool,
    first_read_at: Timestamp,
    last_read_at: Timestamp,
    read_count: u64,
}

#[derive(Serialize)]
struct OtherRow<'a> {
    identity_id: &'a str,
    identity_type: Option<IdentityType>,
    version: u32,
    read_count: u64,
    last_read_at: Timestamp,
}

#[derive(Clone, Serialize)]
struct RotationRow<'a> {
    path: &'a str,
    secret_scope: &'static str,
    rotation_policy_id: Option<&'a str>,
    needs_value: bool,
}

/// One list of the answer after the other, cut into pages.
enum Row<'a> {
    Secret(SecretRow<'a>),
    Rotation(RotationRow<'a>),
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let (identity, token) = asked_about(call);
    let (from, to) = input::period(call);
    let limit = call.query.limit(super::DEFAULT_LIMIT, super::MAX_LIMIT);
    call.query.finish()?;
    owners(call, false)?;
    let engine = call.app.engine.clone();
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let skipped = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let skipped = skipped.and_then(|key| key.parse::<usize>().ok()).unwrap_or_default();
    let mut filter = Filter {
        from,
        to,
        identity: identity.as_deref().map(|identity| input::known_as(call, identity)),
        token: token.as_deref().map(Into::into),
        ..Filter::default()
    };
    input::retained(call, &call.target.owner, &mut filter);
    engine.audit_barrier().await?;
    let view = engine.projections().view();
    let now = call.now();
    let mut found = Vec::new();
    for (owner, scope, filter) in places(call, filter) {
        let radius = engine.audit().blast_radius(&owner, &filter).await.map_err(Failure::from)?;
        found.push((owner, scope, radius));
    }
    let rows: Vec<_> =
        found.iter().flat_map(|(owner, scope, radius)| secrets(&view, owner, scope, radius, now)).collect();
    let rotations: Vec<_> = rows.iter().filter(|row| row.still_current && !row.deleted).map(rotation).collect();
    let summary = Summary {
        secrets: rows.len(),
        versions: rows.iter().map(|row| row.versions.len()).sum(),
        still_current: rows.iter().filter(|row| row.still_current).count(),
        rotations: rotations.len(),
        ..Summary::default()
    };
    let all = rows.len() + rotations.len();
    let (mut secrets, mut due) = (Vec::new(), Vec::new());
    for row in
        rows.into_iter().map(Row::Secret).chain(rotations.into_iter().map(Row::Rotation)).skip(skipped).take(limit)
    {
        match row {
            Row::Secret(row) => secrets.push(row),
            Row::Rotation(row) => due.push(row),
        }
    }
    let shown = skipped.saturating_add(secrets.len() + due.len());
    let has_more = shown < all;
    let cursor = has_more.then(|| binding.cursor(&engine, &shown.to_string())).transpose()?;
    Ok(Done::json(&Page {
        identity_id: identity.as_deref(),
        token_id: token.as_deref(),
        from,
        to: to.unwrap_or(now),
        summary,
        secrets,
        certificates: [],
        leases: [],
        rotations: due,
        cursor,
        has_more,
    })?)
}

/// About whom, or about which token.
fn asked_about(call: &mut Call) -> (Option<String>, Option<String>) {
    let text = |name: &str| call.query.text(name).map(str::to_owned);
    let (identity, token) = (text("identity_id"), text("token_id"));
    if identity.is_some() == token.is_some() {
        call.query.faults.field("query.identity_id", "give either identity_id or token_id");
    }
    if token.as_deref().is_some_and(|token| !["tok_", "key_"].iter().any(|prefix| token.starts_with(prefix))) {
        call.query.faults.field("query.token_id", "must be the id of a token (tok_…) or key (key_…)");
    }
    (identity, token)
}

/// Where to look: among the tenant's secrets, and among those of its partner. Of the latter, others than the partner's
/// administrators see only what their own tenant reads.
fn places(call: &Call, filter: Filter) -> Vec<(Owner, &'static str, Filter)> {
    let mut places = vec![(call.target.owner.clone(), "tenant", filter.clone())];
    if let (Owner::Tenant(tenant), Some(partner)) = (&call.target.owner, &call.target.partner) {
        let administers = call.caller.has_role(Role::SuperAdmin)
            || (call.caller.has_role(Role::PartnerAdmin) && call.caller.partner.as_ref() == Some(partner));
        let acting_tenant = (!administers).then(|| tenant.as_str().into());
        let filter = Filter { acting_tenant, partner_secrets: true, ..filter };
        places.push((Owner::Partner(partner.clone()), "partner", filter));
    }
    places
}

fn secrets<'a>(
    view: &View,
    owner: &Owner,
    scope: &'static str,
    radius: &'a BlastRadius,
    now: Timestamp,
) -> Vec<SecretRow<'a>> {
    let catalogue = view.secrets(owner);
    let row = |(path, reached): (&'a std::sync::Arc<str>, &'a Reached)| {
        let parsed = SecretPath::parse(path).ok();
        let settled = parsed.as_ref().and_then(|path| catalogue.settled(path, now));
        let secret = settled.as_ref().map(|settled| settled.secret.as_ref());
        let deleted = secret.is_none_or(|secret| secret.deleted.is_some());
        let current_version = secret.filter(|_| !deleted).and_then(Secret::current_number);
        let others = reached.others.iter().take(MOST_OTHERS).map(other).collect();
        let is_readable = |version: u32| {
            let selected = parsed.as_ref().map(|path| {
                let selection = Selection { version: Some(version), ..Selection::default() };
                select(secret, path, selection, now)
            });
            selected.is_some_and(|selected: Result<_, Rejection>| selected.is_ok())
        };
        SecretRow {
            path,
            secret_scope: scope,
            current_version,
            still_current: current_version.is_some_and(|current| reached.versions.contains_key(&current)),
            deleted,
            versions: reached
                .versions
                .iter()
                .map(|(version, Reach { first, last, count })| VersionRow {
                    version: *version,
                    is_current: current_version == Some(*version),
                    readable: is_readable(*version),
                    first_read_at: *first,
                    last_read_at: *last,
                    read_count: *count,
                })
                .collect(),
            others,
            others_count: reached.others.len(),
        }
    };
    radius.paths.iter().map(row).collect()
}

fn other(other: &Other) -> OtherRow<'_> {
    OtherRow {
        identity_id: &other.identity,
        identity_type: other.kind,
        version: other.version,
        read_count: other.count,
        last_read_at: other.last,
    }
}

/// Nothing rotates by itself yet: a new value has to be given.
fn rotation<'a>(row: &SecretRow<'a>) -> RotationRow<'a> {
    RotationRow { path: row.path, secret_scope: row.secret_scope, rotation_policy_id: None, needs_value: true }
}
