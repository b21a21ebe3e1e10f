//! Durations as the API writes them: `90d`, `15m`, `1h30m`.

use std::time::Duration;

/// Longest duration the API knows: 36500 days.
const LIMIT_SECONDS: u64 = 36_500 * 86_400;

/// Reads one or more `<integer><unit>` pairs; `None` for zero, too long, or any other text.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut seconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let mut tail = tail.chars();
        let unit = match tail.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = tail.as_str();
    }
    (1..=LIMIT_SECONDS).contains(&seconds).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_summed() {
        assert_eq!(parse("30s"), Some(Duration::from_secs(30)));
        assert_eq!(parse("1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(parse("1w1d"), Some(Duration::from_secs(8 * 86_400)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "0s", "30", "s", "-1s", "1.5h", "1 h", "36501d", "99999999999999999999d", "1x", "٣s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
