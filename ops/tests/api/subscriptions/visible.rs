//! Who is told what: by what the owner may do when it is told.

use std::time::Duration;

use serde_json::{Value, json};

use super::{BASE, Story, paths, polled, put, subscribed};
use crate::isolation::key;
use crate::server::TOKEN;

fn list(pattern: &str) -> Value {
    json!([{"path_pattern": pattern, "permissions": ["list"]}])
}

#[tokio::test]
async fn only_what_may_be_listed_or_read_is_told() {
    let story = Story::begin().await;
    let server = &story.server;
    let id = story.subscribed(json!({"paths": ["**"], "events": ["*"]})).await;
    story.permit(list("app/listed/**")).await;
    story.permit(json!([{"path_pattern": "app/read/**", "permissions": ["read"]}])).await;
    story
        .permit(json!([{"path_pattern": "app/mfa/**", "permissions": ["read"], "conditions": {"require_mfa": true}}]))
        .await;
    story.permit(json!([{"path_pattern": "app/here/**", "permissions": ["list"], "conditions": {"ip_ranges": ["127.0.0.0/8"]}}])).await;
    for path in ["app/listed/a", "app/read/b", "app/mfa/c", "app/here/d", "app/none/e"] {
        put(server, path).await;
    }
    // Of the others it does not even learn that they are there.
    assert_eq!(story.ask("GET", &format!("{BASE}/{id}"), None).await.body["pending_events"], 3);
    let told = polled(server, &story.keeper, &id, "").await;
    assert_eq!(paths(&told), ["app/listed/a", "app/read/b", "app/here/d"], "{told}");
    // The others are gone, whatever is permitted later; so are those without a path.
    story.permit(list("**")).await;
    assert_eq!(paths(&polled(server, &story.keeper, &id, "").await).len(), 3);
    assert_eq!(story.ask("GET", &format!("{BASE}/{id}"), None).await.body["pending_events"], 3);
}

#[tokio::test]
async fn what_is_permitted_while_it_waits_counts() {
    let story = Story::begin().await;
    let server = &story.server;
    let id = story.subscribed(json!({})).await;
    let route = format!("{BASE}/{id}/poll?timeout=20");
    let (answer, ()) = tokio::join!(story.ask("GET", &route, None), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        put(server, "app/before").await;
        story.permit(list("app/**")).await;
        put(server, "app/after").await;
    });
    assert_eq!(paths(&answer.body), ["app/after"]);
}

#[tokio::test]
async fn a_token_that_ends_ends_the_poll() {
    let story = Story::begin().await;
    let server = &story.server;
    let token = server.token(&["subscriptions:read"], json!({})).await;
    let id = subscribed(server, TOKEN, json!({})).await;
    let route = format!("{BASE}/{id}/poll?timeout=20");
    let (answer, ()) = tokio::join!(server.call_as(&token, "GET", &route, None, &[]), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.call("POST", "/v1/auth/revoke", Some(json!({ "token": token }))).await;
        put(server, "app/a").await;
    });
    assert_eq!((answer.status, answer.code()), (401, "token_revoked"), "{answer:?}");
}

#[tokio::test]
async fn events_without_a_path_are_for_administrators() {
    let story = Story::begin().await;
    let server = &story.server;
    story.permit(list("**")).await;
    let mine = story.subscribed(json!({"paths": ["**"], "events": ["policy.*"]})).await;
    let all = subscribed(server, TOKEN, json!({"name": "all", "paths": ["**"], "events": ["policy.*"]})).await;
    let some = subscribed(server, TOKEN, json!({"name": "some", "paths": ["app/**"], "events": ["policy.*"]})).await;
    story.permit(list("app/**/x")).await;
    let types = |answer: &Value| -> Vec<Value> {
        answer["events"].as_array().unwrap().iter().map(|event| event["event_type"].clone()).collect()
    };
    assert!(types(&polled(server, &story.keeper, &mine, "").await).is_empty());
    let told = polled(server, TOKEN, &all, "").await;
    assert_eq!(types(&told), [json!("policy.created"), json!("policy.binding.created")]);
    assert!(told["events"][0].get("path").is_none());
    assert!(types(&polled(server, TOKEN, &some, "").await).is_empty());
}

#[tokio::test]
async fn tenants_are_apart_and_partner_secrets_reach_all_of_them() {
    let story = Story::begin().await;
    let server = &story.server;
    let tenant = json!({"name": "Other", "partner_id": "ptn_dev"});
    let other = server.call("POST", "/v1/identity/tenants", Some(tenant)).await.body["id"].as_str().unwrap().to_owned();
    let (there, _) = key(server, &format!("/v1/t/{other}"), json!(["tenant_admin"])).await;
    let here = subscribed(server, TOKEN, json!({"paths": ["**"]})).await;
    let elsewhere = subscribed(server, &there, json!({"paths": ["**"]})).await;
    put(server, "app/a").await;
    let written = server.call("PUT", "/v1/partner/secrets/shared/x", Some(json!({"data": {"k": "v"}}))).await;
    assert_eq!(written.status, 201, "{written:?}");
    assert_eq!(paths(&polled(server, TOKEN, &here, "").await), ["app/a", "shared/x"]);
    assert_eq!(paths(&polled(server, &there, &elsewhere, "").await), ["shared/x"]);
    let foreign = server.call_as(&there, "GET", &format!("{BASE}/{here}"), None, &[]).await;
    assert_eq!(foreign.code(), "subscription_not_found");
    // One that a super_admin makes in another tenant is not that of its namesake there.
    let visiting = format!("/v1/t/{other}/subscriptions");
    let made = server.call("POST", &visiting, Some(super::wanted(json!({"name": "visit"})))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let route = format!("{visiting}/{}/poll?timeout=0", made.body["id"].as_str().unwrap());
    assert_eq!(server.call("GET", &route, None).await.status, 200);
}

#[tokio::test]
async fn a_suspended_owner_has_it_paused() {
    let story = Story::begin().await;
    let server = &story.server;
    let id = story.subscribed(json!({})).await;
    let accounts = server.call("GET", "/v1/identity/service-accounts", None).await.body;
    let account = accounts["service_accounts"][0]["id"].as_str().unwrap().to_owned();
    let switch = async |active: bool| {
        let route = format!("/v1/identity/service-accounts/{account}");
        let changed = server.call("PATCH", &route, Some(json!({ "is_active": active }))).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    };
    story.permit(list("app/**")).await;
    switch(false).await;
    put(server, "app/a").await;
    let shown = server.call("GET", &format!("{BASE}/{id}"), None).await.body;
    assert_eq!((&shown["status"], &shown["pending_events"]), (&json!("paused"), &json!(0)));
    switch(true).await;
    put(server, "app/b").await;
    assert_eq!(paths(&polled(server, &story.keeper, &id, "").await), ["app/b"]);
}
