//! Two servers of one installation: each serves what the other wrote, with NATS, without it, and
//! while it is away; schedulers run on one of them, and on the other once that one is gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "support/api.rs"]
mod api;
#[path = "../../eventstore/tests/support/broker.rs"]
mod broker;
#[path = "../../eventstore/tests/support/cluster.rs"]
mod cluster;
#[path = "nodes/erasures.rs"]
mod erasures;
#[path = "nodes/exchange.rs"]
mod exchange;
#[path = "nodes/issuers.rs"]
mod issuers;
#[path = "support/jwt.rs"]
mod jwt;
#[path = "nodes/leader.rs"]
mod leader;
#[path = "nodes/pair.rs"]
mod pair;
#[path = "support/server.rs"]
mod server;
#[path = "nodes/tenants.rs"]
mod tenants;
#[path = "nodes/trail.rs"]
mod trail;
#[path = "nodes/tree.rs"]
mod tree;
