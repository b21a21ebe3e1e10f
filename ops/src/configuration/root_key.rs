//! Which provider keeps the root key. What only later builds can do is refused by name.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::problem::shown;
use super::reader::Reader;
use super::sealed::Sealed;

/// Shortest passphrase, in characters.
const SHORTEST_PASSPHRASE: usize = 12;

/// Providers of the contract that this build does not have.
const LATER: &[&str] = &["shamir", "tpm", "pkcs11", "aws", "gcp", "azure", "hashicorp"];

/// Where the root key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyProvider {
    /// Made at start, never stored: dev mode without `--data-dir`.
    Memory,
    /// 32 random bytes in base64.
    File {
        /// The file; initialisation creates it with mode 0600.
        path: PathBuf,
    },
    /// Wrapped by a passphrase.
    Passphrase {
        /// The passphrase; `None` waits for `unseal`.
        passphrase: Option<Sealed>,
    },
}

/// Reads `KMS_PROVIDER` and the variables of the provider it selects.
pub(crate) fn read(reader: &mut Reader<'_>, data_directory: &Path) -> KeyProvider {
    let name = "KMS_PROVIDER";
    let selected = reader.text(name).unwrap_or_else(|| "file".to_owned());
    if LATER.contains(&selected.as_str()) {
        let fault = format!("is {selected}, but this build has no such provider yet");
        reader.problem(name, fault, "set it to file or passphrase");
    } else if !matches!(selected.as_str(), "file" | "passphrase") {
        let fault = format!("is {}, which is no provider", shown(&selected));
        reader.problem(name, fault, "set it to file or passphrase");
    }
    if selected == "passphrase" {
        return KeyProvider::Passphrase { passphrase: passphrase(reader) };
    }
    if reader.environment().has("KMS_PASSPHRASE") || reader.environment().has("KMS_PASSPHRASE_FILE") {
        reader.warn("KMS_PASSPHRASE has no effect without KMS_PROVIDER=passphrase");
    }
    let name = "KMS_KEY_FILE";
    let given = reader.path(name);
    if given.as_deref().and_then(Path::parent).is_some_and(|parent| parent.exists() && !parent.is_dir()) {
        reader.problem(name, "lies in something that is not a directory", "name the file of the root key");
    }
    let path = given.unwrap_or_else(|| data_directory.join("root.key"));
    check_file(reader, name, &path);
    KeyProvider::File { path }
}

/// A key file that exists must be a file that neither group nor others may read. Its content is checked by unsealing.
pub(crate) fn check_file(reader: &mut Reader<'_>, variable: &str, path: &Path) {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let fault = format!("names {}, which is not a file", path.display());
            reader.problem(variable, fault, "name the file of the key");
        }
        Ok(found) if found.mode() & 0o044 != 0 => {
            let fault = format!("names {}, which group or others may read", path.display());
            reader.problem(variable, fault, format!("run chmod 600 {}", path.display()));
        }
        Ok(_) => {}
        // Not there yet; and a data directory that is none has been reported as that.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
        Err(error) => {
            let fault = format!("names {}, which cannot be examined ({error})", path.display());
            reader.problem(variable, fault, "make the file accessible to the server");
        }
    }
}

fn passphrase(reader: &mut Reader<'_>) -> Option<Sealed> {
    let name = "KMS_PASSPHRASE";
    let passphrase = reader.secret(name)?;
    if passphrase.expose().chars().count() < SHORTEST_PASSPHRASE {
        let fault = format!("is shorter than {SHORTEST_PASSPHRASE} characters");
        reader.problem(name, fault, "choose a longer passphrase");
    }
    Some(passphrase)
}
