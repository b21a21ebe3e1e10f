//! The HTTP client below: TLS roots, fixed headers, and what its errors mean.

use std::error::Error;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue};

use crate::cli::error::{Exit, Failure};
use crate::cli::settings::{Key, Settings};

const PRODUCT: &str = concat!("scaivault-cli/", env!("CARGO_PKG_VERSION"));

/// A client with own roots besides the system's, and without redirects: the token would follow them.
pub(super) fn transport(settings: &Settings, url: &str) -> Result<reqwest::Client, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(PRODUCT));
    let mut builder = reqwest::Client::builder().default_headers(headers).redirect(reqwest::redirect::Policy::none());
    let mut roots = Vec::new();
    if let Some(path) = settings.value(Key::CaFile)? {
        let fault = |reason: String| Failure::usage(format!("CA file {}: {reason}", path.as_str()));
        let pem = std::fs::read(path.as_str()).map_err(|error| fault(error.to_string()))?;
        roots = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| fault(chain(&error)))?;
        if roots.is_empty() {
            return Err(fault("holds no certificate".to_owned()));
        }
    }
    // Over plain HTTP no roots are looked for: a host without any can still be a client.
    builder = if url.starts_with("https:") { builder.tls_certs_merge(roots) } else { builder.tls_certs_only(roots) };
    builder.build().map_err(|error| Failure::general(format!("TLS cannot be set up: {}", chain(&error))))
}

/// The header that carries the token.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Failure::local(Exit::UNAUTHENTICATED, "The token holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The value of a header, if a header can carry it.
pub(super) fn header_value(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(value)
        .map_err(|_| Failure::usage(format!("{name} holds characters that no header can carry")))
}

/// Whether TLS refused, as for a certificate that is not trusted: another attempt would end alike.
pub(super) fn distrusted(error: &(dyn Error + 'static)) -> bool {
    // An I/O error hides what it wraps from `source`.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>()
        || wrapped.is_some_and(|inner| distrusted(inner))
        || error.source().is_some_and(distrusted)
}

/// The causes of an error on one line. The outermost, which only repeats the URL, is left out where there are others.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // "client error (Connect)" says no more than the message this becomes part of.
        if causes.last() != Some(&text) && !text.starts_with("client error") {
            causes.push(text);
        }
        source = cause.source();
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}
