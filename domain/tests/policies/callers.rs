//! What a caller may: by roles, by policies, never beyond its token.

use scaivault_domain::access::{Caller, Denial, Grant, Narrowing, Permission, Target, role_required};
use scaivault_domain::policy::condition::IpRange;
use scaivault_domain::policy::{Candidates, Conditions};
use scaivault_domain::{ErrorCode, IdentityId, Owner, PartnerId, Pattern, Role, Scopes, TenantId};

use super::sample::{asked, bound, policy, rule};

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

fn partner(id: &str) -> PartnerId {
    PartnerId::parse(id).unwrap()
}

/// A program, which may have roles of any kind.
pub(crate) fn caller(roles: &[Role]) -> Caller {
    Caller {
        identity: IdentityId::parse("sa:billing").unwrap(),
        display_name: "Bob".into(),
        tenant: Some(tenant("tnt_a")),
        partner: Some(partner("ptn_a")),
        scopes: Scopes::all(),
        roles: roles.to_vec(),
        groups: Vec::new(),
        token: None,
        jwt: None,
        token_expires_at: None,
        mfa_verified_at: None,
        narrowing: Narrowing::default(),
    }
}

fn at(tenant_id: &str, partner_id: &str) -> Target {
    Target { owner: Owner::Tenant(tenant(tenant_id)), partner: Some(partner(partner_id)) }
}

fn home() -> Target {
    at("tnt_a", "ptn_a")
}

fn ask(
    caller: &Caller,
    target: &Target,
    permission: Permission,
    candidates: &Candidates,
) -> Result<Grant, Box<Denial>> {
    caller.authorize(target, &asked(permission, "app/db"), || candidates)
}

#[test]
fn nothing_is_permitted_by_default() {
    for permission in Permission::ALL {
        let denial = ask(&caller(&[]), &home(), permission, &Candidates::default()).unwrap_err();
        assert_eq!(denial.rejection.code, ErrorCode::AccessDenied);
        assert_eq!(denial.rejection.details["reason"], "no_matching_rule");
        assert_eq!(denial.rejection.details["permission"], permission.as_str());
        assert!(denial.denied.is_some_and(|denied| denied.evaluated.is_empty()));
    }
}

#[test]
fn roles_reach_as_far_as_they_say() {
    let (neighbour, foreign) = (at("tnt_b", "ptn_a"), at("tnt_c", "ptn_c"));
    for (role, reach) in [
        (Role::SuperAdmin, [true, true, true]),
        (Role::PartnerAdmin, [true, true, false]),
        (Role::TenantAdmin, [true, false, false]),
        (Role::SecretsReader, [true, false, false]),
        (Role::SecretsWriter, [true, false, false]),
    ] {
        for (target, expected) in [&home(), &neighbour, &foreign].into_iter().zip(reach) {
            let granted = ask(&caller(&[role]), target, Permission::Read, &Candidates::default());
            assert_eq!(granted.is_ok(), expected, "{role:?} at {target:?}");
            let none = Candidates::default();
            let may = caller(&[role]).may(target, &asked(Permission::Read, "app/db"), || &none);
            assert_eq!(may, expected, "the same where nobody asks why not");
            assert_eq!(caller(&[role]).administers(target), expected && role.is_administrative());
            if let Ok(grant) = granted {
                assert_eq!(grant, Grant { role: Some(role), ..Grant::default() });
            }
        }
    }
    let outsider = Caller { tenant: None, partner: None, ..caller(&[Role::PartnerAdmin, Role::TenantAdmin]) };
    let platform = Target { owner: Owner::Platform, partner: None };
    for target in [&home(), &platform] {
        assert!(ask(&outsider, target, Permission::Read, &Candidates::default()).is_err(), "of no partner: {target:?}");
        assert!(!outsider.administers(target));
    }
}

#[test]
fn access_roles_permit_what_they_are_for() {
    for (role, permitted) in [
        (Role::SecretsReader, &[Permission::Read, Permission::List][..]),
        (Role::SecretsWriter, &[Permission::Read, Permission::List, Permission::Write, Permission::Rotate]),
        (Role::TenantAdmin, &Permission::ALL),
    ] {
        for permission in Permission::ALL {
            let granted = ask(&caller(&[role]), &home(), permission, &Candidates::default());
            assert_eq!(granted.is_ok(), permitted.contains(&permission), "{role:?} {permission:?}");
        }
        assert!(caller(&[role]).has_role(Role::TenantAdmin) == role.is_administrative());
        assert_eq!(Role::parse(role.as_str()), Some(role));
    }
    assert!(caller(&[Role::PartnerAdmin]).has_role(Role::TenantAdmin));
    assert!(!caller(&[Role::TenantAdmin]).has_role(Role::PartnerAdmin));
    assert_eq!(role_required(Role::SuperAdmin).details["required_role"], "super_admin");
}

#[test]
fn a_rule_permits_its_own_permission_or_all_by_admin() {
    for held in Permission::ALL {
        let candidates = bound(vec![policy("1", vec![rule("app/*", held, Conditions::default())])]);
        for permission in Permission::ALL {
            let granted = ask(&caller(&[]), &home(), permission, &candidates);
            let expected = held == permission || held == Permission::Admin;
            assert_eq!(granted.is_ok(), expected, "{held:?} for {permission:?}");
            if let Ok(grant) = granted {
                let policy = policy("1", Vec::new());
                assert_eq!(grant, Grant { policy: Some((policy.id, 3)), rule_index: Some(0), role: None });
            }
        }
    }
}

#[test]
fn a_condition_gives_the_refusal_its_code() {
    let ranges = Some(vec![IpRange::parse("192.0.2.0/24").unwrap()]);
    for (conditions, code, failed) in [
        (Conditions { ip_ranges: ranges, ..Conditions::default() }, ErrorCode::IpNotAllowed, "ip_ranges"),
        (Conditions { require_mfa: Some(true), ..Conditions::default() }, ErrorCode::MfaRequired, "require_mfa"),
        (
            Conditions { expires_at: Some(super::sample::moment("2001-01-01")), ..Conditions::default() },
            ErrorCode::AccessDenied,
            "expires_at",
        ),
    ] {
        let candidates = bound(vec![policy("1", vec![rule("app/*", Permission::Read, conditions)])]);
        let rejection = ask(&caller(&[]), &home(), Permission::Read, &candidates).unwrap_err().rejection;
        assert_eq!((rejection.code, &rejection.details["failed_condition"]), (code, &failed.into()));
        assert_eq!(rejection.details["permission"], "read");
        let reason = rejection.details.get("reason").and_then(|reason| reason.as_str());
        assert_eq!(reason, (code == ErrorCode::AccessDenied).then_some("condition_failed"));
    }
}

#[test]
fn a_narrowed_token_opens_its_paths_only_whoever_has_it() {
    let narrowed = |patterns: &[&[&str]]| {
        let list = |texts: &&[&str]| texts.iter().map(|text| Pattern::parse(text).unwrap()).collect();
        let narrowing = Narrowing { allowed_paths: patterns.iter().map(list).collect(), ..Narrowing::default() };
        Caller { narrowing, ..caller(&[Role::SuperAdmin]) }
    };
    let none = Candidates::default();
    assert!(ask(&narrowed(&[&["app/*"]]), &home(), Permission::Read, &none).is_ok());
    for patterns in [&[&["other/*"][..]][..], &[&["app/*"], &["other/*"]], &[&["@partner/app/*"]]] {
        let denial = ask(&narrowed(patterns), &home(), Permission::Read, &none).unwrap_err();
        assert_eq!(denial.rejection.details["reason"], "token_path_restriction", "{patterns:?}");
        assert!(denial.denied.is_none());
    }
    let of_partner = Target { owner: Owner::Partner(partner("ptn_a")), partner: Some(partner("ptn_a")) };
    assert!(ask(&narrowed(&[&["@partner/app/*"]]), &of_partner, Permission::Read, &none).is_ok());
    assert!(ask(&narrowed(&[&["app/*"]]), &of_partner, Permission::Read, &none).is_err());
}

#[test]
fn partner_secrets_are_read_by_all_of_the_partner_and_changed_by_its_administrators() {
    let of_partner = |id: &str| Target { owner: Owner::Partner(partner(id)), partner: Some(partner(id)) };
    let everything = bound(vec![policy("1", vec![rule("**", Permission::Admin, Conditions::default())])]);
    for permission in Permission::ALL {
        let reading = matches!(permission, Permission::Read | Permission::List);
        let granted = ask(&caller(&[]), &of_partner("ptn_a"), permission, &everything);
        assert_eq!(granted.is_ok(), reading, "{permission:?}: no policy reaches them");
        assert!(ask(&caller(&[Role::PartnerAdmin]), &of_partner("ptn_a"), permission, &everything).is_ok());
        assert!(ask(&caller(&[Role::PartnerAdmin]), &of_partner("ptn_b"), permission, &everything).is_err());
    }
}

#[test]
fn a_token_for_some_addresses_is_for_no_others() {
    let ranges = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let narrowing = |lists: &[&[&str]]| Narrowing {
        allowed_ips: lists.iter().map(|list| ranges(list)).collect(),
        ..Narrowing::default()
    };
    for (lists, address, expected) in [
        (&[][..], "192.0.2.1", true),
        (&[&["10.0.0.0/8", "192.0.2.0/24"][..]], "192.0.2.1", true),
        (&[&["10.0.0.0/8"]], "192.0.2.1", false),
        (&[&["192.0.0.0/8"], &["192.0.2.0/24"]], "192.0.2.1", true),
        (&[&["192.0.0.0/8"], &["192.0.3.0/24"]], "192.0.2.1", false),
        (&[&["2001:db8::/32"]], "2001:db8::1", true),
    ] {
        assert_eq!(narrowing(lists).permits_address(address.parse().unwrap()), expected, "{lists:?} {address}");
    }
}

#[test]
fn permissions_have_names() {
    for permission in Permission::ALL {
        assert_eq!(Permission::parse(permission.as_str()), Some(permission));
    }
    assert_eq!(Permission::parse("own"), None);
}

#[test]
fn roles_above_the_highest_do_not_count() {
    let up_to = |highest_role| Narrowing { highest_role, ..Narrowing::default() };
    for role in Role::ALL {
        assert!(up_to(None).permits_role(role), "{role:?} without a limit");
        assert_eq!(up_to(Some(Role::PartnerAdmin)).permits_role(role), role != Role::SuperAdmin, "{role:?}");
    }
    assert!(!up_to(Some(Role::TenantAdmin)).permits_role(Role::PartnerAdmin));
}

#[test]
fn access_roles_are_for_programs() {
    let bob = IdentityId::parse("user:bob@acme.example").unwrap();
    for role in Role::ALL {
        let person = Caller { identity: bob.clone(), ..caller(&[role]) };
        let granted = ask(&person, &home(), Permission::Read, &Candidates::default());
        assert_eq!(granted.is_ok(), role.is_administrative(), "{role:?}");
    }
}
