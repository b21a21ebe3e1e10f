//! Trusted issuers, rules of exchange, and JWTs that were revoked before their end.

use std::sync::Arc;

use imbl::{HashMap, OrdMap, OrdSet};
use scaivault_domain::exchange::{ExchangeContent, ExchangeRule};
use scaivault_domain::id::{ExchangeRuleId, IssuerId};
use scaivault_domain::issuer::{Issuer, IssuerContent, IssuerEvent};
use scaivault_domain::token::{JwtRevoked, Token, TokenCreated};
use scaivault_domain::{Owner, Timestamp};
use scaivault_eventstore::Revision;

/// How long a revoked JWT is remembered past its end: longer than clocks may differ.
const REMEMBERED_SECONDS: i64 = 3_600;

/// The issuers and rules of the platform and of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Issuers {
    owners: HashMap<Owner, IssuerSet>,
    nothing: IssuerSet,
    /// By `iss`.
    named: HashMap<Arc<str>, Namesakes>,
    /// Rules by issuer, of whatever tenant.
    rules: HashMap<IssuerId, OrdSet<(ExchangeRuleId, Owner)>>,
    revoked: HashMap<Arc<str>, Timestamp>,
    revoked_by_end: OrdSet<(Timestamp, Arc<str>)>,
}

/// The issuers with one URL, as they were at some moment.
#[derive(Clone, Debug, Default)]
pub struct Namesakes(OrdMap<IssuerId, Arc<Issuer>>);

/// Those of the platform or of one tenant.
#[derive(Clone, Debug, Default)]
pub struct IssuerSet {
    issuers: OrdMap<IssuerId, Arc<Issuer>>,
    rules: OrdMap<ExchangeRuleId, Arc<ExchangeRule>>,
    revision: Revision,
}

impl IssuerSet {
    /// Revision of the owner's stream of these events.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// An issuer.
    pub fn issuer(&self, id: &IssuerId) -> Option<&Arc<Issuer>> {
        self.issuers.get(id)
    }

    /// All issuers, newest first.
    pub fn issuers(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.issuers.values().rev()
    }

    /// A rule.
    pub fn rule(&self, id: &ExchangeRuleId) -> Option<&Arc<ExchangeRule>> {
        self.rules.get(id)
    }

    /// All rules, newest first.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<ExchangeRule>> {
        self.rules.values().rev()
    }
}

impl Issuers {
    /// Those of an owner.
    pub fn of(&self, owner: &Owner) -> &IssuerSet {
        self.owners.get(owner).unwrap_or(&self.nothing)
    }

    /// All owners that ever had some.
    pub fn all(&self) -> impl Iterator<Item = (&Owner, &IssuerSet)> {
        self.owners.iter()
    }

    /// The issuers with exactly this URL, of whatever owner, the oldest first.
    pub fn named(&self, iss: &str) -> impl Iterator<Item = &Arc<Issuer>> {
        self.named.get(iss).into_iter().flat_map(|namesakes| namesakes.0.values())
    }

    /// The same as they are now, to find out later whether one of them came, went or changed.
    pub fn namesakes(&self, iss: &str) -> Namesakes {
        self.named.get(iss).cloned().unwrap_or_default()
    }

    /// Whether none of them did. Looks at no issuer: every change makes another map.
    pub fn are_same(&self, iss: &str, before: &Namesakes) -> bool {
        self.named.get(iss).map_or_else(|| before.0.is_empty(), |now| now.0.ptr_eq(&before.0))
    }

    /// The rules over tokens of an issuer with their tenants, the oldest first.
    pub fn rules_of(&self, issuer: &IssuerId) -> impl Iterator<Item = (&Owner, &Arc<ExchangeRule>)> {
        let of_issuer = self.rules.get(issuer).into_iter().flatten();
        of_issuer.filter_map(|(id, owner)| Some((owner, self.of(owner).rule(id)?)))
    }

    /// Whether the rule that gave a token, if one did, still stands by it.
    pub fn vouch_for(&self, token: &Token) -> bool {
        let Some(rule) = &token.record.exchange_rule else { return true };
        let owner = Owner::of(token.record.tenant_id.as_ref(), token.record.partner_id.as_ref());
        self.of(&owner).rule(rule).is_some_and(|rule| rule.vouches_for(token.created_at))
    }

    /// Whether a JWT was revoked, by its keyed hash (hexadecimal).
    pub fn is_revoked(&self, hash: &str) -> bool {
        self.revoked.contains_key(hash)
    }

    /// Revoked JWTs that are remembered, and their ends.
    pub(crate) fn revoked(&self) -> impl Iterator<Item = (&Arc<str>, Timestamp)> {
        self.revoked.iter().map(|(hash, end)| (hash, *end))
    }

    pub(crate) fn fold(&mut self, owner: &Owner, event: IssuerEvent, at: Timestamp, revision: Revision) {
        self.restore_revision(owner, revision);
        match event {
            IssuerEvent::Created { id, content } => {
                let tenant = owner.tenant().cloned();
                self.hold_issuer(
                    owner,
                    Issuer { id, tenant, content, is_builtin: false, created_at: at, updated_at: at },
                );
            }
            IssuerEvent::Updated { id, content } => self.issuer_updated(owner, &id, content, at),
            IssuerEvent::Deleted { id } => {
                let removed = self.of_mut(owner).issuers.remove(&id);
                if let Some(removed) = removed {
                    self.unname(&removed);
                }
            }
            IssuerEvent::RuleCreated { id, content } => self.hold_rule(
                owner,
                ExchangeRule { id, content, created_at: at, updated_at: at, active_since: at, last_used_at: None },
            ),
            IssuerEvent::RuleUpdated { id, content } => self.rule_updated(owner, &id, content, at),
            IssuerEvent::RuleDeleted { id } => {
                let removed = self.of_mut(owner).rules.remove(&id);
                if let Some(removed) = removed {
                    self.unlist(owner, &removed);
                }
            }
        }
    }

    /// A token was made: the rule that gave it, if one did, was used.
    pub(crate) fn token_created(&mut self, owner: &Owner, token: &TokenCreated, at: Timestamp) {
        let Some(id) = &token.exchange_rule else { return };
        if let Some(rule) = self.owners.get_mut(owner).and_then(|set| set.rules.get_mut(id)) {
            Arc::make_mut(rule).last_used_at = Some(at);
        }
    }

    pub(crate) fn jwt_revoked(&mut self, revoked: JwtRevoked) {
        let hash: Arc<str> = revoked.hash.into();
        self.revoked_by_end.insert((revoked.expires_at, hash.clone()));
        self.revoked.insert(hash, revoked.expires_at);
    }

    /// Forgets an owner whose key is destroyed. Revoked JWTs stay until their end.
    pub(crate) fn forget(&mut self, owner: &Owner) {
        let Some(set) = self.owners.remove(owner) else { return };
        set.issuers.values().for_each(|issuer| self.unname(issuer));
        set.rules.values().for_each(|rule| self.unlist(owner, rule));
    }

    /// Forgets the revocations of JWTs that have ended by themselves long before `at`.
    pub(crate) fn forget_before(&mut self, at: Timestamp) {
        while let Some((end, hash)) = self.revoked_by_end.get_min() {
            if end.plus_seconds(REMEMBERED_SECONDS) > at {
                break;
            }
            self.revoked.remove(hash);
            self.revoked_by_end = self.revoked_by_end.without_min().1;
        }
    }

    /// Sets the revision of an owner's stream.
    pub(crate) fn restore_revision(&mut self, owner: &Owner, revision: Revision) {
        self.of_mut(owner).revision = revision;
    }

    /// Enters an issuer as it is.
    pub(crate) fn hold_issuer(&mut self, owner: &Owner, issuer: Issuer) {
        let issuer = Arc::new(issuer);
        let of_url = self.named.entry(issuer.content.issuer.clone()).or_default();
        of_url.0.insert(issuer.id.clone(), issuer.clone());
        self.of_mut(owner).issuers.insert(issuer.id.clone(), issuer);
    }

    /// Enters a rule as it is.
    pub(crate) fn hold_rule(&mut self, owner: &Owner, rule: ExchangeRule) {
        let of_issuer = self.rules.entry(rule.content.issuer_id.clone()).or_default();
        of_issuer.insert((rule.id.clone(), owner.clone()));
        self.of_mut(owner).rules.insert(rule.id.clone(), Arc::new(rule));
    }

    fn of_mut(&mut self, owner: &Owner) -> &mut IssuerSet {
        self.owners.entry(owner.clone()).or_default()
    }

    fn issuer_updated(&mut self, owner: &Owner, id: &IssuerId, content: IssuerContent, at: Timestamp) {
        let Some(before) = self.of(owner).issuer(id).cloned() else { return };
        self.unname(&before);
        self.hold_issuer(owner, Issuer { content, updated_at: at, ..Issuer::clone(&before) });
    }

    fn rule_updated(&mut self, owner: &Owner, id: &ExchangeRuleId, content: ExchangeContent, at: Timestamp) {
        let Some(before) = self.of(owner).rule(id).cloned() else { return };
        self.unlist(owner, &before);
        let active_since = if before.content.is_active { before.active_since } else { at };
        self.hold_rule(owner, ExchangeRule { content, updated_at: at, active_since, ..ExchangeRule::clone(&before) });
    }

    fn unname(&mut self, issuer: &Issuer) {
        if let Some(of_url) = self.named.get_mut(&issuer.content.issuer) {
            of_url.0.remove(&issuer.id);
            if of_url.0.is_empty() {
                self.named.remove(&issuer.content.issuer);
            }
        }
    }

    fn unlist(&mut self, owner: &Owner, rule: &ExchangeRule) {
        if let Some(of_issuer) = self.rules.get_mut(&rule.content.issuer_id) {
            of_issuer.remove(&(rule.id.clone(), owner.clone()));
            if of_issuer.is_empty() {
                self.rules.remove(&rule.content.issuer_id);
            }
        }
    }
}
