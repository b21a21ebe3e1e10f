//! In whose name checkpoints of the audit log are signed, and with which key.

use std::path::Path;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use scaivault_eventstore::merkle::note::Signer;

use super::address::BaseUrl;
use super::problem::shown;
use super::reader::Reader;
use super::root_key::check_file;
use super::sealed::Sealed;

/// Bytes of the longest origin.
const LONGEST: usize = 255;

/// First line of checkpoints, and the name of the key that signs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditOrigin {
    /// The name, which a store takes over when it is initialised.
    pub(crate) text: String,
    /// Whether it was asked for, rather than found out: then it must be the store's.
    pub(crate) is_set: bool,
}

/// A private key in PKCS#8 PEM, found to be one of Ed25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AuditSigningKey(Sealed);

// === impl AuditSigningKey ===

impl AuditSigningKey {
    fn parse(pem: Sealed) -> Option<Self> {
        let key = Self(pem);
        // Any name will do to see whether it signs.
        key.signer("key").map(|_| key)
    }

    /// Signs in this name.
    pub(crate) fn signer(&self, origin: &str) -> Option<Signer> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(self.0.expose().as_bytes()).ok()?;
        Signer::from_pkcs8(origin, der.secret_pkcs8_der())
    }
}

/// Reads `AUDIT_ORIGIN`.
pub(crate) fn origin(reader: &mut Reader<'_>, base_url: Option<&BaseUrl>) -> AuditOrigin {
    let default = || base_url.map_or_else(|| "scaivault/audit".to_owned(), |url| format!("{}/audit", url.host));
    let Some(text) = reader.text("AUDIT_ORIGIN") else { return AuditOrigin { text: default(), is_set: false } };
    let is_odd = |character: char| character.is_whitespace() || character.is_control() || character == '+';
    if text.contains(is_odd) || text.len() > LONGEST {
        let fault = format!("is {}, with a space or a plus sign, or too long", shown(&text));
        reader.problem("AUDIT_ORIGIN", fault, "set it to a name such as vault.example.com/audit");
    }
    AuditOrigin { text, is_set: true }
}

/// Reads `AUDIT_SIGNING_KEY_FILE`.
pub(crate) fn signing_key(reader: &mut Reader<'_>) -> Option<AuditSigningKey> {
    let name = "AUDIT_SIGNING_KEY_FILE";
    let path = reader.text(name)?;
    check_file(reader, name, Path::new(&path));
    let key = AuditSigningKey::parse(reader.secret_file(name, Path::new(&path))?);
    if key.is_none() {
        let remedy = "make one with openssl genpkey -algorithm ed25519";
        reader.problem(name, "holds no Ed25519 key in PKCS#8 PEM", remedy);
    }
    key
}

/// Whether reads may be answered a moment before their audit entries are durable: `AUDIT_MODE`.
pub(crate) fn defers(reader: &mut Reader<'_>) -> bool {
    match reader.text("AUDIT_MODE").as_deref() {
        None | Some("strict") => false,
        Some("async") => true,
        Some(other) => {
            reader.problem("AUDIT_MODE", format!("is {}", shown(other)), "set it to strict or async");
            false
        }
    }
}
