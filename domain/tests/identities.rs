//! Stories of identities: what is recorded of them, whom an issuer's claims speak for, which of its tokens are
//! exchanged, how long tokens count, who gives roles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "identities/accounts.rs"]
mod accounts;
#[path = "identities/claims.rs"]
mod claims;
#[path = "identities/directory.rs"]
mod directory;
#[path = "identities/exchange.rs"]
mod exchange;
#[path = "identities/granting.rs"]
mod granting;
#[path = "identities/issuers.rs"]
mod issuers;
#[path = "identities/mapping.rs"]
mod mapping;
#[path = "identities/sample.rs"]
mod sample;
#[path = "identities/scaikey.rs"]
mod scaikey;
#[path = "identities/tokens.rs"]
mod tokens;
