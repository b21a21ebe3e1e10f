//! With which keys checkpoints are verified: those of a file, or those that a server had when it was verified
//! first, which are kept beside the configuration file.

use std::path::{Path, PathBuf};
use std::{fs, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_eventstore::merkle::note::VerifierKey;

use crate::cli::error::Failure;
use crate::cli::json::{Json, layout};
use crate::cli::private_file;
use crate::cli::session::Session;

/// File of the remembered keys, in the directory of the configuration file.
const FILE: &str = "audit_keys.json";
/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Keys that are trusted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trusted {
    /// With their names.
    Named(Vec<VerifierKey>),
    /// Raw: good for whatever name a checkpoint has.
    Raw([u8; 32]),
}

impl Trusted {
    /// The keys that may have signed for `origin`.
    pub(super) fn of(&self, origin: &str) -> Vec<VerifierKey> {
        match self {
            Self::Named(keys) => keys.clone(),
            Self::Raw(key) => VerifierKey::new(origin, *key).into_iter().collect(),
        }
    }

    /// Reads a key file: verifier keys, one a line; a public key in PEM; or the answer of `/v1/audit/public-key`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(pem) = text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            let body: String = pem.strip_suffix("-----END PUBLIC KEY-----")?.split_whitespace().collect();
            let der = STANDARD.decode(body).ok()?;
            return Some(Self::Raw(der.strip_prefix(SPKI.as_slice())?.try_into().ok()?));
        }
        let named = |keys: Vec<&str>| keys.into_iter().map(|key| VerifierKey::parse(key).ok()).collect::<Option<_>>();
        if text.starts_with('{') {
            let answer = Json::parse(text).ok()?;
            let previous = answer.member("previous").map(Json::items).unwrap_or_default();
            let all = answer.member_text("verifier_key").into_iter().chain(previous.iter().filter_map(Json::as_text));
            return named(all.collect()).map(Self::Named);
        }
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { None } else { named(lines).map(Self::Named) }
    }
}

/// The keys remembered for servers.
pub(super) struct Remembered {
    path: PathBuf,
    server: String,
    content: Json,
}

impl Remembered {
    /// Those of this session's server.
    pub(super) fn load(session: &Session) -> Result<Self, Failure> {
        let directory = session.settings.file.path().parent().unwrap_or(Path::new(".")).to_owned();
        let path = directory.join(FILE);
        let server = session.settings.base_url()?;
        let content = match fs::read_to_string(&path) {
            Ok(text) => Json::parse(&text).map_err(|reason| fault(&path, &format!("is not JSON: {reason}")))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Json::Object(Vec::new()),
            Err(error) => return Err(fault(&path, &format!("cannot be read: {error}"))),
        };
        Ok(Self { path, server, content })
    }

    /// The key of the server, if it was verified before.
    pub(super) fn key(&self) -> Result<Option<Trusted>, Failure> {
        let Some(text) = self.content.member_text(&self.server) else { return Ok(None) };
        let parsed = Trusted::parse(text);
        parsed.map(Some).ok_or_else(|| fault(&self.path, &format!("holds no verifier key for {}", self.server)))
    }

    /// Remembers the key of the server.
    pub(super) fn keep(&mut self, key: &VerifierKey) -> Result<(), Failure> {
        self.content.set(&self.server, Json::text(key.to_string()));
        let mut text = layout::indent(&self.content.compact());
        text.push('\n');
        let directory = self.path.parent().filter(|directory| !directory.as_os_str().is_empty());
        let written = directory.map_or(Ok(()), private_file::make_directory);
        let written = written.and_then(|()| private_file::write(&self.path, text.as_bytes()));
        written.map_err(|error| fault(&self.path, &format!("cannot be written: {error}")))
    }

    /// Where the keys are.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn fault(path: &Path, reason: &str) -> Failure {
    Failure::usage(format!("Key file {}: {reason}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_three_forms() {
        let key = VerifierKey::new("vault.example.com/audit", [7; 32]).unwrap();
        let named = Some(Trusted::Named(vec![key.clone()]));
        assert_eq!(Trusted::parse(&format!("{key}\n")), named);
        assert_eq!(Trusted::parse(&format!(r#"{{"verifier_key":"{key}","previous":[]}}"#)), named);
        let both = Trusted::parse(&format!("{key}\n\n{key}\n")).unwrap();
        assert_eq!(both.of("whatever").len(), 2);
        let der = STANDARD.encode([SPKI.as_slice(), &[7; 32]].concat());
        let pem = Trusted::parse(&format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")).unwrap();
        assert_eq!(pem.of("vault.example.com/audit"), std::slice::from_ref(&key));
        assert!(pem.of("a name").is_empty());
        for bad in ["", "nonsense", "{}x", "-----BEGIN PUBLIC KEY-----", &key.to_string()[1..]] {
            assert_eq!(Trusted::parse(bad), None, "{bad}");
        }
    }
}
