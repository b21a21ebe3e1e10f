//! The customer's first five minutes, field for field.

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::server::Setup;

/// Whom the token is of.
pub struct Who {
    pub partner: &'static str,
    pub tenant: &'static str,
    pub identity: &'static str,
    /// Whether the token ends.
    pub ends: bool,
}

const SCOPES: [&str; 22] = [
    "admin",
    "audit:export",
    "audit:read",
    "dynamic:generate",
    "dynamic:manage",
    "dynamic:read",
    "federation:read",
    "federation:write",
    "identity:admin",
    "identity:read",
    "pki:admin",
    "pki:issue",
    "policies:read",
    "policies:write",
    "secrets:delete",
    "secrets:list",
    "secrets:read",
    "secrets:rotate",
    "secrets:write",
    "subscriptions:read",
    "subscriptions:write",
    "tokens:self",
];

/// Replaces moments, which must have the form of the contract, by `"time"`.
fn timeless(mut value: Value) -> Value {
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        match field {
            Value::String(text) if name.ends_with("_at") => {
                let digits = text.len() == 20 || (text.len() == 27 && text.as_bytes()[19] == b'.');
                let parsed = text.parse::<jiff::Timestamp>().is_ok();
                assert!(digits && parsed && text.ends_with('Z'), "{name}: {text}");
                *text = "time".into();
            }
            Value::Array(rows) => rows.iter_mut().for_each(|row| *row = timeless(row.take())),
            Value::Object(_) => *field = timeless(field.take()),
            _ => {}
        }
    }
    value
}

/// Equal, fields in this order.
#[track_caller]
fn is(found: Value, expected: &Value) {
    assert_eq!(timeless(found).to_string(), expected.to_string());
}

fn whoami(who: &Who) -> Value {
    let name = who.identity.trim_start_matches("user:");
    json!({"identity_id": who.identity, "identity_type": "user", "display_name": name, "tenant_id": who.tenant,
           "partner_id": who.partner, "scopes": SCOPES, "groups": [], "roles": ["super_admin"],
           "mfa_verified_at": null, "token_expires_at": if who.ends { json!("time") } else { Value::Null }})
}

fn created(path: &str) -> Value {
    json!({"path": path, "secret_type": "json", "version": 1, "created": true, "created_at": "time"})
}

fn updated(path: &str) -> Value {
    json!({"path": path, "version": 2, "created": false, "previous_version": 1, "updated_at": "time"})
}

fn secret(path: &str, version: u64, password: &str) -> Value {
    json!({"path": path, "secret_type": "json", "version": version, "data": {"username": "app", "password": password},
           "metadata": {"tags": ["postgres"]}, "created_at": "time", "updated_at": "time"})
}

fn list(path: &str) -> Value {
    let row = json!({"path": path, "secret_type": "json", "version": 2, "updated_at": "time", "expires_at": null,
                     "tags": ["postgres"]});
    json!({"secrets": [row], "cursor": null, "has_more": false, "total_count": 1})
}

/// Who am I, write, read, update, read version 1, list.
pub async fn over_http(api: &Api, who: &Who) {
    const PATH: &str = "quickstart/http";
    const ADDRESS: &str = "/v1/secrets/quickstart/http";
    is(api.read("/v1/auth/whoami").await, &whoami(who));
    let first = json!({"secret_type": "json", "data": {"username": "app", "password": "first"},
                       "metadata": {"tags": ["postgres"]}});
    let answer = api.send(Method::PUT, ADDRESS, &[], Some(&first)).await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (201, Some("\"1\"")));
    assert!(answer.header("x-scaivault-position").unwrap().parse::<u64>().is_ok());
    is(answer.json(), &created(PATH));
    let answer = api.send(Method::GET, ADDRESS, &[], None).await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"1\"")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    for name in ["x-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    is(answer.json(), &secret(PATH, 1, "first"));
    let second = json!({"data": {"username": "app", "password": "second"}});
    let answer = api.send(Method::PUT, ADDRESS, &[], Some(&second)).await.unwrap();
    assert_eq!((answer.status, answer.header("etag")), (200, Some("\"2\"")));
    is(answer.json(), &updated(PATH));
    read_again(api).await;
    is(api.read("/v1/secrets?prefix=quickstart/http").await, &list(PATH));
    let missing = api.send(Method::GET, "/v1/secrets/quickstart/missing", &[], None).await.unwrap();
    assert_eq!(missing.status, 404);
    let mut missing = missing.json();
    assert!(missing["error"]["request_id"].take().as_str().unwrap().starts_with("req_"));
    assert!(missing["error"]["message"].take().is_string());
    let details = json!({"path": "quickstart/missing"});
    assert_eq!(
        missing,
        json!({"error": {"code": "secret_not_found", "message": null, "request_id": null, "details": details}})
    );
}

/// Both versions of what was written over HTTP.
pub async fn read_again(api: &Api) {
    is(api.read("/v1/secrets/quickstart/http").await, &secret("quickstart/http", 2, "second"));
    is(api.read("/v1/secrets/quickstart/http?version=1").await, &secret("quickstart/http", 1, "first"));
}

/// The same with the command line: `--json` prints the API's answers, without it people read.
pub fn on_the_command_line(setup: &Setup, url: &str, token: &str, who: &Who) {
    const PATH: &str = "quickstart/cli";
    let run = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        let mut command = setup.command(&arguments);
        let done = command.env("SCAIVAULT_URL", url).env("SCAIVAULT_TOKEN", token).output().unwrap();
        let out = String::from_utf8(done.stdout).unwrap();
        assert!(done.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(done.status.code(), Some(0), "{line}: {out}");
        out
    };
    let json = |line: &str| {
        let out = run(&format!("--json {line}"));
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(out, format!("{value:#}\n"), "two spaces of indent, one document");
        value
    };
    is(json("auth whoami"), &whoami(who));
    let pairs = "username=app password=first --type json --tag postgres";
    is(json(&format!("secrets write {PATH} {pairs}")), &created(PATH));
    is(json(&format!("secrets read {PATH}")), &secret(PATH, 1, "first"));
    is(json(&format!("secrets write {PATH} username=app password=second")), &updated(PATH));
    is(json(&format!("secrets read {PATH}")), &secret(PATH, 2, "second"));
    is(json(&format!("secrets read {PATH} --version 1")), &secret(PATH, 1, "first"));
    is(json(&format!("secrets list --prefix {PATH}")), &list(PATH));
    assert_eq!(run(&format!("secrets read {PATH} --field password")), "second\n");
    assert_eq!(run(&format!("secrets read {PATH} --field password --version 1")), "first\n");
    let told = run("auth whoami");
    assert!(told.contains(&format!("identity_id: {}\n", who.identity)), "{told}");
    let told = run(&format!("secrets write {PATH}-table a=b"));
    assert_eq!(told, format!("Created {PATH}-table version 1\n"));
    let told = run(&format!("secrets list --prefix {PATH}-table"));
    let mut lines = told.lines();
    assert!(lines.next().unwrap().starts_with("PATH"), "{told}");
    assert!(lines.next().unwrap().starts_with(&format!("{PATH}-table")), "{told}");
    let told = run(&format!("secrets delete {PATH}-table --hard"));
    assert!(told.lines().count() == 1 && told.ends_with(&format!(" {PATH}-table\n")), "{told}");
    let missing = setup
        .command(&["secrets", "read", "quickstart/missing"])
        .env("SCAIVAULT_URL", url)
        .env("SCAIVAULT_TOKEN", token)
        .output()
        .unwrap();
    assert_eq!((missing.status.code(), missing.stdout.as_slice()), (Some(4), &b""[..]));
    let told = String::from_utf8(missing.stderr).unwrap();
    assert!(told.starts_with("Error: ") && told.contains("[secret_not_found] (request req_"), "{told}");
}
