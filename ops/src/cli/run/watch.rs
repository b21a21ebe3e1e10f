//! Notices that a secret of `run` has changed, by its version; values are read again only then.

use std::collections::BTreeMap;
use std::time::Duration;

use super::sources::{BATCH_LIMIT, Loaded, Sources};
use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::session::Session;

const INTERVAL: Duration = Duration::from_secs(5);

/// Waits until the secrets have other versions than these, and gives their new values. While the server cannot be
/// asked, or a secret cannot be read, the command goes on with what it has.
pub(super) async fn changed(session: &mut Session, sources: &Sources, versions: &BTreeMap<String, u64>) -> Loaded {
    let mut told = String::new();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let failure = match look(session, sources, versions).await {
            Ok(Some(loaded)) => return loaded,
            Ok(None) => {
                told.clear();
                continue;
            }
            Err(failure) => failure,
        };
        if failure.exit() == Exit::UNAUTHENTICATED {
            // The token may have been replaced, in its file or at ScaiKey.
            session.reconnect();
        }
        if told != failure.message() {
            session.output.notice(&format!("Watching: {} [{}]", failure.message(), failure.code()));
            failure.message().clone_into(&mut told);
        }
    }
}

async fn look(
    session: &Session,
    sources: &Sources,
    versions: &BTreeMap<String, u64>,
) -> Result<Option<Loaded>, Failure> {
    let paths = sources.secret_paths(session).await?;
    let mut current = BTreeMap::new();
    for chunk in paths.chunks(BATCH_LIMIT) {
        let body = object([("paths", Some(Json::texts(chunk)))]);
        let address = Address::new("/v1/secrets/batch/metadata");
        let answer = session.send(Call::ask(address, &body)).await?.json()?;
        for (path, metadata) in answer.member("metadata").map(Json::members).unwrap_or_default() {
            if let Some(version) = metadata.member_whole("current_version") {
                current.insert(path.clone(), version);
            }
        }
        if let Some((path, error)) = answer.member("errors").map(Json::members).unwrap_or_default().first() {
            let code = error.member_text("code").unwrap_or_default();
            let message = error.member_text("message").unwrap_or_default();
            return Err(Failure::local(Exit::of_code(code), format!("{path}: {message}")));
        }
    }
    if current == *versions { Ok(None) } else { sources.load(session).await.map(Some) }
}
