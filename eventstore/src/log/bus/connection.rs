//! One connection to a NATS server. It is not mended but replaced: what waits to be sent on a lost
//! one goes with it, and credentials are read anew.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;

use super::BusOptions;
use super::error::BusError;

/// Longest time to connect to one server.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for an answer. A cluster may not give one about a stream that is just being deleted.
const ANSWER: Duration = Duration::from_secs(2);
/// A server that answers no ping for two of these is gone.
const PING: Duration = Duration::from_secs(2);

/// A connection, and whether it has been lost since.
pub(super) struct Connection {
    pub(super) client: Client,
    pub(super) lost: watch::Receiver<bool>,
}

pub(super) async fn connect(options: &BusOptions) -> Result<Connection, BusError> {
    let mut addresses = Vec::with_capacity(options.urls.len());
    let mut login = None;
    for url in &options.urls {
        let (address, found) = split(url)?;
        addresses.push(address);
        login = login.or(found);
    }
    let (lose, lost) = watch::channel(false);
    let mut connecting = ConnectOptions::new()
        .name(format!("scaivault {}", options.node_id))
        .connection_timeout(CONNECT)
        .ping_interval(PING)
        .request_timeout(Some(ANSWER))
        // Each server once, without a pause.
        .max_reconnects(addresses.len())
        .reconnect_delay_callback(|_| Duration::ZERO)
        .event_callback(move |event| {
            let over = matches!(event, Event::Disconnected | Event::Closed | Event::LameDuckMode);
            if over {
                lose.send_replace(true);
            }
            std::future::ready(())
        });
    connecting = match login {
        Some(Login::Token(token)) => connecting.token(token),
        Some(Login::Password(user, password)) => connecting.user_and_password(user, password),
        None => connecting,
    };
    if let Some(file) = &options.credentials_file {
        connecting = connecting.credentials_file(file).await.map_err(BusError::Credentials)?;
    }
    let client = connecting.connect(addresses).await.map_err(|error| BusError::Connect(error.kind()))?;
    Ok(Connection { client, lost })
}

enum Login {
    Token(String),
    Password(String, String),
}

/// Takes name and password out of a URL: the client neither uses them there nor hides them.
fn split(url: &str) -> Result<(ServerAddr, Option<Login>), BusError> {
    let address: ServerAddr = url.parse().map_err(|_| BusError::Address)?;
    let mut url = address.into_inner();
    let decode = |text: &str| percent_decode_str(text).decode_utf8().map(Into::into).map_err(|_| BusError::Address);
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (token, None) => Some(Login::Token(decode(token)?)),
        (user, Some(password)) => Some(Login::Password(decode(user)?, decode(password)?)),
    };
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| BusError::Address)?;
    let address = ServerAddr::from_url(url).map_err(|_| BusError::Address)?;
    Ok((address, login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_urls() {
        let told = |url: &str| match split(url) {
            Ok((address, Some(Login::Password(user, password)))) => format!("{address:?} {user} {password}"),
            Ok((address, Some(Login::Token(token)))) => format!("{address:?} {token}"),
            Ok((address, None)) => format!("{address:?}"),
            Err(_) => "refused".into(),
        };
        let with = told("nats://ann:p%40ss@broker:4223");
        assert!(with.ends_with(" ann p@ss") && !with.contains("ann:") && with.contains("broker"), "{with}");
        let token = told("tls://s3cret@broker");
        assert!(token.ends_with(" s3cret") && token.matches("s3cret").count() == 1, "{token}");
        assert!(!told("nats://broker").contains('@'));
    }
}
