//! JWTs revoked before their end.

use scaivault_domain::token::JwtRevoked;
use scaivault_domain::{Event, Owner};
use scaivault_eventstore::Revision;
use scaivault_projections::View;

use crate::engine::{Change, Pending};
use crate::race::Plan;
use crate::{Answer, ChangeRequest, Engine, Failure, Reply};

impl Engine {
    /// Revokes a JWT of an identity of `owner`. Revoking it again changes nothing.
    pub async fn revoke_jwt(
        &self,
        request: &ChangeRequest,
        owner: &Owner,
        revoked: &JwtRevoked,
        reply: Reply,
    ) -> Result<Answer, Failure> {
        let stream = self.stream(owner, "jwt", &revoked.hash)?;
        let revision = |view: &View| match view.issuers.is_revoked(&revoked.hash) {
            true => Revision::NONE.next(),
            false => Revision::NONE,
        };
        let plan = |view: &View| {
            let pending = Pending {
                owner: owner.clone(),
                stream,
                revision: Revision::NONE.next(),
                actor: request.actor.clone(),
                event: Event::JwtRevoked(revoked.clone()),
                value: None,
            };
            let pending = if view.issuers.is_revoked(&revoked.hash) { Vec::new() } else { vec![pending] };
            Ok(Plan::success(Change::of(self.now(), pending), request.entry.clone(), reply.clone()))
        };
        self.race(request, stream, revision, plan).await
    }
}
