//! Known vectors of certificate transparency, and the exact text of leaves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::record::hex;
use crate::{Position, Revision, StreamId};

/// The eight reference leaves of the certificate transparency test data.
pub(super) const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

/// Roots over the first 1…8 of them.
pub(super) const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn record() -> Record {
    Record {
        position: Position(7),
        stream: StreamId([0xab; 32]),
        revision: Revision(3),
        kind: "secret.created".into(),
        schema_version: 1,
        recorded_at: RecordedAt(1_776_954_600_123_456),
        command_id: None,
        body: Box::default(),
        body_sha256: [0x0f; 32],
        entries_root: None,
        leaf_hash: [0; 32],
        data_key: None,
    }
}

#[test]
fn the_empty_tree_hashes_nothing() {
    assert_eq!(hex(&root_of(&[])), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn roots_are_those_of_the_reference_tree() {
    let leaves: Vec<Hash> = LEAVES.iter().map(|leaf| hash_leaf(leaf)).collect();
    for (index, root) in ROOTS.iter().enumerate() {
        assert_eq!(hex(&root_of(&leaves[..=index])), *root, "over {} leaves", index + 1);
    }
}

#[test]
fn leaf_data_is_canonical() {
    let expected = format!(
        concat!(
            r#"{{"body_sha256":"{}","entries_root":null,"position":7,"#,
            r#""recorded_at":"2026-04-23T14:30:00.123456Z","revision":3,"schema_version":1,"#,
            r#""stream":"{}","type":"secret.created"}}"#
        ),
        "0f".repeat(32),
        "ab".repeat(32)
    );
    assert_eq!(leaf_data(&record()), expected);
}

#[test]
fn leaf_data_equals_sorted_json() {
    let odd = "a\"b\\c\u{8}\t\n\u{c}\r\u{1}\u{1f}é/\u{1f600}";
    let record = Record { entries_root: Some([0xff; 32]), kind: odd.into(), ..record() };
    let value: serde_json::Value = serde_json::from_str(&leaf_data(&record)).unwrap();
    assert_eq!(value["type"], odd);
    assert_eq!(value["entries_root"], "//////////////////////////////////////////8=");
    // serde_json sorts keys and escapes as RFC 8785 does for such values.
    assert_eq!(leaf_data(&record), value.to_string());
}

#[test]
fn times_have_six_digits() {
    assert_eq!(time_text(RecordedAt(0)), "1970-01-01T00:00:00.000000Z");
    assert_eq!(time_text(RecordedAt(1_000_000)), "1970-01-01T00:00:01.000000Z");
    assert_eq!(time_text(RecordedAt(-1)), "1969-12-31T23:59:59.999999Z");
    // Altered beyond all measure: some text, no panic.
    time_text(RecordedAt(i64::MAX));
    time_text(RecordedAt(i64::MIN));
}

#[test]
fn every_column_changes_the_leaf() {
    let sound = leaf_hash(&record());
    let altered = [
        Record { position: Position(8), ..record() },
        Record { stream: StreamId([1; 32]), ..record() },
        Record { revision: Revision(4), ..record() },
        Record { kind: "secret.deleted".into(), ..record() },
        Record { schema_version: 2, ..record() },
        Record { recorded_at: RecordedAt(1), ..record() },
        Record { body_sha256: [0; 32], ..record() },
        Record { entries_root: Some([0; 32]), ..record() },
    ];
    for record in altered {
        assert_ne!(leaf_hash(&record), sound, "{record:?}");
    }
}

#[test]
fn an_entry_leaf_binds_its_salt() {
    assert_eq!(entry_leaf(b"0123456789abcdef", b"{}"), hash_leaf(b"0123456789abcdef{}"));
}
