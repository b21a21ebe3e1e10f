//! Fresh ids.

use std::cell::RefCell;

use scaivault_domain::Timestamp;
use scaivault_eventstore::CommandId;
use scaivault_eventstore::sealing::secret_key::random_bytes;
use ulid::Ulid;

use crate::Failure;

/// Ids for which randomness is fetched at a time.
const POOLED: usize = 32;

thread_local! {
    static POOL: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
}

/// A ULID of this moment.
pub fn ulid(now: Timestamp) -> Result<Ulid, Failure> {
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or_default();
    Ok(Ulid::from_parts(millis, u128::from_be_bytes(random()?)))
}

/// A fresh request id, `req_…`; also one per run of background work.
pub fn request_id(now: Timestamp) -> Result<String, Failure> {
    ulid(now).map(scaivault_domain::id::request_id)
}

/// The name of a new command: a ULID too, because the log's index of commands grows at one end only if
/// names begin with the time.
pub fn command_id(now: Timestamp) -> Result<CommandId, Failure> {
    ulid(now).map(|id| CommandId(id.to_bytes()))
}

/// The random part of an id: unique, and no secret, so that the source may be asked for many at a time.
fn random() -> Result<[u8; 16], Failure> {
    POOL.with_borrow_mut(|pool| match pool.pop() {
        Some(random) => Ok(random),
        None => {
            let fresh: [u8; 16 * POOLED] = random_bytes()?;
            pool.extend(fresh.chunks_exact(16).filter_map(|chunk| <[u8; 16]>::try_from(chunk).ok()));
            pool.pop().ok_or_else(|| Failure::unavailable("randomness"))
        }
    })
}
