//! Rotation: policies, the secrets that are attached to them, and rotations by call and by the clock.

mod attached;
mod handover;
mod policy;
mod rotate;
mod scheduler;
mod trigger;

pub use trigger::{MOST_AT_ONCE, Target, Triggered};
