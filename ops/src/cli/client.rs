//! The API over HTTP: headers, repetitions, and answers kept as the text they came in.

pub(crate) mod address;
pub(crate) mod download;
mod scaikey;
mod trace;
mod transport;

use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use zeroize::Zeroizing;

use self::address::Address;
use self::transport::{bearer, chain, distrusted, header_value, transport};
use super::error::Failure;
use super::json::Json;
use super::retry::{Repetition, Trouble};
use super::settings::{Key, Settings, TokenSource};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const TENANT: HeaderName = HeaderName::from_static("x-tenant-id");
const PARTNER: HeaderName = HeaderName::from_static("x-partner-id");

/// A connection to one server as one identity. Holds the token, hence no `Debug`.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
    timeout: Duration,
    debug: bool,
}

/// One request of the API.
pub(crate) struct Call {
    method: Method,
    address: Address,
    body: Option<Zeroizing<String>>,
    headers: HeaderMap,
    changes: bool,
    /// How long the server may wait before it answers.
    waits: Duration,
}

/// A successful answer.
pub(crate) struct Answer {
    body: Zeroizing<String>,
    request_id: Option<String>,
}

// === impl Call ===

impl Call {
    /// A request without body.
    pub(crate) fn new(method: Method, address: Address) -> Self {
        let changes = !method.is_safe();
        Self { method, address, body: None, headers: HeaderMap::new(), changes, waits: Duration::ZERO }
    }

    /// `GET`
    pub(crate) fn fetch(address: Address) -> Self {
        Self::new(Method::GET, address)
    }

    /// A `POST` that changes nothing, such as a batch read.
    pub(crate) fn ask(address: Address, body: &Json) -> Self {
        Self { changes: false, ..Self::new(Method::POST, address).with_body(body) }
    }

    /// The same request with a JSON body.
    pub(crate) fn with_body(mut self, body: &Json) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = Some(body.compact());
        self
    }

    /// The same request for JSON, where text would be answered too.
    pub(crate) fn for_json(mut self) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self
    }

    /// The server may wait that long before it answers.
    pub(crate) fn waiting(self, waits: Duration) -> Self {
        Self { waits, ..self }
    }

    /// Only if the current version is this one.
    pub(crate) fn if_version(mut self, version: Option<u64>) -> Self {
        if let Some(value) = version.and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok()) {
            self.headers.insert(IF_MATCH, value);
        }
        self
    }

    /// Only if nothing is there yet.
    pub(crate) fn if_absent(mut self) -> Self {
        self.headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        self
    }
}

// === impl Answer ===

impl Answer {
    /// The text of the answer; `{}` where there was none.
    pub(crate) fn text(&self) -> &str {
        if self.body.trim().is_empty() { "{}" } else { &self.body }
    }

    /// The id under which the request was recorded.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The answer as a value.
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        Json::parse(self.text())
            .map_err(|reason| Failure::general(format!("The server's answer is not JSON: {reason}")))
    }
}

// === impl Client ===

impl Client {
    /// A client for the effective settings. Fetches a token where only client credentials are known.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, Failure> {
        let base = settings.base_url()?;
        let token = match settings.token()? {
            TokenSource::Token(token) => token,
            TokenSource::Credentials(credentials) => scaikey::fetch_token(settings, &credentials).await?,
        };
        Self::with_token(settings, base, &token)
    }

    /// A client with a token of its own, as for a login.
    pub(crate) fn with_token(settings: &Settings, base: String, token: &str) -> Result<Self, Failure> {
        let mut client = Self::of_nobody(settings, base)?;
        client.headers.insert(AUTHORIZATION, bearer(token)?);
        Ok(client)
    }

    /// A client for what needs no token.
    pub(crate) fn without_token(settings: &Settings) -> Result<Self, Failure> {
        Self::of_nobody(settings, settings.base_url()?)
    }

    fn of_nobody(settings: &Settings, base: String) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        for (name, key) in [(TENANT, Key::TenantId), (PARTNER, Key::PartnerId)] {
            if let Some(value) = settings.value(key)? {
                headers.insert(name, header_value(key.name(), &value)?);
            }
        }
        let http = transport(settings, &base)?;
        Ok(Self { http, base, headers, timeout: settings.timeout()?, debug: settings.debug() })
    }

    /// Fetches a token for client credentials.
    pub(crate) async fn token_for(
        settings: &Settings,
        credentials: &super::settings::Credentials,
    ) -> Result<Zeroizing<String>, Failure> {
        scaikey::fetch_token(settings, credentials).await
    }

    /// Sends a request, repeating it as the contract says, and gives the successful answer.
    pub(crate) async fn send(&self, call: Call) -> Result<Answer, Failure> {
        let url = format!("{}{}", self.base, call.address);
        let mut headers = self.headers.clone();
        headers.extend(call.headers.clone());
        if call.changes {
            // One key for all repetitions: whatever got through first is the one that counts.
            headers.insert(IDEMPOTENCY_KEY, header_value("Idempotency-Key", &format!("cli-{}", ulid::Ulid::new()))?);
        }
        let began = Instant::now();
        let mut repetition = Repetition::new(self.timeout);
        loop {
            let (trouble, failure) = match self.attempt(&call, &url, &headers).await {
                Attempt::Answered { status, body, request_id, .. } if (200..300).contains(&status) => {
                    return Ok(Answer { body, request_id });
                }
                Attempt::Answered { status, body, request_id, retry_after } => {
                    (Trouble::of_status(status, retry_after.as_deref()), Failure::answered(status, request_id, &body))
                }
                Attempt::Broken(failure) => (Some(Trouble::Connection), failure),
                Attempt::Failed(failure) => (None, failure),
            };
            match trouble.and_then(|trouble| repetition.pause(trouble, began.elapsed())) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(failure),
            }
        }
    }

    async fn attempt(&self, call: &Call, url: &str, headers: &HeaderMap) -> Attempt {
        let timeout = self.timeout + call.waits;
        let mut request = self.http.request(call.method.clone(), url).headers(headers.clone()).timeout(timeout);
        if let Some(body) = &call.body {
            request = request.body(body.as_bytes().to_vec());
        }
        if self.debug {
            trace::request(&call.method, url, headers, call.body.as_ref().map(|body| body.as_str()));
        }
        let began = Instant::now();
        let received = match request.send().await {
            Ok(response) => {
                let (status, headers) = (response.status().as_u16(), response.headers().clone());
                response.bytes().await.map(|bytes| (status, headers, bytes))
            }
            Err(error) => Err(error),
        };
        let (status, headers, bytes) = match received {
            Ok(received) => received,
            Err(error) => return self.unanswered(&error),
        };
        let body = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
        if self.debug {
            trace::response(status, began.elapsed(), &headers, &body);
        }
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Attempt::Answered {
            status,
            body,
            request_id: header("x-request-id"),
            retry_after: header(RETRY_AFTER.as_str()),
        }
    }

    fn unanswered(&self, error: &reqwest::Error) -> Attempt {
        if self.debug {
            trace::trouble(&chain(error));
        }
        if error.is_timeout() {
            let message = format!("No answer from {} within {} s", self.base, self.timeout.as_secs());
            return Attempt::Failed(Failure::general(message));
        }
        let failure = Failure::general(format!("Cannot reach {}: {}", self.base, chain(error)));
        if error.is_builder() || distrusted(error) { Attempt::Failed(failure) } else { Attempt::Broken(failure) }
    }
}

/// The outcome of sending a request once.
enum Attempt {
    /// The server answered.
    Answered { status: u16, body: Zeroizing<String>, request_id: Option<String>, retry_after: Option<String> },
    /// The connection did not come about, or broke.
    Broken(Failure),
    /// It failed, and sending it again would not help.
    Failed(Failure),
}
