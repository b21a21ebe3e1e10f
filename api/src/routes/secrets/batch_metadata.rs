//! `POST /v1/secrets/batch/metadata`: metadata of several secrets, patterns expanded if asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use scaivault_commands::{EntryDraft, Reply};
use scaivault_domain::access::Permission;
use scaivault_domain::audit::Action;
use scaivault_domain::pattern::has_wildcard;
use scaivault_domain::secret::Secret;
use scaivault_domain::{ErrorCode, Pattern, Rejection, Scope};
use serde::Serialize;
use serde_json::Value;

use super::batch::{MAX_PATHS, entry_of, fail_fast, inner, paths};
use super::view::{MetadataView, Policies};
use super::{metadata, secret_operation};
use crate::call::{Call, Stop};
use crate::category::Category;
use crate::fields::not_null;
use crate::operation::{Access, Body};
use crate::response::Done;

secret_operation!(BATCH_METADATA, POST, "/batch/metadata", "read_secrets_metadata", {
    summary: "Shows the metadata of up to 100 secrets.",
    access: Access::Scopes(&[Scope::SecretsList]),
    category: Category::BatchMetadata,
    action: Some(Action::List),
    idempotent: false,
    query: &[],
    headers: &[],
    body: Body::Json("BatchMetadata"),
    answers: &[(200, Some("BatchMetadataAnswer"))],
    errors: &[ErrorCode::InvalidPath, ErrorCode::InvalidGlob, ErrorCode::SecretNotFound],
    handler: |call| Box::pin(show_batch(call)),
});

#[derive(Serialize)]
struct Answer<'a> {
    metadata: BTreeMap<&'a str, MetadataView<'a>>,
    errors: BTreeMap<&'a str, Value>,
}

struct Wanted {
    paths: Vec<String>,
    expand: bool,
    fail_fast: bool,
}

async fn show_batch(call: &mut Call) -> Result<Done, Stop> {
    let wanted = wanted(call)?;
    let mut secrets: Vec<(String, Arc<Secret>)> = Vec::new();
    let mut errors: BTreeMap<String, Rejection> = BTreeMap::new();
    let mut entries: Vec<(EntryDraft, Option<&'static str>)> = Vec::new();
    for (text, pattern) in expanded(call, &wanted)? {
        let (entry, path) = entry_of(call, &text, Permission::List);
        let found = match pattern {
            Some(refused) => Err(refused),
            None => path.and_then(|path| metadata::live(call, &path)),
        };
        let code = found.as_ref().err().map(|rejection| rejection.code.as_str());
        match found {
            Ok(secret) => secrets.push((text, secret)),
            Err(rejection) if wanted.fail_fast => return Err(fail_fast(call, entry, &text, rejection)),
            Err(rejection) => _ = errors.insert(text, rejection),
        }
        entries.push((entry, code));
    }
    let view = call.app.engine.projections().view();
    let (policies, now) = (Policies::of(&view, &call.target.owner), call.now());
    let shown = |secret| MetadataView::new(secret, policies, now, None);
    let metadata = secrets.iter().map(|(path, secret)| (path.as_str(), shown(secret))).collect();
    let errors = errors.iter().map(|(path, rejection)| (path.as_str(), inner(rejection))).collect();
    let reply = Reply::json(200, &Answer { metadata, errors })?;
    if entries.is_empty() {
        // Patterns that match nothing concern no path: the request itself is what is recorded.
        return Ok(Done::Reply(reply));
    }
    call.record(&entries).await?;
    Ok(Done::Recorded(reply))
}

fn wanted(call: &mut Call) -> Result<Wanted, Rejection> {
    let mut faults = std::mem::take(&mut call.query.faults);
    let mut fields = call.fields();
    let mut wanted = Wanted { paths: paths(&mut fields, &mut faults), expand: false, fail_fast: false };
    let options = fields.object("options", &mut faults);
    if let Some(mut options) = not_null(options, "options", &mut faults) {
        wanted.expand = options.boolean("expand_wildcards", &mut faults).flatten().unwrap_or(false);
        wanted.fail_fast = options.boolean("fail_fast", &mut faults).flatten().unwrap_or(false);
        options.finish(&mut faults);
    }
    fields.finish(&mut faults);
    faults.finish()?;
    Ok(wanted)
}

/// The paths that are meant, each once; a malformed pattern stands for itself with its refusal.
fn expanded(call: &Call, wanted: &Wanted) -> Result<Vec<(String, Option<Rejection>)>, Rejection> {
    let view = call.app.engine.projections().view();
    let catalogue = view.secrets(&call.target.owner);
    let mut meant: Vec<(String, Option<Rejection>)> = Vec::new();
    let mut add = |text: &str, refused: Option<Rejection>| {
        if !meant.iter().any(|(other, _)| other == text) {
            meant.push((text.to_owned(), refused));
        }
        meant.len() <= MAX_PATHS
    };
    let too_many = || Rejection::field("paths", "stands for more than 100 paths after expansion");
    for text in &wanted.paths {
        if !wanted.expand || !has_wildcard(text) {
            add(text, None).then_some(()).ok_or_else(too_many)?;
            continue;
        }
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err(refused) => {
                add(text, Some(refused)).then_some(()).ok_or_else(too_many)?;
                continue;
            }
        };
        let candidates = catalogue.with_prefix(pattern.literal_prefix());
        for (path, _) in
            candidates.filter(|(path, held)| held.secret.deleted.is_none() && pattern.matches(path.as_str()))
        {
            if call.sees(path) {
                add(path.as_str(), None).then_some(()).ok_or_else(too_many)?;
            }
        }
    }
    Ok(meant)
}
