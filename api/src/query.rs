//! Query parameters, read one by one; all faults are told at once.

use percent_encoding::percent_decode;
use scaivault_domain::{Rejection, Timestamp};

use crate::fields::Faults;
use crate::operation::{Operation, Shape};

/// The parameters of one request, checked against those its operation knows.
#[derive(Debug)]
pub struct Query {
    pairs: Vec<(String, String)>,
    /// Words allowed, by parameter.
    choices: Vec<(&'static str, &'static [&'static str])>,
    /// What is wrong so far.
    pub faults: Faults,
}

impl Query {
    /// Reads a query string. Unknown and repeated parameters are faults.
    pub fn parse(raw: &str, operation: &Operation) -> Self {
        let choices = operation.query.iter().filter_map(|parameter| match parameter.shape {
            Shape::Choice(words) => Some((parameter.name, words)),
            Shape::Text | Shape::Texts | Shape::Boolean | Shape::Integer(..) | Shape::Timestamp => None,
        });
        let mut query = Self { pairs: Vec::new(), choices: choices.collect(), faults: Faults::default() };
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name), decode(value)) else {
                query.faults.field("query", "is not valid percent-encoded UTF-8");
                continue;
            };
            let known = operation.query.iter().find(|parameter| parameter.name == name);
            let repeated = query.pairs.iter().any(|(other, _)| *other == name);
            match known {
                None => query.faults.field(format!("query.{name}"), "is not a known parameter"),
                Some(parameter) if repeated && !matches!(parameter.shape, Shape::Texts) => {
                    query.faults.field(format!("query.{name}"), "must be given once");
                }
                Some(_) => query.pairs.push((name, value)),
            }
        }
        query
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// All values of a repeatable parameter.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.pairs.iter().filter(|(other, _)| other == name).map(|(_, value)| value.clone()).collect()
    }

    /// A boolean, false if absent.
    pub fn boolean(&mut self, name: &str) -> bool {
        match self.text(name) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.faults.field(format!("query.{name}"), "must be true or false");
                false
            }
        }
    }

    /// One of the words its parameter allows.
    pub fn choice(&mut self, name: &str) -> Option<String> {
        let value = self.text(name)?.to_owned();
        let words = self.choices.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, words)| words);
        if words.contains(&value.as_str()) {
            return Some(value);
        }
        self.faults.field(format!("query.{name}"), format!("must be one of {}", words.join(", ")));
        None
    }

    /// An integer within bounds: decimal digits, nothing else.
    pub fn integer(&mut self, name: &str, bounds: (i64, i64)) -> Option<i64> {
        let (low, high) = bounds;
        let text = self.text(name)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = text.parse::<i64>().ok().filter(|value| digits && (low..=high).contains(value));
        if value.is_none() {
            self.faults.field(format!("query.{name}"), format!("must be an integer from {low} to {high}"));
        }
        value
    }

    /// A version number. One beyond any that can be written is as unknown as the highest.
    pub fn version(&mut self, name: &str) -> Option<u32> {
        let text = self.text(name)?;
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.bytes().all(|byte| byte == b'0') {
            self.faults.field(format!("query.{name}"), "must be an integer of at least 1");
            return None;
        }
        Some(text.parse().unwrap_or(u32::MAX))
    }

    /// A timestamp.
    pub fn timestamp(&mut self, name: &str) -> Option<Timestamp> {
        let parsed = Timestamp::parse(self.text(name)?);
        if parsed.is_none() {
            self.faults.field(format!("query.{name}"), "must be an RFC 3339 timestamp or a date");
        }
        parsed
    }

    /// Page size.
    pub fn limit(&mut self, default: usize, most: usize) -> usize {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let given = self.integer("limit", (1, most)).and_then(|value| usize::try_from(value).ok());
        given.unwrap_or(default)
    }

    /// Refuses if there was any fault.
    pub fn finish(&mut self) -> Result<(), Rejection> {
        std::mem::take(&mut self.faults).finish()
    }

    /// The parameters in a canonical form, without those that may change between pages.
    pub fn filters(&self) -> String {
        let mut pairs: Vec<_> = self.pairs.iter().filter(|(name, _)| name != "limit" && name != "cursor").collect();
        pairs.sort();
        pairs.into_iter().fold(String::new(), |text, (name, value)| text + name + "\u{1f}" + value + "\u{1e}")
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let sound = spaced.bytes().enumerate().filter(|(_, byte)| *byte == b'%').all(|(at, _)| {
        spaced.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8().ok()?;
    sound.then(|| decoded.into_owned())
}
