//! PATCH: metadata and options, without a new version.

use super::metadata::MetadataPatch;
use super::options::OptionsChange;
use super::{Condition, Decision, Secret, SecretEvent, attach, live, write};
use crate::{Context, Rejection, SecretPath};

/// Changes metadata and options.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateSecret {
    /// Where.
    pub path: SecretPath,
    /// Merge into the metadata; the inner `None` empties it.
    pub metadata: Option<Option<MetadataPatch>>,
    /// Changes of options.
    pub options: OptionsChange,
    /// What has to hold.
    pub condition: Condition,
}

/// Decides an update. No change, no event.
pub fn decide(secret: Option<&Secret>, command: &UpdateSecret, context: &Context) -> Result<Decision<()>, Rejection> {
    command.options.check(context)?;
    let secret = live(secret, &command.path)?;
    command.condition.check(&command.path, Some(secret))?;
    let (options, expires_at) = command.options.apply(&secret.options, secret.expires_at(), false, context)?;
    let merged = match &command.metadata {
        Some(Some(patch)) => Some(patch.apply(&secret.metadata)),
        Some(None) => Some(super::Metadata::default()),
        None => None,
    };
    let metadata = merged.filter(|metadata| *metadata != secret.metadata);
    if let Some(metadata) = &metadata
        && metadata.own.len() > super::metadata::MAX_OWN_KEYS
    {
        return Err(Rejection::field("metadata", "may have at most 50 own keys"));
    }
    let ends_otherwise = expires_at != secret.expires_at();
    let options = (ends_otherwise || options != secret.options).then_some(options);
    let attached = match &command.options.rotation_policy_id {
        Some(named) => attach::by_option(Some(secret), named.as_deref(), context)?,
        None => None,
    };
    if metadata.is_none() && options.is_none() {
        return Ok(Decision { events: attached.into_iter().collect(), outcome: () });
    }
    let event = SecretEvent::MetadataUpdated { version: secret.current_number(), metadata, options, expires_at };
    let events = write::with_aged_out(secret, vec![event], context);
    Ok(Decision { events: events.into_iter().chain(attached).collect(), outcome: () })
}
