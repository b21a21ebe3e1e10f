//! The group `rotation` of the command line against the real server, and what the group `secrets` has to do with it.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::server::{Server, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");
/// The schedule acts within seconds; longer than this is a fault.
const PATIENCE: Duration = Duration::from_secs(20);

/// Exit status, standard output, standard error. Words are divided by `|` where one has a space in it.
fn run_as(server: &Server, token: &str, line: &str) -> (i32, String, String) {
    let divider = if line.contains('|') { '|' } else { ' ' };
    let mut command = Command::new(BINARY);
    command.args(line.split(divider)).env_clear();
    let output = command.env("SCAIVAULT_URL", &server.address).env("SCAIVAULT_TOKEN", token).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(server: &Server, line: &str) -> (i32, String, String) {
    run_as(server, TOKEN, line)
}

/// What a command that succeeds prints.
#[track_caller]
fn prints(server: &Server, line: &str) -> String {
    let (status, out, err) = run(server, line);
    assert_eq!(status, 0, "{line}: {err}");
    out
}

/// The same as JSON.
#[track_caller]
fn json(server: &Server, line: &str) -> Value {
    let divider = if line.contains('|') { '|' } else { ' ' };
    serde_json::from_str(&prints(server, &format!("{line}{divider}--json"))).unwrap()
}

/// The cells of a table's rows, without its headings.
fn rows(table: &str) -> Vec<Vec<&str>> {
    table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect()
}

async fn advance(server: &Server, by: &str) {
    assert_eq!(server.call("POST", "/v1/sys/clock", Some(json!({"advance": by}))).await.status, 200);
}

/// The first answer of a command that tells something.
async fn told(server: &Server, line: &str, text: &str) -> String {
    let asked = Instant::now();
    loop {
        let out = prints(server, line);
        if out.contains(text) {
            return out;
        }
        assert!(asked.elapsed() < PATIENCE, "{line} tells {text}: {out}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_can_be_given_again() {
    let server = Server::start();
    prints(&server, "secrets write app/db/green password=first");
    let window = "sat,sun 02:00-04:00 Europe/Amsterdam";
    let made = prints(
        &server,
        &format!(
            "rotation|create|--name|Quarterly|--interval|90d|--warn-before|1d,7d|--description|for all|--window|{window}\
             |--min-distance|app/db/green=24h|--finish-when-moved|true"
        ),
    );
    for line in [
        "id: rot_quarterly\n",
        "description: for all\n",
        "warn_before: 7d,1d\n",
        "grace_period: 48h\n",
        "window: sat,sun 02:00-04:00 Europe/Amsterdam\n",
        "min_distance: app/db/green=24h\n",
        "auto_generate: no\n",
        "finish_when_moved: yes\n",
    ] {
        assert!(made.contains(line), "{line} in {made}");
    }
    let shown = json(&server, "rotation get rot_quarterly");
    assert_eq!(shown, server.call("GET", "/v1/rotation/policies/rot_quarterly", None).await.body);
    prints(&server, "rotation update rot_quarterly --window none --min-distance none");
    let without = json(&server, "rotation get rot_quarterly");
    assert_eq!((&without["window"], &without["min_distance"]), (&Value::Null, &Value::Null));
    let again = format!("rotation|update|rot_quarterly|--window|{window}|--min-distance|app/db/green=24h");
    let again = json(&server, &again);
    assert_eq!((&again["window"], &again["min_distance"]), (&shown["window"], &shown["min_distance"]));
    assert_eq!(json(&server, "rotation|update|rot_quarterly|--window|22:00-04:00")["window"]["timezone"], "UTC");
    assert_eq!(json(&server, "rotation update rot_quarterly --warn-before=")["warn_before"], "");
    assert_eq!(json(&server, "rotation update rot_quarterly --auto-generate")["auto_generate"], true);
    assert_eq!(json(&server, "rotation update rot_quarterly --auto-generate=false")["auto_generate"], false);
    for (line, status, message) in [
        ("rotation create --name quarterly! --interval 1d", 1, "[name_taken]"),
        ("rotation create --name b --interval 5s", 5, "interval: must be 10s to 3650d"),
        ("rotation create --name b --interval soon", 5, "[invalid_duration]"),
        ("rotation update rot_quarterly --webhook wh_1", 4, "[webhook_not_found]"),
        ("rotation update rot_quarterly --auto-generate --secret-policy sp_1", 4, "[secret_policy_not_found]"),
        ("rotation update rot_quarterly --min-distance app/none=1h", 4, "[secret_not_found]"),
        ("rotation|update|rot_quarterly|--window|mon-fri 02:00-04:00", 5, "none of mon, tue"),
        ("rotation get rot_none", 4, "[rotation_policy_not_found]"),
        ("rotation assign rot_none app/db/green", 4, "[rotation_policy_not_found]"),
        ("rotation assign rot_quarterly app/none", 4, "[secret_not_found]"),
        ("rotation unassign rot_quarterly app/db/green", 4, "not attached"),
        ("rotation trigger rot_quarterly --secret app/db/green", 5, "not attached"),
        ("rotation due --within-hours 9000", 5, "1 to 8760"),
        ("secrets update app/db/green --rotation-policy rot_none", 4, "[rotation_policy_not_found]"),
    ] {
        let (found, out, err) = run(&server, line);
        assert!(found == status && out.is_empty() && err.contains(message), "{line}: {found} {err}");
    }
    assert_eq!(prints(&server, "rotation delete rot_quarterly"), "Deleted rot_quarterly\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_attached_by_either_group() {
    let server = Server::start();
    prints(&server, "rotation create --name slow --interval 90d");
    prints(&server, "rotation create --name quick --interval 30d --grace-period 7d");
    prints(&server, "secrets write app/a v=1 --rotation-policy rot_slow");
    prints(&server, "secrets write app/b v=1");
    let assigned = prints(&server, "rotation assign rot_slow app/b");
    assert_eq!(rows(&assigned)[0][..3], ["app/b", "scheduled", "-"]);
    assert_eq!(prints(&server, "rotation assign rot_slow app/b"), assigned, "attached already");
    let of = |id: &str| -> Vec<String> {
        let found = json(&server, &format!("rotation secrets {id}"));
        found["secrets"].as_array().unwrap().iter().map(|row| row["secret_path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("rot_slow"), ["app/a", "app/b"]);
    assert!(prints(&server, "secrets metadata app/a").contains("rotation_policy.id: rot_slow\n"));
    // One policy each: it moves.
    assert!(
        prints(&server, "secrets update app/a --rotation-policy rot_quick").contains("rotation_policy.id: rot_quick\n")
    );
    assert_eq!((of("rot_slow"), of("rot_quick")), (vec!["app/b".into()], vec!["app/a".into()]));
    assert!(prints(&server, "rotation secrets rot_slow --all").starts_with("PATH "));
    // The grace period of the call, else of the policy, else 48 hours.
    for (more, seconds) in [(" --grace-period 1h --reason leaked", 3_600), ("", 7 * 86_400)] {
        let done = json(&server, &format!("secrets rotate app/a v=2{more}"));
        assert_eq!(done["rotation_policy_id"], "rot_quick");
        assert_eq!(seconds_between(&done["rotated_at"], &done["grace_period_ends"]), seconds);
    }
    let entry = server.call("GET", "/v1/audit/logs?action=rotate&order=asc&limit=1", None).await.body;
    assert_eq!(entry["logs"][0]["extra_data"]["reason"], "leaked");
    assert_eq!(entry["logs"][0]["extra_data"]["rotation_policy_id"], "rot_quick");
    assert!(prints(&server, "secrets update app/a --rotation-policy none").contains("rotation_policy: -\n"));
    let done = json(&server, "secrets rotate app/a v=3");
    assert_eq!(seconds_between(&done["rotated_at"], &done["grace_period_ends"]), 48 * 3_600);
    let (status, _, err) = run(&server, "secrets rotate app/a");
    assert!(status == 5 && err.contains("new_value: is required"), "{err}");
    assert_eq!(prints(&server, "rotation unassign rot_slow app/b"), "Detached app/b from rot_slow\n");
    let list = prints(&server, "rotation list");
    assert_eq!(
        rows(&list),
        [["rot_quick", "quick", "30d", "7d", "no", "0", "yes"], ["rot_slow", "slow", "90d", "48h", "no", "0", "yes"]]
    );
}

fn seconds_between(start: &Value, end: &Value) -> i64 {
    let at = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    at(end).as_second() - at(start).as_second()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_waits_and_is_told_the_same_way() {
    let server = Server::start();
    prints(&server, "rotation create --name quarterly --interval 90d --warn-before 7d --grace-period 2d");
    prints(&server, "secrets write app/db v=1 --rotation-policy rot_quarterly");
    let (status, out, err) = run(&server, "rotation due");
    assert!(status == 0 && out == "PATH  POLICY  DUE  STATUS  AUTO\n" && err.contains("--within-hours"), "{err}");
    let asked = json(&server, "rotation trigger rot_quarterly");
    assert_eq!((&asked[0]["status"], &asked[0]["trigger"]), (&json!("pending"), &json!("manual")));
    advance(&server, "1h").await;
    assert_eq!(json(&server, "rotation trigger rot_quarterly"), asked, "it waits already");
    assert_eq!(json(&server, "rotation history rot_quarterly")["history"], asked);
    assert_eq!(rows(&prints(&server, "rotation due"))[0][3], "due");
    advance(&server, "2d").await;
    assert_eq!(rows(&prints(&server, "rotation due"))[0][3], "overdue");
    assert_eq!(rows(&prints(&server, "rotation due --no-overdue")).len(), 0);
    assert_eq!(rows(&prints(&server, "rotation secrets rot_quarterly --status overdue")).len(), 1);
    prints(&server, "secrets write app/db v=2");
    let history = prints(&server, "rotation history rot_quarterly --status success --secret app/db --start 2020-01-01");
    assert_eq!(rows(&history)[0][1..], ["app/db", "success", "write", "1", "2", "user:root@dev", "-"]);
    assert_eq!(rows(&prints(&server, "rotation history rot_quarterly --end 2020-01-01")).len(), 0);
    advance(&server, "83d").await;
    assert_eq!(rows(&prints(&server, "rotation due --within-hours 200"))[0][3..], ["warning", "no"]);
    assert_eq!(rows(&prints(&server, "rotation due --within-hours 200 --policy rot_quarterly")).len(), 1);
    assert!(prints(&server, "rotation disable rot_quarterly").contains("is_active: no\n"));
    assert_eq!(rows(&prints(&server, "rotation secrets rot_quarterly"))[0][1], "paused");
    assert_eq!(rows(&prints(&server, "rotation due --within-hours 8760")).len(), 0);
    assert_eq!(rows(&prints(&server, "rotation list --active-only")).len(), 0);
    assert!(prints(&server, "rotation enable rot_quarterly").contains("is_active: yes\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_and_stays_as_it_was() {
    let server = Server::start();
    prints(&server, "rotation create --name daily --interval 1d --auto-generate");
    // The built-in recipe replaces one field, and does not know which of these.
    prints(&server, "secrets write app/bad x=1 y=2 --rotation-policy rot_daily");
    prints(&server, "secrets write app/good password=first host=h --rotation-policy rot_daily");
    let (status, out, _) = run(&server, "rotation trigger rot_daily");
    assert_eq!(status, 1, "{out}");
    let found = rows(&out);
    assert_eq!(found[0][..5], ["app/bad", "failed", "1", "-", "validation_error:"]);
    assert_eq!(found[1], ["app/good", "success", "1", "2", "-"]);
    assert_eq!(prints(&server, "secrets read app/good --field host"), "h\n");
    assert_eq!(prints(&server, "secrets read app/good --field password").trim_end().len(), 32);
    let (status, _, _) = run(&server, "rotation trigger rot_daily --secret app/good");
    assert_eq!(status, 0, "none that failed");
    let failed = json(&server, "rotation history rot_daily --status failed");
    assert_eq!((&failed["history"][0]["old_version"], &failed["history"][0]["new_version"]), (&json!(1), &Value::Null));
    prints(&server, "secrets write app/bad x=1 y=2 z=3");
    assert_eq!(json(&server, "rotation history rot_daily --status failed"), failed, "what was, was");
    // By the clock it fails too, and is tried again.
    advance(&server, "25h").await;
    let history = told(&server, "rotation history rot_daily --secret app/bad --status failed", "schedule").await;
    assert_eq!(rows(&history)[0][1..7], ["app/bad", "failed", "schedule", "2", "-", "system:rotation-scheduler"]);
    assert_eq!(rows(&prints(&server, "rotation secrets rot_daily --status failed"))[0][0], "app/bad");
    prints(&server, "secrets update app/bad --rotation-policy none");
    assert_eq!(rows(&prints(&server, "rotation history rot_daily --secret app/bad")).len(), 2, "history stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_of_the_secret_comes_before_that_of_the_policy() {
    let server = Server::start();
    for (name, length) in [("short", 8), ("long", 40)] {
        let fields = format!(r#"[{{"name":"password","generator":"hex","config":{{"length":{length}}}}}]"#);
        prints(&server, &format!("secret-policies|create|--name|{name}|--fields|{fields}"));
    }
    prints(&server, "rotation create --name daily --interval 1d --auto-generate --secret-policy sp_short");
    prints(&server, "secrets write app/a password=1 --rotation-policy rot_daily");
    prints(&server, "secrets write app/b password=1 --rotation-policy rot_daily --secret-policy sp_long");
    prints(&server, "rotation trigger rot_daily");
    let length = |path: &str| prints(&server, &format!("secrets read {path} --field password")).trim_end().len();
    assert_eq!((length("app/a"), length("app/b")), (8, 40));
    let line = prints(&server, "secrets rotate app/b --grace-period 1h");
    assert!(line.starts_with("Rotated app/b version 3 (was 2, readable until "), "{line}");
    assert_eq!(length("app/b"), 40);
    prints(&server, "secrets update app/b --secret-policy none");
    prints(&server, "secrets rotate app/b");
    assert_eq!(length("app/b"), 8);
    // A given value is not overruled.
    prints(&server, "secrets rotate app/b password=mine");
    assert_eq!(prints(&server, "secrets read app/b --field password"), "mine\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_renews_sees_no_more_than_its_own() {
    let server = Server::start();
    prints(&server, "rotation create --name quarterly --interval 90d");
    for path in ["app/a", "other/b"] {
        prints(&server, &format!("secrets write {path} v=1 --rotation-policy rot_quarterly"));
    }
    prints(&server, "service-accounts create --name Renewal --scopes secrets:list,secrets:write,secrets:rotate");
    let key = json(&server, "service-accounts create-key sa:renewal --name first")["key"].as_str().unwrap().to_owned();
    let policy = json(&server, "policies create --name renews --path app/** --permissions list,write,rotate");
    let policy = policy["id"].as_str().unwrap();
    prints(&server, &format!("policies bind {policy} --identity-type service_account --identity-id sa:renewal"));
    let due = |line: &str| run_as(&server, &key, line);
    assert_eq!(rows(&due("rotation due --within-hours 8760").1).len(), 1, "the paths that it may list");
    let (status, out, _) = due("rotation trigger rot_quarterly");
    assert_eq!((status, rows(&out)), (0, vec![vec!["app/a", "pending", "1", "-", "-"]]));
    let (status, _, err) = due("rotation trigger rot_quarterly --secret app/a --secret other/b");
    assert!(status == 3 && err.contains("[access_denied]"), "{err}");
    for line in [
        "rotation list",
        "rotation get rot_quarterly",
        "rotation secrets rot_quarterly",
        "rotation history rot_quarterly",
    ] {
        assert_eq!(due(line).0, 3, "{line}");
    }
    assert_eq!(due("secrets rotate app/a v=2").0, 0);
    assert_eq!(due("rotation due").1, "PATH  POLICY  DUE  STATUS  AUTO\n");
}
