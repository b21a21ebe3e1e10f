//! What is sent, where it may go, and what is made of answers: real sockets, real TLS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::super::Names;
use super::super::tests::{HERE, answering};
use super::*;

fn message(url: &str, ca_pem: Option<&str>) -> Message {
    Message {
        url: url.into(),
        ca_pem: ca_pem.map(Into::into),
        headers: vec![("content-type", "application/json".into()), ("webhook-id", "evt_1".into())],
        body: bytes::Bytes::from_static(b"{\"test\": 1}"),
    }
}

async fn posted(rules: AddressRules, url: &str, ca_pem: Option<&str>) -> Result<Answered, PostError> {
    Courier::new(rules).post(&message(url, ca_pem)).await.answer
}

async fn answer(text: &'static [u8]) -> Result<Answered, PostError> {
    let (port, _) = answering(text, false).await;
    posted(HERE, &format!("http://127.0.0.1:{port}/hook?a=b"), None).await
}

/// Names whose addresses change from one look to the next.
struct Changing(Vec<SocketAddr>, AtomicUsize);

#[async_trait]
impl Names for Changing {
    async fn addresses(&self, _name: &str) -> std::io::Result<Vec<SocketAddr>> {
        Ok(vec![self.0[self.1.fetch_add(1, Ordering::SeqCst).min(self.0.len() - 1)]])
    }
}

#[tokio::test]
async fn closed_addresses_are_not_connected_to_whatever_a_name_stands_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for url in [
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://0x7f.1:{port}/"),
        "https://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        assert_eq!(posted(AddressRules::default(), &url, None).await, Err(PostError::BlockedAddress), "{url}");
    }
    // Plain HTTP is for development, and for this host.
    let plain = AddressRules { private: true, plain_loopback: false };
    assert_eq!(posted(plain, &format!("http://127.0.0.1:{port}/"), None).await, Err(PostError::BlockedAddress));
    // A name that stood for a public address when it was looked at, and for this host when it is connected to.
    let rebound = Changing(vec![SocketAddr::from(([127, 0, 0, 1], 0))], AtomicUsize::new(0));
    let rules = AddressRules::default();
    let addresses = OpenAddresses { rules, names: Arc::new(rebound) };
    let courier = Courier { rules, addresses, clients: Mutex::default() };
    let url = format!("https://hooks.example.com:{port}/");
    assert_eq!(courier.post(&message(&url, None)).await.answer, Err(PostError::BlockedAddress));
    let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "nobody connected");
}

#[tokio::test]
async fn certificates_are_checked() {
    let (port, pem) = answering(b"HTTP/1.1 204 No Content\r\n\r\n", true).await;
    let url = format!("https://localhost:{port}/hook");
    let with_roots = posted(HERE, &url, Some(&pem)).await;
    assert_eq!(with_roots, Ok(Answered { status: 204, retry_after: None, body: None }));
    assert_eq!(posted(HERE, &url, None).await, Err(PostError::Tls));
    let by_address = format!("https://127.0.0.1:{port}/hook");
    assert_eq!(posted(HERE, &by_address, Some(&pem)).await, Err(PostError::Tls), "another name");
}

#[tokio::test]
async fn answers_are_told_as_they_are() {
    let moved =
        answer(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    assert_eq!((moved.status, moved.body), (302, None), "nobody goes there");
    let busy = answer(b"HTTP/1.1 503 Busy\r\nRetry-After: 120\r\nContent-Length: 4\r\n\r\nbusy").await.unwrap();
    assert_eq!((busy.status, busy.retry_after), (503, Some(RetryAfter::Seconds(120))));
    assert_eq!(busy.body.as_deref(), Some("busy"));
    let dated = b"HTTP/1.1 429 Slow\r\nRetry-After: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n";
    let at = Timestamp::from_micros(1_767_225_600_000_000);
    assert_eq!(answer(dated).await.unwrap().retry_after, Some(RetryAfter::At(at)));
    let senseless = b"HTTP/1.1 429 Slow\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answer(senseless).await.unwrap().retry_after, None);
    // A body may break off or never end: its beginning is what is kept.
    let broken = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab").await.unwrap();
    assert_eq!((broken.status, broken.body.as_deref()), (200, Some("ab")));
    let mut long = b"HTTP/1.1 500 Oh\r\nContent-Length: 600000\r\n\r\n".to_vec();
    long.resize(600_100, b'x');
    assert_eq!(answer(long.leak()).await.unwrap().body.unwrap().len(), BODY);
    assert_eq!(answer(b"nonsense\r\n\r\n").await, Err(PostError::Connection));
    let unknown = posted(HERE, "https://no-such-host.invalid/", None).await;
    assert_eq!(unknown, Err(PostError::Dns));
}

#[tokio::test]
async fn a_connection_is_used_again_and_says_what_it_should() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        for _ in 0..2 {
            let mut asked = vec![0; 4096];
            let count = socket.read(&mut asked).await.unwrap();
            heard += std::str::from_utf8(&asked[..count]).unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        }
        heard
    });
    let courier = Courier::new(HERE);
    let message = message(&format!("http://localhost:{port}/hook?token=1"), None);
    for _ in 0..2 {
        assert_eq!(courier.post(&message).await.answer.unwrap().status, 200);
    }
    let heard = heard.await.unwrap();
    assert_eq!(heard.matches("POST /hook?token=1 HTTP/1.1\r\n").count(), 2);
    assert!(heard.contains("webhook-id: evt_1\r\n") && heard.contains("{\"test\": 1}"));
    assert!(!heard.to_lowercase().contains("cookie") && !heard.to_lowercase().contains("authorization"));
}
