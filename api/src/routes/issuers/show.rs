//! `GET /v1/auth/issuers/{id}`: one issuer.

use axum::http::Method;
use scaivault_commands::issuer::Shown;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;

use super::issuer;
use super::view::IssuerView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static SHOW: Operation = Operation {
    method: Method::GET,
    path: "/v1/auth/issuers/{id}",
    id: "read_issuer",
    summary: "Shows a trusted issuer, and how its keys are doing on this node.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::Auth,
    action: Some(Action::Read),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[(200, Some("IssuerShown"))],
    errors: &[],
    handler: |call| Box::pin(show(call)),
};

async fn show(call: &mut Call) -> Result<Done, Stop> {
    call.query.finish()?;
    let issuer = issuer(call, &call.app.engine.projections().view())?;
    let keys = call.app.engine.key_status(&issuer);
    Ok(Done::json(&IssuerView::new(&Shown { issuer: &issuer, keys }))?)
}
