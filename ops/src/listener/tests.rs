//! Real connections to a real listener.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::*;
use crate::configuration::{MetricsListener, TlsFiles};
use crate::telemetry::metrics::Metrics;

/// Long enough that only a fault makes a test wait so long.
const LONG: Duration = Duration::from_secs(20);

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    outcome: JoinHandle<Outcome>,
    /// Wakes when `/slow` has been asked for.
    entered: Arc<Notify>,
    /// Lets `/slow` answer.
    release: Arc<Notify>,
}

impl Server {
    async fn start(tls: Option<Arc<tls::Acceptor>>, grace: Duration, settings: Settings) -> Self {
        let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let slow = {
            let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
            move || async move {
                entered.notify_one();
                release.notified().await;
                "slow"
            }
        };
        let peer = |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() };
        let router = Router::new().route("/peer", get(peer)).route("/slow", get(slow));
        let listener = bind(&BindAddress::new("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async { stopped.await.unwrap_or(()) };
        let outcome = tokio::spawn(serve_with(listener, tls, router, shutdown, grace, settings));
        Self { address, stop: Some(stop), outcome, entered, release }
    }

    async fn plain() -> Self {
        Self::start(None, LONG, Settings::default()).await
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn finished(self) -> Outcome {
        tokio::time::timeout(LONG, self.outcome).await.unwrap().unwrap()
    }
}

async fn ask(stream: &mut TcpStream, path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
}

/// Reads until the other end closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    tokio::time::timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn requests_know_their_peer_and_connections_are_kept() {
    let mut server = Server::plain().await;
    let mut stream = server.connect().await;
    let own = stream.local_addr().unwrap().to_string();
    for _ in 0..2 {
        ask(&mut stream, "/peer").await;
        let mut buffer = vec![0; 4096];
        let length = stream.read(&mut buffer).await.unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with(&own), "{text}");
    }
    // The idle connection is closed, not waited for.
    server.stop();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(server.finished().await, Outcome::Finished);
}

#[tokio::test]
async fn http_2_is_spoken_without_tls_too() {
    let server = Server::plain().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(format!("http://{}/peer", server.address)).send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
}

#[tokio::test]
async fn shutdown_waits_for_the_request_in_progress() {
    let mut server = Server::plain().await;
    let mut idle = server.connect().await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/slow").await;
    server.entered.notified().await;
    server.stop();
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
    server.release.notify_one();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
    assert_eq!(server.finished().await, Outcome::Finished);
}

#[tokio::test]
async fn what_outlasts_the_grace_is_cut_off() {
    let mut server = Server::start(None, Duration::from_millis(50), Settings::default()).await;
    let mut stream = server.connect().await;
    ask(&mut stream, "/slow").await;
    server.entered.notified().await;
    server.stop();
    assert_eq!(rest(&mut stream).await, "");
    assert_eq!(server.finished().await, Outcome::CutOff);
}

#[tokio::test]
async fn silent_peers_are_dropped() {
    let short = Duration::from_millis(50);
    let settings = Settings { handshake_timeout: short, head_timeout: short };
    let server = Server::start(None, LONG, settings).await;
    let began = Instant::now();
    for start in ["", "P", "GET /peer HTTP/1.1\r\nHo"] {
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        rest(&mut stream).await;
    }
    assert!(began.elapsed() < LONG);
}

#[tokio::test]
async fn a_head_has_a_limit() {
    let server = Server::plain().await;
    let mut stream = server.connect().await;
    let head = format!("GET /peer HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(100_000));
    // The server may hang up before all of it is sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut buffer = [0; 12];
    stream.read_exact(&mut buffer).await.unwrap();
    assert_eq!(&buffer, b"HTTP/1.1 431");
}

struct Certificate {
    directory: TempDir,
    files: TlsFiles,
}

impl Certificate {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let files = TlsFiles { certificate: directory.path().join("tls.crt"), key: directory.path().join("tls.key") };
        let made = Self { directory, files };
        made.write();
        made
    }

    /// Writes a new certificate with its key.
    fn write(&self) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&self.files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&self.files.key, made.signing_key.serialize_pem()).unwrap();
    }

    /// A client that trusts the certificate as it is now, and nothing else.
    fn client(&self) -> reqwest::Client {
        let pem = std::fs::read(&self.files.certificate).unwrap();
        let root = reqwest::Certificate::from_pem(&pem).unwrap();
        reqwest::Client::builder().tls_certs_only([root]).build().unwrap()
    }
}

#[tokio::test]
async fn certificates_are_replaced_without_a_restart() {
    let certificate = Certificate::new();
    let acceptor = Arc::new(tls::Acceptor::open(certificate.files.clone()).unwrap());
    let server = Server::start(Some(Arc::clone(&acceptor)), LONG, Settings::default()).await;
    let url = format!("https://localhost:{}/peer", server.address.port());
    let first = certificate.client();
    let response = first.get(&url).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, http::Version::HTTP_2));

    // A key that does not match leaves the certificate of before in place.
    let other = Certificate::new();
    std::fs::copy(&other.files.key, &certificate.files.key).unwrap();
    acceptor.reload_if_changed();
    assert!(certificate.client().get(&url).send().await.is_ok());

    std::fs::copy(&other.files.certificate, &certificate.files.certificate).unwrap();
    acceptor.reload_if_changed();
    assert!(other.client().get(&url).send().await.is_ok());
    assert!(first.get(&url).send().await.is_ok(), "an open connection goes on");
    drop(certificate.directory);
}

#[tokio::test]
async fn the_default_metrics_address_may_be_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = BindAddress::new("127.0.0.1", taken.local_addr().unwrap().port());
    let implied = MetricsListener { address: address.clone(), explicit: false };
    assert!(metrics::open(&implied).await.unwrap().is_none());
    assert!(metrics::open(&MetricsListener { address, explicit: true }).await.is_err());
}

#[tokio::test]
async fn metrics_are_for_those_who_may() {
    let authorise: metrics::Authorise =
        Arc::new(|headers| Box::pin(async move { headers.contains_key("authorization") }));
    let router = metrics::router(Arc::new(Metrics::detached()), authorise);
    for (path, token, status) in
        [("/metrics", true, 200), ("/v1/metrics", true, 200), ("/metrics", false, 401), ("/v1/secrets/x", true, 404)]
    {
        let mut request = http::Request::get(path);
        if token {
            request = request.header("authorization", "Bearer x");
        }
        let response = router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
        if status == 200 {
            assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
        }
    }
}
