//! What webhooks say, and who may have them say it.

use serde_json::{Value, json};

use super::{BASE, SECRET, content, webhook};
use crate::isolation::key;
use crate::rotation::{get, made};
use crate::server::{Answer, Server};

fn faults(answer: &Answer) -> Vec<&str> {
    assert_eq!((answer.status, answer.code()), (422, "validation_error"), "{answer:?}");
    answer.detail("fields").as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_webhook_is_shown_as_it_counts() {
    let server = Server::start();
    let more =
        json!({"events": ["secret.rotated", "rotation.*"], "filters": {"path_prefix": "environments/production/"}});
    let created = server.call("POST", BASE, Some(content("rotation-handler", more))).await;
    assert_eq!(created.status, 201, "{created:?}");
    let (id, at) = (created.body["id"].as_str().unwrap().to_owned(), created.body["created_at"].clone());
    assert!(id.starts_with("wh_") && id.len() == 29);
    let mut wanted = json!({
        "id": id, "name": "rotation-handler", "url": "https://hooks.acme.example/in",
        "events": ["secret.rotated", "rotation.*"], "filters": {"path_prefix": "environments/production/"},
        "format": "scaivault", "ed25519": false, "public_key": null, "ca_pem": null, "enabled": true, "status": "healthy",
        "disabled_reason": null, "previous_secret_expires_at": null, "created_by": created.body["created_by"],
        "created_at": at, "updated_at": at,
    });
    assert_eq!(created.body, wanted);
    wanted["statistics"] = json!({"deliveries_24h": 0, "success_rate_24h": null, "avg_latency_ms": null});
    wanted["last_delivery"] = Value::Null;
    assert_eq!(get(&server, &format!("{BASE}/{id}")).await, wanted);
    let row = json!({"id": id, "name": "rotation-handler", "url": "https://hooks.acme.example/in",
                     "events": ["secret.rotated", "rotation.*"], "enabled": true, "status": "healthy", "created_at": at});
    assert_eq!(get(&server, BASE).await, json!({"webhooks": [row], "cursor": null, "has_more": false}));

    let one = format!("{BASE}/{id}");
    let patch = async |body: Value| {
        let answer = server.call("PATCH", &one, Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    };
    // Nothing new: nothing happens.
    assert_eq!(patch(json!({"name": "rotation-handler", "enabled": true, "secret": SECRET})).await["updated_at"], at);
    let merged = patch(json!({"filters": {"secret_type": "json", "tags": ["pci"]}, "format": "cloudevents"})).await;
    let filters = json!({"path_prefix": "environments/production/", "secret_type": "json", "tags": ["pci"]});
    assert_eq!((&merged["filters"], &merged["format"]), (&filters, &json!("cloudevents")));
    let cleared = patch(json!({"filters": {"path_prefix": null, "tags": null}, "format": null})).await;
    assert_eq!((&cleared["filters"], &cleared["format"]), (&json!({"secret_type": "json"}), &json!("scaivault")));
    assert_eq!(patch(json!({"filters": null})).await["filters"], json!({}));

    let disabled = patch(json!({"enabled": false})).await;
    assert_eq!((&disabled["status"], &disabled["disabled_reason"]), (&json!("disabled"), &json!("requested")));
    let enabled = patch(json!({"enabled": null})).await;
    assert_eq!((&enabled["status"], &enabled["disabled_reason"]), (&json!("healthy"), &Value::Null));

    // A pair stays while it is wanted, and another one is made when it is wanted again.
    let first = patch(json!({"ed25519": true})).await["public_key"].clone();
    assert!(first.as_str().unwrap().starts_with("whpk_"));
    assert_eq!(patch(json!({"ed25519": true})).await["public_key"], first);
    assert_eq!(patch(json!({"secret": "another secret"})).await["public_key"], first);
    assert_eq!(patch(json!({"ed25519": false})).await["public_key"], Value::Null);
    assert_ne!(patch(json!({"ed25519": true})).await["public_key"], first);

    assert_eq!(server.call("DELETE", &one, None).await.status, 204);
    for verb in ["GET", "DELETE"] {
        let gone = server.call(verb, &one, None).await;
        assert_eq!((gone.status, gone.code()), (404, "webhook_not_found"));
    }
}

#[tokio::test]
async fn a_replaced_secret_counts_for_as_long_as_is_said() {
    let server = Server::start();
    let id = webhook(&server, "w", json!({})).await;
    let one = format!("{BASE}/{id}");
    let until = async |body: Value| {
        let answer = server.call("PATCH", &one, Some(body)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let now = get(&server, "/v1/sys/clock").await["now"].clone();
        let seconds = |time: &Value| {
            let parsed: scaivault_domain::Timestamp = scaivault_domain::Timestamp::parse(time.as_str()?)?;
            Some(parsed.as_seconds())
        };
        seconds(&answer.body["previous_secret_expires_at"]).map(|until| until - seconds(&now).unwrap())
    };
    let day = until(json!({"secret": "the second secret"})).await.unwrap();
    assert!((86_390..=86_400).contains(&day), "{day}");
    let week = until(json!({"secret": "the third secret", "previous_secret_ttl": "7d"})).await.unwrap();
    assert!((7 * 86_400 - 10..=7 * 86_400).contains(&week), "{week}");
    made(&server, "/v1/sys/clock", json!({"advance": "7d"})).await;
    assert_eq!(get(&server, &one).await["previous_secret_expires_at"], Value::Null);
    for (body, status) in [
        (json!({"previous_secret_ttl": "1h"}), 422),
        (json!({"secret": "the fourth secret", "previous_secret_ttl": "8d"}), 422),
        (json!({"secret": "the fourth secret", "previous_secret_ttl": "soon"}), 400),
    ] {
        assert_eq!(server.call("PATCH", &one, Some(body.clone())).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let server = Server::start();
    for (more, fields) in [
        (json!({"name": ""}), vec!["name"]),
        (json!({"name": "x".repeat(129)}), vec!["name"]),
        (json!({"url": "http://hooks.acme.example"}), vec!["url"]),
        (json!({"url": "https://169.254.169.254/"}), vec!["url"]),
        (json!({"url": "https://user:pass@hooks.acme.example"}), vec!["url"]),
        (json!({"url": "https://hooks.acme.example#part"}), vec!["url"]),
        (json!({"url": format!("https://hooks.acme.example/{}", "x".repeat(2_048))}), vec!["url"]),
        (json!({"secret": "seven77"}), vec!["secret"]),
        (json!({"secret": "whsec_AAAA"}), vec!["secret"]),
        (json!({"secret": "x".repeat(257)}), vec!["secret"]),
        (json!({"secret": null}), vec!["secret"]),
        (json!({"events": []}), vec!["events"]),
        (json!({"events": ["secret.*", "secret.read"]}), vec!["events"]),
        (json!({"events": ["webhook.test"]}), vec!["events"]),
        (json!({"events": vec!["*"; 101]}), vec!["events"]),
        (json!({"filters": {"tag": "x"}}), vec!["filters.tag"]),
        (json!({"filters": {"tags": [""]}}), vec!["filters.tags"]),
        (json!({"filters": {"path_prefix": "x".repeat(513)}}), vec!["filters.path_prefix"]),
        (json!({"format": "xml"}), vec!["format"]),
        (json!({"ca_pem": "no certificate"}), vec!["ca_pem"]),
        (json!({"ca_pem": "x".repeat(64 * 1024 + 1)}), vec!["ca_pem"]),
        (json!({"enabled": "yes"}), vec!["enabled"]),
        (json!({"previous_secret_ttl": "1h"}), vec!["previous_secret_ttl"]),
        (json!({"name": "", "secret": "x", "events": ["x"]}), vec!["events", "name", "secret"]),
    ] {
        let answer = server.call("POST", BASE, Some(content("w", more.clone()))).await;
        let mut found = faults(&answer);
        found.sort_unstable();
        assert_eq!(found, fields, "{more}");
        assert!(!answer.body.to_string().contains("seven77"));
    }
    let empty = server.call("POST", BASE, Some(json!({}))).await;
    assert_eq!(faults(&empty), ["name", "url", "secret", "events"]);
    let unknown_type = server.call("POST", BASE, Some(content("w", json!({"filters": {"secret_type": "pem"}})))).await;
    assert_eq!((unknown_type.status, unknown_type.code()), (400, "invalid_secret_type"));

    let id = webhook(&server, "w", json!({})).await;
    let taken = server.call("POST", BASE, Some(content("w", json!({})))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    webhook(&server, "v", json!({})).await;
    let taken = server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"name": "v"}))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));
    for field in ["name", "url", "secret", "events"] {
        let answer = server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({ field: null }))).await;
        assert_eq!(faults(&answer), [field]);
    }
}

#[tokio::test]
async fn a_tenant_has_a_hundred_at_most_page_by_page() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let mut ids = Vec::new();
    for number in 0..100 {
        ids.push(webhook(&server, &format!("w{number}"), json!({})).await);
    }
    let one_more = server.call("POST", BASE, Some(content("one more", json!({})))).await;
    assert_eq!((one_more.status, one_more.code()), (409, "resource_in_use"));
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&server, &format!("{BASE}?limit=30{cursor}")).await;
        let rows = page["webhooks"].as_array().unwrap().clone();
        found.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    ids.reverse();
    assert_eq!(found, ids);
}

#[tokio::test]
async fn tenants_have_their_own_and_nobody_sees_a_secret() {
    let server = Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")]);
    let id = webhook(&server, "w", json!({"ed25519": true})).await;
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"secret": "the second secret"}))).await;
    let tenant = json!({"name": "Other", "partner_id": "ptn_dev"});
    let other = made(&server, "/v1/identity/tenants", tenant).await["id"].as_str().unwrap().to_owned();
    let administrator = key(&server, &format!("/v1/t/{other}"), json!(["tenant_admin"])).await.0;
    for (verb, path, body) in [
        ("GET", "", None),
        ("PATCH", "", Some(json!({"enabled": false}))),
        ("DELETE", "", None),
        ("POST", "/test", None),
        ("GET", "/deliveries", None),
        ("GET", "/deliveries/del_01JX5X2B4D6F8H0K2M4P6R8T0V", None),
        ("POST", "/deliveries/del_01JX5X2B4D6F8H0K2M4P6R8T0V/redeliver", None),
        ("POST", "/replay", Some(json!({"from": "2026-01-01"}))),
    ] {
        let answer = server.call_as(&administrator, verb, &format!("{BASE}/{id}{path}"), body, &[]).await;
        assert_eq!((answer.status, answer.code()), (404, "webhook_not_found"), "{verb} {path}");
    }
    let theirs = server.call_as(&administrator, "GET", BASE, None, &[]).await;
    assert_eq!(theirs.body["webhooks"], json!([]));
    let said = [
        get(&server, BASE).await.to_string(),
        get(&server, &format!("{BASE}/{id}")).await.to_string(),
        get(&server, "/v1/audit/logs?limit=200").await.to_string(),
        server.log_of(5).await,
    ];
    for text in said {
        assert!(!text.contains(SECRET) && !text.contains("the second secret"), "{text}");
    }
    let logs = get(&server, &format!("/v1/audit/logs?resource=webhooks/{id}&limit=200")).await;
    let actions: Vec<_> = logs["logs"].as_array().unwrap().iter().map(|log| log["action"].clone()).collect();
    for action in ["read", "webhook_update"] {
        assert!(actions.contains(&json!(action)), "{action} in {actions:?}");
    }
}
