//! One writer of a stream at a time in this process.
//!
//! Correctness rests on expected revisions in the log; this only spares writers of one path the
//! races they would lose. Other processes still race, and decide again.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use scaivault_eventstore::StreamId;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Streams kept before those nobody waits for are dropped.
const SWEEP_AT: usize = 1_024;

/// The streams that are being written to.
#[derive(Default)]
pub(crate) struct Turns {
    streams: Mutex<HashMap<StreamId, Weak<Turn<()>>>>,
}

impl Turns {
    /// Waits for the turn on a stream; it ends when the guard is dropped.
    pub(crate) async fn take(&self, stream: StreamId) -> OwnedMutexGuard<()> {
        self.turn(stream).lock_owned().await
    }

    fn turn(&self, stream: StreamId) -> Arc<Turn<()>> {
        let mut streams = self.streams.lock();
        if streams.len() >= SWEEP_AT {
            streams.retain(|_, turn| turn.strong_count() > 0);
        }
        if let Some(turn) = streams.get(&stream).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Turn::new(()));
        streams.insert(stream, Arc::downgrade(&turn));
        turn
    }
}
