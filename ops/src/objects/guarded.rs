//! Requests to object stores: only to addresses that the rules permit, over TLS or to this host, without proxies and
//! redirects. What an answer says of its failure is kept as one word; its text, which may quote anything, is not.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use parking_lot::Mutex;
use reqwest::{Client, Url};
use scaivault_commands::export::store::StoreFault;
use scaivault_commands::fetch::FetchError;
use scaivault_domain::address::AddressRules;

use crate::outbound::{OpenAddresses, fault, literal};

/// Longest time to connect.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Longest time for one request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes clients that keep the rules.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    rules: AddressRules,
    failure: Arc<Mutex<Option<StoreFault>>>,
}

/// Such a client.
#[derive(Debug)]
struct GuardedClient {
    client: Client,
    guarded: Guarded,
}

/// An address that may not be asked.
#[derive(Debug, thiserror::Error)]
#[error("it may not be asked")]
struct Forbidden;

impl Guarded {
    pub(super) fn new(rules: AddressRules) -> Self {
        Self { rules, failure: Arc::default() }
    }

    /// What went wrong last, once.
    pub(super) fn failure(&self) -> Option<StoreFault> {
        self.failure.lock().take()
    }

    fn is_open(&self, url: &Url) -> bool {
        let is_this_host = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => return false,
        };
        let is_sealed =
            url.scheme() == "https" || (url.scheme() == "http" && self.rules.plain_loopback && is_this_host);
        is_sealed && literal(url).is_none_or(|address| self.rules.permits(address))
    }

    fn client(&self, trusts_system: bool) -> Result<Client, reqwest::Error> {
        let builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .timeout(PATIENCE)
            .user_agent(concat!("ScaiVault/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(OpenAddresses::new(self.rules));
        // A host without any roots can still ask itself over plain HTTP.
        let builder = if trusts_system { builder } else { builder.tls_certs_only(Vec::new()) };
        builder.build()
    }
}

impl HttpConnector for Guarded {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self.client(true).or_else(|_| self.client(false));
        let client = client.map_err(|source| object_store::Error::Generic { store: "http", source: source.into() })?;
        Ok(HttpClient::new(GuardedClient { client, guarded: self.clone() }))
    }
}

#[async_trait]
impl HttpService for GuardedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string()).ok();
        if !url.is_some_and(|url| self.guarded.is_open(&url)) {
            *self.guarded.failure.lock() = Some(StoreFault::BlockedAddress);
            return Err(HttpError::new(HttpErrorKind::Unknown, Forbidden));
        }
        let answered = HttpService::call(&self.client, request).await;
        let failure = match &answered {
            Ok(response) => of_status(response.status().as_u16()),
            Err(error) => Some(of_error(error)),
        };
        *self.guarded.failure.lock() = failure;
        // Trying again would not open the address.
        match self.guarded.failure.lock().as_ref() {
            Some(StoreFault::BlockedAddress) => Err(HttpError::new(HttpErrorKind::Unknown, Forbidden)),
            _ => answered,
        }
    }
}

fn of_status(status: u16) -> Option<StoreFault> {
    match status {
        200..=399 => None,
        401 | 403 => Some(StoreFault::Refused),
        404 => Some(StoreFault::Missing),
        429 | 500.. => Some(StoreFault::Failing(status)),
        _ => Some(StoreFault::Unexpected),
    }
}

fn of_error(error: &HttpError) -> StoreFault {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<reqwest::Error>());
    match source.map(fault) {
        Some(FetchError::BlockedAddress) => StoreFault::BlockedAddress,
        Some(FetchError::Tls) => StoreFault::Tls,
        Some(_) | None => StoreFault::Unreachable,
    }
}
