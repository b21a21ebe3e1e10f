//! An installation under test: one or two nodes, their database, and a proxy on each way between them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::task::block_in_place;

use crate::broker::Broker;
use crate::caller::{Caller, REQUEST_TIMEOUT, Request, Shared, Told};
use crate::clock::WallClock;
use crate::cluster::Cluster;
use crate::proxy::Proxy;
use crate::resources;
use crate::server::{Server, Setup, Store};

/// How soon a node must serve again after a fault has ended.
pub const RECOVERY: Duration = Duration::from_secs(15);
/// How soon a node must notice that its log is away.
const NOTICE: Duration = Duration::from_secs(30);
/// How soon nodes must have their bus again.
const BUS_RECOVERY: Duration = Duration::from_secs(60);
/// Most connections of a node with the database.
pub const POOL_SIZE: usize = 8;

/// A node with its ways to elsewhere.
pub struct Node {
    setup: Setup,
    server: Mutex<Option<Server>>,
    /// Between it and PostgreSQL.
    pub database: Option<Proxy>,
    /// Between it and NATS.
    pub bus: Option<Proxy>,
    /// What it takes for the time.
    pub clock: WallClock,
}

/// Everything, gone when dropped.
pub struct Place {
    pub nodes: Vec<Node>,
    pub shared: Arc<Shared>,
    /// PostgreSQL, if the log lies there.
    pub cluster: Option<Cluster>,
    /// NATS, if the nodes have it.
    pub broker: Option<Broker>,
    /// Where the log is, without a proxy.
    pub store: Store,
    /// With the root key, and with the log unless it is elsewhere.
    pub data: PathBuf,
    _directory: tempfile::TempDir,
}

impl Place {
    /// One node with an embedded log; on `disk` if it is given.
    pub fn sqlite(disk: Option<&Path>) -> Self {
        let own = tempfile::tempdir().unwrap();
        let data = disk.unwrap_or(own.path()).join("data");
        let setup = setup(own.path(), &Store::Sqlite).with("DATA_DIR", data.to_str().unwrap());
        let (clock, setup) = WallClock::of(setup, own.path());
        let node = Node { setup, server: Mutex::default(), database: None, bus: None, clock };
        Self::open(vec![node], (None, None), Store::Sqlite, data, own, None)
    }

    /// One node in development mode: its token has no end.
    pub fn timeless() -> Self {
        const TOKEN: &str = "a-root-token-without-end";
        let own = tempfile::tempdir().unwrap();
        let data = own.path().join("data");
        let setup = Setup::dev(own.path()).argument("--data-dir").argument(data.to_str().unwrap());
        let setup = setup.with("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN);
        let (clock, setup) = WallClock::of(common(setup), own.path());
        let node = Node { setup, server: Mutex::default(), database: None, bus: None, clock };
        Self::open(vec![node], (None, None), Store::Sqlite, data, own, Some(TOKEN))
    }

    /// Nodes on one PostgreSQL, and on NATS if there is a broker, each behind proxies of its own.
    pub async fn postgres(nodes: usize, cluster: Cluster, broker: Option<Broker>) -> Self {
        let own = tempfile::tempdir().unwrap();
        let url = cluster.database();
        let key = own.path().join("0/data/root.key");
        let mut made = Vec::new();
        for number in 0..nodes {
            let directory = own.path().join(number.to_string());
            std::fs::create_dir_all(&directory).unwrap();
            let database = Proxy::start(cluster.port()).await;
            let far = url.replace(&format!(":{}/", cluster.port()), &format!(":{}/", database.address.port()));
            let mut setup = setup(&directory, &Store::Postgres(far))
                .with("NODE_ID", &format!("node-{number}"))
                .with("DATABASE_POOL_SIZE", &POOL_SIZE.to_string())
                .with("KMS_KEY_FILE", key.to_str().unwrap());
            let mut bus = None;
            if let Some(broker) = &broker {
                let port = broker.address().rsplit_once(':').unwrap().1.parse().unwrap();
                let proxy = Proxy::start(port).await;
                setup = setup.with("NATS_URL", &format!("nats://{}", proxy.address));
                bus = Some(proxy);
            }
            let (clock, setup) = WallClock::of(setup, &directory);
            made.push(Node { setup, server: Mutex::default(), database: Some(database), bus, clock });
        }
        let data = own.path().join("0/data");
        Self::open(made, (Some(cluster), broker), Store::Postgres(url), data, own, None)
    }

    fn open(
        nodes: Vec<Node>,
        (cluster, broker): (Option<Cluster>, Option<Broker>),
        store: Store,
        data: PathBuf,
        directory: tempfile::TempDir,
        token: Option<&str>,
    ) -> Self {
        let mut token = token.map(str::to_owned);
        let mut urls = Vec::new();
        for node in &nodes {
            let server = block_in_place(|| node.setup.start());
            // The first one makes the store.
            token = token.or_else(|| server.value("Bootstrap token: "));
            urls.push(server.url.clone());
            *node.server.lock().unwrap() = Some(server);
        }
        let shared = Shared::new(urls, token.expect("the first start prints a token"));
        Self { nodes, shared, cluster, broker, store, data, _directory: directory }
    }

    /// `kill -9`.
    pub fn kill(&self, node: usize) {
        let server = self.nodes[node].server.lock().unwrap().take().unwrap();
        block_in_place(|| server.kill());
    }

    /// Starts a node that was killed.
    pub fn start(&self, node: usize) {
        let server = block_in_place(|| self.nodes[node].setup.start());
        *self.shared.nodes[node].write().unwrap() = server.url.clone();
        *self.nodes[node].server.lock().unwrap() = Some(server);
    }

    /// Id of the process.
    pub fn process(&self, node: usize) -> u32 {
        self.nodes[node].server.lock().unwrap().as_ref().unwrap().id()
    }

    /// URL of the database, without a proxy.
    pub fn url(&self) -> &str {
        match &self.store {
            Store::Postgres(url) => url,
            Store::Sqlite => panic!("there is no server"),
        }
    }

    /// Waits until every node writes, is ready, and reads what every node wrote; how long that took.
    pub async fn recovers(&self) -> Duration {
        let ended = Instant::now();
        let caller = Caller::new(&self.shared);
        loop {
            match self.converged(&caller).await {
                Ok(()) => return ended.elapsed(),
                Err(text) if ended.elapsed() > RECOVERY + REQUEST_TIMEOUT => {
                    self.shared.defect(format!("the nodes do not recover: {text}"));
                    return ended.elapsed();
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn converged(&self, caller: &Caller) -> Result<(), String> {
        let mut written = Vec::new();
        for node in 0..self.nodes.len() {
            let (path, value) = (format!("probe/{node}"), self.shared.number());
            match caller.send(node, Request::write(&path, value)).await {
                Told::Reply(reply) if reply.status < 300 => written.push((path, value)),
                Told::Reply(reply) => return Err(reply.text),
                Told::Refused(text) | Told::Unknown(text) => return Err(text),
            }
        }
        for node in 0..self.nodes.len() {
            for (path, value) in &written {
                match caller.send(node, Request::read(path, "")).await {
                    Told::Reply(reply) if reply.status == 200 && reply.json()["data"]["value"] == *value => {}
                    Told::Reply(reply) => self.shared.defect(format!("{value} is not what {path} has: {}", reply.text)),
                    Told::Refused(text) | Told::Unknown(text) => return Err(text),
                }
            }
            match self.status(node, "ready").await {
                Some(200) => {}
                other => return Err(format!("node {node} is not ready: {other:?}")),
            }
        }
        Ok(())
    }

    /// Waits until a node refuses writes and reads for want of its log, and says so; it stays alive.
    pub async fn refuses(&self, node: usize) {
        let caller = Caller::new(&self.shared);
        let path = format!("probe/{node}");
        // What is perhaps written is not a success either.
        let writes = self.notices("writes", async || {
            let write = Request::write(&path, self.shared.number());
            !matches!(caller.send(node, write).await, Told::Reply(_))
        });
        let reads = self
            .notices("reads", async || !matches!(caller.send(node, Request::read(&path, "")).await, Told::Reply(_)));
        let ready = self.notices("ready", async || self.status(node, "ready").await == Some(503));
        tokio::join!(writes, reads, ready);
        if self.status(node, "").await != Some(200) {
            self.shared.defect(format!("node {node} is not alive: {}", self.log(node)));
        }
    }

    async fn notices(&self, what: &str, refused: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !refused().await {
            if begun.elapsed() > NOTICE {
                return self.shared.defect(format!("{what}: nothing is noticed of a log that is away"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every node has its bus again; without it they only learn later of each other.
    pub async fn bus_returns(&self) {
        let begun = Instant::now();
        for node in 0..self.nodes.len() {
            let url = self.shared.nodes[node].read().unwrap().clone();
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let asking = async || -> Result<serde_json::Value, reqwest::Error> {
                client.get(format!("{url}/v1/health/ready")).send().await?.json().await
            };
            while !asking().await.is_ok_and(|body| body["checks"]["bus"] == "ok") {
                if begun.elapsed() > BUS_RECOVERY {
                    return self.shared.defect(format!("node {node} does not get its bus back: {}", self.log(node)));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// Status of a health check.
    async fn status(&self, node: usize, which: &str) -> Option<u16> {
        let url = self.shared.nodes[node].read().unwrap().clone();
        let client = reqwest::Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build().unwrap();
        let request = client.request(Method::GET, format!("{url}/v1/health/{which}").trim_end_matches('/'));
        request.send().await.ok().map(|response| response.status().as_u16())
    }

    /// The last lines of a node's log.
    pub fn log(&self, node: usize) -> String {
        let text = self.nodes[node].server.lock().unwrap().as_ref().map(Server::errors).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Keeps the logs of all nodes for whoever looks into a failure.
    pub fn keep_logs(&self, seed: u64) {
        for (number, node) in self.nodes.iter().enumerate() {
            let path = std::env::temp_dir().join(format!("fault-{seed}-node-{number}.log"));
            let text = node.server.lock().unwrap().as_ref().map(Server::errors).unwrap_or_default();
            std::fs::write(&path, text).unwrap();
            println!("log of node {number}: {}", path.display());
        }
    }

    /// Threads and files of each node.
    pub fn resources(&self) -> Vec<resources::Resources> {
        (0..self.nodes.len()).map(|node| resources::of(self.process(node))).collect()
    }

    /// Stops the nodes; none has panicked.
    pub fn stop(&self) {
        for (number, node) in self.nodes.iter().enumerate() {
            let server = node.server.lock().unwrap().take().unwrap();
            if server.errors().contains("panicked at") {
                self.shared.defect(format!("node {number} has panicked: {}", server.errors()));
            }
            assert_eq!(block_in_place(|| server.terminate()), 0);
        }
    }
}

fn setup(directory: &Path, store: &Store) -> Setup {
    common(Setup::production(directory, store))
}

fn common(setup: Setup) -> Setup {
    let setup = setup.with("REQUEST_TIMEOUT", &format!("{}s", REQUEST_TIMEOUT.as_secs()));
    setup.with("RATE_LIMIT_ENABLED", "false").with("ALLOW_PRIVATE_WEBHOOKS", "true")
}
