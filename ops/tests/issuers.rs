//! Trusted issuers as their users meet them: a real server, and a real issuer whose keys come and go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own clock and tasks")]

#[path = "issuers/attacks.rs"]
mod attacks;
#[path = "issuers/claims.rs"]
mod claims;
#[path = "issuers/command_line.rs"]
mod command_line;
#[path = "issuers/exchange.rs"]
mod exchange;
#[path = "issuers/issuer.rs"]
mod issuer;
#[path = "support/jwt.rs"]
mod jwt;
#[path = "issuers/keys.rs"]
mod keys;
#[path = "issuers/namesakes.rs"]
mod namesakes;
#[path = "issuers/records.rs"]
mod records;
#[path = "issuers/revocation.rs"]
mod revocation;
#[path = "issuers/scaikey.rs"]
mod scaikey;

#[path = "support/server.rs"]
mod process;
#[path = "api/server.rs"]
mod server;
