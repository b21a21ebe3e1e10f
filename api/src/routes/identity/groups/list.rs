//! `GET /v1/identity/tenants/{id}/groups`: by name.

use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;
use scaivault_domain::directory::{Group, Status, Tenant};
use scaivault_domain::id::GroupId;
use scaivault_projections::People;
use serde::Serialize;

use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::records::ProvenanceView;
use crate::routes::identity::{holds, reach};

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/tenants/{id}/groups",
    "list_groups",
    "Lists the groups of a tenant by name.",
    Action::List,
    &[(200, Some("GroupList"))],
    |call| Box::pin(list(call)),
)
.asking(&[Parameter { name: "q", shape: Shape::Text, meaning: "Part of the name; case is ignored." }, PAGE, PAGE_SIZE])
.refusing(&[ErrorCode::TenantNotFound]);

#[derive(Serialize)]
struct Page<'a> {
    groups: Vec<GroupView<'a>>,
    total: usize,
}

/// A group as answers show it.
#[derive(Serialize)]
struct GroupView<'a> {
    id: &'a str,
    tenant_id: &'a str,
    identity_id: &'a str,
    name: &'a str,
    display_name: &'a str,
    parent_ids: Vec<&'a str>,
    member_count: usize,
    status: Status,
    #[serde(flatten)]
    provenance: ProvenanceView,
}

impl<'a> GroupView<'a> {
    fn new(tenant: &'a Tenant, people: &People, group: &'a Group) -> Self {
        Self {
            id: group.id.as_str(),
            tenant_id: tenant.id.as_str(),
            identity_id: group.identity.as_str(),
            name: &group.name,
            display_name: &group.display_name,
            parent_ids: group.parent_ids.iter().map(GroupId::as_str).collect(),
            member_count: people.members(&group.id).len(),
            status: group.status,
            provenance: group.provenance.into(),
        }
    }
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let part = call.query.text("q").map(str::to_lowercase).unwrap_or_default();
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    let people = view.installation.people(&tenant.id);
    let mut found: Vec<_> = people.groups().filter(|group| group.status != Status::Deleted).collect();
    found.retain(|group| holds(&group.name, &part) || holds(&group.display_name, &part));
    found.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
    let total = found.len();
    let groups = paging.cut(found).into_iter().map(|group| GroupView::new(&tenant, people, group)).collect();
    Ok(Done::json(&Page { groups, total })?)
}
