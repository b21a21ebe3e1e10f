//! How long it takes to fold the past: a log of a million changes in a file, of a hundred tenants of one partner.
//!
//! `cargo bench -p scaivault-projections --bench past`
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use scaivault_domain::access::Target;
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::secret::{Metadata, Options, SecretEvent, SecretType};
use scaivault_domain::{Event, EventBody, IdentityId, Owner, SecretPath, TenantId, Timestamp};
use scaivault_eventstore::log::{Appender, AppenderLimits, Backend, Clock, Feed, SqliteBackend, Unit};
use scaivault_eventstore::sealing::root::EphemeralRoot;
use scaivault_eventstore::sealing::{AccessComposer, Draft, Keyring, Sealer};
use scaivault_eventstore::{CommandId, Owner as KeyOwner, Position, RecordedAt, Revision};
use scaivault_projections::history::History;
use scaivault_projections::owners::key_owner;
use scaivault_projections::past::Past;

const RECORDS: u64 = 1_000_000;
const TENANTS: u64 = 100;
/// Versions of each secret.
const VERSIONS: u64 = 10;
/// Changes that are appended together.
const TOGETHER: u64 = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = SqliteBackend::open(Some(&directory.path().join("log.db"))).await.unwrap();
    file.migrate().await.unwrap();
    let backend: Arc<dyn Backend> = Arc::new(file);
    let keyring = Keyring::open_or_create(backend.clone(), &EphemeralRoot::new().unwrap(), 0).await.unwrap();
    for number in 0..TENANTS {
        keyring.ensure(&key_owner(&tenant(number)), &KeyOwner::Platform, 0).await.unwrap();
    }
    let sealer = Sealer::new(Arc::new(keyring));
    let feed = Feed::open(backend.clone()).await.unwrap();
    let clock: Clock = Arc::new(|| RecordedAt(1));
    let composer = Arc::new(AccessComposer::new(sealer.clone()).unwrap());
    let appender = Appender::start(backend.clone(), feed, composer, clock, AppenderLimits::default());
    for unit in 0..RECORDS / TOGETHER {
        appender.append(changes(&sealer, unit)).await.unwrap();
    }
    let end = Position(RECORDS - 1);
    for round in 0..3 {
        let past = Arc::new(Past::new(History::new(backend.clone(), sealer.clone()), Arc::default()));
        let started = Instant::now();
        let target = Target { owner: tenant(round), partner: None };
        let view = past.view(&target, end, Duration::from_secs(600)).await.unwrap();
        let seconds = started.elapsed().as_secs_f64();
        let of_first = view.secrets(&tenant(round)).len();
        println!("{RECORDS} records of {TENANTS} tenants: {seconds:.2} s for one of them, {of_first} secrets");
    }
    appender.close().await;
}

fn tenant(number: u64) -> Owner {
    Owner::Tenant(TenantId::parse(&format!("tnt_{number:04}")).unwrap())
}

/// Some secrets of a tenant with all their versions; the tenants take turns.
fn changes(sealer: &Sealer, unit: u64) -> Unit {
    let owner = tenant(unit % TENANTS);
    let first = unit / TENANTS * (TOGETHER / VERSIONS);
    let mut drafts = Vec::new();
    for number in first..first + TOGETHER / VERSIONS {
        let path = SecretPath::parse(&format!("app/service-{number}/password")).unwrap();
        let stream = sealer.keyring().stream(&key_owner(&owner), "secret", path.as_str()).unwrap();
        for version in 1..=VERSIONS {
            let event = Event::Secret(path.clone(), change(u32::try_from(version).unwrap()));
            let kind = event.kind().into();
            let actor = IdentityId::service_account("writer");
            let body = EventBody { at: Timestamp::from_micros(0), actor, request_id: "req_1".into(), event };
            drafts.push(Draft {
                owner: key_owner(&owner),
                stream,
                revision: Revision(version),
                kind,
                schema_version: SCHEMA_VERSION,
                recorded_at: RecordedAt(0),
                json: body.encode().unwrap(),
                erasable: None,
                entries_root: None,
            });
        }
    }
    let command_id = CommandId(u128::from(unit + 1).to_be_bytes());
    Unit { command_id, records: sealer.seal_unit(command_id, drafts).unwrap(), entries: Vec::new(), shred: Vec::new() }
}

fn change(version: u32) -> SecretEvent {
    if version == 1 {
        return SecretEvent::Created {
            secret_type: SecretType::Kv,
            metadata: Metadata::default(),
            options: Options { max_versions: 10, expires_in: None, notify_before: None, secret_policy: None },
            expires_at: None,
        };
    }
    SecretEvent::VersionAdded {
        version,
        previous_version: Some(version - 1),
        secret_type: SecretType::Kv,
        metadata: None,
        options: None,
        expires_at: None,
        rotation: None,
    }
}
