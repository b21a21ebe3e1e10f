//! The state of a past moment over HTTP and on the command line: policies, secrets, and who had access.

use std::process::Command;

use serde_json::{Value, json};

use super::server::{Server, TOKEN};

async fn made(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let answer = server.call(method, path, Some(body)).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

async fn asked(server: &Server, body: Value) -> Value {
    let answer = server.call("POST", "/v1/audit/replay", Some(body.clone())).await;
    assert_eq!(answer.status, 200, "{body}: {answer:?}");
    answer.body
}

/// The moment, after which the clock goes on.
async fn moment(server: &Server) -> String {
    let now = server.call("GET", "/v1/sys/clock", None).await.body["now"].as_str().unwrap().to_owned();
    made(server, "POST", "/v1/sys/clock", json!({"advance": "1h"})).await;
    now
}

/// The end of the next year by the server's clock.
async fn next_year(server: &Server) -> String {
    let now = server.call("GET", "/v1/sys/clock", None).await.body["now"].as_str().unwrap().to_owned();
    format!("{}-12-31T00:00:00Z", now[..4].parse::<u32>().unwrap() + 1)
}

async fn policy(server: &Server, name: &str, rules: Value) -> String {
    let made = made(server, "POST", "/v1/policies", json!({"name": name, "rules": rules})).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn bound(server: &Server, policy: &str, kind: &str, identity: &str, more: Value) -> String {
    let mut body = json!({"identity_type": kind, "identity_id": identity});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = made(server, "POST", &format!("/v1/policies/{policy}/bindings"), body).await;
    made["id"].as_str().unwrap().to_owned()
}

fn column<'a>(rows: &'a Value, name: &str) -> Vec<&'a Value> {
    rows.as_array().unwrap().iter().map(|row| &row[name]).collect()
}

#[tokio::test]
async fn policies_and_secrets_are_as_they_were() {
    let server = Server::start();
    made(&server, "PUT", "/v1/secrets/app/db", json!({"data": {"v": 1}, "metadata": {"tags": ["a"]}})).await;
    let reads = json!([{"path_pattern": "app/**", "permissions": ["read"]}]);
    let id = policy(&server, "reads", reads.clone()).await;
    let ends = next_year(&server).await;
    let binding = bound(&server, &id, "user", "user:a@acme.example", json!({"expires_at": ends})).await;
    let first = moment(&server).await;

    made(&server, "PUT", "/v1/secrets/app/db", json!({"data": {"v": 2}})).await;
    made(&server, "PUT", "/v1/secrets/app/key", json!({"data": {"v": 1}})).await;
    server.call("DELETE", "/v1/secrets/app/db", None).await;
    made(&server, "PATCH", &format!("/v1/policies/{id}"), json!({"name": "writes"})).await;
    let second = moment(&server).await;
    server.call("DELETE", &format!("/v1/policies/{id}?force=true"), None).await;
    made(&server, "POST", "/v1/secrets/app/db/restore", json!({})).await;

    let then = asked(&server, json!({"at": first, "what": "policies"})).await;
    assert_eq!((&then["at"], &then["what"], &then["has_more"]), (&json!(first), &json!("policies"), &json!(false)));
    let held = &then["policies"][0];
    assert_eq!((&held["id"], &held["name"], &held["revision"]), (&json!(id), &json!("reads"), &json!(1)));
    assert_eq!((&held["rules"][0]["path_pattern"], &held["bindings"][0]["id"]), (&json!("app/**"), &json!(binding)));
    let position = then["position"].clone();
    let by_position = asked(&server, json!({"position": position, "what": "policies"})).await;
    assert_eq!((&by_position["policies"], &by_position["position"]), (&then["policies"], &position));
    assert!(by_position["at"].as_str().unwrap() <= first.as_str());
    let then = asked(&server, json!({"at": second, "what": "policies"})).await;
    assert_eq!((&then["policies"][0]["name"], &then["policies"][0]["revision"]), (&json!("writes"), &json!(2)));
    let now = server.call("GET", "/v1/sys/clock", None).await.body["now"].clone();
    assert_eq!(asked(&server, json!({"at": now, "what": "policies"})).await["policies"], json!([]));

    let then = asked(&server, json!({"at": first, "what": "secrets"})).await;
    assert_eq!(column(&then["secrets"], "path"), ["app/db"], "what was not made yet is not there");
    let secret = &then["secrets"][0];
    assert_eq!(
        (&secret["version"], &secret["secret_type"], &secret["deleted_at"]),
        (&json!(1), &json!("kv"), &Value::Null)
    );
    assert_eq!(secret["metadata"]["tags"], json!(["a"]));
    assert!(secret.get("data").is_none(), "never values");
    let then = asked(&server, json!({"at": second, "what": "secrets"})).await;
    assert_eq!(column(&then["secrets"], "path"), ["app/db", "app/key"]);
    assert!(then["secrets"][0]["deleted_at"].is_string(), "soft-deleted ones are included");
    let then = asked(&server, json!({"at": second, "what": "secrets", "path_prefix": "app/k"})).await;
    assert_eq!(column(&then["secrets"], "path"), ["app/key"]);
    for what in ["policies", "secrets"] {
        let before = asked(&server, json!({"at": "2000-01-01", "what": what})).await;
        assert_eq!((&before[what], &before["position"]), (&json!([]), &json!(0)), "before the first record");
    }
    let logs = server.call("GET", "/v1/audit/logs?resource=audit/replay&limit=1", None).await.body;
    assert_eq!((&logs["logs"][0]["action"], &logs["logs"][0]["success"]), (&json!("read"), &json!(true)));
}

#[tokio::test]
async fn access_is_told_with_what_grants_it() {
    let server = Server::start();
    for path in ["app/db", "app/key", "web/tls"] {
        made(&server, "PUT", &format!("/v1/secrets/{path}"), json!({"data": {"v": 1}})).await;
    }
    let account = json!({"name": "Job", "roles": ["secrets-reader"], "scopes": ["secrets:read"]});
    made(&server, "POST", "/v1/identity/service-accounts", account).await;
    let rules = json!([
        {"path_pattern": "web/**", "permissions": ["read"]},
        {"path_pattern": "app/*", "permissions": ["admin"], "conditions": {"require_mfa": true}},
        {"path_pattern": "app/db", "permissions": ["write", "read"]},
    ]);
    let id = policy(&server, "of-app", rules).await;
    let binding = bound(&server, &id, "user", "user:zoe@acme.example", json!({})).await;
    let ends = next_year(&server).await;
    bound(&server, &id, "user", "user:yan@acme.example", json!({"expires_at": ends})).await;
    let partner =
        json!({"name": "of-partner", "scope": "partner", "rules": [{"path_pattern": "**", "permissions": ["read"]}]});
    let partner = made(&server, "POST", "/v1/policies", partner).await["id"].as_str().unwrap().to_owned();
    bound(&server, &partner, "service_account", "sa:job", json!({})).await;
    let idle = policy(&server, "idle", json!([{"path_pattern": "**", "permissions": ["read"]}])).await;
    bound(&server, &idle, "user", "user:idle@acme.example", json!({})).await;
    made(&server, "PATCH", &format!("/v1/policies/{idle}"), json!({"is_active": false})).await;
    let early = moment(&server).await;
    made(&server, "POST", "/v1/sys/clock", json!({"advance": "800d"})).await;
    let late = moment(&server).await;
    server.call("DELETE", &format!("/v1/policies/{id}?force=true"), None).await;

    let then = asked(&server, json!({"at": late, "what": "access", "path": "app/db"})).await;
    let rows = then["identities"].as_array().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| json!([row["identity_id"], row["role"], row["policy_name"], row["rule_index"]]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["sa:job", "secrets-reader", null, null]),
            json!(["sa:job", null, "of-partner", 0]),
            json!(["user:root@dev", "super_admin", null, null]),
            json!(["user:zoe@acme.example", null, "of-app", 1]),
            json!(["user:zoe@acme.example", null, "of-app", 2]),
        ]
    );
    let row = json!({"identity_id": "user:zoe@acme.example", "identity_type": "user", "path": "app/db", "permission": "read",
        "policy_id": id, "policy_name": "of-app", "binding_id": binding, "rule_index": 1, "via_group": null, "role": null,
        "conditions": {"require_mfa": true}});
    assert_eq!(rows[3], row);
    let earlier = asked(&server, json!({"at": early, "what": "access", "path": "app/db"})).await;
    assert!(column(&earlier["identities"], "identity_id").contains(&&json!("user:yan@acme.example")), "not ended yet");
    let writers = asked(&server, json!({"at": late, "what": "access", "path": "app/db", "permission": "rotate"})).await;
    assert_eq!(column(&writers["identities"], "identity_id"), ["user:root@dev", "user:zoe@acme.example"]);
    let system = asked(&server, json!({"at": late, "what": "access", "path": "@pki/issue/web"})).await;
    assert_eq!(column(&system["identities"], "identity_id"), ["sa:job", "user:root@dev"], "roles reach system paths");

    let of = json!({"at": late, "what": "access", "identity_id": "user:zoe@acme.example"});
    let paths = asked(&server, of.clone()).await;
    let told = |rows: &Value| {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| (row["path"].clone(), row["rule_index"].clone())).collect::<Vec<_>>()
    };
    let all = [(json!("app/db"), json!(2)), (json!("app/key"), json!(1)), (json!("web/tls"), json!(0))];
    assert_eq!(told(&paths["identities"]), all, "one row for each path, without conditions if there is one");
    // In pages, while the log goes on.
    let mut seen = Vec::new();
    let mut page = of.clone();
    page["limit"] = json!(1);
    loop {
        let answer = asked(&server, page.clone()).await;
        assert_eq!(answer["position"], paths["position"]);
        seen.extend(told(&answer["identities"]));
        made(&server, "PUT", "/v1/secrets/app/zzz", json!({"data": {"v": 1}})).await;
        if answer["cursor"].is_null() {
            break;
        }
        page["cursor"] = answer["cursor"].clone();
    }
    assert_eq!(seen, all);
    page["permission"] = json!("write");
    let other = server.call("POST", "/v1/audit/replay", Some(page)).await;
    assert_eq!((other.status, other.code()), (400, "invalid_cursor"), "a cursor of another question");
}

#[tokio::test]
async fn records_are_asked_about_by_the_identity_they_had() {
    let server = Server::start();
    made(&server, "PUT", "/v1/secrets/app/db", json!({"data": {"v": 1}})).await;
    let before = moment(&server).await;
    let account = json!({"name": "Job", "roles": ["secrets-reader"], "scopes": ["secrets:read"]});
    let account = made(&server, "POST", "/v1/identity/service-accounts", account).await["id"].clone();
    let while_there = moment(&server).await;
    let of = |at: &str, path: Value| json!({"at": at, "what": "access", "identity_id": account, "path": path});
    let early = asked(&server, of(&before, json!("app/db"))).await;
    assert_eq!(early["identities"], json!([]), "known now, and without access then");

    let address = format!("/v1/identity/service-accounts/{}", account.as_str().unwrap());
    assert_eq!(server.call("DELETE", &address, None).await.status, 204);
    let after = moment(&server).await;
    for path in [json!("app/db"), Value::Null] {
        let then = asked(&server, of(&while_there, path)).await;
        assert_eq!(column(&then["identities"], "identity_id"), ["sa:job"], "it is gone, and was there");
        assert_eq!(column(&then["identities"], "role"), ["secrets-reader"]);
    }
    for at in [&before, &after] {
        let nobody = server.call("POST", "/v1/audit/replay", Some(of(at, json!("app/db")))).await;
        assert_eq!((nobody.status, nobody.code()), (404, "identity_not_found"), "neither then nor now");
    }
}

#[tokio::test]
async fn questions_without_sense_are_refused() {
    let server = Server::start();
    for (body, status, code, field) in [
        (json!({"what": "policies"}), 422, "validation_error", "at"),
        (json!({"what": "policies", "at": "2020-01-01", "position": 1}), 422, "validation_error", "at"),
        (json!({"what": "policies", "at": "2999-01-01"}), 422, "validation_error", "at"),
        (json!({"what": "policies", "at": "soon"}), 422, "validation_error", "at"),
        (json!({"what": "policies", "position": 0}), 422, "validation_error", "position"),
        (json!({"what": "policies", "position": 99_999_999}), 422, "validation_error", "position"),
        (json!({"at": "2020-01-01"}), 422, "validation_error", "what"),
        (json!({"what": "values", "at": "2020-01-01"}), 422, "validation_error", "what"),
        (json!({"what": "access", "at": "2020-01-01"}), 422, "validation_error", "path"),
        (json!({"what": "secrets", "at": "2020-01-01", "path": "app/db"}), 422, "validation_error", "path"),
        (json!({"what": "policies", "at": "2020-01-01", "path_prefix": "a"}), 422, "validation_error", "path_prefix"),
        (
            json!({"what": "access", "at": "2020-01-01", "path": "a/b", "permission": "x"}),
            422,
            "validation_error",
            "permission",
        ),
        (json!({"what": "access", "at": "2020-01-01", "identity_id": "x"}), 422, "validation_error", "identity_id"),
        (json!({"what": "policies", "at": "2020-01-01", "limit": 201}), 422, "validation_error", "limit"),
        (json!({"what": "policies", "at": "2020-01-01", "of": 1}), 422, "validation_error", "of"),
        (json!({"what": "access", "at": "2020-01-01", "path": "a//b"}), 400, "invalid_path", ""),
        (json!({"what": "access", "at": "2020-01-01", "identity_id": "usr_none"}), 404, "identity_not_found", ""),
        (json!({"what": "policies", "at": "2020-01-01", "cursor": "x"}), 400, "invalid_cursor", ""),
    ] {
        let answer = server.call("POST", "/v1/audit/replay", Some(body.clone())).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}: {answer:?}");
        if !field.is_empty() {
            assert_eq!(answer.detail("fields")[0]["field"], field, "{body}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_shows_the_past() {
    let server = Server::start();
    made(&server, "PUT", "/v1/secrets/app/db", json!({"data": {"v": 1}, "metadata": {"tags": ["a", "b"]}})).await;
    let id = policy(&server, "reads", json!([{"path_pattern": "app/**", "permissions": ["read"]}])).await;
    bound(&server, &id, "user", "user:zoe@acme.example", json!({})).await;
    let at = moment(&server).await;
    server.call("DELETE", &format!("/v1/policies/{id}?force=true"), None).await;
    let run = |line: String| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scaivault"));
        command.args(line.split_whitespace()).env_clear();
        command.env("SCAIVAULT_URL", &server.address).env("SCAIVAULT_TOKEN", TOKEN).output().unwrap()
    };
    let prints = |line: String| {
        let output = run(line);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let policies = prints(format!("audit replay --at {at} --what policies"));
    assert_eq!(
        words(&policies)[..11],
        ["ID", "NAME", "RULES", "BINDINGS", "ACTIVE", "UPDATED", &id, "reads", "1", "1", "yes"]
    );
    let secrets = prints(format!("audit replay --at {at} --what secrets"));
    assert_eq!(words(&secrets)[..9], ["PATH", "TYPE", "VERSION", "UPDATED", "EXPIRES", "TAGS", "app/db", "kv", "1"]);
    assert!(secrets.contains("a,b"), "{secrets}");
    let access = prints(format!("audit replay --at {at} --what access --path app/db --all"));
    assert_eq!(words(&access)[..4], ["IDENTITY", "PATH", "PERMISSION", "VIA"]);
    assert!(access.contains("role super_admin") && access.contains("reads rule 0"), "{access}");
    let json = prints(format!("audit replay --at {at} --what access --identity user:zoe@acme.example --json"));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(column(&json["identities"], "path"), ["app/db"]);
    assert_eq!(run("audit replay --what policies".into()).status.code(), Some(5), "a moment or a position");
}
