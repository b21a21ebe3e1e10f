//! Stories of access policies: what each condition means, how changes are decided, what a caller may,
//! what is kept of a decision.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "policies/callers.rs"]
mod callers;
#[path = "policies/changes.rs"]
mod changes;
#[path = "policies/conditions.rs"]
mod conditions;
#[path = "policies/recalled.rs"]
mod recalled;
#[path = "policies/sample.rs"]
mod sample;
#[path = "policies/windows.rs"]
mod windows;
