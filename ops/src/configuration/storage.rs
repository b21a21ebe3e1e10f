//! Where the log lives: in memory, in the data directory, or in PostgreSQL; and the directories on this host.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use url::Url;

use super::problem::shown;
use super::reader::Reader;
use super::sealed::Sealed;

/// Values `?sslmode=` may have.
const SSL_MODES: &[&str] = &["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Where the log lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Gone at exit: dev mode without `--data-dir`.
    Memory,
    /// The embedded log, in the data directory.
    Embedded,
    /// PostgreSQL.
    Postgres {
        /// Connection URL; it may hold a password.
        url: Sealed,
        /// Connections of the pool.
        pool_size: u32,
    },
}

/// Reads `DATABASE_URL` and `DATABASE_POOL_SIZE`.
pub(crate) fn read(reader: &mut Reader<'_>) -> Storage {
    let pool_size = reader.integer("DATABASE_POOL_SIZE", 2..=200).unwrap_or(20);
    let Some(url) = reader.secret("DATABASE_URL") else { return Storage::Embedded };
    if let Some(fault) = database_url_fault(url.expose()) {
        let remedy = "set it to postgres://user:password@host:port/database, or unset it for the embedded log";
        reader.problem("DATABASE_URL", fault, remedy);
    }
    Storage::Postgres { url, pool_size }
}

/// What is wrong with a URL, without a word of it: it may hold a password anywhere.
fn database_url_fault(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("is not a URL") };
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Some("is not a postgres:// or postgresql:// URL");
    }
    let socket_host = url.query_pairs().any(|(key, value)| key == "host" && !value.is_empty());
    if url.host_str().is_none_or(str::is_empty) && !socket_host {
        return Some("names no host");
    }
    let mut modes = url.query_pairs().filter(|(key, _)| matches!(key.as_ref(), "sslmode" | "ssl-mode"));
    if modes.any(|(_, value)| !SSL_MODES.contains(&value.as_ref())) {
        return Some("has an unknown sslmode");
    }
    None
}

/// Makes sure that `path` is a directory this process can write to; a missing one is created with mode 0700.
/// `variable` is what the path was given as.
pub(crate) fn prepare_directory(reader: &mut Reader<'_>, variable: &str, path: &Path) {
    let place = shown(&path.display().to_string());
    if let Err(error) = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        let not_directory = path.exists() && !path.is_dir();
        let fault = if not_directory {
            format!("names {place}, which is not a directory")
        } else {
            format!("names {place}, which cannot be created ({error})")
        };
        reader.problem(variable, fault, "name a directory the server may write to");
        return;
    }
    // Permission bits do not tell (root, read-only mounts, access lists): only writing does.
    if let Err(error) = tempfile::Builder::new().prefix(".writable-").tempfile_in(path) {
        let fault = format!("names {place}, which cannot be written to ({})", error.kind());
        reader.problem(variable, fault, "name a directory the server may write to");
    }
}

/// Reads the directory of exports or backups. It is made when first needed; what is there must be a directory.
pub(crate) fn read_directory(reader: &mut Reader<'_>, variable: &str) -> Option<PathBuf> {
    let path = reader.path(variable)?;
    if path.exists() && !path.is_dir() {
        let place = shown(&path.display().to_string());
        reader.problem(variable, format!("names {place}, which is not a directory"), "name a directory");
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_urls_are_taken() {
        for url in
            ["postgres://u:p@db/x", "postgresql://db:5433/x?sslmode=verify-full", "postgres:///x?host=/run/postgresql"]
        {
            assert_eq!(database_url_fault(url), None, "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for url in ["db", "mysql://db/x", "postgres:///x", "postgres://db/x?sslmode=maybe", "sqlite://x"] {
            assert!(database_url_fault(url).is_some(), "{url}");
        }
    }
}
