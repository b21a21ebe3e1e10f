//! `GET /v1/identity/tenants/{id}/users`: by e-mail address.

use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;
use serde::Serialize;

use super::UserView;
use crate::call::{Call, Stop};
use crate::operation::{Operation, Parameter, Shape};
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;
use crate::routes::identity::{holds, reach, records};

/// The operation.
pub static LIST: Operation = Operation::identity_read(
    "/v1/identity/tenants/{id}/users",
    "list_users",
    "Lists the users of a tenant by e-mail address.",
    Action::List,
    &[(200, Some("UserList"))],
    |call| Box::pin(list(call)),
)
.asking(&[
    records::STATUS,
    Parameter { name: "q", shape: Shape::Text, meaning: "Part of address or name; case is ignored." },
    PAGE,
    PAGE_SIZE,
])
.refusing(&[ErrorCode::TenantNotFound]);

#[derive(Serialize)]
struct Page<'a> {
    users: Vec<UserView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let status = records::status(call);
    let part = call.query.text("q").map(str::to_lowercase).unwrap_or_default();
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let view = call.app.engine.projections().view();
    let tenant = reach::tenant(&view, &call.caller, call.captures.first())?;
    let people = view.installation.people(&tenant.id);
    let mut found: Vec<_> = people.users().filter(|held| records::is_shown(held.user.status, status)).collect();
    found.retain(|held| {
        holds(held.user.email.as_deref().unwrap_or_default(), &part) || holds(&held.user.display_name, &part)
    });
    found.sort_by(|one, other| (&one.user.identity, &one.user.id).cmp(&(&other.user.identity, &other.user.id)));
    let total = found.len();
    let users = paging.cut(found).into_iter().map(|held| UserView::new(&tenant, people, held)).collect();
    Ok(Done::json(&Page { users, total })?)
}
