//! Paths and queries of requests, encoded so that the server sees exactly what the user wrote.

use std::fmt::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The part of a URL after the base.
#[derive(Clone)]
pub(crate) struct Address {
    path: String,
    query: String,
}

// === impl Address ===

impl Address {
    /// A route without parameters.
    pub(crate) fn new(route: &str) -> Self {
        Self { path: route.to_owned(), query: String::new() }
    }

    /// One segment more, such as an id; a `/` in it does not divide it.
    pub(crate) fn id(self, id: &str) -> Self {
        self.join(&encode(id), is_dots(id))
    }

    /// A secret path; its segments keep their slashes.
    ///
    /// URL libraries resolve `.` and `..` segments, `%2E%2E` included, before anything is sent. The server takes
    /// `%2F` for `/`, so a path with such a segment travels as one segment, which has nothing to resolve.
    pub(crate) fn secret(self, path: &str) -> Self {
        let dots = path.split('/').any(is_dots);
        let segments: Vec<String> = path.split('/').map(encode).collect();
        self.join(&segments.join(if dots { "%2F" } else { "/" }), is_dots(path))
    }

    /// A fixed word after a path.
    pub(crate) fn then(mut self, word: &str) -> Self {
        self.path.push('/');
        self.path.push_str(word);
        self
    }

    /// A parameter, if there is a value.
    pub(crate) fn query(mut self, name: &str, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            let separator = if self.query.is_empty() { '?' } else { '&' };
            // Writing to a string can't fail.
            let _ = write!(self.query, "{separator}{name}={}", encode(&value.to_string()));
        }
        self
    }

    /// A parameter that is only sent when it is `true`.
    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.query(name, value.then_some("true"))
    }

    fn join(mut self, encoded: &str, alone_dots: bool) -> Self {
        self.path.push_str(if alone_dots { "%2F" } else { "/" });
        self.path.push_str(encoded);
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        formatter.write_str(&self.query)
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn secret(path: &str) -> String {
        Address::new("/v1/secrets").secret(path).to_string()
    }

    #[test]
    fn paths_are_sent_as_given() {
        assert_eq!(secret("app/db"), "/v1/secrets/app/db");
        assert_eq!(secret("/app//x/"), "/v1/secrets//app//x/");
        assert_eq!(secret("a b/%2e?#\\é"), "/v1/secrets/a%20b/%252e%3F%23%5C%C3%A9");
        assert_eq!(secret("a/../b"), "/v1/secrets/a%2F..%2Fb");
        assert_eq!(secret(".."), "/v1/secrets%2F..");
    }

    #[test]
    fn the_url_library_leaves_them_alone() {
        for path in ["a/../b", "..", ".", "./a", "a/.", "/a", "a//b", "a/%2e%2e/b", "\\..\\a", "a\n"] {
            let address = Address::new("/v1/secrets").secret(path).then("versions").to_string();
            let parsed = url::Url::parse(&format!("http://host{address}")).unwrap();
            assert_eq!(parsed.path(), address, "{path}");
            let alone = secret(path);
            assert_eq!(url::Url::parse(&format!("http://host{alone}")).unwrap().path(), alone, "{path}");
        }
    }

    #[test]
    fn percent_encoded_dots_would_be_resolved() {
        let parsed = url::Url::parse("http://host/v1/secrets/a/%2E%2E/b").unwrap();
        assert_eq!(parsed.path(), "/v1/secrets/b");
    }

    #[test]
    fn queries_are_encoded() {
        let address = Address::new("/v1/secrets")
            .query("prefix", Some("a/b&c"))
            .query("limit", None::<u64>)
            .flag("include_deleted", false)
            .flag("include_expired", true);
        assert_eq!(address.to_string(), "/v1/secrets?prefix=a%2Fb%26c&include_expired=true");
    }

    #[test]
    fn an_id_is_one_segment() {
        assert_eq!(Address::new("/v1/auth/tokens").id("a/b").to_string(), "/v1/auth/tokens/a%2Fb");
        assert_eq!(Address::new("/v1/auth/tokens").id("..").to_string(), "/v1/auth/tokens%2F..");
    }
}
