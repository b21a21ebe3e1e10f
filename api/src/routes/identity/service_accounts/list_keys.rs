//! `GET /v1/identity/service-accounts/{id}/keys`: those that can be used, newest first.

use scaivault_commands::service_account_key::is_key_of;
use scaivault_domain::ErrorCode;
use scaivault_domain::audit::Action;
use serde::Serialize;

use super::named;
use super::view::KeyView;
use crate::call::{Call, Stop};
use crate::operation::Operation;
use crate::paging::{PAGE, PAGE_SIZE, Paging};
use crate::response::Done;

/// The operation.
pub static LIST_KEYS: Operation = Operation::identity_read(
    "/v1/identity/service-accounts/{id}/keys",
    "list_service_account_keys",
    "Lists the keys of a service account that can be used, newest first, without their values.",
    Action::List,
    &[(200, Some("ServiceAccountKeyList"))],
    |call| Box::pin(list(call)),
)
.in_tenant()
.asking(&[PAGE, PAGE_SIZE])
.refusing(&[ErrorCode::ServiceAccountNotFound]);

#[derive(Serialize)]
struct Page<'a> {
    keys: Vec<KeyView<'a>>,
    total: usize,
}

async fn list(call: &mut Call) -> Result<Done, Stop> {
    let paging = Paging::of(&mut call.query);
    call.query.finish()?;
    let (projections, now) = (call.app.engine.projections().clone(), call.now());
    let view = projections.view();
    let account = named(call, &view)?;
    let (owner, identity) = (&call.target.owner, &account.account.identity);
    let people = owner.tenant().map(|tenant| view.installation.people(tenant));
    let keys = view.tokens.of(identity).filter(|held| is_key_of(&held.token.record, owner, identity));
    let keys: Vec<_> = keys.filter(|held| held.token.is_active(now)).collect();
    let total = keys.len();
    let rows = paging.cut(keys).into_iter().map(|held| {
        let record = &held.token.record;
        let made = people.and_then(|people| people.made_key(record.id.as_str()));
        let by = made.map_or("", |made| made.by.as_str());
        let stored = made.and_then(|made| made.stored.as_ref()).map(|(path, version)| (path.as_ref(), *version));
        let last_used_at = projections.accesses(|accesses| accesses.token_used(&record.id));
        KeyView { last_used_at, ..KeyView::new(record, &account, held.token.created_at, by).stored(stored) }
    });
    Ok(Done::json(&Page { keys: rows.collect(), total })?)
}
