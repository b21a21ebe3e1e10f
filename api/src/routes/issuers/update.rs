//! `PATCH /v1/auth/issuers/{id}`: parts of an issuer change. Its URL and tenant are fixed.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_commands::issuer::Shown;
use scaivault_domain::audit::Action;
use scaivault_domain::issuer::IssuerContent;
use scaivault_domain::{ErrorCode, Rejection, Scope};

use super::input::{self, Given, Place as UrlPlace};
use super::issuer_to_change;
use super::view::IssuerView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static UPDATE: Operation = Operation {
    method: Method::PATCH,
    path: "/v1/auth/issuers/{id}",
    id: "update_issuer",
    summary: "Changes what is said of a trusted issuer; what is left out stays.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Write),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::MergePatch("IssuerChange"),
    answers: &[(200, Some("IssuerShown"))],
    errors: &[ErrorCode::InvalidConfig, ErrorCode::InvalidRole, ErrorCode::NameTaken],
    handler: |call| Box::pin(update(call)),
};

async fn update(call: &mut Call) -> Result<Done, Stop> {
    call.begin().await?;
    let issuer = issuer_to_change(call, &call.app.engine.projections().view())?;
    call.entry.owner = issuer.owner();
    let given = command(call, issuer.tenant.is_some())?;
    given.check_reach(&call.caller, issuer.tenant.is_some())?;
    let edit = |before: &IssuerContent| given.over(before);
    let tell = |shown: &Shown<'_>| Reply::json(200, &IssuerView::new(shown));
    let engine = &call.app.engine;
    let answer = engine.update_issuer(&call.change(), &issuer.owner(), &issuer.id, edit, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call, of_tenant: bool) -> Result<Given, Rejection> {
    let rules = call.app.engine.trust().addresses();
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = input::given(&mut fields, false, UrlPlace { rules, of_tenant }, &mut faults);
    for fixed in ["issuer", "tenant_id"] {
        if fields.raw(fixed).is_some() {
            faults.field(fixed, "cannot be changed");
        }
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(given)
}
