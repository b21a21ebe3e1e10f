//! From verb and path to an operation. See `docs/decisions` for why not axum's own router.
//!
//! A path is percent-decoded once and `%2F` counts as `/`; nothing is normalised. The most specific
//! template that offers the verb wins; if templates match but none offers it, the answer is 405.

use std::borrow::Cow;
use std::collections::BTreeSet;

use axum::http::Method;
use percent_encoding::percent_decode_str;

use crate::operation::{Operation, Place};

/// What a request is for.
pub struct Matched {
    /// The operation.
    pub operation: &'static Operation,
    /// Value of `{path}`, or of the one `{…}` the template has; not validated.
    pub capture: Option<String>,
    /// Tenant named by the `/v1/t/{tenant_id}/` prefix.
    pub tenant: Option<String>,
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
    /// What comes before the capture; all of it if there is none.
    before: &'static str,
    /// What comes after it; `None` if there is no capture.
    after: Option<&'static str>,
    /// Whether the capture may hold several segments.
    is_path: bool,
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
            if tenant.is_some() && operation.place != Place::Tenant {
                continue;
            }
            let Some(capture) = template.capture(path) else { continue };
            if operation.method == *verb {
                return Ok(Matched { operation, capture: capture.map(str::to_owned), tenant });
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

impl Template {
    fn of(template: &'static str) -> Self {
        let cut = template.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
        match cut {
            Some((before, (name, after))) => Self { before, after: Some(after), is_path: name == "path" },
            None => Self { before: template, after: None, is_path: false },
        }
    }

    /// The captured part if the path fits: outer `None` if it does not.
    #[allow(clippy::option_option, reason = "no fit, and a fit without a capture, are different things")]
    fn capture<'p>(&self, path: &'p str) -> Option<Option<&'p str>> {
        let rest = path.strip_prefix(self.before)?;
        let Some(after) = self.after else { return rest.is_empty().then_some(None) };
        let captured = rest.strip_suffix(after)?;
        let fits = self.is_path || (!captured.is_empty() && !captured.contains('/'));
        fits.then_some(Some(captured))
    }
}
