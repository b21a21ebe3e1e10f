//! Records, sealed and opened.
//!
//! Body layout, version 1:
//! `01 ‖ key id (16) ‖ length of the envelope (4, big-endian) ‖ envelope ‖ erasable part`.
//! The envelope is sealed under the owner's key; the erasable part, if any, under a data key of its
//! own, which is kept beside the log. Erasing a value or an audit entry is destroying that key.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::aead::{open_once, seal_once};
use super::keyring::{KeyId, Keyring};
use super::place::{Part, Place};
use super::secret_key::SecretKey;
use crate::record::{NewRecord, Record, WrappedDataKey};
use crate::{CommandId, Owner, RecordedAt, Revision, StoreError, StreamId, merkle};

const LAYOUT: u8 = 1;
const HEADER: usize = 1 + 16 + 4;

/// A record before sealing.
pub struct Draft {
    /// Whose.
    pub owner: Owner,
    /// Its stream.
    pub stream: StreamId,
    /// The revision it expects to get.
    pub revision: Revision,
    /// Stored type.
    pub kind: Cow<'static, str>,
    /// Version of the body's schema.
    pub schema_version: u16,
    /// When it was made.
    pub recorded_at: RecordedAt,
    /// JSON body.
    pub json: Vec<u8>,
    /// Value that must be erasable for good.
    pub erasable: Option<Zeroizing<Vec<u8>>>,
    /// RFC 9162 root over the audit entries it holds.
    pub entries_root: Option<[u8; 32]>,
}

/// A record's JSON body and whose it is.
pub struct Opened {
    /// Whose.
    pub owner: Owner,
    /// JSON body.
    pub json: Zeroizing<Vec<u8>>,
    /// Whether the record was written with an erasable part.
    pub has_erasable: bool,
}

/// An erasable part with its wrapped key and place: all that is needed to open it later, and
/// nothing that opens it by itself.
#[derive(Clone)]
pub struct SealedValue {
    owner: Owner,
    stream: StreamId,
    revision: Revision,
    kind: Cow<'static, str>,
    schema_version: u16,
    command_id: Option<CommandId>,
    ciphertext: Box<[u8]>,
    data_key: WrappedDataKey,
}

impl fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft {{ {} [sealed] }}", self.kind)
    }
}

/// Seals and opens records with the keys of a [`Keyring`].
#[derive(Clone)]
pub struct Sealer {
    keyring: Arc<Keyring>,
}

impl Sealer {
    /// With these keys.
    pub fn new(keyring: Arc<Keyring>) -> Self {
        Self { keyring }
    }

    /// The keys.
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Seals the records of one unit; its command id is bound to the first.
    pub fn seal_unit(&self, command_id: CommandId, drafts: Vec<Draft>) -> Result<Vec<NewRecord>, StoreError> {
        let ids = std::iter::once(Some(command_id)).chain(std::iter::repeat(None));
        drafts.into_iter().zip(ids).map(|(draft, id)| self.seal(draft, id)).collect()
    }

    /// Seals one record. `command_id` is set for the first record of a unit, and for no other.
    pub fn seal(&self, draft: Draft, command_id: Option<CommandId>) -> Result<NewRecord, StoreError> {
        let keys = self.keyring.keys(&draft.owner)?;
        let mut record = NewRecord {
            stream: draft.stream,
            revision: draft.revision,
            kind: draft.kind,
            schema_version: draft.schema_version,
            recorded_at: draft.recorded_at,
            body: Box::default(),
            body_sha256: [0; 32],
            entries_root: draft.entries_root,
            data_key: None,
        };
        let place = Place::of_new(&draft.owner, &record, command_id);
        let envelope = keys.seal.seal(&place.aad(Part::Envelope), &draft.json)?;
        let mut body =
            Vec::with_capacity(HEADER + envelope.len() + draft.erasable.as_ref().map_or(0, |part| part.len() + 16));
        body.push(LAYOUT);
        body.extend_from_slice(&keys.seal_id);
        body.extend_from_slice(&u32::try_from(envelope.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend_from_slice(&envelope);
        if let Some(erasable) = &draft.erasable {
            let data_key = SecretKey::random()?;
            body.extend_from_slice(&seal_once(&data_key, &place.aad(Part::Erasable), erasable)?);
            let wrapped = keys.seal.seal(&place.aad(Part::DataKey), data_key.as_bytes())?;
            record.data_key = Some(WrappedDataKey([keys.seal_id.as_slice(), &wrapped].concat().into()));
        }
        record.body_sha256 = sha256(&body);
        record.body = body.into();
        Ok(record)
    }

    /// Checks a stored record against its digests and opens its envelope.
    pub fn open(&self, record: &Record) -> Result<Opened, StoreError> {
        let erased = || StoreError::damaged(record.position, "its sealing key was destroyed");
        self.open_unless_erased(record)?.ok_or_else(erased)
    }

    /// The same; `None` for a record whose owner's key was destroyed, which is no damage. Its digests
    /// hold all the same.
    pub fn open_unless_erased(&self, record: &Record) -> Result<Option<Opened>, StoreError> {
        let damaged = |reason: &str| StoreError::damaged(record.position, reason);
        if sha256(&record.body) != record.body_sha256 {
            return Err(damaged("the body does not match its digest"));
        }
        if merkle::leaf_hash(record) != record.leaf_hash {
            return Err(damaged("the columns do not match the leaf hash"));
        }
        self.open_envelope(record)
    }

    /// Opens the envelope without looking at the digests; `None` as above.
    pub(super) fn open_envelope(&self, record: &Record) -> Result<Option<Opened>, StoreError> {
        let damaged = |reason: &str| StoreError::damaged(record.position, reason);
        let parts = Parts::of(&record.body).ok_or_else(|| damaged("the body has another layout"))?;
        let Some((owner, seal)) = self.keyring.seal_key(parts.key_id) else {
            return match self.keyring.is_erased(parts.key_id) {
                true => Ok(None),
                false => Err(damaged("its sealing key is not known")),
            };
        };
        let place = Place::of_record(&owner, record);
        let json = seal
            .open(&place.aad(Part::Envelope), parts.envelope)
            .map_err(|_| damaged("the seal of the body does not match its place"))?;
        Ok(Some(Opened { json, has_erasable: !parts.erasable.is_empty(), owner }))
    }

    /// Whose a record says it is, by the key it names and nothing else: to pass over those of others without opening them.
    pub fn owner_of(&self, record: &Record) -> Option<Owner> {
        self.keyring.seal_key(Parts::of(&record.body)?.key_id).map(|(owner, _)| owner)
    }

    /// The erasable part of a record, still sealed; `None` once its key is destroyed.
    pub fn value_of(&self, owner: &Owner, record: &Record) -> Option<SealedValue> {
        let parts = Parts::of(&record.body)?;
        Some(SealedValue {
            owner: owner.clone(),
            stream: record.stream,
            revision: record.revision,
            kind: record.kind.clone(),
            schema_version: record.schema_version,
            command_id: record.command_id,
            ciphertext: parts.erasable.into(),
            data_key: record.data_key.clone()?,
        })
    }

    /// Opens an erasable part.
    pub fn open_value(&self, value: &SealedValue) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let failed = |reason: &str| StoreError::Key {
            key: format!("data key of revision {} of stream {:?}", value.revision.0, value.stream),
            reason: reason.into(),
        };
        let (key_id, wrapped) =
            value.data_key.0.split_first_chunk::<16>().ok_or_else(|| failed("it has another length"))?;
        let (owner, seal) =
            self.keyring.seal_key(key_id).ok_or_else(|| failed("the key that wraps it is not known"))?;
        if owner != value.owner {
            return Err(failed("it is wrapped by a key of another owner"));
        }
        let place = value.place();
        let data_key = seal
            .open(&place.aad(Part::DataKey), wrapped)
            .map_err(|_| failed("its authentication tag does not match its place"))?;
        let data_key = SecretKey::from_bytes(&data_key).ok_or_else(|| failed("it has another length"))?;
        open_once(&data_key, &place.aad(Part::Erasable), &value.ciphertext)
            .map_err(|_| failed("the value it seals was altered"))
    }
}

impl SealedValue {
    /// What it takes up in memory, in bytes.
    pub fn size(&self) -> usize {
        size_of::<Self>() + self.ciphertext.len() + self.data_key.0.len()
    }

    fn place(&self) -> Place<'_> {
        Place {
            owner: &self.owner,
            stream: self.stream,
            revision: self.revision,
            kind: &self.kind,
            schema_version: self.schema_version,
            command_id: self.command_id,
        }
    }
}

struct Parts<'a> {
    key_id: &'a KeyId,
    envelope: &'a [u8],
    erasable: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        let (layout, rest) = body.split_first()?;
        let (key_id, rest) = rest.split_first_chunk::<16>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (envelope, erasable) = rest.split_at_checked(length)?;
        (*layout == LAYOUT).then_some(Self { key_id, envelope, erasable })
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    digest
}
