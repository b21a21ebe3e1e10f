//! Sections of a snapshot: rows of one kind and one owner, sealed under that owner's key.

use std::collections::BTreeMap;

use scaivault_domain::Owner;

use crate::codec::Encoder;

/// Bytes of rows after which a section is closed.
const LENGTH: usize = 1024 * 1024;

/// What the rows of a section are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Partners, tenants, who there is in them.
    Identities,
    /// The development clock.
    Clock,
    /// Tokens.
    Tokens,
    /// Kept outcomes.
    Outcomes,
    /// Revisions of outcomes that are kept no more.
    DroppedOutcomes,
    /// Outcomes whose keys are to be destroyed.
    Shreds,
    /// Secrets, by path.
    Secrets,
    /// Revisions of paths without a secret.
    Vacated,
    /// Reads of secrets.
    Reads,
    /// Last uses of tokens.
    TokenUses,
    /// Access policies.
    Policies,
    /// Their bindings.
    Bindings,
    /// Revisions of the streams of policy events.
    PolicyRevisions,
    /// Trusted issuers.
    Issuers,
    /// Rules of exchange.
    ExchangeRules,
    /// Revisions of the streams of both.
    IssuerRevisions,
    /// JWTs revoked before their end.
    RevokedJwts,
    /// Up to where audit entries were erased.
    Erasures,
    /// The tree over the log.
    Tree,
    /// Replays of decisions.
    Replays,
    /// Revisions of their streams.
    ReplayRevisions,
    /// Audit exports.
    Exports,
    /// Rotation policies.
    RotationPolicies,
    /// Rotation policies that are gone.
    EndedRotationPolicies,
    /// What became of rotations under them.
    RotationHistory,
    /// Revisions of the streams of their events.
    RotationRevisions,
    /// Secret policies.
    SecretPolicies,
    /// Secret policies that are gone.
    EndedSecretPolicies,
    /// Revisions of the streams of both.
    SecretPolicyRevisions,
    /// Webhooks.
    Webhooks,
    /// Revisions of the streams of their events.
    WebhookRevisions,
    /// Subscriptions.
    Subscriptions,
    /// Revisions of the streams of theirs.
    SubscriptionRevisions,
    /// How pushing to a recipient has been doing.
    Outboxes,
    /// What waits to be pushed.
    Waiting,
    /// What waits to be polled.
    Buffers,
}

impl Kind {
    const ALL: [Self; 36] = [
        Self::Identities,
        Self::Clock,
        Self::Tokens,
        Self::Outcomes,
        Self::DroppedOutcomes,
        Self::Shreds,
        Self::Secrets,
        Self::Vacated,
        Self::Reads,
        Self::TokenUses,
        Self::Policies,
        Self::Bindings,
        Self::PolicyRevisions,
        Self::Issuers,
        Self::ExchangeRules,
        Self::IssuerRevisions,
        Self::RevokedJwts,
        Self::Erasures,
        Self::Tree,
        Self::Replays,
        Self::ReplayRevisions,
        Self::Exports,
        Self::RotationPolicies,
        Self::EndedRotationPolicies,
        Self::RotationHistory,
        Self::RotationRevisions,
        Self::SecretPolicies,
        Self::EndedSecretPolicies,
        Self::SecretPolicyRevisions,
        Self::Webhooks,
        Self::WebhookRevisions,
        Self::Subscriptions,
        Self::SubscriptionRevisions,
        Self::Outboxes,
        Self::Waiting,
        Self::Buffers,
    ];

    /// As in the file.
    pub(super) fn number(self) -> u64 {
        self as u64
    }

    pub(super) fn of(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// Collects rows, and hands sections on as they fill.
pub(super) struct Sections<F> {
    open: BTreeMap<(Kind, Owner), Encoder>,
    close: F,
}

impl<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>> Sections<F> {
    pub(super) fn new(close: F) -> Self {
        Self { open: BTreeMap::new(), close }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, kind: Kind, owner: &Owner, write: impl FnOnce(&mut Encoder)) -> Result<(), E> {
        let key = (kind, owner.clone());
        let section = self.open.entry(key.clone()).or_insert_with(|| started(kind));
        write(section);
        if section.bytes.len() >= LENGTH
            && let Some(section) = self.open.remove(&key)
        {
            (self.close)(owner, &section.bytes)?;
        }
        Ok(())
    }

    /// Hands on what is left.
    pub(super) fn flush(&mut self) -> Result<(), E> {
        for ((_, owner), section) in std::mem::take(&mut self.open) {
            (self.close)(&owner, &section.bytes)?;
        }
        Ok(())
    }
}

fn started(kind: Kind) -> Encoder {
    let mut section = Encoder::default();
    section.number(kind.number());
    section
}
