//! Fills a server over its API, as a client would.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::generator::Generator;
use crate::requests::Client;

/// How often progress is shown.
const SHOW_INTERVAL: Duration = Duration::from_secs(1);

/// Writes every secret once. Returns the rate, in writes a second.
pub(crate) fn seed(client: &Client, connections: u16) -> Result<f64, Failure> {
    let count = client.dataset.count;
    let begun = Instant::now();
    let mut shown_at = begun;
    let mut generator = Generator::open(client.address, connections)?;
    let outcome = generator.run(&mut client.seeding(), Duration::MAX, |written| {
        if shown_at.elapsed() >= SHOW_INTERVAL {
            shown_at = Instant::now();
            let rate = written as f64 / begun.elapsed().as_secs_f64();
            let left = (count - written) as f64 / rate.max(1.0);
            eprint!("\r  {written} of {count} secrets, {rate:.0}/s, {left:.0} s left   ");
        }
    })?;
    eprintln!("\r  {} of {count} secrets, {:.0}/s                 ", outcome.latency.total(), outcome.rate());
    if !outcome.is_valid() || outcome.latency.total() != count {
        return Err(Failure::Unusable(format!("the store cannot be filled: {:?}", outcome.errors)));
    }
    Ok(outcome.rate())
}
