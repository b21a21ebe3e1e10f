//! Secrets attached to rotation policies, and detached.

use scaivault_domain::Context;
use scaivault_domain::secret::Secret;
use scaivault_domain::secret::attach::{self, AttachSecret, DetachSecret};

use crate::secret::{Named, Told};
use crate::{Answer, ChangeRequest, Engine, Failure, Reply};

impl Engine {
    /// Attaches a secret to a policy, or moves it there; `tell` hears whether it is new.
    pub async fn attach_secret(
        &self,
        request: &ChangeRequest,
        command: &AttachSecret,
        tell: impl Fn(bool, Option<&Secret>) -> Told,
    ) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| attach::attach(secret, command, context);
        let named = Named { rotation_policy: Some(command.policy.as_str()), ..Named::default() };
        self.change(request, &command.path, None, named, decide, |is_new, after| tell(*is_new, after)).await
    }

    /// Detaches a secret from a policy.
    pub async fn detach_secret(&self, request: &ChangeRequest, command: &DetachSecret) -> Result<Answer, Failure> {
        let decide = |secret: Option<&Secret>, context: &Context| attach::detach(secret, command, context);
        let named = Named { rotation_policy: Some(command.policy.as_str()), ..Named::default() };
        self.change(request, &command.path, None, named, decide, |(), _| Ok((Reply::no_content(), None))).await
    }
}
