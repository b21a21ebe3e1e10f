//! The group `audit` of the command line against the real server.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::server::{Server, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");

fn command(server: &Server, line: &str) -> Command {
    let mut command = Command::new(BINARY);
    command.args(line.split_whitespace()).env_clear();
    command.env("SCAIVAULT_URL", &server.address).env("SCAIVAULT_TOKEN", TOKEN);
    command
}

/// What a command that succeeds prints.
fn prints(server: &Server, line: &str) -> String {
    let output = command(server, line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn headings(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

async fn history(server: &Server) {
    for path in ["app/db", "app/cache"] {
        server.call("PUT", &format!("/v1/secrets/{path}"), Some(json!({"data": {"v": 1}}))).await;
    }
    server.call("GET", "/v1/secrets/app/db", None).await;
    server.call("GET", "/v1/secrets/app/none", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_searched_and_summed_up() {
    let server = Server::start();
    history(&server).await;
    let found = prints(&server, "audit query --action read,write --path-prefix app/ --order asc");
    let lines: Vec<_> = found.lines().collect();
    assert_eq!(headings(lines[0]), ["TIME", "ACTION", "IDENTITY", "PATH", "VERSION", "OK", "ERROR", "IP"]);
    assert_eq!(lines.len(), 5, "{found}");
    assert_eq!(headings(lines[3])[1..], ["read", "user:root@dev", "app/db", "1", "yes", "-", "127.0.0.1"]);
    assert_eq!(headings(lines[4])[5..7], ["no", "secret_not_found"]);
    let failures = prints(&server, "audit query --success false --json");
    let failures: Value = serde_json::from_str(&failures).unwrap();
    let id = failures["logs"][0]["id"].as_str().unwrap();
    assert!(prints(&server, &format!("audit get {id}")).contains("error_code: secret_not_found"));

    let trail = prints(&server, "audit trail app/db");
    assert!(trail.starts_with("period_days: 30\nreads: 1\nwrites: 1\n"), "{trail}");
    assert!(trail.contains("\n\nTIME"), "{trail}");
    let identity = prints(&server, "audit identity user:root@dev --action write --limit 1 -q");
    assert!(identity.contains("secrets_touched: 2") && identity.contains("app/cache"), "{identity}");
    let summary = prints(&server, "audit summary");
    assert!(summary.contains("failed_events: 1") && summary.contains("\n\nACTION"), "{summary}");
    let radius = prints(&server, "audit blast-radius --identity user:root@dev");
    let blocks: Vec<_> = radius.split("\n\n").collect();
    assert!(blocks[0].contains("still_current: 1"), "{radius}");
    assert_eq!(
        headings(blocks[1]),
        ["PATH", "VERSIONS", "CURRENT", "OTHERS", "ROTATE", "app/db", "1", "yes", "0", "yes"]
    );
    assert_eq!(headings(blocks[3]), ["LEASE", "ENGINE", "ROLE", "STATUS"]);
    let usage = command(&server, "audit blast-radius").output().unwrap();
    assert_eq!(usage.status.code(), Some(5), "one of the two must be given");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_is_made_anew_on_request() {
    let server = Server::start();
    history(&server).await;
    assert!(prints(&server, "audit reindex --status").contains("status: none"));
    assert!(prints(&server, "audit reindex --wait").contains("status: completed"));
    assert!(prints(&server, "audit query --path-prefix app/cache").contains("app/cache"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_followed_without_its_own_looks() {
    let server = Server::start();
    history(&server).await;
    let mut following = command(&server, "audit query --follow --json --start 2020-01-01 --path-prefix app/");
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let actions: Vec<_> = (0..4).map(|_| next()["action"].clone()).collect();
    assert_eq!(actions, ["write", "write", "read", "read"], "what was there");
    server.call("DELETE", "/v1/secrets/app/cache", None).await;
    assert_eq!(next()["action"], "delete", "what came since");
    following.kill().unwrap();
    following.wait().unwrap();

    let mut following = command(&server, "audit query --follow");
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "TIME  ACTION  IDENTITY  PATH  VERSION  OK  ERROR  IP");
    server.call("GET", "/v1/secrets/app/db", None).await;
    let line = lines.next().unwrap().unwrap();
    assert_eq!(headings(&line)[1..4], ["read", "user:root@dev", "app/db"], "from now on, and none of its own: {line}");
    following.kill().unwrap();
    following.wait().unwrap();
}
