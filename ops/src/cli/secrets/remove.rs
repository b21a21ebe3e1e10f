//! `secrets delete` and `secrets restore`.

use clap::Args;
use http::Method;

use super::Place;
use crate::cli::client::Call;
use crate::cli::error::Failure;
use crate::cli::json::Json;
use crate::cli::session::Session;
use crate::cli::table::cell;

/// Flags of `secrets delete`.
#[derive(Args)]
#[command(disable_version_flag = true)]
pub(super) struct DeleteArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Destroy for good instead of keeping it restorable
    #[arg(long)]
    hard: bool,
    /// Only this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

/// Flags of `secrets restore`.
#[derive(Args)]
#[command(disable_version_flag = true)]
pub(super) struct RestoreArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Only this version
    #[arg(long, value_name = "N")]
    version: Option<u64>,
}

/// Deletes or destroys a secret or a version.
pub(super) async fn delete(session: &Session, place: Place, arguments: DeleteArguments) -> Result<(), Failure> {
    let DeleteArguments { path, hard, version } = arguments;
    let what = match version {
        Some(version) => format!("{path} version {version}"),
        None => path.clone(),
    };
    if hard {
        session.output.confirm(&format!("Destroy {what} for good?")).await?;
    }
    let address = place.secret(&path).query("version", version).flag("permanent", hard);
    let answer = session.send(Call::new(Method::DELETE, address)).await?;
    session.output.answer(&answer, |answer| match answer.member("recoverable_until") {
        _ if hard => format!("Destroyed {what}"),
        None => format!("Deleted {what}"),
        until => format!("Deleted {what} (recoverable until {})", cell(until)),
    })
}

/// Restores a secret or a version.
pub(super) async fn restore(session: &Session, place: Place, arguments: RestoreArguments) -> Result<(), Failure> {
    let RestoreArguments { path, version } = arguments;
    let address = place.secret(&path).then("restore").query("version", version);
    let answer = session.send(Call::new(Method::POST, address)).await?;
    session.output.answer(&answer, |answer| {
        let current = cell(answer.member("version"));
        if answer.member("restored").is_some_and(Json::is_true) {
            format!("Restored {path} version {current}")
        } else {
            format!("Not deleted: {path} version {current}")
        }
    })
}
