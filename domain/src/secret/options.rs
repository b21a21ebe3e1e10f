//! How a secret is kept: number of versions, expiry, notices.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secret_policy::SecretPolicyReference;
use crate::{Context, DurationText, ErrorCode, Rejection, Timestamp};

/// Most notices before expiry.
pub const MAX_NOTICES: usize = 10;

/// Options of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Versions with a value that are kept.
    pub max_versions: u32,
    /// Remembered: each new version expires this long after its writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<DurationText>,
    /// When to announce the expiry; `None` never.
    #[serde(default)]
    pub notify_before: Option<NoticeTimes>,
    /// The recipe of its values. Counts as none once that policy is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_policy: Option<Arc<SecretPolicyReference>>,
}

impl Options {
    /// Options of a new secret.
    pub fn initial(context: &Context) -> Self {
        Self {
            max_versions: context.settings.default_max_versions,
            expires_in: None,
            notify_before: NoticeTimes::parse("30d,7d,1d"),
            secret_policy: None,
        }
    }
}

/// Comma-separated durations before expiry, with the text as given.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeTimes {
    text: Arc<str>,
    times: Arc<[DurationText]>,
}

impl NoticeTimes {
    /// Parses at most ten durations; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let times: Option<Vec<_>> = text.split(',').map(|part| DurationText::parse(part.trim())).collect();
        let times = times.filter(|times| times.len() <= MAX_NOTICES)?;
        Some(Self { text: text.into(), times: times.into() })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The durations, as written.
    pub fn times(&self) -> &[DurationText] {
        &self.times
    }
}

impl std::fmt::Debug for NoticeTimes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for NoticeTimes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for NoticeTimes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a list of durations"))
    }
}

/// The end of a secret, and what has been said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The end.
    pub at: Timestamp,
    /// When this end was set: notices that lay before it are not given.
    pub set_at: Timestamp,
    /// Notices given, by text.
    pub announced: Vec<DurationText>,
    /// Whether the end itself was told.
    pub told: bool,
}

impl Expiry {
    /// An end that nobody was told about yet.
    pub fn new(at: Timestamp, set_at: Timestamp) -> Self {
        Self { at, set_at, announced: Vec::new(), told: false }
    }
}

/// Changes of options: absent ones stay. The inner `None` clears, or restores the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionsChange {
    /// `max_versions`.
    pub max_versions: Option<Option<u32>>,
    /// `expires_in`.
    pub expires_in: Option<Option<DurationText>>,
    /// `expires_at`.
    pub expires_at: Option<Option<Timestamp>>,
    /// `notify_before`.
    pub notify_before: Option<Option<NoticeTimes>>,
    /// `rotation_policy_id`.
    pub rotation_policy_id: Option<Option<Arc<str>>>,
    /// `secret_policy_id`.
    pub secret_policy_id: Option<Option<Arc<str>>>,
}

impl OptionsChange {
    /// What can be said of the values without looking at the secret, which comes first.
    pub fn check(&self, context: &Context) -> Result<(), Rejection> {
        if let (Some(Some(_)), Some(Some(_))) = (&self.expires_in, self.expires_at) {
            return Err(Rejection::field("options", "may have expires_in or expires_at, not both"));
        }
        match self.expires_at {
            Some(Some(at)) if at <= context.now => Err(Rejection::field("options.expires_at", "must be in the future")),
            Some(_) | None => Ok(()),
        }
    }

    /// The options and the end that result; the values have passed [`Self::check`].
    ///
    /// `expires_in` counts from now when it is given, or when `new_version` is written.
    pub fn apply(
        &self,
        options: &Options,
        expires_at: Option<Timestamp>,
        new_version: bool,
        context: &Context,
    ) -> Result<(Options, Option<Timestamp>), Rejection> {
        let mut changed = options.clone();
        match &self.secret_policy_id {
            Some(Some(id)) => {
                let found = context.found.secret_policy.clone().filter(|found| found.id.as_str() == id.as_ref());
                let unknown = || unknown_policy(ErrorCode::SecretPolicyNotFound, "Secret policy", id);
                changed.secret_policy = Some(found.ok_or_else(unknown)?);
            }
            Some(None) => changed.secret_policy = None,
            None => {}
        }
        let mut end = expires_at;
        if let Some(max_versions) = self.max_versions {
            changed.max_versions = max_versions.unwrap_or(context.settings.default_max_versions);
        }
        if let Some(notify_before) = &self.notify_before {
            changed.notify_before.clone_from(notify_before);
        }
        match &self.expires_in {
            Some(Some(after)) => {
                // The same duration again is no change, unless a new version starts it anew.
                if changed.expires_in.as_ref() != Some(after) {
                    end = Some(context.now.plus_seconds(after.seconds()));
                    changed.expires_in = Some(after.clone());
                }
            }
            // Forgetting the duration takes the end it gave along; a fixed end stays.
            Some(None) if changed.expires_in.is_some() => {
                changed.expires_in = None;
                end = None;
            }
            Some(None) | None => {}
        }
        match self.expires_at {
            Some(Some(at)) => {
                changed.expires_in = None;
                end = Some(at);
            }
            // Clearing the end next to a given duration keeps that duration.
            Some(None) if !matches!(self.expires_in, Some(Some(_))) => {
                changed.expires_in = None;
                end = None;
            }
            Some(None) | None => {}
        }
        if new_version && let Some(after) = &changed.expires_in {
            end = Some(context.now.plus_seconds(after.seconds()));
        }
        Ok((changed, end))
    }
}

fn unknown_policy(code: ErrorCode, what: &str, id: &str) -> Rejection {
    Rejection::new(code, format!("{what} '{id}' not found"))
}
