//! What the schedule of a rotation policy brings about: notices, and the note of an attempt that failed.

use super::event::{FailedRotation, NamedPolicy};
use super::{Secret, SecretEvent};
use crate::context::AttachedTo;
use crate::rotation::agenda::Step;
use crate::rotation::{Agenda, Trigger};
use crate::{IdentityId, Rejection, Timestamp};

/// What is to be done about a secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scheduled {
    /// What is told, in order.
    pub notices: Vec<SecretEvent>,
    /// Whether a value is to be made then.
    pub rotates: bool,
}

/// What is to be done at `now` about a secret under the policy that it is attached to.
pub fn at(secret: &Secret, attached_to: &AttachedTo, now: Timestamp) -> Scheduled {
    let nothing = Scheduled::default();
    let Some(agenda) = attached_to.agenda(secret).filter(|agenda| is_running(secret, attached_to, agenda)) else {
        return nothing;
    };
    let policy = || NamedPolicy::of(&attached_to.policy);
    let due_at = agenda.due_at();
    agenda.steps(now).into_iter().fold(nothing, |mut scheduled, step| {
        match step {
            Step::Warn(warning) => {
                let warning = Some(warning);
                scheduled.notices.push(SecretEvent::RotationDue { policy: policy(), due_at, warning, asked: false });
            }
            Step::TellDue => {
                let asked = agenda.cycle().asked.is_some();
                scheduled.notices.push(SecretEvent::RotationDue { policy: policy(), due_at, warning: None, asked });
            }
            Step::TellOverdue => {
                let overdue_since = agenda.overdue_at();
                scheduled.notices.push(SecretEvent::RotationOverdue { policy: policy(), due_at, overdue_since });
            }
            Step::Rotate => scheduled.rotates = true,
        }
        scheduled
    })
}

/// Whether anything is done at all: a disabled policy pauses, but for what was asked for, and so does a deletion.
pub fn is_running(secret: &Secret, attached_to: &AttachedTo, agenda: &Agenda<'_>) -> bool {
    secret.deleted.is_none() && (attached_to.policy.is_active || agenda.cycle().asked.is_some())
}

/// Somebody asked for a rotation that waits for its value, or for its turn.
pub fn asked(attached_to: &AttachedTo, now: Timestamp) -> SecretEvent {
    SecretEvent::RotationDue { policy: NamedPolicy::of(&attached_to.policy), due_at: now, warning: None, asked: true }
}

/// Who is behind an attempt of the schedule: whoever asked, or the clock.
pub fn initiator(agenda: &Agenda<'_>) -> (Trigger, IdentityId) {
    match &agenda.cycle().asked {
        Some((_, by)) => (Trigger::Manual, by.clone()),
        None => (Trigger::Schedule, IdentityId::system(IdentityId::ROTATION_SCHEDULER)),
    }
}

/// An attempt that failed at `now`. One of the schedule is repeated later.
pub fn failed(
    secret: &Secret,
    attached_to: &AttachedTo,
    (trigger, started_at): (Trigger, Timestamp),
    is_repeated: bool,
    rejection: &Rejection,
    now: Timestamp,
) -> SecretEvent {
    let agenda = attached_to.agenda(secret).filter(|_| is_repeated);
    SecretEvent::RotationFailed(FailedRotation {
        policy: NamedPolicy::of(&attached_to.policy),
        due_at: agenda.as_ref().map(Agenda::due_at),
        trigger,
        started_at,
        old_version: secret.current_number(),
        attempt: agenda.as_ref().map_or(1, |agenda| agenda.cycle().attempt()),
        next_attempt_at: agenda.as_ref().map(|agenda| agenda.cycle().retry_at(now)),
        code: rejection.code.as_str().into(),
        message: rejection.message.as_str().into(),
    })
}
