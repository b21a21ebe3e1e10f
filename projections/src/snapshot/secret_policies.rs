//! Rows of secret policies, and of those that are gone.

use scaivault_domain::Owner;
use scaivault_domain::secret_policy::{Content, PolicyUid, SecretPolicy, SecretPolicyId};
use scaivault_eventstore::Revision;

use super::installation::{json, parsed};
use super::section::{Kind, Sections};
use crate::View;
use crate::codec::Decoder;
use crate::secret_policies::SecretPolicySet;

/// Writes all of it.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(view: &View, to: &mut Sections<F>) -> Result<(), E> {
    for (owner, set) in view.secret_policies.all() {
        to.row(Kind::SecretPolicyRevisions, owner, |to| to.number(set.revision().0))?;
        for (_, policy) in set.by_name(None) {
            let SecretPolicy { id, uid, content, created_at, updated_at } = policy.as_ref();
            to.row(Kind::SecretPolicies, owner, |to| {
                to.text(id.as_str());
                json(to, uid);
                json(to, content);
                to.time(*created_at);
                to.time(*updated_at);
            })?;
        }
        for (uid, end) in set.ended() {
            to.row(Kind::EndedSecretPolicies, owner, |to| {
                json(to, &uid);
                to.time(end);
            })?;
        }
    }
    Ok(())
}

/// Reads one row of a kind.
pub(super) fn read(kind: Kind, from: &mut Decoder<'_>, policies: &mut SecretPolicySet) -> Option<()> {
    if kind == Kind::SecretPolicyRevisions {
        policies.restore_revision(Revision(from.number()?));
        return Some(());
    }
    if kind == Kind::EndedSecretPolicies {
        let uid: PolicyUid = parsed(from)?;
        policies.hold_ended(uid, from.time()?);
        return Some(());
    }
    let id = SecretPolicyId::parse(from.text()?)?;
    let uid: PolicyUid = parsed(from)?;
    let content: Content = parsed(from)?;
    policies.hold(SecretPolicy { id, uid, content, created_at: from.time()?, updated_at: from.time()? });
    Some(())
}
