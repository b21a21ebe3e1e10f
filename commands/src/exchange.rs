//! Rules of token exchange, and the tokens they give.

use scaivault_domain::access::Narrowing;
use scaivault_domain::exchange::{ExchangeContent, ExchangeRule};
use scaivault_domain::id::ExchangeRuleId;
use scaivault_domain::issuer::{Issuer, IssuerEvent};
use scaivault_domain::token::{TokenCreated, TokenKind};
use scaivault_domain::{
    ErrorCode, Event, IdentityId, IdentityType, Owner, Pattern, Rejection, Role, Scopes, TenantId, TokenId,
};
use scaivault_eventstore::Revision;
use scaivault_projections::{IssuerSet, View};
use zeroize::Zeroizing;

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids, token_value};

/// A token to be given by a rule.
pub struct Exchange<'a> {
    /// The rule that matched.
    pub rule: &'a ExchangeRule,
    /// Whose tokens it is over.
    pub issuer: &'a Issuer,
    /// Whose rule.
    pub tenant: &'a TenantId,
    /// What the token opens: no more than the rule gives.
    pub scopes: Scopes,
    /// Narrowing of its own.
    pub allowed_paths: Option<Vec<Pattern>>,
}

impl Engine {
    /// Makes a rule.
    pub async fn create_exchange_rule(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        content: ExchangeContent,
        tell: impl Fn(&ExchangeRule) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let id = ExchangeRuleId::from_ulid(ids::ulid(self.now())?);
        self.change_issuers(request, owner, |view, now| {
            let rule = ExchangeRule {
                id: id.clone(),
                content: content.clone(),
                created_at: now,
                updated_at: now,
                active_since: now,
                last_used_at: None,
            };
            self.check_rule(view, owner, &rule)?;
            Ok((IssuerEvent::RuleCreated { id: id.clone(), content: content.clone() }, tell(&rule)?))
        })
        .await
    }

    /// Gives a rule another content, made by `edit` from what it says. One that is inactive then gave its last token,
    /// and those it gave end.
    pub async fn update_exchange_rule(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        id: &ExchangeRuleId,
        edit: impl Fn(&ExchangeContent) -> Result<ExchangeContent, Rejection>,
        tell: impl Fn(&ExchangeRule) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        self.change_issuers(request, owner, |view, now| {
            let held = view.issuers.of(owner).rule(id).ok_or_else(unknown)?;
            let rule = ExchangeRule { content: edit(&held.content)?, updated_at: now, ..ExchangeRule::clone(held) };
            self.check_rule(view, owner, &rule)?;
            Ok((IssuerEvent::RuleUpdated { id: id.clone(), content: rule.content.clone() }, tell(&rule)?))
        })
        .await
    }

    /// Deletes a rule; the tokens it gave end.
    pub async fn delete_exchange_rule(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        id: &ExchangeRuleId,
    ) -> Result<Answer, Failure> {
        self.change_issuers(request, owner, |view, _| {
            view.issuers.of(owner).rule(id).ok_or_else(unknown)?;
            Ok((IssuerEvent::RuleDeleted { id: id.clone() }, Reply::no_content()))
        })
        .await
    }

    fn check_rule(&self, view: &View, owner: &Owner, rule: &ExchangeRule) -> Result<(), Rejection> {
        let content = &rule.content;
        self.issuer(view, owner, &content.issuer_id).ok_or_else(crate::issuer::unknown)?;
        if !is_known(view, owner, &content.identity) {
            return Err(Rejection::new(ErrorCode::IdentityNotFound, "Identity not found"));
        }
        let taken =
            |set: &IssuerSet| set.rules().any(|other| other.id != rule.id && other.content.name == content.name);
        match taken(view.issuers.of(owner)) {
            true => Err(Rejection::new(ErrorCode::NameTaken, "Another exchange rule has that name")),
            false => Ok(()),
        }
    }

    /// Gives a token. It has the roles of its identity, up to those of whoever made the rule or holds the issuer's keys.
    pub async fn exchange_token(
        &self,
        request: &ChangeRequest,
        exchange: &Exchange<'_>,
        tell: impl Fn(&TokenCreated, &Zeroizing<String>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let now = self.now();
        let Exchange { rule, issuer, tenant, scopes, allowed_paths } = exchange;
        let owner = Owner::Tenant((*tenant).clone());
        let value = token_value::exchanged()?;
        let record = TokenCreated {
            id: TokenId::from_ulid(ids::ulid(now)?),
            kind: TokenKind::Exchanged,
            name: rule.content.name.to_string(),
            hash: self.token_hash(&value)?,
            prefix: token_value::shown(&value),
            identity: rule.content.identity.clone(),
            tenant_id: Some((*tenant).clone()),
            partner_id: self.projections.view().installation.partner_of(&owner),
            scopes: *scopes,
            own_narrowing: (allowed_paths.is_some(), false),
            narrowing: Narrowing {
                allowed_paths: allowed_paths.iter().cloned().collect(),
                allowed_ips: Vec::new(),
                highest_role: lowest(rule.content.highest_role, issuer.highest_role()),
            },
            made_with: None,
            made_with_jwt: None,
            exchange_rule: Some(rule.id.clone()),
            expires_at: Some(now.plus_seconds(rule.content.ttl.seconds())),
        };
        let reply = tell(&record, &value)?;
        let stream = self.stream(&owner, "token", record.id.as_str())?;
        let plan = |_: &View| {
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: Revision::NONE.next(),
                actor: request.actor.clone(),
                event: Event::TokenCreated(record.clone()),
                value: None,
            };
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), reply.clone()))
        };
        self.race(request, stream, |_| Revision::NONE, plan).await
    }
}

/// `not_found` for a rule.
pub fn unknown() -> Rejection {
    Rejection::new(ErrorCode::NotFound, "Exchange rule not found")
}

/// Whether a rule may give tokens of an identity: users may be met later, service accounts are made here.
pub fn is_known(view: &View, owner: &Owner, identity: &IdentityId) -> bool {
    match identity.kind() {
        IdentityType::User => true,
        // Only of service accounts it is recorded what they may open.
        IdentityType::ServiceAccount => view.installation.standing(owner.tenant(), identity).scopes.is_some(),
        IdentityType::Group | IdentityType::System => false,
    }
}

/// The lower of two bounds; roles that reach less are greater.
fn lowest(a: Option<Role>, b: Option<Role>) -> Option<Role> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (bound, None) | (None, bound) => bound,
    }
}
