//! Secret paths.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ErrorCode, Rejection};

/// Longest path in characters.
pub const MAX_LENGTH: usize = 512;
/// Most segments of a path.
pub const MAX_SEGMENTS: usize = 10;

/// A `/`-separated name, unique in its tenant or partner: 1–10 segments of `a-z 0-9 - _`, at most
/// 512 characters, compared byte by byte, none of the reserved words at its reserved place.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretPath(Arc<str>);

/// Why a text is not a secret path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// Nothing there.
    Empty,
    /// Starts with `/`.
    LeadingSlash,
    /// Ends with `/`.
    TrailingSlash,
    /// Two slashes in a row.
    EmptySegment,
    /// Other than `a-z 0-9 - _ /`.
    InvalidCharacter,
    /// More than 512 characters.
    TooLong,
    /// More than 10 segments.
    TooDeep,
    /// `metadata`, `expiring`, `batch` first, or `versions`, `consumers`, `restore`, `rotate` last.
    Reserved,
}

impl PathFault {
    /// As in `details.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::LeadingSlash => "leading_slash",
            Self::TrailingSlash => "trailing_slash",
            Self::EmptySegment => "empty_segment",
            Self::InvalidCharacter => "invalid_character",
            Self::TooLong => "too_long",
            Self::TooDeep => "too_deep",
            Self::Reserved => "reserved",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Empty => "A secret path must not be empty",
            Self::LeadingSlash => "A secret path must not start with '/'",
            Self::TrailingSlash => "A secret path must not end with '/'",
            Self::EmptySegment => "A secret path must not contain '//'",
            Self::InvalidCharacter => "A secret path may contain only a-z, 0-9, '-', '_' and '/'",
            Self::TooLong => "A secret path may have at most 512 characters",
            Self::TooDeep => "A secret path may have at most 10 segments",
            Self::Reserved => {
                "The path is reserved: metadata, expiring, batch cannot be its first, \
                 versions, consumers, restore, rotate not its last segment"
            }
        }
    }
}

impl SecretPath {
    /// Checks `text` as a path.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        Self::check(text).map(|()| Self(text.into())).map_err(|fault| {
            Rejection::new(ErrorCode::InvalidPath, fault.sentence())
                .detail("path", text)
                .detail("reason", fault.as_str())
        })
    }

    fn check(text: &str) -> Result<(), PathFault> {
        if text.is_empty() {
            return Err(PathFault::Empty);
        }
        if text.starts_with('/') {
            return Err(PathFault::LeadingSlash);
        }
        if text.ends_with('/') {
            return Err(PathFault::TrailingSlash);
        }
        if text.contains("//") {
            return Err(PathFault::EmptySegment);
        }
        if !is_path_text(text) {
            return Err(PathFault::InvalidCharacter);
        }
        if text.len() > MAX_LENGTH {
            return Err(PathFault::TooLong);
        }
        if text.split('/').count() > MAX_SEGMENTS {
            return Err(PathFault::TooDeep);
        }
        let first = text.split('/').next().unwrap_or_default();
        let last = text.rsplit('/').next().unwrap_or_default();
        if matches!(first, "metadata" | "expiring" | "batch")
            || matches!(last, "versions" | "consumers" | "restore" | "rotate")
        {
            return Err(PathFault::Reserved);
        }
        Ok(())
    }

    /// Checks a plain-text prefix of paths: characters of paths, no leading slash.
    pub fn check_prefix(prefix: &str) -> Result<(), Rejection> {
        let fault = if prefix.starts_with('/') {
            PathFault::LeadingSlash
        } else if !is_path_text(prefix) {
            PathFault::InvalidCharacter
        } else if prefix.len() > MAX_LENGTH {
            PathFault::TooLong
        } else {
            return Ok(());
        };
        Err(Rejection::new(ErrorCode::InvalidPath, fault.sentence())
            .detail("path", prefix)
            .detail("reason", fault.as_str()))
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

fn is_path_text(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'/'))
}

impl std::borrow::Borrow<str> for SecretPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SecretPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretPath {
    /// Takes stored text as it is: what was once accepted stays readable under later rules.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::<str>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathFault, SecretPath};

    #[test]
    fn each_rule_has_its_reason() {
        let long = "a".repeat(513);
        let deep = ["a"; 11].join("/");
        for (text, fault) in [
            ("", PathFault::Empty),
            ("/a", PathFault::LeadingSlash),
            ("a/", PathFault::TrailingSlash),
            ("a//b", PathFault::EmptySegment),
            ("a/../b", PathFault::InvalidCharacter),
            ("App", PathFault::InvalidCharacter),
            ("ä", PathFault::InvalidCharacter),
            (long.as_str(), PathFault::TooLong),
            (deep.as_str(), PathFault::TooDeep),
            ("metadata/x", PathFault::Reserved),
            ("batch", PathFault::Reserved),
            ("a/versions", PathFault::Reserved),
            ("rotate", PathFault::Reserved),
        ] {
            assert_eq!(SecretPath::check(text), Err(fault), "{text}");
        }
        for text in ["a", "app/db/password", "app/metadata/x", "versions/a", "a_b-c/0"] {
            assert_eq!(SecretPath::check(text), Ok(()), "{text}");
        }
    }
}
