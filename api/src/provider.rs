//! The identity provider, as this server is configured to know it.

use std::sync::Arc;

use scaivault_commands::Engine;
use scaivault_commands::provider::IdentityProvider;
use scaivault_commands::sync::Begun;
use zeroize::Zeroizing;

/// Where it is, and how it is asked.
#[derive(Clone, Default)]
pub struct Provider {
    /// Its base URL.
    pub url: Option<String>,
    /// Where it sends webhooks to.
    pub webhook_url: Option<String>,
    /// What they are signed with, if not what the registration says.
    pub webhook_secret: Option<Zeroizing<Vec<u8>>>,
    /// Asks it; `None` where there are no credentials.
    pub port: Option<Arc<dyn IdentityProvider>>,
}

impl Provider {
    /// Carries a synchronisation out beside the request that began it.
    pub(crate) fn carry_out(&self, engine: &Arc<Engine>, begun: Option<Begun>) {
        if let (Some(port), Some(begun)) = (self.port.clone(), begun) {
            let engine = engine.clone();
            #[allow(clippy::disallowed_methods, reason = "it ends by itself, and what a crash leaves is ended later")]
            tokio::spawn(async move { engine.run_sync(port.as_ref(), begun).await });
        }
    }
}
