//! Recipes: what is accepted, what is made of it, and how evenly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

#[path = "recipes/changes.rs"]
mod changes;
#[path = "recipes/even.rs"]
mod even;
#[path = "recipes/laid_over.rs"]
mod laid_over;
#[path = "recipes/made.rs"]
mod made;
#[path = "recipes/sample.rs"]
mod sample;
#[path = "recipes/validation.rs"]
mod validation;
