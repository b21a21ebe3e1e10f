//! Rows of what there is little of: the clock, the tree, tokens, kept outcomes. As JSON, like events, where they
//! are events.

use std::sync::Arc;

use scaivault_domain::Owner;
use scaivault_domain::idempotency::OutcomeKept;
use scaivault_domain::token::{Token, TokenCreated};
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::{Position, Revision};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::section::{Kind, Sections};
use crate::View;
use crate::codec::{Decoder, Encoder};
use crate::erasures::Erasure;
use crate::outcomes::{HeldOutcome, OutcomeKey};
use crate::projector::Frozen;
use crate::tokens::HeldToken;

/// Writes all of it.
pub(super) fn write<E, F: FnMut(&Owner, &[u8]) -> Result<(), E>>(
    frozen: &Frozen,
    to: &mut Sections<F>,
) -> Result<(), E> {
    let View { installation, tokens, outcomes, .. } = &frozen.view;
    let platform = &Owner::Platform;
    to.row(Kind::Clock, platform, |to| {
        to.signed(installation.clock_offset_micros());
        to.number(installation.clock_revision().0);
    })?;
    let tree = &frozen.view.tree;
    to.row(Kind::Tree, platform, |to| {
        to.number(tree.size());
        tree.subtrees().iter().for_each(|hash| to.hash(hash));
    })?;
    for HeldToken { token, revision } in tokens.all().map(Arc::as_ref) {
        let record = &token.record;
        let owner = Owner::of(record.tenant_id.as_ref(), record.partner_id.as_ref());
        to.row(Kind::Tokens, &owner, |to| {
            json(to, record);
            to.time(token.created_at);
            to.option(token.revoked_at, Encoder::time);
            to.number(revision.0);
        })?;
    }
    for (key, held) in outcomes.all() {
        to.row(Kind::Outcomes, &key.owner, |to| {
            json(to, &held.kept);
            to.flag(held.has_body);
            to.number(held.revision.0);
            to.number(held.position.0);
        })?;
    }
    for (key, revision) in outcomes.dropped() {
        to.row(Kind::DroppedOutcomes, &key.owner, |to| {
            json(to, &key.identity);
            to.text(&key.key_sha256);
            to.number(revision.0);
        })?;
    }
    for (end, position) in outcomes.to_shred() {
        to.row(Kind::Shreds, platform, |to| {
            to.time(end);
            to.number(position.0);
        })?;
    }
    for (owner, erasure) in frozen.view.erasures.all() {
        to.row(Kind::Erasures, owner, |to| {
            to.number(erasure.ordered.0);
            to.number(erasure.found.0);
            to.number(erasure.revision.0);
        })?;
    }
    for (token, at) in frozen.accesses.token_uses() {
        to.row(Kind::TokenUses, platform, |to| {
            to.text(token);
            to.time(at);
        })?;
    }
    Ok(())
}

/// Reads one row of `owner`.
pub(super) fn read(kind: Kind, owner: &Owner, from: &mut Decoder<'_>, frozen: &mut Frozen) -> Option<()> {
    let Frozen { view, accesses, .. } = frozen;
    match kind {
        Kind::Clock => view.installation.clock_moved(from.signed()?, Revision(from.number()?)),
        Kind::Tree => {
            let size = from.number()?;
            let subtrees = (0..size.count_ones()).map(|_| from.hash()).collect::<Option<_>>()?;
            view.tree = Frontier::of(size, subtrees)?;
        }
        Kind::Tokens => {
            let record: TokenCreated = parsed(from)?;
            let token = Token { record, created_at: from.time()?, revoked_at: from.option(Decoder::time)? };
            view.tokens.hold(HeldToken { token, revision: Revision(from.number()?) });
        }
        Kind::Outcomes => {
            let kept: OutcomeKept = parsed(from)?;
            let key = OutcomeKey {
                owner: owner.clone(),
                identity: kept.identity.clone(),
                key_sha256: kept.key_sha256.as_str().into(),
            };
            let has_body = from.flag()?;
            let (revision, position) = (Revision(from.number()?), Position(from.number()?));
            view.outcomes.kept(key, HeldOutcome { kept, has_body, revision, position });
        }
        Kind::DroppedOutcomes => {
            let key = OutcomeKey { owner: owner.clone(), identity: parsed(from)?, key_sha256: from.text()?.into() };
            view.outcomes.drop_at(key, Revision(from.number()?));
        }
        Kind::Shreds => view.outcomes.shred_at(from.time()?, Position(from.number()?)),
        Kind::Erasures => {
            let (ordered, found) = (Position(from.number()?), Position(from.number()?));
            view.erasures.restore(owner, Erasure { ordered, found, revision: Revision(from.number()?) });
        }
        Kind::TokenUses => accesses.restore_token(from.text()?.into(), from.time()?),
        Kind::Identities
        | Kind::Secrets
        | Kind::Vacated
        | Kind::Reads
        | Kind::Policies
        | Kind::Bindings
        | Kind::PolicyRevisions
        | Kind::Issuers
        | Kind::ExchangeRules
        | Kind::IssuerRevisions
        | Kind::RevokedJwts
        | Kind::Replays
        | Kind::ReplayRevisions
        | Kind::Exports
        | Kind::RotationPolicies
        | Kind::EndedRotationPolicies
        | Kind::RotationHistory
        | Kind::RotationRevisions
        | Kind::SecretPolicies
        | Kind::EndedSecretPolicies
        | Kind::SecretPolicyRevisions
        | Kind::Webhooks
        | Kind::WebhookRevisions
        | Kind::Subscriptions
        | Kind::SubscriptionRevisions
        | Kind::Outboxes
        | Kind::Waiting
        | Kind::Buffers => return None,
    }
    Some(())
}

pub(super) fn json(to: &mut Encoder, value: &impl Serialize) {
    // Structs of texts, numbers and lists always serialise.
    to.text(&serde_json::to_string(value).unwrap_or_default());
}

pub(super) fn parsed<T: DeserializeOwned>(from: &mut Decoder<'_>) -> Option<T> {
    serde_json::from_str(from.text()?).ok()
}
