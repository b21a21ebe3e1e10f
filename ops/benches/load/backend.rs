//! What a server needs around it: a directory, and the database and broker of its kind. All of it is thrown away.

use tempfile::TempDir;

use crate::arguments::Kind;
use crate::broker::Broker;
use crate::cluster::Cluster;
use crate::failure::Failure;

/// A place to run a server, removed when it is dropped.
pub(crate) struct Backend {
    /// Variables of the server that are peculiar to this backend.
    pub(crate) variables: Vec<(&'static str, String)>,
    _broker: Option<Broker>,
    _cluster: Option<Cluster>,
    /// For everything that the server keeps. Last: what runs in it ends first.
    pub(crate) directory: TempDir,
}

// === impl Backend ===

impl Backend {
    /// Starts what belongs to it.
    pub(crate) fn start(kind: Kind) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("scaivault-load-").tempdir()?;
        let (cluster, broker) = match kind {
            Kind::Sqlite => (None, None),
            Kind::Postgres => (Some(cluster()?), None),
            Kind::PostgresNats => (Some(cluster()?), Some(Broker::start(directory.path())?)),
        };
        let mut variables = Vec::new();
        variables.extend(cluster.as_ref().map(|cluster| ("DATABASE_URL", cluster.database())));
        variables.extend(broker.as_ref().map(|broker| ("NATS_URL", broker.url())));
        Ok(Self { variables, _broker: broker, _cluster: cluster, directory })
    }
}

/// PostgreSQL with the defaults of `initdb` and durable commits; only its place and `max_connections` are set.
fn cluster() -> Result<Cluster, Failure> {
    // The tests that share it want a panic.
    std::panic::catch_unwind(Cluster::start).map_err(|_| Failure::Unusable("PostgreSQL does not start".into()))
}
