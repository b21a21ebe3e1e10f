//! How long a server takes to come back: as it is restarted, and with nothing but its log.

use std::time::Duration;

use crate::backend::Backend;
use crate::failure::Failure;
use crate::process;
use crate::server::{Folded, Server};

/// One start.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// How long the server before it took to stop.
    pub(crate) stopped_after: Duration,
    /// From the start of the process to ready.
    pub(crate) ready_after: Duration,
    /// What the server says of the replay.
    pub(crate) folded: Folded,
    /// Memory once it is ready, in bytes.
    pub(crate) resident_bytes: u64,
}

/// Both starts.
#[derive(Clone, Copy)]
pub(crate) struct Restart {
    /// From a snapshot and the tail of the log; `None`: the server had left no snapshot.
    pub(crate) from_snapshot: Option<Start>,
    /// From the whole log.
    pub(crate) replay: Start,
}

/// Restarts the server twice, and ends it.
pub(crate) fn measure(backend: &Backend, server: Server) -> Result<Restart, Failure> {
    let snapshots = backend.snapshots();
    let mut stopped_after = server.stop()?;
    let has_snapshot = std::fs::read_dir(&snapshots).is_ok_and(|mut entries| entries.next().is_some());
    let mut from_snapshot = None;
    if has_snapshot {
        let (start, server) = start(backend, stopped_after)?;
        from_snapshot = Some(start);
        stopped_after = server.stop()?;
        std::fs::remove_dir_all(&snapshots)?;
    }
    let (replay, server) = start(backend, stopped_after)?;
    server.stop()?;
    Ok(Restart { from_snapshot, replay })
}

fn start(backend: &Backend, stopped_after: Duration) -> Result<(Start, Server), Failure> {
    let server = backend.serve()?;
    let start = Start {
        stopped_after,
        ready_after: server.ready_after,
        folded: server.folded()?,
        resident_bytes: process::resident_bytes(server.id())?,
    };
    Ok((start, server))
}

// === impl Start ===

impl Start {
    /// Positions folded a second, if all of the log was folded.
    pub(crate) fn positions_per_second(&self) -> f64 {
        self.per_second(self.folded.position)
    }

    /// The same of records and the audit entries in them.
    pub(crate) fn events_per_second(&self) -> f64 {
        self.per_second(self.folded.position + self.folded.entries)
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 * 1_000.0 / self.folded.duration_ms.max(1) as f64
    }
}
