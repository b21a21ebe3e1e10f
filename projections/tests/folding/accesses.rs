//! How often a secret was read: exact, from the access records.

use scaivault_domain::audit::Action;
use scaivault_domain::secret::Condition;
use scaivault_domain::secret::delete::{self, DeleteSecret};
use scaivault_domain::{Owner, Timestamp, TokenId};

use crate::node::{DAY, Node, Read, acme, other, path, second};

fn read(at: Timestamp) -> Read<'static> {
    Read { identity: "sa:billing", path: "app/db", version: 1, at }
}

fn usage(node: &Node, owner: &Owner, now: Timestamp) -> (Option<Timestamp>, u64) {
    node.projections.accesses(|accesses| accesses.usage(owner, "app/db", now))
}

#[tokio::test]
async fn each_successful_value_read_counts_once() {
    let node = Node::with_secrets().await;
    assert_eq!(usage(&node, &acme(), second(0)), (None, 0));
    let one = read(second(5));
    node.audited(vec![
        one.entry(&acme()),
        one.entry_with(&acme(), |entry| entry.extra_data.batch = true),
        one.entry_with(&acme(), |entry| entry.success = false),
        one.entry_with(&acme(), |entry| entry.action = Action::List),
        one.entry_with(&acme(), |entry| entry.action = Action::Write),
        one.entry_with(&acme(), |entry| entry.secret_version = None),
        one.entry_with(&acme(), |entry| entry.secret_path = None),
        Read { path: "app/other", ..one }.entry(&acme()),
        one.entry(&other()),
    ])
    .await;
    assert_eq!(usage(&node, &acme(), second(9)), (Some(second(5)), 2));
    assert_eq!(usage(&node, &other(), second(9)), (Some(second(5)), 1));
}

#[tokio::test]
async fn the_period_is_thirty_days_to_the_microsecond() {
    let node = Node::with_secrets().await;
    let moments = [0, 1, 10 * DAY, 29 * DAY, 30 * DAY];
    node.audited(moments.map(|at| read(second(at)).entry(&acme())).into()).await;
    let count = |now: Timestamp| usage(&node, &acme(), now).1;
    assert_eq!(count(second(30 * DAY)), 5);
    assert_eq!(count(Timestamp::from_micros(second(30 * DAY).as_micros() + 1)), 4);
    assert_eq!(count(second(30 * DAY + 1)), 4);
    assert_eq!(count(second(30 * DAY + 2)), 3);
    assert_eq!(count(second(60 * DAY)), 1);
    assert_eq!(usage(&node, &acme(), second(61 * DAY)), (Some(second(30 * DAY)), 0), "the last read is kept");
}

#[tokio::test]
async fn requests_that_end_in_another_order_are_counted_at_their_time() {
    let node = Node::with_secrets().await;
    for at in [5, 2, 9, 7, 1] {
        node.audited(vec![read(second(at)).entry(&acme())]).await;
    }
    let now = second(30 * DAY + 2);
    assert_eq!(usage(&node, &acme(), now), (Some(second(9)), 4));
}

#[tokio::test]
async fn counts_stay_exact_when_old_rows_are_joined() {
    let node = Node::with_secrets().await;
    let mut model: Vec<(Timestamp, &str, u32)> = Vec::new();
    // Bursts in one second by two readers of two versions, over days: far more than are kept apart.
    for day in 0..40 {
        let mut entries = Vec::new();
        for number in 0..150_i64 {
            let at = Timestamp::from_micros(second(day * DAY + number / 50).as_micros() + number * 37 % 1_000_000);
            let identity = if number % 3 == 0 { "sa:billing" } else { "user:alice@acme.example" };
            let version = if number % 2 == 0 { 1 } else { 2 };
            model.push((at, identity, version));
            entries.push(Read { identity, path: "app/db", version, at }.entry(&acme()));
        }
        node.audited(entries).await;
    }
    for (from, to) in [(0, 40 * DAY), (DAY, 2 * DAY), (10 * DAY + 1, 10 * DAY + 2), (10 * DAY + 2, 35 * DAY)] {
        let (from, to) = (second(from), second(to));
        let expected = |identity: &str| {
            let inside = model.iter().filter(|(at, who, _)| *at >= from && *at < to && *who == identity);
            inside.count() as u64
        };
        let consumers = node.projections.accesses(|accesses| accesses.consumers(&acme(), "app/db", None, from, to));
        let there = ["sa:billing", "user:alice@acme.example"].into_iter().filter(|who| expected(who) > 0);
        assert_eq!(consumers.len(), there.count());
        for consumer in consumers {
            assert_eq!(consumer.read_count, expected(&consumer.identity), "{from} {to} {}", consumer.identity);
            let last =
                model.iter().filter(|(at, who, _)| *at < to && **who == *consumer.identity).map(|row| row.0).max();
            assert_eq!(Some(consumer.last_read_at), last);
        }
    }
    for now in [second(31 * DAY), second(40 * DAY), second(50 * DAY + 1)] {
        let start = now.plus_seconds(-30 * DAY);
        let expected = model.iter().filter(|(at, _, _)| *at >= start).count() as u64;
        assert_eq!(usage(&node, &acme(), now).1, expected, "{now}");
    }
}

#[tokio::test]
async fn a_hard_deletion_ends_the_count() {
    let node = Node::with_secrets().await;
    let place = path("app/db");
    node.audited(vec![read(second(1)).entry(&acme()), read(second(1)).entry(&other())]).await;
    let command = DeleteSecret { path: place.clone(), version: None, permanent: true, condition: Condition::default() };
    node.command(&acme(), &place, "", |secret, context| delete::decide(secret, &command, context)).await.unwrap();
    assert_eq!(usage(&node, &acme(), second(2)), (None, 0));
    assert_eq!(usage(&node, &other(), second(2)).1, 1);
    node.write(&acme(), &place, "{}").await;
    node.audited(vec![read(second(3)).entry(&acme())]).await;
    assert_eq!(usage(&node, &acme(), second(4)), (Some(second(3)), 1));
}

#[tokio::test]
async fn a_token_was_used_last_by_whatever_it_was_used_for() {
    let node = Node::start().await;
    let token = TokenId::parse("tok_1").unwrap();
    let used = || node.projections.accesses(|accesses| accesses.token_used(&token));
    assert_eq!(used(), None);
    for (at, success) in [(5, true), (9, false), (7, true)] {
        let entry = read(second(at)).entry_with(&acme(), |entry| {
            entry.success = success;
            entry.action = Action::List;
            entry.extra_data.token_id = Some("tok_1");
        });
        node.audited(vec![entry]).await;
    }
    assert_eq!(used(), Some(second(9)));
}
