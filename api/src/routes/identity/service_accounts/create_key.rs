//! `POST /v1/identity/service-accounts/{id}/keys`: a key, shown this once or written to a secret.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::service_account_key::{CreateKey, CreatedKey, storing_entry};
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::service_account::{DEFAULT_KEY_LIFE_SECONDS, MAX_KEY_LIFE_SECONDS};
use scaivault_domain::{DurationText, ErrorCode, Rejection, Scope, SecretPath, Timestamp};

use super::named;
use super::view::KeyView;
use crate::call::{Call, Stop};
use crate::fields::{Faults, Fields, not_null};
use crate::operation::{Body, Operation};
use crate::response::Done;
use crate::routes::identity::required_text;

/// The operation.
pub static CREATE_KEY: Operation = Operation::identity_change(
    Method::POST,
    "/v1/identity/service-accounts/{id}/keys",
    "create_service_account_key",
    "Makes a key that acts as the service account. Its value is shown this once, or written to a secret.",
    Action::TokenCreate,
    &[(201, Some("ServiceAccountKeyCreated"))],
    |call| Box::pin(create(call)),
)
.in_tenant()
.taking(Body::Json("CreateServiceAccountKey"))
.refusing(&[
    ErrorCode::ServiceAccountNotFound,
    ErrorCode::InvalidDuration,
    ErrorCode::InvalidPath,
    ErrorCode::SecretExists,
]);

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    // Whether the path may be written to is a matter of policy, and comes before the values.
    let store_in = store_in(call)?;
    let (name, expires_at) = values(call)?;
    let view = call.app.engine.projections().view();
    let account = named(call, &view)?;
    let store_in = store_in.map(|(path, decision)| {
        let mut entry = storing_entry(&call.entry, &path);
        entry.facts.decision = Some(decision);
        (path, entry)
    });
    let command = CreateKey { name, expires_at, store_in };
    let by = call.caller.identity.as_str();
    let tell = |created: &CreatedKey<'_>| {
        let view = KeyView::new(created.record, &account, created.created_at, by);
        Reply::json(201, &view.with_value(created.value, created.stored))
    };
    let caller = (call.caller.as_ref(), &call.target);
    let request = call.change();
    let made = call.app.engine.create_key(&request, caller, &account.account.id, &command, tell);
    Ok(Done::Changed(made.await?))
}

type Granted = (SecretPath, std::sync::Arc<scaivault_domain::access::Decision>);

/// The path to write to, once it is clear that the caller may write there.
fn store_in(call: &mut Call) -> Result<Option<Granted>, Rejection> {
    // A value of another type is told with the other values.
    let given = call.fields().text("store_in", &mut Faults::default()).flatten();
    let Some(text) = given else { return Ok(None) };
    if !call.caller.scopes.grants(Scope::SecretsWrite) {
        let sentence = "Writing the key to a secret needs the scope secrets:write";
        let rejection = Rejection::denied("insufficient_scope", sentence);
        return Err(rejection.detail("required_scope", Scope::SecretsWrite.as_str()));
    }
    let path = SecretPath::parse(&text)?;
    let (decision, denied) = call.decide(Permission::Write, &path);
    match denied {
        Some(rejection) => {
            call.entry.secret_path = Some(path.shared());
            call.entry.facts.decision = Some(decision);
            Err(rejection)
        }
        None => Ok(Some((path, decision))),
    }
}

fn values(call: &mut Call) -> Result<(String, Option<Timestamp>), Rejection> {
    let now = call.now();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let name = required_text(&mut fields, "name", 128, &mut faults);
    let expires_at = end(&mut fields, now, &mut faults);
    let stored = fields.text("store_in", &mut faults);
    not_null(stored, "store_in", &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((name, expires_at))
}

fn end(fields: &mut Fields<'_>, now: Timestamp, faults: &mut Faults) -> Option<Timestamp> {
    let seconds = match fields.duration("expires_in", faults) {
        None => DEFAULT_KEY_LIFE_SECONDS,
        Some(given) => given.as_ref().map(DurationText::seconds)?,
    };
    if seconds > MAX_KEY_LIFE_SECONDS {
        faults.field("expires_in", "must be at most 3650d");
    }
    Some(now.plus_seconds(seconds))
}
