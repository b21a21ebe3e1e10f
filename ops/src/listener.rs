//! Accepts connections and serves requests on them: HTTP/1.1 and HTTP/2, with TLS or without, until shutdown is asked
//! for; then requests in progress finish, within a grace. Knows nothing of routes.

mod accept;
mod connection;
pub(crate) mod metrics;
mod progress;
pub(crate) mod tls;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use crate::configuration::BindAddress;
use connection::Settings;
use progress::Progress;

/// Most connections at a time. Beyond it the kernel queues them.
const MOST_CONNECTIONS: usize = 10_000;

/// What answers the requests of a listener. Each carries `ConnectInfo<SocketAddr>` with its peer.
pub(crate) trait Answers:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Answers for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every request got its answer.
    Finished,
    /// Requests were still in progress at the end of the grace.
    CutOff,
}

/// Opens a listener. A name with several addresses is bound at the first that can be.
pub(crate) async fn bind(address: &BindAddress) -> io::Result<TcpListener> {
    TcpListener::bind((address.host.as_str(), address.port)).await
}

/// Serves with `service` until `shutdown` completes; then accepts nothing more, closes connections after their request in
/// progress, and cuts what is left after `grace`.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<tls::Acceptor>>,
    service: impl Answers,
    shutdown: impl Future<Output = ()> + Send,
    grace: Duration,
) -> Outcome {
    serve_with(listener, tls, service, shutdown, grace, Settings::default()).await
}

/// [`serve`] with other timeouts.
async fn serve_with(
    listener: TcpListener,
    tls: Option<Arc<tls::Acceptor>>,
    service: impl Answers,
    shutdown: impl Future<Output = ()> + Send,
    grace: Duration,
    settings: Settings,
) -> Outcome {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let progress = Progress::default();
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            // Taken out as they end, so that the set holds only connections that are open.
            Some(_) = connections.join_next() => {}
            accepted = accept::next(&listener, &permits) => {
                let Some((stream, peer, permit)) = accepted else { continue };
                let context = connection::Context {
                    peer,
                    tls: tls.clone(),
                    service: service.clone(),
                    progress: progress.clone(),
                    stopped: stopped.clone(),
                    settings,
                };
                connections.spawn(async move {
                    connection::run(stream, context).await;
                    drop(permit);
                });
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all_closed = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all_closed).await.is_ok() {
        return Outcome::Finished;
    }
    let outcome = if progress.requests() == 0 { Outcome::Finished } else { Outcome::CutOff };
    connections.shutdown().await;
    outcome
}
