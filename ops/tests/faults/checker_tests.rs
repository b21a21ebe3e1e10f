//! The checker itself: legal histories pass, and each kind of broken promise is found.

use crate::checker::{Order, check};
use crate::history::{Answer, Call, Condition, Operation};

fn operation(node: u64, call: Call, invoked: u64, answered: Option<(u64, Answer)>) -> Operation {
    Operation { path: "p".into(), call, node: Some(node), invoked, answered }
}

fn wrote(value: u64, version: u64, from: u64, to: u64) -> Operation {
    let call = Call::Write { value, condition: Condition::Always };
    operation(0, call, from, Some((to, Answer::Wrote { version, created: version == 1 })))
}

fn unanswered(value: u64, from: u64) -> Operation {
    operation(0, Call::Write { value, condition: Condition::Always }, from, None)
}

fn read(node: u64, version: u64, value: u64, from: u64, to: u64) -> Operation {
    operation(node, Call::Read, from, Some((to, Answer::Value { version, value })))
}

fn missing(from: u64, to: u64) -> Operation {
    operation(0, Call::Read, from, Some((to, Answer::Missing)))
}

#[track_caller]
fn legal(history: &[Operation]) {
    check(history, Order::Strict).unwrap_or_else(|violation| panic!("{violation:?}"));
}

#[track_caller]
fn illegal(history: &[Operation]) {
    for order in [Order::Strict, Order::PerNode] {
        let violation = check(history, order).expect_err("it is not linearizable");
        assert!(!violation.undecided);
    }
}

#[test]
fn one_after_the_other() {
    legal(&[missing(0, 1), wrote(7, 1, 2, 3), read(0, 1, 7, 4, 5), wrote(8, 2, 6, 7), read(0, 2, 8, 8, 9)]);
}

#[test]
fn at_the_same_time_either_order_will_do() {
    legal(&[wrote(7, 1, 0, 10), wrote(8, 2, 0, 10), read(0, 1, 7, 1, 9), read(0, 2, 8, 2, 9), missing(0, 9)]);
    legal(&[wrote(7, 2, 0, 10), wrote(8, 1, 0, 10), read(0, 2, 7, 11, 12)]);
}

#[test]
fn a_write_without_answer_happens_once_or_never_and_at_any_time() {
    legal(&[unanswered(7, 0), missing(1, 2), missing(3, 4)]);
    legal(&[unanswered(7, 0), missing(1, 2), read(0, 1, 7, 3, 4)]);
    legal(&[unanswered(7, 0), wrote(8, 2, 1, 2), read(0, 2, 8, 3, 4)]);
    legal(&[unanswered(7, 0), wrote(8, 1, 1, 2), read(0, 2, 7, 30, 40)]);
    // Not before it was asked.
    illegal(&[read(0, 1, 7, 0, 1), unanswered(7, 2)]);
    // Once seen it stays.
    illegal(&[unanswered(7, 0), read(0, 1, 7, 1, 2), missing(3, 4)]);
}

#[test]
fn a_stale_read_is_found() {
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 2, 2, 3), read(0, 1, 7, 4, 5)]);
    illegal(&[wrote(7, 1, 0, 1), missing(2, 3)]);
    let row = |version, from| operation(0, Call::Row, from, Some((from + 1, Answer::Listed { version })));
    legal(&[row(None, 0), wrote(7, 1, 2, 3), row(Some(1), 4)]);
    illegal(&[wrote(7, 1, 0, 1), row(None, 2)]);
}

#[test]
fn a_reader_that_goes_back_is_found() {
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 2, 2, 20), read(0, 2, 8, 3, 4), read(0, 1, 7, 5, 6)]);
}

#[test]
fn two_nodes_may_show_a_write_under_way_in_turn_but_not_an_answered_one() {
    let under_way = [wrote(7, 1, 0, 1), wrote(8, 2, 2, 20), read(0, 2, 8, 3, 4), read(1, 1, 7, 5, 6)];
    assert!(check(&under_way, Order::Strict).is_err());
    assert!(check(&under_way, Order::PerNode).is_ok());
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 2, 2, 4), read(0, 2, 8, 3, 4), read(1, 1, 7, 5, 6)]);
}

#[test]
fn a_lost_write_is_found() {
    // Its number was given again.
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 1, 2, 3)]);
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 2, 2, 3), wrote(9, 2, 4, 5)]);
    // Another value lies under its number.
    illegal(&[wrote(7, 1, 0, 1), unanswered(8, 0), read(0, 1, 8, 2, 3)]);
}

#[test]
fn a_write_applied_twice_is_found() {
    illegal(&[wrote(7, 1, 0, 1), read(0, 2, 7, 2, 3)]);
    illegal(&[unanswered(7, 0), read(0, 1, 7, 1, 2), wrote(8, 3, 3, 4)]);
    illegal(&[wrote(7, 1, 0, 1), wrote(8, 2, 2, 3), wrote(9, 3, 4, 5), read(0, 4, 8, 6, 7)]);
}

#[test]
fn conditions_hold_or_do_not() {
    let write =
        |value, condition, from, answer| operation(0, Call::Write { value, condition }, from, Some((from + 1, answer)));
    let conflict = |current| Answer::Conflict { current };
    let second = Answer::Wrote { version: 2, created: false };
    legal(&[
        write(1, Condition::Version(1), 0, conflict(None)),
        wrote(2, 1, 2, 3),
        write(3, Condition::Absent, 4, conflict(Some(1))),
        write(4, Condition::Version(1), 6, second),
        write(5, Condition::Version(1), 8, conflict(Some(2))),
    ]);
    // Two go ahead on the same version.
    illegal(&[
        wrote(2, 1, 0, 1),
        write(4, Condition::Version(1), 2, second),
        write(5, Condition::Version(1), 4, Answer::Wrote { version: 3, created: false }),
    ]);
    illegal(&[wrote(2, 1, 0, 1), write(4, Condition::Version(1), 2, conflict(Some(2)))]);
}

#[test]
fn deleting_restoring_erasing() {
    let call = |call, from, answer| operation(0, call, from, Some((from + 1, answer)));
    legal(&[
        wrote(7, 1, 0, 1),
        call(Call::Delete, 2, Answer::Deleted),
        call(Call::Read, 4, Answer::Gone),
        call(Call::Write { value: 8, condition: Condition::Always }, 6, Answer::Exists),
        call(Call::Restore, 8, Answer::Restored { version: 1 }),
        call(Call::Restore, 10, Answer::Unchanged { version: 1 }),
        read(0, 1, 7, 12, 13),
        call(Call::Erase, 14, Answer::Erased),
        call(Call::Restore, 16, Answer::Missing),
        wrote(9, 1, 18, 19),
    ]);
    illegal(&[wrote(7, 1, 0, 1), call(Call::Delete, 2, Answer::Deleted), read(0, 1, 7, 4, 5)]);
    illegal(&[wrote(7, 1, 0, 1), call(Call::Delete, 2, Answer::Deleted), call(Call::Delete, 4, Answer::Deleted)]);
    illegal(&[wrote(7, 1, 0, 1), call(Call::Erase, 2, Answer::Erased), wrote(9, 2, 4, 5)]);
}

/// That few are tried first, and the memory of dead ends, is what makes this end.
#[test]
fn many_writes_without_answer_are_decided() {
    let mut history: Vec<Operation> = (0..24).map(|value| unanswered(value, 0)).collect();
    history.extend([wrote(100, 1, 1, 2), read(0, 1, 100, 3, 4)]);
    legal(&history);
    history.truncate(6);
    history.extend([wrote(100, 1, 1, 2), read(0, 1, 55, 3, 4)]);
    illegal(&history);
}
