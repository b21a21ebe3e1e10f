//! The certificate and key of the main listener.

use std::path::PathBuf;

use super::reader::Reader;
use crate::listener::tls;

/// PEM files of a certificate chain and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// Certificate first, then its chain.
    pub(crate) certificate: PathBuf,
    /// PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub(crate) key: PathBuf,
}

/// Reads `TLS_CERT_FILE` and `TLS_KEY_FILE` and tries them.
pub(crate) fn read(reader: &mut Reader<'_>) -> Option<TlsFiles> {
    let (certificate_name, key_name) = ("TLS_CERT_FILE", "TLS_KEY_FILE");
    let (certificate, key) = match (reader.path(certificate_name), reader.path(key_name)) {
        (None, None) => return None,
        (Some(_), None) => {
            reader.problem(certificate_name, format!("is set without {key_name}"), "set both or none");
            return None;
        }
        (None, Some(_)) => {
            reader.problem(key_name, format!("is set without {certificate_name}"), "set both or none");
            return None;
        }
        (Some(certificate), Some(key)) => (certificate, key),
    };
    let files = TlsFiles { certificate, key };
    if let Err(error) = tls::load(&files) {
        let (variable, remedy) = match error {
            tls::TlsError::Certificate { .. } => {
                (certificate_name, "name a PEM file with the certificate and its chain")
            }
            tls::TlsError::Key { .. } => (key_name, "name a PEM file with the unencrypted private key"),
            tls::TlsError::Pair { .. } => (key_name, "name the key that belongs to the certificate"),
        };
        reader.problem(variable, format!("cannot be used: {error}"), remedy);
    }
    Some(files)
}
