//! A JSON value as the API wrote it: members keep their order and numbers keep all their digits.
//!
//! `serde_json::Value` would sort members and send numbers through `f64`; a secrets tool must change neither.

pub(crate) mod layout;

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// Deepest nesting that is read; the API itself allows 64.
const DEPTH_LIMIT: usize = 128;

/// One JSON value. Has no `Debug`, since it may hold secret values.
#[derive(Clone, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, exactly as written.
    Number(String),
    /// A string, unescaped.
    Text(Zeroizing<String>),
    /// An array.
    List(Vec<Json>),
    /// An object; members in the order they were written.
    Object(Vec<(String, Json)>),
}

// === impl Json ===

impl Json {
    /// Parses one JSON document. The error tells the place of the fault, never the text around it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
        from_raw(raw, DEPTH_LIMIT)
    }

    /// A string value.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// A whole number.
    pub(crate) fn whole(number: u64) -> Self {
        Self::Number(number.to_string())
    }

    /// A list of strings.
    pub(crate) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// The member of that name, if this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members of an object, or none.
    pub(crate) fn members(&self) -> &[(String, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The items of an array, or none.
    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text of a string.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Whether this is `true`.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// Text of the member of that name.
    pub(crate) fn member_text(&self, name: &str) -> Option<&str> {
        self.member(name).and_then(Self::as_text)
    }

    /// The whole number of the member of that name.
    pub(crate) fn member_whole(&self, name: &str) -> Option<u64> {
        if let Some(Self::Number(digits)) = self.member(name) { digits.parse().ok() } else { None }
    }

    /// Sets a member, keeping its place when it is there already.
    pub(crate) fn set(&mut self, name: &str, value: Self) {
        if let Self::Object(members) = self {
            match members.iter_mut().find(|(key, _)| key == name) {
                Some((_, present)) => *present = value,
                None => members.push((name.to_owned(), value)),
            }
        }
    }

    /// Removes a member; tells whether it was there.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        if let Self::Object(members) = self {
            let before = members.len();
            members.retain(|(key, _)| key != name);
            return members.len() < before;
        }
        false
    }

    /// The value on one line, without spaces.
    pub(crate) fn compact(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        self.write(&mut text);
        text
    }

    /// A bare value as scripts want it: strings raw, everything else as JSON.
    pub(crate) fn bare(&self) -> Zeroizing<String> {
        match self.as_text() {
            Some(text) => Zeroizing::new(text.to_owned()),
            None => self.compact(),
        }
    }

    /// Follows a field name: the whole name first, then dot by dot (`a.b`, `list.0`).
    pub(crate) fn descend(&self, field: &str) -> Option<&Self> {
        if let Some(found) = self.member(field) {
            return Some(found);
        }
        if let Some(found) = field.parse::<usize>().ok().and_then(|index| self.items().get(index)) {
            return Some(found);
        }
        field.match_indices('.').find_map(|(place, _)| {
            let (head, tail) = field.split_at(place);
            let inner = match self.member(head) {
                Some(inner) => inner,
                None => self.items().get(head.parse::<usize>().ok()?)?,
            };
            inner.descend(tail.strip_prefix('.')?)
        })
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(digits) => out.push_str(digits),
            Self::Text(text) => out.push_str(&quoted(text)),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    out.push_str(&quoted(name));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// An object of the members that are there; absent ones are left out.
pub(crate) fn object<const N: usize>(members: [(&str, Option<Json>); N]) -> Json {
    Json::Object(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

fn quoted(text: &str) -> Zeroizing<String> {
    // Writing a string can't fail; `null` would be the visible sign of a broken invariant.
    Zeroizing::new(serde_json::to_string(text).unwrap_or_else(|_| "null".to_owned()))
}

fn from_raw(raw: &RawValue, depth: usize) -> Result<Json, String> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err("nested too deeply".to_owned());
    };
    let text = raw.get();
    let fault = |error: serde_json::Error| error.to_string();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let members: Members<'_> = serde_json::from_str(text).map_err(fault)?;
            let read = members.0.into_iter().map(|(name, value)| Ok((name, from_raw(value, depth)?)));
            Json::Object(read.collect::<Result<_, String>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(fault)?;
            Json::List(items.into_iter().map(|item| from_raw(item, depth)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::text(serde_json::from_str::<String>(text).map_err(fault)?),
        Some(b't') => Json::Bool(true),
        Some(b'f') => Json::Bool(false),
        Some(b'n') => Json::Null,
        _ => Json::Number(text.to_owned()),
    })
}

/// The members of an object, each still unread.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collector;
        impl<'de> Visitor<'de> for Collector {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    members.push(entry);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collector)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn order_and_digits_survive() {
        let text = r#"{"b":12345678901234567890.10,"a":[1e400,null,true],"c":{"z":"\u00e9\n"}}"#;
        let compact = Json::parse(text).ok().unwrap().compact();
        assert_eq!(compact.as_str(), "{\"b\":12345678901234567890.10,\"a\":[1e400,null,true],\"c\":{\"z\":\"é\\n\"}}");
    }

    #[test]
    fn fields_descend() {
        let value = Json::parse(r#"{"a":{"b":1,"c.d":2},"a.b":3,"l":[{"x":4}]}"#).ok().unwrap();
        let found = |field| value.descend(field).map(|found| found.bare().to_string());
        assert_eq!(found("a.b").as_deref(), Some("3"));
        assert_eq!(found("a.c.d").as_deref(), Some("2"));
        assert_eq!(found("l.0.x").as_deref(), Some("4"));
        assert_eq!(found("a.x"), None);
    }

    #[test]
    fn members_are_set_and_removed() {
        let mut value = Json::parse(r#"{"a":1,"b":2}"#).ok().unwrap();
        value.set("a", Json::text("x"));
        value.set("c", Json::Null);
        assert!(value.remove("b"));
        assert!(!value.remove("b"));
        assert_eq!(value.compact().as_str(), r#"{"a":"x","c":null}"#);
    }

    #[test]
    fn faults_are_refused() {
        assert!(Json::parse("{").is_err());
        assert!(Json::parse("{} {}").is_err());
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
        assert!(Json::parse(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_err());
    }
}
