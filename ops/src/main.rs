//! The `scaivault` binary.

#[allow(dead_code, unused_imports)]
mod configuration;
#[allow(dead_code)]
mod listener;
#[allow(dead_code)]
mod signals;
#[allow(dead_code)]
mod telemetry;

fn main() {}
