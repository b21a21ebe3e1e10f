//! From batches of the feed to what the fold understands: beside the fold where there is much.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::{Event, Owner};
use scaivault_eventstore::log::Batch;
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::sealing::access::ACCESS_RECORDED;
use scaivault_eventstore::{Record, StoreError};

use crate::decode::{Decoded, decode};
use crate::owners::{domain_owner, key_owner};
use crate::past::scope::Scope;

/// Records that are opened together: half a millisecond of work.
pub(super) const PART: usize = 64;
/// Between attempts to read keys from a database that is away.
const REFRESH_PAUSE: Duration = Duration::from_secs(1);

/// A part of a batch, opened as far as it holds.
pub(super) struct Opened {
    pub(super) batch: Batch,
    /// Which records of the batch.
    part: Range<usize>,
    wanted: Wanted,
    records: Vec<Ready>,
    failed: Option<StoreError>,
}

/// What of the log is opened.
#[derive(Clone)]
pub(super) enum Wanted {
    /// All of it.
    Everything,
    /// What changes the view of one owner: audit entries, most of a log, do not, and most records are of others.
    Changes(Arc<Scope>),
}

impl Wanted {
    /// Whether a record is to be opened; also if it cannot be told whose it is.
    fn has(&self, sealer: &Sealer, record: &Record) -> bool {
        match self {
            Self::Everything => true,
            Self::Changes(_) if record.kind == ACCESS_RECORDED => false,
            Self::Changes(scope) => sealer.owner_of(record).is_none_or(|owner| scope.wants(&owner, &record.kind)),
        }
    }
}

/// A record that can be folded.
pub(super) enum Ready {
    /// It was opened.
    Decoded(Decoded),
    /// Its entries, the owner's, are at hand in the batch.
    Entries(Owner),
    /// It is not wanted.
    PassedOver,
}

impl Opened {
    /// Whether no other part of its batch follows.
    pub(super) fn is_last(&self) -> bool {
        self.part.end >= self.batch.len()
    }

    /// The batch, and what its records hold, in order.
    pub(super) fn into_records(self) -> (Batch, impl Iterator<Item = (usize, Ready)>) {
        (self.batch, self.part.zip(self.records))
    }
}

/// Opens a batch.
pub(super) fn open(sealer: &Sealer, batch: Batch) -> Opened {
    let part = 0..batch.len();
    open_part(sealer, batch, part, (Wanted::Everything, Keys::AsOpened))
}

/// Opens a large batch in parts, on whatever threads of the runtime are free. Threads of their own would
/// only stand in the way of the fold, and each keep memory.
pub(super) fn open_aside(
    sealer: &Sealer,
    batch: &Batch,
    wanted: &Wanted,
) -> impl Iterator<Item = impl Future<Output = Opened> + use<>> {
    let (sealer, batch, wanted) = (sealer.clone(), batch.clone(), wanted.clone());
    let count = batch.len();
    (0..count).step_by(PART).map(move |from| {
        let part = from..(from + PART).min(count);
        let (sealer, batch, wanted) = (sealer.clone(), batch.clone(), wanted.clone());
        let (parts, of) = (part.clone(), wanted.clone());
        let unopened = Opened { batch: batch.clone(), part: parts, wanted: of, records: Vec::new(), failed: None };
        #[allow(clippy::disallowed_methods, reason = "it ends by itself, soon")]
        let opening = tokio::spawn(async move { open_part(&sealer, batch, part, (wanted, Keys::AsOpened)) });
        async move {
            // A panic in there is a defect: it must stop the fold, not skip a part.
            let failed = |error| Opened { failed: Some(StoreError::unavailable(error)), ..unopened };
            opening.await.unwrap_or_else(failed)
        }
    })
}

/// Whether the keys at hand have just been read from the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Some time ago.
    AsOpened,
    /// For this record.
    Refreshed,
}

fn open_part(sealer: &Sealer, batch: Batch, part: Range<usize>, (wanted, keys): (Wanted, Keys)) -> Opened {
    let mut records = Vec::with_capacity(part.len());
    let mut failed = None;
    for index in part.clone() {
        let Some(record) = batch.get(index) else { break };
        if !wanted.has(sealer, record) {
            records.push(Ready::PassedOver);
            continue;
        }
        match ready(sealer, &batch, index, record).and_then(|ready| with_keys(sealer, record, ready, keys)) {
            Ok(ready) => records.push(ready),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    Opened { batch, part, wanted, records, failed }
}

fn ready(sealer: &Sealer, batch: &Batch, index: usize, record: &Record) -> Result<Ready, StoreError> {
    match batch.entries(index) {
        Some(group) => {
            let shape = || StoreError::damaged(record.position, "its owner's id has another shape");
            domain_owner(&group.owner).map(Ready::Entries).ok_or_else(shape)
        }
        None => decode(sealer, record).map(Ready::Decoded),
    }
}

/// A new partner or tenant can be written to, and one that is gone cannot be read, from this record on:
/// another process has made, or destroyed, the keys by now, and this one must know.
fn with_keys(sealer: &Sealer, record: &Record, ready: Ready, keys: Keys) -> Result<Ready, StoreError> {
    let Ready::Decoded(Decoded::Event { recorded, .. }) = &ready else { return Ok(ready) };
    let keyring = sealer.keyring();
    let is_known = match &recorded.body.event {
        Event::PartnerCreated(partner) => keyring.knows(&key_owner(&Owner::Partner(partner.id.clone()))),
        Event::TenantCreated(tenant) => keyring.knows(&key_owner(&Owner::Tenant(tenant.id.clone()))),
        Event::Identity(IdentityEvent::Partner(noted)) => {
            keyring.knows(&key_owner(&Owner::Partner(noted.record.id.clone())))
        }
        Event::Identity(IdentityEvent::Tenant(noted)) => {
            keyring.knows(&key_owner(&Owner::Tenant(noted.record.id.clone())))
        }
        Event::Identity(IdentityEvent::TenantShredded { id, .. }) => {
            keyring.is_destroyed(&key_owner(&Owner::Tenant(id.clone())))
        }
        Event::Secret(..)
        | Event::Policy(_)
        | Event::Replay(_)
        | Event::RotationPolicy(_)
        | Event::Identity(_)
        | Event::Issuer(_)
        | Event::Export(_)
        | Event::SecretPolicy(_)
        | Event::Webhook(_)
        | Event::Subscription(_)
        | Event::Delivery(_)
        | Event::TokenCreated(_)
        | Event::TokenRevoked(_)
        | Event::JwtRevoked(_)
        | Event::UserCreated(_)
        | Event::ClockMoved(_)
        | Event::OutcomeKept(_)
        | Event::AuditErased(_) => true,
    };
    match is_known || keys == Keys::Refreshed {
        true => Ok(ready),
        false => Err(StoreError::damaged(record.position, "the keys it tells of are not as it tells")),
    }
}

/// Where opening failed, opens the keys that another process may have made since, and tries once
/// more. What fails again is final; what comes before it is sound.
pub(super) async fn retried(mut opened: Opened, sealer: &Sealer) -> (Opened, Option<StoreError>) {
    let failed = match opened.failed.take() {
        Some(StoreError::Damaged { .. }) => refreshed(sealer).await.err(),
        other => return (opened, other),
    };
    if failed.is_some() {
        return (opened, failed);
    }
    let rest = opened.part.start + opened.records.len()..opened.part.end;
    let again = open_part(sealer, opened.batch.clone(), rest, (opened.wanted.clone(), Keys::Refreshed));
    opened.records.extend(again.records);
    (opened, again.failed)
}

/// Opens keys added since. A database that is away for a while must not stop the fold.
async fn refreshed(sealer: &Sealer) -> Result<(), StoreError> {
    loop {
        match sealer.keyring().refresh().await {
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(REFRESH_PAUSE).await,
            other => return other,
        }
    }
}
