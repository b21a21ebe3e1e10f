//! A server that gives prepared answers and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};

/// A request the fake server got.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Status, one header, body.
pub(crate) type Canned = (u16, Option<(&'static str, &'static str)>, &'static str);

/// Gives prepared answers one after the other.
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    pub(crate) fn start(answers: &[Canned]) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        listener.set_nonblocking(true).unwrap();
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let body = String::from_utf8(body.to_vec()).unwrap();
                log.lock().unwrap().push(Seen { line: format!("{method} {uri}"), headers, body });
                let (status, header, body) =
                    answers.lock().unwrap().pop_front().unwrap_or((500, None, "no answer left"));
                let mut response = axum::http::Response::builder().status(status);
                if let Some((name, value)) = header {
                    response = response.header(name, value);
                }
                let response = response.body(axum::body::Body::from(body)).unwrap();
                async move { response }
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, axum::Router::new().fallback(handler)).await.unwrap();
            });
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}
