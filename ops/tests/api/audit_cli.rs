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

/// What verifying a file offline comes to: the exit status, and what is printed.
fn verified(server: &Server, home: &std::path::Path, bundle: &Value, flags: &str) -> (i32, Value) {
    let file = home.join("bundle.json");
    std::fs::write(&file, bundle.to_string()).unwrap();
    let line = format!("audit verify --json --offline {} {flags}", file.display());
    // Nothing of the server is known, but for what is given.
    let output = command(server, &line).env_remove("SCAIVAULT_URL").env("HOME", home).output().unwrap();
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_verified_without_the_server() {
    let server = Server::start();
    history(&server).await;
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    let key = server.call("GET", "/v1/audit/public-key", None).await.body;
    std::fs::write(at("key.json"), key.to_string()).unwrap();
    let other = "other.example/audit+f1d2e3c4+AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    std::fs::write(at("other.key"), other).unwrap();
    let with_key = format!("--public-key {}", at("key.json"));

    let logs = server.call("GET", "/v1/audit/logs?action=read&success=false", None).await.body;
    let entry = &logs["logs"][0];
    let id = entry["id"].as_str().unwrap();
    let told = prints(&server, &format!("audit bundle {id} --out {}", at("one.json")));
    assert!(told.contains("entries: 1\nrecords: 1\n"), "{told}");
    let one: Value = serde_json::from_str(&std::fs::read_to_string(at("one.json")).unwrap()).unwrap();
    assert_eq!(&one["records"][0]["entries"][0]["entry"], entry);
    let (status, sound) = verified(&server, home.path(), &one, &with_key);
    assert_eq!((status, &sound["ok"], &sound["tree_size"]), (0, &json!(true), &one["tree_size"]));
    assert_eq!(verified(&server, home.path(), &one, "").0, 0, "with its own key, unconfirmed");
    assert_eq!(verified(&server, home.path(), &one, &format!("--public-key {}", at("other.key"))).0, 5);

    prints(&server, &format!("audit bundle --start 2020-01-01 --end 2999-01-01 --out {}", at("all.json")));
    let all: Value = serde_json::from_str(&std::fs::read_to_string(at("all.json")).unwrap()).unwrap();
    let entries: Vec<_> =
        all["records"].as_array().unwrap().iter().flat_map(|record| record["entries"].as_array().unwrap()).collect();
    assert!(entries.len() > 6, "{}", entries.len());
    assert_eq!(verified(&server, home.path(), &all, &with_key).0, 0);

    let position = &one["records"][0]["position"];
    let changes: [(&str, Value, &str); 9] = [
        ("/records/0/entries/0/entry/identity_id", json!("user:mallory@acme.example"), "entry_mismatch"),
        ("/records/0/entries/0/entry/success", json!(true), "entry_mismatch"),
        ("/records/0/entries/0/entry/extra_data/permission", json!("write"), "entry_mismatch"),
        ("/records/0/entries/0/entry/position", json!(1), "entry_mismatch"),
        ("/records/0/entries/0/salt", json!("AAAAAAAAAAAAAAAAAAAAAA=="), "entry_mismatch"),
        ("/records/0/entries/0/index", json!(1), "entry_mismatch"),
        ("/records/0/leaf_data", all["records"][0]["leaf_data"].clone(), "root_mismatch"),
        ("/records/0/hashes/0", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "root_mismatch"),
        ("/tree_size", json!(1), "checkpoint_invalid"),
    ];
    for (place, value, reason) in changes {
        let mut altered = one.clone();
        *altered.pointer_mut(place).unwrap() = value;
        let (status, found) = verified(&server, home.path(), &altered, &with_key);
        assert_eq!((status, &found["ok"], &found["reason"]), (1, &json!(false), &json!(reason)), "{place}");
        if reason != "checkpoint_invalid" {
            assert_eq!(&found["first_bad_position"], position, "{place}");
        }
    }
    for (list, reason) in [("/records", "root_mismatch"), ("/records/0/entries", "entry_mismatch")] {
        let mut doubled = one.clone();
        let list = doubled.pointer_mut(list).unwrap().as_array_mut().unwrap();
        list.push(list[0].clone());
        let (status, found) = verified(&server, home.path(), &doubled, &with_key);
        assert_eq!((status, &found["reason"]), (1, &json!(reason)), "what happened once is not there twice");
    }
    let checkpoint = one["checkpoint"].as_str().unwrap();
    for index in (0..checkpoint.len()).filter(|index| checkpoint.is_char_boundary(*index)).step_by(3) {
        let mut altered = one.clone();
        let mut text = checkpoint.to_owned();
        let character = text[index..].chars().next().unwrap();
        text.replace_range(index..index + character.len_utf8(), if character == 'A' { "B" } else { "A" });
        altered["checkpoint"] = json!(text);
        assert_eq!(verified(&server, home.path(), &altered, &with_key).0, 1, "{text}");
    }
    assert_eq!(verified(&server, home.path(), &json!({"format": "other"}), &with_key).0, 5);
    let many = server.call("GET", "/v1/audit/bundle?from=2020-01-01", None).await;
    assert_eq!((many.status, many.code()), (422, "validation_error"));
    let none = server.call("GET", "/v1/audit/bundle?entry_id=log_01JXR90A3T6W8K2M5P7Q9S1V4X", None).await;
    assert_eq!((none.status, none.code()), (404, "not_found"));
    let proof = server.call("GET", &format!("/v1/audit/proof/inclusion?entry_id={id}"), None).await.body;
    assert_eq!((&proof["position"], &proof["entry"]["id"]), (position, &json!(id)));
    assert_eq!(proof["entry"]["salt"], one["records"][0]["entries"][0]["salt"]);
}
