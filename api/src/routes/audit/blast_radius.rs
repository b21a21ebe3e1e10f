//! `GET /v1/audit/blast-radius`: what a leaked credential or a compromised identity could have taken along.

use std::sync::Arc;

use axum::http::Method;
use scaivault_commands::Failure;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::Secret;
use scaivault_domain::secret::read::{Selection, select};
use scaivault_domain::{ErrorCode, IdentityType, Owner, Rejection, Scope, SecretPath, Timestamp};
use scaivault_projections::View;
use scaivault_projections::audit::{BlastRadius, Filter, Other, Reach, Reached};
use serde::Serialize;

use super::{FROM, LIMIT, PARTNER, TENANT, TO, input, owners};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::cursor::Binding;
use crate::operation::{Access, Body, Operation, Parameter, Place, Shape};
use crate::response::Done;
use crate::routes::secrets::list::CURSOR;

/// Other readers that are named.
const MOST_OTHERS: usize = 100;
/// How much later than the request for it a value may have been made, in seconds. What was read longer before a secret
/// was created belongs to an earlier one at that path.
const SLACK_SECONDS: i64 = 60;

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
    /// The rotation policy that it is attached to, and whether that makes the values.
    #[serde(skip)]
    rotation: Option<(String, bool)>,
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
    rotation_policy_id: Option<String>,
    needs_value: bool,
}

/// One list of the answer after the other, cut into pages.
enum Row<'a> {
    Secret(SecretRow<'a>),
    Rotation(RotationRow<'a>),
}

impl Row<'_> {
    /// Ascends through the answer, whatever is read in the meantime.
    fn key(&self) -> String {
        let (list, scope, path) = match self {
            Self::Secret(row) => (0, row.secret_scope, row.path),
            Self::Rotation(row) => (1, row.secret_scope, row.path),
        };
        format!("{list}.{}.{path}", u8::from(scope == PARTNER))
    }
}

async fn show(call: &mut Call) -> Result<Done, Stop> {
    let (identity, token) = asked_about(call);
    let (from, to) = input::period(call);
    let limit = call.query.limit(super::DEFAULT_LIMIT, super::MAX_LIMIT);
    let now = call.now();
    if to.is_none() && from.is_some_and(|from| from > now) {
        call.query.faults.field("query.from", "must not be later than now");
    }
    call.query.finish()?;
    owners(call, false)?;
    let engine = call.app.engine.clone();
    let filters = call.query.filters();
    let binding = Binding { operation: call.operation.id, owner: &call.target.owner, filters: &filters };
    let after = call.query.text("cursor").map(|cursor| binding.key(&engine, cursor)).transpose()?;
    let filter = Filter {
        from,
        to,
        identity: identity.as_deref().map(|identity| input::known_as(call, identity)),
        token: token.as_deref().map(Into::into),
        ..Filter::default()
    };
    engine.audit_barrier().await?;
    let view = engine.projections().view();
    let mut found = Vec::new();
    for Searched { owner, scope, filter, others_for } in searched(call, filter) {
        let radius = engine.audit().blast_radius(&owner, &filter, others_for).await.map_err(Failure::from)?;
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
    let rows = rows.into_iter().map(Row::Secret).chain(rotations.into_iter().map(Row::Rotation));
    let mut rows: Vec<_> = rows.filter(|row| after.as_ref().is_none_or(|after| row.key() > *after)).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(Row::key);
    let cursor = last.map(|key| binding.cursor(&engine, &key)).transpose()?;
    let (mut secrets, mut due) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Row::Secret(row) => secrets.push(row),
            Row::Rotation(row) => due.push(row),
        }
    }
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

/// Among whose secrets to look, and how.
struct Searched {
    owner: Owner,
    scope: &'static str,
    filter: Filter,
    others_for: Option<Arc<str>>,
}

/// Among the tenant's secrets, and among those of its partner. Who else reads one of the latter for another tenant, only
/// the partner's administrators see.
fn searched(call: &Call, filter: Filter) -> Vec<Searched> {
    let search = |owner: &Owner, scope, mut filter: Filter, others_for| {
        input::retained(call, std::slice::from_ref(owner), &mut filter);
        Searched { owner: owner.clone(), scope, filter, others_for }
    };
    let mut searched = vec![search(&call.target.owner, TENANT, filter.clone(), None)];
    if let (Owner::Tenant(tenant), Some(partner)) = (&call.target.owner, &call.target.partner) {
        let acting: Arc<str> = tenant.as_str().into();
        let others_for = (!input::administers(call, partner)).then(|| acting.clone());
        // Names of identities are those of the tenant; the id of a token is nobody else's.
        let acting_tenant = filter.identity.as_ref().map(|_| acting).or_else(|| others_for.clone());
        let filter = Filter { acting_tenant, partner_secrets: true, ..filter };
        searched.push(search(&Owner::Partner(partner.clone()), PARTNER, filter, others_for));
    }
    searched
}

fn secrets<'a>(
    view: &View,
    owner: &Owner,
    scope: &'static str,
    radius: &'a BlastRadius,
    now: Timestamp,
) -> Vec<SecretRow<'a>> {
    let catalogue = view.secrets(owner);
    let row = |(path, reached): (&'a Arc<str>, &'a Reached)| {
        let parsed = SecretPath::parse(path).ok();
        let settled = parsed.as_ref().and_then(|path| catalogue.settled(path, now));
        let secret = settled.as_ref().map(|settled| settled.secret.as_ref());
        let deleted = secret.is_none_or(|secret| secret.deleted.is_some());
        let current_version = secret.filter(|_| !deleted).and_then(Secret::current_number);
        let others = reached.others.iter().take(MOST_OTHERS).map(other).collect();
        let is_of_this =
            |reach: &Reach| secret.is_some_and(|secret| reach.last.plus_seconds(SLACK_SECONDS) >= secret.created_at);
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
            still_current: current_version
                .is_some_and(|current| reached.versions.get(&current).is_some_and(is_of_this)),
            deleted,
            versions: reached
                .versions
                .iter()
                .map(|(version, reach)| VersionRow {
                    version: *version,
                    is_current: current_version == Some(*version) && is_of_this(reach),
                    readable: is_of_this(reach) && is_readable(*version),
                    first_read_at: reach.first,
                    last_read_at: reach.last,
                    read_count: reach.count,
                })
                .collect(),
            others,
            others_count: reached.others.len(),
            rotation: secret.and_then(|secret| {
                let policy = view.rotations.of(owner).of_secret(secret)?;
                Some((policy.id.to_string(), policy.content.auto_generate))
            }),
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

fn rotation<'a>(row: &SecretRow<'a>) -> RotationRow<'a> {
    let needs_value = !row.rotation.as_ref().is_some_and(|(_, makes_values)| *makes_values);
    let rotation_policy_id = row.rotation.as_ref().map(|(id, _)| id.clone());
    RotationRow { path: row.path, secret_scope: row.secret_scope, rotation_policy_id, needs_value }
}
