//! What a pushed subscription is signed with from a change on.

use scaivault_domain::endpoint::Endpoint;

use crate::endpoint::{EndpointSecrets, Secret};
use crate::{Engine, Failure};

/// What is to be signed with from now on, as far as that is said.
#[derive(Debug, Default)]
pub struct Signing {
    /// Another secret, and for how many seconds the one before counts, too.
    pub secret: Option<(Secret, i64)>,
    /// Whether with a key pair as well.
    pub ed25519: Option<bool>,
}

impl Engine {
    /// What an endpoint signs with from now on, whose secrets lie at a position; `None` if that stays as it is.
    pub(super) async fn resigned(
        &self,
        (endpoint, secrets_at): (&Endpoint, u64),
        signing: &Signing,
    ) -> Result<Option<EndpointSecrets>, Failure> {
        let pair = signing.ed25519.filter(|wanted| *wanted != endpoint.public_key.is_some());
        if signing.secret.is_none() && pair.is_none() {
            return Ok(None);
        }
        let part = self.reader.part(secrets_at).await?;
        // Another node has replaced it, and this one does not know yet.
        let part = part.ok_or_else(|| Failure::unavailable("secrets_replaced"))?;
        let held = EndpointSecrets::decode(&part).ok_or_else(|| Failure::unavailable("secrets_of_another_make"))?;
        let held = match &signing.secret {
            Some((secret, seconds)) => held.replaced(secret.clone(), self.now().plus_seconds(*seconds)),
            None => held,
        };
        Ok(Some(match pair {
            Some(wanted) => held.with_key_pair(wanted)?,
            None => held,
        }))
    }
}
