//! What happens under rotation policies.

use proptest::option::of as option;
use proptest::prelude::*;
use scaivault_domain::rotation::{RotationPolicyId, RotationPolicyReference, Trigger};
use scaivault_domain::secret::SecretEvent;
use scaivault_domain::secret::event::{FailedRotation, NamedPolicy, Straggler, Stragglers, UnderPolicy};
use scaivault_domain::secret_policy::PolicyUid;

use crate::codec::{duration, identity, moment, text};

fn reference() -> impl Strategy<Value = RotationPolicyReference> {
    ("rot_[a-z]{1,9}", any::<u128>()).prop_map(|(id, uid)| RotationPolicyReference {
        id: RotationPolicyId::parse(&id).unwrap(),
        uid: PolicyUid(ulid::Ulid(uid)),
    })
}

fn named() -> impl Strategy<Value = NamedPolicy> {
    (reference(), text()).prop_map(|(reference, name)| NamedPolicy { reference, name: name.into() })
}

fn trigger() -> impl Strategy<Value = Trigger> {
    prop::sample::select(vec![Trigger::Schedule, Trigger::Manual, Trigger::Write])
}

/// How a version came under a policy.
pub fn under() -> impl Strategy<Value = UnderPolicy> {
    (named(), trigger(), any::<bool>(), moment(), any::<u32>(), any::<bool>()).prop_map(
        |(policy, trigger, auto_generated, started_at, attempt, finish_when_moved)| UnderPolicy {
            policy,
            trigger,
            auto_generated,
            started_at,
            attempt,
            finish_when_moved,
        },
    )
}

fn failed() -> impl Strategy<Value = FailedRotation> {
    let times = (option(moment()), moment(), option(moment()));
    (named(), trigger(), times, any::<u32>(), option(any::<u32>()), (text(), text())).prop_map(
        |(policy, trigger, (due_at, started_at, next_attempt_at), attempt, old_version, (code, message))| {
            FailedRotation {
                policy,
                due_at,
                trigger,
                started_at,
                attempt,
                next_attempt_at,
                old_version,
                code: code.into(),
                message: message.into(),
            }
        },
    )
}

fn stragglers() -> impl Strategy<Value = Stragglers> {
    let straggler = (identity(), moment()).prop_map(|(identity, last_read_at)| Straggler { identity, last_read_at });
    let all = prop::collection::vec(straggler, 0..4);
    (named(), any::<[u32; 4]>(), moment(), any::<bool>(), all).prop_map(
        |(policy, [old_version, new_version, moved, missing], grace_ends_at, ended, stragglers)| Stragglers {
            policy,
            old_version,
            new_version,
            grace_ends_at,
            ended,
            moved,
            missing,
            stragglers,
        },
    )
}

/// Any such event of a secret.
pub fn event() -> impl Strategy<Value = SecretEvent> {
    prop_oneof![
        reference().prop_map(|policy| SecretEvent::RotationAttached { policy }),
        Just(SecretEvent::RotationDetached {}),
        (named(), moment(), option(duration()), any::<bool>())
            .prop_map(|(policy, due_at, warning, asked)| SecretEvent::RotationDue { policy, due_at, warning, asked }),
        (named(), moment(), moment()).prop_map(|(policy, due_at, overdue_since)| SecretEvent::RotationOverdue {
            policy,
            due_at,
            overdue_since
        }),
        failed().prop_map(SecretEvent::RotationFailed),
        any::<u32>().prop_map(|version| SecretEvent::GraceFinished { version }),
        stragglers().prop_map(SecretEvent::StragglersFound),
    ]
}
