//! Takes connections from the kernel, no more than there are permits, and survives running out of file descriptors.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pause after an error of the listener itself. The cause (no file descriptors, no memory) seldom passes sooner.
const PAUSE: Duration = Duration::from_secs(1);

/// The next connection, its peer, and the permit that lasts as long as it does. `None` after an error, which has been
/// dealt with. May be dropped at any point without losing a connection.
pub(super) async fn next(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // The permit comes first: a connection that must wait does so in the backlog of the kernel.
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are written in one go; waiting for more to send would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(target: "listener", error = &error as &dyn std::error::Error, "no TCP_NODELAY");
            }
            Some((stream, peer, permit))
        }
        Err(error) if of_one_connection(&error) => None,
        Err(error) => {
            tracing::warn!(target: "listener", error = &error as &dyn std::error::Error, "cannot accept connections");
            tokio::time::sleep(PAUSE).await;
            None
        }
    }
}

/// Whether an error of `accept` concerns only the connection that would have been accepted.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
