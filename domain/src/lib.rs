//! What ScaiVault is about, without anything outside: values, aggregates with pure `decide` and
//! `evolve`, stored events, the access model and the error codes.
//!
//! Knows no runtime, database, network, clock, randomness or environment. Time, ids and random
//! values come in through [`Context`].

pub mod access;
pub mod address;
pub mod audit;
pub mod context;
pub mod delivery;
pub mod directory;
pub mod duration;
pub mod endpoint;
pub mod event;
pub mod exchange;
pub mod export;
pub mod granting;
pub mod home;
pub mod id;
pub mod idempotency;
pub mod identity;
pub mod installation;
pub mod issuer;
pub mod owner;
pub mod path;
pub mod pattern;
pub mod policy;
pub mod publication;
pub mod rejection;
pub mod rotation;
pub mod scaikey;
pub mod scope;
pub mod secret;
pub mod secret_policy;
pub mod service_account;
pub mod slug;
pub mod subscription;
pub mod tenant;
pub mod timestamp;
pub mod token;
pub mod webhook;

pub use context::Context;
pub use duration::DurationText;
pub use event::{Event, EventBody, Recorded};
pub use id::{PartnerId, PolicyId, TenantId, TokenId};
pub use identity::{IdentityId, IdentityType, Role};
pub use owner::Owner;
pub use path::SecretPath;
pub use pattern::Pattern;
pub use rejection::{ErrorCode, Rejection};
pub use scope::{Scope, Scopes};
pub use timestamp::Timestamp;
