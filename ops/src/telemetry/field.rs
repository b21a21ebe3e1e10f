//! Fields of events and spans, as text in one buffer: every request makes a line of a dozen of them.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::ops::Range;

use serde_json::Number;
use tracing::field::{Field, Visit};

/// Most causes of an error that are repeated; a chain that goes in circles must end somewhere.
const MOST_CAUSES: usize = 16;
/// What has no value.
const NULL: &str = "null";

/// Fields in the order in which they were first recorded. A later value of the same name replaces the earlier one.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    places: Vec<Place>,
    text: String,
}

/// Where a value stands in the buffer.
#[derive(Clone, Debug)]
struct Place {
    name: &'static str,
    kind: Kind,
    range: Range<usize>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Literal,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Text.
    Text(&'a str),
    /// A number, a boolean or null, as in JSON.
    Literal(&'a str),
}

// === impl Fields ===

impl Fields {
    /// The fields in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.places.iter().map(|place| (place.name, self.at(place)))
    }

    /// The value of a field as text; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        match self.places.iter().find(|place| place.name == name).map(|place| self.at(place)) {
            Some(Value::Literal(NULL)) | None => "",
            Some(Value::Text(text) | Value::Literal(text)) => text,
        }
    }

    /// Adds all fields of `other`, which win.
    pub(super) fn extend(&mut self, other: &Self) {
        for place in &other.places {
            let (Value::Text(text) | Value::Literal(text)) = other.at(place);
            self.set(place.name, place.kind, |buffer| buffer.push_str(text));
        }
    }

    /// Sets a field to null if it has no value.
    pub(super) fn set_default_null(&mut self, name: &'static str) {
        if !self.places.iter().any(|place| place.name == name) {
            self.set(name, Kind::Literal, |buffer| buffer.push_str(NULL));
        }
    }

    /// Takes all fields out; the buffer stays.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.text.clear();
    }

    fn at(&self, place: &Place) -> Value<'_> {
        let text = self.text.get(place.range.clone()).unwrap_or_default();
        match place.kind {
            Kind::Text => Value::Text(text),
            Kind::Literal => Value::Literal(text),
        }
    }

    fn set(&mut self, name: &'static str, kind: Kind, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        let place = Place { name, kind, range: start..self.text.len() };
        match self.places.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = place,
            None => self.places.push(place),
        }
    }

    fn literal(&mut self, field: &Field, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        self.set(field.name(), Kind::Literal, |buffer| _ = write!(buffer, "{value}"));
    }

    /// A number, or text if JSON has no such number.
    fn wide(&mut self, field: &Field, number: Option<Number>, value: impl fmt::Display) {
        match number {
            Some(number) => self.literal(field, number),
            None => self.set(field.name(), Kind::Text, |buffer| _ = write!(buffer, "{value}")),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        match Number::from_f64(value) {
            Some(number) => self.literal(field, number),
            None => self.literal(field, NULL),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.literal(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.literal(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.wide(field, Number::from_i128(value), value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.wide(field, Number::from_u128(value), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.literal(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), Kind::Text, |buffer| buffer.push_str(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field.name(), Kind::Text, |buffer| write_chain(buffer, value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), Kind::Text, |buffer| _ = write!(buffer, "{value:?}"));
    }
}

/// An error and its causes, with colons between.
fn write_chain(buffer: &mut String, error: &(dyn Error + 'static)) {
    let causes =
        std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source()).take(MOST_CAUSES);
    for (index, cause) in causes.enumerate() {
        let _ = write!(buffer, "{}{cause}", if index == 0 { "" } else { ": " });
    }
}
