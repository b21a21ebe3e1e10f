//! `audit export`.

use std::time::Duration;

use clap::Args;
use http::Method;

use super::{EXPORTS, address, file_rows, files};
use crate::cli::client::address::Address;
use crate::cli::client::{Answer, Call};
use crate::cli::error::{Exit, Failure};
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table::{self, cell};

/// Between two looks at how far it has come.
const PAUSE: Duration = Duration::from_millis(500);
/// Before everything, and after everything: the server takes a later end as now.
const FIRST: &str = "0001-01-01";
const LAST: &str = "9999-12-31";

/// Flags of `audit export`.
#[derive(Args)]
pub(crate) struct ExportArguments {
    /// jsonl, csv, cef or ocsf
    #[arg(long, default_value = "jsonl")]
    format: String,
    /// Entries from this time on [default: all that are kept]
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Entries before this time; a date leaves that day out [default: now]
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Only these actions, comma-separated
    #[arg(long, value_name = "ACTION,…", value_delimiter = ',')]
    action: Vec<String>,
    /// Only of this identity
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Only of such identities: user, service_account, group, system
    #[arg(long, value_name = "TYPE")]
    identity_type: Option<String>,
    /// Only about secrets whose paths begin so
    #[arg(long, value_name = "TEXT")]
    path_prefix: Option<String>,
    /// Only successes (true) or failures (false)
    #[arg(long, value_name = "BOOL")]
    success: Option<bool>,
    /// Only from this address
    #[arg(long, value_name = "IP")]
    source_ip: Option<String>,
    /// Entries of no tenant
    #[arg(long)]
    platform: bool,
    /// s3://BUCKET/PREFIX, gs://…, azblob://… or file
    #[arg(long, value_name = "URL", default_value = "file")]
    destination: String,
    /// Secret with the credentials of the object store
    #[arg(long, value_name = "PATH")]
    credentials_path: Option<String>,
    /// Region of the bucket
    #[arg(long)]
    region: Option<String>,
    /// URL of a private or compatible service
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// Wait until it is done, showing how far it has come
    #[arg(long)]
    wait: bool,
}

/// Asks for an export.
pub(in crate::cli::audit) async fn run(session: &Session, arguments: ExportArguments) -> Result<Exit, Failure> {
    let (wait, platform) = (arguments.wait, arguments.platform);
    let call = Call::new(Method::POST, Address::new(EXPORTS)).with_body(&body(arguments)?);
    let answer = session.send(call).await?;
    if !wait {
        session.output.answer(&answer, table::lines)?;
        return Ok(Exit::SUCCESS);
    }
    let id = answer.json()?.member_text("id").unwrap_or_default().to_owned();
    let ended = ended(session, &id, platform).await?;
    session.output.answer(&ended, told)?;
    let export = ended.json()?;
    match export.member("error") {
        Some(error @ Json::Object(_)) => {
            Err(Failure::general(format!("The export failed: {}", cell(error.member("message")))))
        }
        _ => Ok(Exit::SUCCESS),
    }
}

fn body(arguments: ExportArguments) -> Result<Json, Failure> {
    let some = |text: String| Json::text(text);
    let actions: Vec<String> = arguments.action.iter().map(|action| action.trim().to_owned()).collect();
    let filters = object([
        ("action", (!actions.is_empty()).then(|| Json::texts(actions))),
        ("identity_id", arguments.identity.map(some)),
        ("identity_type", arguments.identity_type.map(some)),
        ("path_prefix", arguments.path_prefix.map(some)),
        ("success", arguments.success.map(Json::Bool)),
        ("source_ip", arguments.source_ip.map(some)),
    ]);
    let (kind, bucket, prefix) = destination(&arguments.destination)?;
    let destination = object([
        ("type", Some(Json::text(kind))),
        ("bucket", bucket.map(Json::text)),
        ("prefix", prefix.map(Json::text)),
        ("credentials_path", arguments.credentials_path.map(some)),
        ("region", arguments.region.map(some)),
        ("endpoint", arguments.endpoint.map(some)),
    ]);
    Ok(object([
        ("format", Some(Json::text(arguments.format))),
        ("from", Some(Json::text(arguments.start.unwrap_or_else(|| FIRST.into())))),
        ("to", Some(Json::text(arguments.end.unwrap_or_else(|| LAST.into())))),
        ("filters", (!filters.members().is_empty()).then_some(filters)),
        ("platform", arguments.platform.then_some(Json::Bool(true))),
        ("destination", Some(destination)),
    ]))
}

/// Kind of store, bucket and prefix of a destination.
fn destination(text: &str) -> Result<(&'static str, Option<&str>, Option<&str>), Failure> {
    if text == "file" {
        return Ok(("file", None, None));
    }
    let schemes = [("s3://", "s3"), ("gs://", "gcs"), ("azblob://", "azure_blob")];
    let found = schemes.into_iter().find_map(|(scheme, kind)| Some((kind, text.strip_prefix(scheme)?)));
    let usage = || Failure::usage("--destination is file, or s3://BUCKET/PREFIX, gs://… or azblob://…");
    let (kind, rest) = found.ok_or_else(usage)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    match bucket {
        "" => Err(usage()),
        bucket => Ok((kind, Some(bucket), (!prefix.is_empty()).then_some(prefix))),
    }
}

/// Waits until it is done.
async fn ended(session: &Session, id: &str, platform: bool) -> Result<Answer, Failure> {
    let mut last = String::new();
    loop {
        let answer = session.send(Call::fetch(address(id, platform))).await?;
        let export = answer.json()?;
        let so_far = match export.member_text("status") {
            Some("pending") => "waiting".to_owned(),
            Some("running") => {
                format!("{} of {} entries", cell(export.member("entries")), cell(export.member("entries_total")))
            }
            Some(_) | None => return Ok(answer),
        };
        if so_far != last {
            session.output.notice(&so_far);
        }
        last = so_far;
        tokio::time::sleep(PAUSE).await;
    }
}

/// What it was, and its files.
fn told(export: &Json) -> String {
    let mut rest = export.clone();
    rest.remove("manifest");
    match files(export) {
        [] => table::lines(&rest),
        files => format!("{}\n\n{}", table::lines(&rest), file_rows(files).render()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::destination;

    #[test]
    fn destinations_are_taken_apart() {
        for (text, expected) in [
            ("file", ("file", None, None)),
            ("s3://audit", ("s3", Some("audit"), None)),
            ("s3://audit/", ("s3", Some("audit"), None)),
            ("gs://audit/a/b", ("gcs", Some("audit"), Some("a/b"))),
            ("azblob://audit/a", ("azure_blob", Some("audit"), Some("a"))),
        ] {
            assert_eq!(destination(text).ok().unwrap(), expected, "{text}");
        }
        for text in ["", "s3://", "s3:///a", "ftp://x", "/tmp", "file://x"] {
            assert!(destination(text).is_err(), "{text}");
        }
    }
}
