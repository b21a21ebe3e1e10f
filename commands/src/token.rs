//! Personal tokens: made, revoked.

use ipnet::IpNet;
use scaivault_domain::access::{Caller, Narrowing};
use scaivault_domain::token::{TokenCreated, TokenKind, TokenRevoked};
use scaivault_domain::{DurationText, ErrorCode, Event, Owner, Pattern, Rejection, Scopes, Timestamp, TokenId};
use scaivault_eventstore::Revision;

use crate::engine::{Change, Commit, Pending};
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
            expires_at: Some(end(command.expires_in.as_ref(), caller.token_expires_at, now)?),
        };
        let reply = tell(&Created { record: &record, value: &value, created_at: now })?;
        let pending = self.token_event(&record, Revision::NONE, request, Event::TokenCreated(record.clone()))?;
        match self.commit(request, &request.entry, Change::of(now, vec![pending]), reply).await? {
            Commit::Done(answer) => Ok(answer),
            // The token's stream is new, so only the key of the request can have been taken.
            Commit::Stale(_, actual) => self.repeated(request, actual).await,
        }
    }

    /// Revokes a token; the tokens made with it end too. Revoking it again changes nothing.
    pub async fn revoke_token(&self, request: &ChangeRequest, id: &TokenId, reply: Reply) -> Result<Answer, Failure> {
        let deadline = Self::race_deadline();
        loop {
            let view = self.projections.view();
            let unknown = || Rejection::new(ErrorCode::TokenNotFound, "Token not found");
            let held = view.tokens.by_id(id).ok_or_else(unknown)?;
            let record = &held.token.record;
            let pending = match held.token.revoked_at {
                Some(_) => Vec::new(),
                None => {
                    let revoked = TokenRevoked { id: id.clone(), kind: record.kind, identity: record.identity.clone() };
                    vec![self.token_event(record, held.revision, request, Event::TokenRevoked(revoked))?]
                }
            };
            match self.commit(request, &request.entry, Change::of(self.now(), pending), reply.clone()).await? {
                Commit::Done(answer) => return Ok(answer),
                Commit::Stale(_, actual) => {
                    if request.idempotency.is_some() {
                        return self.repeated(request, actual).await;
                    }
                    let moved = |view: &scaivault_projections::View| {
                        view.tokens.by_id(id).is_some_and(|held| held.revision >= actual)
                    };
                    self.catch_up(deadline, moved).await?;
                }
            }
        }
    }

    fn token_event(
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

    /// The outcome of the request that took the idempotency key first.
    pub(crate) async fn repeated(&self, request: &ChangeRequest, actual: Revision) -> Result<Answer, Failure> {
        let lost = || Failure::unavailable("overload");
        let idempotency = request.idempotency.as_ref().ok_or_else(lost)?;
        self.catch_up(Self::race_deadline(), |view| view.outcomes.revision(&idempotency.key) >= actual).await?;
        self.kept(idempotency)?.ok_or_else(lost)
    }
}

/// Under whose key a token's record is sealed.
pub(crate) fn owner_of(record: &TokenCreated) -> Owner {
    match (&record.tenant_id, &record.partner_id) {
        (Some(tenant), _) => Owner::Tenant(tenant.clone()),
        (None, Some(partner)) => Owner::Partner(partner.clone()),
        (None, None) => Owner::Platform,
    }
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
