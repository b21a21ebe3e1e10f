//! Everything readers see, at one position of the log. Cheap to clone: clones share structure.

use imbl::HashMap;
use scaivault_domain::secret::Facts;
use scaivault_domain::{Event, Owner, Recorded};
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
    /// Leaf hash of the record there: which log it is of.
    pub leaf: [u8; 32],
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

    /// The secrets of an owner, to be changed.
    pub(crate) fn secrets_mut(&mut self, owner: &Owner) -> &mut Catalogue {
        if !self.catalogues.contains_key(owner) {
            self.catalogues.insert(owner.clone(), Catalogue::default());
        }
        self.catalogues.get_mut(owner).unwrap_or(&mut self.nothing)
    }

    /// Applies one event; `has_value` says whether it came with an erasable part that still exists.
    pub(crate) fn fold(&mut self, owner: &Owner, recorded: Recorded, revision: Revision, has_value: bool) {
        let position = Position(recorded.position);
        let body = recorded.body;
        let at = body.at;
        match body.event {
            Event::Secret(path, event) => {
                let facts = Facts { position: position.0, at: body.at, actor: Some(body.actor) };
                self.secrets_mut(owner).fold(&path, &event, &facts, revision);
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
                self.outcomes.kept(key, HeldOutcome { kept, has_body: has_value, revision, position });
            }
        }
        self.outcomes.forget_before(at);
    }
}
