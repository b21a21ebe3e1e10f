//! Fields of a body or query, read one by one; all faults are told at once.

use std::borrow::Cow;

use scaivault_domain::{DurationText, ErrorCode, Rejection, Timestamp};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::Members;

/// Collects what is wrong with the values of a request.
#[derive(Debug, Default)]
pub struct Faults {
    fields: Vec<(String, String)>,
    special: Option<Rejection>,
}

impl Faults {
    /// A field's value breaks its rule.
    pub fn field(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.fields.push((field.into(), message.into()));
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.special.is_none()
    }

    /// A fault with a code of its own; the first one counts. One that names fields joins the others.
    pub fn special(&mut self, rejection: Rejection) {
        let named = rejection.details.get("fields").filter(|_| rejection.code == ErrorCode::ValidationError);
        let Some(rows) = named.and_then(|rows| rows.as_array()) else {
            self.special.get_or_insert(rejection);
            return;
        };
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.fields.extend(rows.iter().map(|row| (text(row, "field"), text(row, "message"))));
    }

    /// A value, or its fault remembered.
    pub fn take<T>(&mut self, result: Result<T, Rejection>) -> Option<T> {
        result.map_err(|rejection| self.special(rejection)).ok()
    }

    /// Refuses if there was any fault: fields first, all of them.
    pub fn finish(self) -> Result<(), Rejection> {
        match (self.fields.is_empty(), self.special) {
            (false, _) => Err(Rejection::fields(self.fields)),
            (true, Some(rejection)) => Err(rejection),
            (true, None) => Ok(()),
        }
    }
}

/// The members of one object of a body, each to be taken once.
pub struct Fields<'a> {
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
    at: String,
}

impl<'a> Fields<'a> {
    /// Of the body itself.
    pub fn new(members: Members<'a>) -> Self {
        Self { members: members.0, at: String::new() }
    }

    /// The dotted name of a member.
    pub fn name(&self, field: &str) -> String {
        if self.at.is_empty() { field.to_owned() } else { format!("{}.{field}", self.at) }
    }

    /// A member's raw value; `null` included.
    pub fn raw(&mut self, field: &str) -> Option<&'a RawValue> {
        let index = self.members.iter().position(|(name, _)| name == field)?;
        Some(self.members.swap_remove(index).1)
    }

    /// All members that were not taken, in no order.
    pub fn rest(&mut self) -> Vec<(Cow<'a, str>, &'a RawValue)> {
        std::mem::take(&mut self.members)
    }

    /// A member that is an object.
    pub fn object(&mut self, field: &str, faults: &mut Faults) -> Option<Option<Fields<'a>>> {
        let at = self.name(field);
        self.parsed(field, faults, "must be an object", |raw| {
            Members::of(raw).map(|members| Fields { members: members.0, at })
        })
    }

    /// An array of objects.
    pub fn objects(&mut self, field: &str, faults: &mut Faults) -> Option<Option<Vec<Fields<'a>>>> {
        let at = self.name(field);
        self.parsed(field, faults, "must be an array of objects", |raw| {
            let items: Vec<&'a RawValue> = serde_json::from_str(raw.get()).ok()?;
            let fields = items.into_iter().enumerate().map(|(index, item)| {
                Members::of(item).map(|members| Fields { members: members.0, at: format!("{at}[{index}]") })
            });
            fields.collect()
        })
    }

    /// A text.
    pub fn text(&mut self, field: &str, faults: &mut Faults) -> Option<Option<String>> {
        self.parsed(field, faults, "must be a string", |raw| serde_json::from_str(raw.get()).ok())
    }

    /// A boolean.
    pub fn boolean(&mut self, field: &str, faults: &mut Faults) -> Option<Option<bool>> {
        self.parsed(field, faults, "must be true or false", |raw| serde_json::from_str(raw.get()).ok())
    }

    /// An integer within bounds.
    pub fn integer(&mut self, field: &str, bounds: (i64, i64), faults: &mut Faults) -> Option<Option<i64>> {
        let (low, high) = bounds;
        self.parsed(field, faults, &format!("must be an integer from {low} to {high}"), |raw| {
            serde_json::from_str::<i64>(raw.get()).ok().filter(|value| (low..=high).contains(value))
        })
    }

    /// A duration; text that is none is `invalid_duration`.
    pub fn duration(&mut self, field: &str, faults: &mut Faults) -> Option<Option<DurationText>> {
        let name = self.name(field);
        match self.text(field, faults)? {
            None => Some(None),
            Some(text) => Some(Some(faults.take(duration(&name, &text))?)),
        }
    }

    /// A timestamp.
    pub fn timestamp(&mut self, field: &str, faults: &mut Faults) -> Option<Option<Timestamp>> {
        self.parsed(field, faults, "must be an RFC 3339 timestamp or a date", |raw| {
            serde_json::from_str::<String>(raw.get()).ok().and_then(|text| Timestamp::parse(&text))
        })
    }

    /// Texts.
    pub fn texts(&mut self, field: &str, faults: &mut Faults) -> Option<Option<Vec<String>>> {
        self.parsed(field, faults, "must be an array of strings", |raw| serde_json::from_str(raw.get()).ok())
    }

    /// Outer `None`: not given, or faulty. Inner `None`: `null`.
    #[allow(clippy::option_option, reason = "absent and null are different things in a patch")]
    fn parsed<T>(
        &mut self,
        field: &str,
        faults: &mut Faults,
        rule: &str,
        parse: impl FnOnce(&'a RawValue) -> Option<T>,
    ) -> Option<Option<T>> {
        let raw = self.raw(field)?;
        if raw.get() == "null" {
            return Some(None);
        }
        match parse(raw) {
            Some(value) => Some(Some(value)),
            None => {
                faults.field(self.name(field), rule);
                None
            }
        }
    }

    /// Whether a member was given and is still to be taken.
    pub fn has(&self, field: &str) -> bool {
        self.members.iter().any(|(name, _)| name == field)
    }

    /// Names what is left over as unknown.
    pub fn finish(self, faults: &mut Faults) {
        for (field, _) in &self.members {
            faults.field(self.name(field), "is not a known field");
        }
    }
}

/// A field that must not be `null`: `null` is a fault, absence is `None`.
pub fn not_null<T>(value: Option<Option<T>>, name: &str, faults: &mut Faults) -> Option<T> {
    match value {
        Some(None) => {
            faults.field(name, "must not be null");
            None
        }
        Some(Some(value)) => Some(value),
        None => None,
    }
}

/// Parses a duration, or `invalid_duration`.
pub fn duration(field: &str, text: &str) -> Result<DurationText, Rejection> {
    DurationText::parse(text).ok_or_else(|| {
        Rejection::new(
            ErrorCode::InvalidDuration,
            format!("{field}: not a duration such as 90d, 15m or 1h30m, of at most 36500d"),
        )
        .detail("field", field)
    })
}
