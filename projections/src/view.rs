//! Everything readers see, at one position of the log. Cheap to clone: clones share structure.

use imbl::HashMap;
use scaivault_domain::secret::Facts;
use scaivault_domain::{Event, Owner, Recorded};
use scaivault_eventstore::sealing::SealedValue;
use scaivault_eventstore::{Position, Revision};

use crate::installation::Installation;
use crate::outcomes::{HeldOutcome, OutcomeKey, Outcomes};
use crate::secrets::Catalogue;
use crate::tokens::Tokens;

/// The read models after a position.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// The last position that is in it.
    pub applied: Position,
    /// Partners, tenants, users.
    pub installation: Installation,
    /// Tokens.
    pub tokens: Tokens,
    /// Outcomes kept for repetitions.
    pub outcomes: Outcomes,
    catalogues: HashMap<Owner, Catalogue>,
    nothing: Catalogue,
}

impl View {
    /// The secrets of an owner.
    pub fn secrets(&self, owner: &Owner) -> &Catalogue {
        self.catalogues.get(owner).unwrap_or(&self.nothing)
    }

    /// All catalogues.
    pub fn catalogues(&self) -> impl Iterator<Item = (&Owner, &Catalogue)> {
        self.catalogues.iter()
    }

    /// Applies one event.
    pub(crate) fn fold(&mut self, owner: &Owner, recorded: Recorded, revision: Revision, value: Option<SealedValue>) {
        let position = Position(recorded.position);
        let body = recorded.body;
        let at = body.at;
        match body.event {
            Event::Secret(path, event) => {
                let facts = Facts { position: position.0, at: body.at, actor: Some(body.actor) };
                if !self.catalogues.contains_key(owner) {
                    self.catalogues.insert(owner.clone(), Catalogue::default());
                }
                if let Some(catalogue) = self.catalogues.get_mut(owner) {
                    catalogue.fold(&path, &event, &facts, revision, value);
                }
            }
            Event::TokenCreated(token) => self.tokens.created(token, body.at, revision),
            Event::TokenRevoked(token) => self.tokens.revoked(&token.id, body.at, revision),
            Event::PartnerCreated(partner) => self.installation.partner_created(partner),
            Event::TenantCreated(tenant) => self.installation.tenant_created(tenant),
            Event::UserCreated(user) => self.installation.user_created(user),
            Event::ClockMoved(moved) => self.installation.clock_moved(moved.offset_micros, revision),
            Event::OutcomeKept(kept) => {
                let key = OutcomeKey {
                    owner: owner.clone(),
                    identity: kept.identity.clone(),
                    key_sha256: kept.key_sha256.as_str().into(),
                };
                self.outcomes.kept(key, HeldOutcome { kept, body: value, revision, position });
            }
        }
        self.outcomes.forget_before(at);
        self.applied = position;
    }
}
