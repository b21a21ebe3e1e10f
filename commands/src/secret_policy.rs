//! Secret policies: made, changed, ended, and used.
//!
//! The policies of a tenant share a stream, so that a decision sees all names there are.

use std::sync::Arc;

use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::{self, WriteSecret, Written};
use scaivault_domain::secret::{Condition, Secret, SecretType};
use scaivault_domain::secret_policy::decide::{self, Usage};
use scaivault_domain::secret_policy::{Content, PolicyUid, SecretPolicy, SecretPolicyEvent, SecretPolicyId, unknown};
use scaivault_domain::{Context, Event, Owner, Rejection, SecretPath, Timestamp};
use scaivault_projections::{SecretPolicySet, View};
use zeroize::Zeroizing;

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::secret::{Named, Told, Value};
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// Where generated values are to be written.
#[derive(Clone, Debug)]
pub struct StoreGenerated {
    /// By which policy.
    pub policy: SecretPolicyId,
    /// To which path.
    pub path: SecretPath,
    /// Type of the secret, if it is new; by the policy's type if absent.
    pub secret_type: Option<SecretType>,
}

impl Engine {
    /// Makes a policy for the owner of the request.
    pub async fn create_secret_policy(
        &self,
        request: &ChangeRequest,
        content: Content,
        tell: impl Fn(&SecretPolicy) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let uid = PolicyUid(ids::ulid(self.now())?);
        self.change_secret_policies(request, |_, policies, now| {
            let event = decide::create(uid, content.clone(), policies.is_taken(&content.name, None))?;
            let id = SecretPolicyId::of_name(&content.name).ok_or_else(unknown)?;
            let made = SecretPolicy { id, uid, content: content.clone(), created_at: now, updated_at: now };
            Ok((event, tell(&made)?))
        })
        .await
    }

    /// Gives a policy another content, made by `edit` from what it says.
    pub async fn update_secret_policy(
        &self,
        request: &ChangeRequest,
        id: &SecretPolicyId,
        edit: impl Fn(&Content) -> Content,
        tell: impl Fn(&SecretPolicy) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        self.change_secret_policies(request, |_, policies, now| {
            let policy = policies.get(id).ok_or_else(unknown)?;
            let content = edit(&policy.content);
            let event = decide::update(policy, content.clone(), policies.is_taken(&content.name, Some(id)))?;
            let after = SecretPolicy { content, updated_at: now, ..SecretPolicy::clone(policy) };
            Ok((event, tell(&after)?))
        })
        .await
    }

    /// Ends a policy: one that is in use only if `is_forced`. References to it count as none from then on, also one
    /// that is made at the same moment.
    pub async fn delete_secret_policy(
        &self,
        request: &ChangeRequest,
        id: &SecretPolicyId,
        is_forced: bool,
    ) -> Result<Answer, Failure> {
        self.change_secret_policies(request, |view, policies, now| {
            let policy = policies.get(id).ok_or_else(unknown)?;
            let usage = Usage {
                rotation_policies: rotation_policies_using(view, &request.owner, policy),
                secrets: view.secrets(&request.owner).naming(policy.uid, now),
            };
            Ok((decide::delete(policy, &usage, is_forced)?, Reply::no_content()))
        })
        .await
    }

    /// Makes values and lays them over what a secret holds, as a new version that names the policy.
    pub async fn store_generated(
        &self,
        request: &ChangeRequest,
        command: &StoreGenerated,
        tell: impl Fn(&Written) -> Told,
    ) -> Result<Answer, Failure> {
        let StoreGenerated { policy: id, path, secret_type } = command;
        let owner = &request.owner;
        let recipe = active(&self.projections.view(), owner, id)?;
        // Before anybody has to wait for the path: some values take seconds.
        let drawn = self.draw(&recipe.content).await?;
        let look = |view: Arc<View>| {
            let drawn = drawn.clone();
            async {
                let now = self.now();
                let current = self.reader.current_value(view, owner, path, now).await?;
                let current = current.unwrap_or_else(|| Zeroizing::new(b"{}".to_vec()));
                Ok(self.forging.overlay(&recipe.content.fields, drawn, &current, now).await?)
            }
        };
        let decide = |secret: Option<&Secret>, context: &Context| {
            let of_new = secret_type.unwrap_or_else(|| recipe.content.policy_type.secret_type());
            let command = WriteSecret {
                path: path.clone(),
                secret_type: secret.is_none().then_some(of_new),
                metadata: None,
                options: OptionsChange { secret_policy_id: Some(Some(id.as_str().into())), ..OptionsChange::default() },
                condition: Condition::default(),
            };
            write::decide(secret, &command, context)
        };
        let plan = |view: &View, value: &Value| {
            // What was made by a policy that is gone by now is not written, nor by one that was switched off.
            let now_there = active(view, owner, id)?;
            if now_there.uid != recipe.uid {
                return Err(unknown().into());
            }
            self.plan_change(
                request,
                path,
                view,
                (Some(value), Named { secret_policy: Some(id.as_str()), ..Named::default() }),
                &decide,
                &|written, _| tell(written),
            )
        };
        let stream = self.stream(owner, "secret", path.as_str())?;
        let revision = |view: &View| view.secrets(owner).revision(path.as_str());
        let answer = self.race_over(request, stream, revision, look, plan).await?;
        self.measures.wrote(owner);
        Ok(answer)
    }

    /// Decides on the policies of the request's owner as they are, until no other change comes in between.
    async fn change_secret_policies(
        &self,
        request: &ChangeRequest,
        decide: impl Fn(&View, &SecretPolicySet, Timestamp) -> Result<(SecretPolicyEvent, Reply), Failure>,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "secret_policies", "")?;
        let plan = |view: &View| {
            let (policies, now) = (view.secret_policies.of(owner), self.now());
            let (event, reply) = decide(view, policies, now)?;
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: policies.revision().next(),
                actor: request.actor.clone(),
                event: Event::SecretPolicy(event),
                value: None,
            };
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), reply))
        };
        self.race(request, stream, |view| view.secret_policies.of(owner).revision(), plan).await
    }
}

/// A policy that may be used to generate.
pub fn active(view: &View, owner: &Owner, id: &SecretPolicyId) -> Result<Arc<SecretPolicy>, Rejection> {
    let policy = view.secret_policies.of(owner).get(id).ok_or_else(unknown)?;
    policy.check_active()?;
    Ok(policy.clone())
}

/// Ids of the rotation policies of an owner that use this policy.
fn rotation_policies_using(view: &View, owner: &Owner, policy: &SecretPolicy) -> Vec<String> {
    view.rotations.of(owner).using(policy.uid).map(|rotation| rotation.id.to_string()).collect()
}
