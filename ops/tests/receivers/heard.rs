//! What a receiver hears, byte by byte.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;

/// One request.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// A receiver that takes everything.
pub struct Sink {
    pub url: String,
    heard: Arc<Mutex<VecDeque<Heard>>>,
}

impl Heard {
    pub fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(of, _)| of == name);
        found.unwrap_or_else(|| panic!("no {name} in {self:?}")).1.clone()
    }

    pub fn set(&mut self, name: &str, value: &str) {
        let header = self.headers.iter_mut().find(|(of, _)| of == name);
        header.unwrap().1 = value.to_owned();
    }
}

impl Sink {
    /// Listens.
    pub async fn start() -> Self {
        let heard: Arc<Mutex<VecDeque<Heard>>> = Arc::default();
        let hear = |State(heard): State<Arc<Mutex<VecDeque<Heard>>>>, headers: HeaderMap, body: Bytes| async move {
            let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
            let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
            heard.lock().unwrap().push_back(Heard { headers, body: String::from_utf8(body.to_vec()).unwrap() });
        };
        let router = axum::Router::new().route("/hook", post(hear)).with_state(heard.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, heard }
    }

    fn try_take(&self, count: usize) -> Option<Vec<Heard>> {
        let mut heard = self.heard.lock().unwrap();
        (heard.len() >= count).then(|| heard.drain(..count).collect())
    }

    /// The next requests, so many.
    pub async fn take(&self, count: usize) -> Vec<Heard> {
        for _ in 0..2_000 {
            if let Some(taken) = self.try_take(count) {
                return taken;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no more than {} requests came", self.heard.lock().unwrap().len());
    }
}
