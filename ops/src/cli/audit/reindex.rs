//! `audit reindex`.

use std::time::Duration;

use clap::Args;
use http::Method;

use crate::cli::client::address::Address;
use crate::cli::client::{Answer, Call};
use crate::cli::error::Failure;
use crate::cli::session::Session;
use crate::cli::table;

const REINDEX: &str = "/v1/audit/reindex";
/// Between two looks at how it is doing.
const PAUSE: Duration = Duration::from_millis(1_500);

/// Flags of `audit reindex`.
#[derive(Args)]
pub(crate) struct ReindexArguments {
    /// Wait until it is done, showing how far it has come
    #[arg(long)]
    wait: bool,
    /// Only show how the last one is doing
    #[arg(long, conflicts_with = "wait")]
    status: bool,
}

/// Starts it, or shows how it is doing.
pub(super) async fn run(session: &Session, arguments: &ReindexArguments) -> Result<(), Failure> {
    let first = if arguments.status { look() } else { Call::new(Method::POST, Address::new(REINDEX)) };
    let answer = session.send(first).await?;
    let answer = if arguments.wait { done(session, answer).await? } else { answer };
    session.output.answer(&answer, table::lines)
}

/// Waits until it is done.
async fn done(session: &Session, mut answer: Answer) -> Result<Answer, Failure> {
    loop {
        let status = answer.json()?;
        match status.member_text("status") {
            Some("running") => {
                let at = |name: &str| table::cell(status.member(name));
                session.output.notice(&format!("{} of {}", at("applied_position"), at("log_position")));
            }
            Some("failed") => {
                let reason = status.member_text("error").unwrap_or("no reason is known");
                return Err(Failure::general(format!("The index was not made anew: {reason}")));
            }
            Some(_) | None => return Ok(answer),
        }
        tokio::time::sleep(PAUSE).await;
        answer = session.send(look()).await?;
    }
}

fn look() -> Call {
    Call::fetch(Address::new(REINDEX))
}
