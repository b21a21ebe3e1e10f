//! Answers, until they become HTTP.

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::stream::BoxStream;
use scaivault_commands::export::store::StoredObject;
use scaivault_commands::{Answer, Reply};

/// What is sent as it comes.
pub type Pieces = BoxStream<'static, Result<Bytes, Infallible>>;

/// What a handler has come to.
pub enum Done {
    /// An answer whose audit entry is still to be made.
    Reply(Reply),
    /// A change: entry and outcome are durable.
    Changed(Answer),
    /// An answer whose audit entries, one per path, have been made durable by the handler.
    Recorded(Reply),
    /// An answer that leaves no audit entry: a dry run.
    Unrecorded(Reply),
    /// The same as an answer, to be saved under a name.
    Attachment {
        /// Name of the file.
        name: String,
        /// Its content.
        reply: Reply,
    },
    /// Something other than JSON, for public operations.
    Text {
        /// Content type.
        content_type: String,
        /// Body.
        body: String,
    },
    /// A file, sent piece by piece.
    File(StoredObject),
    /// Server-Sent Events, which go on after the entry of their opening has been made durable.
    Events(Pieces),
}

impl Done {
    /// 200 with JSON.
    pub fn json(body: &impl serde::Serialize) -> Result<Self, serde_json::Error> {
        Reply::json(200, body).map(Self::Reply)
    }
}
