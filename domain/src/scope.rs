//! What a token may be used for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident => $text:literal,)*) => {
        /// One scope of a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Scope {
            $($(#[$doc])* $name,)*
        }

        impl Scope {
            /// Every scope there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As written in tokens and answers.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The scope of that name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

scopes! {
    /// Webhooks, rotation policies, issuers, system endpoints; implies every other scope.
    Admin => "admin",
    /// Audit exports.
    AuditExport => "audit:export",
    /// Audit logs, trails, proofs, replay.
    AuditRead => "audit:read",
    /// Generating dynamic credentials.
    DynamicGenerate => "dynamic:generate",
    /// Changing engines and dynamic roles.
    DynamicManage => "dynamic:manage",
    /// Reading engines, dynamic roles, leases.
    DynamicRead => "dynamic:read",
    /// Reading federation backends.
    FederationRead => "federation:read",
    /// Changing federation backends.
    FederationWrite => "federation:write",
    /// Partners, tenants, roles, service accounts.
    IdentityAdmin => "identity:admin",
    /// Reading identities.
    IdentityRead => "identity:read",
    /// CAs and PKI roles; implies `pki:issue`.
    PkiAdmin => "pki:admin",
    /// Issuing and signing certificates.
    PkiIssue => "pki:issue",
    /// Reading and testing policies.
    PoliciesRead => "policies:read",
    /// Changing policies.
    PoliciesWrite => "policies:write",
    /// Deleting secrets and versions.
    SecretsDelete => "secrets:delete",
    /// Listing, metadata, versions.
    SecretsList => "secrets:list",
    /// Values of secrets.
    SecretsRead => "secrets:read",
    /// Rotating secrets.
    SecretsRotate => "secrets:rotate",
    /// Creating and updating secrets.
    SecretsWrite => "secrets:write",
    /// Reading subscriptions.
    SubscriptionsRead => "subscriptions:read",
    /// Changing subscriptions.
    SubscriptionsWrite => "subscriptions:write",
    /// The caller's own tokens.
    TokensSelf => "tokens:self",
}

/// A set of scopes, kept sorted by name.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// Every scope.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether the set opens what `scope` opens: by itself, through `admin`, or `pki:admin` for `pki:issue`.
    pub fn grants(self, scope: Scope) -> bool {
        self.holds(scope) || self.holds(Scope::Admin) || (scope == Scope::PkiIssue && self.holds(Scope::PkiAdmin))
    }

    /// What both this set and `most` open, in their own words: `admin` is not spelled out.
    #[must_use]
    pub fn narrowed_to(self, most: Self) -> Self {
        let kept =
            |scope: &Scope| (self.holds(*scope) && most.grants(*scope)) || (most.holds(*scope) && self.grants(*scope));
        Scope::ALL.iter().copied().filter(kept).collect()
    }

    /// The first scope of `other` that is not granted; `None` if all are.
    pub fn missing(self, other: Self) -> Option<Scope> {
        other.iter().find(|scope| !self.grants(*scope))
    }

    /// The scopes, sorted by name.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.iter().copied().filter(move |scope| self.holds(*scope))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn holds(self, scope: Scope) -> bool {
        self.0 & (1 << scope as u32) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | 1 << scope as u32))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::as_str)).finish()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Scope::as_str))
    }
}

impl<'de> Deserialize<'de> for Scopes {
    /// Unknown words are left out: a later version may have had more scopes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = Vec::<String>::deserialize(deserializer)?;
        Ok(words.iter().filter_map(|word| Scope::parse(word)).collect())
    }
}
