//! Rotations by call.

use serde_json::{Value, json};

use super::{BASE, attached, get, history, policy, put, until, version};
use crate::server::Server;

fn free() -> Server {
    Server::with(&[("RATE_LIMIT_ENABLED", "false")])
}

#[tokio::test]
async fn all_of_a_policy_are_rotated_at_once_and_once() {
    let server = free();
    let quarterly = policy(&server, "quarterly", json!({"auto_generate": true})).await;
    for path in ["app/a", "app/b"] {
        attached(&server, path, &quarterly).await;
    }
    let options = json!({"rotation_policy_id": quarterly});
    put(&server, "app/none", json!({"data": {"user": "a", "host": "b"}, "options": options})).await;
    let headers = [("Idempotency-Key", "one")];
    let address = format!("{BASE}/{quarterly}/rotate");
    let ask = async || server.call_as(crate::server::TOKEN, "POST", &address, Some(json!({})), &headers).await;
    let answer = ask().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let items = answer.body.as_array().unwrap();
    let told: Vec<_> =
        items.iter().map(|item| (item["secret_path"].as_str().unwrap(), item["status"].as_str().unwrap())).collect();
    assert_eq!(told, [("app/a", "success"), ("app/b", "success"), ("app/none", "failed")]);
    assert!(items.iter().all(|item| item["event_id"].as_str().unwrap().starts_with("evt_")), "{items:?}");
    assert_eq!((&items[0]["trigger"], &items[0]["initiated_by"]), (&json!("manual"), &json!("user:root@dev")));
    assert_eq!(items[2]["error"]["code"], "validation_error");
    let again = ask().await;
    assert_eq!((again.status, &again.body, again.header("idempotency-replayed")), (200, &answer.body, "true"));
    assert_eq!(version(&server, "app/a").await, 2);
    let rows = history(&server, &quarterly, 3).await;
    assert!(items.iter().all(|item| rows.contains(item)), "the history tells the same: {rows:?}");
    // One entry for each secret, none for the request as a whole; one for the repetition.
    let request = answer.header("x-request-id");
    let logs = get(&server, &format!("/v1/audit/logs?request_id={request}")).await["logs"].as_array().unwrap().clone();
    assert_eq!(logs.len(), 3, "{logs:?}");
    for log in &logs {
        assert_eq!(
            (&log["action"], &log["resource"]),
            (&json!("rotate"), &json!(format!("rotation/policies/{quarterly}")))
        );
        assert_eq!(log["extra_data"]["rotation_policy_id"], quarterly.as_str());
    }
}

#[tokio::test]
async fn without_generation_they_wait_for_their_values() {
    let server = free();
    let quarterly =
        policy(&server, "quarterly", json!({"window": {"days": ["mon"], "start": "02:00", "end": "02:01"}})).await;
    for path in ["app/a", "app/b"] {
        attached(&server, path, &quarterly).await;
    }
    let address = format!("{BASE}/{quarterly}/rotate");
    let answer = server.call("POST", &address, Some(json!({"secret_paths": ["app/b"]}))).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!((&answer.body[0]["status"], &answer.body[0]["trigger"]), (&json!("pending"), &json!("manual")));
    let due = get(&server, "/v1/rotation/due").await["secrets"].as_array().unwrap().clone();
    assert_eq!((due.len(), &due[0]["path"], &due[0]["status"]), (1, &json!("app/b"), &json!("due")));
    put(&server, "app/b", json!({"data": {"password": "new"}})).await;
    let rows = history(&server, &quarterly, 1).await;
    assert_eq!((&rows[0]["status"], &rows[0]["new_version"]), (&json!("success"), &json!(2)));
    for (paths, status, code) in [
        (json!(["app/none"]), 422, "validation_error"),
        (json!([]), 422, "validation_error"),
        (json!(["App"]), 400, "invalid_path"),
    ] {
        let refused = server.call("POST", &address, Some(json!({"secret_paths": paths}))).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{refused:?}");
    }
    let none = policy(&server, "none", json!({})).await;
    let empty = server.call("POST", &format!("{BASE}/{none}/rotate"), None).await;
    assert_eq!((empty.status, empty.code()), (403, "access_denied"), "there is no permitted path");
}

#[tokio::test]
async fn more_than_a_hundred_follow_in_the_background() {
    let server = free();
    let quarterly = policy(&server, "quarterly", json!({"auto_generate": true})).await;
    for number in 0..130 {
        attached(&server, &format!("app/{number:03}"), &quarterly).await;
    }
    let answer = server.call("POST", &format!("{BASE}/{quarterly}/rotate"), None).await;
    let items = answer.body.as_array().unwrap();
    let count = |status: &str| items.iter().filter(|item| item["status"] == status).count();
    assert_eq!((items.len(), count("success"), count("pending")), (130, 100, 30));
    until("the others follow", async || {
        let done = get(&server, &format!("{BASE}/{quarterly}/history?status=success&limit=200")).await;
        done["history"].as_array().unwrap().len() == 130
    })
    .await;
    let last = get(&server, &format!("{BASE}/{quarterly}/history?secret_path=app/129")).await["history"].clone();
    assert_eq!((&last[0]["trigger"], &last[0]["initiated_by"]), (&json!("manual"), &json!("user:root@dev")));
    assert_eq!(version(&server, "app/129").await, 2);
}

#[tokio::test]
async fn one_secret_is_rotated_with_a_value_or_without() {
    let server = free();
    let quarterly = policy(&server, "quarterly", json!({"auto_generate": true, "grace_period": "1h"})).await;
    attached(&server, "app/db", &quarterly).await;
    let rotate = async |body: Value| server.call("POST", "/v1/secrets/app/db/rotate", Some(body)).await;
    let given = rotate(json!({"new_value": {"password": "mine"}, "grace_period": "2h", "reason": "leaked"})).await;
    assert_eq!(
        (&given.body["version"], &given.body["rotation_policy_id"]),
        (&json!(2), &json!(quarterly)),
        "{given:?}"
    );
    let made_here = rotate(json!({})).await;
    assert_eq!((made_here.status, &made_here.body["version"]), (200, &json!(3)), "{made_here:?}");
    let value = get(&server, "/v1/secrets/app/db").await["data"]["password"].as_str().unwrap().to_owned();
    assert!(
        value.len() == 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "the built-in recipe: {value}"
    );
    let rows = history(&server, &quarterly, 2).await;
    assert_eq!((&rows[0]["auto_generated"], &rows[1]["auto_generated"]), (&json!(true), &json!(false)));
    // What cannot be made fails, and is told; it is not repeated.
    put(&server, "app/none", json!({"data": {"user": "a", "host": "b"}, "options": {"rotation_policy_id": quarterly}}))
        .await;
    let failed = server.call("POST", "/v1/secrets/app/none/rotate", Some(json!({}))).await;
    assert_eq!((failed.status, failed.code()), (422, "validation_error"), "{failed:?}");
    let rows = history(&server, &quarterly, 3).await;
    assert_eq!((&rows[0]["status"], &rows[0]["trigger"]), (&json!("failed"), &json!("manual")));
    // Without a policy a value has to be given.
    put(&server, "app/free", json!({"data": {"password": "a"}})).await;
    let refused = server.call("POST", "/v1/secrets/app/free/rotate", Some(json!({}))).await;
    assert_eq!((refused.status, refused.code()), (422, "validation_error"));
}
