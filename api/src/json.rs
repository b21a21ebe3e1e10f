//! Request bodies as JSON: one object, UTF-8, no duplicate keys at any level, nesting at most 64.
//!
//! Values are kept as raw text until a field asks for them, so that numbers keep their digits and
//! text its form.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use scaivault_domain::{ErrorCode, Rejection};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// Deepest nesting, the body itself being one.
pub const MAX_NESTING: usize = 64;

/// Members of one object, in the order given, as raw text.
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads a body; `invalid_request` unless it is one sound object. An empty body is `{}`.
    pub fn of_body(body: &'a [u8]) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(body).map_err(|_| invalid("The body is not valid UTF-8"))?;
        if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Ok(Self(Vec::new()));
        }
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| malformed(&error))?;
        check(text)?;
        Self::of(raw).ok_or_else(|| invalid("The body must be a JSON object"))
    }

    /// Reads a body that [`Self::of_body`] has passed before.
    pub fn of_checked_body(body: &'a [u8]) -> Self {
        let text = std::str::from_utf8(body).unwrap_or_default();
        let raw = serde_json::from_str::<&RawValue>(text).ok();
        raw.and_then(Self::of).unwrap_or_else(|| Self(Vec::new()))
    }

    /// The members of a checked value, if it is an object.
    pub fn of(raw: &'a RawValue) -> Option<Self> {
        serde_json::Deserializer::from_str(raw.get()).deserialize_map(MembersVisitor).ok()
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Members(members))
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(values)
    }
}

/// A key that borrows where it has no escapes.
#[derive(serde::Deserialize, PartialEq, Eq, Hash)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Elements of a checked value, if it is an array.
pub fn elements(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::Deserializer::from_str(raw.get()).deserialize_seq(ElementsVisitor).ok()
}

/// Nesting, duplicate keys and escapes of a syntactically sound value, in one pass over its text.
fn check(text: &str) -> Result<(), Rejection> {
    let bytes = text.as_bytes();
    // The keys of each open object; `None` for an array.
    let mut open: Vec<Option<HashSet<Cow<'_, str>>>> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' if open.len() == MAX_NESTING => {
                return Err(invalid("The body is nested deeper than 64 levels"));
            }
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => _ = open.pop(),
            b'"' => {
                let end = end_of_text(bytes, at);
                let literal = text.get(at..end).unwrap_or_default();
                let Ok(Key(decoded)) = serde_json::from_str(literal) else {
                    return Err(invalid("A text in the body is not valid Unicode"));
                };
                let is_key = bytes.iter().skip(end).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
                if let (true, Some(Some(keys))) = (is_key, open.last_mut())
                    && !keys.insert(decoded)
                {
                    return Err(invalid("The body has an object with a duplicate key"));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The place after the closing quote of the text that starts at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// The value without insignificant white space.
pub fn compact(raw: &RawValue) -> Zeroizing<Vec<u8>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(raw.get().len()));
    let (mut in_text, mut escaped) = (false, false);
    for byte in raw.get().bytes() {
        if !in_text && matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            continue;
        }
        compact.push(byte);
        match byte {
            b'"' if !escaped => in_text = !in_text,
            _ => {}
        }
        escaped = in_text && byte == b'\\' && !escaped;
    }
    compact
}

/// `invalid_request`.
pub fn invalid(message: impl Into<String>) -> Rejection {
    Rejection::new(ErrorCode::InvalidRequest, message)
}

fn malformed(error: &serde_json::Error) -> Rejection {
    if error.is_data() || error.to_string().starts_with("recursion limit") {
        return invalid("The body is nested deeper than 64 levels");
    }
    // Line and column say where; the parser's own text could quote the body.
    invalid(format!("The body is not valid JSON (line {}, column {})", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn refused(body: &str) -> bool {
        Members::of_body(body.as_bytes()).is_err_and(|rejection| rejection.code == ErrorCode::InvalidRequest)
    }

    #[test]
    fn only_one_sound_object_is_taken() {
        let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        for bad in [
            "[]",
            "1",
            "{",
            "{}x",
            "{\"a\":1,\"a\":2}",
            "{\"a\":{\"b\":1,\"\\u0062\":2}}",
            "{\"a\":[{\"b\":1,\"b\":1}]}",
            "{\"a\":\"\\ud800\"}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "\u{feff}{}",
        ] {
            assert!(refused(bad), "{bad}");
        }
        assert!(refused(&nested(65)) && refused(&nested(10_000)) && !refused(&nested(64)));
        assert!(Members::of_body(b"{\"a\":\"\xff\"}").is_err());
        assert!(Members::of_body(b" ").unwrap().0.is_empty());
    }

    #[test]
    fn compacting_keeps_digits_and_text() {
        let raw: &RawValue =
            serde_json::from_str("{ \"a b\" : [ 1.10e400 , \" \\\" x \\\\\" ] ,\n\"c\":\"\\u00e9\" }").unwrap();
        assert_eq!(compact(raw).as_slice(), br#"{"a b":[1.10e400," \" x \\"],"c":"\u00e9"}"#);
    }
}
