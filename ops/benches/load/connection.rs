//! One keep-alive connection: a request out, its answer in, read just far enough to know where it ends.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

/// Room for an answer at first; grows with larger ones.
const ROOM: usize = 64 * 1024;

/// A connection with at most one request under way.
pub(crate) struct Connection {
    stream: TcpStream,
    output: Vec<u8>,
    written: usize,
    input: Vec<u8>,
    filled: usize,
    /// When the request under way was made; `None`: there is none.
    pub(crate) sent_at: Option<Instant>,
}

/// A complete answer.
pub(crate) struct Answer {
    /// Status code.
    pub(crate) status: u16,
    /// Length of its body.
    pub(crate) body_bytes: usize,
}

// === impl Connection ===

impl Connection {
    /// Connects, and has events reported under this token.
    pub(crate) fn open(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<Self> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { stream, output: Vec::new(), written: 0, input: vec![0; ROOM], filled: 0, sent_at: None })
    }

    /// Sends what `fill` writes, as one request. False if it writes nothing.
    pub(crate) fn ask(&mut self, now: Instant, fill: impl FnOnce(&mut Vec<u8>) -> bool) -> io::Result<bool> {
        self.output.clear();
        self.written = 0;
        if !fill(&mut self.output) {
            return Ok(false);
        }
        self.flush()?;
        self.sent_at = Some(now);
        Ok(true)
    }

    /// Writes what the kernel did not take before.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The answer, once all of it is here.
    ///
    /// Stops reading when it is complete: nothing follows before the next request, so that the next
    /// event of the edge-triggered poll belongs to the next answer.
    pub(crate) fn answer(&mut self) -> io::Result<Option<Answer>> {
        while self.sent_at.is_some() {
            if self.filled == self.input.len() {
                self.input.resize(self.input.len() * 2, 0);
            }
            let room = self.input.get_mut(self.filled..).unwrap_or_default();
            match self.stream.read(room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            let received = self.input.get(..self.filled).unwrap_or_default();
            if let Some((answer, length)) = parse(received)?
                && length <= self.filled
            {
                self.filled = 0;
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }
}

/// The answer that begins here and its whole length, as soon as its head is complete.
fn parse(received: &[u8]) -> io::Result<Option<(Answer, usize)>> {
    let unusable = |text: &str| io::Error::new(io::ErrorKind::InvalidData, text.to_owned());
    let mut body_bytes = None;
    let mut start = 0;
    let mut status = None;
    while let Some(rest) = received.get(start..)
        && let Some(length) = rest.iter().position(|&byte| byte == b'\n')
    {
        let line = rest.get(..length).unwrap_or_default().trim_ascii_end();
        start += length + 1;
        if status.is_none() {
            let code = line.get(9..12).and_then(number).ok_or_else(|| unusable("no status line"))?;
            status = Some(u16::try_from(code).unwrap_or(0));
        } else if let Some(value) = value_of(line, b"content-length:") {
            body_bytes = Some(number(value).ok_or_else(|| unusable("no number as length"))?);
        } else if line.is_empty() {
            let status = status.unwrap_or(0);
            let body_bytes = if status == 204 { Some(0) } else { body_bytes };
            let body_bytes = body_bytes.ok_or_else(|| unusable("an answer without Content-Length"))?;
            return Ok(Some((Answer { status, body_bytes }, start + body_bytes)));
        }
    }
    Ok(None)
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    found.eq_ignore_ascii_case(name).then_some(value)
}

fn number(text: &[u8]) -> Option<usize> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}
