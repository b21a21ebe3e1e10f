//! `secrets batch`: many secrets in one request. The exit status is that of the first path that failed.

use clap::Args;

use super::Place;
use crate::cli::client::Call;
use crate::cli::error::{Exit, Failure};
use crate::cli::input;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::{Table, cell};

/// Flags of the command.
#[derive(Args)]
#[command(disable_version_flag = true)]
pub(super) struct BatchArguments {
    /// Paths of the secrets
    #[arg(value_name = "PATH", required_unless_present = "paths_file", add = crate::cli::completion::paths())]
    paths: Vec<String>,
    /// Take paths from a file, one a line (- for standard input)
    #[arg(long, value_name = "FILE")]
    paths_file: Option<String>,
    /// This version of every path
    #[arg(long, value_name = "N", conflicts_with = "metadata_only")]
    version: Option<u64>,
    /// Give up at the first path that fails
    #[arg(long)]
    fail_fast: bool,
    /// Add metadata to each value (shown with --json)
    #[arg(long, conflicts_with = "metadata_only")]
    include_metadata: bool,
    /// Metadata instead of values
    #[arg(long)]
    metadata_only: bool,
    /// Take paths with * and ? as patterns
    #[arg(long, requires = "metadata_only")]
    expand: bool,
}

/// Reads many secrets.
pub(super) async fn run(session: &Session, place: Place, arguments: BatchArguments) -> Result<Exit, Failure> {
    let mut paths = arguments.paths;
    if let Some(source) = &arguments.paths_file {
        let text = input::text(source).await?;
        paths.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let flag = |value: bool| value.then_some(Json::Bool(true));
    let options = object([
        ("version", arguments.version.map(Json::whole)),
        ("fail_fast", flag(arguments.fail_fast)),
        ("include_metadata", flag(arguments.include_metadata)),
        ("expand_wildcards", flag(arguments.expand)),
    ]);
    let options = (!options.members().is_empty()).then_some(options);
    let body = object([("paths", Some(Json::texts(paths.clone()))), ("options", options)]);
    let (address, found, version) = if arguments.metadata_only {
        (place.collection().then("batch").then("metadata"), "metadata", "current_version")
    } else {
        (place.collection().then("batch"), "secrets", "version")
    };
    let answer = session.send(Call::ask(address, &body)).await?;
    session.output.answer(&answer, |answer| table(answer, &paths, found, version).render())?;
    Ok(outcome(&answer.json()?, &paths))
}

/// One row for each path: first those asked for, in their order, then what patterns have found.
fn table(answer: &Json, paths: &[String], found: &str, version: &str) -> Table {
    let secrets = answer.member(found).map(Json::members).unwrap_or_default();
    let errors = answer.member("errors").map(Json::members).unwrap_or_default();
    let mut order: Vec<&str> = Vec::new();
    let answered = secrets.iter().chain(errors).map(|(path, _)| path.as_str());
    let known = |path: &&str| secrets.iter().chain(errors).any(|(answered, _)| answered == path);
    for path in paths.iter().map(String::as_str).filter(known).chain(answered) {
        if !order.contains(&path) {
            order.push(path);
        }
    }
    let mut table = Table::new(&["PATH", "VERSION", "TYPE", "ERROR"]);
    for path in order {
        let of = |members: &'_ [(String, Json)], name: &str| {
            cell(members.iter().find(|(key, _)| key == path).and_then(|(_, value)| value.member(name)))
        };
        table.push(vec![path.to_owned(), of(secrets, version), of(secrets, "secret_type"), of(errors, "code")]);
    }
    table
}

/// Success, or the status of the first path that failed.
fn outcome(answer: &Json, paths: &[String]) -> Exit {
    let errors = answer.member("errors").map(Json::members).unwrap_or_default();
    let first = paths.iter().find_map(|path| errors.iter().find(|(failed, _)| failed == path)).or(errors.first());
    match first {
        Some((_, error)) => Exit::of_code(error.member_text("code").unwrap_or_default()),
        None => Exit::SUCCESS,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_status_follow_the_paths_asked_for() {
        let text = r#"{"secrets":{"b":{"version":2,"secret_type":"kv"}},
            "errors":{"c":{"code":"access_denied"},"a":{"code":"secret_not_found"}}}"#;
        let answer = Json::parse(text).ok().unwrap();
        let paths = ["a", "b", "c", "a"].map(str::to_owned);
        let expected = "\
PATH  VERSION  TYPE  ERROR
a     -        -     secret_not_found
b     2        kv    -
c     -        -     access_denied";
        assert_eq!(table(&answer, &paths, "secrets", "version").render(), expected);
        assert_eq!(outcome(&answer, &paths), Exit::MISSING);
        assert_eq!(outcome(&Json::Null, &paths), Exit::SUCCESS);
    }
}
