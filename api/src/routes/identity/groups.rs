//! Groups and who is in them.

pub mod list;
pub mod list_members;

use crate::operation::Operation;

/// The operations of this group.
pub fn operations() -> [&'static Operation; 2] {
    [&list::LIST, &list_members::LIST_MEMBERS]
}
