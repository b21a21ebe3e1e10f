//! Making, changing, listing and deleting subscriptions, and every refusal.

use serde_json::{Value, json};

use super::{BASE, Story, subscribed, wanted};
use crate::server::TOKEN;

#[tokio::test]
async fn a_subscription_is_made_changed_and_deleted() {
    let story = Story::begin().await;
    let made = story.ask("POST", BASE, Some(wanted(json!({"filters": {"path_prefix": "app/", "tags": ["x"]}})))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("sub_"));
    let expected = json!({
        "id": id, "name": "feed", "status": "active", "identity_id": "sa:keeper", "paths": ["app/**"],
        "events": ["secret.*"], "filters": {"path_prefix": "app/", "tags": ["x"]},
        "delivery": {"type": "polling", "buffer_size": 1000}, "pending_events": 0, "oldest_pending_at": null,
        "truncated": false, "last_delivery_at": null,
        "created_at": made.body["created_at"], "updated_at": made.body["created_at"],
    });
    assert_eq!(made.body, expected);
    assert_eq!(story.ask("GET", &format!("{BASE}/{id}"), None).await.body, expected);

    let change = json!({"name": "other", "filters": {"tags": null}, "delivery": {"buffer_size": 7}});
    let changed = story.ask("PATCH", &format!("{BASE}/{id}"), Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.body["name"], "other");
    assert_eq!(changed.body["filters"], json!({"path_prefix": "app/"}));
    assert_eq!(changed.body["delivery"], json!({"type": "polling", "buffer_size": 7}));
    let back = story.ask("PATCH", &format!("{BASE}/{id}"), Some(json!({"delivery": {"buffer_size": null}}))).await;
    assert_eq!(back.body["delivery"]["buffer_size"], 1000);
    let same = story.ask("PATCH", &format!("{BASE}/{id}"), Some(json!({"name": "other"}))).await;
    assert_eq!(same.body["updated_at"], back.body["updated_at"], "nothing has changed");

    assert_eq!(story.ask("DELETE", &format!("{BASE}/{id}"), None).await.status, 204);
    let gone = story.ask("GET", &format!("{BASE}/{id}"), None).await;
    assert_eq!((gone.status, gone.code()), (404, "subscription_not_found"));
    let logs = story.server.call("GET", "/v1/audit/logs?path_prefix=&limit=50", None).await;
    let actions: Vec<&str> =
        logs.body["logs"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    for action in ["subscription_create", "subscription_update", "subscription_delete"] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
}

#[tokio::test]
async fn a_pushed_one_shows_its_generated_secret_once() {
    let story = Story::begin().await;
    let delivery = json!({"type": "webhook", "url": "https://hooks.acme.example/x", "ed25519": true});
    let made = story.ask("POST", BASE, Some(wanted(json!({"delivery": delivery})))).await;
    assert_eq!(made.status, 201, "{made:?}");
    let shown = &made.body["delivery"];
    assert!(shown["secret"].as_str().unwrap().starts_with("whsec_"));
    assert!(shown["public_key"].as_str().unwrap().starts_with("whpk_"));
    let route = format!("{BASE}/{}", made.body["id"].as_str().unwrap());
    let later = story.ask("GET", &route, None).await.body["delivery"].clone();
    let expected = json!({"type": "webhook", "url": "https://hooks.acme.example/x", "format": "scaivault",
                          "ed25519": true, "public_key": shown["public_key"], "ca_pem": null});
    assert_eq!(later, expected);
    let change = json!({"delivery": {"secret": "another secret", "previous_secret_ttl": "1h", "ed25519": false}});
    let changed = story.ask("PATCH", &route, Some(change)).await;
    assert_eq!(changed.body["delivery"]["public_key"], Value::Null, "{changed:?}");
    assert!(changed.body["delivery"].get("secret").is_none());
    let given = json!({"type": "webhook", "url": "https://hooks.acme.example/x", "secret": "given here"});
    let made = story.ask("POST", BASE, Some(wanted(json!({"name": "given", "delivery": given})))).await;
    assert!(made.body["delivery"].get("secret").is_none(), "{made:?}");
    for verb in ["poll", "stream"] {
        let refused = story.ask("GET", &format!("{route}/{verb}"), None).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_request"), "{verb}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let story = Story::begin().await;
    let pushed = |more: Value| {
        let mut delivery = json!({"type": "webhook", "url": "https://hooks.acme.example/x"});
        delivery.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "delivery": delivery })
    };
    let many: Vec<String> = (0..51).map(|n| format!("app/{n}")).collect();
    for (more, status, code, field) in [
        (json!({"name": ""}), 422, "validation_error", "name"),
        (json!({"name": "x".repeat(129)}), 422, "validation_error", "name"),
        (json!({"paths": []}), 400, "invalid_glob", ""),
        (json!({ "paths": many }), 400, "invalid_glob", ""),
        (json!({"paths": ["/app"]}), 400, "invalid_glob", ""),
        (json!({"paths": "app/**"}), 422, "validation_error", "paths"),
        (json!({"events": []}), 422, "validation_error", "events"),
        (json!({"events": ["webhook.test"]}), 422, "validation_error", "events"),
        (json!({"events": ["secret"]}), 422, "validation_error", "events"),
        (json!({"filters": {"owner": "x"}}), 422, "validation_error", "filters.owner"),
        (json!({"filters": {"secret_type": "x"}}), 400, "invalid_secret_type", ""),
        (json!({"delivery": null}), 422, "validation_error", "delivery"),
        (json!({"delivery": {}}), 422, "validation_error", "delivery.type"),
        (json!({"delivery": {"type": "mail"}}), 422, "validation_error", "delivery.type"),
        (json!({"delivery": {"type": "polling", "buffer_size": 0}}), 422, "validation_error", "delivery.buffer_size"),
        (
            json!({"delivery": {"type": "polling", "buffer_size": 100_001}}),
            422,
            "validation_error",
            "delivery.buffer_size",
        ),
        (json!({"delivery": {"type": "polling", "url": "https://a.example"}}), 422, "validation_error", "delivery.url"),
        (json!({"delivery": {"type": "polling", "secret": "12345678"}}), 422, "validation_error", "delivery.secret"),
        (json!({"delivery": {"type": "polling", "ed25519": false}}), 422, "validation_error", "delivery.ed25519"),
        (json!({"delivery": {"type": "webhook"}}), 422, "validation_error", "delivery.url"),
        (pushed(json!({"buffer_size": 10})), 422, "validation_error", "delivery.buffer_size"),
        (pushed(json!({"url": "https://169.254.169.254/x"})), 422, "validation_error", "delivery.url"),
        (pushed(json!({"url": "http://hooks.acme.example"})), 422, "validation_error", "delivery.url"),
        (pushed(json!({"format": "xml"})), 422, "validation_error", "delivery.format"),
        (pushed(json!({"ca_pem": "no certificate"})), 422, "validation_error", "delivery.ca_pem"),
        (pushed(json!({"previous_secret_ttl": "1h"})), 422, "validation_error", "delivery.previous_secret_ttl"),
        (json!({"status": "active"}), 422, "validation_error", "status"),
    ] {
        let answer = story.ask("POST", BASE, Some(wanted(more.clone()))).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{more}: {answer:?}");
        if !field.is_empty() {
            let fields: Vec<&Value> =
                answer.detail("fields").as_array().unwrap().iter().map(|row| &row["field"]).collect();
            assert!(fields.contains(&&json!(field)), "{more}: {fields:?}");
        }
    }
    let short = story.ask("POST", BASE, Some(wanted(pushed(json!({"secret": "seven77"}))))).await;
    assert_eq!((short.status, short.code()), (422, "validation_error"), "{short:?}");
    let empty = story.ask("POST", BASE, Some(json!({}))).await;
    assert_eq!(empty.detail("fields").as_array().unwrap().len(), 4, "{empty:?}");

    let id = story.subscribed(json!({})).await;
    let taken = story.ask("POST", BASE, Some(wanted(json!({})))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    // Others may have one of the same name.
    subscribed(&story.server, TOKEN, json!({})).await;
    for change in [
        json!({"delivery": {"type": "webhook"}}),
        json!({"delivery": {"url": "https://a.example"}}),
        json!({"delivery": {"previous_secret_ttl": "1h"}}),
        json!({"name": null}),
    ] {
        let answer = story.ask("PATCH", &format!("{BASE}/{id}"), Some(change.clone())).await;
        assert_eq!((answer.status, answer.code()), (422, "validation_error"), "{change}: {answer:?}");
    }
}

#[tokio::test]
async fn others_do_not_see_it_but_administrators_do() {
    let story = Story::begin().await;
    let server = &story.server;
    let id = story.subscribed(json!({})).await;
    let roots = subscribed(server, TOKEN, json!({"name": "root's"})).await;
    let listed = story.ask("GET", BASE, None).await.body;
    assert_eq!(listed["subscriptions"].as_array().unwrap().len(), 1, "only its own");
    assert_eq!(listed["subscriptions"][0]["id"], id.as_str());
    let all = server.call("GET", &format!("{BASE}?limit=1"), None).await.body;
    assert_eq!(all["subscriptions"][0]["id"], roots.as_str(), "newest first");
    let cursor = all["cursor"].as_str().unwrap();
    let rest = server.call("GET", &format!("{BASE}?limit=1&cursor={cursor}"), None).await.body;
    assert_eq!((&rest["subscriptions"][0]["id"], &rest["has_more"]), (&json!(id), &json!(false)));

    for (verb, route, body) in [
        ("GET", String::new(), None),
        ("PATCH", String::new(), Some(json!({"name": "mine"}))),
        ("DELETE", String::new(), None),
        ("GET", "/poll?timeout=0".into(), None),
        ("GET", "/stream".into(), None),
        ("POST", "/ack".into(), Some(json!({"event_ids": ["evt_01JX5T3ZJ8Q4W6E2R9T1Y5V7BC"]}))),
    ] {
        let answer = story.ask(verb, &format!("{BASE}/{roots}{route}"), body.clone()).await;
        assert_eq!((answer.status, answer.code()), (404, "subscription_not_found"), "{verb} {route}");
        let by_root = server.call(verb, &format!("{BASE}/{id}{route}"), body).await;
        if route.is_empty() {
            assert!(by_root.status < 300, "an administrator: {verb}");
        } else {
            assert_eq!(by_root.code(), "subscription_not_found", "{route} is the owner's alone");
        }
    }
}

#[tokio::test]
async fn a_tenant_has_a_thousand_at_most() {
    let story = Story::begin().await;
    for n in 0..1_000 {
        story.subscribed(json!({"name": format!("s{n}")})).await;
    }
    let more = story.ask("POST", BASE, Some(wanted(json!({"name": "one more"})))).await;
    assert_eq!((more.status, more.code()), (409, "resource_in_use"));
}
