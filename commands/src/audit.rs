//! The audit entry of a request or of a piece of background work, while it is being made.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use scaivault_domain::access::{Caller, Decision};
use scaivault_domain::audit::{Action, Entry, Extra};
use scaivault_domain::delivery::Recipient;
use scaivault_domain::id::ExchangeRuleId;
use scaivault_domain::policy::{Condition, Denied, Recollection};
use scaivault_domain::{IdentityId, Owner, TenantId, Timestamp, TokenId, id};
use scaivault_eventstore::log;
use scaivault_projections::owners::key_owner;

use crate::{Failure, ids, measures};

/// An entry without its outcome.
#[derive(Clone, Debug)]
pub struct EntryDraft {
    /// In whose log it belongs.
    pub owner: Owner,
    /// What was asked for.
    pub action: Action,
    /// Who; `None` for a rejected token of nobody known.
    pub identity: Option<IdentityId>,
    /// The caller's own tenant.
    pub acting_tenant: Option<TenantId>,
    /// The secret concerned.
    pub secret_path: Option<Arc<str>>,
    /// Version concerned, once known.
    pub secret_version: Option<u32>,
    /// What else it concerned.
    pub resource: Option<String>,
    /// Client address.
    pub source_ip: Option<IpAddr>,
    /// Cut to 256 characters.
    pub user_agent: Option<Arc<str>>,
    /// The request or run.
    pub request_id: Arc<str>,
    /// When the request arrived.
    pub arrived_at: Timestamp,
    /// The same moment, to measure with.
    pub started: Instant,
    /// More facts.
    pub facts: EntryFacts,
}

/// Facts that go into `extra_data`.
#[derive(Clone, Debug, Default)]
pub struct EntryFacts {
    /// Moment of a time-travel read.
    pub as_of: Option<Timestamp>,
    /// Part of a batch.
    pub batch: bool,
    /// Failures folded into one entry.
    pub count: Option<u64>,
    /// What path policies decided, where they govern.
    pub decision: Option<Arc<Decision>>,
    /// Why access was denied, if it was; kept beside the entry.
    pub denial: Option<String>,
    /// Whose groups and roles counted; kept beside the entry.
    pub caller: Option<Arc<Caller>>,
    /// Of a webhook or subscription, or an attempt at a delivery to one.
    pub delivery: Option<Arc<DeliveryFacts>>,
    /// Which token was exchanged by which rule, if one was.
    pub exchange: Option<Arc<ExchangeFacts>>,
    /// Reason given for a rotation.
    pub reason: Option<Arc<str>>,
    /// Whether partner secrets are concerned.
    pub partner_secrets: bool,
    /// Idempotent replay.
    pub replayed: bool,
    /// Whether the request rotates, so that its policy is named, if only as null.
    pub rotation: bool,
    /// The rotation policy that the secret is attached to.
    pub rotation_policy: Option<Arc<str>>,
    /// The opaque token used.
    pub token: Option<TokenId>,
}

/// What is recorded of what is handed over to webhooks and subscriptions.
#[derive(Clone, Debug)]
pub struct DeliveryFacts {
    /// To whom.
    pub to: Recipient,
    /// The event, if it was one.
    pub event_id: Option<Arc<str>>,
    /// Of an attempt: its number, and the status of the answer if there was one.
    pub attempt: Option<(u32, Option<u16>)>,
    /// How many events were handed over.
    pub events: Option<u64>,
}

impl DeliveryFacts {
    /// What concerns a recipient.
    pub fn of(to: Recipient) -> Self {
        Self { to, event_id: None, attempt: None, events: None }
    }
}

/// What is recorded of an exchange.
#[derive(Clone, Debug)]
pub struct ExchangeFacts {
    /// `iss` of the token.
    pub issuer: Arc<str>,
    /// Its `sub`.
    pub subject: Arc<str>,
    /// The rule.
    pub rule: ExchangeRuleId,
}

impl EntryFacts {
    /// What is kept beside the entry, of requests that path policies govern and of denials.
    fn recollection(&self) -> Recollection {
        let Some(decision) = &self.decision else {
            return Recollection { denial: self.denial.clone(), ..Recollection::default() };
        };
        let of_caller = self.caller.as_deref().map(Recollection::of).unwrap_or_default();
        let recollection = match &decision.outcome {
            Ok(grant) => of_caller.granted(grant),
            Err(denial) => of_caller.denied(denial),
        };
        // What policies say is told by how their rules stood.
        let by_policy = recollection.candidates.is_some();
        let denial = self.denial.clone().filter(|_| !by_policy).or(recollection.denial);
        Recollection { denial, ..recollection }
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// 2xx or 304.
    Success,
    /// Code of the error envelope.
    Error(&'a str),
}

impl EntryDraft {
    /// The entry of work without a client: by the server itself, or by an operator on its host.
    pub fn without_client(
        owner: Owner,
        action: Action,
        identity: Option<IdentityId>,
        request_id: Arc<str>,
        at: Timestamp,
    ) -> Self {
        Self {
            owner,
            action,
            identity,
            acting_tenant: None,
            secret_path: None,
            secret_version: None,
            resource: None,
            source_ip: None,
            user_agent: None,
            request_id,
            arrived_at: at,
            started: Instant::now(),
            facts: EntryFacts::default(),
        }
    }

    /// The entry with its outcome, ready for the log.
    pub fn finish(&self, outcome: Outcome<'_>) -> Result<log::Entry, Failure> {
        let id = id::entry_id(ids::ulid(self.arrived_at)?);
        let source_ip = self.source_ip.map(|address| address.to_canonical().to_string());
        let facts = &self.facts;
        let decision = facts.decision.as_deref();
        let granted = decision.and_then(|decision| decision.outcome.as_ref().ok());
        let policy = granted.and_then(|grant| grant.policy.as_ref());
        let denied = decision.and_then(|decision| decision.outcome.as_ref().err()?.denied.as_ref());
        let exchange = facts.exchange.as_deref();
        let delivery = facts.delivery.as_deref();
        let (webhook_id, subscription_id) = match delivery.map(|delivery| &delivery.to) {
            Some(Recipient::Webhook(id)) => (Some(id.as_str()), None),
            Some(Recipient::Subscription(id)) => (None, Some(id.as_str())),
            None => (None, None),
        };
        let attempt = delivery.and_then(|delivery| delivery.attempt);
        let entry = Entry {
            acting_tenant_id: self.acting_tenant.as_ref().map(TenantId::as_str),
            action: self.action,
            duration_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error_code: match outcome {
                Outcome::Success => None,
                Outcome::Error(code) => Some(code),
            },
            extra_data: Extra {
                as_of: facts.as_of,
                attempt: attempt.map(|(number, _)| number),
                batch: facts.batch,
                count: facts.count,
                event_id: delivery.and_then(|delivery| delivery.event_id.as_deref()),
                events: delivery.and_then(|delivery| delivery.events),
                exchange_rule_id: exchange.map(|exchange| exchange.rule.as_str()),
                failed_condition: denied.and_then(Denied::failed_condition).map(Condition::as_str),
                issuer: exchange.map(|exchange| exchange.issuer.as_ref()),
                permission: decision.map(|decision| decision.permission.as_str()),
                policy_id: granted.map(|_| policy.map(|(id, _)| id.as_str())),
                policy_revision: granted.map(|_| policy.map(|(_, revision)| *revision)),
                reason: facts.reason.as_deref(),
                replayed: facts.replayed,
                response_code: attempt.map(|(_, code)| code),
                rotation_policy_id: facts.rotation.then_some(facts.rotation_policy.as_deref()),
                rule_index: granted.map(|grant| grant.rule_index),
                secret_scope: facts.partner_secrets.then_some("partner"),
                subject: exchange.map(|exchange| exchange.subject.as_ref()),
                subscription_id,
                token_id: facts.token.as_ref().map(TokenId::as_str),
                webhook_id,
            },
            id: &id,
            identity_id: self.identity.as_ref().map(IdentityId::as_str),
            identity_type: self.identity.as_ref().filter(|_| self.action != Action::AuthFailure).map(IdentityId::kind),
            request_id: &self.request_id,
            resource: self.resource.as_deref(),
            secret_path: self.secret_path.as_deref(),
            secret_version: self.secret_version,
            source_ip: source_ip.as_deref(),
            success: outcome == Outcome::Success,
            tenant_id: self.owner.tenant().map(TenantId::as_str),
            timestamp: self.arrived_at,
            user_agent: self.user_agent.as_deref(),
        };
        measures::entry_made(self.action, entry.success);
        let recollection = facts.recollection();
        let detail = match recollection.is_empty() {
            true => None,
            false => Some(serde_json::to_string(&recollection)?.into()),
        };
        Ok(log::Entry { owner: key_owner(&self.owner), json: entry.to_canonical_json().into(), detail })
    }
}
