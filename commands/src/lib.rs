//! What changes things: load → decide → append → retry, and the processes that work by themselves.
//!
//! Knows no HTTP and no SQL. Everything outside stands behind a port.

pub mod audit;
pub mod audit_tree;
pub mod bootstrap;
pub mod clock;
pub mod deferral;
pub mod delivery;
pub mod endpoint;
pub mod engine;
pub mod exchange;
pub mod export;
pub mod exporter;
pub mod failure;
pub mod fetch;
mod forge;
pub mod generation;
pub mod hook;
pub mod idempotency;
pub mod identity;
pub mod ids;
pub mod issuer;
pub mod jwt;
pub mod measures;
pub mod mirror;
pub mod policy;
pub mod policy_replay;
pub mod provider;
mod race;
pub mod reply;
pub mod request;
mod retention;
pub mod rotation;
pub mod scaikey;
pub mod secret;
pub mod secret_policy;
pub mod service_account;
pub mod service_account_key;
pub mod shredding;
pub mod subscription;
pub mod sweeper;
pub mod sync;
pub mod tenancy;
pub mod token;
pub mod token_value;
mod turns;
pub mod user;
pub mod webhook;

pub use audit::EntryDraft;
pub use audit_tree::AuditTree;
pub use clock::Clock;
pub use engine::Engine;
pub use failure::Failure;
pub use reply::{Answer, Reply};
pub use request::ChangeRequest;
/// An audit entry with its outcome, ready for the log.
pub use scaivault_eventstore::log::Entry as FinishedEntry;
