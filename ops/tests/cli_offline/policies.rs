//! The group `policies`.

use super::fake::Fake;
use super::user::User;

#[test]
fn rules_come_from_flags_or_a_file() {
    let made = (201, None, r#"{"id":"pol_1","name":"n"}"#);
    let fake = Fake::start(&[made; 4]);
    let user = User::of(&fake);
    user.file("rules", r#"[{"path_pattern":"a/*","permissions":["list"]}]"#);
    user.run("policies create --name n --path app/** --permissions read,list --ip-range 10.0.0.0/8 --require-mfa")
        .printed("id: pol_1\nname: n\n");
    user.run("policies create --name n --description d --scope partner --rules-file rules")
        .printed("id: pol_1\nname: n\n");
    user.run("policies update pol_1 --active false").printed("id: pol_1\nname: n\n");
    user.run("policies bind pol_1 --identity-type group --identity-id group:sre --expires-at 2999-01-01")
        .printed("id: pol_1\nname: n\n");
    user.run("policies create --name n").failed(5, "--rules-file");
    user.run("policies create --name n --path app/** --permissions read --rules-file rules")
        .failed(5, "cannot be used with");
    let seen = fake.seen();
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"name":"n","rules":[{"path_pattern":"app/**","permissions":["read","list"],"#,
            r#""conditions":{"ip_ranges":["10.0.0.0/8"],"require_mfa":true}}]}"#
        )
    );
    assert_eq!(
        seen[1].body,
        r#"{"name":"n","description":"d","rules":[{"path_pattern":"a/*","permissions":["list"]}],"scope":"partner"}"#
    );
    assert_eq!((seen[2].line.as_str(), seen[2].body.as_str()), ("PATCH /v1/policies/pol_1", r#"{"is_active":false}"#));
    assert_eq!(seen[3].line, "POST /v1/policies/pol_1/bindings");
    assert_eq!(seen[3].body, r#"{"identity_type":"group","identity_id":"group:sre","expires_at":"2999-01-01"}"#);
}

#[test]
fn verdicts_are_told_and_can_end_a_script() {
    let denied = (
        200,
        None,
        concat!(
            r#"{"allowed":false,"reason":"condition_failed","failed_condition":"require_mfa","evaluated":["#,
            r#"{"policy_id":"pol_1","name":"prod","rule_index":0,"path_matched":true,"permission_matched":true,"failed_condition":"require_mfa"}]}"#
        ),
    );
    let explained = (
        200,
        None,
        concat!(
            r#"{"request_id":"req_1","decisions":[{"verdict":"denied","identity_id":"user:bob","permission":"read","path":"a/b","#,
            r#""evaluated":[],"smallest_change":{"rule":{"path_pattern":"a/b","permissions":["read"],"conditions":{}},"#,
            r#""identity_id":"user:bob","dropped_conditions":[]}}],"cursor":null,"has_more":false}"#
        ),
    );
    let fake = Fake::start(&[denied, denied, explained]);
    let user = User::of(&fake);
    let told = "allowed: no\nreason: condition_failed\nfailed_condition: require_mfa\n\n\
                POLICY  RULE  PATH_MATCH  PERMISSION_MATCH  FAILED_CONDITION\nprod    0     yes         yes               require_mfa\n";
    user.run("policies test a/b read --identity user:bob --source-ip 10.0.0.1 --at 2026-04-23T14:00:00Z").printed(told);
    assert_eq!(user.run("policies test a/b read --mfa --exit-code").status, 3);
    let text = user.run("policies explain req_1 --path a/b").out;
    assert!(text.contains("This rule, bound to user:bob, would have allowed it:"), "{text}");
    assert!(text.contains("a/b      read         -"), "{text}");
    let seen = fake.seen();
    assert_eq!(
        seen[0].body,
        concat!(
            r#"{"identity_id":"user:bob","path":"a/b","permission":"read","#,
            r#""context":{"source_ip":"10.0.0.1","timestamp":"2026-04-23T14:00:00Z"}}"#
        )
    );
    assert_eq!(seen[1].body, r#"{"path":"a/b","permission":"read","context":{"mfa_verified":true}}"#);
    assert_eq!(seen[2].line, "GET /v1/policies/explain/req_1?path=a%2Fb");
}
