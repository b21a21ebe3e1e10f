//! A node that starts while another one erases: that it was ordered may come after the keys are seen gone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use scaivault_domain::audit::AuditErased;
use scaivault_domain::event::SCHEMA_VERSION;
use scaivault_domain::{Event, EventBody, IdentityId, Timestamp};
use scaivault_eventstore::log::{Appender, AppenderLimits, Backend, Clock, Feed, PostgresBackend, Unit};
use scaivault_eventstore::sealing::access::ACCESS_RECORDED;
use scaivault_eventstore::sealing::root::FileRoot;
use scaivault_eventstore::sealing::{AccessComposer, Draft, Keyring, Sealer};
use scaivault_eventstore::{CommandId, Owner, Position, Record, RecordedAt, Revision};

use crate::pair::Pair;

/// Longer than a node takes to see that the keys are gone, and far shorter than it waits for the order.
const LATE: Duration = Duration::from_secs(1);

/// Another node, as far as it erases: the same log and the same root key.
struct Other {
    backend: Arc<dyn Backend>,
    sealer: Sealer,
}

impl Other {
    async fn open(database: &str, key: &Path) -> Self {
        let backend: Arc<dyn Backend> = Arc::new(PostgresBackend::connect(database, 2).await.unwrap());
        let root = FileRoot::new(key);
        let keyring = Keyring::open_or_create(backend.clone(), &root, 0).await.unwrap();
        Self { backend, sealer: Sealer::new(Arc::new(keyring)) }
    }

    /// The first record of audit entries of a tenant, and the last record.
    async fn entries(&self) -> (Record, Owner, Record) {
        let records = self.backend.read(Position::START, 10_000).await.unwrap();
        let of_tenant = |record: &Record| match self.sealer.owner_of(record) {
            Some(owner @ Owner::Tenant(_)) if record.kind == ACCESS_RECORDED => Some((record.clone(), owner)),
            _ => None,
        };
        let (first, owner) = records.iter().find_map(of_tenant).unwrap();
        (first, owner, records.last().unwrap().clone())
    }

    async fn destroy_key(&self, position: Position) {
        let mut append = self.backend.begin().await.unwrap();
        append.shred(&[position]).await.unwrap();
        append.commit().await.unwrap();
    }

    /// Says that entries up to there were to go.
    async fn order(&self, owner: Owner, up_to: Position, at: RecordedAt) {
        let event = Event::AuditErased(AuditErased { up_to: up_to.0 });
        let kind = event.kind().into();
        let actor = IdentityId::system("system:key-manager");
        let body = EventBody { at: Timestamp::from_micros(at.0), actor, request_id: "req_1".into(), event };
        let draft = Draft {
            stream: self.sealer.keyring().stream(&owner, "audit", "").unwrap(),
            owner,
            revision: Revision(1),
            kind,
            schema_version: SCHEMA_VERSION,
            recorded_at: at,
            json: body.encode().unwrap(),
            erasable: None,
            entries_root: None,
        };
        let command_id = CommandId([7; 16]);
        let records = self.sealer.seal_unit(command_id, vec![draft]).unwrap();
        let feed = Feed::open(self.backend.clone()).await.unwrap();
        let composer = Arc::new(AccessComposer::new(self.sealer.clone()).unwrap());
        let clock: Clock = Arc::new(move || at);
        let appender = Appender::start(self.backend.clone(), feed, composer, clock, AppenderLimits::default());
        appender.append(Unit { command_id, records, entries: Vec::new(), shred: Vec::new() }).await.unwrap();
        appender.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_heard_late_is_an_order() {
    let mut pair = Pair::start(&[]).await;
    pair.api(0).read("/v1/auth/whoami").await;
    for server in &mut pair.servers {
        assert_eq!(server.take().unwrap().terminate(), 0);
    }
    let other = Other::open(&pair.database, &pair.directory.path().join("root.key")).await;
    let (erased, owner, last) = other.entries().await;
    other.destroy_key(erased.position).await;
    let refused = pair.setups[0].command(&["server"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("are erased up to position") && told.contains("the log has no order to do so"), "{told}");

    let setup = pair.setups[0].clone();
    let starting = tokio::task::spawn_blocking(move || setup.start());
    tokio::time::sleep(LATE).await;
    assert!(!starting.is_finished(), "it waits for the order");
    other.order(owner, erased.position, last.recorded_at).await;
    pair.servers[0] = Some(starting.await.unwrap());
    pair.api(0).read("/v1/auth/whoami").await;
}
