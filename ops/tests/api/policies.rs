//! Access policies: made, changed, bound, tested; decisions told again.

use serde_json::{Value, json};

use super::server::{Answer, Server, TOKEN};

fn rules() -> Value {
    json!([
        {"path_pattern": "environments/production/**", "permissions": ["read", "list"],
         "conditions": {"ip_ranges": ["10.0.0.0/8", "192.0.2.7"], "require_mfa": true, "mfa_max_age": "1h",
                        "time_window": {"days": ["mon", "fri"], "start": "08:00", "end": "18:00", "timezone": "Europe/Amsterdam"},
                        "expires_at": "2999-12-31T23:59:59Z"}},
        {"path_pattern": "shared/certificates/*", "permissions": ["read"], "conditions": {}},
    ])
}

async fn made(server: &Server, body: Value) -> Value {
    let answer = server.call("POST", "/v1/policies", Some(body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_policy_is_made_changed_and_deleted() {
    let server = Server::start();
    let made = made(&server, json!({"name": "production", "description": "Reads", "rules": rules()})).await;
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("pol_"));
    assert_eq!(made["rules"], rules(), "rules come back as they were written");
    assert_eq!((&made["scope"], &made["revision"], &made["bindings"]), (&json!("tenant"), &json!(1), &json!([])));
    assert_eq!(server.call("GET", &format!("/v1/policies/{id}"), None).await.body, made);

    let taken = server.call("POST", "/v1/policies", Some(json!({"name": "production", "rules": rules()}))).await;
    assert_eq!((taken.status, taken.code()), (409, "name_taken"));

    let patched = server.call("PATCH", &format!("/v1/policies/{id}"), Some(json!({"description": null}))).await;
    assert_eq!(
        (patched.status, &patched.body["revision"], &patched.body["description"]),
        (200, &json!(2), &Value::Null)
    );
    assert_eq!(patched.body["rules"], rules(), "what is left out stays");
    let other = json!([{"path_pattern": "**", "permissions": ["list"]}]);
    let body = json!({"name": "lists", "rules": other, "is_active": false});
    let put = server.call("PUT", &format!("/v1/policies/{id}"), Some(body)).await;
    assert_eq!((put.status, &put.body["name"], &put.body["revision"]), (200, &json!("lists"), &json!(3)));
    assert_eq!(put.body["rules"], json!([{"path_pattern": "**", "permissions": ["list"], "conditions": {}}]));
    let again = json!({"name": "lists", "rules": other, "scope": "partner"});
    assert_eq!(server.call("PUT", &format!("/v1/policies/{id}"), Some(again)).await.code(), "validation_error");

    let listed = server.call("GET", "/v1/policies", None).await.body;
    assert_eq!(listed, json!({"policies": [], "cursor": null, "has_more": false}), "it is inactive");
    let listed = server.call("GET", "/v1/policies?include_inactive=true", None).await.body;
    assert_eq!(listed["policies"][0]["rule_count"], 1);
    assert_eq!(server.call("DELETE", &format!("/v1/policies/{id}"), None).await.status, 204);
    for (verb, body) in [("GET", None), ("DELETE", None), ("PATCH", Some(json!({})))] {
        let gone = server.call(verb, &format!("/v1/policies/{id}"), body).await;
        assert_eq!((gone.status, gone.code()), (404, "policy_not_found"), "{verb}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let server = Server::start();
    let rule = |more: Value| {
        let mut rule = json!({"path_pattern": "app/**", "permissions": ["read"]});
        rule.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        json!({"name": "p", "rules": [{"path_pattern": "a/b", "permissions": ["read"]}, rule]})
    };
    let condition = |condition: Value| rule(json!({ "conditions": condition }));
    for (body, status, code, details) in [
        (json!({"rules": []}), 422, "validation_error", json!({})),
        (json!({"name": "p", "rules": []}), 400, "invalid_policy", json!({"reason": "rule_count"})),
        (
            json!({"name": "", "rules": [{"path_pattern": "a", "permissions": ["read"]}]}),
            422,
            "validation_error",
            json!({}),
        ),
        (
            rule(json!({"path_pattern": "a//b"})),
            400,
            "invalid_glob",
            json!({"rule_index": 1, "pattern": "a//b", "reason": "empty_segment"}),
        ),
        (rule(json!({"permissions": []})), 400, "invalid_policy", json!({"rule_index": 1})),
        (rule(json!({"permissions": ["own"]})), 400, "invalid_policy", json!({"rule_index": 1})),
        (rule(json!({"path": "x"})), 422, "validation_error", json!({})),
        (condition(json!({"mfa": true})), 422, "validation_error", json!({})),
        (
            condition(json!({"ip_ranges": ["10.0.0.0/33"]})),
            400,
            "invalid_policy",
            json!({"rule_index": 1, "condition": "ip_ranges"}),
        ),
        (condition(json!({"mfa_max_age": "1h"})), 400, "invalid_policy", json!({"condition": "mfa_max_age"})),
        (
            condition(json!({"require_mfa": true, "mfa_max_age": "soon"})),
            400,
            "invalid_policy",
            json!({"condition": "mfa_max_age"}),
        ),
        (
            condition(json!({"time_window": {"start": "08:00", "end": "08:00"}})),
            400,
            "invalid_policy",
            json!({"reason": "start_equals_end"}),
        ),
        (
            condition(json!({"time_window": {"start": "8:00", "end": "09:00"}})),
            400,
            "invalid_policy",
            json!({"reason": "invalid_time"}),
        ),
        (
            condition(json!({"time_window": {"start": "08:00", "end": "09:00", "days": ["Monday"]}})),
            400,
            "invalid_policy",
            json!({"reason": "unknown_day"}),
        ),
        (
            condition(json!({"time_window": {"start": "08:00", "end": "09:00", "timezone": "Mars/Base"}})),
            400,
            "invalid_policy",
            json!({"reason": "unknown_timezone"}),
        ),
        (
            condition(json!({"time_window": {"start": "08:00"}})),
            400,
            "invalid_policy",
            json!({"condition": "time_window", "reason": "wrong_type"}),
        ),
        (
            condition(json!({"expires_at": "tomorrow"})),
            400,
            "invalid_policy",
            json!({"condition": "expires_at", "reason": "wrong_type"}),
        ),
        (condition(json!({"ip_ranges": "10.0.0.0/8"})), 400, "invalid_policy", json!({"condition": "ip_ranges"})),
        (
            condition(json!({"time_window": {"start": "08:00", "end": "09:00", "zone": "UTC"}})),
            422,
            "validation_error",
            json!({}),
        ),
        (json!({"name": "p", "rules": [1]}), 422, "validation_error", json!({})),
        (
            json!({"name": "p", "rules": [{"path_pattern": "a", "permissions": ["read"]}], "scope": "world"}),
            422,
            "validation_error",
            json!({}),
        ),
    ] {
        let answer = server.call("POST", "/v1/policies", Some(body.clone())).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body} {answer:?}");
        for (key, value) in details.as_object().unwrap() {
            assert_eq!(answer.detail(key), value, "{body}");
        }
    }
    let many: Vec<Value> =
        (0..101).map(|n| json!({"path_pattern": format!("a/{n}"), "permissions": ["read"]})).collect();
    let answer = server.call("POST", "/v1/policies", Some(json!({"name": "p", "rules": many}))).await;
    assert_eq!(answer.code(), "invalid_policy");
}

#[tokio::test]
async fn a_policy_is_bound_and_unbound() {
    let server = Server::start();
    let policy = made(&server, json!({"name": "production", "rules": rules()})).await;
    let route = format!("/v1/policies/{}/bindings", policy["id"].as_str().unwrap());
    let bind = |body: Value| server.call("POST", &route, Some(body));
    let bound = bind(json!({"identity_type": "user", "identity_id": "user:Bob@Acme.example"})).await;
    assert_eq!((bound.status, &bound.body["identity_id"]), (201, &json!("user:bob@acme.example")));
    assert_eq!((&bound.body["created_by"], &bound.body["expires_at"]), (&json!("user:root@dev"), &Value::Null));
    let later =
        json!({"identity_type": "user", "identity_id": "user:bob@acme.example", "expires_at": "2999-01-01T00:00:00Z"});
    let again = bind(later).await;
    assert_eq!(
        (again.status, &again.body["id"], &again.body["expires_at"]),
        (200, &bound.body["id"], &json!("2999-01-01T00:00:00Z"))
    );
    assert_eq!(bind(json!({"identity_type": "group", "identity_id": "group:sre"})).await.status, 201);
    assert_eq!(bind(json!({"identity_type": "system", "identity_id": "dynamic:orders"})).await.status, 201);
    for (body, status, code) in [
        (json!({"identity_type": "robot", "identity_id": "sa:ci"}), 422, "validation_error"),
        (json!({"identity_type": "user", "identity_id": "sa:ci"}), 422, "validation_error"),
        (json!({"identity_type": "user", "identity_id": "usr_unknown"}), 404, "identity_not_found"),
        (
            json!({"identity_type": "user", "identity_id": "user:x", "expires_at": "2001-01-01"}),
            422,
            "validation_error",
        ),
        (json!({"identity_type": "user"}), 422, "validation_error"),
    ] {
        let answer = bind(body.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
    }
    let listed = server.call("GET", &route, None).await.body;
    let names: Vec<_> = listed["bindings"].as_array().unwrap().iter().map(|row| row["identity_id"].clone()).collect();
    assert_eq!(names, ["dynamic:orders", "group:sre", "user:bob@acme.example"], "newest first");
    let page = server.call("GET", &format!("{route}?limit=2"), None).await.body;
    let rest = server.call("GET", &format!("{route}?limit=2&cursor={}", page["cursor"].as_str().unwrap()), None).await;
    assert_eq!(rest.body["bindings"][0]["id"], bound.body["id"]);
    assert_eq!(
        server.call("GET", &format!("{route}?identity_type=group"), None).await.body["bindings"][0]["identity_id"],
        "group:sre"
    );

    let whole = format!("/v1/policies/{}", policy["id"].as_str().unwrap());
    let in_use = server.call("DELETE", &whole, None).await;
    assert_eq!((in_use.status, in_use.code(), in_use.detail("binding_count")), (409, "policy_in_use", &json!(3)));
    let one = format!("{route}/{}", bound.body["id"].as_str().unwrap());
    assert_eq!(server.call("DELETE", &one, None).await.status, 204);
    assert_eq!(server.call("DELETE", &one, None).await.code(), "binding_not_found");
    assert_eq!(server.call("GET", &whole, None).await.body["revision"], 1, "bindings leave the revision as it is");
    assert_eq!(server.call("DELETE", &format!("{whole}?force=true"), None).await.status, 204);
}

async fn tested(server: &Server, body: Value) -> Value {
    let answer = server.call("POST", "/v1/policies/test", Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_test_tells_how_every_rule_stands() {
    let server = Server::start();
    let policy = made(&server, json!({"name": "production", "rules": rules()})).await;
    let id = policy["id"].as_str().unwrap();
    let asked = |context: Value| json!({"identity_id": "user:bob@acme.example", "path": "environments/production/db", "permission": "read", "context": context});
    let nothing = tested(&server, asked(json!({}))).await;
    assert_eq!(
        nothing,
        json!({"allowed": false, "reason": "no_policy_bound", "failed_condition": null, "evaluated": []})
    );
    let bind = json!({"identity_type": "user", "identity_id": "user:bob@acme.example"});
    server.call("POST", &format!("/v1/policies/{id}/bindings"), Some(bind)).await;
    // A Friday, ten o'clock in Amsterdam.
    let right = json!({"source_ip": "10.1.2.3", "mfa_verified": true, "timestamp": "2026-04-24T08:00:00Z"});
    let allowed = tested(&server, asked(right.clone())).await;
    assert_eq!(allowed, json!({"allowed": true, "policy_id": id, "rule": rules()[0]}));
    for (key, value, failed) in [
        ("source_ip", json!("192.0.2.8"), "ip_ranges"),
        ("source_ip", Value::Null, "ip_ranges"),
        ("mfa_verified", json!(false), "require_mfa"),
        ("timestamp", json!("2026-04-24T16:00:00Z"), "time_window"),
        ("timestamp", json!("2026-04-23T08:00:00Z"), "time_window"),
    ] {
        let mut context = right.clone();
        context[key] = value;
        let denied = tested(&server, asked(context)).await;
        assert_eq!(
            (&denied["reason"], &denied["failed_condition"]),
            (&json!("condition_failed"), &json!(failed)),
            "{key}"
        );
        assert_eq!(
            denied["evaluated"],
            json!([
                {"policy_id": id, "name": "production", "rule_index": 0, "path_matched": true, "permission_matched": true, "failed_condition": failed},
                {"policy_id": id, "name": "production", "rule_index": 1, "path_matched": false, "permission_matched": true, "failed_condition": null},
            ])
        );
    }
    let other = json!({"identity_id": "user:bob@acme.example", "path": "elsewhere", "permission": "write"});
    let denied = tested(&server, other).await;
    assert_eq!(
        (&denied["reason"], &denied["evaluated"][0]["path_matched"]),
        (&json!("no_matching_rule"), &json!(false))
    );
    server.call("PATCH", &format!("/v1/policies/{id}"), Some(json!({"is_active": false}))).await;
    assert_eq!(tested(&server, asked(right)).await["reason"], "no_policy_bound", "an inactive policy grants nothing");

    let by_role = tested(&server, json!({"path": "@pki/issue/web", "permission": "write"})).await;
    assert_eq!(
        (&by_role["allowed"], &by_role["policy_id"], &by_role["rule"]["role"]),
        (&json!(true), &Value::Null, &json!("super_admin"))
    );
    for (body, status, code) in [
        (json!({"path": "a//b", "permission": "read"}), 400, "invalid_path"),
        (json!({"path": "@", "permission": "read"}), 400, "invalid_path"),
        (json!({"path": "a/b", "permission": "own"}), 422, "validation_error"),
        (json!({"path": "a/b", "permission": "read", "identity_id": "usr_none"}), 404, "identity_not_found"),
        (json!({"path": "a/b", "permission": "read", "context": {"source_ip": "here"}}), 422, "validation_error"),
    ] {
        let answer = server.call("POST", "/v1/policies/test", Some(body.clone())).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
    }
}

async fn explained(server: &Server, request: &str, query: &str) -> Answer {
    server.call("GET", &format!("/v1/policies/explain/{request}{query}"), None).await
}

#[tokio::test]
async fn a_past_request_is_explained() {
    let server = Server::start();
    server.call("PUT", "/v1/secrets/app/db", Some(json!({"data": {"a": 1}}))).await;
    let allowed = server.call_as(TOKEN, "GET", "/v1/secrets/app/db", None, &[("X-Request-ID", "mine-1")]).await;
    assert_eq!(allowed.status, 200);
    let told = explained(&server, "mine-1", "").await;
    let decision = &told.body["decisions"][0];
    assert_eq!((told.status, &decision["verdict"], &decision["role"]), (200, &json!("allowed"), &json!("super_admin")));
    assert_eq!(
        (&decision["permission"], &decision["path"], &decision["code"]),
        (&json!("read"), &json!("app/db"), &Value::Null)
    );
    assert_eq!((&decision["policy_id"], &decision["smallest_change"]), (&Value::Null, &Value::Null));
    assert_eq!(decision["identity_id"], "user:root@dev");

    let narrowed = server.token(&["secrets:read"], json!({"allowed_paths": ["other/**"]})).await;
    let denied = server.call_as(&narrowed, "GET", "/v1/secrets/app/db", None, &[]).await;
    let told = explained(&server, denied.header("x-request-id"), "").await;
    let decision = &told.body["decisions"][0];
    assert_eq!((&decision["verdict"], &decision["code"]), (&json!("denied"), &json!("access_denied")));
    assert_eq!((&decision["reason"], &decision["smallest_change"]), (&json!("token_path_restriction"), &Value::Null));
    let denied = server.call_as(&narrowed, "GET", "/v1/policies", None, &[]).await;
    let told = explained(&server, denied.header("x-request-id"), "").await;
    let decision = &told.body["decisions"][0];
    assert_eq!(
        (&decision["reason"], &decision["permission"], &decision["path"]),
        (&json!("insufficient_scope"), &Value::Null, &Value::Null)
    );

    let batch = json!({"paths": ["app/db", "app/missing"]});
    server.call_as(TOKEN, "POST", "/v1/secrets/batch", Some(batch), &[("X-Request-ID", "mine-2")]).await;
    let told = explained(&server, "mine-2", "?limit=1").await.body;
    assert_eq!((told["decisions"].as_array().unwrap().len(), &told["has_more"]), (1, &json!(true)));
    let cursor = told["cursor"].as_str().unwrap();
    let rest = explained(&server, "mine-2", &format!("?limit=1&cursor={cursor}")).await.body;
    assert_eq!((&rest["decisions"][0]["path"], &rest["has_more"]), (&json!("app/missing"), &json!(false)));
    assert_eq!(rest["decisions"][0]["verdict"], "allowed", "the request failed for another reason");
    let one = explained(&server, "mine-2", "?path=app/db").await.body;
    assert_eq!(one["decisions"].as_array().unwrap().len(), 1);
    let unknown = explained(&server, "never", "").await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
}
