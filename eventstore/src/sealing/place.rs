//! What a ciphertext is bound to, as associated data: moved or exchanged, it does not open.

use crate::record::{NewRecord, Record};
use crate::{CommandId, Owner, Revision, StreamId};

/// The place of a record: everything known before it has a position.
pub(super) struct Place<'a> {
    pub(super) owner: &'a Owner,
    pub(super) stream: StreamId,
    pub(super) revision: Revision,
    pub(super) kind: &'a str,
    pub(super) schema_version: u16,
    pub(super) command_id: Option<CommandId>,
}

/// Which part of a record a ciphertext is.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The JSON body, under the owner's key.
    Envelope,
    /// The erasable part, under its own data key.
    Erasable,
    /// That data key, under the owner's key.
    DataKey,
}

impl<'a> Place<'a> {
    pub(super) fn of_record(owner: &'a Owner, record: &'a Record) -> Self {
        Self {
            owner,
            stream: record.stream,
            revision: record.revision,
            kind: &record.kind,
            schema_version: record.schema_version,
            command_id: record.command_id,
        }
    }

    pub(super) fn of_new(owner: &'a Owner, record: &'a NewRecord, command_id: Option<CommandId>) -> Self {
        Self {
            owner,
            stream: record.stream,
            revision: record.revision,
            kind: &record.kind,
            schema_version: record.schema_version,
            command_id,
        }
    }

    /// Associated data. Variable parts are length-prefixed, so no two places give the same bytes.
    pub(super) fn aad(&self, part: Part) -> Vec<u8> {
        let label: &[u8] = match part {
            Part::Envelope => b"scaivault/envelope/1",
            Part::Erasable => b"scaivault/erasable/1",
            Part::DataKey => b"scaivault/data-key/1",
        };
        let mut aad = Vec::with_capacity(192);
        for text in [label, self.owner.level().as_bytes(), self.owner.id().as_bytes(), self.kind.as_bytes()] {
            push(&mut aad, text);
        }
        aad.extend_from_slice(&self.stream.0);
        aad.extend_from_slice(&self.revision.0.to_be_bytes());
        aad.extend_from_slice(&self.schema_version.to_be_bytes());
        aad.extend_from_slice(&self.command_id.map_or([0; 16], |id| id.0));
        aad
    }
}

/// Appends a text with its length in front.
pub(super) fn push(aad: &mut Vec<u8>, text: &[u8]) {
    aad.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    aad.extend_from_slice(text);
}
