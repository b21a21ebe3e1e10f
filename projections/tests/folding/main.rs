//! The read models over a real log: live, rebuilt, counted, looked back upon, stopped, resumed.
// A task of a test ends with its runtime.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod accesses;
mod audit;
mod consumers;
mod exports;
mod granting;
mod grants;
mod history;
mod identities;
mod issuers;
mod node;
mod outcomes;
mod past;
mod policies;
mod reading;
mod rebuilt;
mod replay;
mod replays;
mod secret_policies;
mod snapshots;
mod stopping;
