//! Every operation of the description, asked by everybody: who has no token, a bad one, one that has ended, no policy,
//! another tenant, another partner; and who may.

use serde_json::{Value, json};

use super::authorisation::{operations, scopes_of, url_of};
use super::isolation::key;
use super::server::{Answer, Server};

/// Operations on the secret that their path names.
const BY_PATH: &[&str] = &[
    "read_secret",
    "write_secret",
    "update_secret",
    "delete_secret",
    "restore_secret",
    "rotate_secret",
    "list_secret_versions",
    "list_secret_consumers",
    "read_secret_metadata",
    "detach_secret_from_rotation_policy",
];
/// Operations that need an administrative role besides their scope.
const BY_ROLE: &[&str] = &[
    "list_issuers",
    "create_issuer",
    "read_issuer",
    "update_issuer",
    "delete_issuer",
    "list_exchange_rules",
    "create_exchange_rule",
    "read_exchange_rule",
    "update_exchange_rule",
    "delete_exchange_rule",
    "start_audit_reindex",
    "read_audit_reindex",
    "show_clock",
    "move_clock",
    "verify_audit",
];

/// One operation, ready to be asked for.
struct Asked {
    id: String,
    verb: String,
    url: String,
    body: Option<Value>,
}

impl Asked {
    fn is(&self, names: &[&str]) -> bool {
        let name = self.id.trim_start_matches("partner_").trim_end_matches("_in_tenant");
        names.contains(&name)
    }

    async fn by(&self, server: &Server, token: &str, headers: &[(&str, &str)]) -> Answer {
        server.call_as(token, &self.verb, &self.url, self.body.clone(), headers).await
    }
}

/// Every operation that asks for a token.
async fn asked(server: &Server) -> Vec<Asked> {
    let description = server.call_as("", "GET", "/v1/openapi.json", None, &[]).await.body;
    let all = operations(&description).into_iter().map(|(path, verb, operation)| Asked {
        id: operation["operationId"].as_str().unwrap().to_owned(),
        verb,
        url: url_of(&path, ""),
        body: operation.get("requestBody").map(|_| json!({})),
    });
    all.filter(|asked| scopes_of(&asked.id).is_some()).collect()
}

fn refusal(answer: &Answer) -> (u16, &str, &Value) {
    (answer.status, answer.code(), answer.detail("reason"))
}

#[tokio::test]
async fn bad_tokens_open_nothing() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let ended = server.token(&["admin"], json!({"expires_in": "1m"})).await;
    let revoked = server.token(&["admin"], json!({})).await;
    server.call("POST", "/v1/auth/revoke", Some(json!({ "token": revoked }))).await;
    server.call("POST", "/v1/sys/clock", Some(json!({"advance": "2m"}))).await;
    let unknown = format!("skt_{}", "0".repeat(49));
    for asked in asked(&server).await {
        for (token, code, reason) in [
            ("garbage", "authentication_required", json!("malformed")),
            (&unknown, "authentication_required", json!("unknown")),
            (&ended, "authentication_required", json!("expired")),
            (&revoked, "token_revoked", Value::Null),
            ("eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", "token_invalid", Value::Null),
        ] {
            let answer = asked.by(&server, token, &[]).await;
            assert_eq!(refusal(&answer), (401, code, &reason), "{} with {token}", asked.id);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[tokio::test]
async fn scopes_alone_open_no_path_and_administer_nothing() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let (without_role, _) = key(&server, "/v1", json!([])).await;
    let mut seen = 0;
    for asked in asked(&server).await {
        let answer = asked.by(&server, &without_role, &[]).await;
        // Partner secrets can be read in all tenants of the partner, but not who else reads them.
        let is_shared =
            asked.id.starts_with("partner_") && asked.verb == "GET" && !asked.is(&["list_secret_consumers"]);
        if asked.is(BY_PATH) && !is_shared {
            assert_eq!(refusal(&answer), (403, "access_denied", &json!("no_matching_rule")), "{}", asked.id);
            seen += 1;
        } else if asked.is(BY_ROLE) {
            assert_eq!(refusal(&answer), (403, "forbidden", &json!("role_required")), "{}", asked.id);
            seen += 1;
        } else {
            assert_ne!(answer.status, 401, "{} {answer:?}", asked.id);
            assert_ne!(answer.detail("reason"), "no_matching_rule", "{} is not governed by paths", asked.id);
        }
        let right = asked.by(&server, super::server::TOKEN, &[]).await;
        assert!(![401, 403].contains(&right.status), "{} for who may: {right:?}", asked.id);
    }
    assert!(seen > 30, "{seen}");
}

#[tokio::test]
async fn other_tenants_and_partners_are_closed() {
    let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
    let partner = server.call("POST", "/v1/identity/partners", Some(json!({"name": "Elsewhere"}))).await;
    let partner = partner.body["id"].as_str().unwrap().to_owned();
    let body = json!({"name": "Elsewhere", "partner_id": partner});
    let tenant = server.call("POST", "/v1/identity/tenants", Some(body)).await.body["id"].as_str().unwrap().to_owned();
    let closed = (403, "tenant_access_denied", &Value::Null);
    let mut seen = 0;
    for role in ["tenant_admin", "partner_admin"] {
        let (stranger, _) = key(&server, &format!("/v1/t/{tenant}"), json!([role])).await;
        for asked in asked(&server).await {
            if asked.id.ends_with("_in_tenant") {
                let answer = asked.by(&server, &stranger, &[]).await;
                assert_eq!(refusal(&answer), closed, "{} for a {role} of elsewhere", asked.id);
                seen += 1;
            }
            if asked.id.starts_with("partner_") {
                let answer = asked.by(&server, &stranger, &[("X-Partner-ID", "ptn_dev")]).await;
                assert_eq!(refusal(&answer), closed, "{} for a {role} of elsewhere", asked.id);
                seen += 1;
            }
        }
    }
    assert!(seen > 60, "{seen}");
}
