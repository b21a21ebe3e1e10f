//! `secrets update`: metadata and options, without a new version.

use clap::Args;
use http::Method;

use super::Place;
use super::attributes::Attributes;
use crate::cli::client::Call;
use crate::cli::error::Failure;
use crate::cli::json::{Json, object};
use crate::cli::session::Session;
use crate::cli::table;

/// Flags of the command.
#[derive(Args)]
#[command(after_help = "--tag adds to the tags that are there, --remove-tag takes away from them.")]
pub(super) struct UpdateArguments {
    /// Path of the secret
    #[arg(add = crate::cli::completion::paths())]
    path: String,
    /// Remove a tag (repeatable)
    #[arg(long = "remove-tag", value_name = "T")]
    remove_tags: Vec<String>,
    /// Only if the current version is N
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
    #[command(flatten)]
    attributes: Attributes,
}

/// Changes what was given and shows the metadata.
pub(super) async fn run(session: &Session, place: Place, arguments: UpdateArguments) -> Result<(), Failure> {
    let UpdateArguments { path, attributes, remove_tags, if_version } = arguments;
    let tags = if attributes.tags.is_empty() && remove_tags.is_empty() {
        None
    } else {
        // The API replaces the list as a whole, so the present one is needed first.
        let address = place.collection().then("metadata").secret(&path);
        let present = session.send(Call::fetch(address)).await?.json()?;
        Some(changed(&present, &attributes.tags, &remove_tags))
    };
    let body = object([("metadata", attributes.metadata(tags)), ("options", attributes.options())]);
    if body.members().is_empty() {
        return Err(Failure::usage("Nothing to change: give a flag of metadata or options"));
    }
    let call = Call::new(Method::PATCH, place.secret(&path)).with_body(&body).if_version(if_version);
    let answer = session.send(call).await?;
    session.output.answer(&answer, table::lines)
}

/// The tags of a metadata view, with some added and some taken away.
fn changed(present: &Json, added: &[String], removed: &[String]) -> Vec<String> {
    let tags = present.member("metadata").and_then(|metadata| metadata.member("tags"));
    let mut tags: Vec<String> =
        tags.map(Json::items).unwrap_or_default().iter().filter_map(Json::as_text).map(str::to_owned).collect();
    for tag in added {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    tags.retain(|tag| !removed.contains(tag));
    tags
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_added_and_removed() {
        let present = Json::parse(r#"{"metadata":{"tags":["a","b"]}}"#).ok().unwrap();
        let texts = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(changed(&present, &texts(&["c", "a"]), &texts(&["b"])), texts(&["a", "c"]));
        assert_eq!(changed(&Json::Null, &[], &texts(&["b"])), Vec::<String>::new());
    }
}
