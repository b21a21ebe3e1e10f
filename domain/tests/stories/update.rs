//! PATCH: metadata and options.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_domain::ErrorCode;
use scaivault_domain::secret::metadata::{MetadataPatch, OwnValue};
use scaivault_domain::secret::update::UpdateSecret;
use scaivault_domain::secret::{Metadata, Options, SecretEvent};
use serde_json::json;

use crate::story::{day, given, nothing};
use crate::vocabulary::*;

fn patch(patch: MetadataPatch) -> UpdateSecret {
    UpdateSecret { metadata: Some(Some(patch)), ..update() }
}

fn described(text: &str) -> MetadataPatch {
    MetadataPatch { description: Some(Some(text.into())), ..MetadataPatch::default() }
}

fn tags(tags: &[&str]) -> Option<Arc<[Arc<str>]>> {
    Some(tags.iter().map(|tag| Arc::from(*tag)).collect())
}

#[test]
fn metadata_merges_key_by_key_and_makes_no_version() {
    let event = |metadata: Metadata| SecretEvent::MetadataUpdated {
        version: Some(1),
        metadata: Some(metadata),
        options: None,
        expires_at: None,
    };
    let first = Metadata { description: Some("one".into()), ..Metadata::default() };
    let story = given([created()]).at(day(1)).when(patch(described("one"))).then([event(first.clone())]);
    assert_eq!((story.secret().updated_at, story.secret().current_number()), (day(1), Some(1)));

    let more = MetadataPatch {
        tags: Some(tags(&["a", "b"])),
        own: BTreeMap::from([("tier".into(), Some(OwnValue::Number(3.into())))]),
        ..MetadataPatch::default()
    };
    let second = Metadata {
        tags: tags(&["a", "b"]),
        own: BTreeMap::from([("tier".into(), OwnValue::Number(3.into()))]).into(),
        ..first
    };
    let story = story.when(patch(more)).then([event(second)]);

    let less = MetadataPatch {
        description: Some(None),
        tags: Some(tags(&["c"])),
        own: BTreeMap::from([("tier".into(), None), ("unknown".into(), None)]),
        ..MetadataPatch::default()
    };
    let story = story.when(patch(less)).then([event(Metadata { tags: tags(&["c"]), ..Metadata::default() })]);
    let empty = UpdateSecret { metadata: Some(None), ..update() };
    story.when(empty).then([event(Metadata::default())]);
}

#[test]
fn no_change_is_no_event() {
    let story = given([created()]).when(patch(described("one"))).accepted();
    let story = story.at(day(1)).when(patch(described("one"))).then([]);
    let story = story.when(update_with(keep(10))).then([]);
    let story = story.when(update()).then([]);
    assert_eq!(story.secret().updated_at, day(0));
}

#[test]
fn at_most_fifty_own_keys_result() {
    let keys = |range: std::ops::Range<u32>| MetadataPatch {
        own: range.map(|i| (format!("k{i}").into(), Some(OwnValue::Boolean(true)))).collect(),
        ..MetadataPatch::default()
    };
    let story = given([created()]).when(patch(keys(0..50))).accepted();
    story.when(patch(keys(50..51))).refused(
        ErrorCode::ValidationError,
        json!({"fields": [{"field": "metadata", "message": "may have at most 50 own keys"}]}),
    );
}

#[test]
fn changed_options_are_told_without_metadata() {
    let event = SecretEvent::MetadataUpdated {
        version: Some(1),
        metadata: None,
        options: Some(Options { max_versions: 4, ..options() }),
        expires_at: None,
    };
    given([created()]).when(update_with(keep(4))).then([event]);
}

#[test]
fn what_is_not_there_cannot_be_updated() {
    nothing().when(update()).refused(ErrorCode::SecretNotFound, json!({"path": "app/db"}));
    given([created(), deleted(day(30), 1)]).when(update()).refused(
        ErrorCode::SecretNotFound,
        json!({"path": "app/db", "deleted_at": "2026-01-01T00:00:00Z", "recoverable_until": "2026-01-31T00:00:00Z"}),
    );
}
