//! Typed ids: a prefix and a ULID, or what an identity provider calls its records.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Timestamp, slug};

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
id!(
    /// A group record, `grp_…`.
    GroupId, "grp_"
);
id!(
    /// A service account's record, `sva_…`.
    ServiceAccountId, "sva_"
);
id!(
    /// An access policy, `pol_…`.
    PolicyId, "pol_"
);
id!(
    /// A binding of an access policy, `bnd_…`.
    BindingId, "bnd_"
);
id!(
    /// A replay of decisions, `rpl_…`.
    ReplayId, "rpl_"
);
id!(
    /// A trusted issuer, `iss_…`.
    IssuerId, "iss_"
);
id!(
    /// A rule of token exchange, `xr_…`.
    ExchangeRuleId, "xr_"
);
id!(
    /// A synchronisation with the identity provider, `sync_…`.
    SyncId, "sync_"
);
id!(
    /// An audit export, `exp_…`.
    ExportId, "exp_"
);
id!(
    /// A webhook, `wh_…`.
    WebhookId, "wh_"
);
id!(
    /// A subscription, `sub_…`.
    SubscriptionId, "sub_"
);
id!(
    /// A delivery of an event to a webhook or a subscription's URL, `del_…`.
    DeliveryId, "del_"
);

impl TokenId {
    /// What ids of service accounts' keys start with.
    pub const KEY_PREFIX: &'static str = "key_";

    /// The id of a service account's key from its random part.
    pub fn key_from_ulid(ulid: ulid::Ulid) -> Self {
        Self(with_prefix(Self::KEY_PREFIX, ulid).into())
    }

    /// Takes a text of the shape of a key's id.
    pub fn parse_key(text: &str) -> Option<Self> {
        (text.starts_with(Self::KEY_PREFIX) && is_shaped(text)).then(|| Self(text.into()))
    }
}

/// What ids of this installation start with, as far as routes take them.
const PREFIXES: &[&str] = &[
    "tnt_", "ptn_", "usr_", "grp_", "sva_", "key_", "tok_", "pol_", "bnd_", "iss_", "xr_", "sync_", "req_", "log_",
    "exp_", "rpl_", "wh_", "sub_", "del_", "evt_",
];

/// What ids start with that go on with a slug.
const SLUGGED: &[&str] = &["sp_", "rot_"];

/// Whether a text is shaped like an id of some record, so that it can be told on. A token never is.
pub fn is_shaped(text: &str) -> bool {
    if let Some(slug) = SLUGGED.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        return slug::is_slug(slug);
    }
    let rest = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    rest.is_some_and(|rest| (1..=64).contains(&rest.len()) && plain(rest))
}

/// A fresh request id, `req_…`.
pub fn request_id(ulid: ulid::Ulid) -> String {
    with_prefix("req_", ulid)
}

/// The millisecond in which the request of an audit entry arrived, by the entry's id.
pub fn entry_made_at(text: &str) -> Option<Timestamp> {
    made_at(text.strip_prefix("log_")?)
}

impl ExportId {
    /// The millisecond in which it was asked for; `None` for an id of another make.
    pub fn made_at(&self) -> Option<Timestamp> {
        made_at(self.as_str().strip_prefix(Self::PREFIX)?)
    }
}

fn made_at(ulid: &str) -> Option<Timestamp> {
    let ulid = ulid::Ulid::from_string(ulid).ok()?;
    let micros = i64::try_from(ulid.timestamp_ms()).ok()?.checked_mul(1_000)?;
    Some(Timestamp::from_micros(micros))
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
