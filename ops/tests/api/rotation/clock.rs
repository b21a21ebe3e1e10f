//! What the clock brings about: warnings, due dates, generated values, what is overdue, windows, distances.

use serde_json::{Value, json};

use super::{BASE, advance, attached, get, history, made, policy, put, scheduled, standing, until, version};
use crate::server::Server;

fn free() -> Server {
    Server::with(&[("RATE_LIMIT_ENABLED", "false")])
}

#[tokio::test]
async fn a_value_from_outside_is_waited_for() {
    let server = free();
    let quarterly = policy(&server, "quarterly", json!({"warn_before": "7d,1d", "grace_period": "2d"})).await;
    attached(&server, "app/oauth", &quarterly).await;
    let status = async || standing(&server, &quarterly, "app/oauth").await["status"].as_str().unwrap().to_owned();
    assert_eq!(status().await, "scheduled");
    advance(&server, "84d").await;
    assert_eq!(status().await, "warning");
    until("a warning", async || scheduled(&server, "app/oauth").await.len() == 1).await;
    advance(&server, "6d").await;
    assert_eq!(status().await, "due");
    let waiting = history(&server, &quarterly, 1).await;
    assert_eq!((&waiting[0]["status"], &waiting[0]["event_id"]), (&json!("pending"), &Value::Null));
    advance(&server, "3d").await;
    assert_eq!(status().await, "overdue");
    let logs = get(&server, "/v1/audit/logs?identity_id=system:rotation-scheduler&order=asc").await["logs"].clone();
    assert_eq!(logs[0]["extra_data"]["reason"], "rotation due in 7d");
    // Both warnings, due, overdue: the second warning was given before the due date passed, or was skipped with it.
    until("it is told", async || scheduled(&server, "app/oauth").await.len() >= 3).await;
    assert_eq!(version(&server, "app/oauth").await, 1);
    put(&server, "app/oauth", json!({"data": {"password": "second"}})).await;
    let done = history(&server, &quarterly, 1).await;
    assert_eq!((&done[0]["status"], &done[0]["trigger"]), (&json!("success"), &json!("write")));
    assert_eq!((&done[0]["old_version"], &done[0]["new_version"]), (&json!(1), &json!(2)));
    assert_eq!(status().await, "scheduled");
    let old = get(&server, "/v1/secrets/app/oauth?version=1").await;
    assert_eq!(old["data"]["password"], "first");
    // Another write is no rotation.
    put(&server, "app/oauth", json!({"data": {"password": "third"}})).await;
    history(&server, &quarterly, 1).await;
    advance(&server, "3d").await;
    let ended = server.call("GET", "/v1/secrets/app/oauth?version=1", None).await;
    assert_eq!((ended.status, ended.detail("reason")), (404, &json!("grace_period_ended")));
    assert_eq!(get(&server, "/v1/secrets/app/oauth").await["data"]["password"], "third");
}

#[tokio::test]
async fn values_are_made_when_they_are_due() {
    let server = free();
    let recipe = json!({"name": "pin", "fields": [{"name": "password", "generator": "hex", "config": {"length": 8}}]});
    made(&server, "/v1/secret-policies", recipe).await;
    let daily = json!({"interval": "1d", "grace_period": "1h", "auto_generate": true, "secret_policy_id": "sp_pin"});
    let daily = policy(&server, "daily", daily).await;
    attached(&server, "app/db", &daily).await;
    put(&server, "app/db", json!({"data": {"password": "first", "user": "app"}})).await;
    advance(&server, "24h30m").await;
    let done = history(&server, &daily, 1).await;
    assert_eq!(
        (&done[0]["trigger"], &done[0]["initiated_by"]),
        (&json!("schedule"), &json!("system:rotation-scheduler"))
    );
    assert_eq!((&done[0]["auto_generated"], &done[0]["attempt"]), (&json!(true), &json!(1)));
    let read = get(&server, "/v1/secrets/app/db").await;
    let made_here = read["data"]["password"].as_str().unwrap();
    assert!(made_here.len() == 8 && made_here != "first", "{read}");
    assert_eq!((&read["data"]["user"], &read["version"]), (&json!("app"), &json!(3)));
    assert_eq!(scheduled(&server, "app/db").await, [("metadata_update".to_owned(), true), ("rotate".to_owned(), true)]);
    // A clock that leaps years brings one rotation, not hundreds.
    advance(&server, "1000d").await;
    history(&server, &daily, 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(800)).await;
    history(&server, &daily, 2).await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_told() {
    let server = free();
    let daily = policy(&server, "daily", json!({"interval": "1d", "grace_period": "2d", "auto_generate": true})).await;
    let options = json!({"rotation_policy_id": daily});
    put(&server, "app/db", json!({"data": {"user": "a", "host": "b"}, "options": options})).await;
    advance(&server, "1d").await;
    let failed = history(&server, &daily, 1).await;
    assert_eq!((&failed[0]["status"], &failed[0]["error"]["code"]), (&json!("failed"), &json!("validation_error")));
    assert_eq!(standing(&server, &daily, "app/db").await["status"], "failed");
    advance(&server, "59s").await;
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    history(&server, &daily, 1).await;
    advance(&server, "2s").await;
    let failed = history(&server, &daily, 2).await;
    assert_eq!(failed[0]["attempt"], 2);
    // Once there is something to replace, the next attempt succeeds.
    let change = json!({"data": {"user": "a", "password": "b"}, "options": {"rotation_policy_id": daily}});
    put(&server, "app/db", change).await;
    let done = history(&server, &daily, 3).await;
    assert_eq!(
        (&done[0]["status"], &done[0]["trigger"], &done[0]["attempt"]),
        (&json!("success"), &json!("write"), &json!(3))
    );
    assert_eq!(standing(&server, &daily, "app/db").await["status"], "scheduled");
    assert_eq!(version(&server, "app/db").await, 2);
}

#[tokio::test]
async fn a_disabled_policy_and_a_deleted_secret_pause() {
    let server = free();
    let daily = policy(&server, "daily", json!({"interval": "1d", "auto_generate": true})).await;
    for path in ["app/a", "app/b"] {
        attached(&server, path, &daily).await;
    }
    made(&server, &format!("{BASE}/{daily}/disable"), json!({})).await;
    server.call("DELETE", "/v1/secrets/app/b", None).await;
    advance(&server, "2d").await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    history(&server, &daily, 0).await;
    assert_eq!(standing(&server, &daily, "app/a").await["status"], "paused");
    assert_eq!(get(&server, "/v1/rotation/due").await["secrets"], json!([]));
    made(&server, &format!("{BASE}/{daily}/enable"), json!({})).await;
    history(&server, &daily, 1).await;
    assert_eq!(standing(&server, &daily, "app/b").await["status"], "paused");
    made(&server, "/v1/secrets/app/b/restore", json!({})).await;
    history(&server, &daily, 2).await;
    assert_eq!((version(&server, "app/a").await, version(&server, "app/b").await), (2, 2));
}

#[tokio::test]
async fn blue_and_green_never_rotate_together() {
    let server = free();
    put(&server, "app/green", json!({"data": {"password": "g"}})).await;
    let more =
        json!({"interval": "2d", "auto_generate": true, "min_distance": {"path": "app/green", "duration": "1d"}});
    let both = policy(&server, "both", more).await;
    attached(&server, "app/blue", &both).await;
    made(&server, &format!("{BASE}/{both}/secrets"), json!({"secret_path": "app/green"})).await;
    advance(&server, "49h").await;
    // One of them first, and by a day later the other.
    let first = history(&server, &both, 1).await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    history(&server, &both, 1).await;
    advance(&server, "22h").await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    history(&server, &both, 1).await;
    advance(&server, "3h").await;
    let second = history(&server, &both, 2).await;
    assert_ne!(first[0]["secret_path"], second[0]["secret_path"]);
}

#[tokio::test]
async fn the_schedule_fires_within_its_window_alone() {
    let server = free();
    made(&server, "/v1/sys/clock", json!({"set": "2031-03-03T12:00:00Z"})).await;
    let more =
        json!({"interval": "1d", "auto_generate": true, "window": {"days": ["sun"], "start": "02:00", "end": "04:00"}});
    let weekly = policy(&server, "weekly", more).await;
    attached(&server, "app/db", &weekly).await;
    let due_at = standing(&server, &weekly, "app/db").await["next_rotation"].as_str().unwrap().to_owned();
    // 2031-03-03 is a Monday.
    assert!(("2031-03-09T02:00:00Z".."2031-03-09T03:00:01Z").contains(&due_at.as_str()), "{due_at}");
    advance(&server, "8d").await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    history(&server, &weekly, 0).await;
    // Missed, and caught up in the next one.
    made(&server, "/v1/sys/clock", json!({"set": "2031-03-16T02:30:00Z"})).await;
    history(&server, &weekly, 1).await;
}

#[tokio::test]
async fn nothing_is_done_twice_or_missed_by_a_server_that_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::keeping(directory.path());
    let daily = policy(&server, "daily", json!({"interval": "1d", "auto_generate": true})).await;
    for number in 0..20 {
        attached(&server, &format!("app/{number}"), &daily).await;
    }
    advance(&server, "25h").await;
    // Somewhere in the middle of it.
    drop(server);
    for _ in 0..2 {
        drop(Server::keeping(directory.path()));
    }
    let server = Server::keeping(directory.path());
    let rows = history(&server, &daily, 20).await;
    let mut paths: Vec<_> = rows.iter().map(|row| row["secret_path"].as_str().unwrap()).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), 20);
    for number in 0..20 {
        assert_eq!(version(&server, &format!("app/{number}")).await, 2);
    }
}
