//! What rotation costs with many secrets under policies: nothing to do, a thousand due at once, another interval.
//!
//! `cargo bench -p scaivault-commands --bench rotation [-- SECRETS]`; 100,000 secrets if no number is given.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "a benchmark has its own tasks and clock")]

#[path = "../tests/rotating/node.rs"]
mod node;

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use node::{Log, Node, path};

const DUE: usize = 1_000;

#[tokio::main]
async fn main() {
    let number = std::env::args().find_map(|argument| argument.parse::<usize>().ok());
    let secrets = number.unwrap_or(100_000);
    let directory = tempfile::tempdir().unwrap();
    let log = Log::new(Some(&directory.path().join("log.db"))).await;
    let node = Node::start(&log).await;
    node.policy("yearly", "365d", true).await;
    node.policy("daily", "1d", true).await;
    let attach = |number: usize| {
        let (node, policy) = (&node, if number < DUE { "rot_daily" } else { "rot_yearly" });
        async move { node.attach(&path(number), policy).await }
    };
    let started = Instant::now();
    stream::iter(0..secrets).map(attach).buffer_unordered(256).collect::<Vec<()>>().await;
    println!("{secrets} secrets attached: {:.1} s", started.elapsed().as_secs_f64());

    let looks = 10_000_u32;
    let started = Instant::now();
    for _ in 0..looks {
        assert_eq!(node.engine.rotate_what_is_due().await.unwrap(), 0);
    }
    let idle = started.elapsed() / looks;
    println!("a look with nothing to do: {idle:?}, four times a second");

    log.advance(86_400);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let started = Instant::now();
    let minding = tokio::spawn(node.engine.clone().run_rotations(stopped));
    while node.versions(DUE).iter().any(|version| *version != 2) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!("{DUE} due at once, as the schedule paces them: {:.2} s", started.elapsed().as_secs_f64());
    stop.send_replace(true);
    minding.await.unwrap();

    let started = Instant::now();
    node.interval("rot_yearly", "300d").await;
    println!("another interval for {} secrets: {:?}", secrets - DUE, started.elapsed());
    node.kill().await;
}
