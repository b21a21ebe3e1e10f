//! The keys of the configuration file: their names, what they may hold, and how they are shown.

use crate::cli::duration;

/// A key of the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// `base_url`
    BaseUrl,
    /// `token`
    Token,
    /// `tenant_id`
    TenantId,
    /// `partner_id`
    PartnerId,
    /// `ca_file`
    CaFile,
    /// `timeout`
    Timeout,
    /// `output`
    Output,
}

// === impl Key ===

impl Key {
    /// All keys, in the order they are listed.
    pub(crate) const ALL: [Self; 7] =
        [Self::BaseUrl, Self::Token, Self::TenantId, Self::PartnerId, Self::CaFile, Self::Timeout, Self::Output];

    /// The name in the file.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BaseUrl => "base_url",
            Self::Token => "token",
            Self::TenantId => "tenant_id",
            Self::PartnerId => "partner_id",
            Self::CaFile => "ca_file",
            Self::Timeout => "timeout",
            Self::Output => "output",
        }
    }

    /// The environment variable that overrides the file.
    pub(super) fn variable(self) -> Option<&'static str> {
        match self {
            Self::BaseUrl => Some("SCAIVAULT_URL"),
            Self::Token => Some("SCAIVAULT_TOKEN"),
            Self::TenantId => Some("SCAIVAULT_TENANT_ID"),
            Self::PartnerId => Some("SCAIVAULT_PARTNER_ID"),
            Self::CaFile => Some("SCAIVAULT_CA_FILE"),
            Self::Timeout => Some("SCAIVAULT_TIMEOUT"),
            Self::Output => None,
        }
    }

    /// The value where none is set.
    pub(super) fn default(self) -> Option<&'static str> {
        match self {
            Self::Timeout => Some("30s"),
            Self::Output => Some("table"),
            Self::BaseUrl | Self::Token | Self::TenantId | Self::PartnerId | Self::CaFile => None,
        }
    }

    /// Whether a value can be one of this key; otherwise what is wrong with it. Empty counts as unset.
    pub(crate) fn check(self, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Ok(());
        }
        match self {
            Self::BaseUrl => base_url(value).map(drop),
            Self::Timeout if duration::parse(value).is_none() => {
                Err(format!("'{value}' is not a duration such as 30s or 2m"))
            }
            Self::Output if !matches!(value, "table" | "json") => Err(format!("'{value}' is neither table nor json")),
            Self::Token | Self::TenantId | Self::PartnerId if !value.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("only visible ASCII characters are allowed".to_owned())
            }
            Self::Token | Self::TenantId | Self::PartnerId | Self::CaFile | Self::Timeout | Self::Output => Ok(()),
        }
    }

    /// The value as it may be shown: of a token only its beginning.
    pub(crate) fn shown(self, value: &str) -> String {
        if self == Self::Token { masked(value) } else { value.to_owned() }
    }
}

impl std::str::FromStr for Key {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|key| key.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("'{name}' is no key; keys are {names}")
        })
    }
}

/// A base URL without a slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let parsed = url::Url::parse(text).map_err(|error| format!("'{text}' is no URL: {error}"))?;
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err(format!("'{text}' is not an http or https URL"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(format!("'{text}' has a query or fragment"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The beginning of a token, short enough to be shown.
fn masked(token: &str) -> String {
    let opaque = ["skt_", "sak_", "sxt_"].iter().any(|prefix| token.starts_with(prefix));
    let shown = match token.chars().count() {
        length if opaque && length > 8 => 8,
        length if length >= 16 => 4,
        _ => 0,
    };
    let mut text: String = token.chars().take(shown).collect();
    text.push('…');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_checked() {
        assert_eq!(base_url("https://h:1/p/").as_deref(), Ok("https://h:1/p"));
        for text in ["h", "ftp://h", "http://", "http://h?x", "localhost:8200"] {
            assert!(base_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tokens_are_shown_by_their_beginning() {
        assert_eq!(masked("skt_0aB4cdefghijklmnopqrstuvwxyz"), "skt_0aB4…");
        assert_eq!(masked("root-token-of-development"), "root…");
        assert_eq!(masked("password"), "…");
    }
}
