//! Rotation of one secret: with a value that was given, or one that is made here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use scaivault_domain::context::{AttachedTo, Found};
use scaivault_domain::rotation::Trigger;
use scaivault_domain::secret::rotate::{self, NewValue, RotateSecret, Rotated};
use scaivault_domain::secret::{Secret, scheduled};
use scaivault_domain::secret_policy::SecretPolicy;
use scaivault_domain::{Context, Owner, Rejection, SecretPath, Timestamp};
use scaivault_projections::View;

use crate::engine::Change;
use crate::generation::Ungenerated;
use crate::secret::{self, Named, Told, Value};
use crate::{Answer, ChangeRequest, Engine, Failure, measures};

/// A value that was made for a secret, or why there is none.
pub(super) struct Made {
    /// `None` where the secret's policy makes no values.
    pub(super) value: Option<Result<Value, Rejection>>,
    /// When that began.
    pub(super) started_at: Timestamp,
}

impl Engine {
    /// Replaces a value, with a grace period for the replaced one. Without `value` it is made here, if the policy that
    /// the secret is attached to says so.
    pub async fn rotate_secret(
        &self,
        request: &ChangeRequest,
        command: &RotateSecret,
        value: Option<&Value>,
        tell: impl Fn(&Rotated) -> Told,
    ) -> Result<Answer, Failure> {
        let answer = match value {
            Some(_) => {
                let decide = |secret: Option<&Secret>, context: &Context| rotate::decide(secret, command, context);
                let named = Named::default();
                self.change(request, &command.path, value, named, decide, |rotated, _| tell(rotated)).await
            }
            None => self.rotate_with_own_value(request, command, &tell).await,
        };
        if answer.is_ok() {
            measures::rotated(true);
            self.measures.wrote(&request.owner);
        }
        answer
    }

    async fn rotate_with_own_value(
        &self,
        request: &ChangeRequest,
        command: &RotateSecret,
        tell: &impl Fn(&Rotated) -> Told,
    ) -> Result<Answer, Failure> {
        let (owner, path) = (&request.owner, &command.path);
        let ungenerated = AtomicBool::new(false);
        let look = |view: Arc<View>| {
            let held = view.secrets(owner).held(path.as_str()).cloned();
            let holds = command.condition.check(path, held.as_ref().map(|held| held.secret.as_ref()));
            // What is refused anyway takes no value.
            async move {
                match holds {
                    Ok(()) => self.make(view, owner, path).await,
                    Err(_) => Ok(Made { value: None, started_at: self.now() }),
                }
            }
        };
        let plan = |view: &View, made: &Made| {
            let value = match &made.value {
                Some(Ok(value)) => Some(value),
                Some(Err(rejection)) => {
                    ungenerated.store(true, Ordering::Relaxed);
                    return Err(rejection.clone().into());
                }
                None => None,
            };
            let trigger = Trigger::Manual;
            let of = value.map_or(NewValue::Missing, |_| NewValue::Generated { trigger, started_at: made.started_at });
            let command = RotateSecret { value: of, ..command.clone() };
            let decide = |secret: Option<&Secret>, context: &Context| rotate::decide(secret, &command, context);
            self.plan_change(request, path, view, (value, Named::default()), &decide, &|rotated, _| tell(rotated))
        };
        let stream = self.stream(owner, "secret", path.as_str())?;
        let revision = |view: &View| view.secrets(owner).revision(path.as_str());
        let started_at = self.now();
        let rotated = self.race_over(request, stream, revision, look, plan).await;
        if let Err(Failure::Rejected(rejection)) = &rotated
            && ungenerated.load(Ordering::Relaxed)
        {
            measures::rotated(false);
            self.note_failure(request, path, started_at, rejection).await?;
        }
        rotated
    }

    /// Makes the value that follows the current one, if the policy that the secret is attached to says so.
    pub(super) async fn make(&self, view: Arc<View>, owner: &Owner, path: &SecretPath) -> Result<Made, Failure> {
        let started_at = self.now();
        let nothing = Made { value: None, started_at };
        let Some(held) = view.secrets(owner).held(path.as_str()).cloned() else { return Ok(nothing) };
        let attached_to = view.rotations.of(owner).attached_to(view.secrets(owner), &held.secret);
        let makes = |attached_to: &AttachedTo| attached_to.policy.content.auto_generate;
        let Some(attached_to) = attached_to.filter(makes).filter(|_| held.secret.deleted.is_none()) else {
            return Ok(nothing);
        };
        let recipe = recipe(&view, owner, &held.secret, &attached_to);
        let current = self.reader.current_value(view.clone(), owner, path, started_at).await?;
        let current = current.unwrap_or_else(|| Value::new(b"{}".to_vec()));
        let value = match self.new_data(recipe.as_deref(), &current).await {
            Ok(value) => Ok(value),
            Err(Ungenerated::Failed(failure)) => return Err(failure),
            Err(refused) => match Failure::from(refused) {
                Failure::Rejected(rejection) => Err(rejection),
                other @ (Failure::Unavailable { .. } | Failure::Undecided | Failure::Internal(_)) => {
                    return Err(other);
                }
            },
        };
        Ok(Made { value: Some(value), started_at })
    }

    /// Notes that a call could not rotate an attached secret. It is not repeated.
    async fn note_failure(
        &self,
        request: &ChangeRequest,
        path: &SecretPath,
        started_at: Timestamp,
        rejection: &Rejection,
    ) -> Result<(), Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "secret", path.as_str())?;
        let (view, now) = (self.projections.view(), self.now());
        let Some(held) = view.secrets(owner).held(path.as_str()).filter(|held| held.secret.deleted.is_none()) else {
            return Ok(());
        };
        let attached_to = view.rotations.of(owner).attached_to(view.secrets(owner), &held.secret);
        let makes = |attached_to: &AttachedTo| attached_to.policy.content.auto_generate;
        let Some(attached_to) = attached_to.filter(makes) else { return Ok(()) };
        let run = (Trigger::Manual, started_at);
        let event = scheduled::failed(&held.secret, &attached_to, run, false, rejection, now);
        let events = vec![(request.actor.clone(), event)];
        let pending = secret::pending(owner, path, stream, held.revision, events, None);
        // The entry of the request follows with its answer. What moved meanwhile tells more than this note.
        match self.append(&request.request_id, Change::of(now, pending), Vec::new()).await {
            Ok(_) => Ok(()),
            Err(Failure::Unavailable { source: Some(scaivault_eventstore::StoreError::Conflict { .. }), .. }) => Ok(()),
            Err(other) => Err(other),
        }
    }
}

/// The recipe of a secret: its own, or that of the policy it is attached to.
fn recipe(view: &View, owner: &Owner, secret: &Secret, attached_to: &AttachedTo) -> Option<Arc<SecretPolicy>> {
    let recipes = view.secret_policies.of(owner);
    let own = secret.options.secret_policy.as_deref().and_then(|reference| recipes.referred(reference));
    let of_policy = || attached_to.policy.content.secret_policy.as_ref().and_then(|named| recipes.referred(named));
    own.or_else(of_policy).cloned()
}

/// What a decision of the schedule rests on.
pub(super) fn context(
    view: &View,
    owner: &Owner,
    attached_to: AttachedTo,
    now: Timestamp,
    request_id: &str,
) -> Context {
    Context {
        now,
        actor: scaivault_domain::IdentityId::system(scaivault_domain::IdentityId::ROTATION_SCHEDULER),
        request_id: request_id.to_owned(),
        settings: view.installation.settings(owner),
        found: Found { rotation: Some(attached_to), ..Found::default() },
    }
}
