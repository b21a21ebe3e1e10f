//! The first contents of an empty store: a partner, a tenant, an administrator, a token.

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::access::Narrowing;
use scaivault_domain::audit::Action;
use scaivault_domain::id::UserId;
use scaivault_domain::installation::{ClockMoved, PartnerCreated, TenantCreated, UserCreated};
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{Event, IdentityId, Owner, PartnerId, Role, Scopes, TenantId, Timestamp, TokenId};
use scaivault_eventstore::{Revision, StoreError};
use scaivault_projections::View;
use scaivault_projections::owners::key_owner;

use crate::audit::{EntryDraft, Outcome};
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Engine, Failure, ids, token, token_value};

/// How long a node waits for another one's bootstrap.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an empty store is filled with.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Partner id, name, slug.
    pub partner: (PartnerId, String, String),
    /// Tenant id, name, slug.
    pub tenant: (TenantId, String, String),
    /// The administrator.
    pub admin: IdentityId,
}

impl Engine {
    /// Fills an empty store. `false` if another process did so first.
    pub async fn bootstrap(&self, bootstrap: &Bootstrap) -> Result<bool, Failure> {
        let now = self.now();
        let partner = Owner::Partner(bootstrap.partner.0.clone());
        let tenant = Owner::Tenant(bootstrap.tenant.0.clone());
        let keyring = self.sealer.keyring();
        keyring.ensure(&key_owner(&partner), &key_owner(&Owner::Platform), now.as_micros()).await?;
        keyring.ensure(&key_owner(&tenant), &key_owner(&partner), now.as_micros()).await?;
        let (id, name, slug) = bootstrap.partner.clone();
        let partner_created = PartnerCreated { id, name, slug };
        let (id, name, slug) = bootstrap.tenant.clone();
        let tenant_created = TenantCreated { id, partner_id: bootstrap.partner.0.clone(), name, slug };
        let user_created = UserCreated {
            id: UserId::from_ulid(ids::ulid(now)?),
            identity: bootstrap.admin.clone(),
            tenant_id: bootstrap.tenant.0.clone(),
            partner_id: bootstrap.partner.0.clone(),
            display_name: bootstrap.admin.as_str().trim_start_matches("user:").to_owned(),
            roles: vec![Role::SuperAdmin],
        };
        // The installation's own stream makes two nodes agree on who was first.
        let first = |owner: &Owner, kind: &str, name: &str, event: Event| -> Result<Pending, Failure> {
            Ok(Pending {
                stream: self.stream(owner, kind, name)?,
                owner: owner.clone(),
                revision: Revision::NONE.next(),
                actor: bootstrap.admin.clone(),
                event,
                value: None,
            })
        };
        let pending = vec![
            first(&Owner::Platform, "installation", "bootstrap", Event::PartnerCreated(partner_created))?,
            first(&Owner::Platform, "tenant", bootstrap.tenant.0.as_str(), Event::TenantCreated(tenant_created))?,
            first(&tenant, "user", bootstrap.admin.as_str(), Event::UserCreated(user_created))?,
        ];
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let resource = format!("identity/tenants/{}", bootstrap.tenant.0);
        let entry = operator_entry(bootstrap, Action::Write, resource, now, &request_id).finish(Outcome::Success)?;
        match self.append(&request_id, Change::of(now, pending), vec![entry]).await {
            Ok(_) => Ok(true),
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => {
                self.catch_up(Instant::now() + PATIENCE, |view| view.installation.is_initialised()).await?;
                Ok(false)
            }
            Err(other) => Err(other),
        }
    }

    /// Makes an administrator's token of all scopes; revokes earlier ones of the same kind.
    pub async fn issue_operator_token(
        &self,
        bootstrap: &Bootstrap,
        kind: TokenKind,
        value: &str,
        expires_at: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let now = self.now();
        let hash = self.token_hash(value)?;
        let view = self.projections.view();
        let mut pending = Vec::new();
        let mut there = false;
        for held in view.tokens.all().filter(|held| held.token.record.kind == kind && held.token.is_active(now)) {
            let record = &held.token.record;
            if record.hash == hash {
                there = true;
                continue;
            }
            let revoked = TokenRevoked { id: record.id.clone(), kind, identity: record.identity.clone() };
            pending.push(self.operator_event(record, held.revision, bootstrap, Event::TokenRevoked(revoked))?);
        }
        if !there {
            let record = TokenCreated {
                id: TokenId::from_ulid(ids::ulid(now)?),
                kind,
                name: match kind {
                    TokenKind::DevRoot => "dev root",
                    TokenKind::Bootstrap
                    | TokenKind::Personal
                    | TokenKind::ServiceAccountKey
                    | TokenKind::Exchanged => "bootstrap",
                }
                .to_owned(),
                hash,
                prefix: token_value::shown(value),
                identity: bootstrap.admin.clone(),
                tenant_id: Some(bootstrap.tenant.0.clone()),
                partner_id: Some(bootstrap.partner.0.clone()),
                scopes: Scopes::all(),
                narrowing: Narrowing::default(),
                own_narrowing: (false, false),
                made_with: None,
                made_with_jwt: None,
                exchange_rule: None,
                expires_at,
            };
            pending.push(self.operator_event(
                &record,
                Revision::NONE,
                bootstrap,
                Event::TokenCreated(record.clone()),
            )?);
        }
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let entry = operator_entry(bootstrap, Action::TokenCreate, "auth/tokens".into(), now, &request_id);
        let entry = entry.finish(Outcome::Success)?;
        self.append(&request_id, Change::of(now, pending), vec![entry]).await.map(drop)
    }

    /// Remembers how far the development clock runs ahead.
    pub async fn clock_moved(
        &self,
        request: &crate::ChangeRequest,
        offset_micros: i64,
        reply: crate::Reply,
    ) -> Result<crate::Answer, Failure> {
        let stream = self.stream(&Owner::Platform, "clock", "offset")?;
        let revision = |view: &View| view.installation.clock_revision();
        let plan = |view: &View| {
            let pending = Pending {
                owner: Owner::Platform,
                stream,
                revision: revision(view).next(),
                actor: request.actor.clone(),
                event: Event::ClockMoved(ClockMoved { offset_micros }),
                value: None,
            };
            Ok(Plan::success(Change::of(self.now(), vec![pending]), request.entry.clone(), reply.clone()))
        };
        self.race(request, stream, revision, plan).await
    }

    fn operator_event(
        &self,
        record: &TokenCreated,
        revision: Revision,
        bootstrap: &Bootstrap,
        event: Event,
    ) -> Result<Pending, Failure> {
        let owner = token::owner_of(record);
        Ok(Pending {
            stream: self.stream(&owner, "token", record.id.as_str())?,
            owner,
            revision: revision.next(),
            actor: bootstrap.admin.clone(),
            event,
            value: None,
        })
    }
}

/// The entry of what an operator does on the host, in the administrator's name.
fn operator_entry(
    bootstrap: &Bootstrap,
    action: Action,
    resource: String,
    now: Timestamp,
    request_id: &Arc<str>,
) -> EntryDraft {
    let tenant = bootstrap.tenant.0.clone();
    let owner = Owner::Tenant(tenant.clone());
    let entry = EntryDraft::without_client(owner, action, Some(bootstrap.admin.clone()), request_id.clone(), now);
    EntryDraft { acting_tenant: Some(tenant), resource: Some(resource), ..entry }
}
