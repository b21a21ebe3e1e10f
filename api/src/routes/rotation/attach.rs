//! `POST /v1/rotation/policies/{id}/secrets`: a secret is attached to a rotation policy.

use axum::http::Method;
use scaivault_commands::Reply;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::decide;
use scaivault_domain::secret::attach::AttachSecret;
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath};

use super::id;
use super::view::AssignmentView;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::Faults;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// The operation.
pub static ATTACH: Operation = Operation {
    method: Method::POST,
    path: "/v1/rotation/policies/{id}/secrets",
    id: "attach_secret_to_rotation_policy",
    summary: "Attaches a secret to a rotation policy; attached to another one, it is moved here.",
    access: Access::Scopes(&[Scope::Admin]),
    place: Place::Tenant,
    category: Category::PolicyOps,
    action: Some(Action::RotationPolicyAttach),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("AttachSecret"),
    answers: &[(201, Some("RotationAssignment")), (200, Some("RotationAssignment"))],
    errors: &[ErrorCode::RotationPolicyNotFound, ErrorCode::SecretNotFound, ErrorCode::InvalidPath],
    handler: |call| Box::pin(attach(call)),
};

async fn attach(call: &mut Call) -> Result<Done, Stop> {
    let id = id(call);
    let path = path(call)?;
    call.begin().await?;
    values(call)?;
    let command = AttachSecret { path, policy: id? };
    let engine = call.app.engine.clone();
    let view = engine.projections().view();
    let (owner, now) = (&call.target.owner, call.now());
    let set = view.rotations.of(owner);
    set.get(&command.policy).ok_or_else(decide::unknown)?;
    let tell = |is_new: bool, after: Option<&scaivault_domain::secret::Secret>| {
        let shown = after.and_then(|secret| AssignmentView::new(set, view.secrets(owner), secret, now));
        Ok((Reply::json(if is_new { 201 } else { 200 }, &shown)?, None))
    };
    let answer = engine.attach_secret(&call.change(), &command, tell).await?;
    Ok(Done::Changed(answer))
}

/// The path, once it is clear that the caller may write there.
fn path(call: &mut Call) -> Result<SecretPath, Rejection> {
    // A value of another type is told with the other values.
    let given = call.fields().text("secret_path", &mut Faults::default()).flatten();
    let Some(text) = given else {
        values(call)?;
        return Err(Rejection::field("secret_path", "is required"));
    };
    let path = SecretPath::parse(&text)?;
    call.permitted(Permission::Write, &path)?;
    Ok(path)
}

fn values(call: &mut Call) -> Result<(), Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.text("secret_path", &mut faults);
    if given.is_none_or(|text| text.is_none()) && faults.is_empty() {
        faults.field("secret_path", "is required");
    }
    fields.finish(&mut faults);
    faults.finish()
}
