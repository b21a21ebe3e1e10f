//! `POST /v1/auth/issuers`: whose JWTs are accepted from now on.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::fetch::check_url;
use scaivault_commands::issuer::Shown;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Owner, Rejection, Scope};

use super::input::{self, Given, Place as UrlPlace};
use super::view::IssuerView;
use super::{may_change_platform, may_see};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::context;
use crate::fields::not_null;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static CREATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/auth/issuers",
    id: "create_issuer",
    summary: "Trusts an issuer of JWTs, for one tenant or for the platform, once its keys have been seen.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("Issuer"),
    answers: &[(201, Some("IssuerShown"))],
    errors: &[ErrorCode::InvalidConfig, ErrorCode::InvalidRole, ErrorCode::NameTaken],
    handler: |call| Box::pin(create(call)),
};

async fn create(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let owner = owner(call)?;
    call.entry.owner = owner.clone();
    let (issuer, given) = command(call, owner.tenant().is_some())?;
    given.check_reach(&call.caller, owner.tenant().is_some())?;
    let content = given.over(&input::plain(&issuer))?;
    let tell = |shown: &Shown<'_>| Reply::json(201, &IssuerView::new(shown));
    let answer = call.app.engine.create_issuer(&call.change(), &owner, content, tell).await?;
    Ok(Done::Changed(answer))
}

/// Whose issuer it is to be: the tenant's of the request, another one's in reach, or the platform's.
fn owner(call: &Call) -> Result<Owner, Rejection> {
    let mut faults = crate::fields::Faults::default();
    let tenant = call.fields().text("tenant_id", &mut faults);
    // A fault of its form is told with the others.
    match tenant {
        Some(None) => may_change_platform(call).map(|()| Owner::Platform),
        Some(Some(id)) if call.target.owner.tenant().is_none_or(|own| own.as_str() != id) => {
            let view = call.app.engine.projections().view();
            context::foreign_tenant(&view, &call.caller, &id).map(|target| target.owner)
        }
        Some(Some(_)) | None => may_see(call).map(|()| call.target.owner.clone()),
    }
}

fn command(call: &mut Call, of_tenant: bool) -> Result<(String, Given), Rejection> {
    let rules = call.app.engine.trust().addresses();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, true, UrlPlace { rules, of_tenant }, &mut faults);
    fields.text("tenant_id", &mut faults);
    if !fields.has("issuer") {
        faults.field("issuer", "is required");
    }
    let issuer = fields.text("issuer", &mut faults);
    let issuer = not_null(issuer, "issuer", &mut faults);
    if let Some(issuer) = &issuer
        && let Err(fault) = check_url(issuer, rules, of_tenant)
    {
        faults.field("issuer", fault);
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok((issuer.unwrap_or_default(), given))
}
