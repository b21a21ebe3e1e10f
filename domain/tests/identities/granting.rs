//! Who gives and takes roles, by the table of the contract.

use scaivault_domain::access::{Caller, Narrowing, Target};
use scaivault_domain::granting::{self, RoleChange, invalid_role, last_super_admin, needed_for, reaches};
use scaivault_domain::{ErrorCode, IdentityId, IdentityType, Owner, Role, Scopes};

use super::sample::{partner, tenant};

use Role::{PartnerAdmin, SecretsReader, SecretsWriter, SuperAdmin, TenantAdmin};

fn caller(roles: &[Role]) -> Caller {
    Caller {
        identity: IdentityId::parse("user:alice@acme.example").unwrap(),
        display_name: "Alice".into(),
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

/// The `reason` and role of the refusal, if a change is refused.
fn refused(caller: &Caller, change: &RoleChange<'_>) -> Option<(String, Option<String>)> {
    let rejection = granting::check(caller, change).err()?;
    assert_eq!(rejection.code, ErrorCode::Forbidden);
    let text = |name: &str| rejection.details.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    Some((text("reason").unwrap(), text("required_role")))
}

fn role_required(role: Role) -> Option<(String, Option<String>)> {
    Some(("role_required".into(), Some(role.as_str().into())))
}

#[test]
fn a_role_reaches_its_own_and_a_higher_one_further() {
    let (neighbour, foreign) = (at("tnt_b", "ptn_a"), at("tnt_c", "ptn_c"));
    let reach = |held: &[Role], needed: Role| {
        [&home(), &neighbour, &foreign].map(|target| reaches(&caller(held), needed, target))
    };
    for (held, needed, expected) in [
        (&[SuperAdmin][..], SuperAdmin, [true, true, true]),
        (&[SuperAdmin], TenantAdmin, [true, true, true]),
        (&[PartnerAdmin], SuperAdmin, [false, false, false]),
        (&[PartnerAdmin], PartnerAdmin, [true, true, false]),
        (&[PartnerAdmin], TenantAdmin, [true, true, false]),
        (&[TenantAdmin], PartnerAdmin, [false, false, false]),
        (&[TenantAdmin], TenantAdmin, [true, false, false]),
        (&[SecretsReader, SecretsWriter], SecretsReader, [false, false, false]),
        (&[SecretsWriter, TenantAdmin], TenantAdmin, [true, false, false]),
        (&[], TenantAdmin, [false, false, false]),
    ] {
        assert_eq!(reach(held, needed), expected, "{held:?} for {needed:?}");
    }
}

#[test]
fn who_is_of_no_tenant_or_partner_reaches_nothing_by_it() {
    let rootless = Caller { tenant: None, partner: None, ..caller(&[PartnerAdmin, TenantAdmin]) };
    let platform = Target { owner: Owner::Platform, partner: None };
    for target in [&platform, &home()] {
        assert!(!reaches(&rootless, TenantAdmin, target) && !reaches(&rootless, PartnerAdmin, target), "{target:?}");
    }
    assert!(reaches(&caller(&[SuperAdmin]), SuperAdmin, &platform));
}

#[test]
fn each_role_is_given_and_taken_by_a_higher_one_within_its_reach() {
    let neighbour = at("tnt_b", "ptn_a");
    let foreign = at("tnt_c", "ptn_c");
    for (held, role, target, needed) in [
        (SuperAdmin, SuperAdmin, &foreign, None),
        (SuperAdmin, PartnerAdmin, &foreign, None),
        (PartnerAdmin, SuperAdmin, &home(), Some(SuperAdmin)),
        (PartnerAdmin, PartnerAdmin, &neighbour, None),
        (PartnerAdmin, TenantAdmin, &neighbour, None),
        (PartnerAdmin, TenantAdmin, &foreign, Some(PartnerAdmin)),
        (TenantAdmin, SuperAdmin, &home(), Some(SuperAdmin)),
        (TenantAdmin, PartnerAdmin, &home(), Some(PartnerAdmin)),
        (TenantAdmin, TenantAdmin, &home(), Some(PartnerAdmin)),
        (TenantAdmin, SecretsReader, &home(), None),
        (TenantAdmin, SecretsWriter, &home(), None),
        (TenantAdmin, SecretsReader, &neighbour, Some(TenantAdmin)),
        (SecretsWriter, SecretsReader, &home(), Some(TenantAdmin)),
    ] {
        let expected = needed.and_then(role_required);
        let given = RoleChange { target, is_own: false, before: &[], after: &[role] };
        assert_eq!(refused(&caller(&[held]), &given), expected, "{held:?} gives {role:?} at {target:?}");
        let taken = RoleChange { target, is_own: false, before: &[role], after: &[] };
        assert_eq!(refused(&caller(&[held]), &taken), expected, "{held:?} takes {role:?} at {target:?}");
        assert!(needed.is_none_or(|needed| needed == needed_for(role)));
    }
}

#[test]
fn what_stays_needs_no_role() {
    let kept = [SuperAdmin, SecretsReader];
    let target = home();
    let same = RoleChange { target: &target, is_own: true, before: &kept, after: &[SecretsReader, SuperAdmin] };
    assert_eq!(refused(&caller(&[]), &same), None, "only what changes is looked at, in any order");
    let more = RoleChange { after: &[SuperAdmin, SecretsReader, SecretsWriter], is_own: false, ..same };
    assert_eq!(refused(&caller(&[TenantAdmin]), &more), None);
    let less = RoleChange { after: &[SecretsReader, SecretsWriter], ..more };
    assert_eq!(refused(&caller(&[TenantAdmin]), &less), role_required(SuperAdmin), "super_admin would be taken");
}

#[test]
fn nobody_adds_roles_to_the_own_identity() {
    let target = home();
    let own = |before, after| RoleChange { target: &target, is_own: true, before, after };
    let administrator = caller(&[SuperAdmin]);
    let refusal = Some(("self_elevation".to_owned(), None));
    assert_eq!(refused(&administrator, &own(&[SuperAdmin], &[SuperAdmin, SecretsReader])), refusal);
    assert_eq!(refused(&administrator, &own(&[SuperAdmin], &[TenantAdmin])), refusal, "nor exchanges them");
    assert_eq!(refused(&administrator, &own(&[SuperAdmin, TenantAdmin], &[SuperAdmin])), None, "but gives them up");
    let unable = refused(&caller(&[TenantAdmin]), &own(&[TenantAdmin], &[TenantAdmin, SuperAdmin]));
    assert_eq!(unable, role_required(SuperAdmin), "who may not give it at all is told that");
}

#[test]
fn the_last_super_admin_keeps_that_role() {
    let rejection = last_super_admin();
    assert_eq!((rejection.code, &rejection.details["reason"]), (ErrorCode::Forbidden, &"last_super_admin".into()));
    assert!(!rejection.message.is_empty());
}

#[test]
fn roles_are_named_once_each_and_fit_the_kind_of_identity() {
    let parse = |names: &[&str], kind| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        granting::parse(&names, kind).map_err(|rejection| rejection.code)
    };
    let program = IdentityType::ServiceAccount;
    assert_eq!(parse(&[], IdentityType::User), Ok(Vec::new()));
    assert_eq!(
        parse(&["tenant_admin", "super_admin", "tenant_admin"], IdentityType::User),
        Ok(vec![SuperAdmin, TenantAdmin])
    );
    assert_eq!(parse(&["secrets-writer", "partner_admin"], program), Ok(vec![PartnerAdmin, SecretsWriter]));
    for (names, kind) in [
        (&["owner"][..], IdentityType::User),
        (&["tenant_admin", "Super_Admin"], IdentityType::User),
        (&["secrets-reader"], IdentityType::User),
        (&["tenant_admin", "secrets-writer"], IdentityType::User),
        (&["tenant_admin"], IdentityType::Group),
        (&[""], program),
    ] {
        assert_eq!(parse(names, kind), Err(ErrorCode::InvalidRole), "{names:?} for {kind:?}");
    }
    let rejection = invalid_role("roles: there is no such role");
    assert_eq!((rejection.code, &*rejection.message), (ErrorCode::InvalidRole, "roles: there is no such role"));
}

#[test]
fn roles_are_listed_as_the_contract_says() {
    let everyone = &[IdentityType::User, IdentityType::ServiceAccount][..];
    let programs = &[IdentityType::ServiceAccount][..];
    for (role, reach, assignable_to, said) in [
        (SuperAdmin, "platform", everyone, "the whole installation"),
        (PartnerAdmin, "partner", everyone, "one partner and all its tenants"),
        (TenantAdmin, "tenant", everyone, "Administers one tenant"),
        (SecretsReader, "tenant", programs, "Reads and lists"),
        (SecretsWriter, "tenant", programs, "writes and rotates"),
    ] {
        assert_eq!((role.reach(), role.assignable_to()), (reach, assignable_to), "{role:?}");
        assert!(role.description().contains(said), "{role:?}: {}", role.description());
    }
}
