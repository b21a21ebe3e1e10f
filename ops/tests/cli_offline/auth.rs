//! The group `auth`: issuers, rules of exchange, exchange, introspection.

use super::fake::Fake;
use super::user::{TOKEN, User};

#[test]
fn issuers_and_rules_come_from_files() {
    let issuer = r#"{"id":"iss_1","name":"cluster-a","issuer":"https://k8s.example","is_active":true}"#;
    let list = r#"{"issuers":[{"id":"iss_1","name":"cluster-a","issuer":"https://k8s.example","is_active":true}],"cursor":null,"has_more":false}"#;
    let rules = r#"{"exchange_rules":[{"id":"xr_1","name":"main","identity_id":"sa:ci","issuer_id":"iss_1"}],"cursor":null,"has_more":false}"#;
    let fake = Fake::start(&[
        (200, None, list),
        (201, None, issuer),
        (200, None, issuer),
        (204, None, ""),
        (200, None, rules),
        (200, None, issuer),
    ]);
    let user = User::of(&fake);
    user.file("issuer", "{\"name\": \"cluster-a\", \"audiences\": [\"scaivault\"]}");
    user.run("auth issuers list")
        .printed("ID     NAME       ISSUER               ACTIVE\niss_1  cluster-a  https://k8s.example  yes\n");
    let lines = "id: iss_1\nname: cluster-a\nissuer: https://k8s.example\nis_active: yes\n";
    user.run("auth issuers create --file issuer").printed(lines);
    user.run_with_input("auth issuers update iss_1 --file -", "{\"is_active\": false}").printed(lines);
    user.run("auth issuers delete iss_1").printed("Deleted iss_1\n");
    user.run("auth exchange-rules list").printed("ID    NAME  IDENTITY  ISSUER\nxr_1  main  sa:ci     iss_1\n");
    user.run("auth exchange-rules get xr_1").printed(lines);
    user.run("auth issuers create").failed(5, "--file");
    user.file("list", "[]");
    user.run("auth issuers create --file list").failed(5, "JSON object");
    let lines = fake.lines();
    assert_eq!(lines[0], "GET /v1/auth/issuers");
    assert_eq!(lines[1..4], ["POST /v1/auth/issuers", "PATCH /v1/auth/issuers/iss_1", "DELETE /v1/auth/issuers/iss_1"]);
    assert_eq!(lines[4..], ["GET /v1/auth/exchange-rules", "GET /v1/auth/exchange-rules/xr_1"]);
    assert_eq!(fake.seen()[1].body, r#"{"name":"cluster-a","audiences":["scaivault"]}"#);
}

#[test]
fn exchange_needs_no_token_and_prints_one() {
    let given = r#"{"access_token":"sxt_1","token_type":"Bearer","expires_in":3600,"scope":"secrets:read"}"#;
    let fake = Fake::start(&[(200, None, given), (200, None, given)]);
    let user = User::new().with("SCAIVAULT_URL", &fake.url).with("SCAIVAULT_TENANT_ID", "tnt_acme");
    user.file("jwt", "ey.ey.sig\n");
    user.run("auth exchange --subject-token-file jwt --role sa:ci --scope secrets:read --scope secrets:list --allowed-path app/** --audience vault")
        .printed("sxt_1\n");
    let done = user.run_with_input("auth exchange - --json", "ey.ey.sig");
    assert!(done.status == 0 && done.out.contains("\"expires_in\": 3600"), "{done:?}");
    user.run("auth exchange").failed(5, "--subject-token-file");
    let seen = fake.seen();
    assert_eq!((seen[0].line.as_str(), seen[0].header("authorization")), ("POST /v1/auth/exchange", None));
    assert_eq!(seen[0].header("x-tenant-id"), Some("tnt_acme"));
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"grant_type":"urn:ietf:params:oauth:grant-type:token-exchange","subject_token":"ey.ey.sig","#,
            r#""subject_token_type":"urn:ietf:params:oauth:token-type:jwt","audience":"vault","#,
            r#""scope":"secrets:read secrets:list","allowed_paths":["app/**"],"role":"sa:ci"}"#
        )
    );
}

#[test]
fn introspection_asks_as_oneself() {
    let told = r#"{"active":true,"identity_id":"sa:ci","scopes":["secrets:read"]}"#;
    let fake = Fake::start(&[(200, None, told), (200, None, r#"{"active":false}"#)]);
    let user = User::of(&fake);
    user.run("auth introspect --token sxt_other").printed("active: yes\nidentity_id: sa:ci\nscopes: secrets:read\n");
    user.run_with_input("auth introspect -", "sxt_other\n").printed("active: no\n");
    user.run("auth introspect").failed(5, "--token");
    let seen = fake.seen();
    assert_eq!(seen[0].header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert!(seen.iter().all(|seen| seen.body == r#"{"token":"sxt_other"}"#));
}
