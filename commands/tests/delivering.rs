//! Events on their way, with receivers that fail, processes that are cut off, and two that believe to lead: none is
//! lost, none overtakes another of its path, and what comes twice has the same id.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own tasks and clock")]

#[path = "rotating/node.rs"]
mod node;
#[path = "delivering/receiver.rs"]
mod receiver;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use node::{Log, Node, acme, path};
use receiver::{Arrival, Receiver};
use scaivault_commands::Reply;
use scaivault_commands::endpoint::Signing;
use scaivault_commands::endpoint::{EndpointSecrets, Secret};
use scaivault_commands::webhook::Edited;
use scaivault_commands::webhook::replay::Replay;
use scaivault_domain::access::Target;
use scaivault_domain::audit::Action;
use scaivault_domain::delivery::Recipient;
use scaivault_domain::endpoint::{DisabledReason, Endpoint, Format};
use scaivault_domain::id::WebhookId;
use scaivault_domain::publication::{EventFilter, EventNames};
use scaivault_domain::webhook::{Content, Webhook};
use scaivault_projections::Outboxes;
use scaivault_projections::snapshot::Snapshots;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const HOUR: i64 = 3_600;

fn url(name: &str) -> String {
    format!("https://{name}.example/hook")
}

async fn webhook(node: &Node, name: &str, events: &[&str]) -> WebhookId {
    let events: Vec<String> = events.iter().map(|name| (*name).to_owned()).collect();
    let endpoint = Endpoint {
        url: url(name).into(),
        format: Format::Scaivault,
        public_key: None,
        ca_pem: None,
        previous_secret_expires_at: None,
    };
    let content = Content {
        name: name.into(),
        events: EventNames::parse(&events, "events").unwrap(),
        filters: EventFilter::default(),
        endpoint,
    };
    let secrets = EndpointSecrets::new(Secret::make().unwrap(), true).unwrap();
    let request = node.request(Action::WebhookCreate);
    let made = parking_lot::Mutex::new(None);
    let tell = |webhook: &Webhook| {
        *made.lock() = Some(webhook.id.clone());
        Reply::json(201, &())
    };
    node.engine.create_webhook(&request, None, Edited { content, is_enabled: true }, secrets, tell).await.unwrap();
    let id = made.lock().clone();
    id.unwrap()
}

async fn switch(node: &Node, id: &WebhookId, is_enabled: bool) {
    let edit = |webhook: &Webhook| Edited { content: webhook.content.clone(), is_enabled };
    let request = node.request(Action::WebhookUpdate);
    let tell = |_: &Webhook| Reply::json(200, &());
    node.engine.update_webhook(&request, id, &Signing::default(), edit, tell).await.unwrap();
}

fn disabled(node: &Node, id: &WebhookId) -> Option<DisabledReason> {
    node.engine.projections().view().webhooks.of(&acme()).get(id).unwrap().disabled
}

/// A dispatcher at work.
struct Dispatcher(JoinHandle<()>, watch::Sender<bool>);

impl Dispatcher {
    fn start(node: &Node) -> Self {
        let (stop, stopped) = watch::channel(false);
        Self(tokio::spawn(node.engine.clone().dispatch(stopped)), stop)
    }

    /// In the middle of whatever it does.
    async fn kill(self) {
        self.0.abort();
        let _ = self.0.await;
    }

    async fn stop(self) {
        self.1.send_replace(true);
        self.0.await.unwrap();
    }
}

/// Lets time pass until nothing waits.
async fn finish(log: &Log, node: &Node) {
    let dispatcher = Dispatcher::start(node);
    for _ in 0..2_000 {
        if node.engine.projections().outboxes(|all| all.all().all(|(_, outbox)| outbox.is_idle())) {
            dispatcher.stop().await;
            return;
        }
        log.advance(60);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("something waits for ever");
}

/// What every webhook is to be told: the events of the secrets' versions, by path, in order.
fn expected(node: &Node, paths: usize) -> usize {
    node.versions(paths).iter().map(|version| usize::try_from(*version).unwrap()).sum()
}

/// Nothing lost; nothing out of order; one id for one event. Returns how many came more than once.
fn check(arrivals: &[Arrival], webhook: &str, expected: usize) -> usize {
    let of: Vec<_> = arrivals.iter().filter(|arrival| arrival.url == url(webhook)).collect();
    let accepted: HashSet<_> = of.iter().filter(|arrival| arrival.accepted).map(|arrival| &arrival.event_id).collect();
    assert_eq!(accepted.len(), expected, "{webhook}: events lost or made up");
    let mut last: HashMap<&str, (&str, bool)> = HashMap::new();
    let mut repeated = 0;
    let mut deliveries: HashMap<&str, &str> = HashMap::new();
    for arrival in of {
        let path = arrival.path.as_deref().unwrap();
        match last.get(path) {
            Some((id, _)) if *id == arrival.event_id => repeated += 1,
            Some((id, accepted)) => {
                assert!(*id < arrival.event_id.as_str(), "{webhook}: {} came after {id}", arrival.event_id);
                assert!(accepted, "{webhook}: {} overtook {id}", arrival.event_id);
            }
            None => {}
        }
        let before = last.get(path).is_some_and(|(id, accepted)| *id == arrival.event_id && *accepted);
        last.insert(path, (&arrival.event_id, arrival.accepted || before));
        let delivery = deliveries.entry(&arrival.event_id).or_insert(&arrival.delivery_id);
        assert_eq!(*delivery, arrival.delivery_id, "one event, one delivery");
    }
    repeated
}

async fn begun(receiver: &Arc<Receiver>) -> Log {
    let mut log = Log::new(None).await;
    log.post = receiver.clone();
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_overtaken_whatever_goes_wrong() {
    let receiver = Arc::new(Receiver::default());
    receiver.faulty.store(35, Ordering::SeqCst);
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    for name in ["one", "two"] {
        webhook(&node, name, &["secret.created", "secret.updated"]).await;
    }
    node.kill().await;
    let mut cut = 0;
    while receiver.faults.load(Ordering::SeqCst) + cut < 1_000 {
        let node = Node::start(&log).await;
        let dispatcher = Dispatcher::start(&node);
        for _ in 0..6 {
            node.write(&path(usize::try_from(receiver.chance(12)).unwrap())).await;
        }
        log.advance(i64::try_from(receiver.chance(40)).unwrap());
        tokio::time::sleep(Duration::from_micros(receiver.chance(30_000))).await;
        dispatcher.kill().await;
        node.kill().await;
        cut += 1;
    }
    receiver.faulty.store(0, Ordering::SeqCst);
    let node = Node::start(&log).await;
    for number in 0..12 {
        node.write(&path(number)).await;
    }
    finish(&log, &node).await;
    let arrivals = receiver.arrivals();
    for name in ["one", "two"] {
        check(&arrivals, name, expected(&node, 12));
    }
    let attempts = node.count("webhook_delivery").await;
    assert!(attempts >= expected(&node, 12) * 2, "every attempt that was noted is in the trail");
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_lead_lose_nothing_and_overtake_nothing_for_long() {
    let receiver = Arc::new(Receiver::default());
    let log = begun(&receiver).await;
    let (one, other) = (Node::start(&log).await, Node::start(&log).await);
    webhook(&one, "hook", &["secret.created", "secret.updated"]).await;
    other.reaches(&one).await;
    let dispatchers = [Dispatcher::start(&one), Dispatcher::start(&other)];
    for number in 0..60 {
        one.write(&path(number % 10)).await;
    }
    for dispatcher in dispatchers {
        tokio::time::sleep(Duration::from_millis(300)).await;
        dispatcher.kill().await;
    }
    other.reaches(&one).await;
    finish(&log, &other).await;
    let arrivals = receiver.arrivals();
    let ids: HashSet<_> = arrivals.iter().map(|arrival| &arrival.event_id).collect();
    assert_eq!(ids.len(), 60);
    one.kill().await;
    other.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_receiver_delays_no_other() {
    let receiver = Arc::new(Receiver::default());
    receiver.fixed.lock().insert(url("dead"), 500);
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    for name in ["dead", "alive"] {
        webhook(&node, name, &["secret.*"]).await;
    }
    let dispatcher = Dispatcher::start(&node);
    for number in 0..50 {
        node.write(&path(number)).await;
    }
    tokio::time::timeout(Duration::from_secs(20), async {
        while receiver.arrivals().iter().filter(|arrival| arrival.url == url("alive")).count() < 50 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("all arrive without the clock moving");
    dispatcher.stop().await;
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_hang_delay_no_others() {
    let receiver = Arc::new(Receiver::default());
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    webhook(&node, "hook", &["secret.*"]).await;
    let dispatcher = Dispatcher::start(&node);
    for number in 0..40 {
        receiver.hanging.lock().insert(path(number).to_string());
        node.write(&path(number)).await;
    }
    node.write(&path(99)).await;
    tokio::time::timeout(Duration::from_secs(6), async {
        while receiver.arrivals().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it arrives before any of them is given up");
    dispatcher.kill().await;
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_attempts_then_the_next_event_of_the_path() {
    let receiver = Arc::new(Receiver::default());
    receiver.fixed.lock().insert(url("dead"), 500);
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    webhook(&node, "dead", &["secret.*"]).await;
    node.write(&path(0)).await;
    node.write(&path(0)).await;
    let dispatcher = Dispatcher::start(&node);
    for _ in 0..2_000 {
        let next = node.engine.projections().outboxes(|all| {
            let waiting = all.all().flat_map(|(_, outbox)| outbox.waiting.values());
            waiting.filter_map(|waiting| Some(waiting.tries.as_ref()?.next_attempt_at)).min()
        });
        if let Some(next) = next {
            log.advance((next.as_seconds() - node.engine.now().as_seconds()).max(0) + 1);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        if receiver.arrivals().len() == 20 {
            break;
        }
    }
    let types: Vec<_> = receiver.arrivals().iter().map(|arrival| arrival.event_type.clone()).collect();
    assert_eq!(types, [vec!["secret.created"; 10], vec!["secret.updated"; 10]].concat());
    dispatcher.stop().await;
    let idle = node.engine.projections().outboxes(|all| all.all().all(|(_, outbox)| outbox.is_idle()));
    assert!(idle, "both are given up");
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_or_fails_for_three_days_is_given_up() {
    let receiver = Arc::new(Receiver::default());
    receiver.fixed.lock().insert(url("gone"), 410);
    receiver.fixed.lock().insert(url("failing"), 503);
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    let gone = webhook(&node, "gone", &["secret.*"]).await;
    let failing = webhook(&node, "failing", &["secret.*"]).await;
    webhook(&node, "other", &["webhook.*"]).await;
    let dispatcher = Dispatcher::start(&node);
    let reaches = async |id: &WebhookId, reason| {
        for _ in 0..500 {
            if disabled(&node, id) == reason {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{id} is not {reason:?}");
    };
    node.write(&path(0)).await;
    reaches(&gone, Some(DisabledReason::Gone)).await;
    for hours in 0..100 {
        assert!(disabled(&node, &failing).is_none() || hours >= 71, "after {hours} hours");
        if disabled(&node, &failing).is_some() {
            break;
        }
        node.write(&path(1)).await;
        log.advance(HOUR);
        tokio::time::sleep(Duration::from_millis(if hours > 70 { 600 } else { 20 })).await;
    }
    reaches(&failing, Some(DisabledReason::Failing)).await;
    // While disabled nothing is queued, and what was has ended and is noted.
    node.write(&path(2)).await;
    let recipient = |id: &WebhookId| Recipient::Webhook(id.clone());
    for id in [&gone, &failing] {
        for _ in 0..500 {
            if node.engine.projections().outboxes(|all| all.outbox(&recipient(id)).unwrap().is_idle()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(node.engine.projections().outboxes(|all| all.outbox(&recipient(id)).unwrap().is_idle()));
    }
    // Enabled again, it is told what comes from then on.
    receiver.fixed.lock().insert(url("gone"), 200);
    switch(&node, &gone, true).await;
    node.write(&path(3)).await;
    dispatcher.stop().await;
    finish(&log, &node).await;
    let arrivals = receiver.arrivals();
    let came: Vec<_> = arrivals.iter().filter(|arrival| arrival.url == url("gone") && arrival.accepted).collect();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].path.as_deref(), Some(path(3).as_str()));
    let told: Vec<_> = arrivals.iter().filter(|arrival| arrival.url == url("other")).collect();
    assert_eq!(told.len(), 2, "both ends are told of");
    node.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_queue_outlives_a_snapshot() {
    const EVENTS: usize = 60;
    const REPLAYS: usize = 400;
    let receiver = Arc::new(Receiver::default());
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    let id = webhook(&node, "hook", &["*"]).await;
    let from = node.engine.now();
    for number in 0..EVENTS {
        node.write(&path(number)).await;
    }
    for _ in 0..REPLAYS {
        let replay = Replay { from, to: node.engine.now(), events: None, patience: Duration::from_secs(60) };
        let target = Target { owner: acme(), partner: None };
        let (request, tell) = (node.request(Action::WebhookDelivery), |_: usize| Reply::json(202, &()));
        node.engine.replay_to_webhook(&request, &target, &id, &replay, tell).await.unwrap();
    }
    let frozen = node.engine.projections().freeze().await;
    let here = on_the_way(&frozen.outboxes);
    let directory = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), log.sealer.clone());
    snapshots.write(&frozen).unwrap();
    let read = snapshots.read(&snapshots.candidates()[0]).unwrap();
    let waiting = |all: &Outboxes| all.all().map(|(_, outbox)| outbox.waiting.len()).sum::<usize>();
    assert_eq!(waiting(&frozen.outboxes), EVENTS * (REPLAYS + 1));
    assert_eq!(waiting(&read.outboxes), waiting(&frozen.outboxes));
    assert!(on_the_way(&read.outboxes) == here, "and all else of it");
    node.kill().await;
}

/// Everything that is on its way.
fn on_the_way(all: &Outboxes) -> Vec<String> {
    let mut rows: Vec<_> = all.all().map(|(to, outbox)| format!("{to} {outbox:?}")).collect();
    rows.sort();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_folds_the_log_has_the_same_on_its_way() {
    let receiver = Arc::new(Receiver::default());
    receiver.faulty.store(50, Ordering::SeqCst);
    let log = begun(&receiver).await;
    let node = Node::start(&log).await;
    for name in ["one", "two"] {
        webhook(&node, name, &["*"]).await;
    }
    let off = webhook(&node, "off", &["*"]).await;
    let dispatcher = Dispatcher::start(&node);
    for number in 0..40 {
        node.write(&path(number % 7)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    dispatcher.kill().await;
    switch(&node, &off, false).await;
    let here = node.engine.projections().outboxes(on_the_way);
    assert!(here.iter().any(|row| row.contains("next_attempt_at")), "some are to be tried again");
    let later = Node::start(&log).await;
    assert_eq!(later.engine.projections().outboxes(on_the_way), here);
    let directory = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(directory.path().to_owned(), log.sealer.clone());
    snapshots.write(&node.engine.projections().freeze().await).unwrap();
    let read = snapshots.read(&snapshots.candidates()[0]).unwrap();
    assert_eq!(on_the_way(&read.outboxes), here);
    let view = node.engine.projections().view();
    let webhooks =
        |view: &scaivault_projections::View| format!("{:?}", view.webhooks.of(&acme()).all().collect::<Vec<_>>());
    assert_eq!(webhooks(&read.view), webhooks(&view));
    node.kill().await;
    later.kill().await;
}
