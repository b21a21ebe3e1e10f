//! An answer that is too large for memory, received into a file beside the one it is to be.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::NamedTempFile;

use super::transport::chain;
use super::{Attempt, Call, Client};
use crate::cli::error::Failure;

/// What was received, not yet under its name.
pub(crate) struct Received {
    file: NamedTempFile,
    path: PathBuf,
    sha256: String,
}

// === impl Received ===

impl Received {
    /// Digest of all of it, hexadecimal.
    pub(crate) fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Gives it its name, in place of what has it.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        let synced = self.file.as_file().sync_all();
        synced.map_err(|error| unwritable(&self.path, &error))?;
        self.file.persist(&self.path).map(drop).map_err(|error| unwritable(&self.path, &error.error))
    }
}

impl Client {
    /// Receives the answer of a request; it may take as long as it likes, but never pause longer than one request may
    /// take.
    pub(crate) async fn download(&self, call: &Call, path: &Path) -> Result<Received, Failure> {
        let url = format!("{}{}", self.base, call.address);
        let late = |_| Failure::general(format!("No answer from {} within {} s", self.base, self.timeout.as_secs()));
        let sending = self.http.request(call.method.clone(), &url).headers(self.headers.clone()).send();
        let sent = tokio::time::timeout(self.timeout, sending).await.map_err(late)?;
        let mut response = sent.map_err(|error| match self.unanswered(&error) {
            Attempt::Broken(failure) | Attempt::Failed(failure) => failure,
            Attempt::Answered { .. } => Failure::general("The server gave no answer"),
        })?;
        if !response.status().is_success() {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = tokio::time::timeout(self.timeout, response.text()).await.map_err(late)?.unwrap_or_default();
            let request_id = headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
            return Err(Failure::answered(status, request_id, &body));
        }
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(directory).map_err(|error| unwritable(path, &error))?;
        let mut digest = Context::new(&SHA256);
        while let Some(piece) = tokio::time::timeout(self.timeout, response.chunk())
            .await
            .map_err(late)?
            .map_err(|error| Failure::general(format!("The answer from {} broke off: {}", self.base, chain(&error))))?
        {
            digest.update(&piece);
            file.write_all(&piece).map_err(|error| unwritable(path, &error))?;
        }
        let sha256 = scaivault_eventstore::record::hex(digest.finish().as_ref());
        Ok(Received { file, path: path.to_owned(), sha256 })
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::general(format!("{} cannot be written: {error}", path.display()))
}
