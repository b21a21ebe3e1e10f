//! What an endpoint is: one value says all of it.
//!
//! Dispatch, authorisation, rate limits, audit, metrics labels and the OpenAPI document read the
//! same [`Operation`], so none of them can be forgotten for one endpoint or differ from another.

mod identity;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::http::Method;
use scaivault_domain::audit::Action;
use scaivault_domain::{ErrorCode, Scope};

use crate::call::{Call, Stop};
use crate::category::Category;
use crate::response::Done;

/// Longest wait for events.
const POLLING: Duration = Duration::from_secs(60);

/// A handler's future.
pub type Handling<'a> = Pin<Box<dyn Future<Output = Result<Done, Stop>> + Send + 'a>>;

/// One endpoint.
pub struct Operation {
    /// Verb; a `GET` also answers `HEAD`.
    pub method: Method,
    /// Template: `{path}` is the rest of several segments, any other `{…}` one segment.
    pub path: &'static str,
    /// Name in the OpenAPI document.
    pub id: &'static str,
    /// First sentence of the documentation.
    pub summary: &'static str,
    /// Who may call it.
    pub access: Access,
    /// Where it acts.
    pub place: Place,
    /// What it counts as.
    pub category: Category,
    /// What it is recorded as; only public operations have none.
    pub action: Option<Action>,
    /// Whether an `Idempotency-Key` is honoured.
    pub idempotent: bool,
    /// Query parameters; any other is refused.
    pub query: &'static [Parameter],
    /// Request headers beyond those of every endpoint.
    pub headers: &'static [&'static str],
    /// Body.
    pub body: Body,
    /// Successful answers: status and schema.
    pub answers: &'static [(u16, Option<&'static str>)],
    /// Codes special to it.
    pub errors: &'static [ErrorCode],
    /// What does it.
    pub handler: for<'a> fn(&'a mut Call) -> Handling<'a>,
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; leaves no audit entry.
    Public,
    /// Everybody, with an audit entry: what says who calls is in the body.
    Open,
    /// Callers whose token grants all of these scopes.
    Scopes(&'static [Scope]),
}

/// Where an operation acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the installation or the caller itself.
    Installation,
    /// In a tenant; also reachable below `/v1/t/{tenant_id}/`.
    Tenant,
    /// The same, if the request has a tenant; else on the caller's partner, or the installation.
    TenantIfAny,
    /// On a partner.
    Partner,
}

impl Place {
    /// Whether a tenant can be named.
    pub fn takes_tenant(self) -> bool {
        matches!(self, Self::Tenant | Self::TenantIfAny)
    }
}

/// A query parameter.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// Shape.
    pub shape: Shape,
    /// Meaning.
    pub meaning: &'static str,
}

/// Shape of a query parameter.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// Any text.
    Text,
    /// May be given more than once.
    Texts,
    /// `true` or `false`.
    Boolean,
    /// Within these bounds.
    Integer(i64, i64),
    /// RFC 3339, or a date.
    Timestamp,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// What body an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// None; an empty object is let through.
    None,
    /// A JSON object of this schema.
    Json(&'static str),
    /// The same, or a JSON merge patch (RFC 7396).
    MergePatch(&'static str),
    /// The same, or a form.
    JsonOrForm(&'static str),
}

impl Operation {
    /// A scope that it asks for, as refusals name it: one that another scope stands for as well is told with that.
    pub fn required(&self, scope: Scope) -> String {
        match self.path {
            "/v1/rotation/due" | "/v1/rotation/pending" => format!("{} or {}", scope.as_str(), Scope::Admin.as_str()),
            _ => scope.as_str().to_owned(),
        }
    }

    /// The route that has taken the place of this one.
    pub fn successor(&self) -> Option<&'static str> {
        (self.path == "/v1/rotation/pending").then_some("/v1/rotation/due")
    }

    /// How long it may wait for something to happen, besides what every request may take.
    pub fn waits(&self) -> Duration {
        let polls = self.category == Category::SubscriptionPoll && self.method == Method::GET;
        if polls { POLLING } else { Duration::ZERO }
    }

    /// A `GET` that everybody may call: no token, no audit entry, no parameters.
    pub const fn public(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        answers: &'static [(u16, Option<&'static str>)],
        handler: for<'a> fn(&'a mut Call) -> Handling<'a>,
    ) -> Self {
        Self {
            method: Method::GET,
            path,
            id,
            summary,
            access: Access::Public,
            place: Place::Installation,
            category: Category::Public,
            action: None,
            idempotent: false,
            query: &[],
            headers: &[],
            body: Body::None,
            answers,
            errors: &[],
            handler,
        }
    }

    /// With codes special to it.
    #[must_use]
    pub const fn refusing(mut self, errors: &'static [ErrorCode]) -> Self {
        self.errors = errors;
        self
    }
}
