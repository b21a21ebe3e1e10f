//! A ScaiKey of the test's own: a real HTTP server with the interface that `docs/scaikey.md` describes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Value, json};

pub const CLIENT: (&str, &str) = ("vault", "the secret & of the client");
pub const WEBHOOK_SECRET: &str = "the webhook secret of this registration";
const TOKEN: &str = "a-service-token";

/// What the provider has, by path below `/api/v1/`.
#[derive(Default)]
pub struct Contents {
    pub lists: HashMap<String, Vec<Value>>,
    pub fails: bool,
    /// Most rows of a page, whatever is asked for.
    pub page: usize,
    pub registered: Option<Value>,
    pub requests: usize,
}

#[derive(Clone)]
pub struct Provider {
    pub contents: Arc<Mutex<Contents>>,
    pub url: String,
}

impl Provider {
    pub async fn start() -> Self {
        let contents = Arc::new(Mutex::new(Contents { page: 2, ..Contents::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(contents.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { contents, url }
    }

    pub fn set(&self, path: &str, rows: Value) {
        let rows = rows.as_array().unwrap().clone();
        self.contents.lock().unwrap().lists.insert(path.into(), rows);
    }

    pub fn fail(&self, fails: bool) {
        self.contents.lock().unwrap().fails = fails;
    }
}

async fn answer(
    State(contents): State<Arc<Mutex<Contents>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let mut contents = contents.lock().unwrap();
    contents.requests += 1;
    if contents.fails {
        return (StatusCode::INTERNAL_SERVER_ERROR, "a secret of somebody else").into_response();
    }
    if uri.path() == "/oauth/token" {
        let form = "grant_type=client_credentials&client_id=vault&client_secret=the%20secret%20%26%20of%20the%20client";
        let status = if body == form { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        return (status, json!({"access_token": TOKEN, "token_type": "Bearer"}).to_string()).into_response();
    }
    if headers.get("authorization").is_none_or(|token| token != &format!("Bearer {TOKEN}")) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let path = uri.path().trim_start_matches("/api/v1/");
    if method == Method::POST && path == "registrations" {
        contents.registered = serde_json::from_slice(&body).ok();
        return (StatusCode::CREATED, json!({"webhook_secret": WEBHOOK_SECRET}).to_string()).into_response();
    }
    let size = contents.page;
    let page = uri.query().unwrap().split('&').find_map(|pair| pair.strip_prefix("page=")).unwrap();
    let from = (page.parse::<usize>().unwrap() - 1) * size;
    let rows = contents.lists.get(path).cloned().unwrap_or_default();
    let items: Vec<_> = rows.iter().skip(from).take(size).cloned().collect();
    json!({"items": items, "has_more": from + size < rows.len()}).to_string().into_response()
}
