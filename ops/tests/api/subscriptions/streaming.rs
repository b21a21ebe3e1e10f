//! Streams: what comes, from where on, how many, and how they end.

use std::time::Duration;

use serde_json::json;

use super::feed::Feed;
use super::{BASE, Story, entries, ids, polled, put, subscribed};
use crate::server::{Server, TOKEN};

#[tokio::test]
async fn a_stream_begins_with_what_waits_and_goes_on() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({})).await;
    put(&server, "app/a").await;
    let mut feed = Feed::open(&server, TOKEN, &id, None).await.unwrap();
    let block = feed.next().await.unwrap();
    let waiting = polled(&server, TOKEN, &id, "").await;
    assert_eq!((block.event.as_str(), &block.id), ("secret.created", &ids(&waiting)[0]));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&block.data).unwrap(), waiting["events"][0]);
    put(&server, "app/b").await;
    assert_eq!(feed.event().await.1["path"], "app/b");
    // Sent is not acknowledged.
    let mut again = Feed::open(&server, TOKEN, &id, None).await.unwrap();
    assert_eq!(again.event().await.1["path"], "app/a");
    let mut resumed = Feed::open(&server, TOKEN, &id, Some(&block.id)).await.unwrap();
    assert_eq!(resumed.event().await.1["path"], "app/b");
    assert!(resumed.is_silent().await);
    drop((feed, again, resumed));

    // The poll, and each stream twice.
    let recorded = entries(&server, 7).await;
    let mut counts: Vec<i64> = recorded.iter().map(|entry| entry["extra_data"]["events"].as_i64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts.iter().sum::<i64>(), 1 + 2 + 2 + 1, "{counts:?}");
    assert!(recorded.iter().all(|entry| entry["success"] == true && entry["source_ip"] == "127.0.0.1"));
}

#[tokio::test]
async fn only_so_many_are_open() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({})).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(Feed::open(&server, TOKEN, &id, None).await.unwrap());
    }
    let refused = Feed::open(&server, TOKEN, &id, None).await.err().unwrap();
    assert_eq!(refused.status(), 409);
    assert_eq!(refused.json::<serde_json::Value>().await.unwrap()["error"]["code"], "resource_in_use");
    open.pop();
    // That one has gone is seen when its connection breaks.
    let mut tries = 0;
    while Feed::open(&server, TOKEN, &id, None).await.is_err() {
        tries += 1;
        assert!(tries < 200, "a place is given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn an_overflow_is_told_before_the_next_event() {
    let server = Server::start();
    let id = subscribed(&server, TOKEN, json!({"delivery": {"type": "polling", "buffer_size": 1}})).await;
    put(&server, "app/a").await;
    let first = ids(&polled(&server, TOKEN, &id, "").await)[0].clone();
    put(&server, "app/b").await;
    put(&server, "app/c").await;
    let lost = Feed::open(&server, TOKEN, &id, Some(&first)).await.err().unwrap();
    assert_eq!(lost.status(), 400);
    assert_eq!(lost.json::<serde_json::Value>().await.unwrap()["error"]["code"], "invalid_cursor");
    let malformed = Feed::open(&server, TOKEN, &id, Some("1")).await.err().unwrap();
    assert_eq!(malformed.json::<serde_json::Value>().await.unwrap()["error"]["code"], "invalid_request");
    let mut feed = Feed::open(&server, TOKEN, &id, None).await.unwrap();
    assert_eq!(feed.event().await, ("truncated".into(), json!({})));
    assert_eq!(feed.event().await.1["path"], "app/c");
}

#[tokio::test]
async fn it_ends_with_the_token() {
    let story = Story::begin().await;
    let server = &story.server;
    story.permit(json!([{"path_pattern": "app/**", "permissions": ["list"]}])).await;
    let id = subscribed(server, TOKEN, json!({})).await;
    let token = server.token(&["subscriptions:read"], json!({})).await;
    let mut feed = Feed::open(server, &token, &id, None).await.unwrap();
    server.call("POST", "/v1/auth/revoke", Some(json!({ "token": token }))).await;
    let (event, error) = feed.event().await;
    assert_eq!((event.as_str(), &error["error"]["code"]), ("error", &json!("token_revoked")));
    assert!(error["error"]["request_id"].as_str().unwrap().starts_with("req_"));
    assert_eq!(feed.next().await, None);

    let brief = server.token(&["subscriptions:read"], json!({"expires_in": "1m"})).await;
    let mut feed = Feed::open(server, &brief, &id, None).await.unwrap();
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "2m"}))).await;
    assert_eq!(feed.event().await.1["error"]["code"], "authentication_required");

    let mine = story.subscribed(json!({})).await;
    let mut feed = Feed::open(server, &story.keeper, &mine, None).await.unwrap();
    let accounts = server.call("GET", "/v1/identity/service-accounts", None).await.body;
    let account = format!("/v1/identity/service-accounts/{}", accounts["service_accounts"][0]["id"].as_str().unwrap());
    server.call("PATCH", &account, Some(json!({"is_active": false}))).await;
    put(server, "app/a").await;
    assert_eq!(feed.event().await.1["error"]["code"], "token_revoked", "the identity has ended");
}

#[tokio::test]
async fn permissions_count_at_each_event() {
    let story = Story::begin().await;
    let server = &story.server;
    let id = story.subscribed(json!({})).await;
    let policy = story.permit(json!([{"path_pattern": "app/**", "permissions": ["list"]}])).await;
    let mut feed = Feed::open(server, &story.keeper, &id, None).await.unwrap();
    put(server, "app/a").await;
    assert_eq!(feed.event().await.1["path"], "app/a");
    server.call("PATCH", &format!("/v1/policies/{policy}"), Some(json!({"is_active": false}))).await;
    put(server, "app/b").await;
    assert!(feed.is_silent().await);
    server.call("PATCH", &format!("/v1/policies/{policy}"), Some(json!({"is_active": true}))).await;
    put(server, "app/c").await;
    assert_eq!(feed.event().await.1["path"], "app/c");
    // What was passed over counts as acknowledged.
    let shown = story.ask("GET", &format!("{BASE}/{id}"), None).await.body;
    assert_eq!(shown["pending_events"], 2);
}

#[tokio::test]
async fn it_ends_with_the_server_and_with_its_subscription() {
    let story = Story::begin().await;
    let id = subscribed(&story.server, TOKEN, json!({})).await;
    let other = subscribed(&story.server, TOKEN, json!({"name": "other"})).await;
    let mut feed = Feed::open(&story.server, TOKEN, &other, None).await.unwrap();
    story.server.call("DELETE", &format!("{BASE}/{other}"), None).await;
    assert_eq!(feed.event().await.1["error"]["code"], "subscription_not_found");
    assert_eq!(feed.next().await, None);
    let mut feed = Feed::open(&story.server, TOKEN, &id, None).await.unwrap();
    let stopping = tokio::task::spawn_blocking(|| story.server.stop());
    assert_eq!(feed.event().await.1["error"]["code"], "service_unavailable");
    assert_eq!(feed.next().await, None);
    stopping.await.unwrap();
}
