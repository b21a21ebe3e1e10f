//! What waits for the owner of a polled subscription, as it may see it at this moment.

use std::collections::HashMap;

use scaivault_domain::id::SubscriptionId;
use scaivault_domain::publication::{EventKey, Published};
use scaivault_domain::subscription::decide;
use scaivault_domain::{ErrorCode, Owner, Rejection, SecretPath, Timestamp};
use scaivault_projections::outboxes::Kept;

use super::permission::Listener;
use crate::{Engine, Failure};

/// Events that are looked at together.
const SCANNED: usize = 1_024;

/// What is to be looked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of which subscription.
    pub id: &'a SubscriptionId,
    /// After which event; `None` from the oldest on.
    pub place: Option<EventKey>,
    /// How many at most.
    pub most: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Oldest first.
    pub events: Vec<Published>,
    /// Whether there are more that may be seen.
    pub has_more: bool,
    /// Those that may not be seen, or are gone.
    pub passed_over: Vec<EventKey>,
    /// Up to where was looked.
    pub place: Option<EventKey>,
    /// Whether events were dropped since the owner acknowledged last.
    pub truncated: bool,
    /// The last that was.
    pub dropped: Option<EventKey>,
}

/// What a listener may know of, as far as it was asked for.
#[derive(Default)]
struct Known(HashMap<(Owner, Option<SecretPath>), bool>);

impl Known {
    fn is_permitted(&mut self, listener: &Listener<'_>, kept: &Kept) -> bool {
        let about = (kept.owner.clone(), kept.path.clone());
        *self.0.entry(about).or_insert_with_key(|(owner, path)| listener.may_know(owner, path.as_ref()))
    }
}

impl Engine {
    /// Looks for events. What the listener may not be told of is noted, and not told of. Events that its view does not
    /// have yet are left for later: when it does, the bell rings.
    pub async fn look(&self, wanted: Wanted<'_>, listener: &Listener<'_>) -> Result<Found, Failure> {
        let Wanted { id, place, most } = wanted;
        let mut found = Found { place, ..Found::default() };
        let mut known = Known::default();
        loop {
            let waiting = self.projections.outboxes(|outboxes| {
                let buffer = outboxes.buffer(id)?;
                found.truncated = buffer.truncated;
                found.dropped = buffer.dropped;
                let known = buffer.after(found.place).take_while(|(key, _)| key.position <= listener.horizon());
                Some(known.take(SCANNED).map(|(key, kept)| (key, kept.clone())).collect::<Vec<_>>())
            });
            let keys = waiting.ok_or_else(decide::unknown)?;
            let is_last = keys.len() < SCANNED;
            for (key, kept) in keys {
                // What may not be seen is not even read.
                let may_be_told = known.is_permitted(listener, &kept);
                let event = if may_be_told { self.events.event(key).await? } else { None };
                match event {
                    Some(event) => {
                        if found.events.len() >= most {
                            found.has_more = true;
                            return Ok(found);
                        }
                        found.events.push(event);
                    }
                    None => found.passed_over.push(key),
                }
                found.place = Some(key);
            }
            if is_last {
                return Ok(found);
            }
        }
    }

    /// How many events wait for a polled subscription that a listener may be told of, and since when the oldest does. Of
    /// the others nobody learns that they are there.
    pub fn pending(&self, id: &SubscriptionId, listener: &Listener<'_>) -> (usize, Option<Timestamp>) {
        // A copy shares everything, so that nobody waits for the counting.
        let waiting = self.projections.outboxes(|outboxes| Some(outboxes.buffer(id)?.waiting.clone()));
        let mut known = Known::default();
        let (mut count, mut oldest) = (0, None);
        for kept in waiting.iter().flat_map(|waiting| waiting.values()) {
            if known.is_permitted(listener, kept) {
                count += 1;
                oldest = oldest.or(Some(kept.since));
            }
        }
        (count, oldest)
    }

    /// Refuses to go on after an event where others after it were dropped.
    pub fn check_place(&self, id: &SubscriptionId, place: EventKey) -> Result<(), Rejection> {
        let lost = self.projections.outboxes(|outboxes| {
            let buffer = outboxes.buffer(id)?;
            buffer.dropped.filter(|dropped| *dropped > place)?;
            Some(buffer.waiting.get_min().map(|(key, kept)| key.id(kept.since)))
        });
        let Some(oldest) = lost else { return Ok(()) };
        let sentence = "Events after that one were dropped, because they were not acknowledged in time";
        let lost = Rejection::new(ErrorCode::InvalidCursor, sentence).detail("reason", "events_dropped");
        Err(lost.detail("oldest_event_id", oldest))
    }
}
