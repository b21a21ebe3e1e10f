//! What belongs to one tenant is nothing to another: its ids answer like ids of nothing.

use serde_json::{Value, json};

use super::authorisation::{operations, url_of};
use super::server::{Answer, Server};

/// An administrator of another tenant, and what there is in the first one.
struct Neighbours {
    server: Server,
    /// Of the other tenant, with every scope.
    administrator: String,
    /// Of the first tenant: ids of every kind.
    ids: Vec<String>,
}

impl Neighbours {
    async fn begin() -> Self {
        let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
        let tenant =
            server.call("POST", "/v1/identity/tenants", Some(json!({"name": "Other", "partner_id": "ptn_dev"}))).await;
        let other = tenant.body["id"].as_str().unwrap().to_owned();
        let administrator = key(&server, &format!("/v1/t/{other}"), json!(["tenant_admin"])).await.0;
        let mut ids = vec!["tnt_dev".to_owned(), "ptn_dev".to_owned()];
        ids.extend(made(&server).await);
        Self { server, administrator, ids }
    }
}

/// A key of a new service account with these roles, and the ids of both.
pub async fn key(server: &Server, tenant: &str, roles: Value) -> (String, Vec<String>) {
    let name = roles[0].as_str().unwrap_or("Keeper").to_owned();
    let accounts = format!("{tenant}/identity/service-accounts");
    let account =
        server.call("POST", &accounts, Some(json!({"name": name, "roles": roles, "scopes": ["admin"]}))).await;
    assert_eq!(account.status, 201, "{account:?}");
    let account = account.body["id"].as_str().unwrap().to_owned();
    let made = server.call("POST", &format!("{accounts}/{account}/keys"), Some(json!({"name": "k"}))).await;
    assert_eq!(made.status, 201, "{made:?}");
    (made.body["key"].as_str().unwrap().to_owned(), vec![account, made.body["id"].as_str().unwrap().to_owned()])
}

/// One thing of every kind in the first tenant.
async fn made(server: &Server) -> Vec<String> {
    let make = async |path: &str, body: Value| {
        let answer = server.call("POST", path, Some(body)).await;
        assert_eq!(answer.status, 201, "{path} {answer:?}");
        answer.body["id"].as_str().unwrap().to_owned()
    };
    let policy =
        make("/v1/policies", json!({"name": "p", "rules": [{"path_pattern": "**", "permissions": ["read"]}]})).await;
    let bind = json!({"identity_type": "group", "identity_id": "group:sre"});
    let binding = make(&format!("/v1/policies/{policy}/bindings"), bind).await;
    let token = make("/v1/auth/tokens", json!({"name": "t", "scopes": ["secrets:read"]})).await;
    let jwks = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    let issuer = json!({"name": "i", "issuer": "https://i.example", "audiences": ["a"], "jwks": jwks});
    let issuer = make("/v1/auth/issuers", issuer).await;
    let (_, mut ids) = key(server, "/v1", json!([])).await;
    let rule = json!({"name": "x", "issuer_id": issuer, "subject": "s", "identity_id": "sa:keeper", "scopes": ["secrets:read"]});
    let rule = make("/v1/auth/exchange-rules", rule).await;
    let listed = server.call("GET", "/v1/identity/tenants/tnt_dev/users", None).await;
    ids.extend(
        listed.body["users"].as_array().into_iter().flatten().map(|user| user["id"].as_str().unwrap().to_owned()),
    );
    let interval = json!({"name": "theirs", "interval": "90d"});
    ids.push(make("/v1/rotation/policies", interval).await);
    let webhook =
        json!({"name": "theirs", "url": "https://hooks.example", "secret": "a secret of theirs", "events": ["*"]});
    ids.push(make("/v1/webhooks", webhook).await);
    let feed = json!({"name": "theirs", "paths": ["**"], "events": ["*"], "delivery": {"type": "polling"}});
    ids.push(make("/v1/subscriptions", feed).await);
    let period = json!({"from": "2020-01-01", "to": "2020-01-02"});
    let replay = server.call("POST", "/v1/policies/replay", Some(period)).await;
    ids.push(replay.body["id"].as_str().unwrap().to_owned());
    let logs = server.call("GET", "/v1/audit/logs?limit=1", None).await.body;
    ids.extend([policy, binding, token, issuer, rule, logs["logs"][0]["id"].as_str().unwrap().to_owned()]);
    ids
}

/// An id of the same kind that nothing has.
fn unknown(id: &str) -> String {
    let kind = id.split('_').next().unwrap();
    format!("{kind}_01JXR90A3T6W8K2M5P7Q9S1V4X")
}

/// What a caller learns: status and body, but for the id it sent itself and the request's.
fn learnt(answer: &Answer, id: &str) -> (u16, String) {
    let mut body = answer.body.clone();
    if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
        error.remove("request_id");
    }
    (answer.status, body.to_string().replace(id, "…"))
}

#[tokio::test]
async fn ids_of_another_tenant_are_ids_of_nothing() {
    let Neighbours { server, administrator, ids } = Neighbours::begin().await;
    let description = server.call_as("", "GET", "/v1/openapi.json", None, &[]).await.body;
    let mut compared = 0;
    for (path, verb, operation) in operations(&description) {
        let id = operation["operationId"].as_str().unwrap();
        if !path.contains('{') || path.contains("{path}") || id.ends_with("_in_tenant") {
            continue;
        }
        for theirs in &ids {
            let ask = async |id: &str| {
                let url = url_of(&path, id);
                let body = operation.get("requestBody").map(|_| json!({}));
                learnt(&server.call_as(&administrator, &verb, &url, body, &[]).await, id)
            };
            let (status, told) = ask(theirs).await;
            // The partner is that of both tenants.
            if theirs == "ptn_dev" && status < 300 {
                continue;
            }
            assert_eq!((status, told), ask(&unknown(theirs)).await, "{verb} {path} with {theirs}");
            // Of an identity nobody knows there is a trail without entries.
            assert!(status >= 400 || id == "read_identity_trail", "{verb} {path} with {theirs} opens");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared} compared");
    // All of it is still there.
    for path in ["/v1/policies", "/v1/auth/issuers", "/v1/auth/exchange-rules", "/v1/auth/tokens"] {
        let left = server.call("GET", path, None).await.body;
        let rows = left.as_object().unwrap().values().find_map(Value::as_array).unwrap();
        assert!(!rows.is_empty(), "{path}");
    }
    assert_eq!(server.call("GET", "/v1/identity/service-accounts", None).await.body["total"], 1);
}

#[tokio::test]
async fn the_same_path_in_two_tenants_is_two_things() {
    let Neighbours { server, administrator, .. } = Neighbours::begin().await;
    server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"of": "first"}}))).await;
    let read = async |path: &str| server.call_as(&administrator, "GET", path, None, &[]).await;
    assert_eq!(read("/v1/secrets/app/db").await.code(), "secret_not_found");
    let body = Some(json!({"data": {"of": "other"}}));
    assert_eq!(server.call_as(&administrator, "PUT", "/v1/secrets/app/db", body, &[]).await.status, 201);
    assert_eq!(read("/v1/secrets/app/db").await.body["data"]["of"], "other");
    assert_eq!(server.call("GET", "/v1/secrets/app/db", None).await.body["data"]["of"], "first");
    let (known, unknown) = (read("/v1/t/tnt_dev/secrets/app/db").await, read("/v1/t/tnt_none/secrets/app/db").await);
    assert_eq!((known.status, known.code()), (403, "tenant_access_denied"));
    assert_eq!(learnt(&known, ""), learnt(&unknown, ""), "whether the tenant exists or not");
}
