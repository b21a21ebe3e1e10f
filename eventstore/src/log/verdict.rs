//! Which units of a batch are accepted: pure, in order, each for itself.

use std::collections::HashMap;

use crate::log::unit::Unit;
use crate::{CommandId, Position, Revision, StreamId};

/// What becomes of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes in.
    Accepted,
    /// One of its streams is elsewhere.
    Conflict {
        /// That stream.
        stream: StreamId,
        /// Where it is, earlier units of the batch included.
        actual: Revision,
    },
    /// Its command is in the log, or in the batch before it, at this position.
    Duplicate(Position),
}

/// What the log, under its lock, says about the streams and commands of a batch.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Last position.
    pub(super) head: Position,
    /// Last revisions; streams without records are absent.
    pub(super) revisions: HashMap<StreamId, Revision>,
    /// Commands it has, with the position of their first record.
    pub(super) commands: HashMap<CommandId, Position>,
}

/// Judges `units` in order. The records of accepted ones take positions from `head` + 1 on.
///
/// A unit without records changes no stream and always passes.
pub(super) fn judge(units: &[Unit], mut known: Known) -> Vec<Verdict> {
    let mut next = known.head.next();
    units
        .iter()
        .map(|unit| {
            let verdict = judge_one(unit, &mut known);
            if verdict == Verdict::Accepted && !unit.records.is_empty() {
                known.commands.insert(unit.command_id, next);
                next = Position(next.0 + unit.records.len() as u64);
            }
            verdict
        })
        .collect()
}

fn judge_one(unit: &Unit, known: &mut Known) -> Verdict {
    if unit.records.is_empty() {
        return Verdict::Accepted;
    }
    if let Some(position) = known.commands.get(&unit.command_id) {
        return Verdict::Duplicate(*position);
    }
    // A refused unit must leave no trace, so its moves are kept apart until all of them fit.
    let mut moved: HashMap<StreamId, Revision> = HashMap::with_capacity(unit.records.len());
    for record in &unit.records {
        let stream = record.stream;
        let actual = moved.get(&stream).or_else(|| known.revisions.get(&stream)).copied().unwrap_or_default();
        if record.revision != actual.next() {
            let actual = known.revisions.get(&stream).copied().unwrap_or_default();
            return Verdict::Conflict { stream, actual };
        }
        moved.insert(stream, record.revision);
    }
    known.revisions.extend(moved);
    Verdict::Accepted
}

#[cfg(test)]
#[path = "verdict/tests.rs"]
mod tests;
