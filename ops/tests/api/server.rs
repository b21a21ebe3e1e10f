//! A development server of the test's own, gone when dropped.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::Value;

use super::process::{self, Setup};

/// Long enough that only a fault makes a test wait so long.
const PATIENCE: Duration = Duration::from_secs(20);

pub const TOKEN: &str = "the-root-token-of-a-test";

pub struct Server {
    process: process::Server,
    pub address: String,
    client: Client,
    _directory: Option<tempfile::TempDir>,
}

/// Status, headers that matter, body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    /// `error.code`.
    pub fn code(&self) -> &str {
        self.body.pointer("/error/code").and_then(Value::as_str).unwrap_or_default()
    }

    /// A member of `error.details`.
    pub fn detail(&self, key: &str) -> &Value {
        self.body.pointer(&format!("/error/details/{key}")).unwrap_or(&Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    pub fn with(variables: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup::dev(directory.path()).with("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN);
        let setup = variables.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let process = setup.start();
        Self { address: process.url.clone(), process, client: Client::new(), _directory: Some(directory) }
    }

    /// One whose log stays in a directory.
    pub fn keeping(directory: &std::path::Path) -> Self {
        let setup = Setup::dev(directory).with("SCAIVAULT_DEV_ROOT_TOKEN", TOKEN).argument("--data-dir=kept");
        let process = setup.start();
        Self { address: process.url.clone(), process, client: Client::new(), _directory: None }
    }

    /// Ends as an operator ends it.
    pub fn stop(self) {
        assert_eq!(self.process.terminate(), 0);
    }

    /// What it has logged, once that is so many requests.
    pub async fn log_of(&self, requests: usize) -> String {
        let asked = Instant::now();
        loop {
            let log = self.process.errors();
            if log.lines().filter(|line| line.contains("\"http\"")).count() >= requests {
                return log;
            }
            assert!(asked.elapsed() < PATIENCE, "requests are logged: {log}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.call_as(TOKEN, method, path, body, &[]).await
    }

    pub async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.address));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) }
    }

    /// A token of the root identity with these scopes.
    pub async fn token(&self, scopes: &[&str], more: Value) -> String {
        let mut body = serde_json::json!({"name": "test", "scopes": scopes});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let answer = self.call("POST", "/v1/auth/tokens", Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["token"].as_str().unwrap().to_owned()
    }

    /// Bytes as they are, and the answer as text: for what no client library sends.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut socket = TcpStream::connect(self.address.strip_prefix("http://").unwrap()).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        socket.write_all(request).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}
