//! Subscriptions: made, changed, ended, and what their owners say of the events that came.

pub mod permission;
