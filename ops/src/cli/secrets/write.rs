//! `secrets write`: a new secret, or a new version.

use clap::Args;
use http::Method;

use super::Place;
use super::attributes::Attributes;
use super::data;
use crate::cli::client::{Answer, Call};
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::cell;

/// Flags of the command.
#[derive(Args)]
pub(super) struct WriteArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Fields; everything after the first = is the text of the value
    #[arg(value_name = "KEY=VALUE")]
    pairs: Vec<String>,
    /// Take the whole data from a JSON file (- for standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pairs", "from_file"])]
    json_file: Option<String>,
    /// A field whose value is the text of a file (repeatable)
    #[arg(long, value_name = "KEY=FILE")]
    from_file: Vec<String>,
    /// kv, json, certificate, ssh_key or api_key [default for a new secret: kv, with --json-file json]
    #[arg(long = "type", value_name = "TYPE")]
    secret_type: Option<String>,
    /// Only if the current version is N
    #[arg(long, value_name = "N", conflicts_with = "if_absent")]
    if_version: Option<u64>,
    /// Only if there is no secret at the path
    #[arg(long)]
    if_absent: bool,
    #[command(flatten)]
    attributes: Attributes,
}

/// Writes a version.
pub(super) async fn run(session: &Session, place: Place, arguments: WriteArguments) -> Result<(), Failure> {
    let data = data::gather(&arguments.pairs, &arguments.from_file, arguments.json_file.as_deref()).await?;
    let Some(data) = data else {
        return Err(Failure::usage("Nothing to write: give KEY=VALUE pairs, --from-file or --json-file"));
    };
    let tags = &arguments.attributes.tags;
    let mut body = object([
        ("data", Some(data)),
        ("secret_type", arguments.secret_type.clone().map(Json::text)),
        ("metadata", arguments.attributes.metadata((!tags.is_empty()).then(|| tags.clone()))),
        ("options", arguments.attributes.options()),
    ]);
    let request = |body: &Json| Call::new(Method::PUT, place.secret(&arguments.path)).with_body(body);
    let answer = if arguments.json_file.is_some() && arguments.secret_type.is_none() && arguments.if_version.is_none() {
        create_as_json(session, &mut body, request, arguments.if_absent).await?
    } else if arguments.if_absent {
        session.send(request(&body).if_absent()).await?
    } else {
        session.send(request(&body).if_version(arguments.if_version)).await?
    };
    session.output.answer(&answer, |answer| line(&arguments.path, answer))
}

/// Type `json` is the default for a new secret alone, while one that exists keeps its type. Only the server can tell
/// the two apart without a race: the first request creates or is refused, the second leaves the type out.
async fn create_as_json(
    session: &Session,
    body: &mut Json,
    request: impl Fn(&Json) -> Call,
    only_create: bool,
) -> Result<Answer, Failure> {
    body.set("secret_type", Json::text("json"));
    match session.send(request(body).if_absent()).await {
        Err(failure) if failure.code() == "version_conflict" && !only_create => {
            body.remove("secret_type");
            session.send(request(body)).await
        }
        outcome => outcome,
    }
}

/// What is said of a write.
pub(crate) fn line(path: &str, answer: &Json) -> String {
    let version = cell(answer.member("version"));
    if answer.member("created").is_some_and(Json::is_true) {
        format!("Created {path} version {version}")
    } else {
        format!("Updated {path} version {version} (was {})", cell(answer.member("previous_version")))
    }
}
