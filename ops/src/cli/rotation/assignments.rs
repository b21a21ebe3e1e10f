//! `rotation assign`, `unassign` and `secrets`: what is attached to a policy, and when it is due.

use clap::Args;
use http::Method;

use super::policy;
use crate::cli::client::Call;
use crate::cli::completion;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::list::{self, ListArguments};
use crate::cli::session::Session;
use crate::cli::table::Table;

/// Arguments of `rotation assign` and `unassign`.
#[derive(Args)]
pub(crate) struct AssignmentArguments {
    /// Id of the policy (rot_…)
    #[arg(add = completion::rotation_policies())]
    id: String,
    /// Path of the secret
    #[arg(add = completion::paths())]
    path: String,
}

/// Arguments of `rotation secrets`.
#[derive(Args)]
#[command(
    after_help = "scheduled: not soon. warning: announced. due: waits for its value. overdue: for longer than the \
grace period. failed: the server could not make a value, and tries again. paused: the policy is disabled, or the \
secret deleted."
)]
pub(crate) struct SecretsArguments {
    /// Id of the policy (rot_…)
    #[arg(add = completion::rotation_policies())]
    id: String,
    /// Only those that stand so
    #[arg(long, value_parser = ["scheduled", "warning", "due", "overdue", "failed", "paused"])]
    status: Option<String>,
    #[command(flatten)]
    list: ListArguments,
}

/// Attaches a secret, and shows when it is due.
pub(super) async fn assign(session: &Session, arguments: &AssignmentArguments) -> Result<(), Failure> {
    let body = object([("secret_path", Some(Json::text(arguments.path.as_str())))]);
    let call = Call::new(Method::POST, policy(&arguments.id).then("secrets")).with_body(&body);
    let answer = session.send(call).await?;
    session.output.answer(&answer, |assignment| table(std::slice::from_ref(assignment)).render())
}

/// Detaches a secret.
pub(super) async fn unassign(session: &Session, arguments: &AssignmentArguments) -> Result<(), Failure> {
    let AssignmentArguments { id, path } = arguments;
    session.send(Call::new(Method::DELETE, policy(id).then("secrets").secret(path))).await?;
    session.output.done(&format!("Detached {path} from {id}"))
}

/// Lists what is attached.
pub(super) async fn list(session: &Session, arguments: &SecretsArguments) -> Result<(), Failure> {
    let SecretsArguments { id, status, list } = arguments;
    let address = policy(id).then("secrets").query("status", status.as_deref());
    let none = match status {
        Some(status) => format!("No secret of {id} is {status}"),
        None => format!("No secret is attached yet: scaivault rotation assign {id} PATH"),
    };
    list::show_or(session, address, list, "secrets", table, &none).await
}

fn table(assignments: &[Json]) -> Table {
    let columns =
        [("PATH", "secret_path"), ("STATUS", "status"), ("LAST_ROTATED", "last_rotated_at"), ("NEXT", "next_rotation")];
    Table::of(assignments, &columns)
}
