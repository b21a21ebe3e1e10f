//! One invocation: its settings, its way of speaking, and its client once one is needed.

use std::path::Path;

use super::client::download::Received;
use super::client::{Answer, Call, Client};
use super::error::Failure;
use super::output::Output;
use super::settings::Settings;

/// What every command is given.
pub(crate) struct Session {
    /// Effective settings.
    pub(crate) settings: Settings,
    /// Standard output and error.
    pub(crate) output: Output,
    client: tokio::sync::OnceCell<Client>,
}

// === impl Session ===

impl Session {
    /// A session without a connection yet.
    pub(crate) fn new(settings: Settings) -> Self {
        let globals = settings.globals();
        let output = Output { json: settings.json(), quiet: globals.quiet, yes: globals.yes };
        Self { settings, output, client: tokio::sync::OnceCell::new() }
    }

    /// Forgets the connection: the next request looks for a token anew.
    pub(crate) fn reconnect(&mut self) {
        self.client = tokio::sync::OnceCell::new();
    }

    /// Receives an answer into a file.
    pub(crate) async fn download(&self, call: Call, path: &Path) -> Result<Received, Failure> {
        self.client.get_or_try_init(|| Client::connect(&self.settings)).await?.download(&call, path).await
    }

    /// Sends a request.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Failure> {
        self.client.get_or_try_init(|| Client::connect(&self.settings)).await?.send(call).await
    }
}
