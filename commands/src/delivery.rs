//! Deliveries: events on their way to endpoints.
//!
//! The dispatcher runs where the leader is. It takes what the fold has queued, sends it, and appends what came of it;
//! nothing else moves a queue. Killed anywhere, it leaves at most an attempt that nobody noted, which is made again.

pub mod attempt;
mod dispatcher;
mod lanes;
mod ledger;
pub mod message;
pub mod post;
mod runner;
mod target;
