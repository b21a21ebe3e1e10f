//! Takes a legal history, makes one answer wrong, and expects the checker to find it.

use crate::checker::{Order, check_within};
use crate::history::{Answer, Call, Operation};
use crate::random::Random;

/// How long an order is looked for that must not be found.
const STEPS: u64 = 5_000;
/// Nobody writes it.
const NEVER: u64 = u64::MAX;

/// Another answer to an operation, if that kind can be given there.
type Mutation = fn(&[Operation], Operation) -> Option<Operation>;

/// Each kind of wrong answer, at a random place, is found.
pub fn all_are_found(history: &[Operation], random: &mut Random) {
    let mutations: [Mutation; 4] = [foreign_value, stale_read, lost_write, twice];
    for (kind, mutation) in mutations.into_iter().enumerate() {
        let first = random.below(history.len() as u64) as usize;
        let mutated = (0..history.len()).map(|index| (first + index) % history.len()).find_map(|index| {
            let altered = mutation(history, history[index].clone())?;
            let mut mutated = history.to_vec();
            mutated[index] = altered;
            Some((index, mutated))
        });
        // Not every history has a place for each kind.
        if let Some((index, mutated)) = mutated {
            let found = check_within(&mutated, Order::PerNode, STEPS);
            assert!(found.is_err(), "mutation {kind} of {:?} to {:?} was not found", history[index], mutated[index]);
        }
    }
}

fn answer(operation: Operation, altered: Answer) -> Option<Operation> {
    let answered = operation.answered.map(|(moment, _)| (moment, altered));
    Some(Operation { answered, ..operation })
}

fn foreign_value(_: &[Operation], operation: Operation) -> Option<Operation> {
    match operation.answered {
        Some((_, Answer::Value { version, .. })) => answer(operation, Answer::Value { version, value: NEVER }),
        _ => None,
    }
}

/// A read sees what had been replaced before it was asked, by a write that was answered.
fn stale_read(history: &[Operation], operation: Operation) -> Option<Operation> {
    let Some((_, Answer::Value { version, .. })) = operation.answered else { return None };
    let replaced_before = history.iter().any(|other| {
        matches!(other.answered, Some((answered, Answer::Wrote { version: written, .. }))
            if written == version && answered < operation.invoked)
    });
    let earlier = history.iter().find_map(|other| match (other.call, other.answered) {
        (Call::Write { value, .. }, Some((_, Answer::Wrote { version: written, .. }))) if written + 1 == version => {
            Some(value)
        }
        _ => None,
    })?;
    (replaced_before && counts_up(history)).then_some(())?;
    answer(operation, Answer::Value { version: version - 1, value: earlier })
}

/// A write was answered with the number of another one.
fn lost_write(history: &[Operation], operation: Operation) -> Option<Operation> {
    let Some((_, Answer::Wrote { version: version @ 2.., created })) = operation.answered else { return None };
    (counts_up(history) && is_known(history)).then_some(())?;
    answer(operation, Answer::Wrote { version: version - 1, created })
}

/// A write was applied once more before it was answered.
fn twice(history: &[Operation], operation: Operation) -> Option<Operation> {
    let Some((_, Answer::Wrote { version, created: false })) = operation.answered else { return None };
    (counts_up(history) && is_known(history)).then_some(())?;
    answer(operation, Answer::Wrote { version: version + 1, created: false })
}

/// Nothing makes versions begin again.
fn counts_up(history: &[Operation]) -> bool {
    history.iter().all(|operation| operation.call != Call::Erase)
}

/// No write without an answer can explain a number.
fn is_known(history: &[Operation]) -> bool {
    history.iter().all(|operation| operation.answered.is_some() || !matches!(operation.call, Call::Write { .. }))
}
