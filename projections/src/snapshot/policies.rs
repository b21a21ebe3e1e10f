//! Rows of access policies. Bindings stand behind all policies.

use scaivault_domain::policy::{Binding, Content, Policy};
use scaivault_domain::{IdentityId, Owner, PolicyId};
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::{Decoder, Encoder};
use crate::policies::{HeldBinding, PolicySet};

/// Writes the policies.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, policies) in view.policies.all() {
        to.row(Kind::PolicyRevisions, owner, |to| to.number(policies.revision().0))?;
        for held in policies.newest_first() {
            let Policy { id, revision, content, created_at, updated_at } = held.policy.as_ref();
            to.row(Kind::Policies, owner, |to| {
                to.text(id.as_str());
                to.number(*revision);
                json(to, content);
                to.time(*created_at);
                to.time(*updated_at);
            })?;
        }
    }
    Ok(())
}

/// Writes their bindings.
pub(super) fn write_bindings<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(
    view: &View,
    to: &mut Sections<F>,
) -> Result<(), E> {
    for (owner, policies) in view.policies.all() {
        for held in policies.newest_first().flat_map(|policy| policy.bindings.values()) {
            to.row(Kind::Bindings, owner, |to: &mut Encoder| {
                json(to, &held.binding);
                to.time(held.created_at);
                to.text(held.created_by.as_str());
            })?;
        }
    }
    Ok(())
}

/// Reads one row.
type RowReader = fn(&mut Decoder<'_>, &mut PolicySet) -> Option<()>;

/// What reads one row of a kind into the policies of its owner, if the kind is one of these.
pub(super) fn reader(kind: Kind) -> Option<RowReader> {
    let readers: [(Kind, RowReader); 3] =
        [(Kind::PolicyRevisions, read_revision), (Kind::Policies, read_policy), (Kind::Bindings, read_binding)];
    readers.into_iter().find(|(of, _)| *of == kind).map(|(_, reader)| reader)
}

fn read_revision(from: &mut Decoder<'_>, policies: &mut PolicySet) -> Option<()> {
    policies.restore_revision(Revision(from.number()?));
    Some(())
}

fn read_policy(from: &mut Decoder<'_>, policies: &mut PolicySet) -> Option<()> {
    let id = PolicyId::parse(from.text()?)?;
    let revision = from.number()?;
    let content: Content = parsed(from)?;
    policies.hold(Policy { id, revision, content, created_at: from.time()?, updated_at: from.time()? });
    Some(())
}

fn read_binding(from: &mut Decoder<'_>, policies: &mut PolicySet) -> Option<()> {
    let binding: Binding = parsed(from)?;
    let created_at = from.time()?;
    let created_by = IdentityId::parse(from.text()?)?;
    policies.hold_binding(HeldBinding { binding, created_at, created_by });
    Some(())
}
