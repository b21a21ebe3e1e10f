//! When to tell before a rotation.

use serde::{Deserialize, Serialize};

use crate::{DurationText, ErrorCode, Rejection};

/// Most warnings.
pub const MAX_WARNINGS: usize = 10;

/// Durations before a rotation, longest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Warnings(Vec<DurationText>);

impl Warnings {
    /// Takes comma-separated durations; none in an empty text.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let parts = text.split(',').map(str::trim);
        let mut durations = Vec::new();
        for part in parts.filter(|_| !text.trim().is_empty()) {
            let unreadable = || {
                let sentence = "warn_before must be durations such as 7d,1d: whole numbers with s, m, h, d or w";
                Rejection::new(ErrorCode::InvalidDuration, sentence).detail("field", "warn_before")
            };
            durations.push(DurationText::parse(part).ok_or_else(unreadable)?);
        }
        if durations.len() > MAX_WARNINGS {
            return Err(Rejection::field("warn_before", format!("may have at most {MAX_WARNINGS} durations")));
        }
        durations.sort_by_key(|duration| std::cmp::Reverse(duration.seconds()));
        if durations.windows(2).any(|pair| matches!(pair, [a, b] if a.seconds() == b.seconds())) {
            return Err(Rejection::field("warn_before", "must name each duration once"));
        }
        Ok(Self(durations))
    }

    /// The durations, longest first.
    pub fn all(&self) -> &[DurationText] {
        &self.0
    }

    /// The longest one, in seconds; 0 if there is none.
    pub fn longest(&self) -> i64 {
        self.0.first().map_or(0, DurationText::seconds)
    }

    /// As in answers: `7d,1d`.
    pub fn text(&self) -> String {
        self.0.iter().map(DurationText::as_str).collect::<Vec<_>>().join(",")
    }
}
