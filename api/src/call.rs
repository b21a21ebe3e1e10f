//! One authenticated request on its way through its handler.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use axum::http::HeaderMap;
use scaivault_commands::audit::Outcome;
use scaivault_commands::idempotency::{Claim, Claimed};
use scaivault_commands::request::{Handed, IdempotentRequest};
use scaivault_commands::{Answer, ChangeRequest, EntryDraft, Failure};
use scaivault_domain::access::{self, Caller, Decision, Permission, Target};
use scaivault_domain::policy::{Asked, Candidates};
use scaivault_domain::{ErrorCode, IdentityId, Rejection, Role, SecretPath, Timestamp};

use crate::App;
use crate::fields::Fields;
use crate::json::Members;
use crate::operation::Operation;
use crate::query::Query;
use crate::router::Captures;

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

/// Whether a text that names an identity is the id of its record.
pub fn is_record_id(text: &str) -> bool {
    ["usr_", "sva_", "grp_"].iter().any(|prefix| text.starts_with(prefix))
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
    /// The captured parts of the path, not validated.
    pub captures: Captures,
    /// The tenant that the request names, if it does; not validated.
    pub named_tenant: Option<String>,
    /// Query parameters.
    pub query: Query,
    /// Headers.
    pub headers: Arc<HeaderMap>,
    /// Body, a sound JSON object if the operation takes one.
    pub body: Bytes,
    /// The policies that count for the caller here, once asked for.
    pub candidates: OnceLock<Candidates>,
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
        let path = SecretPath::parse(self.captures.first())?;
        self.entry.secret_path = Some(path.shared());
        self.entry.resource = None;
        self.grant(permission, &path)?;
        Ok(path)
    }

    /// Authorises a permission on a path that the body names, besides what the request is about.
    pub fn permitted(&mut self, permission: Permission, path: &SecretPath) -> Result<(), Rejection> {
        self.entry.secret_path = Some(path.shared());
        self.grant(permission, path)
    }

    /// Authorises a permission on a path for this request's entry.
    fn grant(&mut self, permission: Permission, path: &SecretPath) -> Result<(), Rejection> {
        let (decision, denied) = self.decide(permission, path);
        self.entry.facts.decision = Some(decision);
        denied.map_or(Ok(()), Err)
    }

    /// Decides a permission on a path: what is to be recorded, and the refusal if it is one.
    pub fn decide(&self, permission: Permission, path: &SecretPath) -> (Arc<Decision>, Option<Rejection>) {
        let asked = self.asked(permission, path);
        let outcome = self.caller.authorize(&self.target, &asked, || self.candidates());
        let denied = outcome.as_ref().err().map(|denial| denial.rejection.clone());
        (Arc::new(Decision { permission, outcome }), denied)
    }

    /// Whether the caller also holds `admin` on the path.
    pub fn is_path_admin(&self, path: &SecretPath) -> bool {
        self.may(Permission::Admin, path)
    }

    /// Whether a list may show the path.
    pub fn sees(&self, path: &SecretPath) -> bool {
        self.may(Permission::List, path)
    }

    fn may(&self, permission: Permission, path: &SecretPath) -> bool {
        self.caller.may(&self.target, &self.asked(permission, path), || self.candidates())
    }

    /// The question under the circumstances of this request.
    fn asked<'p>(&self, permission: Permission, path: &'p SecretPath) -> Asked<'p> {
        Asked {
            permission,
            path: path.as_str(),
            address: self.entry.source_ip,
            mfa_verified_at: self.caller.mfa_verified_at,
            at: self.entry.arrived_at,
        }
    }

    fn candidates(&self) -> &Candidates {
        let view = || self.app.engine.projections().view();
        self.candidates.get_or_init(|| view().candidates(&self.caller, &self.target))
    }

    /// The identity of a typed id (`user:alice@acme.example`), which need not be known, or of a
    /// record's id (`usr_…`), which must be. `None` if the text is neither.
    pub fn identity(&self, text: &str) -> Result<Option<IdentityId>, Rejection> {
        if !is_record_id(text) {
            return Ok(IdentityId::parse(text));
        }
        let view = self.app.engine.projections().view();
        let known = self.target.owner.tenant().and_then(|tenant| view.installation.recorded(tenant, text));
        known.map(Some).ok_or_else(|| Rejection::new(ErrorCode::IdentityNotFound, "Identity not found"))
    }

    /// Refuses callers without an administrative role that reaches where the request acts.
    pub fn require_role(&self, role: Role) -> Result<(), Rejection> {
        let fits = self.caller.has_role(role) && self.caller.administers(&self.target);
        if fits { Ok(()) } else { Err(access::role_required(role)) }
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
        self.app.engine.record_reads(finished).await
    }
}
