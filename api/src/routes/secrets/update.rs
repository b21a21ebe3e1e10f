//! `PATCH /v1/secrets/{path}`: metadata and options.

use scaivault_commands::Reply;
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::secret::Secret;
use scaivault_domain::secret::update::UpdateSecret;
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath};

use super::view::{MetadataView, Policies};
use super::{input, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::conditions;
use crate::operation::{Access, Body};
use crate::response::Done;

secret_operation!(UPDATE, PATCH, "/{path}", "update_secret", {
    summary: "Changes metadata and options without a new version.",
    access: Access::Scopes(&[Scope::SecretsWrite]),
    category: Category::SecretsWrite,
    action: Some(Action::MetadataUpdate),
    idempotent: true,
    query: &[],
    headers: &["If-Match"],
    body: Body::MergePatch("UpdateSecret"),
    answers: &[(200, Some("SecretMetadata"))],
    errors: &[
        ErrorCode::InvalidPath, ErrorCode::InvalidDuration, ErrorCode::SecretNotFound, ErrorCode::VersionConflict,
        ErrorCode::RotationPolicyNotFound, ErrorCode::SecretPolicyNotFound,
    ],
    handler: |call| Box::pin(update(call)),
});

async fn update(call: &mut Call) -> Result<Done, Stop> {
    let path = call.secret(Permission::Write)?;
    call.begin().await?;
    let command = command(call, path)?;
    let (engine, owner, now) = (call.app.engine.clone(), call.target.owner.clone(), call.now());
    let tell = |secret: &Secret| {
        let view = engine.projections().view();
        let view = MetadataView::new(secret, Policies::of(&view, &owner), now, None);
        let reply = Reply::json(200, &view)?;
        let version = secret.current_number();
        Ok((version.map_or(reply.clone(), |version| reply.with_version_tag(version)), version))
    };
    let answer = call.app.engine.update_secret(&call.change(), &command, tell).await?;
    Ok(Done::Changed(answer))
}

fn command(call: &mut Call, path: SecretPath) -> Result<UpdateSecret, Rejection> {
    let condition = conditions::of(&call.headers)?;
    let (place, now) = (call.operation.place, call.now());
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let metadata = input::metadata(&mut fields, &mut faults);
    let options = input::options(&mut fields, place, true, now, &mut faults);
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(UpdateSecret { path, metadata, options, condition })
}
