//! The group `rotation`.

use super::fake::{Canned, Fake};
use super::user::{Done, User};

const POLICY: Canned = (
    200,
    None,
    concat!(
        r#"{"id":"rot_q","name":"q","interval":"90d","warn_before":"7d,1d","#,
        r#""window":{"days":["sat","sun"],"start":"02:00","end":"04:00","timezone":"Europe/Amsterdam"},"#,
        r#""min_distance":{"path":"app/db/green","duration":"24h"},"webhook_ids":["wh_1","wh_2"],"is_active":true}"#
    ),
);
const SHOWN: &str = "id: rot_q\nname: q\ninterval: 90d\nwarn_before: 7d,1d\n\
    window: sat,sun 02:00-04:00 Europe/Amsterdam\nmin_distance: app/db/green=24h\nwebhook_ids: wh_1,wh_2\nis_active: yes\n";

/// Runs with arguments that have spaces in them.
fn run(user: &User, line: &str, more: &[&str]) -> Done {
    Done::of(user.command(line).args(more).output().unwrap())
}

#[test]
fn policies_are_made_and_changed_by_what_is_given() {
    let fake = Fake::start(&[POLICY; 4]);
    let user = User::of(&fake);
    run(
        &user,
        "rotation create --name q --interval 90d --grace-period 48h --warn-before 7d,1d --auto-generate \
         --secret-policy sp_x --webhook wh_1 --webhook wh_2 --min-distance app/db/green=24h --finish-when-moved true \
         --description d",
        &["--window", "sat,sun 02:00-04:00 Europe/Amsterdam"],
    )
    .printed(SHOWN);
    user.run("rotation update rot_q --window none --min-distance none --secret-policy none --webhook none")
        .printed(SHOWN);
    user.run("rotation update rot_q --auto-generate=false --finish-when-moved false").printed(SHOWN);
    run(&user, "rotation update rot_q --name r", &["--warn-before", "", "--window", "22:00-04:00"]).printed(SHOWN);
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /v1/rotation/policies");
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"name":"q","description":"d","interval":"90d","grace_period":"48h","warn_before":"7d,1d","#,
            r#""auto_generate":true,"secret_policy_id":"sp_x","#,
            r#""window":{"days":["sat","sun"],"start":"02:00","end":"04:00","timezone":"Europe/Amsterdam"},"#,
            r#""min_distance":{"path":"app/db/green","duration":"24h"},"finish_when_moved":true,"#,
            r#""webhook_ids":["wh_1","wh_2"]}"#
        )
    );
    assert_eq!(seen[1].line, "PATCH /v1/rotation/policies/rot_q");
    assert_eq!(seen[1].body, r#"{"secret_policy_id":null,"window":null,"min_distance":null,"webhook_ids":[]}"#);
    assert_eq!(seen[2].body, r#"{"auto_generate":false,"finish_when_moved":false}"#);
    assert_eq!(
        seen[3].body,
        r#"{"name":"r","warn_before":"","window":{"days":null,"start":"22:00","end":"04:00","timezone":null}}"#
    );
}

#[test]
fn wrong_arguments_do_not_reach_the_server() {
    let fake = Fake::start(&[]);
    let user = User::of(&fake);
    user.run("rotation create --name q").failed(5, "--interval <DURATION>");
    user.run("rotation create --interval 1d").failed(5, "--name <NAME>");
    user.run("rotation update rot_q").failed(5, "Nothing to change");
    user.run("rotation update rot_q --window sunday").failed(5, "sat,sun 02:00-04:00 Europe/Amsterdam");
    user.run("rotation update rot_q --min-distance app/db").failed(5, "app/db/green=24h");
    user.run("rotation update rot_q --finish-when-moved maybe").failed(5, "maybe");
    user.run("rotation history rot_q --status due").failed(5, "success, failed, pending");
    user.run("rotation secrets rot_q --status pending").failed(5, "overdue");
    user.run("rotation due --within-hours soon").failed(5, "soon");
    user.run("rotation assign rot_q").failed(5, "<PATH>");
    assert!(fake.lines().is_empty());
    let help = user.run("rotation --help");
    assert!(help.out.contains("First steps:\n  scaivault rotation create"), "{help:?}");
}

#[test]
fn policies_are_listed_switched_and_deleted() {
    const PAGE: &str = concat!(
        r#"{"data":[{"id":"rot_q","name":"q","interval":"90d","interval_seconds":7776000,"grace_period":"48h","#,
        r#""auto_generate":false,"is_active":true,"secrets_count":12}],"cursor":null,"has_more":false}"#
    );
    const NONE: Canned = (200, None, r#"{"data":[],"cursor":null,"has_more":false}"#);
    let page = (200, None, PAGE);
    let fake = Fake::start(&[page, POLICY, POLICY, POLICY, (204, None, ""), NONE, NONE, NONE]);
    let user = User::of(&fake);
    user.run("rotation list --active-only").printed(
        "ID     NAME  INTERVAL  GRACE  AUTO  SECRETS  ACTIVE\nrot_q  q     90d       48h    no    12       yes\n",
    );
    for verb in ["get", "enable", "disable"] {
        user.run(&format!("rotation {verb} rot_q")).printed(SHOWN);
    }
    user.run("rotation delete rot_q").printed("Deleted rot_q\n");
    // Nobody is left alone with nothing, but for who wants to be.
    let empty = "ID  NAME  INTERVAL  GRACE  AUTO  SECRETS  ACTIVE\n";
    let told = user.run("rotation list").printed(empty).err;
    assert!(told.contains("scaivault rotation create --name quarterly --interval 90d"), "{told}");
    assert_eq!(user.run("rotation list --quiet").printed(empty).err, "");
    assert_eq!(user.run("rotation list --json").err, "");
    assert_eq!(
        fake.lines()[..5],
        [
            "GET /v1/rotation/policies?active_only=true",
            "GET /v1/rotation/policies/rot_q",
            "POST /v1/rotation/policies/rot_q/enable",
            "POST /v1/rotation/policies/rot_q/disable",
            "DELETE /v1/rotation/policies/rot_q"
        ]
    );
}

#[test]
fn secrets_are_assigned_and_taken_away() {
    const ASSIGNED: &str = concat!(
        r#"{"rotation_policy_id":"rot_q","secret_path":"app/db","assigned_at":"2026-04-23T14:00:00Z","#,
        r#""assigned_by":"user:a@b.example","last_rotated_at":null,"next_rotation":"2026-07-19T14:00:31Z","status":"scheduled"}"#
    );
    const NONE: Canned = (200, None, r#"{"secrets":[],"cursor":null,"has_more":false}"#);
    let fake = Fake::start(&[(201, None, ASSIGNED), (204, None, ""), (204, None, ""), NONE, NONE]);
    let user = User::of(&fake);
    user.run("rotation assign rot_q app/db")
        .printed("PATH    STATUS     LAST_ROTATED  NEXT\napp/db  scheduled  -             2026-07-19T14:00:31Z\n");
    user.run("rotation unassign rot_q app/db").printed("Detached app/db from rot_q\n");
    user.run("rotation unassign rot_q app/db --json").printed("{}\n");
    let headings = "PATH  STATUS  LAST_ROTATED  NEXT\n";
    let told = user.run("rotation secrets rot_q").printed(headings).err;
    assert!(told.contains("scaivault rotation assign rot_q PATH"), "{told}");
    let told = user.run("rotation secrets rot_q --status overdue --limit 5").printed(headings).err;
    assert_eq!(told, "No secret of rot_q is overdue\n");
    let seen = fake.seen();
    assert_eq!(seen[0].line, "POST /v1/rotation/policies/rot_q/secrets");
    assert_eq!(seen[0].body, r#"{"secret_path":"app/db"}"#);
    assert_eq!(seen[1].line, "DELETE /v1/rotation/policies/rot_q/secrets/app/db");
    assert_eq!(seen[3].line, "GET /v1/rotation/policies/rot_q/secrets");
    assert_eq!(seen[4].line, "GET /v1/rotation/policies/rot_q/secrets?status=overdue&limit=5");
}

#[test]
fn one_failure_fails_the_trigger() {
    const SOME: &str = concat!(
        r#"[{"secret_path":"a","status":"success","old_version":3,"new_version":4,"auto_generated":true,"error":null},"#,
        r#"{"secret_path":"b","status":"failed","old_version":1,"new_version":null,"auto_generated":true,"#,
        r#""error":{"code":"validation_error","message":"There is no field to replace"}}]"#
    );
    const WAITING: &str = r#"[{"secret_path":"a","status":"pending","old_version":3,"new_version":null,"auto_generated":false,"error":null}]"#;
    let fake = Fake::start(&[(200, None, SOME), (200, None, SOME), (200, None, WAITING), (200, None, "[]")]);
    let user = User::of(&fake);
    let done = user.run("rotation trigger rot_q --secret a --secret b");
    let table = "PATH  STATUS   OLD  NEW  ERROR\n\
                 a     success  3    4    -\n\
                 b     failed   1    -    validation_error: There is no field to replace\n";
    assert_eq!((done.status, done.out.as_str(), done.err.as_str()), (1, table, ""));
    let done = user.run("rotation trigger rot_q --json");
    assert!(done.status == 1 && done.out.starts_with("[\n  {\n    \"secret_path\": \"a\","), "{done:?}");
    let done =
        user.run("rotation trigger rot_q").printed("PATH  STATUS   OLD  NEW  ERROR\na     pending  3    -    -\n");
    assert!(done.err.contains("secrets rotate PATH KEY=VALUE"), "{done:?}");
    let done = user.run("rotation trigger rot_q").printed("PATH  STATUS  OLD  NEW  ERROR\n");
    assert!(done.err.contains("rotation assign rot_q PATH"), "{done:?}");
    assert_eq!(fake.lines()[0], "POST /v1/rotation/policies/rot_q/rotate");
    assert_eq!(fake.seen()[0].body, r#"{"secret_paths":["a","b"]}"#);
    assert_eq!(fake.seen()[1].body, "{}");
}

#[test]
fn what_was_and_what_will_be_are_lists() {
    const HISTORY: &str = concat!(
        r#"{"history":[{"started_at":"2026-04-23T14:00:00Z","secret_path":"a","status":"success","trigger":"write","#,
        r#""old_version":1,"new_version":2,"initiated_by":"sa:renewal","error":null}],"cursor":null,"has_more":false}"#
    );
    const DUE: &str = concat!(
        r#"{"secrets":[{"path":"a","rotation_policy_id":"rot_q","rotation_policy_name":"Q","due_at":"2026-07-19T14:00:31Z","#,
        r#""status":"warning","auto_generate":false,"last_rotated_at":null}],"cursor":"c","has_more":true}"#
    );
    const NONE: Canned = (200, None, r#"{"secrets":[],"cursor":null,"has_more":false}"#);
    let fake = Fake::start(&[(200, None, HISTORY), (200, None, DUE), NONE]);
    let user = User::of(&fake);
    user.run("rotation history rot_q --status success --secret a/b --start 2026-01-01 --end 2027-01-01").printed(
        "STARTED               PATH  STATUS   TRIGGER  OLD  NEW  BY          ERROR\n\
         2026-04-23T14:00:00Z  a     success  write    1    2    sa:renewal  -\n",
    );
    let done = user.run("rotation due --within-hours 168 --no-overdue --policy rot_q").printed(
        "PATH  POLICY  DUE                   STATUS   AUTO\na     rot_q   2026-07-19T14:00:31Z  warning  no\n",
    );
    assert!(done.err.contains("--cursor c"), "{done:?}");
    let done = user.run("rotation due").printed("PATH  POLICY  DUE  STATUS  AUTO\n");
    assert!(done.err.contains("--within-hours"), "{done:?}");
    assert_eq!(
        fake.lines(),
        [
            "GET /v1/rotation/policies/rot_q/history?status=success&secret_path=a%2Fb&from=2026-01-01&to=2027-01-01",
            "GET /v1/rotation/due?within_hours=168&include_overdue=false&policy_id=rot_q",
            "GET /v1/rotation/due"
        ]
    );
}
