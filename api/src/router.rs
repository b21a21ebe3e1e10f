//! From verb and path to an operation. See `docs/decisions` for why not axum's own router.
//!
//! A path is percent-decoded once and `%2F` counts as `/`; nothing is normalised. The most specific
//! template that offers the verb wins; if templates match but none offers it, the answer is 405.

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::operation::Operation;

/// What a request is for.
pub struct Matched {
    /// The operation.
    pub operation: &'static Operation,
    /// Values of the template's `{…}`, in order; not validated.
    pub captures: Captures,
    /// Tenant named by the `/v1/t/{tenant_id}/` prefix.
    pub tenant: Option<String>,
}

/// What the `{…}` of a template stand for in a request's path, as decoded.
#[derive(Clone, Debug, Default)]
pub struct Captures([Option<Box<str>>; 2]);

impl Captures {
    /// The value of the first `{…}`; empty if there is none.
    pub fn first(&self) -> &str {
        self.0[0].as_deref().unwrap_or_default()
    }

    /// The value of the second.
    pub fn second(&self) -> &str {
        self.0[1].as_deref().unwrap_or_default()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().map(AsRef::as_ref)
    }
}

/// Why nothing matched.
#[derive(Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// No such route.
    NotFound,
    /// The route offers these verbs, comma-separated.
    MethodNotAllowed(String),
}

/// Routes requests over one table.
pub struct Router {
    /// Most specific first.
    operations: Vec<&'static Operation>,
    /// Of each operation, in the same order.
    templates: Vec<Template>,
}

/// A path template, cut up.
struct Template {
    /// What comes before the first capture; all of it if there is none.
    before: &'static str,
    /// The captures: each with what comes after it, and whether it may hold several segments.
    captures: Vec<(&'static str, bool)>,
}

impl Router {
    /// Over these operations.
    pub fn new(operations: impl IntoIterator<Item = &'static Operation>) -> Self {
        let mut operations: Vec<_> = operations.into_iter().collect();
        operations.sort_by_key(|operation| std::cmp::Reverse(specificity(operation.path)));
        let templates = operations.iter().map(|operation| Template::of(operation.path)).collect();
        Self { operations, templates }
    }

    /// The operations, most specific first.
    pub fn operations(&self) -> &[&'static Operation] {
        &self.operations
    }

    /// Finds the operation for a request.
    pub fn find(&self, method: &Method, raw_path: &str) -> Result<Matched, Unmatched> {
        // Bytes that are no UTF-8 become U+FFFD, which no name may contain.
        let decoded = percent_decode_str(raw_path).decode_utf8_lossy();
        let (path, tenant) = match split_tenant(&decoded) {
            Some((tenant, rest)) => (Cow::Owned(rest), Some(tenant)),
            None => (decoded, None),
        };
        let path = match path.as_ref() {
            "/health" => "/v1/health",
            "/health/ready" => "/v1/health/ready",
            other => other,
        };
        let verb = if method == Method::HEAD { &Method::GET } else { method };
        let mut offered = BTreeSet::new();
        for (operation, template) in self.operations.iter().zip(&self.templates) {
            if tenant.is_some() && !operation.place.takes_tenant() {
                continue;
            }
            let Some(captures) = template.captures(path) else { continue };
            if operation.method == *verb {
                let captures = Captures(captures.map(|captured| captured.map(Into::into)));
                return Ok(Matched { operation, captures, tenant });
            }
            offered.insert(operation.method.as_str());
            if operation.method == Method::GET {
                offered.insert("HEAD");
            }
        }
        match offered.is_empty() {
            true => Err(Unmatched::NotFound),
            false => Err(Unmatched::MethodNotAllowed(offered.into_iter().collect::<Vec<_>>().join(", "))),
        }
    }
}

/// `/v1/t/{tenant_id}/rest` → tenant and `/v1/rest`.
fn split_tenant(path: &str) -> Option<(String, String)> {
    let (tenant, rest) = path.strip_prefix("/v1/t/")?.split_once('/')?;
    Some((tenant.to_owned(), format!("/v1/{rest}")))
}

/// Literal characters decide, then templates that end in one.
fn specificity(template: &str) -> (usize, bool) {
    let literal: usize =
        template.split('/').filter(|segment| !segment.starts_with('{')).map(|segment| segment.len() + 1).sum();
    (literal, !template.ends_with('}'))
}

/// Captures that may hold slashes, which paths and names of identities may.
const MANY: [&str; 3] = ["path", "secret_path", "identity_id"];

impl Template {
    fn of(template: &'static str) -> Self {
        let mut parts = template.split('{');
        let before = parts.next().unwrap_or_default();
        let captures = parts.filter_map(|part| part.split_once('}')).map(|(name, after)| (after, MANY.contains(&name)));
        Self { before, captures: captures.collect() }
    }

    /// The captured parts if the path fits.
    fn captures<'p>(&self, path: &'p str) -> Option<[Option<&'p str>; 2]> {
        let mut rest = path.strip_prefix(self.before)?;
        let mut captured = [None, None];
        for (index, ((after, is_path), to)) in self.captures.iter().zip(&mut captured).enumerate() {
            let is_last = index + 1 == self.captures.len();
            let part = if is_last { rest.strip_suffix(after)? } else { rest.split(after).next()? };
            let fits = *is_path || (!part.is_empty() && !part.contains('/'));
            *to = fits.then_some(part);
            to.as_ref()?;
            rest = rest.get(part.len()..)?.strip_prefix(after)?;
        }
        rest.is_empty().then_some(captured)
    }
}
