//! Durations as users write them: `90d`, `15m`, `1h30m`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest duration, 36500 days, in seconds.
pub const MAX_SECONDS: i64 = 36_500 * 86_400;

/// A duration with the text it was given as. A day is 24 hours.
#[derive(Clone, PartialEq, Eq)]
pub struct DurationText {
    text: Arc<str>,
    seconds: i64,
}

impl DurationText {
    /// Parses one or more `<integer><unit>` pairs with units `s m h d w`, summed.
    /// `None` for zero, more than 36500d, or any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut seconds: i64 = 0;
        let mut digits: Option<i64> = None;
        for byte in text.bytes() {
            if byte.is_ascii_digit() {
                let value = digits.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
                digits = Some(value);
                continue;
            }
            let unit = match byte {
                b's' => 1,
                b'm' => 60,
                b'h' => 3_600,
                b'd' => 86_400,
                b'w' => 7 * 86_400,
                _ => return None,
            };
            seconds = seconds.checked_add(digits.take()?.checked_mul(unit)?)?;
        }
        (digits.is_none() && (1..=MAX_SECONDS).contains(&seconds)).then(|| Self { text: text.into(), seconds })
    }

    /// Length in seconds, 1 to 36500 days.
    pub fn seconds(&self) -> i64 {
        self.seconds
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for DurationText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for DurationText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for DurationText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a duration"))
    }
}

#[cfg(test)]
mod tests {
    use super::DurationText;

    #[test]
    fn sums_pairs_and_refuses_the_rest() {
        let seconds = |text: &str| DurationText::parse(text).map(|duration| duration.seconds());
        assert_eq!(seconds("1h30m"), Some(5_400));
        assert_eq!(seconds("2w"), Some(1_209_600));
        assert_eq!(seconds("36500d"), Some(super::MAX_SECONDS));
        for bad in
            ["", "0s", "5", "d", "1x", "-1d", "1.5h", " 1d", "1d ", "36501d", "99999999999999999999d", "1h 30m", "١d"]
        {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
