//! From one connection to the next: open the stream, publish and follow until something breaks,
//! wait a little, begin anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::connection::{self, Connection};
use super::error::BusError;
use super::stream::Stream;
use super::{BusHealth, Shared, follower, relay};

/// Waits between sessions.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_LONGEST: Duration = Duration::from_secs(3);
/// Sessions in a row in which the server could not store, after which the stream is made anew.
const BROKEN: u32 = 3;
/// How often the server is asked for the stream's state.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until `stopped` says so.
pub(super) async fn run(shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    let mut pause = RETRY_FIRST;
    let mut broken = 0;
    loop {
        let error = tokio::select! {
            error = session(&shared, broken >= BROKEN) => error,
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        broken = if matches!(error, BusError::Broken) && broken < BROKEN { broken + 1 } else { 0 };
        // What cannot be stored now is not tried again at once.
        if end(&shared, &error) && broken == 0 {
            pause = RETRY_FIRST;
        }
        tokio::select! {
            () = sleep(pause) => {}
            _ = stopped.wait_for(|stop| *stop) => break,
        }
        pause = (pause * 2).min(RETRY_LONGEST);
    }
    shared.feed.set_fed(false);
}

/// One session; returns why it ended.
async fn session(shared: &Shared, broken: bool) -> BusError {
    let opened = async {
        let Connection { client, lost } = connection::connect(&shared.options).await?;
        let asked = Instant::now();
        let stream = Stream::open(shared, client, broken).await?;
        let consumer = follower::consumer(shared, &stream).await?;
        Ok::<_, BusError>((stream, consumer, lost, asked.elapsed()))
    };
    let (stream, consumer, mut lost, latency) = match opened.await {
        Ok(opened) => opened,
        Err(error) => return error,
    };
    shared.tail.send_replace(stream.tail);
    *shared.health.lock() = BusHealth { fault: None, latency };
    tracing::info!(tail = stream.tail, "the bus is up");
    shared.feed.set_fed(true);
    // What was committed while nobody followed.
    shared.feed.look();
    tokio::select! {
        _ = lost.wait_for(|lost| *lost) => BusError::Disconnected,
        error = watch(shared, &stream) => error,
        error = follower::follow(shared, &consumer) => error,
        error = relay::publish(shared, &stream) => error,
    }
}

/// Asks for the stream's state from time to time: one that is gone is noticed though nothing moves.
async fn watch(shared: &Shared, stream: &Stream) -> BusError {
    loop {
        let asked = Instant::now();
        match stream.look().await {
            Ok(_) => shared.health.lock().latency = asked.elapsed(),
            Err(error) => return error,
        }
        sleep(LOOK).await;
    }
}

/// Notes the end of a session; whether it had been up.
fn end(shared: &Shared, error: &BusError) -> bool {
    shared.feed.set_fed(false);
    shared.feed.look();
    let fault = error.to_string();
    let before = shared.health.lock().fault.replace(fault.clone());
    if before.as_ref() != Some(&fault) {
        tracing::warn!(error = error as &dyn std::error::Error, "the bus is not available; the log is polled");
    }
    before.is_none()
}
