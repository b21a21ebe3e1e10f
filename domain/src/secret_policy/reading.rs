//! The `config` of a field, read key by key; all that is wrong with it is told at once.

use serde_json::{Map, Value};

/// What is wrong with fields: names and sentences.
pub type Faults = Vec<(String, String)>;

/// A `config` that is being read. What nobody asks for is unknown.
pub struct Reading<'a> {
    given: &'a Map<String, Value>,
    at: String,
    asked: Vec<&'static str>,
    faults: &'a mut Faults,
}

impl<'a> Reading<'a> {
    /// Of what stands at a place of the request, such as `fields[0].config`.
    pub fn new(given: &'a Map<String, Value>, at: String, faults: &'a mut Faults) -> Self {
        Self { given, at, asked: Vec::new(), faults }
    }

    /// Says that a key is wrong.
    pub fn fault(&mut self, key: &str, rule: impl Into<String>) {
        self.faults.push((format!("{}.{key}", self.at), rule.into()));
    }

    /// A key as it is.
    pub fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.asked.push(key);
        self.given.get(key)
    }

    /// An integer within bounds.
    pub fn integer(&mut self, key: &'static str, default: u32, (low, high): (u32, u32)) -> u32 {
        let Some(value) = self.value(key) else { return default };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| (low..=high).contains(number)).unwrap_or_else(|| {
            self.fault(key, format!("must be an integer from {low} to {high}"));
            default
        })
    }

    /// One of some integers.
    pub fn one_of(&mut self, key: &'static str, default: u32, choices: &[u32]) -> u32 {
        let Some(value) = self.value(key) else { return default };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number.filter(|number| choices.contains(number)).unwrap_or_else(|| {
            let choices: Vec<String> = choices.iter().map(u32::to_string).collect();
            self.fault(key, format!("must be one of {}", choices.join(", ")));
            default
        })
    }

    /// One of some words.
    pub fn choice<T: Copy>(&mut self, key: &'static str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.value(key) else { return default };
        let chosen = choices.iter().find(|(word, _)| value.as_str() == Some(word));
        chosen.map(|(_, chosen)| *chosen).unwrap_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.fault(key, format!("must be one of {}", words.join(", ")));
            default
        })
    }

    /// A boolean, false if absent.
    pub fn boolean(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.fault(key, "must be true or false");
            false
        })
    }

    /// A text.
    pub fn text(&mut self, key: &'static str) -> Option<&'a str> {
        let value = self.value(key)?;
        if value.as_str().is_none() {
            self.fault(key, "must be a string");
        }
        value.as_str()
    }

    /// A text that must be there.
    pub fn required_text(&mut self, key: &'static str) -> Option<&'a str> {
        if !self.given.contains_key(key) {
            self.fault(key, "is required");
        }
        self.text(key)
    }

    /// Names what is left over as unknown.
    pub fn finish(mut self) {
        let unknown: Vec<&String> = self.given.keys().filter(|key| !self.asked.contains(&key.as_str())).collect();
        for key in unknown {
            self.fault(key, "is not a known key of this generator");
        }
    }
}
