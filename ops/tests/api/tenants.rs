//! Tenant and partner context.

use serde_json::json;

use super::server::{Server, TOKEN};

#[tokio::test]
async fn prefix_and_header_name_the_same_tenant() {
    let server = Server::start();
    server.call("PUT", "/v1/t/tnt_dev/secrets/app/db", Some(json!({"data": {"a": 1}}))).await;
    let named = server.call_as(TOKEN, "GET", "/v1/secrets/app/db", None, &[("X-Tenant-ID", "tnt_dev")]).await;
    assert_eq!((named.status, &named.body["data"]), (200, &json!({"a": 1})));
    let prefixed =
        server.call_as(TOKEN, "GET", "/v1/t/tnt_dev/secrets/app/db", None, &[("X-Tenant-ID", "tnt_x")]).await;
    assert_eq!(prefixed.status, 200, "the prefix counts");
    for (path, headers, status, code) in [
        ("/v1/t/tnt_unknown/secrets", &[][..], 404, "tenant_not_found"),
        ("/v1/secrets", &[("X-Tenant-ID", "tnt_unknown")], 404, "tenant_not_found"),
        ("/v1/secrets", &[("X-Tenant-ID", "nonsense")], 404, "tenant_not_found"),
        ("/v1/secrets", &[("X-Partner-ID", "ptn_other")], 403, "tenant_access_denied"),
        ("/v1/partner/secrets", &[("X-Partner-ID", "ptn_other")], 404, "not_found"),
        ("/v1/partner/secrets", &[("X-Partner-ID", "ptn_dev")], 200, ""),
        ("/v1/auth/whoami", &[("X-Tenant-ID", "tnt_unknown")], 200, ""),
    ] {
        let answer = server.call_as(TOKEN, "GET", path, None, headers).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{path} {headers:?}");
    }
}

#[tokio::test]
async fn partner_secrets_are_their_own() {
    let server = Server::start();
    let written = server.call("PUT", "/v1/partner/secrets/shared/key", Some(json!({"data": {"a": 1}}))).await;
    assert_eq!(written.status, 201);
    assert_eq!(server.call("GET", "/v1/secrets/shared/key", None).await.code(), "secret_not_found");
    assert_eq!(server.call("GET", "/v1/secrets", None).await.body["total_count"], 0);
    assert_eq!(server.call("GET", "/v1/partner/secrets", None).await.body["total_count"], 1);
    let policy = json!({"data": {}, "options": {"rotation_policy_id": "rot_x"}});
    let refused = server.call("PUT", "/v1/partner/secrets/shared/key", Some(policy.clone())).await;
    assert_eq!(refused.code(), "validation_error");
    assert_eq!(server.call("PUT", "/v1/secrets/shared/key", Some(policy)).await.code(), "rotation_policy_not_found");
}
