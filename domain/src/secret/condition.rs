//! Conditional requests (RFC 9110 §13, narrowed to version numbers).

use serde_json::Value;

use super::Secret;
use crate::{ErrorCode, Rejection, SecretPath};

/// A tag of a conditional request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `*`: whatever is there.
    Any,
    /// A version number.
    Version(u32),
}

/// What has to hold for a write to go ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// The current version is this one.
    pub if_match: Option<Tag>,
    /// There is no secret, or its current version is another.
    pub if_none_match: Option<Tag>,
}

impl Condition {
    /// Checks against the live secret; `version_conflict` otherwise.
    pub fn check(&self, path: &SecretPath, secret: Option<&Secret>) -> Result<(), Rejection> {
        let current = secret.and_then(Secret::current_number);
        let matched = self.if_match.is_none_or(|tag| tag.names(current));
        let unmatched = !self.if_none_match.is_some_and(|tag| tag.names(current));
        if matched && unmatched {
            return Ok(());
        }
        let sentence = match current {
            Some(number) => format!("Secret '{path}' is at version {number}"),
            None => format!("There is no secret at '{path}'"),
        };
        Err(Rejection::new(ErrorCode::VersionConflict, sentence)
            .detail("path", path.as_str())
            .detail("current_version", current.map_or(Value::Null, Value::from)))
    }
}

impl Tag {
    fn names(self, current: Option<u32>) -> bool {
        match self {
            Self::Any => current.is_some(),
            Self::Version(number) => current == Some(number),
        }
    }
}
