//! The group `secrets`.

use std::os::unix::fs::PermissionsExt;

use super::fake::Fake;
use super::user::User;

#[test]
fn fields_are_printed_bare_or_kept_in_a_file() {
    let answer = (200, None, r#"{"path":"a","version":2,"data":{"k":"line\n","o":{"n":1.0}}}"#);
    let fake = Fake::start(&[answer; 5]);
    let user = User::of(&fake);
    user.run("secrets read a --field o.n").printed("1.0\n");
    user.run("secrets read a --field o").printed("{\"n\":1.0}\n");
    user.run("secrets read a --field x").failed(4, "no field 'x'");
    user.run("secrets read a --field k --out value").printed("Wrote a version 2 to value\n");
    let file = user.home.path().join("value");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "line\n");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    user.run("secrets read a --out value").printed("Wrote a version 2 to value\n");
    let content = std::fs::read_to_string(&file).unwrap();
    assert_eq!(content, "{\n  \"k\": \"line\\n\",\n  \"o\": {\n    \"n\": 1.0\n  }\n}");
}

#[test]
fn json_files_create_as_json_and_keep_the_type_of_what_is_there() {
    let conflict = (409, None, r#"{"error":{"code":"version_conflict","message":"There"}}"#);
    let updated = (200, None, r#"{"path":"a","version":4,"created":false,"previous_version":3}"#);
    let fake = Fake::start(&[conflict, updated, conflict]);
    let user = User::of(&fake);
    user.run_with_input("secrets write a --json-file -", r#"{"n": 1.10}"#).printed("Updated a version 4 (was 3)\n");
    user.run_with_input("secrets write a --json-file - --if-absent", "{}").failed(1, "[version_conflict]");
    user.run_with_input("secrets write a --json-file -", "[]").failed(5, "JSON object");
    let seen = fake.seen();
    assert_eq!(seen[0].header("if-none-match"), Some("*"));
    assert_eq!(seen[0].body, r#"{"data":{"n":1.10},"secret_type":"json"}"#);
    assert_eq!(seen[1].header("if-none-match"), None);
    assert_eq!(seen[1].body, r#"{"data":{"n":1.10}}"#);
    assert_ne!(seen[0].header("idempotency-key"), seen[1].header("idempotency-key"));
    assert_eq!(seen.len(), 3);
}

#[test]
fn all_flags_of_a_write_reach_the_body() {
    let fake = Fake::start(&[(200, None, r#"{"version":2,"created":false,"previous_version":1}"#)]);
    let user = User::of(&fake);
    user.file("pem", "A\nB\n");
    user.run(
        "secrets write a u=x --from-file key=pem --type api_key --tag t1 --tag t2 --owner me --max-versions 3 \
         --expires-in 90d --rotation-policy none --secret-policy sp_x --if-version 1 --partner-scope",
    )
    .printed("Updated a version 2 (was 1)\n");
    let seen = fake.seen().remove(0);
    assert_eq!(seen.line, "PUT /v1/partner/secrets/a");
    assert_eq!(seen.header("if-match"), Some("\"1\""));
    assert_eq!(
        seen.body,
        concat!(
            r#"{"data":{"u":"x","key":"A\nB\n"},"secret_type":"api_key","metadata":{"tags":["t1","t2"],"owner":"me"},"#,
            r#""options":{"max_versions":3,"expires_in":"90d","rotation_policy_id":null,"secret_policy_id":"sp_x"}}"#
        )
    );
}

#[test]
fn an_update_reads_tags_before_it_removes_some() {
    let metadata =
        (200, None, r#"{"path":"a","current_version":1,"metadata":{"tags":["x","y"]},"options":{"max_versions":5}}"#);
    let fake = Fake::start(&[metadata, metadata]);
    User::of(&fake)
        .run("secrets update a --remove-tag x --description d")
        .printed("path: a\ncurrent_version: 1\nmetadata.tags: x,y\noptions.max_versions: 5\n");
    assert_eq!(fake.lines(), ["GET /v1/secrets/metadata/a", "PATCH /v1/secrets/a"]);
    assert_eq!(fake.seen()[1].body, r#"{"metadata":{"description":"d","tags":["y"]}}"#);
}

#[test]
fn pages_are_shown_one_by_one_or_merged() {
    let first = (
        200,
        None,
        r#"{"secrets":[{"path":"a","secret_type":"kv","version":1,"updated_at":"T","expires_at":null,"tags":["t","u"]}],"cursor":"c1","has_more":true,"total_count":2}"#,
    );
    let second =
        (200, None, r#"{"secrets":[{"path":"b","version":2}],"cursor":null,"has_more":false,"total_count":2}"#);
    let fake = Fake::start(&[first, first, second, (200, None, r#"{"secrets":[],"cursor":null,"has_more":false}"#)]);
    let user = User::of(&fake);
    let done = user.run("secrets list --prefix a/ --tag x --tag y --limit 1");
    let done =
        done.printed("PATH  TYPE  VERSION  UPDATED  EXPIRES  TAGS\na     kv    1        T        -        t,u\n");
    assert!(done.err.contains("--cursor c1"), "{done:?}");
    let done = user.run("secrets list --all --json");
    assert!(done.out.contains("\"has_more\": false") && done.out.contains("\"cursor\": null"), "{done:?}");
    assert!(done.out.contains("\"a\"") && done.out.contains("\"b\"") && done.err.is_empty(), "{done:?}");
    user.run("secrets list").printed("PATH  TYPE  VERSION  UPDATED  EXPIRES  TAGS\n");
    assert_eq!(
        fake.lines()[..3],
        [
            "GET /v1/secrets?prefix=a%2F&tag=x&tag=y&limit=1",
            "GET /v1/secrets?limit=200",
            "GET /v1/secrets?limit=200&cursor=c1"
        ]
    );
}

#[test]
fn a_batch_ends_with_the_status_of_its_first_error() {
    let answer = r#"{"secrets":{"b":{"data":{"k":"v"},"version":3,"secret_type":"kv"}},"errors":{"a":{"code":"access_denied","message":"No"}}}"#;
    let fake = Fake::start(&[(200, None, answer)]);
    let user = User::of(&fake);
    user.file("paths", "b\n\n");
    let done = user.run("secrets batch a --paths-file paths");
    assert_eq!(done.status, 3, "{done:?}");
    assert_eq!(done.out, "PATH  VERSION  TYPE  ERROR\na     -        -     access_denied\nb     3        kv    -\n");
    assert_eq!(fake.seen()[0].body, r#"{"paths":["a","b"]}"#);
}

#[test]
fn deletions_and_rotations_have_their_lines() {
    let fake = Fake::start(&[
        (200, None, r#"{"path":"a","deleted_at":"D","recoverable_until":"R"}"#),
        (204, None, ""),
        (200, None, r#"{"path":"a","version":3,"restored":true}"#),
        (200, None, r#"{"path":"a","version":4,"previous_version":3,"grace_period_ends":"G"}"#),
    ]);
    let user = User::of(&fake);
    user.run("secrets delete a").printed("Deleted a (recoverable until R)\n");
    user.run("secrets delete a --hard --version 2").printed("Destroyed a version 2\n");
    user.run("secrets restore a --version 3").printed("Restored a version 3\n");
    user.run("secrets rotate a k=v --reason leaked --grace-period 1h")
        .printed("Rotated a version 4 (was 3, readable until G)\n");
    assert_eq!(
        fake.lines(),
        [
            "DELETE /v1/secrets/a",
            "DELETE /v1/secrets/a?version=2&permanent=true",
            "POST /v1/secrets/a/restore?version=3",
            "POST /v1/secrets/a/rotate"
        ]
    );
    assert_eq!(fake.seen()[3].body, r#"{"reason":"leaked","new_value":{"k":"v"},"grace_period":"1h"}"#);
}
