//! The group `subscriptions`.

use super::fake::{Canned, Fake};
use super::user::User;

const POLLED: Canned = (
    200,
    None,
    r#"{"id":"sub_1","name":"s","paths":["a/**"],"delivery":{"type":"polling","buffer_size":7},"truncated":false}"#,
);
const SHOWN: &str = "id: sub_1\nname: s\npaths: a/**\ndelivery.type: polling\ndelivery.buffer_size: 7\ntruncated: no\n";
const FIRST: &str = concat!(
    r#"{"events":[{"event_id":"evt_1","event_type":"secret.created","timestamp":"2026-01-01T00:00:00Z","#,
    r#""path":"a/b","data":{"version":1}},{"event_id":"evt_2","event_type":"policy.created","#,
    r#""timestamp":"2026-01-01T00:00:01Z","data":{}}],"has_more":false}"#
);
const SECOND: &str = concat!(
    r#"{"events":[{"event_id":"evt_2","event_type":"policy.created","timestamp":"2026-01-01T00:00:01Z","data":{}},"#,
    r#"{"event_id":"evt_3","event_type":"secret.rotated","timestamp":"2026-01-01T00:00:02Z","path":"a/b","data":{}}],"#,
    r#""has_more":false,"truncated":true}"#
);
const DONE: Canned = (200, None, r#"{"acknowledged":2}"#);
const GONE: Canned = (404, None, r#"{"error":{"code":"subscription_not_found","message":"Subscription not found"}}"#);

#[test]
fn subscriptions_are_made_and_changed_by_what_is_given() {
    let fake = Fake::start(&[POLLED; 4]);
    let user = User::of(&fake);
    user.run("subscriptions create --name s --paths a/**,b/* --events secret.*,rotation.due --buffer-size 7")
        .printed(SHOWN);
    let file = user.file("secret", "the secret text\n");
    user.run(&format!(
        "subscriptions create --name s --paths a/** --events * --webhook https://h.example --secret-file {file} \
         --path-prefix a/ --secret-type json --tag x --tag y"
    ))
    .printed(SHOWN);
    user.run("subscriptions update sub_1 --events policy.*").printed(SHOWN);
    user.run("subscriptions update sub_1 --webhook https://i.example --tag z").printed(SHOWN);
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /v1/subscriptions");
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"name":"s","paths":["a/**","b/*"],"events":["secret.*","rotation.due"],"#,
            r#""delivery":{"type":"polling","buffer_size":7}}"#
        )
    );
    assert_eq!(
        seen[1].body,
        concat!(
            r#"{"name":"s","paths":["a/**"],"events":["*"],"#,
            r#""filters":{"path_prefix":"a/","secret_type":"json","tags":["x","y"]},"#,
            r#""delivery":{"type":"webhook","url":"https://h.example","secret":"the secret text"}}"#
        )
    );
    assert_eq!(
        (seen[2].line.as_str(), seen[2].body.as_str()),
        ("PATCH /v1/subscriptions/sub_1", r#"{"events":["policy.*"]}"#)
    );
    assert_eq!(seen[3].body, r#"{"filters":{"tags":["z"]},"delivery":{"url":"https://i.example"}}"#);
}

#[test]
fn wrong_arguments_do_not_reach_the_server() {
    let fake = Fake::start(&[]);
    let user = User::of(&fake);
    user.run("subscriptions create --name s --paths a").failed(5, "--events");
    user.run("subscriptions create --name s --paths a --events * --secret-file f").failed(5, "--webhook");
    user.run("subscriptions create --name s --paths a --events * --webhook https://h --buffer-size 1")
        .failed(5, "--buffer-size");
    user.run("subscriptions update sub_1").failed(5, "Nothing to change");
    user.run("subscriptions poll sub_1 --ack --no-ack").failed(5, "--no-ack");
    user.run("subscriptions poll sub_1 --timeout soon").failed(5, "--timeout");
    user.run("subscriptions ack sub_1").failed(5, "EVENT_ID");
    assert!(fake.lines().is_empty());
}

#[test]
fn events_are_polled_and_acknowledged_if_asked_for() {
    let fake = Fake::start(&[(200, None, FIRST), (200, None, FIRST), DONE, DONE]);
    let user = User::of(&fake);
    user.run("subscriptions poll sub_1 --timeout 5 --max-events 2 --since evt_0").printed(
        "TIME                  TYPE            PATH  EVENT  DATA\n\
         2026-01-01T00:00:00Z  secret.created  a/b   evt_1  {\"version\":1}\n\
         2026-01-01T00:00:01Z  policy.created  -     evt_2  {}\n",
    );
    assert_eq!(user.run("subscriptions poll sub_1 --ack --json").status, 0);
    user.run("subscriptions ack sub_1 evt_1 evt_2").printed("Acknowledged 2\n");
    let seen = fake.seen();
    assert_eq!(seen[0].line, "GET /v1/subscriptions/sub_1/poll?timeout=5&max_events=2&since_event_id=evt_0");
    assert_eq!(seen[1].line, "GET /v1/subscriptions/sub_1/poll");
    for at in [2, 3] {
        assert_eq!(seen[at].line, "POST /v1/subscriptions/sub_1/ack");
        assert_eq!(seen[at].body, r#"{"event_ids":["evt_1","evt_2"]}"#);
    }
}

#[test]
fn following_prints_each_event_once_and_comes_back() {
    let away: Canned = (404, None, "a proxy's page");
    let fake = Fake::start(&[(200, None, FIRST), DONE, away, (200, None, SECOND), DONE, GONE]);
    let user = User::of(&fake);
    let done = user.run("subscriptions poll sub_1 --follow --json --timeout 0");
    // Somebody's page in the place of an answer is no passing trouble.
    assert_eq!(done.status, 4, "{done:?}");
    let fake =
        Fake::start(&[(200, None, FIRST), DONE, (500, None, "x"), (500, None, "x"), (200, None, SECOND), DONE, GONE]);
    let done = User::of(&fake).run("subscriptions poll sub_1 --follow --json --timeout 0");
    assert_eq!(done.status, 4, "{done:?}");
    let ids: Vec<String> = done
        .out
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["event_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids, ["evt_1", "evt_2", "evt_3"]);
    assert!(done.err.contains("trying again") && done.err.contains("dropped"), "{done:?}");
    let seen = fake.seen();
    assert_eq!(seen[1].body, r#"{"event_ids":["evt_1","evt_2"]}"#);
    assert_eq!(seen[5].body, r#"{"event_ids":["evt_2","evt_3"]}"#);

    let fake = Fake::start(&[(200, None, FIRST), (200, None, SECOND), GONE]);
    let done = User::of(&fake).run("subscriptions poll sub_1 --follow --no-ack --timeout 0");
    assert_eq!(done.out.lines().count(), 4, "{done:?}");
    assert_eq!(
        fake.lines(),
        [
            "GET /v1/subscriptions/sub_1/poll?timeout=0",
            "GET /v1/subscriptions/sub_1/poll?timeout=0&since_event_id=evt_2",
            "GET /v1/subscriptions/sub_1/poll?timeout=0&since_event_id=evt_3",
        ]
    );
}
