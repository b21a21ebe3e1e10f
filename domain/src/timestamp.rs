//! Moments, to the microsecond.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC with microsecond resolution.
///
/// Text form is RFC 3339 with `Z` and zero or six fractional digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// The last moment that has a text form in every offset (9999-12-30T22:00:00Z); arithmetic
/// saturates there.
const LAST_MICROS: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// From microseconds since the Unix epoch; outside the years 1970–9999 it is clamped.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(0, LAST_MICROS))
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    pub fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved by whole seconds, saturating.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Parses RFC 3339 with any offset, or a date (`2026-04-22` is midnight UTC).
    pub fn parse(text: &str) -> Option<Self> {
        // RFC 3339 dates have four-digit years and no signs; the parser below knows more forms.
        let shaped = text.len() >= 10
            && text.bytes().take(10).enumerate().all(|(i, b)| match i {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
        if !shaped || !text.is_ascii() || text.contains('[') {
            return None;
        }
        let moment: jiff::Timestamp = if text.len() == 10 {
            format!("{text}T00:00:00Z").parse().ok()?
        } else {
            let clock = text.get(10..)?;
            let timed =
                clock.starts_with(['T', 't', ' ']) && clock.get(3..4) == Some(":") && clock.get(6..7) == Some(":");
            let zone = clock.get(9..)?.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
            let offset = zone.len() == 6 && zone.get(3..4) == Some(":");
            if !timed || !(zone.eq_ignore_ascii_case("z") || offset) {
                return None;
            }
            text.parse().ok()?
        };
        let micros = moment.as_microsecond();
        (0..=LAST_MICROS).contains(&micros).then_some(Self(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = jiff::Timestamp::from_microsecond(self.0).unwrap_or_default();
        if self.0 % 1_000_000 == 0 { write!(f, "{moment:.0}") } else { write!(f, "{moment:.6}") }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn input_takes_offsets_and_dates_and_nothing_else() {
        let text = |input: &str| Timestamp::parse(input).map(|moment| moment.to_string());
        assert_eq!(text("2026-04-22").as_deref(), Some("2026-04-22T00:00:00Z"));
        assert_eq!(text("2026-04-23T16:30:00.5+02:00").as_deref(), Some("2026-04-23T14:30:00.500000Z"));
        assert_eq!(text("2026-04-23T14:30:00.1234567Z").as_deref(), Some("2026-04-23T14:30:00.123456Z"));
        for bad in [
            "",
            "now",
            "2026-4-2",
            "2026-13-01",
            "2026-04-23T14:30Z",
            "2026-04-23T14:30:00",
            "-02026-04-23",
            "20260423T143000Z",
            "2026-04-23T14:30:00Z[UTC]",
            "1969-12-31",
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
