//! Which of the events that are named somebody wants: those about certain secrets.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::path::MAX_LENGTH;
use crate::secret::metadata::{MAX_TAG, MAX_TAGS};
use crate::secret::{Secret, SecretType};
use crate::{Rejection, SecretPath};

/// What an event's secret must be like. All that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// What its path starts with, literally.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<Arc<str>>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_type: Option<SecretType>,
    /// It has at least one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Arc<str>>,
}

/// What an event's secret is like, at the time of the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its type.
    pub secret_type: SecretType,
    /// Its tags.
    pub tags: Arc<[Arc<str>]>,
}

impl About {
    /// A secret as it is.
    pub fn of(secret: &Secret) -> Self {
        let secret_type = secret.versions.last().map(|version| version.secret_type).unwrap_or_default();
        Self { secret_type, tags: secret.metadata.tags().into() }
    }
}

impl EventFilter {
    /// Refuses what no secret could be like. `field` is what the filter is a part of.
    pub fn check(&self, field: &str) -> Result<(), Rejection> {
        let mut faults = Vec::new();
        if self.path_prefix.as_ref().is_some_and(|prefix| prefix.len() > MAX_LENGTH) {
            faults.push((format!("{field}.path_prefix"), format!("may have at most {MAX_LENGTH} bytes")));
        }
        let sound = |tag: &Arc<str>| (1..=MAX_TAG).contains(&tag.chars().count());
        if self.tags.len() > MAX_TAGS || !self.tags.iter().all(sound) {
            let rule = format!("may hold at most {MAX_TAGS} tags of 1 to {MAX_TAG} characters");
            faults.push((format!("{field}.tags"), rule));
        }
        if faults.is_empty() { Ok(()) } else { Err(Rejection::fields(faults)) }
    }

    /// Whether everything passes.
    pub fn is_open(&self) -> bool {
        self == &Self::default()
    }

    /// Whether it needs to know more of a secret than its path.
    pub fn looks_at_secret(&self) -> bool {
        self.secret_type.is_some() || !self.tags.is_empty()
    }

    /// Whether an event passes. Without a path only if there is no filter.
    pub fn passes(&self, path: Option<&SecretPath>, about: Option<&About>) -> bool {
        let Some(path) = path else { return self.is_open() };
        let has_tag = |about: &About| self.tags.iter().any(|tag| about.tags.contains(tag));
        self.path_prefix.as_ref().is_none_or(|prefix| path.as_str().starts_with(prefix.as_ref()))
            && self.secret_type.is_none_or(|wanted| about.is_some_and(|about| about.secret_type == wanted))
            && (self.tags.is_empty() || about.is_some_and(has_tag))
    }
}
