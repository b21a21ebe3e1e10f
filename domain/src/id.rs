//! Typed ids: a prefix and a ULID, or what an identity provider calls its records.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// An id of this kind from its random part.
            pub fn from_ulid(ulid: ulid::Ulid) -> Self {
                Self(with_prefix($prefix, ulid).into())
            }

            /// Takes a text of this kind's shape.
            pub fn parse(text: &str) -> Option<Self> {
                let rest = text.strip_prefix($prefix)?;
                let shaped = (1..=64).contains(&rest.len())
                    && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
                shaped.then(|| Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, shared.
            pub fn shared(&self) -> Arc<str> {
                self.0.clone()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A tenant, `tnt_…`.
    TenantId, "tnt_"
);
id!(
    /// A partner, `ptn_…`.
    PartnerId, "ptn_"
);
id!(
    /// The record of a personal token, `tok_…`.
    TokenId, "tok_"
);
id!(
    /// A user record, `usr_…`.
    UserId, "usr_"
);

/// A fresh request id, `req_…`.
pub fn request_id(ulid: ulid::Ulid) -> String {
    with_prefix("req_", ulid)
}

/// A fresh audit entry id, `log_…`.
pub fn entry_id(ulid: ulid::Ulid) -> String {
    with_prefix("log_", ulid)
}

fn with_prefix(prefix: &str, ulid: ulid::Ulid) -> String {
    let mut text = String::with_capacity(prefix.len() + ulid::ULID_LEN);
    text.push_str(prefix);
    text.push_str(ulid.array_to_str(&mut [0; ulid::ULID_LEN]));
    text
}
