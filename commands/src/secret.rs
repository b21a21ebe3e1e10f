//! Changes of secrets.

use std::sync::Arc;

use scaivault_domain::context::Found;
use scaivault_domain::rotation::RotationPolicyId;
use scaivault_domain::secret::delete::{self, DeleteSecret, Deleted};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::restore::{self, RestoreSecret, Restored};
use scaivault_domain::secret::update::{self, UpdateSecret};
use scaivault_domain::secret::write::{self, WriteSecret, Written};
use scaivault_domain::secret::{Decision, Secret, SecretEvent};
use scaivault_domain::secret_policy::SecretPolicyId;
use scaivault_domain::{Context, Event, IdentityId, Owner, Rejection, SecretPath};
use scaivault_eventstore::Revision;
use scaivault_projections::View;
use zeroize::Zeroizing;

use crate::audit::Outcome;
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply, sweeper};

/// A value on its way into the log: compact JSON, wiped when dropped.
pub type Value = Zeroizing<Vec<u8>>;

/// How a decided change is told: the reply, and the version for the audit.
pub type Told = Result<(Reply, Option<u32>), serde_json::Error>;

impl Engine {
    /// Writes a value.
    pub async fn write_secret(
        &self,
        request: &ChangeRequest,
        command: &WriteSecret,
        value: &Value,
        tell: impl Fn(&Written) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| write::decide(secret, command, context);
        let answer = self
            .change(request, &command.path, Some(value), Named::by(&command.options), decide, |written, _| {
                tell(written)
            })
            .await?;
        self.measures.wrote(&request.owner);
        Ok(answer)
    }

    /// Changes metadata and options.
    pub async fn update_secret(
        &self,
        request: &ChangeRequest,
        command: &UpdateSecret,
        tell: impl Fn(&Secret) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| update::decide(secret, command, context);
        let gone = || Failure::Internal("an update left no secret".into());
        self.change(request, &command.path, None, Named::by(&command.options), decide, |(), after| match after {
            Some(secret) => tell(secret),
            None => Err(serde::de::Error::custom(gone())),
        })
        .await
    }

    /// Deletes a secret or a version.
    pub async fn delete_secret(
        &self,
        request: &ChangeRequest,
        command: &DeleteSecret,
        tell: impl Fn(&Deleted) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| delete::decide(secret, command, context);
        self.change(request, &command.path, None, Named::default(), decide, |deleted, _| tell(deleted)).await
    }

    /// Restores a secret or a version.
    pub async fn restore_secret(
        &self,
        request: &ChangeRequest,
        command: &RestoreSecret,
        tell: impl Fn(&Restored) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| restore::decide(secret, command, context);
        self.change(request, &command.path, None, Named::default(), decide, |restored, _| tell(restored)).await
    }

    /// Loads, decides, appends; decides again when another write came first.
    pub(crate) async fn change<T>(
        &self,
        request: &ChangeRequest,
        path: &SecretPath,
        value: Option<&Value>,
        named: Named<'_>,
        decide: impl Fn(Option<&Secret>, &Context) -> Result<Decision<T>, Rejection>,
        tell: impl Fn(&T, Option<&Secret>) -> Told,
    ) -> Result<Answer, Failure> {
        let stream = self.stream(&request.owner, "secret", path.as_str())?;
        let revision = |view: &View| view.secrets(&request.owner).revision(path.as_str());
        let plan = |view: &View| self.plan_change(request, path, view, (value, named), &decide, &tell);
        self.race(request, stream, revision, plan).await
    }

    /// What a decision on a secret comes to on one view. The value goes with it, and the policies that the command names.
    pub(crate) fn plan_change<T>(
        &self,
        request: &ChangeRequest,
        path: &SecretPath,
        view: &View,
        (value, named): (Option<&Value>, Named<'_>),
        decide: &impl Fn(Option<&Secret>, &Context) -> Result<Decision<T>, Rejection>,
        tell: &impl Fn(&T, Option<&Secret>) -> Told,
    ) -> Result<Plan, Failure> {
        let held = view.secrets(&request.owner).held(path.as_str()).map(|held| &held.secret);
        let context = self.context(request, view, held.map(AsRef::as_ref), named);
        // What the clock has brought about goes into the log first, as the sweeper's doing: a new end must not
        // swallow the notices of the old one.
        let due = held.map(|secret| secret.due(context.now)).unwrap_or_default();
        let secret = Secret::preview(held.map(|secret| secret.as_ref().clone()), &due, context.now, path);
        let (recipes, rotations) = (view.secret_policies.of(&request.owner), view.rotations.of(&request.owner));
        let secret = secret.map(|secret| {
            secret.with_policies(|named| recipes.referred(named).is_some(), |named| rotations.referred(named).is_some())
        });
        let decision = decide(secret.as_ref(), &context)?;
        let after = Secret::preview_by(Some(&request.actor), secret, &decision.events, context.now, path);
        let (reply, version) = tell(&decision.outcome, after.as_ref())?;
        let besides = due.iter().map(|event| {
            let entry = sweeper::entry(&request.owner, path, event, context.now, &request.request_id);
            entry.finish(Outcome::Success)
        });
        let besides = besides.collect::<Result<Vec<_>, _>>()?;
        let events = [due.clone(), decision.events.clone()].concat();
        let shred = held.map(|secret| secret.shredded_by(&events)).unwrap_or_default();
        let events = attributed(due, decision.events, &request.actor);
        let stream = self.stream(&request.owner, "secret", path.as_str())?;
        let revision = view.secrets(&request.owner).revision(path.as_str());
        let pending = pending(&request.owner, path, stream, revision, events, value);
        let mut entry = EntryDraft { secret_version: version, ..request.entry.clone() };
        entry.facts.rotation_policy = context.found.rotation.map(|attached_to| attached_to.policy.id.as_str().into());
        let change = Change { at: context.now, pending, shred };
        Ok(Plan { change, entry, outcome: Outcome::Success, besides, reply })
    }

    fn context(&self, request: &ChangeRequest, view: &View, held: Option<&Secret>, named: Named<'_>) -> Context {
        let owner = &request.owner;
        let (recipes, rotations) = (view.secret_policies.of(owner), view.rotations.of(owner));
        let recipe = named.secret_policy.and_then(SecretPolicyId::parse).and_then(|id| recipes.get(&id));
        let rotation = named.rotation_policy.and_then(RotationPolicyId::parse).and_then(|id| rotations.get(&id));
        Context {
            found: Found {
                secret_policy: recipe.map(|policy| policy.reference().into()),
                rotation_policy: rotation.map(|policy| policy.reference()),
                rotation: held.and_then(|secret| rotations.attached_to(view.secrets(owner), secret)),
            },
            now: self.now(),
            actor: request.actor.clone(),
            request_id: request.request_id.as_ref().to_owned(),
            settings: view.installation.settings(owner),
        }
    }
}

/// Ids of the policies that a command names.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Named<'a> {
    pub(crate) secret_policy: Option<&'a str>,
    pub(crate) rotation_policy: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// Those that are to be attached.
    fn by(options: &'a OptionsChange) -> Self {
        let id = |change: &'a Option<Option<Arc<str>>>| change.as_ref()?.as_deref();
        Self { secret_policy: id(&options.secret_policy_id), rotation_policy: id(&options.rotation_policy_id) }
    }
}

/// What was due is the sweeper's doing, the rest the caller's.
pub(crate) fn attributed(
    due: Vec<SecretEvent>,
    decided: Vec<SecretEvent>,
    actor: &IdentityId,
) -> Vec<(IdentityId, SecretEvent)> {
    let sweeper = IdentityId::system(IdentityId::SECRET_SWEEPER);
    let due = due.into_iter().map(|event| (sweeper.clone(), event));
    due.chain(decided.into_iter().map(|event| (actor.clone(), event))).collect()
}

/// Events of one secret as records to be, in order. The value goes with the event that carries one.
pub(crate) fn pending(
    owner: &Owner,
    path: &SecretPath,
    stream: scaivault_eventstore::StreamId,
    revision: Revision,
    events: Vec<(IdentityId, SecretEvent)>,
    value: Option<&Value>,
) -> Vec<Pending> {
    let mut revision = revision;
    events
        .into_iter()
        .map(|(actor, event)| {
            revision = revision.next();
            Pending {
                owner: owner.clone(),
                stream,
                revision,
                actor,
                value: if event.has_value() { value.cloned() } else { None },
                event: Event::Secret(path.clone(), event),
            }
        })
        .collect()
}
