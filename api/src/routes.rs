//! Every operation of this build. One file per action; each file has its [`Operation`] and handler.

pub mod audit;
mod endpoint;
pub mod exchange;
pub mod exchange_rules;
pub mod health;
pub mod identity;
pub mod issuers;
pub mod policies;
pub mod rotation;
pub mod secret_policies;
pub mod secrets;
pub mod subscriptions;
pub mod system;
pub mod tokens;
pub mod webhooks;

use crate::operation::Operation;

/// All operations; `/v1/sys/clock` in development mode only.
pub fn operations(dev: bool) -> Vec<&'static Operation> {
    let mut operations: Vec<&'static Operation> = Vec::new();
    operations.extend(secrets::operations());
    operations.extend(tokens::operations());
    operations.extend(identity::operations());
    operations.extend(policies::operations());
    operations.extend(secret_policies::operations());
    operations.extend(rotation::operations());
    operations.extend(webhooks::operations());
    operations.extend(subscriptions::operations());
    operations.extend(issuers::operations());
    operations.extend(exchange_rules::operations());
    operations.extend(exchange::operations());
    operations.extend(audit::operations());
    operations.extend(health::operations());
    operations.extend(system::operations(dev));
    operations
}
