//! Service accounts: made, changed, deleted with all that hangs on them.

use std::sync::Arc;

use scaivault_domain::access::{Caller, Target};
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::granting::{self, RoleChange};
use scaivault_domain::id::ServiceAccountId;
use scaivault_domain::issuer::IssuerEvent;
use scaivault_domain::policy::PolicyEvent;
use scaivault_domain::service_account::{self, Content, ServiceAccount};
use scaivault_domain::{ErrorCode, Event, IdentityId, Rejection, Role, Scopes, TenantId};
use scaivault_projections::{HeldAccount, View};

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids};

/// Makes a service account.
pub struct CreateAccount {
    /// As given.
    pub name: Arc<str>,
    /// Made of the name.
    pub identity: IdentityId,
    /// For people.
    pub description: Option<Arc<str>>,
    /// Its roles.
    pub roles: Vec<Role>,
    /// What its tokens may open; those of its roles if absent.
    pub scopes: Option<Scopes>,
}

/// Changes a service account; what is absent stays.
#[derive(Default)]
#[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
pub struct UpdateAccount {
    /// For people.
    pub description: Option<Option<Arc<str>>>,
    /// Its roles.
    pub roles: Option<Vec<Role>>,
    /// What its tokens may open; null for those of its roles.
    pub scopes: Option<Option<Scopes>>,
    /// Whether its tokens are let through.
    pub is_active: Option<bool>,
}

/// Why an account does not get some scopes.
const BEYOND: &str = "A service account cannot have scopes that its maker lacks";

/// How an account is told.
type Told = Result<Reply, serde_json::Error>;

impl Engine {
    /// Makes a service account in the request's tenant.
    pub async fn create_account(
        &self,
        request: &ChangeRequest,
        (caller, target): (&Caller, &Target),
        command: CreateAccount,
        tell: impl Fn(&HeldAccount) -> Told,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let tenant = tenant_of(target)?;
        let change = RoleChange { target, is_own: false, before: &[], after: &command.roles };
        granting::check(caller, &change)?;
        let scopes = command.scopes.unwrap_or_else(|| service_account::scopes_of(&command.roles));
        grantable(caller, scopes, BEYOND)?;
        let account = ServiceAccount {
            id: ServiceAccountId::from_ulid(ids::ulid(now)?),
            name: command.name,
            identity: command.identity,
            content: Content { description: command.description, roles: command.roles, scopes, is_active: true },
        };
        let held = HeldAccount { account, created_at: now, created_by: request.actor.clone(), updated_at: now };
        let plan = |view: &View| {
            if view.installation.people(tenant).account_named(&held.account.identity).is_some() {
                let sentence = format!("There is a service account {} already", held.account.identity);
                return Err(Rejection::new(ErrorCode::NameTaken, sentence).into());
            }
            // Rules for a deleted account of the name are not the new one's.
            let mut pending = self.ending_rules(view, target, &held.account.identity, &request.actor)?;
            let events = vec![IdentityEvent::AccountCreated(held.account.clone())];
            pending.extend(self.identity_events(view, &target.owner, &request.actor, events)?);
            Ok(Plan::success(Change::of(now, pending), request.entry.clone(), tell(&held)?))
        };
        self.contend(request, plan).await
    }

    /// Changes a service account.
    pub async fn update_account(
        &self,
        request: &ChangeRequest,
        (caller, target): (&Caller, &Target),
        id: &ServiceAccountId,
        command: &UpdateAccount,
        tell: impl Fn(&HeldAccount) -> Told,
    ) -> Result<Answer, Failure> {
        let tenant = tenant_of(target)?;
        let plan = |view: &View| {
            let now = self.now();
            let before = view.installation.people(tenant).account(id).ok_or_else(unknown)?;
            let content = updated(caller, target, &before.account, command)?;
            let held = &before.account.content;
            if (content.is_active, content.scopes) != (held.is_active, held.scopes) {
                may_disturb(caller, target, &before.account)?;
            }
            keep_administered(view, tenant, &before.account, &content)?;
            let mut held = HeldAccount::clone(before);
            let mut events = Vec::new();
            if content != held.account.content {
                events.push(IdentityEvent::AccountUpdated { id: id.clone(), content: content.clone() });
                (held.account.content, held.updated_at) = (content, now);
            }
            let pending = self.identity_events(view, &target.owner, &request.actor, events)?;
            Ok(Plan::success(Change::of(now, pending), request.entry.clone(), tell(&held)?))
        };
        let stream = self.identity_stream(&target.owner)?;
        self.race(request, stream, |view| view.installation.revision_of(&target.owner), plan).await
    }

    /// Deletes a service account: its tokens end, and what is bound to it is unbound. Rules of exchange for it give
    /// nothing any more; they are deleted when there is an account of its name again.
    pub async fn delete_account(
        &self,
        request: &ChangeRequest,
        (caller, target): (&Caller, &Target),
        id: &ServiceAccountId,
    ) -> Result<Answer, Failure> {
        let tenant = tenant_of(target)?;
        let plan = |view: &View| {
            let held = view.installation.people(tenant).account(id).ok_or_else(unknown)?;
            may_disturb(caller, target, &held.account)?;
            let identity = held.account.identity.clone();
            let gone = Content { is_active: false, ..held.account.content.clone() };
            keep_administered(view, tenant, &held.account, &gone)?;
            let mut pending = self.ending_tokens(view, tenant, &identity, &request.actor)?;
            pending.extend(self.unbinding(view, target, &identity, &request.actor)?);
            let events = vec![IdentityEvent::AccountDeleted { id: id.clone(), identity }];
            pending.extend(self.identity_events(view, &target.owner, &request.actor, events)?);
            Ok(Plan::success(Change::of(self.now(), pending), request.entry.clone(), Reply::no_content()))
        };
        self.contend(request, plan).await
    }

    /// Deletes the rules that give tokens of an identity.
    fn ending_rules(
        &self,
        view: &View,
        target: &Target,
        identity: &IdentityId,
        actor: &IdentityId,
    ) -> Result<Vec<Pending>, Failure> {
        let issuers = view.issuers.of(&target.owner);
        let stream = self.stream(&target.owner, "issuers", "")?;
        let mut revision = issuers.revision();
        let pending = issuers.rules().filter(|rule| rule.content.identity == *identity).map(|rule| {
            revision = revision.next();
            let event = Event::Issuer(IssuerEvent::RuleDeleted { id: rule.id.clone() });
            let (owner, actor) = (target.owner.clone(), actor.clone());
            Pending { owner, stream, revision, actor, event, value: None }
        });
        Ok(pending.collect())
    }

    fn unbinding(
        &self,
        view: &View,
        target: &Target,
        identity: &IdentityId,
        actor: &IdentityId,
    ) -> Result<Vec<Pending>, Failure> {
        let policies = view.policies.of(&target.owner);
        let stream = self.stream(&target.owner, "policies", "")?;
        let mut revision = policies.revision();
        let pending = policies.bindings_of(identity).map(|held| {
            revision = revision.next();
            let (id, policy_id) = (held.binding.id.clone(), held.binding.policy_id.clone());
            let event = PolicyEvent::Unbound { id, policy_id, identity: identity.clone(), expired: false };
            let (owner, actor) = (target.owner.clone(), actor.clone());
            Pending { owner, stream, revision, actor, event: Event::Policy(event), value: None }
        });
        Ok(pending.collect())
    }
}

/// Whoever stops what holds a role takes the role away, and needs the right to.
fn may_disturb(caller: &Caller, target: &Target, account: &ServiceAccount) -> Result<(), Rejection> {
    let roles = &account.content.roles;
    granting::check(caller, &RoleChange { target, is_own: false, before: roles, after: &[] })
}

fn updated(
    caller: &Caller,
    target: &Target,
    account: &ServiceAccount,
    command: &UpdateAccount,
) -> Result<Content, Rejection> {
    let before = &account.content;
    let roles = command.roles.clone().unwrap_or_else(|| before.roles.clone());
    let is_own = caller.identity == account.identity && caller.tenant.as_ref() == target.owner.tenant();
    granting::check(caller, &RoleChange { target, is_own, before: &before.roles, after: &roles })?;
    let scopes = match command.scopes {
        None => before.scopes,
        Some(given) => given.unwrap_or_else(|| service_account::scopes_of(&roles)),
    };
    if command.scopes.is_some() {
        grantable(caller, scopes, BEYOND)?;
    }
    Ok(Content {
        description: command.description.clone().unwrap_or_else(|| before.description.clone()),
        roles,
        scopes,
        is_active: command.is_active.unwrap_or(before.is_active),
    })
}

/// Refuses to take away the last active `super_admin`.
fn keep_administered(
    view: &View,
    tenant: &TenantId,
    before: &ServiceAccount,
    after: &Content,
) -> Result<(), Rejection> {
    let administers = |content: &Content| content.is_active && content.roles.contains(&Role::SuperAdmin);
    let is_last = administers(&before.content)
        && !administers(after)
        && !view.installation.has_super_admin_besides(tenant, &before.identity);
    if is_last { Err(granting::last_super_admin()) } else { Ok(()) }
}

/// Refuses scopes that the caller's token lacks.
pub(crate) fn grantable(caller: &Caller, scopes: Scopes, sentence: &str) -> Result<(), Rejection> {
    match caller.scopes.missing(scopes) {
        Some(missing) => {
            Err(Rejection::denied("insufficient_scope", sentence).detail("required_scope", missing.as_str()))
        }
        None => Ok(()),
    }
}

/// `service_account_not_found`.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::ServiceAccountNotFound, "Service account not found")
}

pub(crate) fn tenant_of(target: &Target) -> Result<&TenantId, Failure> {
    target.owner.tenant().ok_or_else(|| Failure::Internal("the request acts in no tenant".into()))
}
