//! A moment's text form, written and read digit by digit: every answer, entry and log line has several.

use std::fmt;

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`.
const LONGEST: usize = 27;
/// The same without a fraction.
const SHORT: usize = 20;

/// RFC 3339 text in UTC.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Digits and separators.
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    pub(super) fn to_the_second(micros: i64) -> Self {
        let mut text = Self::to_the_microsecond(micros);
        if let Some(end) = text.bytes.get_mut(SHORT - 1) {
            *end = b'Z';
        }
        text.length = SHORT;
        text
    }

    /// Of a moment in the years 1 to 9999.
    pub(super) fn to_the_microsecond(micros: i64) -> Self {
        let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let mut bytes = *b"0000-00-00T00:00:00.000000Z";
        let [y1, y2, y3, y4, _, o1, o2, _, d1, d2, _, h1, h2, _, m1, m2, _, s1, s2, _, f1, f2, f3, f4, f5, f6, _] =
            &mut bytes;
        digits([y4, y3, y2, y1], year);
        digits([o2, o1], month);
        digits([d2, d1], day);
        digits([h2, h1], second / 3_600);
        digits([m2, m1], second / 60 % 60);
        digits([s2, s1], second % 60);
        digits([f6, f5, f4, f3, f2, f1], fraction);
        Self { bytes, length: LONGEST }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The last digits of a number, the lowest first.
fn digits<const N: usize>(places: [&mut u8; N], mut number: i64) {
    for place in places {
        *place = b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
    }
}

/// Microseconds since the Unix epoch of a text that [`Text`] gives; `None` for any other.
pub(super) fn read(text: &str) -> Option<i64> {
    let fraction = match text.get(SHORT - 1..)? {
        "Z" => 0,
        rest => number(rest.strip_prefix('.')?.strip_suffix('Z').filter(|digits| digits.len() == 6)?)?,
    };
    let part = |from: usize, to: usize| number(text.get(from..to)?);
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    let separated = separators.into_iter().all(|(at, separator)| text.get(at..=at) == Some(separator));
    let days = days(year, month, day);
    // A day that is not in the calendar gives another one back.
    let sound = separated && year > 0 && hour < 24 && minute < 60 && second < 60 && civil(days) == (year, month, day);
    sound.then(|| (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000_000 + fraction)
}

fn number(digits: &str) -> Option<i64> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    digits.bytes().try_fold(0, |number, byte| Some(number * 10 + digit(byte)?))
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar.
///
/// Years are taken to begin in March, so that a leap day is the last of its year, and 400 of them to be one era of
/// 146 097 days, after which the calendar repeats.
fn civil(days: i64) -> (i64, i64, i64) {
    // 0000-03-01 is 719 468 days before 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, five months at a time have 153 days.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + 400 * era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}
