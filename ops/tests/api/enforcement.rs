//! What policies open to a caller without a role, over HTTP: a service account with a key.

use serde_json::{Value, json};

use super::isolation::key;
use super::server::{Answer, Server};

/// An account without roles, its key, and a secret it might want.
struct Story {
    server: Server,
    key: String,
}

impl Story {
    async fn begin() -> Self {
        let server = Server::start();
        let scopes =
            ["secrets:read", "secrets:write", "secrets:delete", "secrets:list", "secrets:rotate", "policies:read"];
        let account = json!({"name": "Billing", "scopes": scopes});
        let made = server.call("POST", "/v1/identity/service-accounts", Some(account)).await;
        assert_eq!(made.status, 201, "{made:?}");
        let keys = format!("/v1/identity/service-accounts/{}/keys", made.body["id"].as_str().unwrap());
        let key = server.call("POST", &keys, Some(json!({"name": "first"}))).await;
        for path in ["app/db", "app/deep/er", "other/db"] {
            server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"a": 1}}))).await;
        }
        Self { key: key.body["key"].as_str().unwrap().to_owned(), server }
    }

    async fn ask(&self, verb: &str, path: &str, body: Option<Value>) -> Answer {
        self.server.call_as(&self.key, verb, path, body, &[]).await
    }

    async fn policy(&self, name: &str, rules: Value) -> String {
        let made = self.server.call("POST", "/v1/policies", Some(json!({"name": name, "rules": rules}))).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body["id"].as_str().unwrap().to_owned()
    }

    async fn bind(&self, policy: &str, more: Value) -> Answer {
        let mut body = json!({"identity_type": "service_account", "identity_id": "sa:billing"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.server.call("POST", &format!("/v1/policies/{policy}/bindings"), Some(body)).await
    }
}

#[tokio::test]
async fn a_denial_is_explained_mended_and_gone() {
    let story = Story::begin().await;
    let denied = story.ask("GET", "/v1/secrets/app/db", None).await;
    assert_eq!((denied.status, denied.code()), (403, "access_denied"));
    assert_eq!((denied.detail("reason"), denied.detail("permission")), (&json!("no_matching_rule"), &json!("read")));
    let missing = story.ask("GET", "/v1/secrets/app/missing", None).await;
    let alike = |answer: &Answer| answer.body["error"]["message"].clone();
    assert_eq!((missing.status, alike(&missing)), (403, alike(&denied)), "existing and missing look alike");

    let explain = format!("/v1/policies/explain/{}", denied.header("x-request-id"));
    let told = story.ask("GET", &explain, None).await.body;
    let decision = &told["decisions"][0];
    assert_eq!((&decision["verdict"], &decision["reason"]), (&json!("denied"), &json!("no_policy_bound")));
    let change = &decision["smallest_change"];
    assert_eq!(change["rule"], json!({"path_pattern": "app/db", "permissions": ["read"], "conditions": {}}));
    assert_eq!((&change["identity_id"], &change["dropped_conditions"]), (&json!("sa:billing"), &json!([])));

    // Exactly what was told, bound to whom was told.
    let policy = story.policy("mended", json!([change["rule"]])).await;
    let body = json!({"identity_type": change["identity_type"], "identity_id": change["identity_id"]});
    story.server.call("POST", &format!("/v1/policies/{policy}/bindings"), Some(body)).await;
    let allowed = story.ask("GET", "/v1/secrets/app/db", None).await;
    assert_eq!((allowed.status, &allowed.body["data"]), (200, &json!({"a": 1})));
    let told = story.ask("GET", &format!("/v1/policies/explain/{}", allowed.header("x-request-id")), None).await.body;
    let decision = &told["decisions"][0];
    assert_eq!((&decision["policy_id"], &decision["policy_revision"]), (&json!(policy), &json!(1)));
    assert_eq!((&decision["rule_index"], &decision["role"]), (&json!(0), &Value::Null));
    for (verb, path) in [("DELETE", "/v1/secrets/app/db"), ("GET", "/v1/secrets/metadata/app/db")] {
        assert_eq!(story.ask(verb, path, None).await.detail("reason"), "no_matching_rule", "{verb} {path}");
    }
    let again = story.server.call("GET", &explain, None).await.body;
    assert_eq!(again["decisions"][0]["verdict"], "denied", "what happened is told, not what would happen now");
}

#[tokio::test]
async fn a_failed_condition_is_told_with_what_held() {
    let story = Story::begin().await;
    let conditions = json!({"ip_ranges": ["127.0.0.0/8"], "require_mfa": true, "expires_at": "2001-01-01T00:00:00Z"});
    let rules = json!([{"path_pattern": "app/*", "permissions": ["read"], "conditions": conditions}]);
    let policy = story.policy("conditional", rules).await;
    story.bind(&policy, json!({})).await;
    let denied = story.ask("GET", "/v1/secrets/app/db", None).await;
    assert_eq!((denied.status, denied.code()), (403, "access_denied"), "{denied:?}");
    assert_eq!(
        (denied.detail("reason"), denied.detail("failed_condition")),
        (&json!("condition_failed"), &json!("expires_at"))
    );
    let patch = json!([{"path_pattern": "app/*", "permissions": ["read"], "conditions": {"require_mfa": true, "ip_ranges": ["127.0.0.1"]}}]);
    story.server.call("PATCH", &format!("/v1/policies/{policy}"), Some(json!({"rules": patch}))).await;
    let denied = story.ask("GET", "/v1/secrets/app/db", None).await;
    assert_eq!(
        (denied.status, denied.code(), denied.detail("failed_condition")),
        (403, "mfa_required", &json!("require_mfa"))
    );
    let told = story.ask("GET", &format!("/v1/policies/explain/{}", denied.header("x-request-id")), None).await.body;
    let decision = &told["decisions"][0];
    assert_eq!((&decision["code"], &decision["failed_condition"]), (&json!("mfa_required"), &json!("require_mfa")));
    assert_eq!(
        decision["evaluated"],
        json!([{
            "policy_id": policy, "policy_revision": 2, "name": "conditional", "rule_index": 0,
            "path_matched": true, "permission_matched": true, "failed_condition": "require_mfa",
        }])
    );
    assert_eq!(decision["smallest_change"]["rule"]["conditions"], json!({"ip_ranges": ["127.0.0.1"]}));
    assert_eq!(decision["smallest_change"]["dropped_conditions"], json!(["require_mfa"]));
}

#[tokio::test]
async fn lists_hold_what_may_be_seen() {
    let story = Story::begin().await;
    let empty = story.ask("GET", "/v1/secrets", None).await.body;
    assert_eq!((&empty["secrets"], &empty["total_count"]), (&json!([]), &json!(0)));
    let policy = story.policy("lists", json!([{"path_pattern": "app/**", "permissions": ["list"]}])).await;
    story.bind(&policy, json!({})).await;
    let listed = story.ask("GET", "/v1/secrets", None).await.body;
    let paths: Vec<_> = listed["secrets"].as_array().unwrap().iter().map(|row| row["path"].clone()).collect();
    assert_eq!((paths, &listed["total_count"]), (vec![json!("app/db"), json!("app/deep/er")], &json!(2)));
    let batch = json!({"paths": ["app/db", "other/db"]});
    let shown = story.ask("POST", "/v1/secrets/batch/metadata", Some(batch)).await.body;
    assert!(shown["metadata"].get("app/db").is_some());
    assert_eq!(shown["errors"]["other/db"]["code"], "access_denied");
    let wild = json!({"paths": ["**"], "options": {"expand_wildcards": true}});
    let shown = story.ask("POST", "/v1/secrets/batch/metadata", Some(wild)).await.body;
    assert_eq!(shown["metadata"].as_object().unwrap().len(), 2, "patterns stand for what may be seen");
}

#[tokio::test]
async fn bindings_end_by_themselves() {
    let story = Story::begin().await;
    let policy = story.policy("short", json!([{"path_pattern": "app/*", "permissions": ["read"]}])).await;
    let now = story.server.call("GET", "/v1/sys/clock", None).await.body["now"].as_str().unwrap().to_owned();
    let day = now.split('T').next().unwrap();
    assert_eq!(story.bind(&policy, json!({"expires_at": format!("{day}T23:59:59Z")})).await.status, 201);
    assert_eq!(story.ask("GET", "/v1/secrets/app/db", None).await.status, 200);
    story.server.call("POST", "/v1/sys/clock", Some(json!({"advance": "24h"}))).await;
    assert_eq!(story.ask("GET", "/v1/secrets/app/db", None).await.status, 403, "at once, whoever sweeps when");
    let route = format!("/v1/policies/{policy}/bindings");
    for _ in 0..200 {
        if story.server.call("GET", &route, None).await.body["bindings"] == json!([]) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the binding is swept");
}

#[tokio::test]
async fn permissions_are_what_they_say() {
    let story = Story::begin().await;
    let rules = |permission: &str| json!([{"path_pattern": "app/*", "permissions": [permission]}]);
    let policy = story.policy("one", rules("read")).await;
    story.bind(&policy, json!({})).await;
    let asked: [(&str, &str, &str, Option<Value>); 6] = [
        ("read", "GET", "/v1/secrets/app/db", None),
        ("write", "PUT", "/v1/secrets/app/db", Some(json!({"data": {"a": 2}}))),
        ("list", "GET", "/v1/secrets/metadata/app/db", None),
        ("rotate", "POST", "/v1/secrets/app/db/rotate", Some(json!({"new_value": {"a": 3}}))),
        ("delete", "DELETE", "/v1/secrets/app/db", None),
        ("write", "POST", "/v1/secrets/app/db/restore", None),
    ];
    for held in ["read", "write", "list", "rotate", "delete", "admin"] {
        let body = json!({"rules": rules(held)});
        story.server.call("PATCH", &format!("/v1/policies/{policy}"), Some(body)).await;
        for (needed, verb, path, body) in &asked {
            let answer = story.ask(verb, path, body.clone()).await;
            let expected = held == *needed || held == "admin";
            assert_eq!(answer.status != 403, expected, "{held} for {verb} {path}: {answer:?}");
        }
        story.server.call("POST", "/v1/secrets/app/db/restore", None).await;
    }
    let hard = |path: &str| format!("/v1/secrets/{path}?permanent=true");
    story.server.call("PATCH", &format!("/v1/policies/{policy}"), Some(json!({"rules": rules("delete")}))).await;
    assert_eq!(story.ask("DELETE", &hard("app/db"), None).await.status, 403, "for good needs admin");
}

#[tokio::test]
async fn a_partners_policy_counts_in_all_its_tenants_and_is_theirs_to_see() {
    let server = Server::start();
    let tenant =
        server.call("POST", "/v1/identity/tenants", Some(json!({"name": "Shop", "partner_id": "ptn_dev"}))).await;
    let shop = format!("/v1/t/{}", tenant.body["id"].as_str().unwrap());
    // The same name in two tenants is two accounts.
    let (here, _) = key(&server, "/v1", json!([])).await;
    let (there, _) = key(&server, &shop, json!([])).await;
    let (administrator, _) = key(&server, &shop, json!(["tenant_admin"])).await;
    for tenant in ["/v1", &shop] {
        server.call("PUT", &format!("{tenant}/secrets/shared/db"), Some(json!({"data": {"of": tenant}}))).await;
    }
    let body = json!({"name": "everywhere", "scope": "partner", "rules": [{"path_pattern": "shared/*", "permissions": ["read"]}]});
    let refused = server.call_as(&administrator, "POST", "/v1/policies", Some(body.clone()), &[]).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"));
    assert_eq!(refused.detail("required_role"), "partner_admin");
    let policy = server.call("POST", "/v1/policies", Some(body)).await.body;
    assert_eq!(policy["scope"], "partner");
    let route = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
    let binding = json!({"identity_type": "service_account", "identity_id": "sa:keeper"});
    assert_eq!(server.call("POST", &format!("{route}/bindings"), Some(binding.clone())).await.status, 201);
    for (key, of) in [(&here, "/v1"), (&there, shop.as_str())] {
        let read = server.call_as(key, "GET", "/v1/secrets/shared/db", None, &[]).await;
        assert_eq!((read.status, &read.body["data"]["of"]), (200, &json!(of)));
    }
    let foreign = server.call_as(&here, "GET", &format!("{shop}/secrets/shared/db"), None, &[]).await;
    assert_eq!(foreign.code(), "tenant_access_denied", "it never opens another tenant");

    let shown = server.call_as(&administrator, "GET", &route, None, &[]).await;
    assert_eq!((shown.status, &shown.body["scope"]), (200, &json!("partner")));
    for (verb, path, body) in [
        ("PATCH", route.clone(), Some(json!({"is_active": false}))),
        ("DELETE", format!("{route}?force=true"), None),
        ("POST", format!("{route}/bindings"), Some(binding)),
    ] {
        let refused = server.call_as(&administrator, verb, &path, body, &[]).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{verb} {path}");
    }
    let listed = server.call_as(&administrator, "GET", "/v1/policies?scope=tenant", None, &[]).await.body;
    assert_eq!(listed["policies"], json!([]));
    let listed = server.call_as(&administrator, "GET", "/v1/policies", None, &[]).await.body;
    assert_eq!(listed["policies"][0]["name"], "everywhere");
}

#[tokio::test]
async fn decisions_are_told_as_long_as_the_tenant_keeps_its_audit() {
    let story = Story::begin().await;
    let denied = story.ask("GET", "/v1/secrets/app/db", None).await;
    let explain = format!("/v1/policies/explain/{}", denied.header("x-request-id"));
    let settings = json!({"audit_retention": "30d"});
    assert_eq!(story.server.call("PATCH", "/v1/identity/tenants/tnt_dev/settings", Some(settings)).await.status, 200);
    for (advance, status) in [("29d", 200), ("2d", 404)] {
        story.server.call("POST", "/v1/sys/clock", Some(json!({ "advance": advance }))).await;
        assert_eq!(story.server.call("GET", &explain, None).await.status, status, "{advance} later");
    }
}

#[tokio::test]
async fn scopes_do_not_stop_who_holds_a_role() {
    let server = Server::start();
    let (_, ids) = key(&server, "/v1", json!(["tenant_admin"])).await;
    let (without_role, _) = key(&server, "/v1", json!([])).await;
    let account = format!("/v1/identity/service-accounts/{}", ids[0]);
    for (verb, body) in [
        ("PATCH", Some(json!({"is_active": false}))),
        ("PATCH", Some(json!({"scopes": []}))),
        ("PATCH", Some(json!({"roles": []}))),
        ("DELETE", None),
    ] {
        let refused = server.call_as(&without_role, verb, &account, body.clone(), &[]).await;
        assert_eq!((refused.status, refused.code()), (403, "forbidden"), "{verb} {body:?}");
    }
    let described = server.call_as(&without_role, "PATCH", &account, Some(json!({"description": "d"})), &[]).await;
    assert_eq!(described.status, 200);
    assert_eq!(server.call("DELETE", &account, None).await.status, 204);
}
