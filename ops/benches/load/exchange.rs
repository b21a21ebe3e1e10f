//! One request on a connection of its own: for what is not measured.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest time to connect, and between two pieces of an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// An answer.
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Body.
    pub(crate) body: String,
}

/// `GET target`, with a token or without.
pub(crate) fn get(address: SocketAddr, target: &str, token: Option<&str>) -> io::Result<Answer> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    send(address, format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n{authorization}\r\n").as_bytes())
}

/// Sends a request as it stands, which must not ask to close the connection itself.
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (line, rest) = split(request, b"\r\n").ok_or(io::ErrorKind::InvalidInput)?;
    stream.write_all(&[line, b"\r\nConnection: close\r\n", rest].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let (head, body) = split(&answer, b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok(Answer { status: status.ok_or(io::ErrorKind::InvalidData)?, body: String::from_utf8_lossy(body).into_owned() })
}

fn split<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(separator.len()).position(|window| window == separator)?;
    Some((text.get(..at)?, text.get(at + separator.len()..)?))
}
