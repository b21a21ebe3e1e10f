//! Health of the parts beneath the API.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use scaivault_api::health::{self, Checks, Database, Encryption, Status};
use scaivault_eventstore::log::{Appender, Backend, Bus};
use scaivault_eventstore::sealing::Keyring;
use tokio::sync::Mutex;

use crate::node::Node;

/// An append this recent says that the next one will do.
const RECENT: Duration = Duration::from_secs(10);

/// How long a look at the database is good for.
const KEPT: Duration = Duration::from_secs(1);

/// Looks at one node.
pub(super) struct NodeChecks {
    backend: Arc<dyn Backend>,
    appender: Appender,
    keyring: Arc<Keyring>,
    /// `None`: the bus inside this process, which cannot fail.
    bus: Option<Arc<Bus>>,
    started: Instant,
    /// The last look at the database: anybody may ask, but not make the database work at will.
    looked: Mutex<Option<(Instant, Database)>>,
}

impl NodeChecks {
    /// Of this node, which has just started.
    pub(super) fn new(node: &Node, bus: Option<Arc<Bus>>) -> Self {
        Self {
            backend: node.backend.clone(),
            appender: node.appender.clone(),
            keyring: node.keyring.clone(),
            bus,
            started: Instant::now(),
            looked: Mutex::new(None),
        }
    }

    async fn database_status(&self) -> Status {
        let health = self.appender.health();
        if health.last_error.is_none() && health.since_success < RECENT {
            return Status::Ok;
        }
        match self.appender.ping().await {
            Ok(()) if health.last_error.is_none() => Status::Ok,
            // It stores a little, but an append has just failed.
            Ok(()) if health.since_failure.is_some_and(|since| since < RECENT) => {
                Status::Error(health.last_error.unwrap_or_default().to_owned())
            }
            // That is a while ago: only the next append tells, so let there be one.
            Ok(()) => Status::Degraded(health.last_error.unwrap_or_default().to_owned()),
            Err(_) => Status::Error(health.last_error.unwrap_or("not reachable").to_owned()),
        }
    }
}

#[async_trait]
impl Checks for NodeChecks {
    async fn database(&self) -> Database {
        let mut looked = self.looked.lock().await;
        if let Some((_, database)) = looked.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return database.clone();
        }
        let started = Instant::now();
        let status = self.database_status().await;
        let latency = started.elapsed();
        let log_position = self.backend.head().await.map(|head| head.position.0).unwrap_or_default();
        let pool = self.backend.pool();
        metrics::gauge!("scaivault_db_pool_size").set(f64::from(pool.0));
        metrics::gauge!("scaivault_db_pool_available").set(f64::from(pool.1));
        let database = Database { status, kind: self.backend.kind().as_str(), latency, pool, log_position };
        *looked = Some((Instant::now(), database.clone()));
        database
    }

    fn bus(&self) -> health::Bus {
        let Some(bus) = &self.bus else {
            return health::Bus { status: Status::Ok, kind: "memory", latency: Duration::ZERO };
        };
        let health = bus.health();
        let status = health.fault.map_or(Status::Ok, Status::Degraded);
        health::Bus { status, kind: "nats", latency: health.latency }
    }

    fn encryption(&self) -> Encryption {
        Encryption { status: Status::Ok, provider: self.keyring.provider() }
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
