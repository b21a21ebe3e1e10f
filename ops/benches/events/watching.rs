//! Subscriptions: how long a change takes to all of many watchers, and what one costs that waits.
//!
//! Every change concerns every watcher, which is the worst there is.

use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::histogram::Histogram;
use crate::place::{Place, millis};
use crate::wire::Wire;
use crate::{process, row};

/// Streams that one subscription may have.
const TOGETHER: usize = 5;
/// How long watchers are left alone before their memory is looked at.
const SETTLING: Duration = Duration::from_secs(3);
/// Longest wait for a change to reach everybody.
const PATIENCE: Duration = Duration::from_secs(30);

/// How to watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Server-Sent Events.
    Stream,
    /// Long polls.
    Poll,
}

/// So many watchers, and so many changes one after the other.
pub(crate) async fn measure(place: &Place, way: Way, watchers: usize, changes: usize) {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let area = format!("watched/{}", if way == Way::Stream { "streams" } else { "polls" });
    let mut subscriptions = Vec::new();
    for number in 0..watchers.div_ceil(TOGETHER) {
        subscriptions.push(place.subscribe(&format!("{area} {number}"), &format!("{area}/**")).await);
    }
    let before = process::resident_bytes(place.process()).unwrap();
    let (told, mut tellings) = mpsc::channel(watchers * 2);
    // They end before the server does.
    let mut watching = JoinSet::new();
    for number in 0..watchers {
        let (id, told) = (subscriptions[number / TOGETHER].clone(), told.clone());
        let wire = Wire::open(place.address(), &area).await.unwrap();
        watching.spawn(async move {
            let ended = match way {
                Way::Stream => wire.stream(&id, &told).await,
                Way::Poll => wire.poll(&id, &told).await,
            };
            if let Err(failure) = ended {
                eprintln!("a watcher has ended: {failure}");
            }
        });
    }
    tokio::time::sleep(SETTLING).await;
    let resident = process::resident_bytes(place.process()).unwrap();
    let each = resident.saturating_sub(before) as f64 / watchers as f64 / 1e3;
    let mut histogram = Histogram::new();
    for change in 0..changes {
        let begun = Instant::now();
        place.write(&format!("{area}/{change}")).await;
        for _ in 0..watchers {
            let heard = tokio::time::timeout(PATIENCE, tellings.recv()).await.expect("everybody is told");
            let (number, at) = heard.unwrap();
            assert_eq!(number, change, "nobody is told twice");
            histogram.record(at.saturating_duration_since(begun));
        }
        eprintln!("{way:?}: change {change} has reached everybody after {:?}", begun.elapsed());
    }
    let (half, most) = (millis(histogram.quantile(0.5)), millis(histogram.quantile(0.99)));
    let way = if way == Way::Stream { "streams" } else { "long polls" };
    row(&format!("change to client, {watchers} {way}"), &format!("p50 {half}, p99 {most}"), "p99 250 ms");
    row(&format!("memory of one of {watchers} idle {way}"), &format!("{each:.0} kB"), "50 kB");
}
