//! Client credentials at ScaiKey (RFC 6749, section 4.4): fetches a service token.

use http::header::CONTENT_TYPE;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::trace;
use super::transport::{chain, transport};
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Json;
use crate::cli::settings::{Credentials, Settings};

/// Asks for a token once; it is used for this command alone.
pub(super) async fn fetch_token(settings: &Settings, credentials: &Credentials) -> Result<Zeroizing<String>, Failure> {
    let base = settings.scaikey_url()?;
    let url = format!("{base}/oauth/token");
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = Zeroizing::new(format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        encode(&credentials.id),
        encode(&credentials.secret),
    ));
    let request = transport(settings, &base)?
        .post(&url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .timeout(settings.timeout()?)
        .body(form.as_bytes().to_vec());
    if settings.debug() {
        trace::request(&http::Method::POST, &url, &http::HeaderMap::new(), Some(&form));
    }
    let unreachable = |error: reqwest::Error| Failure::general(format!("Cannot reach {base}: {}", chain(&error)));
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let body = Zeroizing::new(response.text().await.map_err(unreachable)?);
    let token = Json::parse(&body).ok().and_then(|answer| answer.member_text("access_token").map(str::to_owned));
    match (status, token) {
        (200..=299, Some(token)) => Ok(Zeroizing::new(token)),
        (400 | 401 | 403, _) => {
            let message = format!("ScaiKey refuses the client credentials ({status})");
            Err(Failure::local(Exit::UNAUTHENTICATED, message))
        }
        _ => Err(Failure::general(format!("ScaiKey gave no token ({status})"))),
    }
}
