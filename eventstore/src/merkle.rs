//! Tree hashes of [RFC 9162 §2.1](https://www.rfc-editor.org/rfc/rfc9162#section-2.1): the leaves
//! of log records and of audit entries, and the root over any number of leaves.
//!
//! Every stored column but the data key goes into a record's leaf: the key may be destroyed, the
//! leaf stays.
//!
//! Files: [`frontier`] the tree as it grows, [`span`] its parts, [`proof`] which hashes prove what,
//! [`verification`] whether they do, [`tile`] how it is kept, [`note`] and [`checkpoint`] what is signed.

pub mod checkpoint;
pub mod frontier;
pub mod note;
pub mod proof;
pub mod span;
pub mod tile;
pub mod verification;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

use crate::record::{Record, push_hex};
use crate::{RecordedAt, StoreError};

/// A node of a tree: SHA-256.
pub type Hash = [u8; 32];

const LEAF_PREFIX: &[u8] = &[0];
const NODE_PREFIX: &[u8] = &[1];

/// Hash of a leaf: SHA-256(0x00 ‖ data).
pub fn hash_leaf(data: &[u8]) -> Hash {
    digest(&[LEAF_PREFIX, data])
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn hash_children(left: &Hash, right: &Hash) -> Hash {
    digest(&[NODE_PREFIX, left, right])
}

/// Root over leaf hashes; over none it is SHA-256 of nothing.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => digest(&[]),
        [leaf] => *leaf,
        many => {
            // The left subtree is the largest complete one that is smaller than the whole.
            let split = many.len().next_power_of_two() / 2;
            let (left, right) = many.split_at(split);
            hash_children(&root_of(left), &root_of(right))
        }
    }
}

/// Leaf of one audit entry: SHA-256(0x00 ‖ salt ‖ canonical JSON without `position`).
pub fn entry_leaf(salt: &[u8; 16], json: &[u8]) -> Hash {
    digest(&[LEAF_PREFIX, salt, json])
}

/// Leaf data of a record: RFC 8785 canonical JSON of its columns.
///
/// Written out by hand because every record passes here; the keys are in canonical order.
pub fn leaf_data(record: &Record) -> String {
    let mut text = String::with_capacity(384 + record.kind.len());
    text.push_str("{\"body_sha256\":\"");
    push_hex(&mut text, &record.body_sha256);
    text.push_str("\",\"entries_root\":");
    match &record.entries_root {
        Some(root) => {
            text.push('"');
            STANDARD.encode_string(root, &mut text);
            text.push('"');
        }
        None => text.push_str("null"),
    }
    text.push_str(",\"position\":");
    push_number(&mut text, record.position.0);
    text.push_str(",\"recorded_at\":\"");
    push_time(&mut text, record.recorded_at);
    text.push_str("\",\"revision\":");
    push_number(&mut text, record.revision.0);
    text.push_str(",\"schema_version\":");
    push_number(&mut text, u64::from(record.schema_version));
    text.push_str(",\"stream\":\"");
    push_hex(&mut text, &record.stream.0);
    text.push_str("\",\"type\":");
    push_text(&mut text, &record.kind);
    text.push('}');
    text
}

/// Leaf hash of a record, over [`leaf_data`].
pub fn leaf_hash(record: &Record) -> Hash {
    hash_leaf(leaf_data(record).as_bytes())
}

/// Refuses a record whose stored leaf does not fit its columns.
///
/// The body is covered by its digest alone; opening it proves that it fits.
pub fn check_leaf(record: &Record) -> Result<(), StoreError> {
    if leaf_hash(record) == record.leaf_hash {
        Ok(())
    } else {
        Err(StoreError::damaged(record.position, "the leaf hash does not fit the columns"))
    }
}

/// Refuses a record whose body does not fit its digest, which the leaf covers.
pub fn check_body(record: &Record) -> Result<(), StoreError> {
    if digest(&[&record.body]) == record.body_sha256 {
        Ok(())
    } else {
        Err(StoreError::damaged(record.position, "the body does not match its digest"))
    }
}

/// RFC 3339 text in UTC with six fractional digits, as in leaves.
pub fn time_text(at: RecordedAt) -> String {
    let mut text = String::with_capacity(27);
    push_time(&mut text, at);
    text
}

fn digest(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    // SHA-256 always has 32 bytes.
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn push_number(text: &mut String, number: u64) {
    use std::fmt::Write;
    // Writing into a String cannot fail.
    let _ = write!(text, "{number}");
}

fn push_time(text: &mut String, at: RecordedAt) {
    // Times past the year 9999 are never written; an altered row must still get some leaf, which
    // then does not fit the stored one.
    let limit = if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let time = Timestamp::from_microsecond(at.0).unwrap_or(limit);
    // Writing into a String cannot fail.
    let _ = DateTimePrinter::new().precision(Some(6)).print_timestamp(&time, text);
}

/// A JSON string as RFC 8785 §3.2.2.2 serialises it.
fn push_text(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            control if control < ' ' => {
                text.push_str("\\u00");
                push_hex(text, &[control as u8]);
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
#[path = "merkle/tests.rs"]
mod tests;
