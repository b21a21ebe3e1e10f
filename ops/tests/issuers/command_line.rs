//! The same on the command line.

use std::process::{Command, Stdio};

use serde_json::json;

use super::issuer::{Issuer, Key};
use super::server::{Server, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");

/// What a command prints, run in a directory as the server's root.
fn printed(server: &Server, directory: &std::path::Path, line: &[&str]) -> String {
    let mut command = Command::new(BINARY);
    command.args(line).env_clear().env("HOME", directory).current_dir(directory).stdin(Stdio::null());
    let done = command.env("SCAIVAULT_URL", &server.address).env("SCAIVAULT_TOKEN", TOKEN).output().unwrap();
    assert!(done.status.success(), "{line:?} {done:?}");
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_issuer_to_a_token() {
    let (server, key) = (Server::start(), Key::new("a", "ES256"));
    let (issuer, directory) = (Issuer::start(&[&key]).await, tempfile::tempdir().unwrap());
    let write = |name: &str, text: String| std::fs::write(directory.path().join(name), text).unwrap();
    let run = |line: &[&str]| printed(&server, directory.path(), line);
    write("issuer", json!({"name": "ci", "issuer": issuer.url, "audiences": ["scaivault"]}).to_string());
    let made = run(&["auth", "issuers", "create", "--file", "issuer"]);
    let id = made.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let rule = json!({"name": "ci", "issuer_id": id, "subject": "repo:*", "identity_id": "user:deployer",
                      "scopes": ["secrets:read", "secrets:list"]});
    write("rule", rule.to_string());
    let rule = run(&["auth", "exchange-rules", "create", "--file", "rule"]);
    let rule = rule.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    write("jwt", key.token(&issuer.claims(json!({"sub": "repo:acme"}))));
    let token = run(&["auth", "exchange", "--subject-token-file", "jwt", "--scope", "secrets:read"]);
    assert!(token.starts_with("sxt_") && token.len() == 53, "{token}");
    let told = run(&["auth", "introspect", "--token", &token]);
    assert!(
        told.contains("active: yes\nidentity_id: user:deployer\n") && told.contains("scopes: secrets:read\n"),
        "{told}"
    );
    assert_eq!(run(&["auth", "exchange-rules", "delete", rule]), format!("Deleted {rule}"));
    assert_eq!(run(&["auth", "introspect", "--token", &token]), "active: no");
    assert_eq!(run(&["auth", "issuers", "delete", id]), format!("Deleted {id}"));
    assert_eq!(run(&["auth", "issuers", "list"]), "ID  NAME  ISSUER  ACTIVE");
}
