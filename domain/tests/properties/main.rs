//! What holds for every history and every text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod codec;
mod exports;
mod history;
mod identities;
mod issuers;
mod patterns;
mod policies;
mod published;
mod replays;
mod rotations;
#[path = "../support/story.rs"]
mod story;
mod text;
#[path = "../support/vocabulary.rs"]
mod vocabulary;
