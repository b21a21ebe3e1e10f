//! Which claims of a token mean what, and how a claim is found.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Names of claims. Dots descend into objects; the whole name is tried first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimMapping {
    /// Who.
    pub identity: Arc<str>,
    /// Of which tenant.
    pub tenant: Option<Arc<str>>,
    /// In which groups.
    pub groups: Option<Arc<str>>,
    /// With which roles.
    pub roles: Option<Arc<str>>,
    /// With which scopes.
    pub scopes: Option<Arc<str>>,
    /// When a second factor was shown, in Unix seconds.
    pub mfa_time: Option<Arc<str>>,
}

impl Default for ClaimMapping {
    fn default() -> Self {
        Self {
            identity: "sub".into(),
            tenant: Some("tenant_id".into()),
            groups: Some("groups".into()),
            roles: Some("roles".into()),
            scopes: Some("scope".into()),
            mfa_time: None,
        }
    }
}

/// The claim of that name: the whole name if there is such a member, else the longest beginning of it, up to a dot,
/// that is an object with the rest in it.
pub fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(claim) = claims.get(name) {
        return Some(claim);
    }
    name.rmatch_indices('.').find_map(|(at, _)| {
        let (outer, rest) = name.split_at_checked(at)?;
        find(claims.get(outer)?.as_object()?, rest.strip_prefix('.')?)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::find;

    #[test]
    fn dots_descend_where_the_whole_name_is_none() {
        let claims = json!({
            "kubernetes.io": {"namespace": "billing", "pod": {"name": "api"}},
            "a.b": 1, "a": {"b": 2, "c": {"d": 3}}, "text": "x",
        });
        let found = |name: &str| find(claims.as_object().unwrap(), name).cloned();
        assert_eq!(found("kubernetes.io.namespace"), Some(json!("billing")));
        assert_eq!(found("kubernetes.io.pod.name"), Some(json!("api")));
        assert_eq!(found("a.b"), Some(json!(1)));
        assert_eq!(found("a.c.d"), Some(json!(3)));
        for none in ["a.d", "text.x", "", ".", "a.", ".a", "kubernetes"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
