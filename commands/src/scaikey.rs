//! The registration with the identity provider.

use scaivault_domain::directory::IdentityEvent;
use scaivault_domain::scaikey::Registration;
use scaivault_domain::{Owner, Rejection};
use scaivault_projections::View;
use scaivault_projections::installation::HeldRegistration;
use zeroize::Zeroizing;

use crate::engine::Change;
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply};

impl Engine {
    /// Keeps a registration, with the secret that webhooks are signed with sealed into its record. `tell` is
    /// also given whether there was one of the same target; `permit` is asked about the one that is replaced.
    pub async fn register(
        &self,
        request: &ChangeRequest,
        registration: &Registration,
        webhook_secret: &Zeroizing<Vec<u8>>,
        permit: impl Fn(&View, &Registration) -> Result<(), Rejection>,
        tell: impl Fn(&HeldRegistration, bool) -> Result<Reply, serde_json::Error>,
    ) -> Result<Answer, Failure> {
        let owner = &Owner::Platform;
        let plan = |view: &View| {
            let now = self.now();
            let before = view.installation.registration();
            if let Some(before) = before {
                permit(view, &before.registration)?;
            }
            let again = before.is_some_and(|before| before.registration.has_target_of(registration));
            let held = HeldRegistration {
                registration: registration.clone(),
                registered_at: now,
                position: 0,
                last_event_at: None,
            };
            let event = IdentityEvent::Registered(registration.clone());
            let mut pending = self.identity_events(view, owner, &request.actor, vec![event])?;
            for record in &mut pending {
                record.value = Some(webhook_secret.clone());
            }
            // The secret of the one before opens nothing any more.
            let shred = before.map(|before| before.position).into_iter().collect();
            let change = Change { at: now, pending, shred };
            Ok(Plan::success(change, request.entry.clone(), tell(&held, again)?))
        };
        let stream = self.identity_stream(owner)?;
        self.race(request, stream, |view| view.installation.revision_of(owner), plan).await
    }
}
