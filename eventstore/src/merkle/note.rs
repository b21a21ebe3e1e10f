//! Signed notes, as in [C2SP signed-note](https://c2sp.org/signed-note): a text, and Ed25519
//! signatures under it, each with the name and the id of its key.
//!
//! Parsing is strict: what is not exactly of the form is no note.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Algorithm of a key, as it stands in front of it: Ed25519.
const ALGORITHM: u8 = 1;
/// What a line with a signature begins with: an em dash and a space.
const MARK: &str = "\u{2014} ";
/// No note of ours is longer; nobody needs to read a longer one.
const MAX_LENGTH: usize = 64 * 1024;
/// Signatures that are looked at.
const MAX_SIGNATURES: usize = 16;

/// Why a text is no note, or not one of this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not of the form.
    #[error("the text is not a signed note")]
    Malformed,
    /// It has no signature of the key.
    #[error("the note is not signed with the key")]
    Unsigned,
    /// It has one, which does not fit.
    #[error("the signature of the note does not fit")]
    Forged,
    /// The text is no verifier key.
    #[error("the text is not a verifier key")]
    Key,
}

/// The public key of a signer, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: [u8; 32],
}

/// Signs notes. Holds a private key, hence no `Debug` of its parts.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

/// A note taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// What is signed, with the line break at its end.
    pub text: &'a str,
    signatures: Vec<Signature<'a>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature<'a> {
    name: &'a str,
    key_id: [u8; 4],
    bytes: Vec<u8>,
}

/// Whether a key may be called so: not empty, no spaces of any kind, no plus sign.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|character| character.is_whitespace() || character == '+')
}

// === impl VerifierKey ===

impl VerifierKey {
    /// A key and its name; `None` if it cannot be called so.
    pub fn new(name: &str, key: [u8; 32]) -> Option<Self> {
        is_name(name).then(|| Self { name: name.to_owned(), key })
    }

    /// Reads `name+id+key`, id in eight hexadecimal digits and key in base64.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (name, id, key) = (parts.next(), parts.next(), parts.next());
        let (Some(name), Some(id), Some(key)) = (name, id, key) else { return Err(NoteError::Key) };
        let key = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let Some((&ALGORITHM, key)) = key.split_first() else { return Err(NoteError::Key) };
        let key = Self::new(name, key.try_into().map_err(|_| NoteError::Key)?).ok_or(NoteError::Key)?;
        if key.id_text() == id { Ok(key) } else { Err(NoteError::Key) }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The raw public key.
    pub fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Tells keys apart: the first bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key).
    pub fn id(&self) -> [u8; 4] {
        let named = [self.name.as_bytes(), b"\n", &[ALGORITHM], &self.key].concat();
        let mut id = [0; 4];
        id.iter_mut().zip(digest(&SHA256, &named).as_ref()).for_each(|(to, from)| *to = *from);
        id
    }

    fn id_text(&self) -> String {
        crate::record::hex(&self.id())
    }

    /// Whether the note is signed with it. Every signature that names it must fit.
    pub fn check(&self, note: &Note<'_>) -> Result<(), NoteError> {
        let id = self.id();
        let mut is_signed = false;
        for signature in note.signatures.iter().filter(|one| one.name == self.name && one.key_id == id) {
            let key = UnparsedPublicKey::new(&ED25519, self.key);
            key.verify(note.text.as_bytes(), &signature.bytes).map_err(|_| NoteError::Forged)?;
            is_signed = true;
        }
        if is_signed { Ok(()) } else { Err(NoteError::Unsigned) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ALGORITHM], self.key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id_text(), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

// === impl Signer ===

impl Signer {
    /// With a private key of 32 bytes; `None` if nothing can be signed with it under this name.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Option<Self> {
        Self::new(name, Ed25519KeyPair::from_seed_unchecked(seed).ok()?)
    }

    /// With a private key in PKCS#8; `None` if it is no Ed25519 key, or has no such name.
    pub fn from_pkcs8(name: &str, der: &[u8]) -> Option<Self> {
        Self::new(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?)
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Option<Self> {
        let key = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { verifier: VerifierKey::new(name, key)?, pair })
    }

    /// Its public key.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Signs a text, which ends in a line break.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        let blob = [self.verifier.id().as_slice(), signature.as_ref()].concat();
        format!("{text}\n{MARK}{} {}\n", self.verifier.name, STANDARD.encode(blob))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.verifier)
    }
}

// === impl Note ===

impl<'a> Note<'a> {
    /// Takes a note apart: text, empty line, signatures.
    pub fn parse(note: &'a str) -> Result<Self, NoteError> {
        let is_plain = |character: char| character == '\n' || !character.is_ascii_control();
        if note.len() > MAX_LENGTH || !note.chars().all(is_plain) {
            return Err(NoteError::Malformed);
        }
        // The last empty line: the text may have others.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let text = note.get(..=text.len()).ok_or(NoteError::Malformed)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let signatures: Vec<_> =
            lines.split('\n').map(Signature::parse).collect::<Option<_>>().ok_or(NoteError::Malformed)?;
        if signatures.len() > MAX_SIGNATURES || text == "\n" {
            return Err(NoteError::Malformed);
        }
        Ok(Self { text, signatures })
    }
}

impl<'a> Signature<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(MARK)?.split_once(' ')?;
        let blob = STANDARD.decode(blob).ok().filter(|_| is_name(name))?;
        let (key_id, bytes) = blob.split_first_chunk::<4>()?;
        (!bytes.is_empty()).then(|| Self { name, key_id: *key_id, bytes: bytes.to_vec() })
    }
}

#[cfg(test)]
#[path = "note/tests.rs"]
mod tests;
