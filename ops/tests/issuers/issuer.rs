//! An issuer of the test's own: discovery and keys over HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};

pub use super::jwt::{Key, now, unsigned};
use super::server::{Answer, Server};

#[derive(Default)]
struct Told {
    discovery: Value,
    keys: Value,
    is_down: bool,
    is_silent: bool,
    asked: usize,
    called: usize,
}

/// An issuer that answers over HTTP on a port of its own.
pub struct Issuer {
    pub url: String,
    told: Arc<Mutex<Told>>,
}

impl Issuer {
    pub async fn start(keys: &[&Key]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told::default()));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(self::keys))
            .with_state(told.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let issuer = Self { url, told };
        issuer.discovers(json!({"issuer": issuer.url, "jwks_uri": format!("{}/keys", issuer.url)}));
        issuer.publishes(keys);
        issuer
    }

    pub fn publishes(&self, keys: &[&Key]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.tells(json!({"keys": keys}));
    }

    pub fn tells(&self, keys: Value) {
        self.told.lock().unwrap().keys = keys;
    }

    pub fn discovers(&self, document: Value) {
        self.told.lock().unwrap().discovery = document;
    }

    pub fn goes_down(&self, is_down: bool) {
        self.told.lock().unwrap().is_down = is_down;
    }

    /// Lets those who ask wait for their answer.
    pub fn keeps_silent(&self, is_silent: bool) {
        self.told.lock().unwrap().is_silent = is_silent;
    }

    /// How often it was asked for anything.
    pub fn called(&self) -> usize {
        self.told.lock().unwrap().called
    }

    /// How often its keys were asked for.
    pub fn asked(&self) -> usize {
        self.told.lock().unwrap().asked
    }

    /// Claims that are accepted, with more in their place.
    pub fn claims(&self, more: Value) -> Value {
        let mut claims = json!({"iss": self.url, "aud": "scaivault", "sub": "alice", "iat": now(), "exp": now() + 600,
                                "tenant_id": "tnt_dev", "scope": "secrets:read"});
        for (name, claim) in more.as_object().unwrap() {
            claims[name] = claim.clone();
        }
        claims
    }

    /// Trusted by the tenant of the server's root, with more in place of the usual.
    pub async fn trusted_by(&self, server: &Server, more: Value) -> Answer {
        let mut body = json!({"name": "issuer", "issuer": self.url, "audiences": ["scaivault"]});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        server.call("POST", "/v1/auth/issuers", Some(body)).await
    }
}

async fn discovery(State(told): State<Arc<Mutex<Told>>>) -> Result<String, StatusCode> {
    told.lock().unwrap().called += 1;
    while told.lock().unwrap().is_silent {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = told.lock().unwrap();
    if told.is_down { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(told.discovery.to_string()) }
}

async fn keys(State(told): State<Arc<Mutex<Told>>>) -> Result<String, StatusCode> {
    let mut told = told.lock().unwrap();
    told.asked += 1;
    if told.is_down { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(told.keys.to_string()) }
}

/// Who a token is, or why it is refused.
pub async fn whoami(server: &Server, token: &str) -> Answer {
    server.call_as(token, "GET", "/v1/auth/whoami", None, &[]).await
}

/// Status and code of what a token gets.
pub async fn refusal(server: &Server, token: &str) -> (u16, String) {
    let answer = whoami(server, token).await;
    (answer.status, answer.code().to_owned())
}
