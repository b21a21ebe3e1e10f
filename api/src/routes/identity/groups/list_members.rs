//! `GET /v1/identity/groups/{id}/members`: of the group and those nested in it, by e-mail address.

use scaivault_commands::user::unknown;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::Status;
use scaivault_domain::id::GroupId;
use scaivault_domain::{ErrorCode, Timestamp};
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::reach;

/// The operation.
pub static LIST_MEMBERS: Operation = Operation::identity_read(
    "/v1/identity/groups/{id}/members",
    "list_group_members",
    "Lists the members of a group and of those nested in it, by e-mail address.",
    Action::List,
    &[(200, Some("MemberList"))],
    |call| Box::pin(list(call)),
)
.asking(&[PAGE, PAGE_SIZE])
.refusing(&[ErrorCode::IdentityNotFound]);

#[derive(Serialize)]
struct Page<'a> {
    members: Vec<MemberView<'a>>,
    total: usize,
}

#[derive(Serialize)]
struct MemberView<'a> {
    user_id: &'a str,
    email: Option<&'a str>,
    membership_type: &'static str,
    added_at: Timestamp,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let id = GroupId::parse(call.captures.first()).ok_or_else(unknown)?;
    let mut people = reach::tenants(&view, &call.caller).map(|tenant| view.installation.people(&tenant.id));
    let counts = |people: &&scaivault_projections::People| {
        people.group(&id).is_some_and(|group| group.status != Status::Deleted)
    };
    let mut found = people.find(counts).ok_or_else(unknown)?.members(&id);
    found.sort_by(|one, other| one.user.user.identity.cmp(&other.user.user.identity));
    let total = found.len();
    let rows = paging.cut(found);
    let members = rows.iter().map(|member| MemberView {
        user_id: member.user.user.id.as_str(),
        email: member.user.user.email.as_deref(),
        membership_type: if member.is_direct { "DIRECT" } else { "NESTED" },
        added_at: member.membership.added_at,
    });
    Ok(Done::json(&Page { members: members.collect(), total })?)
}
