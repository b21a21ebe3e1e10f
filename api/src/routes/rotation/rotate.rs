//! `POST /v1/rotation/policies/{id}/rotate`: the secrets of a rotation policy are rotated now.

use std::sync::Arc;

use axum::http::Method;
use scaivault_commands::rotation::{Target, Triggered};
use scaivault_commands::{EntryDraft, Reply};
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::rotation::RotationPolicy;
use scaivault_domain::secret::live;
use scaivault_domain::{ErrorCode, Rejection, Scope, SecretPath};
use scaivault_projections::View;

use super::item::ItemView;
use super::policy;
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::operation::{Access, Body, Operation, Place};
use crate::response::Done;

/// Most paths of a request.
const MAX_PATHS: usize = 100;
/// Paths that are decided upon at a stretch.
const SLICE: usize = 500;

/// The operation.
pub static ROTATE: Operation = Operation {
    method: Method::POST,
    path: "/v1/rotation/policies/{id}/rotate",
    id: "rotate_rotation_policy_secrets",
    summary: "Rotates the secrets attached to a rotation policy, or those named of them.",
    access: Access::Scopes(&[Scope::SecretsRotate]),
    place: Place::Tenant,
    category: Category::SecretsWrite,
    action: Some(Action::Rotate),
    idempotent: true,
    query: &[],
    headers: &[],
    body: Body::Json("RotateSecrets"),
    answers: &[(200, Some("RotationItems"))],
    errors: &[ErrorCode::RotationPolicyNotFound, ErrorCode::SecretNotFound, ErrorCode::InvalidPath],
    handler: |call| Box::pin(rotate(call)),
};

async fn rotate(call: &mut Call) -> Result<Done, Stop> {
    let view = call.app.engine.projections().view();
    let policy = policy(call, &view);
    call.entry.facts.rotation_policy = policy.as_ref().ok().map(|policy| policy.id.as_str().into());
    let paths = paths(call)?;
    let granted = match (&policy, &paths) {
        (_, Some(paths)) => named(call, paths)?,
        (Ok(policy), None) => permitted(call, &view, policy).await?,
        (Err(_), None) => Vec::new(),
    };
    call.begin().await?;
    let policy = policy?;
    if paths.is_some() {
        check_attached(call, &view, &policy, &granted)?;
    }
    let targets: Vec<Target> = granted.into_iter().map(|(path, entry)| Target { path, entry }).collect();
    let engine = call.app.engine.clone();
    let owner = call.target.owner.clone();
    let tell = |told: &[(&SecretPath, Triggered)]| {
        let view = engine.projections().view();
        let items = told.iter().map(|(path, triggered)| {
            let auto = policy.content.auto_generate;
            let gone = |at| ItemView::gone(policy.id.as_str(), path, &call.caller.identity, at);
            let held = view.secrets(&owner).held(path.as_str());
            let Some(secret) = held.map(|held| &held.secret) else { return gone(call.entry.arrived_at) };
            match triggered {
                Triggered::Gone(at) => gone(*at),
                Triggered::Tried(Some(item)) => ItemView::of(item.clone()),
                Triggered::Tried(None) => ItemView::waiting(policy.id.as_str(), secret, auto, call.entry.arrived_at),
                Triggered::Waits(asked_at) => {
                    // One that has waited for longer is no new rotation.
                    let told_at = secret.attachment.as_ref().and_then(|attachment| attachment.cycle.told_at);
                    ItemView::waiting(policy.id.as_str(), secret, auto, told_at.unwrap_or(*asked_at))
                }
            }
        });
        Reply::json(200, &items.collect::<Vec<_>>())
    };
    let answer = engine.trigger_rotation(&call.change(), &policy.id, &targets, tell).await?;
    Ok(Done::Changed(answer))
}

/// The paths that are named, if any are.
fn paths(call: &mut Call) -> Result<Option<Vec<String>>, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let given = fields.texts("secret_paths", &mut faults).flatten();
    if given.as_ref().is_some_and(|paths| !(1..=MAX_PATHS).contains(&paths.len())) {
        faults.field("secret_paths", "must hold 1 to 100 paths");
    }
    fields.finish(&mut faults);
    faults.finish()?;
    let mut unique: Vec<String> = Vec::new();
    for path in given.iter().flatten() {
        if !unique.contains(path) {
            unique.push(path.clone());
        }
    }
    Ok(given.map(|_| unique))
}

/// The named paths with their entries: one that may not be rotated refuses the whole.
fn named(call: &mut Call, paths: &[String]) -> Result<Vec<(SecretPath, EntryDraft)>, Rejection> {
    let mut granted = Vec::new();
    for text in paths {
        let path = SecretPath::parse(text).map_err(|rejection| rejection.detail("path", text.as_str()))?;
        match entry_of(call, &path) {
            Ok(entry) => granted.push((path, entry)),
            Err((entry, rejection)) => {
                call.entry = *entry;
                return Err(rejection.detail("path", path.as_str()));
            }
        }
    }
    Ok(granted)
}

/// Of the attached secrets, those that the caller may rotate.
async fn permitted(
    call: &mut Call,
    view: &Arc<View>,
    policy: &RotationPolicy,
) -> Result<Vec<(SecretPath, EntryDraft)>, Rejection> {
    let owner = call.target.owner.clone();
    let paths = view.rotations.of(&owner).lines(policy).into_iter().flat_map(|lines| lines.paths());
    let is_live =
        |path: &&SecretPath| view.secrets(&owner).held(path.as_str()).is_some_and(|held| held.secret.deleted.is_none());
    let paths: Vec<&SecretPath> = paths.filter(is_live).collect();
    let (mut granted, mut denied) = (Vec::new(), None);
    for some in paths.chunks(SLICE) {
        for path in some {
            match entry_of(call, path) {
                Ok(entry) => granted.push(((*path).clone(), entry)),
                Err((entry, rejection)) => _ = denied.get_or_insert((entry.facts.decision, rejection)),
            }
        }
        // Others have their turn.
        tokio::task::yield_now().await;
    }
    if !granted.is_empty() {
        return Ok(granted);
    }
    let sentence = "This policy has no secrets that you may rotate";
    let Some((decision, rejection)) = denied else {
        let rejection = Rejection::denied("no_matching_rule", sentence);
        return Err(rejection.detail("permission", Permission::Rotate.as_str()));
    };
    call.entry.facts.decision = decision;
    Err(Rejection { message: sentence.to_owned(), ..rejection })
}

/// The entry of one secret, once it is clear that the caller may rotate it.
fn entry_of(call: &Call, path: &SecretPath) -> Result<EntryDraft, (Box<EntryDraft>, Rejection)> {
    let (decision, denied) = call.decide(Permission::Rotate, path);
    let mut entry = call.entry.clone();
    entry.secret_path = Some(path.shared());
    entry.facts.decision = Some(decision);
    match denied {
        None => Ok(entry),
        Some(rejection) => Err((Box::new(entry), rejection)),
    }
}

fn check_attached(
    call: &Call,
    view: &View,
    policy: &RotationPolicy,
    granted: &[(SecretPath, EntryDraft)],
) -> Result<(), Rejection> {
    let lines = view.rotations.of(&call.target.owner).lines(policy);
    for (path, _) in granted {
        if !lines.is_some_and(|lines| lines.has(path.as_str())) {
            return Err(Rejection::field(
                "secret_paths",
                format!("has '{path}', which is not attached to this policy"),
            ));
        }
        let held = view.secrets(&call.target.owner).held(path.as_str());
        live(held.map(|held| held.secret.as_ref()), path)?;
    }
    Ok(())
}
