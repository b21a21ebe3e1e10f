//! Issuers and rules of exchange as records: what may be said of them, and by whom.

use serde_json::{Value, json};

use super::issuer::{Issuer, Key};
use super::server::{Answer, Server};

const ISSUERS: &str = "/v1/auth/issuers";
const RULES: &str = "/v1/auth/exchange-rules";

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.code())
}

fn fields(answer: &Answer) -> Vec<&str> {
    let rows = answer.detail("fields").as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().map(|row| row["field"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_issuer_lives() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let created = issuer.trusted_by(&server, json!({"name": "cluster-a"})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.body["id"].as_str().unwrap();
    assert!(id.starts_with("iss_") && id.len() == 30, "{id}");
    let wanted = json!({
        "id": id, "name": "cluster-a", "issuer": issuer.url, "tenant_id": "tnt_dev", "builtin": false, "jwks_url": null,
        "jwks": null, "ca_pem": null, "audiences": ["scaivault"],
        "algorithms": ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
        "claim_mapping": {"identity": "sub", "tenant": "tenant_id", "groups": "groups", "roles": "roles",
                          "scopes": "scope", "mfa_time": null},
        "identity_type": "user", "bound_subjects": ["*"], "default_scopes": [], "allowed_roles": [], "is_active": true,
        "keys_refreshed_at": created.body["created_at"], "last_error": null,
        "created_at": created.body["created_at"], "updated_at": created.body["created_at"],
    });
    assert_eq!(created.body, wanted);
    let path = format!("{ISSUERS}/{id}");
    assert_eq!(server.call("GET", &path, None).await.body["id"], *id);
    assert_eq!(server.call("GET", ISSUERS, None).await.body["issuers"][0]["id"], *id);
    let change = json!({"name": "cluster-b", "claim_mapping": {"tenant": null, "groups": "teams"},
                        "bound_subjects": ["a*"], "default_scopes": ["secrets:read"]});
    let changed = server.call("PATCH", &path, Some(change)).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!((&changed.body["name"], &changed.body["bound_subjects"]), (&json!("cluster-b"), &json!(["a*"])));
    let mapping = json!({"identity": "sub", "tenant": null, "groups": "teams", "roles": "roles", "scopes": "scope",
                         "mfa_time": null});
    assert_eq!(changed.body["claim_mapping"], mapping, "objects merge");
    let cleared = json!({"claim_mapping": null, "bound_subjects": null, "default_scopes": null});
    let cleared = server.call("PATCH", &path, Some(cleared)).await.body;
    assert_eq!((&cleared["claim_mapping"], &cleared["bound_subjects"]), (&wanted["claim_mapping"], &json!(["*"])));
    assert_eq!(server.call("DELETE", &path, None).await.status, 204);
    assert_eq!(told(&server.call("GET", &path, None).await), (404, "not_found"));
    assert_eq!(told(&server.call("DELETE", &path, None).await), (404, "not_found"));
    assert_eq!(server.call("GET", ISSUERS, None).await.body["issuers"], json!([]));
}

#[tokio::test]
async fn lists_are_paged() {
    let server = Server::start();
    let key = Key::new("a", "EdDSA");
    for index in 0..5 {
        let body = json!({"name": format!("i{index}"), "issuer": format!("https://i{index}.example"), "audiences": ["a"],
                          "jwks": {"keys": [key.public()]}, "tenant_id": if index == 2 { Value::Null } else { json!("tnt_dev") }});
        assert_eq!(server.call("POST", ISSUERS, Some(body)).await.status, 201);
    }
    let first = server.call("GET", &format!("{ISSUERS}?limit=3"), None).await.body;
    let cursor = first["cursor"].as_str().unwrap();
    let second = server.call("GET", &format!("{ISSUERS}?limit=3&cursor={cursor}"), None).await.body;
    let names = [&first, &second].map(|page| {
        page["issuers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    assert_eq!(names.concat(), ["i4", "i3", "i2", "i1", "i0"]);
    assert_eq!((&second["cursor"], &second["has_more"]), (&Value::Null, &json!(false)));
}

#[tokio::test]
async fn what_cannot_be_trusted_is_refused() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let try_it = async |more: Value| issuer.trusted_by(&server, more).await;
    issuer.goes_down(true);
    assert_eq!(told(&try_it(json!({})).await), (400, "invalid_config"), "down");
    issuer.goes_down(false);
    assert_eq!(told(&try_it(json!({"jwks_url": format!("{}/none", issuer.url)})).await), (400, "invalid_config"));
    assert_eq!(told(&try_it(json!({"issuer": "http://127.0.0.1:1"})).await), (400, "invalid_config"), "nobody there");
    assert_eq!(told(&try_it(json!({"ca_pem": "no certificate"})).await), (400, "invalid_config"));
    let unread = json!({"ca_pem": "no certificate", "jwks": {"keys": [key.public()]}});
    assert_eq!(told(&try_it(unread).await), (400, "invalid_config"), "though nothing is fetched");
    assert_eq!(told(&try_it(json!({"jwks": {"keys": "none"}})).await), (400, "invalid_config"));
    assert_eq!(
        told(&try_it(json!({"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]}})).await).1,
        "invalid_config"
    );
    issuer.discovers(json!({"issuer": "https://other.example", "jwks_uri": format!("{}/keys", issuer.url)}));
    assert_eq!(told(&try_it(json!({})).await), (400, "invalid_config"), "another issuer's discovery");
    issuer.discovers(json!({"issuer": issuer.url, "jwks_uri": "https://169.254.169.254/keys"}));
    assert_eq!(told(&try_it(json!({})).await), (400, "invalid_config"), "keys in a closed place");
    issuer.discovers(json!(["nothing"]));
    assert_eq!(told(&try_it(json!({})).await), (400, "invalid_config"));
    let mut private = key.public();
    private["d"] = json!("AAAA");
    for (more, field) in [
        (json!({"jwks": {"keys": [private]}}), "jwks"),
        (json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}), "jwks"),
        (json!({"jwks": {"keys": [key.public()]}, "jwks_url": "https://a.example"}), "jwks"),
        (json!({"jwks_url": "http://a.example/keys"}), "jwks_url"),
        (json!({"jwks_url": "https://169.254.169.254/"}), "jwks_url"),
        (json!({"issuer": "k8s.acme.example"}), "issuer"),
        (json!({"issuer": "https://user:pass@a.example"}), "issuer"),
        (json!({"issuer": null}), "issuer"),
        (json!({"name": ""}), "name"),
        (json!({"name": "x".repeat(129)}), "name"),
        (json!({"audiences": []}), "audiences"),
        (json!({"audiences": vec!["a"; 21]}), "audiences"),
        (json!({"algorithms": ["HS256"]}), "algorithms"),
        (json!({"algorithms": []}), "algorithms"),
        (json!({"identity_type": "group"}), "identity_type"),
        (json!({"bound_subjects": [""]}), "bound_subjects"),
        (json!({"default_scopes": ["fly"]}), "default_scopes[0]"),
        (json!({"claim_mapping": {"who": "sub"}}), "claim_mapping.who"),
        (json!({"claim_mapping": {"tenant": ""}}), "claim_mapping.tenant"),
        (json!({"is_active": "yes"}), "is_active"),
        (json!({"nonsense": 1}), "nonsense"),
    ] {
        let answer = try_it(more.clone()).await;
        assert_eq!((told(&answer), fields(&answer)), ((422, "validation_error"), vec![field]), "{more}");
    }
    assert_eq!(told(&try_it(json!({"allowed_roles": ["king"]})).await), (400, "invalid_role"));
    assert_eq!(told(&try_it(json!({"allowed_roles": ["super_admin"]})).await), (400, "invalid_role"), "of a tenant");
    assert_eq!(told(&try_it(json!({"tenant_id": "tnt_other"})).await), (404, "tenant_not_found"));
    let inline = json!({"jwks": {"keys": [key.public()]}});
    assert_eq!(try_it(inline.clone()).await.status, 201);
    assert_eq!(told(&try_it(inline).await), (409, "name_taken"), "the name");
    let again = json!({"name": "another", "jwks": {"keys": [key.public()]}});
    assert_eq!(told(&try_it(again.clone()).await), (409, "name_taken"), "the URL");
    let mut elsewhere = again;
    elsewhere["tenant_id"] = Value::Null;
    assert_eq!(try_it(elsewhere).await.status, 201, "the platform's own may have both");
}

#[tokio::test]
async fn issuers_are_for_administrators() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let roles = json!({"allowed_roles": ["tenant_admin"]});
    assert_eq!(issuer.trusted_by(&server, roles).await.status, 201);
    let as_user =
        |roles: Value| key.token(&issuer.claims(json!({"sub": "bob", "roles": roles, "scope": "admin tokens:self"})));
    let (bob, admin) = (as_user(json!([])), as_user(json!(["tenant_admin"])));
    for (verb, path) in [("GET", ISSUERS), ("GET", RULES), ("GET", "/v1/auth/issuers/iss_1")] {
        let answer = server.call_as(&bob, verb, path, None, &[]).await;
        assert_eq!(
            (told(&answer), answer.detail("required_role")),
            ((403, "forbidden"), &json!("tenant_admin")),
            "{path}"
        );
    }
    let inline = |name: &str, more: Value| {
        let mut body = json!({"name": name, "issuer": format!("https://{name}.example"), "audiences": ["a"],
                              "jwks": {"keys": [key.public()]}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let post = async |token: &str, body: Value| server.call_as(token, "POST", ISSUERS, Some(body), &[]).await;
    assert_eq!(post(&admin, inline("own", json!({}))).await.status, 201);
    let refused = post(&admin, inline("theirs", json!({"tenant_id": null}))).await;
    assert_eq!((told(&refused), refused.detail("required_role")), ((403, "forbidden"), &json!("super_admin")));
    let refused = post(&admin, inline("theirs", json!({"tenant_id": "tnt_other"}))).await;
    assert_eq!(told(&refused), (403, "tenant_access_denied"));
    let few = server.token(&["admin"], json!({})).await;
    assert_eq!(
        post(&few, inline("few", json!({"default_scopes": ["secrets:read"]}))).await.status,
        201,
        "admin implies all"
    );
    // The platform's are seen by the tenant's administrators, and changed by others.
    let platform = server.call("POST", ISSUERS, Some(inline("platform", json!({"tenant_id": null})))).await.body;
    let path = format!("{ISSUERS}/{}", platform["id"].as_str().unwrap());
    assert_eq!(server.call_as(&admin, "GET", &path, None, &[]).await.status, 200);
    let refused = server.call_as(&admin, "PATCH", &path, Some(json!({"name": "mine"})), &[]).await;
    assert_eq!(told(&refused), (403, "forbidden"));
    assert_eq!(told(&server.call_as(&admin, "DELETE", &path, None, &[]).await), (403, "forbidden"));
    let fixed = server.call("PATCH", &path, Some(json!({"issuer": "https://b.example", "tenant_id": "tnt_dev"}))).await;
    assert_eq!((told(&fixed), fields(&fixed)), ((422, "validation_error"), vec!["issuer", "tenant_id"]));
}

#[tokio::test]
async fn rules_say_what_they_may() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let issuer = Issuer::start(&[&key]).await;
    let issuer_id = issuer.trusted_by(&server, json!({})).await.body["id"].clone();
    let rule = |more: Value| {
        let mut body = json!({"name": "main", "issuer_id": issuer_id, "subject": "repo:acme/*", "identity_id": "user:root@dev",
                              "scopes": ["secrets:read"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let post = async |more: Value| server.call("POST", RULES, Some(rule(more))).await;
    for (more, field) in [
        (json!({"name": ""}), "name"),
        (json!({"subject": "*"}), "subject"),
        (json!({"subject": "**"}), "subject"),
        (json!({"subject": ""}), "subject"),
        (json!({"subject": null}), "subject"),
        (json!({"claims": {"a": null, "b": {"c": 1}}}), "claims.b"),
        (json!({"claims": {"a": []}}), "claims.a"),
        (json!({"scopes": []}), "scopes"),
        (json!({"scopes": ["fly"]}), "scopes[0]"),
        (json!({"ttl": "59s"}), "ttl"),
        (json!({"ttl": "13h"}), "ttl"),
        (json!({"highest_role": "super_admin"}), "highest_role"),
    ] {
        let answer = post(more.clone()).await;
        assert_eq!(
            (told(&answer), fields(&answer).contains(&field)),
            ((422, "validation_error"), true),
            "{more} {answer:?}"
        );
    }
    assert_eq!(told(&post(json!({"ttl": "soon"})).await), (400, "invalid_duration"));
    assert_eq!(told(&post(json!({"issuer_id": "iss_01JX5T3ZHVB2D4F6H8K0M2P4R6"})).await), (404, "not_found"));
    for identity in ["sa:nobody", "group:sre", "system:secret-sweeper", "root@dev", ""] {
        assert_eq!(told(&post(json!({"identity_id": identity})).await), (404, "identity_not_found"), "{identity}");
    }
    let created = post(json!({"claims": {"environment": "production", "run": [1, 2]}})).await;
    assert_eq!(created.status, 201, "{created:?}");
    let id = created.body["id"].as_str().unwrap();
    let wanted = json!({
        "id": id, "name": "main", "issuer_id": issuer_id, "subject": "repo:acme/*",
        "claims": {"environment": "production", "run": [1, 2]}, "identity_id": "user:root@dev", "scopes": ["secrets:read"],
        "ttl": "1h", "is_active": true, "last_used_at": null, "created_at": created.body["created_at"],
        "updated_at": created.body["created_at"],
    });
    assert!(id.starts_with("xr_"));
    assert_eq!(created.body, wanted);
    assert_eq!(told(&post(json!({})).await), (409, "name_taken"));
    let path = format!("{RULES}/{id}");
    let changed =
        server.call("PATCH", &path, Some(json!({"claims": {"run": null, "branch": "main"}, "ttl": "5m"}))).await;
    assert_eq!(changed.body["claims"], json!({"environment": "production", "branch": "main"}), "{changed:?}");
    let bare = server.call("PATCH", &path, Some(json!({"claims": null, "subject": "*"}))).await;
    assert_eq!((told(&bare), fields(&bare)), ((422, "validation_error"), vec!["subject"]));
    let issuer_path = format!("{ISSUERS}/{}", issuer_id.as_str().unwrap());
    assert_eq!(told(&server.call("DELETE", &issuer_path, None).await), (409, "resource_in_use"));
    assert_eq!(server.call("GET", RULES, None).await.body["exchange_rules"][0]["id"], *id);
    assert_eq!(server.call("DELETE", &path, None).await.status, 204);
    assert_eq!(told(&server.call("GET", &path, None).await), (404, "not_found"));
    assert_eq!(server.call("DELETE", &issuer_path, None).await.status, 204);
}
