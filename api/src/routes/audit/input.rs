//! Which entries a request asks for.

use std::sync::Arc;

use scaivault_domain::audit::ACTIONS;
use scaivault_domain::{ErrorCode, IdentityType, Owner, PartnerId, Rejection, Role, Timestamp};
use scaivault_projections::audit::{Filter, PathFilter, Place, Position};

use super::PARTNER;
use crate::call::Call;
use crate::context::tenant_required;

/// Reads the filters that any operation of this group may have; those that one does not know have been refused.
pub(in crate::routes) fn filter(call: &mut Call) -> Result<Filter, Rejection> {
    let (from, to) = period(call);
    let success = call.query.text("success").map(str::to_owned).map(|_| call.query.boolean("success"));
    let kind = call.query.choice("identity_type");
    let shared = |name: &str| call.query.text(name).map(Arc::<str>::from);
    let (source_ip, request_id) = (shared("source_ip"), shared("request_id"));
    let (error_code, resource) = (shared("error_code"), shared("resource"));
    let path = shared("path_prefix").filter(|prefix| !prefix.is_empty()).map(PathFilter::Prefix);
    let identity = call.query.text("identity_id").map(|text| known_as(call, text));
    let actions = actions(call);
    Ok(Filter {
        from,
        to,
        actions,
        identity,
        identity_type: kind.as_deref().and_then(identity_type),
        source_ip: source_ip.map(canonical),
        request_id,
        error_code,
        resource,
        path,
        success,
        ..Filter::default()
    })
}

/// `from` and `to`.
pub(in crate::routes) fn period(call: &mut Call) -> (Option<Timestamp>, Option<Timestamp>) {
    let (from, to) = (call.query.timestamp("from"), call.query.timestamp("to"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        call.query.faults.field("query.from", "must not be later than query.to");
    }
    (from, to)
}

/// The actions asked for; none is any.
pub(in crate::routes) fn actions(call: &mut Call) -> Vec<Arc<str>> {
    let Some(text) = call.query.text("action").map(str::to_owned) else { return Vec::new() };
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    if words.iter().any(|word| !ACTIONS.contains(word)) {
        call.query.faults.field("query.action", "must hold known actions, separated by commas");
    }
    words.into_iter().map(Arc::from).collect()
}

/// An identity as entries name it, by a typed id or by the id of a record.
pub(in crate::routes) fn known_as(call: &Call, text: &str) -> Arc<str> {
    match call.identity(text) {
        Ok(Some(identity)) => identity.shared(),
        // Nobody has such a name, so nothing will be found.
        Ok(None) | Err(_) => text.into(),
    }
}

fn identity_type(word: &str) -> Option<IdentityType> {
    match word {
        "user" => Some(IdentityType::User),
        "service_account" => Some(IdentityType::ServiceAccount),
        "group" => Some(IdentityType::Group),
        "system" => Some(IdentityType::System),
        _ => None,
    }
}

/// An address as entries have it.
pub(in crate::routes) fn canonical(text: Arc<str>) -> Arc<str> {
    text.parse::<std::net::IpAddr>().map_or(text, |address| address.to_canonical().to_string().into())
}

/// Looks at the partner's secrets instead of the tenant's, if that is asked for.
pub(in crate::routes) fn scoped(
    call: &mut Call,
    owners: &mut Vec<Owner>,
    filter: &mut Filter,
) -> Result<(), Rejection> {
    if call.query.choice("secret_scope").as_deref() != Some(PARTNER) {
        return Ok(());
    }
    call.query.finish()?;
    *owners = vec![partners(call, filter).ok_or_else(tenant_required)?];
    Ok(())
}

/// Whose the secrets of the tenant's partner are, if it has one. The filter is made to let through accesses to them: all
/// for who administers the partner, those of the tenant for others.
pub(in crate::routes) fn partners(call: &Call, filter: &mut Filter) -> Option<Owner> {
    let (Owner::Tenant(tenant), Some(partner)) = (&call.target.owner, &call.target.partner) else { return None };
    filter.partner_secrets = true;
    if !administers(call, partner) {
        filter.acting_tenant = Some(tenant.as_str().into());
    }
    Some(Owner::Partner(partner.clone()))
}

/// Whether the caller sees what all tenants of a partner do with its secrets.
pub(in crate::routes) fn administers(call: &Call, partner: &PartnerId) -> bool {
    call.caller.has_role(Role::SuperAdmin)
        || (call.caller.has_role(Role::PartnerAdmin) && call.caller.partner.as_ref() == Some(partner))
}

/// How far back the logs of all these owners are kept.
pub(in crate::routes) fn oldest(call: &Call, owners: &[Owner]) -> Timestamp {
    let view = call.app.engine.projections().view();
    let retention = owners.iter().map(|owner| view.installation.audit_retention_seconds(owner)).min();
    call.now().plus_seconds(-retention.unwrap_or_default())
}

/// Leaves out what is older.
pub(in crate::routes) fn retained(call: &Call, owners: &[Owner], filter: &mut Filter) {
    let oldest = oldest(call, owners);
    filter.from = Some(filter.from.map_or(oldest, |from| from.max(oldest)));
}

/// The text of a place in a cursor.
pub(in crate::routes) fn place_text(place: Place) -> String {
    format!("{}.{}", place.position, place.index)
}

/// What [`place_text`] gave.
pub(in crate::routes) fn place(text: &str) -> Result<Place, Rejection> {
    let read = || {
        let (position, index) = text.split_once('.')?;
        Some(Place { position: Position(position.parse().ok()?), index: index.parse().ok()? })
    };
    read().ok_or_else(|| Rejection::new(ErrorCode::InvalidCursor, "The cursor is from another query"))
}
