//! Rows of rotation policies.

use scaivault_domain::Owner;
use scaivault_domain::rotation::RotationPolicyReference;
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::Decoder;
use crate::rotations::{HistoryRow, Rotations};

/// Writes all of them. Who is attached, and when something is to be done, follows from the secrets.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, set) in view.rotations.all() {
        to.row(Kind::RotationRevisions, owner, |to| to.number(set.revision().0))?;
        for (uid, end) in set.ended() {
            to.row(Kind::EndedRotationPolicies, owner, |to| json(to, &(uid, end)))?;
        }
        for (_, policy) in set.by_name(None) {
            to.row(Kind::RotationPolicies, owner, |to| json(to, policy.as_ref()))?;
        }
    }
    // Policies are there before what became of rotations under them.
    to.flush()?;
    for (owner, set) in view.rotations.all() {
        for (_, policy) in set.by_name(None) {
            let rows: Vec<&HistoryRow> = set.history(policy).collect();
            for row in rows.into_iter().rev() {
                to.row(Kind::RotationHistory, owner, |to| json(to, &(policy.reference(), row)))?;
            }
        }
    }
    Ok(())
}

/// Reads one row of an owner; `None` if it is malformed, or of another kind.
pub(super) fn read(kind: Kind, from: &mut Decoder<'_>, owner: &Owner, rotations: &mut Rotations) -> Option<()> {
    if kind == Kind::RotationPolicies {
        rotations.hold(owner, parsed(from)?);
    } else if kind == Kind::EndedRotationPolicies {
        let (uid, end) = parsed(from)?;
        rotations.hold_ended(owner, uid, end);
    } else if kind == Kind::RotationHistory {
        let (policy, row): (RotationPolicyReference, HistoryRow) = parsed(from)?;
        rotations.remember(owner, &policy, row);
    } else {
        rotations.restore_revision(owner, Revision(from.number()?));
    }
    Some(())
}
