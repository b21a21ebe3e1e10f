//! Patterns over `sub`: `*` stands for any run of characters, `?` for one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes.
pub const MAX_LENGTH: usize = 512;

/// A pattern over subjects, anchored at both ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectPattern(Arc<str>);

impl SubjectPattern {
    /// Any text is a pattern, but an empty or very long one.
    pub fn parse(text: &str) -> Option<Self> {
        (1..=MAX_LENGTH).contains(&text.len()).then(|| Self(text.into()))
    }

    /// What everybody matches.
    pub fn any() -> Self {
        Self("*".into())
    }

    /// Whether everybody matches.
    pub fn is_any(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a subject matches. Goes back to the last `*` alone, so that no pattern takes long.
    pub fn matches(&self, subject: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), subject.chars());
        let mut last_star = None;
        loop {
            let (before, mut next) = (rest.clone(), rest.clone());
            match (pattern.clone().next(), next.next()) {
                (Some('*'), _) => {
                    pattern.next();
                    last_star = Some((pattern.clone(), before));
                    continue;
                }
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                    pattern.next();
                    rest = next;
                    continue;
                }
                (None, None) => return true,
                (Some(_) | None, Some(_)) | (Some(_), None) => {}
            }
            // The run that the last `*` stands for takes one character more.
            let Some((after_star, mut start)) = last_star.take() else { return false };
            if start.next().is_none() {
                return false;
            }
            pattern = after_star.clone();
            rest = start.clone();
            last_star = Some((after_star, start));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::SubjectPattern;

    #[test]
    fn runs_and_single_characters() {
        let matches = |pattern: &str, subject: &str| SubjectPattern::parse(pattern).unwrap().matches(subject);
        for (pattern, subject) in [
            ("*", ""),
            ("*", "anything/at:all"),
            ("system:serviceaccount:billing:*", "system:serviceaccount:billing:api"),
            ("repo:acme/*:ref:refs/heads/main", "repo:acme/billing:ref:refs/heads/main"),
            ("a?c", "aéc"),
            ("a**c", "abbc"),
            ("*a*b", "xaab"),
            ("x", "x"),
        ] {
            assert!(matches(pattern, subject), "{pattern} {subject}");
        }
        for (pattern, subject) in [
            ("system:serviceaccount:billing:*", "system:serviceaccount:billing2:api"),
            ("a?c", "ac"),
            ("a", "ab"),
            ("*a", "ab"),
            ("?", ""),
            ("x", "X"),
        ] {
            assert!(!matches(pattern, subject), "{pattern} {subject}");
        }
        let long = "a".repeat(4_000);
        assert!(!matches(&"*a".repeat(200), &(long + "b")));
        assert_eq!(SubjectPattern::parse(""), None);
        assert!(SubjectPattern::parse("**").unwrap().is_any() && !SubjectPattern::parse("*?").unwrap().is_any());
    }
}
