//! Changes of secrets.

use scaivault_domain::context::Found;
use scaivault_domain::secret::delete::{self, DeleteSecret, Deleted};
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::restore::{self, RestoreSecret, Restored};
use scaivault_domain::secret::rotate::{self, RotateSecret, Rotated};
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
            .change(request, &command.path, Some(value), named(&command.options), decide, |written, _| tell(written))
            .await?;
        self.measures.wrote(&request.owner);
        Ok(answer)
    }

    /// Replaces a value, with a grace period for the replaced one.
    pub async fn rotate_secret(
        &self,
        request: &ChangeRequest,
        command: &RotateSecret,
        value: Option<&Value>,
        tell: impl Fn(&Rotated) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| rotate::decide(secret, command, context);
        let answer = self.change(request, &command.path, value, None, decide, |rotated, _| tell(rotated)).await?;
        metrics::counter!("scaivault_secret_rotations_total", "status" => "success").increment(1);
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
        self.change(request, &command.path, None, named(&command.options), decide, |(), after| match after {
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
        self.change(request, &command.path, None, None, decide, |deleted, _| tell(deleted)).await
    }

    /// Restores a secret or a version.
    pub async fn restore_secret(
        &self,
        request: &ChangeRequest,
        command: &RestoreSecret,
        tell: impl Fn(&Restored) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| restore::decide(secret, command, context);
        self.change(request, &command.path, None, None, decide, |restored, _| tell(restored)).await
    }

    /// Loads, decides, appends; decides again when another write came first.
    async fn change<T>(
        &self,
        request: &ChangeRequest,
        path: &SecretPath,
        value: Option<&Value>,
        secret_policy: Option<&str>,
        decide: impl Fn(Option<&Secret>, &Context) -> Result<Decision<T>, Rejection>,
        tell: impl Fn(&T, Option<&Secret>) -> Told,
    ) -> Result<Answer, Failure> {
        let stream = self.stream(&request.owner, "secret", path.as_str())?;
        let revision = |view: &View| view.secrets(&request.owner).revision(path.as_str());
        let plan = |view: &View| self.plan_change(request, path, view, (value, secret_policy), &decide, &tell);
        self.race(request, stream, revision, plan).await
    }

    /// What a decision on a secret comes to on one view. The value goes with it, and the id of the secret policy that
    /// the command names.
    pub(crate) fn plan_change<T>(
        &self,
        request: &ChangeRequest,
        path: &SecretPath,
        view: &View,
        (value, secret_policy): (Option<&Value>, Option<&str>),
        decide: &impl Fn(Option<&Secret>, &Context) -> Result<Decision<T>, Rejection>,
        tell: &impl Fn(&T, Option<&Secret>) -> Told,
    ) -> Result<Plan, Failure> {
        let context = self.context(request, view, secret_policy);
        let held = view.secrets(&request.owner).held(path.as_str()).map(|held| &held.secret);
        // What the clock has brought about goes into the log first, as the sweeper's doing: a new end must not
        // swallow the notices of the old one.
        let due = held.map(|secret| secret.due(context.now)).unwrap_or_default();
        let secret = Secret::preview(held.map(|secret| secret.as_ref().clone()), &due, context.now, path);
        let policies = view.secret_policies.of(&request.owner);
        let secret = secret.map(|secret| secret.with_policies(|named| policies.referred(named).is_some()));
        let decision = decide(secret.as_ref(), &context)?;
        let after = Secret::preview(secret, &decision.events, context.now, path);
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
        let entry = EntryDraft { secret_version: version, ..request.entry.clone() };
        let change = Change { at: context.now, pending, shred };
        Ok(Plan { change, entry, outcome: Outcome::Success, besides, reply })
    }

    fn context(&self, request: &ChangeRequest, view: &View, secret_policy: Option<&str>) -> Context {
        let policies = view.secret_policies.of(&request.owner);
        let found = secret_policy.and_then(SecretPolicyId::parse).and_then(|id| policies.get(&id));
        Context {
            found: Found { secret_policy: found.map(|policy| policy.reference().into()) },
            now: self.now(),
            actor: request.actor.clone(),
            request_id: request.request_id.as_ref().to_owned(),
            settings: view.installation.settings(&request.owner),
        }
    }
}

/// The id of the secret policy that is to be attached, if one is.
fn named(options: &OptionsChange) -> Option<&str> {
    options.secret_policy_id.as_ref()?.as_deref()
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
