//! What webhooks of ScaiKey bring about: records, groups, roles, and the ends of them.

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::server::{Answer, Server};

pub const SECRET: &str = "a webhook secret of 32 bytes or more";

/// A server that is registered by hand, and how many events were sent to it.
pub struct Mirror {
    pub server: Server,
    sent: std::cell::Cell<u32>,
}

pub fn signed(body: &str, seconds: i64, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{seconds}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

/// What stands beside the signature.
pub const OTHER_HEADERS: [(&str, &str); 4] = [
    ("X-ScaiKey-Event-ID", "evt_1"),
    ("X-ScaiKey-Event-Type", "user.updated"),
    ("X-ScaiKey-Timestamp", "2026-04-23T14:00:00Z"),
    ("X-ScaiKey-Webhook-ID", "whk_1"),
];

impl Mirror {
    pub async fn start(registration: Value) -> Self {
        Self::of(Server::start(), registration).await
    }

    pub async fn of(server: Server, registration: Value) -> Self {
        let mut body = registration;
        body["email"] = "admin@acme.example".into();
        body["webhook_secret"] = SECRET.into();
        let registered = server.call("POST", "/v1/identity/scaikey", Some(body)).await;
        assert_eq!(registered.status, 201, "{registered:?}");
        Self { server, sent: std::cell::Cell::new(0) }
    }

    /// Sends an event of the second `at` of a certain minute, with an id of its own.
    async fn tell_in(&self, tenant: &str, event_type: &str, at: u32, resource: &str, data: Value) -> Answer {
        self.sent.set(self.sent.get() + 1);
        let body = json!({
            "event_id": format!("evt_{}", self.sent.get()), "event_type": event_type,
            "timestamp": format!("2026-04-23T14:00:{at:02}Z"), "resource": {"id": resource}, "data": data,
            "tenant_id": tenant, "partner_id": "prt_dev", "later": {"unknown": true},
        });
        self.send(&body).await
    }

    pub async fn send(&self, body: &Value) -> Answer {
        let text = body.to_string();
        let now = jiff::Timestamp::now().as_second();
        self.raw(&text, &signed(&text, now, SECRET)).await
    }

    async fn raw(&self, body: &str, signature: &str) -> Answer {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/v1/identity/webhooks/scaikey", self.server.address);
        let mut request = client.post(url).header("content-type", "application/json").body(body.to_owned());
        for (name, value) in OTHER_HEADERS {
            request = request.header(name, value);
        }
        let request = if signature.is_empty() { request } else { request.header("X-ScaiKey-Signature", signature) };
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.json().await.unwrap() }
    }

    /// Whether an event changed something.
    pub async fn applies(&self, event_type: &str, at: u32, resource: &str, data: Value) -> bool {
        self.applies_in("tnt_dev", event_type, at, resource, data).await
    }

    /// The same of a record of another tenant.
    pub async fn applies_in(&self, tenant: &str, event_type: &str, at: u32, resource: &str, data: Value) -> bool {
        let answer = self.tell_in(tenant, event_type, at, resource, data).await;
        assert_eq!((answer.status, &answer.body["received"]), (200, &json!(true)), "{answer:?}");
        answer.body["applied"].as_bool().unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.server.call("GET", &format!("/v1/identity/{path}"), None).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }
}

fn alice() -> Value {
    json!({"email": "Alice@Acme.example", "display_name": "Alice Smith", "mfa_enabled": true, "role": "tenant_admin"})
}

#[tokio::test]
async fn only_what_is_signed_and_fresh_is_heard() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    let shown = mirror.get("scaikey").await;
    assert_eq!(
        (&shown["registered"], &shown["status"], &shown["scope"]),
        (&json!(true), &json!("active"), &json!("platform"))
    );
    assert!(!shown.to_string().contains(SECRET), "the secret is never returned");
    let body = json!({"event_id": "evt_1", "event_type": "user.created", "timestamp": "2026-04-23T14:00:00Z",
                      "resource": {"id": "abc"}, "data": alice(), "tenant_id": "tnt_dev"})
    .to_string();
    let now = jiff::Timestamp::now().as_second();
    let good = signed(&body, now, SECRET);
    for (signature, status, code) in [
        (String::new(), 401, "authentication_required"),
        ("nonsense".into(), 401, "token_invalid"),
        (signed(&body, now, "another secret of more than 32 bytes"), 401, "token_invalid"),
        (signed(&body, now - 301, SECRET), 401, "token_invalid"),
        (signed(&body, now + 310, SECRET), 401, "token_invalid"),
        (signed(&format!("{body} "), now, SECRET), 401, "token_invalid"),
        (good.replace(&format!("t={now}"), &format!("t={}", now - 1)), 401, "token_invalid"),
    ] {
        let refused = mirror.raw(&body, &signature).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{signature}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    let refused = mirror.raw("[1]", &signed("[1]", now, SECRET)).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_request"));
    assert_eq!(mirror.get("tenants/tnt_dev/users").await["total"], 1, "nothing of it was heard");
    let heard = mirror.raw(&body, &good).await;
    assert_eq!(heard.body, json!({"received": true, "applied": true}));
    let again = mirror.raw(&body, &good).await;
    assert_eq!(again.body, json!({"received": true, "applied": false}), "an event is applied once");
    assert!(mirror.get("scaikey").await["last_event_at"].is_string());
    let unregistered = Server::start();
    assert_eq!(unregistered.call("GET", "/v1/identity/scaikey", None).await.body["status"], "unregistered");
    let nobody = Mirror { server: unregistered, sent: std::cell::Cell::new(0) };
    assert_eq!(nobody.raw(&body, &good).await.code(), "token_invalid");
}

#[tokio::test]
async fn a_user_is_mirrored_in_whatever_order_it_is_told() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    assert!(mirror.applies("user.created", 1, "abc", alice()).await);
    let users = mirror.get("tenants/tnt_dev/users?q=ALICE").await;
    let user = &users["users"][0];
    assert_eq!(users["total"], 1);
    for (field, value) in [
        ("id", json!("usr_abc")),
        ("tenant_id", json!("tnt_dev")),
        ("identity_id", json!("user:alice@acme.example")),
        ("email", json!("alice@acme.example")),
        ("display_name", json!("Alice Smith")),
        ("status", json!("ACTIVE")),
        ("mfa_enabled", json!(true)),
        ("groups", json!([])),
        ("roles", json!(["tenant_admin"])),
        ("source", json!("scaikey")),
    ] {
        assert_eq!(user[field], value, "{field}");
    }
    assert!(user["last_synced_at"].is_string());
    assert!(mirror.applies("user.suspended", 5, "usr_abc", json!({})).await);
    assert!(
        !mirror.applies("user.updated", 4, "usr_abc", json!({"display_name": "Late"})).await,
        "older than its last change"
    );
    assert!(mirror.applies("user.mfa_disabled", 6, "usr_abc", json!({})).await);
    let user = mirror.get("resolve/user/ALICE@acme.example").await;
    assert_eq!((&user["status"], &user["display_name"]), (&json!("SUSPENDED"), &json!("Alice Smith")));
    assert!(mirror.applies("user.activated", 7, "usr_abc", json!({"display_name": "Alice"})).await);
    assert!(mirror.applies("user.password_changed", 7, "usr_abc", json!({})).await);
    for name in ["usr_abc", "user:alice@acme.example", "alice@acme.example"] {
        let user = mirror.get(&format!("resolve/user/{name}")).await;
        assert_eq!(
            (&user["id"], &user["type"], &user["status"]),
            (&json!("usr_abc"), &json!("user"), &json!("ACTIVE")),
            "{name}"
        );
    }
    // The end is told before the beginning, which then comes too late.
    assert!(mirror.applies("user.deleted", 9, "late", json!({})).await);
    assert!(!mirror.applies("user.created", 8, "late", alice()).await);
    assert_eq!(mirror.get("tenants/tnt_dev/users?status=DELETED").await["total"], 1);
    for (event_type, resource) in [("user.teleported", "usr_abc"), ("planet.created", "x"), ("nonsense", "x")] {
        assert!(!mirror.applies(event_type, 20, resource, json!({})).await, "{event_type}");
    }
    for (path, status) in [("resolve/user/nobody", 404), ("resolve/planet/x", 422), ("resolve/group/none", 404)] {
        let answer = mirror.server.call("GET", &format!("/v1/identity/{path}"), None).await;
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn groups_are_nested() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    for (id, email) in [("abc", "alice@acme.example"), ("bob", "bob@acme.example")] {
        assert!(mirror.applies("user.created", 1, id, json!({"email": email})).await);
    }
    assert!(mirror.applies("group.created", 1, "oncall", json!({"name": "On Call!"})).await);
    let nested = json!({"name": "sre", "display_name": "SRE", "parent_ids": ["oncall"]});
    assert!(mirror.applies("group.created", 1, "grp_sre", nested).await);
    assert!(mirror.applies("group.member_added", 2, "sre", json!({"user_id": "abc"})).await);
    assert!(
        mirror.applies("group_membership.added", 2, "x", json!({"user_id": "usr_bob", "group_id": "grp_oncall"})).await
    );
    let groups = mirror.get("tenants/tnt_dev/groups").await;
    let shown: Vec<_> = groups["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| json!([group["identity_id"], group["member_count"], group["parent_ids"]]))
        .collect();
    assert_eq!(shown, [json!(["group:on-call", 2, []]), json!(["group:sre", 1, ["grp_oncall"]])]);
    let members = mirror.get("groups/grp_oncall/members").await;
    assert_eq!(
        members["members"],
        json!([
            {"user_id": "usr_abc", "email": "alice@acme.example", "membership_type": "NESTED", "added_at": "2026-04-23T14:00:02Z"},
            {"user_id": "usr_bob", "email": "bob@acme.example", "membership_type": "DIRECT", "added_at": "2026-04-23T14:00:02Z"},
        ])
    );
    let resolved = mirror.get("resolve/user/usr_abc").await;
    assert_eq!(resolved["groups"], json!(["group:on-call", "group:sre"]));
    assert_eq!(mirror.get("resolve/group/sre").await["groups"], json!(["group:on-call"]));
    assert!(!mirror.applies("group.member_removed", 1, "sre", json!({"user_id": "abc"})).await, "it comes late");
    assert!(mirror.applies("group.member_removed", 3, "sre", json!({"user_id": "abc"})).await);
    assert_eq!(mirror.get("resolve/user/usr_abc").await["groups"], json!([]));
    assert!(mirror.applies("group.deleted", 4, "oncall", json!({})).await);
    assert_eq!(mirror.get("tenants/tnt_dev/groups").await["total"], 1);
    assert_eq!(mirror.get("resolve/user/usr_bob").await["groups"], json!([]), "a deleted group counts no more");
    let gone = mirror.server.call("GET", "/v1/identity/groups/grp_oncall/members", None).await;
    assert_eq!((gone.status, gone.code()), (404, "identity_not_found"));
}

#[tokio::test]
async fn roles_are_given_besides_those_of_the_provider() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    let server = &mirror.server;
    assert!(mirror.applies("user.created", 1, "abc", alice()).await);
    let path = "/v1/identity/users/usr_abc/roles";
    let put = async |path: &str, roles: Value| server.call("PUT", path, Some(json!({"roles": roles}))).await;
    assert_eq!(
        put(path, json!(["partner_admin"])).await.body,
        json!({"user_id": "usr_abc", "roles": ["partner_admin"]})
    );
    assert_eq!(mirror.get("resolve/user/usr_abc").await["roles"], json!(["partner_admin", "tenant_admin"]));
    assert!(mirror.applies("user.updated", 2, "abc", json!({"roles": []})).await);
    assert_eq!(mirror.get("users/usr_abc/roles").await["roles"], json!(["partner_admin"]), "they survive");
    for (roles, code) in [
        (json!(["king"]), "invalid_role"),
        (json!(["secrets-reader"]), "invalid_role"),
        (json!(null), "validation_error"),
    ] {
        assert_eq!(put(path, roles.clone()).await.code(), code, "{roles}");
    }
    assert_eq!(put("/v1/identity/users/usr_none/roles", json!([])).await.code(), "identity_not_found");
    let users = mirror.get("tenants/tnt_dev/users?q=root").await;
    let root = format!("/v1/identity/users/{}/roles", users["users"][0]["id"].as_str().unwrap());
    let refused = put(&root, json!(["super_admin", "tenant_admin"])).await;
    assert_eq!(
        (refused.status, refused.code(), refused.detail("reason")),
        (403, "forbidden", &json!("self_elevation"))
    );
    let refused = put(&root, json!([])).await;
    assert_eq!((refused.code(), refused.detail("reason")), ("forbidden", &json!("last_super_admin")));
    assert_eq!(put(path, json!(["super_admin"])).await.status, 200);
    assert!(mirror.applies("user.suspended", 3, "abc", json!({})).await);
    assert_eq!(put(&root, json!([])).await.detail("reason"), "last_super_admin", "who is suspended does not count");
    assert!(mirror.applies("user.activated", 4, "abc", json!({})).await);
    assert_eq!(put(&root, json!([])).await.status, 200);
    let refused = put(path, json!([])).await;
    assert_eq!(refused.detail("reason"), "role_required", "the role is gone with the next request");
    let roles = server.call("GET", "/v1/identity/roles", None).await.body;
    let named: Vec<_> = roles["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| json!([role["name"], role["kind"], role["reach"], role["assignable_by_caller"]]))
        .collect();
    assert_eq!(named[0], json!(["super_admin", "administrative", "platform", false]));
    assert_eq!(named[3], json!(["secrets-reader", "access", "tenant", false]));
}

#[tokio::test]
async fn who_was_known_before_keeps_what_it_was_given() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    let spare = json!({"email": "spare@acme.example", "role": "super_admin"});
    assert!(mirror.applies("user.created", 1, "spare", spare).await);
    assert!(mirror.applies("user.created", 1, "xyz", json!({"email": "root@dev", "display_name": "Root"})).await);
    let me = mirror.server.call("GET", "/v1/auth/whoami", None).await.body;
    assert_eq!((&me["display_name"], &me["roles"]), (&json!("Root"), &json!(["super_admin"])), "{me}");
    assert_eq!(mirror.get("tenants/tnt_dev/users").await["total"], 2);
    assert!(mirror.applies("user.updated", 2, "usr_xyz", json!({"display_name": "Rooty"})).await);
    assert_eq!(mirror.get("resolve/user/root@dev").await["display_name"], "Rooty");
    assert!(mirror.applies("user.suspended", 3, "xyz", json!({})).await);
    let refused = mirror.server.call("GET", "/v1/auth/whoami", None).await;
    assert_eq!((refused.status, refused.code()), (401, "token_revoked"));
    assert!(mirror.applies("user.activated", 4, "xyz", json!({})).await);
    assert_eq!(mirror.server.call("GET", "/v1/auth/whoami", None).await.status, 200, "reactivation restores access");
    assert!(mirror.applies("user.deleted", 5, "xyz", json!({})).await);
    assert!(mirror.applies("user.activated", 6, "xyz", json!({})).await);
    let refused = mirror.server.call("GET", "/v1/auth/whoami", None).await;
    assert_eq!((refused.status, refused.code()), (401, "token_revoked"), "deletion ended its tokens for good");
}

#[tokio::test]
async fn partners_and_tenants_come_with_their_keys() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    let acme = json!({"name": "Acme", "slug": "acme", "region": "eu"});
    assert!(
        !mirror.applies("tenant.created", 1, "acme", json!({"name": "Acme", "partner_id": "prt_none"})).await,
        "of nobody known"
    );
    assert!(mirror.applies("partner.created", 1, "prt_acme", acme).await);
    let partner = mirror.get("partners/ptn_acme").await;
    assert_eq!(
        (&partner["name"], &partner["source"], &partner["region"]),
        (&json!("Acme"), &json!("scaikey"), &json!("eu"))
    );
    let tenant = json!({"name": "Acme Prod", "slug": "acme-prod", "partner_id": "prt_acme"});
    assert!(mirror.applies("tenant.created", 2, "tnt_acme_prod", tenant).await);
    let secret = "/v1/t/tnt_acme_prod/secrets/app/db";
    let server = &mirror.server;
    assert_eq!(server.call("PUT", secret, Some(json!({"data": {"a": 1}}))).await.status, 201);
    let refused = server.call("PATCH", "/v1/identity/tenants/tnt_acme_prod", Some(json!({"name": "x"}))).await;
    assert_eq!((refused.status, refused.code()), (403, "forbidden"), "it is changed at its source");
    assert!(mirror.applies("tenant.updated", 3, "tnt_acme_prod", json!({"status": "SUSPENDED"})).await);
    assert_eq!(server.call("PUT", secret, Some(json!({"data": {"a": 2}}))).await.code(), "tenant_access_denied");
    assert!(mirror.applies("tenant.updated", 4, "tnt_acme_prod", json!({"status": "ACTIVE"})).await);
    assert_eq!(server.call("PUT", secret, Some(json!({"data": {"a": 2}}))).await.status, 200, "data stay");
    assert!(mirror.applies("tenant.deleted", 5, "tnt_acme_prod", json!({})).await);
    let gone = server.call("DELETE", "/v1/identity/tenants/tnt_acme_prod", None).await;
    assert_eq!(gone.status, 202, "tenants of any source end here alone");
    assert!(
        !mirror.applies("tenant.updated", 6, "tnt_acme_prod", json!({"status": "ACTIVE"})).await,
        "nothing brings it back"
    );
}

#[tokio::test]
async fn a_registration_is_heard_as_far_as_it_reaches() {
    let mirror = Mirror::start(json!({"scope": "tenant", "tenant_slug": "dev"})).await;
    assert!(mirror.applies("user.created", 1, "abc", json!({"email": "a@b.example", "role": "super_admin"})).await);
    assert_eq!(mirror.get("resolve/user/usr_abc").await["roles"], json!([]), "no role beyond the tenant");
    assert!(!mirror.applies("partner.created", 1, "acme", json!({"name": "Acme", "slug": "acme"})).await);
    let other = crate::tenancy::tenant(&mirror.server, "Other").await;
    let body = json!({"event_id": "evt_other", "event_type": "user.created", "timestamp": "2026-04-23T14:00:00Z",
                      "resource": {"id": "def"}, "data": {"email": "d@e.example"}, "tenant_id": other});
    assert_eq!(mirror.send(&body).await.body["applied"], false);
    let again = json!({"scope": "tenant", "tenant_slug": "dev", "email": "b@acme.example", "webhook_secret": SECRET});
    let again = mirror.server.call("POST", "/v1/identity/scaikey", Some(again)).await;
    assert_eq!((again.status, &again.body["email"]), (200, &json!("b@acme.example")), "the same target again");
    for (body, code) in [
        (json!({"scope": "tenant", "email": "a@b.example"}), "validation_error"),
        (json!({"scope": "partner", "email": "a@b.example"}), "validation_error"),
        (json!({"scope": "galaxy", "email": "a@b.example"}), "validation_error"),
        (json!({"scope": "platform"}), "validation_error"),
        (json!({"scope": "platform", "email": "a@b.example", "webhook_secret": "short"}), "validation_error"),
        (json!({"scope": "platform", "email": "a@b.example"}), "invalid_config"),
    ] {
        assert_eq!(mirror.server.call("POST", "/v1/identity/scaikey", Some(body.clone())).await.code(), code, "{body}");
    }
    let sync = mirror.server.call("POST", "/v1/identity/sync", None).await;
    assert_eq!((sync.status, sync.code()), (400, "invalid_config"));
}

#[tokio::test]
async fn every_header_is_asked_for() {
    let provider = Mirror::start(json!({"scope": "platform"})).await;
    let body = json!({"event_id": "evt_x", "event_type": "none.such"}).to_string();
    let signature = signed(&body, jiff::Timestamp::now().as_second(), SECRET);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let all = OTHER_HEADERS.into_iter().chain([("X-ScaiKey-Signature", signature.as_str())]);
    let all: Vec<_> = all.collect();
    for (left_out, _) in &all {
        let url = format!("{}/v1/identity/webhooks/scaikey", provider.server.address);
        let mut request = client.post(url).header("content-type", "application/json").body(body.clone());
        for (name, value) in all.iter().filter(|(name, _)| name != left_out) {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{left_out}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "authentication_required", "{left_out}");
    }
}
