//! What one node writes the other serves.

use std::time::Duration;

use reqwest::Method;

use crate::broker::Broker;
use crate::pair::{Pair, bus, bus_is, exchange};

const SECOND: Duration = Duration::from_secs(1);
/// "At once", with room for a busy machine: polling takes 100 ms on average, 250 ms beside NATS.
const AT_ONCE: Duration = Duration::from_millis(60);

fn median(mut delays: Vec<Duration>) -> Duration {
    delays.sort();
    delays[delays.len() / 2]
}

async fn both_ways(pair: &Pair, path: &str) -> Vec<Duration> {
    let (a, b) = (pair.api(0), pair.api(1));
    let mut delays = exchange(&a, &b, &format!("{path}/a"), 10).await;
    delays.extend(exchange(&b, &a, &format!("{path}/b"), 10).await);
    assert!(delays.iter().all(|delay| *delay < SECOND), "{delays:?}");
    delays
}

#[tokio::test]
async fn nodes_exchange_over_nats() {
    let broker = Broker::start("");
    let pair = Pair::start(&[("NATS_URL", &broker.url())]).await;
    let (a, b) = (pair.api(0), pair.api(1));
    bus_is(&a, "ok").await;
    bus_is(&b, "ok").await;
    assert_eq!(bus(&a).await["kind"], "nats");
    let delays = both_ways(&pair, "with").await;
    assert!(median(delays.clone()) < AT_ONCE, "{delays:?}");

    broker.crash();
    bus_is(&a, "degraded").await;
    bus_is(&b, "degraded").await;
    let ready = a.send(Method::GET, "/v1/health/ready", &[], None).await.unwrap();
    assert_eq!((ready.status, &ready.json()["checks"]["bus"]), (200, &"degraded".into()), "{}", ready.text);
    both_ways(&pair, "away").await;

    // It comes back with nothing.
    broker.wipe();
    broker.resume();
    bus_is(&a, "ok").await;
    bus_is(&b, "ok").await;
    both_ways(&pair, "again").await;
    assert!(!broker.keeps(b"\"round\"") && !broker.keeps(b"again/a"), "no plain text lies in the broker's files");
    for server in pair.servers.into_iter().flatten() {
        assert!(!server.errors().contains("nats://"), "{}", server.errors());
        assert_eq!(server.terminate(), 0);
    }
}

#[tokio::test]
async fn nodes_exchange_without_nats() {
    let pair = Pair::start(&[]).await;
    assert_eq!(bus(&pair.api(0)).await, serde_json::json!({"status": "ok", "kind": "memory", "latency_ms": 0}));
    both_ways(&pair, "without").await;
    let (a, b) = (pair.api(0), pair.api(1));
    let delays = exchange(&a, &b, "position", 20).await;
    let with_position = delays.into_iter().skip(1).step_by(2).collect::<Vec<_>>();
    assert!(median(with_position.clone()) < AT_ONCE, "with a position nobody waits for a poll: {with_position:?}");
}

#[tokio::test]
async fn a_broker_that_is_away_does_not_delay_the_start() {
    let broker = Broker::start("");
    broker.crash();
    let url = format!("nats://ann:hunter2@{}", broker.address());
    let pair = Pair::start(&[("NATS_URL", &url), ("LOG_LEVEL", "debug")]).await;
    both_ways(&pair, "alone").await;
    assert_eq!(bus(&pair.api(0)).await["status"], "degraded");
    for server in pair.servers.into_iter().flatten() {
        let log = server.errors();
        assert!(log.contains("bus is not available") && !log.contains("hunter2"), "{log}");
        assert_eq!(server.terminate(), 0);
    }
}

#[tokio::test]
async fn nodes_speak_tls_to_the_broker() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let broker = Broker::start(&format!("tls: {{ cert_file: {certificate:?}, key_file: {key:?} }}\n"));
    let url = broker.address().replace("127.0.0.1", "tls://localhost");
    let pair = Pair::start(&[("NATS_URL", &url), ("SSL_CERT_FILE", certificate.to_str().unwrap())]).await;
    bus_is(&pair.api(0), "ok").await;
    both_ways(&pair, "tls").await;
    // Nobody vouches for that certificate here.
    let distrusting = Pair::start(&[("NATS_URL", &url)]).await;
    both_ways(&distrusting, "plain").await;
    assert_eq!(bus(&distrusting.api(0)).await["status"], "degraded");
}
