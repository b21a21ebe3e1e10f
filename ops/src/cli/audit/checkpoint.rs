//! `audit checkpoint`: the signed note, as it comes.

use crate::cli::client::Call;
use crate::cli::client::address::Address;
use crate::cli::error::{Exit, Failure};
use crate::cli::json::Json;
use crate::cli::session::Session;

/// Prints a checkpoint.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let answer = session.send(fetch()).await?;
    session.output.answer(&answer, |signed| note(signed).trim_end_matches('\n').to_owned())?;
    Ok(Exit::SUCCESS)
}

/// Asks for a checkpoint with its parts.
pub(super) fn fetch() -> Call {
    Call::fetch(Address::new("/v1/audit/checkpoint")).for_json()
}

/// The note in an answer.
pub(super) fn note(answer: &Json) -> &str {
    answer.member_text("note").unwrap_or_default()
}
