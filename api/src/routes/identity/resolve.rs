//! `GET /v1/identity/resolve/{identity_type}/{identity_id}`: who somebody is, by whatever name.

use scaivault_commands::user::unknown;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Group, Status};
use scaivault_domain::id::{GroupId, ServiceAccountId, UserId};
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Rejection, Role};
use scaivault_projections::{HeldAccount, HeldUser, People};
use serde::Serialize;

use super::reach;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::response::Done;

/// The operation.
pub static RESOLVE: Operation = Operation::identity_read(
    "/v1/identity/resolve/{identity_type}/{identity_id}",
    "resolve_identity",
    "Shows a user, service account or group, by record id, identity id, or what follows its colon.",
    Action::Read,
    &[(200, Some("ResolvedIdentity"))],
    |call| Box::pin(resolve(call)),
)
.refusing(&[ErrorCode::IdentityNotFound]);

#[derive(Serialize)]
struct Resolved<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: IdentityType,
    identity_id: &'a str,
    display_name: &'a str,
    tenant_id: &'a str,
    status: Status,
    groups: Vec<&'a str>,
    roles: Vec<Role>,
}

async fn resolve(call: &mut Call) -> Result<Done, Stop> {
    let kind = match call.captures.first() {
        "user" => Some(IdentityType::User),
        "service_account" => Some(IdentityType::ServiceAccount),
        "group" => Some(IdentityType::Group),
        _ => {
            call.query.faults.field("identity_type", "must be user, service_account or group");
            None
        }
    };
    call.query.finish()?;
    let kind = kind.ok_or_else(unknown)?;
    let view = call.app.engine.projections().view();
    let text = call.captures.second();
    // An identity may be in several tenants: the caller's own counts, then any within reach.
    let resolved = reach::tenants(&view, &call.caller).find_map(|tenant| {
        let people = view.installation.people(&tenant.id);
        let resolved = match kind {
            IdentityType::User => user(people, text).map(|held| of_user(people, held)),
            IdentityType::ServiceAccount => account(people, text).map(of_account),
            IdentityType::Group => group(people, text).map(|group| of_group(people, group)),
            IdentityType::System => None,
        };
        resolved.map(|resolved| Resolved { tenant_id: tenant.id.as_str(), ..resolved })
    });
    let resolved = resolved.ok_or_else(|| -> Rejection { unknown() })?;
    Ok(Done::json(&resolved)?)
}

fn user<'a>(people: &'a People, text: &str) -> Option<&'a HeldUser> {
    let by_id = UserId::parse(text).and_then(|id| people.user(&id));
    let name = text.strip_prefix("user:").unwrap_or(text);
    // Addresses are kept in lower case, subjects as they are.
    let by_name = || IdentityId::parse(&format!("user:{name}")).and_then(|identity| people.user_named(&identity));
    by_id.or_else(by_name).or_else(|| people.user_named(&IdentityId::user(name))).map(AsRef::as_ref)
}

fn account<'a>(people: &'a People, text: &str) -> Option<&'a HeldAccount> {
    let by_id = ServiceAccountId::parse(text).and_then(|id| people.account(&id));
    let name = text.strip_prefix("sa:").unwrap_or(text);
    by_id.or_else(|| people.account_named(&IdentityId::service_account(name))).map(AsRef::as_ref)
}

fn group<'a>(people: &'a People, text: &str) -> Option<&'a Group> {
    let by_id = GroupId::parse(text).and_then(|id| people.group(&id));
    let name = text.strip_prefix("group:").unwrap_or(text);
    by_id.or_else(|| people.group_named(&IdentityId::group(name))).map(AsRef::as_ref)
}

fn of_user<'a>(people: &'a People, held: &'a HeldUser) -> Resolved<'a> {
    Resolved {
        id: held.user.id.as_str(),
        kind: IdentityType::User,
        identity_id: held.user.identity.as_str(),
        display_name: &held.user.display_name,
        tenant_id: "",
        status: held.user.status,
        groups: people.groups_of(&held.user.id).iter().map(|group| group.identity.as_str()).collect(),
        roles: held.roles(),
    }
}

fn of_account(held: &HeldAccount) -> Resolved<'_> {
    let content = &held.account.content;
    Resolved {
        id: held.account.id.as_str(),
        kind: IdentityType::ServiceAccount,
        identity_id: held.account.identity.as_str(),
        display_name: &held.account.name,
        tenant_id: "",
        status: if content.is_active { Status::Active } else { Status::Suspended },
        groups: Vec::new(),
        roles: content.roles.clone(),
    }
}

fn of_group<'a>(people: &'a People, group: &'a Group) -> Resolved<'a> {
    Resolved {
        id: group.id.as_str(),
        kind: IdentityType::Group,
        identity_id: group.identity.as_str(),
        display_name: &group.display_name,
        tenant_id: "",
        status: group.status,
        groups: people.outer(group).iter().map(|group| group.identity.as_str()).collect(),
        roles: Vec::new(),
    }
}
