//! Durations as the API writes them: `<integer><unit>` pairs, units `s m h d w`, summed. A stand-in of the binary for
//! the duration of the domain, so that configuration can be read before anything else exists.

use std::time::Duration;

/// Longest duration: 36500 days.
const LONGEST_SECONDS: u64 = 36_500 * 24 * 60 * 60;

/// The duration `text` stands for; `None` for zero, more than 36500 days, and anything else.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut total: u64 = 0;
    let mut digits: Option<u64> = None;
    for character in text.chars() {
        if let Some(digit) = character.to_digit(10) {
            digits = Some(digits.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit_seconds: u64 = match character {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            'w' => 7 * 24 * 60 * 60,
            _ => return None,
        };
        total = total.checked_add(digits.take()?.checked_mul(unit_seconds)?)?;
    }
    if digits.is_some() || total == 0 || total > LONGEST_SECONDS {
        return None;
    }
    Some(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_summed() {
        for (text, seconds) in [("1s", 1), ("15m", 900), ("1h30m", 5400), ("90d", 7_776_000), ("2w", 1_209_600)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        assert!(parse("36500d").is_some());
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "0s", "30", "s", "-1s", "1.5h", "1 h", "1ms", "30S", "36501d", "1h30", "99999999999999999999s"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
