//! Access policies: made, changed, bound, and ended.
//!
//! The policies of an owner share a stream, so that a decision sees all names and bindings there are.

use scaivault_domain::audit::Action;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{Binding, Content, PolicyEvent, decide};
use scaivault_domain::{ErrorCode, Event, IdentityId, Owner, PolicyId, Rejection, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::{HeldPolicy, PolicySet, View};

use crate::audit::{EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// Bindings that are ended in one run.
const RUN: usize = 500;

/// Of one policy.
#[derive(Clone, Debug)]
pub struct PolicyAddress {
    /// Whose it is: a tenant's, or a partner's.
    pub owner: Owner,
    /// Which.
    pub id: PolicyId,
}

/// What came of binding.
pub struct Bound<'a> {
    /// The binding.
    pub binding: &'a Binding,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: &'a IdentityId,
    /// Whether it was made just now.
    pub is_new: bool,
}

impl Engine {
    /// Makes a policy for `owner`.
    pub async fn create_policy(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        content: Content,
        tell: impl Fn(&HeldPolicy) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let id = PolicyId::from_ulid(ids::ulid(self.now())?);
        self.change_policies(request, owner, |policies, now| {
            let taken = policies.named(&content.name).is_some();
            let event = decide::create(id.clone(), content.clone(), taken)?;
            told(request, &id, policies, vec![event], now, &tell)
        })
        .await
    }

    /// Gives a policy another content, made by `edit` from what it says.
    pub async fn update_policy(
        &self,
        request: &ChangeRequest,
        address: &PolicyAddress,
        edit: impl Fn(&Content) -> Content,
        tell: impl Fn(&HeldPolicy) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        self.change_policies(request, &address.owner, |policies, now| {
            let held = held(policies, &address.id)?;
            let content = edit(&held.policy.content);
            let taken = policies.named(&content.name).is_some_and(|other| *other != address.id);
            let event = decide::update(&held.policy, content, taken)?;
            told(request, &address.id, policies, vec![event], now, &tell)
        })
        .await
    }

    /// Ends a policy, with its bindings if `is_forced`.
    pub async fn delete_policy(
        &self,
        request: &ChangeRequest,
        address: &PolicyAddress,
        is_forced: bool,
    ) -> Result<Answer, Failure> {
        self.change_policies(request, &address.owner, |policies, _| {
            let held = held(policies, &address.id)?;
            let bindings: Vec<_> = held.bindings.values().map(|held| &held.binding).collect();
            let events = decide::delete(&held.policy, bindings.into_iter(), is_forced)?;
            Ok((events, Reply::no_content()))
        })
        .await
    }

    /// Binds a policy to an identity, or gives the binding that is there another end.
    pub async fn bind_policy(
        &self,
        request: &ChangeRequest,
        address: &PolicyAddress,
        identity: &IdentityId,
        expires_at: Option<Timestamp>,
        tell: impl Fn(&Bound<'_>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let id = BindingId::from_ulid(ids::ulid(self.now())?);
        self.change_policies(request, &address.owner, |policies, now| {
            let policy = &held(policies, &address.id)?.policy;
            let existing = policies.binding(&address.id, identity);
            let event =
                decide::bind(id.clone(), policy, existing.map(|held| &held.binding), identity.clone(), expires_at);
            let made =
                Binding { id: id.clone(), policy_id: address.id.clone(), identity: identity.clone(), expires_at };
            let reply = match existing {
                None => tell(&Bound { binding: &made, created_at: now, created_by: &request.actor, is_new: true })?,
                Some(held) => tell(&Bound {
                    binding: &Binding { expires_at, ..held.binding.clone() },
                    created_at: held.created_at,
                    created_by: &held.created_by,
                    is_new: false,
                })?,
            };
            Ok((event.into_iter().collect(), reply))
        })
        .await
    }

    /// Ends a binding.
    pub async fn unbind_policy(
        &self,
        request: &ChangeRequest,
        address: &PolicyAddress,
        id: &BindingId,
    ) -> Result<Answer, Failure> {
        self.change_policies(request, &address.owner, |policies, _| {
            let unknown = || Rejection::new(ErrorCode::BindingNotFound, "Binding not found");
            let binding = held(policies, &address.id)?.bindings.get(id).ok_or_else(unknown)?;
            Ok((vec![decide::unbind(&binding.binding, false)], Reply::no_content()))
        })
        .await
    }

    /// Ends bindings whose time has come; returns how many. They count no more as it is.
    pub(crate) async fn end_bindings(&self, now: Timestamp) -> Result<usize, Failure> {
        let view = self.projections.view();
        let mut ended = 0;
        for (owner, policies) in view.policies.all() {
            let bindings: Vec<_> = policies.ended(now).take(RUN - ended).collect();
            if bindings.is_empty() {
                continue;
            }
            let sweeper = IdentityId::system(IdentityId::SECRET_SWEEPER);
            let request_id = ids::request_id(now)?;
            let events = bindings.iter().map(|held| decide::unbind(&held.binding, true)).collect();
            let entries = bindings.iter().map(|held| {
                let Binding { policy_id, id, .. } = &held.binding;
                let resource = Some(format!("policies/{policy_id}/bindings/{id}"));
                let who = Some(sweeper.clone());
                let entry = EntryDraft::without_client(
                    owner.clone(),
                    Action::PolicyUnbind,
                    who,
                    request_id.as_str().into(),
                    now,
                );
                EntryDraft { resource, ..entry }.finish(Outcome::Success)
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let pending = self.policy_events(owner, policies, &sweeper, events)?;
            match self.append(&request_id, Change::of(now, pending), entries).await {
                Ok(_) => ended += bindings.len(),
                // Somebody changed policies meanwhile: at the next run.
                Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(ended)
    }

    /// Decides on the policies of `owner` as they are, until no other change comes in between.
    async fn change_policies(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        decide: impl Fn(&PolicySet, Timestamp) -> Result<(Vec<PolicyEvent>, Reply), Failure>,
    ) -> Result<Answer, Failure> {
        let stream = self.stream(owner, "policies", "")?;
        let plan = |view: &View| {
            let (policies, now) = (view.policies.of(owner), self.now());
            let (events, reply) = decide(policies, now)?;
            let pending = self.policy_events(owner, policies, &request.actor, events)?;
            Ok(Plan::success(Change::of(now, pending), request.entry.clone(), reply))
        };
        self.race(request, stream, |view| view.policies.of(owner).revision(), plan).await
    }

    fn policy_events(
        &self,
        owner: &Owner,
        policies: &PolicySet,
        actor: &IdentityId,
        events: Vec<PolicyEvent>,
    ) -> Result<Vec<Pending>, Failure> {
        let stream = self.stream(owner, "policies", "")?;
        let mut revision = policies.revision();
        let pending = events.into_iter().map(|event| {
            revision = revision.next();
            Pending {
                owner: owner.clone(),
                stream,
                revision,
                actor: actor.clone(),
                event: Event::Policy(event),
                value: None,
            }
        });
        Ok(pending.collect())
    }
}

/// The events with what a policy is after them.
fn told(
    request: &ChangeRequest,
    id: &PolicyId,
    policies: &PolicySet,
    events: Vec<PolicyEvent>,
    now: Timestamp,
    tell: impl Fn(&HeldPolicy) -> Result<Reply, serde_json::Error>,
) -> Result<(Vec<PolicyEvent>, Reply), Failure> {
    let after = policies.preview(&events, now, &request.actor);
    let reply = tell(held(&after, id)?)?;
    Ok((events, reply))
}

fn held<'p>(policies: &'p PolicySet, id: &PolicyId) -> Result<&'p HeldPolicy, Rejection> {
    let unknown = || Rejection::new(ErrorCode::PolicyNotFound, "Policy not found");
    policies.get(id).map(AsRef::as_ref).ok_or_else(unknown)
}
