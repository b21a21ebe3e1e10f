//! Policies made, changed, bound and ended.

use scaivault_domain::access::Permission;
use scaivault_domain::id::BindingId;
use scaivault_domain::policy::{Binding, Conditions, Content, PolicyEvent, decide, system_path};
use scaivault_domain::{ErrorCode, IdentityId};

use super::sample::{now, policy, rule};

fn binding(id: &str) -> Binding {
    Binding {
        id: BindingId::parse(id).unwrap(),
        policy_id: policy("1", Vec::new()).id,
        identity: IdentityId::parse("group:sre").unwrap(),
        expires_at: None,
    }
}

#[test]
fn names_are_taken_once() {
    let policy = policy("1", vec![rule("**", Permission::Read, Conditions::default())]);
    let content = Content { name: "other".into(), ..policy.content.clone() };
    let created = decide::create(policy.id.clone(), content.clone(), false).unwrap();
    assert_eq!(created, PolicyEvent::Created { id: policy.id.clone(), content: content.clone() });
    let updated = decide::update(&policy, content.clone(), false).unwrap();
    assert_eq!(updated, PolicyEvent::Updated { id: policy.id.clone(), revision: 4, content: content.clone() });
    for refused in [decide::create(policy.id.clone(), content.clone(), true), decide::update(&policy, content, true)] {
        assert_eq!(refused.unwrap_err().code, ErrorCode::NameTaken);
    }
}

#[test]
fn a_bound_policy_is_deleted_by_force_only() {
    let policy = policy("1", vec![rule("**", Permission::Read, Conditions::default())]);
    let bindings = [binding("bnd_1"), binding("bnd_2")];
    let refused = decide::delete(&policy, bindings.iter(), false).unwrap_err();
    assert_eq!((refused.code, &refused.details["binding_count"]), (ErrorCode::PolicyInUse, &2.into()));
    let events = decide::delete(&policy, bindings.iter(), true).unwrap();
    let kinds: Vec<_> = events.iter().map(PolicyEvent::kind).collect();
    assert_eq!(kinds, ["policy.binding.deleted", "policy.binding.deleted", "policy.deleted"]);
    let PolicyEvent::Deleted { name, rule_count, revision, .. } = &events[2] else { panic!("{events:?}") };
    assert_eq!((name.as_str(), *rule_count, *revision), ("1", 1, 3));
    assert_eq!(decide::delete(&policy, [].iter(), false).unwrap().len(), 1);
}

#[test]
fn an_identity_is_bound_once() {
    let policy = policy("1", Vec::new());
    let held = binding("bnd_1");
    let again = |expires_at| {
        let id = BindingId::parse("bnd_2").unwrap();
        decide::bind(id, &policy, Some(&held), held.identity.clone(), expires_at)
    };
    assert_eq!(again(None), None, "nothing changes");
    let Some(PolicyEvent::Renewed { id, expires_at, .. }) = again(Some(now())) else { panic!("not renewed") };
    assert_eq!((id, expires_at), (held.id.clone(), Some(now())));
    let fresh = decide::bind(held.id.clone(), &policy, None, held.identity.clone(), None);
    assert_eq!(fresh, Some(PolicyEvent::Bound(held.clone())));
    let PolicyEvent::Unbound { expired, .. } = decide::unbind(&held, true) else { panic!("not unbound") };
    assert!(expired);
}

#[test]
fn system_paths_start_with_an_at_sign() {
    for path in ["@pki/issue/web", "@dynamic/db/creds/read_only"] {
        assert!(system_path(path), "{path}");
    }
    for path in [
        "",
        "@",
        "@x",
        "pki/issue/web",
        "@pki/issue",
        "@pki/issue/",
        "@pki//web",
        "@pki/issue/*",
        "@PKI/issue/web",
        "@pki/issue/web/x",
        "@dynamic/db/creds",
        "@dynamic/db/users/a",
        "@dynamic//creds/a",
    ] {
        assert!(!system_path(path), "{path}");
    }
    assert!(!system_path(&format!("@pki/issue/{}", "a".repeat(512))));
}
