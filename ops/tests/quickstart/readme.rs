//! The README's first five minutes, executed as they stand there.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::Setup;

/// The fenced `sh` blocks of a section.
fn blocks(text: &str, heading: &str) -> Vec<String> {
    let section = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let fenced = section.split("```sh\n").skip(1);
    fenced.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_first_five_minutes_are_as_they_say() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let blocks = blocks(&std::fs::read_to_string(readme).unwrap(), "## First five minutes\n");
    assert!(blocks.len() >= 5, "{blocks:?}");
    let directory = tempfile::tempdir().unwrap();
    let server = Setup::dev(directory.path()).start();
    let token = server.value("Root token: ").unwrap();
    // Address and token are those of this server, the executable is the one under test.
    let programs = Path::new(env!("CARGO_BIN_EXE_scaivault")).parent().unwrap();
    let script = blocks
        .join("echo\n")
        .replace("http://127.0.0.1:8200", &server.url)
        .replace("skt_…", &token)
        .replace("$PWD/target/debug", programs.to_str().unwrap())
        .replace("\ncurl ", "\necho; curl --fail-with-body ");
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env_clear()
        .env("HOME", directory.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{script}\n{out}\n{err}");
    let answers: Vec<Value> =
        out.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let [whoami, created, first, updated, old, list] = answers.as_slice() else { panic!("{out}") };
    assert_eq!(whoami["identity_id"], "user:root@dev");
    assert_eq!((&created["version"], &created["created"]), (&1.into(), &true.into()));
    assert_eq!((&first["version"], &first["data"]["password"]), (&1.into(), &"first".into()));
    assert_eq!((&updated["version"], &updated["previous_version"]), (&2.into(), &1.into()));
    assert_eq!((&old["version"], &old["data"]["password"]), (&1.into(), &"first".into()));
    assert_eq!((&list["total_count"], &list["secrets"][0]["path"]), (&1.into(), &"app/db/password".into()));
    for line in ["Created app/db/replica version 1", "third", "Updated app/db/replica version 2 (was 1)", "fourth"] {
        assert!(out.lines().any(|printed| printed == line), "{line} in {out}");
    }
    assert_eq!(server.terminate(), 0);
}

/// A port that nobody listens on.
fn free_port() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

#[test]
fn two_nodes_are_as_they_say() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let blocks = blocks(&std::fs::read_to_string(readme).unwrap(), "### Production: two nodes\n");
    let [database, nodes, exchange, stop] = blocks.get(..4).unwrap() else { panic!("{blocks:?}") };
    let programs = Path::new(env!("CARGO_BIN_EXE_scaivault")).parent().unwrap();
    // Ports are free ones, the executable is the one under test, and nothing stays when a step fails.
    let ports = ["5544", "4244", "8201", "8202"].map(|port| (port, free_port()));
    let script =
        format!("trap 'set +e; {stop}' EXIT\n{database}{nodes}{}", exchange.replace("\ncurl ", "\necho; curl "));
    let script = ports.iter().fold(script, |script, (port, free)| script.replace(port, free));
    let script = script.replace("$PWD/target/debug", programs.to_str().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env_clear()
        .env("HOME", directory.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{script}\n{out}\n{err}");
    let answers: Vec<Value> =
        out.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect();
    let [written, read] = answers.as_slice() else { panic!("{out}") };
    assert_eq!((&written["version"], &written["created"]), (&1.into(), &true.into()));
    assert_eq!((&read["version"], &read["data"]["password"]), (&1.into(), &"first".into()));
}

/// Executes a guide as it stands there, against a server of its own; what it printed.
fn executed(guide: &str, prepare: impl FnOnce(String) -> String) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides").join(guide);
    let text = std::fs::read_to_string(guide).unwrap();
    // The first block starts the server.
    let blocks: Vec<&str> = text.split("```sh\n").skip(2).map(|block| block.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 9, "{blocks:?}");
    let directory = tempfile::tempdir().unwrap();
    let server =
        Setup::dev(directory.path()).with("EXPORT_DIR", directory.path().join("exports").to_str().unwrap()).start();
    let token = server.value("Root token: ").unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_scaivault")).parent().unwrap();
    let script = blocks
        .join("echo\n")
        .replace("http://127.0.0.1:8200", &server.url)
        .replace("skt_…", &token)
        .replace("$PWD/target/debug", programs.to_str().unwrap());
    let script = prepare(script);
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env_clear()
        .env("HOME", directory.path())
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .current_dir(directory.path())
        .output()
        .unwrap();
    let out = String::from_utf8(done.stdout).unwrap();
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.success(), "{script}\n{out}\n{err}");
    assert_eq!(server.terminate(), 0);
    out
}

#[test]
fn the_guide_to_access_is_as_it_says() {
    let out = executed("access.md", |script| {
        let script = script.replace("8300", &free_port());
        format!("trap 'kill ${{ISSUER_PROCESS:-0}} 2>/dev/null || true' EXIT\n{script}")
    });
    for told in [
        // A program, by curl.
        r#""reason":"no_matching_rule","permission":"read""#,
        r#""smallest_change":{"rule":{"path_pattern":"billing/db","permissions":["read"],"conditions":{}}"#,
        r#""data":{"password":"first"}"#,
        r#""reason":"condition_failed","failed_condition":"ip_ranges""#,
        // A person, by a token of the issuer.
        r#""identity_id":"user:alice@shop.example""#,
        r#""groups":["group:sre"]"#,
        // The same on the command line.
        "Error: No policy permits read on this path [access_denied] (request req_",
        "This rule, bound to sa:stock, would have allowed it:",
        "stock/db  read         -",
        "reason: no_policy_bound",
        "password  first",
    ] {
        assert!(out.contains(told), "{told} in\n{out}");
    }
    assert_eq!(out.matches(r#""path":"billing/db","secret_type":"kv","version":1,"data""#).count(), 2, "{out}");
}

#[test]
fn the_guide_to_secret_policies_is_as_it_says() {
    let out = executed("secret-policies.md", |script| script);
    for told in [
        r#""id":"sp_database_passwords""#,
        "FIELD     VALUE\npassword  ••••••\n",
        "Created shop/db version 1",
        "Updated shop/db version 2 (was 1)",
        "port: 5432",
        "length of the new password: 24",
        "secret_policy_id: sp_database_passwords",
        "The secret policy is in use; detach it first, or delete it with ?force=true [resource_in_use]",
        "ssh-ed25519 AAAA",
        "Deleted sp_database_passwords",
        "secret_policy_id: -",
        "fields[0].config.require_upper: asks for what the charset does not have",
    ] {
        assert!(out.contains(told), "{told} in\n{out}");
    }
}

#[test]
fn the_guide_to_rotation_is_as_it_says() {
    let out = executed("rotation.md", |script| script);
    let row = |columns: &[&str]| {
        let told = out.lines().any(|line| line.split_whitespace().skip(1).eq(columns.iter().copied()));
        assert!(told, "{columns:?} in\n{out}");
    };
    // Warned of, due, rotated by the script, and left to itself again.
    row(&["metadata_update", "system:rotation-scheduler", "shop/oauth", "-", "yes", "-", "-"]);
    row(&["shop/oauth", "pending", "schedule", "1", "-", "system:rotation-scheduler", "-"]);
    row(&["shop/oauth", "success", "write", "1", "2", "sa:renewal", "-"]);
    row(&["write", "sa:renewal", "shop/oauth", "2", "yes", "-", "127.0.0.1"]);
    row(&["read", "sa:shop", "shop/oauth", "1", "no", "version_not_found", "127.0.0.1"]);
    // Made by the server.
    row(&["shop/db", "success", "schedule", "1", "2", "system:rotation-scheduler", "-"]);
    // Asked for.
    row(&["success", "2", "3", "-"]);
    row(&["pending", "2", "-", "-"]);
    row(&["shop/oauth", "success", "manual", "2", "3", "user:root@dev", "-"]);
    for told in [
        "shop/oauth  scheduled  -             20",
        "  warning  no\n",
        "  due     no\n",
        "Updated shop/oauth version 2 (was 1)\n",
        // The previous version, as long as it is readable.
        "1        grace    ",
        "\nfirst\n",
        "  no\nsecond-",
        "  3      yes\n",
        "1        previous ",
        r#""reason": "grace_period_ended""#,
        // Of what the recipe does not make, all stays.
        "changeme\n",
        "db.shop.example\nlength of the new password: 24\n",
        "Version 1 of secret 'shop/db' cannot be read any more: its grace period has ended [version_not_found]",
        "window: sat,sun 02:00-04:00 Europe/Amsterdam\n",
        "min_distance: shop/oauth=24h\n",
        "  paused  ",
        "Detached shop/oauth from rot_quarterly\n",
        "Deleted rot_quarterly\n",
    ] {
        assert!(out.contains(told), "{told} in\n{out}");
    }
    assert_eq!(out.matches("Updated shop/oauth").count(), 1, "the script writes what is due, and nothing else: {out}");
}

#[test]
fn the_guide_to_events_is_as_it_says() {
    let out = executed("events.md", |script| {
        let script = script.replace("8301", &free_port());
        format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}")
    });
    for told in [
        // Pushed, as far as it was asked for.
        "secret.created shop/db {\"version\": 1",
        "  secret.created  success  200   1  ",
        "  webhook.test    success  200   1  ",
        // Verified, and refused.
        "\nrefused\n",
        // Lost, and sent again.
        "  secret.rotated  pending  -     1  ",
        "connection_error",
        "secret.rotated shop/db {\"old_version\": 1, \"new_version\": 2",
        // Replayed.
        "events_queued: 2",
        "again: secret.created shop/db",
        "again: secret.rotated shop/db",
        // Polled and followed.
        "  secret.created  shop/api  evt_",
        "shop/api is at version 2\nshop/db is at version 3\n",
        // In the trail.
        "webhook_delivery    system:webhook-dispatcher",
        "subscription_event  sa:watcher",
    ] {
        assert!(out.contains(told), "{told} in\n{out}");
    }
    assert!(!out.contains("secret.created elsewhere/db"), "{out}");
}

#[test]
fn the_guide_to_the_audit_is_as_it_says() {
    let out = executed("audit.md", |script| script);
    for told in [
        // Found, with what was refused and why.
        "sa:reporting  billing/payroll",
        "access_denied",
        "This rule, bound to sa:reporting, would have allowed it:",
        "failed_events: 1",
        // What it reached, before and after.
        "rotations: 2",
        "billing/database  1         yes      0       yes",
        "rotations: 0",
        "billing/database  1         no       0       no",
        // What could be read, though the policy is gone by now.
        "sa:reporting  read        billing/database",
        // Proved, and contradicted.
        "ok: yes",
        "reason: entry_mismatch",
        "forged",
        // Handed on.
        "manifest.json",
    ] {
        assert!(out.contains(told), "{told} in\n{out}");
    }
    assert_eq!(out.matches("ok: yes").count(), 2, "the bundle and the whole log: {out}");
}
