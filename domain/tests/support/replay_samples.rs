//! Samples of what happens to replays.

use scaivault_domain::access::Permission;
use scaivault_domain::id::ReplayId;
use scaivault_domain::policy::replay::{Base, ReplayCreated, ReplayEvent, ReplayFilters, Verdict};
use scaivault_domain::{IdentityId, IdentityType, Timestamp};

fn id() -> ReplayId {
    ReplayId::parse("rpl_01JX5T3ZHVB2D4F6H8K0M2P4R9").unwrap()
}

/// Samples with the names of their files.
pub(super) fn all() -> Vec<(&'static str, ReplayEvent)> {
    let at = |seconds: i64| Timestamp::from_micros(1_776_952_800_123_456).plus_seconds(seconds);
    let created = |base, filters| {
        ReplayEvent::Created(ReplayCreated { id: id(), base, from: at(-90), to: at(-30), since: at(-60), filters })
    };
    let filters = ReplayFilters {
        identity_id: Some(IdentityId::service_account("reporting")),
        identity_type: Some(IdentityType::ServiceAccount),
        path_prefix: Some("environments/".into()),
        permission: Some(Permission::Read),
        verdict: Some(Verdict::Denied),
    };
    vec![
        ("policy_replay.created", created(Base::Current, filters)),
        ("policy_replay.created.bare", created(Base::Recorded, ReplayFilters::default())),
        (
            "policy_replay.progressed",
            ReplayEvent::Progressed {
                id: id(),
                from: 12,
                reached: 90_210,
                to: 412_000,
                evaluated: 27_310,
                allowed_to_denied: 4,
                denied_to_allowed: 0,
            },
        ),
        (
            "policy_replay.completed",
            ReplayEvent::Completed { id: id(), evaluated: 125_432, allowed_to_denied: 12, denied_to_allowed: 3 },
        ),
        (
            "policy_replay.failed",
            ReplayEvent::Failed { id: id(), code: "internal_error".into(), message: "It cannot be read".into() },
        ),
    ]
}
