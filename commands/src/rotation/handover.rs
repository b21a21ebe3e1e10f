//! Consumers that move from a replaced version to the new one: grace ends early once all have, and those that have not
//! are named.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use scaivault_domain::audit::Action;
use scaivault_domain::secret::event::{Straggler, Stragglers};
use scaivault_domain::secret::{Handover, SecretEvent, Version};
use scaivault_domain::{IdentityId, Owner, SecretPath, Timestamp};
use scaivault_eventstore::StoreError;
use scaivault_projections::accesses::PERIOD_SECONDS;
use scaivault_projections::{Consumer, View};

use super::scheduler::{entry, reason, scheduler};
use crate::audit::Outcome;
use crate::engine::Change;
use crate::{Engine, Failure, ids, secret};

/// Most stragglers that are named.
const MOST_NAMED: usize = 100;

/// The part of the time that may be spent on looking at one handover, as a divisor: what takes long is looked at seldom.
const PART: u32 = 50;

/// What is known of handovers from one look to the next.
#[derive(Default)]
pub(super) struct Handovers(HashMap<(Owner, SecretPath), Known>);

/// What is known of one.
#[derive(Clone, Copy)]
struct Known {
    /// The last read that was counted.
    read_at: Option<Timestamp>,
    /// When it may be looked at again.
    again: Instant,
}

/// A handover, with what it is about.
struct Open<'a> {
    owner: &'a Owner,
    path: &'a SecretPath,
    version: &'a Version,
    handover: &'a Handover,
    grace_ends_at: Timestamp,
}

impl Engine {
    /// Looks at the handovers of which anything can have changed.
    pub(super) async fn see_to_handovers(&self, known: &mut Handovers) -> Result<(), Failure> {
        let view = self.projections.view();
        let mut seen = HashMap::new();
        let mut failed = None;
        for (owner, set) in view.rotations.all() {
            for path in set.handovers() {
                let key = (owner.clone(), path.clone());
                let before = known.0.get(&key).copied();
                let looked = self.see_to_handover(&view, owner, path, before).await;
                // One that fails must not keep the others.
                let now_known = looked.unwrap_or_else(|failure| {
                    failed = Some(failure);
                    before
                });
                seen.extend(now_known.map(|known| (key, known)));
            }
        }
        known.0 = seen;
        failed.map_or(Ok(()), Err)
    }

    async fn see_to_handover(
        &self,
        view: &View,
        owner: &Owner,
        path: &SecretPath,
        before: Option<Known>,
    ) -> Result<Option<Known>, Failure> {
        let (now, started) = (self.now(), Instant::now());
        let Some(held) = view.secrets(owner).held(path.as_str()).filter(|held| held.secret.deleted.is_none()) else {
            return Ok(before);
        };
        let open = |(version, handover): (&'_ Version, &'_ Handover)| {
            let grace_ends_at = version.grace_ends_at.filter(|_| !handover.told_end)?;
            let is_current = held.secret.current_number() == Some(version.number);
            let is_gone = !version.is_live() && now < grace_ends_at;
            (!is_current && !is_gone).then_some(grace_ends_at)
        };
        let read_at = self.projections.accesses(|accesses| accesses.last_read(owner, path.as_str()));
        let may_look = before.is_none_or(|before| before.again <= started);
        let is_new = before.is_none_or(|before| before.read_at != read_at);
        let (mut events, mut looked) = (Vec::new(), false);
        for (version, handover) in held.secret.handovers() {
            let Some(grace_ends_at) = open((version, handover)) else { continue };
            let is_half = handover.half(grace_ends_at) <= now && !handover.told_half;
            if grace_ends_at <= now || (may_look && (is_half || is_new)) {
                looked = true;
                let open = Open { owner, path, version, handover, grace_ends_at };
                events.extend(self.handover_step(&open, now).map(|event| (handover, version.number, event)));
            }
        }
        let again = started + started.elapsed() * PART;
        let known = before.filter(|_| !looked).unwrap_or(Known { read_at, again });
        if events.is_empty() {
            return Ok(Some(known));
        }
        let request_id: Arc<str> = ids::request_id(now)?.into();
        let entries = events.iter().map(|(handover, version, event)| {
            let what = (Action::MetadataUpdate, Some(*version));
            let mut entry = entry(owner, path, handover.policy.reference.id.as_str(), what, now, &request_id);
            entry.facts.reason = reason(event);
            entry.finish(Outcome::Success)
        });
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let stream = self.stream(owner, "secret", path.as_str())?;
        let events = events.into_iter().map(|(_, _, event)| (scheduler(), event)).collect();
        let pending = secret::pending(owner, path, stream, held.revision, events, None);
        match self.append(&request_id, Change::of(now, pending), entries).await {
            Ok(_) => Ok(Some(known)),
            // Another write came in between: at the next look.
            Err(Failure::Unavailable { source: Some(StoreError::Conflict { .. }), .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }

    fn handover_step(&self, open: &Open<'_>, now: Timestamp) -> Option<SecretEvent> {
        let Open { owner, path, version, handover, grace_ends_at } = *open;
        let from = handover.replaced_at.plus_seconds(-PERIOD_SECONDS);
        let ended = grace_ends_at <= now;
        // Who comes after the end is no consumer of it.
        let until = if ended { grace_ends_at } else { now.plus_seconds(1) };
        let consumers = self
            .projections
            .accesses(|accesses| accesses.consumers(owner, path.as_str(), Some(version.number), from, until));
        let (moved, missing): (Vec<&Consumer>, Vec<&Consumer>) =
            consumers.iter().partition(|consumer| has_moved(consumer, handover));
        if missing.is_empty() && !consumers.is_empty() && !ended {
            return Some(SecretEvent::GraceFinished { version: version.number });
        }
        let is_half = handover.half(grace_ends_at) <= now && !handover.told_half && !missing.is_empty();
        (ended || is_half).then(|| {
            let straggler = |consumer: &&Consumer| {
                let identity = IdentityId::parse(&consumer.identity)?;
                Some(Straggler { identity, last_read_at: consumer.last_read_at })
            };
            SecretEvent::StragglersFound(Stragglers {
                policy: handover.policy.clone(),
                old_version: version.number,
                new_version: handover.new_version,
                grace_ends_at,
                ended,
                moved: u32::try_from(moved.len()).unwrap_or(u32::MAX),
                missing: u32::try_from(missing.len()).unwrap_or(u32::MAX),
                stragglers: missing.iter().filter_map(straggler).take(MOST_NAMED).collect(),
            })
        })
    }
}

/// Whether a consumer has read the new version, or a later one.
fn has_moved(consumer: &Consumer, handover: &Handover) -> bool {
    consumer.versions.iter().any(|reads| reads.version >= handover.new_version)
}
