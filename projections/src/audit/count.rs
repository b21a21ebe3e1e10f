//! How many entries a filter lets through.

use scaivault_domain::Owner;
use scaivault_eventstore::{Position, StoreError};

use super::filter::Filter;
use super::index::AuditIndex;
use super::page::Order;

impl AuditIndex {
    /// Counts the entries of `owners` that were recorded up to a position.
    pub async fn count(&self, owners: &[Owner], filter: &Filter, up_to: Position) -> Result<u64, StoreError> {
        let mut count = 0;
        for owner in owners {
            let mut scan = self.scan(owner, filter, (Position::START, up_to), Order::OldestFirst).await?;
            while let Some(part) = scan.next().await? {
                count += part.wanted(filter, Order::OldestFirst).len() as u64;
            }
        }
        Ok(count)
    }
}
