//! This node among others of its installation: the bus it exchanges records on, and the leadership
//! that says where schedulers run.

use std::sync::Arc;
use std::time::Duration;

use scaivault_api::App;
use scaivault_commands::{AuditTree, Engine, Failure};
use scaivault_domain::scaikey::{SyncTarget, Trigger};
use scaivault_eventstore::log::{Bus, BusOptions, Leadership};
use scaivault_eventstore::record::hex;
use scaivault_eventstore::sealing::secret_key::random_bytes;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::configuration::Configuration;
use crate::node::{Node, StartError, commit_clock};

/// Between looks at whether identities are to be taken over again.
const SYNC_TICK: Duration = Duration::from_secs(5);

/// What connects a node with others.
pub(super) struct Cluster {
    /// `None`: the bus inside this process.
    pub(super) bus: Option<Arc<Bus>>,
    leadership: Arc<Leadership>,
}

impl Cluster {
    /// Joins; nothing that is away delays it.
    pub(super) fn join(configuration: &Configuration, node: &Node) -> Result<Self, StartError> {
        let bus = configuration.nats.as_ref().map(|nats| {
            let options = BusOptions {
                urls: nats.urls.iter().map(|url| Zeroizing::new(url.expose().to_owned())).collect(),
                credentials_file: nats.credentials_file.clone(),
                prefix: nats.prefix.clone(),
                node_id: configuration.node_id.clone(),
                installation_id: node.keyring.installation_id(),
            };
            Arc::new(Bus::start(options, node.backend.clone(), node.feed.clone(), commit_clock(&node.clock)))
        });
        // A process that was started again is not the one that had the lease.
        let holder = format!("{} {}", configuration.node_id, hex(&random_bytes::<8>()?));
        Ok(Self { bus, leadership: Leadership::seek(node.backend.clone(), holder) })
    }

    /// Whether this node leads, as it changes.
    pub(super) fn leading(&self) -> watch::Receiver<bool> {
        self.leadership.leading()
    }

    /// Hands the schedulers over, and publishes what was committed. What commits is closed by now.
    pub(super) async fn leave(&self) {
        self.leadership.resign().await;
        if let Some(bus) = &self.bus {
            bus.close().await;
        }
    }
}

/// Runs the schedulers whenever this node leads, until `stopped` says so. What it leaves unfinished the next leader does.
pub(super) async fn schedule(
    engine: Arc<Engine>,
    tree: Arc<AuditTree>,
    leading: watch::Receiver<bool>,
    stopped: watch::Receiver<bool>,
) {
    let stop = stopped.clone();
    while_leading(leading, stopped, || {
        let (engine, tree, stop) = (engine.clone(), tree.clone(), stop.clone());
        async move {
            tokio::select! {
                () = engine.clone().sweep(stop.clone()) => {}
                () = engine.run_rotations(stop.clone()) => {}
                () = tree.keep(stop) => {}
            }
        }
    })
    .await;
}

/// Carries replays of decisions out whenever this node leads, until `stopped` says so. What it leaves unfinished the
/// next leader goes on with.
pub(super) async fn replay(engine: Arc<Engine>, leading: watch::Receiver<bool>, stopped: watch::Receiver<bool>) {
    let stop = stopped.clone();
    while_leading(leading, stopped, || engine.clone().run_policy_replays(stop.clone())).await;
}

/// Pushes events to webhooks and subscriptions whenever this node leads, until `stopped` says so. What is under way then
/// is noted first; what is not sent the next leader sends.
pub(super) async fn dispatch(
    engine: Arc<Engine>,
    mut leading: watch::Receiver<bool>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            leads = leading.wait_for(|leads| *leads) => if leads.is_err() { return },
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let (end, ended) = watch::channel(false);
        let stopping = async {
            let stops = tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => true,
                _ = leading.wait_for(|leads| !*leads) => false,
            };
            end.send_replace(true);
            stops
        };
        let ((), stops) = tokio::join!(engine.clone().dispatch(ended), stopping);
        if stops {
            return;
        }
    }
}

/// Writes audit exports whenever this node leads, until `stopped` says so. What it leaves unfinished the next leader
/// writes.
pub(super) async fn export(
    engine: Arc<Engine>,
    tree: Arc<AuditTree>,
    leading: watch::Receiver<bool>,
    stopped: watch::Receiver<bool>,
) {
    let stop = stopped.clone();
    while_leading(leading, stopped, || engine.clone().export(Some(tree.clone()), stop.clone())).await;
}

/// Does work again and again as long as this node leads.
async fn while_leading<F: Future<Output = ()>>(
    mut leading: watch::Receiver<bool>,
    mut stop: watch::Receiver<bool>,
    work: impl Fn() -> F,
) {
    let working = async {
        while leading.wait_for(|leads| *leads).await.is_ok() {
            tokio::select! {
                () = work() => {}
                _ = leading.wait_for(|leads| !*leads) => {}
            }
        }
    };
    tokio::select! {
        () = working => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// Takes identities over from the identity provider whenever `interval` has passed and this node leads, until
/// `stopped` says so.
pub(super) async fn synchronise(
    app: Arc<App>,
    interval: Option<Duration>,
    leading: watch::Receiver<bool>,
    mut stopped: watch::Receiver<bool>,
) {
    let (Some(interval), Some(port)) = (interval, app.settings.provider.port.clone()) else { return };
    let synchronising = async {
        loop {
            if *leading.borrow() && is_due(&app.engine, interval) {
                match begin(&app.engine).await {
                    Ok(Some(begun)) => app.engine.run_sync(port.as_ref(), begun).await,
                    Ok(None) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(target: "identity", error, "no synchronisation could begin; it is tried again");
                    }
                }
            }
            tokio::time::sleep(SYNC_TICK).await;
        }
    };
    tokio::select! {
        () = synchronising => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn begin(engine: &Engine) -> Result<Option<scaivault_commands::sync::Begun>, Failure> {
    engine.begin_own_sync(Trigger::Schedule, &SyncTarget::default()).await
}

/// Whether the last synchronisation of everything began long enough ago.
fn is_due(engine: &Engine, interval: Duration) -> bool {
    let view = engine.projections().view();
    let last = view.installation.syncs().find(|sync| sync.started.target == SyncTarget::default());
    let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
    last.is_none_or(|last| last.started_at.plus_seconds(seconds) <= engine.now())
}
