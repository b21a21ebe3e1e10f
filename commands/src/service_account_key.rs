//! Keys of service accounts: made, perhaps straight into a secret, and revoked.

use scaivault_domain::access::{Caller, Narrowing, Target};
use scaivault_domain::audit::Action;
use scaivault_domain::context::Found;
use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::granting::{self, RoleChange};
use scaivault_domain::id::ServiceAccountId;
use scaivault_domain::secret::options::OptionsChange;
use scaivault_domain::secret::write::{self, WriteSecret};
use scaivault_domain::secret::{Condition, Secret, SecretType};
use scaivault_domain::service_account::Content;
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{Context, ErrorCode, Event, IdentityId, Rejection, SecretPath, Timestamp, TokenId};
use scaivault_eventstore::Revision;
use scaivault_projections::{HeldAccount, View};
use zeroize::Zeroizing;

use crate::audit::Outcome;
use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::secret::{self, Value};
use crate::service_account::{grantable, tenant_of, unknown};
use crate::{Answer, ChangeRequest, Engine, EntryDraft, Failure, FinishedEntry, Reply, ids, sweeper, token_value};

/// Makes a key.
pub struct CreateKey {
    /// For people.
    pub name: String,
    /// Its end; `None` never.
    pub expires_at: Option<Timestamp>,
    /// Where its value is to be written, and the entry of that write.
    pub store_in: Option<(SecretPath, EntryDraft)>,
}

/// A new key.
pub struct CreatedKey<'a> {
    /// Its record.
    pub record: &'a TokenCreated,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its value, this once; `None` if it was written to a secret.
    pub value: Option<&'a str>,
    /// Where its value was written to, with the version.
    pub stored: Option<(&'a SecretPath, u32)>,
}

/// A write that goes with a key.
struct Stored {
    pending: Vec<Pending>,
    shred: Vec<u64>,
    besides: Vec<FinishedEntry>,
    version: u32,
}

impl Engine {
    /// Makes a key. With a path its value becomes a new version there in the same step, or neither happens.
    pub async fn create_key(
        &self,
        request: &ChangeRequest,
        (caller, target): (&Caller, &Target),
        id: &ServiceAccountId,
        command: &CreateKey,
        tell: impl Fn(&CreatedKey<'_>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let tenant = tenant_of(target)?;
        let value = token_value::service_account_key()?;
        let sealed: Value = Zeroizing::new(format!("{{\"api_key\":\"{}\"}}", value.as_str()).into_bytes());
        let key_id = TokenId::key_from_ulid(ids::ulid(now)?);
        let hash = self.token_hash(&value)?;
        let plan = |view: &View| {
            let account = view.installation.people(tenant).account(id).ok_or_else(unknown)?;
            // Who has the key has the roles.
            let Content { roles, scopes, .. } = &account.account.content;
            granting::check(caller, &RoleChange { target, is_own: false, before: &[], after: roles })?;
            grantable(caller, *scopes, "A key cannot open what its maker's token does not")?;
            let record = TokenCreated {
                id: key_id.clone(),
                kind: TokenKind::ServiceAccountKey,
                name: command.name.clone(),
                hash: hash.clone(),
                prefix: token_value::shown(&value),
                identity: account.account.identity.clone(),
                tenant_id: Some(tenant.clone()),
                partner_id: target.partner.clone(),
                // As told now; what it opens is what its account may open at the time.
                scopes: *scopes,
                narrowing: caller.narrowing.clone(),
                own_narrowing: (false, false),
                // What is given within bounds ends with whatever set them; any other key outlives its maker's token.
                made_with: caller.token.clone().filter(|_| caller.narrowing != Narrowing::default()),
                made_with_jwt: None,
                exchange_rule: None,
                expires_at: command.expires_at,
            };
            let stored = match &command.store_in {
                Some((path, entry)) => Some((path, self.storing(request, view, path, entry, &sealed)?)),
                None => None,
            };
            let told = stored.as_ref().map(|(path, stored)| (*path, stored.version));
            let added = IdentityEvent::KeyAdded {
                id: id.clone(),
                key_id: key_id.clone(),
                stored: told.map(|(path, version)| (path.clone(), version)),
            };
            let mut pending = self.identity_events(view, &target.owner, &request.actor, vec![added])?;
            pending.push(self.token_event(&record, Revision::NONE, request, Event::TokenCreated(record.clone()))?);
            let shown = told.is_none().then_some(value.as_str());
            let reply = tell(&CreatedKey { record: &record, created_at: now, value: shown, stored: told })?;
            let mut plan = Plan::success(Change::of(now, pending), request.entry.clone(), reply);
            if let Some((_, stored)) = stored {
                plan.change.pending.extend(stored.pending);
                plan.change.shred = stored.shred;
                plan.besides = stored.besides;
            }
            Ok(plan)
        };
        let answer = self.contend(request, plan).await?;
        if command.store_in.is_some() {
            self.measures.wrote(&request.owner);
        }
        Ok(answer)
    }

    /// The events that write a key's value, decided like any other write.
    fn storing(
        &self,
        request: &ChangeRequest,
        view: &View,
        path: &SecretPath,
        entry: &EntryDraft,
        value: &Value,
    ) -> Result<Stored, Failure> {
        let context = Context {
            found: Found::default(),
            now: self.now(),
            actor: request.actor.clone(),
            request_id: request.request_id.as_ref().to_owned(),
            settings: view.installation.settings(&request.owner),
        };
        let command = WriteSecret {
            path: path.clone(),
            secret_type: Some(SecretType::ApiKey),
            metadata: None,
            options: OptionsChange::default(),
            condition: Condition::default(),
        };
        let secrets = view.secrets(&request.owner);
        let held = secrets.held(path.as_str()).map(|held| &held.secret);
        let due = held.map(|secret| secret.due(context.now)).unwrap_or_default();
        let before = Secret::preview(held.map(|secret| secret.as_ref().clone()), &due, context.now, path);
        let decision = write::decide(before.as_ref(), &command, &context)?;
        let mut besides = Vec::with_capacity(due.len() + 1);
        for event in &due {
            let entry = sweeper::entry(&request.owner, path, event, context.now, &request.request_id);
            besides.push(entry.finish(Outcome::Success)?);
        }
        let version = decision.outcome.version;
        besides.push(EntryDraft { secret_version: Some(version), ..entry.clone() }.finish(Outcome::Success)?);
        let events = [due.clone(), decision.events.clone()].concat();
        let shred = held.map(|secret| secret.shredded_by(&events)).unwrap_or_default();
        let events = secret::attributed(due, decision.events, &request.actor);
        let stream = self.stream(&request.owner, "secret", path.as_str())?;
        let revision = secrets.revision(path.as_str());
        let pending = secret::pending(&request.owner, path, stream, revision, events, Some(value));
        Ok(Stored { pending, shred, besides, version })
    }

    /// Revokes a key of a service account.
    pub async fn delete_key(
        &self,
        request: &ChangeRequest,
        account: &HeldAccount,
        key_id: &TokenId,
    ) -> Result<Answer, Failure> {
        let owner = &request.owner;
        let stream = self.stream(owner, "token", key_id.as_str())?;
        let revision = |view: &View| view.tokens.by_id(key_id).map_or(Revision::NONE, |held| held.revision);
        let plan = |view: &View| {
            let now = self.now();
            let held = view
                .tokens
                .by_id(key_id)
                .filter(|held| is_key_of(&held.token.record, owner, &account.account.identity));
            let held = held.filter(|held| held.token.is_active(now)).ok_or_else(unknown_key)?;
            let record = &held.token.record;
            let revoked = TokenRevoked { id: key_id.clone(), kind: record.kind, identity: record.identity.clone() };
            let event = self.token_event(record, held.revision, request, Event::TokenRevoked(revoked))?;
            Ok(Plan::success(Change::of(now, vec![event]), request.entry.clone(), Reply::no_content()))
        };
        self.race(request, stream, revision, plan).await
    }
}

/// Whether a token is a key of that service account of an owner.
pub fn is_key_of(record: &TokenCreated, owner: &scaivault_domain::Owner, identity: &IdentityId) -> bool {
    record.kind == TokenKind::ServiceAccountKey
        && record.tenant_id.as_ref() == owner.tenant()
        && record.identity == *identity
}

/// `key_not_found`.
pub fn unknown_key() -> Rejection {
    Rejection::new(ErrorCode::KeyNotFound, "Service-account key not found")
}

/// The entry of the write that goes with a key.
pub fn storing_entry(entry: &EntryDraft, path: &SecretPath) -> EntryDraft {
    EntryDraft { action: Action::Write, secret_path: Some(path.shared()), resource: None, ..entry.clone() }
}
