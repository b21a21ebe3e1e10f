//! One request on a connection of its own: for what is not measured.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::{BodyExt as _, Full};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::generator::connect;

/// Longest time to the end of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer.
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Body.
    pub(crate) body: String,
}

/// `GET target`, without a token.
pub(crate) fn get(address: SocketAddr, target: &str) -> Result<Answer, Failure> {
    let request = Request::get(target).header(HOST, address.to_string()).body(Full::default());
    send(address, request.map_err(io::Error::other)?)
}

/// Sends a request.
pub(crate) fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
    let exchange = async {
        let mut connection = connect(address).await?;
        let (head, body) = connection.send_request(request).await.map_err(io::Error::other)?.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Answer { status: head.status.as_u16(), body: String::from_utf8_lossy(&body).into_owned() })
    };
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(async { timeout(PATIENCE, exchange).await })
        .map_err(|_| Failure::Host(io::ErrorKind::TimedOut.into()))?
}
