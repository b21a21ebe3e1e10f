//! Whose key seals a record: the installation, a partner or a tenant.

use std::fmt;
use std::sync::Arc;

/// The owner of a key, and thereby of every record sealed under it.
///
/// Ids are kept as text: the log does not interpret them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The installation itself: bootstrap, partners, failed authentications of nobody known.
    Platform,
    /// A partner, `ptn_…`.
    Partner(Arc<str>),
    /// A tenant, `tnt_…`.
    Tenant(Arc<str>),
}

impl Owner {
    /// Level of the key hierarchy, as stored.
    pub fn level(&self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Partner(_) => "partner",
            Self::Tenant(_) => "tenant",
        }
    }

    /// The id as stored; `platform` for the installation.
    pub fn id(&self) -> &str {
        match self {
            Self::Platform => "platform",
            Self::Partner(id) | Self::Tenant(id) => id,
        }
    }

    /// The inverse of [`Owner::level`] and [`Owner::id`]; `None` for an unknown level.
    pub fn from_parts(level: &str, id: &str) -> Option<Self> {
        match level {
            "platform" => Some(Self::Platform),
            "partner" => Some(Self::Partner(id.into())),
            "tenant" => Some(Self::Tenant(id.into())),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
