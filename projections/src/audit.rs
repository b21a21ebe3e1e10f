//! The audit index: all audit entries, so that they can be searched.
//!
//! A fold of the log in segments, which hold what is searched in columns: eight thousand entries of one owner
//! each, sealed under the owner's key, kept in the log's database together with the position up to which they go. What
//! came since is in memory (`tail`). The entries themselves stay where they are: the index tells where, and the log
//! is read there.

mod blast_radius;
mod bloom;
mod count;
mod entry;
mod fetch;
mod filter;
mod follower;
mod hash;
mod index;
mod names;
mod page;
mod rebuilding;
mod retention;
mod sealed;
mod segment;
mod storing;
mod summary;
mod tail;
mod trail;

pub use scaivault_eventstore::Position;

pub use blast_radius::{BlastRadius, Other, Reach, Reached};
pub use fetch::{FoundEntry, with_position};
pub use filter::{Filter, PathFilter};
pub use follower::Follower;
pub use index::{AuditIndex, Sizes};
pub use page::{Order, Page, Query};
pub use rebuilding::{Rebuilding, RebuildingStatus};
pub use segment::Place;
pub use summary::Summary;
pub use trail::Trail;
