//! Replays: their events, and the compact form of differences.

use proptest::option::of as option;
use proptest::prelude::*;
use scaivault_domain::PolicyId;
use scaivault_domain::access::Permission;
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::Condition;
use scaivault_domain::policy::replay::{
    After, Base, Difference, Differences, Proposal, ReplayCreated, ReplayEvent, ReplayFilters, Verdict,
};

use crate::codec::{identity, moment, text};

/// Any event of replays.
pub fn event() -> impl Strategy<Value = ReplayEvent> {
    let id = "rpl_[0-9A-Z]{26}".prop_map(|text| ReplayId::parse(&text).unwrap()).boxed();
    let filters = (
        option(identity()),
        option(text()),
        option(prop::sample::select(Permission::ALL.to_vec())),
        option(prop::sample::select(vec![Verdict::Allowed, Verdict::Denied])),
    )
        .prop_map(|(identity_id, path_prefix, permission, verdict)| ReplayFilters {
            identity_type: identity_id.as_ref().map(scaivault_domain::IdentityId::kind),
            identity_id,
            path_prefix,
            permission,
            verdict,
        });
    let base = prop::sample::select(vec![Base::Recorded, Base::Current]);
    prop_oneof![
        (id.clone(), base, (moment(), moment(), moment()), filters).prop_map(
            |(id, base, (from, to, since), filters)| {
                ReplayEvent::Created(ReplayCreated { id, base, from, to, since, filters })
            }
        ),
        (id.clone(), any::<u64>(), any::<u64>(), any::<u64>()).prop_map(
            |(id, evaluated, allowed_to_denied, denied_to_allowed)| ReplayEvent::Completed {
                id,
                evaluated,
                allowed_to_denied,
                denied_to_allowed,
            }
        ),
        (id.clone(), any::<[u64; 6]>()).prop_map(
            |(id, [from, reached, to, evaluated, allowed_to_denied, denied_to_allowed])| ReplayEvent::Progressed {
                id,
                from,
                reached,
                to,
                evaluated,
                allowed_to_denied,
                denied_to_allowed,
            }
        ),
        (id, text(), text()).prop_map(|(id, code, message)| ReplayEvent::Failed { id, code, message }),
    ]
}

fn difference() -> impl Strategy<Value = Difference> {
    let policy = prop_oneof![
        "pol_[A-C]".prop_map(|text| PolicyId::parse(&text).unwrap()),
        (0_usize..3).prop_map(|index| Proposal::added_id(index).unwrap()),
    ];
    let after = prop_oneof![
        (policy, option(1_u64..9), 0_u32..100).prop_map(|(policy, revision, rule_index)| After::Allowed {
            policy,
            revision,
            rule_index
        }),
        option(prop::sample::select(Condition::ALL.to_vec()))
            .prop_map(|failed_condition| After::Denied { failed_condition }),
    ];
    (any::<u64>(), any::<u32>(), after).prop_map(|(position, index, after)| Difference { position, index, after })
}

proptest! {
    #[test]
    fn differences_come_back_as_they_were(differences in prop::collection::vec(difference(), 0..50)) {
        let differences = Differences(differences);
        prop_assert_eq!(Differences::decode(&differences.encode().unwrap()), Some(differences));
    }

    #[test]
    fn other_bytes_are_no_differences(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        prop_assert_eq!(Differences::decode(&bytes), None);
    }
}
