//! Moments, to the microsecond.

use std::fmt;

use jiff::civil::{DateTime, date};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

mod text;

pub use text::Text;

/// A moment in UTC with microsecond resolution.
///
/// Text form is RFC 3339 with `Z` and zero or six fractional digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z.
const FIRST_MICROS: i64 = -62_135_596_800_000_000;
/// 9999-12-31T23:59:59.999999Z, which many write for "never". Arithmetic saturates there.
const LAST_MICROS: i64 = 253_402_300_799_999_999;
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

impl Timestamp {
    /// From microseconds since the Unix epoch; outside the years 1–9999 it is clamped.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(FIRST_MICROS, LAST_MICROS))
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

    /// RFC 3339, with a fraction where there is one.
    pub fn text(self) -> Text {
        if self.0 % 1_000_000 == 0 { Text::to_the_second(self.0) } else { self.precise_text() }
    }

    /// RFC 3339, with six fractional digits in any case.
    pub fn precise_text(self) -> Text {
        Text::to_the_microsecond(self.0)
    }

    /// Parses RFC 3339 with any offset, or a date (`2026-04-22` is midnight UTC).
    pub fn parse(text: &str) -> Option<Self> {
        text::read(text).map(Self::from_micros).or_else(|| Self::parse_any(text))
    }

    fn parse_any(text: &str) -> Option<Self> {
        // The parser below knows more forms than RFC 3339: shape and length are checked before it.
        let (day, clock) = text.is_ascii().then(|| text.split_at_checked(10)).flatten()?;
        if !shaped(day, "dddd-dd-dd") {
            return None;
        }
        let (time, offset) = match clock.split_at_checked(9) {
            None if clock.is_empty() => ("T00:00:00", "Z"),
            None => return None,
            Some((time, rest)) => {
                let fraction = rest
                    .strip_prefix('.')
                    .map_or(0, |digits| 1 + digits.bytes().take_while(u8::is_ascii_digit).count());
                if !shaped(time, "Tdd:dd:dd") || fraction == 1 {
                    return None;
                }
                clock.split_at(9 + fraction)
            }
        };
        let moment: DateTime = format!("{day}{}", cut(time).to_ascii_uppercase().replace(' ', "T")).parse().ok()?;
        let micros = i64::try_from(moment.duration_since(EPOCH).as_micros()).ok()?;
        let micros = micros.checked_sub(offset_seconds(offset)?.checked_mul(1_000_000)?)?;
        (FIRST_MICROS..=LAST_MICROS).contains(&micros).then_some(Self(micros))
    }
}

/// Whether `text` has the shape of `pattern`: `d` a digit, `T` the separator of date and time.
fn shaped(text: &str, pattern: &str) -> bool {
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

/// Fractions beyond nanoseconds are cut off.
fn cut(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}

fn offset_seconds(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = offset.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if !shaped(clock, "dd:dd") {
        return None;
    }
    let (hours, minutes) = clock.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text().as_str())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

/// Reads the text where it stands: every event and every audit entry has some.
struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an RFC 3339 timestamp")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).ok_or_else(|| E::custom("not an RFC 3339 timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{EPOCH, FIRST_MICROS, LAST_MICROS, Timestamp};

    #[test]
    fn text_is_that_of_the_calendar() {
        let day = 86_400_000_000;
        let sampled = (FIRST_MICROS..LAST_MICROS).step_by(usize::try_from(day * 97 + 3_661_000_001).unwrap());
        let leap_days = (-800..400).map(|years: i64| years * 365 * day + 59 * day);
        for micros in sampled.chain(leap_days).chain([FIRST_MICROS, LAST_MICROS, -1, 0, 1, 999_999]) {
            let moment = EPOCH.checked_add(SignedDuration::from_micros(micros)).unwrap();
            let moment_text = if micros % 1_000_000 == 0 { format!("{moment:.0}Z") } else { format!("{moment:.6}Z") };
            assert_eq!(Timestamp(micros).to_string(), moment_text);
            assert_eq!(Timestamp(micros).precise_text().as_str(), format!("{moment:.6}Z"));
            for text in [Timestamp(micros).text(), Timestamp(micros).precise_text()] {
                assert_eq!(super::text::read(text.as_str()), Some(micros));
                assert_eq!(Timestamp::parse_any(text.as_str()), Some(Timestamp(micros)));
            }
        }
    }

    #[test]
    fn only_moments_of_the_calendar_are_read_back() {
        for other in [
            "2026-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-13-10T00:00:00Z",
            "2026-04-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-04-23T24:00:00Z",
            "2026-04-23T14:60:00Z",
            "2026-04-23T14:30:60Z",
            "0000-04-23T14:30:00Z",
            "2026-04-23T14:30:00.5Z",
            "2026-04-23 14:30:00Z",
            "2026-04-23T14:30:00z",
            "+026-04-23T14:30:00Z",
        ] {
            assert_eq!(super::text::read(other), None, "{other}");
        }
    }

    #[test]
    fn input_takes_offsets_and_dates_and_nothing_else() {
        let text = |input: &str| Timestamp::parse(input).map(|moment| moment.to_string());
        assert_eq!(text("2026-04-22").as_deref(), Some("2026-04-22T00:00:00Z"));
        assert_eq!(text("2026-04-23T16:30:00.5+02:00").as_deref(), Some("2026-04-23T14:30:00.500000Z"));
        assert_eq!(text("9999-12-31T23:59:59Z").as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(text("1800-01-01").as_deref(), Some("1800-01-01T00:00:00Z"));
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
        ] {
            assert_eq!(text(bad), None, "{bad}");
        }
    }
}
