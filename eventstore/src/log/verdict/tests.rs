//! One case per verdict, and the rule that a batch equals its accepted units one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::RecordedAt;
use crate::record::NewRecord;

fn record(stream: u8, revision: u64) -> NewRecord {
    NewRecord {
        stream: StreamId([stream; 32]),
        revision: Revision(revision),
        kind: "test.happened".into(),
        schema_version: 1,
        recorded_at: RecordedAt(0),
        body: Box::default(),
        body_sha256: [0; 32],
        entries_root: None,
        data_key: None,
    }
}

fn unit(command: u8, records: &[(u8, u64)]) -> Unit {
    Unit {
        command_id: CommandId([command; 16]),
        records: records.iter().map(|&(stream, revision)| record(stream, revision)).collect(),
        entries: Vec::new(),
        shred: Vec::new(),
    }
}

fn known(head: u64, revisions: &[(u8, u64)], commands: &[(u8, u64)]) -> Known {
    Known {
        head: Position(head),
        revisions: revisions.iter().map(|&(stream, last)| (StreamId([stream; 32]), Revision(last))).collect(),
        commands: commands.iter().map(|&(id, position)| (CommandId([id; 16]), Position(position))).collect(),
    }
}

fn conflict(stream: u8, actual: u64) -> Verdict {
    Verdict::Conflict { stream: StreamId([stream; 32]), actual: Revision(actual) }
}

#[test]
fn the_first_of_two_takes_the_revision() {
    let units = [unit(1, &[(7, 3)]), unit(2, &[(7, 3)]), unit(3, &[(7, 4)])];
    let verdicts = judge(&units, known(10, &[(7, 2)], &[]));
    assert_eq!(verdicts, [Verdict::Accepted, conflict(7, 3), Verdict::Accepted]);
}

#[test]
fn a_refused_unit_leaves_no_trace() {
    let units = [unit(1, &[(7, 1), (8, 5)]), unit(2, &[(7, 1)]), unit(1, &[(8, 1)])];
    let verdicts = judge(&units, known(0, &[], &[]));
    assert_eq!(verdicts, [conflict(8, 0), Verdict::Accepted, Verdict::Accepted]);
}

#[test]
fn a_unit_may_move_a_stream_twice() {
    let units = [unit(1, &[(7, 1), (7, 2)]), unit(2, &[(7, 3), (7, 5)]), unit(3, &[(7, 0)])];
    let verdicts = judge(&units, known(0, &[], &[]));
    assert_eq!(verdicts, [Verdict::Accepted, conflict(7, 2), conflict(7, 2)]);
}

#[test]
fn a_known_command_is_named_with_its_position() {
    let units =
        [unit(1, &[(7, 1)]), unit(2, &[(7, 1), (8, 1)]), unit(2, &[(7, 2)]), unit(3, &[(9, 1)]), unit(3, &[(9, 1)])];
    let verdicts = judge(&units, known(20, &[], &[(1, 4)]));
    let duplicate = |position| Verdict::Duplicate(Position(position));
    assert_eq!(verdicts, [duplicate(4), Verdict::Accepted, duplicate(21), Verdict::Accepted, duplicate(23)]);
}

#[test]
fn a_unit_without_records_passes() {
    let units = [unit(1, &[]), unit(1, &[])];
    assert_eq!(judge(&units, known(20, &[], &[(1, 4)])), [Verdict::Accepted, Verdict::Accepted]);
}

proptest! {
    /// Judging a batch is judging its units in batches of one, each after the accepted ones before.
    #[test]
    fn a_batch_is_its_units_one_by_one(
        batch in prop::collection::vec((0u8..6, prop::collection::vec((0u8..3, 1u64..5), 0..4)), 0..12)
    ) {
        let units: Vec<Unit> = batch.iter().map(|(command, records)| unit(*command, records)).collect();
        let together = judge(&units, known(0, &[], &[]));
        let mut head = 0;
        let mut revisions: HashMap<StreamId, Revision> = HashMap::new();
        let mut commands: HashMap<CommandId, Position> = HashMap::new();
        for (unit, expected) in units.iter().zip(&together) {
            let known = Known { head: Position(head), revisions: revisions.clone(), commands: commands.clone() };
            let alone = judge(std::slice::from_ref(unit), known);
            prop_assert_eq!(&alone[0], expected);
            if alone[0] == Verdict::Accepted && !unit.records.is_empty() {
                commands.insert(unit.command_id, Position(head + 1));
                head += unit.records.len() as u64;
                for record in &unit.records {
                    prop_assert_eq!(record.revision, revisions.get(&record.stream).copied().unwrap_or_default().next());
                    revisions.insert(record.stream, record.revision);
                }
            }
        }
    }
}
