//! Polling and acknowledging.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BASE, Story, entries, ids, paths, polled, put, subscribed};
use crate::server::{Server, TOKEN};

async fn ack(server: &Server, id: &str, event_ids: &[String]) -> Value {
    let answer = server.call("POST", &format!("{BASE}/{id}/ack"), Some(json!({ "event_ids": event_ids }))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["acknowledged"].clone()
}

#[tokio::test]
async fn events_come_until_they_are_acknowledged() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({})).await;
    for path in ["app/a", "app/b", "other/x", "app/c"] {
        put(&server, path).await;
    }
    let first = polled(&server, TOKEN, &id, "&max_events=2").await;
    assert_eq!((paths(&first), &first["has_more"]), (vec!["app/a".into(), "app/b".into()], &json!(true)));
    let event = &first["events"][0];
    let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["event_id", "event_type", "timestamp", "path", "data"].iter().collect::<Vec<_>>());
    assert_eq!((&event["event_type"], &event["data"]["version"]), (&json!("secret.created"), &json!(1)));
    assert!(first.get("truncated").is_none());
    let all = polled(&server, TOKEN, &id, "").await;
    assert_eq!((all["events"].as_array().unwrap().len(), &all["has_more"]), (3, &json!(false)));
    let shown = server.call("GET", &format!("{BASE}/{id}"), None).await.body;
    assert_eq!(shown["pending_events"], 3);
    assert!(shown["oldest_pending_at"].is_string() && shown["last_delivery_at"].is_null());

    let ids = ids(&all);
    assert_eq!(
        polled(&server, TOKEN, &id, &format!("&since_event_id={}", ids[0])).await["events"][0],
        all["events"][1]
    );
    let twice = [ids[1].clone(), ids[1].clone(), "evt_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC".into(), "nonsense".into()];
    assert_eq!(ack(&server, &id, &twice).await, 1);
    assert_eq!(ack(&server, &id, &twice).await, 0);
    assert_eq!(paths(&polled(&server, TOKEN, &id, "").await), ["app/a", "app/c"]);
    // What was acknowledged is a place all the same.
    let after = polled(&server, TOKEN, &id, &format!("&since_event_id={}", ids[1])).await;
    assert_eq!(paths(&after), ["app/c"]);
    assert!(server.call("GET", &format!("{BASE}/{id}"), None).await.body["last_delivery_at"].is_string());

    let recorded = entries(&server, 7).await;
    let told: Vec<&Value> = recorded.iter().map(|entry| &entry["extra_data"]["events"]).collect();
    assert_eq!(told, [1, 2, 0, 1, 2, 3, 2].map(|n| json!(n)).iter().collect::<Vec<_>>());
    assert_eq!(recorded[0]["extra_data"]["subscription_id"], id.as_str());
    assert_eq!(recorded[0]["resource"], format!("subscriptions/{id}/poll"));
}

#[tokio::test]
async fn a_poll_answers_as_soon_as_something_comes() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({})).await;
    let route = format!("{BASE}/{id}/poll?timeout=30");
    let started = Instant::now();
    let (answer, ()) = tokio::join!(server.call("GET", &route, None), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        put(&server, "app/a").await;
    });
    assert_eq!(paths(&answer.body), ["app/a"]);
    assert!((Duration::from_millis(300)..Duration::from_secs(10)).contains(&started.elapsed()));
    let asked = Instant::now();
    ack(&server, &id, &ids(&answer.body)).await;
    let nothing = server.call("GET", &format!("{BASE}/{id}/poll?timeout=1"), None).await;
    assert_eq!(nothing.body, json!({"events": [], "has_more": false}));
    assert!(asked.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn what_does_not_fit_is_dropped_and_told() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({"delivery": {"type": "polling", "buffer_size": 2}})).await;
    put(&server, "app/a").await;
    let first = ids(&polled(&server, TOKEN, &id, "").await);
    for path in ["app/b", "app/c", "app/d"] {
        put(&server, path).await;
    }
    let rest = polled(&server, TOKEN, &id, "").await;
    assert_eq!((paths(&rest), &rest["truncated"]), (vec!["app/c".into(), "app/d".into()], &json!(true)));
    assert_eq!(server.call("GET", &format!("{BASE}/{id}"), None).await.body["truncated"], true);
    let route = format!("{BASE}/{id}/poll?timeout=0&since_event_id={}", first[0]);
    let lost = server.call("GET", &route, None).await;
    assert_eq!((lost.status, lost.code()), (400, "invalid_cursor"));
    assert_eq!(lost.detail("reason"), "events_dropped");
    assert_eq!(lost.detail("oldest_event_id"), ids(&rest)[0].as_str());
    // Any acknowledgement ends it, also of nothing.
    assert_eq!(ack(&server, &id, &["evt_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC".into()]).await, 0);
    let then = polled(&server, TOKEN, &id, &format!("&since_event_id={}", ids(&rest)[0])).await;
    assert_eq!((paths(&then), then.get("truncated")), (vec!["app/d".to_owned()], None));
}

#[tokio::test]
async fn bad_questions_are_refused() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({})).await;
    for (query, status, code) in [
        ("timeout=61", 422, "validation_error"),
        ("timeout=-1", 422, "validation_error"),
        ("timeout=1.5", 422, "validation_error"),
        ("max_events=0", 422, "validation_error"),
        ("max_events=1001", 422, "validation_error"),
        ("wait=1", 422, "validation_error"),
        ("timeout=0&since_event_id=", 400, "invalid_request"),
        ("timeout=0&since_event_id=del_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC", 400, "invalid_request"),
        ("timeout=0&since_event_id=evt_1", 400, "invalid_request"),
    ] {
        let answer = server.call("GET", &format!("{BASE}/{id}/poll?{query}"), None).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{query}");
    }
    let many: Vec<String> = (0..1_001).map(|n| format!("evt_{n}")).collect();
    for body in [json!({}), json!({"event_ids": []}), json!({"event_ids": "evt_1"}), json!({ "event_ids": many })] {
        let answer = server.call("POST", &format!("{BASE}/{id}/ack"), Some(body)).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_error"));
    }
}

#[tokio::test]
async fn a_poll_ends_early_when_the_server_does() {
    let story = Story::begin().await;
    let id = subscribed(&story.server, TOKEN, json!({})).await;
    let url = format!("{}{BASE}/{id}/poll?timeout=60", story.server.address);
    let polling = tokio::spawn(reqwest::Client::new().get(url).bearer_auth(TOKEN).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let started = Instant::now();
    tokio::task::spawn_blocking(|| story.server.stop()).await.unwrap();
    let answer = polling.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"events": [], "has_more": false}));
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn two_acknowledgements_at_once_count_each_event_once() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let id = subscribed(&server, TOKEN, json!({})).await;
    for n in 0..20 {
        put(&server, &format!("app/s{n}")).await;
    }
    let ids = ids(&polled(&server, TOKEN, &id, "").await);
    let counts = futures_util::future::join_all((0..8).map(|_| ack(&server, &id, &ids))).await;
    assert_eq!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>(), 20, "{counts:?}");
}
