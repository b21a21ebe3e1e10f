//! Sends events to endpoints: connections are kept for the next event, and every one of them leads to an open address.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parking_lot::Mutex;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url};
use scaivault_commands::delivery::message::Message;
use scaivault_commands::delivery::post::{Answered, BODY, PATIENCE, Post, PostError, Posted, RetryAfter};
use scaivault_commands::fetch::{FetchError, check_url};
use scaivault_domain::Timestamp;
use scaivault_domain::address::AddressRules;

use super::{OpenAddresses, fault, is_unresolved, literal, roots};

/// How long a connection is kept without use. Receivers close theirs after five seconds, some of them.
const IDLE: Duration = Duration::from_secs(4);
/// Connections without use to one receiver.
const IDLE_CONNECTIONS: usize = 32;
/// Longest wait for the beginning of a body, once its headers are there.
const BODY_PATIENCE: Duration = Duration::from_secs(2);
/// Clients with roots of their own that are kept.
const CLIENTS: usize = 256;

/// Sends messages.
pub(crate) struct Courier {
    rules: AddressRules,
    addresses: OpenAddresses,
    /// One for each way to trust: over plain HTTP nobody, the system's roots, those and more.
    clients: Mutex<HashMap<Trusted, Client>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Trusted {
    Plain,
    System,
    Besides(Arc<str>),
}

impl Courier {
    /// Under these rules.
    pub(crate) fn new(rules: AddressRules) -> Self {
        Self { rules, addresses: OpenAddresses::new(rules), clients: Mutex::default() }
    }

    async fn send(&self, message: &Message) -> Result<Response, PostError> {
        // The rules of now, which need not be those it was written under.
        check_url(&message.url, self.rules, true).map_err(|_| PostError::BlockedAddress)?;
        let url = Url::parse(&message.url).map_err(|_| PostError::Connection)?;
        if literal(&url).is_some_and(|address| !self.rules.permits(address)) {
            return Err(PostError::BlockedAddress);
        }
        let client = self.client(&url, message.ca_pem.as_ref())?;
        let mut headers = HeaderMap::with_capacity(message.headers.len());
        for (name, value) in &message.headers {
            let value = HeaderValue::from_str(value).map_err(|_| PostError::Connection)?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let sending = client.post(url).headers(headers).body(message.body.clone()).send();
        let sent = tokio::time::timeout(PATIENCE, sending).await.map_err(|_| PostError::Timeout)?;
        sent.map_err(|error| match fault(&error) {
            _ if is_unresolved(&error) => PostError::Dns,
            FetchError::Timeout => PostError::Timeout,
            FetchError::BlockedAddress => PostError::BlockedAddress,
            FetchError::Tls | FetchError::Roots => PostError::Tls,
            FetchError::Connection | FetchError::Status(_) | FetchError::TooLarge => PostError::Connection,
        })
    }

    fn client(&self, url: &Url, ca_pem: Option<&Arc<str>>) -> Result<Client, PostError> {
        let trusted = match (url.scheme(), ca_pem) {
            ("https", None) => Trusted::System,
            ("https", Some(pem)) => Trusted::Besides(pem.clone()),
            _ => Trusted::Plain,
        };
        if let Some(client) = self.clients.lock().get(&trusted) {
            return Ok(client.clone());
        }
        let client = self.made(&trusted)?;
        let mut clients = self.clients.lock();
        if clients.len() >= CLIENTS {
            // Those of everybody stay.
            let besides = clients.keys().find(|trusted| matches!(trusted, Trusted::Besides(_))).cloned();
            besides.map(|trusted| clients.remove(&trusted));
        }
        Ok(clients.entry(trusted).or_insert(client).clone())
    }

    fn made(&self, trusted: &Trusted) -> Result<Client, PostError> {
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .tcp_nodelay(true)
            .dns_resolver(self.addresses.clone());
        let builder = match trusted {
            Trusted::Plain => builder.tls_certs_only(Vec::new()),
            Trusted::System => builder.tls_certs_merge(Vec::new()),
            Trusted::Besides(pem) => builder.tls_certs_merge(roots(pem).map_err(|_| PostError::Tls)?),
        };
        builder.build().map_err(|_| PostError::Tls)
    }
}

#[async_trait]
impl Post for Courier {
    async fn post(&self, message: &Message) -> Posted {
        let started = Instant::now();
        let sent = self.send(message).await;
        let took = started.elapsed();
        let answer = match sent {
            Err(error) => Err(error),
            Ok(response) => {
                let status = response.status().as_u16();
                let retry_after = response.headers().get(RETRY_AFTER).and_then(asked);
                Ok(Answered { status, retry_after, body: beginning(response).await })
            }
        };
        Posted { took, answer }
    }
}

/// The beginning of a body, whatever becomes of the rest.
async fn beginning(mut response: Response) -> Option<Arc<str>> {
    let mut body = Vec::new();
    let reading = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            let room = BODY - body.len();
            body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if body.len() >= BODY {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
    // A character may have been cut in two.
    let mut text = String::from_utf8_lossy(&body).into_owned();
    while text.len() > BODY {
        text.pop();
    }
    (!text.is_empty()).then(|| text.into())
}

fn asked(value: &HeaderValue) -> Option<RetryAfter> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(RetryAfter::Seconds(i64::from(seconds)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(RetryAfter::At(Timestamp::from_micros(i64::try_from(since.as_micros()).ok()?)))
}

#[cfg(test)]
mod tests;
