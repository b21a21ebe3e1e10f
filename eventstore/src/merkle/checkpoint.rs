//! Checkpoints, as in [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint): whose tree, how large,
//! with which root. Signed, it is a note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Hash;
use super::note::{Note, NoteError, Signer, VerifierKey, is_name};

/// What is said of a tree at a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose tree, and the name of the key that signs for it.
    pub origin: String,
    /// Number of leaves.
    pub tree_size: u64,
    /// Root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed: three lines.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.tree_size, STANDARD.encode(self.root))
    }

    /// Signs it.
    pub fn sign(&self, signer: &Signer) -> String {
        signer.sign(&self.text())
    }

    /// Reads the text of a note. Lines that others add after the root are passed over.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.strip_suffix('\n').ok_or(NoteError::Malformed)?.split('\n');
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let (Some(origin), Some(size), Some(root)) = (origin, size, root) else { return Err(NoteError::Malformed) };
        let tree_size: u64 = size.parse().map_err(|_| NoteError::Malformed)?;
        let root = STANDARD.decode(root).ok().and_then(|root| root.try_into().ok()).ok_or(NoteError::Malformed)?;
        // Decimal digits without sign or leading zeros; no empty line among what is added.
        if !is_name(origin) || tree_size.to_string() != size || lines.any(str::is_empty) {
            return Err(NoteError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), tree_size, root })
    }

    /// Opens a note that one of `keys` has signed: the checkpoint in it, if that is of the key's name.
    pub fn open(note: &str, keys: &[VerifierKey]) -> Result<Self, NoteError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse(note.text)?;
        let mut outcome = Err(NoteError::Unsigned);
        for key in keys.iter().filter(|key| key.name() == checkpoint.origin) {
            match key.check(&note) {
                Ok(()) => outcome = Ok(()),
                Err(NoteError::Unsigned) => {}
                Err(error) => return Err(error),
            }
        }
        outcome.map(|()| checkpoint)
    }
}
