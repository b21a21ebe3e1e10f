//! Counts requests in progress: from the moment the request is handed to the router until the body of the answer has
//! been produced. Tells an idle connection from work that a shutdown would cut off.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};

/// The count, shared by all connections of a listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress(Arc<AtomicUsize>);

/// One request in progress.
#[derive(Debug)]
pub(super) struct Ticket(Arc<AtomicUsize>);

/// The body of an answer together with its ticket.
pub(super) struct TicketedBody {
    body: Body,
    _ticket: Ticket,
}

// === impl Progress ===

impl Progress {
    /// A request begins.
    pub(super) fn begin(&self) -> Ticket {
        self.0.fetch_add(1, Ordering::AcqRel);
        Ticket(Arc::clone(&self.0))
    }

    /// How many are in progress.
    pub(super) fn requests(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

// === impl Ticket ===

impl Ticket {
    /// Keeps the ticket as long as the body.
    pub(super) fn attach(self, body: Body) -> TicketedBody {
        TicketedBody { body, _ticket: self }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

// === impl TicketedBody ===

impl HttpBody for TicketedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
