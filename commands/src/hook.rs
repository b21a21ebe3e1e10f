//! Webhooks of the identity provider: one change of one record each.

use scaivault_domain::directory::{IdentityEvent, Status, User};
use scaivault_domain::id::{GroupId, UserId};
use scaivault_domain::scaikey::HookHandled;
use scaivault_domain::{Owner, PartnerId, TenantId, Timestamp};
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;
use zeroize::Zeroizing;

use crate::engine::Change;
use crate::mirror::{Mirror, Said};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, Reply};

/// A webhook as it was sent, verified.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Its id; it is applied once.
    pub event_id: String,
    /// What happened.
    pub event_type: String,
    /// When it happened there.
    pub at: Timestamp,
    /// The record's id, as the provider writes it.
    pub resource: Option<String>,
    /// The record's tenant.
    pub tenant_id: Option<TenantId>,
    /// The record's partner.
    pub partner_id: Option<PartnerId>,
    /// What is said of the record.
    pub said: Said,
    /// Of a membership: the group, if it is not the record itself.
    pub group_id: Option<GroupId>,
    /// Of a membership: the user.
    pub user_id: Option<UserId>,
}

/// What a webhook comes to.
#[derive(Default)]
struct Effect {
    events: Vec<(Owner, IdentityEvent)>,
    /// Who becomes so: of the identity it leaves, tokens end.
    user: Option<(TenantId, User)>,
    /// Keys to be made before: of whom, below whom.
    keys: Option<(Owner, Owner)>,
}

impl Engine {
    /// The secret that webhooks are signed with; `None` without a registration.
    pub async fn webhook_secret(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let view = self.projections.view();
        match view.installation.registration() {
            Some(held) => Ok(self.reader.part(held.position).await?),
            None => Ok(None),
        }
    }

    /// Applies a webhook; `tell` says whether it changed anything.
    pub async fn apply_hook(
        &self,
        request: &ChangeRequest,
        hook: &Hook,
        tell: impl Fn(bool) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        if let Some((owner, parent)) = effect(&self.projections.view(), hook, now).and_then(|effect| effect.keys) {
            self.sealer.keyring().ensure(&key_owner(&owner), &key_owner(&parent), now.as_micros()).await?;
        }
        let plan = |view: &View| {
            let effect = effect(view, hook, now).unwrap_or_default();
            let applied = !effect.events.is_empty();
            let mut pending = Vec::new();
            let mut concerned = Owner::Platform;
            let mut of_platform = Vec::new();
            for (owner, event) in effect.events {
                if owner == Owner::Platform {
                    of_platform.push(event);
                    continue;
                }
                pending.extend(self.identity_events(view, &owner, &request.actor, vec![event])?);
                concerned = owner;
            }
            if applied {
                let event_id = hook.event_id.clone();
                of_platform.push(IdentityEvent::HookHandled(HookHandled { event_id, applied }));
            }
            pending.extend(self.identity_events(view, &Owner::Platform, &request.actor, of_platform)?);
            if let Some((tenant, user)) = &effect.user {
                pending.extend(self.parting(view, tenant, [user], &request.actor)?);
            }
            let entry = EntryDraft { owner: concerned, ..request.entry.clone() };
            Ok(Plan::success(Change::of(now, pending), entry, tell(applied)?))
        };
        self.contend(request, plan).await
    }
}

/// What a webhook comes to; `None` if it is to change nothing.
fn effect(view: &View, hook: &Hook, now: Timestamp) -> Option<Effect> {
    let installation = &view.installation;
    let registration = &installation.registration()?.registration;
    if installation.is_handled(&hook.event_id) {
        return None;
    }
    let mirror = Mirror { view, now, registration: Some(registration), sync_id: None };
    let (noun, verb) = hook.event_type.split_once('.')?;
    match noun {
        "partner" => of_partner(&mirror, hook, verb),
        "tenant" => of_tenant(&mirror, hook, verb),
        "user" => of_user(&mirror, hook, verb),
        "group" | "group_membership" => of_group(&mirror, hook, noun, verb),
        _ => None,
    }
}

fn of_partner(mirror: &Mirror<'_>, hook: &Hook, verb: &str) -> Option<Effect> {
    let said = with_verb(&hook.said, verb, &["created", "updated", "deleted"])?;
    let id = PartnerId::parse(&prefixed(PartnerId::PREFIX, hook.resource.as_deref()?))?;
    let known = mirror.view.installation.partner(&id);
    let noted = mirror.partner(&id, &said, hook.at)?;
    let keys = known.is_none().then_some((Owner::Partner(id), Owner::Platform));
    Some(Effect { events: vec![(Owner::Platform, IdentityEvent::Partner(noted))], keys, ..Effect::default() })
}

fn of_tenant(mirror: &Mirror<'_>, hook: &Hook, verb: &str) -> Option<Effect> {
    let mut said = with_verb(&hook.said, verb, &["created", "updated", "deleted"])?;
    said.partner_id = said.partner_id.or_else(|| hook.partner_id.clone());
    let id = TenantId::parse(&prefixed(TenantId::PREFIX, hook.resource.as_deref()?))?;
    let installation = &mirror.view.installation;
    let known = installation.tenant(&id);
    let partner = known.map(|known| known.partner_id.clone()).or_else(|| said.partner_id.clone())?;
    // A tenant whose partner was never heard of has nothing to hang its key below.
    installation.partner(&partner)?;
    let noted = mirror.tenant(&id, &said, hook.at)?;
    let keys = known.is_none().then_some((Owner::Tenant(id), Owner::Partner(partner)));
    Some(Effect { events: vec![(Owner::Platform, IdentityEvent::Tenant(noted))], keys, ..Effect::default() })
}

fn of_user(mirror: &Mirror<'_>, hook: &Hook, verb: &str) -> Option<Effect> {
    let mut said = match verb {
        "suspended" => Said { status: Some(Status::Suspended), ..hook.said.clone() },
        "activated" => Said { status: Some(Status::Active), ..hook.said.clone() },
        "mfa_enabled" => Said { mfa_enabled: Some(true), ..hook.said.clone() },
        "mfa_disabled" => Said { mfa_enabled: Some(false), ..hook.said.clone() },
        verb => with_verb(&hook.said, verb, &["created", "updated", "deleted", "password_changed"])?,
    };
    let id = UserId::parse(&prefixed(UserId::PREFIX, hook.resource.as_deref()?))?;
    let has_it = |tenant: &TenantId| mirror.view.installation.people(tenant).user_of_provider(&id).is_some();
    let tenant = tenant_of(mirror, hook, has_it)?;
    let people = mirror.view.installation.people(&tenant);
    // Whoever was deleted comes back by being made or activated anew, not by any other change.
    let gone = people.user_of_provider(&id).is_some_and(|held| held.user.status == Status::Deleted);
    if gone && said.status.is_none() && verb == "created" {
        said.status = Some(Status::Active);
    }
    let noted = mirror.user(&tenant, &id, &said, hook.at)?;
    let user = Some((tenant.clone(), noted.record.clone()));
    let events = vec![(Owner::Tenant(tenant), IdentityEvent::User(noted))];
    Some(Effect { events, user, keys: None })
}

fn of_group(mirror: &Mirror<'_>, hook: &Hook, noun: &str, verb: &str) -> Option<Effect> {
    let own = || hook.resource.as_deref().and_then(|id| GroupId::parse(&prefixed(GroupId::PREFIX, id)));
    let id = hook.group_id.clone().or_else(own)?;
    let has_it = |tenant: &TenantId| mirror.view.installation.people(tenant).group(&id).is_some();
    let tenant = tenant_of(mirror, hook, has_it)?;
    let people = mirror.view.installation.people(&tenant);
    let is_member = match (noun, verb) {
        ("group", "member_added") | ("group_membership", "added") => Some(true),
        ("group", "member_removed") | ("group_membership", "removed") => Some(false),
        _ => None,
    };
    let event = match is_member {
        Some(is_member) => {
            let user = hook.user_id.as_ref()?;
            IdentityEvent::Membership(mirror.membership(people, (&id, user), is_member, hook.at)?)
        }
        None if noun == "group" => {
            let said = with_verb(&hook.said, verb, &["created", "updated", "deleted"])?;
            IdentityEvent::Group(mirror.group(people, &id, &said, hook.at)?)
        }
        None => return None,
    };
    Some(Effect { events: vec![(Owner::Tenant(tenant), event)], ..Effect::default() })
}

/// What is said, with what the verb itself says; `None` for a verb that is not known.
fn with_verb(said: &Said, verb: &str, known: &[&str]) -> Option<Said> {
    let status = if verb == "deleted" { Some(Status::Deleted) } else { said.status };
    known.contains(&verb).then(|| Said { status, ..said.clone() })
}

/// The tenant of a user or group: the one named, else the one that has it; if it is within the registration.
fn tenant_of(mirror: &Mirror<'_>, hook: &Hook, has_it: impl Fn(&TenantId) -> bool) -> Option<TenantId> {
    let installation = &mirror.view.installation;
    let tenant = match &hook.tenant_id {
        Some(id) => installation.tenant(id)?,
        None => installation.tenants().find(|tenant| has_it(&tenant.id))?,
    };
    let within = mirror.reaches_people(&tenant.partner_id, &tenant.slug);
    (within && !tenant.is_doomed()).then(|| tenant.id.clone())
}

/// An id with the prefix of its kind, which the provider may leave out.
pub fn prefixed(prefix: &str, id: &str) -> String {
    match (id.starts_with(prefix), id.strip_prefix("prt_")) {
        (true, _) => id.to_owned(),
        (false, Some(rest)) if prefix == PartnerId::PREFIX => format!("{prefix}{rest}"),
        (false, _) => format!("{prefix}{id}"),
    }
}
