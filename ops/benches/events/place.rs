//! A server in development mode, whose log is in a file, and requests to it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

/// Of the server that is measured.
pub(crate) const TOKEN: &str = "a-root-token-without-end";

/// A running server; killed when it is dropped.
pub(crate) struct Place {
    child: Child,
    url: String,
    client: reqwest::Client,
    _directory: tempfile::TempDir,
}

impl Place {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let mut child = Command::new(env!("CARGO_BIN_EXE_scaivault"))
            .args(["server", "--dev", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(&data)
            .env_clear()
            .envs([("PATH", "/usr/bin:/bin"), ("LOG_LEVEL", "warn"), ("RATE_LIMIT_ENABLED", "false")])
            .env("HOME", directory.path())
            .env("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN)
            .env("METRICS_BIND_ADDRESS", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().strip_prefix("Listening on ").map(str::to_owned));
        std::thread::spawn(move || lines.for_each(drop));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: url.expect("the server listens"), client, _directory: directory }
    }

    /// Ends it.
    pub(crate) fn stop(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Id of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks, and takes nothing but success.
    pub(crate) async fn ask(&self, method: Method, address: &str, body: Option<&Value>) -> Value {
        let mut request = self.client.request(method, format!("{}/v1/{address}", self.url)).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{address}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.url.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// A polled subscription to secrets that are made; its id.
    pub(crate) async fn subscribe(&self, name: &str, pattern: &str) -> String {
        let body =
            json!({"name": name, "paths": [pattern], "events": ["secret.created"], "delivery": {"type": "polling"}});
        let made = self.ask(Method::POST, "subscriptions", Some(&body)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Writes a version of a secret.
    pub(crate) async fn write(&self, path: &str) {
        self.ask(Method::PUT, &format!("secrets/{path}"), Some(&json!({"data": {"password": "of this version"}})))
            .await;
    }

    /// A webhook for all events of secrets; its id.
    pub(crate) async fn webhook(&self, name: &str, url: &str, enabled: bool) -> String {
        let body = json!({"name": name, "url": url, "secret": "a secret of this webhook alone",
                          "events": ["secret.*"], "enabled": enabled});
        let made = self.ask(Method::POST, "webhooks", Some(&body)).await;
        made["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Milliseconds with one digit.
pub(crate) fn millis(of: Duration) -> String {
    format!("{:.1} ms", of.as_secs_f64() * 1_000.0)
}
