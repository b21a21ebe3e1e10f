//! Sealing as a whole: keys, records and audit entries in a real store, and what becomes of them
//! when somebody meddles with it.
// A task of a test ends with its runtime.
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod access;
mod altered_keys;
mod altered_records;
mod destroyed;
mod exchanged;
mod fixture;
mod keyring;
mod records;
mod root;
mod tree;
