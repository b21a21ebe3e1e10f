//! The fold that stops earlier: the view as of a position of the past.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::join;
use futures_util::stream::FuturesOrdered;
use scaivault_eventstore::log::{Backend, Batch};
use scaivault_eventstore::sealing::Sealer;
use scaivault_eventstore::{Position, StoreError};

use super::fold::Fold;
use super::opening::{self, Wanted, open_aside};
use crate::past::scope::Scope;
use crate::view::View;

/// Records read from the log at once.
const PAGE: u64 = 2_000;

/// What is in the scope of the view after the record at `end`, going on from `start`, which is not after it and has at
/// least that. Audit entries are passed over: they change no view.
pub(crate) async fn fold_up_to(
    backend: &dyn Backend,
    sealer: &Sealer,
    start: &View,
    scope: &Arc<Scope>,
    end: Position,
) -> Result<View, StoreError> {
    let mut fold = Fold::of(start);
    let wanted = Wanted::Changes(Arc::clone(scope));
    let mut page = read(backend, start.applied, end).await?;
    while let Some(batch) = page {
        let after = batch.last().unwrap_or(end);
        // The next page is read while this one is folded.
        let (next, folded) = join(read(backend, after, end), apply(&mut fold, sealer, &batch, &wanted)).await;
        folded?;
        page = next?;
    }
    Ok(fold.view)
}

/// The next records up to `end`; `None` after it.
async fn read(backend: &dyn Backend, after: Position, end: Position) -> Result<Option<Batch>, StoreError> {
    let left = end.0.saturating_sub(after.0).min(PAGE);
    if left == 0 {
        return Ok(None);
    }
    let records = backend.read(after, usize::try_from(left).unwrap_or(usize::MAX)).await?;
    match records.is_empty() {
        true => Err(StoreError::damaged(after.next(), format!("the log ends here, not at {end}"))),
        false => Ok(Some(Batch::new(records))),
    }
}

async fn apply(fold: &mut Fold, sealer: &Sealer, batch: &Batch, wanted: &Wanted) -> Result<(), StoreError> {
    let mut parts: FuturesOrdered<_> = open_aside(sealer, batch, wanted).collect();
    while let Some(opened) = parts.next().await {
        let (opened, failed) = opening::retried(opened, sealer).await;
        fold.apply(opened, None)?;
        failed.map_or(Ok(()), Err)?;
    }
    Ok(())
}
