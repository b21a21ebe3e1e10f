#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use scaivault_domain::secret_policy::{PolicyType, PolicyUid, SecretPolicyId};
use serde_json::{Value as Json, json};

use super::*;

fn now() -> Timestamp {
    Timestamp::from_micros(1_776_952_800_123_456)
}

/// A policy of these fields, as they are stored.
fn policy(fields: Json) -> SecretPolicy {
    let content = Content {
        name: "A".into(),
        description: "".into(),
        policy_type: PolicyType::Custom,
        fields: serde_json::from_value(fields).unwrap(),
        is_active: true,
    };
    let uid = PolicyUid(ulid::Ulid::from_parts(1, 1));
    SecretPolicy { id: SecretPolicyId::of_name("A").unwrap(), uid, content, created_at: now(), updated_at: now() }
}

async fn after(recipe: Option<&SecretPolicy>, current: &str) -> Result<Json, Ungenerated> {
    let data = Forging::default().new_data(recipe, current.as_bytes(), now()).await?;
    Ok(serde_json::from_slice(&data).unwrap())
}

fn digit() -> Json {
    json!({"name": "pin", "generator": "template", "config": {"template": "{{random:1}}", "charset": "custom", "characters": "01"}})
}

#[tokio::test]
async fn a_recipe_is_laid_over_what_is_there() {
    let fixed = json!({"name": "host", "generator": "static", "config": {"value": "db"}});
    let recipe = policy(json!([digit(), fixed]));
    for _ in 0..32 {
        let data = after(Some(&recipe), r#"{"user":"app","pin":"0","host":"db"}"#).await.unwrap();
        // The pin changes, the fixed value need not.
        assert_eq!(data, json!({"user": "app", "pin": "1", "host": "db"}));
    }
    assert_eq!(after(Some(&recipe), r#"{"pin":0}"#).await.unwrap()["host"], "db");
}

#[tokio::test]
async fn without_a_recipe_one_field_is_replaced() {
    let data = after(None, r#"{"user":"app","token":"old","key":"k"}"#).await.unwrap();
    assert_eq!((&data["user"], &data["key"]), (&json!("app"), &json!("k")));
    let made = data["token"].as_str().unwrap();
    assert!(made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{made}");
    assert!(after(None, r#"{"anything":{"at":"all"}}"#).await.unwrap()["anything"].is_string());
    for nothing in ["{}", r#"{"user":"app","host":"db"}"#] {
        assert!(matches!(after(None, nothing).await, Err(Ungenerated::NoField)), "{nothing}");
    }
}

#[tokio::test]
async fn what_cannot_be_generated_is_told_apart() {
    let mut inactive = policy(json!([digit()]));
    inactive.content.is_active = false;
    let refused = after(Some(&inactive), "{}").await.unwrap_err();
    assert!(matches!(&refused, Ungenerated::Inactive(rejection) if rejection.code == ErrorCode::ValidationError));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_DATA - 9));
    assert!(matches!(after(Some(&policy(json!([digit()]))), &large).await, Err(Ungenerated::TooLarge)));
    let codes = [Ungenerated::NoField, Ungenerated::TooLarge].map(|ungenerated| {
        let Failure::Rejected(rejection) = Failure::from(ungenerated) else { panic!("is told") };
        rejection.code
    });
    assert_eq!(codes, [ErrorCode::ValidationError, ErrorCode::PayloadTooLarge]);
}

/// What takes long is made side by side, and others go on meanwhile.
#[tokio::test]
async fn heavy_values_leave_the_others_alone() {
    let hash = |name: &str| {
        json!({"name": name, "generator": "bcrypt_hash", "config": {
        "length": 8, "rounds": 12, "charset": "alpha", "require_upper": false, "require_lower": false, "require_digit": false,
        "require_symbol": false, "hash_name": format!("{name}_hash")}})
    };
    let recipe = policy(json!([hash("a"), hash("b"), hash("c")]));
    let forging = Forging::default();
    let mut turns = 0;
    let beside = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            turns += 1;
        }
    };
    let drawn = tokio::select! {
        drawn = forging.draw(&recipe.content.fields, now()) => drawn.unwrap(),
        () = beside => panic!("never ends"),
    };
    assert_eq!(drawn.values().count(), 6);
    assert!(turns > 0, "nobody else had a turn");
}
