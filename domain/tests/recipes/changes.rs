//! Policies that are made, renamed, switched off and deleted.

use scaivault_domain::ErrorCode;
use scaivault_domain::secret_policy::decide::{Usage, create, delete, update};
use scaivault_domain::secret_policy::{
    Content, PolicyType, PolicyUid, SecretPolicy, SecretPolicyEvent, SecretPolicyId,
};
use serde_json::json;

use super::sample::{now, read};

fn content(name: &str) -> Content {
    Content {
        name: name.into(),
        description: "".into(),
        policy_type: PolicyType::Custom,
        fields: read(&json!([{"name": "value", "generator": "hex"}])).unwrap(),
        is_active: true,
    }
}

fn policy() -> SecretPolicy {
    SecretPolicy {
        id: SecretPolicyId::of_name("Database Passwords").unwrap(),
        uid: PolicyUid(ulid::Ulid::from_parts(1, 2)),
        content: content("Database Passwords"),
        created_at: now(),
        updated_at: now(),
    }
}

#[test]
fn the_id_is_made_of_the_first_name() {
    let uid = policy().uid;
    let Ok(SecretPolicyEvent::Created { id, .. }) = create(uid, content("DB  (Prod)"), false) else {
        panic!("is made")
    };
    assert_eq!(id.as_str(), "sp_db_prod");
    assert_eq!(create(uid, content("x"), true).unwrap_err().code, ErrorCode::NameTaken);
    assert_eq!(create(uid, content("日本"), false).unwrap_err().code, ErrorCode::ValidationError);
    let renamed = update(&policy(), content("Other"), false).unwrap();
    assert!(matches!(&renamed, SecretPolicyEvent::Updated { id, .. } if id.as_str() == "sp_database_passwords"));
    assert_eq!(update(&policy(), content("Other"), true).unwrap_err().code, ErrorCode::NameTaken);
}

#[test]
fn what_is_in_use_is_deleted_by_force_only() {
    let unused = Usage::default();
    let used = Usage { rotation_policies: vec!["rot_quarterly".into()], secrets: 3 };
    assert!(delete(&policy(), &unused, false).is_ok() && delete(&policy(), &used, true).is_ok());
    let refused = delete(&policy(), &used, false).unwrap_err();
    assert_eq!(refused.code, ErrorCode::ResourceInUse);
    let details = serde_json::Value::from(refused.details);
    assert_eq!(details, json!({"rotation_policies": ["rot_quarterly"], "secrets_count": 3}));
    assert!(delete(&policy(), &Usage { secrets: 1, ..unused }, false).is_err());
}

#[test]
fn an_inactive_policy_generates_nothing() {
    let mut inactive = policy();
    assert!(inactive.check_active().is_ok());
    inactive.content.is_active = false;
    assert_eq!(inactive.check_active().unwrap_err().code, ErrorCode::ValidationError);
}

#[test]
fn ids_are_slugs() {
    for text in ["sp_a", "sp_database_passwords", "sp_9"] {
        assert_eq!(SecretPolicyId::parse(text).map(|id| id.as_str().to_owned()).as_deref(), Some(text));
    }
    for text in ["sp_", "sp_A", "sp__a", "sp_a-b", "rot_a", "a", "sp_a/b"] {
        assert_eq!(SecretPolicyId::parse(text), None, "{text}");
    }
}
