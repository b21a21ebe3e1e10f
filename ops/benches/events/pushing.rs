//! Webhooks: how soon an event arrives where nothing else happens, and how many arrive in a second.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use reqwest::Method;
use serde_json::json;

use crate::histogram::Histogram;
use crate::place::{Place, millis};
use crate::row;
use crate::sink::Sink;

/// Writes one after the other, and the pause after each.
const WRITES: usize = 300;
const PAUSE: Duration = Duration::from_millis(20);
/// Events that are replayed, and on how many paths they are.
const EVENTS: usize = 20_000;
const PATHS: usize = 2_000;
/// Writers at the same time.
const WRITERS: usize = 32;

/// From a write to its event at the receiver.
pub(crate) async fn latency(place: &Place) {
    let mut sink = Sink::start().await;
    let id = place.webhook("latency", &sink.url, true).await;
    let mut histogram = Histogram::new();
    for number in 0..WRITES {
        let begun = Instant::now();
        let path = format!("bench/latency/{number}");
        let (_, came) = tokio::join!(place.write(&path), sink.next());
        histogram.record(came.duration_since(begun));
        tokio::time::sleep(PAUSE).await;
    }
    place.ask(Method::DELETE, &format!("webhooks/{id}"), None).await;
    let (half, most) = (millis(histogram.quantile(0.5)), millis(histogram.quantile(0.99)));
    row("write to received, idle", &format!("p50 {half}, p99 {most}"), "p99 100 ms");
}

/// Events that were there before, to one receiver; then as they come.
pub(crate) async fn throughput(place: &Place) {
    let sink = Sink::start().await;
    let id = place.webhook("throughput", &sink.url, false).await;
    let from = place.ask(Method::GET, &format!("webhooks/{id}"), None).await["created_at"].clone();
    eprintln!("writing {EVENTS} versions");
    let write = |number: usize| async move { place.write(&format!("bench/throughput/{}", number % PATHS)).await };
    stream::iter((0..EVENTS).map(write)).buffer_unordered(WRITERS).count().await;
    place.ask(Method::PATCH, &format!("webhooks/{id}"), Some(&json!({"enabled": true}))).await;
    let asked = json!({"from": from, "events": ["secret.created", "secret.updated"]});
    eprintln!("replaying them");
    let begun = Instant::now();
    place.ask(Method::POST, &format!("webhooks/{id}/replay"), Some(&asked)).await;
    let queued = begun.elapsed();
    let rate = arrive(&sink, EVENTS).await;
    row("events to one receiver, replayed", &format!("{rate:.0}/s (queued in {})", millis(queued)), "2,000/s");
    eprintln!("writing {EVENTS} versions again, delivered as they come");
    let before = sink.count();
    let begun = Instant::now();
    stream::iter((0..EVENTS).map(write)).buffer_unordered(WRITERS).count().await;
    let written = begun.elapsed();
    while usize::try_from(sink.count() - before).unwrap() < EVENTS {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (written, delivered) = (rate_of(EVENTS, written), rate_of(EVENTS, begun.elapsed()));
    row("written and delivered at the same time", &format!("{written:.0}/s written, {delivered:.0}/s delivered"), "");
}

/// Waits for so many, and tells how many came in a second from the first on.
async fn arrive(sink: &Sink, events: usize) -> f64 {
    while sink.count() == 0 {
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    let begun = Instant::now();
    while usize::try_from(sink.count()).unwrap() < events {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    rate_of(events, begun.elapsed())
}

fn rate_of(events: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(events).unwrap()) / took.as_secs_f64()
}
