//! A receiver of webhooks over TLS that resets connections, answers slowly, wrongly or not at all, and notes what came.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::random::Random;

/// How often one event goes wrong at most: the pause after a third time is minutes.
const TIMES: u32 = 2;

/// One request.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub event_id: String,
    pub path: String,
    /// Whether it was answered 200, and the answer was written.
    pub accepted: bool,
}

/// A receiver.
pub struct Receiver {
    pub url: String,
    pub certificate: String,
    noted: Arc<Noted>,
}

struct Noted {
    arrivals: Mutex<Vec<Arrival>>,
    failed: Mutex<HashMap<String, u32>>,
    random: Mutex<Random>,
    /// Of a hundred, how many go wrong.
    faulty: AtomicU64,
    faults: AtomicU64,
}

impl Receiver {
    /// Listens.
    pub async fn start(seed: u64, faulty: u64) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let configuration = rustls::ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(configuration));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
        let noted = Arc::new(Noted {
            arrivals: Mutex::default(),
            failed: Mutex::default(),
            random: Mutex::new(Random::new(seed, 99)),
            faulty: AtomicU64::new(faulty),
            faults: AtomicU64::new(0),
        });
        let told = noted.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, noted) = (acceptor.clone(), told.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        let _ = serve(stream, &noted).await;
                    }
                });
            }
        });
        Self { url, certificate: made.cert.pem(), noted }
    }

    /// Nothing goes wrong any more.
    pub fn behave(&self) {
        self.noted.faulty.store(0, Ordering::SeqCst);
    }

    /// What came, in order.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.noted.arrivals.lock().unwrap().clone()
    }

    /// How often it went wrong.
    pub fn faults(&self) -> u64 {
        self.noted.faults.load(Ordering::SeqCst)
    }
}

impl Noted {
    /// What goes wrong with this request, if anything does.
    fn fault(&self, event_id: &str) -> Option<u64> {
        let mut random = self.random.lock().unwrap();
        if random.below(100) >= self.faulty.load(Ordering::SeqCst) {
            return None;
        }
        let mut failed = self.failed.lock().unwrap();
        let times = failed.entry(event_id.to_owned()).or_default();
        if *times >= TIMES {
            return None;
        }
        *times += 1;
        self.faults.fetch_add(1, Ordering::SeqCst);
        Some(random.below(7))
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, noted: &Noted) -> std::io::Result<()> {
    while let Some((head, body)) = request(&mut stream).await? {
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            let mut found = lines.filter(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned());
            found.next().unwrap_or_default()
        };
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let event_id = header("webhook-id");
        let place = {
            let mut arrivals = noted.arrivals.lock().unwrap();
            let path = body["path"].as_str().unwrap_or_default().to_owned();
            arrivals.push(Arrival { event_id: event_id.clone(), path, accepted: false });
            arrivals.len() - 1
        };
        let answer = match noted.fault(&event_id) {
            None => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            // The connection is reset without an answer, or in the middle of one.
            Some(0) => return Ok(()),
            Some(1) => {
                stream.write_all(b"HTTP/1.1 200").await?;
                return Ok(());
            }
            Some(2) => "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
            Some(3) => "HTTP/1.1 302 Found\r\nLocation: https://localhost:1/\r\nContent-Length: 0\r\n\r\n",
            Some(4) => "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n",
            // Slow, and in time.
            Some(5) => {
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            }
            // Too slow: nobody is there any more.
            Some(_) => {
                tokio::time::sleep(Duration::from_secs(11)).await;
                return Ok(());
            }
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        noted.arrivals.lock().unwrap()[place].accepted = answer.starts_with("HTTP/1.1 200");
    }
    Ok(())
}

/// One request; `None` at the end of the connection.
async fn request<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Option<(String, Vec<u8>)>> {
    let mut read = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length = head.lines().filter_map(|line| line.split_once(": "));
            let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length: usize = length.map(|(_, value)| value.parse().unwrap()).next().unwrap_or(0);
            let mut body = read.split_off(end + 4);
            while body.len() < length {
                let count = stream.read(&mut chunk).await?;
                if count == 0 {
                    return Ok(None);
                }
                body.extend_from_slice(&chunk[..count]);
            }
            return Ok(Some((head, body)));
        }
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(None);
        }
        read.extend_from_slice(&chunk[..count]);
    }
}
