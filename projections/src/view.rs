//! Everything readers see, at one position of the log. Cheap to clone: clones share structure.

mod identity;

use std::sync::Arc;

use imbl::HashMap;
use scaivault_domain::access::{Caller, Narrowing, Target};
use scaivault_domain::policy::Candidates;
use scaivault_domain::secret::event::Rotation;
use scaivault_domain::secret::{Facts, SecretEvent};
use scaivault_domain::token::Token;
use scaivault_domain::{Event, IdentityId, Owner, PartnerId, Recorded, Scopes, SecretPath, TenantId, Timestamp};
use scaivault_eventstore::merkle::frontier::Frontier;
use scaivault_eventstore::{Position, Revision};

use crate::erasures::Erasures;
use crate::exports::Exports;
use crate::installation::{Installation, Standing};
use crate::issuers::Issuers;
use crate::outcomes::{HeldOutcome, OutcomeKey, Outcomes};
use crate::past::scope::Scope;
use crate::policies::{Policies, PolicySet};
use crate::replays::Replays;
use crate::rotations::{HistoryRow, Outcome, Rotations};
use crate::secret_policies::SecretPolicies;
use crate::secrets::Catalogue;
use crate::subscriptions::Subscriptions;
use crate::tokens::{HeldToken, Tokens};
use crate::webhooks::Webhooks;

/// The read models after a position.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The last position that is in it.
    pub applied: Position,
    /// Leaf hash of the record there: which log it is of.
    pub leaf: [u8; 32],
    /// The Merkle tree of the records up to there.
    pub tree: Frontier,
    /// Partners, tenants, users.
    pub installation: Installation,
    /// Tokens.
    pub tokens: Tokens,
    /// Access policies.
    pub policies: Policies,
    /// Replays of decisions.
    pub replays: Replays,
    /// Rotation policies, and who is attached to them.
    pub rotations: Rotations,
    /// Trusted issuers and rules of exchange.
    pub issuers: Issuers,
    /// Audit exports.
    pub exports: Exports,
    /// Secret policies.
    pub secret_policies: SecretPolicies,
    /// Webhooks.
    pub webhooks: Webhooks,
    /// Subscriptions.
    pub subscriptions: Subscriptions,
    /// Outcomes kept for repetitions.
    pub outcomes: Outcomes,
    /// Audit entries that were erased.
    pub erasures: Erasures,
    catalogues: HashMap<Owner, Catalogue>,
    nothing: Catalogue,
}

impl View {
    /// The secrets of an owner.
    pub fn secrets(&self, owner: &Owner) -> &Catalogue {
        self.catalogues.get(owner).unwrap_or(&self.nothing)
    }

    /// The policies that count for a caller at `target`: those bound to it or its groups in its own
    /// tenant, and those of its partner. In another's tenant none does, whoever has its name there.
    pub fn candidates(&self, caller: &Caller, target: &Target) -> Candidates {
        if !caller.is_at_home(target) {
            return Candidates::default();
        }
        self.candidates_of(
            &target.owner,
            target.partner.as_ref(),
            std::iter::once(&caller.identity).chain(&caller.groups),
        )
    }

    /// The policies that count in a tenant for an identity and its groups.
    pub fn candidates_of<'a>(
        &self,
        tenant: &Owner,
        partner: Option<&PartnerId>,
        identities: impl Iterator<Item = &'a IdentityId> + Clone,
    ) -> Candidates {
        let of_tenant = self.policies.of(tenant);
        let of_partner = partner.map(|partner| self.policies.of(&Owner::Partner(partner.clone())));
        PolicySet::candidates(std::iter::once(of_tenant).chain(of_partner), identities)
    }

    /// An identity as its records make it, without a token: a caller at home in the tenant acted upon, unless the
    /// partner's records have it in another tenant alone.
    pub fn caller_of_record(&self, target: &Target, identity: &IdentityId) -> Caller {
        let standing = self.installation.standing(target.owner.tenant(), identity);
        self.caller_standing(target, identity, standing)
    }

    /// The same, where it is known how the identity stands in the tenant acted upon.
    pub(crate) fn caller_standing(&self, target: &Target, identity: &IdentityId, standing: Standing) -> Caller {
        let here = target.owner.tenant();
        Caller {
            identity: identity.clone(),
            display_name: identity.shared(),
            tenant: here.and_then(|here| self.elsewhere(here, identity)).or(here).cloned(),
            partner: target.partner.clone(),
            scopes: Scopes::default(),
            roles: standing.roles,
            groups: standing.groups,
            token: None,
            jwt: None,
            token_expires_at: None,
            mfa_verified_at: None,
            narrowing: Narrowing::default(),
        }
    }

    /// The tenant in which an identity is, if it is in another one of the same partner and has nothing to act with here.
    fn elsewhere<'a>(&'a self, here: &'a TenantId, identity: &IdentityId) -> Option<&'a TenantId> {
        let of_here = |held: &Arc<HeldToken>| held.token.record.tenant_id.as_ref() == Some(here);
        if self.installation.people(here).has_met(identity) || self.tokens.of(identity).any(of_here) {
            return None;
        }
        self.installation.sisters(here).find(|tenant| self.installation.people(tenant).is_somebody(identity))
    }

    /// Whether a token was revoked: itself, one it was made with, or through its rule of exchange.
    pub fn is_token_revoked(&self, token: &Token) -> bool {
        self.tokens.lineage(token).any(|token| token.revoked_at.is_some() || !self.issuers.vouch_for(token))
    }

    /// When a token was revoked, itself or with one that it was made with.
    pub fn revoked_at(&self, token: &Token) -> Option<Timestamp> {
        self.tokens.lineage(token).filter_map(|token| token.revoked_at).min()
    }

    /// All catalogues.
    pub fn catalogues(&self) -> impl Iterator<Item = (&Owner, &Catalogue)> {
        self.catalogues.iter()
    }

    /// Lets go of most of what is not in the scope, to make room.
    pub(crate) fn narrow_to(&mut self, scope: &Scope) {
        self.catalogues.retain(|owner, _| scope.has_all_of(owner));
        self.policies.retain(|owner| scope.has_all_of(owner));
        self.secret_policies.retain(|owner| scope.has_all_of(owner));
        self.rotations.retain(|owner| scope.has_all_of(owner));
        self.webhooks.retain(|owner| scope.has_all_of(owner));
        self.subscriptions.retain(|owner| scope.has_all_of(owner));
        self.outcomes = Outcomes::default();
    }

    /// The secrets of an owner, to be changed.
    pub(crate) fn secrets_mut(&mut self, owner: &Owner) -> &mut Catalogue {
        if !self.catalogues.contains_key(owner) {
            self.catalogues.insert(owner.clone(), Catalogue::default());
        }
        self.catalogues.get_mut(owner).unwrap_or(&mut self.nothing)
    }

    /// Draws what follows of rotations from the secrets, once all of them are there.
    pub(crate) fn draw_rotations(&mut self) {
        self.rotations.draw_all(self.catalogues.iter());
    }

    /// Applies one event; `has_value` says whether it came with an erasable part that still exists.
    pub(crate) fn fold(&mut self, owner: &Owner, recorded: Recorded, revision: Revision, has_value: bool) {
        let position = Position(recorded.position);
        let body = recorded.body;
        let at = body.at;
        match body.event {
            Event::Secret(path, event) => {
                let facts = Facts { position: position.0, at: body.at, actor: Some(body.actor) };
                self.fold_secret(owner, &path, &event, &facts, revision);
            }
            Event::Policy(event) => self.policies.of_mut(owner).fold(event, body.at, &body.actor, revision),
            Event::Identity(event) => {
                self.fold_identity(owner, event, (body.at, &body.actor), position.0, revision);
            }
            Event::RotationPolicy(event) => {
                let catalogue = self.catalogues.get(owner).unwrap_or(&self.nothing);
                self.rotations.fold(owner, catalogue, event, body.at, revision);
            }
            Event::Replay(event) => {
                self.replays.fold(owner, event, (body.at, &body.actor), position.0, revision);
            }
            Event::Issuer(event) => self.issuers.fold(owner, event, body.at, revision),
            Event::Export(event) => self.exports.fold(owner, event, (body.at, &body.actor), revision),
            Event::SecretPolicy(event) => self.secret_policies.of_mut(owner).fold(event, body.at, revision),
            Event::Webhook(event) => {
                let place = (position.0, has_value);
                self.webhooks.of_mut(owner).fold(event, (body.at, &body.actor), place, revision);
            }
            Event::Subscription(event) => {
                self.subscriptions.of_mut(owner).fold(event, body.at, (position.0, has_value), revision);
            }
            // What it changes lies beside the view.
            Event::Delivery(_) => {}
            Event::TokenCreated(token) => {
                self.issuers.token_created(owner, &token, body.at);
                let is_late = token.made_with_jwt.as_deref().is_some_and(|jwt| self.issuers.is_revoked(jwt));
                let ended_at = (is_late || self.is_orphan(&token)).then_some(body.at);
                self.tokens.created(token, body.at, ended_at, revision);
            }
            Event::TokenRevoked(token) => self.tokens.revoked(&token.id, body.at, revision),
            Event::JwtRevoked(revoked) => {
                self.tokens.end_those_made_with(&revoked.hash, body.at);
                self.issuers.jwt_revoked(revoked);
            }
            Event::PartnerCreated(partner) => self.installation.partner_created(partner),
            Event::TenantCreated(tenant) => self.installation.tenant_created(tenant, body.at),
            Event::UserCreated(user) => self.installation.user_created(user),
            Event::ClockMoved(moved) => self.installation.clock_moved(moved.offset_micros, revision),
            Event::OutcomeKept(kept) => {
                let key = OutcomeKey {
                    owner: owner.clone(),
                    identity: kept.identity.clone(),
                    key_sha256: kept.key_sha256.as_str().into(),
                };
                self.outcomes.kept(key, HeldOutcome { kept, has_body: has_value, revision, position });
            }
            Event::AuditErased(erased) => self.erasures.ordered(owner, Position(erased.up_to), revision),
        }
        self.outcomes.forget_before(at);
        self.replays.forget_before(at);
        self.issuers.forget_before(at);
        self.tokens.forget_before(at);
    }

    fn fold_secret(
        &mut self,
        owner: &Owner,
        path: &SecretPath,
        event: &SecretEvent,
        facts: &Facts,
        revision: Revision,
    ) {
        let before = self.secrets(owner).held(path.as_str()).cloned();
        self.secrets_mut(owner).fold(path, event, facts, revision);
        // The path is shared with the secret, if it is still there.
        let shared = || before.as_ref().map_or_else(|| path.clone(), |held| held.secret.path.clone());
        let row = |outcome| HistoryRow { position: facts.position, at: facts.at, outcome, path: shared() };
        if let SecretEvent::VersionAdded { rotation: Some(Rotation { under: Some(under), .. }), .. } = event {
            self.rotations.remember(owner, &under.policy.reference, row(Outcome::Success));
        }
        if let SecretEvent::RotationFailed(failed) = event {
            self.rotations.remember(owner, &failed.policy.reference, row(Outcome::Failed));
        }
        let catalogue = self.catalogues.get(owner).unwrap_or(&self.nothing);
        self.rotations.secret_changed(owner, catalogue, path, before.as_ref());
    }
}
