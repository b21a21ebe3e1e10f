//! Two servers on one database, with the same root key.

use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Api;
use crate::cluster::Cluster;
use crate::server::{Server, Setup, Store};

pub const PATIENCE: Duration = Duration::from_secs(30);

/// Two nodes; either may be missing while a test has stopped it.
pub struct Pair {
    pub directory: tempfile::TempDir,
    pub setups: [Setup; 2],
    pub servers: [Option<Server>; 2],
    pub token: String,
    pub database: String,
}

impl Pair {
    /// Starts both at the same time on an empty database.
    pub async fn start(more: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Cluster::shared().database();
        let setups = ["a", "b"].map(|name| setup(directory.path(), &database, name, more));
        let starting = setups.clone().map(|setup| std::thread::spawn(move || setup.start()));
        let servers = starting.map(|starting| starting.join().unwrap());
        let tokens: Vec<String> = servers.iter().filter_map(|server| server.value("Bootstrap token: ")).collect();
        let [token] = tokens.as_slice() else { panic!("one of them initialises the store: {tokens:?}") };
        let pair = Self { directory, setups, token: token.clone(), database, servers: servers.map(Some) };
        for number in 0..2 {
            pair.knows_the_token(number).await;
        }
        pair
    }

    /// Until a node has heard of the token, which the other one may have made.
    async fn knows_the_token(&self, number: usize) {
        let (api, asked) = (self.api(number), Instant::now());
        while api.send(Method::GET, "/v1/auth/whoami", &[], None).await.unwrap().status != 200 {
            assert!(
                asked.elapsed() < Duration::from_secs(1),
                "the token is not known to the other node within a second"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn server(&self, number: usize) -> &Server {
        self.servers[number].as_ref().unwrap()
    }

    pub fn api(&self, number: usize) -> Api {
        Api::new(&self.server(number).url, &self.token)
    }

    /// Starts a stopped node again.
    pub fn restart(&mut self, number: usize) {
        self.servers[number] = Some(self.setups[number].start());
    }
}

fn setup(directory: &Path, database: &str, name: &str, more: &[(&str, &str)]) -> Setup {
    let place = directory.join(name);
    std::fs::create_dir_all(&place).unwrap();
    let key = directory.join("root.key");
    let setup = Setup::production(&place, &Store::Postgres(database.into()))
        .with("NODE_ID", name)
        .with("KMS_KEY_FILE", key.to_str().unwrap());
    more.iter().fold(setup, |setup, (name, value)| setup.with(name, value))
}

/// Writes version after version of a secret on `writer`; each time, how long until `reader`
/// serves it. With the position it must be there at once.
pub async fn exchange(writer: &Api, reader: &Api, path: &str, rounds: u64) -> Vec<Duration> {
    let mut delays = Vec::new();
    for round in 1..=rounds {
        let body = json!({"data": {"round": round}});
        let target = format!("/v1/secrets/{path}");
        let written = writer.send(Method::PUT, &target, &[], Some(&body)).await.unwrap();
        assert!(matches!(written.status, 200 | 201), "{}", written.text);
        let since = Instant::now();
        if round % 2 == 0 {
            let position = written.header("x-scaivault-position").unwrap();
            let read = reader.send(Method::GET, &target, &[("x-scaivault-position", position)], None).await.unwrap();
            assert_eq!((read.status, &read.json()["data"]["round"]), (200, &json!(round)), "{}", read.text);
        } else {
            while read_round(reader, &target).await != Some(round) {
                assert!(since.elapsed() < PATIENCE, "{path} round {round} never arrived");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        delays.push(since.elapsed());
    }
    delays
}

async fn read_round(reader: &Api, target: &str) -> Option<u64> {
    let read = reader.send(Method::GET, target, &[], None).await.unwrap();
    assert!(matches!(read.status, 200 | 404), "{}", read.text);
    read.json()["data"]["round"].as_u64()
}

/// The bus as a node sees it.
pub async fn bus(api: &Api) -> Value {
    let answer = api.send(Method::GET, "/v1/health/detailed", &[], None).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let expected = if body["checks"]["bus"]["status"] == "ok" { "healthy" } else { "degraded" };
    assert_eq!(body["status"], expected, "{body}");
    body["checks"]["bus"].clone()
}

/// Polls until the bus of a node has this status.
pub async fn bus_is(api: &Api, status: &str) {
    let asked = Instant::now();
    while bus(api).await["status"] != status {
        assert!(asked.elapsed() < PATIENCE, "the bus is not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
