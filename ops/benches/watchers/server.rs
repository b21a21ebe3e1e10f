//! The executable of this build, with an embedded log and without limits.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::wire::{Failure, TOKEN};

const BINARY: &str = env!("CARGO_BIN_EXE_scaivault");

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    client: reqwest::Client,
    /// Where it serves.
    pub(crate) address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) fn start() -> Result<Self, Failure> {
        let directory = tempfile::tempdir()?;
        let mut child = Command::new(BINARY)
            .args(["server", "--dev", "--bind", "127.0.0.1:0", "--data-dir", "kept"])
            .env_clear()
            .env("HOME", directory.path())
            .env("RATE_LIMIT_ENABLED", "false")
            .env("LOG_LEVEL", "error")
            .env("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut address = None;
        for line in BufReader::new(output).lines() {
            let line = line?;
            address = address.or_else(|| line.strip_prefix("Listening on http://")?.parse().ok());
            if line.starts_with("Root token: ") {
                break;
            }
        }
        let address = address.ok_or("the server does not start")?;
        Ok(Self { child, client: reqwest::Client::new(), address, _directory: directory })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A subscription to everything that is written; its id.
    pub(crate) async fn subscribe(&self, number: usize) -> Result<String, Failure> {
        let body = json!({"name": format!("w{number}"), "paths": ["bench/**"], "events": ["secret.created"],
                          "delivery": {"type": "polling"}});
        let request = self.client.post(format!("http://{}/v1/subscriptions", self.address));
        let made: Value = request.bearer_auth(TOKEN).json(&body).send().await?.json().await?;
        Ok(made.get("id").and_then(Value::as_str).ok_or("there is no subscription")?.to_owned())
    }

    /// Writes the secret of a change.
    pub(crate) async fn write(&self, change: usize) -> Result<(), Failure> {
        let request = self.client.put(format!("http://{}/v1/secrets/bench/{change}", self.address));
        let answer = request.bearer_auth(TOKEN).json(&json!({"data": {"k": "v"}})).send().await?;
        answer.error_for_status()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
