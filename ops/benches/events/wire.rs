//! A watcher on a connection of its own, with as little between the socket and the clock as can be.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;

use crate::place::TOKEN;

/// Whatever goes wrong ends the measurement.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

const EVENT_ID: &str = "\"event_id\":\"";

/// A connection, and what was read from it and not looked at.
pub(crate) struct Wire {
    socket: TcpStream,
    text: String,
    /// What comes before the number of a change.
    before: String,
}

impl Wire {
    /// Connects, to hear of changes of secrets below `area`.
    pub(crate) async fn open(address: SocketAddr, area: &str) -> Result<Self, Failure> {
        let before = format!("\"path\":\"{area}/");
        Ok(Self { socket: TcpStream::connect(address).await?, text: String::new(), before })
    }

    /// Follows a stream, and tells of each change when it came.
    pub(crate) async fn stream(mut self, id: &str, told: &Sender<(usize, Instant)>) -> Result<(), Failure> {
        self.ask(&format!("/v1/subscriptions/{id}/stream")).await?;
        loop {
            self.read().await?;
            let at = Instant::now();
            while let Some((number, end)) = change(&self.text, &self.before) {
                self.text.drain(..end);
                told.send((number, at)).await?;
            }
        }
    }

    /// Polls again and again, and tells of each change when it came.
    pub(crate) async fn poll(mut self, id: &str, told: &Sender<(usize, Instant)>) -> Result<(), Failure> {
        let mut since = String::new();
        loop {
            self.ask(&format!("/v1/subscriptions/{id}/poll?timeout=60{since}")).await?;
            let body = self.answer().await?;
            let at = Instant::now();
            let mut rest = body.as_str();
            while let Some((number, end)) = change(rest, &self.before) {
                rest = rest.get(end..).unwrap_or_default();
                told.send((number, at)).await?;
            }
            if let Some((_, last)) = body.rsplit_once(EVENT_ID) {
                since = format!("&since_event_id={}", last.split('"').next().unwrap_or_default());
            }
        }
    }

    async fn ask(&mut self, target: &str) -> Result<(), Failure> {
        let request = format!("GET {target} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        Ok(self.socket.write_all(request.as_bytes()).await?)
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let mut buffer = [0; 4_096];
        let count = self.socket.read(&mut buffer).await?;
        if count == 0 {
            return Err("the server has closed the connection".into());
        }
        self.text.push_str(&String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()));
        Ok(())
    }

    /// The body of an answer with a known length.
    async fn answer(&mut self) -> Result<String, Failure> {
        loop {
            if let Some((head, body)) = self.text.split_once("\r\n\r\n") {
                if !head.starts_with("HTTP/1.1 200") {
                    return Err(head.lines().next().unwrap_or_default().into());
                }
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                let length = length.ok_or("an answer without a length")?;
                if let Some(whole) = body.get(..length) {
                    let (whole, rest) = (whole.to_owned(), body.get(length..).unwrap_or_default().to_owned());
                    self.text = rest;
                    return Ok(whole);
                }
            }
            self.read().await?;
        }
    }
}

/// The first change in a text, and where it ends.
fn change(text: &str, before: &str) -> Option<(usize, usize)> {
    let start = text.find(before)? + before.len();
    let length = text.get(start..)?.find('"')?;
    let number = text.get(start..start + length)?.parse().ok()?;
    Some((number, start + length))
}
