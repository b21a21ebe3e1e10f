//! Hours of the week in a time zone.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// Names of days, Monday first, as written in rules.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// By how many minutes clocks leap at most.
const LONGEST_LEAP: i64 = 180;

/// From `start` to before `end`, local time, on some days. With `end` before `start` it passes
/// midnight, and belongs to the day it starts on.
#[derive(Clone, PartialEq)]
pub struct TimeWindow {
    text: WindowText,
    days: [bool; 7],
    /// Minutes of the day.
    start: i32,
    end: i32,
    /// `None` if this build does not know it: then the window holds never.
    zone: Option<TimeZone>,
}

/// A window as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowText {
    /// Of `mon tue wed thu fri sat sun`; all if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<Vec<String>>,
    /// `HH:MM`.
    pub start: String,
    /// `HH:MM`.
    pub end: String,
    /// IANA name; `UTC` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
}

/// Why a window makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowFault {
    /// A day that is none.
    Day,
    /// `days` is empty.
    NoDays,
    /// A time that is not `HH:MM`.
    Time,
    /// It starts when it ends.
    Empty,
    /// A time zone that is not known.
    Zone,
}

impl WindowFault {
    /// As in `details.reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "unknown_day",
            Self::NoDays => "no_days",
            Self::Time => "invalid_time",
            Self::Empty => "start_equals_end",
            Self::Zone => "unknown_timezone",
        }
    }
}

impl WindowFault {
    /// What would be right.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Day => "has a day that is none of mon, tue, wed, thu, fri, sat, sun",
            Self::NoDays => "must have at least one day",
            Self::Time => "must be HH:MM",
            Self::Empty => "must not be when it starts",
            Self::Zone => "must be a time zone such as Europe/Amsterdam",
        }
    }
}

impl WindowText {
    /// What makes no sense, by key.
    pub fn faults(&self) -> Vec<(&'static str, WindowFault)> {
        let is_day = |name: &String| DAYS.iter().any(|(known, _)| known == name);
        let days = match &self.days {
            Some(days) if days.is_empty() => Some(WindowFault::NoDays),
            Some(days) if !days.iter().all(is_day) => Some(WindowFault::Day),
            Some(_) | None => None,
        };
        let time = |text: &str| minutes(text).is_none().then_some(WindowFault::Time);
        let end = time(&self.end).or_else(|| (self.start == self.end).then_some(WindowFault::Empty));
        let zone = TimeZone::get(self.timezone.as_deref().unwrap_or("UTC")).is_err().then_some(WindowFault::Zone);
        let all = [("days", days), ("start", time(&self.start)), ("end", end), ("timezone", zone)];
        all.into_iter().filter_map(|(key, fault)| Some((key, fault?))).collect()
    }
}

impl TimeWindow {
    /// Checks a window.
    pub fn parse(text: WindowText) -> Result<Self, WindowFault> {
        let window = Self::of(text)?;
        if window.zone.is_some() { Ok(window) } else { Err(WindowFault::Zone) }
    }

    fn of(text: WindowText) -> Result<Self, WindowFault> {
        let mut days = [text.days.is_none(); 7];
        for name in text.days.iter().flatten() {
            let day = DAYS.iter().zip(&mut days).find(|((known, _), _)| known == name);
            *day.ok_or(WindowFault::Day)?.1 = true;
        }
        if !days.contains(&true) {
            return Err(WindowFault::NoDays);
        }
        let start = minutes(&text.start).ok_or(WindowFault::Time)?;
        let end = minutes(&text.end).ok_or(WindowFault::Time)?;
        if start == end {
            return Err(WindowFault::Empty);
        }
        let zone = TimeZone::get(text.timezone.as_deref().unwrap_or("UTC")).ok();
        Ok(Self { text, days, start, end, zone })
    }

    /// Whether a moment lies in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        let (Some(zone), Ok(instant)) = (&self.zone, jiff::Timestamp::from_microsecond(at.as_micros())) else {
            return false;
        };
        let local = zone.to_datetime(instant);
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        let today = local.date().weekday();
        if self.start < self.end {
            return self.is_on(today) && (self.start..self.end).contains(&minute);
        }
        (self.is_on(today) && minute >= self.start) || (self.is_on(today.previous()) && minute < self.end)
    }

    /// When it opens next, at `at` or later; `None` if it never does.
    pub fn next_opening(&self, at: Timestamp) -> Option<Timestamp> {
        let zone = self.zone.as_ref()?;
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        let today = zone.to_datetime(instant).date();
        let (hour, minute) = (i8::try_from(self.start / 60).ok()?, i8::try_from(self.start % 60).ok()?);
        // A week, and the same day of the next one: the opening of today may have passed, and one may be leapt over.
        let days = today.series(1.day()).take(16).filter(|day| self.is_on(day.weekday()));
        let openings = days.filter_map(|day| {
            let wanted = day.at(hour, minute, 0, 0);
            let zoned = zone.to_zoned(wanted).ok()?;
            let opening = Timestamp::from_micros(zoned.timestamp().as_microsecond());
            if zoned.datetime() == wanted {
                return Some(opening);
            }
            // The clock leaps over it: it opens when the leap ends, if it is still open then.
            (0..=LONGEST_LEAP)
                .rev()
                .map(|minutes| opening.plus_seconds(-60 * minutes))
                .find(|moment| self.holds(*moment))
        });
        openings.into_iter().find(|opening| *opening >= at && self.holds(*opening))
    }

    /// How long it is open, in seconds by the clock on the wall.
    pub fn length_seconds(&self) -> i64 {
        i64::from((self.end - self.start).rem_euclid(24 * 60)) * 60
    }

    /// Its days as written in rules, Monday first.
    pub fn days(&self) -> impl Iterator<Item = &'static str> {
        DAYS.iter().zip(self.days).filter(|(_, is_on)| *is_on).map(|((name, _), _)| *name)
    }

    /// When it opens and closes, as written.
    pub fn hours(&self) -> (&str, &str) {
        (&self.text.start, &self.text.end)
    }

    /// As written.
    pub fn text(&self) -> &WindowText {
        &self.text
    }

    /// Its time zone.
    pub fn timezone(&self) -> &str {
        self.text.timezone.as_deref().unwrap_or("UTC")
    }

    fn is_on(&self, day: Weekday) -> bool {
        DAYS.iter().zip(self.days).any(|((_, known), is_on)| is_on && *known == day)
    }
}

/// Minutes of the day at `HH:MM`.
fn minutes(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i32| {
        let shaped = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i32>().ok().filter(|number| shaped && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

impl fmt::Debug for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Serialize for TimeWindow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TimeWindow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = WindowText::deserialize(deserializer)?;
        // What was stored by a build that knew more time zones is still read.
        Self::of(text).map_err(|fault| de::Error::custom(fault.as_str()))
    }
}
