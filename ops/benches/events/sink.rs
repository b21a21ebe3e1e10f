//! A receiver that answers every request at once, and tells when which path's event came.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A receiver.
pub(crate) struct Sink {
    pub(crate) url: String,
    count: Arc<AtomicU64>,
    last: mpsc::Receiver<Instant>,
}

impl Sink {
    /// Listens.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let count = Arc::new(AtomicU64::new(0));
        let (told, last) = mpsc::channel(1);
        let counted = count.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (counted, told) = (counted.clone(), told.clone());
                tokio::spawn(async move {
                    let _ = serve(socket, &counted, &told).await;
                });
            }
        });
        Self { url, count, last }
    }

    /// Requests so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// When the next request comes.
    pub(crate) async fn next(&mut self) -> Instant {
        self.last.recv().await.unwrap()
    }
}

async fn serve(mut socket: TcpStream, count: &AtomicU64, told: &mpsc::Sender<Instant>) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut read = Vec::with_capacity(4_096);
    loop {
        let end = loop {
            if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            if socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        };
        let head = std::str::from_utf8(&read[..end]).unwrap();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let whole = end + length.map_or(0, |length| length.parse::<usize>().unwrap());
        while read.len() < whole {
            if socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
        }
        read.drain(..whole);
        count.fetch_add(1, Ordering::Relaxed);
        // Somebody may wait for it.
        let _ = told.try_send(Instant::now());
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
    }
}
