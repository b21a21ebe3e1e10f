//! Samples of what happens to rotation policies, and to secrets under them.

use scaivault_domain::policy::TimeWindow;
use scaivault_domain::policy::window::WindowText;
use scaivault_domain::rotation::{
    Content, MinDistance, RotationPolicyEvent, RotationPolicyId, RotationPolicyReference, Trigger, Warnings,
};
use scaivault_domain::secret::event::{FailedRotation, NamedPolicy, Rotation, Straggler, Stragglers, UnderPolicy};
use scaivault_domain::secret::{SecretEvent, SecretType};
use scaivault_domain::secret_policy::PolicyUid;
use scaivault_domain::{DurationText, Event, IdentityId, SecretPath, Timestamp};

use super::secret_policy_samples;

fn id() -> RotationPolicyId {
    RotationPolicyId::parse("rot_quarterly").unwrap()
}

fn uid() -> PolicyUid {
    PolicyUid(ulid::Ulid::from_string("01JX5T3ZHVB2D4F6H8K0M2P4R7").unwrap())
}

fn reference() -> RotationPolicyReference {
    RotationPolicyReference { id: id(), uid: uid() }
}

fn named() -> NamedPolicy {
    NamedPolicy { reference: reference(), name: "quarterly".into() }
}

fn duration(text: &str) -> DurationText {
    DurationText::parse(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_776_952_800_123_456).plus_seconds(seconds)
}

fn bare() -> Content {
    Content {
        name: "quarterly".into(),
        description: "".into(),
        interval: duration("90d"),
        grace_period: duration("48h"),
        warn_before: Warnings::default(),
        auto_generate: false,
        secret_policy: None,
        window: None,
        min_distance: None,
        finish_when_moved: false,
        webhook_ids: Vec::new(),
    }
}

fn full() -> Content {
    let window = WindowText {
        days: Some(vec!["sun".into()]),
        start: "02:00".into(),
        end: "04:00".into(),
        timezone: Some("Europe/Amsterdam".into()),
    };
    Content {
        description: "Third-party OAuth clients".into(),
        warn_before: Warnings::parse("7d,1d").unwrap(),
        auto_generate: true,
        secret_policy: Some(secret_policy_samples::reference()),
        window: Some(TimeWindow::parse(window).unwrap()),
        min_distance: Some(MinDistance { path: SecretPath::parse("app/db/green").unwrap(), duration: duration("24h") }),
        finish_when_moved: true,
        webhook_ids: vec!["wh_01JX5T0Q7M3C9V2R8K4N6P1ABD".into()],
        ..bare()
    }
}

/// Policy events with the names of their files.
pub(super) fn policies() -> Vec<(&'static str, Event)> {
    let events = [
        ("rotation_policy.created", RotationPolicyEvent::Created { id: id(), uid: uid(), content: full() }),
        ("rotation_policy.created.bare", RotationPolicyEvent::Created { id: id(), uid: uid(), content: bare() }),
        ("rotation_policy.updated", RotationPolicyEvent::Updated { id: id(), content: bare(), is_active: false }),
        ("rotation_policy.deleted", RotationPolicyEvent::Deleted { id: id() }),
    ];
    events.into_iter().map(|(name, event)| (name, Event::RotationPolicy(event))).collect()
}

/// Events of secrets with the names of their files.
pub(super) fn secrets() -> Vec<(&'static str, SecretEvent)> {
    let under = UnderPolicy {
        policy: named(),
        trigger: Trigger::Schedule,
        auto_generated: true,
        started_at: at(-1),
        attempt: 2,
        finish_when_moved: true,
    };
    let failed = FailedRotation {
        policy: named(),
        due_at: Some(at(-60)),
        trigger: Trigger::Schedule,
        started_at: at(-1),
        old_version: Some(3),
        attempt: 1,
        next_attempt_at: Some(at(60)),
        code: "validation_error".into(),
        message: "There is no field to replace".into(),
    };
    let due = |warning, asked| SecretEvent::RotationDue { policy: named(), due_at: at(86_400), warning, asked };
    vec![
        (
            "secret.version_added.under_policy",
            SecretEvent::VersionAdded {
                version: 4,
                previous_version: Some(3),
                secret_type: SecretType::Kv,
                metadata: None,
                options: None,
                expires_at: None,
                rotation: Some(Rotation { grace_ends_at: at(7_200), reason: None, under: Some(Box::new(under)) }),
            },
        ),
        ("secret.rotation_attached", SecretEvent::RotationAttached { policy: reference() }),
        ("secret.rotation_detached", SecretEvent::RotationDetached {}),
        ("secret.rotation_due", due(Some(duration("1d")), false)),
        ("secret.rotation_due.now", due(None, true)),
        (
            "secret.rotation_overdue",
            SecretEvent::RotationOverdue { policy: named(), due_at: at(-100), overdue_since: at(-1) },
        ),
        ("secret.rotation_failed", SecretEvent::RotationFailed(failed.clone())),
        (
            "secret.rotation_failed.bare",
            SecretEvent::RotationFailed(FailedRotation {
                due_at: None,
                next_attempt_at: None,
                old_version: None,
                trigger: Trigger::Manual,
                ..failed
            }),
        ),
        ("secret.grace_finished", SecretEvent::GraceFinished { version: 3 }),
        (
            "secret.stragglers_found",
            SecretEvent::StragglersFound(Stragglers {
                policy: named(),
                old_version: 3,
                new_version: 4,
                grace_ends_at: at(7_200),
                ended: false,
                moved: 2,
                missing: 1,
                stragglers: vec![Straggler {
                    identity: IdentityId::service_account("reporting"),
                    last_read_at: at(-7),
                }],
            }),
        ),
    ]
}
