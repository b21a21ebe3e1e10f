//! `secrets rotate`: replaces the value by a given or a generated one.

use clap::Args;
use http::Method;

use super::{Place, data};
use crate::cli::client::Call;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::cell;

/// Flags of the command.
#[derive(Args)]
pub(super) struct RotateArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Fields of the new value; without any it is generated, where the rotation policy says so
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Take the whole new value from a JSON file (- for standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "pairs")]
    json_file: Option<String>,
    /// Why; kept in the audit log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// How long the previous version stays readable, such as 48h
    #[arg(long, value_name = "DURATION")]
    grace_period: Option<String>,
}

/// Rotates a secret.
pub(super) async fn run(session: &Session, place: Place, arguments: RotateArguments) -> Result<(), Failure> {
    let RotateArguments { path, pairs, json_file, reason, grace_period } = arguments;
    let body = object([
        ("reason", reason.map(Json::text)),
        ("new_value", data::gather(&pairs, &[], json_file.as_deref()).await?),
        ("grace_period", grace_period.map(Json::text)),
    ]);
    let call = Call::new(Method::POST, place.secret(&path).then("rotate")).with_body(&body);
    let answer = session.send(call).await?;
    session.output.answer(&answer, |answer| {
        format!(
            "Rotated {path} version {} (was {}, readable until {})",
            cell(answer.member("version")),
            cell(answer.member("previous_version")),
            cell(answer.member("grace_period_ends")),
        )
    })
}
