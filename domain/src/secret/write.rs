//! PUT: a new secret, or a further version of one.

use super::attach;
use super::event::{DestroyReason, NamedPolicy, Rotation, UnderPolicy};
use super::options::OptionsChange;
use super::{Condition, Decision, Metadata, Options, Secret, SecretEvent, SecretType};
use crate::rotation::Trigger;
use crate::{Context, ErrorCode, Rejection, SecretPath, Timestamp};

/// Writes a value. The value itself stays with the caller and is sealed into the record.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteSecret {
    /// Where.
    pub path: SecretPath,
    /// Type of the value; that of the previous version if absent.
    pub secret_type: Option<SecretType>,
    /// Replaces all metadata.
    pub metadata: Option<Metadata>,
    /// Changes of options.
    pub options: OptionsChange,
    /// What has to hold.
    pub condition: Condition,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Number of the new version.
    pub version: u32,
    /// The version that was current; `None` for a new secret.
    pub previous_version: Option<u32>,
    /// Whether the secret is new.
    pub created: bool,
    /// Type of the new version.
    pub secret_type: SecretType,
    /// When.
    pub at: Timestamp,
    /// Its end.
    pub expires_at: Option<Timestamp>,
}

/// Decides a write.
pub fn decide(
    secret: Option<&Secret>,
    command: &WriteSecret,
    context: &Context,
) -> Result<Decision<Written>, Rejection> {
    command.options.check(context)?;
    match secret {
        Some(secret) if secret.deleted.is_some() => Err(exists(secret)),
        Some(secret) => {
            command.condition.check(&command.path, Some(secret))?;
            add_version(secret, command, context)
        }
        None => {
            command.condition.check(&command.path, None)?;
            create(command, context)
        }
    }
}

fn create(command: &WriteSecret, context: &Context) -> Result<Decision<Written>, Rejection> {
    let (options, expires_at) = command.options.apply(&Options::initial(context), None, true, context)?;
    let secret_type = command.secret_type.unwrap_or_default();
    let event = SecretEvent::Created {
        secret_type,
        metadata: command.metadata.clone().unwrap_or_default(),
        options,
        expires_at,
    };
    let attached = attached(None, &command.options, context)?;
    let outcome =
        Written { version: 1, previous_version: None, created: true, secret_type, at: context.now, expires_at };
    Ok(Decision { events: std::iter::once(event).chain(attached).collect(), outcome })
}

fn add_version(secret: &Secret, command: &WriteSecret, context: &Context) -> Result<Decision<Written>, Rejection> {
    let (options, expires_at) = command.options.apply(&secret.options, secret.expires_at(), true, context)?;
    let metadata = command.metadata.clone().filter(|metadata| *metadata != secret.metadata);
    let attached = attached(Some(secret), &command.options, context)?;
    let rotation = by_write(secret, context);
    let mut decision = append(secret, command.secret_type, metadata, options, expires_at, rotation, context);
    decision.events.extend(attached);
    Ok(decision)
}

/// A write counts as the rotation that was announced, or is due.
fn by_write(secret: &Secret, context: &Context) -> Option<Rotation> {
    let attached_to = context.found.rotation.as_ref().filter(|attached_to| attached_to.policy.is_active)?;
    let agenda = attached_to.agenda(secret).filter(|agenda| agenda.status(context.now).takes_writes())?;
    let grace_ends_at = context.now.plus_seconds(attached_to.policy.content.grace_period.seconds());
    let under = UnderPolicy {
        policy: NamedPolicy::of(&attached_to.policy),
        trigger: Trigger::Write,
        auto_generated: false,
        started_at: context.now,
        attempt: agenda.cycle().attempt(),
        finish_when_moved: attached_to.policy.content.finish_when_moved,
    };
    Some(Rotation { grace_ends_at, reason: None, under: Some(Box::new(under)) })
}

/// What `rotation_policy_id` comes to.
fn attached(
    secret: Option<&Secret>,
    options: &OptionsChange,
    context: &Context,
) -> Result<Option<SecretEvent>, Rejection> {
    options.rotation_policy_id.as_ref().map_or(Ok(None), |named| attach::by_option(secret, named.as_deref(), context))
}

/// The next version of a live secret, with what ages out by it.
pub(super) fn append(
    secret: &Secret,
    secret_type: Option<SecretType>,
    metadata: Option<Metadata>,
    options: Options,
    expires_at: Option<Timestamp>,
    rotation: Option<Rotation>,
    context: &Context,
) -> Decision<Written> {
    let previous = secret.current();
    let secret_type = secret_type.or(previous.map(|version| version.secret_type)).unwrap_or_default();
    // Every version ever written is in `versions`, so its length is the highest number.
    let version = u32::try_from(secret.versions.len()).unwrap_or(u32::MAX).saturating_add(1);
    let outcome = Written {
        version,
        previous_version: previous.map(|version| version.number),
        created: false,
        secret_type,
        at: context.now,
        expires_at,
    };
    let event = SecretEvent::VersionAdded {
        version,
        previous_version: outcome.previous_version,
        secret_type,
        metadata,
        options: (options != secret.options).then_some(options),
        expires_at,
        rotation,
    };
    Decision { events: with_aged_out(secret, vec![event], context), outcome }
}

/// Adds the destruction of versions that `events` push beyond `max_versions`.
pub(super) fn with_aged_out(secret: &Secret, mut events: Vec<SecretEvent>, context: &Context) -> Vec<SecretEvent> {
    if let Some(after) = Secret::preview(Some(secret.clone()), &events, context.now, &secret.path) {
        let reason = DestroyReason::AgedOut;
        events.extend(
            after.aged_out(context.now, |_| true).map(|version| SecretEvent::VersionDestroyed { version, reason }),
        );
    }
    events
}

fn exists(secret: &Secret) -> Rejection {
    let rejection = Rejection::new(
        ErrorCode::SecretExists,
        format!(
            "Secret '{}' is deleted but can still be restored: restore it, or delete it permanently first",
            secret.path
        ),
    )
    .detail("path", secret.path.as_str());
    match secret.deleted {
        Some(deletion) => super::with_deletion(rejection, deletion),
        None => rejection,
    }
}
