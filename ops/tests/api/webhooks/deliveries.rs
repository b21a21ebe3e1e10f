//! What is delivered, tried again, asked for again, and told of all that.

use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{BASE, SECRET, deliveries, received, webhook};
use crate::rotation::{advance, get, made, put, until};
use crate::server::Server;

/// Waits until a webhook has so many deliveries of a status.
async fn settled(server: &Server, id: &str, status: &str, count: usize) -> Vec<Value> {
    let query = format!("status={status}");
    until(&format!("{count} that are {status}"), async || deliveries(server, id, &query).await.len() >= count).await;
    let rows = deliveries(server, id, &query).await;
    assert_eq!(rows.len(), count, "{rows:?}");
    rows
}

fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, &[timestamp.as_bytes(), b".", body].concat());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test]
async fn a_test_is_sent_at_once_also_when_disabled() {
    let server = Server::start();
    let receiver = Receiver::start();
    let id = received(&server, &receiver, json!({"enabled": false})).await;
    let test = format!("{BASE}/{id}/test");
    let answer = made(&server, &test, json!({})).await;
    assert_eq!(
        (&answer["status"], &answer["response_code"], &answer["error"]),
        (&json!("success"), &json!(204), &Value::Null)
    );
    assert!(answer["duration_ms"].is_u64());
    let request = receiver.requests(1).await.remove(0);
    assert_eq!(request.body["event_type"], "webhook.test");
    assert_eq!(request.body["data"], json!({"webhook_id": id, "message": "ScaiVault test event"}));
    assert_eq!(request.header("x-scaivault-delivery-id"), answer["delivery_id"]);
    let timestamp = request.header("x-scaivault-timestamp");
    assert_eq!(request.header("x-scaivault-signature"), signature(SECRET, timestamp, &request.raw));

    receiver.answer(500);
    let failed = made(&server, &test, json!({})).await;
    assert_eq!((&failed["status"], &failed["error"]), (&json!("failed"), &json!("status_500")));
    // It is told of, but says nothing of how the webhook is doing.
    let shown = get(&server, &format!("{BASE}/{id}")).await;
    assert_eq!(shown["statistics"]["deliveries_24h"], 0);
    let rows = deliveries(&server, &id, "").await;
    assert_eq!((&rows[0]["id"], &rows[1]["id"]), (&failed["delivery_id"], &answer["delivery_id"]));
    assert_eq!((&rows[0]["status"], &rows[0]["attempt"]), (&json!("failed"), &json!(1)));
    let one = format!("{BASE}/{id}/deliveries/{}", failed["delivery_id"].as_str().unwrap());
    let told = get(&server, &one).await;
    assert_eq!(told["attempts"][0]["response_body"], "as is");
    let again = server.call("POST", &format!("{one}/redeliver"), None).await;
    assert_eq!((again.status, again.code()), (409, "resource_in_use"));
    let logs = get(&server, &format!("/v1/audit/logs?resource=webhooks/{id}/test&limit=10")).await;
    let facts = &logs["logs"][0]["extra_data"];
    assert_eq!(logs["logs"][0]["action"], "webhook_delivery");
    assert_eq!(
        (&facts["webhook_id"], &facts["attempt"], &facts["response_code"]),
        (&json!(id), &json!(1), &json!(500))
    );
}

#[tokio::test]
async fn what_is_delivered_is_told_and_counted() {
    let server = Server::start();
    let receiver = Receiver::start();
    let id = received(&server, &receiver, json!({"events": ["secret.created", "secret.updated"]})).await;
    for number in 0..5 {
        put(&server, &format!("app/s{number}"), json!({"data": {"a": "b"}})).await;
    }
    put(&server, "app/s0", json!({"data": {"a": "c"}})).await;
    let rows = settled(&server, &id, "success", 6).await;
    let requests = receiver.requests(6).await;
    for row in &rows {
        let request = requests.iter().find(|request| request.header("x-scaivault-delivery-id") == row["id"]).unwrap();
        assert_eq!(request.body["event_id"], row["event_id"]);
        assert_eq!(request.body["event_type"], row["event_type"]);
        assert_eq!((&row["attempt"], &row["response_code"], &row["error"]), (&json!(1), &json!(204), &Value::Null));
        assert_eq!(row["next_attempt_at"], Value::Null);
    }
    let times: Vec<_> = rows.iter().map(|row| row["timestamp"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "newest first: {times:?}");
    assert_eq!(deliveries(&server, &id, "event_type=secret.updated").await.len(), 1);
    assert!(deliveries(&server, &id, "status=failed").await.is_empty());
    let middle = times[2];
    let before: Vec<_> = deliveries(&server, &id, &format!("to={middle}")).await;
    let after: Vec<_> = deliveries(&server, &id, &format!("from={middle}")).await;
    assert_eq!((before.len() + after.len(), after.is_empty()), (6, false));
    assert_eq!([after, before].concat(), rows);
    // Page by page, each once.
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&server, &format!("{BASE}/{id}/deliveries?limit=2{cursor}")).await;
        found.extend(page["deliveries"].as_array().unwrap().clone());
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, rows);
    let shown = get(&server, &format!("{BASE}/{id}")).await;
    assert_eq!(
        (&shown["statistics"]["deliveries_24h"], &shown["statistics"]["success_rate_24h"]),
        (&json!(6), &json!(1.0))
    );
    assert!(shown["statistics"]["avg_latency_ms"].is_u64());
    assert_eq!(
        (&shown["last_delivery"]["status"], &shown["last_delivery"]["response_code"]),
        (&json!("success"), &json!(204))
    );
    for (query, field) in [
        ("status=done", "query.status"),
        ("event_type=secret.read", "query.event_type"),
        ("from=2026-02-02&to=2026-02-01", "query.from"),
        ("limit=0", "query.limit"),
    ] {
        let answer = server.call("GET", &format!("{BASE}/{id}/deliveries?{query}"), None).await;
        assert_eq!((answer.status, &answer.detail("fields")[0]["field"]), (422, &json!(field)), "{query}");
    }
    let foreign = server.call("GET", &format!("{BASE}/{id}/deliveries?status=failed{cursor}&cursor=AAAA"), None).await;
    assert!(matches!(foreign.status, 400 | 422), "{foreign:?}");
    for unknown in ["del_01JX5X2B4D6F8H0K2M4P6R8T0V", "del_1", "wh_1"] {
        let answer = server.call("GET", &format!("{BASE}/{id}/deliveries/{unknown}"), None).await;
        assert_eq!((answer.status, answer.code()), (404, "delivery_not_found"), "{unknown}");
    }
    // After thirty days nothing is told any more.
    advance(&server, "31d").await;
    assert!(deliveries(&server, &id, "").await.is_empty());
    let one = server.call("GET", &format!("{BASE}/{id}/deliveries/{}", rows[0]["id"].as_str().unwrap()), None).await;
    assert_eq!(one.code(), "delivery_not_found");
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_another() {
    let server = Server::start();
    let receiver = Receiver::start();
    receiver.answer(503);
    let id = received(&server, &receiver, json!({"events": ["secret.created", "secret.metadata_updated"]})).await;
    put(&server, "app/db", json!({"data": {"a": "b"}})).await;
    let first = settled(&server, &id, "pending", 1).await.remove(0);
    until("it was tried", async || deliveries(&server, &id, "").await[0]["attempt"] == 1).await;
    let pending = deliveries(&server, &id, "status=pending").await.remove(0);
    assert_eq!((&pending["id"], &pending["error"]), (&first["id"], &json!("status_503")));
    assert!(pending["next_attempt_at"].is_string());
    assert_eq!(get(&server, &format!("{BASE}/{id}")).await["status"], "failing");
    advance(&server, "1m").await;
    until("it was tried twice", async || deliveries(&server, &id, "").await[0]["attempt"] == 2).await;
    receiver.answer(200);
    advance(&server, "5m").await;
    let row = settled(&server, &id, "success", 1).await.remove(0);
    assert_eq!((&row["id"], &row["attempt"]), (&first["id"], &json!(3)));
    assert_eq!(deliveries(&server, &id, "").await.len(), 1, "a delivery is one row");
    let one = format!("{BASE}/{id}/deliveries/{}", row["id"].as_str().unwrap());
    let mut told = get(&server, &one).await;
    let attempts = told.as_object_mut().unwrap().remove("attempts").unwrap();
    assert_eq!(told, row);
    let codes: Vec<_> = attempts.as_array().unwrap().iter().map(|attempt| attempt["response_code"].clone()).collect();
    assert_eq!(codes, [503, 503, 200]);
    let numbers: Vec<_> = attempts.as_array().unwrap().iter().map(|attempt| attempt["attempt"].clone()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(get(&server, &format!("{BASE}/{id}")).await["statistics"]["success_rate_24h"], 0.33);

    // Sent again: another delivery of the same event.
    let again = server.call("POST", &format!("{one}/redeliver"), None).await;
    assert_eq!(again.status, 202, "{again:?}");
    assert_eq!((&again.body["event_id"], &again.body["status"]), (&row["event_id"], &json!("pending")));
    assert_ne!(again.body["id"], row["id"]);
    let rows = settled(&server, &id, "success", 2).await;
    assert_eq!((&rows[0]["id"], &rows[1]["id"]), (&again.body["id"], &row["id"]));
    let request = receiver.requests(4).await.remove(3);
    assert_eq!(
        (request.header("x-scaivault-event-id"), request.header("x-scaivault-replay")),
        (row["event_id"].as_str().unwrap(), "")
    );
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"enabled": false}))).await;
    let refused = server.call("POST", &format!("{one}/redeliver"), None).await;
    assert_eq!((refused.status, refused.code()), (409, "resource_in_use"));
}

#[tokio::test]
async fn what_waits_when_it_is_disabled_fails() {
    let server = Server::start();
    let receiver = Receiver::start();
    receiver.answer(500);
    let id = received(&server, &receiver, json!({"events": ["secret.created"]})).await;
    put(&server, "app/db", json!({"data": {"a": "b"}})).await;
    until("it was tried", async || deliveries(&server, &id, "").await.first().is_some_and(|row| row["attempt"] == 1))
        .await;
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"enabled": false}))).await;
    let row = settled(&server, &id, "failed", 1).await.remove(0);
    assert_eq!((&row["error"], &row["next_attempt_at"]), (&json!("webhook_disabled"), &Value::Null));
    until("that is noted", async || {
        get(&server, &format!("{BASE}/{id}/deliveries/{}", row["id"].as_str().unwrap())).await["response_code"]
            .is_null()
    })
    .await;
    let told = get(&server, &format!("{BASE}/{id}/deliveries/{}", row["id"].as_str().unwrap())).await;
    assert_eq!((&told["status"], told["attempts"].as_array().unwrap().len()), (&json!("failed"), 1));
    assert_eq!(deliveries(&server, &id, "").await.len(), 1);
}

#[tokio::test]
async fn the_past_is_sent_again() {
    let server = Server::start();
    let receiver = Receiver::start();
    let metadata = |tag: &str| json!({"metadata": {"tags": [tag]}});
    put(&server, "app/a", json!({"data": {"a": "b"}, "metadata": {"tags": ["pci"]}})).await;
    put(&server, "app/b", json!({"data": {"a": "b"}})).await;
    advance(&server, "1h").await;
    put(&server, "app/a", json!({"data": {"a": "c"}})).await;
    server.call("PATCH", "/v1/secrets/app/a", Some(metadata("other"))).await;
    put(&server, "app/a", json!({"data": {"a": "d"}})).await;
    get(&server, "/v1/secrets/app/b").await;
    let id = received(
        &server,
        &receiver,
        json!({"events": ["secret.created", "secret.updated"], "filters": {"path_prefix": "app/"}}),
    )
    .await;
    let now = get(&server, "/v1/sys/clock").await["now"].as_str().unwrap().to_owned();
    let from = get(&server, "/v1/secrets/metadata/app/a").await["created_at"].as_str().unwrap().to_owned();
    let replay = async |body: Value| server.call("POST", &format!("{BASE}/{id}/replay"), Some(body)).await;
    let answer = replay(json!({"from": from})).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(
        (&answer.body["webhook_id"], &answer.body["status"], &answer.body["events_queued"]),
        (&json!(id), &json!("queued"), &json!(4))
    );
    assert_eq!(answer.body["from"], from.as_str());
    let requests = receiver.requests(4).await;
    assert!(requests.iter().all(|request| request.header("x-scaivault-replay") == "true"));
    let of_a: Vec<_> = requests.iter().filter(|request| request.body["path"] == "app/a").collect();
    let told: Vec<_> = of_a.iter().map(|request| request.body["event_type"].as_str().unwrap()).collect();
    assert_eq!(told, ["secret.created", "secret.updated", "secret.updated"], "in order");
    assert_eq!(of_a[0].body["timestamp"], from.as_str());
    let queued = async |body: Value| replay(body).await.body["events_queued"].clone();
    assert_eq!(queued(json!({"from": from, "events": ["secret.created"]})).await, 2);
    assert_eq!(queued(json!({"from": from, "events": ["secret.accessed"]})).await, 1);
    assert_eq!(queued(json!({"from": now, "to": now})).await, 0);
    // Tags are those that the secret had then.
    let filters = json!({"filters": {"path_prefix": null, "tags": ["pci"]}});
    server.call("PATCH", &format!("{BASE}/{id}"), Some(filters)).await;
    assert_eq!(queued(json!({"from": from})).await, 2);
    for (body, field) in [
        (json!({}), "from"),
        (json!({"from": "2020-01-01"}), "from"),
        (json!({"from": now, "to": from}), "from"),
        (json!({"from": from, "events": ["secret.read"]}), "events"),
        (json!({"from": from, "until": now}), "until"),
    ] {
        let answer = replay(body.clone()).await;
        assert_eq!((answer.status, &answer.detail("fields")[0]["field"]), (422, &json!(field)), "{body}");
    }
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"enabled": false}))).await;
    let refused = replay(json!({"from": from})).await;
    assert_eq!((refused.status, refused.code()), (409, "resource_in_use"));
}

#[tokio::test]
async fn a_rotation_policy_tells_the_webhooks_it_names() {
    let server = Server::start();
    let receiver = Receiver::start();
    let id = received(&server, &receiver, json!({"events": ["token.created"]})).await;
    let other = webhook(&server, "other", json!({})).await;
    let policy = json!({"name": "p", "interval": "90d", "webhook_ids": [other, id, id]});
    let policy = made(&server, "/v1/rotation/policies", policy).await;
    assert_eq!(policy["webhook_ids"], json!([other, id]));
    let options = json!({"rotation_policy_id": "rot_p"});
    put(&server, "app/db", json!({"data": {"a": "b"}, "options": options})).await;
    made(&server, "/v1/secrets/app/db/rotate", json!({"new_value": {"a": "c"}})).await;
    let mut told: Vec<_> =
        receiver.requests(2).await.into_iter().map(|request| request.body["event_type"].clone()).collect();
    told.sort_by_key(|name| name.to_string());
    assert_eq!(told, ["rotation.completed", "secret.rotated"]);
    assert_eq!(server.call("DELETE", &format!("{BASE}/{other}"), None).await.status, 204);
    let shown = get(&server, "/v1/rotation/policies/rot_p").await;
    assert_eq!(shown["webhook_ids"], json!([id]), "one that is gone is not shown");
    let unknown = json!({"webhook_ids": [other]});
    let refused = server.call("PATCH", "/v1/rotation/policies/rot_p", Some(unknown)).await;
    assert_eq!((refused.status, refused.code()), (404, "webhook_not_found"));
    let many = json!({"webhook_ids": vec![id; 21]});
    let refused = server.call("PATCH", "/v1/rotation/policies/rot_p", Some(many)).await;
    assert_eq!(refused.status, 422);
}
