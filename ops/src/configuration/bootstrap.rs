//! The first contents of an empty store: how the names given for partner, tenant and administrator become slugs and
//! ids.

use std::path::PathBuf;

use super::problem::{Problem, shown};
use super::reader::Reader;

/// Longest slug and longest part of an id after its prefix.
const LONGEST_ID: usize = 64;

/// What the first start creates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bootstrap {
    /// The partner.
    pub(crate) partner: Record,
    /// The tenant.
    pub(crate) tenant: Record,
    /// E-mail form, lower case; the identity is `user:<admin>`.
    pub(crate) admin: String,
    /// File to write the token to, which must not exist; `None` prints it.
    pub(crate) token_file: Option<PathBuf>,
}

/// A partner or tenant to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// `tnt_acme_prod`.
    pub(crate) id: String,
    /// As given.
    pub(crate) name: String,
    /// `acme-prod`.
    pub(crate) slug: String,
}

/// The two kinds of records, told apart by the prefix of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// `ptn_`.
    Partner,
    /// `tnt_`.
    Tenant,
}

// === impl Bootstrap ===

impl Bootstrap {
    /// What is wrong with the token file, if anything. Asked only when the store turns out to be empty: a later start
    /// prints and writes no token, and then the file of the first start may well still be there.
    pub(crate) fn token_file_problem(&self) -> Option<Problem> {
        let variable = "SCAIVAULT_BOOTSTRAP_TOKEN_FILE";
        let path = self.token_file.as_deref()?;
        if path.symlink_metadata().is_ok() {
            return Some(Problem::new(variable, "names a file that exists", "remove the file or name another"));
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if directory.is_some_and(|directory| !directory.is_dir()) {
            return Some(Problem::new(variable, "lies in a directory that does not exist", "create the directory"));
        }
        None
    }
}

// === impl RecordKind ===

impl RecordKind {
    /// Prefix of ids.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Partner => "ptn_",
            Self::Tenant => "tnt_",
        }
    }

    /// The record for a given name or id. A value that starts with `ptn_` or `tnt_` is the id itself and must have the
    /// prefix of this kind; `None` if no id comes of it.
    pub(crate) fn record(self, value: &str) -> Option<Record> {
        if value.starts_with("ptn_") || value.starts_with("tnt_") {
            let rest = value.strip_prefix(self.prefix())?;
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if rest.is_empty() || rest.len() > LONGEST_ID || !rest.bytes().all(allowed) {
                return None;
            }
            let slug = slug(rest)?;
            return Some(Record { id: value.to_owned(), name: slug.clone(), slug });
        }
        let slug = slug(value).filter(|slug| slug.len() <= LONGEST_ID)?;
        let id = format!("{}{}", self.prefix(), slug.replace('-', "_"));
        Some(Record { id, name: value.to_owned(), slug })
    }
}

/// Lower case, each run of other characters than `a-z 0-9` one `-`, ends trimmed; `None` if nothing is left.
pub(crate) fn slug(name: &str) -> Option<String> {
    let mut slug = String::with_capacity(name.len());
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_lowercase() || character.is_ascii_digit() {
            slug.push(character);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { None } else { Some(slug) }
}

/// The administrator's address in lower case, if it has the form of an e-mail address. The domain may be one label:
/// `root@default` is the default.
pub(crate) fn administrator(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let plain = |part: &str, also: &str| {
        !part.is_empty() && part.chars().all(|character| character.is_ascii_alphanumeric() || also.contains(character))
    };
    let dotted = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let good = plain(local, ".!#$%&'*+/=?^_`{|}~-") && plain(domain, ".-") && dotted(local) && dotted(domain);
    if good && text.len() <= 254 { Some(text.to_ascii_lowercase()) } else { None }
}

/// Reads the bootstrap variables.
pub(crate) fn read(reader: &mut Reader<'_>) -> Bootstrap {
    let partner = record(reader, "SCAIVAULT_BOOTSTRAP_PARTNER", RecordKind::Partner);
    let tenant = record(reader, "SCAIVAULT_BOOTSTRAP_TENANT", RecordKind::Tenant);
    let name = "SCAIVAULT_BOOTSTRAP_ADMIN";
    let default = format!("root@{}", tenant.slug);
    let admin = match reader.text(name) {
        None => default,
        Some(text) => administrator(&text).unwrap_or_else(|| {
            let fault = format!("is {}, which is not an e-mail address", shown(&text));
            reader.problem(name, fault, "set it to an address such as root@example.com");
            default
        }),
    };
    Bootstrap { partner, tenant, admin, token_file: reader.path("SCAIVAULT_BOOTSTRAP_TOKEN_FILE") }
}

fn record(reader: &mut Reader<'_>, variable: &str, kind: RecordKind) -> Record {
    let prefix = kind.prefix();
    let default = || Record { id: format!("{prefix}default"), name: "default".to_owned(), slug: "default".to_owned() };
    let Some(text) = reader.text(variable) else { return default() };
    kind.record(&text).unwrap_or_else(|| {
        let fault = format!("is {}, which makes no id", shown(&text));
        let remedy =
            format!("give a name with letters or digits, or an id {prefix}… of at most {LONGEST_ID} characters");
        reader.problem(variable, fault, remedy);
        default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_become_slugs() {
        for (name, expected) in
            [("acme-prod", "acme-prod"), ("Acme  GmbH & Co.", "acme-gmbh-co"), ("_x_", "x"), ("Zürich 1", "z-rich-1")]
        {
            assert_eq!(slug(name).unwrap(), expected);
        }
        assert_eq!(slug("—"), None);
    }

    #[test]
    fn slugs_become_ids() {
        let record = RecordKind::Tenant.record("Acme Prod").unwrap();
        assert_eq!(
            (record.id.as_str(), record.name.as_str(), record.slug.as_str()),
            ("tnt_acme_prod", "Acme Prod", "acme-prod")
        );
    }

    #[test]
    fn an_id_is_taken_as_it_is() {
        let record = RecordKind::Partner.record("ptn_Acme_Group").unwrap();
        assert_eq!((record.id.as_str(), record.slug.as_str()), ("ptn_Acme_Group", "acme-group"));
        assert_eq!(RecordKind::Partner.record("tnt_acme"), None);
        assert_eq!(RecordKind::Tenant.record("tnt_"), None);
        assert_eq!(RecordKind::Tenant.record("tnt_a b"), None);
        assert_eq!(RecordKind::Tenant.record(&format!("tnt_{}", "a".repeat(65))), None);
    }

    #[test]
    fn administrators_have_the_form_of_an_address() {
        assert_eq!(administrator("Root@Example.COM").unwrap(), "root@example.com");
        assert_eq!(administrator("root@default").unwrap(), "root@default");
        for text in ["root", "@a", "a@", "a@b@c", "a b@c", "a@b..c", "a\n@b"] {
            assert_eq!(administrator(text), None, "{text}");
        }
    }
}
