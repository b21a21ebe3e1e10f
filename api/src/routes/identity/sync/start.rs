//! `POST /v1/identity/sync`: takes everything over that is in reach, or one partner or tenant.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::access::{Caller, role_required};
use scaivault_domain::audit::Action;
use scaivault_domain::scaikey::{Sync, SyncTarget, Trigger};
use scaivault_domain::{ErrorCode, Rejection, Role, Timestamp};
use scaivault_projections::View;
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::response::Done;
use crate::routes::identity::reach;
use crate::routes::identity::scaikey::register::not_configured;

/// The operation.
pub static START: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/sync",
    "start_identity_sync",
    "Starts taking identities over from ScaiKey; while one of the same target runs, tells of that one.",
    Action::IdentitySync,
    &[(202, Some("IdentitySyncStarted"))],
    |call| Box::pin(start(call)),
)
.of_synchronisation()
.asking(&[
    Parameter { name: "partner_id", shape: Shape::Text, meaning: "Only this partner." },
    Parameter { name: "tenant_id", shape: Shape::Text, meaning: "Only this tenant." },
])
.refusing(&[ErrorCode::InvalidConfig, ErrorCode::TenantNotFound]);

#[derive(Serialize)]
struct Started<'a> {
    sync_id: &'a str,
    status: &'static str,
    started_at: Timestamp,
}

async fn start(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    call.query.finish()?;
    let provider = &call.app.settings.provider;
    if provider.port.is_none() {
        return Err(not_configured().into());
    }
    let view = call.app.engine.projections().view();
    let target = target(call, &view)?;
    let tell = |sync: &Sync| {
        let started = Started { sync_id: sync.started.id.as_str(), status: sync.status(), started_at: sync.started_at };
        Reply::json(202, &started)
    };
    let (answer, begun) = call.app.engine.begin_sync(&call.change(), Trigger::Manual, &target, tell).await?;
    provider.carry_out(&call.app.engine, begun);
    Ok(Done::Changed(answer))
}

/// What is asked for, or all that the caller reaches.
fn target(call: &Call, view: &View) -> Result<SyncTarget, Rejection> {
    let partner = call.query.text("partner_id").map(|id| reach::partner(view, &call.caller, id)).transpose()?;
    let tenant = call.query.text("tenant_id").map(|id| reach::tenant(view, &call.caller, id)).transpose()?;
    let named = partner.is_some() || tenant.is_some();
    let whole = SyncTarget {
        partner_id: partner.map(|partner| partner.id.clone()),
        tenant_id: tenant.map(|tenant| tenant.id.clone()),
    };
    if named { Ok(whole) } else { within_reach(&call.caller) }
}

/// All that a caller reaches. A target of nothing is one of everything: whoever belongs to nothing has none.
fn within_reach(caller: &Caller) -> Result<SyncTarget, Rejection> {
    let own_partner = caller.partner.clone().filter(|_| caller.has_role(Role::PartnerAdmin));
    match (own_partner, caller.tenant.clone()) {
        _ if caller.has_role(Role::SuperAdmin) => Ok(SyncTarget::default()),
        (Some(partner), _) => Ok(SyncTarget { partner_id: Some(partner), tenant_id: None }),
        (None, Some(tenant)) => Ok(SyncTarget { partner_id: None, tenant_id: Some(tenant) }),
        (None, None) => Err(role_required(Role::SuperAdmin)),
    }
}

#[cfg(test)]
mod tests {
    use scaivault_domain::access::Narrowing;
    use scaivault_domain::{IdentityId, PartnerId, Scopes, TenantId};

    use super::*;

    fn caller(roles: &[Role], partner: Option<&str>, tenant: Option<&str>) -> Caller {
        Caller {
            identity: IdentityId::user("a@acme.example"),
            display_name: "A".into(),
            tenant: tenant.and_then(TenantId::parse),
            partner: partner.and_then(PartnerId::parse),
            scopes: Scopes::all(),
            roles: roles.to_vec(),
            groups: Vec::new(),
            token: None,
            jwt: None,
            token_expires_at: None,
            mfa_verified_at: None,
            narrowing: Narrowing::default(),
        }
    }

    #[test]
    fn whoever_belongs_to_nothing_reaches_nothing() {
        for (roles, partner, tenant, reached) in [
            (&[][..], None, None, None),
            (&[Role::TenantAdmin], None, None, None),
            (&[Role::PartnerAdmin], None, None, None),
            (&[], Some("ptn_a"), None, None),
            (&[Role::SuperAdmin], None, None, Some((None, None))),
            (&[Role::PartnerAdmin], Some("ptn_a"), Some("tnt_a"), Some((Some("ptn_a"), None))),
            (&[Role::PartnerAdmin], None, Some("tnt_a"), Some((None, Some("tnt_a")))),
            (&[], Some("ptn_a"), Some("tnt_a"), Some((None, Some("tnt_a")))),
        ] {
            let target = within_reach(&caller(roles, partner, tenant)).ok();
            let target = target.as_ref();
            let told = target.map(|target| {
                (target.partner_id.as_ref().map(|id| id.as_str()), target.tenant_id.as_ref().map(|id| id.as_str()))
            });
            assert_eq!(told, reached, "{roles:?} {partner:?} {tenant:?}");
        }
    }
}
