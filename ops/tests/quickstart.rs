//! The executable as a customer meets it: the first start, the first five minutes over HTTP and on the command line,
//! a restart, and the ways in which a start is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::wildcard_enum_match_arm, reason = "a fault of the test shows at once")]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "quickstart/first_minutes.rs"]
mod first_minutes;
#[path = "quickstart/readme.rs"]
mod readme;
#[path = "support/server.rs"]
mod server;

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::{Value, json};

use api::Api;
use first_minutes::{Who, on_the_command_line, over_http};
use server::{Setup, Store};

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

// === development mode ===

#[tokio::test]
async fn development_mode_prints_two_lines_and_serves() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::dev(directory.path());
    let server = setup.start();
    let token = server.value("Root token: ").unwrap();
    assert_eq!(server.printed, [format!("Listening on {}", server.url), format!("Root token: {token}")]);
    assert!(server.url.starts_with("http://127.0.0.1:"));
    assert!(token.starts_with("skt_") && token.len() == 53, "{token}");
    assert!(server.errors().contains("Not for production"));
    let dev = Who { partner: "ptn_dev", tenant: "tnt_dev", identity: "user:root@dev", ends: false };
    over_http(&Api::new(&server.url, &token), &dev).await;
    on_the_command_line(&setup, &server.url, &token, &dev);
    assert_eq!(server.terminate(), 0);
    // In memory: all of it is gone.
    let server = setup.start();
    let api = Api::new(&server.url, &server.value("Root token: ").unwrap());
    assert_eq!(api.read("/v1/secrets").await["total_count"], 0);
}

#[tokio::test]
async fn development_mode_keeps_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::dev(directory.path()).argument("--data-dir=kept");
    let given = setup.clone().with("SCAIVAULT_DEV_ROOT_TOKEN", "my-dev-token");
    let server = given.start();
    assert_eq!(server.value("Root token: ").as_deref(), Some("my-dev-token"));
    Api::new(&server.url, "my-dev-token").write("app/kept", &json!({"data": {"k": "v"}})).await;
    assert_eq!(server.terminate(), 0);
    let server = given.start();
    let secret = Api::new(&server.url, "my-dev-token").read("/v1/secrets/app/kept").await;
    assert_eq!(secret["data"], json!({"k": "v"}));
    assert_eq!(server.terminate(), 0);
    let server = setup.start();
    let token = server.value("Root token: ").unwrap();
    assert_ne!(token, "my-dev-token", "a later start makes the token anew");
    let secret = Api::new(&server.url, &token).read("/v1/secrets/app/kept").await;
    assert_eq!(secret["version"], 1);
    let old = Api::new(&server.url, "my-dev-token").send(reqwest::Method::GET, "/v1/auth/whoami", &[], None).await;
    assert_eq!(old.unwrap().status, 401);
}

// === production ===

async fn production(store: Store) {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &store)
        .with("SCAIVAULT_BOOTSTRAP_PARTNER", "Acme")
        .with("SCAIVAULT_BOOTSTRAP_TENANT", "acme-prod")
        .with("SCAIVAULT_BOOTSTRAP_ADMIN", "alice@acme.example");
    let server = setup.start();
    let token = server.value("Bootstrap token: ").unwrap();
    let lines = [format!("Bootstrap token: {token}"), format!("Listening on {}", server.url)];
    assert_eq!(server.printed, lines);
    let acme = Who { partner: "ptn_acme", tenant: "tnt_acme_prod", identity: "user:alice@acme.example", ends: true };
    let api = Api::new(&server.url, &token);
    over_http(&api, &acme).await;
    on_the_command_line(&setup, &server.url, &token, &acme);
    let before = api.read("/v1/secrets/metadata/quickstart/http").await;
    let listed = api.read("/v1/secrets").await;
    let old = server.url.clone();
    assert_eq!(server.terminate(), 0);

    let server = setup.start();
    assert_eq!(server.printed, [format!("Listening on {}", server.url)], "a later start prints no token (was {old})");
    let api = Api::new(&server.url, &token);
    assert_eq!(api.read("/v1/secrets/metadata/quickstart/http").await, before);
    assert_eq!(api.read("/v1/secrets").await, listed);
    first_minutes::read_again(&api).await;
    assert_eq!(server.terminate(), 0);

    already_initialised(&setup, &token).await;
    wrong_provider(&setup);
}

/// `init` changes nothing on a filled store, and makes another token when asked to.
async fn already_initialised(setup: &Setup, token: &str) {
    let again = setup.command(&["init"]).output().unwrap();
    assert_eq!((status(&again), text(&again.stdout)), (1, ""), "{again:?}");
    assert!(text(&again.stderr).contains("initialised"), "{again:?}");
    let renewed = setup.command(&["init", "--new-token"]).output().unwrap();
    assert_eq!(status(&renewed), 0, "{renewed:?}");
    let line = text(&renewed.stdout).strip_suffix('\n').unwrap();
    let new = line.strip_prefix("Bootstrap token: ").unwrap();
    let server = setup.start();
    let whoami = Api::new(&server.url, new).read("/v1/auth/whoami").await;
    assert_eq!(whoami["identity_id"], "user:alice@acme.example");
    let old = Api::new(&server.url, token).send(reqwest::Method::GET, "/v1/auth/whoami", &[], None).await.unwrap();
    assert_eq!((old.status, &old.json()["error"]["code"]), (401, &json!("token_revoked")));
    assert_eq!(server.terminate(), 0);
}

/// A store made with one provider of root keys refuses another, naming both.
fn wrong_provider(setup: &Setup) {
    let other = setup.clone().with("KMS_PROVIDER", "passphrase").with("KMS_PASSPHRASE", "correct horse battery");
    let refused = other.command(&["server"]).output().unwrap();
    assert_eq!((status(&refused), text(&refused.stdout)), (5, ""), "{refused:?}");
    let told = text(&refused.stderr);
    assert!(told.contains("file") && told.contains("passphrase"), "{told}");
}

#[tokio::test]
async fn production_on_sqlite() {
    production(Store::Sqlite).await;
}

#[tokio::test]
async fn production_on_postgres() {
    production(Store::Postgres(cluster::Cluster::shared().database())).await;
}

// === init ===

#[tokio::test]
async fn init_fills_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite);
    let line = ["init", "--json", "--partner", "Acme", "--tenant", "Acme Prod", "--admin", "alice@acme.example"];
    let done = setup.command(&line).output().unwrap();
    assert_eq!(status(&done), 0, "{done:?}");
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    let keys: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["partner_id", "tenant_id", "identity_id", "token", "token_expires_at", "unseal_keys"]);
    assert_eq!((&told["partner_id"], &told["tenant_id"]), (&json!("ptn_acme"), &json!("tnt_acme_prod")));
    assert_eq!((&told["identity_id"], &told["unseal_keys"]), (&json!("user:alice@acme.example"), &Value::Null));
    let server = setup.start();
    assert_eq!(server.value("Bootstrap token: "), None);
    let whoami = Api::new(&server.url, told["token"].as_str().unwrap()).read("/v1/auth/whoami").await;
    assert_eq!(whoami["token_expires_at"], told["token_expires_at"]);
    assert_eq!(server.terminate(), 0);
}

#[tokio::test]
async fn the_bootstrap_token_goes_into_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let setup = Setup::production(directory.path(), &Store::Sqlite)
        .with("SCAIVAULT_BOOTSTRAP_TOKEN_FILE", file.to_str().unwrap());
    let server = setup.start();
    assert_eq!(server.printed.len(), 1, "{:?}", server.printed);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let token = std::fs::read_to_string(&file).unwrap();
    Api::new(&server.url, token.trim_end()).read("/v1/auth/whoami").await;
    assert_eq!(server.terminate(), 0);
    // The file is still there at the second start, which has nothing to write to it.
    assert_eq!(setup.start().terminate(), 0);
}

// === refusals ===

#[test]
fn all_problems_of_a_configuration_are_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup::production(directory.path(), &Store::Sqlite)
        .with("REQUEST_TIMEOUT", "soon")
        .with("KMS_PROVIDER", "paper")
        .with("TLS_CERT_FILE", "/nothing/here.pem");
    let refused = setup.command(&["server"]).output().unwrap();
    assert_eq!((status(&refused), text(&refused.stdout)), (5, ""), "{refused:?}");
    for name in ["REQUEST_TIMEOUT", "KMS_PROVIDER", "TLS_"] {
        assert!(text(&refused.stderr).contains(name), "{refused:?}");
    }
}

#[test]
fn the_address_of_another_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let first = Setup::dev(directory.path()).start();
    let address = first.url.trim_start_matches("http://");
    let second = Setup::dev(directory.path()).command(&["server", "--dev", "--bind", address]).output().unwrap();
    assert_eq!((status(&second), text(&second.stdout)), (1, ""), "{second:?}");
    assert_eq!(first.terminate(), 0);
}
