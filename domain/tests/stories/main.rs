//! Stories of a secret, one for each rule and each refusal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod condition;
mod delete;
mod delete_version;
mod due;
mod expiry;
mod keeping;
mod read;
mod restore;
mod rotate;
#[path = "../support/story.rs"]
mod story;
mod update;
#[path = "../support/vocabulary.rs"]
mod vocabulary;
mod write;
