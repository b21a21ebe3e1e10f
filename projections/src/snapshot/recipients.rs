//! Rows of webhooks and subscriptions, and of what is on its way to them.

use std::sync::Arc;

use scaivault_domain::delivery::{Recipient, Series, Slot};
use scaivault_domain::id::{DeliveryId, SubscriptionId, WebhookId};
use scaivault_domain::publication::EventKey;
use scaivault_domain::{Owner, PartnerId, SecretPath, TenantId};
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::codec::{Decoder, Encoder};
use crate::outboxes::statistics::Minute;
use crate::outboxes::{Buffer, Kept, LastAttempt, Outbox, Statistics, Tries, Waiting};
use crate::projector::Frozen;

/// Writes all of it.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(
    frozen: &Frozen,
    to: &mut Sections<F>,
) -> Result<(), E> {
    for (owner, set) in frozen.view.webhooks.all() {
        to.row(Kind::WebhookRevisions, owner, |to| to.number(set.revision().0))?;
        for webhook in set.all() {
            to.row(Kind::Webhooks, owner, |to| json(to, webhook))?;
        }
    }
    for (owner, set) in frozen.view.subscriptions.all() {
        to.row(Kind::SubscriptionRevisions, owner, |to| to.number(set.revision().0))?;
        for subscription in set.all() {
            to.row(Kind::Subscriptions, owner, |to| json(to, subscription))?;
        }
    }
    for (recipient, outbox) in frozen.outboxes.all() {
        to.row(Kind::Outboxes, &outbox.owner, |to| write_outbox(to, recipient, outbox))?;
        for (is_dropped, queue) in [(false, &outbox.waiting), (true, &outbox.dropped)] {
            for (slot, waiting) in queue {
                to.row(Kind::Waiting, &outbox.owner, |to| {
                    to.text(recipient.as_str());
                    to.flag(is_dropped);
                    write_waiting(to, *slot, waiting);
                })?;
            }
        }
    }
    for (id, buffer) in frozen.outboxes.buffers() {
        to.row(Kind::Buffers, &buffer.owner, |to| write_buffer(to, id, buffer))?;
    }
    Ok(())
}

/// Reads one row of a kind; `None` also for another kind.
pub(super) fn read(kind: Kind, from: &mut Decoder<'_>, owner: &Owner, frozen: &mut Frozen) -> Option<()> {
    let Frozen { view, outboxes, .. } = frozen;
    if kind == Kind::WebhookRevisions {
        view.webhooks.of_mut(owner).restore_revision(Revision(from.number()?));
    } else if kind == Kind::Webhooks {
        view.webhooks.of_mut(owner).hold(parsed(from)?);
    } else if kind == Kind::SubscriptionRevisions {
        view.subscriptions.of_mut(owner).restore_revision(Revision(from.number()?));
    } else if kind == Kind::Subscriptions {
        view.subscriptions.of_mut(owner).hold(parsed(from)?);
    } else if kind == Kind::Outboxes {
        let (to, outbox) = read_outbox(from, owner)?;
        outboxes.hold_outbox(to, outbox);
    } else if kind == Kind::Waiting {
        let to = recipient(from.text()?)?;
        let is_dropped = from.flag()?;
        let (slot, waiting) = read_waiting(from)?;
        let outbox = outboxes.outbox_mut(&to, owner);
        let queue = if is_dropped { &mut outbox.dropped } else { &mut outbox.waiting };
        queue.insert(slot, waiting);
    } else if kind == Kind::Buffers {
        let (id, buffer) = read_buffer(from, owner)?;
        outboxes.hold_buffer(id, buffer);
    } else {
        return None;
    }
    Some(())
}

fn recipient(text: &str) -> Option<Recipient> {
    let webhook = WebhookId::parse(text).map(Recipient::Webhook);
    webhook.or_else(|| SubscriptionId::parse(text).map(Recipient::Subscription))
}

fn write_outbox(to: &mut Encoder, recipient: &Recipient, outbox: &Outbox) {
    to.text(recipient.as_str());
    to.number(outbox.revision.0);
    to.option(outbox.failing, |to, (first, last)| {
        to.time(first);
        to.time(last);
    });
    to.option(outbox.gone_at, Encoder::time);
    to.number(outbox.asked.0);
    to.option(outbox.last.as_deref(), |to, last| {
        to.text(last.id.as_str());
        to.time(last.at);
        json(to, &last.outcome);
        to.option(last.response_code, |to, code| to.number(u64::from(code)));
        to.option(last.error.as_deref(), Encoder::text);
    });
    to.number(outbox.statistics.minutes.len() as u64);
    for (minute, of) in &outbox.statistics.minutes {
        to.signed(*minute);
        let Minute { deliveries, attempts, succeeded, answered, millis } = *of;
        [deliveries, attempts, succeeded, answered, millis].into_iter().for_each(|number| to.number(number));
    }
}

fn read_outbox(from: &mut Decoder<'_>, owner: &Owner) -> Option<(Recipient, Outbox)> {
    let to = recipient(from.text()?)?;
    let revision = Revision(from.number()?);
    let failing = from.option(|from| Some((from.time()?, from.time()?)))?;
    let gone_at = from.option(Decoder::time)?;
    let asked = Revision(from.number()?);
    let last = from.option(|from| {
        Some(Arc::new(LastAttempt {
            id: DeliveryId::parse(from.text()?)?,
            at: from.time()?,
            outcome: parsed(from)?,
            response_code: from.option(|from| u16::try_from(from.number()?).ok())?,
            error: from.option(|from| Some(from.text()?.into()))?,
        }))
    })?;
    let mut statistics = Statistics::default();
    for _ in 0..from.count()? {
        let minute = from.signed()?;
        let mut number = || from.number();
        let of = Minute {
            deliveries: number()?,
            attempts: number()?,
            succeeded: number()?,
            answered: number()?,
            millis: number()?,
        };
        statistics.minutes.insert(minute, of);
    }
    let statistics = Arc::new(statistics);
    Some((to, Outbox { revision, failing, gone_at, asked, last, statistics, ..Outbox::of(owner) }))
}

fn write_waiting(to: &mut Encoder, slot: Slot, waiting: &Waiting) {
    let series = slot.series.0.0;
    to.number(u64::try_from(series >> 64).unwrap_or_default());
    to.number(u64::try_from(series & u128::from(u64::MAX)).unwrap_or_default());
    write_key(to, slot.key);
    to.number(waiting.lane);
    to.time(waiting.since);
    to.flag(waiting.replay);
    to.option(waiting.tries.as_deref(), |to, tries| {
        to.number(u64::from(tries.made));
        to.time(tries.last_at);
        to.time(tries.next_attempt_at);
    });
}

fn read_waiting(from: &mut Decoder<'_>) -> Option<(Slot, Waiting)> {
    let series = (u128::from(from.number()?) << 64) | u128::from(from.number()?);
    let slot = Slot { series: Series::from_number(series), key: read_key(from)? };
    let waiting = Waiting {
        lane: from.number()?,
        since: from.time()?,
        replay: from.flag()?,
        tries: from.option(|from| {
            let (made, last_at, next_attempt_at) = (from.small()?, from.time()?, from.time()?);
            Some(Arc::new(Tries { made, last_at, next_attempt_at }))
        })?,
    };
    Some((slot, waiting))
}

fn write_buffer(to: &mut Encoder, id: &SubscriptionId, buffer: &Buffer) {
    to.text(id.as_str());
    to.option(buffer.dropped, write_key);
    to.flag(buffer.truncated);
    to.number(buffer.revision.0);
    to.option(buffer.acknowledged_at, Encoder::time);
    to.number(buffer.waiting.len() as u64);
    for (key, kept) in &buffer.waiting {
        write_key(to, *key);
        to.time(kept.since);
        // Of the buffer's own tenant they are nearly all.
        to.option(Some(&kept.owner).filter(|owner| **owner != buffer.owner), |to, owner| match owner {
            Owner::Platform => to.text(""),
            Owner::Partner(id) => to.text(id.as_str()),
            Owner::Tenant(id) => to.text(id.as_str()),
        });
        to.option(kept.path.as_ref(), |to, path| to.text(path.as_str()));
    }
}

fn read_buffer(from: &mut Decoder<'_>, owner: &Owner) -> Option<(SubscriptionId, Buffer)> {
    let id = SubscriptionId::parse(from.text()?)?;
    let dropped = from.option(read_key)?;
    let truncated = from.flag()?;
    let revision = Revision(from.number()?);
    let acknowledged_at = from.option(Decoder::time)?;
    let mut waiting: Vec<(EventKey, Kept)> = Vec::new();
    for _ in 0..from.count()? {
        let (key, since) = (read_key(from)?, from.time()?);
        let other = from.option(|from| owner_of(from.text()?))?;
        let path = from.option(|from| SecretPath::parse(from.text()?).ok())?;
        waiting.push((key, Kept { since, owner: other.unwrap_or_else(|| owner.clone()), path }));
    }
    let waiting = waiting.into_iter().collect();
    Some((id, Buffer { waiting, dropped, truncated, revision, acknowledged_at, ..Buffer::of(owner) }))
}

fn owner_of(text: &str) -> Option<Owner> {
    if text.is_empty() {
        return Some(Owner::Platform);
    }
    PartnerId::parse(text).map(Owner::Partner).or_else(|| TenantId::parse(text).map(Owner::Tenant))
}

fn write_key(to: &mut Encoder, key: EventKey) {
    to.number(key.position);
    to.number(u64::from(key.index));
}

fn read_key(from: &mut Decoder<'_>) -> Option<EventKey> {
    Some(EventKey { position: from.number()?, index: from.small()? })
}
