//! Policies that secrets name, and values that go straight into a secret.

use serde_json::{Value, json};

use super::{BASE, get, made, newest, values};
use crate::server::{Answer, Server, TOKEN};

fn fields() -> Value {
    json!([{"name": "password", "generator": "hex", "config": {"length": 16}},
           {"name": "host", "generator": "static", "config": {"value": "db.acme.example"}}])
}

async fn write(server: &Server, path: &str, body: Value) -> Answer {
    server.call("PUT", &format!("/v1/secrets/{path}"), Some(body)).await
}

async fn store(server: &Server, id: &str, body: Value) -> Answer {
    server.call("POST", &format!("{BASE}/{id}/generate"), Some(body)).await
}

/// What a secret is said to name: in its metadata, in a list, in a batch and beside its value.
async fn named(server: &Server, path: &str) -> Value {
    let metadata = get(server, &format!("/v1/secrets/metadata/{path}")).await["secret_policy_id"].clone();
    let list = get(server, &format!("/v1/secrets?prefix={path}&include_metadata=true")).await;
    let batch = server.call("POST", "/v1/secrets/batch/metadata", Some(json!({"paths": [path]}))).await.body;
    let value = get(server, &format!("/v1/secrets/{path}")).await;
    assert_eq!(list["secrets"][0]["secret_policy_id"], metadata);
    assert_eq!(batch["metadata"][path]["secret_policy_id"], metadata);
    assert_eq!(value.get("secret_policy_id").cloned().unwrap_or_default(), metadata);
    metadata
}

#[tokio::test]
async fn a_secret_names_its_policy_as_long_as_that_is_there() {
    let server = Server::start();
    let id = made(&server, "Passwords", fields()).await;
    let attach = json!({"data": {"password": "x"}, "options": {"secret_policy_id": id}});
    assert_eq!(write(&server, "app/a", attach.clone()).await.status, 201);
    assert_eq!(named(&server, "app/a").await, json!(id));
    assert_eq!(write(&server, "app/a", json!({"data": {}})).await.status, 200);
    assert_eq!(named(&server, "app/a").await, json!(id), "a further version keeps it");
    for body in [json!({"options": {"secret_policy_id": "sp_none"}}), json!({"options": {"secret_policy_id": "none"}})]
    {
        let refused = server.call("PATCH", "/v1/secrets/app/a", Some(body)).await;
        assert_eq!((refused.status, refused.code()), (404, "secret_policy_not_found"));
    }
    let cleared = server.call("PATCH", "/v1/secrets/app/a", Some(json!({"options": {"secret_policy_id": null}}))).await;
    assert_eq!((cleared.status, &cleared.body["secret_policy_id"]), (200, &Value::Null));
    assert_eq!(named(&server, "app/a").await, Value::Null);
    let again = server.call("PATCH", "/v1/secrets/app/a", Some(json!({"options": {"secret_policy_id": id}}))).await;
    assert_eq!(again.body["secret_policy_id"], json!(id));

    write(&server, "app/b", attach).await;
    server.call("DELETE", "/v1/secrets/app/b", None).await;
    let refused = server.call("DELETE", &format!("{BASE}/{id}"), None).await;
    assert_eq!((refused.status, refused.code()), (409, "resource_in_use"));
    assert_eq!(refused.body["error"]["details"], json!({"rotation_policies": [], "secrets_count": 2}));
    let before = get(&server, "/v1/secrets/metadata/app/a").await["updated_at"].clone();
    let moment = server.call("POST", "/v1/sys/clock", Some(json!({"advance": "1h"}))).await.body["now"].clone();
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "1h"}))).await;
    assert_eq!(server.call("DELETE", &format!("{BASE}/{id}?force=true"), None).await.status, 204);
    assert_eq!(named(&server, "app/a").await, Value::Null);
    // Nothing happened to the secret, and what was then is told as it was.
    assert_eq!(get(&server, "/v1/secrets/metadata/app/a").await["updated_at"], before);
    let then = get(&server, &format!("/v1/secrets/app/a?at={}", moment.as_str().unwrap())).await;
    assert_eq!(then["secret_policy_id"], json!(id));
    // Another one with that id is another one.
    assert_eq!(made(&server, "Passwords", fields()).await, id);
    assert_eq!(named(&server, "app/a").await, Value::Null);
    let untouched =
        server.call("PATCH", "/v1/secrets/app/a", Some(json!({"options": {"secret_policy_id": null}}))).await;
    assert_eq!(untouched.body["updated_at"], before, "there was nothing to clear");
    assert_eq!(server.call("DELETE", &format!("{BASE}/{id}"), None).await.status, 204);
    let partner = server
        .call("PUT", "/v1/partner/secrets/a", Some(json!({"data": {}, "options": {"secret_policy_id": id}})))
        .await;
    assert_eq!((partner.status, partner.code()), (422, "validation_error"));
}

#[tokio::test]
async fn stored_values_are_laid_over_what_is_there() {
    let server = Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")]);
    let id = made(&server, "Passwords", fields()).await;
    let created = store(&server, &id, json!({"store_path": "app/db"})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let at = created.body["created_at"].clone();
    let wanted = json!({"path": "app/db", "secret_type": "json", "version": 1, "created": true, "created_at": at});
    assert_eq!((&created.body, created.header("etag")), (&wanted, "\"1\""));
    assert!(!created.header("x-scaivault-position").is_empty());
    let first = get(&server, "/v1/secrets/app/db").await;
    assert_eq!((&first["data"]["host"], &first["secret_policy_id"]), (&json!("db.acme.example"), &json!(id)));
    let entry = newest(&server, "write").await;
    assert_eq!((&entry["secret_path"], &entry["secret_version"]), (&json!("app/db"), &json!(1)));
    assert_eq!(
        (&entry["resource"], &entry["extra_data"]["permission"]),
        (&json!(format!("secret-policies/{id}")), &json!("write"))
    );

    let body = json!({"data": {"port": 5432.10, "password": "old", "user": "app"}, "secret_type": "kv",
                      "metadata": {"owner": "team:db"}, "options": {"secret_policy_id": null}});
    write(&server, "app/db", body).await;
    let updated = store(&server, &id, json!({"store_path": "app/db", "secret_type": "api_key"})).await;
    assert_eq!(
        (updated.status, &updated.body["version"], &updated.body["previous_version"]),
        (200, &json!(3), &json!(2))
    );
    assert!(updated.body.get("data").is_none() && updated.body.get("values").is_none());
    let third = get(&server, "/v1/secrets/app/db").await;
    assert_eq!(third["secret_type"], "kv", "the type of a secret that is there stays");
    assert_eq!((&third["metadata"]["owner"], &third["secret_policy_id"]), (&json!("team:db"), &json!(id)));
    let keys: Vec<&String> = third["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["port", "password", "user", "host"]);
    assert_eq!(third["data"]["password"].as_str().unwrap().len(), 16);
    assert_ne!(third["data"]["password"], first["data"]["password"]);
    let log = server.log_of(7).await;
    let audit = get(&server, "/v1/audit/logs?limit=1000").await.to_string();
    let password = third["data"]["password"].as_str().unwrap();
    assert!(!log.contains(password) && !audit.contains(password));
}

#[tokio::test]
async fn storing_asks_for_scope_and_permission() {
    let server = Server::start();
    let id = made(&server, "Passwords", fields()).await;
    let path = format!("{BASE}/{id}/generate");
    let reader = server.token(&["policies:read"], json!({})).await;
    let preview = server.call_as(&reader, "POST", &path, None, &[]).await;
    assert_eq!(preview.status, 200);
    let body = json!({"store_path": "app/db"});
    let refused = server.call_as(&reader, "POST", &path, Some(body.clone()), &[]).await;
    assert_eq!((refused.status, refused.detail("required_scope")), (403, &json!("secrets:write")));
    let entry = newest(&server, "write").await;
    assert_eq!((&entry["success"], &entry["secret_path"]), (&json!(false), &json!("app/db")));
    assert_eq!(entry["resource"], json!(format!("secret-policies/{id}")));
    let writer = server.token(&["policies:write"], json!({})).await;
    assert_eq!(server.call_as(&writer, "POST", &path, None, &[]).await.status, 403);
    assert_eq!(newest(&server, "secret_policy_generate").await["resource"], json!(format!("secret-policies/{id}")));
    let narrowed = server.token(&["policies:read", "secrets:write"], json!({"allowed_paths": ["other/**"]})).await;
    let refused = server.call_as(&narrowed, "POST", &path, Some(body.clone()), &[]).await;
    assert_eq!((refused.status, refused.detail("reason")), (403, &json!("token_path_restriction")));
    for (body, status, code) in [
        (json!({"store_path": "/app"}), 400, "invalid_path"),
        (json!({"store_path": "app/rotate"}), 400, "invalid_path"),
        (json!({"store_path": "app/db", "secret_type": "pin"}), 400, "invalid_secret_type"),
    ] {
        let refused = server.call("POST", &path, Some(body)).await;
        assert_eq!((refused.status, refused.code()), (status, code));
    }
    let unknown = server.call("POST", &format!("{BASE}/sp_none/generate"), Some(body.clone())).await;
    assert_eq!((unknown.status, unknown.code()), (404, "secret_policy_not_found"));
    write(&server, "app/db", json!({"data": {}})).await;
    server.call("DELETE", "/v1/secrets/app/db", None).await;
    let deleted = server.call("POST", &path, Some(body.clone())).await;
    assert_eq!((deleted.status, deleted.code()), (409, "secret_exists"));
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"is_active": false}))).await;
    let inactive = server.call("POST", &path, Some(json!({"store_path": "app/other"}))).await;
    assert_eq!((inactive.status, inactive.code()), (422, "validation_error"));
    assert_eq!(server.call("GET", "/v1/secrets/app/other", None).await.status, 404);
}

#[tokio::test]
async fn a_stored_value_is_made_once() {
    let server = Server::start();
    let id = made(&server, "Passwords", fields()).await;
    let (path, key) = (format!("{BASE}/{id}/generate"), [("Idempotency-Key", "k")]);
    let body = json!({"store_path": "app/db"});
    let again = || server.call_as(TOKEN, "POST", &path, Some(body.clone()), &key);
    let (first, second) = (again().await, again().await);
    assert_eq!((first.status, second.status, &first.body), (201, 201, &second.body));
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(get(&server, "/v1/secrets/metadata/app/db").await["current_version"], 1);
    let other = server.call_as(TOKEN, "POST", &path, Some(json!({"store_path": "app/x"})), &key).await;
    assert_eq!(other.code(), "idempotency_key_reuse");
}

/// Writers who do not wait for each other: every version is laid over the one before it, and none is lost.
#[tokio::test]
async fn overtaken_values_are_laid_over_anew() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(made(&server, name, json!([{"name": name, "generator": "uuid"}])).await);
    }
    let rounds = ids.iter().flat_map(|id| std::iter::repeat_n(id, 5));
    let writes = rounds.map(|id| store(&server, id, json!({"store_path": "app/shared"})));
    let answers = futures_util::future::join_all(writes).await;
    let mut versions: Vec<u64> = answers.iter().map(|answer| answer.body["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=20).collect::<Vec<_>>());
    let data = get(&server, "/v1/secrets/app/shared").await["data"].clone();
    assert_eq!(data.as_object().unwrap().len(), 4, "{data}");
}

#[tokio::test]
async fn a_value_is_never_the_one_before() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let id = made(
        &server,
        "Coin",
        json!([{"name": "side", "generator": "template",
        "config": {"template": "{{random:1}}", "charset": "custom", "characters": "01"}}]),
    )
    .await;
    let mut last = Value::Null;
    for _ in 0..12 {
        store(&server, &id, json!({"store_path": "app/coin"})).await;
        let side = get(&server, "/v1/secrets/app/coin").await["data"]["side"].clone();
        assert_ne!(side, last);
        last = side;
    }
}

#[tokio::test]
async fn what_would_become_too_large_is_refused() {
    let server = Server::start();
    let text = "x".repeat(4_096);
    let fields =
        (0..20).map(|index| json!({"name": format!("f{index}"), "generator": "static", "config": {"value": text}}));
    let id = made(&server, "Large", Value::from_iter(fields)).await;
    assert_eq!(values(&server, &id).await.as_object().unwrap().len(), 20);
    assert_eq!(write(&server, "app/db", json!({"data": {"a": "x".repeat(500_000)}})).await.status, 201);
    let refused = store(&server, &id, json!({"store_path": "app/db"})).await;
    assert_eq!((refused.status, refused.code(), refused.detail("limit")), (413, "payload_too_large", &json!(524_288)));
    assert_eq!(get(&server, "/v1/secrets/metadata/app/db").await["current_version"], 1);
}

#[tokio::test]
async fn policies_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::keeping(directory.path());
    let id = made(&server, "Passwords", fields()).await;
    store(&server, &id, json!({"store_path": "app/db"})).await;
    let before = (get(&server, &format!("{BASE}/{id}")).await, get(&server, "/v1/secrets/app/db").await);
    server.stop();
    let server = Server::keeping(directory.path());
    assert_eq!((get(&server, &format!("{BASE}/{id}")).await, get(&server, "/v1/secrets/app/db").await), before);
    assert_eq!(server.call("DELETE", &format!("{BASE}/{id}"), None).await.detail("secrets_count"), &json!(1));
}
