//! Slugs: what ids of things with tenant-unique names are made of.

/// Longest slug of a name of up to 100 characters: a letter may become two in lower case.
pub const MAX_SLUG: usize = 200;

/// A name as it is compared: in lower case.
pub fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// The name in lower case, each run of other characters than `a-z 0-9` as one `_`, ends trimmed. `None` for a name
/// without any letter or digit of those.
pub fn slug(name: &str) -> Option<String> {
    let folded = folded(name);
    let words = folded.split(|character: char| !matches!(character, 'a'..='z' | '0'..='9'));
    let slug = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_");
    (!slug.is_empty()).then_some(slug)
}

/// Whether a text could be a slug.
pub fn is_slug(text: &str) -> bool {
    (1..=MAX_SLUG).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !text.starts_with('_')
        && !text.ends_with('_')
}

/// An id that is a prefix and the slug of the name it was made with. It may be used again once what had it is deleted.
macro_rules! slug_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// What every id starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The id that goes with a name; `None` for a name without any letter or digit.
            pub fn of_name(name: &str) -> Option<Self> {
                Some(Self(format!("{}{}", Self::PREFIX, $crate::slug::slug(name)?).into()))
            }

            /// Takes a text of this shape.
            pub fn parse(text: &str) -> Option<Self> {
                $crate::slug::is_slug(text.strip_prefix(Self::PREFIX)?).then(|| Self(text.into()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use slug_id;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_made_of_letters_and_digits() {
        for (name, wanted) in [
            ("Database Passwords", Some("database_passwords")),
            ("  DB -- (prod) 2 ", Some("db_prod_2")),
            ("Ünïcode", Some("n_code")),
            ("a", Some("a")),
            ("--- ", None),
            ("日本", None),
        ] {
            let made = slug(name);
            assert_eq!(made.as_deref(), wanted, "{name}");
            assert!(made.is_none_or(|slug| is_slug(&slug)), "{name}");
        }
        let longest = "İ".repeat(100);
        assert!(slug(&longest).is_some_and(|slug| is_slug(&slug)));
        assert!(!is_slug("_a") && !is_slug("a_") && !is_slug("") && !is_slug("A"));
    }
}
