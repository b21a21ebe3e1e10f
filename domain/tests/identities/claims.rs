//! What is read out of verified claims.

use scaivault_domain::issuer::Unmapped;
use serde_json::{Value, json};

use super::sample::{claims, moment};

#[test]
fn an_audience_is_the_text_or_one_of_the_list() {
    for (audience, expected) in [
        (json!("scaivault"), true),
        (json!(["other", "scaivault"]), true),
        (json!("other"), false),
        (json!("scaivault other"), false),
        (json!(["other", "scaivault2"]), false),
        (json!([]), false),
        (json!([["scaivault"]]), false),
        (json!({"scaivault": true}), false),
        (Value::Null, false),
    ] {
        assert_eq!(claims(json!({"aud": audience})).is_for("scaivault"), expected, "{audience}");
    }
    assert!(!claims(json!({})).is_for("scaivault"));
    assert!(!claims(json!({"aud": 7})).is_for("7"), "numbers are no audiences");
}

#[test]
fn the_subject_is_the_text_in_sub() {
    assert_eq!(
        claims(json!({"sub": "system:serviceaccount:billing:api"})).subject(),
        "system:serviceaccount:billing:api"
    );
    for without in [json!({}), json!({"sub": 7}), json!({"sub": null}), json!({"subject": "x"})] {
        assert_eq!(claims(without.clone()).subject(), "", "{without}");
    }
}

#[test]
fn a_claim_is_found_by_its_whole_name_first_and_else_by_dots() {
    let claims = claims(json!({
        "kubernetes.io": {"namespace": "billing", "uid": 7},
        "a.b": "whole", "a": {"b": "inner"},
    }));
    assert_eq!(claims.text("kubernetes.io.namespace"), Some("billing"));
    assert_eq!(claims.text("a.b"), Some("whole"));
    assert_eq!(claims.find("kubernetes.io.uid"), Some(&json!(7)));
    assert_eq!(claims.text("kubernetes.io.uid"), None, "a number is no text");
    assert_eq!((claims.find("kubernetes.io.pod"), claims.text("b")), (None, None));
}

#[test]
fn a_moment_is_in_seconds_since_1970_and_anything_else_is_none() {
    let last = "9999-12-31T23:59:59Z";
    for (claim, expected) in [
        (json!(1_776_952_800), Some("2026-04-23T14:00:00Z")),
        (json!(1_776_952_800.9), Some("2026-04-23T14:00:00Z")),
        (json!(0), Some("1970-01-01T00:00:00Z")),
        (json!(-1), Some("1970-01-01T00:00:00Z")),
        (json!(253_402_300_799_i64), Some(last)),
        (json!(253_402_300_800_i64), Some(last)),
        (json!(i64::MAX), Some(last)),
        (json!(u64::MAX), Some(last)),
        (json!(1e300), Some(last)),
        (json!("1776952800"), None),
        (json!(true), None),
        (json!([1_776_952_800]), None),
        (Value::Null, None),
    ] {
        let found = claims(json!({"at": claim})).moment("at");
        assert_eq!(found, Some(expected.map(moment)), "{claim}");
    }
    assert_eq!(claims(json!({"at": 1})).moment("exp"), None, "missing is not the same as malformed");
    assert_eq!(claims(json!({"a": {"b": 60}})).moment("a.b"), Some(Some(moment("1970-01-01T00:01:00Z"))));
}

#[test]
fn why_claims_speak_for_nobody_is_told_without_them() {
    for (unmapped, named) in [
        (Unmapped::Identity, "identity"),
        (Unmapped::Tenant, "tenant"),
        (Unmapped::Partner, "partner"),
        (Unmapped::OtherTenant, "different tenants"),
    ] {
        let sentence = unmapped.sentence();
        assert!(sentence.starts_with("The token") && sentence.contains(named), "{unmapped:?}: {sentence}");
    }
}
