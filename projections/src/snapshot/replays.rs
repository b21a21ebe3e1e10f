//! Rows of replays.

use scaivault_domain::Owner;
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::Decoder;
use crate::replays::Replays;

/// Writes all of them.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, set) in view.replays.all() {
        to.row(Kind::ReplayRevisions, owner, |to| to.number(set.revision().0))?;
        for held in set.all() {
            to.row(Kind::Replays, owner, |to| json(to, held.as_ref()))?;
        }
    }
    Ok(())
}

/// Reads one row of an owner; `None` if it is malformed, or of another kind.
pub(super) fn read(kind: Kind, from: &mut Decoder<'_>, owner: &Owner, replays: &mut Replays) -> Option<()> {
    match kind == Kind::Replays {
        true => replays.hold(owner, parsed(from)?),
        false => replays.restore_revision(owner, Revision(from.number()?)),
    }
    Some(())
}
