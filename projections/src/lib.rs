//! Read models: plain structures folded from the log, in order, by one task.
//!
//! Holds ciphertext, never plaintext. Never appends. Can be thrown away and rebuilt at any time.

pub mod accesses;
pub mod audit;
pub mod bells;
mod codec;
pub mod decisions;
pub mod decode;
pub mod deliveries;
pub mod erasures;
pub mod events;
pub mod exports;
pub mod grants;
pub mod history;
pub mod installation;
pub mod issuers;
pub mod outboxes;
pub mod outcomes;
pub mod owners;
pub mod past;
pub mod people;
pub mod policies;
mod pool;
pub mod projector;
pub mod reading;
pub mod replay;
pub mod replays;
pub mod rotations;
pub mod secret_policies;
pub mod secrets;
pub mod snapshot;
pub mod subscriptions;
pub mod tokens;
pub mod values;
pub mod view;
pub mod webhooks;

pub use accesses::{Accesses, Consumer};
pub use events::EventReader;
pub use exports::{Exports, HeldExport};
pub use issuers::{IssuerSet, Issuers, Namesakes};
pub use outboxes::Outboxes;
pub use people::{HeldAccount, HeldUser, MadeKey, Member, People};
pub use policies::{HeldBinding, HeldPolicy, Policies, PolicySet};
pub use projector::{Frozen, Projections, ProjectorState};
pub use reading::{ReadError, Reader, Reading};
pub use rotations::{RotationSet, Rotations};
pub use secret_policies::{SecretPolicies, SecretPolicySet};
pub use secrets::{Catalogue, Held};
pub use subscriptions::{SubscriptionSet, Subscriptions};
pub use view::View;
pub use webhooks::{WebhookSet, Webhooks};
