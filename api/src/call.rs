//! One authenticated request on its way through its handler.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use scaivault_commands::audit::Outcome;
use scaivault_commands::idempotency::{Claim, Claimed};
use scaivault_commands::request::{Handed, IdempotentRequest};
use scaivault_commands::{Answer, ChangeRequest, EntryDraft, Failure};
use scaivault_domain::access::{Caller, Permission, Target};
use scaivault_domain::{Rejection, SecretPath, Timestamp};

use crate::App;
use crate::fields::Fields;
use crate::json::Members;
use crate::operation::Operation;
use crate::query::Query;

/// Why a handler did not come to an answer of its own.
pub enum Stop {
    /// It failed.
    Failure(Failure),
    /// The request repeats an earlier one: this was its answer.
    Repetition(Answer),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Failure(rejection.into())
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::Failure(error.into())
    }
}

/// A request that has passed authentication, rate limit, context and scope.
pub struct Call {
    /// The API.
    pub app: Arc<App>,
    /// What it is for.
    pub operation: &'static Operation,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// Where it acts.
    pub target: Target,
    /// The captured part of the path, not validated.
    pub capture: String,
    /// Query parameters.
    pub query: Query,
    /// Headers.
    pub headers: Arc<HeaderMap>,
    /// Body, a sound JSON object if the operation takes one.
    pub body: Bytes,
    /// The audit entry in the making.
    pub entry: EntryDraft,
    /// Set if the request carries an idempotency key that is honoured.
    pub idempotency: Option<IdempotentRequest>,
    /// Held once the handler has claimed the key.
    pub claim: Option<Claim>,
    /// Whether the handler has handed anything to the log.
    pub handed: Handed,
}

impl Call {
    /// The secret path of the route, once `permission` on it is granted. There is no other way to it.
    pub fn secret(&mut self, permission: Permission) -> Result<SecretPath, Rejection> {
        // What was asked for is recorded also when it is no path, if it could be one's text.
        let path = SecretPath::parse(&self.capture)?;
        self.entry.secret_path = Some(path.shared());
        self.entry.resource = None;
        self.grant(permission, &path)?;
        Ok(path)
    }

    /// Authorises a permission on a path for this request's entry.
    fn grant(&mut self, permission: Permission, path: &SecretPath) -> Result<(), Rejection> {
        self.entry.facts.permission = Some((permission, None));
        match self.caller.authorize(&self.target, permission, path) {
            Ok(grant) => {
                self.entry.facts.permission = Some((permission, Some(grant)));
                Ok(())
            }
            Err(rejection) => {
                self.entry.facts.denial =
                    rejection.details.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
                Err(rejection)
            }
        }
    }

    /// Whether the caller also holds `admin` on the path.
    pub fn is_path_admin(&self, path: &SecretPath) -> bool {
        self.caller.authorize(&self.target, Permission::Admin, path).is_ok()
    }

    /// Whether a list may show the path.
    pub fn sees(&self, path: &SecretPath) -> bool {
        self.caller.authorize(&self.target, Permission::List, path).is_ok()
    }

    /// Fields of the body, which has been checked when it was read.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(Members::of_checked_body(&self.body))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.app.engine.now()
    }

    /// Begins a change: the idempotency key is claimed, or the request is a repetition.
    pub async fn begin(&mut self) -> Result<(), Stop> {
        let Some(idempotency) = &self.idempotency else { return Ok(()) };
        match self.app.engine.claim(idempotency).await? {
            Claimed::First(claim) => {
                self.claim = Some(claim);
                Ok(())
            }
            Claimed::Repetition(answer) => Err(Stop::Repetition(answer)),
        }
    }

    /// The change as commands take it.
    pub fn change(&self) -> ChangeRequest {
        ChangeRequest {
            owner: self.target.owner.clone(),
            actor: self.caller.identity.clone(),
            request_id: self.entry.request_id.clone(),
            entry: self.entry.clone(),
            idempotency: self.idempotency.clone(),
            handed: self.handed.clone(),
        }
    }

    /// Records one entry per path of a batch.
    pub async fn record(&self, entries: &[(EntryDraft, Option<&'static str>)]) -> Result<(), Failure> {
        let finished: Result<Vec<_>, _> =
            entries.iter().map(|(entry, error)| entry.finish(error.map_or(Outcome::Success, Outcome::Error))).collect();
        let finished = finished?;
        self.handed.set();
        self.app.engine.record(finished).await
    }
}
