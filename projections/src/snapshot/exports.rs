//! Rows of audit exports.

use scaivault_domain::Owner;
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::Decoder;
use crate::exports::{Exports, HeldExport};

/// Writes all of it.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, held) in view.exports.all() {
        to.row(Kind::Exports, owner, |to| {
            json(to, &held.export);
            to.number(held.revision.0);
        })?;
    }
    Ok(())
}

/// Reads one row of an owner.
pub(super) fn read(from: &mut Decoder<'_>, owner: &Owner, exports: &mut Exports) -> Option<()> {
    let export = parsed(from)?;
    exports.hold(owner, HeldExport { export, revision: Revision(from.number()?) });
    Some(())
}
