//! Synchronisation with ScaiKey over HTTP.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::mirror::signed;
use crate::provider::{CLIENT, Provider, WEBHOOK_SECRET};
use crate::server::Server;

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const AT: &str = "2026-04-23T14:00:00Z";

pub async fn configured(more: &[(&str, &str)]) -> (Provider, Server) {
    let provider = Provider::start().await;
    provider
        .set("partners", json!([{"id": "prt_acme", "name": "Acme", "slug": "acme", "region": "eu", "updated_at": AT}]));
    provider.set(
        "tenants",
        json!([
            {"id": "acme_one", "partner_id": "prt_acme", "name": "One", "slug": "acme-one", "updated_at": AT},
            {"id": "acme_two", "partner_id": "prt_acme", "name": "Two", "slug": "acme-two", "updated_at": AT},
        ]),
    );
    provider.set(
        "tenants/acme%5Fone/users",
        json!([
            {"id": "u1", "email": "a@acme.example", "display_name": "A", "roles": ["tenant_admin", "king"], "updated_at": AT},
            {"id": "u2", "email": "b@acme.example", "display_name": "B", "updated_at": AT},
            {"id": "u3", "email": "c@acme.example", "display_name": "C", "status": "SUSPENDED", "updated_at": AT},
        ]),
    );
    provider.set("tenants/acme%5Fone/groups", json!([{"id": "g1", "name": "Sre", "updated_at": AT}]));
    provider.set("tenants/acme%5Fone/members", json!([{"group_id": "g1", "user_id": "u1", "added_at": AT}]));
    let variables = [
        ("SCAIKEY_URL", provider.url.as_str()),
        ("SCAIKEY_CLIENT_ID", CLIENT.0),
        ("SCAIKEY_CLIENT_SECRET", CLIENT.1),
        ("BASE_URL", "https://vault.example"),
    ];
    let server = Server::with(&[&variables, more].concat());
    (provider, server)
}

/// Waits for the end of a synchronisation.
pub async fn ended(server: &Server, id: &str) -> Value {
    let asked = Instant::now();
    loop {
        let sync = server.call("GET", &format!("/v1/identity/sync/{id}"), None).await.body;
        if sync["status"] != "running" {
            return sync;
        }
        assert!(asked.elapsed() < PATIENCE, "{sync}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub async fn synchronise(server: &Server, query: &str) -> Value {
    let started = server.call("POST", &format!("/v1/identity/sync{query}"), None).await;
    assert_eq!(started.status, 202, "{started:?}");
    ended(server, started.body["sync_id"].as_str().unwrap()).await
}

fn counts(sync: &Value) -> [u64; 4] {
    ["created", "updated", "deleted", "unchanged"].map(|name| sync[name].as_u64().unwrap())
}

#[tokio::test]
async fn everything_is_taken_over_and_what_is_absent_ends() {
    let (provider, server) = configured(&[("IDENTITY_SYNC_ENABLED", "false")]).await;
    let first = synchronise(&server, "").await;
    assert_eq!(
        (&first["status"], &first["trigger"], counts(&first)),
        (&json!("completed"), &json!("manual"), [8, 0, 0, 0]),
        "{first}"
    );
    let users = server.call("GET", "/v1/identity/tenants/tnt_acme_one/users", None).await.body;
    assert_eq!(users["total"], 3);
    let a = &users["users"][0];
    assert_eq!((&a["id"], &a["roles"], &a["groups"]), (&json!("usr_u1"), &json!(["tenant_admin"]), &json!(["grp_g1"])));
    assert_eq!(users["users"][2]["status"], "SUSPENDED");
    let secret = "/v1/t/tnt_acme_two/secrets/app/db";
    assert_eq!(server.call("PUT", secret, Some(json!({"data": {}}))).await.status, 201, "new tenants have their keys");

    let again = synchronise(&server, "").await;
    assert_eq!(counts(&again), [0, 0, 0, 8], "{again}");
    let later = "2026-04-23T15:00:00Z";
    provider.set(
        "tenants/acme%5Fone/users",
        json!([
            {"id": "u1", "email": "a@acme.example", "display_name": "Anna", "updated_at": later},
            {"id": "u2", "email": "b@acme.example", "display_name": "Late", "updated_at": "2026-04-23T13:00:00Z"},
        ]),
    );
    provider.set("tenants/acme%5Fone/members", json!([]));
    provider.set(
        "tenants",
        json!([{"id": "acme_one", "partner_id": "prt_acme", "name": "One", "slug": "acme-one", "updated_at": AT}]),
    );
    let third = synchronise(&server, "").await;
    // Anna is changed; a user, a membership and a tenant are gone; what comes late counts as nothing.
    assert_eq!(counts(&third), [0, 1, 3, 3], "{third}");
    let users = server.call("GET", "/v1/identity/tenants/tnt_acme_one/users", None).await.body;
    assert_eq!(
        (&users["total"], &users["users"][0]["display_name"], &users["users"][0]["groups"]),
        (&json!(2), &json!("Anna"), &json!([]))
    );
    assert_eq!(users["users"][1]["display_name"], "B");
    let two = server.call("GET", "/v1/identity/tenants/tnt_acme_two", None).await.body;
    assert_eq!(two["status"], "DELETED");
    let local = server.call("GET", "/v1/identity/tenants/tnt_dev", None).await.body;
    assert_eq!((&local["status"], &local["source"]), (&json!("ACTIVE"), &json!("local")), "what was made here stays");

    let one = synchronise(&server, "?tenant_id=tnt_acme_one").await;
    assert_eq!((&one["tenant_id"], &one["status"]), (&json!("tnt_acme_one"), &json!("completed")));
    let history = server.call("GET", "/v1/identity/sync/history?page_size=2", None).await.body;
    assert_eq!((&history["total"], &history["syncs"][0]), (&json!(4), &one));
    assert_eq!(server.call("GET", "/v1/identity/sync/history?status=failed", None).await.body["total"], 0);
    for path in ["sync/sync_none", "sync/tok_1"] {
        let unknown = server.call("GET", &format!("/v1/identity/{path}"), None).await;
        assert_eq!((unknown.status, unknown.code()), (404, "not_found"), "{path}");
    }
    let unknown = server.call("POST", "/v1/identity/sync?tenant_id=tnt_none", None).await;
    assert_eq!(unknown.code(), "tenant_not_found");
}

#[tokio::test]
async fn a_failing_provider_changes_nothing() {
    let (provider, server) = configured(&[("IDENTITY_SYNC_ENABLED", "false")]).await;
    synchronise(&server, "").await;
    provider.fail(true);
    let failed = synchronise(&server, "").await;
    assert_eq!((&failed["status"], &failed["error"]["code"]), (&json!("failed"), &json!("backend_error")), "{failed}");
    assert!(failed["completed_at"].is_string() && !failed.to_string().contains("somebody else"), "{failed}");
    assert_eq!(counts(&failed), [0, 0, 0, 0]);
    assert_eq!(server.call("GET", "/v1/identity/tenants/tnt_acme_one/users", None).await.body["total"], 3);
    let body = json!({"scope": "platform", "email": "admin@acme.example"});
    let refused = server.call("POST", "/v1/identity/scaikey", Some(body)).await;
    assert_eq!((refused.status, refused.code(), refused.detail("backend")), (502, "backend_error", &json!("scaikey")));
    assert_eq!(server.call("GET", "/v1/identity/scaikey", None).await.body["status"], "unregistered");
}

#[tokio::test]
async fn a_registration_brings_a_secret_and_starts_a_synchronisation() {
    let (provider, server) = configured(&[("IDENTITY_SYNC_ENABLED", "false")]).await;
    let body = json!({"scope": "platform", "email": "admin@acme.example"});
    let registered = server.call("POST", "/v1/identity/scaikey", Some(body)).await;
    assert_eq!((registered.status, &registered.body["scaikey_url"]), (201, &json!(provider.url)), "{registered:?}");
    assert_eq!(registered.body["webhook_url"], "https://vault.example/v1/identity/webhooks/scaikey");
    assert!(!registered.body.to_string().contains(WEBHOOK_SECRET));
    let asked = provider.contents.lock().unwrap().registered.clone().unwrap();
    assert_eq!((&asked["scope"], &asked["webhook_url"]), (&json!("platform"), &registered.body["webhook_url"]));
    let begun = Instant::now();
    let shown = loop {
        let shown = server.call("GET", "/v1/identity/scaikey", None).await.body;
        if shown["last_sync_status"] == "completed" {
            break shown;
        }
        assert!(begun.elapsed() < PATIENCE, "{shown}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let sync = ended(&server, shown["last_sync_id"].as_str().unwrap()).await;
    assert_eq!((&sync["trigger"], &shown["status"]), (&json!("registration"), &json!("active")));

    let event = json!({"event_id": "evt_1", "event_type": "user.created", "timestamp": AT, "resource": {"id": "u9"},
                       "data": {"email": "z@acme.example"}, "tenant_id": "tnt_acme_one"});
    let event = event.to_string();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/v1/identity/webhooks/scaikey", server.address));
    let request = request.header("content-type", "application/json");
    let signature = signed(&event, jiff::Timestamp::now().as_second(), WEBHOOK_SECRET);
    let request =
        crate::mirror::OTHER_HEADERS.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.header("X-ScaiKey-Signature", signature).body(event).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["applied"], true, "{answer}");
}

#[tokio::test]
async fn it_takes_place_by_itself() {
    let (_provider, server) = configured(&[]).await;
    let begun = Instant::now();
    loop {
        let history = server.call("GET", "/v1/identity/sync/history?status=completed", None).await.body;
        if history["total"] == 1 {
            assert_eq!(history["syncs"][0]["trigger"], "schedule");
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{history}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
