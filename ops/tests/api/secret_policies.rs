//! Secret policies: kept, used, attached and deleted.

mod encodings;
mod stored;

use serde_json::{Value, json};

use super::server::{Answer, Server};

pub const BASE: &str = "/v1/secret-policies";

/// Makes a policy of one name and these fields; its id.
pub async fn made(server: &Server, name: &str, fields: Value) -> String {
    let answer = server.call("POST", BASE, Some(json!({"name": name, "fields": fields}))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body["id"].as_str().unwrap().to_owned()
}

pub async fn get(server: &Server, path: &str) -> Value {
    let answer = server.call("GET", path, None).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// What a policy makes.
pub async fn values(server: &Server, id: &str) -> Value {
    let answer = server.call("POST", &format!("{BASE}/{id}/generate"), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["values"].clone()
}

/// Faulty fields of an answer.
fn faults(answer: &Answer) -> Vec<&str> {
    assert_eq!((answer.status, answer.code()), (422, "validation_error"), "{answer:?}");
    answer.detail("fields").as_array().unwrap().iter().map(|fault| fault["field"].as_str().unwrap()).collect()
}

/// The newest audit entry of an action.
pub async fn newest(server: &Server, action: &str) -> Value {
    get(server, &format!("/v1/audit/logs?action={action}&limit=1")).await["logs"][0].clone()
}

fn password() -> Value {
    json!([{"name": "password", "generator": "random", "config": {"charset": "safe", "require_symbol": true}}])
}

#[tokio::test]
async fn a_policy_is_shown_as_it_counts() {
    let server = Server::start();
    let body = json!({"name": "Database Passwords", "policy_type": "password", "fields": password()});
    let created = server.call("POST", BASE, Some(body)).await;
    assert_eq!(created.status, 201);
    let at = created.body["created_at"].clone();
    let wanted = json!({
        "id": "sp_database_passwords", "name": "Database Passwords", "description": "", "policy_type": "password",
        "fields": [{"name": "password", "generator": "random", "config": {
            "length": 32, "charset": "safe", "require_upper": false, "require_lower": false, "require_digit": false,
            "require_symbol": true}}],
        "is_active": true, "created_at": at, "updated_at": at,
    });
    assert_eq!(created.body, wanted);
    assert_eq!(get(&server, &format!("{BASE}/sp_database_passwords")).await, wanted);
    let entry = newest(&server, "secret_policy_create").await;
    assert_eq!((&entry["success"], &entry["resource"]), (&json!(true), &json!("secret-policies")));

    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "1h"}))).await;
    let change = json!({"name": "Renamed", "description": "d", "policy_type": null, "fields": [
        {"name": "private_key", "generator": "ssh_keypair"}, {"name": "pin", "generator": "hex", "config": {"length": 5}}]});
    let changed = server.call("PATCH", &format!("{BASE}/sp_database_passwords"), Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.body["id"], &changed.body["name"]), (&json!("sp_database_passwords"), &json!("Renamed")));
    assert_eq!((&changed.body["policy_type"], &changed.body["created_at"]), (&json!("custom"), &at));
    assert_ne!(changed.body["updated_at"], at);
    let config = json!({"key_type": "ed25519", "comment": "", "public_name": "public_key"});
    assert_eq!(changed.body["fields"][0]["config"], config);
    let entry = newest(&server, "secret_policy_update").await;
    assert_eq!(entry["resource"], "secret-policies/sp_database_passwords");
    // What is shown can be given again.
    let again = json!({"fields": changed.body["fields"], "description": null, "is_active": false});
    let again = server.call("PATCH", &format!("{BASE}/sp_database_passwords"), Some(again)).await;
    assert_eq!((&again.body["fields"], &again.body["description"]), (&changed.body["fields"], &json!("")));
    assert_eq!(again.body["is_active"], false);
}

#[tokio::test]
async fn names_and_slugs_are_taken_once() {
    let server = Server::start();
    assert_eq!(made(&server, "One", password()).await, "sp_one");
    assert_eq!(made(&server, "Two", password()).await, "sp_two");
    let taken = |answer: Answer| assert_eq!((answer.status, answer.code()), (409, "name_taken"), "{answer:?}");
    let rename = |id: &str, name: &str| {
        let (path, body) = (format!("{BASE}/{id}"), json!({ "name": name }));
        let server = &server;
        async move { server.call("PATCH", &path, Some(body)).await }
    };
    for name in ["ONE", "one!", "-One-"] {
        taken(server.call("POST", BASE, Some(json!({"name": name, "fields": password()}))).await);
        taken(rename("sp_two", name).await);
    }
    assert_eq!(rename("sp_one", "oNe").await.status, 200);
    assert_eq!(rename("sp_one", "Three").await.body["id"], "sp_one");
    // The name is free; the id is not.
    taken(server.call("POST", BASE, Some(json!({"name": "One", "fields": password()}))).await);
    assert_eq!(server.call("DELETE", &format!("{BASE}/sp_one"), None).await.status, 204);
    assert_eq!(newest(&server, "secret_policy_delete").await["resource"], "secret-policies/sp_one");
    assert_eq!(made(&server, "One", password()).await, "sp_one");
    for (verb, path, body) in [
        ("GET", "sp_three", None),
        ("PATCH", "sp_three", Some(json!({}))),
        ("DELETE", "sp_three", None),
        ("POST", "sp_three/generate", None),
        ("GET", "pol_1", None),
        ("GET", "SP_ONE", None),
    ] {
        let answer = server.call(verb, &format!("{BASE}/{path}"), body).await;
        assert_eq!((answer.status, answer.code()), (404, "secret_policy_not_found"), "{verb} {path}");
    }
}

#[tokio::test]
async fn all_faults_are_told_at_once() {
    let server = Server::start();
    let create = |body: Value| {
        let server = &server;
        async move { server.call("POST", BASE, Some(body)).await }
    };
    assert_eq!(faults(&create(json!({})).await), ["name", "fields"]);
    let body = json!({"name": "日本", "policy_type": "pin", "description": "a".repeat(1_001), "is_active": 1, "extra": 1,
        "fields": [{"name": "1", "generator": "random", "config": {"length": 3, "colour": "red"}, "type": "x"},
                   {"generator": "nothing"}, {"name": "a", "generator": "hex", "config": []}, {"name": "a", "generator": "uuid"},
                   {"name": null, "generator": 4}]});
    let mut found = faults(&create(body).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
    found.sort();
    let wanted = [
        "description",
        "extra",
        "fields[0].config.colour",
        "fields[0].config.length",
        "fields[0].name",
        "fields[0].type",
        "fields[1].generator",
        "fields[1].name",
        "fields[2].config",
        "fields[3].name",
        "fields[4].generator",
        "fields[4].name",
        "is_active",
        "name",
        "policy_type",
    ];
    assert_eq!(found, wanted);
    for (body, field) in [
        (json!({"name": "", "fields": password()}), "name"),
        (json!({"name": "a".repeat(101), "fields": password()}), "name"),
        (json!({"name": "a", "fields": []}), "fields"),
        (json!({"name": "a", "fields": {}}), "fields"),
        (json!({"name": "a", "fields": [1]}), "fields"),
        (json!({"name": "a", "fields": null}), "fields"),
        (json!({"name": null, "fields": password()}), "name"),
        (json!({"name": "a", "fields": [{"name": "a", "generator": "uuid", "config": null}]}), "fields[0].config"),
    ] {
        assert_eq!(faults(&create(body.clone()).await), [field], "{body}");
    }
    let id = made(&server, "a", password()).await;
    let generate = format!("{BASE}/{id}/generate");
    for (body, field) in [
        (json!({"secret_type": "kv"}), "secret_type"),
        (json!({"store_path": 1}), "store_path"),
        (json!({"path": "a"}), "path"),
    ] {
        assert_eq!(faults(&server.call("POST", &generate, Some(body.clone())).await), [field], "{body}");
    }
}

#[tokio::test]
async fn policies_are_listed_by_name() {
    let server = Server::start();
    for (name, kind, active) in [("beta", "api_key", true), ("Alpha", "password", true), ("gamma", "password", false)] {
        let body = json!({"name": name, "policy_type": kind, "is_active": active, "fields": password()});
        assert_eq!(server.call("POST", BASE, Some(body)).await.status, 201);
    }
    let names = |page: &Value| -> Vec<String> {
        page["secret_policies"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    };
    let list = |query: &str| {
        let path = format!("{BASE}{query}");
        let server = &server;
        async move { get(server, &path).await }
    };
    let all = list("").await;
    assert_eq!(
        (names(&all), &all["cursor"], &all["has_more"]),
        (vec!["Alpha".into(), "beta".into()], &Value::Null, &json!(false))
    );
    assert_eq!(names(&list("?include_inactive=true").await), ["Alpha", "beta", "gamma"]);
    assert_eq!(names(&list("?include_inactive=true&policy_type=password").await), ["Alpha", "gamma"]);
    let first = list("?limit=1").await;
    assert_eq!((names(&first), &first["has_more"]), (vec!["Alpha".to_owned()], &json!(true)));
    let next = list(&format!("?limit=5&cursor={}", first["cursor"].as_str().unwrap())).await;
    assert_eq!((names(&next), &next["has_more"]), (vec!["beta".to_owned()], &json!(false)));
    let foreign = server
        .call("GET", &format!("{BASE}?include_inactive=true&cursor={}", first["cursor"].as_str().unwrap()), None)
        .await;
    assert_eq!(foreign.code(), "invalid_cursor");
    assert_eq!(faults(&server.call("GET", &format!("{BASE}?policy_type=pin"), None).await), ["query.policy_type"]);
}

#[tokio::test]
async fn the_catalogue_is_complete() {
    let server = Server::start();
    let types = get(&server, &format!("{BASE}/types")).await;
    let names = |key: &str| types[key].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names("policy_types").len(), 5);
    assert_eq!(names("charsets").len(), 8);
    let generators = json!([
        "random",
        "hex",
        "uuid",
        "template",
        "rsa_keypair",
        "ec_keypair",
        "ssh_keypair",
        "bcrypt_hash",
        "static"
    ]);
    assert_eq!(json!(names("generators")), generators);
    let wanted = json!({"name": "hex", "description": "Lower-case hexadecimal digits", "outputs": ["{name}"],
        "config": [{"name": "length", "type": "integer", "default": 32, "min": 4, "max": 1024, "values": null}]});
    assert_eq!(types["generators"][1], wanted);
    assert_eq!(types["charsets"][2], json!({"name": "numeric", "characters": "0123456789", "size": 10}));
    assert_eq!(types["charsets"][7], json!({"name": "custom", "characters": null, "size": null}));
    assert_eq!(newest(&server, "read").await["resource"], "secret-policies/types");
}

#[tokio::test]
async fn previews_leave_nothing_but_their_entry() {
    let server = Server::with(&[("LOG_LEVEL", "debug"), ("LOG_FORMAT", "json")]);
    let id = made(&server, "Passwords", password()).await;
    let before = get(&server, "/v1/secrets").await["total_count"].clone();
    let key = [("Idempotency-Key", "one")];
    let path = format!("{BASE}/{id}/generate");
    let preview = || server.call_as(super::server::TOKEN, "POST", &path, Some(json!({})), &key);
    let (first, second) = (preview().await, preview().await);
    assert_eq!((first.status, second.status), (200, 200));
    assert_eq!(second.header("idempotency-replayed"), "", "a preview is not kept");
    assert_eq!(first.header("cache-control"), "no-store");
    let value = first.body["values"]["password"].as_str().unwrap().to_owned();
    assert!(value.len() == 32 && value.contains(['-', '_', '.']), "{value}");
    assert_ne!(first.body["values"], second.body["values"]);
    assert_eq!(first.body["secret_policy_id"], "sp_passwords");
    assert!(first.body["generated_at"].is_string());
    assert_eq!(get(&server, "/v1/secrets").await["total_count"], before);
    let entry = newest(&server, "secret_policy_generate").await;
    assert_eq!((&entry["resource"], &entry["secret_path"]), (&json!("secret-policies/sp_passwords"), &Value::Null));
    // The server's log and the audit have neither value.
    let log = server.log_of(4).await;
    let audit = get(&server, "/v1/audit/logs?limit=1000").await.to_string();
    assert!(!log.contains(&value) && !audit.contains(&value));
    // An inactive one makes nothing.
    server.call("PATCH", &format!("{BASE}/{id}"), Some(json!({"is_active": false}))).await;
    let refused = server.call("POST", &path, None).await;
    assert_eq!((refused.status, refused.code()), (422, "validation_error"));
}

#[tokio::test]
async fn another_tenant_has_its_own() {
    let server = Server::start();
    let id = made(&server, "Passwords", password()).await;
    let tenant =
        server.call("POST", "/v1/identity/tenants", Some(json!({"name": "Elsewhere", "partner_id": "ptn_dev"}))).await;
    assert_eq!(tenant.status, 201, "{tenant:?}");
    let there = format!("/v1/t/{}", tenant.body["id"].as_str().unwrap());
    let path = format!("{there}/secret-policies");
    assert_eq!(get(&server, &path).await["secret_policies"], json!([]));
    assert_eq!(server.call("GET", &format!("{path}/{id}"), None).await.code(), "secret_policy_not_found");
    let attach = json!({"data": {}, "options": {"secret_policy_id": id}});
    let refused = server.call("PUT", &format!("{there}/secrets/app/db"), Some(attach)).await;
    assert_eq!((refused.status, refused.code()), (404, "secret_policy_not_found"));
    let same = server.call("POST", &path, Some(json!({"name": "passwords", "fields": password()}))).await;
    assert_eq!((same.status, &same.body["id"]), (201, &json!("sp_passwords")));
}
