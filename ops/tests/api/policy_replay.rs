//! Past decisions judged again under other policies, over HTTP and on the command line.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::isolation::key;
use super::process::Setup;
use super::server::{Answer, Server, TOKEN};

/// Long enough that only a fault makes a test wait so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program with a key, a policy that lets it read `app/**`, and decisions on both sides.
struct History {
    server: Server,
    policy: String,
    from: String,
}

async fn made(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let answer = server.call(method, path, Some(body)).await;
    assert!(answer.status < 300, "{path}: {answer:?}");
    answer.body
}

async fn now(server: &Server) -> String {
    server.call("GET", "/v1/sys/clock", None).await.body["now"].as_str().unwrap().to_owned()
}

impl History {
    async fn begin() -> Self {
        let server = Server::with(&[("RATE_LIMIT_ENABLED", "false")]);
        let from = now(&server).await;
        for path in ["app/db", "app/key", "web/tls"] {
            made(&server, "PUT", &format!("/v1/secrets/{path}"), json!({"data": {"v": 1}})).await;
        }
        let (job, _) = key(&server, "/v1", json!([])).await;
        let rules = json!([{"path_pattern": "app/**", "permissions": ["read"]}]);
        let policy = made(&server, "POST", "/v1/policies", json!({"name": "reads", "rules": rules})).await;
        let policy = policy["id"].as_str().unwrap().to_owned();
        let bind = json!({"identity_type": "service_account", "identity_id": "sa:keeper"});
        made(&server, "POST", &format!("/v1/policies/{policy}/bindings"), bind).await;
        for (path, status) in [("app/db", 200), ("app/key", 200), ("app/db", 200), ("web/tls", 403)] {
            let answer = server.call_as(&job, "GET", &format!("/v1/secrets/{path}"), None, &[]).await;
            assert_eq!(answer.status, status, "{path}: {answer:?}");
        }
        // What was recorded stands, whatever becomes of the policy.
        made(&server, "PATCH", &format!("/v1/policies/{policy}"), json!({"is_active": false})).await;
        let denied = server.call_as(&job, "GET", "/v1/secrets/app/db", None, &[]).await;
        assert_eq!(denied.status, 403);
        Self { server, policy, from }
    }

    async fn asked(&self, body: Value) -> Answer {
        let mut whole = json!({"from": self.from, "to": now(&self.server).await});
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        self.server.call("POST", "/v1/policies/replay", Some(whole)).await
    }

    /// The replay once it has ended.
    async fn replayed(&self, body: Value) -> Value {
        let accepted = self.asked(body.clone()).await;
        assert_eq!((accepted.status, &accepted.body["status"]), (202, &json!("pending")), "{body}: {accepted:?}");
        self.ended(accepted.body["status_url"].as_str().unwrap()).await
    }

    async fn ended(&self, url: &str) -> Value {
        let asked = Instant::now();
        loop {
            let replay = self.server.call("GET", url, None).await;
            assert_eq!(replay.status, 200, "{replay:?}");
            if !["pending", "running"].contains(&replay.body["status"].as_str().unwrap()) {
                return replay.body;
            }
            assert!(asked.elapsed() < PATIENCE, "it does not end: {replay:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn told(replay: &Value) -> Vec<Value> {
    let changes = replay["changes"].as_array().unwrap().iter();
    changes.map(|change| json!([change["path"], change["before"]["verdict"], change["after"]["verdict"]])).collect()
}

#[tokio::test]
async fn nothing_proposed_changes_nothing() {
    let history = History::begin().await;
    let replay = history.replayed(json!({})).await;
    assert_eq!(
        (&replay["status"], &replay["base"], &replay["error"]),
        (&json!("completed"), &json!("recorded"), &Value::Null)
    );
    assert_eq!((&replay["changed"], told(&replay)), (&json!({"allowed_to_denied": 0, "denied_to_allowed": 0}), vec![]));
    assert_eq!(replay["decisions_total"], 3 + 5, "those of the administrator too: {replay}");
    assert_eq!(replay["decisions_evaluated"], replay["decisions_total"]);
    assert_eq!((&replay["created_by"], &replay["filters"]), (&json!("user:root@dev"), &json!({})));
    for (filters, count) in [
        (json!({"identity_id": "sa:keeper"}), 5),
        (json!({"identity_type": "service_account", "verdict": "denied"}), 2),
        (json!({"verdict": "allowed", "path_prefix": "app/"}), 5),
        (json!({"permission": "read"}), 5),
        (json!({"permission": "list"}), 0),
    ] {
        let replay = history.replayed(json!({"filters": filters})).await;
        assert_eq!((&replay["decisions_total"], &replay["filters"]), (&json!(count), &filters));
    }
    let logs = history.server.call("GET", "/v1/audit/logs?resource=policies/replay&limit=1", None).await.body;
    assert_eq!((&logs["logs"][0]["action"], &logs["logs"][0]["success"]), (&json!("read"), &json!(true)));
}

#[tokio::test]
async fn proposals_are_laid_over_what_stood_or_stands() {
    let history = History::begin().await;
    let policy = history.policy.as_str();
    let changed = |replay: &Value| {
        (replay["changed"]["allowed_to_denied"].clone(), replay["changed"]["denied_to_allowed"].clone())
    };
    let removed = history.replayed(json!({"policies": {"remove": [policy]}})).await;
    assert_eq!(changed(&removed), (json!(3), json!(0)));
    assert_eq!(told(&removed)[1], json!(["app/key", "allowed", "denied"]), "in log order");
    let first = &removed["changes"][0];
    let before = json!({"verdict": "allowed", "code": null, "failed_condition": null, "policy_id": policy,
        "policy_revision": 1, "rule_index": 0, "role": null});
    let after = json!({"verdict": "denied", "code": "access_denied", "failed_condition": null, "policy_id": null,
        "policy_revision": null, "rule_index": null, "role": null});
    assert_eq!((&first["before"], &first["after"]), (&before, &after));
    assert_eq!((&first["identity_id"], &first["permission"]), (&json!("sa:keeper"), &json!("read")));
    let entry =
        history.server.call("GET", &format!("/v1/audit/logs/{}", first["entry_id"].as_str().unwrap()), None).await;
    assert_eq!((&entry.body["request_id"], &entry.body["timestamp"]), (&first["request_id"], &first["timestamp"]));

    let current = history.replayed(json!({"base": "current"})).await;
    assert_eq!(changed(&current), (json!(3), json!(0)), "it is inactive now");

    let conditions = json!({"ip_ranges": ["10.0.0.0/8"], "require_mfa": true});
    let rules = json!([{"path_pattern": "app/**", "permissions": ["read"], "conditions": conditions}]);
    let narrowed = history.replayed(json!({"policies": {"replace": [{"id": policy, "rules": rules}]}})).await;
    assert_eq!(changed(&narrowed), (json!(3), json!(0)));
    let after = &narrowed["changes"][0]["after"];
    assert_eq!((&after["code"], &after["failed_condition"]), (&json!("ip_not_allowed"), &json!("ip_ranges")));
    let active = history.replayed(json!({"policies": {"replace": [{"id": policy, "is_active": true}]}})).await;
    assert_eq!(changed(&active), (json!(0), json!(1)), "what was denied since it is inactive");
    let after = &active["changes"][0]["after"];
    assert_eq!((&after["policy_id"], &after["policy_revision"]), (&json!(policy), &json!(2)), "its rules are not new");

    let bindings = json!([{"identity_type": "service_account", "identity_id": "sa:keeper"}]);
    let wide = json!([{"path_pattern": "nothing", "permissions": ["read"]}, {"path_pattern": "web/**", "permissions": ["admin"]}]);
    let added = json!({"name": "more", "rules": wide, "bindings": bindings});
    let more = history.replayed(json!({"policies": {"add": [added]}})).await;
    assert_eq!(changed(&more), (json!(0), json!(1)));
    let change = &more["changes"][0];
    assert_eq!((&change["path"], &change["before"]["code"]), (&json!("web/tls"), &json!("access_denied")));
    let after = json!({"verdict": "allowed", "code": null, "failed_condition": null, "policy_id": null,
        "policy_revision": null, "rule_index": 1, "role": null});
    assert_eq!(change["after"], after);
    let ended = json!([{"identity_type": "service_account", "identity_id": "sa:keeper", "expires_at": "2020-01-01"}]);
    let added = json!({"name": "more", "rules": wide, "bindings": ended});
    let late = history.replayed(json!({"policies": {"add": [added]}})).await;
    assert_eq!(changed(&late), (json!(0), json!(0)), "its binding ended before");

    // In pages, and one way only.
    let url = format!("/v1/policies/replay/{}", removed["id"].as_str().unwrap());
    let page = history.server.call("GET", &format!("{url}?limit=2"), None).await.body;
    let cursor = page["cursor"].as_str().unwrap();
    let rest = history.server.call("GET", &format!("{url}?limit=2&cursor={cursor}"), None).await.body;
    let both: Vec<_> = told(&page).into_iter().chain(told(&rest)).collect();
    assert_eq!((both, &rest["has_more"]), (told(&removed), &json!(false)));
    let other = history.server.call("GET", &format!("{url}?change=denied_to_allowed"), None).await.body;
    assert_eq!((told(&other), &other["changed"]), (vec![], &removed["changed"]));
}

#[tokio::test]
async fn deleted_policies_are_known_and_others_are_not() {
    let history = History::begin().await;
    let policy = history.policy.as_str();
    history.server.call("DELETE", &format!("/v1/policies/{policy}?force=true"), None).await;
    let again = history.replayed(json!({})).await;
    assert_eq!(told(&again), Vec::<Value>::new());
    let removed = history.replayed(json!({"policies": {"remove": [policy]}})).await;
    assert_eq!(removed["changed"]["allowed_to_denied"], 3);
    let rules = json!([{"path_pattern": "app/**", "permissions": ["read"]}]);
    for (body, status, code) in [
        (json!({"policies": {"remove": ["pol_none"]}}), 404, "policy_not_found"),
        (json!({"policies": {"replace": [{"id": "x"}]}}), 404, "policy_not_found"),
        (json!({"policies": {"remove": [policy], "replace": [{"id": policy}]}}), 422, "validation_error"),
        (json!({"policies": {"replace": [{"is_active": true}]}}), 422, "validation_error"),
        (json!({"policies": {"replace": [{"id": policy, "name": "x"}]}}), 422, "validation_error"),
        (json!({"policies": {"add": [{"name": "x", "rules": []}]}}), 400, "invalid_policy"),
        (
            json!({"policies": {"add": [{"name": "x", "rules": [{"path_pattern": "a//b", "permissions": ["read"]}]}]}}),
            400,
            "invalid_glob",
        ),
        (
            json!({"policies": {"add": [{"name": "x", "rules": rules}, {"name": "x", "rules": rules}]}}),
            409,
            "name_taken",
        ),
        (json!({"policies": {"remove": vec!["pol_x"; 201]}}), 422, "validation_error"),
        (json!({"policies": {"drop": []}}), 422, "validation_error"),
        (json!({"base": "future"}), 422, "validation_error"),
        (json!({"to": "2999-01-01"}), 422, "validation_error"),
        (json!({"from": null}), 422, "validation_error"),
        (json!({"to": "2000-01-01"}), 422, "validation_error"),
        (json!({"filters": {"verdict": "maybe"}}), 422, "validation_error"),
        (json!({"filters": {"identity_id": "usr_none"}}), 404, "identity_not_found"),
    ] {
        let answer = history.asked(body.clone()).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}: {answer:?}");
    }
    let unknown = history.server.call("GET", "/v1/policies/replay/rpl_none", None).await;
    assert_eq!((unknown.status, unknown.code()), (404, "not_found"));
    let id = removed["id"].as_str().unwrap();
    made(&history.server, "POST", "/v1/sys/clock", json!({"advance": "169h"})).await;
    let over = history.server.call("GET", &format!("/v1/policies/replay/{id}"), None).await;
    assert_eq!((over.status, over.code()), (404, "not_found"), "it is kept seven days");
}

#[tokio::test]
async fn a_repetition_is_the_same_replay() {
    let history = History::begin().await;
    let body = json!({"from": history.from, "to": now(&history.server).await});
    let ask = async || {
        let headers = [("Idempotency-Key", "once")];
        history.server.call_as(TOKEN, "POST", "/v1/policies/replay", Some(body.clone()), &headers).await
    };
    let (first, second) = (ask().await, ask().await);
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(second.header("idempotency-replayed"), "true");
    history.ended(first.body["status_url"].as_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_replays() {
    let history = History::begin().await;
    let (from, to) = (history.from.clone(), now(&history.server).await);
    let run = |line: String| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scaivault"));
        command.args(line.split_whitespace()).env_clear();
        command.env("SCAIVAULT_URL", &history.server.address).env("SCAIVAULT_TOKEN", TOKEN).output().unwrap()
    };
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let period = format!("--start {from} --end {to}");
    let same = run(format!("policies replay {period} --exit-code"));
    assert_eq!(same.status.code(), Some(0), "{}", String::from_utf8_lossy(&same.stderr));
    assert!(
        text(&same).contains("decisions_total: 8\n") && text(&same).contains("allowed_to_denied: 0"),
        "{}",
        text(&same)
    );
    let removed = run(format!("policies replay {period} --remove {} --exit-code --path-prefix app/d", history.policy));
    assert_eq!(removed.status.code(), Some(1), "some decision changes");
    let shown = text(&removed);
    assert!(shown.contains("TIME") && shown.contains("denied (access_denied)"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.contains("app/db")).count(), 2, "{shown}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let added = json!({"add": [{"name": "x", "rules": [{"path_pattern": "web/*", "permissions": ["read"]}],
        "bindings": [{"identity_type": "service_account", "identity_id": "sa:keeper"}]}]});
    std::fs::write(file.path(), added.to_string()).unwrap();
    let accepted = run(format!("policies replay {period} --file {} --no-wait --json", file.path().display()));
    let accepted: Value = serde_json::from_str(&text(&accepted)).unwrap();
    history.ended(accepted["status_url"].as_str().unwrap()).await;
    let id = accepted["id"].as_str().unwrap();
    let status = text(&run(format!("policies replay-status {id} --change denied_to_allowed --all")));
    assert!(status.contains("status: completed") && status.contains("web/tls"), "{status}");
    assert_eq!(run("policies replay-status rpl_none".into()).status.code(), Some(4));
}

/// A server with a store of its own that outlives it.
#[tokio::test]
async fn a_restart_continues_what_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let setup =
        Setup::dev(directory.path()).with("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN).with("RATE_LIMIT_ENABLED", "false");
    let setup = setup.argument("--data-dir").argument(directory.path().join("kept").to_str().unwrap());
    let client = reqwest::Client::new();
    let call = async |url: &str, method: &str, path: &str, body: Option<Value>| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client.request(method, format!("{url}{path}")).bearer_auth(TOKEN);
        let request = body.iter().fold(request, |request, body| request.json(body));
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {response:?}");
        response.json::<Value>().await.unwrap_or_default()
    };
    let ended = async |url: &str, path: &str| {
        let asked = Instant::now();
        loop {
            let replay = call(url, "GET", path, None).await;
            if replay["status"] == "completed" {
                return replay;
            }
            assert!(asked.elapsed() < PATIENCE, "it does not end: {replay}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let server = setup.start();
    let from = call(&server.url, "GET", "/v1/sys/clock", None).await["now"].clone();
    for _ in 0..20 {
        call(&server.url, "PUT", "/v1/secrets/app/db", Some(json!({"data": {"v": 1}}))).await;
    }
    let to = call(&server.url, "GET", "/v1/sys/clock", None).await["now"].clone();
    let body = json!({"from": from, "to": to});
    let first = call(&server.url, "POST", "/v1/policies/replay", Some(body.clone())).await;
    let first = first["status_url"].as_str().unwrap();
    let before = ended(&server.url, first).await;
    assert_eq!(before["decisions_total"], 20);
    let mut asked_for = Vec::new();
    for _ in 0..3 {
        let accepted = call(&server.url, "POST", "/v1/policies/replay", Some(body.clone())).await;
        asked_for.push(accepted["status_url"].as_str().unwrap().to_owned());
    }
    // At least the last of them is not carried out yet, or just now.
    server.kill();
    let server = setup.start();
    assert_eq!(call(&server.url, "GET", first, None).await, before);
    for path in &asked_for {
        let after = ended(&server.url, path).await;
        assert_eq!((&after["decisions_total"], &after["changed"]), (&before["decisions_total"], &before["changed"]));
    }
}
