//! The group `secret-policies`.

use super::fake::Fake;
use super::user::User;

const POLICY: &str = concat!(
    r#"{"id":"sp_db","name":"DB","description":"","policy_type":"password","#,
    r#""fields":[{"name":"password","generator":"hex","config":{"length":32}},{"name":"pin","generator":"hex","config":{"length":4}}],"#,
    r#""is_active":true}"#
);

#[test]
fn policies_are_made_changed_listed_and_deleted() {
    const PAGE: &str = concat!(
        r#"{"secret_policies":[{"id":"sp_db","name":"DB","policy_type":"password","#,
        r#""fields":[{"name":"password"},{"name":"pin"}],"is_active":false}],"cursor":null,"has_more":false}"#
    );
    let fake = Fake::start(&[(201, None, POLICY), (200, None, POLICY), (200, None, PAGE), (204, None, "")]);
    let user = User::of(&fake);
    user.file("fields", r#"[{"name":"password","generator":"hex"}]"#);
    assert!(
        user.run("secret-policies create --name DB --type password --fields-file fields --description d")
            .out
            .contains("id: sp_db\nname: DB\n")
    );
    assert!(user.run("secret-policies update sp_db --active false").out.contains("is_active: yes"));
    user.run("secret-policies list --type password --include-inactive")
        .printed("ID     NAME  TYPE      FIELDS        ACTIVE\nsp_db  DB    password  password,pin  no\n");
    user.run("secret-policies delete sp_db --force").printed("Deleted sp_db\n");
    user.run("secret-policies create --name DB").failed(5, "--fields");
    user.run("secret-policies create --name DB --fields {}").failed(5, "JSON array");
    user.run("secret-policies create --name DB --type pin --fields []").failed(5, "pin");
    let seen = fake.seen();
    assert_eq!(
        seen[0].body,
        r#"{"name":"DB","policy_type":"password","description":"d","fields":[{"name":"password","generator":"hex"}]}"#
    );
    assert_eq!(
        (seen[1].line.as_str(), seen[1].body.as_str()),
        ("PATCH /v1/secret-policies/sp_db", r#"{"is_active":false}"#)
    );
    assert_eq!(seen[2].line, "GET /v1/secret-policies?policy_type=password&include_inactive=true");
    assert_eq!(seen[3].line, "DELETE /v1/secret-policies/sp_db?force=true");
}

#[test]
fn values_are_masked_unless_they_are_asked_for() {
    const PREVIEW: &str = r#"{"secret_policy_id":"sp_db","values":{"password":"correct horse","pin":"0815"},"generated_at":"2026-04-23T14:00:00Z"}"#;
    const STORED: &str =
        r#"{"path":"app/db","version":4,"created":false,"previous_version":3,"updated_at":"2026-04-23T14:00:00Z"}"#;
    let preview = (200, None, PREVIEW);
    let fake = Fake::start(&[preview, preview, preview, preview, (200, None, STORED), preview]);
    let user = User::of(&fake);
    user.run("secret-policies generate sp_db").printed("FIELD     VALUE\npassword  ••••••\npin       ••••••\n");
    user.run("secret-policies generate sp_db --json").printed(concat!(
        "{\n  \"secret_policy_id\": \"sp_db\",\n  \"values\": {\n    \"password\": \"••••••\",\n    \"pin\": \"••••••\"\n  },\n",
        "  \"generated_at\": \"2026-04-23T14:00:00Z\"\n}\n"
    ));
    user.run("secret-policies generate sp_db --show")
        .printed("FIELD     VALUE\npassword  correct horse\npin       0815\n");
    assert!(user.run("secret-policies generate sp_db --show --json").out.contains("\"password\": \"correct horse\""));
    user.run("secret-policies generate sp_db --store-in app/db").printed("Updated app/db version 4 (was 3)\n");
    user.run("secret-policies generate sp_db --store-in app/db --show").failed(5, "cannot be used with");
    // Nor does the trace of what goes over the wire show them.
    let traced = user.run("secret-policies generate sp_db --debug").err;
    assert!(traced.contains("[redacted]") && !traced.contains("correct horse") && !traced.contains("0815"), "{traced}");
    assert_eq!(fake.seen()[0].body, "{}");
    assert_eq!(fake.seen()[4].body, r#"{"store_path":"app/db"}"#);
}

#[test]
fn what_policies_are_made_of_is_one_table() {
    const CATALOGUE: &str = concat!(
        r#"{"policy_types":[{"name":"password","fields":["password"]},{"name":"custom","fields":[]}],"#,
        r#""generators":[{"name":"hex","description":"Hexadecimal digits","config":[],"outputs":["{name}"]}],"#,
        r#""charsets":[{"name":"numeric","characters":"0123456789","size":10},{"name":"custom","characters":null,"size":null}]}"#
    );
    let fake = Fake::start(&[(200, None, CATALOGUE)]);
    User::of(&fake).run("secret-policies types").printed(concat!(
        "KIND       NAME      DETAIL\n",
        "type       password  password\n",
        "type       custom    -\n",
        "generator  hex       Hexadecimal digits\n",
        "charset    numeric   0123456789\n",
        "charset    custom    -\n"
    ));
}
