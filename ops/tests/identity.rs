//! Identities and tenancy as a client meets them: the real server in development mode.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

#[path = "support/api.rs"]
#[allow(dead_code)]
mod api;
#[path = "identity/cli.rs"]
mod cli;
#[path = "identity/crash.rs"]
mod crash;
#[path = "identity/keys.rs"]
mod keys;
#[path = "identity/meanwhile.rs"]
mod meanwhile;
#[path = "identity/mirror.rs"]
mod mirror;
#[path = "support/server.rs"]
#[allow(dead_code)]
mod process;
#[path = "identity/provider.rs"]
mod provider;
#[path = "identity/reach.rs"]
mod reach;
#[path = "api/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "identity/service_accounts.rs"]
mod service_accounts;
#[path = "identity/shredding.rs"]
mod shredding;
#[path = "identity/synchronisation.rs"]
mod synchronisation;
#[path = "identity/tenancy.rs"]
mod tenancy;

use serde_json::{Value, json};

use server::{Answer, Server};

/// A service account of the root's tenant, and its id.
async fn account(server: &Server, body: Value) -> (Value, String) {
    let made = server.call("POST", "/v1/identity/service-accounts", Some(body)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap().to_owned();
    (made.body, id)
}

/// A key of a service account.
async fn key(server: &Server, account: &str) -> String {
    let path = format!("/v1/identity/service-accounts/{account}/keys");
    let made = server.call("POST", &path, Some(json!({"name": "test"}))).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"].as_str().unwrap().to_owned()
}

/// What the key's own identity is told of itself.
async fn whoami(server: &Server, token: &str) -> Answer {
    server.call_as(token, "GET", "/v1/auth/whoami", None, &[]).await
}
