//! A secret's `data` with generated values laid over it. Whatever is not generated keeps its text, digit by digit.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::alphabet::{Charset, Letters, Required};
use super::drawing::{Drawn, DrawnField};
use super::field::Field;
use super::generator::{DEFAULT_LENGTH, Generator};

/// Keys that the built-in recipe looks for, in this order, where there is more than one.
pub const USUAL_KEYS: [&str; 6] = ["password", "secret", "token", "api_key", "key", "value"];

/// The members of a `data`, in their order.
pub struct Data<'d>(Vec<(Cow<'d, str>, &'d RawValue)>);

impl<'d> Data<'d> {
    /// Of the JSON text of an object.
    pub fn parse(json: &'d [u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The field that the built-in recipe makes: the only one there is, or the first with a usual name. `None` if
    /// there is none to replace.
    pub fn built_in(&self) -> Option<Field> {
        let name = match self.0.as_slice() {
            [(only, _)] => only.as_ref(),
            _ => USUAL_KEYS.into_iter().find(|usual| self.raw(usual).is_some())?,
        };
        let generator = Generator::Random {
            length: DEFAULT_LENGTH,
            letters: Letters::of(Charset::Alphanumeric),
            required: Required::default(),
        };
        Some(Field { name: name.into(), generator })
    }

    /// Whether one of a field's values is the one that is there.
    pub fn repeats(&self, drawn: &DrawnField) -> bool {
        drawn.values().any(|(name, value)| {
            let current = self.raw(name).and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            current.map(Zeroizing::new).is_some_and(|current| current.as_str() == value)
        })
    }

    /// The same object with these values: those of keys that are there in their places, others at the end.
    pub fn overlaid(&self, drawn: &Drawn) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        let kept: usize = self.0.iter().map(|(key, raw)| 6 * key.len() + raw.get().len() + 4).sum();
        let laid: usize = drawn.values().map(|(name, value)| 6 * (name.len() + value.len()) + 6).sum();
        // Room for all of it: what a buffer outgrows is not wiped.
        let mut json = Zeroizing::new(Vec::with_capacity(kept + laid + 2));
        let generated = |key: &str| drawn.values().find(|(name, _)| *name == key).map(|(_, value)| value);
        json.push(b'{');
        for (key, raw) in &self.0 {
            member(&mut json, key)?;
            match generated(key) {
                Some(value) => serde_json::to_writer(&mut *json, value)?,
                None => json.extend_from_slice(raw.get().as_bytes()),
            }
        }
        for (name, value) in drawn.values().filter(|(name, _)| self.raw(name).is_none()) {
            member(&mut json, name)?;
            serde_json::to_writer(&mut *json, value)?;
        }
        json.push(b'}');
        Ok(json)
    }

    fn raw(&self, key: &str) -> Option<&'d RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }
}

fn member(json: &mut Vec<u8>, key: &str) -> Result<(), serde_json::Error> {
    if json.len() > 1 {
        json.push(b',');
    }
    serde_json::to_writer(&mut *json, key)?;
    json.push(b':');
    Ok(())
}

/// A key that borrows where it has no escapes.
#[derive(Deserialize)]
struct Key<'k>(#[serde(borrow)] Cow<'k, str>);

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Data<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Data(members))
    }
}

impl<'de> Deserialize<'de> for Data<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn built_in(json: &str) -> Option<String> {
        Data::parse(json.as_bytes()).unwrap().built_in().map(|field| field.name.to_string())
    }

    #[test]
    fn the_built_in_recipe_finds_its_field() {
        assert_eq!(built_in(r#"{"anything at all":1}"#).as_deref(), Some("anything at all"));
        assert_eq!(built_in(r#"{"user":"a","token":"b","secret":"c"}"#).as_deref(), Some("secret"));
        assert_eq!(built_in(r#"{"value":"a","p\u0061ssword":"b"}"#).as_deref(), Some("password"));
        assert_eq!(built_in(r#"{"user":"a","host":"b"}"#), None);
        assert_eq!(built_in("{}"), None);
    }
}
