//! What goes wrong, and that it is noticed and got over.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{Connection, PgConnection};
use tokio::task::block_in_place;

use crate::place::Place;
use crate::proxy::Network;
use crate::random::Random;

/// A fault; numbers are those of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`, and a new start.
    Kill(usize),
    /// The process is stopped for a while, and goes on.
    Pause(usize),
    /// PostgreSQL is stopped at once and started again.
    DatabaseRestarted,
    /// PostgreSQL is stopped at once, and stays away until it is missed.
    DatabaseAway,
    /// `kill -9` of one of its processes that serve nodes.
    SessionKilled,
    /// All sessions are ended by an administrator.
    SessionsEnded,
    /// Connections with PostgreSQL are reset and refused until that is noticed.
    Cut(usize),
    /// They carry nothing until that is noticed; what was sent arrives late.
    Held(usize),
    /// They carry nothing, and never again.
    Lost(usize),
    /// The same for a moment only.
    Blinked(usize),
    /// They are slow.
    Slow(usize),
    /// A fault of NATS.
    Bus(BusFault),
}

/// A fault of NATS or of the way to it. None makes a node refuse anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusFault {
    /// `kill -9`, and a new start.
    Restarted,
    /// `kill -9`, away for a while.
    Away,
    /// `kill -9`, and a new start with nothing of what it kept.
    Wiped,
    /// The stream is deleted under the nodes' feet.
    StreamDeleted,
    /// Connections of one node with it are reset and refused.
    Cut(usize),
    /// They carry nothing; what was sent arrives late.
    Held(usize),
    /// They carry nothing, and never again.
    Lost(usize),
    /// They are slow.
    Slow(usize),
}

impl Fault {
    /// Faults of NATS; of one kind only if `FAULT_ONLY` names it.
    pub fn of_bus(random: &mut Random, nodes: usize) -> Self {
        let only = std::env::var("FAULT_ONLY").unwrap_or_default();
        loop {
            let fault = BusFault::any(random, nodes);
            if format!("{fault:?}").starts_with(&only) {
                return Self::Bus(fault);
            }
        }
    }

    /// Faults of PostgreSQL and of the way to it; of one kind only if `FAULT_ONLY` names it.
    pub fn of_database(random: &mut Random, nodes: usize) -> Self {
        let only = std::env::var("FAULT_ONLY").unwrap_or_default();
        loop {
            let fault = Self::any_of_database(random, nodes);
            if format!("{fault:?}").starts_with(&only) {
                return fault;
            }
        }
    }

    fn any_of_database(random: &mut Random, nodes: usize) -> Self {
        let node = usize::try_from(random.below(nodes as u64)).unwrap();
        *random.pick(&[
            Self::DatabaseRestarted,
            Self::DatabaseAway,
            Self::SessionKilled,
            Self::SessionsEnded,
            Self::Cut(node),
            Self::Held(node),
            Self::Lost(node),
            Self::Blinked(node),
            Self::Slow(node),
        ])
    }

    /// Any fault.
    pub fn any(random: &mut Random, nodes: usize) -> Self {
        let node = usize::try_from(random.below(nodes as u64)).unwrap();
        match random.below(6) {
            0 => Self::Kill(node),
            1 => Self::Pause(node),
            2 => Self::Bus(BusFault::any(random, nodes)),
            _ => Self::any_of_database(random, nodes),
        }
    }

    /// Strikes, sees that it is noticed, and ends. Returns how long the nodes took to get over it.
    pub async fn strike(self, place: &Place, random: &mut Random) -> Duration {
        let moment = Duration::from_millis(50 + random.below(2_000));
        match self {
            Self::Kill(node) => {
                place.kill(node);
                tokio::time::sleep(moment / 10).await;
                place.start(node);
            }
            Self::Pause(node) => {
                let process = Pid::from_raw(place.process(node).try_into().unwrap());
                kill(process, Signal::SIGSTOP).unwrap();
                tokio::time::sleep(moment).await;
                kill(process, Signal::SIGCONT).unwrap();
            }
            Self::DatabaseRestarted => block_in_place(|| place.cluster.as_ref().unwrap().restart()),
            Self::DatabaseAway => {
                block_in_place(|| place.cluster.as_ref().unwrap().crash());
                for node in 0..place.nodes.len() {
                    place.refuses(node).await;
                }
                block_in_place(|| place.cluster.as_ref().unwrap().resume());
            }
            Self::SessionKilled => kill_session(place.url(), random).await,
            Self::SessionsEnded => end_sessions(place.url()).await,
            Self::Cut(node) => until_noticed(place, node, Network::Cut).await,
            Self::Held(node) => until_noticed(place, node, Network::Held).await,
            Self::Lost(node) => until_noticed(place, node, Network::Lost).await,
            Self::Blinked(node) => {
                let network = place.nodes[node].database.as_ref().unwrap();
                network.set(Network::Lost);
                tokio::time::sleep(moment / 4).await;
                network.set(Network::Open);
            }
            Self::Bus(fault) => {
                fault.begin(place).await;
                tokio::time::sleep(moment).await;
                // The nodes do without.
                let meanwhile = place.recovers().await;
                fault.end(place);
                let recovered = place.recovers().await.max(meanwhile);
                place.bus_returns().await;
                return recovered;
            }
            Self::Slow(node) => {
                let delay = Duration::from_millis(1 + random.below(100));
                let network = place.nodes[node].database.as_ref().unwrap();
                network.set(Network::Slow { delay, bytes_per_second: 200_000 });
                tokio::time::sleep(moment + Duration::from_secs(1)).await;
                network.set(Network::Open);
            }
        }
        place.recovers().await
    }
}

impl BusFault {
    fn any(random: &mut Random, nodes: usize) -> Self {
        let node = usize::try_from(random.below(nodes as u64)).unwrap();
        *random.pick(&[
            Self::Restarted,
            Self::Away,
            Self::Wiped,
            Self::StreamDeleted,
            Self::Cut(node),
            Self::Held(node),
            Self::Lost(node),
            Self::Slow(node),
        ])
    }

    async fn begin(self, place: &Place) {
        let broker = place.broker.as_ref().unwrap();
        let set = |node: usize, network| place.nodes[node].bus.as_ref().unwrap().set(network);
        match self {
            Self::Restarted => block_in_place(|| {
                broker.crash();
                broker.resume();
            }),
            Self::Away => block_in_place(|| broker.crash()),
            Self::Wiped => block_in_place(|| {
                broker.crash();
                broker.wipe();
                broker.resume();
            }),
            Self::StreamDeleted => {
                let client = async_nats::connect(broker.url()).await.unwrap();
                async_nats::jetstream::new(client).delete_stream("scaivault-log").await.unwrap();
            }
            Self::Cut(node) => set(node, Network::Cut),
            Self::Held(node) => set(node, Network::Held),
            Self::Lost(node) => set(node, Network::Lost),
            Self::Slow(node) => {
                let network = Network::Slow { delay: Duration::from_millis(50), bytes_per_second: 100_000 };
                set(node, network);
            }
        }
    }

    fn end(self, place: &Place) {
        match self {
            Self::Restarted | Self::Wiped | Self::StreamDeleted => {}
            Self::Away => block_in_place(|| place.broker.as_ref().unwrap().resume()),
            Self::Cut(node) | Self::Held(node) | Self::Lost(node) | Self::Slow(node) => {
                place.nodes[node].bus.as_ref().unwrap().set(Network::Open);
            }
        }
    }
}

async fn until_noticed(place: &Place, node: usize, network: Network) {
    let proxy = place.nodes[node].database.as_ref().unwrap();
    proxy.set(network);
    place.refuses(node).await;
    // A longer absence than any limit within the nodes, if `FAULT_HOLD` asks for it.
    let hold_seconds = std::env::var("FAULT_HOLD").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    tokio::time::sleep(Duration::from_secs(hold_seconds)).await;
    proxy.set(Network::Open);
}

async fn kill_session(url: &str, random: &mut Random) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'scaivault'";
    let processes: Vec<i32> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
    // None if all have just been closed.
    if !processes.is_empty() {
        let _ = kill(Pid::from_raw(*random.pick(&processes)), Signal::SIGKILL);
    }
}

async fn end_sessions(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scaivault'";
    sqlx::query(query).execute(&mut connection).await.unwrap();
}
