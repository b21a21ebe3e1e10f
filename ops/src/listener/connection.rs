//! One connection from its first byte to its last: TLS handshake, requests, and a polite end when the server stops.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::Answers;
use super::progress::{Progress, TicketedBody};
use super::tls::Acceptor;

/// Largest head of a request, in bytes.
const LARGEST_HEAD: u32 = 64 * 1024;
/// Most requests at a time on one HTTP/2 connection.
const MOST_STREAMS: u32 = 256;
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it has to answer.
const PING_INTERVAL: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a peer may keep us waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// For the TLS handshake.
    pub(super) handshake_timeout: Duration,
    /// For the head of a request; also how long an HTTP/1.1 connection may be idle.
    pub(super) head_timeout: Duration,
}

/// What a connection needs to know.
pub(super) struct Context<A> {
    /// The other end.
    pub(super) peer: SocketAddr,
    /// `None`: plain HTTP.
    pub(super) tls: Option<Arc<Acceptor>>,
    /// Answers the requests.
    pub(super) service: A,
    /// Counts them.
    pub(super) progress: Progress,
    /// Becomes true when the server stops.
    pub(super) stopped: watch::Receiver<bool>,
    /// Timeouts.
    pub(super) settings: Settings,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self { handshake_timeout: Duration::from_secs(10), head_timeout: Duration::from_secs(30) }
    }
}

/// Serves a connection until it ends. Faults of the peer are logged at `debug` only: anyone can cause them.
pub(super) async fn run<A: Answers>(stream: TcpStream, mut context: Context<A>) {
    let Some(acceptor) = context.tls.take() else { return serve(stream, context).await };
    let peer = context.peer;
    let mut stopped = context.stopped.clone();
    let handshake = tokio::time::timeout(context.settings.handshake_timeout, acceptor.accept(stream));
    let accepted = tokio::select! {
        accepted = handshake => accepted,
        _ = stopped.wait_for(|stopped| *stopped) => return,
    };
    match accepted {
        Ok(Ok(stream)) => serve(stream, context).await,
        Ok(Err(error)) => {
            tracing::debug!(target: "listener", %peer, error = &error as &dyn std::error::Error, "TLS handshake failed");
        }
        Err(_) => tracing::debug!(target: "listener", %peer, "TLS handshake took too long"),
    }
}

async fn serve<S, A>(stream: S, context: Context<A>)
where
    A: Answers,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Context { peer, service, progress, mut stopped, settings, .. } = context;
    let begun = Arc::new(AtomicBool::new(false));
    let answering = service_fn({
        let begun = Arc::clone(&begun);
        move |request| {
            begun.store(true, Ordering::Relaxed);
            answer(request, peer, service.clone(), progress.clone())
        }
    });
    let builder = builder(settings);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), answering));
    let mut first_request = std::pin::pin!(tokio::time::sleep(settings.head_timeout));
    let mut waiting_for_first = true;
    let mut stopping = false;
    let result = loop {
        tokio::select! {
            result = connection.as_mut() => break result,
            // Until the version of HTTP is known, hyper itself would wait for ever.
            () = &mut first_request, if waiting_for_first => {
                if !begun.load(Ordering::Relaxed) {
                    return;
                }
                waiting_for_first = false;
            }
            _ = stopped.wait_for(|stopped| *stopped), if !stopping => {
                connection.as_mut().graceful_shutdown();
                stopping = true;
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(target: "listener", %peer, error = error.as_ref() as &dyn std::error::Error, "connection failed");
    }
}

fn builder(settings: Settings) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.head_timeout)
        .max_buf_size(LARGEST_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

async fn answer<A: Answers>(
    request: Request<Incoming>,
    peer: SocketAddr,
    mut service: A,
    progress: Progress,
) -> Result<Response<TicketedBody>, Infallible> {
    let ticket = progress.begin();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = service.ready().await?.call(request).await?;
    Ok(response.map(|body| ticket.attach(body)))
}
