//! `secret-policies generate`: values, masked unless they are asked for.

use clap::Args;
use http::Method;

use super::policy;
use crate::cli::client::Call;
use crate::cli::completion;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::secrets::write::line;
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

/// What stands for a value.
const MASK: &str = "••••••";

/// Flags of `secret-policies generate`.
#[derive(Args)]
pub(crate) struct GenerateArguments {
    /// Id of the policy (sp_…)
    id: String,
    /// Print the values; without it they are masked, also in --json
    #[arg(long)]
    show: bool,
    /// Have the server write the values to this secret and print none
    #[arg(long, value_name = "PATH", conflicts_with = "show", add = completion::paths())]
    store_in: Option<String>,
}

/// Runs the command.
pub(super) async fn run(session: &Session, arguments: GenerateArguments) -> Result<(), Failure> {
    let GenerateArguments { id, show, store_in } = arguments;
    let body = object([("store_path", store_in.as_deref().map(Json::text))]);
    let answer = session.send(Call::new(Method::POST, policy(&id).then("generate")).with_body(&body)).await?;
    if let Some(path) = store_in {
        return session.output.answer(&answer, |answer| line(&path, answer));
    }
    if show {
        return session.output.answer(&answer, |answer| values(answer).render());
    }
    let masked = masked(answer.json()?);
    match session.output.json {
        true => session.output.document(&masked),
        false => session.output.print(&values(&masked).render()),
    }
}

fn masked(mut answer: Json) -> Json {
    let names = answer.member("values").map(Json::members).unwrap_or_default();
    let masked = names.iter().map(|(name, _)| (name.clone(), Json::text(MASK))).collect();
    answer.set("values", Json::Object(masked));
    answer
}

fn values(answer: &Json) -> Table {
    let mut table = Table::new(&["FIELD", "VALUE"]);
    for (name, value) in answer.member("values").map(Json::members).unwrap_or_default() {
        table.push(vec![name.clone(), cell(Some(value))]);
    }
    table
}
