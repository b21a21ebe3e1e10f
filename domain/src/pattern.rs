//! Path patterns of policies, token narrowing and batch expansion.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ErrorCode, Rejection};

/// A pattern over secret paths, or over system paths if it starts with `@`. Anchored at both ends.
///
/// `*` alone is one segment, `*` beside other characters any run within a segment, `?` one
/// character, `**` any number of whole segments (at least one at either end).
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern(Arc<str>);

impl Pattern {
    /// Checks `text` as a pattern; `invalid_glob` with `details` `{"pattern","reason"}` otherwise.
    pub fn parse(text: &str) -> Result<Self, Rejection> {
        let refuse = |reason: &'static str, sentence: &str| {
            Err(Rejection::new(ErrorCode::InvalidGlob, sentence).detail("pattern", text).detail("reason", reason))
        };
        let plain = text.strip_prefix('@').unwrap_or(text);
        if plain.is_empty() {
            return refuse("empty", "A path pattern must not be empty");
        }
        if text.len() > 512 {
            return refuse("too_long", "A path pattern may have at most 512 characters");
        }
        if plain.starts_with('/') {
            return refuse("leading_slash", "A path pattern must not start with '/'");
        }
        if plain.ends_with('/') {
            return refuse("trailing_slash", "A path pattern must not end with '/'");
        }
        for segment in plain.split('/') {
            if segment.is_empty() {
                return refuse("empty_segment", "A path pattern must not contain '//'");
            }
            if !segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*' | b'?')) {
                return refuse(
                    "invalid_character",
                    "A path pattern may contain only a-z, 0-9, '-', '_', '/', '*' and '?'",
                );
            }
            if segment != "**" && segment.contains("**") {
                return refuse("invalid_double_star", "'**' must stand alone in its segment");
            }
        }
        Ok(Self(text.into()))
    }

    /// Whether `path` (a secret path, or a system path with its `@`) matches.
    pub fn matches(&self, path: &str) -> bool {
        match (self.0.strip_prefix('@'), path.strip_prefix('@')) {
            (None, None) => matches(&self.0, path),
            (Some(pattern), Some(path)) => matches(pattern, path),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// The segments to match one after the other, without the `@` of system paths: here `**` stands
    /// for any number of segments, also none.
    pub(crate) fn segments(&self) -> Vec<&str> {
        segments(self.0.strip_prefix('@').unwrap_or(&self.0))
    }

    /// Whether it is about system paths.
    pub fn is_system(&self) -> bool {
        self.0.starts_with('@')
    }

    /// The longest literal beginning, to narrow a range of candidate paths.
    pub fn literal_prefix(&self) -> &str {
        self.0.split(['*', '?']).next().unwrap_or_default()
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text asks for expansion rather than naming one path.
pub fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn segments(pattern: &str) -> Vec<&str> {
    let mut segments: Vec<&str> = pattern.split('/').collect();
    // At either end `**` stands for one segment or more, in the middle for none or more.
    let (leading, trailing) = (segments.first() == Some(&"**"), segments.last() == Some(&"**"));
    if leading {
        segments.insert(0, "*");
    }
    if trailing && !(leading && segments.len() == 2) {
        segments.push("*");
    }
    segments
}

fn matches(pattern: &str, path: &str) -> bool {
    let segments = segments(pattern);
    let path: Vec<&str> = path.split('/').collect();
    let one = |segment: &&str, part: &&str| segment_matches(segment.as_bytes(), part.as_bytes());
    greedy(&segments, &path, |segment| *segment == "**", one)
}

/// Whether one segment of a pattern, not `**`, matches one of a path.
pub(crate) fn segment_matches(pattern: &[u8], text: &[u8]) -> bool {
    if pattern == b"*" {
        return !text.is_empty();
    }
    greedy(pattern, text, |byte| *byte == b'*', |byte, other| *byte == b'?' || byte == other)
}

/// Greedy wildcard match that remembers the last star only: what an earlier star might still take,
/// the last one can take as well. So it costs pattern × text at most, where backtracking over all
/// stars would be exponential.
fn greedy<T>(pattern: &[T], text: &[T], is_star: impl Fn(&T) -> bool, one: impl Fn(&T, &T) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(item) = text.get(t) {
        match pattern.get(p) {
            Some(wanted) if is_star(wanted) => {
                star = Some((p, t));
                p += 1;
            }
            Some(wanted) if one(wanted, item) => {
                p += 1;
                t += 1;
            }
            Some(_) | None => match star {
                Some((at, taken)) => {
                    p = at + 1;
                    t = taken + 1;
                    star = Some((at, taken + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(is_star)
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Arc::<str>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Pattern;

    #[test]
    fn the_documented_table_holds() {
        for (pattern, yes, no) in [
            ("app/db", &["app/db"][..], &["app/db/x", "app"][..]),
            ("app/db/*", &["app/db/password"], &["app/db", "app/db/a/b"]),
            ("app/**", &["app/db", "app/db/password"], &["app", "apps/x"]),
            ("**/ssl/*", &["app/ssl/cert", "a/b/ssl/cert"], &["ssl/cert"]),
            ("app/**/key", &["app/key", "app/a/b/key"], &["app/a/b"]),
            ("env/prod-?/*", &["env/prod-1/db"], &["env/prod-12/db"]),
            ("*/readonly", &["app/readonly"], &["readonly", "a/b/readonly"]),
            ("**", &["a", "a/b"], &["@partner/a"]),
            ("@partner/**", &["@partner/a/b"], &["partner/a"]),
            ("a*c*/x", &["abcd/x", "ac/x"], &["ab/x"]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            for path in yes {
                assert!(parsed.matches(path), "{pattern} should match {path}");
            }
            for path in no {
                assert!(!parsed.matches(path), "{pattern} should not match {path}");
            }
        }
        for bad in ["", "/a", "a/", "a//b", "a/**b", "A", "@", "a b", "a/***"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
