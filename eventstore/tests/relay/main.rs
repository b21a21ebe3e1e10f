//! The bus against real servers: what is published, what is believed, and what happens when the
//! server loses its memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]
#![allow(unreachable_pub)]

#[path = "../support/broker.rs"]
mod broker;
#[path = "../support/cluster.rs"]
mod cluster;
mod credentials;
mod distrust;
#[path = "../support/log.rs"]
mod fixture;
mod losses;
mod member;
mod order;
mod secrecy;
