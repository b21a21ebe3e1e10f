//! Synchronisations, and what else happens to the same records.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::mirror::Mirror;
use crate::synchronisation::{AT, PATIENCE, configured, ended, synchronise};

const USERS: usize = 1_200;
const USERS_OF_ONE: &str = "tenants/acme%5Fone/users";

/// Many users as the provider has them.
fn users(name: &str, at: &str) -> Value {
    let user = |number: usize| {
        let email = format!("u{number}@acme.example");
        json!({"id": format!("m{number}"), "email": email, "display_name": name, "updated_at": at})
    };
    (0..USERS).map(user).collect::<Vec<_>>().into()
}

#[tokio::test]
async fn a_suspension_in_the_middle_of_a_synchronisation_stays() {
    let (provider, server) = configured(&[("IDENTITY_SYNC_ENABLED", "false")]).await;
    provider.contents.lock().unwrap().page = 500;
    provider.set(USERS_OF_ONE, users("Before", "2026-04-23T13:00:00Z"));
    let mirror = Mirror::of(server, json!({"scope": "platform"})).await;
    let begun = Instant::now();
    while mirror.get("scaikey").await["last_sync_status"] != "completed" {
        assert!(begun.elapsed() < PATIENCE, "the registration's own synchronisation does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let asked = || provider.contents.lock().unwrap().requests;
    let before = asked();
    synchronise(&mirror.server, "").await;
    let needed = asked() - before;
    provider.set(USERS_OF_ONE, users("After", "2026-04-23T13:30:00Z"));
    let before = asked();
    let started = mirror.server.call("POST", "/v1/identity/sync", None).await;
    // From the moment that it has everything, and takes it over.
    let begun = Instant::now();
    while asked() < before + needed {
        assert!(begun.elapsed() < PATIENCE, "the provider is not asked for everything");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // The last ones first: they are still to be taken over.
    let suspended: Vec<_> = (0..USERS).rev().step_by(4).map(|number| format!("m{number}")).collect();
    for id in &suspended {
        assert!(mirror.applies_in("tnt_acme_one", "user.suspended", 1, id, json!({})).await, "{id}");
    }
    let sync = ended(&mirror.server, started.body["sync_id"].as_str().unwrap()).await;
    assert_eq!(sync["status"], "completed", "{sync}");
    let listed = mirror.get("tenants/tnt_acme_one/users?status=SUSPENDED&page_size=200").await;
    assert_eq!(listed["total"], suspended.len(), "what is newer stays");
    assert_eq!(mirror.get("tenants/tnt_acme_one/users?status=ACTIVE").await["users"][0]["display_name"], "After");
}

#[tokio::test]
async fn a_synchronisation_leaves_one_super_admin() {
    let (provider, server) = configured(&[("IDENTITY_SYNC_ENABLED", "false")]).await;
    provider.set(
        "tenants",
        json!([{"id": "tnt_dev", "partner_id": "ptn_dev", "name": "Dev", "slug": "dev", "updated_at": AT}]),
    );
    let root = json!({"id": "r", "email": "root@dev", "display_name": "Root", "updated_at": AT});
    let spare = json!({"id": "0", "email": "spare@dev", "roles": ["super_admin"], "updated_at": AT});
    provider.set("tenants/tnt%5Fdev/users", json!([root, spare]));
    synchronise(&server, "").await;
    let listed = server.call("GET", "/v1/identity/tenants/tnt_dev/users", None).await.body;
    assert_eq!((&listed["total"], &listed["users"][0]["source"]), (&json!(2), &json!("scaikey")), "{listed}");
    // Both are gone at once.
    provider.set("tenants/tnt%5Fdev/users", json!([]));
    let sync = synchronise(&server, "").await;
    assert_eq!((&sync["status"], &sync["deleted"]), (&json!("completed"), &json!(1)), "{sync}");
    let listed = server.call("GET", "/v1/identity/tenants/tnt_dev/users", None).await.body;
    assert_eq!((&listed["total"], &listed["users"][0]["email"]), (&json!(1), &json!("root@dev")), "{listed}");
    // Nor does the tenant end that it is in.
    provider.set("tenants", json!([]));
    let sync = synchronise(&server, "").await;
    assert_eq!((&sync["status"], &sync["deleted"]), (&json!("completed"), &json!(0)), "{sync}");
    assert_eq!(server.call("GET", "/v1/identity/tenants/tnt_dev", None).await.body["status"], "ACTIVE");
}
