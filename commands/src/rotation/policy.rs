//! Rotation policies: made, changed, and ended.
//!
//! The policies of a tenant share a stream, so that a decision sees all names there are.

use scaivault_domain::rotation::{Content, RotationPolicy, RotationPolicyEvent, RotationPolicyId, decide};
use scaivault_domain::secret_policy::PolicyUid;
use scaivault_domain::{Event, Rejection, Timestamp};
use scaivault_projections::{RotationSet, View};

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// What a change of a policy comes to.
type Decided = (Option<RotationPolicyEvent>, Reply);

impl Engine {
    /// Makes a policy for the owner of the request; `read` makes its content, of what is there.
    pub async fn create_rotation_policy(
        &self,
        request: &ChangeRequest,
        read: impl Fn(&View) -> Result<Content, Rejection>,
        tell: impl Fn(&RotationPolicy, usize) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let uid = PolicyUid(ids::ulid(self.now())?);
        self.change_rotation_policies(request, |view, policies, now| {
            let content = read(view)?;
            let event = decide::create(uid, content.clone(), policies.is_taken(&content.name, None))?;
            let id = RotationPolicyId::of_name(&content.name).ok_or_else(decide::unknown)?;
            let made = RotationPolicy {
                id,
                uid,
                content,
                is_active: true,
                created_at: now,
                updated_at: now,
                scheduled_since: now,
            };
            Ok((Some(event), tell(&made, 0)?))
        })
        .await
    }

    /// Gives a policy another content, or switches it; `edit` makes both of what it says.
    pub async fn update_rotation_policy(
        &self,
        request: &ChangeRequest,
        id: &RotationPolicyId,
        edit: impl Fn(&View, &RotationPolicy) -> Result<(Content, bool), Rejection>,
        tell: impl Fn(&RotationPolicy, usize) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        self.change_rotation_policies(request, |view, policies, now| {
            let policy = policies.get(id).ok_or_else(decide::unknown)?;
            let (content, is_active) = edit(view, policy)?;
            let is_taken = policies.is_taken(&content.name, Some(id));
            let event = decide::update(policy, content.clone(), is_active, is_taken)?;
            let updated_at = if event.is_some() { now } else { policy.updated_at };
            let after = RotationPolicy { content, is_active, updated_at, ..RotationPolicy::clone(policy) };
            let count = policies.lines(policy).map_or(0, scaivault_projections::rotations::Lines::len);
            Ok((event, tell(&after, count)?))
        })
        .await
    }

    /// Ends a policy: its secrets are attached to nothing from then on.
    pub async fn delete_rotation_policy(
        &self,
        request: &ChangeRequest,
        id: &RotationPolicyId,
    ) -> Result<Answer, Failure> {
        self.change_rotation_policies(request, |_, policies, _| {
            let policy = policies.get(id).ok_or_else(decide::unknown)?;
            Ok((Some(RotationPolicyEvent::Deleted { id: policy.id.clone() }), Reply::no_content()))
        })
        .await
    }

    /// Decides on the policies of the request's owner as they are, until no other change comes in between.
    async fn change_rotation_policies(
        &self,
        request: &ChangeRequest,
        decide: impl Fn(&View, &RotationSet, Timestamp) -> Result<Decided, Failure>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "rotation_policies", "")?;
        let plan = |view: &View| {
            let (policies, now) = (view.rotations.of(owner), self.now());
            let (event, reply) = decide(view, policies, now)?;
            let pending = event.map(|event| Pending {
                owner: owner.clone(),
                stream,
                revision: policies.revision().next(),
                actor: request.actor.clone(),
                event: Event::RotationPolicy(event),
                value: None,
            });
            Ok(Plan::success(Change::of(now, pending.into_iter().collect()), request.entry.clone(), reply))
        };
        self.race(request, stream, |view| view.rotations.of(owner).revision(), plan).await
    }
}
