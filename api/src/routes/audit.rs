//! The audit log: what proves that nobody has altered it.

pub mod checkpoint;
pub mod consistency;
pub mod inclusion;
pub mod leaves;
pub mod public_key;
pub mod verify;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scaivault_commands::audit_tree::{Asker, Leaf};
use scaivault_domain::{Owner, Role};
use serde::Serialize;

use crate::call::Call;
use crate::operation::{Operation, Parameter, Shape};

/// The operations of this group.
pub fn operations() -> [&'static Operation; 6] {
    [
        &checkpoint::CHECKPOINT,
        &public_key::PUBLIC_KEY,
        &inclusion::INCLUSION,
        &consistency::CONSISTENCY,
        &leaves::LEAVES,
        &verify::VERIFY,
    ]
}

/// A leaf as it is shown.
#[derive(Serialize)]
struct LeafShown {
    position: u64,
    leaf_hash: String,
    leaf_data: Option<String>,
}

impl From<&Leaf> for LeafShown {
    fn from(leaf: &Leaf) -> Self {
        let leaf_data = leaf.data.as_ref().map(|data| STANDARD.encode(data));
        Self { position: leaf.position, leaf_hash: STANDARD.encode(leaf.hash), leaf_data }
    }
}

/// Hashes as they are shown.
fn hashes(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

/// Whose records the caller may see: its own tenant's, or as super administrator all.
fn asker<'a>(call: &Call, own: &'a Owner) -> Asker<'a> {
    if call.caller.has_role(Role::SuperAdmin) { Asker::Everywhere } else { Asker::Of(own) }
}

/// A size or position in a query.
const fn number(name: &'static str, meaning: &'static str) -> Parameter {
    Parameter { name, shape: Shape::Integer(1, i64::MAX), meaning }
}

/// The value of such a parameter.
fn given(call: &mut Call, name: &str) -> Option<u64> {
    call.query.integer(name, (1, i64::MAX)).and_then(|number| u64::try_from(number).ok())
}

/// The value of one that must be there.
fn required(call: &mut Call, name: &str) -> u64 {
    if call.query.text(name).is_none() {
        call.query.faults.field(format!("query.{name}"), "is required");
    }
    given(call, name).unwrap_or_default()
}
