//! Fresh ids.

use scaivault_domain::Timestamp;
use scaivault_eventstore::CommandId;
use scaivault_eventstore::sealing::secret_key::random_bytes;
use ulid::Ulid;

use crate::Failure;

/// A ULID of this moment.
pub fn ulid(now: Timestamp) -> Result<Ulid, Failure> {
    let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or_default();
    let random = u128::from_be_bytes(random_bytes::<16>()?);
    Ok(Ulid::from_parts(millis, random))
}

/// A fresh request id, `req_…`; also one per run of background work.
pub fn request_id(now: Timestamp) -> Result<String, Failure> {
    ulid(now).map(scaivault_domain::id::request_id)
}

/// The name of a new command.
pub fn command_id() -> Result<CommandId, Failure> {
    Ok(CommandId(random_bytes()?))
}
