//! Rate limits: the categories of the API with their defaults, and the variables `RATE_LIMIT_<CATEGORY>` that change
//! them.

use std::collections::BTreeMap;

use super::Mode;
use super::problem::shown;
use super::reader::Reader;

/// Prefix of the variables.
const PREFIX: &str = "RATE_LIMIT_";

/// Category of requests without identity, counted per client address.
pub(crate) const PUBLIC: &str = "public";

/// Every category and its default, in requests per minute.
pub(crate) const DEFAULTS: &[(&str, u32)] = &[
    ("secrets_read", 1000),
    ("secrets_write", 100),
    ("secrets_delete", 100),
    ("secrets_list", 100),
    ("batch_read", 100),
    ("batch_metadata", 100),
    ("audit_query", 50),
    ("audit_export", 5),
    ("policy_ops", 50),
    ("policy_test", 200),
    ("pki_issue", 50),
    ("pki_admin", 20),
    ("acme_order", 30),
    ("webhook_ops", 20),
    ("subscription_ops", 20),
    ("subscription_poll", 240),
    ("federation_ops", 20),
    ("dynamic_generate", 100),
    ("dynamic_admin", 20),
    ("lease_ops", 100),
    ("identity_read", 100),
    ("identity_sync", 5),
    ("auth", 300),
    (PUBLIC, 300),
];

/// The limits of all categories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// Every category of [`DEFAULTS`].
    pub(crate) categories: BTreeMap<&'static str, RateLimit>,
}

/// The limit of one category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimit {
    /// Requests per minute, which is also the capacity of a bucket.
    pub(crate) per_minute: u32,
    /// Whether an empty bucket refuses. Headers show the bucket either way.
    pub(crate) enforced: bool,
}

/// Reads `RATE_LIMIT_ENABLED` and the limits. In dev mode only the categories whose variable is set are enforced.
pub(crate) fn read(reader: &mut Reader<'_>, mode: Mode) -> RateLimits {
    let enabled = reader.boolean("RATE_LIMIT_ENABLED", true);
    let mut categories = BTreeMap::new();
    for &(category, default) in DEFAULTS {
        let variable = format!("{PREFIX}{}", category.to_ascii_uppercase());
        let given = reader.integer(&variable, 1..=10_000_000);
        let enforced = enabled && (mode == Mode::Production || given.is_some());
        categories.insert(category, RateLimit { per_minute: given.unwrap_or(default), enforced });
    }
    refuse_unknown(reader);
    RateLimits { categories }
}

fn refuse_unknown(reader: &mut Reader<'_>) {
    for name in reader.environment().names_with_prefix(PREFIX) {
        let suffix = name.strip_prefix(PREFIX).unwrap_or_default();
        let known = DEFAULTS.iter().any(|(category, _)| category.to_ascii_uppercase() == suffix);
        if !known && suffix != "ENABLED" {
            let words: Vec<String> = DEFAULTS.iter().map(|(category, _)| category.to_ascii_uppercase()).collect();
            let fault = format!("names no rate category ({})", shown(suffix));
            reader.problem(name, fault, format!("unset it or use one of: {}", words.join(", ")));
        }
    }
}
