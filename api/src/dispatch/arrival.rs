//! A request as it arrived: when, from where, under which id.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Method, Uri, request::Parts};
use scaivault_commands::ids;
use scaivault_domain::Timestamp;

use crate::app::App;

/// Longest request id taken over from the client.
const MAX_REQUEST_ID: usize = 128;
/// Characters of the user agent that are recorded.
const MAX_USER_AGENT: usize = 256;

/// What is known of a request before its body is read.
pub(super) struct Arrival {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: Arc<HeaderMap>,
    pub(super) request_id: Arc<str>,
    pub(super) address: IpAddr,
    pub(super) user_agent: Option<Arc<str>>,
    pub(super) at: Timestamp,
    pub(super) started: Instant,
}

impl Arrival {
    pub(super) fn new(app: &App, parts: Parts, peer: Option<IpAddr>) -> Self {
        let at = app.engine.now();
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let address = (app.settings.client_address)(peer, &parts.headers).to_canonical();
        let user_agent = parts.headers.get(USER_AGENT).map(|value| match value.to_str() {
            Ok(text) if text.len() <= MAX_USER_AGENT && !text.contains('\t') => text.into(),
            _ => shortened(value.as_bytes()).into(),
        });
        Self {
            request_id: request_id(&parts.headers, at),
            address,
            user_agent,
            at,
            started: Instant::now(),
            method: parts.method,
            uri: parts.uri,
            headers: Arc::new(parts.headers),
        }
    }

    pub(super) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }
}

fn shortened(user_agent: &[u8]) -> String {
    String::from_utf8_lossy(user_agent).chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT).collect()
}

/// The client's id if it is one that can be kept, else a new one.
fn request_id(headers: &HeaderMap, now: Timestamp) -> Arc<str> {
    let mut values = headers.get_all("x-request-id").iter();
    let given = match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (_, _) => None,
    };
    let kept = given.filter(|id| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    });
    match kept {
        Some(id) => id.into(),
        // Without randomness nothing else here would work either.
        None => ids::request_id(now).unwrap_or_default().into(),
    }
}
