//! The API as a client meets it: the real server in development mode.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod audit;
mod audit_cli;
mod audit_replay;
mod authorisation;
mod bad_input;
mod description;
mod enforcement;
mod failures;
mod isolation;
mod logs;
mod matrix;
mod narrowing;
mod policies;
mod policy_replay;
#[path = "../support/server.rs"]
#[allow(dead_code)]
mod process;
mod rotation;
mod rotation_cli;
mod secret_policies;
mod server;
mod subscriptions;
mod tamper_evidence;
mod tenants;
mod webhooks;
