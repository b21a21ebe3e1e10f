//! The API as a service. What it has begun it ends: a client that leaves must not leave its request unrecorded.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{Request, Response};
use tokio::runtime::Handle;
use tower::Service;

use crate::app::App;
use crate::dispatch;

/// Answers requests. Each must carry its peer as `ConnectInfo<SocketAddr>`.
#[derive(Clone)]
pub struct Api(Arc<App>);

/// An answer in the making.
pub struct Answering(Option<Pin<Box<dyn Future<Output = Response<Body>> + Send>>>);

// === impl Api ===

impl Api {
    /// The API over this app.
    pub fn new(app: Arc<App>) -> Self {
        Self(app)
    }

    /// Begins to answer.
    pub fn answer(&self, request: Request<Body>) -> Answering {
        Answering(Some(Box::pin(dispatch::answer(self.0.clone(), request))))
    }
}

impl Service<Request<Body>> for Api {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        self.answer(request)
    }
}

// === impl Answering ===

impl Future for Answering {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Taken out while it works: what panics is not worked on again.
        let Some(mut work) = self.0.take() else { return Poll::Pending };
        match work.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(Ok(response)),
            Poll::Pending => {
                self.0 = Some(work);
                Poll::Pending
            }
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        // Nobody waits any more. Most work ends in the task of its connection, which is cheaper than one of its own.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use futures_util::future::poll_immediate;
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_comes_to_its_end() {
        let (release, released) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let work = async move {
            released.await.unwrap();
            end.send(()).unwrap();
            Response::new(Body::empty())
        };
        let mut answering = Answering(Some(Box::pin(work)));
        assert!(poll_immediate(&mut answering).await.is_none());
        drop(answering);
        release.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap();
    }
}
