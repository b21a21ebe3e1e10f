//! The records before a snapshot, which a start passes over: looked at once it serves.

use std::sync::Arc;
use std::time::Duration;

use scaivault_eventstore::log::Backend;
use scaivault_eventstore::{Position, Record, StoreError, merkle};
use scaivault_projections::Projections;

/// Records looked at together, and the pause after them: some hundredths of a processor.
const PAGE: usize = 500;
const PAUSE: Duration = Duration::from_millis(50);
/// Before the next attempt at a database that is away.
const AWAY: Duration = Duration::from_secs(1);

/// Checks every record up to `end` against its digests.
pub(crate) async fn check(backend: Arc<dyn Backend>, end: Position, projections: Arc<Projections>) {
    if end == Position::START {
        return;
    }
    let mut position = Position::START;
    while position < end {
        match page(backend.as_ref(), position).await {
            Ok(last) => {
                position = last;
                tokio::time::sleep(PAUSE).await;
            }
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(AWAY).await,
            Err(error) => return projections.note_damage(&error),
        }
    }
    tracing::info!(target: "start", position = end.0, "the log before the snapshot is sound");
}

/// The last position of a page that is sound.
async fn page(backend: &dyn Backend, after: Position) -> Result<Position, StoreError> {
    let records = backend.read(after, PAGE).await?;
    let last = records.last().map(|record| record.position);
    let checked = tokio::task::spawn_blocking(move || records.iter().try_for_each(sound));
    checked.await.map_err(StoreError::unavailable)??;
    last.ok_or(StoreError::Unavailable(None))
}

fn sound(record: &Record) -> Result<(), StoreError> {
    merkle::check_leaf(record)?;
    merkle::check_body(record)
}
