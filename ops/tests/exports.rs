//! Audit exports by the executable: files on the server, objects in real stores, kills, and the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub, dead_code)]
#![allow(clippy::disallowed_methods, reason = "tests have their own environment, clock and tasks")]

#[path = "exports/cli.rs"]
mod cli;
#[path = "exports/content.rs"]
mod content;
#[path = "exports/emulator.rs"]
mod emulator;
#[path = "exports/files.rs"]
mod files;
#[path = "exports/interrupted.rs"]
mod interrupted;
#[path = "support/server.rs"]
mod process;
#[path = "exports/refused.rs"]
mod refused;
#[path = "api/server.rs"]
mod server;
#[path = "exports/stores.rs"]
mod stores;
