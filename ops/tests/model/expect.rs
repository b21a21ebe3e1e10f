//! What the reference model predicts: answers, published events, audit entries.

use serde_json::{Map, Value, json};

/// Who asks.
pub const CALLER: &str = "user:root@dev";
/// Who settles what the clock brings about.
pub const SWEEPER: &str = "system:secret-sweeper";
/// Microseconds of a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY: i64 = 86_400 * SECOND;

/// A refusal.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    /// `None`: the contract does not say.
    pub details: Option<Value>,
    /// Refused in checks 1 to 8, before an idempotency key counts.
    pub early: bool,
}

impl Refusal {
    pub fn new(status: u16, code: &'static str) -> Self {
        Self { status, code, details: None, early: false }
    }

    pub fn with(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    pub fn early(self) -> Self {
        Self { early: true, ..self }
    }
}

/// An event by the catalogue, on the path of the step.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub actor: &'static str,
    pub data: Value,
}

/// An audit entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub action: String,
    pub path: Option<String>,
    /// Compared for successes only.
    pub version: Option<u32>,
    pub error: Option<String>,
}

/// A change that goes ahead.
#[derive(Debug)]
pub struct Done {
    pub status: u16,
    pub body: Option<Value>,
    pub tag: Option<u32>,
    /// For the audit entry.
    pub version: Option<u32>,
    pub events: Vec<Event>,
    pub after: Option<crate::secret::Secret>,
}

/// What a request that changes nothing leads to.
pub enum Shown {
    /// A status and a body.
    Body { status: u16, body: Option<Value>, tag: Option<u32>, version: Option<u32>, raw: Option<String> },
    /// Rows under a key, in pages; the other fields stand on each page.
    Rows { key: &'static str, rows: Vec<Value>, others: Map<String, Value>, limit: usize },
    /// A batch: an entry for each path.
    Batch { body: Value, entries: Vec<Entry> },
}

/// Faults of values, told together.
#[derive(Default)]
pub struct Faults {
    fields: Vec<String>,
    special: Option<&'static str>,
}

impl Faults {
    pub fn field(&mut self, name: impl Into<String>) {
        self.fields.push(name.into());
    }

    pub fn special(&mut self, code: &'static str) {
        self.special.get_or_insert(code);
    }

    pub fn finish(mut self) -> Result<(), Refusal> {
        self.fields.sort();
        match (self.fields.is_empty(), self.special) {
            (false, _) => Err(Refusal::new(422, "validation_error").with(json!({ "fields": self.fields }))),
            (true, Some(code)) => Err(Refusal::new(400, code)),
            (true, None) => Ok(()),
        }
    }
}

/// A moment as answers show it: zero or six fractional digits.
pub fn time(micros: i64) -> String {
    let moment = jiff::Timestamp::from_microsecond(micros).unwrap();
    if micros % SECOND == 0 { format!("{moment:.0}") } else { format!("{moment:.6}") }
}

/// Seconds of a duration such as `1h`.
pub fn seconds(text: &str) -> i64 {
    let (number, unit) = text.trim().split_at(text.trim().len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        other => panic!("no unit: {other}"),
    };
    number.parse::<i64>().unwrap() * unit
}

/// Remaining days, rounded up.
pub fn days(end: i64, now: i64) -> i64 {
    (end - now).max(0).div_euclid(DAY) + i64::from((end - now).max(0) % DAY != 0)
}
