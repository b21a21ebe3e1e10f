//! Personal tokens: made, revoked.

use ipnet::IpNet;
use scaivault_domain::access::{Caller, Narrowing};
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{DurationText, ErrorCode, Event, Owner, Pattern, Rejection, Scopes, Timestamp, TokenId};
use scaivault_eventstore::Revision;
use scaivault_projections::View;

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply, ids, token_value};

/// Life of a token where none is given, in seconds: 90 days.
const DEFAULT_LIFE_SECONDS: i64 = 90 * 86_400;
/// Longest life, in seconds: 365 days.
const MAX_LIFE_SECONDS: i64 = 365 * 86_400;

/// Makes a personal token for the caller.
pub struct CreateToken {
    /// For people.
    pub name: String,
    /// What it opens; a subset of the caller's.
    pub scopes: Scopes,
    /// How long it lives.
    pub expires_in: Option<DurationText>,
    /// Narrowing of its own.
    pub allowed_paths: Option<Vec<Pattern>>,
    /// Narrowing of its own.
    pub allowed_ips: Option<Vec<IpNet>>,
}

/// A new token: its record, and its value this once.
pub struct Created<'a> {
    /// The record.
    pub record: &'a TokenCreated,
    /// The value.
    pub value: &'a str,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Engine {
    /// Makes a token that acts as the caller, and never more than the token it is made with.
    pub async fn create_token(
        &self,
        request: &ChangeRequest,
        caller: &Caller,
        command: CreateToken,
        tell: impl Fn(&Created<'_>) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        if let Some(missing) = caller.scopes.missing(command.scopes) {
            return Err(Rejection::denied("insufficient_scope", "A token cannot have scopes that its maker lacks")
                .detail("required_scope", missing.as_str())
                .into());
        }
        let now = self.now();
        let value = token_value::personal()?;
        let record = TokenCreated {
            id: TokenId::from_ulid(ids::ulid(now)?),
            kind: TokenKind::Personal,
            name: command.name,
            hash: self.token_hash(&value)?,
            prefix: token_value::shown(&value),
            identity: caller.identity.clone(),
            tenant_id: caller.tenant.clone(),
            partner_id: caller.partner.clone(),
            scopes: command.scopes,
            own_narrowing: (command.allowed_paths.is_some(), command.allowed_ips.is_some()),
            narrowing: narrowed(&caller.narrowing, command.allowed_paths, command.allowed_ips),
            made_with: caller.token.clone(),
            made_with_jwt: caller.jwt.as_deref().map(str::to_owned),
            exchange_rule: None,
            expires_at: Some(end(
                command.expires_in.as_ref(),
                caller.token.as_ref().and(caller.token_expires_at),
                now,
            )?),
        };
        let reply = tell(&Created { record: &record, value: &value, created_at: now })?;
        let stream = self.stream(&owner_of(&record), "token", record.id.as_str())?;
        let plan = |_: &View| {
            let pending = self.token_event(&record, Revision::NONE, request, Event::TokenCreated(record.clone()))?;
            Ok(Plan::success(Change::of(now, vec![pending]), request.entry.clone(), reply.clone()))
        };
        self.race(request, stream, |_| Revision::NONE, plan).await
    }

    /// Revokes a token; the tokens made with it end too. Revoking it again changes nothing.
    pub async fn revoke_token(&self, request: &ChangeRequest, id: &TokenId, reply: Reply) -> Result<Answer, Failure> {
        let unknown = || Rejection::new(ErrorCode::TokenNotFound, "Token not found");
        let view = self.projections.view();
        let record = view.tokens.by_id(id).map(|held| held.token.record.clone()).ok_or_else(unknown)?;
        let stream = self.stream(&owner_of(&record), "token", id.as_str())?;
        let revision = |view: &View| view.tokens.by_id(id).map_or(Revision::NONE, |held| held.revision);
        let plan = |view: &View| {
            let revoked_at = view.tokens.by_id(id).and_then(|held| held.token.revoked_at);
            let pending = match revoked_at {
                Some(_) => Vec::new(),
                None => {
                    let revoked = TokenRevoked { id: id.clone(), kind: record.kind, identity: record.identity.clone() };
                    vec![self.token_event(&record, revision(view), request, Event::TokenRevoked(revoked))?]
                }
            };
            Ok(Plan::success(Change::of(self.now(), pending), request.entry.clone(), reply.clone()))
        };
        self.race(request, stream, revision, plan).await
    }

    pub(crate) fn token_event(
        &self,
        record: &TokenCreated,
        revision: Revision,
        request: &ChangeRequest,
        event: Event,
    ) -> Result<Pending, Failure> {
        let owner = owner_of(record);
        Ok(Pending {
            stream: self.stream(&owner, "token", record.id.as_str())?,
            owner,
            revision: revision.next(),
            actor: request.actor.clone(),
            event,
            value: None,
        })
    }
}

/// Under whose key a token's record is sealed.
pub(crate) fn owner_of(record: &TokenCreated) -> Owner {
    Owner::of(record.tenant_id.as_ref(), record.partner_id.as_ref())
}

fn narrowed(inherited: &Narrowing, paths: Option<Vec<Pattern>>, ips: Option<Vec<IpNet>>) -> Narrowing {
    let mut narrowing = inherited.clone();
    narrowing.allowed_paths.extend(paths);
    narrowing.allowed_ips.extend(ips);
    narrowing
}

/// The end of a new token: at most 365 days away, and never after that of the token it is made with.
fn end(given: Option<&DurationText>, limit: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Rejection> {
    let seconds = given.map_or(DEFAULT_LIFE_SECONDS, DurationText::seconds);
    if seconds > MAX_LIFE_SECONDS {
        return Err(Rejection::field("expires_in", "must be at most 365d"));
    }
    let end = now.plus_seconds(seconds);
    match limit {
        Some(limit) if end > limit && given.is_some() => Err(Rejection::field(
            "expires_in",
            format!("must not outlive the token it is made with, which ends at {limit}"),
        )),
        Some(limit) => Ok(end.min(limit)),
        None => Ok(end),
    }
}
