//! Rotation: when secrets are due, and what is told and done about it over years.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]
#![allow(clippy::wildcard_enum_match_arm, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

#[path = "rotations/sample.rs"]
mod sample;
#[path = "rotations/schedule.rs"]
mod schedule;
#[path = "rotations/years.rs"]
mod years;
