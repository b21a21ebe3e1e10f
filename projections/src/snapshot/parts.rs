//! All read models to sections, and back: sections are opened side by side and put together in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use scaivault_domain::{Owner, SecretPath};
use scaivault_eventstore::Revision;
use scaivault_eventstore::sealing::Sealer;

use super::file::{Reader, Sealed};
use super::reads::{Known, ReadRow};
use super::section::{Kind, Sections};
use super::{
    SnapshotError, exports, identities, installation, issuers, policies, reads, recipients, replays, rotations,
    secret_policies, secrets,
};
use crate::codec::Decoder;
use crate::owners::domain_owner;
use crate::pool::Pool;
use crate::projector::Frozen;
use crate::secrets::Held;

/// Opened sections that wait to be put together.
const WAITING: usize = 8;

/// Rows of one section.
enum Part {
    Secrets(Owner, Vec<Arc<Held>>),
    Reads(Owner, Vec<ReadRow>, Vec<Arc<str>>),
    Vacated(Owner, Vec<(SecretPath, Revision)>),
    Other(Kind, Owner, Vec<u8>),
    End(Vec<u8>),
}

type Opened = Result<Part, SnapshotError>;

/// Writes everything; `section` gets the rows of one owner.
pub(super) fn write(
    frozen: &Frozen,
    section: impl FnMut(&Owner, &[u8]) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let mut to = Sections::new(section);
    identities::write(&frozen.view, &mut to)?;
    installation::write(frozen, &mut to)?;
    policies::write(&frozen.view, &mut to)?;
    issuers::write(&frozen.view, &mut to)?;
    replays::write(&frozen.view, &mut to)?;
    rotations::write(&frozen.view, &mut to)?;
    exports::write(&frozen.view, &mut to)?;
    recipients::write(frozen, &mut to)?;
    secret_policies::write(&frozen.view, &mut to)?;
    for (owner, catalogue) in frozen.view.catalogues() {
        for held in catalogue.all() {
            to.row(Kind::Secrets, owner, |to| secrets::write(to, held))?;
        }
        for (path, revision) in catalogue.vacated() {
            to.row(Kind::Vacated, owner, |to| {
                to.text(path.as_str());
                to.number(revision.0);
            })?;
        }
    }
    // Secrets are there before the reads of them, which share their paths; policies before bindings.
    to.flush()?;
    policies::write_bindings(&frozen.view, &mut to)?;
    let mut known: HashMap<&Owner, Known> = HashMap::new();
    for (owner, path, of_path) in frozen.accesses.paths() {
        let known = known.entry(owner).or_default();
        to.row(Kind::Reads, owner, |to| reads::write(to, path, of_path, &frozen.accesses, known))?;
    }
    to.flush()
}

/// Reads everything back. One thread reads the file, others open its sections, this one puts them
/// together.
pub(super) fn read(file: Reader, sealer: &Sealer) -> Result<Frozen, SnapshotError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    // Sections are dealt out and collected in turn, which keeps their order.
    let (sealed, to_open): (Vec<_>, Vec<_>) = (0..workers).map(|_| sync_channel(WAITING)).unzip();
    let (opened, to_assemble): (Vec<_>, Vec<_>) = (0..workers).map(|_| sync_channel(WAITING)).unzip();
    thread::scope(|scope| {
        for (to_open, opened) in to_open.into_iter().zip(opened) {
            scope.spawn(move || open_all(&to_open, &opened, sealer));
        }
        scope.spawn(move || deal(file, &sealed));
        assemble(to_assemble)
    })
}

/// Ends at the end of the file, at an error, or when nobody wants more.
fn deal(mut file: Reader, sealed: &[SyncSender<Result<Sealed, SnapshotError>>]) {
    for queue in sealed.iter().cycle() {
        let section = file.section();
        let ends = !matches!(section, Ok(Some(_)));
        if let Some(section) = section.transpose()
            && queue.send(section).is_err()
        {
            return;
        }
        if ends {
            return;
        }
    }
}

fn open_all(to_open: &Receiver<Result<Sealed, SnapshotError>>, opened: &SyncSender<Opened>, sealer: &Sealer) {
    let mut pool = Pool::default();
    for section in to_open {
        let part = section.and_then(|section| open(&section, sealer, &mut pool));
        if opened.send(part).is_err() {
            return;
        }
    }
}

fn open(section: &Sealed, sealer: &Sealer, pool: &mut Pool) -> Opened {
    let (owner, rows) = section.open(sealer)?;
    if section.is_last {
        return Ok(Part::End(rows));
    }
    let malformed = || SnapshotError::Damaged("a row is malformed");
    let owner = domain_owner(&owner).ok_or(SnapshotError::Damaged("an owner's id has another shape"))?;
    decoded(owner, rows, pool).ok_or_else(malformed)
}

fn decoded(owner: Owner, rows: Vec<u8>, pool: &mut Pool) -> Option<Part> {
    let mut from = Decoder::new(&rows);
    let kind = Kind::of(from.number()?)?;
    let part = match kind {
        Kind::Secrets => {
            let mut held = Vec::new();
            while !from.is_empty() {
                held.push(Arc::new(secrets::read(&mut from, pool)?));
            }
            Part::Secrets(owner, held)
        }
        Kind::Vacated => {
            let mut vacated = Vec::new();
            while !from.is_empty() {
                vacated.push((SecretPath::parse(from.text()?).ok()?, Revision(from.number()?)));
            }
            Part::Vacated(owner, vacated)
        }
        Kind::Reads => {
            let (mut of_paths, mut identities) = (Vec::new(), Vec::new());
            while !from.is_empty() {
                of_paths.push(reads::read(&mut from, &mut identities)?);
            }
            let identities = reads::owned(identities);
            Part::Reads(owner, of_paths, identities)
        }
        Kind::Identities
        | Kind::Clock
        | Kind::Tokens
        | Kind::Outcomes
        | Kind::DroppedOutcomes
        | Kind::Shreds
        | Kind::TokenUses
        | Kind::Policies
        | Kind::Bindings
        | Kind::PolicyRevisions
        | Kind::Issuers
        | Kind::ExchangeRules
        | Kind::IssuerRevisions
        | Kind::RevokedJwts
        | Kind::Erasures
        | Kind::Tree
        | Kind::Replays
        | Kind::ReplayRevisions
        | Kind::Exports
        | Kind::RotationPolicies
        | Kind::EndedRotationPolicies
        | Kind::RotationHistory
        | Kind::RotationRevisions
        | Kind::SecretPolicies
        | Kind::EndedSecretPolicies
        | Kind::SecretPolicyRevisions
        | Kind::Webhooks
        | Kind::WebhookRevisions
        | Kind::Subscriptions
        | Kind::SubscriptionRevisions
        | Kind::Outboxes
        | Kind::Waiting
        | Kind::Buffers => Part::Other(kind, owner, rows),
    };
    Some(part)
}

/// Takes the queues, so that everybody stops when it does.
#[allow(clippy::needless_pass_by_value, reason = "dropping them ends the other threads")]
fn assemble(opened: Vec<Receiver<Opened>>) -> Result<Frozen, SnapshotError> {
    let mut frozen = Frozen::default();
    for (count, queue) in (0..).zip(opened.iter().cycle()) {
        // A worker that is gone had nothing more to open.
        let part = queue.recv().map_err(|_| SnapshotError::Damaged("its end is missing"))??;
        if let Part::End(rows) = part {
            return match Sealed::is_end(&rows, count) {
                true => {
                    frozen.view.draw_rotations();
                    Ok(frozen)
                }
                false => Err(SnapshotError::Damaged("sections are missing")),
            };
        }
        enter(part, &mut frozen).ok_or(SnapshotError::Damaged("a row is malformed"))?;
    }
    Err(SnapshotError::Damaged("nothing can be opened here"))
}

fn enter(part: Part, frozen: &mut Frozen) -> Option<()> {
    match part {
        Part::Secrets(owner, held) => {
            let catalogue = frozen.view.secrets_mut(&owner);
            held.into_iter().for_each(|held| catalogue.hold(held));
        }
        Part::Vacated(owner, vacated) => {
            let catalogue = frozen.view.secrets_mut(&owner);
            vacated.into_iter().for_each(|(path, revision)| catalogue.vacate(path, revision));
        }
        Part::Reads(owner, of_paths, identities) => {
            let Frozen { view, accesses, .. } = frozen;
            let numbers: Vec<u32> = identities.iter().map(|identity| accesses.number(identity)).collect();
            for row in of_paths {
                let held = view.secrets(&owner).held(row.path().as_str());
                let path = held.map_or_else(|| row.path().clone(), |held| held.secret.path.clone());
                accesses.restore(&owner, path, row.into_reads(&numbers)?);
            }
        }
        Part::Other(kind, owner, rows) => {
            let mut from = Decoder::new(&rows);
            from.number()?;
            while !from.is_empty() {
                match (kind, policies::reader(kind), issuers::reader(kind)) {
                    (_, Some(read), _) => read(&mut from, frozen.view.policies.of_mut(&owner))?,
                    (_, None, Some(read)) => read(&mut from, &owner, &mut frozen.view.issuers)?,
                    (Kind::Replays | Kind::ReplayRevisions, None, None) => {
                        replays::read(kind, &mut from, &owner, &mut frozen.view.replays)?;
                    }
                    (
                        Kind::RotationPolicies
                        | Kind::EndedRotationPolicies
                        | Kind::RotationHistory
                        | Kind::RotationRevisions,
                        None,
                        None,
                    ) => {
                        rotations::read(kind, &mut from, &owner, &mut frozen.view.rotations)?;
                    }
                    (Kind::Exports, None, None) => exports::read(&mut from, &owner, &mut frozen.view.exports)?,
                    (Kind::SecretPolicies | Kind::EndedSecretPolicies | Kind::SecretPolicyRevisions, None, None) => {
                        secret_policies::read(kind, &mut from, frozen.view.secret_policies.of_mut(&owner))?;
                    }
                    (
                        Kind::Webhooks
                        | Kind::WebhookRevisions
                        | Kind::Subscriptions
                        | Kind::SubscriptionRevisions
                        | Kind::Outboxes
                        | Kind::Waiting
                        | Kind::Buffers,
                        None,
                        None,
                    ) => recipients::read(kind, &mut from, &owner, frozen)?,
                    (Kind::Identities, None, None) => identities::read(&owner, &mut from, &mut frozen.view)?,
                    (_, None, None) => installation::read(kind, &owner, &mut from, frozen)?,
                }
            }
        }
        Part::End(_) => {}
    }
    Some(())
}
