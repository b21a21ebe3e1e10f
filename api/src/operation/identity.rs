//! Operations below `/v1/identity`, which have most in common.

use axum::http::Method;
use scaivault_domain::Scope;
use scaivault_domain::audit::Action;

use super::{Access, Body, Handling, Operation, Parameter, Place};
use crate::call::Call;
use crate::category::Category;

impl Operation {
    /// A `GET` of identities: on the installation, for those who may read them.
    pub const fn identity_read(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        action: Action,
        answers: &'static [(u16, Option<&'static str>)],
        handler: for<'a> fn(&'a mut Call) -> Handling<'a>,
    ) -> Self {
        Self {
            method: Method::GET,
            path,
            id,
            summary,
            access: Access::Scopes(&[Scope::IdentityRead]),
            place: Place::Installation,
            category: Category::IdentityRead,
            action: Some(action),
            idempotent: false,
            query: &[],
            headers: &[],
            body: Body::None,
            answers,
            errors: &[],
            handler,
        }
    }

    /// A change of identities: on the installation, for those who administer them.
    pub const fn identity_change(
        method: Method,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        action: Action,
        answers: &'static [(u16, Option<&'static str>)],
        handler: for<'a> fn(&'a mut Call) -> Handling<'a>,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            access: Access::Scopes(&[Scope::IdentityAdmin]),
            place: Place::Installation,
            category: Category::IdentityRead,
            action: Some(action),
            idempotent: true,
            query: &[],
            headers: &[],
            body: Body::None,
            answers,
            errors: &[],
            handler,
        }
    }

    /// For everybody with a token.
    #[must_use]
    pub const fn without_scope(mut self) -> Self {
        self.access = Access::Scopes(&[]);
        self
    }

    /// Counted among synchronisations.
    #[must_use]
    pub const fn of_synchronisation(mut self) -> Self {
        self.category = Category::IdentitySync;
        self
    }

    /// In a tenant.
    #[must_use]
    pub const fn in_tenant(mut self) -> Self {
        self.place = Place::Tenant;
        self
    }

    /// With query parameters.
    #[must_use]
    pub const fn asking(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }

    /// With a body.
    #[must_use]
    pub const fn taking(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}
