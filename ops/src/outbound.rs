//! Asking others over HTTPS: bounded in time and size, no redirects, no proxies, and only where the rules permit it.

mod courier;

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, Url};
use scaivault_commands::fetch::{Fetch, FetchError, FetchRequest};
use scaivault_domain::address::AddressRules;

pub(crate) use courier::Courier;

/// Longest time to connect.
const CONNECT_PATIENCE: Duration = Duration::from_secs(3);
/// Longest time to a whole answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 512 * 1024;

/// Fetches documents of others.
#[derive(Default)]
pub(crate) struct Outbound;

/// A name without an address.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
struct Unresolved(#[source] std::io::Error);

/// A name whose addresses are all closed.
#[derive(Debug, thiserror::Error)]
#[error("all its addresses are closed")]
struct Closed;

#[async_trait]
impl Fetch for Outbound {
    async fn fetch(&self, request: &FetchRequest<'_>) -> Result<Vec<u8>, FetchError> {
        let url = Url::parse(request.url).map_err(|_| FetchError::Connection)?;
        if let (Some(rules), Some(address)) = (request.addresses, literal(&url))
            && !rules.permits(address)
        {
            return Err(FetchError::BlockedAddress);
        }
        let fetched = tokio::time::timeout(PATIENCE, read(client(request, &url)?, url)).await;
        fetched.unwrap_or(Err(FetchError::Timeout))
    }

    fn check_roots(&self, ca_pem: &str) -> Result<(), FetchError> {
        let mut builder = Client::builder().no_proxy();
        builder = builder.tls_certs_only(roots(ca_pem)?);
        builder.build().map(drop).map_err(|_| FetchError::Roots)
    }
}

/// A client of this one request: nothing is kept between two of them, a connection least of all.
fn client(request: &FetchRequest<'_>, url: &Url) -> Result<Client, FetchError> {
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_PATIENCE)
        .timeout(PATIENCE)
        .user_agent(concat!("ScaiVault/", env!("CARGO_PKG_VERSION")));
    let roots = match request.ca_pem {
        None => Vec::new(),
        Some(pem) => roots(pem)?,
    };
    // Over plain HTTP no roots are looked for: a host without any can still ask itself.
    builder = if url.scheme() == "https" { builder.tls_certs_merge(roots) } else { builder.tls_certs_only(roots) };
    if let Some(rules) = request.addresses {
        builder = builder.dns_resolver(OpenAddresses::new(rules));
    }
    builder.build().map_err(|_| FetchError::Tls)
}

/// The certificates of a bundle; at least one.
pub(crate) fn roots(pem: &str) -> Result<Vec<Certificate>, FetchError> {
    let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| FetchError::Roots)?;
    if roots.is_empty() { Err(FetchError::Roots) } else { Ok(roots) }
}

async fn read(client: Client, url: Url) -> Result<Vec<u8>, FetchError> {
    let mut answer = client.get(url).send().await.map_err(|error| fault(&error))?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(FetchError::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| fault(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An address spelled out in a URL, which is never looked up.
pub(crate) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        url::Host::Ipv4(address) => Some(IpAddr::V4(address)),
        url::Host::Ipv6(address) => Some(IpAddr::V6(address)),
        url::Host::Domain(_) => None,
    }
}

/// Resolves names to those of their addresses that may be connected to: what is checked is what is used.
#[derive(Clone)]
pub(crate) struct OpenAddresses {
    rules: AddressRules,
    names: Arc<dyn Names>,
}

/// Looks names up.
#[async_trait]
trait Names: Send + Sync {
    /// All addresses of a name; ports count for nothing.
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<SocketAddr>>;
}

/// As this host does.
struct OfSystem;

#[async_trait]
impl Names for OfSystem {
    async fn addresses(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

impl OpenAddresses {
    /// As this host finds them.
    pub(crate) fn new(rules: AddressRules) -> Self {
        Self { rules, names: Arc::new(OfSystem) }
    }
}

impl Resolve for OpenAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { rules, names } = self.clone();
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await.map_err(Unresolved)?;
            let open: Vec<SocketAddr> = found.into_iter().filter(|address| rules.permits(address.ip())).collect();
            if open.is_empty() {
                return Err(Closed.into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

/// What a request came to.
pub(crate) fn fault(error: &reqwest::Error) -> FetchError {
    match error {
        _ if error.is_timeout() => FetchError::Timeout,
        _ if is_caused_by::<Closed>(error) => FetchError::BlockedAddress,
        _ if is_caused_by::<rustls::Error>(error) => FetchError::Tls,
        _ => FetchError::Connection,
    }
}

/// Whether a name had no address.
fn is_unresolved(error: &reqwest::Error) -> bool {
    is_caused_by::<Unresolved>(error)
}

/// Whether an error of that type lies beneath. An I/O error hides what it wraps from `source`.
fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<E>()
        || wrapped.is_some_and(|inner| is_caused_by::<E>(inner))
        || error.source().is_some_and(is_caused_by::<E>)
}

#[cfg(test)]
mod tests;
