//! What whoever holds the secret of a registration cannot do with it.

use serde_json::{Value, json};

use crate::mirror::{Mirror, SECRET};

/// A partner `acme` with a tenant `acme-one`, and a partner `other` with a tenant `other-one`, all mirrored; then
/// a registration of another scope.
async fn registered(registration: Value) -> Mirror {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    for name in ["acme", "other"] {
        assert!(mirror.applies("partner.created", 1, name, json!({"name": name, "slug": name})).await);
        let tenant = json!({"name": name, "slug": format!("{name}-one"), "partner_id": name});
        assert!(mirror.applies("tenant.created", 2, &format!("{name}_one"), tenant).await);
    }
    register(&mirror, registration).await;
    mirror
}

async fn register(mirror: &Mirror, mut registration: Value) {
    registration["email"] = "admin@acme.example".into();
    registration["webhook_secret"] = SECRET.into();
    let answer = mirror.server.call("POST", "/v1/identity/scaikey", Some(registration)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Whether events about a tenant's people change something: a user, a group, a membership.
async fn people(mirror: &Mirror, tenant: &str) -> [bool; 3] {
    let user = mirror.applies_in(tenant, "user.created", 5, "abc", json!({"email": "a@acme.example"})).await;
    let group = mirror.applies_in(tenant, "group.created", 5, "sre", json!({"name": "sre"})).await;
    let member = mirror.applies_in(tenant, "group.member_added", 5, "sre", json!({"user_id": "abc"})).await;
    [user, group, member]
}

#[tokio::test]
async fn a_tenants_registration_reaches_that_tenant_alone() {
    let mirror = registered(json!({"scope": "tenant", "tenant_slug": "acme-one"})).await;
    let taking = json!({"slug": "acme-one", "status": "SUSPENDED"});
    assert!(!mirror.applies("tenant.updated", 3, "other_one", taking.clone()).await, "by the slug in the event");
    let other = mirror.get("tenants/tnt_other_one").await;
    assert_eq!((&other["slug"], &other["status"]), (&json!("other-one"), &json!("ACTIVE")));
    assert!(!mirror.applies("tenant.updated", 3, "tnt_dev", taking).await, "one that was made here");
    let new = json!({"slug": "acme-one", "partner_id": "other"});
    assert!(!mirror.applies("tenant.created", 3, "new", new).await, "another of that slug");
    for event_type in ["partner.updated", "partner.deleted"] {
        assert!(!mirror.applies(event_type, 3, "acme", json!({"slug": "acme-one"})).await, "{event_type}");
    }
    assert_eq!(people(&mirror, "tnt_other_one").await, [false; 3]);

    assert!(mirror.applies("tenant.updated", 4, "acme_one", json!({"slug": "other-one", "name": "New"})).await);
    let own = mirror.get("tenants/tnt_acme_one").await;
    assert_eq!((&own["slug"], &own["name"]), (&json!("acme-one"), &json!("New")), "its slug never changes");
    assert_eq!(people(&mirror, "tnt_acme_one").await, [true; 3]);
}

#[tokio::test]
async fn a_partners_registration_reaches_its_tenants_alone() {
    let mirror = registered(json!({"scope": "partner", "partner_slug": "acme"})).await;
    let taking = json!({"slug": "acme", "status": "SUSPENDED"});
    assert!(!mirror.applies("partner.updated", 3, "other", taking.clone()).await, "by the slug in the event");
    assert!(!mirror.applies("partner.created", 3, "new", json!({"slug": "acme"})).await, "another of that slug");
    assert!(!mirror.applies("partner.updated", 3, "ptn_dev", taking).await, "one that was made here");
    let told = json!({"slug": "acme-one", "partner_id": "acme", "status": "SUSPENDED"});
    assert!(!mirror.applies("tenant.updated", 3, "other_one", told).await);
    let there = json!({"slug": "new", "partner_id": "other"});
    assert!(!mirror.applies("tenant.created", 3, "new", there).await, "below another partner");
    let taken = json!({"slug": "other-one", "partner_id": "acme"});
    assert!(!mirror.applies("tenant.created", 3, "new", taken).await, "a slug that another tenant has");
    assert_eq!(people(&mirror, "tnt_other_one").await, [false; 3]);
    assert_eq!(mirror.get("tenants/tnt_other_one").await["status"], "ACTIVE");

    assert!(mirror.applies("partner.updated", 4, "acme", json!({"slug": "other", "name": "New"})).await);
    let own = mirror.get("partners/ptn_acme").await;
    assert_eq!((&own["slug"], &own["name"]), (&json!("acme"), &json!("New")), "its slug never changes");
    assert!(mirror.applies("tenant.created", 4, "new", json!({"slug": "new", "partner_id": "acme"})).await);
    assert_eq!(people(&mirror, "tnt_acme_one").await, [true; 3]);
}

/// The only user with an address.
async fn user(mirror: &Mirror, email: &str) -> Value {
    mirror.get(&format!("resolve/user/{email}")).await
}

#[tokio::test]
async fn nobody_beyond_a_registration_is_taken_over() {
    let mirror = Mirror::start(json!({"scope": "tenant", "tenant_slug": "dev"})).await;
    let root = user(&mirror, "root@dev").await;
    let id = root["id"].as_str().unwrap();
    assert!(mirror.applies("user.created", 1, "own", json!({"email": "own@acme.example"})).await);
    for (event_type, resource, data) in [
        ("user.created", "xyz", json!({"email": "root@dev"})),
        ("user.updated", id, json!({"email": "own@acme.example"})),
        ("user.updated", id, json!({"email": "root@dev", "display_name": "x"})),
        ("user.deleted", id, json!({})),
        ("user.suspended", id, json!({})),
        ("user.updated", "own", json!({"email": "root@dev"})),
    ] {
        assert!(!mirror.applies(event_type, 2, resource, data.clone()).await, "{event_type} {resource} {data}");
    }
    assert_eq!(user(&mirror, "root@dev").await, root);
    // Whoever is given a role beyond it is out of its reach from then on.
    let roles = json!({"roles": ["partner_admin"]});
    assert_eq!(mirror.server.call("PUT", "/v1/identity/users/usr_own/roles", Some(roles)).await.status, 200);
    assert!(!mirror.applies("user.updated", 3, "own", json!({"email": "evil@acme.example"})).await);
    assert!(!mirror.applies("user.suspended", 3, "own", json!({})).await);
}

#[tokio::test]
async fn roles_given_here_stay_with_the_address_they_were_given_to() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    assert!(mirror.applies("user.created", 1, "own", json!({"email": "own@acme.example"})).await);
    let roles = json!({"roles": ["partner_admin"]});
    assert_eq!(mirror.server.call("PUT", "/v1/identity/users/usr_own/roles", Some(roles)).await.status, 200);
    let changed = json!({"email": "evil@acme.example", "display_name": "New"});
    assert!(mirror.applies("user.updated", 2, "own", changed).await);
    let own = user(&mirror, "own@acme.example").await;
    assert_eq!((&own["id"], &own["display_name"]), (&json!("usr_own"), &json!("New")));
    assert!(mirror.applies("user.created", 1, "two", json!({"email": "two@acme.example"})).await);
    for email in ["own@acme.example", "root@dev"] {
        assert!(!mirror.applies("user.updated", 3, "two", json!({"email": email})).await, "{email} is somebody's");
    }
    // Whoever gets the address of somebody who is gone gets nothing else.
    assert!(mirror.applies("user.deleted", 3, "own", json!({})).await);
    assert!(mirror.applies("user.created", 4, "three", json!({"email": "own@acme.example"})).await);
    let three = user(&mirror, "own@acme.example").await;
    assert_eq!((&three["id"], &three["roles"]), (&json!("usr_three"), &json!([])));
}

#[tokio::test]
async fn the_last_super_admin_is_kept() {
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    assert!(mirror.applies("user.created", 1, "xyz", json!({"email": "root@dev"})).await);
    for event_type in ["user.suspended", "user.deleted"] {
        assert!(!mirror.applies(event_type, 2, "xyz", json!({})).await, "{event_type}");
    }
    for (event_type, resource) in [("tenant.updated", "tnt_dev"), ("partner.updated", "ptn_dev")] {
        let suspended = json!({"status": "SUSPENDED"});
        assert!(!mirror.applies(event_type, 2, resource, suspended).await, "{event_type}");
    }
    assert_eq!(mirror.server.call("GET", "/v1/auth/whoami", None).await.status, 200);
    let spare = json!({"email": "spare@acme.example", "role": "super_admin"});
    assert!(mirror.applies("user.created", 3, "spare", spare).await);
    assert!(mirror.applies("user.suspended", 4, "xyz", json!({})).await);
    assert!(!mirror.applies("user.updated", 4, "spare", json!({"roles": []})).await);
}

#[tokio::test]
async fn a_registration_is_replaced_by_whoever_reaches_it() {
    let server = crate::server::Server::start();
    let scopes = json!(["identity:admin"]);
    for role in ["partner_admin", "tenant_admin"] {
        crate::account(&server, json!({"name": role, "roles": [role], "scopes": scopes})).await;
    }
    let partner = crate::key(&server, "sa:partner-admin").await;
    let tenant = crate::key(&server, "sa:tenant-admin").await;
    let body = |scope: &str| {
        json!({"scope": scope, "tenant_slug": "dev", "partner_slug": "dev", "email": "admin@acme.example",
               "webhook_secret": SECRET})
    };
    for (token, scope, status) in [
        (Some(&tenant), "tenant", 201),
        (Some(&partner), "partner", 201),
        (Some(&tenant), "tenant", 403),
        (None, "platform", 201),
        (Some(&tenant), "tenant", 403),
        (Some(&partner), "partner", 403),
        (None, "tenant", 201),
        (Some(&tenant), "tenant", 200),
        (Some(&partner), "tenant", 200),
    ] {
        let path = "/v1/identity/scaikey";
        let answer = match token {
            Some(token) => server.call_as(token, "POST", path, Some(body(scope)), &[]).await,
            None => server.call("POST", path, Some(body(scope))).await,
        };
        assert_eq!(answer.status, status, "{scope}: {answer:?}");
        if status == 403 {
            assert_eq!((answer.code(), answer.detail("reason")), ("forbidden", &json!("role_required")), "{answer:?}");
        }
    }
    // Another tenant of the slug is reached by a registration too: whoever does not reach it is refused.
    let mirror = Mirror::start(json!({"scope": "platform"})).await;
    assert!(mirror.applies("partner.created", 1, "acme", json!({"name": "acme", "slug": "acme"})).await);
    assert!(mirror.applies("tenant.created", 2, "twin", json!({"slug": "dev", "partner_id": "acme"})).await);
    crate::account(&mirror.server, json!({"name": "t", "roles": ["tenant_admin"], "scopes": scopes})).await;
    let tenant = crate::key(&mirror.server, "sa:t").await;
    register(&mirror, json!({"scope": "tenant", "tenant_slug": "none"})).await;
    let answer = mirror.server.call_as(&tenant, "POST", "/v1/identity/scaikey", Some(body("tenant")), &[]).await;
    assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{answer:?}");
}
